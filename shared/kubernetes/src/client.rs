//! The API server as a port: reads by scope, changes on conditions.
//!
//! Reads take what is slim of each object and drop the rest page by page. Changes name the object that is meant by its
//! uid, and the version where that matters. Nothing is tried again here that the shell would have to know about.

mod catalogue;
mod change;
mod claims;
mod classes;
mod conditions;
mod connect;
mod diff;
mod events;
mod format;
mod held;
mod inspect;
mod kinds;
mod lease;
mod list;
mod memory;
mod nodes;
mod observe;
mod outcome;
mod pods;
mod pools;
mod select;
mod selector;
mod token;
mod version;
mod wire;

pub use catalogue::Stored;
pub use connect::{ConnectError, Eks};
pub use inspect::{Access, Installed, Replicas};
pub use wire::Traffic;

use crate::resource::{NODE_CLAIMS, NODES, Resource};
use change::Target;
use events::Recorded;
use futures_util::future::try_join;
use held::Held;
use jiff::Timestamp;
use model::action::{ClusterAction, Event};
use model::claim::NodeClaim;
use model::labels::TERMINATION_FINALIZER;
use model::name::{ObjectName, Uid};
use model::node_class::NodeClass;
use model::node_class::status::ClassStatus;
use model::outcome::Outcome;
use model::snapshot::{ClusterState, Scope};
use observe::Cache;
use reconciler::ports::{Cluster, ObserveError};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use wire::Wire;

/// The cluster behind an API server. Built once for a process, inside a tokio runtime; it keeps what it has read and
/// catches up in the next pass.
pub struct Client {
    wire: Wire,
    home: Home,
    cache: Mutex<Cache>,
    recorded: Recorded,
}

/// Where joiner's own objects live.
struct Home {
    namespace: String,
}

impl Home {
    fn path(&self, resource: &Resource, name: &str) -> String {
        resource.named_within(&self.namespace, name)
    }
}

impl Client {
    /// A client by the current context of a kubeconfig; joiner's own objects are in the namespace.
    ///
    /// # Errors
    /// When the file cannot be used. The API server is not called.
    pub async fn from_kubeconfig(path: &Path, namespace: &str) -> Result<Self, ConnectError> {
        Ok(Self::new(connect::by_kubeconfig(path).await?, namespace))
    }

    /// A client by the service account of the pod that this runs in.
    ///
    /// # Errors
    /// When this is no pod.
    pub fn in_cluster(namespace: &str) -> Result<Self, ConnectError> {
        Ok(Self::new(connect::in_cluster()?, namespace))
    }

    /// A client of an EKS cluster, by tokens that are made here.
    ///
    /// # Errors
    /// When endpoint or certificate authority cannot be used. Nothing is called.
    pub async fn for_eks(eks: &Eks, namespace: &str) -> Result<Self, ConnectError> {
        Ok(Self::new(connect::by_eks(eks).await?, namespace))
    }

    fn new(wire: Wire, namespace: &str) -> Self {
        let home = Home { namespace: namespace.to_owned() };
        Self { wire, home, cache: Mutex::default(), recorded: Recorded::default() }
    }

    /// What has been exchanged with the API server so far.
    pub fn traffic(&self) -> Traffic {
        self.wire.traffic()
    }

