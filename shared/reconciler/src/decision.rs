//! What a pass decided and what came of it, for whoever wants to be told: EventBridge, and with it everybody's alarms and
//! books. `infra/events/README.md` describes the form; its examples are checked here.

use crate::check::Violation;
use crate::report::Done;
use jiff::Timestamp;
use model::action::{Action, ClaimChange, CloudAction, ClusterAction, DeleteReason};
use model::claim::{Notice, NoticeKind};
use model::name::{ClaimName, InstanceId};
use model::outcome::Outcome;
use model::plan::{LeftOut, Plan};
use model::price::Price;
use model::reason::{Reason, Subject};
use model::snapshot::Instance;
use serde_json::{Value, json};

/// The version of the form. Fields may be added under it; what is taken away or changes its meaning makes a new one.
pub const VERSION: u32 = 1;

/// A decision and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// An instance was launched.
    Launched {
        /// The instance.
        instance: Instance,
        /// Per hour, as the plan had it.
        price: Option<Price>,
    },
    /// EC2 announced that it takes an instance away, and the claim says so now.
    Interrupted {
        /// Its claim.
        claim: ClaimName,
        /// What was announced.
        kind: NoticeKind,
        /// When.
        at: Timestamp,
    },
    /// A node goes.
    Disrupted {
        /// Its claim.
        claim: ClaimName,
        /// Why.
        reason: DeleteReason,
    },
    /// Instances were ended.
    Terminated {
        /// Which.
        instances: Vec<InstanceId>,
    },
    /// Something was left out.
    LeftOut {
        /// What.
        subject: Subject,
        /// Why, in sentences.
        reasons: Vec<String>,
    },
    /// Something keeps joiner from acting at all.
    GuardOpened {
        /// What it protects.
        subject: Subject,
        /// Why, in sentences.
        reasons: Vec<String>,
    },
    /// An action failed.
    Failed {
        /// In words.
        action: String,
        /// What came of it.
        outcome: Outcome,
    },
}

/// What of a pass is worth telling.
pub(crate) fn of_pass(plan: &Plan, done: &[Done], violations: &[Violation]) -> Vec<Decision> {
    let mut all = Vec::new();
    if !violations.is_empty() {
        let reasons = violations.iter().map(|broken| format!("a plan broke {broken}")).collect();
        all.push(Decision::GuardOpened { subject: Subject::Cluster, reasons });
    }
    for done in done {
        of_done(plan, done, &mut all);
    }
    for action in &plan.actions {
        let Some(decision) = of_action(action) else { continue };
        let text = action.to_string();
        if done.iter().any(|done| done.outcome.took_effect() && done.action == text) {
            all.push(decision);
        }
    }
    all.extend(plan.left_out.iter().filter_map(of_left_out));
    all
}

fn of_done(plan: &Plan, Done { action, outcome }: &Done, all: &mut Vec<Decision>) {
    match outcome {
        Outcome::Launched(instances) => {
            let launched = instances.iter().map(|instance| Decision::Launched {
                instance: instance.clone(),
                price: price(plan, instance),
            });
            all.extend(launched);
        }
        Outcome::Unavailable { .. }
        | Outcome::TokenSpent { .. }
        | Outcome::Throttled
        | Outcome::Denied { .. }
        | Outcome::Unknown { .. } => {
            all.push(Decision::Failed { action: action.clone(), outcome: outcome.clone() });
        }
        // What happens between any two that are at work.
        Outcome::Done
        | Outcome::Created { .. }
        | Outcome::Updated { .. }
        | Outcome::Conflict
        | Outcome::NotFound
        | Outcome::Blocked { .. }
        | Outcome::Skipped => {}
    }
}

/// What the plan had an instance for.
fn price(plan: &Plan, instance: &Instance) -> Option<Price> {
    let mut choices = plan.launches().flat_map(|launch| &launch.choices);
    let choice = choices.find(|choice| {
        let offering = &choice.offering;
        offering.instance_type == instance.instance_type
            && offering.zone == instance.zone
            && offering.capacity_type == instance.capacity_type
    });
    choice.map(|choice| choice.price)
}

