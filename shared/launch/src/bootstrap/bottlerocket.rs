//! Bottlerocket: settings in TOML. The owner's have the last word, but not about which cluster the node joins, nor about
//! a label or taint that the node was planned with.

use super::{Error, Node, kubelet_labels, name_servers};
use model::labels::Labels;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Settings under `settings.kubernetes` that are ours whatever the owner says.
const OURS: [&str; 3] = ["api-server", "cluster-certificate", "cluster-name"];

/// Tables there whose entries are ours where both have one.
const OURS_BY_ENTRY: [&str; 2] = ["node-labels", "node-taints"];

/// What takes the instance's own disks for what pods and images write (Bottlerocket's documentation, "Ephemeral storage").
const DISK_COMMANDS: [&[&str]; 2] = [
    &["apiclient", "ephemeral-storage", "init"],
    &[
        "apiclient",
        "ephemeral-storage",
        "bind",
        "--dirs",
        "/var/lib/containerd",
        "/var/lib/kubelet",
        "/var/log/pods",
    ],
];

/// The name under which that stands; the owner's own command of this name takes its place.
const DISKS: &str = "000-mount-instance-storage";

pub(super) fn text(node: &Node<'_>) -> Result<String, Error> {
    let own: Table = node.own.reveal().parse().map_err(|error| unreadable(&error))?;
    let kubernetes = kubernetes(node);
    let mut settings = Table::new();
    if node.local_disks {
        settings.insert("bootstrap-commands".into(), table([(DISKS, disk_commands())]));
    }
    settings.insert("kubernetes".into(), Value::Table(kubernetes.clone()));
    let mut all = Table::new();
    all.insert("settings".into(), Value::Table(settings));
    merge(&mut all, own);
    insist(&mut all, kubernetes)?;
    Ok(toml::to_string(&all).expect("tables of texts, numbers and lists become TOML"))
}

/// What is wrong and where, but none of the text, which may be secret.
fn unreadable(error: &toml::de::Error) -> Error {
    let at = error.span().map_or(0, |span| span.start);
    Error::Unreadable { problem: format!("no TOML from byte {at} on") }
}

fn kubernetes(node: &Node<'_>) -> Table {
    let (cluster, kubelet) = (node.cluster, node.kubelet);
    let texts = |map: &Labels| {
        let entries = map.iter().map(|(key, value)| (key.to_string(), Value::from(&**value)));
        (!map.is_empty()).then(|| Value::Table(entries.collect()))
    };
    let whole = |number: Option<i32>| number.map(|number| Value::from(i64::from(number)));
    let per_cent = |number: Option<i32>| number.map(|number| Value::from(number.to_string()));
    let servers = name_servers(node);
    let servers = match servers.as_slice() {
        [] => None,
        [only] => Some(Value::from(&**only)),
        several => {
            let servers = several.iter().map(|server| Value::from(&**server));
            Some(Value::Array(servers.collect()))
        }
    };
    let max_pods = node.max_pods.or(kubelet.max_pods);
    let entries = [
        ("api-server", Some(Value::from(&*cluster.endpoint))),
        ("cluster-certificate", Some(Value::from(&*cluster.certificate_authority))),
        ("cluster-name", Some(Value::from(&*cluster.name))),
        ("cluster-dns-ip", servers),
        ("max-pods", max_pods.map(|pods| Value::from(i64::from(pods)))),
        ("node-labels", texts(&kubelet_labels(node))),
        ("node-taints", taints(node)),
        ("system-reserved", texts(&kubelet.system_reserved)),
        ("kube-reserved", texts(&kubelet.kube_reserved)),
        ("eviction-hard", texts(&kubelet.eviction_hard)),
        ("eviction-soft", texts(&kubelet.eviction_soft)),
        ("eviction-soft-grace-period", texts(&kubelet.eviction_soft_grace_period)),
        ("eviction-max-pod-grace-period", whole(kubelet.eviction_max_pod_grace_period)),
        ("image-gc-high-threshold-percent", per_cent(kubelet.image_gc_high_threshold_percent)),
        ("image-gc-low-threshold-percent", per_cent(kubelet.image_gc_low_threshold_percent)),
        ("cpu-cfs-quota-enforced", kubelet.cpu_cfs_quota.map(Value::from)),
    ];
    entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// A taint's key with all that stands under it.
fn taints(node: &Node<'_>) -> Option<Value> {
    let mut by_key: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for taint in node.taints {
        let value = format!("{}:{:?}", taint.value, taint.effect);
        by_key.entry(&taint.key).or_default().push(value.into());
    }
    let table = by_key.into_iter().map(|(key, values)| (key.to_owned(), Value::Array(values)));
    (!node.taints.is_empty()).then(|| Value::Table(table.collect()))
}

fn disk_commands() -> Value {
    let command =
        |words: &&[&str]| Value::Array(words.iter().map(|word| Value::from(*word)).collect());
    let commands: Vec<Value> = DISK_COMMANDS.iter().map(command).collect();
    table([
        ("commands", Value::Array(commands)),
        ("essential", true.into()),
        ("mode", "always".into()),
    ])
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Puts one table over another: tables are merged, all else is replaced.
fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Puts back what the owner has no say in.
fn insist(all: &mut Table, ours: Table) -> Result<(), Error> {
    let wrong = |path: &str| Error::Unreadable { problem: format!("{path} must be a table") };
    let settings = all.get_mut("settings").and_then(Value::as_table_mut);
    let settings = settings.ok_or_else(|| wrong("settings"))?;
    let merged = settings.get_mut("kubernetes").and_then(Value::as_table_mut);
    let merged = merged.ok_or_else(|| wrong("settings.kubernetes"))?;
    for (key, value) in ours {
        if OURS.contains(&&*key) {
            merged.insert(key, value);
        } else if OURS_BY_ENTRY.contains(&&*key) {
            let (Some(Value::Table(merged)), Value::Table(ours)) = (merged.get_mut(&key), value)
            else {
                return Err(wrong(&format!("settings.kubernetes.{key}")));
            };
            merged.extend(ours);
        }
    }
    Ok(())
}
