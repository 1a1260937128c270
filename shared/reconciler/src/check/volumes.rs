//! Volumes: a pod goes where its volumes are or can be made, and a node has room to attach them.

use super::Violation;
use super::placements::{Name, Place};
use model::by_name::ByName;
use model::labels::{self, Labels};
use model::name::Text;
use model::pod::Pod;
use model::requirement::Requirements;
use model::snapshot::ClusterState;
use model::volume::{
    CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass, VolumeBindingMode, VolumeClaim,
    attachable,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The cluster's volumes by name.
pub(super) struct Storage<'a> {
    volumes: ByName<'a, &'a PersistentVolume>,
    claims: ByName<'a, &'a PersistentVolumeClaim>,
    classes: ByName<'a, &'a StorageClass>,
    nodes: ByName<'a, &'a CsiNode>,
    default_class: Option<&'a StorageClass>,
}

/// A volume that a pod mounts, or will when it is made.
pub(super) struct Mount<'p> {
    pod: &'p Pod,
    claim: &'p Text,
    /// Which nodes reach it: one of these must hold; empty means all.
    terms: &'p [Requirements],
    /// Whether it is a directory of one node, which is not asked for by its name: it may be gone.
    is_on_node: bool,
    /// Who attaches it.
    driver: Option<&'p Text>,
}

impl<'a> Storage<'a> {
    pub(super) fn of(cluster: &'a ClusterState) -> Self {
        let classes = || cluster.storage_classes.iter();
        let defaults = classes().filter(|class| class.is_default);
        let newest = defaults.max_by_key(|class| (class.created, Reverse(&class.name)));
        let claims = cluster.persistent_volume_claims.iter();
        Self {
            volumes: ByName::new(cluster.persistent_volumes.iter().map(|v| (&*v.name, &**v))),
            claims: ByName::new(claims.map(|claim| (&*claim.name.name, &**claim))),
            classes: ByName::new(classes().map(|class| (&*class.name, &**class))),
            nodes: ByName::new(cluster.csi_nodes.iter().map(|node| (&*node.name, &**node))),
            default_class: newest.map(|class| &**class),
        }
    }

    /// The volumes of pods that are placed. Those that keep a pod from every node are found here.
    pub(super) fn mounts(&self, pods: &[&'a Pod], found: &mut Vec<Violation>) -> Vec<Mount<'a>> {
        let mut all = Vec::new();
        for pod in pods {
            for claim in &pod.volume_claims {
                match self.mount(pod, claim) {
                    Ok(mount) => all.push(mount),
                    Err(why) => {
                        let (pod, claim) = (&pod.name, &claim.name);
                        let what = format!("pod {pod} is placed, but its claim {claim} {why}");
                        found.push(Violation::new("volumes", what));
                    }
                }
            }
        }
        all
    }

    fn mount(&self, pod: &'a Pod, claim: &'a VolumeClaim) -> Result<Mount<'a>, &'static str> {
        let in_any_namespace = self.claims.all(&claim.name);
        let present = in_any_namespace.iter().find(|c| c.name.namespace == pod.name.namespace);
        let (bound, class) = match (present, &claim.template) {
            (Some(present), _) if present.deleting => return Err("is being deleted"),
            (Some(present), _) => (present.volume.as_ref(), present.storage_class.as_ref()),
            (None, Some(template)) => (None, template.storage_class.as_ref()),
            (None, None) => return Err("does not exist"),
        };
        let claim = &claim.name;
        if let Some(volume) = bound {
            let volume = self.volumes.get(volume).filter(|volume| !volume.deleting);
            let volume = volume.ok_or("is bound to a volume that is gone or goes")?;
            let PersistentVolume { node_affinity: terms, is_on_node, driver, .. } = volume;
            let driver = driver.as_ref();
            return Ok(Mount { pod, claim, terms, is_on_node: *is_on_node, driver });
        }
        let class = match class {
            Some(name) => self.classes.get(name),
            None => self.default_class,
        };
        let class = class.ok_or("has no StorageClass that exists")?;
        if class.binding == VolumeBindingMode::Immediate {
            return Err("is to be bound before a node is chosen");
        }
        // What Kubernetes' own plugins make is not attached.
        let driver = Some(&class.provisioner).filter(|name| !name.starts_with("kubernetes.io/"));
        Ok(Mount { pod, claim, terms: &class.allowed_topologies, is_on_node: false, driver })
    }

    /// How many volumes a driver can attach in a place, as far as that is known.
    fn most(&self, place: &Place<'_>, driver: &str) -> Option<i64> {
        let known = match place.name {
            Name::Node(node) => self.nodes.get(node),
            Name::Claim(_) | Name::Choice(..) => None,
        };
        match known.and_then(|node| node.drivers.get(driver)) {
            Some(count) => count.map(i64::from),
            None => place.room.as_ref()?.extended.get(&attachable(driver)).copied(),
        }
    }
}

impl Mount<'_> {
    fn is_reached_from(&self, labels: &Labels) -> bool {
        let admits = |term: &Requirements| {
            let refused = term.iter().find(|(key, requirement)| {
                let is_node_name = self.is_on_node && &***key == labels::HOSTNAME;
                !is_node_name && !requirement.admits_label(labels.get(*key).map(|value| &**value))
            });
            refused.is_none()
        };
        self.terms.is_empty() || self.terms.iter().any(admits)
    }
}

/// Whether all volumes are in reach of a place and can be attached there.
pub(super) fn check(
    storage: &Storage<'_>,
    place: &Place<'_>,
    mounts: &[Mount<'_>],
    found: &mut Vec<Violation>,
) {
    let name = &place.name;
    if let Some(labels) = &place.labels {
        for Mount { pod, claim, .. } in mounts.iter().filter(|m| !m.is_reached_from(labels)) {
            let what = format!("pod {} cannot reach the volume of {claim} from {name}", pod.name);
            found.push(Violation::new("volumes", what));
        }
    }
    // However many pods mount a claim, it is attached once.
    let mut attached: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    let present = storage.mounts(&place.present, &mut Vec::new());
    for Mount { pod, claim, driver, .. } in present.iter().chain(mounts) {
        if let Some(driver) = driver {
            attached.entry(driver).or_default().insert((&pod.name.namespace, claim));
        }
    }
    for (driver, claims) in attached {
        let count = i64::try_from(claims.len()).expect("volumes can be counted");
        if let Some(most) = storage.most(place, driver).filter(|most| *most < count) {
            let what =
                format!("{name} can attach {most} volumes of {driver}, its pods have {count}");
            found.push(Violation::new("volumes", what));
        }
    }
}
