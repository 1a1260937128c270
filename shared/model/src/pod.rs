//! Pods, slim: what placement and eviction look at, and nothing else.

use crate::affinity::{PodAffinity, TopologySpread};
use crate::labels::{Labels, normalized};
use crate::name::{NodeName, ObjectName, ResourceVersion, Text, Uid};
use crate::requirement::Requirements;
use crate::resources::Resources;
use crate::taint::Toleration;
use crate::volume::VolumeClaim;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// `status.phase` of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// Not all containers have started.
    Pending,
    /// At least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, at least one badly.
    Failed,
}

/// The kind of the object that controls a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// `ReplicaSet`, `DaemonSet`, `Job`, `Node` (a static pod) …
    pub kind: Text,
    /// Its name.
    pub name: Text,
    /// Its uid.
    pub uid: Uid,
}

/// A port on the node's own address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostPort {
    /// The address; `0.0.0.0` takes the port on all.
    pub ip: Text,
    /// The port number.
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Text,
}

impl HostPort {
    /// Whether both cannot be on one node.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let anywhere = |ip: &str| ip == "0.0.0.0" || ip == "::";
        self.port == other.port
            && self.protocol == other.protocol
            && (self.ip == other.ip || anywhere(&self.ip) || anywhere(&other.ip))
    }
}

/// The annotation `karpenter.sh/do-not-disrupt` of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DoNotDisrupt {
    /// `"true"`: as long as the pod runs.
    Always,
    /// A duration, measured from the pod's start.
    For(SignedDuration),
}

