//! Runs: one, or one for each seed of a sweep.

use super::progress::Bar;
use super::scene::{Scene, settings};
use crate::columns;
use crate::failure::Failure;
use crate::wiring::{Handlers, Watch};
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
    pub(super) title: String,
    pub(super) record: Record,
    pub(super) bound: Bound,
    pub(super) summary: Summary,
}

/// Runs one seed; everything that was written down is kept.
pub(super) fn one(scene: &Scene, seed: u64, has_terminal: bool) -> Result<Run, Failure> {
    let mut bar = Bar::of_run(has_terminal);
    let run = simulate(scene, &scene.offers(), seed, &mut |progress| bar.advance(progress));
    bar.finish();
    run
}

/// Runs seeds side by side; of each only the figures are kept. The result is in the order of the seeds.
pub(super) fn all(scene: &Scene, seeds: &[u64], has_terminal: bool) -> Result<Vec<Run>, Failure> {
    let offers = scene.offers();
    let bar = Bar::of_sweep(seeds.len(), has_terminal);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Result<Run, Failure>>> = Mutex::new(Vec::new());
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let run = simulate(scene, &offers, *seed, &mut |_| {}).map(|run| Run {
                record: Record::default(),
                bound: Bound::default(),
                ..run
            });
            done.lock().expect("no run panics while it holds the list").push(run);
            bar.one_more();
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(seeds.len());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    bar.finish();
    let done = done.into_inner().expect("no run panics while it holds the list");
    let mut runs = done.into_iter().collect::<Result<Vec<Run>, Failure>>()?;
    runs.sort_by_key(|run| run.seed);
    Ok(runs)
}

fn simulate(
    scene: &Scene,
    offers: &[Offer],
    seed: u64,
    tell: &mut dyn FnMut(sim::simulation::Progress),
) -> Result<Run, Failure> {
    let config = scene.config(seed, tell)?;
    let title = config.workload.title.clone();
    let start = Instant::now();
    let record = sim::simulation::run(config, Handlers::new(settings()), Watch::default());
    let bound = lower_bound(&record, offers);
    let summary = summarize(&record, &bound, seed, start.elapsed().as_secs_f64());
    Ok(Run { seed, title, record, bound, summary })
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
