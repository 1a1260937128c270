//! Pods that have no place yet, by class, and the places found so far.

use super::batch::{LeftOutPods, Ready};
use super::existing::{Existing, Kind, targets};
use super::unproductive::Verdicts;
use crate::scheduling::amounts::whole;
use crate::scheduling::classes::{Class, classify_with, node_alternatives};
use crate::scheduling::rooms::{Index, Room};
use crate::scheduling::stock::Survey;
use crate::scheduling::topology::{Asks, Lot, Place, Topology, Wish};
use jiff::Timestamp;
use model::name::{ClaimName, ObjectName};
use model::plan::{Placement, Target};
use model::pod::Pod;
use model::reason::Reason;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The pods of one pass.
pub(super) struct Waiting<'a> {
    pub(super) classes: Vec<Class<'a>>,
    /// Those of each class that have no place.
    pub(super) pods: Vec<VecDeque<&'a Arc<Pod>>>,
    pub(super) topology: Topology,
    /// What each class asks of its neighbours now.
    pub(super) asks: Vec<Asks>,
    pub(super) ties: Vec<usize>,
    /// How many of its wishes each class has given up.
    pub(super) given_up: Vec<usize>,
    /// What each class asks of a node's labels and taints: the same number for those that ask the same.
    pub(super) gates: Vec<usize>,
    /// What a pod of each class is worth, in nano-dollars an hour; nothing where no new node holds it.
    pub(super) worths: Vec<i64>,
    /// How many of each class were to be placed on new nodes or in what was free.
    demanded: Vec<i64>,
    /// How many of each class went into what was free before new nodes were thought of.
    pub(super) in_rooms: Vec<i64>,
    /// What was free then.
    pub(super) before: Vec<Room<'a>>,
    pub(super) placements: Vec<Placement>,
    /// Why each class was left out at last, once for each pool.
    pub(super) reasons: Vec<Vec<Reason>>,
    pub(super) held_back: Vec<(&'a Arc<Pod>, Reason)>,
}

