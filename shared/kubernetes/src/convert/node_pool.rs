//! NodePools: the custom resource's rules, its defaults, and the noun.

use crate::convert::pod::{named, uid};
use crate::field::FieldError;
use crate::format;
use crate::objects::amounts::Amounts;
use crate::objects::karpenter::{self, NodeClaimSpec, NodeClassRef, NodePoolStatus};
use jiff::SignedDuration;
use model::labels::{self, Labels};
use model::node_class::status::ClassCondition;
use model::pool::{Budget, BudgetNodes, Disruption, Limits, NodePool, PoolCondition, PoolStatus};
use model::requirement::Requirements;
use serde_json::Value;
use std::collections::BTreeMap;

/// `expireAfter` where it is not given (Karpenter v1): 720 hours.
const EXPIRE_AFTER: SignedDuration = SignedDuration::from_hours(720);

/// Domains whose labels only Karpenter sets, but for the well-known keys within them.
const RESTRICTED_DOMAINS: [&str; 2] = ["karpenter.sh", "karpenter.k8s.aws"];

/// A NodePool.
pub(crate) fn convert(object: karpenter::NodePool) -> Result<NodePool, FieldError> {
    let karpenter::NodePool { metadata, spec, status } = object;
    let name = named(&metadata)?;
    let template = spec.template;
    check_static(spec.replicas, spec.weight, spec.limits.as_ref())?;
    check_labels(&template.metadata.labels)?;
    check_claim_spec(&template.spec, "spec.template.spec", true)?;
    Ok(NodePool {
        uid: uid(&metadata, &name).into(),
        name: name.into(),
        deleting: metadata.deletion_timestamp.is_some(),
        weight: spec.weight.unwrap_or(0),
        replicas: spec.replicas,
        labels: template.metadata.labels,
        annotations: template.metadata.annotations,
        expire_after: expire_after(&template.spec),
        termination_grace_period: template.spec.termination_grace_period.map(|d| d.0),
        requirements: requirements(&template.spec),
        taints: template.spec.taints.into_iter().map(Into::into).collect(),
        startup_taints: template.spec.startup_taints.into_iter().map(Into::into).collect(),
        node_class: template.spec.node_class_ref.name.into(),
        limits: spec.limits.map(limits).transpose()?,
        disruption: disruption(spec.disruption)?,
        status: told(status),
    })
}

/// What stands in the status; nothing, so that it is written anew, where that cannot be read.
fn told(status: Value) -> PoolStatus {
    let status: NodePoolStatus = serde_json::from_value(status).unwrap_or_default();
    let condition = |c: ClassCondition| PoolCondition {
        kind: c.kind,
        status: c.status,
        reason: c.reason,
        message: c.message.to_string(),
    };
    let own = status.conditions.into_iter().filter(|c| PoolStatus::CONDITIONS.contains(&&*c.kind));
    let mut conditions: Vec<PoolCondition> = own.map(condition).collect();
    conditions.sort_by(|a, b| a.kind.cmp(&b.kind));
    let resources = status.resources.resources_of_node().unwrap_or_default();
    PoolStatus { nodes: status.nodes, resources, conditions }
}

/// How long nodes of this spec live.
pub(crate) fn expire_after(spec: &NodeClaimSpec) -> Option<SignedDuration> {
    spec.expire_after.map_or(Some(EXPIRE_AFTER), |given| given.0)
}

/// What this spec requires of a node.
pub(crate) fn requirements(spec: &NodeClaimSpec) -> Requirements {
    spec.requirements.iter().map(|r| (r.0.clone(), r.1.clone())).collect()
}

/// The rules of a spec that a NodePool's template and a NodeClaim share.
pub(crate) fn check_claim_spec(
    spec: &NodeClaimSpec,
    path: &str,
    of_pool: bool,
) -> Result<(), FieldError> {
    let NodeClassRef { group, kind, name } = &spec.node_class_ref;
    let expected = [("group", group, "karpenter.k8s.aws"), ("kind", kind, "EC2NodeClass")];
    for (field, found, wanted) in expected {
        if &**found != wanted {
            let message = format!("expected {wanted}, found {found:?}");
            return Err(FieldError::new(format!("{path}.nodeClassRef.{field}"), message));
        }
    }
    if name.is_empty() {
        return Err(FieldError::new(format!("{path}.nodeClassRef.name"), "expected a name"));
    }
    for (index, requirement) in spec.requirements.iter().enumerate() {
        let key = &*requirement.0;
        let is_pool = of_pool && key == labels::NODEPOOL;
        if is_pool || key == labels::HOSTNAME || is_restricted(key) {
            let path = format!("{path}.requirements[{index}].key");
            return Err(FieldError::new(path, format!("{key} is restricted")));
        }
    }
    Ok(())
}

