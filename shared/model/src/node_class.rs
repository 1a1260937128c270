//! EC2NodeClasses: the settings that decide what a node of an instance type offers, and where it can be launched.

pub mod status;
pub mod template;
pub mod terms;

use crate::labels::{ARCH, Labels};
use crate::name::{ImageId, NodeClassName, SubnetId, Text, Uid, Zone};
use crate::resources::Resources;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use template::Template;

/// The operating system family of the machine image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AmiFamily {
    /// Amazon Linux 2.
    AL2,
    /// Amazon Linux 2023.
    #[default]
    AL2023,
    /// Bottlerocket.
    Bottlerocket,
    /// Windows Server 2019.
    Windows2019,
    /// Windows Server 2022.
    Windows2022,
    /// Windows Server 2025.
    Windows2025,
    /// The user's own.
    Custom,
}

/// An eviction threshold: an amount, or a share of the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Threshold {
    /// So many bytes.
    Bytes(i64),
    /// So many hundredths of a per cent of the capacity.
    BasisPoints(i64),
}

/// `spec.kubelet`, as far as it changes what a node offers. Amounts that are absent take the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kubelet {
    /// The most pods of a node.
    #[serde(default)]
    pub max_pods: Option<u32>,
    /// The most pods per core.
    #[serde(default)]
    pub pods_per_core: Option<u32>,
    /// `kubeReserved`: only the resources named here replace the defaults (base units, milli for `cpu`).
    #[serde(default)]
    pub kube_reserved: BTreeMap<Text, i64>,
    /// `systemReserved` (base units, milli for `cpu`).
    #[serde(default)]
    pub system_reserved: BTreeMap<Text, i64>,
    /// `evictionHard` of `memory.available`; `evictionSoft` takes nothing from what pods may use.
    #[serde(default)]
    pub eviction_memory: Option<Threshold>,
    /// `evictionHard` of `nodefs.available`.
    #[serde(default)]
    pub eviction_nodefs: Option<Threshold>,
}

/// A subnet in the class's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// Its id.
    pub id: SubnetId,
    /// Its zone.
    pub zone: Zone,
    /// The zone's id.
    #[serde(default)]
    pub zone_id: Option<Text>,
    /// Addresses that were free when it was looked at.
    #[serde(default)]
    pub free_addresses: Option<u32>,
}

/// A machine image in the class's status, for one architecture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// `amd64` or `arm64`.
    pub arch: Text,
}

/// An EC2NodeClass, as far as joiner looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeClass {
    /// Its name.
    pub name: NodeClassName,
    /// `metadata.uid`.
    pub uid: Uid,
    /// Whether it is being deleted.
    #[serde(default)]
    pub deleting: bool,
    /// Whether its condition `Ready` is true.
    pub ready: bool,
    /// The image's family.
    #[serde(default)]
    pub ami_family: AmiFamily,
    /// Kubelet settings.
    #[serde(default)]
    pub kubelet: Kubelet,
    /// Size of the volume that holds pods' ephemeral storage, in bytes; none takes the family's default.
    #[serde(default)]
    pub root_volume_bytes: Option<i64>,
    /// `instanceStorePolicy: RAID0`: local disks hold pods' ephemeral storage.
    #[serde(default)]
    pub instance_store_raid0: bool,
    /// `ipPrefixCount`: prefixes on the primary interface.
    #[serde(default)]
    pub ip_prefix_count: u32,
    /// `status.subnets`.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    /// `status.amis`.
    #[serde(default)]
    pub images: Vec<Image>,
    /// What only a launch looks at.
    #[serde(default)]
    pub template: Arc<Template>,
}

impl NodeClass {
    /// The subnet of a zone with the most free addresses.
    pub fn subnet_in(&self, zone: &Zone) -> Option<&Subnet> {
        let in_zone = self.subnets.iter().filter(|subnet| subnet.zone == *zone);
        in_zone.max_by_key(|subnet| (subnet.free_addresses, Reverse(&subnet.id)))
    }

    /// The image for an instance type with these labels: of those that fit, the one that asks for most. A class that knows
    /// images by architecture alone takes the one for the type's.
    pub fn image_for(&self, labels: &Labels) -> Option<ImageId> {
        let amis = &self.template.status.amis;
        if amis.is_empty() {
            let arch = labels.get(ARCH)?;
            let of_arch = self.images.iter().find(|image| image.arch == *arch);
            return of_arch.map(|image| image.id.clone());
        }
        let fitting = amis.iter().filter(|ami| ami.fits(labels));
        let best = fitting.min_by_key(|ami| (Reverse(ami.requirements.len()), &ami.id));
        best.map(|ami| ami.id.clone().into())
    }

    /// Whether an image is one of the class'.
    pub fn has_image(&self, image: &ImageId) -> bool {
        let amis = &self.template.status.amis;
        self.images.iter().any(|known| known.id == *image)
            || amis.iter().any(|ami| *ami.id == **image)
    }

    /// What `kubeReserved` or `systemReserved` name, as resources.
    pub fn reserved(named: &BTreeMap<Text, i64>) -> Resources {
        let mut all = Resources::default();
        for (name, units) in named {
            all.set_units(name, *units);
        }
        all
    }
}
