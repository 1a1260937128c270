//! Carrying out a plan. There is nothing left to decide here: steps that depend on an answer follow in the plan's order.

mod launch;

use crate::ports::{Cloud, Cluster};
use crate::report::Done;
use futures_util::future::join_all;
use jiff::Timestamp;
use launch::{Launching, Member};
use model::action::{Action, ClaimToLaunch, ClusterAction, Launch};
use model::memory::Change;
use model::name::{ClaimName, NodeName};
use model::outcome::Outcome;
use model::plan::Plan;
use model::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

/// So many calls are under way at once. The Kubernetes API serves some hundreds a second to one client by its default
/// fairness; twenty at 20 ms each are a thousand a second at the very most, and thirty in practice.
const CALLS_AT_ONCE: usize = 20;

/// So many launches are under way at once: RunInstances takes 1.2 to 2 s and its bucket refills at 2 a second, so four
/// keep it busy.
const LAUNCHES_AT_ONCE: usize = 4;

/// What has been done before the launches, and the claims they are for.
#[derive(Debug)]
pub struct Prepared<'a> {
    done: Vec<Done>,
    /// For each launch of the plan, in its order.
    members: Vec<Vec<Member>>,
    /// The Kubernetes API does not answer: nothing more is done, least of all at EC2.
    halted: bool,
    stop: &'a AtomicBool,
}

impl Prepared<'_> {
    /// Whether nothing more is begun: for that reason, or because there is no time left.
    fn is_over(&self) -> bool {
        self.halted || self.stop.load(Ordering::Relaxed)
    }
}

/// Carries out all but the launches, and creates the launches' claims.
///
/// An action on a claim or node that fails spoils what the plan has for the same claim and node after it: those steps
/// were decided on the assumption that this one works. Where what a sweep leaves behind could not be written down, nothing is
/// done at all: pods that it moves would not be known to have been moved.
pub async fn prepare<'a>(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    (plan, snapshot): (&Plan, &Snapshot),
    stop: &'a AtomicBool,
) -> Prepared<'a> {
    let mut prepared = Prepared { done: Vec::new(), members: Vec::new(), halted: false, stop };
    let mut spoiled = Spoiled::new(snapshot);
    let mut evictions = Vec::new();
    for action in &plan.actions {
        let outcome = match action {
            Action::Launch(_) => continue,
            Action::Cluster(eviction @ ClusterAction::EvictPod { .. }) => {
                evictions.push(eviction);
                continue;
            }
            Action::Cluster(_) | Action::Cloud(_) if prepared.is_over() => Outcome::Skipped,
            Action::Cluster(change) if spoiled.concerns(change) => Outcome::Skipped,
            Action::Cluster(change) => {
                let outcome = cluster.apply(change).await;
                if !outcome.took_effect() {
                    spoiled.add(change);
                }
                prepared.halted = halts(change, &outcome);
                outcome
            }
            Action::Cloud(call) => cloud.apply(call).await,
        };
        prepared.done.push(Done { action: action.to_string(), outcome });
    }
    evict(cluster, &evictions, &mut prepared).await;
    create_claims(cluster, plan, &mut prepared).await;
    prepared
}

/// Whether nothing more is done after a change that ended so.
fn halts(change: &ClusterAction, outcome: &Outcome) -> bool {
    let is_sweep = matches!(change, ClusterAction::Remember(Change::Swept { .. }));
    matches!(outcome, Outcome::Unknown { .. } | Outcome::Throttled)
        || is_sweep && !outcome.took_effect()
}

/// Evictions are independent of each other and of the rest.
async fn evict(cluster: &impl Cluster, evictions: &[&ClusterAction], prepared: &mut Prepared<'_>) {
    for some in evictions.chunks(CALLS_AT_ONCE) {
        if prepared.is_over() {
            break;
        }
        let outcomes = join_all(some.iter().map(|eviction| cluster.apply(eviction))).await;
        for (eviction, outcome) in some.iter().zip(outcomes) {
            prepared.halted |= matches!(outcome, Outcome::Unknown { .. });
            prepared.done.push(Done { action: eviction.to_string(), outcome });
        }
    }
}

/// Creates the claims of all launches (D3). A taken name means that another planner was here: that claim is left to it.
async fn create_claims(cluster: &impl Cluster, plan: &Plan, prepared: &mut Prepared<'_>) {
    let mut wanted: Vec<(usize, ClusterAction)> = Vec::new();
    for (index, launch) in plan.launches().enumerate() {
        prepared.members.push(Vec::new());
        for claim in &launch.claims {
            match claim {
                ClaimToLaunch::New(new) => {
                    wanted.push((index, ClusterAction::CreateClaim(new.clone())));
                }
                ClaimToLaunch::Existing { name, uid, resource_version, attempts } => {
                    prepared.members[index].push(Member {
                        name: name.clone(),
                        uid: uid.clone(),
                        resource_version: *resource_version,
                        attempts: *attempts,
                    });
                }
            }
        }
    }
    for some in wanted.chunks(CALLS_AT_ONCE) {
        if prepared.is_over() {
            return;
        }
        let outcomes = join_all(some.iter().map(|(_, action)| cluster.apply(action))).await;
        for ((index, action), outcome) in some.iter().zip(outcomes) {
            if let (Outcome::Created { uid, resource_version }, ClusterAction::CreateClaim(claim)) =
                (&outcome, action)
            {
                prepared.members[*index].push(Member {
                    name: claim.name.clone(),
                    uid: uid.clone(),
                    resource_version: *resource_version,
                    attempts: 0,
                });
            }
            prepared.halted |= matches!(outcome, Outcome::Unknown { .. });
            prepared.done.push(Done { action: action.to_string(), outcome });
        }
    }
}