fn check_static(
    replicas: Option<u32>,
    weight: Option<u32>,
    limits: Option<&Amounts>,
) -> Result<(), FieldError> {
    if replicas.is_none() {
        return Ok(());
    }
    if weight.is_some() {
        return Err(FieldError::new("spec.weight", "is not for NodePools with replicas"));
    }
    let other = limits.and_then(|limits| limits.0.keys().find(|name| &***name != "nodes"));
    match other {
        Some(name) => {
            let path = format!("spec.limits.{name}");
            Err(FieldError::new(path, "NodePools with replicas are limited by nodes only"))
        }
        None => Ok(()),
    }
}

/// Labels that a pool may not set: those that say which pool or host it is, and Karpenter's own but the well-known.
fn check_labels(all: &Labels) -> Result<(), FieldError> {
    let wrong = all
        .keys()
        .find(|key| matches!(&***key, labels::HOSTNAME | labels::NODEPOOL) || is_restricted(key));
    let unnamed = all.keys().find(|key| !format::is_qualified_name(key));
    let path = |key: &str| format!("spec.template.metadata.labels.{key}");
    match (wrong, unnamed) {
        (Some(key), _) => Err(FieldError::new(path(key), "is restricted")),
        (None, Some(key)) => Err(FieldError::new(path(key), "expected a label's name")),
        (None, None) => Ok(()),
    }
}

fn is_restricted(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    let is_within =
        |d: &&str| domain == *d || domain.strip_suffix(*d).is_some_and(|sub| sub.ends_with('.'));
    let is_known = labels::is_well_known(key) || key == labels::EC2NODECLASS;
    RESTRICTED_DOMAINS.iter().any(is_within) && !is_known
}

fn limits(amounts: Amounts) -> Result<Limits, FieldError> {
    let mut resources = amounts.0;
    let nodes = resources.remove("nodes").map(|nodes| {
        let message = format!("expected at most {}, found {nodes}", u32::MAX);
        u32::try_from(nodes).map_err(|_| FieldError::new("spec.limits.nodes", message))
    });
    Ok(Limits {
        resources: resources.into_iter().collect::<BTreeMap<_, _>>(),
        nodes: nodes.transpose()?,
    })
}

fn disruption(object: karpenter::Disruption) -> Result<Disruption, FieldError> {
    let default = Disruption::default();
    let budgets = object.budgets.map(|list| {
        let numbered = list.into_iter().enumerate();
        numbered.map(|(index, object)| budget(index, object)).collect::<Result<Vec<_>, _>>()
    });
    Ok(Disruption {
        consolidate_after: object.consolidate_after.map_or(default.consolidate_after, |d| d.0),
        policy: object.consolidation_policy,
        budgets: budgets.transpose()?.unwrap_or(default.budgets),
    })
}

fn budget(index: usize, object: karpenter::Budget) -> Result<Budget, FieldError> {
    let path = |field: &str| format!("spec.disruption.budgets[{index}].{field}");
    match (&object.schedule, &object.duration) {
        (Some(_), None) => {
            return Err(FieldError::new(path("duration"), "must be set with schedule"));
        }
        (None, Some(_)) => {
            return Err(FieldError::new(path("schedule"), "must be set with duration"));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    let text = object.nodes.as_deref().unwrap_or("10%");
    let nodes = match format::percent(text) {
        Some(percent) => BudgetNodes::Percent(percent),
        None => BudgetNodes::Count(text.parse().map_err(|_| {
            let expected = "expected a number such as 5 or a percentage of 0% to 100%";
            FieldError::new(path("nodes"), format!("{expected}, found {text:?}"))
        })?),
    };
    let mut reasons = object.reasons;
    reasons.sort_unstable();
    reasons.dedup();
    let duration = object.duration.map(|d| d.0);
    Ok(Budget { nodes, reasons, schedule: object.schedule, duration })
}
