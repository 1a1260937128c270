//! The launch of claims that are alike: record, call, result, choice after choice (D3, D4).
//!
//! Whatever happens between two steps, the next pass finds what it needs in the cluster: a claim without a record was
//! not asked for, one with a record may have been, and the call is repeated to the letter or its instances are adopted.

use super::CALLS_AT_ONCE;
use crate::ports::{Cloud, Cluster};
use crate::report::Done;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use model::action::{
    Choice, ClaimChange, CloudAction, ClusterAction, DeleteReason, Launch, RunInstances,
};
use model::claim::LaunchRecord;
use model::instance_type::OfferingKey;
use model::labels::Labels;
use model::memory::{Change, Unavailable};
use model::name::{ClaimName, ResourceVersion, Uid};
use model::outcome::Outcome;
use model::snapshot::Instance;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

/// An offering that was refused is left alone for so long (Karpenter 1.14, unavailable offerings).
const UNAVAILABLE: SignedDuration = SignedDuration::from_mins(3);

/// A claim of the launch, as last seen.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: ClaimName,
    pub(super) uid: Uid,
    pub(super) resource_version: ResourceVersion,
    /// Calls made for it so far.
    pub(super) attempts: u32,
}

/// A launch under way.
pub(super) struct Launching<'a, K, C> {
    pub(super) cluster: &'a K,
    pub(super) cloud: &'a C,
    pub(super) launch: &'a Launch,
    pub(super) now: Timestamp,
    /// No further call is begun.
    pub(super) time_is_up: &'a AtomicBool,
    pub(super) done: Vec<Done>,
    /// What EC2 has refused in this launch.
    pub(super) refused: BTreeSet<OfferingKey>,
}

/// What a refusal for want of capacity is about, beside the offering that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Nothing.
    Offering,
    /// Whatever would be launched into the subnet.
    Subnet,
    /// Whatever would be bought that way.
    CapacityType,
}

impl Reach {
    /// By EC2's error codes (Karpenter 1.14, unavailable offerings).
    fn of(code: &str) -> Self {
        match code {
            "InsufficientFreeAddressesInSubnet" => Self::Subnet,
            "MaxSpotInstanceCountExceeded"
            | "AuthFailure.ServiceLinkedRoleCreationNotPermitted" => Self::CapacityType,
            _ => Self::Offering,
        }
    }

    fn covers(self, record: &LaunchRecord, choice: &Choice) -> bool {
        match self {
            Self::Offering => false,
            Self::Subnet => choice.subnet == record.subnet,
            Self::CapacityType => choice.offering.capacity_type == record.offering.capacity_type,
        }
    }
}

/// A launch that has come to an end, for this pass.
pub(super) struct Finished {
    pub(super) done: Vec<Done>,
    /// No further launch should begin.
    pub(super) stop: bool,
}

/// How a call ended.
enum Called {
    /// The instances run and the claims know them.
    Launched,
    /// Nothing was launched by this token; the next choice may be tried.
    TryNext,
    /// The same choice may be tried under a new token.
    TryAgain,
    /// It is not known what happened, or a further call is unwelcome: the next pass goes on.
    Stop,
    /// Only this launch ends.
    GiveUp,
}