/// Carries out the launches. After one throttled or unanswered call none is begun any more, nor when time is up; the next
/// pass goes on.
pub async fn launch_all(
    cluster: &impl Cluster,
    cloud: &impl Cloud,
    plan: &Plan,
    prepared: Prepared<'_>,
    now: Timestamp,
) -> Vec<Done> {
    let Prepared { mut done, members, halted, stop: time_is_up } = prepared;
    let launches: Vec<(&Launch, Vec<Member>)> = plan.launches().zip(members).collect();
    let mut stop = halted;
    for some in launches.chunks(LAUNCHES_AT_ONCE) {
        if stop || time_is_up.load(Ordering::Relaxed) {
            break;
        }
        let running =
            some.iter().filter(|(_, members)| !members.is_empty()).map(|(launch, members)| {
                let (done, refused) = (Vec::new(), BTreeSet::new());
                Launching { cluster, cloud, launch, now, time_is_up, done, refused }
                    .run(members.clone())
            });
        for finished in join_all(running).await {
            stop |= finished.stop;
            done.extend(finished.done);
        }
    }
    done
}

/// Claims and nodes of which an action has failed.
struct Spoiled<'a> {
    snapshot: &'a Snapshot,
    claims: BTreeSet<ClaimName>,
}

impl<'a> Spoiled<'a> {
    const fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, claims: BTreeSet::new() }
    }

    fn add(&mut self, action: &ClusterAction) {
        if let Some(claim) = self.claim_of(action) {
            self.claims.insert(claim);
        }
    }

    fn concerns(&self, action: &ClusterAction) -> bool {
        // Mostly nothing has failed, and then it does not matter whose node it is.
        if self.claims.is_empty() {
            return false;
        }
        if let ClusterAction::CreateClaim(claim) = action {
            // What replaces several is made only when all of them have been told.
            return claim.spec.replaces.iter().any(|replaced| self.claims.contains(replaced));
        }
        self.claim_of(action).is_some_and(|claim| self.claims.contains(&claim))
    }

    /// The claim that an action is about, directly or by its node; a node without claim stands for itself.
    fn claim_of(&self, action: &ClusterAction) -> Option<ClaimName> {
        match action {
            ClusterAction::UpdateClaim { claim, .. }
            | ClusterAction::DeleteClaim { claim, .. }
            | ClusterAction::ReleaseClaim { claim, .. } => Some(claim.clone()),
            ClusterAction::UpdateNode { node, change, .. } => match &change.own {
                Some((claim, _)) => Some(claim.clone()),
                None => Some(self.claim_on(node)),
            },
            ClusterAction::DeleteNode { node, .. } | ClusterAction::ReleaseNode { node, .. } => {
                Some(self.claim_on(node))
            }
            ClusterAction::CreateClaim(claim) => claim.spec.replaces.first().cloned(),
            ClusterAction::UpdatePool { .. }
            | ClusterAction::EvictPod { .. }
            | ClusterAction::DeletePod { .. }
            | ClusterAction::Remember(_)
            | ClusterAction::AcquireLease { .. }
            | ClusterAction::ReleaseLease { .. }
            | ClusterAction::RecordEvent(_) => None,
        }
    }

    fn claim_on(&self, node: &NodeName) -> ClaimName {
        let mut claims = self.snapshot.cluster.claims.iter();
        let claim = claims.find(|claim| claim.node.as_ref() == Some(node));
        claim.map_or_else(|| ClaimName::from(node.text()), |claim| claim.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::collections::BTreeMap;

    #[test]
    fn nothing_is_done_that_a_sweep_could_not_write_down() {
        let swept = Change::Swept {
            pods_seen: BTreeMap::new(),
            candidates: BTreeMap::new(),
            consolidated: None,
            moved: BTreeMap::new(),
        };
        let changes = [swept, Change::Unproductive(BTreeMap::new())].map(ClusterAction::Remember);
        let message = String::new();
        let outcomes = [
            Outcome::Updated { resource_version: 1 },
            Outcome::Conflict,
            Outcome::Denied { code: "Forbidden".into(), message: message.clone() },
            Outcome::Throttled,
            Outcome::Unknown { message },
        ];
        let all = changes.iter().flat_map(|change| outcomes.iter().map(move |o| (change, o)));
        let lines = all.map(|(change, outcome)| {
            let then = if halts(change, outcome) { "the end" } else { "on" };
            format!("{change}, {}: {then}\n", outcome.word())
        });
        let text = lines.collect::<Vec<_>>().concat();
        expect![[r#"
            remember the sweep: 0 candidates, updated: on
            remember the sweep: 0 candidates, conflict: the end
            remember the sweep: 0 candidates, denied: the end
            remember the sweep: 0 candidates, throttled: the end
            remember the sweep: 0 candidates, unknown: the end
            remember launches that did not help: 0 owners, updated: on
            remember launches that did not help: 0 owners, conflict: on
            remember launches that did not help: 0 owners, denied: on
            remember launches that did not help: 0 owners, throttled: the end
            remember launches that did not help: 0 owners, unknown: the end
        "#]]
        .assert_eq(&text);
    }
}
