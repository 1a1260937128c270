//! Runs `joiner plan` and the judge of plans.

use crate::problem::Problem;
use crate::row::Ours;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};
use wait4::Wait4;

/// Runs of one problem. Their median is shown; the last one reads the objects in another order.
const RUNS: usize = 3;
/// The judge of plans, below the folder that is named on the command line.
const JUDGE: &str = "check/plan_check.py";
/// The last key of a plan: all that stands before it has to be the same each time.
const LAST_KEY: &str = "\"solveSeconds\":";
/// Where that key is looked for: so many bytes before the end. It and its number take half as many.
const TAIL_BYTES: u64 = 64;

/// One run of `joiner plan`.
struct Run {
    /// The decision alone.
    seconds: f64,
    peak_bytes: u64,
    /// A digest of the plan without its time.
    digest: u64,
}

/// What the judge prints.
#[derive(Deserialize)]
struct Verdict {
    violations: usize,
    shown: Vec<String>,
    unschedulable: usize,
    new_nodes: usize,
    cost_per_hour: f64,
    lower_bound: Option<f64>,
    preferences: usize,
    preferences_kept: usize,
}

/// Plans a problem three times and has the plan judged.
pub(crate) fn measure(joiner: &Path, shared: &Path, problem: &Problem) -> Result<Ours> {
    let mut runs = Vec::new();
    for number in 1..=RUNS {
        let objects = if number == RUNS { problem.shuffled() } else { problem.objects() };
        runs.push(plan(joiner, &objects, problem)?);
    }
    let is_repeatable = runs.iter().all(|run| run.digest == runs[0].digest);
    let verdict = judge(shared, problem)?;
    let mut seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    Ok(Ours {
        left_out: verdict.unschedulable,
        nodes: verdict.new_nodes,
        cost: verdict.cost_per_hour,
        bound: verdict.lower_bound,
        seconds: seconds[RUNS / 2],
        peak_bytes: runs.iter().map(|run| run.peak_bytes).max().unwrap_or(0),
        preferences: verdict.preferences,
        preferences_kept: verdict.preferences_kept,
        violations: verdict.violations,
        violations_shown: verdict.shown,
        is_repeatable,
    })
}

fn plan(joiner: &Path, objects: &Path, problem: &Problem) -> Result<Run> {
    let (output, errors) = (problem.plan(), problem.plan().with_extension("errors"));
    let into = |path: &Path| {
        File::create(path).with_context(|| format!("{} was to be written", path.display()))
    };
    let child = Command::new(joiner)
        .args(["plan", "-o", "json", "--catalog"])
        .arg(problem.catalogue())
        .arg("-f")
        .arg(objects)
        .stdin(Stdio::null())
        .stdout(into(&output)?)
        .stderr(into(&errors)?)
        .spawn()
        .with_context(|| format!("{} was to be started", joiner.display()))?;
    let used = child.wait4().context("the end of joiner was waited for")?;
    if !used.status.success() {
        let said = fs::read_to_string(&errors).unwrap_or_default();
        bail!("joiner plan: {}: {}", used.status, said.lines().last().unwrap_or("said nothing"));
    }
    let plan = File::open(&output).and_then(decision);
    let (seconds, digest) = plan.with_context(|| format!("{} was to be read", output.display()))?;
    Ok(Run { seconds, peak_bytes: used.rusage.maxrss, digest })
}

/// The time that a plan took and a digest of the rest. A large plan is never held as a whole: our own peak would be
/// counted as that of the next run.
fn decision(mut plan: impl Read + Seek) -> io::Result<(f64, u64)> {
    let length = plan.seek(SeekFrom::End(0))?;
    let start = plan.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    plan.read_to_end(&mut tail)?;
    let tail = String::from_utf8_lossy(&tail);
    let Some((before, time)) = tail.rsplit_once(LAST_KEY) else {
        return Err(io::Error::other(format!("expected {LAST_KEY} at its end")));
    };
    let seconds = time.trim_end().trim_end_matches('}').parse().map_err(io::Error::other)?;
    plan.rewind()?;
    let mut rest = BufReader::new(plan).take(start + before.len() as u64);
    let mut digest = DefaultHasher::new();
    loop {
        let part = rest.fill_buf()?;
        if part.is_empty() {
            return Ok((seconds, digest.finish()));
        }
        digest.write(part);
        let length = part.len();
        rest.consume(length);
    }
}

/// The judge's exit code says whether there are violations; so does what it prints.
fn judge(shared: &Path, problem: &Problem) -> Result<Verdict> {
    let output = Command::new("python3")
        .arg(shared.join(JUDGE))
        .arg(problem.judged())
        .arg(problem.plan())
        .output()
        .context("python3 was to be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let verdict: Verdict = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{JUDGE}: {}", said.lines().last().unwrap_or("said nothing")))?;
    ensure!(
        output.status.success() == (verdict.violations == 0),
        "{JUDGE}: {} does not go with {} violations",
        output.status,
        verdict.violations
    );
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn of(plan: &str) -> (f64, u64) {
        decision(Cursor::new(plan)).unwrap()
    }

    #[test]
    fn two_plans_that_differ_in_their_time_are_the_same() {
        let (once, twice) =
            (of("{\"a\":1,\"solveSeconds\":0.25}\n"), of("{\"a\":1,\"solveSeconds\":3.5e-5}"));
        assert_eq!((once.0, twice.0), (0.25, 3.5e-5));
        assert_eq!(once.1, twice.1);
        assert_ne!(once.1, of("{\"a\":2,\"solveSeconds\":0.25}\n").1);
    }

    #[test]
    fn plans_that_differ_far_from_their_end_differ() {
        let long = |name: &str| {
            format!("{{\"{name}\":[{}1],\"solveSeconds\":1.0}}\n", "1,".repeat(50_000))
        };
        assert_eq!(of(&long("a")), of(&long("a")));
        assert_ne!(of(&long("a")).1, of(&long("b")).1);
    }

    #[test]
    fn a_plan_without_time_is_refused() {
        let why = decision(Cursor::new("{\"nodeClaims\":[]}")).unwrap_err();
        assert_eq!(why.to_string(), "expected \"solveSeconds\": at its end");
    }
}
