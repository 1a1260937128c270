//! Reading the cluster, as much of it as the scope says.

use super::Home;
use super::held::Held;
use super::kinds::{self, Item, Kind, Namespace};
use super::list;
use super::memory;
use super::select::{Meant, nodes_to_read};
use super::wire::{Failure, Wire};
use futures_util::future::{try_join, try_join4, try_join5};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use http::StatusCode;
use jiff::Timestamp;
use model::claim::NodeClaim;
use model::labels::Labels;
use model::memory::Memory;
use model::name::{NodeName, ObjectName, Text, Uid};
use model::node::Node;
use model::node_class::NodeClass;
use model::pod::Pod;
use model::pool::NodePool;
use model::snapshot::{ClusterState, DaemonSet, PodDisruptionBudget, Scope};
use model::volume::{CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many reads are under way at once. The API server serves some hundreds a second to one client by its default
/// fairness, and each takes a few ms.
const READS_AT_ONCE: usize = 20;

/// Pods that are bound and have not ended.
const BOUND: &str = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed";

/// What a warm process holds: what is read whole in each pass. Pods are not among it.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) nodes: Held<Node>,
    pub(super) claims: Held<NodeClaim>,
    pub(super) pools: Held<NodePool>,
    pub(super) classes: Held<NodeClass>,
    daemon_sets: Held<DaemonSet>,
    budgets: Held<PodDisruptionBudget>,
    namespaces: Held<Namespace>,
    storage_classes: Held<StorageClass>,
    csi_nodes: Held<CsiNode>,
    cluster_uid: Option<Uid>,
}

/// What is read anew in each pass.
#[derive(Default)]
struct Read {
    pods: BTreeMap<ObjectName, Arc<Pod>>,
    volumes: BTreeMap<ObjectName, Arc<PersistentVolume>>,
    volume_claims: BTreeMap<ObjectName, Arc<PersistentVolumeClaim>>,
    unreadable: BTreeSet<String>,
}

/// How a pass reads.
#[derive(Clone, Copy)]
struct Reader<'a> {
    wire: &'a Wire,
    home: &'a Home,
    scope: Scope,
    now: Timestamp,
}

/// Reads as much as the scope says.
pub(super) async fn observe(
    wire: &Wire,
    home: &Home,
    cache: &mut Cache,
    (scope, now): (Scope, Timestamp),
) -> Result<ClusterState, Failure> {
    let reader = Reader { wire, home, scope, now };
    let (items, (memory, unreadable)) = Box::pin(reader.at_once(cache)).await?;
    let mut read = Read::default();
    read.unreadable.extend(unreadable);
    read.take_pods(items);
    let (nodes, claims) = (cache.nodes.objects(), cache.claims.objects());
    let pods_known_on = nodes_to_read(scope, &nodes, &claims, now);
    read.take_pods(reader.pods_on(&pods_known_on).await?);
    let namespaces: BTreeMap<Text, Labels> = match scope {
        Scope::Going => BTreeMap::new(),
        Scope::Pending | Scope::Everything => {
            let all = cache.namespaces.objects().into_iter();
            all.map(|one| (one.name.clone(), one.labels.clone())).collect()
        }
    };
    match scope {
        Scope::Going => {}
        Scope::Pending => reader.pending(cache, &mut read, &namespaces).await?,
        Scope::Everything => {
            let volumes = reader.all(&kinds::VOLUME);
            let (volumes, claims) = try_join(volumes, reader.all(&kinds::VOLUME_CLAIM)).await?;
            take(&mut read.volumes, &mut read.unreadable, volumes);
            take(&mut read.volume_claims, &mut read.unreadable, claims);
        }
    }
    read.unreadable.extend(cache.unreadable(scope));
    let budgets = if scope == Scope::Pending { Vec::new() } else { cache.budgets.objects() };
    let of_placement = scope != Scope::Going;
    Ok(ClusterState {
        scope,
        cluster_uid: cache.cluster_uid.clone().unwrap_or_else(|| "".into()),
        pods_known_on,
        pods: read.pods.into_values().collect(),
        nodes,
        claims,
        pools: cache.pools.objects(),
        node_classes: cache.classes.objects(),
        daemon_sets: if of_placement { cache.daemon_sets.objects() } else { Vec::new() },
        pod_disruption_budgets: budgets,
        namespaces,
        persistent_volumes: read.volumes.into_values().collect(),
        persistent_volume_claims: read.volume_claims.into_values().collect(),
        storage_classes: if of_placement { cache.storage_classes.objects() } else { Vec::new() },
        csi_nodes: if of_placement { cache.csi_nodes.objects() } else { Vec::new() },
        memory,
        unreadable: read.unreadable.into_iter().collect(),
    })
}

