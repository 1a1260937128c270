//! NodeClaims, with what joiner keeps on them in annotations.

use crate::convert::node_pool::{check_claim_spec, expire_after, requirements};
use crate::convert::pod::{named, uid};
use crate::field::FieldError;
use crate::format;
use crate::objects::karpenter::{self, NodeClaimStatus};
use crate::objects::meta::{self, ObjectMeta};
use crate::objects::node::instance_of;
use jiff::Timestamp;
use model::claim::{LaunchRecord, NodeClaim, NodeClaimSpec, Notice, NoticeKind};
use model::condition::{Condition, ConditionType, Conditions, Status};
use model::labels;
use model::name::{ClaimName, Text};
use model::stamp::Stamps;

/// A NodeClaim. What the file does not say about its birth is taken from its name and `now`.
pub(crate) fn convert(
    object: karpenter::NodeClaim,
    now: Timestamp,
) -> Result<NodeClaim, FieldError> {
    let karpenter::NodeClaim { metadata, spec, status } = object;
    let name = named(&metadata)?;
    check_claim_spec(&spec, "spec", false)?;
    let created = metadata.creation_timestamp.map_or(now, |time| time.0);
    let too_large = |field| move |message: String| FieldError::new(field, message);
    let NodeClaimStatus {
        provider_id,
        node_name,
        image_id,
        capacity,
        allocatable,
        conditions,
        last_pod_event_time,
    } = status;
    Ok(NodeClaim {
        uid: uid(&metadata, &name).into(),
        name: name.into(),
        resource_version: metadata.resource_version.0,
        created,
        deleting: metadata.deletion_timestamp.map(|time| time.0),
        finalizer: metadata.finalizers.iter().any(|f| &**f == labels::TERMINATION_FINALIZER),
        do_not_disrupt: annotation(&metadata, labels::DO_NOT_DISRUPT) == Some("true"),
        spec: NodeClaimSpec {
            pool: metadata.labels.get(labels::NODEPOOL).map(|pool| Text::clone(pool).into()),
            requirements: requirements(&spec),
            expire_after: expire_after(&spec),
            node_class: spec.node_class_ref.name.into(),
            requests: spec
                .resources
                .requests
                .resources()
                .map_err(too_large("spec.resources.requests"))?,
            taints: spec.taints.into_iter().map(Into::into).collect(),
            startup_taints: spec.startup_taints.into_iter().map(Into::into).collect(),
            termination_grace_period: spec.termination_grace_period.map(|d| d.0),
            nominated: nominated(&metadata)?,
            replaces: claim_names(&metadata, labels::REPLACES),
        },
        stamps: Stamps::read(&metadata.annotations),
        launch: launch_record(&metadata)?,
        notice: notice(&metadata)?,
        replaced_by: claim_names(&metadata, labels::REPLACED_BY),
        termination_deadline: deadline(&metadata)?,
        instance: provider_id.as_deref().and_then(instance_of),
        node: node_name.filter(|node| !node.is_empty()).map(Into::into),
        image: image_id.filter(|image| !image.is_empty()).map(Into::into),
        capacity: capacity.resources_of_node().map_err(too_large("status.capacity"))?,
        allocatable: allocatable.resources_of_node().map_err(too_large("status.allocatable"))?,
        conditions: conditions_of(conditions, created),
        last_pod_event: last_pod_event_time.map(|time| time.0),
        labels: metadata.labels,
    })
}

fn annotation<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.annotations.get(key).map(|text| &**text)
}

fn wrong(key: &str, message: String) -> FieldError {
    FieldError::new(format!("metadata.annotations.{key}"), message)
}

/// Names parted by commas.
fn claim_names(metadata: &ObjectMeta, key: &str) -> Vec<ClaimName> {
    let names = annotation(metadata, key).unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(ClaimName::from).collect()
}

/// Short ids of pods: hexadecimal numbers parted by commas.
fn nominated(metadata: &ObjectMeta) -> Result<Vec<u32>, FieldError> {
    let text = annotation(metadata, labels::NOMINATED_PODS).unwrap_or_default();
    let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty());
    let read = |id: &str| {
        u32::from_str_radix(id, 16).map_err(|_| {
            let found = meta::clip(id);
            wrong(labels::NOMINATED_PODS, format!("expected hexadecimal numbers, found {found:?}"))
        })
    };
    let mut all = ids.map(read).collect::<Result<Vec<u32>, _>>()?;
    all.sort_unstable();
    Ok(all)
}

/// A record that cannot be read is an error: what it stands for may run.
fn launch_record(metadata: &ObjectMeta) -> Result<Option<LaunchRecord>, FieldError> {
    let text = annotation(metadata, labels::LAUNCH_RECORD);
    let record = text.map(serde_json::from_str).transpose();
    record.map_err(|error| wrong(labels::LAUNCH_RECORD, error.to_string()))
}

/// `kind@time`.
fn notice(metadata: &ObjectMeta) -> Result<Option<Notice>, FieldError> {
    const KINDS: [NoticeKind; 6] = [
        NoticeKind::SpotInterrupted,
        NoticeKind::RebalanceRecommendation,
        NoticeKind::InstanceStopped,
        NoticeKind::InstanceTerminated,
        NoticeKind::ScheduledChange,
        NoticeKind::CapacityReservationInterrupted,
    ];
    let Some(text) = annotation(metadata, labels::INTERRUPTION_NOTICE) else { return Ok(None) };
    let parts = text.split_once('@').and_then(|(kind, at)| {
        let kind = KINDS.into_iter().find(|known| known.as_str() == kind)?;
        Some(Notice { kind, at: format::time(at)? })
    });
    let expected = || format!("expected kind@time, found {:?}", meta::clip(text));
    parts.map(Some).ok_or_else(|| wrong(labels::INTERRUPTION_NOTICE, expected()))
}

fn deadline(metadata: &ObjectMeta) -> Result<Option<Timestamp>, FieldError> {
    let Some(text) = annotation(metadata, labels::TERMINATION_TIMESTAMP) else { return Ok(None) };
    let expected = || format!("expected a time, found {:?}", meta::clip(text));
    format::time(text).map(Some).ok_or_else(|| wrong(labels::TERMINATION_TIMESTAMP, expected()))
}

/// The conditions that joiner knows; others, `Ready` among them, follow from these or are not its own.
fn conditions_of(objects: Vec<meta::Condition>, created: Timestamp) -> Conditions {
    let mut all = Conditions::default();
    for object in objects {
        let known = ConditionType::ALL.into_iter().find(|kind| kind.as_str() == &*object.kind);
        let Some(kind) = known else { continue };
        let status = match &*object.status {
            "True" => Status::True,
            "False" => Status::False,
            _ => Status::Unknown,
        };
        let since = object.last_transition_time.map_or(created, |time| time.0);
        let condition = Condition { status, reason: object.reason, message: object.message, since };
        all.set(kind, condition);
    }
    all
}
