//! New nodes for all that still waits: which domain, which pool, which node.

use super::existing::Existing;
use super::offers::PoolOffers;
use super::waiting::Waiting;
use crate::scheduling::amounts::whole;
use crate::scheduling::classes::Class;
use crate::scheduling::limits::{Allowance, node_count};
use crate::scheduling::pack::{Bin, Demand, pack};
use crate::scheduling::pools::{entry, in_order, open};
use crate::scheduling::profiles::Profiles;
use crate::scheduling::stock::{Stock, Survey};
use crate::scheduling::topology::{Lot, Role, assign};
use model::name::ObjectName;
use model::pod::{HostPort, Pod};
use model::pool::NodePool;
use model::reason::Reason;
use model::requirement::Requirements;
use model::taint::Toleration;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A pool and what can be launched from it, or why nothing can.
pub(super) type PoolStock<'a> = (&'a NodePool, Result<Stock<'a>, Box<Reason>>);

/// A pool that takes new nodes.
pub(super) struct Field<'s, 'a> {
    pub(super) pool: &'a NodePool,
    pub(super) profiles: Profiles<'s, 'a>,
    /// What it may grow by, at first.
    pub(super) before: Allowance,
    pub(super) allowance: Allowance,
    /// The new nodes so far.
    pub(super) bins: Vec<Bin>,
    entries: Vec<Vec<usize>>,
}

/// A pod to be packed, the class it came from and its lot.
pub(super) type Queued<'a> = (&'a Arc<Pod>, usize, usize);

/// New nodes, pool by pool.
pub(super) struct Opening<'s, 'a> {
    pub(super) fields: Vec<Field<'s, 'a>>,
    closed: Vec<Reason>,
    /// Nodes left up to the deployment's ceiling.
    ceiling: i64,
    /// Pods that packing cannot tell apart, whatever they are to their neighbours elsewhere.
    pub(super) classes: Vec<Class<'a>>,
    /// What a pod of each is worth, in nano-dollars an hour.
    worths: Vec<i64>,
    /// The pods of each, in the order in which bins take them.
    pub(super) queues: Vec<VecDeque<Queued<'a>>>,
    pub(super) lots: Vec<Lot>,
    /// Pods that have a bin and must not use it.
    pub(super) dropped: BTreeSet<ObjectName>,
}

/// What tells packed pods apart; bigger ones first, and the more important before them.
type Key<'a> = (
    Reverse<i32>,
    (Reverse<i64>, Reverse<i64>),
    Vec<i64>,
    Vec<Requirements>,
    (&'a [Toleration], &'a [HostPort], bool),
    Vec<Role>,
    Option<usize>,
);

/// What each pool can launch.
pub(super) fn stocks<'a>(survey: &Survey<'a>) -> Vec<PoolStock<'a>> {
    let pools = in_order(survey.snapshot).into_iter();
    pools.map(|pool| (&**pool, open(survey, pool))).collect()
}

