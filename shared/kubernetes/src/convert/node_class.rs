//! EC2NodeClasses: the custom resource's rules, its defaults, and the noun.

mod hash;

use crate::convert::pod::{named, uid};
use crate::field::FieldError;
use crate::format;
use crate::objects::amounts::AMOUNT_MAX;
use crate::objects::karpenter::{self, NodeClassSpec};
use model::condition::Status;
use model::labels::{self, Labels};
use model::name::Text;
use model::node_class::status::{Ami, AmiRequirement, ClassCondition, ClassStatus};
use model::node_class::template::{BlockDevice, KubeletTexts, Template, UserData};
use model::node_class::terms::{ImageTerm, Term};
use model::node_class::{AmiFamily, Image, Kubelet, NodeClass, Subnet, Threshold};
use model::quantity;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An EC2NodeClass; it is ready when its status says so.
pub(crate) fn convert(object: karpenter::NodeClass) -> Result<NodeClass, FieldError> {
    let karpenter::NodeClass { metadata, spec, mut status } = object;
    let name = named(&metadata)?;
    check_role(&spec)?;
    let ami_family = ami_family(&spec)?;
    check_terms("spec.subnetSelectorTerms", &spec.subnet_selector_terms)?;
    check_terms("spec.securityGroupSelectorTerms", &spec.security_group_selector_terms)?;
    let root_volume = root_volume(ami_family, &spec.block_device_mappings)?;
    let ready = take_ready(&mut status);
    let subnets = status.subnets.iter().map(|subnet| Subnet {
        id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        zone_id: subnet.zone_id.clone(),
        free_addresses: None,
    });
    Ok(NodeClass {
        uid: uid(&metadata, &name).into(),
        name: name.into(),
        deleting: metadata.deletion_timestamp.is_some(),
        ready,
        ami_family,
        kubelet: kubelet(&spec.kubelet)?,
        root_volume_bytes: root_volume,
        instance_store_raid0: spec.instance_store_policy.as_deref() == Some("RAID0"),
        ip_prefix_count: spec.ip_prefix_count,
        subnets: subnets.collect(),
        images: images(&status.amis),
        template: Arc::new(hash::stamped(template(metadata.generation, spec, status))),
    })
}

/// Whether the class is ready. The other conditions stay, by type.
fn take_ready(status: &mut ClassStatus) -> bool {
    let is_ready = |condition: &ClassCondition| &*condition.kind == "Ready";
    let mut all = status.conditions.iter();
    let ready = all.any(|condition| is_ready(condition) && condition.status == Status::True);
    status.conditions.retain(|condition| !is_ready(condition));
    status.conditions.sort();
    ready
}

/// What a launch looks at beside the rest.
fn template(generation: i64, spec: NodeClassSpec, mut status: ClassStatus) -> Template {
    status.security_groups.sort();
    Template {
        generation,
        hash: "".into(),
        ami_selector_terms: spec.ami_selector_terms,
        subnet_selector_terms: spec.subnet_selector_terms,
        security_group_selector_terms: spec.security_group_selector_terms,
        capacity_reservation_selector_terms: spec.capacity_reservation_selector_terms,
        placement_group_selector: spec.placement_group_selector,
        role: spec.role,
        instance_profile: spec.instance_profile,
        instance_store_policy: spec.instance_store_policy,
        user_data: spec.user_data.map(UserData::new).unwrap_or_default(),
        tags: spec.tags,
        kubelet: spec.kubelet,
        block_device_mappings: spec.block_device_mappings,
        associate_public_ip_address: spec.associate_public_ip_address,
        network_interfaces: spec.network_interfaces,
        connection_tracking: spec.connection_tracking,
        cpu_options: spec.cpu_options,
        detailed_monitoring: spec.detailed_monitoring,
        metadata_options: spec.metadata_options,
        context: spec.context,
        status,
    }
}

fn check_role(spec: &NodeClassSpec) -> Result<(), FieldError> {
    let is_given = |text: &Option<Text>| text.as_ref().is_some_and(|text| !text.is_empty());
    if is_given(&spec.role) == is_given(&spec.instance_profile) {
        return Err(FieldError::new("spec", "expected exactly one of role, instanceProfile"));
    }
    Ok(())
}

