//! The examples about spread and affinity, with the real decisions: nothing breaks, and every pod comes to run.

#[path = "support/real.rs"]
mod real;
#[path = "support/world.rs"]
mod world;

use jiff::SignedDuration;
use real::Real;
use sim::faults::Faults;
use sim::file::{self, EXAMPLES};
use sim::record::{PodEnd, PodRecord, Record};
use std::rc::Rc;

fn simulate(example: &str, faults: Faults, seed: u64) -> Record {
    let (_, text) = EXAMPLES.iter().find(|(name, _)| *name == example).expect("it is shipped");
    let zones = world::ZONES.map(Into::into);
    let workload = file::parse(text.as_bytes(), example, &zones).expect("it is well formed");
    world::simulate(seed, faults, workload, Real(Rc::new(world::settings())))
}

/// How long a pod waited for a node.
fn waited(pod: &PodRecord) -> SignedDuration {
    let until = pod.bound.or(pod.ended.map(|(at, _)| at)).expect("everything has gone in the end");
    until.duration_since(pod.created)
}

fn check(example: &str, faults: Faults, (seed, minutes): (u64, i64)) {
    let record = simulate(example, faults, seed);
    assert_eq!(record.violations, [""; 0], "{example}, seed {seed}: {:?}", record.faults);
    for pod in &record.pods {
        let never_ran =
            pod.started.is_none() && pod.ended.is_some_and(|(_, end)| end == PodEnd::Completed);
        assert!(!never_ran, "{pod:?}");
        assert!(waited(pod) < SignedDuration::from_mins(minutes), "seed {seed}: {pod:?}");
    }
    assert!(record.instances.iter().all(|instance| instance.ended.is_some()));
}

#[test]
fn a_web_tier_is_spread_over_its_zones() {
    check("zone-spread", Faults::none(), (1, 3));
}

#[test]
fn caches_live_beside_their_service() {
    check("co-located", Faults::none(), (1, 3));
}

/// A node that never joins is given up after a quarter of an hour.
#[test]
fn a_realistic_world_keeps_nobody_waiting_for_ever() {
    check("zone-spread", Faults::realistic(), (1, 20));
    check("co-located", Faults::realistic(), (1, 20));
}

#[test]
fn three_hostile_worlds_do_not_either() {
    for seed in 0..3 {
        check("zone-spread", Faults::hostile(), (seed, 60));
        check("co-located", Faults::hostile(), (seed, 60));
    }
}
