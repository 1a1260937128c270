//! What an object has to keep to beyond the types of its fields, in CEL, which the API server evaluates. Rules and messages
//! are API: they are Karpenter's to the letter, so that who was refused there is refused here in the same words.

pub(crate) mod node_class;

use model::labels;
use serde_json::{Value, json};

/// An expression that has to be true, and what is said when it is not.
pub(crate) type Rule = (&'static str, &'static str);

/// A NodePool's `spec`.
pub(crate) const NODE_POOL: &[Rule] = &[
    (
        "has(self.replicas) == has(oldSelf.replicas)",
        "Cannot transition NodePool between static (replicas set) and dynamic (replicas unset) provisioning modes",
    ),
    (
        "!has(self.replicas) || (!has(self.limits) || size(self.limits) == 0 || (size(self.limits) == 1 && 'nodes' in self.limits))",
        "only 'limits.nodes' is supported on static NodePools",
    ),
    ("!has(self.replicas) || !has(self.weight)", "'weight' is not supported on static NodePools"),
];

/// A NodePool's `spec.disruption.budgets`.
pub(crate) const BUDGETS: &[Rule] = &[(
    "self.all(x, has(x.schedule) == has(x.duration))",
    "'schedule' must be set with 'duration'",
)];

/// A NodePool's `spec.template.spec.nodeClassRef`.
pub(crate) const POOL_NODE_CLASS_REF: &[Rule] = &[
    ("self.group == oldSelf.group", "nodeClassRef.group is immutable"),
    ("self.kind == oldSelf.kind", "nodeClassRef.kind is immutable"),
];

/// The requirements of a NodePool or a NodeClaim.
pub(crate) const REQUIREMENTS: &[Rule] = &[
    (
        "self.all(x, x.operator == 'In' ? x.values.size() != 0 : true)",
        "requirements with operator 'In' must have a value defined",
    ),
    (
        "self.all(x, (x.operator == 'Gt' || x.operator == 'Lt' || x.operator == 'Gte' || x.operator == 'Lte') ? (x.values.size() == 1 && int(x.values[0]) >= 0) : true)",
        "requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value",
    ),
    (
        "self.all(x, (x.operator == 'In' && has(x.minValues)) ? x.values.size() >= x.minValues : true)",
        "requirements with 'minValues' must have at least that many values specified in the 'values' field",
    ),
];

/// The group of a node class.
pub(crate) const GROUP: &[Rule] = &[("self != ''", "group may not be empty")];

/// The kind of a node class.
pub(crate) const KIND: &[Rule] = &[("self != ''", "kind may not be empty")];

/// The name of a node class.
pub(crate) const NAME: &[Rule] = &[("self != ''", "name may not be empty")];

/// A NodeClaim's `spec`.
pub(crate) const NODE_CLAIM: &[Rule] = &[("self == oldSelf", "spec is immutable")];

/// A NodeOverlay's `spec`.
pub(crate) const NODE_OVERLAY: &[Rule] = &[(
    "!has(self.price) || !has(self.priceAdjustment)",
    "cannot set both 'price' and 'priceAdjustment'",
)];

/// A NodeOverlay's `spec.capacity`.
pub(crate) const OVERLAY_CAPACITY: &[Rule] = &[(
    "self.all(x, !(x in ['cpu', 'memory', 'ephemeral-storage', 'pods']))",
    "invalid resource restricted",
)];

/// A NodeOverlay's `spec.requirements`.
pub(crate) const OVERLAY_REQUIREMENTS: &[Rule] = &[
    (
        "self.all(x, x.operator == 'NotIn' ? x.values.size() != 0 : true)",
        "requirements with operator 'NotIn' must have a value defined",
    ),
    (
        "self.all(x, x.operator == 'In' ? x.values.size() != 0 : true)",
        "requirements with operator 'In' must have a value defined",
    ),
    (
        "self.all(x, (x.operator == 'Gt' || x.operator == 'Lt' || x.operator == 'Gte' || x.operator == 'Lte') ? (x.values.size() == 1 && int(x.values[0]) >= 0) : true)",
        "requirements operator 'Gt', 'Lt', 'Gte' or 'Lte' must have a single positive integer value",
    ),
];

