//! How much a NodePool may still grow, and how many nodes the deployment still allows.

use super::amounts::whole;
use model::by_name::ByName;
use model::claim::NodeClaim;
use model::labels;
use model::memory::Launches;
use model::name::{PoolName, Text};
use model::node::Node;
use model::pool::NodePool;
use model::reason::Reason;
use model::resources::Resources;
use model::snapshot::Snapshot;

/// What is left of one limit.
#[derive(Clone, Debug)]
struct Limit {
    resource: Text,
    most: i64,
    left: i64,
}

/// What is left of a pool's limits.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    pool: PoolName,
    resources: Vec<Limit>,
    nodes: Option<(u32, i64)>,
    /// How many of the pool's last launches failed, where these are too many.
    failing: Option<(usize, usize)>,
    /// Nodes up to the deployment's ceiling, whichever pool they are of.
    ceiling: i64,
    nodes_max: u32,
}

/// How many nodes there are or will be: claims, and nodes without one.
pub(crate) fn node_count(snapshot: &Snapshot) -> i64 {
    whole(snapshot.cluster.claims.len() + unclaimed_nodes(snapshot).len())
}

/// Nodes that are no claim's.
fn unclaimed_nodes(snapshot: &Snapshot) -> Vec<&Node> {
    let claims = || snapshot.cluster.claims.iter();
    let named = ByName::new(claims().filter_map(|claim| Some((claim.node.as_deref()?, ()))));
    let instances =
        ByName::new(claims().filter_map(|claim| Some((claim.instance.as_deref()?, ()))));
    let nodes = snapshot.cluster.nodes.iter().map(|node| &**node);
    let unclaimed = nodes.filter(|node| {
        !named.contains(&node.name)
            && !node.instance.as_deref().is_some_and(|id| instances.contains(id))
    });
    unclaimed.collect()
}

/// How many of a pool's nodes are on their way.
fn coming_up(snapshot: &Snapshot, pool: &NodePool) -> i64 {
    let claims = snapshot.cluster.claims.iter();
    let of_pool = claims.filter(|claim| claim.spec.pool.as_ref() == Some(&pool.name));
    whole(of_pool.filter(|claim| claim.deleting.is_none() && !claim.is_registered()).count())
}

/// What a claim counts against its pool's limits: its capacity, or the most that it may be launched as.
fn capacity_of(snapshot: &Snapshot, claim: &NodeClaim) -> Resources {
    if claim.is_launched() {
        return claim.capacity.clone();
    }
    let mut most = Resources::default();
    let allowed = claim.spec.requirements.get(labels::INSTANCE_TYPE).and_then(|r| r.listed());
    for name in allowed.into_iter().flatten() {
        if let Some(one) = snapshot.instance_type(&claim.spec.node_class, name) {
            most.raise_to(&one.capacity);
        }
    }
    most
}

impl Allowance {
    /// What a pool may still grow by, when so many nodes are left up to the ceiling.
    pub(crate) fn of(snapshot: &Snapshot, pool: &NodePool, ceiling: i64) -> Self {
        let nodes_max = snapshot.settings.nodes_max;
        let name = pool.name.clone();
        let failing = snapshot.cluster.memory.launches.get(&name).and_then(Launches::failing);
        // One node at a time shows whether they come up again.
        let probe = failing.map(|_| 1 - coming_up(snapshot, pool));
        let Some(limits) = &pool.limits else {
            let nodes = probe.map(|left| (u32::MAX, left));
            return Self { pool: name, resources: vec![], nodes, failing, ceiling, nodes_max };
        };
        let (mut used, mut nodes) = (Resources::default(), 0);
        for claim in &snapshot.cluster.claims {
            if claim.spec.pool.as_ref() == Some(&pool.name) {
                used.add(&capacity_of(snapshot, claim));
                nodes += 1;
            }
        }
        for node in unclaimed_nodes(snapshot) {
            if node.pool().as_ref() == Some(&pool.name) {
                used.add(&node.capacity);
                nodes += 1;
            }
        }
        let resources = limits.resources.iter().map(|(resource, most)| Limit {
            resource: resource.clone(),
            most: *most,
            left: most - used.get(resource),
        });
        let most = limits.nodes.or(probe.map(|_| u32::MAX));
        let left = |most: u32| (i64::from(most) - nodes).min(probe.unwrap_or(i64::MAX));
        let nodes = most.map(|most| (most, left(most)));
        Self { pool: name, resources: resources.collect(), nodes, failing, ceiling, nodes_max }
    }

