//! What a node keeps for itself, and what is left for pods.

use crate::capacity::{MIB, interface_pods};
use crate::facts::InstanceFacts;
use crate::family::Family;
use model::node_class::{NodeClass, Threshold};
use model::resources::Resources;

/// CPU that EKS images reserve for the kubelet: of the milli-cores from and up to, so many ten-thousandths
/// (Amazon EKS AMI, `bootstrap.sh`; the last step has no end).
const KUBELET_CPU: [(i64, i64, i64); 4] =
    [(0, 1_000, 600), (1_000, 2_000, 100), (2_000, 4_000, 50), (4_000, i64::MAX, 25)];

/// Memory that EKS images reserve for the kubelet, in MiB: for itself, and for each pod (same source).
const KUBELET_MEMORY_MIB: (i64, i64) = (255, 11);

/// Ephemeral storage that EKS images reserve for the kubelet (same source): 1 GiB.
const KUBELET_EPHEMERAL_BYTES: i64 = 1 << 30;

/// The kubelet's default hard eviction threshold for `memory.available`: 100 MiB.
const EVICTION_MEMORY: Threshold = Threshold::Bytes(100 * MIB);

/// The kubelet's default hard eviction threshold for `nodefs.available`: a tenth.
const EVICTION_NODEFS: Threshold = Threshold::BasisPoints(1_000);

/// Resources that `kubeReserved` and `systemReserved` can take from pods; process ids, which they can name too, are
/// nothing that pods request.
const RESERVABLE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// What pods may use of a node's capacity; never below zero, as the kubelet reports it.
pub(crate) fn allocatable(
    facts: &InstanceFacts,
    class: &NodeClass,
    capacity: &Resources,
) -> Resources {
    let kept = [
        kube_reserved(facts, class, capacity),
        NodeClass::reserved(&class.kubelet.system_reserved),
        eviction_threshold(class, capacity),
    ];
    let mut allocatable = capacity.clone();
    for resource in RESERVABLE {
        let amounts = kept.iter().map(|kept| kept.get(resource));
        let total = amounts.fold(0, i64::saturating_add);
        allocatable.set_units(resource, (capacity.get(resource) - total).max(0));
    }
    allocatable
}

fn kube_reserved(facts: &InstanceFacts, class: &NodeClass, capacity: &Resources) -> Resources {
    let pods = if Family::of(class.ami_family).reserves_by_interfaces {
        // The images' scripts know nothing of reserved interfaces.
        interface_pods(facts, 0)
    } else {
        capacity.pods
    };
    let (for_kubelet, per_pod) = KUBELET_MEMORY_MIB;
    let mut reserved = Resources {
        cpu_milli: kubelet_cpu(capacity.cpu_milli),
        memory_bytes: (for_kubelet + per_pod * pods) * MIB,
        ephemeral_bytes: KUBELET_EPHEMERAL_BYTES,
        ..Resources::default()
    };
    for (name, units) in &class.kubelet.kube_reserved {
        reserved.set_units(name, *units);
    }
    reserved
}

/// Each step is rounded down to a milli-core by itself.
fn kubelet_cpu(cpu_milli: i64) -> i64 {
    let steps = KUBELET_CPU.iter();
    steps.map(|(from, to, share)| (cpu_milli.min(*to) - from).max(0) * share / 10_000).sum()
}

fn eviction_threshold(class: &NodeClass, capacity: &Resources) -> Resources {
    let memory = class.kubelet.eviction_memory.unwrap_or(EVICTION_MEMORY);
    let nodefs = class.kubelet.eviction_nodefs.unwrap_or(EVICTION_NODEFS);
    Resources {
        memory_bytes: amount(memory, capacity.memory_bytes),
        ephemeral_bytes: amount(nodefs, capacity.ephemeral_bytes),
        ..Resources::default()
    }
}

fn amount(threshold: Threshold, capacity: i64) -> i64 {
    match threshold {
        Threshold::Bytes(bytes) => bytes,
        // The whole switches the threshold off (kubelet configuration reference, `evictionHard`).
        Threshold::BasisPoints(10_000) => 0,
        Threshold::BasisPoints(share) => {
            let exact = i128::from(capacity) * i128::from(share);
            i64::try_from((exact + 9_999) / 10_000).unwrap_or(i64::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelet_keeps_less_of_each_further_core() {
        let kept = [1, 2, 4, 8, 64].map(|cores| kubelet_cpu(cores * 1_000));
        assert_eq!(kept, [60, 70, 80, 90, 230]);
    }

    #[test]
    fn a_share_is_rounded_up_and_the_whole_means_none() {
        assert_eq!(amount(Threshold::BasisPoints(500), 1_001), 51);
        assert_eq!(amount(Threshold::BasisPoints(10_000), 1_001), 0);
        assert_eq!(amount(Threshold::Bytes(7), 1_001), 7);
    }
}
