//! Label, annotation, taint and finalizer names: those of Kubernetes and Karpenter, and the few of our own.

use crate::name::Text;
use std::collections::BTreeMap;

/// Labels of an object, by key.
pub type Labels = BTreeMap<Text, Text>;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*
    };
}

keys! {
    /// The node's host name.
    HOSTNAME = "kubernetes.io/hostname";
    /// The availability zone.
    ZONE = "topology.kubernetes.io/zone";
    /// The region.
    REGION = "topology.kubernetes.io/region";
    /// The availability zone's id, the same in every account.
    ZONE_ID = "topology.k8s.aws/zone-id";
    /// The instance type.
    INSTANCE_TYPE = "node.kubernetes.io/instance-type";
    /// `amd64` or `arm64`.
    ARCH = "kubernetes.io/arch";
    /// `linux` or `windows`.
    OS = "kubernetes.io/os";
    /// The Windows build number.
    WINDOWS_BUILD = "node.kubernetes.io/windows-build";
    /// `spot`, `on-demand` or `reserved`.
    CAPACITY_TYPE = "karpenter.sh/capacity-type";
    /// The NodePool that a node belongs to.
    NODEPOOL = "karpenter.sh/nodepool";
    /// Set once the node has initialized.
    INITIALIZED = "karpenter.sh/initialized";
    /// Set once the node has registered.
    REGISTERED = "karpenter.sh/registered";
    /// The node's kubelet set the taints itself.
    DO_NOT_SYNC_TAINTS = "karpenter.sh/do-not-sync-taints";
    /// The EC2NodeClass that a node was made from.
    EC2NODECLASS = "karpenter.k8s.aws/ec2nodeclass";
    /// Annotation: the hash of the EC2NodeClass, of the class itself and of the claims made under it.
    NODE_CLASS_HASH = "karpenter.k8s.aws/ec2nodeclass-hash";
    /// Annotation: whose hash that is, and of which form.
    NODE_CLASS_HASH_VERSION = "karpenter.k8s.aws/ec2nodeclass-hash-version";
    /// Annotation: the hash of the NodePool's template that a claim was made from.
    NODEPOOL_HASH = "karpenter.sh/nodepool-hash";
    /// Annotation: whose hash that is, and of which form.
    NODEPOOL_HASH_VERSION = "karpenter.sh/nodepool-hash-version";
    /// Keeps load balancers away from a node that is being drained.
    EXCLUDE_FROM_LOAD_BALANCERS = "node.kubernetes.io/exclude-from-external-load-balancers";
    /// Forbids voluntary disruption of a pod, node or claim.
    DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt";
    /// When the drain's grace ends (RFC 3339).
    TERMINATION_TIMESTAMP = "karpenter.sh/nodeclaim-termination-timestamp";
    /// The cost of deleting a pod before others of its controller.
    POD_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
    /// Taint: the node is being disrupted, place nothing on it.
    DISRUPTED_TAINT = "karpenter.sh/disrupted";
    /// Taint: the node has not been registered yet.
    UNREGISTERED_TAINT = "karpenter.sh/unregistered";
    /// Finalizer of Nodes and NodeClaims.
    TERMINATION_FINALIZER = "karpenter.sh/termination";
    /// Finalizer of EC2NodeClasses.
    CLASS_FINALIZER = "karpenter.k8s.aws/termination";
    /// Our annotation: the saga's launch record, as JSON.
    LAUNCH_RECORD = "joiner.sh/launch-record";
    /// Our annotation: short hashes of the pods that a claim was made for.
    NOMINATED_PODS = "joiner.sh/nominated-pods";
    /// Our annotation: the claims that this one replaces, comma separated.
    REPLACES = "joiner.sh/replaces";
    /// Our annotation: the claims that will replace this one, comma separated.
    REPLACED_BY = "joiner.sh/replaced-by";
    /// Our annotation: the security groups of the EC2NodeClass when a claim was made, comma separated.
    SECURITY_GROUPS = "joiner.sh/security-groups";
    /// Our annotation: an interruption notice, `kind@time`.
    INTERRUPTION_NOTICE = "joiner.sh/interruption-notice";
}

/// Label keys under `karpenter.k8s.aws/` that describe an instance type (Karpenter 1.14, well-known labels).
pub const AWS_INSTANCE_LABELS: [&str; 21] = [
    "karpenter.k8s.aws/instance-hypervisor",
    "karpenter.k8s.aws/instance-encryption-in-transit-supported",
    "karpenter.k8s.aws/instance-category",
    "karpenter.k8s.aws/instance-capability-flex",
    "karpenter.k8s.aws/instance-family",
    "karpenter.k8s.aws/instance-generation",
    "karpenter.k8s.aws/instance-size",
    "karpenter.k8s.aws/instance-local-nvme",
    "karpenter.k8s.aws/instance-cpu",
    "karpenter.k8s.aws/instance-cpu-manufacturer",
    "karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz",
    "karpenter.k8s.aws/instance-memory",
    "karpenter.k8s.aws/instance-ebs-bandwidth",
    "karpenter.k8s.aws/instance-network-bandwidth",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-gpu-manufacturer",
    "karpenter.k8s.aws/instance-gpu-count",
    "karpenter.k8s.aws/instance-gpu-memory",
    "karpenter.k8s.aws/instance-accelerator-name",
    "karpenter.k8s.aws/instance-accelerator-manufacturer",
    "karpenter.k8s.aws/instance-accelerator-count",
];

/// Well-known keys that are not of the instance type: the remaining selectable ones of Karpenter 1.14.
pub const OTHER_WELL_KNOWN: [&str; 15] = [
    NODEPOOL,
    ZONE,
    REGION,
    INSTANCE_TYPE,
    ARCH,
    OS,
    CAPACITY_TYPE,
    WINDOWS_BUILD,
    ZONE_ID,
    "karpenter.k8s.aws/capacity-reservation-id",
    "karpenter.k8s.aws/capacity-reservation-type",
    "karpenter.k8s.aws/capacity-reservation-interruptible",
    "karpenter.k8s.aws/instance-tenancy",
    "karpenter.k8s.aws/placement-group-id",
    "karpenter.k8s.aws/placement-group-partition",
];

/// Whether a pod may select on this key although no NodePool defines it.
pub fn is_well_known(key: &str) -> bool {
    AWS_INSTANCE_LABELS.contains(&key) || OTHER_WELL_KNOWN.contains(&key)
}

/// The usual name of a label that Kubernetes once called otherwise, or that the EBS driver has a name of its own for; the
/// key itself when there is none.
pub fn normalized(key: &str) -> &str {
    match key {
        "failure-domain.beta.kubernetes.io/zone" | "topology.ebs.csi.aws.com/zone" => ZONE,
        "failure-domain.beta.kubernetes.io/region" => REGION,
        "beta.kubernetes.io/arch" => ARCH,
        "beta.kubernetes.io/os" => OS,
        "beta.kubernetes.io/instance-type" => INSTANCE_TYPE,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_become_new_ones() {
        assert_eq!(normalized("beta.kubernetes.io/arch"), ARCH);
        assert_eq!(normalized("topology.ebs.csi.aws.com/zone"), ZONE);
        assert_eq!(normalized("team"), "team");
        assert!(is_well_known("karpenter.k8s.aws/instance-cpu"));
        assert!(!is_well_known("team"));
    }
}
