//! Settings of the kubelet.

use super::super::pattern;
use super::rules as of;
use crate::crd::rules::cel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of the kubelet; what is left out has the value that is usual for the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel(of::KUBELET)))]
pub struct Kubelet {
    /// Name servers of pods, by address.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "clusterDNS")]
    pub cluster_dns: Option<Vec<String>>,
    /// Whether CPU limits are enforced.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "cpuCFSQuota")]
    pub cpu_cfs_quota: Option<bool>,
    /// Pods are evicted at once when less than this is left, by signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "additionalProperties" = {"type": "string", "pattern": pattern::THRESHOLD},
        "x-kubernetes-validations" = cel(of::EVICTION_HARD)
    ))]
    pub eviction_hard: Option<BTreeMap<String, String>>,
    /// The longest grace period, in seconds, of pods that are evicted because of a soft threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eviction_max_pod_grace_period: Option<i32>,
    /// Pods are evicted when less than this is left for the time that `evictionSoftGracePeriod` says, by signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "additionalProperties" = {"type": "string", "pattern": pattern::THRESHOLD},
        "x-kubernetes-validations" = cel(of::EVICTION_SOFT)
    ))]
    pub eviction_soft: Option<BTreeMap<String, String>>,
    /// How long a soft threshold may be passed, by signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel(of::EVICTION_SOFT_GRACE_PERIOD)))]
    pub eviction_soft_grace_period: Option<BTreeMap<String, String>>,
    /// Images are removed whenever the disk is fuller than this, in per cent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "imageGCHighThresholdPercent"
    )]
    #[schemars(range(min = 0, max = 100))]
    pub image_gc_high_threshold_percent: Option<i32>,
    /// Images are not removed while the disk is emptier than this, in per cent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "imageGCLowThresholdPercent"
    )]
    #[schemars(range(min = 0, max = 100))]
    pub image_gc_low_threshold_percent: Option<i32>,
    /// What is kept for the kubelet and the container runtime, by resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "additionalProperties" = {"type": "string", "pattern": pattern::QUANTITY},
        "x-kubernetes-validations" = cel(of::KUBE_RESERVED)
    ))]
    pub kube_reserved: Option<BTreeMap<String, String>>,
    /// The most pods on a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_pods: Option<i32>,
    /// The most pods on a node for each of its cores; `maxPods` still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub pods_per_core: Option<i32>,
    /// What is kept for the operating system, by resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "additionalProperties" = {"type": "string", "pattern": pattern::QUANTITY},
        "x-kubernetes-validations" = cel(of::SYSTEM_RESERVED)
    ))]
    pub system_reserved: Option<BTreeMap<String, String>>,
}
