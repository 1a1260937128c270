//! One packing after another, with worths that learn from the last one.

use super::filler::{Filler, Node};
use super::frame::Frame;
use super::{Accept, CORRECTION, TIE, float};

/// So many kinds are filled for a lead, of those that promise most.
const TRIED: usize = 10;

/// When half of the rows are placed, so many kinds are ranked again: what promised little among all seldom leads among few.
const RANKED_AGAIN: usize = 48;

/// With so few rows all kinds are tried, as that costs less than finding out which are worth it.
const ROWS_FOR_ALL_KINDS: usize = 4;

/// Nodes that differ by less than this part in what they give for their cost give the same: the larger one is taken.
const ROUNDING: f64 = 1e-9;

/// Nano-dollars in a micro-dollar.
const NANO: f64 = 1000.0;

/// A packing.
pub(super) struct Packed {
    /// Nodes and how many are filled so.
    pub(super) nodes: Vec<(Node, i64)>,
    /// How many nodes there are.
    pub(super) count: i64,
    /// What they cost.
    pub(super) cost: i64,
    /// What all their pods were worth at first, in the cost's unit.
    pub(super) worth: f64,
    /// How many pods found no place.
    pub(super) left: i64,
}

/// A node that takes all that is left, instead of those opened after the first so many.
struct Whole {
    after: usize,
    node: Node,
}

/// Packs again and again.
pub(super) struct Packer<'f, 't> {
    filler: Filler<'f, 't>,
    /// What pods were worth at first.
    first: Vec<f64>,
    /// What is left of limits.
    limits: Vec<i64>,
    /// Kinds, the most promising ones first.
    ranked: Vec<(f64, usize)>,
}

impl<'f, 't> Packer<'f, 't> {
    /// With what pods are worth at first.
    pub(super) fn new(frame: &'f Frame<'t>, worths: Vec<f64>) -> Self {
        let first = worths.clone();
        let ranked = (0..frame.kinds.len()).map(|kind| (0.0, kind)).collect();
        Self { filler: Filler::new(frame, worths), first, limits: Vec::new(), ranked }
    }

    /// How many rows were looked at so far.
    pub(super) fn effort(&self) -> u64 {
        self.filler.effort
    }

    /// Packs all pods.
    pub(super) fn pack(&mut self, accept: Accept<'_>) -> Packed {
        let frame = self.filler.frame;
        self.filler.left.copy_from_slice(&frame.counts);
        self.limits.clone_from(&frame.limits);
        let mut order: Vec<usize> = (0..frame.rows()).collect();
        self.sort_leads(&mut order);
        let (mut nodes, mut wholes) = (Vec::<(Node, i64)>::new(), Vec::<Whole>::new());
        let (mut left, mut ranked_for) = (0, 0);
        loop {
            order.retain(|row| 0 < self.filler.left[*row]);
            let Some(lead) = order.first().copied() else { break };
            if ranked_for == 0 || 2 * order.len() < ranked_for {
                self.rank(if ranked_for == 0 { usize::MAX } else { RANKED_AGAIN });
                ranked_for = order.len();
            }
            let (best, whole) = self.best(lead, &order);
            let node = best.and_then(|node| self.accepted(&node, lead, accept));
            let Some(node) = node else {
                left += std::mem::take(&mut self.filler.left[lead]);
                continue;
            };
            if let Some(node) = whole {
                wholes.push(Whole { after: nodes.len(), node });
            }
            let times = self.most_times(&node);
            for (row, count) in &node.contents {
                self.filler.left[*row] -= count * times;
            }
            self.take_limits(node.kind, times);
            nodes.push((node, times));
        }
        if left == 0 {
            self.prefer_whole(&mut nodes, wholes, accept);
        }
        self.packed(nodes, left)
    }

    fn packed(&self, nodes: Vec<(Node, i64)>, left: i64) -> Packed {
        let kinds = &self.filler.frame.kinds;
        let worth = |(node, times): &(Node, i64)| {
            let of_row = |(row, count): &(usize, i64)| self.first[*row] * float(count * times);
            node.contents.iter().map(of_row).sum::<f64>()
        };
        Packed {
            count: nodes.iter().map(|(_, times)| times).sum(),
            cost: nodes.iter().map(|(node, times)| kinds[node.kind].price * times).sum(),
            worth: nodes.iter().map(worth).sum::<f64>() / NANO,
            nodes,
            left,
        }
    }

    /// Who leads first: pods of which one node takes only so many, as they need many nodes, whose rest others can fill;
    /// then those that are worth most.
    fn sort_leads(&self, order: &mut [usize]) {
        let (worths, is_capped) = (&self.filler.worths, &self.filler.frame.is_capped);
        order.sort_by(|a, b| {
            let by_cap = is_capped[*b].cmp(&is_capped[*a]);
            by_cap.then(worths[*b].total_cmp(&worths[*a])).then(a.cmp(b))
        });
    }

    /// Orders so many of the kinds that promised most before by what they promise now.
    fn rank(&mut self, many: usize) {
        let many = many.min(self.ranked.len());
        for (promise, kind) in &mut self.ranked[..many] {
            *promise = self.filler.promise(*kind);
        }
        self.ranked[..many]
            .sort_unstable_by(|(a, kind), (b, other)| b.total_cmp(a).then(kind.cmp(other)));
    }

