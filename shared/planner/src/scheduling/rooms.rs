//! Room that is there or on its way: nodes, and claims whose nodes have not come up.

use super::amounts::{add, fits, times};
use super::classes::Class;
use super::daemons::still_to_come;
use super::stock::Survey;
use super::topology::{Local, Place};
use model::by_name::ByName;
use model::claim::{NodeClaim, NoticeKind};
use model::condition::ConditionType;
use model::labels::Labels;
use model::node::Node;
use model::plan::Target;
use model::pod::{HostPort, Pod};
use model::resources::Resources;
use model::taint::Taint;
use std::sync::Arc;

/// What is free on a node, present or future.
#[derive(Clone, Debug)]
pub(crate) struct Room<'a> {
    /// Which.
    pub(crate) target: Target,
    /// Its node, if there is one.
    pub(crate) node: Option<&'a str>,
    labels: std::borrow::Cow<'a, Labels>,
    taints: Vec<&'a Taint>,
    free: Vec<i64>,
    ports: Vec<HostPort>,
    /// Its pods, as far as terms over nodes look at them.
    pub(crate) local: Local,
}

/// The cluster's nodes, claims and pods, each findable by the others.
#[derive(Debug)]
pub(crate) struct Index<'a> {
    /// Pods that have not ended, by their node.
    pods: ByName<'a, &'a Arc<Pod>>,
    claims_by_node: ByName<'a, &'a Arc<NodeClaim>>,
    nodes: ByName<'a, &'a Arc<Node>>,
}

impl<'a> Index<'a> {
    /// Of all that was observed.
    pub(crate) fn of(cluster: &'a model::snapshot::ClusterState) -> Self {
        let bound = cluster.pods.iter().filter(|pod| !pod.is_terminal());
        let mut pods: Vec<(&str, &Arc<Pod>)> =
            bound.filter_map(|pod| Some((pod.node.as_deref()?, pod))).collect();
        pods.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        let claims = || cluster.claims.iter();
        let by_instance =
            ByName::new(claims().filter_map(|claim| Some((claim.instance.as_deref()?, claim))));
        let of_instance = |node: &'a Arc<Node>| by_instance.get(node.instance.as_deref()?);
        let by_instance =
            cluster.nodes.iter().filter_map(|node| Some((&*node.name, of_instance(node)?)));
        // Of both the claim's own word counts, as the last one given.
        let by_name = claims().filter_map(|claim| Some((claim.node.as_deref()?, claim)));
        Self {
            pods: ByName::new(pods),
            claims_by_node: ByName::new(by_instance.chain(by_name)),
            nodes: ByName::new(cluster.nodes.iter().map(|node| (&*node.name, node))),
        }
    }

    /// The claim of a node.
    pub(crate) fn claim_of(&self, node: &str) -> Option<&'a Arc<NodeClaim>> {
        self.claims_by_node.get(node)
    }

    /// The node of a claim that has registered.
    pub(crate) fn node_of(&self, claim: &NodeClaim) -> Option<&'a Arc<Node>> {
        claim.node.as_deref().and_then(|name| self.nodes.get(name))
    }

    /// The pods on a node that have not ended, by name.
    pub(crate) fn pods_on(&self, node: &str) -> &[&'a Arc<Pod>] {
        self.pods.all(node)
    }
}

/// Whether a claim's node will go: it is being deleted, or EC2 said so.
pub(crate) fn is_going(claim: &NodeClaim) -> bool {
    let announced =
        claim.notice.as_ref().is_some_and(|n| n.kind != NoticeKind::RebalanceRecommendation);
    claim.deleting.is_some() || announced
}

/// Whether a node's place has been promised to no one but its own pods: it is to be disrupted or goes.
pub(crate) fn is_leaving(node: &Node, claim: Option<&NodeClaim>) -> bool {
    node.deleting.is_some()
        || node.is_disrupted()
        || claim.is_some_and(|claim| is_going(claim) || !claim.replaced_by.is_empty())
}

impl<'a> Room<'a> {
    /// The room on a node whose pods are all known; what its daemons still need is kept for them.
    pub(crate) fn on_node(survey: &Survey<'_>, index: &Index<'a>, node: &'a Node) -> Self {
        Self::beside(survey, node, index.pods_on(&node.name))
    }

