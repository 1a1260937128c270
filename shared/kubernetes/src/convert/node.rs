//! Nodes.

use crate::convert::pod::{named, uid};
use crate::field::FieldError;
use crate::objects::meta;
use crate::objects::node::{self, instance_of};
use jiff::Timestamp;
use model::condition::Status;
use model::labels;
use model::node::{Ailment, Health, Node};

/// A node. What the file does not say about its birth is taken from its name and `now`.
pub(crate) fn convert(object: node::Node, now: Timestamp) -> Result<Node, FieldError> {
    let node::Node { metadata, spec, status } = object;
    let name = named(&metadata)?;
    let created = metadata.creation_timestamp.map_or(now, |time| time.0);
    let too_large = |field| move |message: String| FieldError::new(field, message);
    Ok(Node {
        uid: uid(&metadata, &name).into(),
        name: name.into(),
        resource_version: metadata.resource_version.0,
        created,
        deleting: metadata.deletion_timestamp.map(|time| time.0),
        finalizer: metadata.finalizers.iter().any(|f| &**f == labels::TERMINATION_FINALIZER),
        do_not_disrupt: metadata
            .annotations
            .get(labels::DO_NOT_DISRUPT)
            .is_some_and(|value| &**value == "true"),
        labels: metadata.labels,
        taints: spec.taints.into_iter().map(Into::into).collect(),
        cordoned: spec.unschedulable,
        instance: spec.provider_id.as_deref().and_then(instance_of),
        capacity: status.capacity.resources_of_node().map_err(too_large("status.capacity"))?,
        allocatable: status
            .allocatable
            .resources_of_node()
            .map_err(too_large("status.allocatable"))?,
        ready: meta::is_true(&status.conditions, "Ready"),
        ailments: ailments(&status.conditions, created),
    })
}

/// The conditions of its health that are not true. One without a time has been so since the node is there.
fn ailments(conditions: &[meta::Condition], created: Timestamp) -> Vec<Ailment> {
    let known = |condition: &meta::Condition| {
        Health::ALL.into_iter().find(|kind| kind.as_str() == &*condition.kind)
    };
    let ill = conditions.iter().filter_map(|condition| {
        let status = match &*condition.status {
            "True" => return None,
            "False" => Status::False,
            _ => Status::Unknown,
        };
        let since = condition.last_transition_time.map_or(created, |time| time.0);
        Some(Ailment { kind: known(condition)?, status, since })
    });
    ill.collect()
}