/// A pod, as far as joiner looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// Namespace and name.
    pub name: ObjectName,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.resourceVersion`.
    #[serde(default)]
    pub resource_version: ResourceVersion,
    /// Labels.
    #[serde(default)]
    pub labels: Labels,
    /// The controlling owner.
    #[serde(default)]
    pub owner: Option<Owner>,
    /// When it was created.
    pub created: Timestamp,
    /// What it needs in all (init and sidecar containers, overhead, one pod slot counted).
    pub requests: Resources,
    /// `spec.nodeSelector`.
    #[serde(default)]
    pub node_selector: Labels,
    /// Required node affinity: one of these must hold; empty means no demand.
    #[serde(default)]
    pub node_affinity: Vec<Requirements>,
    /// Preferred node affinity, with weights of 1 to 100.
    #[serde(default)]
    pub preferred_node_affinity: Vec<(i32, Requirements)>,
    /// Tolerations.
    #[serde(default)]
    pub tolerations: Vec<Toleration>,
    /// Topology spread constraints.
    #[serde(default)]
    pub topology_spread: Vec<TopologySpread>,
    /// Pod affinity.
    #[serde(default)]
    pub affinity: PodAffinity,
    /// Pod anti-affinity.
    #[serde(default)]
    pub anti_affinity: PodAffinity,
    /// Ports on the node's address.
    #[serde(default)]
    pub host_ports: Vec<HostPort>,
    /// The PersistentVolumeClaims it mounts.
    #[serde(default)]
    pub volume_claims: Vec<VolumeClaim>,
    /// Whether it asks for devices by Dynamic Resource Allocation (`spec.resourceClaims`).
    #[serde(default)]
    pub resource_claims: bool,
    /// `spec.priority`.
    #[serde(default)]
    pub priority: i32,
    /// Whether its priority class is `system-cluster-critical` or `system-node-critical`.
    #[serde(default)]
    pub critical: bool,
    /// `controller.kubernetes.io/pod-deletion-cost`.
    #[serde(default)]
    pub deletion_cost: i32,
    /// `karpenter.sh/do-not-disrupt`.
    #[serde(default)]
    pub do_not_disrupt: Option<DoNotDisrupt>,
    /// `spec.terminationGracePeriodSeconds`.
    pub termination_grace: SignedDuration,
    /// The node it is bound to.
    #[serde(default)]
    pub node: Option<NodeName>,
    /// `status.nominatedNodeName`: it waits for a preemption.
    #[serde(default)]
    pub nominated_node: Option<NodeName>,
    /// `status.phase`.
    pub phase: Phase,
    /// Since when the scheduler says `PodScheduled=False` with reason `Unschedulable`.
    #[serde(default)]
    pub unschedulable_since: Option<Timestamp>,
    /// When it was bound (`PodScheduled=True`).
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// `status.startTime`.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// `metadata.deletionTimestamp`: by when it will be gone.
    #[serde(default)]
    pub deleting: Option<Timestamp>,
}

impl Pod {
    /// Whether a DaemonSet owns it.
    pub fn is_daemon(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| &*owner.kind == "DaemonSet")
    }

    /// Whether it is a static pod (owned by its node).
    pub fn is_static(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| &*owner.kind == "Node")
    }

    /// Whether it has ended.
    pub fn is_terminal(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// Whether a node is to be found for it (Karpenter's `IsProvisionable`).
    pub fn is_provisionable(&self) -> bool {
        self.unschedulable_since.is_some()
            && self.node.is_none()
            && self.nominated_node.is_none()
            && self.deleting.is_none()
            && !self.is_terminal()
            && !self.is_daemon()
            && !self.is_static()
    }

    /// Whether it would need another node if its own went (Karpenter's `IsReschedulable`).
    pub fn is_reschedulable(&self) -> bool {
        let stateful = self.owner.as_ref().is_some_and(|owner| &*owner.kind == "StatefulSet");
        !self.is_terminal()
            && (self.deleting.is_none() || stateful)
            && !self.is_daemon()
            && !self.is_static()
    }

    /// Whether its annotation forbids voluntary disruption at this time.
    pub fn forbids_disruption(&self, now: Timestamp) -> bool {
        if self.is_terminal() {
            return false;
        }
        match self.do_not_disrupt {
            None => false,
            Some(DoNotDisrupt::Always) => true,
            Some(DoNotDisrupt::For(duration)) => {
                self.started_at.is_none_or(|start| now.duration_since(start) < duration)
            }
        }
    }

    /// The node requirements it allows, as alternatives: selector and one term of the required affinity each.
    pub fn node_alternatives(&self) -> Vec<Requirements> {
        let selector = Requirements::from_labels(&self.node_selector);
        if self.node_affinity.is_empty() {
            return vec![selector];
        }
        self.node_affinity.iter().map(|term| selector.intersect(term)).collect()
    }

    /// Whether a node with these labels satisfies selector and required affinity. A label that the selector calls by another
    /// name than the usual one is looked for under both: its owner may add it later than the node comes up.
    pub fn admits_node_labels(&self, labels: &Labels) -> bool {
        let has = |key: &str| labels.get(key).or_else(|| labels.get(normalized(key)));
        self.node_selector.iter().all(|(key, value)| has(key) == Some(value))
            && (self.node_affinity.is_empty()
                || self.node_affinity.iter().any(|term| term.admits_labels(labels)))
    }

    /// A short stable hash of the uid, as nominations carry it.
    pub fn short_id(&self) -> u32 {
        let hash = crate::name::stable_hash([self.uid.as_bytes()]);
        u32::try_from(hash >> 32).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_label_that_a_selector_calls_by_another_name_is_found_under_the_usual_one() {
        let pod: Pod = serde_json::from_value(json!({
            "name": {"namespace": "default", "name": "web"},
            "uid": "web",
            "created": "2026-01-01T00:00:00Z",
            "requests": {},
            "nodeSelector": {"topology.ebs.csi.aws.com/zone": "a"},
            "terminationGrace": "PT30S",
            "phase": "Pending",
        }))
        .unwrap();
        let node = |key: &str, value: &str| Labels::from([(key.into(), value.into())]);
        assert!(pod.admits_node_labels(&node(crate::labels::ZONE, "a")));
        assert!(pod.admits_node_labels(&node("topology.ebs.csi.aws.com/zone", "a")));
        assert!(!pod.admits_node_labels(&node(crate::labels::ZONE, "b")));
        assert!(!pod.admits_node_labels(&Labels::new()));
    }
}
