//! Pods that must be on one node, as pod affinity over nodes asks: they are the first on a new node, together.

use super::waiting::Waiting;
use crate::scheduling::topology::Lot;
use std::collections::BTreeMap;

/// Finds the lots that belong together and gives each its group's number. A lot may be split, so that one of its pods is
/// the neighbour that others ask for. Lots that no new node can help are emptied, with a reason.
pub(super) fn form(waiting: &mut Waiting<'_>, lots: &mut Vec<Lot>) -> BTreeMap<usize, usize> {
    let mut groups: BTreeMap<usize, usize> = BTreeMap::new();
    let mut by_term: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, lot) in lots.iter().enumerate() {
        if let Some(term) = waiting.topology.together_on_node(&waiting.asks[lot.class]) {
            by_term.entry(term).or_default().push(at);
        }
    }
    let count = by_term.len();
    for (group, (term, members)) in by_term.into_iter().enumerate() {
        let means = |lot: &Lot| waiting.means(term, lot.class);
        let is_first = waiting.topology.total(term) == 0;
        let own = members.iter().any(|at| means(&lots[*at]));
        let alone = members.iter().map(|at| lots[*at].count).sum::<i64>() == 1;
        let other = || {
            let mut all = lots.iter().enumerate();
            let is_it =
                |(at, lot): &(usize, &Lot)| 0 < lot.count && means(lot) && !members.contains(at);
            all.find(is_it).map(|(at, _)| at)
        };
        match (is_first, own, if own && !alone { None } else { other() }) {
            (true, true, None) => groups.extend(members.iter().map(|at| (*at, group))),
            (true, _, Some(other)) => {
                let known = groups.get(&other).copied();
                if known.is_none() {
                    lots[other].count -= 1;
                    groups.insert(lots.len(), group);
                    let neighbour = Lot { count: 1, ..lots[other].clone() };
                    lots.push(neighbour);
                }
                groups.extend(members.iter().map(|at| (*at, known.unwrap_or(group))));
            }
            _ => {
                for at in members {
                    waiting.keep_out(lots[at].class, term);
                    // Its pods were not taken yet; what was counted for them in domains goes.
                    waiting.take_off(&lots[at]);
                    lots[at].count = 0;
                }
                continue;
            }
        }
        waiting.topology.note_together(term);
    }
    debug_assert!(groups.values().all(|group| *group < count));
    groups
}
