//! Pods as workloads make them: everything that the world fills in later is left empty.

use jiff::{SignedDuration, Timestamp};
use model::affinity::PodAffinity;
use model::labels::Labels;
use model::name::{ObjectName, Text};
use model::pod::{Owner, Phase, Pod};
use model::resources::Resources;

/// What Kubernetes gives a pod to end (`terminationGracePeriodSeconds`) when its template is silent.
pub(crate) const GRACE_DEFAULT: SignedDuration = SignedDuration::from_secs(30);

/// The most milli-CPU that one pod may ask for: ten thousand cores, more than ten of EC2's largest.
///
/// This and the next ones keep sums over `PODS_MAX` pods within 64 bits.
pub(crate) const CPU_MILLI_MAX: i64 = 10_000_000;
/// The most bytes that one pod may ask for: 32 TiB, the memory of EC2's largest instance type.
pub(crate) const BYTES_MAX: i64 = 1 << 45;
/// The most of any other resource that one pod may ask for.
pub(crate) const COUNT_MAX: i64 = 1_000_000;
/// The most pods of one workload: more than Kubernetes holds at once (150,000 by its published thresholds).
pub(crate) const PODS_MAX: u64 = 250_000;
/// The furthest that anything in a workload may lie ahead, and the longest that it may take, in seconds: ten years.
pub(crate) const SECONDS_MAX: i64 = 10 * 366 * 86_400;

/// The kind of owner a pod has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerKind {
    Deployment,
    Job,
    DaemonSet,
}

/// A pod of the named owner that asks for this much and one pod slot, and for nothing else.
pub(crate) fn pod(owner: ObjectName, kind: OwnerKind, mut requests: Resources) -> Pod {
    requests.pods = 1;
    let kind = match kind {
        // A Deployment's pods belong to its ReplicaSet.
        OwnerKind::Deployment => "ReplicaSet",
        OwnerKind::Job => "Job",
        OwnerKind::DaemonSet => "DaemonSet",
    };
    let name = Text::clone(&owner.name);
    Pod {
        name: owner,
        uid: "".into(),
        resource_version: 0,
        labels: Labels::new(),
        owner: Some(Owner { kind: kind.into(), name, uid: "".into() }),
        created: Timestamp::UNIX_EPOCH,
        requests,
        node_selector: Labels::new(),
        node_affinity: Vec::new(),
        preferred_node_affinity: Vec::new(),
        tolerations: Vec::new(),
        topology_spread: Vec::new(),
        affinity: PodAffinity::default(),
        anti_affinity: PodAffinity::default(),
        host_ports: Vec::new(),
        volume_claims: Vec::new(),
        resource_claims: false,
        priority: 0,
        critical: false,
        deletion_cost: 0,
        do_not_disrupt: None,
        termination_grace: GRACE_DEFAULT,
        node: None,
        nominated_node: None,
        phase: Phase::Pending,
        unschedulable_since: None,
        scheduled_at: None,
        started_at: None,
        deleting: None,
    }
}

/// Whether Kubernetes takes this for an owner's name, with room left for what is put behind it.
pub(crate) fn is_name(text: &str) -> bool {
    // 63 is what a label may have (RFC 1123); a copy's and a pod's number follow.
    let fits = !text.is_empty() && text.len() <= 50;
    fits && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether Kubernetes takes this for a label's key: a name of up to 63, behind a domain and a slash or not (Kubernetes
/// documentation, "Labels and Selectors").
pub(crate) fn is_label_key(text: &str) -> bool {
    let (domain, name) = text.split_once('/').map_or((None, text), |(d, name)| (Some(d), name));
    let is_part = |part: &str, most: usize, within: &[u8]| {
        let ends_well = |c: char| c.is_ascii_alphanumeric();
        part.len() <= most
            && part.starts_with(ends_well)
            && part.ends_with(ends_well)
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || within.contains(&b))
    };
    is_part(name, 63, b"-_.") && domain.is_none_or(|domain| is_part(domain, 253, b"-."))
}
