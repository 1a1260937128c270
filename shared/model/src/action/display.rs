//! Actions in words, one line each.

use super::{Action, ClaimChange, CloudAction, ClusterAction, Launch, NodeChange};
use crate::memory;
use crate::name::{ClaimName, InstanceId, InstanceTypeName};
use crate::pool::PoolCondition;
use std::fmt;

impl fmt::Display for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.claims.iter().map(|claim| claim.name().as_str()).collect();
        write!(f, "launch {}", names.join(" "))?;
        if let Some(record) = &self.replay {
            write!(f, ": again {} (attempt {})", record.offering, record.attempt)?;
        } else if let Some(best) = self.choices.first() {
            write!(f, ": {} at {}/h", best.offering, best.price)?;
        }
        match self.choices.len() {
            0 | 1 => Ok(()),
            more => write!(f, ", or {} others", more - 1),
        }
    }
}

impl fmt::Display for ClaimChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LaunchRecord(record) => {
                write!(f, "about to launch {} (attempt {})", record.offering, record.attempt)
            }
            Self::Launched { instance, .. } => write!(f, "launched {instance}"),
            Self::Registered { node } => write!(f, "registered as {node}"),
            Self::Initialized { .. } => f.write_str("initialized"),
            Self::Condition { kind, status: Some(status), reason, .. } => {
                write!(f, "{kind:?}={status:?} ({reason})")
            }
            Self::Condition { kind, status: None, .. } => write!(f, "no longer {kind:?}"),
            Self::Notice(notice) => write!(f, "notice {} of {}", notice.kind.as_str(), notice.at),
            Self::ReplacedBy(claims) if claims.is_empty() => f.write_str("not replaced any more"),
            Self::ReplacedBy(claims) => {
                let names: Vec<&str> = claims.iter().map(ClaimName::as_str).collect();
                write!(f, "to be replaced by {}", names.join(" "))
            }
            Self::TerminationDeadline(at) => write!(f, "drain ends by {at}"),
            Self::LastPodEvent(at) => write!(f, "last pod event at {at}"),
            Self::Stamped(_) => f.write_str("stamped anew"),
        }
    }
}

impl fmt::Display for NodeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.labels.iter().map(|(key, value)| format!("label {key}={value}"));
        let added = self.add_taints.iter().map(|taint| format!("taint {taint}"));
        let removed = self.remove_taints.iter().map(|key| format!("no taint {key}"));
        let own = self.own.iter().map(|(claim, _)| format!("owned by {claim}"));
        let parts: Vec<String> = labels.chain(added).chain(removed).chain(own).collect();
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for ClusterAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateClaim(claim) => write!(f, "create claim {}", claim.name),
            Self::UpdateClaim { claim, change, .. } => write!(f, "claim {claim}: {change}"),
            Self::DeleteClaim { claim, reason, .. } => {
                write!(f, "delete claim {claim}: {reason:?}")
            }
            Self::ReleaseClaim { claim, .. } => write!(f, "release claim {claim}"),
            Self::UpdateNode { node, change, .. } => write!(f, "node {node}: {change}"),
            Self::DeleteNode { node, .. } => write!(f, "delete node {node}"),
            Self::ReleaseNode { node, .. } => write!(f, "release node {node}"),
            Self::UpdatePool { pool, status, .. } => {
                write!(f, "pool {pool}: {}", status.resources)?;
                status.conditions.iter().try_for_each(|condition| {
                    let PoolCondition { kind, status, reason, .. } = condition;
                    write!(f, ", {kind}={status:?} {reason}")
                })
            }
            Self::EvictPod { pod, reason, .. } => write!(f, "evict {pod}: {reason}"),
            Self::DeletePod { pod, grace, .. } => {
                write!(f, "delete {pod} within {} s", grace.as_secs())
            }
            Self::Remember(memory::Change::Unavailable { offerings, .. }) => {
                let keys: Vec<String> =
                    offerings.iter().map(|u| format!("{} until {}", u.offering, u.until)).collect();
                write!(f, "remember unavailable: {}", keys.join("; "))
            }
            Self::Remember(memory::Change::Swept { candidates, .. }) => {
                write!(f, "remember the sweep: {} candidates", candidates.len())
            }
            Self::Remember(memory::Change::Unproductive(counts)) => {
                write!(f, "remember launches that did not help: {} owners", counts.len())
            }
            Self::Remember(memory::Change::Learned { memory, .. }) => {
                let types: Vec<&str> = memory.keys().map(InstanceTypeName::as_str).collect();
                write!(f, "remember the memory of {}", types.join(" "))
            }
            Self::Remember(memory::Change::Launched(ended)) => {
                let count =
                    |came_up: bool| ended.values().flatten().filter(|one| **one == came_up).count();
                write!(f, "remember launches: {} came up, {} did not", count(true), count(false))
            }
            Self::AcquireLease { holder, .. } => write!(f, "lease to {holder}"),
            Self::ReleaseLease { holder } => write!(f, "lease back from {holder}"),
            Self::RecordEvent(event) => {
                write!(
                    f,
                    "event {} on {} {}: {}",
                    event.reason, event.kind, event.object, event.message
                )
            }
        }
    }
}

impl fmt::Display for CloudAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunInstances(run) => write!(f, "run {} x {}", run.count, run.offering),
            Self::TerminateInstances { instances } => {
                let ids: Vec<&str> = instances.iter().map(InstanceId::as_str).collect();
                write!(f, "terminate {}", ids.join(" "))
            }
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(action) => action.fmt(f),
            Self::Cloud(action) => action.fmt(f),
            Self::Launch(launch) => launch.fmt(f),
        }
    }
}
