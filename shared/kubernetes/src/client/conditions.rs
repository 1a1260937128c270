//! Status conditions of NodeClaims and EC2NodeClasses as Karpenter's library (operatorpkg, package status) keeps them, so that
//! whoever reads them finds what Karpenter would have written. `Ready` follows from the conditions that it depends on.

use super::format::seconds;
use jiff::Timestamp;
use model::condition::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The condition that sums up the others.
const ROOT: &str = "Ready";

/// What `Ready` depends on, in the order in which a NodeClaim gets there.
pub(super) const OF_CLAIMS: [&str; 3] = ["Launched", "Registered", "Initialized"];

/// The same of an EC2NodeClass.
pub(super) const OF_CLASSES: [&str; 7] = [
    "AMIsReady",
    "CapacityReservationsReady",
    "InstanceProfileReady",
    "PlacementGroupReady",
    "SecurityGroupsReady",
    "SubnetsReady",
    "ValidationSucceeded",
];

/// The same of a NodePool.
pub(super) const OF_POOLS: [&str; 2] = ["NodeClassReady", "ValidationSucceeded"];

/// A condition as it stands in an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) message: String,
    pub(super) last_transition_time: String,
    #[serde(default)]
    pub(super) observed_generation: i64,
}

/// What a condition is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

/// The conditions of one object.
#[derive(Debug)]
pub(super) struct ConditionSet<'a> {
    /// What `Ready` depends on.
    pub(super) dependents: &'static [&'static str],
    pub(super) conditions: Vec<Condition>,
    /// `metadata.generation`.
    pub(super) generation: i64,
    /// `metadata.creationTimestamp`.
    pub(super) created: &'a str,
    pub(super) is_deleting: bool,
    pub(super) now: Timestamp,
}

/// Changes the conditions of an object.
pub(super) fn change(
    object: &mut Value,
    (dependents, now): (&'static [&'static str], Timestamp),
    change: impl FnOnce(&mut ConditionSet<'_>),
) -> Result<(), String> {
    let present = object["status"]["conditions"].take();
    let conditions: Vec<Condition> = match present {
        Value::Null => Vec::new(),
        list => {
            serde_json::from_value(list).map_err(|error| format!("status.conditions: {error}"))?
        }
    };
    let metadata = &object["metadata"];
    let created = metadata["creationTimestamp"].as_str().unwrap_or_default().to_owned();
    let mut set = ConditionSet {
        dependents,
        conditions,
        generation: metadata["generation"].as_i64().unwrap_or(0),
        created: &created,
        is_deleting: metadata["deletionTimestamp"].is_string(),
        now,
    };
    set.begin();
    change(&mut set);
    let conditions = serde_json::to_value(set.conditions);
    object["status"]["conditions"] = conditions.map_err(|error| error.to_string())?;
    Ok(())
}

/// A status under its name in the API.
pub(super) const fn name_of(status: Status) -> &'static str {
    match status {
        Status::True => "True",
        Status::False => "False",
        Status::Unknown => "Unknown",
    }
}

