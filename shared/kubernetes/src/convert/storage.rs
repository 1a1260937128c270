//! Volumes, their claims and classes, and what nodes can attach.

use crate::convert::pod::{named, namespaced};
use crate::field::FieldError;
use crate::objects::meta::ObjectMeta;
use crate::objects::storage::{self, CsiDriver, PersistentVolumeSpec};
use jiff::Timestamp;
use model::labels;
use model::name::Text;
use model::requirement::{Requirement, Requirements};
use model::volume::{
    CsiNode, EBS_DRIVER, PersistentVolume, PersistentVolumeClaim, StorageClass, driver_of,
};

/// Labels of a volume that the scheduler reads like its node affinity (its plugin `VolumeZone`). Several zones stand in one
/// value, two underscores between them.
const ZONE_LABELS: [&str; 4] = [
    labels::ZONE,
    labels::REGION,
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// Annotations that make a class the default one (Kubernetes documentation, "Default StorageClass"; the second is its old
/// name, which the API server still reads).
const IS_DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// The annotation by which claims once named their class; where it is there, it counts.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// A claim.
pub(crate) fn claim(
    object: storage::PersistentVolumeClaim,
) -> Result<PersistentVolumeClaim, FieldError> {
    let storage::PersistentVolumeClaim { metadata, spec } = object;
    Ok(PersistentVolumeClaim {
        name: namespaced(&metadata)?,
        storage_class: metadata.annotations.get(CLASS).cloned().or(spec.storage_class_name),
        volume: Some(spec.volume_name).filter(|volume| !volume.is_empty()),
        deleting: metadata.deletion_timestamp.is_some(),
    })
}

/// A volume.
pub(crate) fn volume(object: storage::PersistentVolume) -> Result<PersistentVolume, FieldError> {
    let storage::PersistentVolume { metadata, spec } = object;
    let PersistentVolumeSpec { node_affinity, csi, aws_elastic_block_store, local, host_path } =
        spec;
    let terms = match node_affinity.required {
        None => vec![],
        Some(required) if required.node_selector_terms.is_empty() => {
            let field = "spec.nodeAffinity.required.nodeSelectorTerms";
            return Err(FieldError::new(field, "expected at least one term"));
        }
        Some(required) => required.node_selector_terms.into_iter().map(Into::into).collect(),
    };
    let of_ebs = || aws_elastic_block_store.map(|_| Text::from(EBS_DRIVER));
    Ok(PersistentVolume {
        name: named(&metadata)?,
        node_affinity: within(zones(&metadata), terms),
        driver: csi.map(|csi| csi.driver).or_else(of_ebs),
        is_on_node: local.is_some() || host_path.is_some(),
        deleting: metadata.deletion_timestamp.is_some(),
    })
}

fn zones(metadata: &ObjectMeta) -> Requirements {
    let given = ZONE_LABELS.iter().filter_map(|key| Some((*key, metadata.labels.get(*key)?)));
    given.map(|(key, zones)| (key.into(), Requirement::one_of(zones.split("__")))).collect()
}

fn within(zones: Requirements, terms: Vec<Requirements>) -> Vec<Requirements> {
    match (zones.is_empty(), terms.is_empty()) {
        (true, _) => terms,
        (false, true) => vec![zones],
        (false, false) => terms.iter().map(|term| term.intersect(&zones)).collect(),
    }
}

/// A class. One that does not say when it was created was created `now`.
pub(crate) fn class(
    object: storage::StorageClass,
    now: Timestamp,
) -> Result<StorageClass, FieldError> {
    let storage::StorageClass { metadata, provisioner, volume_binding_mode, allowed_topologies } =
        object;
    if provisioner.is_empty() {
        return Err(FieldError::new("provisioner", "expected the name of a CSI driver"));
    }
    let is_true = |key: &&str| metadata.annotations.get(*key).is_some_and(|v| &**v == "true");
    Ok(StorageClass {
        name: named(&metadata)?,
        created: metadata.creation_timestamp.map_or(now, |time| time.0),
        provisioner: driver_of(&provisioner).into(),
        allowed_topologies: allowed_topologies.into_iter().map(Into::into).collect(),
        binding: volume_binding_mode,
        is_default: IS_DEFAULT.iter().any(is_true),
    })
}

/// A node's drivers.
pub(crate) fn csi_node(object: storage::CsiNode) -> Result<CsiNode, FieldError> {
    let storage::CsiNode { metadata, spec } = object;
    let drivers = spec.drivers.into_iter();
    Ok(CsiNode {
        name: named(&metadata)?.into(),
        drivers: drivers.map(|CsiDriver { name, allocatable }| (name, allocatable.count)).collect(),
    })
}
