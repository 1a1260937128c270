//! The whole of a call to `RunInstances`: what the plan chose and everything that the EC2NodeClass says.
//!
//! The same action under the same class makes the same request to the letter, so that a token can be used again (D4).

mod devices;
mod interfaces;

pub use devices::Device;
pub use interfaces::Interface;

use crate::bootstrap::{self, Cluster, Node, user_data};
use devices::devices;
use interfaces::interfaces;
use model::action::RunInstances;
use model::instance_type::CapacityType;
use model::labels::{self, Labels};
use model::name::{ClaimName, ClientToken, ImageId, InstanceTypeName, PoolName, Text, Uid};
use model::node_class::NodeClass;
use model::node_class::status::Reservation;
use model::node_class::template::{MetadataOptions, UserData};
use model::node_class::terms::PlacementGroupTerm;
use model::outcome::Outcome;

/// Our tag: the cluster's uid, by which instances of a namesake are told apart.
pub const CLUSTER_UID_TAG: &str = "joiner.sh/cluster-uid";

/// The tag with a NodeClaim's name.
pub const CLAIM_TAG: &str = "karpenter.sh/nodeclaim";

/// The tag with a cluster's name.
pub const CLUSTER_NAME_TAG: &str = "eks:eks-cluster-name";

/// The label that says whether an instance has its machine to itself.
const TENANCY: &str = "karpenter.k8s.aws/instance-tenancy";

/// What every node of a cluster is launched with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The cluster.
    pub cluster: Cluster,
    /// The uid of its namespace `kube-system`.
    pub cluster_uid: Uid,
}

/// A call to `RunInstances`. The names are EC2's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `ClientToken`.
    pub token: ClientToken,
    /// `MinCount` and `MaxCount`.
    pub count: u32,
    /// `InstanceType`.
    pub instance_type: InstanceTypeName,
    /// `ImageId`.
    pub image: ImageId,
    /// `IamInstanceProfile`, by name or ARN.
    pub instance_profile: Text,
    /// `UserData`, not yet encoded.
    pub user_data: UserData,
    /// `BlockDeviceMappings`.
    pub devices: Vec<Device>,
    /// `MetadataOptions`.
    pub metadata: MetadataOptions,
    /// `NetworkInterfaces`, the first of them with the subnet and the security groups that all have.
    pub interfaces: Vec<Interface>,
    /// `InstanceMarketOptions` and `CapacityReservationSpecification`.
    pub market: Market,
    /// `Placement.GroupId` or `.GroupName`.
    pub placement_group: Option<PlacementGroupTerm>,
    /// `Placement.Tenancy`.
    pub tenancy: Option<Text>,
    /// `CpuOptions.NestedVirtualization`.
    pub nested_virtualization: Option<Text>,
    /// `Monitoring.Enabled`.
    pub detailed_monitoring: Option<bool>,
    /// `TagSpecifications`, the same for all that is made.
    pub tags: Labels,
}

/// How the instances are bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Market {
    /// At list price, and never from somebody's open reservation: that would be billed otherwise than it was planned.
    OnDemand,
    /// Spot, once, to be terminated when taken back.
    Spot,
    /// From this reservation.
    Reservation(Text),
    /// From this reservation for a time agreed on beforehand.
    CapacityBlock(Text),
}

/// Why there is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The class has no instance profile.
    #[error("EC2NodeClass {class} has no instance profile in its status")]
    NoInstanceProfile {
        /// The class.
        class: Text,
    },
    /// The class has no security groups.
    #[error("EC2NodeClass {class} has no security groups in its status")]
    NoSecurityGroups {
        /// The class.
        class: Text,
    },
    /// Its status has no reservation for the offering any more.
    #[error("EC2NodeClass {class} has no capacity reservation for {offering}")]
    NoReservation {
        /// The class.
        class: Text,
        /// What was to be launched.
        offering: String,
    },
    /// A size cannot be read.
    #[error("EC2NodeClass {class}: volumeSize {size:?} is no amount")]
    VolumeSize {
        /// The class.
        class: Text,
        /// What was found.
        size: Text,
    },
    /// There is no user data.
    #[error("EC2NodeClass {class}: {error}")]
    UserData {
        /// The class.
        class: Text,
        /// Why not.
        error: bootstrap::Error,
    },
}

