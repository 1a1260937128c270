//! Objects and a catalogue to a snapshot.

use crate::Streams;
use crate::catalogue::Catalogue;
use crate::failure::Failure;
use kubernetes::manifest::Objects;
use model::memory::Learned;
use model::name::PoolName;
use model::plan::LeftOut;
use model::snapshot::{ClusterState, Settings, Snapshot};
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
    /// What there is to buy.
    pub(crate) catalogue: Catalogue,
    /// Whether it was read from an API server.
    pub(crate) is_live: bool,
}

impl World {
    /// Says what was assumed or passed over, a line each.
    pub(crate) fn say_notes(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let mut notes = self.notes.iter();
        notes.try_for_each(|note| writeln!(streams.errors, "note: {note}")).map_err(Failure::output)
    }

    /// That something is not among its objects of a kind.
    pub(crate) fn lacks(&self, kind: &str) -> String {
        if self.is_live {
            format!("not in this cluster; expected one of its {kind}")
        } else {
            format!("not in these files; expected one of their {kind}")
        }
    }
}

/// Puts objects and catalogue together.
pub(super) fn build(mut objects: Objects, catalogue: Catalogue) -> Result<World, Failure> {
    let mut notes = Vec::new();
    for (kind, count) in &objects.ignored {
        notes.push(format!("{count} of kind {kind} are not looked at"));
    }
    notes.extend(catalogue.complete(&mut objects)?);
    let Objects { cluster, left_out, unbudgeted, .. } = objects;
    let instance_types = catalogue.types(&cluster.node_classes, &Learned::new())?;
    let settings = settings("offline", &cluster);
    let snapshot = Snapshot { settings, instances: None, cluster, instance_types };
    Ok(World { snapshot, left_out, unbudgeted, notes, catalogue, is_live: false })
}

/// A live cluster with what there is to buy for it.
pub(crate) fn of_live(
    cluster: ClusterState,
    catalogue: Catalogue,
    mut notes: Vec<String>,
) -> Result<World, Failure> {
    notes.extend(cluster.unreadable.iter().map(|line| format!("not read: {line}")));
    let instance_types = catalogue.types(&cluster.node_classes, &cluster.memory.learned)?;
    let settings = settings("live", &cluster);
    let snapshot = Snapshot { settings, instances: None, cluster, instance_types };
    let (left_out, unbudgeted) = (Vec::new(), BTreeSet::new());
    Ok(World { snapshot, left_out, unbudgeted, notes, catalogue, is_live: true })
}

/// A deployment's settings lie with its functions, where nobody looks here: these are the defaults, without a ceiling.
fn settings(cluster_name: &str, cluster: &ClusterState) -> Settings {
    Settings {
        cluster_name: cluster_name.to_owned(),
        cluster_uid: cluster.cluster_uid.clone(),
        nodes_max: u32::MAX,
        spot_to_spot: false,
        node_repair: false,
        policies: model::snapshot::Policies::default(),
    }
}
