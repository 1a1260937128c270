//! A pass as text.

use super::{Joiner, Karpenter, Report, Sum};
use crate::columns::count;
use std::fmt::Write;

/// Things that a line names.
const NAMED_MAX: usize = 5;

pub(super) fn of(report: &Report) -> String {
    let Report { pass, at, karpenter_leader, nodes, cost_per_hour, pods_waiting, .. } = report;
    let leader = match karpenter_leader {
        Some(leader) => format!("Karpenter leads ({leader})"),
        None => "Karpenter does not lead".to_owned(),
    };
    let mut text = format!(
        "pass {pass} at {at:.0}: {leader}; {} for ${cost_per_hour:.4}/h, pods that wait: {pods_waiting}\n",
        count(*nodes, "node")
    );
    let Joiner { launches, kinds, have_room, left_out, removes } = &report.joiner;
    let _ = write!(text, "  joiner would launch {}", sum(*launches));
    let kinds: Vec<String> =
        kinds.iter().map(|(kind, count)| format!("{count} x {kind}")).collect();
    let _ =
        writeln!(text, "{}; pods that find room: {have_room}, left out: {left_out}", some(&kinds));
    if !removes.is_empty() {
        let _ = writeln!(text, "  joiner would take away {}{}", removes.len(), some(removes));
    }
    let Some(before) = report.planned_before else { return text };
    let Karpenter { made, claims, not_launched, gone } = &report.karpenter;
    let _ = write!(text, "  Karpenter has made {}{}", sum(*made), some(claims));
    if 0 < *not_launched {
        let _ = write!(text, "; not launched yet: {not_launched}");
    }
    let _ = writeln!(text, "; joiner had planned {}", sum(before));
    if !gone.is_empty() {
        let _ = writeln!(text, "  Karpenter has taken away {}{}", gone.len(), some(gone));
    }
    text
}

fn sum(Sum { nodes, cost_per_hour, unpriced }: Sum) -> String {
    let all = count(nodes, "node");
    match (nodes, unpriced) {
        (0, _) => "no node".to_owned(),
        (_, 0) => format!("{all} for ${cost_per_hour:.4}/h"),
        (_, unpriced) => {
            format!("{all} for ${cost_per_hour:.4}/h and {unpriced} whose price is not known")
        }
    }
}

/// The first few after a colon, and how many more there are.
fn some(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMED_MAX)].join(", ");
    match (names.len(), names.len().saturating_sub(NAMED_MAX)) {
        (0, _) => String::new(),
        (_, 0) => format!(" ({shown})"),
        (_, more) => format!(" ({shown} and {more} more)"),
    }
}
