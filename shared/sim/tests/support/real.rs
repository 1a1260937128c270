//! The planner's decisions as functions, wired as the deployed handlers wire them.

use jiff::Timestamp;
use model::action::{ClaimChange, ClusterAction};
use model::claim::{Notice, NoticeKind};
use model::name::InstanceId;
use model::plan::Plan;
use model::snapshot::{Scope, Settings, Snapshot};
use reconciler::batch::Invocation;
use reconciler::observe::View;
use reconciler::ports::{Cluster, ObserveError};
use reconciler::reconcile::{Pass, reconcile};
use reconciler::report::Report;
use sim::handle::WorldHandle;
use sim::lambda::{Event, Function, Functions, Invoked, Response};
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

/// The functions.
pub(crate) struct Real(pub(crate) Rc<Settings>);

impl Functions for Real {
    fn invoke(
        &self,
        function: Function,
        event: Event,
        world: WorldHandle,
        now: Timestamp,
    ) -> Invoked {
        let settings = Rc::clone(&self.0);
        Box::pin(async move {
            let result = handle(function, &event, (&world, &settings), now).await;
            let error = match result {
                Ok(report) => report.violations.first().map(ToString::to_string),
                Err(error) => Some(error.to_string()),
            };
            Response { failed: vec![], error }
        })
    }
}

async fn handle(
    function: Function,
    event: &Event,
    (world, settings): (&WorldHandle, &Settings),
    now: Timestamp,
) -> Result<Report, ObserveError> {
    let view = |scope, instances, instance_types| View { scope, instances, instance_types };
    let (holder, stop) = (world.identity(), AtomicBool::new(false));
    let invocation = Invocation { settings, holder, messages: &[], now, stop: &stop };
    let with = |name, view| Pass { function: name, view, leased: false, invocation: &invocation };
    match function {
        Function::Provisioning => {
            let pass = with("provisioning", view(Scope::Pending, true, true));
            let pass = Pass { leased: true, ..pass };
            decide(world, pass, planner::provision::provision).await
        }
        Function::Lifecycle => {
            let pass = with("lifecycle", view(Scope::Going, true, false));
            decide(world, pass, planner::advance::advance).await
        }
        Function::Interruption => {
            note(world, event, now).await?;
            let pass = with("interruption", view(Scope::Pending, false, false));
            decide(world, pass, planner::interrupt::interrupt).await
        }
        Function::Disruption => {
            let pass = with("disruption", view(Scope::Everything, false, true));
            decide(world, pass, planner::disrupt::disrupt).await
        }
    }
}

async fn decide(
    world: &WorldHandle,
    pass: Pass<'_>,
    decision: fn(&Snapshot, Timestamp) -> Plan,
) -> Result<Report, ObserveError> {
    reconcile(world, world, pass, decision).await
}

/// Writes EC2's warning into the cluster.
async fn note(world: &WorldHandle, event: &Event, now: Timestamp) -> Result<(), ObserveError> {
    let Event::EventBridge(json) = event else { return Ok(()) };
    let event: serde_json::Value = serde_json::from_str(json).expect("events are JSON");
    if event["detail-type"] != "EC2 Spot Instance Interruption Warning" {
        return Ok(());
    }
    let id: InstanceId = event["detail"]["instance-id"].as_str().unwrap_or_default().into();
    let state = Cluster::observe(world, Scope::Pending).await?;
    for claim in state.claims.iter().filter(|c| c.instance.as_ref() == Some(&id)) {
        let notice = Notice { kind: NoticeKind::SpotInterrupted, at: now };
        let action = ClusterAction::UpdateClaim {
            claim: claim.name.clone(),
            uid: claim.uid.clone(),
            resource_version: None,
            change: ClaimChange::Notice(notice),
        };
        Cluster::apply(world, &action).await;
    }
    Ok(())
}