/// A CapacityBuffer's `spec`.
pub(crate) const CAPACITY_BUFFER: &[Rule] = &[
    (
        "!has(self.podTemplateRef) || has(self.replicas) || has(self.limits)",
        "If podTemplateRef is set, replicas or limits must also be set",
    ),
    (
        "!(has(self.podTemplateRef) && has(self.scalableRef))",
        "You must define either PodTemplateRef or ScalableRef, but not both",
    ),
];

/// Rules as a schema holds them.
pub(crate) fn cel(rules: &[Rule]) -> Value {
    rules.iter().map(|(rule, message)| json!({"rule": rule, "message": message})).collect()
}

/// Labels of a NodePool's template.
pub(crate) fn template_labels() -> Value {
    let each = |rule: String| format!("self.all(x, {rule})");
    json!([
        within("karpenter.sh", &each(is_within("x", "karpenter.sh", &CORE_KEYS))),
        without(labels::NODEPOOL, &each(is_not("x", labels::NODEPOOL))),
        without(labels::HOSTNAME, &each(is_not("x", labels::HOSTNAME))),
        within("karpenter.k8s.aws", &each(is_within("x", "karpenter.k8s.aws", &aws_keys()))),
    ])
}

/// Keys of a NodePool's requirements.
pub(crate) fn pool_key() -> Value {
    json!([
        within("karpenter.sh", &is_within("self", "karpenter.sh", &CORE_KEYS)),
        without(labels::NODEPOOL, &is_not("self", labels::NODEPOOL)),
        without(labels::HOSTNAME, &is_not("self", labels::HOSTNAME)),
        within("karpenter.k8s.aws", &is_within("self", "karpenter.k8s.aws", &aws_keys())),
    ])
}

/// Keys of a NodeClaim's requirements.
pub(crate) fn claim_key() -> Value {
    json!([
        within("karpenter.sh", &is_within("self", "karpenter.sh", &CORE_KEYS)),
        without(labels::HOSTNAME, &is_not("self", labels::HOSTNAME)),
        within("karpenter.k8s.aws", &is_within("self", "karpenter.k8s.aws", &aws_keys())),
    ])
}

/// Keys of a NodeOverlay's requirements: what an instance type has by itself, not what its node class gives it.
pub(crate) fn overlay_key() -> Value {
    json!([
        within("karpenter.sh", &is_within("self", "karpenter.sh", &CORE_KEYS)),
        without(labels::HOSTNAME, &is_not("self", labels::HOSTNAME)),
        within("karpenter.k8s.aws", &is_within("self", "karpenter.k8s.aws", &aws_instance_keys())),
    ])
}

/// The keys of Karpenter's own domain that may be asked for.
const CORE_KEYS: [&str; 2] = [labels::CAPACITY_TYPE, labels::NODEPOOL];

/// The keys of the domain for AWS that may be asked for.
fn aws_keys() -> Vec<&'static str> {
    let other = labels::OTHER_WELL_KNOWN.into_iter();
    let other = other.filter(|key| key.starts_with("karpenter.k8s.aws/"));
    aws_instance_keys().into_iter().chain(other).collect()
}

fn aws_instance_keys() -> Vec<&'static str> {
    [labels::EC2NODECLASS].into_iter().chain(labels::AWS_INSTANCE_LABELS).collect()
}

fn within(domain: &str, rule: &str) -> Value {
    json!({"rule": rule, "message": format!("label domain \"{domain}\" is restricted")})
}

fn without(key: &str, rule: &str) -> Value {
    json!({"rule": rule, "message": format!("label \"{key}\" is restricted")})
}

/// One of these keys, or of another domain. What ends like the domain counts as it, as in Karpenter.
fn is_within(variable: &str, domain: &str, keys: &[&str]) -> String {
    let keys = json!(keys);
    format!(r#"{variable} in {keys} || !{variable}.find("^([^/]+)").endsWith("{domain}")"#)
}

fn is_not(variable: &str, key: &str) -> String {
    format!(r#"{variable} != "{key}""#)
}
