//! Events of EventBridge that announce the end of an instance.
//!
//! Sources and detail types are those of the EC2 User Guide ("Spot Instance interruption notices", "EC2 instance state
//! change events") and the AWS Health User Guide; kinds are Karpenter's.

use jiff::Timestamp;
use model::claim::NoticeKind;
use model::name::InstanceId;
use serde::Deserialize;
use serde_json::Value;

/// What an event announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The instances it is about.
    pub instances: Vec<InstanceId>,
    /// What is to happen to them.
    pub kind: NoticeKind,
    /// When EventBridge got it.
    pub at: Timestamp,
}

/// Why an event is no announcement.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is not an event of EventBridge.
    #[error("not an EventBridge event: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It lacks something that its kind always has.
    #[error("{detail_type}: expected {what}")]
    Incomplete {
        /// The event's kind.
        detail_type: String,
        /// What is missing.
        what: &'static str,
    },
}

#[derive(Deserialize)]
struct Envelope {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    time: Timestamp,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    detail: Value,
}

/// Reads an event; none when it is of a kind that announces no end.
///
/// # Errors
/// When it is no event, or lacks the instance that its kind names.
pub fn parse(json: &str) -> Result<Option<Announcement>, EventError> {
    let envelope: Envelope = serde_json::from_str(json)?;
    let Some(kind) = kind_of(&envelope) else { return Ok(None) };
    let instances = instances_of(&envelope);
    if instances.is_empty() {
        let what = "an instance id in detail.instance-id or resources";
        return Err(EventError::Incomplete { detail_type: envelope.detail_type, what });
    }
    Ok(Some(Announcement { instances, kind, at: envelope.time }))
}

fn kind_of(envelope: &Envelope) -> Option<NoticeKind> {
    let detail = |key: &str| envelope.detail.get(key).and_then(Value::as_str).unwrap_or("");
    match (envelope.source.as_str(), envelope.detail_type.as_str()) {
        ("aws.ec2", "EC2 Spot Instance Interruption Warning") => Some(NoticeKind::SpotInterrupted),
        ("aws.ec2", "EC2 Instance Rebalance Recommendation") => {
            Some(NoticeKind::RebalanceRecommendation)
        }
        ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning") => {
            Some(NoticeKind::CapacityReservationInterrupted)
        }
        ("aws.ec2", "EC2 Instance State-change Notification") => match detail("state") {
            "stopping" | "stopped" => Some(NoticeKind::InstanceStopped),
            "shutting-down" | "terminated" => Some(NoticeKind::InstanceTerminated),
            _ => None,
        },
        ("aws.health", "AWS Health Event")
            if detail("service") == "EC2" && detail("eventTypeCategory") == "scheduledChange" =>
        {
            Some(NoticeKind::ScheduledChange)
        }
        _ => None,
    }
}

/// The instances of an event: its detail names one, AWS Health lists affected entities, others list resources (ARNs).
fn instances_of(envelope: &Envelope) -> Vec<InstanceId> {
    if let Some(id) = envelope.detail.get("instance-id").and_then(Value::as_str) {
        return vec![id.into()];
    }
    let entities = envelope.detail.get("affectedEntities").and_then(Value::as_array);
    let entities = entities.into_iter().flatten().filter_map(|e| e.get("entityValue")?.as_str());
    let resources = envelope.resources.iter().map(|arn| arn.rsplit('/').next().unwrap_or(arn));
    let mut ids: Vec<InstanceId> =
        entities.chain(resources).filter(|id| id.starts_with("i-")).map(InstanceId::from).collect();
    ids.sort();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(source: &str, detail_type: &str, rest: &str) -> String {
        format!(
            r#"{{"version":"0","id":"1","source":"{source}","detail-type":"{detail_type}","account":"1","region":"us-east-1","time":"2026-01-01T00:00:00Z",{rest}}}"#
        )
    }

    fn read(source: &str, detail_type: &str, rest: &str) -> String {
        match parse(&event(source, detail_type, rest)) {
            Ok(None) => "nothing".into(),
            Ok(Some(a)) => format!("{} {:?}", a.kind.as_str(), a.instances),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_kind_of_event_says_what_will_happen_to_which_instance() {
        let spot = "EC2 Spot Instance Interruption Warning";
        let one = r#""resources":[],"detail":{"instance-id":"i-1","instance-action":"terminate"}"#;
        assert_eq!(read("aws.ec2", spot, one), r#"spot_interrupted ["i-1"]"#);
        let state = "EC2 Instance State-change Notification";
        let stopping = r#""detail":{"instance-id":"i-1","state":"stopping"}"#;
        assert_eq!(read("aws.ec2", state, stopping), r#"instance_stopped ["i-1"]"#);
        let running = r#""detail":{"instance-id":"i-1","state":"running"}"#;
        assert_eq!(read("aws.ec2", state, running), "nothing");
        let health = r#""resources":["i-2"],"detail":{"service":"EC2","eventTypeCategory":"scheduledChange","affectedEntities":[{"entityValue":"i-2"},{"entityValue":"i-3"}]}"#;
        assert_eq!(
            read("aws.health", "AWS Health Event", health),
            r#"scheduled_change ["i-2", "i-3"]"#
        );
        assert_eq!(read("aws.s3", "Object Created", r#""detail":{}"#), "nothing");
    }

    #[test]
    fn what_is_no_event_says_so_in_one_line() {
        let missing = read("aws.ec2", "EC2 Spot Instance Interruption Warning", r#""detail":{}"#);
        assert_eq!(
            missing,
            "EC2 Spot Instance Interruption Warning: expected an instance id in detail.instance-id or resources"
        );
        assert!(parse("[]").unwrap_err().to_string().starts_with("not an EventBridge event"));
    }
}
