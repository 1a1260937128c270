//! A live bar on standard error, on a terminal only: results never depend on it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sim::simulation::Progress;

/// A bar, or nothing where nobody looks.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// How far a run is, in virtual hours.
    pub(super) fn of_run(has_terminal: bool) -> Self {
        Self::new(0, has_terminal, "{wide_bar} hour {pos} of {len}  {msg}")
    }

    /// How many seeds have been run.
    pub(super) fn of_sweep(seeds: usize, has_terminal: bool) -> Self {
        let length = u64::try_from(seeds).unwrap_or(u64::MAX);
        Self::new(length, has_terminal, "{wide_bar} seed {pos} of {len}")
    }

    fn new(length: u64, has_terminal: bool, template: &str) -> Self {
        let target =
            if has_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let style = ProgressStyle::with_template(template);
        Self(bar.with_style(style.expect("the template names fields that indicatif has")))
    }

    /// Shows how far the run is. It goes on a little after the load has ended, until everything has gone.
    pub(super) fn advance(&mut self, progress: Progress) {
        let hours = |span: jiff::SignedDuration| u64::try_from(span.as_hours()).unwrap_or(0);
        let passed = hours(progress.passed);
        self.0.set_length(hours(progress.load).max(passed));
        self.0.set_position(passed);
        let Progress { pods_waiting, pods_bound, nodes, .. } = progress;
        self.0.set_message(format!("{nodes} nodes, {pods_bound} pods, {pods_waiting} waiting"));
    }

    /// One more seed has been run.
    pub(super) fn one_more(&self) {
        self.0.inc(1);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
