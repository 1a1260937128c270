//! Pods.

use crate::convert::requests;
use crate::field::FieldError;
use crate::format;
use crate::objects::meta::{self, ObjectMeta};
use crate::objects::pod::{self, Container, PodSpec, PodStatus, TolerationEffect};
use crate::objects::selector;
use jiff::{SignedDuration, Timestamp};
use model::affinity::{
    LabelSelector, NodeInclusionPolicy, PodAffinity, PodAffinityTerm, TopologySpread,
};
use model::labels;
use model::name::{ObjectName, Text};
use model::pod::{DoNotDisrupt, HostPort, Owner, Phase, Pod};
use model::requirement::Requirements;
use model::taint::{Effect, Toleration, TolerationOperator};
use model::volume::{ClaimTemplate, VolumeClaim};

/// `terminationGracePeriodSeconds` where it is not given.
const TERMINATION_GRACE_SECONDS: i64 = 30;

/// A pod. What the file does not say about its birth is taken from its name and `now`.
pub(crate) fn convert(object: pod::Pod, now: Timestamp) -> Result<Pod, FieldError> {
    let pod::Pod { metadata, spec, status } = object;
    let name = namespaced(&metadata)?;
    let PodStatus { phase, conditions, start_time, nominated_node_name } = status;
    let created = metadata.creation_timestamp.map_or(now, |time| time.0);
    let scheduled = conditions.iter().find(|c| &*c.kind == "PodScheduled");
    let since = |c: &meta::Condition| c.last_transition_time.map_or(created, |time| time.0);
    let unschedulable = scheduled.filter(|c| &*c.status == "False" && c.reason == "Unschedulable");
    let bound = scheduled.filter(|c| &*c.status == "True");
    Ok(Pod {
        uid: uid(&metadata, &name.to_string()).into(),
        resource_version: metadata.resource_version.0,
        owner: owner(&metadata),
        created,
        deletion_cost: number(&metadata, labels::POD_DELETION_COST),
        do_not_disrupt: do_not_disrupt(&metadata),
        nominated_node: Some(nominated_node_name).filter(|n| !n.is_empty()).map(Into::into),
        phase: match phase {
            pod::Phase::Pending => Phase::Pending,
            pod::Phase::Running | pod::Phase::Unknown => Phase::Running,
            pod::Phase::Succeeded => Phase::Succeeded,
            pod::Phase::Failed => Phase::Failed,
        },
        unschedulable_since: unschedulable.map(since),
        scheduled_at: bound.map(since),
        started_at: start_time.map(|time| time.0),
        deleting: metadata.deletion_timestamp.map(|time| time.0),
        ..from_spec(name, metadata, spec)?
    })
}

/// A pod as a spec demands it, not placed and without a life yet.
pub(crate) fn from_spec(
    name: ObjectName,
    metadata: ObjectMeta,
    spec: PodSpec,
) -> Result<Pod, FieldError> {
    let requests = requests::of(&spec)?;
    let host_ports = host_ports(&spec);
    let volume_claims = volume_claims(&name.name, &spec);
    let affinity = spec.affinity;
    let node_affinity = affinity.node_affinity;
    // No term at all matches no node, as an empty one does.
    let required = node_affinity.required.map(|required| match required.node_selector_terms {
        terms if terms.is_empty() => {
            vec![Requirements::from(selector::NodeSelectorTerm::default())]
        }
        terms => terms.into_iter().map(Requirements::from).collect(),
    });
    let preferred = node_affinity.preferred.into_iter();
    Ok(Pod {
        uid: name.to_string().into(),
        name,
        resource_version: 0,
        labels: metadata.labels,
        owner: None,
        created: Timestamp::UNIX_EPOCH,
        requests,
        node_selector: spec.node_selector,
        node_affinity: required.unwrap_or_default(),
        preferred_node_affinity: preferred.map(|p| (p.weight, p.preference.into())).collect(),
        tolerations: spec.tolerations.into_iter().map(toleration).collect(),
        topology_spread: spec.topology_spread_constraints.into_iter().map(spread).collect(),
        affinity: pod_affinity(affinity.pod_affinity),
        anti_affinity: pod_affinity(affinity.pod_anti_affinity),
        host_ports,
        volume_claims,
        resource_claims: !spec.resource_claims.is_empty(),
        priority: spec.priority,
        critical: matches!(
            &*spec.priority_class_name,
            "system-cluster-critical" | "system-node-critical"
        ),
        deletion_cost: 0,
        do_not_disrupt: None,
        termination_grace: grace(spec.termination_grace_period_seconds)?,
        node: spec.node_name.filter(|node| !node.is_empty()).map(Into::into),
        nominated_node: None,
        phase: Phase::Pending,
        unschedulable_since: None,
        scheduled_at: None,
        started_at: None,
        deleting: None,
    })
}

/// Namespace and name; the namespace is `default` where none is given, as `kubectl` has it.
pub(crate) fn namespaced(metadata: &ObjectMeta) -> Result<ObjectName, FieldError> {
    let namespace = metadata.namespace.clone().unwrap_or_else(|| "default".into());
    Ok(ObjectName { namespace, name: named(metadata)? })
}

