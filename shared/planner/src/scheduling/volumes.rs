//! What the volumes of pods ask of nodes: labels, and room to attach them.
//!
//! A claim that is bound asks for what its volume's node affinity says; one that is not, for what its class allows. Attached
//! volumes are counted as a resource of their own for each driver ([`model::volume::attachable`]), so that packing handles
//! them like any other.

use model::by_name::ByName;
use model::labels;
use model::name::Text;
use model::pod::Pod;
use model::reason::Reason;
use model::requirement::Requirements;
use model::resources::Resources;
use model::snapshot::ClusterState;
use model::volume::{
    ATTACHABLE_PREFIX, CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass,
    UNLIMITED_ATTACHMENTS, VolumeBindingMode, VolumeClaim, attachable, is_attachable,
};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// The most alternatives of one pod; those behind them, in order, are not looked at. Volumes lie in zones, of which the
/// largest region has six; terms over a second label multiply that by a few. Without it, volumes whose terms are over
/// different labels would multiply without end.
const ALTERNATIVES_MAX: usize = 32;

/// What a pod's volumes ask of its node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Volumes {
    /// Of its labels: one of these, in order; a single one without requirements where nothing is asked.
    pub(crate) alternatives: Vec<Requirements>,
    /// How many volumes each driver has to attach.
    pub(crate) attachments: BTreeMap<Text, i64>,
}

/// The cluster's volumes, and what belongs to them, findable by name.
#[derive(Debug)]
pub(crate) struct Storage<'a> {
    volumes: ByName<'a, &'a Arc<PersistentVolume>>,
    /// By name alone: few namespaces have claims of the same name.
    claims: ByName<'a, &'a Arc<PersistentVolumeClaim>>,
    classes: ByName<'a, &'a Arc<StorageClass>>,
    nodes: ByName<'a, &'a Arc<CsiNode>>,
    /// The class of claims that name none.
    default_class: Option<&'a StorageClass>,
}

