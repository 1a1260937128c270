//! What the kubelet will report as a node's capacity, and the EBS CSI driver as the volumes it can attach.

use crate::Settings;
use crate::attachments;
use crate::facts::InstanceFacts;
use crate::family::Family;
use crate::intern::Interner;
use model::name::Text;
use model::node_class::NodeClass;
use model::resources::Resources;
use model::volume::{EBS_DRIVER, attachable};
use std::collections::BTreeMap;

/// Bytes of a MiB.
pub(crate) const MIB: i64 = 1 << 20;

/// Bytes of a GB, the unit of EC2's disk sizes.
const GB: i64 = 1_000_000_000;

/// Memory that the contiguous memory allocator of arm64 images keeps (Karpenter 1.14), in MiB.
const ARM64_KEPT_MIB: i64 = 64;

/// Pods on the host network that need no address of their own: `aws-node` and `kube-proxy` (Amazon EKS AMI,
/// `eni-max-pods.txt`).
const HOST_NETWORK_PODS: i64 = 2;

/// The kubelet's `maxPods` when nobody sets it.
const KUBELET_PODS: i64 = 110;

/// Addresses of the /28 prefix that takes the place of one address under prefix delegation.
const PREFIX_ADDRESSES: i64 = 16;

/// With prefixes addresses are plenty, and EKS caps the pods by size instead: 110 below 30 vCPUs, 250 from there on
/// (Amazon EKS AMI, `max-pods-calculator.sh`).
const PREFIX_PODS: (u32, i64, i64) = (30, 110, 250);

/// The capacity of a node of the class, with these extended resources. `real` is the memory in bytes that such nodes came up
/// with; more than the nominal size is believed of none.
pub(crate) fn capacity(
    facts: &InstanceFacts,
    extended: BTreeMap<Text, i64>,
    class: &NodeClass,
    settings: Settings,
    real: Option<i64>,
) -> Resources {
    let nominal = i64::from(facts.mem_mib) * MIB;
    let real = real.filter(|bytes| (1..=nominal).contains(bytes));
    let mut capacity = Resources {
        cpu_milli: i64::from(facts.vcpu) * 1000,
        memory_bytes: real.unwrap_or_else(|| memory_mib(facts, settings) * MIB),
        ephemeral_bytes: ephemeral_bytes(facts, class),
        pods: pods(facts, class, settings),
        extended,
    };
    let family = Family::of(class.ami_family);
    capacity.set_units(&attachable(EBS_DRIVER), attachments::volumes(facts, &family));
    if family.windows_build.is_some() {
        let addresses = i64::from(facts.ips_per_eni.saturating_sub(1));
        capacity.set_units("vpc.amazonaws.com/PrivateIPv4Address", addresses);
    }
    capacity
}

/// Devices and interfaces, under the names that their device plugins and the VPC resource controller give them.
pub(crate) fn extended(facts: &InstanceFacts, interner: &mut Interner) -> BTreeMap<Text, i64> {
    let gpus = facts.gpus.iter().filter_map(|gpu| {
        let name = match &*gpu.manufacturer {
            "nvidia" => "nvidia.com/gpu",
            "amd" => "amd.com/gpu",
            "habana" => "habana.ai/gaudi",
            _ => return None,
        };
        Some((name, gpu.count))
    });
    let neuron = facts.neuron.iter().flat_map(|neuron| {
        [("aws.amazon.com/neuron", neuron.devices), ("aws.amazon.com/neuroncore", neuron.cores)]
    });
    let interfaces =
        [("vpc.amazonaws.com/efa", facts.efa), ("vpc.amazonaws.com/pod-eni", facts.branch_enis)];
    let mut extended = BTreeMap::new();
    for (name, count) in gpus.chain(neuron).chain(interfaces).filter(|(_, count)| *count != 0) {
        *extended.entry(interner.text(name)).or_insert(0) += i64::from(count);
    }
    extended
}

/// The pods that the interfaces of a node have addresses for: each interface keeps its first address for itself.
pub(crate) fn interface_pods(facts: &InstanceFacts, reserved_enis: u32) -> i64 {
    let enis = i64::from(facts.enis) - i64::from(reserved_enis);
    if enis <= 0 {
        return 0;
    }
    enis * (i64::from(facts.ips_per_eni) - 1) + HOST_NETWORK_PODS
}

/// Nominal memory less what the virtual machine keeps, rounded against us to whole MiB.
fn memory_mib(facts: &InstanceFacts, settings: Settings) -> i64 {
    let kept = if &*facts.arch == "arm64" { ARM64_KEPT_MIB } else { 0 };
    let nominal = (i64::from(facts.mem_mib) - kept).max(0);
    let overhead = nominal * i64::from(settings.vm_memory_overhead_ppm);
    (nominal - (overhead + 999_999) / 1_000_000).max(0)
}

fn ephemeral_bytes(facts: &InstanceFacts, class: &NodeClass) -> i64 {
    match facts.nvme_gb {
        Some(gb) if class.instance_store_raid0 => i64::from(gb) * GB,
        Some(_) | None => {
            class.root_volume_bytes.unwrap_or(Family::of(class.ami_family).root_volume_bytes)
        }
    }
}

fn pods(facts: &InstanceFacts, class: &NodeClass, settings: Settings) -> i64 {
    let family = Family::of(class.ami_family);
    let limit = match class.kubelet.max_pods {
        Some(max_pods) => i64::from(max_pods),
        None if !family.counts_interfaces => KUBELET_PODS,
        None if class.ip_prefix_count > 0 => prefix_pods(facts, settings.reserved_enis),
        None => interface_pods(facts, settings.reserved_enis),
    };
    match class.kubelet.pods_per_core {
        Some(per_core) if per_core > 0 && family.takes_pods_per_core => {
            limit.min(i64::from(per_core) * i64::from(facts.vcpu))
        }
        Some(_) | None => limit,
    }
}

/// The pods of a node whose interfaces carry prefixes; Xen instances cannot (EC2 user guide, "Prefix delegation").
fn prefix_pods(facts: &InstanceFacts, reserved_enis: u32) -> i64 {
    let by_address = interface_pods(facts, reserved_enis);
    if &*facts.hypervisor == "xen" || by_address == 0 {
        return by_address;
    }
    let by_prefix = (by_address - HOST_NETWORK_PODS) * PREFIX_ADDRESSES + HOST_NETWORK_PODS;
    let (large_from_vcpu, small, large) = PREFIX_PODS;
    by_prefix.min(if facts.vcpu < large_from_vcpu { small } else { large })
}
