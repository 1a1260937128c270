//! Runs: one, or one for each seed of a sweep.

use super::progress::Bar;
use super::scene::{Scene, settings};
use crate::columns;
use crate::failure::Failure;
use crate::wiring::{Handlers, Watch};
use serde::Serialize;
use sim::bound::{Bound, Offer, lower_bound};
use sim::record::Record;
use sim::summary::{Summary, summarize};
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// A run that is over.
pub(super) struct Run {
    pub(super) seed: u64,
    crash_at: Option<u64>,
    pub(super) title: String,
    pub(super) record: Record,
    pub(super) bound: Bound,
    pub(super) summary: Summary,
}

/// What came of crashes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Crashes {
    /// Points at which a function was let die, one in each run.
    pub(super) points: u64,
    /// What went wrong, a line each.
    pub(super) broken: Vec<String>,
}

/// One of several runs: its seed, and where a function dies.
#[derive(Clone, Copy, Debug)]
struct Point {
    seed: u64,
    crash_at: Option<u64>,
}

/// Runs one seed; everything that was written down is kept.
pub(super) fn one(scene: &Scene, seed: u64, has_terminal: bool) -> Result<Run, Failure> {
    let mut bar = Bar::of_run(has_terminal);
    let point = Point { seed, crash_at: None };
    let run = simulate(scene, &scene.offers(), point, &mut |progress| bar.advance(progress));
    bar.finish();
    run
}

/// Runs seeds side by side; of each only the figures are kept. The result is in the order of the seeds.
pub(super) fn all(scene: &Scene, seeds: &[u64], has_terminal: bool) -> Result<Vec<Run>, Failure> {
    let points: Vec<Point> =
        seeds.iter().map(|seed| Point { seed: *seed, crash_at: None }).collect();
    let mut runs = side_by_side(scene, &points, has_terminal)?;
    runs.sort_by_key(|run| run.seed);
    Ok(runs)
}

/// Runs one seed again and again, with another crash in each run, and says where the world did not end as without.
pub(super) fn crashes(scene: &Scene, seed: u64, has_terminal: bool) -> Result<Crashes, Failure> {
    let whole = one(scene, seed, false)?;
    let points = (1..=whole.record.awaits).map(|at| Point { seed, crash_at: Some(at) });
    let points: Vec<Point> = points.collect();
    let runs = side_by_side(scene, &points, has_terminal)?;
    let mut broken = Vec::new();
    for run in &runs {
        let at = run.crash_at.unwrap_or_default();
        let violations = run.summary.violations.iter();
        broken.extend(violations.map(|what| format!("crash at {at}: {what}")));
        if ending(&run.summary) != ending(&whole.summary) {
            let (then, now) = (ending(&whole.summary), ending(&run.summary));
            broken.push(format!("crash at {at}: ended with {now}; without a crash with {then}"));
        }
    }
    Ok(Crashes { points: whole.record.awaits, broken })
}

/// How a world has ended.
fn ending(summary: &Summary) -> String {
    let Summary { pods_completed, pods_running, pods_pending, .. } = summary;
    let left = summary.nodes_launched - summary.nodes_terminated;
    format!(
        "{pods_completed} pods done, {pods_running} running, {pods_pending} pending, {left} nodes"
    )
}

/// Runs side by side; of each only the figures are kept, in no order.
fn side_by_side(scene: &Scene, points: &[Point], has_terminal: bool) -> Result<Vec<Run>, Failure> {
    let offers = scene.offers();
    let bar = Bar::of_sweep(points.len(), has_terminal);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Result<Run, Failure>>> = Mutex::new(Vec::new());
    let work = || {
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            let run = simulate(scene, &offers, *point, &mut |_| {}).map(|run| Run {
                record: Record::default(),
                bound: Bound::default(),
                ..run
            });
            done.lock().expect("no run panics while it holds the list").push(run);
            bar.one_more();
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(points.len());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    bar.finish();
    let done = done.into_inner().expect("no run panics while it holds the list");
    done.into_iter().collect()
}

fn simulate(
    scene: &Scene,
    offers: &[Offer],
    Point { seed, crash_at }: Point,
    tell: &mut dyn FnMut(sim::simulation::Progress),
) -> Result<Run, Failure> {
    let mut config = scene.config(seed, tell)?;
    config.faults.crash_at = crash_at;
    let title = config.workload.title.clone();
    let start = Instant::now();
    let record = sim::simulation::run(config, Handlers::new(settings()), Watch::default());
    let bound = lower_bound(&record, offers);
    let summary = summarize(&record, &bound, seed, start.elapsed().as_secs_f64());
    Ok(Run { seed, crash_at, title, record, bound, summary })
}

/// A line for each run.
pub(super) fn table(runs: &[Run]) -> String {
    let heads =
        ["SEED", "HOURS", "PODS", "P50 S", "P99 S", "NODES", "COST $", "GAP", "FAULTS", "BROKEN"];
    let all: Vec<usize> = (0..heads.len()).collect();
    let mut table = columns::table(&heads, &all);
    for Run { summary, .. } in runs {
        table.add_row([
            summary.seed.to_string(),
            format!("{:.0}", summary.virtual_hours),
            summary.pods_created.to_string(),
            format!("{:.1}", summary.pending_seconds.p50),
            format!("{:.1}", summary.pending_seconds.p99),
            summary.nodes_launched.to_string(),
            format!("{:.2}", summary.cost_dollars),
            format!("{:.0}%", summary.gap_percent),
            summary.faults_injected.to_string(),
            summary.violations.len().to_string(),
        ]);
    }
    let mut text = columns::render(&table);
    for Run { summary, .. } in runs {
        for violation in &summary.violations {
            writeln!(text, "VIOLATION seed {}: {violation}", summary.seed)
                .expect("text takes text");
        }
    }
    text
}

/// All runs as one JSON object, a run to a line.
pub(super) fn json(runs: &[Run]) -> String {
    let lines: Vec<String> = runs.iter().map(|run| run.summary.to_json()).collect();
    let violations: Vec<String> = runs
        .iter()
        .flat_map(|run| {
            run.summary.violations.iter().map(|what| format!("seed {}: {what}", run.seed))
        })
        .collect();
    let violations = serde_json::to_string(&violations).expect("texts are JSON");
    format!("{{\"runs\":[\n{}\n],\"violations\":{violations}}}\n", lines.join(",\n"))
}
