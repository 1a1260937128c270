//! One pod of each shape; copies of them wait.

use crate::{Mix, SEED};
use serde_json::{Value, json};

/// Sizes of the few: milli-CPU and MiB.
const FEW: [(u64, u64); 8] = [
    (100, 128),
    (250, 512),
    (500, 512),
    (500, 2048),
    (1000, 1024),
    (1000, 4096),
    (2000, 4096),
    (4000, 16384),
];
const MANY: u64 = 1_000;
/// Sizes of the diverse, every CPU with every memory.
const DIVERSE_MILLI: [u64; 5] = [100, 250, 500, 1000, 1500];
const DIVERSE_MIB: [u64; 6] = [100, 256, 512, 1024, 2048, 4096];
/// Values of the label by which the diverse select each other.
const GROUPS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

const ZONE: &str = "topology.kubernetes.io/zone";
const HOSTNAME: &str = "kubernetes.io/hostname";

pub(crate) fn shapes(mix: Mix) -> Vec<Value> {
    match mix {
        Mix::FewClasses => numbered(FEW.iter().map(|size| (*size, "", json!({})))),
        Mix::ManyClasses => {
            let mut random = fastrand::Rng::with_seed(SEED);
            // From a twentieth of a CPU to four, and from a GiB for each CPU to eight: none is the size of another.
            numbered((0..MANY).map(|number| {
                let milli = 50 + number * 4;
                ((milli, milli * random.u64(1000..8000) / 1000), "", json!({}))
            }))
        }
        Mix::Diverse => numbered(diverse()),
    }
}

fn diverse() -> impl Iterator<Item = ((u64, u64), &'static str, Value)> {
    let sizes =
        DIVERSE_MILLI.iter().flat_map(|cpu| DIVERSE_MIB.iter().map(|memory| (*cpu, *memory)));
    sizes.flat_map(|size| {
        GROUPS.into_iter().flat_map(move |group| {
            wishes(group).into_iter().map(move |(kind, wish)| (size, kind, wish))
        })
    })
}

/// The five kinds for a value of the label, as fields of a pod's spec.
fn wishes(group: &str) -> [(&'static str, Value); 5] {
    let selector = |kind| json!({"matchLabels": {"kind": kind, "group": group}});
    let spread = |kind, key| {
        json!({"topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": selector(kind)
        }]})
    };
    let term = |kind, key| json!([{"topologyKey": key, "labelSelector": selector(kind)}]);
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    [
        ("generic", json!({})),
        ("zone-spread", spread("zone-spread", ZONE)),
        ("host-spread", spread("host-spread", HOSTNAME)),
        ("together", json!({"affinity": {"podAffinity": {required: term("together", ZONE)}}})),
        ("apart", json!({"affinity": {"podAntiAffinity": {required: term("apart", HOSTNAME)}}})),
    ]
    .map(|(kind, mut spec)| {
        spec["group"] = group.into();
        (kind, spec)
    })
}

fn numbered(shapes: impl Iterator<Item = ((u64, u64), &'static str, Value)>) -> Vec<Value> {
    let pod = |(number, ((milli, mib), kind, mut spec)): (usize, ((u64, u64), &str, Value))| {
        let group = spec.as_object_mut().and_then(|fields| fields.remove("group"));
        let requests = json!({"cpu": format!("{milli}m"), "memory": format!("{mib}Mi")});
        spec["containers"] = json!([{"name": "main", "resources": {"requests": requests}}]);
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("shape-{number}"), "namespace": "default",
                "labels": {"kind": kind, "group": group.unwrap_or_else(|| "".into())}
            },
            "spec": spec
        })
    };
    shapes.enumerate().map(pod).collect()
}