/// The family named, or that of the alias.
fn ami_family(spec: &NodeClassSpec) -> Result<AmiFamily, FieldError> {
    let mut of_alias = None;
    for (index, term) in spec.ami_selector_terms.iter().enumerate() {
        let wrong = |field: &str, message: &str| {
            Err(FieldError::new(format!("spec.amiSelectorTerms[{index}]{field}"), message))
        };
        let ImageTerm { alias, id, name, owner, ssm_parameter, tags } = term;
        let others =
            name.is_some() || owner.is_some() || ssm_parameter.is_some() || !tags.is_empty();
        match (alias, id) {
            (Some(_), _) if others || id.is_some() || spec.ami_selector_terms.len() != 1 => {
                return wrong(".alias", "must be the only one");
            }
            (Some(alias), _) => match family_of(alias) {
                Some(family) => of_alias = Some(family),
                None => return wrong(".alias", ALIAS_EXPECTED),
            },
            (None, Some(_)) if others => return wrong(".id", "must be the only one"),
            (None, None) if name.is_none() && ssm_parameter.is_none() && tags.is_empty() => {
                return wrong("", "expected one of tags, id, name, alias, ssmParameter");
            }
            (None, _) => {}
        }
    }
    match (spec.ami_family, of_alias) {
        (None, None) => {
            Err(FieldError::new("spec.amiFamily", "must be given where there is no alias"))
        }
        (Some(given), Some(alias)) if given != alias && given != AmiFamily::Custom => {
            let message = format!("expected {alias:?} or Custom with this alias, found {given:?}");
            Err(FieldError::new("spec.amiFamily", message))
        }
        (Some(family), _) | (None, Some(family)) => Ok(family),
    }
}

const ALIAS_EXPECTED: &str = "expected family@version with family al2, al2023, bottlerocket, windows2019, windows2022 or windows2025";

fn family_of(alias: &str) -> Option<AmiFamily> {
    let (family, version) = alias.split_once('@')?;
    if version.is_empty() || family.starts_with("windows") && version != "latest" {
        return None;
    }
    match family {
        "al2" => Some(AmiFamily::AL2),
        "al2023" => Some(AmiFamily::AL2023),
        "bottlerocket" => Some(AmiFamily::Bottlerocket),
        "windows2019" => Some(AmiFamily::Windows2019),
        "windows2022" => Some(AmiFamily::Windows2022),
        "windows2025" => Some(AmiFamily::Windows2025),
        _ => None,
    }
}

fn check_terms(path: &str, terms: &[Term]) -> Result<(), FieldError> {
    if terms.is_empty() {
        return Err(FieldError::new(path, "expected at least one"));
    }
    for (index, Term { id, name, tags }) in terms.iter().enumerate() {
        let kinds = [id.is_some(), name.is_some(), !tags.is_empty()];
        let given = kinds.iter().filter(|given| **given).count();
        if given != 1 {
            let message = format!("expected exactly one kind of selector, found {given}");
            return Err(FieldError::new(format!("{path}[{index}]"), message));
        }
    }
    Ok(())
}

/// Size of the volume that pods' ephemeral storage is on: the one marked as root; of Custom images else the last; of the
/// others the one under the device name that the family's image keeps for it.
fn root_volume(family: AmiFamily, devices: &[BlockDevice]) -> Result<Option<i64>, FieldError> {
    let mut sizes = Vec::new();
    for (index, device) in devices.iter().enumerate() {
        let path = format!("spec.blockDeviceMappings[{index}].ebs");
        if device.ebs.volume_size.is_none() && device.ebs.snapshot_id.is_none() {
            return Err(FieldError::new(path, "expected volumeSize or snapshotID"));
        }
        let path = format!("{path}.volumeSize");
        let size = device.ebs.volume_size.as_deref().map(|text| bytes(&path, text));
        sizes.push((device, size.transpose()?));
    }
    if 1 < devices.iter().filter(|device| device.root_volume).count() {
        return Err(FieldError::new("spec.blockDeviceMappings", "only one may have rootVolume"));
    }
    let device_name = match family {
        AmiFamily::Bottlerocket => "/dev/xvdb",
        AmiFamily::Windows2019 | AmiFamily::Windows2022 | AmiFamily::Windows2025 => "/dev/sda1",
        AmiFamily::AL2 | AmiFamily::AL2023 | AmiFamily::Custom => "/dev/xvda",
    };
    let root = sizes.iter().find(|(device, size)| device.root_volume && size.is_some());
    let usual = if family == AmiFamily::Custom {
        sizes.last()
    } else {
        sizes.iter().find(|(device, size)| {
            device.device_name.as_deref() == Some(device_name) && size.is_some()
        })
    };
    Ok(root.or(usual).and_then(|(_, size)| *size))
}

/// An amount of bytes up to what a node may have.
fn bytes(path: &str, text: &str) -> Result<i64, FieldError> {
    let bytes = quantity::parse_units(text).map_err(|e| FieldError::new(path, e.to_string()))?;
    if AMOUNT_MAX < bytes {
        return Err(FieldError::new(path, "is too large: expected at most 128Ti"));
    }
    Ok(bytes)
}

