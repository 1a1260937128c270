//! EC2NodeClasses to their status: the subnets, security groups, images and reservations that their terms select now. Once
//! an hour, and where there is none yet, the catalogue of instance types and prices.

use crate::{catalogue, leaving};
use aws::Ec2;
use kubernetes::client::Client;
use model::name::Text;
use reconciler::batch::{Invocation, Response, respond};
use reconciler::ports::ObserveError;
use reconciler::report::{self, Done, Report};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Looks at every class, and at what the catalogue is made of when the event says so. What has not changed is not written
/// again. `profiles` are the instance profiles that were made at deployment, by role.
pub async fn handle(
    (cluster, cloud): (&Client, &Ec2),
    profiles: &BTreeMap<Text, Text>,
    invocation: &Invocation<'_>,
    event: &str,
) -> Response {
    let mut report = Report { passes: 1, ..Report::default() };
    let classes = look(cluster, cloud, profiles, (invocation, &mut report)).await;
    // One of the two that fails does not keep the other back.
    let types = offers(cluster, cloud, is_due(event), (invocation, &mut report)).await;
    report::log("catalog", &report);
    respond(invocation.messages, classes.and(types).map(|()| report))
}

/// Whether the schedule for instance types and prices has sent this (`infra/template.yaml`).
fn is_due(event: &str) -> bool {
    serde_json::from_str::<Value>(event).is_ok_and(|event| event["look"] == "catalogue")
}

/// A class that cannot be looked at does not keep the others back: the first error is told when all have had their turn.
async fn look(
    cluster: &Client,
    cloud: &Ec2,
    profiles: &BTreeMap<Text, Text>,
    (invocation, report): (&Invocation<'_>, &mut Report),
) -> Result<(), ObserveError> {
    let classes = cluster.node_classes().await?;
    if classes.is_empty() {
        return Ok(());
    }
    let version = cluster.version().await?;
    let mut failed = None;
    for class in &classes {
        if invocation.stop.load(Ordering::Relaxed) {
            break;
        }
        if class.deleting {
            failed = failed.or(leaving::see_off(cluster, class, report).await.err());
            continue;
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
    failed.map_or(Ok(()), Err)
}

/// Stores what there is to buy, if it is time for that or nothing is stored yet.
async fn offers(
    cluster: &Client,
    cloud: &Ec2,
    is_due: bool,
    (invocation, report): (&Invocation<'_>, &mut Report),
) -> Result<(), ObserveError> {
    if invocation.stop.load(Ordering::Relaxed) || (!is_due && cluster.has_catalogue().await?) {
        return Ok(());
    }
    match catalogue::refresh(cluster, cloud, invocation.now, report).await {
        // The classes are what this pass was for; the next one tries again.
        Err(error) if !is_due => {
            report.notes.push(format!("there is no catalogue of instance types yet: {error}"));
            Ok(())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_due_when_its_schedule_says_so() {
        assert!(is_due(r#"{"look": "catalogue"}"#));
        for other in [r#"{"source": "aws.events"}"#, r#"["look"]"#, "", "\"catalogue\""] {
            assert!(!is_due(other), "{other}");
        }
    }
}
