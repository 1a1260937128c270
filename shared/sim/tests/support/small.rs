//! A small autoscaler over the ports, just good enough to set the world in motion: a node for each pod.

use jiff::{SignedDuration, Timestamp};
use model::action::{
    ClaimChange, CloudAction, ClusterAction, DeleteReason, NewClaim, NodeChange, RunInstances,
};
use model::claim::{LaunchRecord, NodeClaim, NodeClaimSpec, Notice, NoticeKind};
use model::labels::{self, Labels};
use model::name::{InstanceId, Uid};
use model::node::Node;
use model::node_class::NodeClass;
use model::outcome::Outcome;
use model::pod::Pod;
use model::requirement::Requirements;
use model::resources::Resources;
use model::snapshot::{ClusterState, Instance, Scope};
use model::taint::{Effect, Taint};
use reconciler::ports::{Cloud, CloudQuery, Cluster, ObserveError};
use sim::handle::WorldHandle;
use sim::lambda::{Event, Function, Functions, Invoked, Response};
use std::sync::Arc;

use super::offering;
use super::world::instance_types;

/// The functions of the small autoscaler.
pub(crate) struct Small;

impl Functions for Small {
    fn invoke(
        &self,
        function: Function,
        event: Event,
        world: WorldHandle,
        now: Timestamp,
    ) -> Invoked {
        Box::pin(async move {
            let result = match function {
                Function::Provisioning => provision(&world, now).await,
                Function::Lifecycle => advance(&world, now).await,
                Function::Interruption => interrupt(&world, &event, now).await,
                Function::Disruption => disrupt(&world, now).await,
            };
            Response { failed: vec![], error: result.err().map(|error| error.to_string()) }
        })
    }
}

async fn look(
    world: &WorldHandle,
    scope: Scope,
) -> Result<(Vec<Arc<Instance>>, ClusterState), ObserveError> {
    let cloud = Cloud::observe(world, CloudQuery::Instances).await?;
    Ok((cloud.instances, Cluster::observe(world, scope).await?))
}

async fn provision(world: &WorldHandle, now: Timestamp) -> Result<(), ObserveError> {
    let holder = world.identity().to_owned();
    let lasts = SignedDuration::from_secs(35);
    let acquire = ClusterAction::AcquireLease { holder: holder.clone(), lasts };
    if Cluster::apply(world, &acquire).await != Outcome::Done {
        return Ok(());
    }
    loop {
        let result = provision_once(world, now).await;
        let release = ClusterAction::ReleaseLease { holder: holder.clone() };
        if Cluster::apply(world, &release).await != Outcome::Conflict {
            return result;
        }
    }
}

async fn provision_once(world: &WorldHandle, now: Timestamp) -> Result<(), ObserveError> {
    let (instances, state) = look(world, Scope::Pending).await?;
    let Some(class) = state.node_classes.first() else { return Ok(()) };
    for claim in state.claims.iter().filter(|c| c.instance.is_none() && c.deleting.is_none()) {
        launch(world, claim, (class, &instances), now).await;
    }
    let types = instance_types();
    let fits = |pod: &Pod| types.iter().any(|t| pod.requests.fits(&t.allocatable));
    for pod in state.pods.iter().filter(|pod| pod.is_provisionable() && fits(pod)) {
        let taken = |claim: &NodeClaim| {
            claim.deleting.is_none()
                && !claim.is_initialized()
                && claim.spec.nominated.contains(&pod.short_id())
        };
        if state.claims.iter().any(|claim| taken(claim)) {
            continue;
        }
        let new = claim_for(pod, &state);
        let (name, spec) = (new.name.clone(), new.spec.clone());
        let outcome = Cluster::apply(world, &ClusterAction::CreateClaim(new)).await;
        if let Outcome::Created { uid, resource_version } = outcome {
            let claim = NodeClaim { spec, ..bare_claim(name, uid, resource_version, now) };
            launch(world, &claim, (class, &[]), now).await;
        }
    }
    Ok(())
}

