//! Requests to a real API server by kubectl, made as whom they should come from.

use crate::render::tool;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// An API server that the tests may change as they like.
#[derive(Debug)]
pub struct ApiServer {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
}

/// How long is waited for something that the API server does in a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(90);

impl ApiServer {
    /// The one that `JOINER_TEST_KUBECONFIG` names, by the kubectl that `KUBECTL` names.
    pub fn from_environment() -> Option<Self> {
        let (kubectl, kubeconfig) = (tool("KUBECTL")?, tool("JOINER_TEST_KUBECONFIG")?);
        Some(Self { kubectl, kubeconfig })
    }

    /// Runs kubectl as a function of joiner, or else as the cluster's admin.
    ///
    /// # Panics
    /// If kubectl cannot be started.
    pub fn run(&self, function: Option<&str>, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        if let Some(function) = function {
            command.arg(format!("--as=arn:aws:sts::111122223333:assumed-role/{function}/i"));
            command.arg(format!("--as-group=joiner:{function}"));
        }
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl can be started");
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        // A kubectl that reads nothing may have ended already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("kubectl ends")
    }

    /// What kubectl prints for the admin.
    ///
    /// # Panics
    /// If it fails.
    pub fn admin(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(None, arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {}: {said}", arguments.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What comes of a request: `ok`, `no right` (RBAC), or the sentence of the policy that refuses it.
    pub fn verdict(&self, function: &str, arguments: &[&str], input: &str) -> String {
        let output = self.run(Some(function), arguments, input);
        if output.status.success() {
            return "ok".to_owned();
        }
        let said = String::from_utf8_lossy(&output.stderr);
        match said.split_once("denied request: ") {
            Some((_, why)) => why.trim().to_owned(),
            None if said.contains(" cannot ") => "no right".to_owned(),
            None => said.trim().to_owned(),
        }
    }

    /// Waits for something to become so.
    ///
    /// # Panics
    /// If it does not.
    pub fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !is_so(self) {
            assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        }
    }
}