impl<'s, 'a> Opening<'s, 'a> {
    /// Nothing is open yet.
    pub(super) fn of(survey: &Survey<'a>, stocks: &'s [PoolStock<'a>]) -> Self {
        let snapshot = survey.snapshot;
        let ceiling = i64::from(snapshot.settings.nodes_max) - node_count(snapshot);
        let (mut fields, mut closed) = (Vec::new(), Vec::new());
        for (pool, stock) in stocks {
            match stock {
                Ok(stock) => fields.push(Field {
                    pool,
                    profiles: Profiles::of(stock),
                    before: Allowance::of(snapshot, pool, ceiling),
                    allowance: Allowance::of(snapshot, pool, ceiling),
                    bins: Vec::new(),
                    entries: Vec::new(),
                }),
                Err(reason) => closed.push((**reason).clone()),
            }
        }
        let (classes, queues, lots) = (Vec::new(), Vec::new(), Vec::new());
        let (worths, dropped) = (Vec::new(), BTreeSet::new());
        Self { fields, closed, ceiling, classes, worths, queues, lots, dropped }
    }

    /// Makes the domains that new nodes can have known to the spreads that count them.
    pub(super) fn enter_domains(&mut self, waiting: &mut Waiting<'a>) {
        let mut offers = PoolOffers::of(&waiting.classes, &mut self.fields);
        for class in 0..waiting.classes.len() {
            for key in waiting.topology.spread_keys(&waiting.asks[class]) {
                let tolerated = waiting.topology.honors_taints(&waiting.asks[class], &key);
                let asked = waiting.topology.honors_affinity(&waiting.asks[class], &key);
                let domains = offers.admitted((class, &key), tolerated, asked);
                waiting.topology.enter_domains(&waiting.asks[class], &key, &domains);
            }
        }
    }

    /// The pods of each new node, field by field, without those that must not use it.
    pub(super) fn on_bins(&self) -> Vec<Vec<&Queued<'a>>> {
        let mut next = vec![0; self.queues.len()];
        let mut all = Vec::new();
        for bin in self.fields.iter().flat_map(|field| &field.bins) {
            let mut here = Vec::new();
            for (class, count) in &bin.contents {
                let count = usize::try_from(*count).expect("a count is not negative");
                let pods = self.queues[*class].iter().skip(next[*class]).take(count);
                here.extend(pods.filter(|(pod, ..)| !self.dropped.contains(&pod.name)));
                next[*class] += count;
            }
            all.push(here);
        }
        all
    }

