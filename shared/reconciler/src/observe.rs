//! Reading the world into a snapshot, effects before intents (D5).

use crate::ports::{Cloud, CloudQuery, CloudState, Cluster, ObserveError};
use model::snapshot::{Scope, Settings, Snapshot};

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
    let cluster = cluster.observe(view.scope).await?;
    let instance_types = if view.instance_types && !cluster.node_classes.is_empty() {
        cloud.observe(CloudQuery::InstanceTypes(&cluster.node_classes)).await?.instance_types
    } else {
        std::collections::BTreeMap::new()
    };
    Ok(Snapshot { settings: settings.clone(), instances, cluster, instance_types })
}