impl Cache {
    fn unreadable(&self, scope: Scope) -> Vec<String> {
        let Self { nodes, claims, pools, classes, daemon_sets, budgets, .. } = self;
        let always = nodes.unreadable().chain(claims.unreadable()).chain(pools.unreadable());
        let always = always.chain(classes.unreadable());
        let placement = daemon_sets.unreadable().chain(self.namespaces.unreadable());
        let placement = placement.chain(self.storage_classes.unreadable());
        let placement = placement.chain(self.csi_nodes.unreadable());
        match scope {
            Scope::Pending => always.chain(placement).cloned().collect(),
            Scope::Going => always.chain(budgets.unreadable()).cloned().collect(),
            Scope::Everything => {
                always.chain(placement).chain(budgets.unreadable()).cloned().collect()
            }
        }
    }
}

impl Read {
    /// A pod that was read twice, before and after it was bound, is the later one.
    fn take_pods(&mut self, items: Vec<Item<Pod>>) {
        for (name, pod) in items {
            match pod {
                Ok(pod) => {
                    let present = self.pods.get(&name);
                    if present.is_none_or(|old| old.resource_version < pod.resource_version) {
                        self.pods.insert(name, pod);
                    }
                }
                Err(line) => {
                    self.unreadable.insert(line);
                }
            }
        }
    }
}

fn take<T>(
    all: &mut BTreeMap<ObjectName, Arc<T>>,
    unreadable: &mut BTreeSet<String>,
    items: Vec<Item<T>>,
) {
    for (name, object) in items {
        match object {
            Ok(object) => {
                all.insert(name, object);
            }
            Err(line) => {
                unreadable.insert(line);
            }
        }
    }
}

