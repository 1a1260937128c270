//! NodeClaims: the intent to have a node, and how far it has got.

use crate::action::NewClaim;
use crate::condition::{ConditionType, Conditions};
use crate::instance_type::{CapacityType, OfferingKey};
use crate::labels::{self, Labels};
use crate::name::{
    ClaimName, ClientToken, ImageId, InstanceId, InstanceTypeName, NodeClassName, NodeName,
    PoolName, ResourceVersion, SubnetId, Text, Uid, Zone, stable_hash,
};
use crate::requirement::Requirements;
use crate::resources::Resources;
use crate::stamp::Stamps;
use crate::taint::Taint;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What a claim asks for; never changes once it is created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeClaimSpec {
    /// The NodePool that it belongs to; none for a claim made by hand.
    #[serde(default)]
    pub pool: Option<PoolName>,
    /// The EC2NodeClass.
    pub node_class: NodeClassName,
    /// What its instance must be, the allowed instance types among it.
    #[serde(default)]
    pub requirements: Requirements,
    /// What the pods it was made for request, daemon pods included.
    #[serde(default)]
    pub requests: Resources,
    /// Taints of the node.
    #[serde(default)]
    pub taints: Vec<Taint>,
    /// Taints that something else takes away once the node has come up.
    #[serde(default)]
    pub startup_taints: Vec<Taint>,
    /// How long the node may live; none is for ever.
    #[serde(default)]
    pub expire_after: Option<SignedDuration>,
    /// How long its drain may take; none is for ever.
    #[serde(default)]
    pub termination_grace_period: Option<SignedDuration>,
    /// Short ids of the pods that it was made for (`Pod::short_id`), sorted.
    #[serde(default)]
    pub nominated: Vec<u32>,
    /// The claims that it replaces: their pods are to have its room.
    #[serde(default)]
    pub replaces: Vec<ClaimName>,
}

/// What was asked of EC2 for a claim, written before it is asked (D3).
///
/// Claims that are alike are launched by one call: they share token and count and differ in `index`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchRecord {
    /// Counts the calls made for this claim, from 1.
    pub attempt: u32,
    /// The call's client token.
    pub token: ClientToken,
    /// This claim's place among the call's instances, in the order of their ids.
    pub index: u32,
    /// How many instances the call asked for.
    pub count: u32,
    /// What was asked for.
    pub offering: OfferingKey,
    /// The subnet.
    pub subnet: SubnetId,
    /// The machine image, pinned so that a replay is the same request.
    pub image: ImageId,
    /// When the record was written.
    pub at: Timestamp,
}

impl LaunchRecord {
    /// The token of an attempt: a hash over the claims' uids, the attempt and the zone (D4), since EC2 holds tokens
    /// per zone.
    pub fn token_for<'a>(
        uids: impl IntoIterator<Item = &'a Uid>,
        attempt: u32,
        zone: &Zone,
    ) -> ClientToken {
        let attempt_bytes = attempt.to_be_bytes();
        let uids: Vec<&Uid> = uids.into_iter().collect();
        let parts = |salt: &'static [u8]| {
            stable_hash(
                [salt, &attempt_bytes[..], zone.as_bytes()]
                    .into_iter()
                    .chain(uids.iter().map(|uid| uid.as_bytes())),
            )
        };
        format!("joiner-{:016x}{:016x}", parts(b"high"), parts(b"low")).into()
    }
}

/// A notice that EC2 will take the instance away, as first written into the cluster (D2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What was announced.
    pub kind: NoticeKind,
    /// When it was announced.
    pub at: Timestamp,
}

/// What EC2 announced, under Karpenter's `message_type` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The spot instance is taken back in two minutes.
    SpotInterrupted,
    /// The spot instance is likelier than others to be taken back.
    RebalanceRecommendation,
    /// The instance is stopping or has stopped.
    InstanceStopped,
    /// The instance is going or has gone.
    InstanceTerminated,
    /// Maintenance is planned.
    ScheduledChange,
    /// The capacity reservation takes the instance back.
    CapacityReservationInterrupted,
}

impl NoticeKind {
    /// The kind's name, as in Karpenter's metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpotInterrupted => "spot_interrupted",
            Self::RebalanceRecommendation => "rebalance_recommendation",
            Self::InstanceStopped => "instance_stopped",
            Self::InstanceTerminated => "instance_terminated",
            Self::ScheduledChange => "scheduled_change",
            Self::CapacityReservationInterrupted => "capacity_reservation_interrupted",
        }
    }
}

