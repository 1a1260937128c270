//! Problems from text or by chance, and what they cost: found by trying everything, or in fractions by a simplex method
//! that is not ours.

use crate::bound::{Column, Problem, Room, Row};
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, SolveOptions, Variable};
use model::price::Price;
use std::collections::BTreeMap;

/// A problem that owns what it is made of. Prices are in micro-dollars.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) pods: Vec<Pods>,
    pub(super) nodes: Vec<Nodes>,
    /// For each profile which nodes it may go on.
    pub(super) profiles: Vec<Vec<bool>>,
    pub(super) groups: Vec<i64>,
    pub(super) limits: Vec<i64>,
    /// What is free, and which pods may enter.
    pub(super) rooms: Vec<(Vec<i64>, Vec<bool>)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Pods {
    pub(super) count: i64,
    pub(super) requests: Vec<i64>,
    pub(super) profile: usize,
    pub(super) groups: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    pub(super) price: i64,
    pub(super) room: Vec<i64>,
    pub(super) uses: Vec<(usize, i64)>,
}

impl World {
    /// One thing in each line: `pods COUNT: REQUESTS [only NODE..] [group N..]`, `node PRICE: ROOM [uses LIMIT=AMOUNT..]`,
    /// `group MOST`, `limit AMOUNT`, `room: FREE [for PODS..]`. Nodes, groups, limits and pods are numbered from 0.
    pub(super) fn parse(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        let of = |kind: &str| lines.iter().filter(|line| line.starts_with(kind)).count();
        let mut world = Self::default();
        for line in &lines {
            let (head, tail) = line.split_once(':').unwrap_or((line, ""));
            let (kind, number) = head.split_once(' ').unwrap_or((head, "0"));
            let number: i64 = number.parse().unwrap();
            let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            let mut list = "";
            for word in tail.split_whitespace() {
                if word.starts_with(char::is_alphabetic) {
                    list = word;
                } else {
                    lists.entry(list).or_default().push(word);
                }
            }
            let numbers = |list: &str| -> Vec<i64> {
                lists.get(list).into_iter().flatten().map(|n| n.parse().unwrap()).collect()
            };
            let chosen = |list: &str, size: usize| -> Vec<bool> {
                let chosen = numbers(list);
                (0..).take(size).map(|n| chosen.is_empty() || chosen.contains(&n)).collect()
            };
            match kind {
                "pods" => {
                    let profile = world.profiles.len();
                    world.profiles.push(chosen("only", of("node")));
                    let groups =
                        numbers("group").iter().map(|n| usize::try_from(*n).unwrap()).collect();
                    world.pods.push(Pods { count: number, requests: numbers(""), profile, groups });
                }
                "node" => {
                    let uses = lists.get("uses").into_iter().flatten().map(|word| {
                        let (limit, amount) = word.split_once('=').unwrap();
                        (limit.parse().unwrap(), amount.parse().unwrap())
                    });
                    let uses = uses.collect();
                    world.nodes.push(Nodes { price: number, room: numbers(""), uses });
                }
                "group" => world.groups.push(number),
                "limit" => world.limits.push(number),
                "room" => world.rooms.push((numbers(""), chosen("for", of("pods")))),
                _ => panic!("{line}"),
            }
        }
        world
    }

    pub(super) fn problem(&self) -> Problem<'_> {
        Problem {
            width: self.pods.first().map_or(0, |pods| pods.requests.len()),
            rows: self.pods.iter().map(Pods::row).collect(),
            columns: self.nodes.iter().map(Nodes::column).collect(),
            profiles: self.profiles.iter().map(|p| p.iter().copied().collect()).collect(),
            groups: self.groups.clone(),
            limits: self.limits.clone(),
            rooms: (self.rooms.iter())
                .map(|(free, rows)| Room { free, rows: rows.iter().copied().collect() })
                .collect(),
        }
    }

    /// Without the pods that no node holds.
    pub(super) fn held(&self) -> Self {
        let mut held = self.clone();
        for (pods, of) in held.pods.iter_mut().zip(&self.pods) {
            let holds = |(index, nodes): (usize, &Nodes)| {
                self.profiles[of.profile][index]
                    && fits(&of.requests, &nodes.room)
                    && nodes.uses.iter().all(|(limit, each)| *each <= self.limits[*limit])
            };
            if !self.nodes.iter().enumerate().any(holds) {
                pods.count = 0;
            }
        }
        held
    }
}

impl Pods {
    fn row(&self) -> Row<'_> {
        let Self { count, requests, profile, groups } = self;
        Row { requests, count: *count, profile: *profile, groups }
    }
}

impl Nodes {
    fn column(&self) -> Column<'_> {
        let Self { price, room, uses } = self;
        Column { room, price: Price::from_micro_dollars(*price), uses }
    }
}

fn fits(requests: &[i64], room: &[i64]) -> bool {
    requests.iter().zip(room).all(|(request, cap)| *request == 0 || request <= cap)
}

/// What the cheapest packing costs, if there is one.
pub(super) fn cheapest(world: &World) -> Option<i64> {
    let counts: Vec<i64> = world.pods.iter().map(|pods| pods.count).collect();
    let mut known = BTreeMap::new();
    Search { world, known: &mut known }.cheapest(0, &counts, &world.limits)
}

type State = (usize, Vec<i64>, Vec<i64>);

struct Search<'w> {
    world: &'w World,
    known: &'w mut BTreeMap<State, Option<i64>>,
}

