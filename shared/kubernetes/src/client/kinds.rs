//! What is read of each kind: its objects' text to a noun.

use crate::convert;
use crate::convert::pod::{named, uid};
use crate::field::{FieldError, read_text};
use crate::objects::{node, pod, storage, workload};
use crate::resource::{self, Resource};
use jiff::Timestamp;
use model::claim::NodeClaim;
use model::labels::Labels;
use model::name::{ObjectName, Text, Uid};
use model::node::Node;
use model::node_class::NodeClass;
use model::pod::Pod;
use model::pool::NodePool;
use model::snapshot::{DaemonSet, PodDisruptionBudget};
use model::volume::{CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// How objects of a kind are read.
pub(super) struct Kind<T: 'static> {
    pub(super) resource: &'static Resource,
    read: fn(&str, Timestamp) -> Result<T, FieldError>,
    key: fn(&T) -> ObjectName,
}

/// An object under its name, or why it cannot be read.
pub(super) type Item<T> = (ObjectName, Result<Arc<T>, String>);

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Namespace {
    pub(super) name: Text,
    pub(super) uid: Uid,
    pub(super) labels: Labels,
}

/// What every object says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Head {
    pub(super) metadata: HeadMeta,
}

/// Of its metadata, the name and version.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HeadMeta {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) resource_version: String,
}

impl Head {
    /// What can be read of it, whatever is wrong with the rest; nothing where it is no object.
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| {
            let object: Value = serde_json::from_str(text).unwrap_or_default();
            let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default().into();
            let (name, namespace) = (field("name"), field("namespace"));
            let resource_version = field("resourceVersion");
            Self { metadata: HeadMeta { name, namespace, resource_version } }
        })
    }

    pub(super) fn key(&self) -> ObjectName {
        ObjectName::new(&*self.metadata.namespace, &*self.metadata.name)
    }

    pub(super) fn version(&self) -> Option<u64> {
        self.metadata.resource_version.parse().ok()
    }
}

fn bare(name: &str) -> ObjectName {
    ObjectName::new("", name)
}

pub(super) static POD: Kind<Pod> = Kind {
    resource: &resource::PODS,
    read: |text, now| convert::pod::convert(read_text::<pod::Pod>(text)?, now),
    key: |pod| pod.name.clone(),
};

pub(super) static NODE: Kind<Node> = Kind {
    resource: &resource::NODES,
    read: |text, now| convert::node::convert(read_text::<node::Node>(text)?, now),
    key: |node| bare(&node.name),
};

pub(super) static CLAIM: Kind<NodeClaim> = Kind {
    resource: &resource::NODE_CLAIMS,
    read: |text, now| convert::claim::convert(read_text(text)?, now),
    key: |claim| bare(&claim.name),
};

pub(super) static POOL: Kind<NodePool> = Kind {
    resource: &resource::NODE_POOLS,
    read: |text, _| convert::node_pool::convert(read_text(text)?),
    key: |pool| bare(&pool.name),
};

pub(super) static CLASS: Kind<NodeClass> = Kind {
    resource: &resource::NODE_CLASSES,
    read: |text, _| convert::node_class::convert(read_text(text)?),
    key: |class| bare(&class.name),
};

pub(super) static DAEMON_SET: Kind<DaemonSet> = Kind {
    resource: &resource::DAEMON_SETS,
    read: |text, now| convert::workload::daemon_set(read_text(text)?, now),
    key: |set| set.name.clone(),
};

pub(super) static BUDGET: Kind<PodDisruptionBudget> = Kind {
    resource: &resource::BUDGETS,
    read: |text, _| convert::workload::budget(read_text(text)?),
    key: |budget| budget.name.clone(),
};

pub(super) static NAMESPACE: Kind<Namespace> = Kind {
    resource: &resource::NAMESPACES,
    read: |text, _| namespace(read_text(text)?),
    key: |namespace| bare(&namespace.name),
};

pub(super) static STORAGE_CLASS: Kind<StorageClass> = Kind {
    resource: &resource::STORAGE_CLASSES,
    read: |text, now| convert::storage::class(read_text(text)?, now),
    key: |class| bare(&class.name),
};

pub(super) static CSI_NODE: Kind<CsiNode> = Kind {
    resource: &resource::CSI_NODES,
    read: |text, _| convert::storage::csi_node(read_text(text)?),
    key: |node| bare(&node.name),
};

pub(super) static VOLUME: Kind<PersistentVolume> = Kind {
    resource: &resource::VOLUMES,
    read: |text, _| convert::storage::volume(read_text::<storage::PersistentVolume>(text)?),
    key: |volume| bare(&volume.name),
};

pub(super) static VOLUME_CLAIM: Kind<PersistentVolumeClaim> = Kind {
    resource: &resource::VOLUME_CLAIMS,
    read: |text, _| convert::storage::claim(read_text(text)?),
    key: |claim| claim.name.clone(),
};

impl<T> Kind<T> {
    /// Reads an object. One that cannot be read keeps its name, and says in one line what is wrong.
    pub(super) fn item(&self, text: &str, now: Timestamp) -> Item<T> {
        match (self.read)(text, now) {
            Ok(noun) => ((self.key)(&noun), Ok(Arc::new(noun))),
            Err(error) => {
                let key = Head::read(text).key();
                let kind = self.resource.kind;
                let line = match (&*key.namespace, &*key.name) {
                    ("", "") => format!("{kind} without a name: {error}"),
                    ("", name) => format!("{kind} {name}: {error}"),
                    _ => format!("{kind} {key}: {error}"),
                };
                (key, Err(line))
            }
        }
    }
}

/// A namespace carries its own name as a label, which the API server sees to.
fn namespace(object: workload::Namespace) -> Result<Namespace, FieldError> {
    let workload::Namespace { metadata } = object;
    let name = named(&metadata)?;
    let uid = uid(&metadata, &name).into();
    let mut labels = metadata.labels;
    labels.insert("kubernetes.io/metadata.name".into(), name.clone());
    Ok(Namespace { name, uid, labels })
}

#[cfg(test)]
mod tests;
