//! Pods that had a bin, but whose neighbours did not all find theirs: they wait too, rather than break a rule.

use super::following::drop_unfollowed;
use super::opening::Opening;
use super::waiting::Waiting;
use model::name::ObjectName;
use std::collections::BTreeSet;

/// Leaves out pods whose spread or affinity others, who have no place, would have kept; until all is well.
pub(super) fn drop_strays<'a>(opening: &mut Opening<'_, 'a>, waiting: &mut Waiting<'a>) {
    if waiting.topology.is_empty() {
        return;
    }
    loop {
        let before = opening.dropped.len();
        drop_in_domains(opening, waiting);
        drop_on_nodes(opening, waiting);
        drop_unfollowed(opening, waiting);
        if opening.dropped.len() == before {
            return;
        }
    }
}

fn drop_in_domains<'a>(opening: &mut Opening<'_, 'a>, waiting: &mut Waiting<'a>) {
    let lots = &opening.lots;
    for (pod, from, lot) in opening.queues.iter().flatten().rev() {
        if opening.dropped.contains(&pod.name) {
            continue;
        }
        let broken = lots[*lot].domains().find_map(|(key, domain)| {
            let asks = &waiting.asks[*from];
            let uneven = waiting.topology.uneven(asks, key, domain);
            uneven.or_else(|| waiting.lonely(*from, key, domain))
        });
        if let Some(term) = broken {
            waiting.drop_placed(pod, *from, (&lots[*lot], term));
            opening.dropped.insert(pod.name.clone());
        }
    }
}

/// Looks at each node for pods that ask for a neighbour on it and have none.
fn drop_on_nodes<'a>(opening: &mut Opening<'_, 'a>, waiting: &mut Waiting<'a>) {
    let mut dropped: BTreeSet<ObjectName> = BTreeSet::new();
    for here in opening.on_bins() {
        for (pod, from, lot) in &here {
            let Some(term) = waiting.topology.together_on_node(&waiting.asks[*from]) else {
                continue;
            };
            let others = here.iter().filter(|(other, ..)| other.name != pod.name);
            let has_neighbour = others.into_iter().any(|(_, other, _)| waiting.means(term, *other));
            if !has_neighbour && !waiting.is_only_one(term, *from) {
                waiting.drop_placed(pod, *from, (&opening.lots[*lot], term));
                dropped.insert(pod.name.clone());
            }
        }
    }
    opening.dropped.extend(dropped);
}
