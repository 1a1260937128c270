//! Nodes, as far as joiner looks at them.

use crate::objects::amounts::Amounts;
use crate::objects::meta::{Condition, NodeTaint, ObjectMeta};
use model::name::InstanceId;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Node {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    #[serde(default)]
    pub(crate) spec: NodeSpec,
    #[serde(default)]
    pub(crate) status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NodeSpec {
    #[serde(rename = "providerID")]
    pub(crate) provider_id: Option<String>,
    pub(crate) taints: Vec<NodeTaint>,
    pub(crate) unschedulable: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeStatus {
    pub(crate) capacity: Amounts,
    pub(crate) allocatable: Amounts,
    pub(crate) conditions: Vec<Condition>,
}

/// The instance in a provider id of the form `aws:///us-east-1a/i-0abc`; none for other clouds' nodes.
pub(crate) fn instance_of(provider_id: &str) -> Option<InstanceId> {
    let (_, instance) = provider_id.strip_prefix("aws://")?.rsplit_once('/')?;
    instance.starts_with("i-").then(|| instance.into())
}
