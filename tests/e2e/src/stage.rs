//! Where one scenario plays: a control plane, an EC2 account beside it, and kubelets that come and go with its instances.

use crate::control_plane::{self, ControlPlane};
use crate::kubelet;
use crate::objects;
use crate::real_time::RealTime;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::{Api, Client};
use model::name::{InstanceId, NodeName};
use model::snapshot::{Policies, Settings};
use serde_json::json;
use sim::account::{Account, Occurrence};
use sim::kubelet::Paces;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Once;
use std::time::{Duration, Instant};
use tokio::runtime;
use tokio::task::LocalSet;
use tokio::time::sleep;

/// Instances whose kubelets are there after a second, so that a scenario is not mostly waiting.
pub const QUICK: Paces =
    Paces { runs_millis: (300, 600), joins_millis: (800, 1_200), terminated_millis: (500, 1_000) };

/// What a scenario waits for comes within seconds; on a machine that compiles at the same time it takes its time.
const LIMIT: Duration = Duration::from_mins(3);
/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(100);
/// Between two tries of a kubelet to register.
const REGISTER_AGAIN: Duration = Duration::from_millis(500);

/// The ceiling of a scenario's cluster (I8), far above what any of them needs, and twice what is measured.
const NODES_MAX: u32 = 10_000;

/// One scenario's world.
pub struct Stage {
    /// The control plane; borrowed while a component is killed or started.
    pub plane: RefCell<ControlPlane>,
    /// For the administrator.
    pub client: Client,
    /// EC2.
    pub cloud: RealTime,
    /// What functions are deployed with.
    pub settings: Settings,
    heard: Rc<Heard>,
}

/// What kubelets and EventBridge have told.
#[derive(Default)]
struct Heard {
    nodes: RefCell<BTreeMap<InstanceId, NodeName>>,
    announced: RefCell<Vec<String>>,
    registrations: Cell<usize>,
}

/// Plays a scenario on a stage of its own.
///
/// Without `RUN_SLOW_TESTS=1` it says so and is passed over.
///
/// # Panics
/// When the scenario fails, or there is nothing to play it on.
pub fn play(scenario: impl AsyncFnOnce(&Stage) -> Result<()>) {
    if !is_wanted() {
        return;
    }
    let result = on_this_thread(async {
        let stage = Stage::open(&[], QUICK).await?;
        scenario(&stage).await
    });
    if let Err(error) = result {
        panic!("{error:#}");
    }
}

/// Whether scenarios are to be played; if not, says why, once.
pub(crate) fn is_wanted() -> bool {
    static SAID: Once = Once::new();
    if env::var_os("RUN_SLOW_TESTS").is_some_and(|value| value == "1") {
        return true;
    }
    SAID.call_once(|| {
        let why = if control_plane::is_available() {
            "they take minutes; RUN_SLOW_TESTS=1 plays them, as .ci/run does"
        } else {
            "there is no Go to build a control plane with"
        };
        // Past the test runner, which would keep it to itself. A line that cannot be written is nothing to fail for.
        let _ = writeln!(io::stderr(), "scenarios on a real control plane are passed over: {why}");
    });
    false
}

/// Waits for what lives on one thread, as the simulated EC2 does.
///
/// # Errors
/// Those of what is waited for.
pub fn on_this_thread<T>(what: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, what)
}

impl Stage {
    /// Starts a control plane with these flags of `controlplane up`, and an EC2 at this pace.
    ///
    /// # Errors
    /// When the control plane does not come up.
    pub async fn open(flags: &[&str], paces: Paces) -> Result<Self> {
        let plane = ControlPlane::start(flags)?;
        let client = plane.client().await?;
        let system: Namespace = Api::all(client.clone()).get("kube-system").await?;
        let uid = system.metadata.uid.context("an object has a uid")?;
        let settings = Settings {
            cluster_name: "e2e".to_owned(),
            cluster_uid: uid.into(),
            nodes_max: NODES_MAX,
            spot_to_spot: false,
            node_repair: false,
            policies: Policies::default(),
        };
        let account = Account::new(1, Timestamp::now(), settings.clone(), paces);
        let cloud = RealTime::new(account);
        let heard = Rc::default();
        tokio::task::spawn_local(live(client.clone(), cloud.clone(), Rc::clone(&heard)));
        Ok(Self { plane: RefCell::new(plane), client, cloud, settings, heard })
    }

    /// A new namespace in which pods can be made.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn namespace(&self, name: &str) -> Result<()> {
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        objects::create(&self.client, &namespace).await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), name);
        self.until("the namespace has its default service account", async || {
            Ok(accounts.get_opt("default").await?.is_some())
        })
        .await
    }

    /// Waits until something holds.
    ///
    /// # Errors
    /// When it does not in a generous time, or cannot be looked at.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let begin = Instant::now();
        while !holds().await.with_context(|| what.to_owned())? {
            if LIMIT < begin.elapsed() {
                bail!("after {} s it still does not hold that {what}", LIMIT.as_secs());
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// The node that an instance has brought, once it has registered.
    pub fn node_of(&self, instance: &InstanceId) -> Option<NodeName> {
        self.heard.nodes.borrow().get(instance).cloned()
    }

    /// How many kubelets have registered.
    pub fn registrations(&self) -> usize {
        self.heard.registrations.get()
    }

    /// EC2's events since the last time, as JSON.
    pub fn announced(&self) -> Vec<String> {
        self.heard.announced.take()
    }
}

/// Kubelets come up and die, EventBridge's events are kept.
async fn live(client: Client, cloud: RealTime, heard: Rc<Heard>) {
    loop {
        match cloud.hear().await {
            Occurrence::Joins(booted) => {
                let (client, heard) = (client.clone(), Rc::clone(&heard));
                tokio::task::spawn_local(async move {
                    // A kubelet tries until it is let in.
                    while kubelet::register(&client, &booted).await.is_err() {
                        sleep(REGISTER_AGAIN).await;
                    }
                    let mut nodes = heard.nodes.borrow_mut();
                    nodes.insert(booted.instance.id.clone(), booted.node.clone());
                    heard.registrations.set(heard.registrations.get() + 1);
                });
            }
            Occurrence::Leaves(id) => {
                let node = heard.nodes.borrow_mut().remove(&id);
                let client = client.clone();
                tokio::task::spawn_local(async move {
                    let Some(node) = node else { return };
                    while kubelet::die(&client, &node).await.is_err() {
                        sleep(REGISTER_AGAIN).await;
                    }
                });
            }
            Occurrence::Announced(event) => heard.announced.borrow_mut().push(event),
        }
    }
}
