//! The well-known labels of an instance type (Karpenter 1.14); one whose fact is not known is absent.

use crate::facts::InstanceFacts;
use crate::family::Family;
use crate::intern::Interner;
use model::labels::{ARCH, INSTANCE_TYPE, Labels, OS, REGION, WINDOWS_BUILD};
use model::name::Text;

/// The labels that follow from the facts alone.
pub(crate) fn of_facts(facts: &InstanceFacts, interner: &mut Interner) -> Labels {
    let number = |number: u32| Some(number.to_string());
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let gpu = match facts.gpus.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    let neuron = facts.neuron.as_ref();
    let values = [
        (INSTANCE_TYPE, text(&facts.name)),
        (ARCH, text(&facts.arch)),
        ("karpenter.k8s.aws/instance-category", text(&facts.category)),
        ("karpenter.k8s.aws/instance-generation", number(facts.generation)),
        ("karpenter.k8s.aws/instance-family", text(&facts.family)),
        ("karpenter.k8s.aws/instance-size", text(&facts.size)),
        ("karpenter.k8s.aws/instance-cpu", number(facts.vcpu)),
        ("karpenter.k8s.aws/instance-cpu-manufacturer", text(&facts.cpu_manufacturer)),
        (
            "karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz",
            facts.clock_mhz.and_then(number),
        ),
        ("karpenter.k8s.aws/instance-memory", number(facts.mem_mib)),
        ("karpenter.k8s.aws/instance-ebs-bandwidth", facts.ebs_mbps.and_then(number)),
        ("karpenter.k8s.aws/instance-network-bandwidth", facts.network_mbps.and_then(number)),
        ("karpenter.k8s.aws/instance-local-nvme", facts.nvme_gb.and_then(number)),
        ("karpenter.k8s.aws/instance-hypervisor", text(&facts.hypervisor)),
        (
            "karpenter.k8s.aws/instance-encryption-in-transit-supported",
            Some(facts.enc_in_transit.to_string()),
        ),
        ("karpenter.k8s.aws/instance-capability-flex", Some(facts.flex.to_string())),
        ("karpenter.k8s.aws/instance-gpu-name", gpu.and_then(|gpu| text(&gpu.name))),
        (
            "karpenter.k8s.aws/instance-gpu-manufacturer",
            gpu.and_then(|gpu| text(&gpu.manufacturer)),
        ),
        ("karpenter.k8s.aws/instance-gpu-count", gpu.and_then(|gpu| number(gpu.count))),
        ("karpenter.k8s.aws/instance-gpu-memory", gpu.and_then(|gpu| number(gpu.mem_mib))),
        ("karpenter.k8s.aws/instance-accelerator-name", neuron.and_then(|n| text(&n.name))),
        ("karpenter.k8s.aws/instance-accelerator-manufacturer", neuron.and_then(|_| text("aws"))),
        ("karpenter.k8s.aws/instance-accelerator-count", neuron.and_then(|n| number(n.devices))),
    ];
    let known = values.into_iter().filter_map(|(key, value)| Some((key, value?)));
    known.map(|(key, value)| (interner.text(key), interner.text(&value))).collect()
}

/// The labels that every node of a class has in a region.
pub(crate) fn of_nodes(region: &str, family: &Family) -> Vec<(Text, Text)> {
    let mut labels = vec![(Text::from(REGION), region.into()), (OS.into(), family.os.into())];
    if let Some(build) = family.windows_build {
        labels.push((WINDOWS_BUILD.into(), build.into()));
    }
    labels
}
