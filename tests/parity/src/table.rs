//! The table, and what the problems have in common.

use crate::measures::{TIMED_PODS_MIN, timed};
use crate::row::{Ours, Row, mean};
use comfy_table::{CellAlignment, Table, presets};
use std::collections::BTreeMap;
use std::fmt::Write;

const HEADS: [&str; 16] = [
    "PROBLEM",
    "PODS",
    "LEFT OUT",
    "NODES",
    "$/H",
    "K $/H",
    "RATIO",
    "BOUND",
    "GAP %",
    "SECONDS",
    "K SECONDS",
    "SPEED-UP",
    "MIB",
    "PREFERENCES",
    "OF",
    "BROKEN",
];
/// Violations that are shown of one plan.
const SHOWN_MAX: usize = 3;

/// A line for each problem: ours first, then Karpenter's (K).
pub(crate) fn print(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(HEADS);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if 0 < index {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        table.add_row(cells(row));
    }
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for row in rows {
        text.push_str(&troubles(row));
    }
    text
}

fn cells(row: &Row) -> [String; HEADS.len()] {
    let ours = row.ours.as_ref().ok();
    let theirs = row.theirs.as_ref();
    let of_ours = |of: &dyn Fn(&Ours) -> String| some(ours.map(of));
    let beside = |ours: Option<usize>, theirs: Option<usize>| {
        let shown = |count: Option<usize>| some(count.map(|count| count.to_string()));
        format!("{}/{}", shown(ours), shown(theirs))
    };
    let is_stopped = theirs.is_some_and(|theirs| theirs.timed_out);
    let at_least = if is_stopped { ">" } else { "" };
    [
        row.name.clone(),
        row.facts.pods.to_string(),
        beside(ours.map(|o| o.left_out), theirs.map(|t| t.left_out)),
        beside(ours.map(|o| o.nodes), theirs.map(|t| t.nodes)),
        of_ours(&|ours| format!("{:.2}", ours.cost)),
        some(theirs.map(|theirs| format!("{:.2}", theirs.cost))),
        some(row.ratio().map(|ratio| format!("{ratio:.3}"))),
        some(ours.and_then(|ours| ours.bound).map(|bound| format!("{bound:.2}"))),
        some(row.gap_percent().map(|gap| format!("{gap:.1}"))),
        of_ours(&|ours| format!("{:.4}", ours.seconds)),
        some(theirs.map(|theirs| format!("{at_least}{:.2}", theirs.seconds))),
        some(row.speed_up().map(|speed_up| format!("{at_least}{speed_up:.0}"))),
        of_ours(&|ours| ours.peak_bytes.div_ceil(1 << 20).to_string()),
        beside(ours.map(|o| o.preferences_kept), theirs.and_then(|t| t.preferences_kept)),
        of_ours(&|ours| ours.preferences.to_string()),
        of_ours(&|ours| ours.violations.to_string()),
    ]
}

fn some(value: Option<String>) -> String {
    value.unwrap_or_else(|| "-".to_owned())
}

/// Why a problem has no plan, or which rules its plan breaks.
fn troubles(row: &Row) -> String {
    let mut text = String::new();
    match &row.ours {
        Err(why) => writeln!(text, "{}: {why}", row.name).expect("text takes text"),
        Ok(ours) => {
            for violation in ours.violations_shown.iter().take(SHOWN_MAX) {
                writeln!(text, "{}: {violation}", row.name).expect("text takes text");
            }
        }
    }
    text
}

