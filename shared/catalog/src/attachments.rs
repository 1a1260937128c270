//! How many EBS volumes a node can attach for its pods, as the EBS CSI driver will report it.
//!
//! By the Amazon EC2 User Guide, "Amazon EBS volume limits for Amazon EC2 instances". What an instance type shares its limit
//! with is estimated from the facts, never too low, so that a new node holds what it was bought for.

use crate::facts::InstanceFacts;
use crate::family::Family;

/// Volumes that an instance on Xen can have without trouble, less one (same source; the EBS CSI driver reports as many).
const XEN: i64 = 39;

/// Volumes, network interfaces, local disks and accelerators that a Nitro instance without a limit of its own for volumes
/// can have together.
const SHARED: i64 = 28;

/// Interfaces that are attached when the driver looks: the first one, and the one that the VPC CNI keeps ready.
const INTERFACES: i64 = 2;

/// What volumes and interfaces can be together on types whose accelerators take up more than one attachment each, or are not
/// among the facts.
const SHARED_EXCEPTIONS: [(&str, i64); 3] =
    [("g5.48xlarge", 10), ("vt1.3xlarge", 26), ("vt1.6xlarge", 24)];

/// Families with a limit for volumes alone, apart from the eighth and later generations of [`DEDICATED_CATEGORIES`].
const DEDICATED_FAMILIES: [&str; 28] = [
    "c7a",
    "c7i",
    "c7i-flex",
    "f2",
    "g6",
    "g6e",
    "g6f",
    "g7",
    "g7e",
    "gr6",
    "gr6f",
    "i7i",
    "i7ie",
    "m7a",
    "m7i",
    "m7i-flex",
    "p5",
    "p5e",
    "p5en",
    "r7a",
    "r7i",
    "r7iz",
    "u7i-12tb",
    "u7i-6tb",
    "u7i-8tb",
    "u7in-16tb",
    "u7in-24tb",
    "u7in-32tb",
];

/// Categories whose families have a limit for volumes alone from the eighth generation on.
const DEDICATED_CATEGORIES: [&str; 5] = ["c", "i", "m", "r", "x"];

/// Such a limit by size: from so many times `xlarge` on, so many volumes.
const BY_SIZE: [(u32, i64); 5] = [(48, 128), (32, 88), (24, 64), (16, 48), (0, 32)];

/// The limit of the smallest bare metal instances; larger ones have more.
const DEDICATED_METAL: i64 = 39;

/// The most that families with several network or EBS cards, or with accelerators beside them, get for volumes alone.
const DEDICATED_MOST: [(&str, i64); 6] =
    [("p5", 64), ("p5e", 64), ("p5en", 64), ("c8gn", 64), ("m8gn", 64), ("r8gn", 64)];

/// GB of the largest local disk of families that have many (EC2 instance types, "Storage optimized").
const DISK_GB: [(&str, u32); 6] = [
    ("d3", 1_980),
    ("d3en", 13_980),
    ("i4g", 3_750),
    ("i4i", 3_750),
    ("im4gn", 7_500),
    ("is4gen", 7_500),
];

/// The volumes that a node can attach beside those it starts with. At least one, as the driver has it: none would mean no
/// limit to Kubernetes.
pub(crate) fn volumes(facts: &InstanceFacts, family: &Family) -> i64 {
    let most = match (&*facts.hypervisor, dedicated(facts)) {
        ("xen", _) => XEN,
        (_, Some(most)) => most,
        (_, None) => shared(facts),
    };
    (most - family.volumes).max(1)
}

/// The limit for volumes alone, where the type has one.
fn dedicated(facts: &InstanceFacts) -> Option<i64> {
    let is_late = 8 <= facts.generation && DEDICATED_CATEGORIES.contains(&&*facts.category);
    if !is_late && !DEDICATED_FAMILIES.contains(&&*facts.family) {
        return None;
    }
    if facts.size.starts_with("metal") {
        return Some(DEDICATED_METAL);
    }
    let times: u32 = facts.size.strip_suffix("xlarge").map_or(0, |n| n.parse().unwrap_or(0));
    let (_, by_size) = BY_SIZE.iter().find(|(from, _)| *from <= times)?;
    let most = DEDICATED_MOST.iter().find(|(family, _)| *family == &*facts.family);
    Some(most.map_or(*by_size, |(_, most)| (*by_size).min(*most)))
}

fn shared(facts: &InstanceFacts) -> i64 {
    let interfaces = INTERFACES.min(i64::from(facts.enis));
    if let Some((_, most)) = SHARED_EXCEPTIONS.iter().find(|(name, _)| *name == &*facts.name) {
        return most - interfaces;
    }
    let gpus: u32 = facts.gpus.iter().map(|gpu| gpu.count).sum();
    let neuron = facts.neuron.as_ref().map_or(0, |neuron| neuron.devices);
    SHARED - interfaces - i64::from(gpus + neuron) - i64::from(disks(facts))
}

/// The most local disks that the type can have, by their size together.
fn disks(facts: &InstanceFacts) -> u32 {
    let gb = facts.nvme_gb.unwrap_or(0);
    match DISK_GB.iter().find(|(family, _)| *family == &*facts.family) {
        Some((_, largest)) => gb.div_ceil(*largest),
        // Two of 2,500 GB, or of 7,500 GB up to eight.
        None if &*facts.family == "i3en" => gb.div_ceil(7_500) + 1,
        None => match gb {
            0 => 0,
            1..=500 => 1,
            501..2_400 => 2,
            2_400.. => 4,
        },
    }
}
