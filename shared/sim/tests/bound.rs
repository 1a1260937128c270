//! The bound is below every way to run the pods: below the best packing, and below what nodes that hold them cost.

use jiff::{SignedDuration, Timestamp};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::{self, Labels};
use model::name::ObjectName;
use model::price::Price;
use model::resources::Resources;
use proptest::prelude::*;
use sim::bound::{Bound, Offer, lower_bound};
use sim::record::{InstanceRecord, PodEnd, PodRecord, Record};
use sim::summary::summarize;
use std::sync::Arc;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

#[derive(Clone, Debug)]
struct Task {
    requests: Resources,
    is_on_demand: bool,
    /// Seconds from and to.
    times: (i64, i64),
}

fn record(tasks: &[Task], instances: Vec<InstanceRecord>, end: i64) -> Record {
    let pods = tasks.iter().enumerate().map(|(index, task)| {
        let mut selector = Labels::new();
        if task.is_on_demand {
            selector.insert(labels::CAPACITY_TYPE.into(), "on-demand".into());
        }
        PodRecord {
            name: ObjectName::new("default", format!("p{index}")),
            requests: Arc::new(task.requests.clone()),
            node_selector: Arc::new(selector),
            created: at(task.times.0),
            launch_called: None,
            bound: Some(at(task.times.0)),
            started: Some(at(task.times.0)),
            ended: Some((at(task.times.1), PodEnd::Completed)),
            reason: None,
        }
    });
    Record { end: at(end), pods: pods.collect(), instances, ..Record::default() }
}

fn resources() -> impl Strategy<Value = Resources> {
    (0_i64..16, 0_i64..64, 0_i64..3).prop_map(|(cpu, memory, gpus)| {
        let mut all = Resources::cpu_memory(cpu * 250, memory << 29);
        all.pods = 1;
        all.set_units("nvidia.com/gpu", gpus / 2);
        all
    })
}

fn offer() -> impl Strategy<Value = Offer> {
    let sizes = (1_i64..40, 1_i64..80, 1_i64..6, 0_i64..3);
    let prices = (1_i64..500, proptest::option::of(1_i64..500));
    (sizes, prices).prop_map(|((cpu, memory, pods, gpus), (on_demand, spot))| {
        let mut allocatable = Resources::cpu_memory(cpu * 500, memory << 29);
        allocatable.pods = pods;
        allocatable.set_units("nvidia.com/gpu", gpus);
        let price = |mills: i64| Price::from_micro_dollars(mills * 1000);
        Offer { allocatable, on_demand: Some(price(on_demand)), spot: spot.map(price) }
    })
}

fn task() -> impl Strategy<Value = Task> {
    (resources(), any::<bool>(), 0_i64..3000, 60_i64..3000).prop_map(
        |(requests, is_on_demand, from, lasts)| Task {
            requests,
            is_on_demand,
            times: (from, from + lasts),
        },
    )
}

/// The lowest price of one instance that holds these tasks.
fn cheapest(tasks: &[&Task], offers: &[Offer]) -> Option<i64> {
    let mut sum = Resources::default();
    for task in tasks {
        sum.add(&task.requests);
    }
    let spot_will_do = tasks.iter().all(|task| !task.is_on_demand);
    let fitting = offers.iter().filter(|offer| sum.fits(&offer.allocatable));
    let prices = fitting.flat_map(|offer| {
        [offer.on_demand, offer.spot.filter(|_| spot_will_do)].into_iter().flatten()
    });
    prices.map(Price::micro_dollars).min()
}

