//! `joiner doctor`: whether what joiner needs is in a cluster, a line for each thing, and what to do where it is not. It only
//! reads, and asks who may do what.

mod checks;
mod idle;
mod installation;
mod rights;

use crate::failure::Failure;
use crate::format::Format;
use crate::live::Server;
use crate::{Streams, files};
use clap::Args;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// The region whose instance types are used; without it the cluster's.
    #[arg(long)]
    region: Option<String>,
    /// Print what this SAM template costs in a month in which nothing happens, and look at no cluster.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kubeconfig", "region"])]
    template: Option<PathBuf>,
    /// How long one idle run of a function takes in milliseconds, with --template: FUNCTION=MILLIS, or FUNCTION/EVENT=MILLIS for
    /// one of its schedules. Without it 100, and 10000 for a run each hour or less often.
    #[arg(long, value_name = "FUNCTION=MILLIS", requires = "template")]
    took: Vec<String>,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It works, but not as it might.
    Warning,
    /// Something does not work.
    Failure,
}

/// What was found out about one thing.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    what: String,
    state: State,
    says: String,
    /// What to do about it, where there is something.
    todo: Option<String>,
}

impl Finding {
    fn ok(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Ok, says: says.into(), todo: None }
    }

    fn warning(what: impl Into<String>, says: impl Into<String>, todo: &str) -> Self {
        let todo = Some(todo.to_owned());
        Self { what: what.into(), state: State::Warning, says: says.into(), todo }
    }

    fn failure(what: impl Into<String>, says: impl Into<String>, todo: &str) -> Self {
        let todo = Some(todo.to_owned());
        Self { what: what.into(), state: State::Failure, says: says.into(), todo }
    }
}

/// Things that a line names.
const NAMED_MAX: usize = 3;

/// The first few, and how many more there are.
fn some(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMED_MAX)].join(", ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What `-o json` prints. Its keys never change their meaning.
#[derive(Debug, Serialize)]
struct Report {
    findings: Vec<Finding>,
    failures: usize,
    warnings: usize,
}

/// Looks and prints. A failure among the findings is exit code 1.
pub(crate) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let Arguments { server, region, template, took, output } = arguments;
    if let Some(path) = template {
        let content = files::read(path, streams.input)?;
        return streams.print(*output, &idle::report(&content, took)?, idle::text);
    }
    let findings = checks::all(&server.connect()?, server, region.as_deref());
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (failures, warnings) = (count(State::Failure), count(State::Warning));
    streams.print(*output, &Report { findings, failures, warnings }, text)?;
    match failures {
        0 => Ok(()),
        failures => Err(Failure::Run(format!("{failures} of the checks failed"))),
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for Finding { what, state, says, todo } in &report.findings {
        let state = match state {
            State::Ok => "ok     ",
            State::Warning => "warning",
            State::Failure => "FAILURE",
        };
        let _ = write!(text, "{state}  {what}: {says}");
        let _ = match todo {
            Some(todo) => writeln!(text, " -> {todo}"),
            None => writeln!(text),
        };
    }
    text
}