impl<'a> Waiting<'a> {
    /// Nobody has a place yet.
    pub(super) fn of(survey: &Survey<'a>, batch: &'a [Ready<'a>]) -> Self {
        let snapshot = survey.snapshot;
        let policy = snapshot.settings.policies.preferences;
        let pods: Vec<&Arc<Pod>> = batch.iter().map(|(pod, _)| *pod).collect();
        let (topology, ties) = Topology::of(&snapshot.cluster, &pods, policy);
        let all = batch.iter().zip(ties);
        let all = all.map(|((pod, volumes), ties)| (*pod, ties, volumes.as_ref()));
        let classes = classify_with(all, &survey.columns);
        let (classes, ties): (Vec<Class<'a>>, Vec<usize>) = classes.into_iter().unzip();
        let count = classes.len();
        let mut waiting = Self {
            pods: classes.iter().map(|class| class.pods.iter().copied().collect()).collect(),
            classes,
            topology,
            asks: vec![Asks::default(); count],
            ties,
            given_up: vec![0; count],
            gates: Vec::new(),
            worths: vec![0; count],
            demanded: vec![0; count],
            in_rooms: vec![0; count],
            before: Vec::new(),
            placements: Vec::new(),
            reasons: vec![Vec::new(); count],
            held_back: Vec::new(),
        };
        (0..count).for_each(|class| waiting.demand(class));
        waiting.number_gates();
        waiting
    }

    /// Sets what a class asks for, with the wishes that it still has.
    fn demand(&mut self, class: usize) {
        let (ties, given_up) = (self.ties[class], self.given_up[class]);
        self.asks[class] = self.topology.asks(ties, given_up);
        let it = &mut self.classes[class];
        let wishes = self.topology.ties(ties).wishes.iter().skip(given_up);
        it.avoids_tainted = wishes.clone().any(|wish| *wish == Wish::Untainted);
        let node = wishes.clone().find_map(|wish| match wish {
            Wish::Node(place) => Some(*place),
            Wish::Term(_) | Wish::Untainted | Wish::Others => None,
        });
        it.alternatives = node_alternatives(it.sample, it.volumes);
        if let Some(place) = node {
            let (_, preferred) = &it.sample.preferred_node_affinity[place];
            for one in &mut it.alternatives {
                one.require_all(preferred);
            }
        }
        it.roles = self.topology.roles(&self.asks[class]);
    }

    /// Finds out which classes ask the same of nodes.
    fn number_gates(&mut self) {
        let mut known: BTreeMap<_, usize> = BTreeMap::new();
        let mut gates = Vec::with_capacity(self.classes.len());
        for class in &self.classes {
            let next = known.len();
            let asked = (&class.alternatives, &class.sample.tolerations, class.avoids_tainted);
            gates.push(*known.entry(asked).or_insert(next));
        }
        self.gates = gates;
    }

    /// Lets each class without a place give up a wish. Says whether one had any.
    pub(super) fn relax(&mut self) -> bool {
        let mut relaxed = false;
        for class in 0..self.classes.len() {
            let wishes = self.topology.ties(self.ties[class]).wishes.len();
            if !self.pods[class].is_empty() && self.given_up[class] < wishes {
                self.given_up[class] += 1;
                self.demand(class);
                relaxed = true;
            }
        }
        if relaxed {
            self.number_gates();
        }
        relaxed
    }

    /// Remembers what was to be placed, those without hope left out.
    pub(super) fn note_demand(&mut self) {
        for (class, placed) in self.in_rooms.iter().enumerate() {
            self.demanded[class] = placed + whole(self.pods[class].len());
        }
    }

    /// How many of each class have found a place, on new nodes or in what was free.
    pub(super) fn placed(&self) -> Vec<i64> {
        let pairs = self.demanded.iter().zip(&self.pods);
        pairs.map(|(all, left)| all - whole(left.len())).collect()
    }

    pub(super) fn left(&self) -> Vec<i64> {
        self.pods.iter().map(|pods| whole(pods.len())).collect()
    }

    pub(super) fn place(&mut self, pod: &Arc<Pod>, on: &Target) {
        self.placements.push(Placement { pod: pod.name.clone(), on: on.clone() });
    }

    /// The next so many pods of a class.
    pub(super) fn next(&mut self, class: usize, count: i64) -> Vec<&'a Arc<Pod>> {
        let count = usize::try_from(count).expect("a count is not negative");
        self.pods[class].drain(..count).collect()
    }

    /// Counts who runs where, and gives pods back to the claims that were made for them.
    pub(super) fn enter(
        &mut self,
        survey: &Survey<'a>,
        index: &Index<'a>,
        dropped: &BTreeSet<&ClaimName>,
        now: Timestamp,
    ) -> Vec<Existing<'a>> {
        let (mut rooms, nominations) = targets(survey, index, dropped, now);
        if !self.topology.is_empty() {
            self.count_running(survey, index, &mut rooms);
        }
        for class in 0..self.classes.len() {
            for pod in std::mem::take(&mut self.pods[class]) {
                let mut promised = nominations.get(&pod.short_id()).into_iter().flatten().copied();
                let given =
                    promised.find_map(|at| Some((at, rooms[at].give(&self.classes[class])?)));
                match given {
                    Some((at, target)) => {
                        self.count(class, 1, &mut rooms[at]);
                        self.place(pod, &target);
                    }
                    None => self.pods[class].push_back(pod),
                }
            }
        }
        let open = rooms.iter().filter(|existing| existing.kind == Kind::Open);
        self.before = open.map(|existing| existing.room.clone()).collect();
        rooms
    }

