//! What joiner's Helm chart puts into a cluster: definitions, rights of the functions, policies.

use crate::definitions;
use crate::objects;
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use chart::render::objects as rendered;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::Api;
use kube::api::PostParams;
use kube::config::Kubeconfig;
use serde_json::json;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub use chart::render::NAMESPACE;

/// The process in the cluster.
pub const FORWARDER: &str = "forwarder";

/// The functions that act; each has a group of its name in the chart.
const FUNCTIONS: [&str; 4] = ["provisioning", "lifecycle", "disruption", "interruption"];

/// Installs the chart but for the forwarder's Deployment, whose image nobody has here, and waits until the functions' rights
/// are in force.
///
/// # Errors
/// When there is no Helm, or the API server refuses.
pub async fn install(stage: &Stage) -> Result<()> {
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    objects::apply(&stage.client, &namespace).await?;
    definitions::install_ours(stage).await?;
    for object in rendered(helm()?, "minimal") {
        match object["kind"].as_str() {
            Some("CustomResourceDefinition" | "Deployment") => {}
            Some(_) | None => {
                objects::apply(&stage.client, &object).await?;
            }
        }
    }
    for function in FUNCTIONS {
        let what = format!("{function} has its rights");
        stage.until(&what, async || has_rights(stage, function).await).await?;
    }
    Ok(())
}

/// Whether both roles of a function are known to the API server's authorizer, which hears of them after a moment.
async fn has_rights(stage: &Stage, function: &str) -> Result<bool> {
    let reviews: Api<SubjectAccessReview> = Api::all(stage.client.clone());
    let cluster = json!({ "verb": "list", "resource": "nodes" });
    let own = json!({
        "verb": "patch", "resource": "configmaps", "name": "joiner-state", "namespace": NAMESPACE,
    });
    for attributes in [cluster, own] {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": {
                "user": user(function), "groups": [group(function)],
                "resourceAttributes": attributes,
            },
        });
        let asked = reviews.create(&PostParams::default(), &serde_json::from_value(review)?).await;
        if !asked?.status.context("a review has an answer")?.allowed {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A kubeconfig by which requests are a function's or the forwarder's: the administrator's, acting as it. Beside that one.
///
/// # Errors
/// When the administrator's cannot be read.
pub fn kubeconfig(admins: &Path, name: &str) -> Result<PathBuf> {
    let mut config = Kubeconfig::read_from(admins)?;
    for named in &mut config.auth_infos {
        let info = named.auth_info.as_mut().context("a user has credentials")?;
        info.impersonate = Some(user(name));
        info.impersonate_groups = Some(vec![group(name)]);
    }
    let path = admins.with_file_name(format!("{name}.kubeconfig"));
    fs::write(&path, serde_json::to_vec(&config)?)?;
    Ok(path)
}

/// The forwarder is a service account; a function is named by EKS as whoever has taken on its role.
fn user(name: &str) -> String {
    match name {
        FORWARDER => format!("system:serviceaccount:{NAMESPACE}:joiner-forwarder"),
        function => format!("arn:aws:sts::111122223333:assumed-role/{function}/i"),
    }
}

fn group(name: &str) -> String {
    match name {
        FORWARDER => format!("system:serviceaccounts:{NAMESPACE}"),
        function => format!("joiner:{function}"),
    }
}

/// The Helm that `HELM` names, or the one that the chart's own checks use.
fn helm() -> Result<&'static Path> {
    static HELM: OnceLock<PathBuf> = OnceLock::new();
    if let Some(helm) = HELM.get() {
        return Ok(helm);
    }
    let found = match env::var_os("HELM").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => get_helm()?,
    };
    Ok(HELM.get_or_init(|| found))
}

fn get_helm() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/charts/check.sh");
    let got = Command::new(&script).arg("--tools").stderr(Stdio::inherit()).output();
    let got = got.with_context(|| format!("running {}", script.display()))?;
    ensure!(got.status.success(), "{} failed ({})", script.display(), got.status);
    let text = String::from_utf8(got.stdout).context("reading where Helm is")?;
    let helm = text.lines().find_map(|line| line.strip_prefix("export HELM="));
    Ok(helm.context("it prints where Helm is")?.into())
}