fn kubelet(object: &KubeletTexts) -> Result<Kubelet, FieldError> {
    for name in object.eviction_soft.keys() {
        if !object.eviction_soft_grace_period.contains_key(name) {
            let path = format!("spec.kubelet.evictionSoft.{name}");
            return Err(FieldError::new(path, "has no evictionSoftGracePeriod"));
        }
    }
    let threshold = |signal: &str| {
        let hard = eviction("spec.kubelet.evictionHard", signal, &object.eviction_hard)?;
        let soft = eviction("spec.kubelet.evictionSoft", signal, &object.eviction_soft)?;
        Ok::<_, FieldError>(larger(hard, soft))
    };
    Ok(Kubelet {
        max_pods: object.max_pods,
        pods_per_core: object.pods_per_core,
        eviction_memory: threshold("memory.available")?,
        eviction_nodefs: threshold("nodefs.available")?,
        kube_reserved: reserved("spec.kubelet.kubeReserved", &object.kube_reserved)?,
        system_reserved: reserved("spec.kubelet.systemReserved", &object.system_reserved)?,
    })
}

fn reserved(path: &str, amounts: &Labels) -> Result<BTreeMap<Text, i64>, FieldError> {
    let mut all = BTreeMap::new();
    for (name, text) in amounts {
        let path = format!("{path}.{name}");
        if !matches!(&**name, "cpu" | "memory" | "ephemeral-storage" | "pid") {
            let message = "expected one of cpu, memory, ephemeral-storage, pid";
            return Err(FieldError::new(path, message));
        }
        let cpu = &**name == "cpu";
        let units = if cpu { quantity::parse_milli(text) } else { quantity::parse_units(text) };
        let units = units.map_err(|error| FieldError::new(&*path, error.to_string()))?;
        if AMOUNT_MAX < units {
            return Err(FieldError::new(path, "is too large"));
        }
        all.insert(name.clone(), units);
    }
    Ok(all)
}

/// The threshold for a signal. One of 100 % switches it off, which is a threshold of nothing.
fn eviction(path: &str, signal: &str, all: &Labels) -> Result<Option<Threshold>, FieldError> {
    let Some(text) = all.get(signal) else { return Ok(None) };
    let threshold = match format::basis_points(text) {
        Some(10_000) => Threshold::Bytes(0),
        Some(points) => Threshold::BasisPoints(points),
        None => Threshold::Bytes(bytes(&format!("{path}.{signal}"), text)?),
    };
    Ok(Some(threshold))
}

/// The larger of two thresholds; of an amount and a share the share, since shares of real nodes are larger than usual amounts.
fn larger(a: Option<Threshold>, b: Option<Threshold>) -> Option<Threshold> {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (one, other) => return one.or(other),
    };
    Some(match (a, b) {
        (Threshold::Bytes(x), Threshold::Bytes(y)) => Threshold::Bytes(x.max(y)),
        (Threshold::BasisPoints(x), Threshold::BasisPoints(y)) => Threshold::BasisPoints(x.max(y)),
        (share @ Threshold::BasisPoints(_), Threshold::Bytes(_))
        | (Threshold::Bytes(_), share @ Threshold::BasisPoints(_)) => share,
    })
}

/// One image for each architecture: the one that asks least else of an instance type.
fn images(amis: &[Ami]) -> Vec<Image> {
    let mut all = Vec::new();
    for arch in ["amd64", "arm64"] {
        let admits = |ami: &Ami| {
            let mut of_arch = ami.requirements.iter().filter(|r| &*r.key == labels::ARCH);
            of_arch.all(|r| admits(r, arch))
        };
        // Images for accelerators ask for a label to be there; the plain one admits that it is not.
        let demands = |ami: &Ami| {
            let others = ami.requirements.iter().filter(|r| &*r.key != labels::ARCH);
            others.filter(|r| !matches!(&*r.operator, "NotIn" | "DoesNotExist")).count()
        };
        let best = amis.iter().filter(|ami| admits(ami)).min_by_key(|ami| demands(ami));
        all.extend(best.map(|ami| Image { id: ami.id.clone().into(), arch: arch.into() }));
    }
    all
}

fn admits(requirement: &AmiRequirement, value: &str) -> bool {
    let is_listed = requirement.values.iter().any(|listed| &**listed == value);
    match &*requirement.operator {
        "In" => is_listed,
        "NotIn" => !is_listed,
        "DoesNotExist" => false,
        _ => true,
    }
}