    /// The node with the most worth for its cost among those worth trying, and the cheapest that takes everything.
    fn best(&mut self, lead: usize, order: &[usize]) -> (Option<Node>, Option<Node>) {
        let frame = self.filler.frame;
        let all: f64 =
            order.iter().map(|row| self.filler.worths[*row] * float(self.filler.left[*row])).sum();
        let mut best: Option<(f64, Node)> = None;
        let mut whole: Option<Node> = None;
        let mut tried = 0;
        for at in 0..self.ranked.len() {
            let (_, kind) = self.ranked[at];
            let stand = &frame.kinds[kind];
            let is_open = stand.fits.binary_search(&lead).is_ok()
                && stand.leads[lead]
                && self.affordable(kind) != 0
                && best.as_ref().is_none_or(|(value, _)| (1.0 - TIE) * value <= all / stand.cost);
            if !is_open {
                continue;
            }
            if TRIED <= tried && ROWS_FOR_ALL_KINDS < order.len() {
                break;
            }
            tried += 1;
            let beaten = best.as_ref().map_or(0.0, |(value, _)| value * stand.cost);
            let node = self.filler.fill(kind, Some(lead), beaten);
            let is_cheaper = |known: &Node| stand.price < frame.kinds[known.kind].price;
            if self.takes_all(&node, order) && whole.as_ref().is_none_or(is_cheaper) {
                whole = Some(node.clone());
            }
            let value = node.worth / stand.cost;
            let is_better = best.as_ref().is_none_or(|(known, other)| {
                let is_like = (known - value).abs() <= ROUNDING * value;
                if is_like { other.worth < node.worth } else { *known < value }
            });
            if is_better {
                best = Some((value, node));
            }
        }
        (best.map(|(_, node)| node), whole)
    }

    fn takes_all(&self, node: &Node, order: &[usize]) -> bool {
        let placed = |(row, count): &(usize, i64)| self.filler.left[*row] == *count;
        node.contents.len() == order.len() && node.contents.iter().all(placed)
    }

    /// How many nodes of a kind the limits allow.
    fn affordable(&self, kind: usize) -> i64 {
        let limits = self.filler.frame.kinds[kind].uses.iter().zip(&self.limits);
        let counting = limits.filter(|(uses, _)| 0 < **uses);
        counting.map(|(uses, left)| (left / uses).max(0)).min().unwrap_or(i64::MAX)
    }

    fn take_limits(&mut self, kind: usize, times: i64) {
        for (left, uses) in self.limits.iter_mut().zip(&self.filler.frame.kinds[kind].uses) {
            *left -= uses * times;
        }
    }

    /// How often a node can be opened: as long as there are pods for it, and the limits allow it.
    fn most_times(&self, node: &Node) -> i64 {
        let by_row = |(row, count): &(usize, i64)| self.filler.left[*row] / count;
        let by_pods = node.contents.iter().map(by_row).min().unwrap_or(0);
        by_pods.min(self.affordable(node.kind))
    }

    /// The node as it may really be; none if not even its lead may be on it.
    fn accepted(&self, node: &Node, lead: usize, accept: Accept<'_>) -> Option<Node> {
        let contents = accept(self.filler.frame.kinds[node.kind].index, &node.contents);
        let is_led = contents.iter().any(|(row, count)| *row == lead && 0 < *count);
        is_led.then_some(Node { contents, ..*node })
    }

    /// Where one node costs less than those that were opened instead, or about the same, takes it.
    fn prefer_whole(&self, nodes: &mut Vec<(Node, i64)>, wholes: Vec<Whole>, accept: Accept<'_>) {
        let kinds = &self.filler.frame.kinds;
        let price = |node: &Node| kinds[node.kind].price;
        let cost = |nodes: &[(Node, i64)]| nodes.iter().map(|(n, t)| price(n) * t).sum::<i64>();
        let saving = |whole: &Whole| cost(&nodes[whole.after..]) - price(&whole.node);
        let all = cost(nodes);
        let pays = |whole: &Whole| {
            let instead = nodes[whole.after..].iter().map(|(_, times)| times);
            let is_several = 1 < instead.sum::<i64>();
            let least = if is_several { -TIE * float(all) } else { 1.0 };
            least <= float(saving(whole))
        };
        let best = wholes.into_iter().filter(pays).max_by_key(saving);
        let Some(Whole { after, node }) = best else { return };
        if accept(kinds[node.kind].index, &node.contents) != node.contents {
            return;
        }
        nodes.truncate(after);
        nodes.push((node, 1));
    }

    /// Holds pods on wasteful nodes to be worth more, and others less.
    pub(super) fn correct(&mut self, nodes: &[(Node, i64)]) {
        let frame = self.filler.frame;
        let mut sums = vec![(0.0, 0); frame.rows()];
        for (node, times) in nodes {
            let of_row = |(row, count): &(usize, i64)| self.filler.worths[*row] * float(*count);
            let worth: f64 = node.contents.iter().map(of_row).sum();
            let paid = frame.kinds[node.kind].cost * NANO / worth.max(f64::MIN_POSITIVE);
            for (row, count) in &node.contents {
                sums[*row].0 += paid * float(count * times);
                sums[*row].1 += count * times;
            }
        }
        for (worth, (paid, count)) in self.filler.worths.iter_mut().zip(sums) {
            if 0 < count {
                let excess = (paid / float(count) - 1.0).clamp(-0.5, 1.0);
                *worth *= 1.0 + CORRECTION * excess;
            }
        }
    }
}
