//! A thousand instance types whose sizes and prices are laid out as EC2's are: families of a few generations and makers,
//! in sizes that double, some cheaper than others for the same room.

use serde_json::{Value, json};

pub(crate) const ZONES: [&str; 3] = ["test-1a", "test-1b", "test-1c"];
/// Virtual CPUs of each size.
const SIZES: [u64; 10] = [1, 2, 4, 8, 16, 32, 48, 64, 96, 128];
/// Families by letter, with the GiB of memory for each virtual CPU: compute, general, memory, and one with much.
const FAMILIES: [(&str, u64); 4] = [("c", 2), ("m", 4), ("r", 8), ("x", 16)];
/// Generations and makers of each family: with four families in ten sizes there are a thousand types.
const VARIANTS: u64 = 25;
/// What an hour of a virtual CPU and of a GiB costs, in ten-thousandths of a dollar: about m5's share of each.
const CPU_PRICE: u64 = 300;
const GIB_PRICE: u64 = 45;
/// A spot offering costs a third; the three zones differ by a few per cent.
const SPOT_DIVISOR: u64 = 3;

/// The catalogue, as a file of `--catalog` has it.
pub(crate) fn catalogue() -> Value {
    let mut types = Vec::new();
    for (family, ratio) in FAMILIES {
        for variant in 0..VARIANTS {
            types.extend(SIZES.map(|cpus| instance_type(family, variant, cpus, cpus * ratio)));
        }
    }
    json!({"region": "test-1", "instanceTypes": types})
}

fn instance_type(family: &str, variant: u64, cpus: u64, gib: u64) -> Value {
    // Younger variants cost less, by half a per cent each; every third is of the other architecture and a tenth cheaper.
    let is_arm = variant % 3 == 2;
    let per_mille = (1000 - variant * 5) * if is_arm { 9 } else { 10 } / 10;
    let price = (cpus * CPU_PRICE + gib * GIB_PRICE) * per_mille;
    let mut offerings = Vec::new();
    for (number, zone) in (0..).zip(ZONES) {
        for (capacity_type, divisor) in [("on-demand", 1), ("spot", SPOT_DIVISOR)] {
            let differs = if divisor == 1 { 100 } else { 100 + (variant + number * 7) % 10 };
            // Ten-thousandths, in per mille, in per cent: micro-dollars times a thousand.
            let micro_dollars = price * differs / divisor / 1000;
            offerings.push(json!({
                "zone": zone, "capacityType": capacity_type, "available": true,
                "pricePerHour": dollars(micro_dollars)
            }));
        }
    }
    let pods = [(1, 8), (2, 29), (8, 58), (32, 234)].iter().rev().find(|(from, _)| *from <= cpus);
    let (_, pods) = pods.copied().unwrap_or((1, 8));
    json!({
        "name": format!("{family}{variant}.{cpus}"),
        "arch": if is_arm { "arm64" } else { "amd64" },
        "os": ["linux"],
        "capacity": {
            "cpu": cpus.to_string(), "memory": format!("{gib}Gi"), "pods": pods.to_string(),
            "ephemeral-storage": "20Gi"
        },
        "overhead": {"cpu": "80m", "memory": format!("{}Mi", 300 + gib * 1024 / 20)},
        "labels": {"karpenter.k8s.aws/instance-family": format!("{family}{variant}")},
        "offerings": offerings
    })
}

/// As a number of the file.
fn dollars(micro_dollars: u64) -> Value {
    let text = format!("{}.{:06}", micro_dollars / 1_000_000, micro_dollars % 1_000_000);
    text.parse().expect("it is a number")
}
