//! Pods that wait get a place: on a node that is there, on a claim that is on its way, or on a new one.
//!
//! A claim keeps the pods that it was made for. Heavier pools go first, whatever the price; within a pool the least
//! price decides. A launch that was begun is carried on before anything new is planned.

pub(crate) mod batch;
mod dropping;
mod existing;
mod following;
mod launches;
mod offers;
mod opening;
mod proving;
pub(crate) mod rehousing;
pub(crate) mod replacing;
pub(crate) mod replicas;
mod resume;
mod seeds;
mod unproductive;
mod using;
mod waiting;

use crate::guards;
use crate::scheduling::rooms::Index;
use crate::scheduling::volumes::Storage;
use jiff::{SignedDuration, Timestamp};
use model::plan::{LeftOut, Plan};
use model::price::Price;
use model::reason::{Reason, Subject};
use model::snapshot::Snapshot;
use opening::Opening;
use std::collections::VecDeque;
use waiting::Waiting;

/// So long the scheduler is waited for on a node that has just come up; then its verdict stands. It binds within a
/// second; what remains is for the slowest of its retries (its back-off ends at 10 s) and for daemons to start.
pub(crate) const SETTLING: SignedDuration = SignedDuration::from_secs(30);

/// Plans places for pods that wait and nodes that static pools lack, and carries on launches that were begun.
pub fn provision(snapshot: &Snapshot, now: Timestamp) -> Plan {
    if snapshot.cluster.cluster_uid != snapshot.settings.cluster_uid {
        let mut plan = Plan::default();
        let why = "this is not the cluster that joiner was deployed for".into();
        plan.leave_out(Subject::Cluster, Reason::ViewRefused { why });
        return plan;
    }
    let mut plan = place(snapshot, now);
    replicas::fill_up(snapshot, now, &mut plan);
    guards::tell(&mut plan, snapshot);
    plan
}

/// Plans places for pods that wait, and carries on launches that were begun.
pub(crate) fn place(snapshot: &Snapshot, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let dropped = resume::resume(snapshot, now, &mut plan);
    let index = Index::of(&snapshot.cluster);
    let storage = Storage::of(&snapshot.cluster);
    let batch::Batch { pods, mut left_out } = batch::gather(snapshot, &index, &storage);
    if !pods.is_empty() {
        let survey = batch::survey(snapshot, &pods, storage, now);
        let mut waiting = Waiting::of(&survey, &pods);
        let mut rooms = waiting.enter(&survey, &index, &dropped, now);
        if waiting.topology.is_empty() {
            waiting.use_rooms_for_all(&mut rooms);
        }
        let is_done = waiting.pods.iter().all(VecDeque::is_empty);
        let stocks = if is_done { Vec::new() } else { opening::stocks(&survey) };
        let mut opening = Opening::of(&survey, &stocks);
        if !waiting.topology.is_empty() {
            opening.enter_domains(&mut waiting);
        }
        let left = waiting.left();
        let appraisal = proving::appraise(&survey, &mut opening.fields, &waiting, left);
        waiting.worths.clone_from(&appraisal.worths);
        waiting.use_rooms_by_worth(&mut rooms);
        let verdicts = unproductive::judge(snapshot, &index, &waiting, now);
        plan.actions.extend(verdicts.remember());
        waiting.hold_back(&verdicts);
        waiting.note_demand();
        loop {
            opening.place(&survey, &mut waiting, &mut rooms);
            if !waiting.relax() {
                break;
            }
            waiting.use_rooms(&mut rooms);
        }
        dropping::drop_strays(&mut opening, &mut waiting);
        let bound = appraisal.of_placed(&survey, &mut opening.fields, &waiting);
        launches::launch(&survey, opening, &mut waiting, &mut plan);
        let is_full = waiting.held_back.iter().any(|(_, r)| matches!(r, Reason::PassFull { .. }));
        plan.cost.lower_bound_per_hour = (!is_full && bound != Price::ZERO).then_some(bound);
        plan.placements = std::mem::take(&mut waiting.placements);
        left_out.extend(waiting.into_left_out(&verdicts));
    }
    left_out.sort();
    plan.left_out.extend(
        left_out.into_iter().map(|(pod, reasons)| LeftOut { subject: Subject::Pod(pod), reasons }),
    );
    plan.placements.sort_by(|a, b| (&a.on, &a.pod).cmp(&(&b.on, &b.pod)));
    plan
}
