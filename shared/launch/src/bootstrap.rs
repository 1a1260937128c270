//! User data: what makes an instance a node of the cluster, together with what the class' owner wants to run.
//!
//! Labels, taints and kubelet settings travel in it, so that a node joins without waiting for anybody (D8). What is
//! the owner's may hold secrets: no error repeats any of it.

mod bottlerocket;
mod mime;
mod nodeadm;
mod script;

use model::labels::{self, Labels};
use model::name::Text;
use model::node_class::AmiFamily;
use model::node_class::template::{KubeletTexts, UserData};
use model::taint::Taint;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What EC2 takes, before it is encoded for the call (EC2 user guide, "Run commands at launch").
pub const BYTES_MAX: usize = 16 * 1024;

/// Domains whose labels a kubelet may only set on its own node if it knows them (KEP 279).
const GUARDED: [&str; 2] = ["kubernetes.io", "k8s.io"];

/// Domains under the guarded ones that are free for kubelets (the same).
const FREE: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];

/// Guarded labels that kubelets know (the same).
const KNOWN: [&str; 11] = [
    labels::HOSTNAME,
    labels::ZONE,
    labels::REGION,
    labels::INSTANCE_TYPE,
    labels::ARCH,
    labels::OS,
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// The cluster that a node joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: Text,
    /// The API server's address.
    pub endpoint: Text,
    /// The certificate of who signs for it, in Base64.
    pub certificate_authority: Text,
    /// The addresses of services, such as `10.100.0.0/16`.
    pub service_cidr: Text,
}

/// What a node is told.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// The image's family.
    pub family: AmiFamily,
    /// Where it joins.
    pub cluster: &'a Cluster,
    /// The labels that it is to have; those that a kubelet may not set itself are left to whoever watches nodes.
    pub labels: &'a Labels,
    /// The taints that it registers with.
    pub taints: &'a [Taint],
    /// Settings of the kubelet.
    pub kubelet: &'a KubeletTexts,
    /// The pods that it was planned for.
    pub max_pods: Option<u32>,
    /// Whether its own disks become one for pods.
    pub local_disks: bool,
    /// The owner's part.
    pub own: &'a UserData,
}

/// Why there is no user data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not fit.
    #[error("user data of {bytes} bytes: EC2 takes {BYTES_MAX}")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// The owner's part cannot be read as what the family takes.
    #[error("spec.userData: {problem}")]
    Unreadable {
        /// What is wrong, without any of it.
        problem: String,
    },
}

/// The user data of a node.
///
/// # Errors
/// When the owner's part is not of the form that the family takes, or all together is too long.
pub fn user_data(node: &Node<'_>) -> Result<UserData, Error> {
    let text = match node.family {
        AmiFamily::AL2023 => nodeadm::text(node)?,
        AmiFamily::AL2 => script::al2(node)?,
        AmiFamily::Bottlerocket => bottlerocket::text(node)?,
        AmiFamily::Windows2019 | AmiFamily::Windows2022 | AmiFamily::Windows2025 => {
            script::windows(node)
        }
        AmiFamily::Custom => node.own.reveal().to_owned(),
    };
    if BYTES_MAX < text.len() {
        return Err(Error::TooLarge { bytes: text.len() });
    }
    Ok(UserData::new(text))
}

/// The labels that the kubelet sets itself, and the one that says that it has set the taints.
fn kubelet_labels(node: &Node<'_>) -> Labels {
    let own = node.labels.iter().filter(|(key, _)| may_set(key));
    let mut all: Labels = own.map(|(key, value)| (key.clone(), value.clone())).collect();
    all.insert(labels::DO_NOT_SYNC_TAINTS.into(), "true".into());
    all
}

/// Whether a kubelet may set a label: it does not start when told of one that it may not.
fn may_set(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return true };
    let is_in = |of: &&str| {
        domain.strip_suffix(of).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !GUARDED.iter().any(is_in) || FREE.iter().any(is_in) || KNOWN.contains(&key)
}

/// `key=value:Effect`, as flags have it.
fn taint_flag(taint: &Taint) -> String {
    let Taint { key, value, effect } = taint;
    format!("{key}={value}:{effect:?}")
}

/// The name servers of pods: those given, or the one that EKS gives the tenth address of the services.
fn name_servers(node: &Node<'_>) -> Vec<Text> {
    if node.kubelet.cluster_dns.is_empty() {
        tenth(&node.cluster.service_cidr)
            .map(|address| address.to_string().into())
            .into_iter()
            .collect()
    } else {
        node.kubelet.cluster_dns.clone()
    }
}

fn tenth(cidr: &str) -> Option<IpAddr> {
    let (network, _) = cidr.split_once('/')?;
    Some(match network.parse().ok()? {
        IpAddr::V4(address) => Ipv4Addr::from(u32::from(address).checked_add(10)?).into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address).checked_add(10)?).into(),
    })
}

/// Whether pods have IPv6 addresses.
fn is_ipv6(cluster: &Cluster) -> bool {
    cluster.service_cidr.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelet_sets_no_label_that_the_api_server_keeps_from_it() {
        let free = ["team", "a.b/c", "karpenter.sh/nodepool", "topology.k8s.aws/zone-id"];
        let known = [labels::ZONE, "node.kubernetes.io/x", "a.kubelet.kubernetes.io/x"];
        assert!(free.iter().chain(&known).all(|key| may_set(key)));
        let kept = [
            "node-role.kubernetes.io/x",
            "kubernetes.io/x",
            "a.k8s.io/b",
            "topology.kubernetes.io/x",
        ];
        assert!(!kept.iter().any(|key| may_set(key)));
        assert!(may_set("notkubernetes.io/x"));
    }

    #[test]
    fn the_name_server_is_the_tenth_address_of_the_services() {
        let tenth = |cidr| tenth(cidr).map(|address| address.to_string());
        assert_eq!(tenth("10.100.0.0/16").as_deref(), Some("10.100.0.10"));
        assert_eq!(tenth("fd30:1c53:5f8a::/108").as_deref(), Some("fd30:1c53:5f8a::a"));
        assert_eq!(tenth("10.100.0.0"), None);
        assert_eq!(tenth("255.255.255.255/32"), None);
    }
}