impl Reader<'_> {
    /// What does not depend on anything else that is read: all of it at once.
    async fn at_once(
        self,
        cache: &mut Cache,
    ) -> Result<(Vec<Item<Pod>>, (Memory, Vec<String>)), Failure> {
        let Self { wire, home, scope, now } = self;
        let Cache { nodes, claims, pools, classes, cluster_uid, .. } = cache;
        let Cache { daemon_sets, budgets, namespaces, storage_classes, csi_nodes, .. } = cache;
        let always = try_join5(
            nodes.follow(wire, &kinds::NODE, now),
            claims.follow(wire, &kinds::CLAIM, now),
            pools.follow(wire, &kinds::POOL, now),
            classes.follow(wire, &kinds::CLASS, now),
            self.cluster_uid(cluster_uid),
        );
        let placement = async {
            if scope == Scope::Going {
                return Ok(());
            }
            let daemon_sets = daemon_sets.follow(wire, &kinds::DAEMON_SET, now);
            let namespaces = namespaces.follow(wire, &kinds::NAMESPACE, now);
            let classes = storage_classes.follow(wire, &kinds::STORAGE_CLASS, now);
            try_join4(daemon_sets, namespaces, classes, async {
                // Otherwise they are read when a pod has volumes.
                if scope == Scope::Everything {
                    csi_nodes.follow(wire, &kinds::CSI_NODE, now).await?;
                }
                Ok(())
            })
            .await
            .map(|_| ())
        };
        let budgets = async {
            if scope != Scope::Pending {
                budgets.follow(wire, &kinds::BUDGET, now).await?;
            }
            Ok(())
        };
        let pods = async {
            match scope {
                Scope::Going => Ok(Vec::new()),
                Scope::Everything => self.all(&kinds::POD).await,
                Scope::Pending => {
                    let unbound = [("fieldSelector", "spec.nodeName=")];
                    self.list(&kinds::POD, None, &unbound).await
                }
            }
        };
        let memory = memory::read(wire, home);
        let (_, (), (), pods, memory) =
            Box::pin(try_join5(always, placement, budgets, pods, memory)).await?;
        Ok((pods, memory))
    }

    /// The uid of the namespace `kube-system`. It never changes: the namespace cannot be deleted.
    async fn cluster_uid(self, known: &mut Option<Uid>) -> Result<(), Failure> {
        if known.is_none() {
            let path = kinds::NAMESPACE.resource.named("kube-system");
            let body = self.wire.get(&path).await?;
            let (_, namespace) = kinds::NAMESPACE.item(&String::from_utf8_lossy(&body), self.now);
            *known = Some(namespace.map_err(Failure::Lost)?.uid.clone());
        }
        Ok(())
    }

    async fn all<T>(self, kind: &Kind<T>) -> Result<Vec<Item<T>>, Failure> {
        self.list(kind, None, &[]).await
    }

    async fn list<T>(
        self,
        kind: &Kind<T>,
        namespace: Option<&str>,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<Item<T>>, Failure> {
        let path = namespace
            .map_or_else(|| kind.resource.all(), |namespace| kind.resource.within(namespace));
        Ok(list::list(self.wire, kind, (&path, parameters), self.now).await?.items)
    }

    /// One object, if it is there.
    async fn one<T>(self, kind: &Kind<T>, path: String) -> Result<Option<Item<T>>, Failure> {
        match self.wire.get(&path).await {
            Ok(body) => Ok(Some(kind.item(&String::from_utf8_lossy(&body), self.now))),
            Err(failure) if failure.is(StatusCode::NOT_FOUND) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All pods of these nodes.
    async fn pods_on(self, nodes: &BTreeSet<NodeName>) -> Result<Vec<Item<Pod>>, Failure> {
        let lists = stream::iter(nodes).map(|node| async move {
            let on_node = format!("spec.nodeName={node}");
            self.list(&kinds::POD, None, &[("fieldSelector", &*on_node)]).await
        });
        lists.buffer_unordered(READS_AT_ONCE).try_concat().await
    }

    /// What pods that wait, or were just bound, have to do with.
    async fn pending(
        self,
        cache: &mut Cache,
        read: &mut Read,
        namespaces: &BTreeMap<Text, Labels>,
    ) -> Result<(), Failure> {
        let meant: BTreeSet<Meant> =
            read.pods.values().flat_map(|pod| Meant::all_of(pod).collect::<Vec<_>>()).collect();
        let (found, (claims, volumes)) =
            try_join(self.meant_by(&meant, namespaces), self.volumes_of(cache, &read.pods)).await?;
        read.take_pods(found);
        take(&mut read.volume_claims, &mut read.unreadable, claims);
        take(&mut read.volumes, &mut read.unreadable, volumes);
        Ok(())
    }

    /// The bound pods that constraints mean.
    async fn meant_by(
        self,
        meant: &BTreeSet<Meant>,
        namespaces: &BTreeMap<Text, Labels>,
    ) -> Result<Vec<Item<Pod>>, Failure> {
        let lists: BTreeSet<(Option<Text>, String)> =
            meant.iter().flat_map(|meant| meant.lists(namespaces)).collect();
        let lists = stream::iter(lists).map(|(namespace, selector)| async move {
            let parameters = [("labelSelector", &*selector), ("fieldSelector", BOUND)];
            self.list(&kinds::POD, namespace.as_deref(), &parameters).await
        });
        let found: Vec<Item<Pod>> = lists.buffer_unordered(READS_AT_ONCE).try_concat().await?;
        let is_meant = |pod: &Pod| meant.iter().any(|meant| meant.means(pod, namespaces));
        let is_wanted = |(_, pod): &Item<Pod>| pod.as_ref().map_or(true, |pod| is_meant(pod));
        Ok(found.into_iter().filter(is_wanted).collect())
    }

    /// The volumes of these pods: their claims, and what these are bound to.
    async fn volumes_of(
        self,
        cache: &mut Cache,
        pods: &BTreeMap<ObjectName, Arc<Pod>>,
    ) -> Result<(Vec<Item<PersistentVolumeClaim>>, Vec<Item<PersistentVolume>>), Failure> {
        let names = pods.values().flat_map(|pod| {
            let namespace = &pod.name.namespace;
            let claims = pod.volume_claims.iter();
            claims.map(|claim| ObjectName::new(Arc::clone(namespace), Arc::clone(&claim.name)))
        });
        let names: BTreeSet<ObjectName> = names.collect();
        if names.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let claims = stream::iter(names).map(|ObjectName { namespace, name }| {
            let path = kinds::VOLUME_CLAIM.resource.named_within(&namespace, &name);
            self.one(&kinds::VOLUME_CLAIM, path)
        });
        let claims = claims.buffer_unordered(READS_AT_ONCE).try_collect::<Vec<_>>();
        let nodes = cache.csi_nodes.follow(self.wire, &kinds::CSI_NODE, self.now);
        let (claims, ()) = try_join(claims, nodes).await?;
        let claims: Vec<Item<PersistentVolumeClaim>> = claims.into_iter().flatten().collect();
        let bound = claims.iter().filter_map(|(_, claim)| claim.as_ref().ok()?.volume.clone());
        let bound: BTreeSet<Text> = bound.collect();
        let volumes = stream::iter(bound)
            .map(|name| self.one(&kinds::VOLUME, kinds::VOLUME.resource.named(&name)));
        let volumes: Vec<_> = volumes.buffer_unordered(READS_AT_ONCE).try_collect().await?;
        Ok((claims, volumes.into_iter().flatten().collect()))
    }
}
