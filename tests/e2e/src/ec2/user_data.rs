//! What a node of Amazon Linux 2023 makes of its user data: nodeadm merges the NodeConfigs of a MIME archive in order.

use crate::workload::merge;
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::labels::Labels;
use model::taint::{Effect, Taint};
use serde_json::Value;

/// As which the kubelet registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boot {
    pub(super) labels: Labels,
    pub(super) taints: Vec<Taint>,
    pub(super) max_pods: Option<i64>,
    /// The API server that it goes to.
    pub(super) endpoint: String,
}

/// Reads user data as it was sent.
///
/// # Errors
/// When no node would come of it.
pub(super) fn read(encoded: &str) -> Result<Boot> {
    let bytes = STANDARD.decode(encoded).context("user data is base64")?;
    ensure!(bytes.len() <= 16_384, "user data of {} bytes", bytes.len());
    let archive = mailparse::parse_mail(&bytes).context("user data is a MIME archive")?;
    let mut config = Value::Null;
    for part in &archive.subparts {
        if part.ctype.mimetype == "application/node.eks.aws" {
            let body = part.get_body()?;
            let read: Value = serde_saphyr::from_str(&body).context("a NodeConfig is YAML")?;
            merge(&mut config, &read);
        }
    }
    ensure!(config["apiVersion"] == "node.eks.aws/v1alpha1", "a NodeConfig");
    let spec = &config["spec"];
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let kubelet = &spec["kubelet"];
    let flags = kubelet["flags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let flags = flags.iter().filter_map(Value::as_str);
    let labels = flags.filter_map(|flag| flag.strip_prefix("--node-labels="));
    let labels = labels.flat_map(|labels| labels.split(',')).filter(|label| !label.is_empty());
    let taints = kubelet["config"]["registerWithTaints"].as_array();
    let taints = taints.map(Vec::as_slice).unwrap_or_default();
    Ok(Boot {
        labels: labels
            .map(|label| {
                let (key, value) = label.split_once('=').context("a label has a value")?;
                Ok((key.into(), value.into()))
            })
            .collect::<Result<_>>()?,
        taints: taints.iter().map(taint).collect::<Result<_>>()?,
        max_pods: kubelet["config"]["maxPods"].as_i64(),
        endpoint: text(&spec["cluster"]["apiServerEndpoint"]).context("a cluster to join")?,
    })
}

fn taint(value: &Value) -> Result<Taint> {
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    let effect = match text("effect") {
        "NoSchedule" => Effect::NoSchedule,
        "PreferNoSchedule" => Effect::PreferNoSchedule,
        "NoExecute" => Effect::NoExecute,
        other => bail!("a taint's effect is {other:?}"),
    };
    Ok(Taint { key: text("key").into(), value: text("value").into(), effect })
}
