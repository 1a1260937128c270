//! What EC2 says about an instance type, whoever asked it: facts alone, nothing that an EC2NodeClass decides.

use model::instance_type::CapacityType;
use model::name::{InstanceTypeName, Text, Zone};
use model::price::Price;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An instance type. Names as in `DescribeInstanceTypes`, shortened; a fact that is not known is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// Its name, such as `m5.large`.
    pub name: InstanceTypeName,
    /// `amd64` or `arm64`.
    pub arch: Text,
    /// Virtual CPUs (hardware threads).
    pub vcpu: u32,
    /// Nominal memory in MiB.
    pub mem_mib: u32,
    /// Network interfaces on the default network card; pods get addresses from these alone.
    pub enis: u32,
    /// IPv4 addresses on each interface.
    pub ips_per_eni: u32,
    /// The letters before the generation: `m`.
    pub category: Text,
    /// The number after the category: 5.
    pub generation: u32,
    /// What stands before the dot: `m5`.
    pub family: Text,
    /// What stands after the dot: `large`.
    pub size: Text,
    /// `nitro` or `xen`; empty for bare metal.
    pub hypervisor: Text,
    /// Whether it is one of the `flex` types.
    pub flex: bool,
    /// Whether traffic between instances is encrypted.
    pub enc_in_transit: bool,
    /// `intel`, `amd` or `aws`.
    pub cpu_manufacturer: Text,
    /// Sustained clock speed in MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_mhz: Option<u32>,
    /// Baseline network bandwidth in Mbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mbps: Option<u32>,
    /// Maximum EBS bandwidth in Mbit/s, where it is EBS-optimized by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebs_mbps: Option<u32>,
    /// All local NVMe disks together in GB (10⁹ bytes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nvme_gb: Option<u32>,
    /// GPUs by model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<Gpu>,
    /// Inferentia and Trainium devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neuron: Option<Neuron>,
    /// The most interfaces that can be Elastic Fabric Adapters.
    #[serde(default)]
    pub efa: u32,
    /// Branch interfaces that pods with security groups of their own can get.
    #[serde(default)]
    pub branch_enis: u32,
    /// How it can be bought at all.
    pub usage_classes: Vec<CapacityType>,
    /// Where it is offered and for how much, by region. Written apart from the rest, see [`crate::stored`].
    #[serde(default, deserialize_with = "crate::file::regions", skip_serializing)]
    pub regions: BTreeMap<Text, RegionFacts>,
}

/// GPUs of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// The model in lower case: `a100`.
    pub name: Text,
    /// In lower case: `nvidia`, `amd` or `habana`.
    pub manufacturer: Text,
    /// Whole GPUs; zero where the instance has a share of one.
    pub count: u32,
    /// Memory of each in MiB.
    pub mem_mib: u32,
}

/// AWS's own accelerators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neuron {
    /// `inferentia`, `inferentia2` or `trainium`.
    pub name: Text,
    /// Devices.
    pub devices: u32,
    /// Cores of all devices together.
    pub cores: u32,
}

/// An instance type in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionFacts {
    /// On-demand, per hour, Linux.
    pub on_demand: Price,
    /// The zones that offer it.
    pub zones: Vec<ZoneFacts>,
}

/// An instance type in one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneFacts {
    /// The zone.
    pub zone: Zone,
    /// Spot, per hour; none where it is not sold so.
    pub spot: Option<Price>,
}