    /// The room on a node if just these pods were there.
    pub(crate) fn beside(survey: &Survey<'_>, node: &'a Node, pods: &[&'a Arc<Pod>]) -> Self {
        let target = Target::Node(node.name.clone());
        let labels = std::borrow::Cow::Borrowed(&node.labels);
        let taints: Vec<&Taint> = node.taints.iter().collect();
        let allocatable = survey.allocatable(&node.allocatable, Some(&node.name));
        let room = Self::new(survey, (target, labels, taints), &allocatable, pods);
        Self { node: Some(&node.name), ..room }
    }

    /// The room that a launched claim will have. Startup taints and those that go away by themselves do not count.
    pub(crate) fn on_claim(survey: &Survey<'_>, index: &Index<'a>, claim: &'a NodeClaim) -> Self {
        let target = Target::Claim(claim.name.clone());
        let (mut labels, mut taints) = (std::borrow::Cow::Borrowed(&claim.labels), Vec::new());
        taints.extend(&claim.spec.taints);
        // What is not launched yet will have the labels that leave no choice.
        for (key, requirement) in claim.spec.requirements.iter() {
            let only = requirement.listed().filter(|values| values.len() == 1);
            if let Some(value) = only.and_then(|values| values.first())
                && !labels.contains_key(key)
            {
                labels.to_mut().insert(key.clone(), value.clone());
            }
        }
        let mut pods: &[&Arc<Pod>] = &[];
        if let Some(node) = index.node_of(claim) {
            let own = node.labels.iter().map(|(k, v)| (k.clone(), v.clone()));
            labels.to_mut().extend(own);
            let lasting = node.taints.iter().filter(|taint| {
                !taint.is_ephemeral() && !claim.spec.startup_taints.contains(taint)
            });
            taints.extend(lasting);
            pods = index.pods_on(&node.name);
        }
        let node = index.node_of(claim).map(|node| node.name.as_str());
        let allocatable = survey.allocatable(&claim.allocatable, node);
        let room = Self::new(survey, (target, labels, taints), &allocatable, pods);
        Self { node, ..room }
    }

    fn new(
        survey: &Survey<'_>,
        (target, labels, taints): (Target, std::borrow::Cow<'a, Labels>, Vec<&'a Taint>),
        allocatable: &Resources,
        pods: &[&'a Arc<Pod>],
    ) -> Self {
        let mut free = survey.columns.row(allocatable);
        for pod in pods {
            survey.columns.take_off(&mut free, &pod.requests);
        }
        survey.take_off_attached(&mut free, pods);
        let daemon_sets = &survey.snapshot.cluster.daemon_sets;
        let to_come = still_to_come(daemon_sets, &labels, &taints, pods);
        survey.columns.take_off(&mut free, &to_come);
        let ports = pods.iter().flat_map(|pod| pod.host_ports.iter().cloned()).collect();
        Self { target, node: None, labels, taints, free, ports, local: Local::default() }
    }

    /// What is free.
    pub(crate) fn free(&self) -> &[i64] {
        &self.free
    }

    /// What terms look at.
    pub(crate) fn place(&self) -> Place<'_> {
        Place { labels: &self.labels, taints: &self.taints, is_known: true }
    }

    /// Whether labels and taints admit the class.
    pub(crate) fn admits(&self, class: &Class<'_>) -> bool {
        class.admits_node(&self.labels, self.taints.iter().copied())
    }

    /// Whether one pod of a class could be taken. What cannot now, cannot once more has been taken.
    pub(crate) fn may_take(&self, class: &Class<'_>) -> bool {
        self.has_space_for(class) && self.admits(class)
    }

    /// Whether what one pod of a class asks for, and its ports, are free.
    pub(crate) fn has_space_for(&self, class: &Class<'_>) -> bool {
        fits(&class.requests, &self.free) && class.ports_fit(&self.ports)
    }

    /// Whether so many pods of a class fit.
    pub(crate) fn holds(&self, class: &Class<'_>, count: i64) -> bool {
        times(&class.requests, &self.free, count) == count
    }

    /// Takes as many pods of a class as fit, at most `most`. Says how many.
    pub(crate) fn take(&mut self, class: &Class<'_>, most: i64) -> i64 {
        let most = if class.is_alone_on_a_node() { most.min(1) } else { most };
        if most <= 0 || !self.may_take(class) {
            return 0;
        }
        let count = times(&class.requests, &self.free, most);
        add(&mut self.free, &class.requests, -count);
        self.ports.extend(class.sample.host_ports.iter().cloned());
        count
    }

    /// Keeps room for pods that were promised it, whether or not it is there.
    pub(crate) fn keep(&mut self, class: &Class<'_>, count: i64) {
        add(&mut self.free, &class.requests, -count);
        self.ports.extend(class.sample.host_ports.iter().cloned());
    }
}

/// Whether a claim that it replaces is still there and goes, so that a claim's room is for its pods. Of a command that was
/// taken back nothing is left to wait for.
pub(crate) fn is_reserved(snapshot: &model::snapshot::Snapshot, claim: &NodeClaim) -> bool {
    let claims = &snapshot.cluster.claims;
    let waits = |other: &NodeClaim| other.replaced_by.contains(&claim.name);
    let replaced = |name: &_| claims.iter().any(|other| other.name == *name && waits(other));
    claim.spec.replaces.iter().any(replaced)
}

/// Since when a claim has been initialized.
pub(crate) fn initialized_since(claim: &NodeClaim) -> Option<jiff::Timestamp> {
    claim.conditions.true_since(ConditionType::Initialized)
}
