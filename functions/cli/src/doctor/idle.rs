//! `joiner doctor --template`: what a stack costs in a month in which nothing happens, by the schedules and queues of its template.

use crate::bill::{Bill, Line, Sweep, dollars, month, runs_in_a_month};
use crate::columns::{render, table};
use crate::failure::Failure;
use crate::files::Content;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An idle run reads some ten lists of a small cluster at once, and answers.
const TOOK: Duration = Duration::from_millis(100);

/// What runs each hour or less often asks AWS for all that there is to buy: some forty calls, one after the other.
const TOOK_RARELY: Duration = Duration::from_secs(10);

/// Runs of a schedule of one hour.
const RARELY_A_MONTH: u64 = 30 * 24;

/// Lambda's memory where a template says nothing, in MB.
const MEMORY_MB: u64 = 128;

/// Lambda lets no run take longer.
const LONGEST_MILLIS: u64 = 15 * 60 * 1000;

/// Nano-dollars of a dollar.
const NANO: f64 = 1e9;

/// What `-o json` prints. Its keys never change their meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    lines: Vec<LineReport>,
    /// Dollars a month at list price, and less what every account has free.
    list_per_month: f64,
    due_per_month: f64,
    #[serde(skip)]
    bill: Bill,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LineReport {
    what: String,
    dollars_per_month: f64,
}

/// The bill of a template.
pub(super) fn report(content: &Content, took: &[String]) -> Result<Report, Failure> {
    let name = content.name.escape_debug().to_string();
    let text = String::from_utf8_lossy(&content.bytes);
    let template: Value = serde_saphyr::from_str(&text).map_err(|error| {
        let error: String =
            error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Failure::Input(format!("{name}: expected a SAM template: {error}"))
    })?;
    let resources = template["Resources"].as_object();
    let resources = resources.ok_or_else(|| {
        Failure::Input(format!("{name}: Resources: expected the stack's resources"))
    })?;
    let took = durations(took)?;
    let (mut sweeps, mut queues) = (Vec::new(), BTreeSet::new());
    let (mut known, globals) = (BTreeSet::new(), &template["Globals"]["Function"]["MemorySize"]);
    for (id, resource) in resources {
        if resource["Type"] != "AWS::Serverless::Function" {
            continue;
        }
        let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap_or(id);
        let properties = &resource["Properties"];
        let memory = properties["MemorySize"].as_u64().or_else(|| globals.as_u64());
        let events = properties["Events"].as_object().into_iter().flatten();
        for (event, source) in events {
            let called = format!("{binary}/{event}");
            let schedule = &source["Properties"]["Schedule"];
            match source["Type"].as_str() {
                Some("SQS") => {
                    queues.insert(source["Properties"]["Queue"].to_string());
                }
                Some("Schedule" | "ScheduleV2") => {
                    let expression = schedule.as_str().unwrap_or_default();
                    let a_month = runs_in_a_month(expression).ok_or_else(|| {
                        let at =
                            format!("Resources.{id}.Properties.Events.{event}.Properties.Schedule");
                        let expected = "expected a rate such as rate(5 minutes)";
                        Failure::Input(format!("{name}: {at}: {expected}, found {schedule}"))
                    })?;
                    let usual = if a_month <= RARELY_A_MONTH { TOOK_RARELY } else { TOOK };
                    let given = took.get(&*called).or_else(|| took.get(binary));
                    let took = given.copied().unwrap_or(usual);
                    let memory_mb = memory.unwrap_or(MEMORY_MB);
                    known.extend([binary.to_owned(), called.clone()]);
                    sweeps.push(Sweep { function: called, a_month, took, memory_mb });
                }
                Some(_) | None => {}
            }
        }
    }
    if let Some(stranger) = took.keys().find(|name| !known.contains(**name)) {
        let known: Vec<String> = known.into_iter().collect();
        let expected = format!("expected one of {}", known.join(", "));
        return Err(Failure::Input(format!("--took: {expected}, found {stranger:?}")));
    }
    let queues = u64::try_from(queues.len()).unwrap_or(u64::MAX);
    Ok(of(month(&sweeps, queues)))
}

/// How long runs take, by what they are called.
fn durations(given: &[String]) -> Result<BTreeMap<&str, Duration>, Failure> {
    let mut all = BTreeMap::new();
    for text in given {
        let parts = text.split_once('=');
        let parts = parts.and_then(|(name, millis)| Some((name, millis.parse::<u64>().ok()?)));
        let Some((name, millis)) = parts.filter(|(_, millis)| *millis <= LONGEST_MILLIS) else {
            let expected = format!("expected FUNCTION=MILLIS, of {LONGEST_MILLIS} at most");
            return Err(Failure::Input(format!("--took: {expected}, found {text:?}")));
        };
        all.insert(name, Duration::from_millis(millis));
    }
    Ok(all)
}

#[expect(clippy::cast_precision_loss, reason = "nano-dollars up to nine million dollars are exact")]
fn of(bill: Bill) -> Report {
    let dollars = |nano: u64| nano as f64 / NANO;
    let line = |line: &Line| LineReport {
        what: line.what.clone(),
        dollars_per_month: dollars(line.nano_dollars),
    };
    Report {
        lines: bill.lines.iter().map(line).collect(),
        list_per_month: dollars(bill.list),
        due_per_month: dollars(bill.due),
        bill,
    }
}

pub(super) fn text(report: &Report) -> String {
    let Bill { lines, list, due } = &report.bill;
    let mut rows = table(&["A MONTH IN WHICH NOTHING HAPPENS", "$"], &[1]);
    for Line { what, nano_dollars } in lines {
        rows.add_row([what, &dollars(*nano_dollars)]);
    }
    rows.add_row(["all of it at list price", &dollars(*list)]);
    rows.add_row(["less what every account has free", &dollars(*due)]);
    render(&rows)
}