impl ConditionSet<'_> {
    /// Makes those known that every object of the kind has.
    pub(super) fn begin(&mut self) {
        for kind in [ROOT].into_iter().chain(self.dependents.iter().copied()) {
            if !self.conditions.iter().any(|condition| condition.kind == kind) {
                let reason = "AwaitingReconciliation";
                let message = "object is awaiting reconciliation";
                self.set(Wanted { kind, status: "Unknown", reason, message });
            }
        }
    }

    /// Sets a condition. Its time changes only when its status does; one that every object has begins with the object.
    pub(super) fn set(&mut self, wanted: Wanted<'_>) {
        let Wanted { kind, status, reason, message } = wanted;
        let present = self.conditions.iter().position(|condition| condition.kind == kind);
        let last_transition_time = match present.map(|at| &self.conditions[at]) {
            Some(present) if present.status == status => present.last_transition_time.clone(),
            None if kind == ROOT || self.dependents.contains(&kind) => self.created.to_owned(),
            Some(_) | None => seconds(self.now),
        };
        let condition = Condition {
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time,
            observed_generation: self.generation,
        };
        if present.is_some_and(|at| self.conditions[at] == condition) {
            return;
        }
        self.conditions.retain(|other| other.kind != kind);
        if self.is_deleting {
            for other in &mut self.conditions {
                other.observed_generation = self.generation;
            }
        }
        self.conditions.push(condition);
        // Times are all of one form, so their texts are in their order.
        self.conditions.sort_by(|a, b| {
            let key = |c: &Condition| (c.kind == ROOT, c.last_transition_time.clone());
            match (a.kind == ROOT, b.kind == ROOT) {
                (true, true) => std::cmp::Ordering::Equal,
                _ => key(a).cmp(&key(b)),
            }
        });
        if kind != ROOT {
            self.sum_up();
        }
    }

    /// Removes a condition that not every object has.
    pub(super) fn clear(&mut self, kind: &str) {
        let before = self.conditions.len();
        if kind != ROOT && !self.dependents.contains(&kind) {
            self.conditions.retain(|condition| condition.kind != kind);
        }
        if self.conditions.len() < before {
            self.conditions.sort_by(|a, b| a.kind.cmp(&b.kind));
        }
    }

    fn sum_up(&mut self) {
        let is_current = |c: &Condition| c.observed_generation == self.generation;
        let dependents = self.conditions.iter().filter(|c| self.dependents.contains(&&*c.kind));
        let mut unhealthy: Vec<&Condition> =
            dependents.filter(|c| c.status != "True" || !is_current(c)).collect();
        if unhealthy.is_empty() {
            self.set(Wanted { kind: ROOT, status: "True", reason: ROOT, message: "" });
            return;
        }
        unhealthy.sort_by(|a, b| b.last_transition_time.cmp(&a.last_transition_time));
        let is_false = unhealthy.iter().any(|c| c.status == "False" && is_current(c));
        let (status, reason) = if is_false {
            ("False", "UnhealthyDependents")
        } else {
            ("Unknown", "ReconcilingDependents")
        };
        let parts = unhealthy.iter().map(|c| format!("{}={}", c.kind, c.status));
        let message = parts.collect::<Vec<_>>().join(", ");
        self.set(Wanted { kind: ROOT, status, reason, message: &message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::fmt::Write;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap()
    }

    /// What a NodeClaim created at 0 s shows after these are set, each at its second.
    fn check(steps: &[(i64, &str, &str)], expected: &Expect) {
        let created = seconds(at(0));
        let mut set = ConditionSet {
            dependents: &OF_CLAIMS,
            conditions: Vec::new(),
            generation: 1,
            created: &created,
            is_deleting: false,
            now: at(0),
        };
        set.begin();
        for (second, kind, status) in steps {
            set.now = at(*second);
            match *status {
                "" => set.clear(kind),
                "True" => set.set(Wanted { kind, status: "True", reason: kind, message: "" }),
                other => {
                    set.set(Wanted { kind, status: other, reason: "Because", message: "it is so" });
                }
            }
        }
        let mut text = String::new();
        for condition in &set.conditions {
            let Condition { kind, status, reason, message, last_transition_time, .. } = condition;
            let time = &last_transition_time[14..];
            writeln!(text, "{time} {kind}={status} {reason} {message}").unwrap();
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn a_fresh_claim_waits_for_all_three() {
        check(
            &[],
            &expect![[r#"
                00:00Z Launched=Unknown AwaitingReconciliation object is awaiting reconciliation
                00:00Z Registered=Unknown AwaitingReconciliation object is awaiting reconciliation
                00:00Z Initialized=Unknown AwaitingReconciliation object is awaiting reconciliation
                00:00Z Ready=Unknown ReconcilingDependents Launched=Unknown, Registered=Unknown, Initialized=Unknown
            "#]],
        );
    }

    #[test]
    fn ready_comes_with_the_last_of_them() {
        let two = [(1, "Launched", "True"), (30, "Registered", "True")];
        check(
            &two,
            &expect![[r#"
                00:00Z Initialized=Unknown AwaitingReconciliation object is awaiting reconciliation
                00:01Z Launched=True Launched 
                00:30Z Registered=True Registered 
                00:00Z Ready=Unknown ReconcilingDependents Initialized=Unknown
            "#]],
        );
        let three = [two[0], two[1], (40, "Initialized", "True"), (50, "Launched", "True")];
        check(
            &three,
            &expect![[r#"
                00:01Z Launched=True Launched 
                00:30Z Registered=True Registered 
                00:40Z Initialized=True Initialized 
                00:40Z Ready=True Ready 
            "#]],
        );
    }

    #[test]
    fn a_false_one_makes_ready_false_and_others_do_not_matter_to_it() {
        check(
            &[(1, "Launched", "True"), (2, "Registered", "False"), (3, "Drifted", "True")],
            &expect![[r#"
                00:00Z Initialized=Unknown AwaitingReconciliation object is awaiting reconciliation
                00:01Z Launched=True Launched 
                00:02Z Registered=False Because it is so
                00:03Z Drifted=True Drifted 
                00:02Z Ready=False UnhealthyDependents Registered=False, Initialized=Unknown
            "#]],
        );
    }

    #[test]
    fn only_what_not_every_claim_has_can_be_removed() {
        check(
            &[(1, "Drifted", "True"), (2, "Launched", ""), (3, "Drifted", "")],
            &expect![[r#"
                00:00Z Initialized=Unknown AwaitingReconciliation object is awaiting reconciliation
                00:00Z Launched=Unknown AwaitingReconciliation object is awaiting reconciliation
                00:00Z Ready=Unknown ReconcilingDependents Launched=Unknown, Registered=Unknown, Initialized=Unknown
                00:00Z Registered=Unknown AwaitingReconciliation object is awaiting reconciliation
            "#]],
        );
    }
}
