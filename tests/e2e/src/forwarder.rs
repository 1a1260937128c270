//! The forwarder as a process of its own, between the API server and a queue.

use crate::aws::OWNER;
use crate::chart::{FORWARDER, kubeconfig};
use crate::queue::Queue;
use crate::stage::Stage;
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running forwarder, with the rights that the chart gives it. It is killed when this is dropped.
#[derive(Debug)]
pub struct Forwarder {
    process: Child,
}

/// Where hints go.
#[derive(Clone, Debug)]
pub struct Queues {
    /// Where SQS' API is.
    pub endpoint: String,
    /// The URL of the queue for provisioning.
    pub provisioning: String,
    /// The URL of the queue for lifecycle.
    pub lifecycle: String,
}

impl Forwarder {
    /// Starts one.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn start(stage: &Stage, queue: &Queue) -> Result<Self> {
        let (endpoint, url) = (queue.endpoint(), queue.url());
        Self::sending_to(stage, &Queues { endpoint, provisioning: url.clone(), lifecycle: url })
    }

    /// Starts one that sends to these queues.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn sending_to(stage: &Stage, queues: &Queues) -> Result<Self> {
        let binary = binary("forwarder", "FORWARDER_BIN")?;
        let access = &stage.plane.borrow().access;
        let log = fs::File::create(access.dir.join("log").join("forwarder.log"))?;
        let process = Command::new(&binary)
            .env_clear()
            .env("KUBECONFIG", kubeconfig(&access.kubeconfig, FORWARDER)?)
            .env("JOINER_QUEUE_URL", &queues.provisioning)
            .env("JOINER_LIFECYCLE_QUEUE_URL", &queues.lifecycle)
            .env("JOINER_CLUSTER_NAME", &stage.settings.cluster_name)
            .env("JOINER_LISTEN", "127.0.0.1:0")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL_SQS", &queues.endpoint)
            .env("AWS_ACCESS_KEY_ID", OWNER.0)
            .env("AWS_SECRET_ACCESS_KEY", OWNER.1)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(log)
            .spawn();
        let process = process.with_context(|| format!("starting {}", binary.display()))?;
        Ok(Self { process })
    }

    /// Kills it with no time to say goodbye.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Bytes of it in memory now, and the most there have been.
    ///
    /// # Errors
    /// When it does not run any more.
    pub fn resident(&self) -> Result<Resident> {
        Resident::of(&self.process.id().to_string())
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        // Whoever has ended cannot be killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Memory of a process.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    /// Bytes in memory now.
    pub now: u64,
    /// The most bytes that there have been.
    pub peak: u64,
}

impl Resident {
    /// Of a process by its id, or of `self`.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(process: &str) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let amount = line.context("the kernel tells")?.trim();
            let kilobytes: u64 = amount.strip_suffix(" kB").unwrap_or(amount).parse()?;
            Ok(kilobytes * 1_024)
        };
        Ok(Self { now: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

/// The binary that a variable names, or the one of that name that was built beside this program.
///
/// # Errors
/// When there is none.
pub fn binary(name: &str, variable: &str) -> Result<PathBuf> {
    if let Some(binary) = env::var_os(variable).filter(|path| !path.is_empty()) {
        return Ok(binary.into());
    }
    let here = env::current_exe()?;
    // Tests lie one folder deeper than programs.
    let beside = here.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    let Some(found) = beside.into_iter().find(|path| path.is_file()) else {
        bail!("no {name} beside {}; cargo build --workspace --bins", here.display());
    };
    Ok(found)
}
