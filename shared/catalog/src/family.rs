//! What the operating system family of the machine image decides about a node.

use crate::facts::InstanceFacts;
use model::node_class::AmiFamily;

const GIB: i64 = 1 << 30;

/// The answers that differ between families (those of Karpenter 1.14).
pub(crate) struct Family {
    /// The label `kubernetes.io/os`.
    pub(crate) os: &'static str,
    /// The label `node.kubernetes.io/windows-build`.
    pub(crate) windows_build: Option<&'static str>,
    /// Size of the volume that holds pods' ephemeral storage, where the class names none.
    pub(crate) root_volume_bytes: i64,
    /// Volumes that a node starts with: the root, and where pods' storage is apart, that one.
    pub(crate) volumes: i64,
    /// Whether the node holds as many pods as its interfaces have addresses; otherwise the kubelet's own limit counts.
    pub(crate) counts_interfaces: bool,
    /// Whether the kubelet is given `podsPerCore`.
    pub(crate) takes_pods_per_core: bool,
    /// Whether the image's start-up script reserves memory by the pods that all interfaces could hold, whatever the
    /// node's own limit; otherwise by that limit.
    pub(crate) reserves_by_interfaces: bool,
}

impl Family {
    /// The family's answers.
    pub(crate) const fn of(family: AmiFamily) -> Self {
        match family {
            AmiFamily::AL2 | AmiFamily::AL2023 | AmiFamily::Custom => Self::amazon_linux(),
            AmiFamily::Bottlerocket => Self {
                volumes: 2,
                takes_pods_per_core: false,
                reserves_by_interfaces: false,
                ..Self::amazon_linux()
            },
            AmiFamily::Windows2019 => Self::windows("10.0.17763"),
            AmiFamily::Windows2022 => Self::windows("10.0.20348"),
            AmiFamily::Windows2025 => Self::windows("10.0.26100"),
        }
    }

    /// Whether there are images for the instance type's processor: Windows nodes are x86-64 alone.
    pub(crate) fn runs_on(&self, facts: &InstanceFacts) -> bool {
        self.windows_build.is_none() || &*facts.arch == "amd64"
    }

    const fn amazon_linux() -> Self {
        Self {
            os: "linux",
            windows_build: None,
            root_volume_bytes: 20 * GIB,
            volumes: 1,
            counts_interfaces: true,
            takes_pods_per_core: true,
            reserves_by_interfaces: true,
        }
    }

    const fn windows(build: &'static str) -> Self {
        Self {
            os: "windows",
            windows_build: Some(build),
            root_volume_bytes: 50 * GIB,
            volumes: 1,
            counts_interfaces: false,
            takes_pods_per_core: true,
            reserves_by_interfaces: false,
        }
    }
}
