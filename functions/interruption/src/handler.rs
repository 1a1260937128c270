//! An event of EventBridge to a notice in the cluster, then one pass of `planner::interrupt`.

use crate::event::{self, Announcement};
use jiff::SignedDuration;
use model::action::{ClaimChange, ClusterAction};
use model::claim::{NodeClaim, Notice};
use model::snapshot::Scope;
use reconciler::batch::{Invocation, Response, respond};
use reconciler::decision::Decision;
use reconciler::observe::View;
use reconciler::ports::{Cloud, Cluster, ObserveError};
use reconciler::reconcile::{Pass, reconcile};
use reconciler::report::{Done, Report};

/// EC2 takes an interrupted instance two minutes after its warning; an event older than that, with half a minute for
/// skewed clocks, announces what the sweep has long seen.
const STALE: SignedDuration = SignedDuration::from_secs(150);

/// Writes the notice first (D2), so that a crash right after loses nothing, then acts on it.
///
/// An event about another's instance ends after one look at the cluster; one that nobody can read is reported and
/// dropped.
pub async fn handle(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    invocation: &Invocation<'_>,
    event: &str,
) -> Response {
    let announcement = match event::parse(event) {
        Ok(Some(announcement)) => announcement,
        Ok(None) => return Response::default(),
        Err(error) => return Response { poison: vec![error.to_string()], ..Response::default() },
    };
    respond(invocation.messages, act(cluster, cloud, invocation, &announcement).await)
}

async fn act(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    invocation: &Invocation<'_>,
    announcement: &Announcement,
) -> Result<Report, ObserveError> {
    let mut report = Report::default();
    let state = cluster.observe(Scope::Pending).await?;
    let ours: Vec<&NodeClaim> = state
        .claims
        .iter()
        .map(|claim| &**claim)
        .filter(|claim| {
            claim.instance.as_ref().is_some_and(|id| announcement.instances.contains(id))
        })
        .collect();
    if ours.is_empty() || STALE < invocation.now.duration_since(announcement.at) {
        return Ok(report);
    }
    for claim in ours {
        if claim.deleting.is_some()
            || claim.notice.as_ref().is_some_and(|n| n.kind == announcement.kind)
        {
            continue;
        }
        let notice = Notice { kind: announcement.kind, at: announcement.at };
        let action = ClusterAction::UpdateClaim {
            claim: claim.name.clone(),
            uid: claim.uid.clone(),
            resource_version: None,
            change: ClaimChange::Notice(notice),
        };
        let outcome = cluster.apply(&action).await;
        if outcome.took_effect() {
            let (claim, kind, at) = (claim.name.clone(), announcement.kind, announcement.at);
            report.decisions.push(Decision::Interrupted { claim, kind, at });
        }
        report.done.push(Done { action: action.to_string(), outcome });
    }
    let view = View { scope: Scope::Pending, instances: false, instance_types: false };
    let pass = Pass { function: "interruption", view, leased: false, invocation };
    report.absorb(reconcile(cluster, cloud, pass, planner::interrupt::interrupt).await?);
    Ok(report)
}