impl<K: Cluster, C: Cloud> Launching<'_, K, C> {
    pub(super) async fn run(mut self, mut members: Vec<Member>) -> Finished {
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let stop = self.walk(members).await;
        Finished { done: self.done, stop }
    }

    /// Tries the choices in turn. Says whether no further launch should begin.
    async fn walk(&mut self, mut members: Vec<Member>) -> bool {
        if let Some(record) = &self.launch.replay {
            match self.call(record, &members).await {
                Called::Launched | Called::GiveUp => return false,
                Called::Stop => return true,
                Called::TryNext | Called::TryAgain => {}
            }
        }
        for choice in &self.launch.choices {
            if self.refused.contains(&choice.offering) {
                continue;
            }
            // A token whose instance was terminated is spent once; a second time the choice itself is given up.
            for _ in 0..2 {
                if self.time_is_up.load(Ordering::Relaxed) {
                    return true;
                }
                let Some(record) = self.record(&mut members, choice).await else { return false };
                match self.call(&record, &members).await {
                    Called::Launched | Called::GiveUp => return false,
                    Called::Stop => return true,
                    Called::TryNext => break,
                    Called::TryAgain => {}
                }
            }
        }
        self.delete(&members).await;
        false
    }

    /// Writes the record of the next attempt on every member. Members that changed meanwhile are left to whoever changed
    /// them; the rest then start over with an attempt of their own, because a token stands for its whole group.
    async fn record(&mut self, members: &mut Vec<Member>, choice: &Choice) -> Option<LaunchRecord> {
        while !members.is_empty() {
            let attempt = 1 + members.iter().map(|m| m.attempts).max().unwrap_or(0);
            let token = LaunchRecord::token_for(
                members.iter().map(|m| &m.uid),
                attempt,
                &choice.offering.zone,
            );
            let count = u32::try_from(members.len()).expect("a launch has few claims");
            let record = LaunchRecord {
                attempt,
                token,
                index: 0,
                count,
                offering: choice.offering.clone(),
                subnet: choice.subnet.clone(),
                image: choice.image.clone(),
                at: self.now,
            };
            let changes = members.iter().zip(0_u32..).map(|(member, index)| {
                let record = LaunchRecord { index, ..record.clone() };
                let version = Some(member.resource_version);
                (member.clone(), update(member, version, ClaimChange::LaunchRecord(record)))
            });
            let outcomes = self.apply_all(changes.collect()).await;
            let before = members.len();
            members.clear();
            for (mut member, outcome) in outcomes {
                if let Outcome::Updated { resource_version } = outcome {
                    member.resource_version = resource_version;
                    member.attempts = attempt;
                    members.push(member);
                }
            }
            if members.len() == before {
                return Some(record);
            }
        }
        None
    }

    async fn call(&mut self, record: &LaunchRecord, members: &[Member]) -> Called {
        let action = CloudAction::RunInstances(self.request(record, members));
        let outcome = self.cloud.apply(&action).await;
        self.done.push(Done { action: action.to_string(), outcome: outcome.clone() });
        match outcome {
            Outcome::Launched(instances) => {
                self.write_launched(record, members, &instances).await;
                Called::Launched
            }
            Outcome::Unavailable { code } => {
                self.remember_unavailable(record, &code).await;
                Called::TryNext
            }
            // The instance of that token ran and is gone: a new token is needed, and cannot launch a second one.
            Outcome::TokenSpent { code } if code == "IdempotentInstanceTerminated" => {
                Called::TryAgain
            }
            // The token stands for another request, which may have launched: its instances must be found first.
            Outcome::TokenSpent { .. } | Outcome::Denied { .. } => {
                self.write_failed(members, &outcome).await;
                Called::GiveUp
            }
            Outcome::Throttled
            | Outcome::Unknown { .. }
            | Outcome::Done
            | Outcome::Created { .. }
            | Outcome::Updated { .. }
            | Outcome::Conflict
            | Outcome::NotFound
            | Outcome::Blocked { .. }
            | Outcome::Skipped => Called::Stop,
        }
    }

    /// The request of a record: the same record makes the same request, whoever makes it.
    fn request(&self, record: &LaunchRecord, members: &[Member]) -> RunInstances {
        let claim = match members {
            [only] if record.count == 1 => Some(only.name.clone()),
            _ => None,
        };
        RunInstances {
            token: record.token.clone(),
            count: record.count,
            offering: record.offering.clone(),
            subnet: record.subnet.clone(),
            image: record.image.clone(),
            pool: self.launch.pool.clone(),
            node_class: self.launch.node_class.clone(),
            claim,
            labels: self.choice_of(record).map_or_else(Labels::new, |c| c.labels.clone()),
            taints: self.launch.taints.clone(),
        }
    }

    fn choice_of(&self, record: &LaunchRecord) -> Option<&Choice> {
        self.launch.choices.iter().find(|choice| choice.offering == record.offering)
    }

    /// Gives each member its instance: instances in the order of their ids, members by the index in their records.
    async fn write_launched(
        &mut self,
        record: &LaunchRecord,
        members: &[Member],
        instances: &[Instance],
    ) {
        let Some(choice) = self.choice_of(record).cloned() else { return };
        // On a replay some members may be missing: then only adoption, which reads each record, knows who is who.
        if members.len() != instances.len() {
            return;
        }
        let changes = members.iter().zip(instances).map(|(member, instance)| {
            let change = ClaimChange::Launched {
                instance: instance.id.clone(),
                image: instance.image.clone(),
                labels: choice.labels.clone(),
                capacity: choice.capacity.clone(),
                allocatable: choice.allocatable.clone(),
            };
            (member.clone(), update(member, None, change))
        });
        self.apply_all(changes.collect()).await;
    }

    /// Remembers the offering, and with it those of this launch that the refusal is about as well.
    async fn remember_unavailable(&mut self, record: &LaunchRecord, code: &str) {
        let reach = Reach::of(code);
        let until = self.now + UNAVAILABLE;
        let mut refused = BTreeSet::from([record.offering.clone()]);
        let reached = self.launch.choices.iter().filter(|choice| reach.covers(record, choice));
        refused.extend(reached.map(|choice| choice.offering.clone()));
        let offerings =
            refused.iter().map(|offering| Unavailable { offering: offering.clone(), until });
        let offerings = offerings.collect();
        self.refused.append(&mut refused);
        let change = Change::Unavailable { offerings, now: self.now };
        let action = ClusterAction::Remember(change);
        let outcome = self.cluster.apply(&action).await;
        self.done.push(Done { action: action.to_string(), outcome });
    }

    /// Says on the claims why EC2 refuses, under Karpenter's `Launched` condition.
    async fn write_failed(&mut self, members: &[Member], outcome: &Outcome) {
        let (reason, message) = match outcome {
            Outcome::Denied { code, message } => (code.clone(), message.clone()),
            other => ("LaunchFailed".to_owned(), format!("EC2 answered {}", other.word())),
        };
        let changes = members.iter().map(|member| {
            let change = ClaimChange::Condition {
                kind: model::condition::ConditionType::Launched,
                status: Some(model::condition::Status::Unknown),
                reason: reason.clone(),
                message: message.clone(),
            };
            (member.clone(), update(member, None, change))
        });
        self.apply_all(changes.collect()).await;
    }

    /// No choice had capacity: the claims go, and their pods are planned for anew with what is remembered by then.
    async fn delete(&mut self, members: &[Member]) {
        let deletions = members.iter().map(|member| {
            let Member { name, uid, .. } = member.clone();
            let reason = DeleteReason::InsufficientCapacity;
            (member.clone(), ClusterAction::DeleteClaim { claim: name, uid, reason })
        });
        self.apply_all(deletions.collect()).await;
    }

    async fn apply_all(&mut self, changes: Vec<(Member, ClusterAction)>) -> Vec<(Member, Outcome)> {
        let mut results = Vec::with_capacity(changes.len());
        for some in changes.chunks(CALLS_AT_ONCE) {
            let outcomes =
                join_all(some.iter().map(|(_, action)| self.cluster.apply(action))).await;
            for ((member, action), outcome) in some.iter().zip(outcomes) {
                self.done.push(Done { action: action.to_string(), outcome: outcome.clone() });
                results.push((member.clone(), outcome));
            }
        }
        results
    }
}