/// Where the volume of a claim comes from.
enum Source<'s> {
    /// It is there.
    Bound(&'s PersistentVolume),
    /// It will be made.
    Unbound(&'s StorageClass),
}

/// What the volumes of a pod ask of its node.
///
/// # Errors
/// When one of them keeps the pod from every node.
pub(crate) fn resolve(storage: &Storage<'_>, pod: &Pod) -> Result<Volumes, Box<Reason>> {
    let claims = distinct(pod);
    let mut alternatives = BTreeSet::from([Requirements::none()]);
    let mut attachments = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate() {
        let source = storage.source(pod, claim).map_err(|why| refusal(&claim.name, why))?;
        let terms = source.terms();
        let both = alternatives.iter().flat_map(|one| terms.iter().map(|term| one.intersect(term)));
        let both: BTreeSet<Requirements> = both.collect();
        let possible = both.iter().filter(|both| both.impossible_key().is_none());
        alternatives = possible.take(ALTERNATIVES_MAX).cloned().collect();
        if alternatives.is_empty() {
            return Err(apart(&claims[..=index], &both));
        }
        if let Some(driver) = source.driver() {
            *attachments.entry(driver.clone()).or_insert(0) += 1;
        }
    }
    Ok(Volumes { alternatives: alternatives.into_iter().collect(), attachments })
}

/// The claims of a pod, each once, by name.
fn distinct(pod: &Pod) -> Vec<&VolumeClaim> {
    let mut claims: Vec<&VolumeClaim> = pod.volume_claims.iter().collect();
    claims.sort_unstable();
    claims.dedup_by(|a, b| a.name == b.name);
    claims
}

/// Why these volumes have no node in common.
fn apart(claims: &[&VolumeClaim], impossible: &BTreeSet<Requirements>) -> Box<Reason> {
    let names: Vec<&str> = claims.iter().map(|claim| &*claim.name).collect();
    let keys: BTreeSet<&str> =
        impossible.iter().filter_map(|both| both.impossible_key()).map(|key| &**key).collect();
    let why = if claims.len() == 1 {
        "can be reached from no node".to_owned()
    } else if keys == BTreeSet::from([labels::ZONE]) {
        "are in different zones".to_owned()
    } else {
        let keys: Vec<&str> = keys.into_iter().collect();
        format!("have no node in common: they differ in {}", keys.join(", "))
    };
    refusal(&names.join(", "), why)
}

fn refusal(claim: &str, why: String) -> Box<Reason> {
    Box::new(Reason::Volume { claim: claim.into(), why: why.into() })
}

impl Volumes {
    /// The requests of a pod with these volumes, the volumes among them.
    pub(crate) fn added_to(&self, requests: &Resources) -> Resources {
        let mut all = requests.clone();
        for (driver, count) in &self.attachments {
            all.set_units(&attachable(driver), *count);
        }
        all
    }
}

/// Requests without attached volumes. What is written into a NodeClaim must not hold them: its node would never count as
/// initialized, because no kubelet reports them.
pub(crate) fn without_attachable(requests: &Resources) -> Resources {
    let mut rest = requests.clone();
    rest.extended.retain(|name, _| !is_attachable(name));
    rest
}

impl<'a> Storage<'a> {
    /// Of all that was observed.
    pub(crate) fn of(cluster: &'a ClusterState) -> Self {
        let classes = || cluster.storage_classes.iter();
        // The newest, and of those the first by name, as Kubernetes chooses.
        let default_class = classes()
            .filter(|class| class.is_default)
            .max_by_key(|class| (class.created, Reverse(&class.name)));
        Self {
            volumes: ByName::new(cluster.persistent_volumes.iter().map(|v| (&*v.name, v))),
            claims: ByName::new(
                cluster.persistent_volume_claims.iter().map(|c| (&*c.name.name, c)),
            ),
            classes: ByName::new(classes().map(|class| (&*class.name, class))),
            nodes: ByName::new(cluster.csi_nodes.iter().map(|node| (&*node.name, node))),
            default_class: default_class.map(|class| &**class),
        }
    }

    /// What is attached to a node by these pods on it: each claim once, however many of them mount it.
    pub(crate) fn attached(&self, pods: &[&Arc<Pod>]) -> Resources {
        let claims = pods.iter().flat_map(|pod| {
            let namespace = &*pod.name.namespace;
            pod.volume_claims.iter().map(move |claim| ((namespace, &*claim.name), claim))
        });
        let claims: BTreeMap<(&str, &str), &VolumeClaim> = claims.collect();
        let mut all = Resources::default();
        for ((namespace, _), claim) in claims {
            if let Some(driver) = self.driver(namespace, claim) {
                let name = attachable(driver);
                all.set_units(&name, all.get(&name) + 1);
            }
        }
        all
    }

    /// The amounts with the most volumes that can be attached, for each of the resources `asked` that counts them: what the
    /// node's CSINode says of the driver; where it does not list it (yet), what is among the amounts already, as an instance
    /// type has it; and where they do not have it, no limit.
    pub(crate) fn with_attachable<'r>(
        &self,
        allocatable: &'r Resources,
        node: Option<&str>,
        asked: &BTreeSet<Text>,
    ) -> Cow<'r, Resources> {
        let csi_node = node.and_then(|node| self.nodes.get(node));
        let listed = |driver: &str| csi_node?.drivers.get(driver).copied();
        let mut all = Cow::Borrowed(allocatable);
        for name in asked {
            let Some(driver) = name.strip_prefix(ATTACHABLE_PREFIX) else {
                continue;
            };
            let known = match listed(driver) {
                Some(count) => count.map(i64::from),
                None => allocatable.extended.get(name).copied(),
            };
            all.to_mut().set_units(name, known.unwrap_or(UNLIMITED_ATTACHMENTS));
        }
        all
    }

    fn claim(&self, namespace: &str, name: &str) -> Option<&'a PersistentVolumeClaim> {
        let of_name = self.claims.all(name);
        of_name.iter().find(|claim| *claim.name.namespace == *namespace).map(|claim| &***claim)
    }

    /// The class of a claim that names this one, or why there is none.
    fn class(&self, named: Option<&Text>) -> Result<&'a StorageClass, String> {
        match named.map(|name| &**name) {
            None => self.default_class.ok_or_else(|| {
                "names no StorageClass, and none is marked as the default one".to_owned()
            }),
            Some("") => Err("wants no StorageClass and is not bound yet".to_owned()),
            Some(name) => match self.classes.get(name) {
                Some(class) => Ok(class),
                None => Err(format!("names StorageClass {name}, which does not exist")),
            },
        }
    }

    /// Where a pod's claim has its volume from, or why the pod has to wait.
    fn source(&self, pod: &Pod, claim: &VolumeClaim) -> Result<Source<'a>, String> {
        let present = self.claim(&pod.name.namespace, &claim.name);
        let class = match (present, &claim.template) {
            (None, None) => return Err("does not exist".to_owned()),
            (None, Some(template)) => self.class(template.storage_class.as_ref())?,
            (Some(present), _) if present.deleting => return Err("is being deleted".to_owned()),
            (Some(present), _) => match &present.volume {
                Some(volume) => return self.bound(volume),
                None => self.class(present.storage_class.as_ref())?,
            },
        };
        match class.binding {
            VolumeBindingMode::WaitForFirstConsumer => Ok(Source::Unbound(class)),
            VolumeBindingMode::Immediate => Err(format!(
                "is not bound yet, and StorageClass {} binds before a node is chosen",
                class.name
            )),
        }
    }

    fn bound(&self, volume: &str) -> Result<Source<'a>, String> {
        match self.volumes.get(volume) {
            None => Err(format!("is bound to PersistentVolume {volume}, which does not exist")),
            Some(bound) if bound.deleting => {
                Err(format!("is bound to PersistentVolume {volume}, which is being deleted"))
            }
            Some(bound) => Ok(Source::Bound(bound)),
        }
    }

    /// The driver that attaches a claim's volume, whatever else is wrong with the claim.
    fn driver(&self, namespace: &str, claim: &VolumeClaim) -> Option<&'a Text> {
        let class = match (self.claim(namespace, &claim.name), &claim.template) {
            (None, None) => return None,
            (None, Some(template)) => template.storage_class.as_ref(),
            (Some(present), _) => match &present.volume {
                Some(volume) => return Source::Bound(self.volumes.get(volume)?).driver(),
                None => present.storage_class.as_ref(),
            },
        };
        Source::Unbound(self.class(class).ok()?).driver()
    }
}