fn claim_for(pod: &Pod, state: &ClusterState) -> NewClaim {
    let pool = &state.pools[0];
    let spec = NodeClaimSpec {
        pool: Some(pool.name.clone()),
        node_class: pool.node_class.clone(),
        requirements: Requirements::none(),
        requests: pod.requests.clone(),
        taints: pool.taints.clone(),
        startup_taints: pool.startup_taints.clone(),
        expire_after: None,
        termination_grace_period: None,
        nominated: vec![pod.short_id()],
        replaces: vec![],
    };
    // A claim that failed the pod keeps its name while it is there.
    let failed = state.claims.iter().filter(|c| c.spec.nominated.contains(&pod.short_id())).count();
    let name = format!("{}-{:08x}-{failed}", pool.name, pod.short_id()).into();
    NewClaim { name, pool_uid: None, labels: Labels::new(), annotations: [].into(), spec }
}

fn bare_claim(
    name: model::name::ClaimName,
    uid: Uid,
    resource_version: u64,
    now: Timestamp,
) -> NodeClaim {
    NodeClaim {
        name,
        uid,
        resource_version,
        created: now,
        deleting: None,
        finalizer: true,
        labels: Labels::new(),
        do_not_disrupt: false,
        spec: NodeClaimSpec {
            pool: None,
            node_class: "default".into(),
            requirements: Requirements::none(),
            requests: Resources::default(),
            taints: vec![],
            startup_taints: vec![],
            expire_after: None,
            termination_grace_period: None,
            nominated: vec![],
            replaces: vec![],
        },
        stamps: model::stamp::Stamps::default(),
        launch: None,
        notice: None,
        replaced_by: vec![],
        termination_deadline: None,
        instance: None,
        node: None,
        image: None,
        capacity: Resources::default(),
        allocatable: Resources::default(),
        conditions: model::condition::Conditions::default(),
        last_pod_event: None,
    }
}

/// What is asked of EC2 for a record: the same for the same record.
fn run_for(claim: &NodeClaim, record: &LaunchRecord) -> RunInstances {
    let mut labels = Labels::from([
        (labels::NODEPOOL.into(), "default".into()),
        (labels::CAPACITY_TYPE.into(), record.offering.capacity_type.as_str().into()),
    ]);
    labels.extend(claim.labels.clone());
    RunInstances {
        token: record.token.clone(),
        count: record.count,
        offering: record.offering.clone(),
        subnet: record.subnet.clone(),
        image: record.image.clone(),
        pool: claim.spec.pool.clone(),
        node_class: claim.spec.node_class.clone(),
        claim: Some(claim.name.clone()),
        labels,
        taints: vec![Taint::new(labels::UNREGISTERED_TAINT, Effect::NoExecute)],
    }
}

async fn launch(
    world: &WorldHandle,
    claim: &NodeClaim,
    (class, instances): (&NodeClass, &[Arc<Instance>]),
    now: Timestamp,
) {
    let mut attempt = claim.launch.as_ref().map_or(1, |record| record.attempt);
    let mut version = claim.resource_version;
    let mut known = claim.launch.clone();
    while attempt <= 6 {
        let key = offering(&claim.spec.requests, attempt);
        let record = known.take().unwrap_or_else(|| LaunchRecord {
            attempt,
            token: LaunchRecord::token_for([&claim.uid], attempt, &key.zone),
            index: 0,
            count: 1,
            subnet: class.subnet_in(&key.zone).expect("each zone has a subnet").id.clone(),
            image: class.images[0].id.clone(),
            offering: key,
            at: now,
        });
        if claim.launch.as_ref() != Some(&record) {
            let change = ClaimChange::LaunchRecord(record.clone());
            match update(world, claim, Some(version), change).await {
                Outcome::Updated { resource_version } => version = resource_version,
                _ => return,
            }
        }
        let born = instances.iter().find(|i| i.token == record.token && !i.state.is_gone());
        let outcome = if let Some(instance) = born {
            Outcome::Launched(vec![Instance::clone(instance)])
        } else {
            let run = CloudAction::RunInstances(run_for(claim, &record));
            Cloud::apply(world, &run).await
        };
        match outcome {
            Outcome::Launched(born) => {
                let types = instance_types();
                let name = &record.offering.instance_type;
                let bought = types.iter().find(|t| t.name == *name).expect("it was asked for");
                let change = ClaimChange::Launched {
                    instance: born[0].id.clone(),
                    image: record.image.clone(),
                    labels: Labels::new(),
                    capacity: bought.capacity.clone(),
                    allocatable: bought.allocatable.clone(),
                };
                update(world, claim, None, change).await;
                return;
            }
            Outcome::Unavailable { .. } | Outcome::TokenSpent { .. } => attempt += 1,
            _ => return,
        }
    }
    delete(world, claim, DeleteReason::InsufficientCapacity).await;
}

