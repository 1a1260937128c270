//! EC2NodeClasses to their status: the subnets, security groups, images and reservations that their terms select now.

use aws::Ec2;
use kubernetes::client::Client;
use model::name::Text;
use reconciler::batch::{Invocation, Response, respond};
use reconciler::ports::ObserveError;
use reconciler::report::{self, Done, Report};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Looks at every class. What has not changed is not written again. `profiles` are the instance profiles that were made at
/// deployment, by role.
pub async fn handle(
    cluster: &Client,
    cloud: &Ec2,
    profiles: &BTreeMap<Text, Text>,
    invocation: &Invocation<'_>,
) -> Response {
    respond(invocation.messages, look(cluster, cloud, profiles, invocation).await)
}

/// A class that cannot be looked at does not keep the others back: the first error is told when all have had their turn.
async fn look(
    cluster: &Client,
    cloud: &Ec2,
    profiles: &BTreeMap<Text, Text>,
    invocation: &Invocation<'_>,
) -> Result<Report, ObserveError> {
    let classes = cluster.node_classes().await?;
    let mut report = Report { passes: 1, ..Report::default() };
    if classes.is_empty() {
        return Ok(report);
    }
    let version = cluster.version().await?;
    let mut failed = None;
    for class in &classes {
        if invocation.stop.load(Ordering::Relaxed) {
            break;
        }
        match cloud.class_status(class, &version, profiles, invocation.now).await {
            Ok(status) => {
                let action = format!("set the status of EC2NodeClass {}", class.name);
                let outcome = cluster.set_class_status(class, &status).await;
                report.done.push(Done { action, outcome });
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    report::log("catalog", &report);
    failed.map_or(Ok(report), Err)
}
