//! etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok as processes of one's own, on loopback.

use anyhow::{Context, Result, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::Deserialize;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running control plane. It ends, and its folder with it, when this is dropped or this process ends, however it ends:
/// its word to stop is the end of its standard input.
#[derive(Debug)]
pub struct ControlPlane {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where it is and how to get in.
    pub access: Access,
}

/// What `controlplane up` tells when everything is ready.
#[derive(Clone, Debug, Deserialize)]
pub struct Access {
    /// The administrator's.
    pub kubeconfig: PathBuf,
    /// URL of the API server.
    pub server: String,
    /// URL of etcd, which asks for no proof of who calls.
    pub etcd: String,
    /// State, keys, and a log for each component in `log/`.
    pub dir: PathBuf,
    /// From its start until everything was ready, in milliseconds.
    pub ready_ms: u64,
}

/// One component that can be killed and started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The API server; its address stays the same.
    ApiServer,
    /// kwok: the kubelets.
    Kwok,
}

#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
}

impl Component {
    const fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::Kwok => "kwok",
        }
    }
}

impl ControlPlane {
    /// Starts one and waits until it is ready. The flags are those of `controlplane up`.
    ///
    /// # Errors
    /// When the binary is neither there nor can be built, or a component does not come up.
    pub fn start(flags: &[&str]) -> Result<Self> {
        let binary = binary()?;
        let mut process = Command::new(&binary)
            .arg("up")
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let orders = process.stdin.take();
        let stdout = process.stdout.take().context("its standard output is a pipe")?;
        let mut answers = BufReader::new(stdout);
        let access = read(&mut answers).context("the control plane did not get ready")?;
        Ok(Self { process, orders, answers, access })
    }

    /// Kills a component with no time to say goodbye, and waits until it is gone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self, component: Component) -> Result<()> {
        self.order("kill", component)
    }

    /// Starts a killed component again, and waits until it runs, or serves in the API server's case.
    ///
    /// # Errors
    /// When it runs already or does not come up.
    pub fn start_again(&mut self, component: Component) -> Result<()> {
        self.order("start", component)
    }

    /// A client for the administrator. An answer of 429 is an answer: kube would try an eviction again for minutes.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read.
    pub async fn client(&self) -> Result<Client> {
        let kubeconfig = Kubeconfig::read_from(&self.access.kubeconfig)?;
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        config.default_retry = false;
        Ok(Client::try_from(config)?)
    }

    fn order(&mut self, verb: &str, component: Component) -> Result<()> {
        let order = format!("{verb} {}", component.name());
        let orders = self.orders.as_mut().context("the control plane is stopping")?;
        writeln!(orders, "{order}").with_context(|| format!("ordering {order:?}"))?;
        let answer: Answer = read(&mut self.answers).with_context(|| order.clone())?;
        match answer.error {
            Some(error) => bail!("{order}: {error}"),
            None => Ok(()),
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        drop(self.orders.take());
        // It kills its children and takes its folder away; there is nobody to tell if that failed.
        let _ = self.process.wait();
    }
}

fn read<T: for<'a> Deserialize<'a>>(answers: &mut BufReader<ChildStdout>) -> Result<T> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    if line.is_empty() {
        bail!("it ended; what it said stands above");
    }
    serde_json::from_str(&line).with_context(|| format!("reading {line:?}"))
}

/// The binary that `CONTROLPLANE_BIN` names, or the cached one of `tests/controlplane`, or a new build of it.
fn binary() -> Result<PathBuf> {
    if let Some(binary) = env::var_os("CONTROLPLANE_BIN") {
        return Ok(binary.into());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../controlplane/build.sh");
    let built = Command::new(&script)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("running {}", script.display()))?;
    if !built.status.success() {
        bail!("{} failed ({}); what it said stands above", script.display(), built.status);
    }
    let folder =
        String::from_utf8(built.stdout).context("reading the name of the build's folder")?;
    Ok(Path::new(folder.trim()).join("controlplane"))
}

/// Whether there is a binary, or a Go to build one with.
pub fn is_available() -> bool {
    let has_go = || Command::new("go").arg("version").stdout(Stdio::null()).status().is_ok();
    env::var_os("CONTROLPLANE_BIN").is_some() || has_go()
}