async fn update(
    world: &WorldHandle,
    claim: &NodeClaim,
    resource_version: Option<u64>,
    change: ClaimChange,
) -> Outcome {
    let (claim, uid) = (claim.name.clone(), claim.uid.clone());
    let action = ClusterAction::UpdateClaim { claim, uid, resource_version, change };
    Cluster::apply(world, &action).await
}

async fn delete(world: &WorldHandle, claim: &NodeClaim, reason: DeleteReason) -> Outcome {
    let (claim, uid) = (claim.name.clone(), claim.uid.clone());
    Cluster::apply(world, &ClusterAction::DeleteClaim { claim, uid, reason }).await
}

async fn change_node(world: &WorldHandle, node: &Node, change: NodeChange) -> Outcome {
    let (node, uid) = (node.name.clone(), node.uid.clone());
    let action = ClusterAction::UpdateNode { node, uid, resource_version: None, change };
    Cluster::apply(world, &action).await
}

async fn advance(world: &WorldHandle, now: Timestamp) -> Result<(), ObserveError> {
    let (instances, state) = look(world, Scope::Going).await?;
    for claim in &state.claims {
        let node =
            state.nodes.iter().find(|n| n.instance.is_some() && n.instance == claim.instance);
        let instance = instances.iter().find(|i| Some(&i.id) == claim.instance.as_ref());
        let gone = instance.is_none_or(|i| i.state.is_gone());
        if claim.deleting.is_some() {
            let unknown = |i: &&Arc<Instance>| {
                claim.instance.is_none()
                    && claim.launch.as_ref().is_some_and(|record| record.token == i.token)
                    && !i.state.is_gone()
            };
            let instance = instance.or(instances.iter().find(unknown));
            remove(world, claim, (node.map(|n| &**n), instance.map(|i| &**i)), (&state, now)).await;
        } else if claim.instance.is_some() && gone && settled_for(claim, 60, now) {
            delete(world, claim, DeleteReason::GarbageCollected).await;
        } else if node.is_some_and(|node| node.deleting.is_some()) {
            delete(world, claim, DeleteReason::NodeDeleted).await;
        } else if let Some(node) = node {
            join(world, claim, node).await;
        } else if settled_for(claim, 900, now) && claim.instance.is_some() {
            delete(world, claim, DeleteReason::RegistrationTimeout).await;
        }
    }
    sweep_orphans(world, (&instances, &state), now).await;
    Ok(())
}

fn settled_for(claim: &NodeClaim, seconds: i64, now: Timestamp) -> bool {
    SignedDuration::from_secs(seconds) < now.duration_since(claim.created)
}

async fn sweep_orphans(
    world: &WorldHandle,
    (instances, state): (&[Arc<Instance>], &ClusterState),
    now: Timestamp,
) {
    let orphan = |i: &&Arc<Instance>| {
        !i.state.is_gone()
            && i.cluster_uid == state.cluster_uid
            && SignedDuration::from_secs(60) < now.duration_since(i.launched_at)
            && !state.claims.iter().any(|c| {
                c.instance.as_ref() == Some(&i.id)
                    || c.launch.as_ref().is_some_and(|record| record.token == i.token)
            })
    };
    let orphans: Vec<InstanceId> =
        instances.iter().filter(orphan).take(3).map(|i| i.id.clone()).collect();
    if !orphans.is_empty() {
        Cloud::apply(world, &CloudAction::TerminateInstances { instances: orphans }).await;
    }
}

async fn join(world: &WorldHandle, claim: &NodeClaim, node: &Node) {
    if !claim.is_registered() {
        let change = NodeChange {
            labels: Labels::from([(labels::REGISTERED.into(), "true".into())]),
            remove_taints: vec![labels::UNREGISTERED_TAINT.into()],
            own: Some((claim.name.clone(), claim.uid.clone())),
            ..NodeChange::default()
        };
        change_node(world, node, change).await;
        update(world, claim, None, ClaimChange::Registered { node: node.name.clone() }).await;
    }
    if !claim.is_initialized() && node.ready {
        let labels = Labels::from([(labels::INITIALIZED.into(), "true".into())]);
        change_node(world, node, NodeChange { labels, ..NodeChange::default() }).await;
        let (capacity, allocatable) = (node.capacity.clone(), node.allocatable.clone());
        update(world, claim, None, ClaimChange::Initialized { capacity, allocatable }).await;
    }
}

