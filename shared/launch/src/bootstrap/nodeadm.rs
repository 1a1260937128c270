//! Amazon Linux 2023: a NodeConfig in a MIME archive, before the owner's parts. nodeadm merges NodeConfigs in order and a
//! later one has the last word, so the owner may overrule what stands in ours.

use super::mime::{self, Part};
use super::{Error, Node, kubelet_labels};
use serde_json::{Map, Value, json};

const NODE_CONFIG: &str = "application/node.eks.aws";

pub(super) fn text(node: &Node<'_>) -> Result<String, Error> {
    let config = serde_json::to_string_pretty(&node_config(node));
    let config = config.expect("texts and numbers become JSON");
    let mut parts = vec![Part::new(NODE_CONFIG, &config)];
    parts.extend(own_parts(node.own.reveal())?);
    Ok(mime::write(&parts))
}

fn own_parts(own: &str) -> Result<Vec<Part>, Error> {
    let text = own.trim_start();
    if text.is_empty() {
        Ok(Vec::new())
    } else if mime::is_archive(text) {
        mime::read(text)
    } else if text.starts_with("#!") {
        Ok(vec![Part::script(text)])
    } else if text.contains("node.eks.aws/") {
        Ok(vec![Part::new(NODE_CONFIG, text)])
    } else {
        let problem = "expected a MIME archive, a script with #! or a NodeConfig".to_owned();
        Err(Error::Unreadable { problem })
    }
}

/// In JSON, which is YAML: nothing has to be quoted by hand.
fn node_config(node: &Node<'_>) -> Value {
    let cluster = node.cluster;
    let labels = kubelet_labels(node);
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut spec = json!({
        "cluster": {
            "name": &*cluster.name,
            "apiServerEndpoint": &*cluster.endpoint,
            "certificateAuthority": &*cluster.certificate_authority,
            "cidr": &*cluster.service_cidr,
        },
        "kubelet": {
            "config": kubelet_config(node),
            "flags": [format!("--node-labels={}", labels.join(","))],
        },
    });
    if node.local_disks {
        spec["instance"] = json!({ "localStorage": { "strategy": "RAID0" } });
    }
    json!({ "apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec })
}

fn kubelet_config(node: &Node<'_>) -> Map<String, Value> {
    let given = serde_json::to_value(node.kubelet).expect("texts and numbers become JSON");
    let Value::Object(mut config) = given else { return Map::new() };
    if let Some(max_pods) = node.max_pods {
        config.insert("maxPods".into(), max_pods.into());
    }
    let taints = node.taints.iter().map(|taint| {
        let mut entry = json!({ "key": &*taint.key, "effect": format!("{:?}", taint.effect) });
        if !taint.value.is_empty() {
            entry["value"] = (&*taint.value).into();
        }
        entry
    });
    config.insert("registerWithTaints".into(), taints.collect());
    config
}