impl Error {
    /// What it means for the action: EC2 need not be asked, and someone has to change something.
    pub fn outcome(&self) -> Outcome {
        let code = match self {
            Self::NoInstanceProfile { .. } => "InstanceProfileNameInvalid",
            Self::NoSecurityGroups { .. } => "NodeClassReadinessUnknown",
            Self::NoReservation { .. } => {
                return Outcome::Unavailable { code: "ReservationCapacityExceeded".to_owned() };
            }
            Self::UserData { error: bootstrap::Error::TooLarge { .. }, .. } => {
                "UserDataSizeLimitExceeded"
            }
            Self::UserData { error: bootstrap::Error::Unreadable { .. }, .. }
            | Self::VolumeSize { .. } => "LaunchFailed",
        };
        Outcome::Denied { code: code.to_owned(), message: self.to_string() }
    }
}

/// The request of an action. `max_pods` is what the instance type was planned with under this class.
///
/// # Errors
/// When the class is not of a kind that can be launched from.
pub fn request(
    run: &RunInstances,
    class: &NodeClass,
    site: &Site,
    max_pods: Option<u32>,
) -> Result<Request, Error> {
    let template = &*class.template;
    let name = || class.name.text();
    let of_spec = || template.instance_profile.clone();
    let instance_profile = template.status.instance_profile.clone().or_else(of_spec);
    let instance_profile =
        instance_profile.ok_or_else(|| Error::NoInstanceProfile { class: name() })?;
    if template.status.security_groups.is_empty() {
        return Err(Error::NoSecurityGroups { class: name() });
    }
    let node = Node {
        family: class.ami_family,
        cluster: &site.cluster,
        labels: &run.labels,
        taints: &run.taints,
        kubelet: &template.kubelet,
        max_pods,
        local_disks: class.instance_store_raid0,
        own: &template.user_data,
    };
    let user_data = user_data(&node).map_err(|error| Error::UserData { class: name(), error })?;
    let cpu = template.cpu_options.as_ref();
    Ok(Request {
        token: run.token.clone(),
        count: run.count,
        instance_type: run.offering.instance_type.clone(),
        image: run.image.clone(),
        instance_profile,
        user_data,
        devices: devices(class)?,
        metadata: template.metadata_options.clone(),
        interfaces: interfaces(class, &run.subnet, &site.cluster),
        market: market(run, class)?,
        placement_group: template.placement_group_selector.clone(),
        tenancy: run.labels.get(TENANCY).cloned(),
        nested_virtualization: cpu.and_then(|cpu| cpu.nested_virtualization.clone()),
        detailed_monitoring: template.detailed_monitoring,
        tags: tags(run, class, site),
    })
}

/// The class' tags and, before them, those by which instances are found and rights are given.
fn tags(run: &RunInstances, class: &NodeClass, site: &Site) -> Labels {
    let Site { cluster, cluster_uid } = site;
    let mut all = class.template.tags.clone();
    let owned = format!("kubernetes.io/cluster/{}", cluster.name);
    let ours = [
        (CLUSTER_NAME_TAG, Some(cluster.name.clone())),
        (owned.as_str(), Some("owned".into())),
        (CLUSTER_UID_TAG, Some(cluster_uid.text())),
        (labels::EC2NODECLASS, Some(class.name.text())),
        (labels::NODEPOOL, run.pool.as_ref().map(PoolName::text)),
        (CLAIM_TAG, run.claim.as_ref().map(ClaimName::text)),
    ];
    all.extend(ours.into_iter().filter_map(|(key, value)| Some((key.into(), value?))));
    all
}

fn market(run: &RunInstances, class: &NodeClass) -> Result<Market, Error> {
    Ok(match run.offering.capacity_type {
        CapacityType::OnDemand => Market::OnDemand,
        CapacityType::Spot => Market::Spot,
        CapacityType::Reserved => {
            let found = reservation(run, class).ok_or_else(|| Error::NoReservation {
                class: class.name.text(),
                offering: run.offering.to_string(),
            })?;
            if found.reservation_type.as_deref() == Some("capacity-block") {
                Market::CapacityBlock(found.id.clone())
            } else {
                Market::Reservation(found.id.clone())
            }
        }
    })
}

/// The reservation of an offering: the one whose label the node was planned with, otherwise the first by id.
fn reservation<'a>(run: &RunInstances, class: &'a NodeClass) -> Option<&'a Reservation> {
    let planned = run.labels.get("karpenter.k8s.aws/capacity-reservation-id");
    let all = class.template.status.capacity_reservations.iter().filter(|reservation| {
        *reservation.instance_type == *run.offering.instance_type
            && *reservation.availability_zone == *run.offering.zone
            && planned.is_none_or(|id| *id == reservation.id)
            && reservation.state.as_deref() != Some("expiring")
    });
    all.min_by(|a, b| a.id.cmp(&b.id))
}
