//! What has to be read beside that which is always read (D11): of which nodes the pods, and which pods others mean.

use super::selector;
use jiff::{SignedDuration, Timestamp};
use model::affinity::PodAffinityTerm;
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::labels::Labels;
use model::name::{NodeName, Text};
use model::node::Node;
use model::pod::Pod;
use model::snapshot::Scope;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// For so long after its initialization a node's pods are read with those that wait (D11): pods that were meant for it
/// are still being bound.
const JUST_JOINED: SignedDuration = SignedDuration::from_secs(60);

/// Nodes whose pods are read, where not all pods are.
pub(super) fn nodes_to_read(
    scope: Scope,
    nodes: &[Arc<Node>],
    claims: &[Arc<NodeClaim>],
    now: Timestamp,
) -> BTreeSet<NodeName> {
    let by_node = claims.iter().filter_map(|claim| Some((claim.node.as_deref()?, claim)));
    let by_node: BTreeMap<&str, &Arc<NodeClaim>> = by_node.collect();
    let by_instance = claims.iter().filter_map(|claim| Some((claim.instance.as_deref()?, claim)));
    let by_instance: BTreeMap<&str, &Arc<NodeClaim>> = by_instance.collect();
    let is_read = |node: &&Arc<Node>| {
        let of_instance = node.instance.as_deref().and_then(|id| by_instance.get(id));
        let claim = of_instance.or_else(|| by_node.get(&*node.name)).map(|claim| &***claim);
        match scope {
            Scope::Everything => false,
            Scope::Going => goes(node, claim),
            Scope::Pending => goes(node, claim) || is_young(node, claim, now),
        }
    };
    nodes.iter().filter(is_read).map(|node| node.name.clone()).collect()
}

/// Whether the node goes, or is about to.
fn goes(node: &Node, claim: Option<&NodeClaim>) -> bool {
    let claim_goes = |claim: &NodeClaim| claim.deleting.is_some() || claim.notice.is_some();
    node.deleting.is_some() || node.is_disrupted() || claim.is_some_and(claim_goes)
}

/// Whether a node of ours is coming up, or came up a moment ago. Of others the scheduler knows all.
fn is_young(node: &Node, claim: Option<&NodeClaim>, now: Timestamp) -> bool {
    if claim.is_none() && node.pool().is_none() {
        return false;
    }
    let Some(claim) = claim else { return !node.is_initialized() };
    // The node is labelled before its claim is told: in between it is as young as can be.
    let since = claim.conditions.true_since(ConditionType::Initialized);
    since.is_none_or(|since| now.duration_since(since) < JUST_JOINED)
}

/// Which pods a constraint of a pod means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Meant {
    /// The namespace of the pod that has the constraint.
    own: Text,
    /// Namespaces and selector; where they are looked for is left empty, so that equal ones are equal.
    term: PodAffinityTerm,
}

impl Meant {
    /// The pods that any constraint or wish of a pod means.
    pub(super) fn all_of(pod: &Pod) -> impl Iterator<Item = Self> {
        let of = |term: PodAffinityTerm| Self { own: Arc::clone(&pod.name.namespace), term };
        let spreads = pod.topology_spread.iter().map(move |spread| {
            let selector = Some(spread.selector_for(&pod.labels));
            of(PodAffinityTerm { selector, ..nobody() })
        });
        let both = [&pod.affinity, &pod.anti_affinity].into_iter();
        let terms = both.flat_map(|terms| {
            terms.required.iter().chain(terms.preferred.iter().map(|(_, term)| term))
        });
        let terms = terms.map(move |term| {
            let selector = term.selector_for(&pod.labels);
            let namespaces = term.namespaces.clone();
            let namespace_selector = term.namespace_selector.clone();
            of(PodAffinityTerm { selector, namespaces, namespace_selector, ..nobody() })
        });
        spreads.chain(terms).filter(|meant| meant.term.selector.is_some())
    }

    /// Whether this pod is meant.
    pub(super) fn means(&self, pod: &Pod, namespaces: &BTreeMap<Text, Labels>) -> bool {
        let selects = self.term.selector.as_ref().is_some_and(|s| s.selects(&pod.labels));
        let labels_of = |name: &str| namespaces.get(name);
        selects && self.term.reaches(&self.own, &pod.name.namespace, labels_of)
    }

    /// Lists in which the pods that are meant are found: a namespace, none for all, and a label selector.
    pub(super) fn lists(
        &self,
        namespaces: &BTreeMap<Text, Labels>,
    ) -> BTreeSet<(Option<Text>, String)> {
        let labels = self.term.selector.as_ref().map_or_else(String::new, selector::text);
        let term = &self.term;
        let is_everywhere = term.namespace_selector.as_ref().is_some_and(|s| s.0.is_empty());
        if is_everywhere {
            return BTreeSet::from([(None, labels)]);
        }
        let labels_of = |name: &str| namespaces.get(name);
        let known = namespaces.keys().chain(&term.namespaces).chain([&self.own]);
        let reached = known.filter(|name| term.reaches(&self.own, name, labels_of));
        let reached: BTreeSet<Option<Text>> = reached.cloned().map(Some).collect();
        // One list of all costs the API server less than one for each of many namespaces.
        if NAMESPACES_MAX < reached.len() {
            return BTreeSet::from([(None, labels)]);
        }
        reached.into_iter().map(|namespace| (namespace, labels.clone())).collect()
    }
}

/// So many namespaces are asked one by one.
const NAMESPACES_MAX: usize = 8;

fn nobody() -> PodAffinityTerm {
    PodAffinityTerm {
        topology_key: "".into(),
        selector: None,
        namespaces: Vec::new(),
        namespace_selector: None,
        match_label_keys: Vec::new(),
        mismatch_label_keys: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What a node's claim says.
    enum Claim {
        Missing,
        ComesUp,
        /// For so many seconds.
        Initialized(i64),
    }

    /// Whether the pods of a node are read with those that wait, if it is labelled as initialized or not.
    fn is_read(labelled: bool, claim: &Claim) -> bool {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let mut labels = json!({"karpenter.sh/nodepool": "default"});
        if labelled {
            labels["karpenter.sh/initialized"] = json!("true");
        }
        let node = json!({"name": "n", "uid": "n", "created": now, "instance": "i-1",
            "labels": labels});
        let of = |conditions| {
            let claim = json!({"name": "c", "uid": "c", "created": now, "instance": "i-1",
                "spec": {"nodeClass": "c"}, "conditions": conditions});
            vec![Arc::new(serde_json::from_value::<NodeClaim>(claim).unwrap())]
        };
        let claims = match claim {
            Claim::Missing => Vec::new(),
            Claim::ComesUp => of(json!({})),
            Claim::Initialized(seconds) => {
                let since = now - SignedDuration::from_secs(*seconds);
                let said = json!({"status": "True", "reason": "Initialized", "since": since});
                of(json!({ "Initialized": said }))
            }
        };
        let node: Arc<Node> = Arc::new(serde_json::from_value(node).unwrap());
        !nodes_to_read(Scope::Pending, &[node], &claims, now).is_empty()
    }

    #[test]
    fn pods_are_read_of_nodes_that_come_up_or_came_up_a_moment_ago() {
        assert!(is_read(false, &Claim::Missing), "a node that nobody has a claim for");
        assert!(is_read(false, &Claim::ComesUp), "it has not come up");
        assert!(is_read(true, &Claim::ComesUp), "its claim is about to be told");
        assert!(is_read(true, &Claim::Initialized(59)));
        assert!(!is_read(true, &Claim::Initialized(60)));
        assert!(!is_read(true, &Claim::Missing));
    }
}
