//! The planner's lease. It keeps planners apart as a rule; nothing relies on it, since a holder that was paused may act
//! after its time.

use super::Home;
use super::change::{ATTEMPTS_MAX, JSON, MERGE_PATCH};
use super::format::micros;
use super::list::Page;
use super::outcome;
use super::wire::{Failure, Wire};
use crate::resource::{LEASES, query};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use model::outcome::Outcome;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The lease by which Karpenter's replicas choose their leader, in the namespace that it was installed in.
const KARPENTER: &str = "karpenter-leader-election";

/// The lease's name.
const PLANNER: &str = "joiner-planner";

/// Who found the lease taken: its holder looks once more before it gives it back.
const WANTED: &str = "joiner.sh/wanted-by";

/// A Lease, as far as it is looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Lease {
    metadata: LeaseMeta,
    spec: LeaseSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LeaseMeta {
    resource_version: String,
    annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LeaseSpec {
    holder_identity: Option<String>,
    renew_time: Option<Timestamp>,
    lease_duration_seconds: Option<i64>,
}

impl LeaseSpec {
    /// Who holds it at a time.
    fn holder_at(&self, now: Timestamp) -> Option<String> {
        let seconds = self.lease_duration_seconds.unwrap_or(0).clamp(0, 3600);
        let held_for = SignedDuration::from_secs(seconds);
        let is_live = self.renew_time.is_some_and(|at| now.duration_since(at) < held_for);
        self.holder_identity.clone().filter(|holder| is_live && !holder.is_empty())
    }
}

/// What is to be done about a lease as it stands.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    /// The patch, without its condition; none where all is as it should be.
    patch: Option<Value>,
    /// What has come of it once it is written.
    outcome: Outcome,
}

/// Who leads Karpenter's replicas at this time; none where it does not run.
pub(super) async fn karpenter(wire: &Wire, now: Timestamp) -> Result<Option<String>, Failure> {
    let named = format!("metadata.name={KARPENTER}");
    let body = wire.get(&query(&LEASES.all(), &[("fieldSelector", &*named)])).await?;
    let page = Page::read(&body)?;
    let mut leases = page.items().filter_map(|text| serde_json::from_str::<Lease>(text).ok());
    Ok(leases.find_map(|lease| lease.spec.holder_at(now)))
}

/// Takes the lease.
pub(super) async fn acquire(
    wire: &Wire,
    home: &Home,
    (holder, until): (&str, Timestamp),
    now: Timestamp,
) -> Outcome {
    swap(wire, home, |lease| match lease {
        Some(lease) => acquiring(lease, (holder, until), now),
        None => {
            Step { patch: Some(json!({"spec": held(holder, until, now)})), outcome: Outcome::Done }
        }
    })
    .await
}

/// Gives the lease back.
pub(super) async fn release(wire: &Wire, home: &Home, holder: &str) -> Outcome {
    swap(wire, home, |lease| match lease {
        Some(lease) => releasing(lease, holder),
        None => Step { patch: None, outcome: Outcome::Done },
    })
    .await
}

fn acquiring(lease: &Lease, (holder, until): (&str, Timestamp), now: Timestamp) -> Step {
    if lease.spec.holder_at(now).is_some_and(|other| other != holder) {
        let is_marked = lease.metadata.annotations.contains_key(WANTED);
        let mark = json!({"metadata": {"annotations": {WANTED: holder}}});
        return Step { patch: (!is_marked).then_some(mark), outcome: Outcome::Conflict };
    }
    let patch = json!({
        "metadata": {"annotations": {WANTED: null}},
        "spec": held(holder, until, now),
    });
    Step { patch: Some(patch), outcome: Outcome::Done }
}

/// Whoever is told that another wanted it still has it, to look once more.
fn releasing(lease: &Lease, holder: &str) -> Step {
    if lease.spec.holder_identity.as_deref() != Some(holder) {
        return Step { patch: None, outcome: Outcome::Done };
    }
    if lease.metadata.annotations.contains_key(WANTED) {
        let patch = json!({"metadata": {"annotations": {WANTED: null}}});
        return Step { patch: Some(patch), outcome: Outcome::Conflict };
    }
    let patch = json!({"spec": {"holderIdentity": null, "renewTime": null, "acquireTime": null, "leaseDurationSeconds": null}});
    Step { patch: Some(patch), outcome: Outcome::Done }
}

/// `spec` of a lease that ends at this time. Its duration is in whole seconds, so its beginning is put where they fit.
fn held(holder: &str, until: Timestamp, now: Timestamp) -> Value {
    let left = until.duration_since(now).as_millis();
    let seconds = i64::try_from((left + 999) / 1000).unwrap_or(1).clamp(1, 3600);
    let begin = micros(until - SignedDuration::from_secs(seconds));
    json!({
        "holderIdentity": holder,
        "leaseDurationSeconds": seconds,
        "acquireTime": begin,
        "renewTime": begin,
    })
}