fn of_action(action: &Action) -> Option<Decision> {
    match action {
        Action::Cluster(ClusterAction::UpdateClaim {
            claim,
            change: ClaimChange::Notice(Notice { kind, at }),
            ..
        }) => Some(Decision::Interrupted { claim: claim.clone(), kind: *kind, at: *at }),
        Action::Cluster(ClusterAction::DeleteClaim { claim, reason, .. }) => {
            Some(Decision::Disrupted { claim: claim.clone(), reason: *reason })
        }
        Action::Cloud(CloudAction::TerminateInstances { instances }) => {
            Some(Decision::Terminated { instances: instances.clone() })
        }
        Action::Cluster(_) | Action::Cloud(CloudAction::RunInstances(_)) | Action::Launch(_) => {
            None
        }
    }
}

/// A node that stays as it is, and whatever waits for its turn, is no news.
fn of_left_out(left_out: &LeftOut) -> Option<Decision> {
    let LeftOut { subject, reasons } = left_out;
    if reasons.iter().all(is_routine) {
        return None;
    }
    // It stops more than the one thing that it is said of.
    let is_guard = reasons.iter().any(|reason| reason.guard().is_some());
    let (subject, reasons) = (subject.clone(), reasons.iter().map(ToString::to_string).collect());
    Some(if is_guard {
        Decision::GuardOpened { subject, reasons }
    } else {
        Decision::LeftOut { subject, reasons }
    })
}

const fn is_routine(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::Unconsolidatable { .. }
            | Reason::TooFresh { .. }
            | Reason::Waiting { .. }
            | Reason::PassFull { .. }
    )
}

impl Decision {
    /// What EventBridge calls its `detail-type`.
    pub const fn detail_type(&self) -> &'static str {
        match self {
            Self::Launched { .. } => "joiner Node Launched",
            Self::Interrupted { .. } => "joiner Node Interrupted",
            Self::Disrupted { .. } => "joiner Node Disrupted",
            Self::Terminated { .. } => "joiner Instances Terminated",
            Self::LeftOut { .. } => "joiner Left Out",
            Self::GuardOpened { .. } => "joiner Guard Opened",
            Self::Failed { .. } => "joiner Action Failed",
        }
    }

    /// Whether it holds for as long as nothing changes, so that each pass comes to it anew.
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::LeftOut { .. } | Self::GuardOpened { .. } | Self::Failed { .. } => true,
            Self::Launched { .. }
            | Self::Interrupted { .. }
            | Self::Disrupted { .. }
            | Self::Terminated { .. } => false,
        }
    }

    /// What EventBridge calls its `detail`: names of objects and reasons only (I14).
    pub fn detail(&self, cluster: &str, function: &str) -> Value {
        let mut detail = self.fields();
        detail["version"] = json!(VERSION);
        detail["cluster"] = json!(cluster);
        detail["function"] = json!(function);
        detail
    }

    fn fields(&self) -> Value {
        match self {
            Self::Launched { instance, price } => {
                let Instance { id, instance_type, zone, capacity_type, image, .. } = instance;
                let Instance { pool, node_class, claim, launched_at, .. } = instance;
                json!({"claim": claim, "nodePool": pool, "nodeClass": node_class, "instance": id,
                    "instanceType": instance_type, "zone": zone, "image": image,
                    "capacityType": capacity_type.as_str(), "launchedAt": launched_at,
                    "microDollarsPerHour": price.map(Price::micro_dollars)})
            }
            Self::Interrupted { claim, kind, at } => {
                json!({"claim": claim, "notice": kind.as_str(), "announcedAt": at})
            }
            Self::Disrupted { claim, reason } => {
                json!({"claim": claim, "reason": reason,
                    "voluntary": reason.voluntary().is_some()})
            }
            Self::Terminated { instances } => json!({"instances": instances}),
            Self::LeftOut { subject, reasons } | Self::GuardOpened { subject, reasons } => {
                json!({"subject": subject.to_string(), "reasons": reasons})
            }
            Self::Failed { action, outcome } => {
                let (code, message) = said(outcome);
                json!({"action": action, "outcome": outcome.word(), "code": code,
                    "message": message})
            }
        }
    }
}

/// What the service said of a failure.
fn said(outcome: &Outcome) -> (Option<&str>, Option<&str>) {
    match outcome {
        Outcome::Denied { code, message } => (Some(code), Some(message)),
        Outcome::Unavailable { code } | Outcome::TokenSpent { code } => (Some(code), None),
        Outcome::Unknown { message } | Outcome::Blocked { message, .. } => (None, Some(message)),
        Outcome::Done
        | Outcome::Created { .. }
        | Outcome::Updated { .. }
        | Outcome::Launched(_)
        | Outcome::Conflict
        | Outcome::NotFound
        | Outcome::Throttled
        | Outcome::Skipped => (None, None),
    }
}

#[cfg(test)]
mod tests;