/// The cost per hour of the best packing, by trying all of them; none where some task fits nowhere.
fn best_packing(tasks: &[Task], offers: &[Offer]) -> Option<i64> {
    let everything = (1_usize << tasks.len()) - 1;
    let mut best: Vec<Option<i64>> = vec![None; everything + 1];
    best[0] = Some(0);
    for set in 1..=everything {
        let mut part = set;
        while 0 < part {
            let together: Vec<&Task> =
                (0..tasks.len()).filter(|i| part >> i & 1 == 1).map(|i| &tasks[i]).collect();
            if let (Some(one), Some(rest)) = (cheapest(&together, offers), best[set & !part]) {
                best[set] = Some(best[set].map_or(one + rest, |known| known.min(one + rest)));
            }
            part = (part - 1) & set;
        }
    }
    best[everything]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_bound_is_never_above_the_best_packing(
        tasks in proptest::collection::vec(task(), 1..6),
        offers in proptest::collection::vec(offer(), 1..4),
    ) {
        let tasks: Vec<Task> =
            tasks.into_iter().map(|task| Task { times: (0, 3600), ..task }).collect();
        let bound = lower_bound(&record(&tasks, Vec::new(), 3600), &offers).dollars;
        if let Some(best) = best_packing(&tasks, &offers) {
            let best = f64::from(i32::try_from(best).expect("tiny cases are cheap"));
            prop_assert!(bound * 1e6 <= best, "{bound} is above {best} micro-dollars");
        }
    }

    #[test]
    fn the_bound_is_never_above_the_cost_of_nodes_that_hold_the_pods(
        tasks in proptest::collection::vec(task(), 1..12),
        offers in proptest::collection::vec(offer(), 1..5),
    ) {
        // Each task on a node of its own, which lives just as long.
        let mut held = Vec::new();
        let mut instances = Vec::new();
        for task in tasks {
            let Some(price) = cheapest(&[&task], &offers) else { continue };
            instances.push(InstanceRecord {
                id: format!("i-{}", instances.len()).into(),
                offering: OfferingKey {
                    instance_type: "any".into(),
                    zone: "us-east-1a".into(),
                    capacity_type: CapacityType::OnDemand,
                },
                price: Price::from_micro_dollars(price),
                allocatable: task.requests.clone(),
                launched: at(task.times.0),
                joined: None,
                ended: Some(at(task.times.1)),
                interrupted: None,
            });
            held.push(task);
        }
        let record = record(&held, instances, 6000);
        let bound = lower_bound(&record, &offers);
        let figures = summarize(&record, &Bound::clone(&bound), 1, 0.0);
        prop_assert!(figures.cost_lower_bound_dollars <= figures.cost_dollars + 1e-6);
    }
}

#[test]
fn a_single_instance_that_is_filled_is_bounded_by_its_own_price() {
    let allocatable = Resources { pods: 2, ..Resources::cpu_memory(4000, 8 << 30) };
    let price = Price::from_micro_dollars(200_000);
    let offers = [Offer { allocatable, on_demand: Some(price), spot: None }];
    let half = Resources { pods: 1, ..Resources::cpu_memory(2000, 4 << 30) };
    let task = Task { requests: half, is_on_demand: true, times: (0, 3600) };
    let bound = lower_bound(&record(&[task.clone(), task], Vec::new(), 3600), &offers).dollars;
    assert!((bound - 0.2).abs() < 1e-6, "{bound}");
}

#[test]
fn what_has_to_be_on_demand_is_bounded_by_on_demand_prices() {
    let allocatable = Resources { pods: 10, ..Resources::cpu_memory(4000, 8 << 30) };
    let price = Price::from_micro_dollars;
    let offers =
        [Offer { allocatable, on_demand: Some(price(400_000)), spot: Some(price(100_000)) }];
    let requests = Resources { pods: 1, ..Resources::cpu_memory(4000, 1 << 30) };
    let task = |is_on_demand| Task { requests: requests.clone(), is_on_demand, times: (0, 3600) };
    let bound = |tasks: &[Task]| lower_bound(&record(tasks, Vec::new(), 3600), &offers).dollars;
    assert!((bound(&[task(true)]) - 0.4).abs() < 1e-6);
    assert!((bound(&[task(false)]) - 0.1).abs() < 1e-6);
    assert!((bound(&[task(true), task(false)]) - 0.5).abs() < 1e-6);
}
