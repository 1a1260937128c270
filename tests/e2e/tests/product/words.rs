//! What these scenarios wait for.

use anyhow::Result;
use e2e::look::{node_of, pods};
use e2e::objects::{self, NODE_CLAIM};
use e2e::product::Product;
use e2e::workload::{deployment, spec};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A Deployment of pods of some CPU.
pub(crate) async fn deploy(product: &Product, name: &str, (count, cpu): (u32, &str)) -> Result<()> {
    let deployment = deployment(name, count, spec(cpu, &json!({})));
    objects::create(&product.stage.client, &deployment).await?;
    Ok(())
}

/// Waits until exactly so many pods run, all of them.
pub(crate) async fn wait_until_all_run(product: &Product, count: usize) -> Result<()> {
    let stage = &product.stage;
    let what = format!("all {count} pods run");
    stage.until(&what, async || all_run(product, count).await).await
}

/// Whether exactly so many pods run, all of them.
pub(crate) async fn all_run(product: &Product, count: usize) -> Result<bool> {
    let pods = pods(&product.stage).await?;
    let runs = |pod: &Value| node_of(pod).is_some() && pod["status"]["phase"] == "Running";
    Ok(pods.len() == count && pods.iter().all(runs))
}

/// A condition of each NodeClaim: status and reason.
pub(crate) async fn conditions(product: &Product, kind: &str) -> Result<Vec<(String, String)>> {
    let claims = NODE_CLAIM.list(&product.stage.client).await?;
    let of = |claim: &Value| {
        let all = claim["status"]["conditions"].as_array()?;
        let one = all.iter().find(|condition| condition["type"] == kind)?;
        let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
        Some((text("status"), text("reason")))
    };
    Ok(claims.iter().filter_map(of).collect())
}

/// Launches by what was asked for: calls, and instances of them.
pub(crate) fn launches(product: &Product) -> BTreeMap<[String; 4], (usize, usize)> {
    let parts = [
        "InstanceType",
        "NetworkInterface.1.SubnetId",
        "InstanceMarketOptions.MarketType",
        "ImageId",
    ];
    let mut all: BTreeMap<[String; 4], (usize, usize)> = BTreeMap::new();
    for form in product.ec2.calls("RunInstances") {
        let entry = all.entry(parts.map(|part| form.get(part).to_owned())).or_default();
        entry.0 += 1;
        entry.1 += form.get("MaxCount").parse::<usize>().unwrap_or(0);
    }
    all
}
