//! What is counted while pods come and go is what one would count.

use super::board::{cluster, templates};
use crate::scheduler::neighbours::Step;
use crate::scheduler::ties::Ties;
use crate::store::Store;
use jiff::Timestamp;
use model::name::{NodeName, ObjectName};
use model::pod::{Phase, Pod};
use proptest::prelude::*;
use std::sync::Arc;

const PODS: &str = "
    web: {topologySpreadConstraints: [{topologyKey: zone}], podAntiAffinity: [{topologyKey: hostname, with: self}]}
    shop: {podAffinity: [{topologyKey: zone, with: web}, {topologyKey: hostname, with: stage/web2, weight: 3}]}
    stage/web2: {labels: {app: web}, podAntiAffinity: [{topologyKey: zone, with: default/shop}]}
    plain: {}
";

/// A step in someone's life, by numbers that are taken modulo what there is.
#[derive(Clone, Copy, Debug)]
enum Move {
    Bind(usize, usize),
    Delete(usize),
    Remove(usize),
    Succeed(usize),
    Look(usize),
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (any::<usize>(), any::<usize>()).prop_map(|(pod, node)| Move::Bind(pod, node)),
        2 => any::<usize>().prop_map(Move::Delete),
        2 => any::<usize>().prop_map(Move::Remove),
        1 => any::<usize>().prop_map(Move::Succeed),
        1 => any::<usize>().prop_map(Move::Look),
    ]
}

fn pick(store: &Store, number: usize) -> Option<(ObjectName, NodeName)> {
    let names: Vec<&ObjectName> = store.pods.keys().collect();
    let name = *names.get(number.checked_rem(names.len())?)?;
    Some((name.clone(), store.pods[name].pod.node.clone()?))
}

fn take(store: &mut Store, templates: &[Pod], step: Move, made: usize) {
    match step {
        Move::Bind(pod, node) => {
            let nodes: Vec<NodeName> = store.nodes.keys().cloned().collect();
            let mut pod = templates[pod % templates.len()].clone();
            pod.name.name = format!("{}-{made}", pod.name.name).into();
            store.put(pod, &nodes[node % nodes.len()]);
        }
        Move::Look(pod) => {
            let _ = Ties::of(store, &templates[pod % templates.len()]);
        }
        Move::Delete(number) => {
            let Some((name, node)) = pick(store, number) else { return };
            let pod = Arc::make_mut(&mut store.pods.get_mut(&name).unwrap().pod);
            if pod.deleting.is_none() && !pod.is_terminal() {
                pod.deleting = Some(Timestamp::MAX);
                store.neighbours.note(&pod.clone(), &node, Step::Goes);
            }
        }
        Move::Remove(number) => {
            let Some((name, node)) = pick(store, number) else { return };
            let entry = store.pods.remove(&name).unwrap();
            if !entry.pod.is_terminal() {
                store.neighbours.note(&entry.pod, &node, Step::Leaves);
            }
        }
        Move::Succeed(number) => {
            let Some((name, node)) = pick(store, number) else { return };
            let pod = Arc::make_mut(&mut store.pods.get_mut(&name).unwrap().pod);
            if !pod.is_terminal() {
                pod.phase = Phase::Succeeded;
                store.neighbours.note(&pod.clone(), &node, Step::Leaves);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counting_step_by_step_comes_to_the_same_as_counting_anew(
        steps in prop::collection::vec(any_move(), 0..40),
    ) {
        let pods = templates(PODS);
        let mut store = cluster("n1 zone=a\nn2 zone=a\nn3 zone=b", &pods);
        let pods: Vec<Pod> = pods.into_values().collect();
        for (made, step) in steps.into_iter().enumerate() {
            take(&mut store, &pods, step, made);
            let all = store.pods.values().map(|entry| &*entry.pod);
            prop_assert!(store.neighbours.agree_with(all), "after {step:?}");
        }
    }
}
