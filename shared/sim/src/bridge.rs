//! EventBridge: EC2's events as JSON, delivered at least once, sometimes not at all or late.

use crate::lambda::{Event, Function};
use crate::rng::millis;
use crate::world::World;
use jiff::SignedDuration;
use model::name::InstanceId;
use serde_json::{Value, json};

/// From EC2 to the function, in milliseconds (148 at the median, 387 at the 99th percentile as measured by others).
const DELIVERY_MILLIS: (i64, i64) = (100, 400);
/// The account that the simulated cluster lives in.
const ACCOUNT: &str = "123456789012";

impl World {
    /// EC2 announces that it takes a spot instance back.
    pub(crate) fn announce_reclaim(&mut self, id: &InstanceId) {
        let Some(machine) = self.ec2.machines.get(id) else { return };
        let zone = machine.instance.zone.clone();
        let event = self.event(
            "EC2 Spot Instance Interruption Warning",
            &format!("arn:aws:ec2:{zone}:instance/{id}"),
            &json!({ "instance-id": id.as_str(), "instance-action": "terminate" }),
        );
        if let Some(delay) = self.deliver(event) {
            self.demand_cordon(id, delay);
        }
    }

    /// EC2 announces a change of state. The rule's pattern lets through those that mean the end.
    pub(crate) fn announce_state(&mut self, id: &InstanceId, state: &str) {
        let Some(machine) = self.ec2.machines.get(id) else { return };
        let region = region(&machine.instance.zone).to_owned();
        let event = self.event(
            "EC2 Instance State-change Notification",
            &format!("arn:aws:ec2:{region}:{ACCOUNT}:instance/{id}"),
            &json!({ "instance-id": id.as_str(), "state": state }),
        );
        self.deliver(event);
    }

    /// Delivers an event. Says after what time, or that it was lost.
    fn deliver(&mut self, event: String) -> Option<SignedDuration> {
        if self.fault_happens(self.faults.lost, "lost event") {
            return None;
        }
        let (least, most) = DELIVERY_MILLIS;
        let mut delay = millis(&mut self.streams.bridge, least..=most);
        if self.fault_happens(self.faults.late, "late event") {
            delay += millis(&mut self.streams.bridge, 1_000..=120_000);
        }
        self.invoke_async(Function::Interruption, Event::EventBridge(event), delay);
        Some(delay)
    }

    fn event(&mut self, detail_type: &str, resource: &str, detail: &Value) -> String {
        let zone = self.types.values().flat_map(|types| types.iter());
        let zone = zone.flat_map(|t| &t.offerings).next().map(|offering| offering.zone.clone());
        json!({
            "version": "0",
            "id": self.store.next_uid().as_str(),
            "detail-type": detail_type,
            "source": "aws.ec2",
            "account": ACCOUNT,
            "time": self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": zone.as_deref().map_or("", region),
            "resources": [resource],
            "detail": detail,
        })
        .to_string()
    }
}

/// The region of a zone such as `us-east-1a`.
fn region(zone: &str) -> &str {
    zone.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(zone)
}