    /// Each limit with what is left of it, in base units; `nodes` last.
    pub(crate) fn limits(&self) -> impl Iterator<Item = (Text, i64, i64)> {
        let resources = self.resources.iter();
        let resources = resources.map(|limit| (limit.resource.clone(), limit.most, limit.left));
        let nodes = self.nodes.iter().map(|(most, left)| ("nodes".into(), i64::from(*most), *left));
        resources.chain(nodes)
    }

    /// Whether the pool has limits.
    pub(crate) fn is_limited(&self) -> bool {
        !self.resources.is_empty() || self.nodes.is_some()
    }

    /// The resources that are limited.
    pub(crate) fn limited(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(|left| &*left.resource)
    }

    /// What is left of a limited resource.
    pub(crate) fn left_of(&self, resource: &str) -> Option<i64> {
        self.resources.iter().find(|left| &*left.resource == resource).map(|left| left.left)
    }

    /// Sets how many nodes are left up to the ceiling.
    pub(crate) fn set_ceiling(&mut self, ceiling: i64) {
        self.ceiling = ceiling;
    }

    /// How many nodes the pool may still have.
    pub(crate) fn nodes_left(&self) -> Option<i64> {
        self.nodes.map(|(_, left)| left.max(0))
    }

    /// Nodes left up to the ceiling.
    pub(crate) fn ceiling(&self) -> i64 {
        self.ceiling
    }

    /// How many nodes of this capacity are allowed, at most `most`.
    pub(crate) fn admits(&self, capacity: &Resources, most: i64) -> i64 {
        let by_nodes = most.min(self.ceiling).min(self.nodes.map_or(most, |(_, left)| left)).max(0);
        self.resources.iter().fold(by_nodes, |least, Limit { resource, left, .. }| {
            match capacity.get(resource) {
                0 => least,
                each if *left < each => 0,
                each => least.min(left / each),
            }
        })
    }

    /// Counts so many nodes of this capacity.
    pub(crate) fn take(&mut self, capacity: &Resources, count: i64) {
        self.ceiling -= count;
        if let Some((_, left)) = &mut self.nodes {
            *left -= count;
        }
        for Limit { resource, left, .. } in &mut self.resources {
            *left -= count * capacity.get(resource);
        }
    }

    /// Why a node of this type and capacity is not allowed.
    pub(crate) fn refusal(&self, instance_type: &str, capacity: &Resources) -> Reason {
        if let Some((most, left)) = self.nodes.filter(|(_, left)| *left <= 0) {
            if let Some((failed, of)) = self.failing {
                return Reason::LaunchesFail { pool: self.pool.clone(), failed, of };
            }
            return Reason::LimitReached {
                pool: self.pool.clone(),
                resource: "nodes".into(),
                limit: i64::from(most),
                used: i64::from(most) - left,
                instance_type: instance_type.into(),
            };
        }
        let short = self.resources.iter().find(|l| l.left < capacity.get(&l.resource));
        match short {
            Some(Limit { resource, most, left }) => Reason::LimitReached {
                pool: self.pool.clone(),
                resource: resource.clone(),
                limit: *most,
                used: most - left,
                instance_type: instance_type.into(),
            },
            None => Reason::NodeCeiling { nodes_max: self.nodes_max },
        }
    }
}