    /// Reads as much as the scope says, for those who only look: they may beside Karpenter. Also says who leads Karpenter's
    /// replicas, if it is at work.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn look(&self, scope: Scope) -> Result<(ClusterState, Option<String>), ObserveError> {
        // While it is out, another pass reads all anew; a pass that is given up leaves nothing half done behind.
        let mut cache =
            std::mem::take(&mut *self.cache.lock().unwrap_or_else(PoisonError::into_inner));
        let now = Timestamp::now();
        let pass = observe::observe(&self.wire, &self.home, &mut cache, (scope, now));
        let read = try_join(Box::pin(pass), lease::karpenter(&self.wire, now)).await;
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = cache;
        read.map_err(outcome::of_reading)
    }

    /// All EC2NodeClasses that can be read, in the order of their names.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn node_classes(&self) -> Result<Vec<Arc<NodeClass>>, ObserveError> {
        self.followed(|cache| &mut cache.classes, &kinds::CLASS).await
    }

    /// All objects of one kind.
    async fn followed<T>(
        &self,
        held: impl Fn(&mut Cache) -> &mut Held<T>,
        kind: &kinds::Kind<T>,
    ) -> Result<Vec<Arc<T>>, ObserveError> {
        let mut cache =
            std::mem::take(&mut *self.cache.lock().unwrap_or_else(PoisonError::into_inner));
        let read = held(&mut cache).follow(&self.wire, kind, Timestamp::now()).await;
        let objects = held(&mut cache).objects();
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = cache;
        read.map_err(outcome::of_reading)?;
        Ok(objects)
    }

    /// Kubernetes' version as images are named by it, such as `1.34`.
    ///
    /// # Errors
    /// When the API server does not answer, refuses, or tells something else.
    pub async fn version(&self) -> Result<String, ObserveError> {
        let body = self.wire.get("/version").await.map_err(outcome::of_reading)?;
        version::read(&body).map_err(outcome::of_reading)
    }

    /// Writes what a class came to into its status, and its hash beside it, where that does not stand there yet. The class
    /// has to be of the generation that was looked at.
    pub async fn set_class_status(&self, class: &NodeClass, status: &ClassStatus) -> Outcome {
        classes::set_status((&self.wire, &self.recorded), class, status, Timestamp::now()).await
    }

    /// All NodeClaims that can be read, in the order of their names.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn claims(&self) -> Result<Vec<Arc<NodeClaim>>, ObserveError> {
        self.followed(|cache| &mut cache.claims, &kinds::CLAIM).await
    }

    /// Takes our finalizer off a class, so that its deletion comes to an end.
    pub async fn release_class(&self, class: &NodeClass) -> Outcome {
        classes::release(&self.wire, class).await
    }

    /// The catalogue that is stored, unless it is of the version that is known.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn catalogue(&self, known: Option<&str>) -> Result<Stored, ObserveError> {
        catalogue::read(&self.wire, &self.home, known).await.map_err(outcome::of_reading)
    }

    /// Whether a catalogue is stored.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn has_catalogue(&self) -> Result<bool, ObserveError> {
        catalogue::is_there(&self.wire, &self.home).await.map_err(outcome::of_reading)
    }

    /// Stores a catalogue, over the version that was seen or where nothing was.
    pub async fn set_catalogue(&self, over: Option<&str>, packed: &[u8]) -> Outcome {
        catalogue::write(&self.wire, &self.home, over, packed).await
    }

    /// Forgets what was read, as if the process had just begun.
    pub fn forget(&self) {
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Cache::default();
    }

    /// The uid of an object of which the last pass told.
    fn known_uid(&self, event: &Event) -> Option<Uid> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let name: &ObjectName = &event.object;
        match &*event.kind {
            "Node" => cache.nodes.named(name).map(|node| node.uid.clone()),
            "NodeClaim" => cache.claims.named(name).map(|claim| claim.uid.clone()),
            "NodePool" => cache.pools.named(name).map(|pool| pool.uid.clone()),
            "EC2NodeClass" => cache.classes.named(name).map(|class| class.uid.clone()),
            _ => None,
        }
    }
}

impl Cluster for Client {
    async fn observe(&self, scope: Scope) -> Result<ClusterState, ObserveError> {
        match self.look(scope).await? {
            (state, None) => Ok(state),
            (_, Some(holder)) => Err(ObserveError::Karpenter { holder }),
        }
    }

    async fn apply(&self, action: &ClusterAction) -> Outcome {
        let (wire, home, now) = (&self.wire, &self.home, Timestamp::now());
        match action {
            ClusterAction::CreateClaim(new) => claims::create(wire, new).await,
            ClusterAction::UpdateClaim { claim, uid, resource_version, change } => {
                let path = NODE_CLAIMS.named(claim);
                let target = Target { path: &path, uid, version: *resource_version };
                claims::update((wire, &self.recorded), target, change, now).await
            }
            ClusterAction::DeleteClaim { claim, uid, reason: _ } => {
                let path = NODE_CLAIMS.named(claim);
                change::delete(wire, Target { path: &path, uid, version: None }, None).await
            }
            ClusterAction::ReleaseClaim { claim, uid } => {
                let path = NODE_CLAIMS.named(claim);
                let target = Target { path: &path, uid, version: None };
                change::release(wire, target, TERMINATION_FINALIZER).await
            }
            ClusterAction::UpdateNode { node, uid, resource_version, change } => {
                let path = NODES.named(node);
                let target = Target { path: &path, uid, version: *resource_version };
                nodes::update(wire, target, change).await
            }
            ClusterAction::DeleteNode { node, uid } => {
                let path = NODES.named(node);
                change::delete(wire, Target { path: &path, uid, version: None }, None).await
            }
            ClusterAction::ReleaseNode { node, uid } => {
                let path = NODES.named(node);
                let target = Target { path: &path, uid, version: None };
                change::release(wire, target, TERMINATION_FINALIZER).await
            }
            ClusterAction::UpdatePool { pool, uid, status } => {
                pools::set_status((wire, &self.recorded), (pool, uid), status, now).await
            }
            ClusterAction::EvictPod { pod, uid, reason } => {
                pods::evict((wire, &self.recorded), (pod, uid), reason, now).await
            }
            ClusterAction::DeletePod { pod, uid, grace } => {
                pods::delete(wire, (pod, uid), *grace).await
            }
            ClusterAction::Remember(change) => memory::remember(wire, home, change).await,
            ClusterAction::AcquireLease { holder, lasts } => {
                lease::acquire(wire, home, (holder, now + *lasts), now).await
            }
            ClusterAction::ReleaseLease { holder } => lease::release(wire, home, holder).await,
            ClusterAction::RecordEvent(event) => {
                let uid = self.known_uid(event);
                events::record((wire, &self.recorded), event, uid.as_ref(), now).await
            }
        }
    }
}
