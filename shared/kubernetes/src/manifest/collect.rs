//! Documents to a cluster: each kind to its list, nothing twice, all in order.

use super::document::Document;
use super::{Error, Objects, UNKNOWN_CLUSTER, one_line};
use crate::convert;
use crate::field::FieldError;
use crate::objects::{pod, storage, workload};
use crate::schema::{self, Field};
use jiff::Timestamp;
use model::memory::Memory;
use model::name::PoolName;
use model::plan::LeftOut;
use model::pod::Phase;
use model::reason::{Reason, Subject};
use model::snapshot::{ClusterState, Scope};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What has been read so far.
pub(super) struct Collector {
    now: Timestamp,
    cluster: ClusterState,
    left_out: Vec<LeftOut>,
    unbudgeted: BTreeSet<PoolName>,
    ignored: BTreeMap<String, usize>,
    /// Kind and name of each object, and its file.
    seen: BTreeMap<String, Arc<str>>,
}

/// Kinds that are read, with their API versions.
const KINDS: [(&str, &str); 13] = [
    ("Pod", "v1"),
    ("Node", "v1"),
    ("Namespace", "v1"),
    ("PersistentVolumeClaim", "v1"),
    ("PersistentVolume", "v1"),
    ("DaemonSet", "apps/v1"),
    ("PodDisruptionBudget", "policy/v1"),
    ("PriorityClass", "scheduling.k8s.io/v1"),
    ("StorageClass", "storage.k8s.io/v1"),
    ("CSINode", "storage.k8s.io/v1"),
    ("NodePool", "karpenter.sh/v1"),
    ("NodeClaim", "karpenter.sh/v1"),
    ("EC2NodeClass", "karpenter.k8s.aws/v1"),
];