    /// Counts the pods that run where they are, but for those that are to move.
    pub(super) fn count_running(
        &mut self,
        survey: &Survey<'a>,
        index: &Index<'a>,
        rooms: &mut [Existing<'a>],
    ) {
        let cluster = &survey.snapshot.cluster;
        let moving: BTreeSet<&ObjectName> =
            self.pods.iter().flatten().filter(|pod| pod.node.is_some()).map(|p| &p.name).collect();
        let mut by_node: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, Existing { room, .. }) in rooms.iter().enumerate() {
            if let Some(node) = room.node {
                by_node.insert(node, at);
            }
            self.topology.enter_node(&room.place());
        }
        for node in &cluster.nodes {
            let taints: Vec<_> = node.taints.iter().collect();
            let place = Place { labels: &node.labels, taints: &taints, is_known: true };
            self.topology.enter_node(&place);
            let mut local = crate::scheduling::topology::Local::default();
            let stays = |pod: &&&Arc<Pod>| !moving.contains(&pod.name);
            for pod in index.pods_on(&node.name).iter().filter(stays) {
                self.topology.count_running(cluster, pod, &place, &mut local);
            }
            if let Some(at) = by_node.get(&*node.name) {
                rooms[*at].room.local = local;
            }
        }
    }

    pub(super) fn count(&mut self, class: usize, count: i64, existing: &mut Existing<'_>) {
        if self.topology.ties(self.ties[class]).are_none() {
            return;
        }
        let mut local = std::mem::take(&mut existing.room.local);
        let place = existing.room.place();
        self.topology.count(&self.asks[class], count, &place, &mut local);
        existing.room.local = local;
    }

    /// Takes out the pods whose owners' launches do not help.
    pub(super) fn hold_back(&mut self, verdicts: &Verdicts) {
        for pods in &mut self.pods {
            for pod in std::mem::take(pods) {
                match verdicts.against(pod) {
                    Some(reason) => self.held_back.push((pod, reason)),
                    None => pods.push_back(pod),
                }
            }
        }
    }

    /// Whether a term means the pods of a class.
    pub(super) fn means(&self, term: usize, class: usize) -> bool {
        self.topology.means(term, self.ties[class])
    }

    /// A term of a class for which a domain has no other pod, although there are some elsewhere.
    pub(super) fn lonely(&self, class: usize, key: &str, domain: &str) -> Option<usize> {
        let term = self.topology.lonely(&self.asks[class], key, domain)?;
        (!self.is_only_one(term, class)).then_some(term)
    }

    /// Whether a term means the one pod of a class that has a place, and no other pod anywhere.
    pub(super) fn is_only_one(&self, term: usize, class: usize) -> bool {
        let placed = self.placed();
        let all = placed.iter().enumerate().filter(|(other, _)| self.means(term, *other));
        let meant: i64 = all.map(|(_, count)| *count).sum();
        self.means(term, class) && meant == 1 && self.topology.total(term) <= 1
    }

    /// Takes the place of a pod away, because a term does not hold there.
    pub(super) fn drop_placed(
        &mut self,
        pod: &'a Arc<Pod>,
        class: usize,
        (lot, term): (&Lot, usize),
    ) {
        for (key, domain) in lot.domains() {
            self.topology.count_in(&self.asks[class], -1, key, domain);
        }
        self.keep_out(class, term);
        self.pods[class].push_back(pod);
    }

    /// Says that a term keeps a class from every place.
    pub(super) fn keep_out(&mut self, class: usize, term: usize) {
        let reason = Reason::Neighbours { constraint: self.topology.words(term).into() };
        if !self.reasons[class].contains(&reason) {
            self.reasons[class].push(reason);
        }
    }

    /// Takes a lot's pods off the counts of its domains.
    pub(super) fn take_off(&mut self, lot: &Lot) {
        for (key, domain) in lot.domains() {
            self.topology.count_in(&self.asks[lot.class], -lot.count, key, domain);
        }
    }

    pub(super) fn into_left_out(self, verdicts: &Verdicts) -> LeftOutPods {
        let per_class = self.pods.into_iter().zip(self.reasons);
        let without_place = per_class.flat_map(|(pods, reasons)| {
            pods.into_iter().map(move |pod| (pod, reasons.clone())).collect::<Vec<_>>()
        });
        let held_back = self.held_back.into_iter().map(|(pod, reason)| (pod, vec![reason]));
        let all = without_place.chain(held_back).map(|(pod, mut reasons)| {
            reasons.extend(verdicts.not_placed(pod));
            if reasons.is_empty() {
                reasons.push(Reason::NoPools);
            }
            (pod.name.clone(), reasons)
        });
        all.collect()
    }
}
