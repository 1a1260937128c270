//! Pods that wait get a place: on a node that is there, on a claim that is on its way, or on a new one.
//!
//! A claim keeps the pods that it was made for. Heavier pools go first, whatever the price; within a pool the least
//! price decides. A launch that was begun is carried on before anything new is planned.

mod batch;
mod launches;
mod resume;
mod unproductive;

use crate::scheduling::amounts::{Columns, whole};
use crate::scheduling::classes::{Class, classify};
use crate::scheduling::rooms::{Index, Room, initialized_since, is_going, is_leaving, is_reserved};
use crate::scheduling::stock::Survey;
use jiff::{SignedDuration, Timestamp};
use launches::open_nodes;
use model::claim::NodeClaim;
use model::name::ClaimName;
use model::node::Node;
use model::plan::{LeftOut, Placement, Plan, Target};
use model::pod::Pod;
use model::reason::{Reason, Subject};
use model::snapshot::{Scope, Snapshot};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// So long the scheduler is waited for on a node that has just come up; then its verdict stands. It binds within a
/// second; what remains is for the slowest of its retries (its back-off ends at 10 s) and for daemons to start.
pub(crate) const SETTLING: SignedDuration = SignedDuration::from_secs(30);

/// Plans places for pods that wait, and carries on launches that were begun.
pub fn provision(snapshot: &Snapshot, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if snapshot.cluster.cluster_uid != snapshot.settings.cluster_uid {
        let why = "this is not the cluster that joiner was deployed for".into();
        plan.leave_out(Subject::Cluster, Reason::ViewRefused { why });
        return plan;
    }
    let dropped = resume::resume(snapshot, now, &mut plan);
    let index = Index::of(&snapshot.cluster);
    let batch::Batch { pods, mut left_out } = batch::gather(snapshot, &index);
    if !pods.is_empty() {
        let columns = Columns::of(pods.iter().map(|pod| &pod.requests));
        let survey = Survey::new(snapshot, columns, now);
        let mut waiting = Waiting::of(classify(pods.iter().copied(), &survey.columns));
        waiting.use_existing(&survey, &index, &dropped, now);
        let verdicts = unproductive::judge(snapshot, &index, &waiting, now);
        plan.actions.extend(verdicts.remember());
        waiting.hold_back(&verdicts);
        open_nodes(&survey, &mut waiting, &mut plan);
        plan.placements = std::mem::take(&mut waiting.placements);
        left_out.extend(waiting.into_left_out(&verdicts));
    }
    left_out.sort();
    plan.left_out.extend(
        left_out.into_iter().map(|(pod, reasons)| LeftOut { subject: Subject::Pod(pod), reasons }),
    );
    plan.placements.sort_by(|a, b| (&a.on, &a.pod).cmp(&(&b.on, &b.pod)));
    plan
}

/// Pods that have no place yet, by class, and the places found so far.
struct Waiting<'a> {
    classes: Vec<Class<'a>>,
    pods: Vec<VecDeque<&'a Arc<Pod>>>,
    placements: Vec<Placement>,
    /// Why each class was left out so far, once for each pool.
    reasons: Vec<Vec<Reason>>,
    held_back: Vec<(&'a Arc<Pod>, Reason)>,
}

impl<'a> Waiting<'a> {
    fn of(classes: Vec<Class<'a>>) -> Self {
        let pods = classes.iter().map(|class| class.pods.iter().copied().collect()).collect();
        let reasons = vec![Vec::new(); classes.len()];
        Self { classes, pods, placements: Vec::new(), reasons, held_back: Vec::new() }
    }

    fn left(&self) -> Vec<i64> {
        self.pods.iter().map(|pods| whole(pods.len())).collect()
    }

    fn place(&mut self, pod: &Arc<Pod>, on: &Target) {
        self.placements.push(Placement { pod: pod.name.clone(), on: on.clone() });
    }