/// The name of an object, which must have one.
pub(crate) fn named(metadata: &ObjectMeta) -> Result<Text, FieldError> {
    if metadata.name.is_empty() {
        return Err(FieldError::new("metadata.name", "expected a name"));
    }
    Ok(metadata.name.clone())
}

/// The uid; what has none is known by its name.
pub(crate) fn uid(metadata: &ObjectMeta, name: &str) -> Text {
    metadata.uid.clone().unwrap_or_else(|| name.into())
}

fn owner(metadata: &ObjectMeta) -> Option<Owner> {
    let controller = metadata.owner_references.iter().find(|owner| owner.controller)?;
    Some(Owner {
        kind: controller.kind.clone(),
        name: controller.name.clone(),
        uid: controller.uid.clone().into(),
    })
}

/// The number in an annotation; zero where there is none.
fn number(metadata: &ObjectMeta, annotation: &str) -> i32 {
    metadata.annotations.get(annotation).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn do_not_disrupt(metadata: &ObjectMeta) -> Option<DoNotDisrupt> {
    match &**metadata.annotations.get(labels::DO_NOT_DISRUPT)? {
        "true" => Some(DoNotDisrupt::Always),
        text => format::duration(text).map(DoNotDisrupt::For),
    }
}

fn grace(seconds: Option<i64>) -> Result<SignedDuration, FieldError> {
    let seconds = seconds.unwrap_or(TERMINATION_GRACE_SECONDS);
    if seconds < 0 {
        let message = format!("expected zero or more, found {seconds}");
        return Err(FieldError::new("spec.terminationGracePeriodSeconds", message));
    }
    Ok(SignedDuration::from_secs(seconds.min(format::DURATION_MAX_SECONDS)))
}

/// Ports of containers and sidecars on the node's address. On the host's network every port is one.
fn host_ports(spec: &PodSpec) -> Vec<HostPort> {
    let sidecars = spec.init_containers.iter().filter(|container| container.is_sidecar());
    let ports = spec.containers.iter().chain(sidecars).flat_map(|c: &Container| &c.ports);
    let or = |text: &Text, default: &str| match &**text {
        "" => default.into(),
        _ => text.clone(),
    };
    let mut all: Vec<HostPort> = ports
        .filter_map(|port| {
            let number = match port.host_port {
                0 if spec.host_network => port.container_port,
                number => number,
            };
            let ip = or(&port.host_ip, "0.0.0.0");
            let protocol = or(&port.protocol, "TCP");
            (number != 0).then_some(HostPort { ip, port: number, protocol })
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

/// Claims that it names, and those made for it: `pod-volume` for a generic ephemeral volume.
fn volume_claims(pod: &str, spec: &PodSpec) -> Vec<VolumeClaim> {
    let claim = |volume: &pod::Volume| match (&volume.persistent_volume_claim, &volume.ephemeral) {
        (Some(source), _) => Some(VolumeClaim { name: source.claim_name.clone(), template: None }),
        (None, Some(source)) => Some(VolumeClaim {
            name: format!("{pod}-{}", volume.name).into(),
            template: Some(ClaimTemplate {
                storage_class: source.volume_claim_template.spec.storage_class_name.clone(),
            }),
        }),
        (None, None) => None,
    };
    spec.volumes.iter().filter_map(claim).collect()
}

fn toleration(object: pod::Toleration) -> Toleration {
    Toleration {
        key: object.key,
        operator: match object.operator {
            pod::TolerationOperator::Equal => TolerationOperator::Equal,
            pod::TolerationOperator::Exists => TolerationOperator::Exists,
        },
        value: object.value,
        effect: match object.effect {
            TolerationEffect::Any => None,
            TolerationEffect::NoSchedule => Some(Effect::NoSchedule),
            TolerationEffect::PreferNoSchedule => Some(Effect::PreferNoSchedule),
            TolerationEffect::NoExecute => Some(Effect::NoExecute),
        },
        toleration_seconds: object.toleration_seconds,
    }
}

fn spread(object: pod::TopologySpread) -> TopologySpread {
    TopologySpread {
        max_skew: object.max_skew,
        topology_key: object.topology_key,
        when_unsatisfiable: object.when_unsatisfiable,
        selector: object.label_selector.map_or_else(selector::selects_nothing, LabelSelector::from),
        min_domains: object.min_domains,
        node_affinity_policy: object.node_affinity_policy.unwrap_or(NodeInclusionPolicy::Honor),
        node_taints_policy: object.node_taints_policy.unwrap_or(NodeInclusionPolicy::Ignore),
        match_label_keys: object.match_label_keys,
    }
}

fn pod_affinity(object: pod::PodAffinity) -> PodAffinity {
    let preferred = object.preferred.into_iter();
    PodAffinity {
        required: object.required.into_iter().map(affinity_term).collect(),
        preferred: preferred.map(|w| (w.weight, affinity_term(w.pod_affinity_term))).collect(),
    }
}

fn affinity_term(object: pod::PodAffinityTerm) -> PodAffinityTerm {
    PodAffinityTerm {
        topology_key: object.topology_key,
        selector: object.label_selector.map(LabelSelector::from),
        namespaces: object.namespaces,
        namespace_selector: object.namespace_selector.map(LabelSelector::from),
        match_label_keys: object.match_label_keys,
        mismatch_label_keys: object.mismatch_label_keys,
    }
}
