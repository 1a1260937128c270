//! The whole product: our template deployed to AWS on loopback, the functions' real binaries, the real forwarder, a real control
//! plane, and EC2 by its own protocol. Nothing of joiner runs inside the test.

use crate::authenticator::{Authenticator, Entries};
use crate::aws::{Aws, Stack};
use crate::ec2::Ec2;
use crate::forwarder::{self, Forwarder, Queues};
use crate::objects::{self, NODE_CLASS};
use crate::stage::{QUICK, Stage, is_wanted, on_this_thread};
use crate::workload::{APPS, node_class, pool};
use crate::{chart, objects::condition};
use anyhow::{Context, Result};
use kube::config::Kubeconfig;
use serde_json::{Value, json};
use sim::kubelet::Paces;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The functions that the template deploys.
pub(crate) const FUNCTIONS: [&str; 5] =
    ["catalog", "provisioning", "lifecycle", "disruption", "interruption"];

/// What a schedule's event is to a function.
fn scheduled() -> Value {
    json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} })
}

/// joiner, deployed.
pub struct Product {
    /// The cluster, and what EC2 is behind its protocol. Its fields end in this order: functions before what they call.
    pub forwarder: RefCell<Option<Forwarder>>,
    /// AWS but for EC2.
    pub aws: Aws,
    /// What was deployed there.
    pub stack: Stack,
    /// EC2.
    pub ec2: Ec2,
    /// The cluster.
    pub stage: Stage,
    /// Who may come into the cluster.
    _authenticator: Authenticator,
}

/// Plays a scenario with the whole product, furnished with a pool and a class.
///
/// Without `RUN_SLOW_TESTS=1` it says so and is passed over.
///
/// # Panics
/// When the scenario fails, or there is nothing to play it on.
pub fn play(scenario: impl AsyncFnOnce(&Product) -> Result<()>) {
    if !is_wanted() {
        return;
    }
    let result = on_this_thread(async {
        let product = Product::open(QUICK).await?;
        product.furnish().await?;
        scenario(&product).await
    });
    if let Err(error) = result {
        panic!("{error:#}");
    }
}

impl Product {
    /// Starts everything, at this pace of instances.
    ///
    /// # Errors
    /// When something does not come up.
    pub async fn open(paces: Paces) -> Result<Self> {
        let authenticator = Authenticator::open().await?;
        let flags = authenticator.flags();
        let stage = Stage::open(&flags.each_ref().map(String::as_str), paces).await?;
        chart::install(&stage).await?;

        let ec2 = Ec2::open(stage.client.clone(), stage.cloud.clone()).await?;
        let log = stage.plane.borrow().access.dir.join("log").join("aws.log");
        let aws = Aws::start(&log).await?;
        let stack = deploy(&stage, &aws, &ec2)?;
        ec2.set_profile(&stack.outputs["NodeInstanceProfileName"]);
        authenticator.set_entries(Entries {
            cluster: stage.settings.cluster_name.clone(),
            sts: aws.address().to_owned(),
            groups: stack.groups.clone(),
        });
        let product = Self {
            forwarder: RefCell::default(),
            aws,
            stack,
            ec2,
            stage,
            _authenticator: authenticator,
        };
        product.start_forwarder()?;
        Ok(product)
    }

    /// A class by which everything is found, a pool, and a namespace for pods; waits until the class is ready.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn furnish(&self) -> Result<()> {
        let client = &self.stage.client;
        let mut class = node_class();
        class["spec"]["role"] = json!(self.stack.outputs["NodeRoleName"]);
        objects::apply(client, &class).await?;
        objects::apply(client, &pool("default")).await?;
        self.stage.namespace(APPS).await?;
        self.invoke("catalog").await?;
        self.stage
            .until("the class is ready", async || {
                let class = NODE_CLASS.get(client, None, "default").await?;
                Ok(class.is_some_and(|class| condition(&class, "Ready") == Some("True")))
            })
            .await
    }

    /// Starts the forwarder, where there is none.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn start_forwarder(&self) -> Result<()> {
        let queues = Queues {
            endpoint: self.aws.endpoint(),
            provisioning: self.stack.outputs["QueueUrl"].clone(),
            lifecycle: self.stack.outputs["LifecycleQueueUrl"].clone(),
        };
        *self.forwarder.borrow_mut() = Some(Forwarder::sending_to(&self.stage, &queues)?);
        Ok(())
    }

    /// Calls a function as its schedule does, and waits for it.
    ///
    /// # Errors
    /// When it fails.
    pub async fn invoke(&self, function: &str) -> Result<Value> {
        self.aws.invoke(&self.stack.resources[&logical(function)], &scheduled()).await
    }

    /// Processes of a function, by what stands in their environment: its name, and in which AWS it runs.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn processes(&self, function: &str) -> Result<Vec<String>> {
        let name = &self.stack.resources[&logical(function)];
        let name = format!("AWS_LAMBDA_FUNCTION_NAME={name}");
        let home = format!("AWS_ENDPOINT_URL={}", self.aws.endpoint());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let entry = entry?;
            // A process that has ended meanwhile has no environment any more.
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let holds = |wanted: &str| {
                environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
            };
            if holds(&name) && holds(&home) {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        Ok(found)
    }

    /// EventBridge hears what EC2 has announced since the last time.
    ///
    /// # Errors
    /// When it does not take it.
    pub async fn deliver_events(&self) -> Result<()> {
        for event in self.stage.announced() {
            self.aws.put_event(&serde_json::from_str(&event)?).await?;
        }
        Ok(())
    }
}

/// A function's name in the template.
fn logical(function: &str) -> String {
    let mut logical = format!("{function}Function");
    logical[..1].make_ascii_uppercase();
    logical
}

fn deploy(stage: &Stage, aws: &Aws, ec2: &Ec2) -> Result<Stack> {
    let access = stage.plane.borrow().access.clone();
    let parameters = json!({
        "ClusterName": stage.settings.cluster_name,
        "ClusterUid": &*stage.settings.cluster_uid,
        "ClusterEndpoint": access.server,
        "ClusterCertificateAuthority": certificate_authority(&access.kubeconfig)?,
        "NodesMax": stage.settings.nodes_max.to_string(),
        "Namespace": chart::NAMESPACE,
        "Dashboard": "true",
        "EventBusName": "default",
    });
    let environment = json!({
        "AWS_ENDPOINT_URL_EC2": ec2.endpoint(), "AWS_ENDPOINT_URL_SSM": ec2.endpoint(),
    });
    aws.deploy(&parameters, &binaries()?, &environment)
}

fn certificate_authority(kubeconfig: &Path) -> Result<String> {
    let config = Kubeconfig::read_from(kubeconfig)?;
    let cluster = config.clusters.into_iter().find_map(|named| named.cluster);
    let authority = cluster.and_then(|cluster| cluster.certificate_authority_data);
    authority.context("the kubeconfig holds the certificate authority")
}

/// Where the functions' binaries are: `FUNCTIONS_BIN`, or beside this program.
pub(crate) fn binaries() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("FUNCTIONS_BIN").filter(|path| !path.is_empty()) {
        return Ok(folder.into());
    }
    let mut folder = PathBuf::new();
    for function in FUNCTIONS {
        let binary = forwarder::binary(function, "")?;
        binary.parent().context("a binary lies in a folder")?.clone_into(&mut folder);
    }
    Ok(folder)
}
