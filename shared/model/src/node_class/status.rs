//! What an EC2NodeClass came to: the things of AWS that its terms select, and what is known of it.

use crate::condition;
use crate::labels::Labels;
use crate::name::{SubnetId, Text, Zone};
use serde::{Deserialize, Serialize};

/// `status` of an EC2NodeClass. Every list is in the order of ids, images first by what they are for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClassStatus {
    /// Subnets.
    pub subnets: Vec<FoundSubnet>,
    /// Security groups.
    pub security_groups: Vec<SecurityGroup>,
    /// Images.
    pub amis: Vec<Ami>,
    /// Capacity reservations.
    pub capacity_reservations: Vec<Reservation>,
    /// The instance profile.
    pub instance_profile: Option<Text>,
    /// What is known, but for `Ready`, which follows from the others; by type.
    pub conditions: Vec<ClassCondition>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundSubnet {
    /// Its id.
    pub id: SubnetId,
    /// Its zone.
    pub zone: Zone,
    /// The zone's id.
    #[serde(default, rename = "zoneID", skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<Text>,
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its id.
    pub id: Text,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ami {
    /// Its id.
    pub id: Text,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Whether its owner says that it should not be used any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// What an instance type has to be for it.
    pub requirements: Vec<AmiRequirement>,
}

/// What a label of an instance type has to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AmiRequirement {
    /// The label's key.
    pub key: Text,
    /// `In`, `Exists` or `DoesNotExist`.
    pub operator: Text,
    /// What the operator compares with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Text>,
}

impl Ami {
    /// Whether it is for instance types with these labels.
    pub fn fits(&self, labels: &Labels) -> bool {
        let value = |requirement: &AmiRequirement| labels.get(&*requirement.key).map(|v| &**v);
        self.requirements.iter().all(|requirement| requirement.admits(value(requirement)))
    }
}

impl AmiRequirement {
    /// Whether a label's value, or that there is none, is admitted. An operator that is not known admits nothing: an image
    /// that may not fit is worse than none.
    pub fn admits(&self, value: Option<&str>) -> bool {
        let is_listed = |value: &str| self.values.iter().any(|listed| &**listed == value);
        match (&*self.operator, value) {
            ("In", Some(value)) => is_listed(value),
            ("NotIn", Some(value)) => !is_listed(value),
            ("NotIn" | "DoesNotExist", None) | ("Exists", Some(_)) => true,
            _ => false,
        }
    }
}

/// A capacity reservation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// Its id.
    pub id: Text,
    /// The instance type that it is for.
    pub instance_type: Text,
    /// The zone.
    pub availability_zone: Text,
    /// The account that owns it.
    #[serde(rename = "ownerID")]
    pub owner_id: Text,
    /// `open` or `targeted`.
    pub instance_match_criteria: Text,
    /// `default` or `capacity-block`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_type: Option<Text>,
    /// `active` or `expiring`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Text>,
    /// When it ends, in RFC 3339 to the second; none is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Text>,
    /// Whether its owner may take it back.
    #[serde(default)]
    pub interruptible: bool,
}

/// A condition, as it should be; since when is known to who writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClassCondition {
    /// What is known.
    #[serde(rename = "type")]
    pub kind: Text,
    /// Whether it holds.
    pub status: condition::Status,
    /// A word for machines.
    #[serde(default)]
    pub reason: Text,
    /// A sentence for people; may be empty.
    #[serde(default)]
    pub message: Text,
    /// The generation of the spec that it was found for.
    #[serde(default, rename = "observedGeneration")]
    pub generation: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_fits_where_all_is_met_that_it_asks_for() {
        let requirement = |key: &str, operator: &str, values: &[&str]| AmiRequirement {
            key: key.into(),
            operator: operator.into(),
            values: values.iter().map(|value| (*value).into()).collect(),
        };
        let fits = |requirements: Vec<AmiRequirement>| {
            let labels =
                Labels::from([("arch".into(), "amd64".into()), ("gpu".into(), "1".into())]);
            Ami { id: "ami-1".into(), name: None, deprecated: false, requirements }.fits(&labels)
        };
        let arch = || requirement("arch", "In", &["amd64"]);
        assert!(fits(vec![]) && fits(vec![arch(), requirement("gpu", "Exists", &[])]));
        assert!(!fits(vec![arch(), requirement("gpu", "DoesNotExist", &[])]));
        assert!(fits(vec![
            requirement("arch", "NotIn", &["arm64"]),
            requirement("x", "NotIn", &["y"])
        ]));
        assert!(fits(vec![requirement("x", "DoesNotExist", &[])]));
        assert!(!fits(vec![requirement("arch", "In", &["arm64"])]));
        assert!(
            !fits(vec![requirement("x", "In", &["y"])])
                && !fits(vec![requirement("gpu", "Gt", &["0"])])
        );
    }
}