    /// Finds a new node for each pod that waits, as far as there can be one.
    pub(super) fn place(
        &mut self,
        survey: &Survey<'a>,
        waiting: &mut Waiting<'a>,
        rooms: &mut [Existing<'a>],
    ) {
        if waiting.pods.iter().all(VecDeque::is_empty) {
            return;
        }
        let first = self.classes.len();
        let seeds = self.enter_lots(waiting, rooms);
        let mut left: Vec<i64> = self.queues.iter().map(|queue| whole(queue.len())).collect();
        left[..first].fill(0);
        let mut reasons: Vec<Vec<Reason>> = vec![self.closed.clone(); self.classes.len()];
        for field in &mut self.fields {
            field.entries.resize(first, Vec::new());
            for (class, reasons) in self.classes.iter().zip(&mut reasons).skip(first) {
                let entered = entry(survey, field.pool, &mut field.profiles, class);
                field.entries.push(entered.unwrap_or_else(|reason| {
                    reasons.push(*reason);
                    Vec::new()
                }));
            }
        }
        let mut apart = vec![0; left.len()];
        for field in &mut self.fields {
            field.allowance.set_ceiling(self.ceiling);
            let demand = Demand {
                classes: &self.classes,
                entries: &field.entries,
                left,
                worths: &self.worths,
                seeds: &seeds,
                min_values: survey.snapshot.settings.policies.min_values,
            };
            let packing = pack(&mut field.profiles, &demand, (&field.allowance, &field.bins));
            self.ceiling = packing.allowance.ceiling();
            left = packing.left;
            // Who must be on one node and did not fit there with the others does not go on another one.
            for seed in &seeds {
                if seed.iter().any(|(class, count)| left[*class] < *count) {
                    for (class, _) in seed {
                        apart[*class] += std::mem::take(&mut left[*class]);
                    }
                }
            }
            field.allowance = packing.allowance;
            field.bins = packing.bins;
            for (class, refusal) in packing.refusals.into_iter().enumerate() {
                if 0 < left[class] {
                    reasons[class].extend(refusal);
                }
            }
        }
        for (class, reasons) in reasons.into_iter().enumerate().skip(first) {
            self.give_back(waiting, (class, left[class] + apart[class]), &reasons);
        }
    }

    /// Returns pods that found no node.
    fn give_back(
        &mut self,
        waiting: &mut Waiting<'a>,
        (class, left): (usize, i64),
        why: &[Reason],
    ) {
        let queue = &mut self.queues[class];
        let left = usize::try_from(left).expect("no more is left than there was");
        for (pod, from, lot) in queue.split_off(queue.len() - left) {
            waiting.pods[from].push_back(pod);
            for (key, domain) in self.lots[lot].domains() {
                waiting.topology.count_in(&waiting.asks[from], -1, key, domain);
            }
            let together = waiting.topology.together_on_node(&waiting.asks[from]);
            if let Some(term) = together.filter(|_| why.is_empty()) {
                waiting.keep_out(from, term);
            }
            for reason in why {
                if !waiting.reasons[from].contains(reason) {
                    waiting.reasons[from].push(reason.clone());
                }
            }
        }
    }

    /// Gives all that waits a domain and forms classes for packing. Returns what must be on one node.
    fn enter_lots(
        &mut self,
        waiting: &mut Waiting<'a>,
        rooms: &mut [Existing<'a>],
    ) -> Vec<Vec<(usize, i64)>> {
        let counts = waiting.left();
        for (reasons, count) in waiting.reasons.iter_mut().zip(&counts) {
            if 0 < *count {
                reasons.clear();
            }
        }
        let mut lots = self.lots_of(waiting, &counts);
        for lot in lots.iter_mut().filter(|lot| !lot.pins.is_empty()) {
            waiting.use_rooms_of(lot, rooms);
        }
        let seeded = super::seeds::form(waiting, &mut lots);
        let mut keys: BTreeMap<Key<'a>, Vec<usize>> = BTreeMap::new();
        for (at, lot) in lots.iter().enumerate().filter(|(_, lot)| 0 < lot.count) {
            let class = &waiting.classes[lot.class];
            let sample = class.sample;
            let narrowed = |one: &Requirements| one.intersect(&lot.pins);
            let key = (
                Reverse(sample.priority),
                (Reverse(sample.requests.cpu_milli), Reverse(sample.requests.memory_bytes)),
                class.requests.clone(),
                class.alternatives.iter().map(narrowed).collect(),
                (&*sample.tolerations, &*sample.host_ports, class.avoids_tainted),
                class.roles.clone(),
                seeded.get(&at).copied(),
            );
            keys.entry(key).or_default().push(at);
        }
        let mut seeds: BTreeMap<usize, Vec<(usize, i64)>> = BTreeMap::new();
        let base = self.lots.len();
        for ((.., requests, alternatives, (_, _, avoids_tainted), roles, seed), members) in keys {
            let mut queue = VecDeque::new();
            for at in &members {
                let Lot { class, count, .. } = &lots[*at];
                let pods = waiting.next(*class, *count).into_iter();
                queue.extend(pods.map(|pod| (pod, *class, base + at)));
            }
            let sample: &Pod = queue.front().expect("a lot has pods").0;
            if let Some(seed) = seed {
                seeds.entry(seed).or_default().push((self.classes.len(), whole(queue.len())));
            }
            self.worths.push(waiting.worths[lots[members[0]].class].max(1));
            self.classes.push(Class {
                sample,
                pods: Vec::new(),
                requests,
                alternatives,
                volumes: None,
                roles,
                avoids_tainted,
            });
            self.queues.push(queue);
        }
        self.lots.extend(lots);
        seeds.into_values().collect()
    }

    /// The lots of all that waits, each with its domain where terms ask for one.
    fn lots_of(&mut self, waiting: &mut Waiting<'a>, counts: &[i64]) -> Vec<Lot> {
        if waiting.topology.is_empty() {
            let all = counts.iter().enumerate().filter(|(_, count)| 0 < **count);
            let lot = |(class, count): (usize, &i64)| Lot {
                class,
                pins: Requirements::none(),
                count: *count,
            };
            return all.map(lot).collect();
        }
        let mut offers = PoolOffers::of(&waiting.classes, &mut self.fields);
        let (lots, stuck) = assign(&mut waiting.topology, &waiting.asks, counts, &mut offers);
        for (class, term) in stuck {
            waiting.keep_out(class, term);
        }
        lots
    }
}
