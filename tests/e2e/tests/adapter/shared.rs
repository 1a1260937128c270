//! What planners share: the lease and the memory, fought over.

use crate::common::{begin, client, expect, sees};
use anyhow::ensure;
use e2e::stage::play;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use model::action::ClusterAction;
use model::instance_type::{CapacityType, OfferingKey};
use model::memory::{Change, PodsSeen, Unavailable, Unproductive};
use model::snapshot::Scope;
use reconciler::ports::Cluster;

fn acquire(holder: &str, seconds: i64) -> ClusterAction {
    let lasts = SignedDuration::from_secs(seconds);
    ClusterAction::AcquireLease { holder: holder.to_owned(), lasts }
}

fn release(holder: &str) -> ClusterAction {
    ClusterAction::ReleaseLease { holder: holder.to_owned() }
}

#[test]
fn the_lease_is_one_planners_and_another_can_want_it() {
    play(async |stage| {
        let client = begin(stage).await?;
        expect(&client, release("a"), "done").await?;
        expect(&client, acquire("a", 60), "done").await?;
        expect(&client, acquire("a", 60), "done").await?;
        expect(&client, release("b"), "done").await?;
        expect(&client, release("a"), "done").await?;
        expect(&client, acquire("b", 60), "done").await?;
        expect(&client, acquire("a", 60), "conflict").await?;
        expect(&client, acquire("c", 60), "conflict").await?;
        // The holder learns of it, and still holds the lease.
        expect(&client, release("b"), "conflict").await?;
        expect(&client, acquire("a", 60), "conflict").await?;
        expect(&client, release("b"), "conflict").await?;
        expect(&client, release("b"), "done").await?;
        // A holder that died does not hold it for ever.
        expect(&client, acquire("a", -1), "done").await?;
        expect(&client, acquire("b", 60), "done").await?;
        Ok(())
    });
}

#[test]
fn of_many_planners_at_once_one_gets_the_lease() {
    play(async |stage| {
        let client = begin(stage).await?;
        for round in 0..5 {
            let holders: Vec<String> = (0..10).map(|n| format!("{round}-{n}")).collect();
            let actions: Vec<ClusterAction> = holders.iter().map(|h| acquire(h, 60)).collect();
            let outcomes = join_all(actions.iter().map(|action| client.apply(action))).await;
            let got: Vec<usize> = (0..10).filter(|n| outcomes[*n].word() == "done").collect();
            ensure!(got.len() == 1, "{outcomes:?}");
            ensure!(outcomes.iter().all(|o| matches!(o.word(), "done" | "conflict")));
            // It has been wanted, and then it has not.
            expect(&client, release(&holders[got[0]]), "conflict").await?;
            expect(&client, release(&holders[got[0]]), "done").await?;
        }
        Ok(())
    });
}

#[test]
fn changes_of_the_memory_at_once_are_all_kept() {
    play(async |stage| {
        let first = begin(stage).await?;
        let others = [client(stage).await?, client(stage).await?, client(stage).await?];
        let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
        for round in 0..5 {
            let owner = |n: usize| format!("owner-{round}-{n}");
            let change = |n: usize| {
                let counted = Unproductive { count: 1, last: now };
                ClusterAction::Remember(Change::Unproductive([(owner(n).into(), counted)].into()))
            };
            let clients: Vec<_> = [&first].into_iter().chain(&others).collect();
            let changes: Vec<ClusterAction> = (0..clients.len()).map(change).collect();
            let applied = clients.iter().zip(&changes).map(|(client, change)| client.apply(change));
            let outcomes = join_all(applied).await;
            ensure!(outcomes.iter().all(|o| o.word() == "updated"), "{outcomes:?}");
        }
        let offering = OfferingKey {
            instance_type: "m5.large".into(),
            zone: "us-east-1a".into(),
            capacity_type: CapacityType::Spot,
        };
        let until = now + SignedDuration::from_mins(3);
        let refused = Change::Unavailable { offerings: vec![Unavailable { offering, until }], now };
        expect(&first, ClusterAction::Remember(refused), "updated").await?;
        let pods_seen = (0..5_000).map(|n: u64| {
            let fingerprint = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (format!("ip-10-0-{n}.ec2.internal").into(), PodsSeen { fingerprint, since: now })
        });
        let swept = Change::Swept {
            pods_seen: pods_seen.collect(),
            candidates: [("n".into(), now)].into(),
            consolidated: Some(u64::MAX),
            moved: [("u".into(), now)].into(),
        };
        expect(&first, ClusterAction::Remember(swept), "updated").await?;
        let memory = sees(&others[0], Scope::Pending).await?.memory;
        ensure!(memory.unproductive.len() == 20, "{:?}", memory.unproductive);
        ensure!(memory.pods_seen.len() == 5_000 && memory.candidates.len() == 1);
        ensure!(memory.consolidated == Some(u64::MAX) && memory.unavailable.len() == 1);
        Ok(())
    });
}
