//! Objects and a catalogue to a snapshot.

use crate::catalogue::Catalogue;
use crate::failure::Failure;
use kubernetes::manifest::Objects;
use model::name::PoolName;
use model::plan::LeftOut;
use model::snapshot::{Settings, Snapshot};
use std::collections::BTreeSet;

/// A cluster to be decided on.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    /// Pods that wait for something else than a node.
    pub(crate) left_out: Vec<LeftOut>,
    /// NodePools that name no disruption budgets.
    pub(crate) unbudgeted: BTreeSet<PoolName>,
    /// What was assumed or passed over.
    pub(crate) notes: Vec<String>,
}

/// Puts objects and catalogue together.
pub(super) fn build(mut objects: Objects, catalogue: &Catalogue) -> Result<World, Failure> {
    let mut notes = Vec::new();
    for (kind, count) in &objects.ignored {
        notes.push(format!("{count} of kind {kind} are not looked at"));
    }
    notes.extend(catalogue.complete(&mut objects)?);
    let Objects { cluster, left_out, unbudgeted, .. } = objects;
    let settings = Settings {
        cluster_name: "offline".to_owned(),
        cluster_uid: cluster.cluster_uid.clone(),
        // The ceiling belongs to a deployment, of which files know nothing.
        nodes_max: u32::MAX,
        spot_to_spot: false,
        node_repair: false,
        policies: model::snapshot::Policies::default(),
    };
    let instance_types = catalogue.types(&cluster.node_classes)?;
    let snapshot = Snapshot { settings, instances: None, cluster, instance_types };
    Ok(World { snapshot, left_out, unbudgeted, notes })
}
