//! Amazon Linux 2 and Windows: a script of EKS is called with flags, after the owner's part.

use super::mime::{self, Part};
use super::{Error, Node, is_ipv6, kubelet_labels, name_servers, taint_flag};
use model::labels::Labels;
use model::name::Text;

/// A MIME archive whose last part joins the cluster.
pub(super) fn al2(node: &Node<'_>) -> Result<String, Error> {
    let own = node.own.reveal().trim_start();
    let mut parts = if own.is_empty() {
        Vec::new()
    } else if mime::is_archive(own) {
        mime::read(own)?
    } else {
        vec![Part::script(own)]
    };
    parts.push(Part::script(&al2_script(node)));
    Ok(mime::write(&parts))
}

fn al2_script(node: &Node<'_>) -> String {
    let cluster = node.cluster;
    let mut arguments = vec![
        ("", &*cluster.name),
        ("--apiserver-endpoint ", &*cluster.endpoint),
        ("--b64-cluster-ca ", &*cluster.certificate_authority),
        ("--use-max-pods ", "false"),
    ];
    let servers = name_servers(node);
    if let Some(first) = servers.first() {
        arguments.push(("--dns-cluster-ip ", first));
    }
    if is_ipv6(cluster) {
        arguments.push(("--ip-family ", "ipv6"));
        arguments.push(("--service-ipv6-cidr ", &cluster.service_cidr));
    }
    if node.local_disks {
        arguments.push(("--local-disks ", "raid0"));
    }
    let flags = kubelet_flags(node);
    arguments.push(("--kubelet-extra-args ", &flags));
    let quoted: Vec<String> = arguments
        .iter()
        .map(|(name, value)| format!("{name}'{}'", value.replace('\'', r"'\''")))
        .collect();
    format!("#!/bin/bash\nset -e\n/etc/eks/bootstrap.sh {}\n", quoted.join(" \\\n  "))
}

/// PowerShell; the owner's commands come first.
pub(super) fn windows(node: &Node<'_>) -> String {
    let cluster = node.cluster;
    let flags = kubelet_flags(node);
    let servers = name_servers(node);
    let mut arguments = vec![
        ("-EKSClusterName", &*cluster.name),
        ("-APIServerEndpoint", &*cluster.endpoint),
        ("-Base64ClusterCA", &*cluster.certificate_authority),
        ("-KubeletExtraArgs", &flags),
    ];
    if let Some(first) = servers.first() {
        arguments.push(("-DNSClusterIP", first));
    }
    let quoted: Vec<String> = arguments
        .iter()
        .map(|(name, value)| format!("{name} '{}'", value.replace('\'', "''")))
        .collect();
    let own = match node.own.reveal().trim() {
        "" => String::new(),
        own => format!("{own}\n"),
    };
    let script = r"$env:ProgramFiles\Amazon\EKS\Start-EKSBootstrap.ps1";
    format!("<powershell>\n{own}& \"{script}\" {}\n</powershell>\n", quoted.join(" "))
}

/// The kubelet's flags, each once and in the order of this text.
fn kubelet_flags(node: &Node<'_>) -> String {
    let kubelet = node.kubelet;
    let taints: Vec<String> = node.taints.iter().map(taint_flag).collect();
    let servers: Vec<&str> = kubelet.cluster_dns.iter().map(|server| &**server).collect();
    let number = |number: Option<i32>| number.map(|number| number.to_string());
    let count = |count: Option<u32>| count.map(|count| count.to_string());
    let flags = [
        ("--node-labels", some(pairs(&kubelet_labels(node), "="))),
        ("--register-with-taints", some(taints.join(","))),
        ("--max-pods", count(node.max_pods.or(kubelet.max_pods))),
        ("--pods-per-core", count(kubelet.pods_per_core)),
        // The scripts set one name server; only several have to be told here.
        ("--cluster-dns", some(servers.join(",")).filter(|_| 1 < servers.len())),
        ("--system-reserved", some(pairs(&kubelet.system_reserved, "="))),
        ("--kube-reserved", some(pairs(&kubelet.kube_reserved, "="))),
        ("--eviction-hard", some(pairs(&kubelet.eviction_hard, "<"))),
        ("--eviction-soft", some(pairs(&kubelet.eviction_soft, "<"))),
        ("--eviction-soft-grace-period", some(pairs(&kubelet.eviction_soft_grace_period, "="))),
        ("--eviction-max-pod-grace-period", number(kubelet.eviction_max_pod_grace_period)),
        ("--image-gc-high-threshold", number(kubelet.image_gc_high_threshold_percent)),
        ("--image-gc-low-threshold", number(kubelet.image_gc_low_threshold_percent)),
        ("--cpu-cfs-quota", kubelet.cpu_cfs_quota.map(|on| on.to_string())),
    ];
    let given = flags.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    given.collect::<Vec<_>>().join(" ")
}

fn pairs(map: &Labels, between: &str) -> String {
    let pair = |(key, value): (&Text, &Text)| format!("{key}{between}{value}");
    map.iter().map(pair).collect::<Vec<_>>().join(",")
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
