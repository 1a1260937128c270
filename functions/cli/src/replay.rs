//! `joiner replay`: the decisions of a recorded cluster made again. The same file gives the same bytes.

use crate::failure::Failure;
use crate::format::Format;
use crate::recording::{Plans, Recording};
use crate::{Streams, files};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use model::plan::Plan;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// Lines of a difference that are shown.
const LINES_MAX: usize = 40;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What `joiner status --record` has written; `-` is standard input.
    file: PathBuf,
    /// The decision that is made again; without it both.
    #[arg(long, value_enum)]
    decision: Option<Decision>,
    /// Compare with the plans in the file: where one is another now, say where, and end with exit code 1.
    #[arg(long)]
    expect: bool,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// The functions whose decisions depend on a view of the cluster alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decision {
    /// Places for pods that wait.
    Provision,
    /// Nodes that go.
    Disrupt,
}

/// What `-o json` prints. Its keys never change their meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    now: Timestamp,
    plans: Plans,
    /// Rules that a plan breaks, in a line each; such a plan is not carried out.
    violations: Vec<String>,
}

/// Decides and prints.
pub(crate) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let Arguments { file, decision, expect, output } = arguments;
    let recording = Recording::read(&files::read(file, streams.input)?)?;
    let is_asked = |of| decision.is_none_or(|one| one == of);
    let (provision, disrupt) = recording.decide();
    let plans = Plans {
        provision: Some(provision).filter(|_| is_asked(Decision::Provision)),
        disrupt: Some(disrupt).filter(|_| is_asked(Decision::Disrupt)),
    };
    let pairs = [
        ("provision", &plans.provision, &recording.plans.provision),
        ("disrupt", &plans.disrupt, &recording.plans.disrupt),
    ];
    let mut differences = Vec::new();
    for (name, now, then) in pairs.into_iter().filter(|_| *expect) {
        match (now, then) {
            (None, _) => {}
            (Some(_), None) => {
                let name_of = files::name_of(file);
                let missing = format!(
                    "{}: plans.{name}: expected a plan to compare with",
                    name_of.escape_debug()
                );
                return Err(Failure::Input(missing));
            }
            (Some(now), Some(then)) => differences.extend(difference(name, then, now)),
        }
    }
    let all = plans.provision.iter().chain(&plans.disrupt);
    let check = |plan| reconciler::check::check(plan, &recording.snapshot, recording.now);
    let violations = all.flat_map(check).map(|violation| violation.to_string()).collect();
    let report = Report { now: recording.now, plans, violations };
    streams.print(*output, &report, text)?;
    if differences.is_empty() {
        return Ok(());
    }
    for difference in &differences {
        write!(streams.errors, "{difference}").map_err(Failure::output)?;
    }
    Err(Failure::Run("what is decided now is not what was decided then".to_owned()))
}

fn text(report: &Report) -> String {
    let Report { now, plans, violations } = report;
    let mut text = String::new();
    let named = [("provision", &plans.provision), ("disrupt", &plans.disrupt)];
    for (name, plan) in named {
        let Some(plan) = plan else { continue };
        let _ = writeln!(text, "{name} at {now}");
        let lines = plan.to_string();
        lines.lines().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
        if lines.is_empty() {
            text.push_str("  nothing\n");
        }
    }
    for violation in violations {
        let _ = writeln!(text, "breaks a rule: {violation}");
    }
    text
}

/// The lines in which two plans differ, without what both begin and end with; nothing where they are the same.
fn difference(name: &str, then: &Plan, now: &Plan) -> Option<String> {
    if then == now {
        return None;
    }
    let (then, now) = (then.to_string(), now.to_string());
    let (then, now): (Vec<&str>, Vec<&str>) = (then.lines().collect(), now.lines().collect());
    let start = then.iter().zip(&now).take_while(|(a, b)| a == b).count();
    let (then, now) = (&then[start..], &now[start..]);
    let end = then.iter().rev().zip(now.iter().rev()).take_while(|(a, b)| a == b).count();
    let (then, now) = (&then[..then.len() - end], &now[..now.len() - end]);
    let mut text = format!("{name}, from line {}:\n", start + 1);
    if then.is_empty() && now.is_empty() {
        text.push_str("  the same in words; its actions differ in what is not shown\n");
    }
    let lines = then.iter().map(|line| ('-', line)).chain(now.iter().map(|line| ('+', line)));
    for (sign, line) in lines.clone().take(LINES_MAX) {
        let _ = writeln!(text, "{sign} {line}");
    }
    if let Some(more) = lines.count().checked_sub(LINES_MAX).filter(|more| 0 < *more) {
        let _ = writeln!(text, "and {more} more lines");
    }
    Some(text)
}
