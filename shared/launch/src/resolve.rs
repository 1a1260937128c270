//! What an EC2NodeClass comes to: what AWS answered, made its status, with Karpenter's conditions and reasons.

use crate::bootstrap::{Cluster, Error as UserDataError, Node, user_data};
use crate::lookup::{Parameter, UnsupportedAlias, of_architecture};
use jiff::{SignedDuration, Timestamp};
use model::condition::Status;
use model::labels::Labels;
use model::name::Text;
use model::node_class::NodeClass;
use model::node_class::status::{
    Ami, AmiRequirement, ClassCondition, ClassStatus, FoundSubnet, Reservation, SecurityGroup,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A capacity block's instances are ended from half an hour before its end on (EC2 user guide, "Capacity Blocks"); ten
/// minutes before that its nodes have to go (Karpenter 1.14).
const BLOCK_ENDS: SignedDuration = SignedDuration::from_mins(40);

/// Tags that are ours to set, by key or, where it ends with a slash, by the beginning of the key (Karpenter 1.14, and our own).
const OUR_TAGS: [&str; 6] = [
    "eks:eks-cluster-name",
    "kubernetes.io/cluster/",
    "karpenter.sh/nodepool",
    "karpenter.sh/nodeclaim",
    "karpenter.k8s.aws/ec2nodeclass",
    "joiner.sh/",
];

/// What does not come from the class.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Instance profiles that were made at deployment, by role. None is made here: a function that may make one may
    /// give nodes any right.
    pub profiles: &'a BTreeMap<Text, Text>,
    /// The time.
    pub now: Timestamp,
}

/// An image as EC2 tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImage {
    /// Its id.
    pub id: Text,
    /// Its name.
    pub name: Option<Text>,
    /// Its architecture under EC2's name.
    pub architecture: Text,
    /// When it was made, as EC2 writes it; later is greater.
    pub created: Text,
    /// From when on it should not be used.
    pub deprecated_at: Option<Timestamp>,
}

/// What AWS answered.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Subnets.
    pub subnets: Vec<FoundSubnet>,
    /// Security groups.
    pub security_groups: Vec<SecurityGroup>,
    /// Parameters that are there, and the images that they name.
    pub parameters: Vec<(Parameter, Text)>,
    /// Images.
    pub images: Vec<FoundImage>,
    /// Capacity reservations, each `active`.
    pub reservations: Vec<Reservation>,
    /// Whether the placement group is there.
    pub has_placement_group: bool,
    /// Why an alias was not asked for.
    pub unsupported: Option<UnsupportedAlias>,
}

/// The status of a class.
pub fn resolve(class: &NodeClass, found: Found, context: &Context<'_>) -> ClassStatus {
    let template = &*class.template;
    let Found {
        mut subnets,
        mut security_groups,
        parameters,
        images,
        reservations,
        has_placement_group,
        unsupported,
    } = found;
    subnets.sort();
    subnets.dedup();
    security_groups.sort();
    security_groups.dedup();
    let amis = amis(&parameters, &images, context.now);
    let mapped = template.role.as_ref().and_then(|role| context.profiles.get(role));
    let instance_profile = template.instance_profile.clone().or_else(|| mapped.cloned());
    let selects_group = template.placement_group_selector.is_some();
    let selected = |kind: &'static str, none: bool, what: &str| {
        let (thing, reason) = (kind.trim_end_matches("sReady"), kind.replace("Ready", "NotFound"));
        none.then(|| (reason, format!("{thing}Selector did not match any {what}")))
    };
    let mut conditions = vec![
        ("SubnetsReady", selected("SubnetsReady", subnets.is_empty(), "Subnets")),
        (
            "SecurityGroupsReady",
            selected("SecurityGroupsReady", security_groups.is_empty(), "SecurityGroups"),
        ),
        ("AMIsReady", no_image(&amis, unsupported.as_ref())),
        ("InstanceProfileReady", no_profile(instance_profile.as_ref(), template.role.as_ref())),
        ("CapacityReservationsReady", None),
        (
            "PlacementGroupReady",
            (selects_group && !has_placement_group).then(|| {
                ("PlacementGroupNotFound".into(), "the placement group does not exist".into())
            }),
        ),
    ];
    let is_complete = conditions.iter().all(|(_, problem)| problem.is_none());
    conditions.push(("ValidationSucceeded", invalid(class, is_complete, context)));
    let mut conditions: Vec<ClassCondition> = conditions
        .into_iter()
        .map(|(kind, problem)| condition(kind, problem, template.generation))
        .collect();
    conditions.sort();
    let capacity_reservations = usable(reservations, context.now);
    ClassStatus {
        subnets,
        security_groups,
        amis,
        capacity_reservations,
        instance_profile,
        conditions,
    }
}

/// A reason and a message.
type Problem = (String, String);

