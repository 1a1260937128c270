//! Hints or the clock to one pass of `planner::advance`.

use jiff::Timestamp;
use model::snapshot::{Scope, Settings};
use reconciler::batch::{Delivery, Response, respond};
use reconciler::observe::View;
use reconciler::ports::{Cloud, Cluster};
use reconciler::reconcile::{Pass, reconcile};

/// Looks again. Every step is conditional on what it changes, so two passes at once do no harm and need no lease.
pub async fn handle(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    settings: &Settings,
    messages: &[Delivery],
    now: Timestamp,
) -> Response {
    let view = View { scope: Scope::Going, instances: true, instance_types: false };
    let pass = Pass { function: "lifecycle", view, settings, holder: None };
    respond(messages, reconcile(cluster, cloud, pass, planner::advance::advance, now).await)
}
