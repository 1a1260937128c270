//! EC2NodeClasses that are being deleted: each stays until the last NodeClaim of it is gone, because a node is ended and
//! drained by what its class says.

use kubernetes::client::Client;
use model::action::{ClusterAction, Event};
use model::claim::NodeClaim;
use model::name::{ClaimName, ObjectName};
use model::node_class::NodeClass;
use reconciler::ports::{Cluster, ObserveError};
use reconciler::report::{Done, Report};
use std::sync::Arc;

/// So many names stand in the event (Karpenter's, 1.14).
const NAMES_MAX: usize = 5;

/// Lets the class go if nothing is of it any more, and otherwise says what it waits for.
pub(crate) async fn see_off(
    cluster: &Client,
    class: &NodeClass,
    report: &mut Report,
) -> Result<(), ObserveError> {
    let claims = cluster.claims().await?;
    let (action, outcome) = match what_keeps(class, &claims) {
        None => (format!("let EC2NodeClass {} go", class.name), cluster.release_class(class).await),
        Some(event) => {
            let action = ClusterAction::RecordEvent(event);
            (action.to_string(), cluster.apply(&action).await)
        }
    };
    report.done.push(Done { action, outcome });
    Ok(())
}

/// What the class waits for, under Karpenter's reason and text.
fn what_keeps(class: &NodeClass, claims: &[Arc<NodeClaim>]) -> Option<Event> {
    let names: Vec<&ClaimName> = claims
        .iter()
        .filter(|claim| claim.spec.node_class == class.name)
        .map(|claim| &claim.name)
        .collect();
    if names.is_empty() {
        return None;
    }
    let shown: Vec<&str> = names.iter().take(NAMES_MAX).map(|name| &***name).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} other(s)"),
    };
    let message = format!("Waiting on NodeClaim termination for {}{more}", shown.join(", "));
    Some(Event {
        kind: "EC2NodeClass".into(),
        object: ObjectName::new("", class.name.text()),
        warning: false,
        reason: "WaitingOnNodeClaimTermination".into(),
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept_by(claims: &[(&str, &str)]) -> Option<String> {
        let class: NodeClass =
            serde_json::from_value(json!({"name": "blue", "uid": "u", "ready": false})).unwrap();
        let claim = |(name, class): &(&str, &str)| {
            let claim = json!({"name": name, "uid": name, "created": "2026-01-01T00:00:00Z",
                "spec": {"nodeClass": class}});
            Arc::new(serde_json::from_value(claim).unwrap())
        };
        let claims: Vec<Arc<NodeClaim>> = claims.iter().map(claim).collect();
        what_keeps(&class, &claims).map(|event| event.message)
    }

    #[test]
    fn a_class_waits_for_the_claims_of_it_and_for_no_others() {
        assert_eq!(kept_by(&[]), None);
        assert_eq!(kept_by(&[("a", "green")]), None);
        let some = kept_by(&[("a", "blue"), ("b", "green"), ("c", "blue")]);
        assert_eq!(some.as_deref(), Some("Waiting on NodeClaim termination for a, c"));
        let many = ["a", "b", "c", "d", "e", "f", "g"].map(|name| (name, "blue"));
        assert_eq!(
            kept_by(&many).as_deref(),
            Some("Waiting on NodeClaim termination for a, b, c, d, e and 2 other(s)")
        );
    }
}