fn condition(kind: &str, problem: Option<Problem>, generation: i64) -> ClassCondition {
    let (status, reason, message) = match problem {
        // Whether AWS would let us launch is not tried out.
        None if kind == "ValidationSucceeded" => {
            (Status::True, "DryRunDisabled".into(), String::new())
        }
        None => (Status::True, kind.to_owned(), String::new()),
        Some((reason, message)) => (Status::False, reason, message),
    };
    ClassCondition {
        kind: kind.into(),
        status,
        reason: reason.into(),
        message: message.into(),
        generation,
    }
}

/// The newest image for each set of requirements; one that its owner advises against only where there is no other.
fn amis(parameters: &[(Parameter, Text)], images: &[FoundImage], now: Timestamp) -> Vec<Ami> {
    let mut best: BTreeMap<Vec<AmiRequirement>, &FoundImage> = BTreeMap::new();
    let is_deprecated = |image: &FoundImage| image.deprecated_at.is_some_and(|at| at <= now);
    let rank = |image: &FoundImage| {
        (is_deprecated(image), Reverse(image.created.clone()), Reverse(image.id.clone()))
    };
    for image in images {
        let Some(architecture) = of_architecture(&image.architecture) else { continue };
        let named = parameters.iter().filter(|(_, id)| *id == image.id);
        let mut kinds: Vec<Vec<AmiRequirement>> =
            named.map(|(parameter, _)| parameter.requirements.clone()).collect();
        if kinds.is_empty() {
            kinds.push(Vec::new());
        }
        for mut requirements in kinds {
            requirements.insert(0, architecture.clone());
            let present = best.entry(requirements).or_insert(image);
            if rank(image) < rank(present) {
                *present = image;
            }
        }
    }
    let ami = |(requirements, image): (Vec<AmiRequirement>, &FoundImage)| Ami {
        id: image.id.clone(),
        name: image.name.clone(),
        deprecated: is_deprecated(image),
        requirements,
    };
    best.into_iter().map(ami).collect()
}

fn no_image(amis: &[Ami], unsupported: Option<&UnsupportedAlias>) -> Option<Problem> {
    match unsupported {
        Some(error) => Some(("UnsupportedAlias".into(), error.to_string())),
        None => amis
            .is_empty()
            .then(|| ("AMINotFound".into(), "AMISelector did not match any AMIs".into())),
    }
}

fn no_profile(profile: Option<&Text>, role: Option<&Text>) -> Option<Problem> {
    if profile.is_some() {
        return None;
    }
    let role = role.map_or("", |role| role);
    let message = format!(
        "no instance profile was made for role {role} at deployment: add it there, or name a profile in spec.instanceProfile"
    );
    Some(("InstanceProfileNotFound".into(), message))
}

/// What is wrong with the class although all that it selects is there.
fn invalid(class: &NodeClass, is_complete: bool, context: &Context<'_>) -> Option<Problem> {
    let template = &*class.template;
    if let Some(key) = template.tags.keys().find(|key| is_our_tag(key)) {
        let message = format!("tag {key:?} is set by joiner and cannot be set in spec.tags");
        return Some(("TagValidationFailed".into(), message));
    }
    let node = Node {
        family: class.ami_family,
        cluster: context.cluster,
        labels: &Labels::new(),
        taints: &[],
        kubelet: &template.kubelet,
        max_pods: None,
        local_disks: class.instance_store_raid0,
        own: &template.user_data,
    };
    match user_data(&node) {
        Err(error @ UserDataError::TooLarge { .. }) => {
            Some(("UserDataSizeLimitExceeded".into(), error.to_string()))
        }
        Err(error @ UserDataError::Unreadable { .. }) => {
            Some(("UserDataInvalid".into(), error.to_string()))
        }
        Ok(_) if !is_complete => {
            let message = "Awaiting AMI, Instance Profile, Security Group, and Subnet resolution";
            Some(("DependenciesNotReady".into(), message.into()))
        }
        Ok(_) => None,
    }
}

fn is_our_tag(key: &str) -> bool {
    OUR_TAGS.iter().any(|ours| *ours == key || ours.ends_with('/') && key.starts_with(ours))
}

/// The reservations by id, each with what becomes of it: a block that is about to end is not launched into any more.
fn usable(mut reservations: Vec<Reservation>, now: Timestamp) -> Vec<Reservation> {
    for reservation in &mut reservations {
        let end = reservation.end_time.as_deref().and_then(|end| end.parse::<Timestamp>().ok());
        let is_block = reservation.reservation_type.as_deref() == Some("capacity-block");
        let ends = is_block && end.is_some_and(|end| end.duration_since(now) <= BLOCK_ENDS);
        reservation.state = Some(if ends { "expiring" } else { "active" }.into());
    }
    reservations.sort();
    reservations.dedup();
    reservations
}
