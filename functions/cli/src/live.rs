//! A live cluster, looked at once through its API server. Nothing is changed in it.

use crate::catalogue::Catalogue;
use crate::failure::Failure;
use crate::plan::world::{self, World};
use clap::Args;
use jiff::Timestamp;
use kubernetes::client::{Client, Stored};
use model::labels;
use model::snapshot::{ClusterState, Scope};
use reconciler::chain::chain;
use reconciler::ports::ObserveError;
use std::env;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

/// Where no node or subnet tells which region it is, as for files.
pub(crate) const REGION: &str = "us-east-1";

/// Which cluster is looked at where no file is given.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The kubeconfig whose current context names the cluster; without it $KUBECONFIG, then ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The namespace of joiner's Helm chart, where its own objects are.
    #[arg(long, default_value = "joiner-system")]
    pub(crate) namespace: String,
}

/// A connection to a cluster.
pub(crate) struct Live {
    runtime: Runtime,
    pub(crate) client: Client,
}

/// What was seen of it at once.
pub(crate) struct Seen {
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    /// Who leads Karpenter's replicas, if it is at work.
    pub(crate) karpenter: Option<String>,
}

impl Server {
    /// Makes the connection. Nobody is called yet.
    pub(crate) fn connect(&self) -> Result<Live, Failure> {
        let path = self.kubeconfig.clone().or_else(usual_kubeconfig).ok_or_else(|| {
            let expected = "expected -f FILE, --kubeconfig FILE, $KUBECONFIG or ~/.kube/config";
            Failure::Input(format!("no cluster is named: {expected}"))
        })?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Run(format!("no runtime: {error}")))?;
        let client = runtime.block_on(Client::from_kubeconfig(&path, &self.namespace));
        let client = client.map_err(|error| {
            Failure::Input(
                chain(&error).chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
            )
        })?;
        Ok(Live { runtime, client })
    }
}

impl Live {
    /// Waits for an answer.
    pub(crate) fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, ObserveError>>,
    ) -> Result<T, Failure> {
        self.runtime.block_on(answer).map_err(|error| Failure::Run(chain(&error)))
    }

    /// Lets some time pass before the next look.
    pub(crate) fn pause(&self, time: Duration) {
        self.runtime.block_on(async { sleep(time).await });
    }

    /// Looks at the whole cluster, and at what there is to buy for it: in a catalogue that is named, or in the region that is
    /// named or that nodes are in.
    pub(crate) fn look(
        &self,
        region: Option<&str>,
        named: Option<Catalogue>,
    ) -> Result<Seen, Failure> {
        let now = Timestamp::now();
        let (cluster, karpenter) = self.wait(self.client.look(Scope::Everything))?;
        let mut notes = Vec::new();
        notes.extend(karpenter.as_ref().map(|holder| {
            format!("Karpenter is at work in this cluster (leader {holder}): joiner does nothing beside it")
        }));
        let catalogue = match named {
            Some(named) => named,
            None => self.catalogue((region, &cluster), &mut notes)?,
        };
        let world = world::of_live(cluster, catalogue, notes)?;
        Ok(Seen { world, now, karpenter })
    }

    /// The catalogue that the cluster keeps, or the built-in one and a note.
    fn catalogue(
        &self,
        (region, cluster): (Option<&str>, &ClusterState),
        notes: &mut Vec<String>,
    ) -> Result<Catalogue, Failure> {
        let region = region.map(ToOwned::to_owned).or_else(|| region_of(cluster));
        let region = region.unwrap_or_else(|| {
            notes.push(format!("no node or subnet tells the region, assumed {REGION}"));
            REGION.to_owned()
        });
        let stored = match self.wait(self.client.catalogue(None))? {
            Stored::New { packed, .. } => {
                Catalogue::stored(&packed, &region).map_err(|error| chain(&error))
            }
            Stored::Nothing | Stored::AsKnown => Err("is not there".to_owned()),
        };
        stored.or_else(|why| {
            let built_in = "instance types and prices are those that are built in";
            notes.push(format!("ConfigMap joiner-catalog: {why}: {built_in}"));
            Catalogue::builtin(&region)
        })
    }
}

/// The first file that `kubectl` would read.
fn usual_kubeconfig() -> Option<PathBuf> {
    let named = env::var_os("KUBECONFIG");
    let named =
        named.and_then(|all| env::split_paths(&all).find(|path| !path.as_os_str().is_empty()));
    let at_home = || {
        let home = env::var_os("HOME").filter(|home| !home.is_empty())?;
        let path = PathBuf::from(home).join(".kube/config");
        path.exists().then_some(path)
    };
    named.or_else(at_home)
}

/// The region that nodes say they are in, or that subnets' zones belong to: a zone is a region and a letter.
fn region_of(cluster: &ClusterState) -> Option<String> {
    let of_nodes = cluster.nodes.iter().find_map(|node| node.labels.get(labels::REGION));
    let subnets = cluster.node_classes.iter().flat_map(|class| &class.subnets);
    let of_zones =
        subnets.map(|subnet| subnet.zone.trim_end_matches(|c: char| c.is_ascii_lowercase()));
    let of_zones = of_zones.filter(|region| region.ends_with(|c: char| c.is_ascii_digit()));
    of_nodes.map(ToString::to_string).or_else(|| of_zones.map(ToOwned::to_owned).next())
}
