//! A plan as text for people, at most [`WIDTH`] columns wide where names allow it.

use super::report::{self, Report, new_claims};
use super::world::World;
use crate::columns::{count, render, table};
use comfy_table::{ColumnConstraint, ContentArrangement, Width};
use model::action::{Choice, Launch};
use model::plan::{Cost, Plan};
use model::price::Price;
use model::reason::{Reason, Subject};
use model::resources::Resources;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// As wide as half a large screen; longer cells are broken.
const WIDTH: u16 = 110;
/// The names of those who are left out take a third of that, the reasons the rest.
const NAMES_WIDTH: u16 = 36;
/// Pods that are named where many share a fate.
const NAMED_MAX: usize = 3;
/// Rows of nodes that are there, and of reasons; of more than a screen of them nobody reads the rest, and `-o json` has all.
const ROWS_MAX: usize = 40;

/// New nodes of one kind.
struct Alike {
    nodes: usize,
    pods: usize,
    /// Of all of them.
    price: Price,
    requests: Resources,
    room: Resources,
}

/// Pool, instance type, zone, capacity type and micro-dollars an hour: what nodes of a kind have in common.
type Kind<'a> = (&'a str, &'a str, &'a str, &'a str, i64);

/// New nodes, pods on nodes that are there, and who was left out and why.
pub(super) fn print(plan: &Plan, world: &World, report: &Report) -> String {
    let mut text = String::new();
    if report.node_claims.is_empty() {
        text.push_str("No new nodes.\n");
    } else {
        text.push_str(&new_nodes(plan, report));
        text.push_str(&total(plan, report));
    }
    text.push_str(&existing(report));
    text.push_str(&left_out(plan, world));
    text
}

