//! Worlds of any size to be planned on, made from a seed: no file, no cluster, and the same bytes each time.
//!
//! They come into being as manifests and a catalogue, which are then read as `joiner plan` reads them.

mod pods;
mod types;

use jiff::Timestamp;
use kubernetes::manifest::{self, Objects, Source};
use model::name::{ObjectName, Uid};
use model::plan::Plan;
use model::pod::Pod;
use model::snapshot::{Policies, Settings, Snapshot};
use serde_json::{Value, json};
use std::sync::Arc;

/// Any number does; the same one gives the same world.
const SEED: u64 = 1;
/// Karpenter's own benchmark and its users' clusters choose from about as many.
const TYPES: usize = 1_000;

/// Which pods wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Eight sizes, as of a few large Deployments.
    FewClasses,
    /// A thousand sizes, as of a cluster with many teams.
    ManyClasses,
    /// Five equal parts, as in Karpenter's own benchmark: without wishes; spread over zones; spread over nodes; beside
    /// each other in a zone; never two on a node.
    Diverse,
}

/// When all of it happens.
///
/// # Panics
/// Never: it is a constant.
pub fn now() -> Timestamp {
    NOW.parse().expect("it is a time")
}

const NOW: &str = "2026-01-01T12:00:00Z";

/// Waiting pods, a thousand instance types in three zones, one NodePool that takes any of them, no node.
///
/// # Panics
/// If what is made here cannot be read, or if it is not what was asked for.
pub fn world(mix: Mix, pods: usize) -> Snapshot {
    let mut items = vec![node_class(), node_pool()];
    items.extend(pods::shapes(mix));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let source = Source { name: "generated", bytes: list.as_bytes() };
    let Objects { mut cluster, .. } = manifest::read(&[source]).expect("the manifests are good");
    let shapes = std::mem::take(&mut cluster.pods);
    let mut random = fastrand::Rng::with_seed(SEED);
    // Shapes take turns, so that few pods are of as many kinds as many are; which shape's turn it is, is drawn.
    let mut turns: Vec<&Arc<Pod>> = Vec::new();
    for number in 0..pods {
        if turns.is_empty() {
            turns.extend(&shapes);
            random.shuffle(&mut turns);
        }
        let shape = turns.pop().expect("there are shapes");
        cluster.pods.push(Arc::new(copy(shape, number)));
    }
    let catalogue = catalog::resolved::read(types::catalogue().to_string().as_bytes());
    let types = catalogue.expect("the catalogue is good").instance_types;
    assert_eq!(types.len(), TYPES, "the catalogue is as large as it is said to be");
    let types = Arc::new(types.into());
    let settings = Settings {
        cluster_name: "bench".to_owned(),
        cluster_uid: cluster.cluster_uid.clone(),
        nodes_max: u32::MAX,
        spot_to_spot: false,
        node_repair: false,
        policies: Policies::default(),
    };
    let instance_types =
        cluster.node_classes.iter().map(|class| (class.name.clone(), Arc::clone(&types)));
    let instance_types = instance_types.collect();
    Snapshot { settings, instances: None, cluster, instance_types }
}

/// The decision that is measured. A plan that leaves pods out is no measure of one that places them: see [`check`].
pub fn plan(world: &Snapshot) -> Plan {
    planner::provision::provision(world, now())
}

/// Looks whether a plan is worth being measured.
///
/// # Panics
/// If it leaves a pod out.
pub fn check(world: &Snapshot, plan: &Plan) {
    assert_eq!(plan.left_out, [], "every pod finds a place");
    assert_eq!(plan.placements.len(), world.cluster.pods.len(), "every pod has a place");
}

/// Numbers are padded so that the order of the names is that of the pods.
fn copy(shape: &Pod, number: usize) -> Pod {
    let name = ObjectName::new("default", format!("pod-{number:06}"));
    Pod { uid: Uid::from(name.to_string()), name, ..shape.clone() }
}

fn node_class() -> Value {
    let subnet = |zone| json!({"id": format!("subnet-{zone}"), "zone": zone});
    let image = |arch: &str| {
        let requirement = json!({"key": "kubernetes.io/arch", "operator": "In", "values": [arch]});
        json!({"id": format!("ami-{arch}"), "requirements": [requirement]})
    };
    let terms = json!([{"tags": {"cluster": "bench"}}]);
    let (subnets, images) = (types::ZONES.map(subnet), ["amd64", "arm64"].map(image));
    json!({
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": "default"},
        "spec": {
            "amiSelectorTerms": [{"alias": "al2023@latest"}],
            "role": "node",
            "subnetSelectorTerms": terms,
            "securityGroupSelectorTerms": terms
        },
        "status": {
            "subnets": subnets,
            "amis": images,
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": NOW}]
        }
    })
}

fn node_pool() -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "default"},
        "spec": {"template": {"spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
            "requirements": []
        }}}
    })
}