/// A NodeClaim, as far as joiner looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeClaim {
    /// Its name.
    pub name: ClaimName,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.resourceVersion`.
    #[serde(default)]
    pub resource_version: ResourceVersion,
    /// When it was created.
    pub created: Timestamp,
    /// `metadata.deletionTimestamp`.
    #[serde(default)]
    pub deleting: Option<Timestamp>,
    /// Whether it carries the finalizer `karpenter.sh/termination`.
    #[serde(default)]
    pub finalizer: bool,
    /// Labels; those of the instance are added once it is launched.
    #[serde(default)]
    pub labels: Labels,
    /// Whether `karpenter.sh/do-not-disrupt` is `"true"`.
    #[serde(default)]
    pub do_not_disrupt: bool,
    /// What it asks for.
    pub spec: NodeClaimSpec,
    /// What it was stamped with when it was made.
    #[serde(default)]
    pub stamps: Stamps,
    /// The latest launch record.
    #[serde(default)]
    pub launch: Option<LaunchRecord>,
    /// The notice EC2 gave of it.
    #[serde(default)]
    pub notice: Option<Notice>,
    /// The claims that will replace it; it goes when all are initialized.
    #[serde(default)]
    pub replaced_by: Vec<ClaimName>,
    /// When its drain's grace ends (`karpenter.sh/nodeclaim-termination-timestamp`).
    #[serde(default)]
    pub termination_deadline: Option<Timestamp>,
    /// The instance behind `status.providerID`.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// `status.nodeName`.
    #[serde(default)]
    pub node: Option<NodeName>,
    /// `status.imageID`.
    #[serde(default)]
    pub image: Option<ImageId>,
    /// `status.capacity`: what its node is expected to have.
    #[serde(default)]
    pub capacity: Resources,
    /// `status.allocatable`: what pods are expected to have on it.
    #[serde(default)]
    pub allocatable: Resources,
    /// `status.conditions`.
    #[serde(default)]
    pub conditions: Conditions,
    /// `status.lastPodEventTime`.
    #[serde(default)]
    pub last_pod_event: Option<Timestamp>,
}

impl NodeClaim {
    /// What becomes of a new claim that is created under this uid.
    pub fn created(
        new: &NewClaim,
        uid: Uid,
        resource_version: ResourceVersion,
        at: Timestamp,
    ) -> Self {
        let keeps = new.annotations.get(labels::DO_NOT_DISRUPT);
        Self {
            name: new.name.clone(),
            uid,
            resource_version,
            created: at,
            deleting: None,
            finalizer: true,
            labels: new.labels.clone(),
            do_not_disrupt: keeps.is_some_and(|value| &**value == "true"),
            spec: new.spec.clone(),
            stamps: Stamps::read(&new.annotations),
            launch: None,
            notice: None,
            replaced_by: Vec::new(),
            termination_deadline: None,
            instance: None,
            node: None,
            image: None,
            capacity: Resources::default(),
            allocatable: Resources::default(),
            conditions: Conditions::default(),
            last_pod_event: None,
        }
    }

    /// The image that its instance runs, as it says itself or as was asked for.
    pub fn runs(&self) -> Option<&ImageId> {
        self.image.as_ref().or_else(|| Some(&self.launch.as_ref()?.image))
    }

    /// Whether its instance has been launched.
    pub fn is_launched(&self) -> bool {
        self.instance.is_some()
    }

    /// Whether its node has registered.
    pub fn is_registered(&self) -> bool {
        self.conditions.is_true(ConditionType::Registered)
    }

    /// Whether its node is ready for all that was asked of it.
    pub fn is_initialized(&self) -> bool {
        self.conditions.is_true(ConditionType::Initialized)
    }

    /// The instance type of its instance, once launched.
    pub fn instance_type(&self) -> Option<InstanceTypeName> {
        self.labels.get(labels::INSTANCE_TYPE).map(|text| Text::clone(text).into())
    }

    /// The zone of its instance, once launched.
    pub fn zone(&self) -> Option<Zone> {
        self.labels.get(labels::ZONE).map(|text| Text::clone(text).into())
    }

    /// The capacity type of its instance, once launched.
    pub fn capacity_type(&self) -> Option<CapacityType> {
        self.labels.get(labels::CAPACITY_TYPE).and_then(|text| CapacityType::parse(text))
    }

    /// The offering that its instance was bought from, once launched.
    pub fn offering(&self) -> Option<OfferingKey> {
        Some(OfferingKey {
            instance_type: self.instance_type()?,
            zone: self.zone()?,
            capacity_type: self.capacity_type()?,
        })
    }

    /// Whether it has room for pods other than those it was made for: not while it is to replace another claim.
    pub fn is_reserved(&self) -> bool {
        !self.spec.replaces.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_for_the_same_attempt_in_the_same_zone_only() {
        let uids = [Uid::from("a"), Uid::from("b")];
        let zone = Zone::from("us-east-1a");
        let token = LaunchRecord::token_for(&uids, 1, &zone);
        assert_eq!(token, LaunchRecord::token_for(&uids, 1, &zone));
        assert_ne!(token, LaunchRecord::token_for(&uids, 2, &zone));
        assert_ne!(token, LaunchRecord::token_for(&uids, 1, &Zone::from("us-east-1b")));
        assert_ne!(token, LaunchRecord::token_for(&uids[..1], 1, &zone));
        assert!(token.len() <= 64 && token.is_ascii());
    }
}
