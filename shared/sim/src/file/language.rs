//! The sentences of the language, as serde reads them.

use super::terms::{
    Bytes, Cpu, DayCount, LabelKey, Name, Percent, Pods, Protection, Skew, Span, Units, Weight,
};
use model::affinity::{NodeInclusionPolicy, WhenUnsatisfiable};
use model::name::Text;
use model::requirement::Operator;
use model::taint::Toleration;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// A file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    pub(super) title: String,
    /// How long the load lasts; then Deployments go, and Jobs are made no more.
    #[serde(default = "one_day")]
    pub(super) days: DayCount,
    pub(super) items: Vec<Item>,
}

fn one_day() -> DayCount {
    DayCount(1)
}

/// Something that comes or happens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Item {
    Deployment(Deployment),
    Job(Job),
    Burst(Burst),
    DaemonSet(DaemonSet),
    SpotStorm(SpotStorm),
    ZoneOutage(ZoneOutage),
}

/// Pods that run until the Deployment goes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Deployment {
    pub(super) name: Spanned<Name>,
    #[serde(default = "default_namespace")]
    pub(super) namespace: Name,
    #[serde(default)]
    pub(super) at: Span,
    pub(super) until: Option<Span>,
    /// Instead of `daily`.
    pub(super) replicas: Option<Pods>,
    /// Instead of `replicas`.
    pub(super) daily: Option<Daily>,
    pub(super) min_available: Option<Pods>,
    pub(super) pod: PodTemplate,
}

/// A curve through the day, the same every day: highest at `peak`, lowest twelve hours away from it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Daily {
    pub(super) min: Pods,
    pub(super) max: Pods,
    pub(super) peak: Span,
    #[serde(default = "ten_minutes")]
    pub(super) step: Span,
}

fn ten_minutes() -> Span {
    Span(jiff::SignedDuration::from_mins(10))
}

/// Pods that end by themselves; with `every` again and again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Job {
    pub(super) name: Spanned<Name>,
    #[serde(default = "default_namespace")]
    pub(super) namespace: Name,
    #[serde(default)]
    pub(super) at: Span,
    pub(super) every: Option<Span>,
    pub(super) until: Option<Span>,
    pub(super) pods: Pods,
    pub(super) work: Span,
    pub(super) withdrawn_after: Option<Span>,
    pub(super) pod: PodTemplate,
}

/// Jobs of one pod each that come all at once, or evenly over a while.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Burst {
    pub(super) name: Spanned<Name>,
    #[serde(default = "default_namespace")]
    pub(super) namespace: Name,
    pub(super) at: Span,
    #[serde(default)]
    pub(super) over: Span,
    pub(super) pods: Pods,
    pub(super) work: Span,
    pub(super) pod: PodTemplate,
}

/// A pod on every node that admits it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DaemonSet {
    pub(super) name: Spanned<Name>,
    #[serde(default = "kube_system")]
    pub(super) namespace: Name,
    pub(super) pod: PodTemplate,
}

/// EC2 takes spot instances back.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SpotStorm {
    pub(super) at: Span,
    pub(super) percent: Percent,
    #[serde(default = "yes")]
    pub(super) notice: bool,
    pub(super) zone: Option<Spanned<Text>>,
}

/// A zone has nothing to give for a while.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ZoneOutage {
    pub(super) at: Span,
    pub(super) zone: Spanned<Text>,
    #[serde(rename = "for")]
    pub(super) duration: Span,
    #[serde(default)]
    pub(super) kill: bool,
}

fn yes() -> bool {
    true
}

fn default_namespace() -> Name {
    Name("default".into())
}

fn kube_system() -> Name {
    Name("kube-system".into())
}

/// What a pod asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PodTemplate {
    #[serde(default)]
    pub(super) cpu: Cpu,
    #[serde(default)]
    pub(super) memory: Bytes,
    #[serde(default)]
    pub(super) ephemeral_storage: Bytes,
    /// `nvidia.com/gpu`, with the toleration that its nodes' taint needs.
    #[serde(default)]
    pub(super) gpu: Units,
    /// Any other extended resource by its name.
    #[serde(default)]
    pub(super) resources: BTreeMap<String, Units>,
    #[serde(default)]
    pub(super) labels: BTreeMap<Text, Text>,
    #[serde(default)]
    pub(super) node_selector: BTreeMap<Text, Spanned<Text>>,
    #[serde(default)]
    pub(super) node_affinity: Vec<NodeExpression>,
    #[serde(default)]
    pub(super) tolerations: Vec<Toleration>,
    #[serde(default)]
    pub(super) topology_spread_constraints: Vec<SpreadConstraint>,
    #[serde(default)]
    pub(super) pod_affinity: Vec<PodTerm>,
    #[serde(default)]
    pub(super) pod_anti_affinity: Vec<PodTerm>,
    #[serde(default)]
    pub(super) priority: i32,
    pub(super) do_not_disrupt: Option<Protection>,
    #[serde(default)]
    pub(super) host_ports: Vec<u16>,
    pub(super) termination_grace: Option<Span>,
}

/// What a label of the node has to be; with a weight, what it had better be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NodeExpression {
    pub(super) key: Spanned<LabelKey>,
    pub(super) operator: Operator,
    #[serde(default)]
    pub(super) values: Vec<Spanned<Text>>,
    pub(super) weight: Option<Weight>,
}

/// How evenly the item's own pods lie over the values of a label of nodes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SpreadConstraint {
    pub(super) topology_key: Spanned<LabelKey>,
    #[serde(default = "one")]
    pub(super) max_skew: Skew,
    #[serde(default = "do_not_schedule")]
    pub(super) when_unsatisfiable: WhenUnsatisfiable,
    pub(super) min_domains: Option<Skew>,
    #[serde(default = "honor")]
    pub(super) node_affinity_policy: NodeInclusionPolicy,
    #[serde(default = "ignore")]
    pub(super) node_taints_policy: NodeInclusionPolicy,
}

/// Whose pods are to be in the same domain, or in none of the same; with a weight, had better be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PodTerm {
    pub(super) topology_key: LabelKey,
    /// An item with pods, or `self`.
    pub(super) with: Spanned<Text>,
    pub(super) weight: Option<Weight>,
}

fn one() -> Skew {
    Skew(1)
}

fn do_not_schedule() -> WhenUnsatisfiable {
    WhenUnsatisfiable::DoNotSchedule
}

fn honor() -> NodeInclusionPolicy {
    NodeInclusionPolicy::Honor
}

fn ignore() -> NodeInclusionPolicy {
    NodeInclusionPolicy::Ignore
}