fn update(
    member: &Member,
    resource_version: Option<ResourceVersion>,
    change: ClaimChange,
) -> ClusterAction {
    let Member { name, uid, .. } = member.clone();
    ClusterAction::UpdateClaim { claim: name, uid, resource_version, change }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::instance_type::CapacityType::{OnDemand, Spot};
    use model::resources::Resources;

    fn choice(zone: &str, capacity_type: model::instance_type::CapacityType) -> Choice {
        let offering =
            OfferingKey { instance_type: "m5.large".into(), zone: zone.into(), capacity_type };
        Choice {
            offering,
            price: model::price::Price::ZERO,
            subnet: format!("subnet-{zone}").into(),
            image: "ami-1".into(),
            labels: Labels::new(),
            capacity: Resources::default(),
            allocatable: Resources::default(),
        }
    }

    /// What else is ruled out when spot in zone a is refused with this code.
    fn reached(code: &str) -> String {
        let Choice { offering, subnet, image, .. } = choice("a", Spot);
        let (token, at) = ("t".into(), Timestamp::UNIX_EPOCH);
        let record =
            LaunchRecord { attempt: 1, token, index: 0, count: 1, offering, subnet, image, at };
        let all = [choice("a", OnDemand), choice("b", Spot), choice("b", OnDemand)];
        let reached = all.iter().filter(|choice| Reach::of(code).covers(&record, choice));
        reached.map(|choice| choice.offering.to_string()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_refusal_rules_out_whatever_else_it_is_about() {
        assert_eq!(reached("InsufficientInstanceCapacity"), "");
        let in_subnet = "m5.large on-demand in a";
        assert_eq!(reached("InsufficientFreeAddressesInSubnet"), in_subnet);
        assert_eq!(reached("MaxSpotInstanceCountExceeded"), "m5.large spot in b");
        let no_role = "AuthFailure.ServiceLinkedRoleCreationNotPermitted";
        assert_eq!(reached(no_role), "m5.large spot in b");
    }
}
