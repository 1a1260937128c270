//! What has become of each NodePool: how many nodes it has, what they have together, and whether it can have more.

use super::Steps;
use model::action::ClusterAction;
use model::claim::NodeClaim;
use model::condition::Status;
use model::memory::Launches;
use model::node_class::NodeClass;
use model::pool::{NodePool, PoolCondition, PoolStatus};
use model::reason::Reason;
use model::resources::Resources;
use model::snapshot::Snapshot;

/// Writes it into the status of each pool where that says something else.
pub(super) fn tell(snapshot: &Snapshot, steps: &mut Steps) {
    for pool in &snapshot.cluster.pools {
        let status = status(snapshot, pool);
        if status != pool.status {
            let (pool, uid) = (pool.name.clone(), pool.uid.clone());
            steps.change(ClusterAction::UpdatePool { pool, uid, status });
        }
    }
}

fn status(snapshot: &Snapshot, pool: &NodePool) -> PoolStatus {
    let claims = snapshot.cluster.claims.iter().map(|claim| &**claim);
    let launched: Vec<&NodeClaim> = claims
        .filter(|claim| claim.spec.pool.as_ref() == Some(&pool.name) && claim.is_launched())
        .collect();
    let mut resources = Resources::default();
    for claim in &launched {
        resources.add(&claim.capacity);
    }
    let nodes = u32::try_from(launched.len()).unwrap_or(u32::MAX);
    resources.set_units("nodes", i64::from(nodes));
    let classes = snapshot.cluster.node_classes.iter().map(|class| &**class);
    let class = classes.into_iter().find(|class| class.name == pool.node_class);
    let conditions = vec![
        of_class(class),
        of_launches(snapshot, pool, &launched),
        // One that does not keep the rules is not read.
        condition("ValidationSucceeded", Status::True, "ValidationSucceeded", String::new()),
    ];
    PoolStatus { nodes, resources, conditions }
}

fn condition(kind: &str, status: Status, reason: &str, message: String) -> PoolCondition {
    PoolCondition { kind: kind.into(), status, reason: reason.into(), message }
}

/// Under Karpenter's reasons and texts (1.14).
fn of_class(class: Option<&NodeClass>) -> PoolCondition {
    let told = |status, reason, message: &str| {
        condition("NodeClassReady", status, reason, message.to_owned())
    };
    let Some(class) = class else {
        return told(Status::False, "NodeClassNotFound", "NodeClass not found on cluster");
    };
    if class.deleting {
        return told(Status::False, "NodeClassTerminating", "NodeClass is Terminating");
    }
    if class.ready {
        return told(Status::True, "NodeClassReady", "");
    }
    let conditions = &class.template.status.conditions;
    let open = conditions.iter().filter(|condition| condition.status != Status::True);
    let open: Vec<String> = open.map(|c| format!("{}={:?}", c.kind, c.status)).collect();
    if open.is_empty() {
        return told(Status::False, "NodeClassReadinessUnknown", "Node Class Readiness Unknown");
    }
    told(Status::False, "UnhealthyDependents", &open.join(", "))
}

/// Whether nodes come up. Without a launch that has ended nobody knows.
fn of_launches(snapshot: &Snapshot, pool: &NodePool, claims: &[&NodeClaim]) -> PoolCondition {
    const KIND: &str = "NodeRegistrationHealthy";
    let launches = snapshot.cluster.memory.launches.get(&pool.name);
    if let Some((failed, of)) = launches.and_then(Launches::failing) {
        let reason = Reason::LaunchesFail { pool: pool.name.clone(), failed, of };
        let remedy = reason.guard().map_or("", |(_, remedy)| remedy);
        let message = format!("{reason}; {remedy}");
        return condition(KIND, Status::False, "RegistrationFailed", message);
    }
    if claims.iter().any(|claim| claim.is_registered()) {
        return condition(KIND, Status::True, KIND, String::new());
    }
    // A pool without nodes is as healthy as it was when it had some.
    let before = pool.status.conditions.iter().find(|condition| &*condition.kind == KIND);
    match before {
        Some(before) if before.status == Status::True => before.clone(),
        Some(_) | None => condition(
            KIND,
            Status::Unknown,
            "AwaitingReconciliation",
            "object is awaiting reconciliation".to_owned(),
        ),
    }
}
