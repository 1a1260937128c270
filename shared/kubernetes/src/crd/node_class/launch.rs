//! What an instance is launched with: volumes, network interfaces, metadata.

use super::super::pattern;
use super::rules::{CONNECTION_TRACKING, EBS};
use crate::crd::rules::cel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an image expects of user data and devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AmiFamily {
    /// Amazon Linux 2.
    AL2,
    /// Amazon Linux 2023.
    AL2023,
    /// Bottlerocket.
    Bottlerocket,
    /// An image of one's own: user data is passed on as it is.
    Custom,
    /// Windows Server 2019.
    Windows2019,
    /// Windows Server 2022.
    Windows2022,
    /// Windows Server 2025.
    Windows2025,
}

/// A volume of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockDeviceMapping {
    /// The device's name, as `/dev/xvda`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// The EBS volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Ebs")]
    pub ebs: Option<Ebs>,
    /// Whether pods' ephemeral storage comes from this volume. One at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_volume: Option<bool>,
}

/// An EBS volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel(EBS)))]
pub struct Ebs {
    /// Whether the volume goes with the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_on_termination: Option<bool>,
    /// Whether the volume is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// Operations a second that are promised; for `gp3`, `io1` and `io2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<i64>,
    /// The key to encrypt with: an id, an alias or an ARN.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "kmsKeyID")]
    pub kms_key_id: Option<String>,
    /// The snapshot to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "snapshotID")]
    pub snapshot_id: Option<String>,
    /// MiB a second that are promised; for `gp3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<i64>,
    /// MiB a second at which the snapshot is copied in; it costs extra.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 300))]
    pub volume_initialization_rate: Option<i32>,
    /// How large the volume is, in `G`, `Gi`, `T` or `Ti`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::VOLUME_SIZE))]
    pub volume_size: Option<String>,
    /// The kind of volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "VolumeType")]
    pub volume_type: Option<VolumeType>,
}

/// The kinds of EBS volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VolumeType {
    /// Magnetic disks of the first generation.
    Standard,
    /// Flash with promised operations.
    Io1,
    /// The same, and more durable.
    Io2,
    /// Flash whose operations grow with its size.
    Gp2,
    /// Magnetic disks for what is seldom read.
    Sc1,
    /// Magnetic disks for what is read in one go.
    St1,
    /// Flash whose operations are chosen.
    Gp3,
}

/// How long a network interface remembers idle connections, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel(CONNECTION_TRACKING)))]
pub struct ConnectionTracking {
    /// Established TCP connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 432_000))]
    pub tcp_established_timeout: Option<i32>,
    /// UDP with more than one request and reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 180))]
    pub udp_stream_timeout: Option<i32>,
    /// UDP in one direction, or with one request and reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30, max = 60))]
    pub udp_timeout: Option<i32>,
}

/// What the processor is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CpuOptions {
    /// Whether virtual machines can run on the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Switch")]
    pub nested_virtualization: Option<Switch>,
}

/// Whether something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// It is.
    Enabled,
    /// It is not.
    Disabled,
}

/// What is made of an instance's own disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum InstanceStorePolicy {
    /// One striped disk for the kubelet and the container runtime.
    #[serde(rename = "RAID0")]
    Raid0,
}

/// How an instance's metadata service answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetadataOptions {
    /// Whether it answers at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Switch", extend("default" = "enabled"))]
    pub http_endpoint: Option<Switch>,
    /// Whether it answers over IPv6 too.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "httpProtocolIPv6")]
    #[schemars(with = "Switch", extend("default" = "disabled"))]
    pub http_protocol_ipv6: Option<Switch>,
    /// How many hops a token may travel; with 1 it does not reach into containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64), extend("default" = 1))]
    pub http_put_response_hop_limit: Option<i64>,
    /// Whether a request needs a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HttpTokens", extend("default" = "required"))]
    pub http_tokens: Option<HttpTokens>,
}

/// Whether a request to the metadata service needs a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HttpTokens {
    /// It does.
    Required,
    /// It does not.
    Optional,
}

/// A network interface of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterface {
    /// Its place on the network card.
    #[schemars(range(min = 0))]
    pub device_index: i32,
    /// What it is for.
    pub interface_type: InterfaceType,
    /// The network card.
    #[schemars(range(min = 0))]
    pub network_card_index: i32,
}

/// What a network interface is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceType {
    /// IP.
    Interface,
    /// The Elastic Fabric Adapter alone, without an address.
    EfaOnly,
}