    /// The next so many pods of a class.
    fn next(&mut self, class: usize, count: i64) -> Vec<&'a Arc<Pod>> {
        let count = usize::try_from(count).expect("a count is not negative");
        self.pods[class].drain(..count).collect()
    }

    /// Gives pods back to the claims that were made for them, then fills what else is free.
    fn use_existing(
        &mut self,
        survey: &Survey<'a>,
        index: &Index<'a>,
        dropped: &BTreeSet<&ClaimName>,
        now: Timestamp,
    ) {
        let (mut rooms, nominations) = targets(survey, index, dropped, now);
        for class in 0..self.classes.len() {
            for pod in std::mem::take(&mut self.pods[class]) {
                let promised = nominations.get(&pod.short_id()).into_iter().flatten();
                let mut given = promised.filter_map(|i| rooms[*i].give(&self.classes[class]));
                match given.next() {
                    Some(target) => self.place(pod, &target),
                    None => self.pods[class].push_back(pod),
                }
            }
        }
        for class in 0..self.classes.len() {
            for Existing { room, kind } in &mut rooms {
                let most = whole(self.pods[class].len());
                if most == 0 {
                    break;
                }
                if *kind == Kind::Open {
                    let count = room.take(&self.classes[class], most);
                    for pod in self.next(class, count) {
                        self.place(pod, &room.target);
                    }
                }
            }
        }
    }

    /// Takes out the pods whose owners' launches do not help.
    fn hold_back(&mut self, verdicts: &unproductive::Verdicts) {
        for pods in &mut self.pods {
            for pod in std::mem::take(pods) {
                match verdicts.against(pod) {
                    Some(reason) => self.held_back.push((pod, reason)),
                    None => pods.push_back(pod),
                }
            }
        }
    }

    fn into_left_out(self, verdicts: &unproductive::Verdicts) -> batch::LeftOutPods {
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

/// Who may use a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Any pod that fits.
    Open,
    /// Only pods that the claim was made for, where they fit.
    Reserved,
    /// Only pods that the claim was made for; it is not launched, so that it will be as large as they need.
    Promised,
}

struct Existing<'a> {
    room: Room<'a>,
    kind: Kind,
}

impl Existing<'_> {
    /// Room for a pod that the claim was made for.
    fn give(&mut self, class: &Class<'_>) -> Option<Target> {
        let given = match self.kind {
            Kind::Promised => {
                self.room.keep(class, 1);
                true
            }
            Kind::Open | Kind::Reserved => self.room.take(class, 1) == 1,
        };
        given.then(|| self.room.target.clone())
    }
}

/// Nodes and claims that can take pods, and which of them each nominated pod may belong to: a pod for which there was no
/// room after all on the node that it was made for has another claim since.
fn targets<'a>(
    survey: &Survey<'a>,
    index: &Index<'a>,
    dropped: &BTreeSet<&ClaimName>,
    now: Timestamp,
) -> (Vec<Existing<'a>>, BTreeMap<u32, Vec<usize>>) {
    let cluster = &survey.snapshot.cluster;
    let (mut rooms, mut nominations) = (Vec::new(), BTreeMap::<u32, Vec<usize>>::new());
    let mut nominate = |claim: &NodeClaim, room: usize| {
        for pod in &claim.spec.nominated {
            nominations.entry(*pod).or_default().push(room);
        }
    };
    for node in &cluster.nodes {
        let claim = index.claim_of(&node.name).map(|claim| &**claim);
        if takes_pods(survey.snapshot, node, claim, now) {
            let kind = claim.map_or(Kind::Open, |claim| kind_of(survey.snapshot, claim));
            if let Some(claim) = claim {
                nominate(claim, rooms.len());
            }
            rooms.push(Existing { room: Room::on_node(survey, index, node), kind });
        }
    }
    for claim in &cluster.claims {
        let is_up = claim.is_initialized();
        let is_leaving = is_going(claim) || !claim.replaced_by.is_empty();
        if is_up || is_leaving || dropped.contains(&claim.name) {
            continue;
        }
        nominate(claim, rooms.len());
        let kind = kind_of(survey.snapshot, claim);
        rooms.push(Existing { room: Room::on_claim(survey, index, claim), kind });
    }
    (rooms, nominations)
}

/// A claim that replaces others is kept for their pods until they are gone.
fn kind_of(snapshot: &Snapshot, claim: &NodeClaim) -> Kind {
    if !claim.is_launched() {
        Kind::Promised
    } else if is_reserved(snapshot, claim) {
        Kind::Reserved
    } else {
        let is_known = claim.node.as_ref().is_none_or(|node| snapshot.cluster.knows_pods_of(node));
        if is_known { Kind::Open } else { Kind::Reserved }
    }
}

/// Whether pods may be placed on a node that is there. Where only what is pending was read (D11), these are the nodes
/// that have just come up: of the others the scheduler has said that they do not do.
fn takes_pods(snapshot: &Snapshot, node: &Node, claim: Option<&NodeClaim>, now: Timestamp) -> bool {
    let is_ours = claim.is_some() || node.pool().is_some();
    let is_up = !is_ours || node.is_initialized() || claim.is_some_and(NodeClaim::is_initialized);
    let is_usable = is_up && !node.cordoned && !is_leaving(node, claim);
    match snapshot.cluster.scope {
        Scope::Everything => is_usable,
        Scope::Pending | Scope::Going => {
            let since = claim.and_then(initialized_since);
            let is_new = since.is_some_and(|since| now.duration_since(since) <= SETTLING);
            is_usable && is_new && snapshot.cluster.knows_pods_of(&node.name)
        }
    }
}
