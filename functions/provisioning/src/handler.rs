//! Hints or the clock to one pass of `planner::provision`.

use model::snapshot::Scope;
use reconciler::batch::{Invocation, Response, respond};
use reconciler::observe::View;
use reconciler::ports::{Cloud, Cluster};
use reconciler::reconcile::{Pass, reconcile};

/// Looks again. A batch of hints and a sweep are the same (D1, D7): the messages decide only what is answered.
pub async fn handle(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    invocation: &Invocation<'_>,
) -> Response {
    let view = View { scope: Scope::Pending, instances: true, instance_types: true };
    let pass = Pass { function: "provisioning", view, leased: true, invocation };
    let decide = planner::provision::provision;
    respond(invocation.messages, reconcile(cluster, cloud, pass, decide).await)
}
