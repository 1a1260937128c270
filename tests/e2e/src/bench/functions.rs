//! The functions' binaries as Lambda would have them: how large, how soon awake, how quick, and what a month of nothing costs.

use super::{Row, megabytes, percentile, seconds};
use crate::aws::{OWNER, Schedule};
use crate::forwarder::Resident;
use crate::loopback::Server;
use crate::objects::{self, POD};
use crate::product::{FUNCTIONS, Product, binaries};
use crate::stage::QUICK;
use crate::workload::{APPS, spec};
use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use joiner_cli::bill::{Bill, Sweep, dollars, month, runs_in_a_month};
use serde_json::{Value, json};
use std::fs;
use std::future::pending;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::timeout;

/// So many starts of each binary, of which the one in the middle counts.
const STARTS: usize = 9;
/// A binary that does not ask for an event in this time does not start.
const STARTS_WITHIN: Duration = Duration::from_secs(20);
/// So many pods are measured, one after the other.
const PODS: usize = 20;
/// Queues that Lambda looks into.
const QUEUES: u64 = 2;
/// So many sweeps of an idle cluster by each function.
const SWEEPS: usize = 9;

/// Measures. What was measured before an error stands in the rows.
///
/// # Errors
/// When anything fails.
pub async fn functions(rows: &mut Vec<Row>) -> Result<()> {
    let folder = binaries()?;
    let (mut size, mut start) = (0, Duration::ZERO);
    for function in FUNCTIONS {
        let binary = folder.join(function);
        size = size.max(packed(&binary)?);
        start = start.max(started(&binary).await?);
    }
    rows.push(Row::new("the largest function, packed", megabytes(size), "6 MB"));
    rows.push(Row::new(
        "process start to first poll, the slowest function",
        seconds(start),
        "0.060 s",
    ));

    let product = Product::open(QUICK).await?;
    product.furnish().await?;
    let mut sweeps = Vec::new();
    for Schedule { function, expression, memory_mb, .. } in product.stack.schedules.clone() {
        product.invoke(&function).await?;
        let mut took = Vec::new();
        for _ in 0..SWEEPS {
            let begin = Instant::now();
            product.invoke(&function).await?;
            took.push(begin.elapsed());
        }
        took.sort_unstable();
        let a_month = runs_in_a_month(&expression);
        let a_month = a_month.with_context(|| format!("{expression} is no rate"))?;
        sweeps.push(Sweep { function, a_month, took: percentile(&took, 50), memory_mb });
    }
    let mut resident = 0;
    for function in ["provisioning", "lifecycle", "disruption", "catalog"] {
        for process in product.processes(function)? {
            resident = resident.max(Resident::of(&process)?.peak);
        }
    }
    rows.push(Row::new(
        "resident after its first events, the largest function",
        megabytes(resident),
        "60 MB",
    ));
    rows.push(Row::new(
        "one pod, warm, outside of AWS calls, p50",
        seconds(pods(&product).await?),
        "0.150 s",
    ));
    rows.extend(bill(&sweeps));
    Ok(())
}

/// What a month in which nothing happens costs by these schedules.
fn bill(sweeps: &[Sweep]) -> Vec<Row> {
    let Bill { lines, list, due } = month(sweeps, QUEUES);
    let lines = lines.into_iter();
    let mut rows: Vec<Row> =
        lines.map(|line| Row::new(line.what, dollars(line.nano_dollars), "")).collect();
    rows.push(Row::new("a month of an idle cluster, list price", dollars(list), "$0.300"));
    rows.push(Row::new("less what every account has free", dollars(due), ""));
    rows
}

/// Bytes of a binary in a zip file, but for the file's own few.
fn packed(binary: &Path) -> Result<u64> {
    let bytes = fs::read(binary).with_context(|| format!("reading {}", binary.display()))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok(u64::try_from(encoder.finish()?.len())?)
}

/// From the start of the process until it asks for its first event, the one in the middle of some starts.
async fn started(binary: &Path) -> Result<Duration> {
    let asked = Rc::new(Notify::new());
    let ask = Rc::clone(&asked);
    let runtime = Server::open(async move |_| {
        ask.notify_one();
        // No event comes.
        pending().await
    });
    let runtime = runtime.await?;
    let mut took = Vec::new();
    for _ in 0..STARTS {
        let begin = Instant::now();
        let mut process = Command::new(binary)
            .env_clear()
            .envs(ENVIRONMENT)
            .env("AWS_LAMBDA_RUNTIME_API", runtime.url().trim_start_matches("http://"))
            .env("AWS_ACCESS_KEY_ID", OWNER.0)
            .env("AWS_SECRET_ACCESS_KEY", OWNER.1)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let came = timeout(STARTS_WITHIN, asked.notified()).await;
        took.push(begin.elapsed());
        came.with_context(|| format!("{} asks for nothing", binary.display()))?;
        process.kill().await?;
    }
    took.sort_unstable();
    Ok(percentile(&took, 50))
}

/// What Lambda and the template set. Nobody listens at port 1.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "function"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_REGION", "us-east-1"),
    ("JOINER_CLUSTER_NAME", "blue"),
    ("JOINER_CLUSTER_UID", "0b5f"),
    ("JOINER_CLUSTER_ENDPOINT", "https://127.0.0.1:1"),
    ("JOINER_CLUSTER_CA", include_str!("../../../../functions/bootstrap/tests/certificate.txt")),
    ("JOINER_SERVICE_CIDR", "10.100.0.0/16"),
];

/// A pass for one pod in a warm function, less the time in which AWS was asked: the one in the middle.
async fn pods(product: &Product) -> Result<Duration> {
    // Hints would begin passes of their own.
    product.forwarder.take().context("it runs")?.kill()?;
    let client = &product.stage.client;
    let mut took = Vec::new();
    for index in 0..PODS {
        let name = format!("pod-{index}");
        let mut spec = spec("500m", &json!({}));
        spec["containers"][0]["ports"] = json!([{ "containerPort": 8080, "hostPort": 8080 }]);
        let pod = json!({
            "apiVersion": "v1", "kind": POD.kind,
            "metadata": { "name": name, "namespace": APPS }, "spec": spec,
        });
        objects::create(client, &pod).await?;
        product
            .stage
            .until("the pod waits", async || {
                let pod = POD.get(client, Some(APPS), &name).await?;
                let pod: Value = pod.context("the pod is there")?;
                Ok(objects::condition(&pod, "PodScheduled") == Some("False"))
            })
            .await?;
        let launches = product.ec2.calls("RunInstances").len();
        let begin = Instant::now();
        product.invoke("provisioning").await?;
        let end = Instant::now();
        ensure!(launches < product.ec2.calls("RunInstances").len(), "{name} got no node");
        took.push((end - begin).saturating_sub(product.ec2.busy(begin, end)));
    }
    took.sort_unstable();
    Ok(percentile(&took, 50))
}
