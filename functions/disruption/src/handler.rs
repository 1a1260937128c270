//! The clock to one pass of `planner::disrupt`.

use jiff::Timestamp;
use model::snapshot::{Scope, Settings};
use reconciler::batch::{Response, respond};
use reconciler::observe::View;
use reconciler::ports::{Cloud, Cluster};
use reconciler::reconcile::{Pass, reconcile};

/// Sweeps once, under the planner's lease: a node that provisioning is about to use is not to go at the same moment.
pub async fn handle(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    (settings, holder): (&Settings, &str),
    now: Timestamp,
) -> Response {
    let view = View { scope: Scope::Everything, instances: false, instance_types: true };
    let pass = Pass { function: "disruption", view, settings, holder: Some(holder) };
    respond(&[], reconcile(cluster, cloud, pass, planner::disrupt::disrupt, now).await)
}