impl<'s> Source<'s> {
    /// What it asks of a node's labels: one of these.
    fn terms(&self) -> Cow<'s, [Requirements]> {
        let terms = match self {
            // A node's own directory does not bind the pod to the node's name: the node may be gone (Karpenter).
            Self::Bound(volume) if volume.is_on_node => {
                Cow::Owned(volume.node_affinity.iter().map(without_hostname).collect())
            }
            Self::Bound(volume) => Cow::Borrowed(&*volume.node_affinity),
            Self::Unbound(class) => Cow::Borrowed(&*class.allowed_topologies),
        };
        if terms.is_empty() { Cow::Owned(vec![Requirements::none()]) } else { terms }
    }

    /// The driver that attaches it, if one does. What Kubernetes' own plugins provision is not attached.
    fn driver(&self) -> Option<&'s Text> {
        match self {
            Self::Bound(volume) => volume.driver.as_ref(),
            Self::Unbound(class) => {
                Some(&class.provisioner).filter(|name| !name.starts_with("kubernetes.io/"))
            }
        }
    }
}

/// A term that nothing meets stays one.
fn without_hostname(term: &Requirements) -> Requirements {
    let kept = term.iter().filter(|(key, r)| &***key != labels::HOSTNAME || r.is_impossible());
    kept.map(|(key, requirement)| (key.clone(), requirement.clone())).collect()
}
