//! What only a launch looks at of an EC2NodeClass. Field names are the resource's own.

use super::status::ClassStatus;
use super::terms::{ImageTerm, PlacementGroupTerm, ReservationTerm, Term};
use crate::labels::Labels;
use crate::name::Text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The form of [`Template::hash`]. It changes with it, and is none of Karpenter's (`v5`).
pub const HASH_VERSION: &str = "joiner-v1";

/// What an instance runs when it starts. It may hold secrets, so it is neither printed nor kept with a snapshot.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserData(Text);

impl UserData {
    /// Keeps a text from being printed.
    pub fn new(text: impl Into<Text>) -> Self {
        Self(text.into())
    }

    /// The text itself, for EC2 and for nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes of user data>", self.0.len())
    }
}

/// The rest of `spec` and `status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Template {
    /// `metadata.generation`: which state of the spec this is.
    pub generation: i64,
    /// What of the spec makes nodes drift when it changes, in one number.
    pub hash: Text,
    /// Images.
    pub ami_selector_terms: Vec<ImageTerm>,
    /// Subnets.
    pub subnet_selector_terms: Vec<Term>,
    /// Security groups.
    pub security_group_selector_terms: Vec<Term>,
    /// Capacity reservations.
    pub capacity_reservation_selector_terms: Vec<ReservationTerm>,
    /// The placement group.
    pub placement_group_selector: Option<PlacementGroupTerm>,
    /// The role of the nodes; either this or `instance_profile`.
    pub role: Option<Text>,
    /// The instance profile of the nodes.
    pub instance_profile: Option<Text>,
    /// What is made of an instance's own disks.
    pub instance_store_policy: Option<Text>,
    /// What instances run beside what makes them nodes. Never in a snapshot.
    #[serde(skip)]
    pub user_data: UserData,
    /// Tags of all that a launch makes.
    pub tags: Labels,
    /// Settings of the kubelet, as they are written.
    pub kubelet: KubeletTexts,
    /// Volumes; without any those of the family.
    pub block_device_mappings: Vec<BlockDevice>,
    /// Whether instances get a public address; none leaves it to the subnet.
    #[serde(rename = "associatePublicIPAddress")]
    pub associate_public_ip_address: Option<bool>,
    /// Network interfaces; without any one, or as many adapters as the pods ask for.
    pub network_interfaces: Vec<NetworkInterface>,
    /// How long interfaces remember idle connections.
    pub connection_tracking: Option<ConnectionTracking>,
    /// What the processor is to do.
    pub cpu_options: Option<CpuOptions>,
    /// Whether CloudWatch measures each minute.
    pub detailed_monitoring: Option<bool>,
    /// How the metadata service answers.
    pub metadata_options: MetadataOptions,
    /// Passed on to EC2's fleets.
    pub context: Option<Text>,
    /// `status`.
    pub status: ClassStatus,
}

/// `spec.kubelet`, as it is written: it is passed on to the kubelet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeletTexts {
    /// Name servers of pods, by address.
    #[serde(rename = "clusterDNS", skip_serializing_if = "Vec::is_empty")]
    pub cluster_dns: Vec<Text>,
    /// Whether CPU limits are enforced.
    #[serde(rename = "cpuCFSQuota", skip_serializing_if = "Option::is_none")]
    pub cpu_cfs_quota: Option<bool>,
    /// Thresholds by signal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub eviction_hard: Labels,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eviction_max_pod_grace_period: Option<i32>,
    /// Thresholds by signal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub eviction_soft: Labels,
    /// Durations by signal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub eviction_soft_grace_period: Labels,
    /// Per cent.
    #[serde(rename = "imageGCHighThresholdPercent", skip_serializing_if = "Option::is_none")]
    pub image_gc_high_threshold_percent: Option<i32>,
    /// Per cent.
    #[serde(rename = "imageGCLowThresholdPercent", skip_serializing_if = "Option::is_none")]
    pub image_gc_low_threshold_percent: Option<i32>,
    /// Quantities by resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kube_reserved: Labels,
    /// The most pods on a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pods: Option<u32>,
    /// The most pods for each core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods_per_core: Option<u32>,
    /// Quantities by resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub system_reserved: Labels,
}

/// A volume of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlockDevice {
    /// The device's name.
    pub device_name: Option<Text>,
    /// The EBS volume.
    pub ebs: Ebs,
    /// Whether pods' ephemeral storage comes from it.
    pub root_volume: bool,
}

/// An EBS volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ebs {
    /// Whether it goes with the instance.
    pub delete_on_termination: Option<bool>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// Operations a second.
    pub iops: Option<i64>,
    /// The key to encrypt with.
    #[serde(rename = "kmsKeyID")]
    pub kms_key_id: Option<Text>,
    /// The snapshot to begin with.
    #[serde(rename = "snapshotID")]
    pub snapshot_id: Option<Text>,
    /// MiB a second.
    pub throughput: Option<i64>,
    /// MiB a second at which the snapshot is copied in.
    pub volume_initialization_rate: Option<i32>,
    /// A quantity.
    pub volume_size: Option<Text>,
    /// `gp3` and so on.
    pub volume_type: Option<Text>,
}

/// A network interface of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterface {
    /// The network card.
    pub network_card_index: i32,
    /// Its place on the card.
    pub device_index: i32,
    /// What it is for.
    pub interface_type: InterfaceType,
}

/// What a network interface is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceType {
    /// IP.
    Interface,
    /// The Elastic Fabric Adapter alone.
    EfaOnly,
}

/// How long an interface remembers idle connections, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionTracking {
    /// Established TCP connections.
    pub tcp_established_timeout: Option<i32>,
    /// UDP with more than one request and reply.
    pub udp_stream_timeout: Option<i32>,
    /// Other UDP.
    pub udp_timeout: Option<i32>,
}

/// What the processor is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CpuOptions {
    /// `enabled` or `disabled`.
    pub nested_virtualization: Option<Text>,
}

/// How the metadata service answers. The defaults are the resource's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetadataOptions {
    /// `enabled` or `disabled`.
    pub http_endpoint: Text,
    /// `enabled` or `disabled`.
    #[serde(rename = "httpProtocolIPv6")]
    pub http_protocol_ipv6: Text,
    /// 1 keeps it from containers.
    pub http_put_response_hop_limit: i32,
    /// `required` or `optional`.
    pub http_tokens: Text,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self {
            http_endpoint: "enabled".into(),
            http_protocol_ipv6: "disabled".into(),
            http_put_response_hop_limit: 1,
            http_tokens: "required".into(),
        }
    }
}