impl Search<'_> {
    /// With rooms from `room` on, so many pods left, and so much left of limits.
    fn cheapest(&mut self, room: usize, left: &[i64], limits: &[i64]) -> Option<i64> {
        let state = (room, left.to_vec(), limits.to_vec());
        if let Some(known) = self.known.get(&state) {
            return *known;
        }
        let found = self.tried(room, left, limits);
        self.known.insert(state, found);
        found
    }

    fn tried(&mut self, room: usize, left: &[i64], limits: &[i64]) -> Option<i64> {
        let world = self.world;
        if let Some((free, enters)) = world.rooms.get(room) {
            let fillings = fillings(world, left, free, |pods| enters[pods]);
            return fillings
                .iter()
                .filter_map(|filling| self.cheapest(room + 1, &less(left, filling), limits))
                .min();
        }
        let Some(lead) = left.iter().position(|count| 0 < *count) else { return Some(0) };
        let mut best: Option<i64> = None;
        for (index, nodes) in world.nodes.iter().enumerate() {
            let mut rest = limits.to_vec();
            for (limit, each) in &nodes.uses {
                rest[*limit] -= each;
            }
            if nodes.uses.iter().any(|(limit, _)| rest[*limit] < 0) {
                continue;
            }
            let enters = |pods: usize| world.profiles[world.pods[pods].profile][index];
            for filling in fillings(world, left, &nodes.room, enters) {
                if 0 < filling[lead] {
                    let others = self.cheapest(room, &less(left, &filling), &rest);
                    best =
                        [best, others.map(|cost| cost + nodes.price)].into_iter().flatten().min();
                }
            }
        }
        best
    }
}

fn less(left: &[i64], filling: &[i64]) -> Vec<i64> {
    left.iter().zip(filling).map(|(left, taken)| left - taken).collect()
}

/// All ways to put some of what is left onto one node.
fn fillings(
    world: &World,
    left: &[i64],
    room: &[i64],
    enters: impl Fn(usize) -> bool,
) -> Vec<Vec<i64>> {
    let mut all = vec![vec![]];
    for (pods, count) in left.iter().enumerate() {
        let most = if enters(pods) { *count } else { 0 };
        let with = |filling: &Vec<i64>, n: i64| [&filling[..], &[n]].concat();
        all = all.iter().flat_map(|filling| (0..=most).map(move |n| with(filling, n))).collect();
        all.retain(|filling| is_held(world, filling, room));
    }
    all
}

fn is_held(world: &World, filling: &[i64], room: &[i64]) -> bool {
    let there = || filling.iter().zip(&world.pods).filter(|(count, _)| 0 < **count);
    let resources = room.iter().enumerate().all(|(k, cap)| {
        let used: i64 = there().map(|(count, pods)| count * pods.requests[k]).sum();
        used == 0 || used <= *cap
    });
    let groups = world.groups.iter().enumerate().all(|(group, most)| {
        let members = there().filter(|(_, pods)| pods.groups.contains(&group));
        members.map(|(count, _)| count).sum::<i64>() <= *most
    });
    resources && groups
}

/// What packing costs if nodes can be bought, and pods split, in fractions: none where limits forbid even that. Pods that
/// no node holds are left out.
pub(super) fn fractional(world: &World) -> Option<f64> {
    let world = &world.held();
    let mut problem = microlp::Problem::new(OptimizationDirection::Minimize);
    let any = (0.0, f64::INFINITY);
    let mut placed = vec![LinearExpr::empty(); world.pods.len()];
    let mut used = vec![LinearExpr::empty(); world.limits.len()];
    let nodes = world.nodes.iter().enumerate().map(|(index, nodes)| {
        let enters: Vec<bool> =
            world.pods.iter().map(|pods| world.profiles[pods.profile][index]).collect();
        (float(nodes.price) / 1e6, &nodes.room, enters, &nodes.uses[..], any)
    });
    let rooms =
        world.rooms.iter().map(|(free, enters)| (0.0, free, enters.clone(), &[][..], (1.0, 1.0)));
    for (price, room, enters, uses, number) in nodes.chain(rooms) {
        let open = problem.add_var(price, number);
        for (limit, each) in uses {
            used[*limit].add(open, float(*each));
        }
        let there: Vec<(&Pods, Variable)> = (world.pods.iter().enumerate())
            .filter(|(index, pods)| enters[*index] && 0 < pods.count && fits(&pods.requests, room))
            .map(|(index, pods)| {
                let part = problem.add_var(0.0, any);
                placed[index].add(part, 1.0);
                (pods, part)
            })
            .collect();
        let mut at_most = |of: &dyn Fn(&Pods) -> i64, cap: i64| {
            let mut sum = LinearExpr::empty();
            for (pods, part) in there.iter().filter(|(pods, _)| of(pods) != 0) {
                sum.add(*part, float(of(pods)) / float(cap));
            }
            sum.add(open, -1.0);
            problem.add_constraint(sum, ComparisonOp::Le, 0.0);
        };
        for (k, cap) in room.iter().enumerate().filter(|(_, cap)| 0 < **cap) {
            at_most(&|pods| pods.requests[k], *cap);
        }
        for (group, most) in world.groups.iter().enumerate() {
            at_most(&|pods| i64::from(pods.groups.contains(&group)), *most);
        }
    }
    for (sum, pods) in placed.into_iter().zip(&world.pods).filter(|(_, pods)| 0 < pods.count) {
        problem.add_constraint(sum, ComparisonOp::Eq, float(pods.count));
    }
    for (sum, limit) in used.into_iter().zip(&world.limits) {
        problem.add_constraint(sum, ComparisonOp::Le, float(*limit));
    }
    let outcome = problem.solve_with(SolveOptions::default()).ok()?;
    Some(outcome.into_solution().ok()?.objective())
}

#[expect(clippy::cast_precision_loss, reason = "the numbers of the tests are small")]
fn float(number: i64) -> f64 {
    number as f64
}
