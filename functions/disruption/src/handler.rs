//! The clock to one pass of `planner::disrupt`.

use model::snapshot::Scope;
use reconciler::batch::{Invocation, Response, respond};
use reconciler::observe::View;
use reconciler::ports::{Cloud, Cluster};
use reconciler::reconcile::{Pass, reconcile};

/// Sweeps once, without the planner's lease: provisioning must not wait for a sweep. Two sweeps at once plan the same, and
/// the second's writes are refused; a node that provisioning may use is too young to be a candidate.
pub async fn handle(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    invocation: &Invocation<'_>,
) -> Response {
    let view = View { scope: Scope::Everything, instances: false, instance_types: true };
    let pass = Pass { function: "disruption", view, leased: false, invocation };
    let decide = planner::disrupt::disrupt;
    respond(invocation.messages, reconcile(cluster, cloud, pass, decide).await)
}