/// Means and worst cases.
pub(crate) fn averages(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut add = |line: String| writeln!(text, "{line}").expect("text takes text");
    let savings: Vec<f64> = rows.iter().filter_map(Row::ratio).map(|ratio| 1.0 - ratio).collect();
    if let Some(saving) = mean(&savings) {
        let compared = savings.len();
        add(format!("mean saving {:.1} %, of {compared} plans", saving * 100.0));
    }
    let speed_ups: Vec<f64> = rows.iter().filter_map(timed).collect();
    let logarithms: Vec<f64> = speed_ups.iter().map(|speed_up| speed_up.ln()).collect();
    if let (Some(arithmetic), Some(geometric)) = (mean(&speed_ups), mean(&logarithms)) {
        let least = speed_ups.iter().copied().fold(f64::INFINITY, f64::min);
        let geometric = geometric.exp();
        add(format!(
            "mean speed-up {arithmetic:.0}, geometric {geometric:.0}, least {least:.1}, of {} plans \
             for {TIMED_PODS_MIN} pods and more",
            speed_ups.len()
        ));
    }
    let mut worst: BTreeMap<&str, (f64, &str)> = BTreeMap::new();
    for row in rows {
        let Some(gap) = row.gap_percent() else { continue };
        let worst = worst.entry(row.kind()).or_insert((gap, &row.name));
        if worst.0 < gap {
            *worst = (gap, &row.name);
        }
    }
    for (gap, name) in worst.values() {
        add(format!("worst gap {gap:.1} % ({name})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Theirs;
    use crate::row::tests::{ours, row, theirs};
    use expect_test::expect;

    fn rows() -> Vec<Row> {
        let good = Ours { bound: Some(68.5), ..ours(70.0, 0.0123) };
        let mut plain = row("plain-2000", good, theirs(100.0, 4.5));
        plain.facts.pods = 2_000;
        let wishes = Ours {
            preferences: 1441,
            preferences_kept: 1430,
            violations: 4,
            violations_shown: ["a", "b", "c", "d"].map(|rule| format!("rule {rule}")).to_vec(),
            bound: Some(48.0),
            ..ours(50.0, 0.25)
        };
        let mixed =
            row("mixed-500", wishes, Theirs { preferences_kept: Some(1427), ..theirs(40.0, 1.0) });
        let stopped = Theirs { timed_out: true, left_out: 26236, ..theirs(1491.18, 300.0) };
        let mut diverse = row("diverse-50000", Ours { bound: None, ..ours(900.0, 2.0) }, stopped);
        diverse.facts.pods = 50_000;
        let mut gone = row("mixed-600", ours(1.0, 1.0), theirs(1.0, 1.0));
        (gone.ours, gone.theirs) = (Err("joiner plan: exit status: 1: why".to_owned()), None);
        vec![plain, mixed, diverse, gone]
    }

    #[test]
    fn ours_stand_beside_karpenters() {
        expect![[r#"
            PROBLEM         PODS  LEFT OUT  NODES     $/H    K $/H  RATIO  BOUND  GAP %  SECONDS  K SECONDS  SPEED-UP  MIB  PREFERENCES    OF  BROKEN
            plain-2000      2000       0/0    3/2   70.00   100.00  0.700  68.50    2.2   0.0123       4.50       366   64          0/-     0       0
            mixed-500       1000       0/0    3/2   50.00    40.00  1.250  48.00    4.2   0.2500       1.00         4   64    1430/1427  1441       4
            diverse-50000  50000   0/26236    3/2  900.00  1491.18      -      -      -   2.0000    >300.00      >150   64          0/-     0       0
            mixed-600       1000       -/-    -/-       -        -      -      -      -        -          -         -    -          -/-     -       -
            mixed-500: rule a
            mixed-500: rule b
            mixed-500: rule c
            mixed-600: joiner plan: exit status: 1: why
        "#]].assert_eq(&print(&rows()));
    }

    #[test]
    fn means_and_worst_cases_follow() {
        expect![[r#"
            mean saving 2.5 %, of 2 plans
            mean speed-up 258, geometric 234, least 150.0, of 2 plans for 2000 pods and more
            worst gap 4.2 % (mixed-500)
            worst gap 2.2 % (plain-2000)
        "#]]
        .assert_eq(&averages(&rows()));
        assert_eq!(averages(&[]), "");
    }
}
