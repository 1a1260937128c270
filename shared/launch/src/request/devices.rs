//! The volumes of an instance.

use super::Error;
use model::name::Text;
use model::node_class::template::{BlockDevice, Ebs};
use model::node_class::{AmiFamily, NodeClass};
use model::quantity;

const GIB: i64 = 1 << 30;

/// A volume, as EC2 takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The device's name.
    pub name: Text,
    /// GiB; none takes the snapshot's size.
    pub size_gib: Option<i32>,
    /// The rest.
    pub ebs: Ebs,
}

/// Those of the class, or those that are usual for its family (Karpenter 1.14).
pub(super) fn devices(class: &NodeClass) -> Result<Vec<Device>, Error> {
    let given = &class.template.block_device_mappings;
    if given.is_empty() {
        let usual = usual(class.ami_family).iter();
        return Ok(usual.map(|(name, gib)| usual_device(name, *gib)).collect());
    }
    given.iter().map(|device| given_device(class, device)).collect()
}

const fn usual(family: AmiFamily) -> &'static [(&'static str, i32)] {
    match family {
        AmiFamily::AL2 | AmiFamily::AL2023 => &[("/dev/xvda", 20)],
        AmiFamily::Bottlerocket => &[("/dev/xvda", 4), ("/dev/xvdb", 20)],
        AmiFamily::Windows2019 | AmiFamily::Windows2022 | AmiFamily::Windows2025 => {
            &[("/dev/sda1", 50)]
        }
        // Whatever the image says.
        AmiFamily::Custom => &[],
    }
}

fn usual_device(name: &str, gib: i32) -> Device {
    let ebs = Ebs {
        delete_on_termination: Some(true),
        encrypted: Some(true),
        volume_type: Some("gp3".into()),
        ..Ebs::default()
    };
    Device { name: name.into(), size_gib: Some(gib), ebs }
}

fn given_device(class: &NodeClass, device: &BlockDevice) -> Result<Device, Error> {
    let BlockDevice { device_name, ebs, root_volume: _ } = device;
    let wrong = |size: &Text| Error::VolumeSize { class: class.name.text(), size: size.clone() };
    let size = |size: &Text| match quantity::parse_units(size) {
        // EC2 counts whole GiB; what is asked for is there at least.
        Ok(bytes) => i32::try_from(bytes.div_euclid(GIB) + i64::from(bytes % GIB != 0))
            .map_err(|_| wrong(size)),
        Err(_) => Err(wrong(size)),
    };
    // A volume that outlives its instance is found by nobody: it goes with it unless the class says otherwise.
    let ebs =
        Ebs { delete_on_termination: ebs.delete_on_termination.or(Some(true)), ..ebs.clone() };
    Ok(Device {
        name: device_name.clone().unwrap_or_default(),
        size_gib: ebs.volume_size.as_ref().map(size).transpose()?,
        ebs,
    })
}