/// Reads the lease, and writes what it is to be on the condition that it is still as it was read.
async fn swap(wire: &Wire, home: &Home, decide: impl Fn(Option<&Lease>) -> Step) -> Outcome {
    let path = home.path(&LEASES, PLANNER);
    for _ in 0..ATTEMPTS_MAX {
        let seen = match wire.get(&path).await.and_then(|body| read(&body)) {
            Ok(lease) => Some(lease),
            Err(failure) if failure.is(StatusCode::NOT_FOUND) => None,
            Err(failure) => return outcome::of_change(failure),
        };
        let Step { patch, outcome } = decide(seen.as_ref());
        let Some(mut change) = patch else { return outcome };
        let written = if let Some(seen) = &seen {
            change["metadata"]["resourceVersion"] = json!(seen.metadata.resource_version);
            wire.change(Method::PATCH, &path, (MERGE_PATCH, &change)).await
        } else {
            change["apiVersion"] = json!(LEASES.api_version);
            change["kind"] = json!(LEASES.kind);
            change["metadata"]["name"] = json!(PLANNER);
            wire.change(Method::POST, &LEASES.within(&home.namespace), (JSON, &change)).await
        };
        match written {
            Ok(_) => return outcome,
            Err(failure) if failure.is(StatusCode::CONFLICT) => {}
            Err(failure) => return outcome::of_change(failure),
        }
    }
    Outcome::Conflict
}

fn read(body: &[u8]) -> Result<Lease, Failure> {
    let lease = serde_json::from_slice(body);
    lease.map_err(|error| Failure::Lost(format!("Lease {PLANNER}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const NOW: &str = "2026-01-01T00:01:00Z";

    fn check(step: &Step, expected: &Expect) {
        let patch = step.patch.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        expected.assert_eq(&format!("{}\n{patch}\n", step.outcome.word()));
    }

    fn lease(spec: &str, annotations: &str) -> Lease {
        let text = format!(r#"{{"metadata":{{"annotations":{annotations}}},"spec":{spec}}}"#);
        read(text.as_bytes()).unwrap()
    }

    fn held_by_a(from: &str) -> String {
        format!(r#"{{"holderIdentity":"a","renewTime":"{from}","leaseDurationSeconds":15}}"#)
    }

    fn acquired(lease: &Lease) -> Step {
        let now: Timestamp = NOW.parse().unwrap();
        acquiring(lease, ("b", now + SignedDuration::from_millis(14_500)), now)
    }

    #[test]
    fn a_lease_that_is_free_or_over_is_taken_until_exactly_the_time_asked_for() {
        let taken = expect![[r#"
            done
            {"metadata":{"annotations":{"joiner.sh/wanted-by":null}},"spec":{"acquireTime":"2026-01-01T00:00:59.500000Z","holderIdentity":"b","leaseDurationSeconds":15,"renewTime":"2026-01-01T00:00:59.500000Z"}}
        "#]];
        check(&acquired(&lease("{}", "{}")), &taken);
        check(&acquired(&lease(&held_by_a("2026-01-01T00:00:45.000000Z"), "{}")), &taken);
        let mine = held_by_a("2026-01-01T00:00:50.000000Z").replace("\"a\"", "\"b\"");
        check(&acquired(&lease(&mine, r#"{"joiner.sh/wanted-by":"c"}"#)), &taken);
    }

    #[test]
    fn a_lease_that_is_taken_is_marked_once() {
        let taken = held_by_a("2026-01-01T00:00:45.000001Z");
        check(
            &acquired(&lease(&taken, "{}")),
            &expect![[r#"
                conflict
                {"metadata":{"annotations":{"joiner.sh/wanted-by":"b"}}}
            "#]],
        );
        let marked = lease(&taken, r#"{"joiner.sh/wanted-by":"c"}"#);
        check(&acquired(&marked), &expect![["conflict\nnothing\n"]]);
    }

    #[test]
    fn a_wanted_lease_is_given_back_the_second_time() {
        let taken = held_by_a("2026-01-01T00:00:50.000000Z");
        let wanted = lease(&taken, r#"{"joiner.sh/wanted-by":"b"}"#);
        check(
            &releasing(&wanted, "a"),
            &expect![[r#"
                conflict
                {"metadata":{"annotations":{"joiner.sh/wanted-by":null}}}
            "#]],
        );
        check(
            &releasing(&lease(&taken, "{}"), "a"),
            &expect![[r#"
                done
                {"spec":{"acquireTime":null,"holderIdentity":null,"leaseDurationSeconds":null,"renewTime":null}}
            "#]],
        );
        check(&releasing(&wanted, "b"), &expect![["done\nnothing\n"]]);
    }
}
