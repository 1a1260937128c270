//! Reading the world into a snapshot, effects before intents (D5).

use crate::ports::{Cloud, CloudQuery, CloudState, Cluster, ObserveError};
use model::name::SubnetId;
use model::snapshot::{ClusterState, Scope, Settings, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one function looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// How much of the cluster.
    pub scope: Scope,
    /// Whether EC2's list of instances.
    pub instances: bool,
    /// Whether instance types with their prices.
    pub instance_types: bool,
}

/// Reads the world.
///
/// Instances come first: an instance that is seen has had its claim written before it was launched, so a claim list read
/// later holds that claim. The other way round a fresh instance would look like an orphan.
///
/// # Errors
/// When any part could not be read: nothing is decided on half a view.
pub async fn observe(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    view: View,
    settings: &Settings,
) -> Result<Snapshot, ObserveError> {
    let instances = if view.instances {
        let CloudState { instances, .. } = cloud.observe(CloudQuery::Instances).await?;
        Some(instances)
    } else {
        None
    };
    let mut cluster = cluster.observe(view.scope).await?;
    let mut instance_types = BTreeMap::new();
    if view.instance_types && !cluster.node_classes.is_empty() {
        let query = CloudQuery::InstanceTypes {
            classes: &cluster.node_classes,
            learned: &cluster.memory.learned,
        };
        let found = cloud.observe(query).await?;
        instance_types = found.instance_types;
        set_free_addresses(&mut cluster, &found.free_addresses);
    }
    Ok(Snapshot { settings: settings.clone(), instances, cluster, instance_types })
}

/// Tells the classes how many addresses their subnets have free. Those of nodes that are on their way are taken off: EC2
/// counts an address when it is given out, and the pods' only when the node asks for them.
fn set_free_addresses(cluster: &mut ClusterState, free: &BTreeMap<SubnetId, u32>) {
    if free.is_empty() {
        return;
    }
    let mut left = free.clone();
    for claim in cluster.claims.iter().filter(|claim| !claim.is_registered()) {
        let Some(record) = &claim.launch else { continue };
        if let Some(left) = left.get_mut(&record.subnet) {
            let pods = u32::try_from(claim.capacity.pods).unwrap_or(0);
            *left = left.saturating_sub(pods.max(1));
        }
    }
    for class in &mut cluster.node_classes {
        for subnet in &mut Arc::make_mut(class).subnets {
            subnet.free_addresses = left.get(&subnet.id).copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::instance_type::{CapacityType, OfferingKey};
    use serde_json::json;

    #[test]
    fn addresses_of_nodes_that_are_on_their_way_are_taken() {
        let offering = OfferingKey {
            instance_type: "m5.large".into(),
            zone: "a".into(),
            capacity_type: CapacityType::Spot,
        };
        let record = |subnet: &str| {
            json!({"attempt": 1, "token": "t", "index": 0, "count": 1, "offering": offering,
                "subnet": subnet, "image": "ami-1", "at": "2026-01-01T00:00:00Z"})
        };
        let claim = |name: &str, subnet: &str, pods: u32| {
            json!({"name": name, "uid": name, "created": "2026-01-01T00:00:00Z",
                "spec": {"nodeClass": "c"}, "launch": record(subnet), "capacity": {"pods": pods}})
        };
        let mut registered = claim("r", "subnet-1", 29);
        registered["conditions"] = json!({"Registered":
            {"status": "True", "reason": "Registered", "since": "2026-01-01T00:00:00Z"}});
        let subnet = |id: &str| json!({"id": id, "zone": "a"});
        let state = json!({"scope": "pending", "clusterUid": "u",
            "claims": [claim("a", "subnet-1", 29), claim("b", "subnet-2", 0), registered],
            "nodeClasses": [{"name": "c", "uid": "c", "ready": true,
                "subnets": [subnet("subnet-1"), subnet("subnet-2"), subnet("subnet-3")]}]});
        let mut cluster: ClusterState = serde_json::from_value(state).unwrap();
        let free = [("subnet-1", 100), ("subnet-2", 80)];
        let free = free.into_iter().map(|(id, free)| (id.into(), free)).collect();
        set_free_addresses(&mut cluster, &free);
        let class = &cluster.node_classes[0];
        let left: Vec<Option<u32>> = class.subnets.iter().map(|s| s.free_addresses).collect();
        assert_eq!(left, [Some(71), Some(79), None]);
        assert_eq!(&*class.subnet_in(&"a".into()).unwrap().id, "subnet-2");
    }
}
