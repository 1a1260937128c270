//! `joiner simulate`: the whole product in a world of its own, in virtual time, printed as figures.

mod progress;
mod runs;
mod scene;

use crate::failure::Failure;
use crate::format::Format;
use crate::{Streams, files};
use clap::Args;
use runs::Run;
use scene::Scene;
use sim::faults::Faults;
use sim::html::{Story, page};
use sim::trace::Days;
use std::fs;
use std::path::{Path, PathBuf};

const POOLS_HELP: &str = "NodePools and EC2NodeClasses (YAML or JSON) instead of the built-in two pools, \
    one for CPU and one for GPU";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A trace of pods (CSV) of the built-in one's shape, instead of it.
    #[arg(long, value_name = "FILE.csv", conflicts_with = "workload")]
    trace: Option<PathBuf>,
    /// Days of the trace, A up to but not including B; `A..` goes to its end. Default: the last 14 of the built-in trace, all of
    /// another.
    #[arg(long, value_name = "A..B", conflicts_with = "workload")]
    days: Option<Days>,
    /// How many copies of the trace run at once, each a little out of step.
    #[arg(long, value_name = "K", default_value_t = 1, conflicts_with = "workload",
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    scale: u32,
    /// A workload in the small language of Deployments, Jobs, daily curves and bursts, or the name of a shipped example: burst,
    /// daily-curve, batch-night, spot-storm, zone-outage, zone-spread, co-located, one-hour.
    #[arg(long, value_name = "FILE.yaml")]
    workload: Option<PathBuf>,
    #[arg(long, value_name = "FILE.yaml", help = POOLS_HELP)]
    pools: Option<PathBuf>,
    /// The region whose instance types and prices are used.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// All chance comes from it: the same seed and input give the same run.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Runs so many seeds, from `--seed` on.
    #[arg(long, value_name = "N", conflicts_with = "report",
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: Option<u32>,
    /// Runs once, and then once for each point at which a function waits, with the function dying there: whatever crashes, the
    /// world has to end as it did without. For short workloads, as one-hour.
    #[arg(long, conflicts_with_all = ["report", "seeds", "hours"])]
    crash_points: bool,
    /// Ends each run after so many virtual hours in any case.
    #[arg(long, value_name = "H", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    hours: Option<u64>,
    /// What goes wrong: none, realistic, hostile, no-forwarder; the last also behind a comma. The default is what a good month
    /// looks like: spot interruptions, missing capacity, a message twice.
    #[arg(long, default_value = "realistic", value_parser = faults)]
    faults: Faults,
    /// How the result is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Also writes a page with charts.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

fn faults(text: &str) -> Result<Faults, String> {
    let expected = "expected none, realistic, hostile or no-forwarder";
    Faults::parse(text).ok_or_else(|| expected.to_owned())
}

/// Simulates and prints.
pub(crate) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let scene = Scene::read(arguments, streams)?;
    // What cannot be written is better known before than after.
    if let Some(path) = &arguments.report {
        write_file(path, "")?;
    }
    let first = arguments.seed;
    if arguments.crash_points {
        return crashes(arguments, &scene, streams);
    }
    let seeds: Vec<u64> = match arguments.seeds {
        None => vec![first],
        Some(count) => (0..u64::from(count)).map(|index| first.saturating_add(index)).collect(),
    };
    let runs = match &seeds[..] {
        [seed] => vec![runs::one(&scene, *seed, streams.has_terminal)?],
        seeds => runs::all(&scene, seeds, streams.has_terminal)?,
    };
    if let (Some(path), [run]) = (&arguments.report, &runs[..]) {
        let notes = scene.notes();
        let story = Story { title: &run.title, notes: &notes };
        write_file(path, &page(&run.record, &run.bound, &run.summary, story))?;
    }
    let text = match (arguments.output, arguments.seeds, &runs[..]) {
        (Format::Table, None, [run]) => run.summary.to_table(),
        (Format::Json, None, [run]) => run.summary.to_json() + "\n",
        (Format::Table, _, runs) => runs::table(runs),
        (Format::Json, _, runs) => runs::json(runs),
    };
    streams.output.write_all(text.as_bytes()).map_err(Failure::output)?;
    match runs.iter().find_map(|run| Some((run, run.summary.violations.first()?))) {
        None => Ok(()),
        Some((Run { seed, .. }, violation)) => {
            Err(Failure::Run(format!("seed {seed}: an invariant was broken: {violation}")))
        }
    }
}

/// Tries every crash and prints how that went.
fn crashes(arguments: &Arguments, scene: &Scene, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let crashes = runs::crashes(scene, arguments.seed, streams.has_terminal)?;
    streams.print(arguments.output, &crashes, |crashes| {
        let mut text = crashes.broken.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text + &format!("{} crash points, {} broken\n", crashes.points, crashes.broken.len())
    })?;
    match crashes.broken.first() {
        None => Ok(()),
        Some(line) => Err(Failure::Run(line.clone())),
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let shown = path.display().to_string();
    fs::write(path, text)
        .map_err(|error| Failure::Input(format!("--report {}: {error}", shown.escape_debug())))
}

/// The bytes of a file, or of the shipped example of that name where there is no such file.
fn workload_file(path: &Path, streams: &mut Streams<'_>) -> Result<files::Content, Failure> {
    let example = sim::file::EXAMPLES.iter().find(|(name, _)| Path::new(name) == path);
    match example {
        Some((name, text)) if !path.exists() => {
            Ok(files::Content { name: (*name).to_owned(), bytes: text.as_bytes().to_vec() })
        }
        Some(_) | None => files::read(path, streams.input),
    }
}
