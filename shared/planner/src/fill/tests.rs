//! What is opened holds what it is said to hold, and costs what a person would pay.

use super::*;
use proptest::prelude::*;

/// Kinds as `price: room`, rows as `count x requests`, all of the same entry; worths as the first resource says.
fn filled(kinds: &[(i64, [i64; 2])], rows: &[(i64, [i64; 2])], roles: &[&[Role]]) -> Vec<Opened> {
    let none: &[Role] = &[];
    let row = |(at, (count, requests)): (usize, &'_ (i64, [i64; 2]))| (at, *count, *requests);
    let numbered: Vec<(usize, i64, [i64; 2])> = rows.iter().enumerate().map(row).collect();
    let task = Task {
        rows: numbered
            .iter()
            .map(|(at, count, requests)| Row {
                requests,
                count: *count,
                worth: requests.iter().sum::<i64>() * 1000,
                roles: roles.get(*at).copied().unwrap_or(none),
                is_alone: false,
                entry: 0,
            })
            .collect(),
        kinds: kinds
            .iter()
            .map(|(cost, room)| Kind {
                room,
                cost: *cost,
                uses: Vec::new(),
                is_exotic: false,
                admits: [true].into_iter().collect(),
            })
            .collect(),
        limits: Vec::new(),
    };
    fill(&task, &mut |_, contents| contents.to_vec())
}

/// `TIMESxKIND[ROW*COUNT ...]`, in order.
fn text(opened: &[Opened]) -> String {
    let mut lines: Vec<String> = opened
        .iter()
        .map(|it| {
            let mut contents = it.contents.clone();
            contents.sort_unstable();
            let contents: Vec<String> = contents.iter().map(|(r, n)| format!("{r}*{n}")).collect();
            format!("{}x{}[{}]", it.times, it.kind, contents.join(" "))
        })
        .collect();
    lines.sort();
    lines.join(" ")
}

const APART: Role = Role { term: 0, most: 1, apart: true, has: true, is_meant: true };

#[test]
fn nothing_to_place_opens_nothing() {
    assert_eq!(text(&filled(&[(10, [4, 4])], &[], &[])), "");
    assert_eq!(text(&filled(&[(10, [4, 4])], &[(0, [1, 1])], &[])), "");
    assert_eq!(text(&filled(&[], &[(3, [1, 1])], &[])), "");
}

#[test]
fn pods_that_need_different_things_share_a_node() {
    let kinds = [(10, [10, 10]), (9, [10, 1])];
    assert_eq!(text(&filled(&kinds, &[(9, [1, 0]), (9, [0, 1])], &[])), "1x0[0*9 1*9]");
}

#[test]
fn of_nodes_that_give_as_much_for_their_price_the_larger_is_taken() {
    let kinds = [(10, [4, 4]), (20, [8, 8])];
    assert_eq!(text(&filled(&kinds, &[(8, [1, 1])], &[])), "1x1[0*8]");
}

#[test]
fn one_node_for_all_may_cost_a_little_more_than_several() {
    let kinds = [(1000, [4, 4]), (2005, [8, 8])];
    assert_eq!(text(&filled(&kinds, &[(8, [1, 1])], &[])), "1x1[0*8]");
    let kinds = [(1000, [4, 4]), (2050, [8, 8])];
    assert_eq!(text(&filled(&kinds, &[(8, [1, 1])], &[])), "2x0[0*4]");
}

#[test]
fn pods_that_keep_apart_get_nodes_that_others_fill() {
    let kinds = [(10, [4, 4]), (40, [16, 16])];
    let opened = filled(&kinds, &[(3, [1, 1]), (9, [1, 1])], &[&[APART]]);
    assert_eq!(text(&opened), "3x0[0*1 1*3]");
}

#[test]
fn pods_that_no_kind_holds_are_left() {
    assert_eq!(text(&filled(&[(10, [4, 4])], &[(2, [5, 1]), (1, [1, 1])], &[])), "1x0[1*1]");
}

#[test]
fn an_uneven_space_is_filled_before_the_pods_for_it_are_gone() {
    let requests = [[4, 1], [1, 4]];
    let rows = requests.iter().map(|requests| Row {
        requests,
        count: 2,
        worth: 5000,
        roles: &[],
        is_alone: false,
        entry: 0,
    });
    let all: Bits = [true; 2].into_iter().collect();
    let spaces = [[8, 8], [8, 2]].map(|free| (free, all.clone()));
    let spaces: Vec<Space<'_>> =
        spaces.iter().map(|(free, admits)| Space { free, admits: admits.clone() }).collect();
    let filled = fill_spaces(rows.collect(), &spaces);
    assert_eq!(filled, [[(1, 2)], [(0, 2)]]);
}

prop_compose! {
    fn any_amounts(least: i64, most: i64)(
        number in 1..most, room in prop::array::uniform2(least..most),
    ) -> (i64, [i64; 2]) {
        (number, room)
    }
}

proptest! {
    #[test]
    fn every_pod_that_some_kind_holds_has_a_place_and_no_node_is_too_full(
        kinds in prop::collection::vec(any_amounts(1, 60), 1..6),
        rows in prop::collection::vec(any_amounts(0, 20), 1..8),
        apart in prop::collection::vec(any::<bool>(), 8),
    ) {
        let none: &[Role] = &[];
        let roles: Vec<&[Role]> =
            apart.iter().map(|apart| if *apart { &[APART][..] } else { none }).collect();
        let opened = filled(&kinds, &rows, &roles);
        let mut placed = vec![0; rows.len()];
        for node in &opened {
            let mut free = kinds[node.kind].1;
            let mut kept_apart = 0;
            for (row, count) in &node.contents {
                placed[*row] += count * node.times;
                kept_apart += if apart[*row] { *count } else { 0 };
                for (free, each) in free.iter_mut().zip(rows[*row].1) {
                    *free -= each * count;
                }
            }
            prop_assert!(free.iter().all(|free| 0 <= *free) && kept_apart <= 1, "{node:?}");
        }
        for ((count, requests), placed) in rows.iter().zip(placed) {
            let holds = |room: &[i64; 2]| requests.iter().zip(room).all(|(want, have)| want <= have);
            let all = if kinds.iter().any(|(_, room)| holds(room)) { *count } else { 0 };
            prop_assert_eq!(placed, all);
        }
    }
}
