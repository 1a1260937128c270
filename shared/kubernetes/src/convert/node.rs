//! Nodes.

use crate::convert::pod::{named, uid};
use crate::field::FieldError;
use crate::objects::meta;
use crate::objects::node::{self, instance_of};
use jiff::Timestamp;
use model::labels;
use model::node::Node;

/// A node. What the file does not say about its birth is taken from its name and `now`.
pub(crate) fn convert(object: node::Node, now: Timestamp) -> Result<Node, FieldError> {
    let node::Node { metadata, spec, status } = object;
    let name = named(&metadata)?;
    let too_large = |field| move |message: String| FieldError::new(field, message);
    Ok(Node {
        uid: uid(&metadata, &name).into(),
        name: name.into(),
        resource_version: metadata.resource_version.0,
        created: metadata.creation_timestamp.map_or(now, |time| time.0),
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
    })
}
