//! Instances as EC2 tells of them.

use crate::failure;
use crate::timestamp;
use crate::turns::{Kind, Turns};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;
use aws_sdk_ec2::types::{
    Filter, Instance as Told, InstanceLifecycleType, InstanceStateName, Reservation,
};
use launch::request::{CLAIM_TAG, CLUSTER_NAME_TAG, CLUSTER_UID_TAG};
use model::action::RunInstances;
use model::instance_type::CapacityType;
use model::labels::{EC2NODECLASS, NODEPOOL};
use model::name::Uid;
use model::snapshot::{Instance, InstanceState};
use reconciler::ports::ObserveError;
use std::sync::Arc;

/// The most that EC2 tells at once (API reference, `DescribeInstances`).
const PAGE: i32 = 1000;

/// A hundred thousand instances; a list that does not end is not believed.
const PAGES_MAX: usize = 100;

/// The instances that carry the cluster's name and came of an EC2NodeClass, all pages, by id. Those that are gone are
/// among them as long as EC2 tells of them, for that is what tells a lost instance from one that never was.
pub(crate) async fn list(
    client: &Client,
    turns: &Turns,
    cluster: &str,
) -> Result<Vec<Arc<Instance>>, ObserveError> {
    let of_cluster = Filter::builder().name(format!("tag:{CLUSTER_NAME_TAG}")).values(cluster);
    let of_class = Filter::builder().name("tag-key").values(EC2NODECLASS);
    let mut all = Vec::new();
    let mut next = None;
    for _ in 0..PAGES_MAX {
        if turns.take(Kind::Look, 1).await.is_err() {
            return Err(ObserveError::Throttled { service: "EC2" });
        }
        let call = client
            .describe_instances()
            .filters(of_cluster.clone().build())
            .filters(of_class.clone().build())
            .max_results(PAGE)
            .set_next_token(next);
        let page = call.send().await.map_err(|error| {
            let error = failure::of_reading(&error);
            if matches!(error, ObserveError::Throttled { .. }) {
                turns.refused(Kind::Look);
            }
            error
        })?;
        let told = page.reservations().iter().flat_map(Reservation::instances);
        for told in told {
            let instance = instance(told)
                .map_err(|message| ObserveError::Unreachable { service: "EC2", message })?;
            all.push(Arc::new(instance));
        }
        next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        if next.is_none() {
            all.sort_by(|a: &Arc<Instance>, b| a.id.cmp(&b.id));
            return Ok(all);
        }
    }
    let message = format!("a list of instances of more than {PAGES_MAX} pages");
    Err(ObserveError::Unreachable { service: "EC2", message })
}

/// What a call has launched, by id: what was asked for, with what EC2 adds.
pub(crate) fn launched(
    answer: &RunInstancesOutput,
    run: &RunInstances,
    cluster_uid: &Uid,
) -> Result<Vec<Instance>, String> {
    let lacks = |what: &str| format!("EC2 launched an instance and did not tell its {what}");
    let mut all = Vec::with_capacity(answer.instances().len());
    for told in answer.instances() {
        let launched_at = told.launch_time().and_then(timestamp);
        all.push(Instance {
            id: told.instance_id().ok_or_else(|| lacks("id"))?.into(),
            state: state(told).unwrap_or(InstanceState::Pending),
            instance_type: run.offering.instance_type.clone(),
            zone: run.offering.zone.clone(),
            capacity_type: run.offering.capacity_type,
            image: run.image.clone(),
            launched_at: launched_at.ok_or_else(|| lacks("launch time"))?,
            token: run.token.clone(),
            pool: run.pool.clone(),
            node_class: Some(run.node_class.clone()),
            claim: run.claim.clone(),
            cluster_uid: cluster_uid.clone(),
        });
    }
    if all.is_empty() {
        return Err("EC2 launched no instance and did not say why".to_owned());
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

/// An instance of the list. One without our tag of the cluster's uid is told with an empty one: nobody's to end.
fn instance(told: &Told) -> Result<Instance, String> {
    let id = told.instance_id().ok_or("an instance without an id")?;
    let lacks = |what: &str| format!("instance {id} without {what}");
    let tag = |key: &str| {
        let tag = told.tags().iter().find(|tag| tag.key() == Some(key));
        tag.and_then(|tag| tag.value())
    };
    let zone = told.placement().and_then(|placement| placement.availability_zone());
    Ok(Instance {
        id: id.into(),
        state: state(told).ok_or_else(|| lacks("a state that is known"))?,
        instance_type: told.instance_type().ok_or_else(|| lacks("a type"))?.as_str().into(),
        zone: zone.ok_or_else(|| lacks("a zone"))?.into(),
        capacity_type: capacity_type(told),
        image: told.image_id().unwrap_or_default().into(),
        launched_at: told
            .launch_time()
            .and_then(timestamp)
            .ok_or_else(|| lacks("a launch time"))?,
        token: told.client_token().unwrap_or_default().into(),
        pool: tag(NODEPOOL).map(Into::into),
        node_class: tag(EC2NODECLASS).map(Into::into),
        claim: tag(CLAIM_TAG).map(Into::into),
        cluster_uid: tag(CLUSTER_UID_TAG).unwrap_or_default().into(),
    })
}

fn state(told: &Told) -> Option<InstanceState> {
    let name = told.state()?.name()?;
    [
        (InstanceStateName::Pending, InstanceState::Pending),
        (InstanceStateName::Running, InstanceState::Running),
        (InstanceStateName::ShuttingDown, InstanceState::ShuttingDown),
        (InstanceStateName::Terminated, InstanceState::Terminated),
        (InstanceStateName::Stopping, InstanceState::Stopping),
        (InstanceStateName::Stopped, InstanceState::Stopped),
    ]
    .into_iter()
    .find_map(|(theirs, ours)| (*name == theirs).then_some(ours))
}

fn capacity_type(told: &Told) -> CapacityType {
    if told.instance_lifecycle() == Some(&InstanceLifecycleType::Spot) {
        CapacityType::Spot
    } else if told.capacity_reservation_id().is_some() {
        CapacityType::Reserved
    } else {
        CapacityType::OnDemand
    }
}
