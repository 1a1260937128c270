//! A cluster before and after a change of its NodePools and EC2NodeClasses.

use crate::failure::Failure;
use crate::plan::world::World;
use kubernetes::manifest::Objects;
use model::node_class::NodeClass;
use model::snapshot::{ClusterState, Snapshot};
use model::stamp::{Stamp, Stamps};
use std::sync::Arc;

/// The cluster with a stamp on every claim: one that has none, or one of another form (Karpenter's), counts as made from its
/// NodePool and EC2NodeClass as they are now, as a pass of joiner would take it.
pub(super) fn stamped(snapshot: &Snapshot, notes: &mut Vec<String>) -> Snapshot {
    let mut stamped = snapshot.clone();
    let mut assumed = 0;
    for claim in &mut stamped.cluster.claims {
        let pool = claim.spec.pool.as_ref().and_then(|pool| snapshot.cluster.pool(pool));
        let Some(pool) = pool else { continue };
        let class = snapshot.cluster.node_class(&pool.node_class).map(|class| &**class);
        let now = Stamps::of(pool, class);
        let mut stamps = claim.stamps.clone();
        adopt(&mut stamps.pool, now.pool);
        adopt(&mut stamps.class, now.class);
        if stamps.security_groups.is_empty() {
            stamps.security_groups = now.security_groups;
        }
        if stamps != claim.stamps {
            assumed += 1;
            Arc::make_mut(claim).stamps = stamps;
        }
    }
    if 0 < assumed {
        notes.push(format!(
            "{assumed} NodeClaims do not say what they were made from: taken as made from NodePool and EC2NodeClass as they are now"
        ));
    }
    stamped
}

fn adopt(present: &mut Option<Stamp>, now: Option<Stamp>) {
    let is_comparable = present.as_ref().zip(now.as_ref()).map(|(old, now)| old.is_comparable(now));
    if is_comparable != Some(true) && now.is_some() {
        *present = now;
    }
}

/// The cluster with the NodePools and EC2NodeClasses of a file in place of those of the same names.
pub(super) fn changed(
    world: &World,
    before: &Snapshot,
    (mut objects, file): (Objects, &str),
    notes: &mut Vec<String>,
) -> Result<Snapshot, Failure> {
    if let Some(other) = other_kind(&objects) {
        let expected = "expected NodePools and EC2NodeClasses only";
        return Err(Failure::Input(format!("{}: {expected}, found {other}", file.escape_debug())));
    }
    for class in &mut objects.cluster.node_classes {
        if let Some(old) = before.cluster.node_class(&class.name) {
            notes.extend(keep_status(Arc::make_mut(class), old));
        }
    }
    notes.extend(world.catalogue.complete(&mut objects)?);
    let mut after = before.clone();
    let cluster = &mut after.cluster;
    for mut pool in objects.cluster.pools {
        if let Some(old) = before.cluster.pool(&pool.name) {
            Arc::make_mut(&mut pool).uid = old.uid.clone();
        }
        cluster.pools.retain(|old| old.name != pool.name);
        cluster.pools.push(pool);
    }
    for class in objects.cluster.node_classes {
        cluster.node_classes.retain(|old| old.name != class.name);
        cluster.node_classes.push(class);
    }
    cluster.pools.sort_by(|a, b| a.name.cmp(&b.name));
    cluster.node_classes.sort_by(|a, b| a.name.cmp(&b.name));
    after.instance_types = world.catalogue.types(&cluster.node_classes, &cluster.memory.learned)?;
    Ok(after)
}

/// The first object of a file that is no NodePool and no EC2NodeClass.
fn other_kind(objects: &Objects) -> Option<String> {
    let ClusterState { pods, nodes, claims, daemon_sets, pod_disruption_budgets, .. } =
        &objects.cluster;
    let ClusterState { pools, node_classes, .. } = &objects.cluster;
    let pod = pods.first().map(|pod| format!("Pod {}", pod.name));
    let node = nodes.first().map(|node| format!("Node {}", node.name));
    let claim = claims.first().map(|claim| format!("NodeClaim {}", claim.name));
    let daemons = daemon_sets.first().map(|set| format!("DaemonSet {}", set.name));
    let budget = pod_disruption_budgets.first();
    let budget = budget.map(|budget| format!("PodDisruptionBudget {}", budget.name));
    let ignored = objects.ignored.keys().next().map(|kind| format!("a {kind}"));
    let is_empty = pools.is_empty() && node_classes.is_empty();
    let nothing = is_empty.then(|| "none of them".to_owned());
    pod.or(node).or(claim).or(daemons).or(budget).or(ignored).or(nothing)
}

/// Lets a class that says nothing of what its terms select keep what they selected. Says so where the terms are others.
fn keep_status(class: &mut NodeClass, old: &NodeClass) -> Vec<String> {
    class.uid = old.uid.clone();
    let (new, was) = (&class.template, &old.template);
    let terms = [
        (
            "subnets",
            class.subnets.is_empty(),
            new.subnet_selector_terms == was.subnet_selector_terms,
        ),
        ("images", class.images.is_empty(), new.ami_selector_terms == was.ami_selector_terms),
        (
            "security groups",
            new.status.security_groups.is_empty(),
            new.security_group_selector_terms == was.security_group_selector_terms,
        ),
    ];
    let name = &class.name;
    let other = terms.iter().filter(|(_, is_unknown, is_same)| *is_unknown && !is_same);
    let notes = other.map(|(what, ..)| {
        format!("EC2NodeClass {name}: its new terms select {what} that are not known here; taken as those of now")
    });
    let notes = notes.collect();
    if class.subnets.is_empty() {
        class.subnets.clone_from(&old.subnets);
    }
    let template = Arc::make_mut(&mut class.template);
    if class.images.is_empty() {
        class.images.clone_from(&old.images);
        template.status.amis.clone_from(&old.template.status.amis);
    }
    if template.status.security_groups.is_empty() {
        template.status.security_groups.clone_from(&old.template.status.security_groups);
    }
    if template.status.capacity_reservations.is_empty() {
        let reservations = &old.template.status.capacity_reservations;
        template.status.capacity_reservations.clone_from(reservations);
    }
    notes
}
