//! Plans of `joiner plan` beside Karpenter's, on the problems of a folder: what they cost, how long they take, what they break.
//!
//! The folder holds `check/` with the problems, the script that turns one into manifests, the judge of plans, and Karpenter's
//! results. The exit code is 1 where a plan breaks a rule, 2 where nothing could be
//! measured. Run it by `just parity`.

mod baseline;
mod engine;
mod measures;
mod problem;
mod row;
mod table;

use anyhow::{Context, Result};
use clap::Parser;
use problem::Problem;
use row::Row;
use std::io::{Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Problems of nodes to be consolidated begin like this.
const CONSOLIDATION: &str = "consol-";

/// The exit code where nothing could be measured.
const BAD_INPUT: u8 = 2;

/// Plans of `joiner plan` beside Karpenter's.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder that holds `check/`.
    shared: PathBuf,
    /// Only problems whose names contain this.
    #[arg(default_value = "")]
    filter: String,
    /// The command to be measured; the `joiner` beside this program is taken without it.
    #[arg(long)]
    joiner: Option<PathBuf>,
    /// Make the manifests of the problem of just this name and end.
    #[arg(long, hide = true)]
    make: bool,
}

fn main() -> ExitCode {
    run(Arguments::parse()).unwrap_or_else(|error| {
        // Nothing is left to be done where even this cannot be said.
        let _ = writeln!(stderr(), "error: {error:#}");
        ExitCode::from(BAD_INPUT)
    })
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let ourselves = std::env::current_exe().context("this program's file was to be found")?;
    let beside = ourselves.parent().context("this program lies in a folder")?;
    let kept_in = beside.with_file_name("parity");
    let mut problems = problem::list(&arguments.shared, &arguments.filter, &kept_in)?;
    if arguments.make {
        problems.retain(|problem| problem.name == arguments.filter);
        for problem in &problems {
            problem::make(problem, &arguments.shared)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let joiner = arguments.joiner.unwrap_or_else(|| beside.join("joiner"));
    let (skipped, problems): (Vec<Problem>, Vec<Problem>) =
        problems.into_iter().partition(|problem| problem.name.starts_with(CONSOLIDATION));
    let rows = rows(&joiner, &arguments.shared, &problems)?;
    let mut output = stdout().lock();
    let skipped: Vec<&str> = skipped.iter().map(|problem| &*problem.name).collect();
    write!(output, "{}", table::print(&rows))?;
    if !skipped.is_empty() {
        writeln!(output, "{}: skipped, `joiner plan` does not consolidate", skipped.join(", "))?;
    }
    write!(output, "\n{}\n{}", table::averages(&rows), measures::print(&rows))?;
    Ok(if rows.iter().any(Row::is_broken) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Measures one problem after the other: two at once would slow each other down.
fn rows(joiner: &Path, shared: &Path, problems: &[Problem]) -> Result<Vec<Row>> {
    let baseline = baseline::read(shared)?;
    let mut rows = Vec::new();
    for problem in problems {
        // Nobody has to see how far it is.
        let _ = writeln!(stderr(), "{}", problem.name);
        let facts = problem::prepare(problem, shared)?;
        let ours = engine::measure(joiner, shared, problem);
        rows.push(Row {
            name: problem.name.clone(),
            facts,
            ours: ours.map_err(|error| format!("{error:#}")),
            theirs: baseline.get(&problem.name).copied(),
        });
    }
    Ok(rows)
}