/// One row for all new nodes of a kind; within a pool the kind that costs most stands first.
fn new_nodes(plan: &Plan, report: &Report) -> String {
    let kinds = kinds(plan, report);
    let extended = extended(&kinds);
    let mut heads =
        vec!["NODES", "NODEPOOL", "TYPE", "ZONE", "CAPACITY", "$/HOUR", "PODS", "CPU", "MEMORY"];
    heads.extend(extended.iter().map(|(head, _)| &**head));
    let numbers: Vec<usize> = [0].into_iter().chain(5..heads.len()).collect();
    let mut table = table(&heads, &numbers);
    let mut rows: Vec<(Kind<'_>, Alike)> = kinds.into_iter().collect();
    rows.sort_by_key(|(kind, alike)| (kind.0, Reverse(alike.price)));
    for ((pool, instance_type, zone, capacity_type, _), alike) in &rows {
        let mut row = vec![
            alike.nodes.to_string(),
            (*pool).to_owned(),
            (*instance_type).to_owned(),
            (*zone).to_owned(),
            (*capacity_type).to_owned(),
            format!("{:.4}", report::dollars(alike.price)),
            alike.pods.to_string(),
        ];
        let resources = ["cpu", "memory"].into_iter();
        let resources = resources.chain(extended.iter().map(|(_, name)| &**name));
        row.extend(resources.map(|name| share(alike, name)));
        table.add_row(row);
    }
    render(&table)
}

fn kinds<'a>(plan: &'a Plan, report: &'a Report) -> BTreeMap<Kind<'a>, Alike> {
    let mut kinds = BTreeMap::new();
    for ((claim, Launch { pool, .. }, first), row) in new_claims(plan).zip(&report.node_claims) {
        let Choice { offering, price, allocatable, .. } = first;
        let pool = pool.as_ref().map_or("", |pool| pool.as_str());
        let kind = (
            pool,
            offering.instance_type.as_str(),
            offering.zone.as_str(),
            offering.capacity_type.as_str(),
            price.micro_dollars(),
        );
        let none = Alike {
            nodes: 0,
            pods: 0,
            price: Price::ZERO,
            requests: Resources::default(),
            room: Resources::default(),
        };
        let alike = kinds.entry(kind).or_insert(none);
        alike.nodes += 1;
        alike.pods += row.pods.len();
        alike.price += *price;
        alike.requests.add(&claim.spec.requests);
        alike.room.add(allocatable);
    }
    kinds
}

/// Devices and the like that are asked for on a new node: the head of their column, and their name. Resources without a
/// domain in their name are Kubernetes' own bookkeeping.
fn extended(kinds: &BTreeMap<Kind<'_>, Alike>) -> BTreeSet<(String, String)> {
    let names = kinds.values().flat_map(|alike| alike.requests.iter());
    let split = names.filter_map(|(name, _)| Some((name.split_once('/')?.1, name)));
    split.map(|(head, name)| (head.to_uppercase(), name.to_owned())).collect()
}

/// How much of a resource pods and daemons request, in whole per cent.
fn share(alike: &Alike, name: &str) -> String {
    let (used, room) = (i128::from(alike.requests.get(name)), i128::from(alike.room.get(name)));
    if room <= 0 { "-".to_owned() } else { format!("{}%", used * 100 / room) }
}

fn total(plan: &Plan, report: &Report) -> String {
    let nodes = report.node_claims.len();
    let pods = report.node_claims.iter().map(|claim| claim.pods.len()).sum();
    let cost = price_line(plan.cost, report.cost.gap_percent);
    format!("\n{} for {}\n{cost}\n", count(nodes, "node"), count(pods, "pod"))
}

fn price_line(cost: Cost, gap_percent: Option<f64>) -> String {
    let total = format!("total {}/h", dollars(cost.per_hour));
    match (cost.lower_bound_per_hour, gap_percent) {
        (Some(bound), Some(gap)) => {
            let bound = dollars(bound);
            format!("{total}, no plan for these pods can cost less than {bound}/h (gap {gap:.1} %)")
        }
        _ => total,
    }
}

/// Two decimals where they tell enough.
fn dollars(price: Price) -> String {
    const DOLLAR: Price = Price::from_micro_dollars(1_000_000);
    if price < DOLLAR { price.to_string() } else { format!("${:.2}", report::dollars(price)) }
}

/// Pods that find room on nodes that are there or on their way.
fn existing(report: &Report) -> String {
    if report.existing.is_empty() {
        return String::new();
    }
    let mut table = table(&["NODE", "PODS", ""], &[1]);
    for existing in report.existing.iter().take(ROWS_MAX) {
        let names = existing.pods.iter().map(|pod| &**pod);
        table.add_row([&*existing.node, &existing.pods.len().to_string(), &some(names)]);
    }
    let mut text = format!("\n{}", render(&table));
    let rest = report.existing.get(ROWS_MAX..).unwrap_or_default();
    if !rest.is_empty() {
        let pods = rest.iter().map(|existing| existing.pods.len()).sum();
        let (nodes, pods) = (count(rest.len(), "node"), count(pods, "pod"));
        writeln!(text, "and {nodes} more for {pods}").expect("text takes text");
    }
    text
}

/// Reasons with those who share them; what concerns most of them stands first.
fn left_out(plan: &Plan, world: &World) -> String {
    let mut by_reasons: BTreeMap<Vec<&Reason>, Vec<String>> = BTreeMap::new();
    for (pod, reasons) in report::left_out(plan, world) {
        by_reasons.entry(reasons).or_default().push(pod.to_string());
    }
    for left_out in &plan.left_out {
        if !matches!(left_out.subject, Subject::Pod(_)) {
            let reasons = left_out.reasons.iter().collect();
            by_reasons.entry(reasons).or_default().push(left_out.subject.to_string());
        }
    }
    reasons(by_reasons.into_iter().collect())
}

fn reasons(mut groups: Vec<(Vec<&Reason>, Vec<String>)>) -> String {
    if groups.is_empty() {
        return String::new();
    }
    // A stable sort: those of one size stay in the order of their reasons.
    groups.sort_by_key(|(_, names)| Reverse(names.len()));
    let mut table = table(&["LEFT OUT", "", "WHY"], &[0]);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    if let Some(names) = table.column_mut(1) {
        names.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(NAMES_WIDTH)));
    }
    for (reasons, names) in groups.iter().take(ROWS_MAX) {
        let why: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        table.add_row([names.len().to_string(), some(names), why.join("\n")]);
    }
    let mut text = format!("\n{}", render(&table));
    let rest = groups.get(ROWS_MAX..).unwrap_or_default();
    if !rest.is_empty() {
        let names: usize = rest.iter().map(|(_, names)| names.len()).sum();
        writeln!(text, "and {names} more for {}", count(rest.len(), "other reason"))
            .expect("text takes text");
    }
    text
}

