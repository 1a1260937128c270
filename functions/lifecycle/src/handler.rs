//! Hints or the clock to one pass of `planner::advance`.

use model::snapshot::Scope;
use reconciler::batch::{Invocation, Response, respond};
use reconciler::observe::View;
use reconciler::ports::{Cloud, Cluster};
use reconciler::reconcile::{Pass, reconcile};

/// Looks again. Every step is conditional on what it changes, so two passes at once do no harm and need no lease.
pub async fn handle(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    invocation: &Invocation<'_>,
) -> Response {
    let view = View { scope: Scope::Going, instances: true, instance_types: false };
    let pass = Pass { function: "lifecycle", view, leased: false, invocation };
    let decide = planner::advance::advance;
    respond(invocation.messages, reconcile(cluster, cloud, pass, decide).await)
}
