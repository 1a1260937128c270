//! A plan: what a decision came to. Immutable, without open choices, and readable.

use crate::action::{Action, Launch};
use crate::name::{ClaimName, NodeName, ObjectName};
use crate::price::Price;
use crate::reason::{Reason, Subject};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a pod is expected to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// A node that is there.
    Node(NodeName),
    /// A claim, new or on its way.
    Claim(ClaimName),
}

/// A pod and its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// The pod.
    pub pod: ObjectName,
    /// Its place.
    pub on: Target,
}

/// Something left out, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// What.
    pub subject: Subject,
    /// Why; for a pod that no pool takes, one reason for each pool.
    pub reasons: Vec<Reason>,
}

/// What the new nodes of a plan cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// All first choices together, per hour.
    pub per_hour: Price,
    /// No plan for the same pods can cost less than this, per hour; none where it was not worked out.
    #[serde(default)]
    pub lower_bound_per_hour: Option<Price>,
}

/// What a plan gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Saving {
    /// Per hour, once all that is begun is done, if each new node is launched as its first choice.
    pub per_hour: Price,
    /// Pods that need another node for that.
    pub moved_pods: usize,
    /// No consolidation of the nodes that may be disrupted could save more, per hour.
    pub at_most_per_hour: Price,
}

/// A decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plan {
    /// What to do, in this order.
    pub actions: Vec<Action>,
    /// Where pods that wait are expected to run.
    pub placements: Vec<Placement>,
    /// What was left out, and why.
    pub left_out: Vec<LeftOut>,
    /// What the new nodes cost.
    pub cost: Cost,
    /// What is saved by nodes that go; none where none does.
    pub saving: Option<Saving>,
}

impl Plan {
    /// Adds a reason for something left out.
    pub fn leave_out(&mut self, subject: Subject, reason: Reason) {
        self.left_out.push(LeftOut { subject, reasons: vec![reason] });
    }

    /// The launches among its actions.
    pub fn launches(&self) -> impl Iterator<Item = &Launch> {
        self.actions.iter().filter_map(|action| match action {
            Action::Launch(launch) => Some(launch),
            Action::Cluster(_) | Action::Cloud(_) => None,
        })
    }

    /// The pods placed on a claim or node, in the plan's order.
    pub fn pods_on<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a ObjectName> {
        self.placements.iter().filter(move |p| p.on == *target).map(|p| &p.pod)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(f, "node {name}"),
            Self::Claim(name) => write!(f, "claim {name}"),
        }
    }
}

impl fmt::Display for Plan {
    /// A line for each action, place and reason, then the cost where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for action in &self.actions {
            writeln!(f, "{action}")?;
        }
        let mut rest = &self.placements[..];
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|placement| placement.on == first.on).count();
            let pods: Vec<String> = rest[..same].iter().map(|p| p.pod.to_string()).collect();
            writeln!(f, "{}: {}", first.on, pods.join(" "))?;
            rest = &rest[same..];
        }
        for left_out in &self.left_out {
            for reason in &left_out.reasons {
                writeln!(f, "not {}: {reason}", left_out.subject)?;
            }
        }
        if self.cost.per_hour != Price::ZERO {
            write!(f, "cost {}/h", self.cost.per_hour)?;
            if let Some(bound) = self.cost.lower_bound_per_hour {
                write!(f, ", at least {bound}/h")?;
            }
            writeln!(f)?;
        }
        if let Some(Saving { per_hour, moved_pods, at_most_per_hour }) = self.saving {
            writeln!(
                f,
                "saves {per_hour}/h, moves {moved_pods} pods, at most {at_most_per_hour}/h could be saved"
            )?;
        }
        Ok(())
    }
}