/// The first few names, and how many more there are.
fn some(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> =
        names.by_ref().take(NAMED_MAX).map(|name| name.as_ref().to_owned()).collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_price_is_told_beside_what_no_plan_goes_below() {
        let cost = |per_hour, bound: Option<i64>| Cost {
            per_hour: Price::from_micro_dollars(per_hour),
            lower_bound_per_hour: bound.map(Price::from_micro_dollars),
        };
        let lines = [
            price_line(cost(14_622_000, Some(14_349_400)), Some(1.9)),
            price_line(cost(96_000, Some(96_000)), Some(0.0)),
            price_line(cost(96_000, None), None),
        ];
        expect![[r#"
            total $14.62/h, no plan for these pods can cost less than $14.35/h (gap 1.9 %)
            total $0.0960/h, no plan for these pods can cost less than $0.0960/h (gap 0.0 %)
            total $0.0960/h"#]]
        .assert_eq(&lines.join("\n"));
    }

    #[test]
    fn those_who_share_a_reason_share_a_row_and_most_stand_first() {
        let limit = Reason::LimitReached {
            pool: "default".into(),
            resource: "cpu".into(),
            limit: 12_000,
            used: 10_000,
            instance_type: "m5.large".into(),
        };
        let incompatible = |pool: &str| Reason::Incompatible {
            pool: pool.into(),
            key: "topology.kubernetes.io/zone".into(),
            wanted: "In [us-east-1d]".to_owned(),
            offered: "In [us-east-1a, us-east-1b, us-east-1c]".to_owned(),
        };
        let (first, second) = (incompatible("default"), incompatible("second"));
        let named = |count| (0..count).map(|n| format!("shop/web-{n}")).collect::<Vec<_>>();
        let groups = vec![(vec![&first, &second], named(1)), (vec![&limit], named(1331))];
        expect![[r#"

            LEFT OUT                                      WHY
                1331  shop/web-0, shop/web-1, shop/web-2  would fit m5.large, but NodePool default is limited to 12 cpu
                      and 1328 more                       and has 10
                   1  shop/web-0                          asks for topology.kubernetes.io/zone In [us-east-1d], NodePool
                                                          default offers In [us-east-1a, us-east-1b, us-east-1c]
                                                          asks for topology.kubernetes.io/zone In [us-east-1d], NodePool
                                                          second offers In [us-east-1a, us-east-1b, us-east-1c]
        "#]].assert_eq(&reasons(groups));
        assert_eq!(reasons(vec![]), "");
    }

    #[test]
    fn of_very_many_reasons_the_last_are_counted() {
        let all: Vec<Reason> = (0..42).map(|most| Reason::PassFull { most }).collect();
        let groups = all.iter().map(|reason| (vec![reason], vec!["a/b".to_owned()])).collect();
        let text = reasons(groups);
        assert!(text.ends_with("\nand 2 more for 2 other reasons\n"), "{text}");
        assert_eq!(text.lines().count(), ROWS_MAX + 3);
    }
}
