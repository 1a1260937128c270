//! Spare capacity: where there is none, and spot instances that EC2 takes back.

use crate::faults::{Rate, draw, part_per_million};
use crate::kubelet::Moment;
use crate::rng::{happens, millis};
use crate::world::{Happening, World};
use jiff::SignedDuration;
use model::claim::NoticeKind;
use model::instance_type::{CapacityType, OfferingKey};
use model::name::{InstanceId, Zone};

/// Whether an offering has capacity is drawn anew for each quarter of an hour.
const CAPACITY_SLOT_SECONDS: i64 = 900;
/// Storms last for an hour.
const STORM_SLOT_SECONDS: i64 = 3_600;
/// On-demand capacity is missing so many times less often than spot capacity.
const ON_DEMAND_SCARCER: u32 = 4;
/// EC2's notice before it takes a spot instance back.
const NOTICE: SignedDuration = SignedDuration::from_secs(120);
/// Spot instances older than this are not drawn any more, in hours: two weeks.
const RECLAIM_HOURS: i64 = 24 * 14;

impl World {
    /// EC2's error code where an offering has no capacity now.
    pub(crate) fn capacity_refusal(&mut self, offering: &OfferingKey) -> Option<&'static str> {
        let now = self.now();
        let out = self.ec2.zones_out.iter().any(|(zone, end)| *zone == offering.zone && now < *end);
        if !out && !self.is_scarce(offering) {
            return None;
        }
        self.fault("no capacity");
        self.checker.last_refusal = Some(now);
        Some("InsufficientInstanceCapacity")
    }

    fn is_scarce(&self, offering: &OfferingKey) -> bool {
        let second = self.now().as_second();
        let storm = second.div_euclid(STORM_SLOT_SECONDS).to_be_bytes();
        let is_storm = is_drawn(draw(self.seed, &[b"storm", &storm]), self.faults.storms);
        let rate =
            if is_storm { self.faults.no_capacity_in_storm } else { self.faults.no_capacity };
        let rate = match offering.capacity_type {
            CapacityType::Spot | CapacityType::Reserved => rate,
            CapacityType::OnDemand => {
                Rate::per_million(rate.parts_per_million() / ON_DEMAND_SCARCER)
            }
        };
        let slot = second.div_euclid(CAPACITY_SLOT_SECONDS).to_be_bytes();
        let OfferingKey { instance_type, zone, capacity_type } = offering;
        let kind = capacity_type.as_str().as_bytes();
        let parts = [&slot[..], instance_type.as_bytes(), zone.as_bytes(), kind];
        is_drawn(draw(self.seed, &parts), rate)
    }

    /// Draws when EC2 will take a new spot instance back, if ever.
    pub(crate) fn draw_reclaim(&mut self, id: &InstanceId) {
        let is_spot = self.ec2.machines[id].instance.capacity_type == CapacityType::Spot;
        let rate = self.faults.reclaims_per_hour;
        if !is_spot || rate == Rate::NEVER {
            return;
        }
        let reclaim = &mut self.streams.reclaim;
        let Some(hour) = (0..RECLAIM_HOURS).find(|_| happens(reclaim, rate)) else { return };
        let delay = SignedDuration::from_hours(hour) + millis(reclaim, 0..=3_599_999);
        let without_notice = happens(reclaim, self.faults.without_notice);
        let moment = if without_notice { Moment::Taken } else { Moment::Warned };
        self.after(delay, Happening::Machine(id.clone(), moment));
    }

    /// EC2 gives its notice.
    pub(crate) fn warn(&mut self, id: &InstanceId) {
        let now = self.now();
        // What was drawn does not happen once faults have stopped.
        if self.faults_are_over() {
            return;
        }
        let Some(machine) = self.ec2.living(id) else { return };
        if std::mem::replace(&mut machine.warned, true) {
            return;
        }
        let record = machine.record;
        self.record.instances[record].interrupted = Some((now, NoticeKind::SpotInterrupted));
        self.fault("spot reclaim");
        self.announce_reclaim(id);
        self.after(NOTICE, Happening::Machine(id.clone(), Moment::Taken));
    }

    /// EC2 takes an instance back.
    pub(crate) fn take_back(&mut self, id: &InstanceId) {
        let over = self.faults_are_over();
        let Some(machine) = self.ec2.living(id) else { return };
        if !machine.warned {
            if over {
                return;
            }
            self.fault("spot reclaim without notice");
        }
        self.end_instance(id);
    }

    /// The workload asks for a spot storm.
    pub(crate) fn reclaim_spot(&mut self, zone: Option<&Zone>, percent: u32, notice: bool) {
        let spot = self.ec2.ours(&self.settings.cluster_uid).filter(|machine| {
            machine.instance.capacity_type == CapacityType::Spot
                && zone.is_none_or(|zone| machine.instance.zone == *zone)
        });
        let ids: Vec<InstanceId> = spot.map(|machine| machine.instance.id.clone()).collect();
        for id in ids {
            if !happens(&mut self.streams.reclaim, Rate::percent(percent)) {
                continue;
            }
            if notice {
                self.warn(&id);
            } else {
                self.take_back(&id);
            }
        }
    }

    /// The workload asks for a zone without capacity.
    pub(crate) fn zone_fails(&mut self, zone: &Zone, duration: SignedDuration, kill: bool) {
        let now = self.now();
        self.fault("zone outage");
        self.ec2.zones_out.retain(|(_, end)| now < *end);
        self.ec2.zones_out.push((zone.clone(), now + duration));
        if kill {
            let inside =
                self.ec2.ours(&self.settings.cluster_uid).filter(|m| m.instance.zone == *zone);
            let ids: Vec<InstanceId> = inside.map(|machine| machine.instance.id.clone()).collect();
            for id in ids {
                self.end_instance(&id);
            }
        }
    }
}

fn is_drawn(bits: u64, rate: Rate) -> bool {
    part_per_million(bits) < rate.parts_per_million()
}
