//! Pools are open, their limits hard (I6), and the ceiling of the deployment harder (I8).

use super::Violation;
use super::facts::{Facts, ToLaunch};
use model::claim::NodeClaim;
use model::name::PoolName;
use model::node::Node;
use model::pool::{Limits, NodePool};
use model::resources::Resources;
use std::collections::BTreeSet;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let pools: BTreeSet<&PoolName> =
        facts.new_claims.iter().filter_map(|new| new.spec.pool.as_ref()).collect();
    for name in pools {
        let Some(pool) = facts.snapshot.cluster.pool(name) else {
            found.push(Violation::new("pool", format!("NodePool {name} does not exist")));
            continue;
        };
        if let Some(why) = why_closed(facts, pool) {
            found.push(Violation::new("pool", format!("NodePool {name} is closed: {why}")));
        }
        if let Some(limits) = &pool.limits {
            check_limits(facts, pool, limits, found);
        }
    }
    check_ceiling(facts, found);
}

fn why_closed(facts: &Facts<'_>, pool: &NodePool) -> Option<String> {
    if pool.deleting {
        return Some("it is being deleted".to_owned());
    }
    let class = &pool.node_class;
    match facts.snapshot.cluster.node_class(class) {
        None => Some(format!("EC2NodeClass {class} does not exist")),
        Some(class) if class.deleting || !class.ready => {
            Some(format!("EC2NodeClass {} is not ready", class.name))
        }
        Some(_) => None,
    }
}

/// The limits hold by the first choices, and also if each launch ends with the largest of its choices.
fn check_limits(facts: &Facts<'_>, pool: &NodePool, limits: &Limits, found: &mut Vec<Violation>) {
    for (which, capacity) in [
        ("the first choices", first_choice as fn(&ToLaunch<'_>) -> Resources),
        ("the largest choices", largest_choice),
    ] {
        let (used, nodes) = use_of(facts, pool, capacity);
        if let Some(resource) = limits.exceeded_by(&used, nodes) {
            let what = format!("{which} exceed the limit of {resource} of NodePool {}", pool.name);
            found.push(Violation::new("I6", what));
            return;
        }
    }
}

/// What a pool's nodes, claims and new claims have in all. A claim that is neither launched nor part of the plan counts
/// with what it requests, which is the least that it will be.
fn use_of(
    facts: &Facts<'_>,
    pool: &NodePool,
    capacity: fn(&ToLaunch<'_>) -> Resources,
) -> (Resources, u32) {
    let of_pool = |name: Option<&PoolName>| name == Some(&pool.name);
    let mut used = Resources::default();
    let mut nodes = 0;
    for claim in facts.claims().filter(|claim| of_pool(claim.spec.pool.as_ref())) {
        used.add(&capacity_of(facts, claim, capacity));
        nodes += 1;
    }
    for new in facts.new_claims.iter().filter(|new| of_pool(new.spec.pool.as_ref())) {
        let to_launch = facts.launched.get(&new.name);
        used.add(&to_launch.map_or_else(|| new.spec.requests.clone(), capacity));
        nodes += 1;
    }
    for node in unclaimed_nodes(facts).filter(|node| of_pool(node.pool().as_ref())) {
        used.add(&node.capacity);
        nodes += 1;
    }
    (used, nodes)
}

fn capacity_of(
    facts: &Facts<'_>,
    claim: &NodeClaim,
    capacity: fn(&ToLaunch<'_>) -> Resources,
) -> Resources {
    if claim.is_launched() {
        return claim.capacity.clone();
    }
    let to_launch = facts.launched.get(&claim.name);
    to_launch.map_or_else(|| claim.spec.requests.clone(), capacity)
}

fn first_choice(to_launch: &ToLaunch<'_>) -> Resources {
    let first = to_launch.choices.first();
    first.map_or_else(|| to_launch.spec.requests.clone(), |choice| choice.capacity.clone())
}

fn largest_choice(to_launch: &ToLaunch<'_>) -> Resources {
    let mut largest = first_choice(to_launch);
    for choice in to_launch.choices {
        largest.raise_to(&choice.capacity);
    }
    largest
}

/// However the pools are written, there are never more nodes than the deployment allows.
fn check_ceiling(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    if facts.new_claims.is_empty() {
        return;
    }
    let count = facts.snapshot.cluster.claims.len()
        + facts.new_claims.len()
        + unclaimed_nodes(facts).count();
    let most = facts.snapshot.settings.nodes_max;
    if usize::try_from(most).is_ok_and(|most| most < count) {
        found.push(Violation::new("I8", format!("{count} nodes, at most {most} are allowed")));
    }
}

fn unclaimed_nodes<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a Node> {
    facts.nodes().filter(|node| {
        let by_instance = node.instance.as_ref().and_then(|id| facts.claim_with(id));
        by_instance.is_none() && facts.claim_naming(&node.name).is_none()
    })
}