impl Collector {
    pub(super) fn new(now: Timestamp) -> Self {
        let cluster = ClusterState {
            scope: Scope::Everything,
            cluster_uid: UNKNOWN_CLUSTER.into(),
            pods_known_on: BTreeSet::new(),
            pods: vec![],
            nodes: vec![],
            claims: vec![],
            pools: vec![],
            node_classes: vec![],
            daemon_sets: vec![],
            pod_disruption_budgets: vec![],
            namespaces: BTreeMap::new(),
            persistent_volumes: vec![],
            persistent_volume_claims: vec![],
            storage_classes: vec![],
            csi_nodes: vec![],
            memory: Memory::default(),
            unreadable: vec![],
        };
        Self {
            now,
            cluster,
            left_out: vec![],
            unbudgeted: BTreeSet::new(),
            ignored: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }

    /// Adds an object.
    pub(super) fn take(&mut self, mut document: Document) -> Result<(), Error> {
        let known = KINDS.iter().find(|(kind, _)| *kind == document.kind);
        let Some((_, version)) = known else {
            let group = document.version.split('/').next().unwrap_or_default();
            if matches!(group, "karpenter.sh" | "karpenter.k8s.aws") && !is_planned(&document.kind)
            {
                let message = "expected a kind of Karpenter's: NodePool, NodeClaim, EC2NodeClass";
                return Err(document.error(FieldError::new("kind", message)));
            }
            *self.ignored.entry(one_line(&document.kind)).or_insert(0) += 1;
            return Ok(());
        };
        if document.version != *version {
            let message = format!("expected {version}, found {:?}", document.version);
            return Err(document.error(FieldError::new("apiVersion", message)));
        }
        let label = document.label();
        let key = match document.value["metadata"]["namespace"].as_str() {
            None if is_namespaced(&document.kind) => label.replacen(' ', " default/", 1),
            _ => label,
        };
        if let Some(first) = self.seen.insert(key, Arc::clone(&document.file)) {
            let message = format!("is given twice, first in {first}");
            return Err(document.error(FieldError::new("", message)));
        }
        self.add(&mut document)
    }

    fn add(&mut self, document: &mut Document) -> Result<(), Error> {
        let (now, all) = (self.now, &mut self.cluster);
        match &*document.kind {
            "Pod" => self.pod(document),
            "Node" => push(document, &mut all.nodes, |o| convert::node::convert(o, now)),
            "DaemonSet" => {
                push(document, &mut all.daemon_sets, |o| convert::workload::daemon_set(o, now))
            }
            "PodDisruptionBudget" => {
                push(document, &mut all.pod_disruption_budgets, convert::workload::budget)
            }
            "NodePool" => {
                check(document, &schema::NODE_POOL)?;
                let budgets = &document.value["spec"]["disruption"]["budgets"];
                let is_unbudgeted = budgets.is_null();
                push(document, &mut all.pools, convert::node_pool::convert)?;
                let named = all.pools.last().filter(|_| is_unbudgeted);
                self.unbudgeted.extend(named.map(|pool| pool.name.clone()));
                Ok(())
            }
            "NodeClaim" => {
                check(document, &schema::NODE_CLAIM)?;
                push(document, &mut all.claims, |o| convert::claim::convert(o, now))
            }
            "EC2NodeClass" => {
                check(document, &schema::NODE_CLASS)?;
                let has_conditions = document.value["status"]["conditions"].is_array();
                push(document, &mut all.node_classes, |object| {
                    let mut class = convert::node_class::convert(object)?;
                    class.ready |= !has_conditions;
                    Ok(class)
                })
            }
            "Namespace" => self.namespace(document),
            "PersistentVolumeClaim" => {
                push(document, &mut all.persistent_volume_claims, convert::storage::claim)
            }
            "PersistentVolume" => {
                push(document, &mut all.persistent_volumes, convert::storage::volume)
            }
            "StorageClass" => {
                push(document, &mut all.storage_classes, |o| convert::storage::class(o, now))
            }
            "CSINode" => push(document, &mut all.csi_nodes, convert::storage::csi_node),
            "PriorityClass" => document.check::<storage::PriorityClass>(),
            other => unreachable!("{other} stands in the table of kinds"),
        }
    }

    /// A namespace carries its own name as a label, which the API server sees to.
    fn namespace(&mut self, document: &mut Document) -> Result<(), Error> {
        let workload::Namespace { metadata } = document.read()?;
        let name = convert::pod::named(&metadata).map_err(|error| document.error(error))?;
        if let ("kube-system", Some(uid)) = (&*name, metadata.uid) {
            self.cluster.cluster_uid = uid.into();
        }
        let mut labels = metadata.labels;
        labels.insert("kubernetes.io/metadata.name".into(), name.clone());
        self.cluster.namespaces.insert(name, labels);
        Ok(())
    }

    fn pod(&mut self, document: &mut Document) -> Result<(), Error> {
        let object: pod::Pod = document.read()?;
        let gates: Vec<String> =
            object.spec.scheduling_gates.iter().map(|gate| gate.name.to_string()).collect();
        let pod = convert::pod::convert(object, self.now);
        let mut pod = pod.map_err(|error| document.error(error))?;
        if pod.phase == Phase::Pending && pod.node.is_none() && pod.deleting.is_none() {
            let waits_for = match (&gates[..], &pod.nominated_node) {
                ([], None) => None,
                ([], Some(node)) => Some(format!("preemption on node {node}")),
                (gates, _) => Some(format!("scheduling gates {}", gates.join(", "))),
            };
            if let Some(on) = waits_for {
                let reasons = vec![Reason::Waiting { on: on.into() }];
                self.left_out.push(LeftOut { subject: Subject::Pod(pod.name.clone()), reasons });
            }
            if gates.is_empty() {
                pod.unschedulable_since.get_or_insert(pod.created);
            }
        }
        self.cluster.pods.push(Arc::new(pod));
        Ok(())
    }

    /// All that was read, in order.
    pub(super) fn finish(mut self, newest: Option<Timestamp>) -> Objects {
        let all = &mut self.cluster;
        all.pods.sort_by(|a, b| a.name.cmp(&b.name));
        all.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        all.claims.sort_by(|a, b| a.name.cmp(&b.name));
        all.pools.sort_by(|a, b| a.name.cmp(&b.name));
        all.node_classes.sort_by(|a, b| a.name.cmp(&b.name));
        all.daemon_sets.sort_by(|a, b| a.name.cmp(&b.name));
        all.pod_disruption_budgets.sort_by(|a, b| a.name.cmp(&b.name));
        all.persistent_volumes.sort_by(|a, b| a.name.cmp(&b.name));
        all.persistent_volume_claims.sort_by(|a, b| a.name.cmp(&b.name));
        all.storage_classes.sort_by(|a, b| a.name.cmp(&b.name));
        all.csi_nodes.sort_by(|a, b| a.name.cmp(&b.name));
        self.left_out.sort_by(|a, b| a.subject.cmp(&b.subject));
        let Self { now: _, cluster, left_out, unbudgeted, ignored, seen: files } = self;
        Objects { cluster, left_out, newest, unbudgeted, ignored, files }
    }
}

/// Reads the object and adds what it becomes to its list.
fn push<O: DeserializeOwned, N>(
    document: &mut Document,
    list: &mut Vec<Arc<N>>,
    convert: impl FnOnce(O) -> Result<N, FieldError>,
) -> Result<(), Error> {
    let object = document.read()?;
    let noun = convert(object).map_err(|error| document.error(error))?;
    list.push(Arc::new(noun));
    Ok(())
}

/// Whether a kind of Karpenter's is left for later.
fn is_planned(kind: &str) -> bool {
    matches!(kind, "NodeOverlay")
}

fn is_namespaced(kind: &str) -> bool {
    matches!(kind, "Pod" | "DaemonSet" | "PodDisruptionBudget" | "PersistentVolumeClaim")
}

/// Whether the object keeps to all that is known of its kind's fields.
fn check(document: &Document, spec: &Field) -> Result<(), Error> {
    let fields = document.value.as_object().into_iter().flatten();
    for (name, value) in fields {
        match &**name {
            "apiVersion" | "kind" | "metadata" | "status" => {}
            "spec" => spec.check("spec", value).map_err(|error| document.error(error))?,
            other => {
                let known =
                    "unknown field, expected one of apiVersion, kind, metadata, spec, status";
                return Err(document.error(FieldError::new(other, known)));
            }
        }
    }
    Ok(())
}
