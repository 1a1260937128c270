//! EC2NodeClass `karpenter.k8s.aws/v1`: how nodes are launched on EC2.

pub mod kubelet;
pub mod launch;
pub mod selector;
pub mod status;

use super::rules::{cel, node_class as rules};
use kube::CustomResource;
use kubelet::Kubelet;
use launch::{
    AmiFamily, BlockDeviceMapping, ConnectionTracking, CpuOptions, InstanceStorePolicy,
    MetadataOptions, NetworkInterface,
};
use schemars::JsonSchema;
use selector::{
    AmiSelectorTerm, CapacityReservationSelectorTerm, PlacementGroupSelector,
    SecurityGroupSelectorTerm, SubnetSelectorTerm,
};
use serde::{Deserialize, Serialize};
use status::EC2NodeClassStatus;
use std::collections::BTreeMap;

/// Where nodes are launched, from which image, and with what.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CustomResource, JsonSchema,
)]
#[expect(clippy::duplicated_attributes, reason = "several columns have the same type")]
#[kube(
    group = "karpenter.k8s.aws",
    version = "v1",
    kind = "EC2NodeClass",
    plural = "ec2nodeclasses",
    status = "EC2NodeClassStatus",
    derive = "PartialEq",
    shortname = "ec2nc",
    shortname = "ec2ncs",
    category = "karpenter",
    doc = "How nodes are launched on EC2.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Role", type_ = "string", priority = 1, json_path = ".spec.role")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel(rules::NODE_CLASS)))]
pub struct EC2NodeClassSpec {
    /// What the image expects of user data and devices. An alias says it by itself; without one it has to be said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AmiFamily")]
    pub ami_family: Option<AmiFamily>,
    /// The images to launch from: those that meet any of these terms. Of several that fit an instance type the newest is taken.
    #[schemars(
        length(min = 1, max = 30),
        extend("x-kubernetes-validations" = cel(rules::AMI_TERMS))
    )]
    pub ami_selector_terms: Vec<AmiSelectorTerm>,
    /// Whether instances get a public address; without it the subnet decides.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "associatePublicIPAddress")]
    pub associate_public_ip_address: Option<bool>,
    /// The volumes of an instance; without them those that are usual for `amiFamily`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 50),
        extend("x-kubernetes-validations" = cel(rules::BLOCK_DEVICES))
    )]
    pub block_device_mappings: Option<Vec<BlockDeviceMapping>>,
    /// Capacity reservations that may be used: those that meet any of these terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 30),
        extend("x-kubernetes-validations" = cel(rules::CAPACITY_RESERVATION_TERMS))
    )]
    pub capacity_reservation_selector_terms: Option<Vec<CapacityReservationSelectorTerm>>,
    /// How long the network interface remembers idle connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ConnectionTracking")]
    pub connection_tracking: Option<ConnectionTracking>,
    /// Passed on to EC2 when an instance is asked for; reserved there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// What the processor is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "CpuOptions")]
    pub cpu_options: Option<CpuOptions>,
    /// Whether CloudWatch measures each minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detailed_monitoring: Option<bool>,
    /// The instance profile of the nodes. Either this or `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel(rules::INSTANCE_PROFILE)))]
    pub instance_profile: Option<String>,
    /// What is made of the instance's own disks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "InstanceStorePolicy")]
    pub instance_store_policy: Option<InstanceStorePolicy>,
    /// How many address prefixes the first network interface gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ip_prefix_count: Option<i32>,
    /// Settings of the kubelet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Kubelet")]
    pub kubelet: Option<Kubelet>,
    /// How the instance's metadata service answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        with = "MetadataOptions",
        extend("default" = {
            "httpEndpoint": "enabled",
            "httpProtocolIPv6": "disabled",
            "httpPutResponseHopLimit": 1,
            "httpTokens": "required"
        })
    )]
    pub metadata_options: Option<MetadataOptions>,
    /// The network interfaces of an instance; without them those that its instance type allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 150),
        extend("x-kubernetes-validations" = cel(rules::NETWORK_INTERFACES))
    )]
    pub network_interfaces: Option<Vec<NetworkInterface>>,
    /// The placement group that instances are launched into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PlacementGroupSelector")]
    pub placement_group_selector: Option<PlacementGroupSelector>,
    /// The role of the nodes, for which an instance profile is made. Either this or `instanceProfile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel(rules::ROLE)))]
    pub role: Option<String>,
    /// The security groups of the network interfaces: those that meet any of these terms.
    #[schemars(
        length(max = 30),
        extend("x-kubernetes-validations" = cel(rules::SECURITY_GROUP_TERMS))
    )]
    pub security_group_selector_terms: Vec<SecurityGroupSelectorTerm>,
    /// The subnets to launch into: those that meet any of these terms.
    #[schemars(
        length(max = 30),
        extend("x-kubernetes-validations" = cel(rules::SUBNET_TERMS))
    )]
    pub subnet_selector_terms: Vec<SubnetSelectorTerm>,
    /// Tags of instances, volumes and all else that a launch makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel(rules::TAGS)))]
    pub tags: Option<BTreeMap<String, String>>,
    /// What the instance runs when it starts, beside what makes it a node; for `Custom` all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
}