fn disrupted() -> NodeChange {
    let add_taints = vec![Taint::new(labels::DISRUPTED_TAINT, Effect::NoSchedule)];
    NodeChange { add_taints, ..NodeChange::default() }
}

async fn remove(
    world: &WorldHandle,
    claim: &NodeClaim,
    (node, instance): (Option<&Node>, Option<&Instance>),
    (state, now): (&ClusterState, Timestamp),
) {
    let lives = instance.is_some_and(|i| !i.state.is_gone());
    if let Some(node) = node {
        let uid = node.uid.clone();
        let name = node.name.clone();
        if node.deleting.is_none() {
            Cluster::apply(world, &ClusterAction::DeleteNode { node: name, uid }).await;
            change_node(world, node, disrupted()).await;
            return;
        }
        if lives && !drain(world, node, state).await {
            return;
        }
        if !lives {
            let release = ClusterAction::ReleaseNode { node: name, uid };
            if Cluster::apply(world, &release).await != Outcome::Done {
                return;
            }
        }
    }
    if let Some(instance) = instance.filter(|_| lives) {
        let instances = vec![instance.id.clone()];
        Cloud::apply(world, &CloudAction::TerminateInstances { instances }).await;
    } else if claim.launch.is_none() || settled_for(claim, 90, now) {
        let (claim, uid) = (claim.name.clone(), claim.uid.clone());
        Cluster::apply(world, &ClusterAction::ReleaseClaim { claim, uid }).await;
    }
}

/// Evicts what is left. Says whether nothing is.
async fn drain(world: &WorldHandle, node: &Node, state: &ClusterState) -> bool {
    let on_node = |pod: &&Arc<Pod>| {
        pod.node.as_ref() == Some(&node.name) && !pod.is_daemon() && !pod.is_terminal()
    };
    let mut empty = state.knows_pods_of(&node.name);
    for pod in state.pods.iter().filter(on_node) {
        empty = false;
        if pod.deleting.is_none() {
            let (pod, uid) = (pod.name.clone(), pod.uid.clone());
            let reason = "drain".to_owned();
            Cluster::apply(world, &ClusterAction::EvictPod { pod, uid, reason }).await;
        }
    }
    empty
}

async fn interrupt(world: &WorldHandle, event: &Event, now: Timestamp) -> Result<(), ObserveError> {
    let Event::EventBridge(json) = event else { return Ok(()) };
    let event: serde_json::Value = serde_json::from_str(json).expect("events are JSON");
    if event["detail-type"] != "EC2 Spot Instance Interruption Warning" {
        return Ok(());
    }
    let id: InstanceId = event["detail"]["instance-id"].as_str().unwrap_or_default().into();
    let state = Cluster::observe(world, Scope::Pending).await?;
    let Some(claim) = state.claims.iter().find(|c| c.instance.as_ref() == Some(&id)) else {
        return Ok(());
    };
    let notice = Notice { kind: NoticeKind::SpotInterrupted, at: now };
    update(world, claim, None, ClaimChange::Notice(notice)).await;
    if let Some(node) = state.nodes.iter().find(|n| n.instance.as_ref() == Some(&id)) {
        change_node(world, node, disrupted()).await;
    }
    delete(world, claim, DeleteReason::SpotInterrupted).await;
    Ok(())
}

async fn disrupt(world: &WorldHandle, now: Timestamp) -> Result<(), ObserveError> {
    let state = Cluster::observe(world, Scope::Everything).await?;
    let going = state.claims.iter().filter(|c| c.deleting.is_some()).count();
    let empty = |claim: &&Arc<NodeClaim>| {
        let busy = |pod: &Pod| pod.node == claim.node && !pod.is_daemon() && !pod.is_terminal();
        claim.deleting.is_none()
            && claim.is_initialized()
            && settled_for(claim, 180, now)
            && !state.pods.iter().any(|pod| busy(pod))
    };
    if let Some(claim) = state.claims.iter().find(empty).filter(|_| going == 0) {
        delete(world, claim, DeleteReason::Empty).await;
    }
    Ok(())
}
