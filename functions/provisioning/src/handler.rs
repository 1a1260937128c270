//! Hints or the clock to one pass of `planner::provision`.

use jiff::Timestamp;
use model::snapshot::{Scope, Settings};
use reconciler::batch::{Delivery, Response, respond};
use reconciler::observe::View;
use reconciler::ports::{Cloud, Cluster};
use reconciler::reconcile::{Pass, reconcile};

/// Looks again. A batch of hints and a sweep are the same (D1, D7): the messages decide only what is answered.
///
/// `holder` names this invocation to the planner's lease.
pub async fn handle(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    (settings, holder): (&Settings, &str),
    messages: &[Delivery],
    now: Timestamp,
) -> Response {
    let view = View { scope: Scope::Pending, instances: true, instance_types: true };
    let pass = Pass { function: "provisioning", view, settings, holder: Some(holder) };
    let decide = planner::provision::provision;
    respond(messages, reconcile(cluster, cloud, pass, decide, now).await)
}
