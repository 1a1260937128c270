//! The same rules once more, slow and plain, over random small worlds: both must find the same pods.
//!
//! Here nothing is numbered, grouped or counted ahead. Each pod is compared with each other one, and where claims may be
//! launched in several ways, all of these are gone through.

use crate::now;
use crate::scene::scene;
use model::action::ClaimToLaunch;
use model::affinity::{NodeInclusionPolicy, PodAffinityTerm, TopologySpread, WhenUnsatisfiable};
use model::labels::{HOSTNAME, Labels};
use model::plan::{Plan, Target};
use model::pod::Pod;
use model::snapshot::Snapshot;
use model::taint::{Taint, first_untolerated};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A place, with its labels for each way in which it may be launched; those name the place as its host.
struct Spot {
    name: String,
    ways: Vec<Labels>,
    taints: Vec<Taint>,
    goes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Judged,
    Kept,
    Going,
    Ending,
}

struct Person<'p> {
    pod: &'p Pod,
    spot: usize,
    state: State,
}

struct Plain<'p> {
    snapshot: &'p Snapshot,
    spots: Vec<Spot>,
    people: Vec<Person<'p>>,
}

impl<'p> Plain<'p> {
    fn of(snapshot: &'p Snapshot, plan: &Plan) -> Self {
        let mut all = Self { snapshot, spots: Vec::new(), people: Vec::new() };
        for node in &snapshot.cluster.nodes {
            let goes = node.deleting.is_some();
            all.spot(&node.name, vec![node.labels.clone()], (node.taints.clone(), goes));
        }
        for claim in &snapshot.cluster.claims {
            let goes = claim.deleting.is_some();
            all.spot(&claim.name, vec![claim.labels.clone()], (claim.spec.taints.clone(), goes));
        }
        for launch in plan.launches() {
            let ways = launch.choices.iter().map(|choice| choice.labels.clone()).collect();
            let ClaimToLaunch::New(new) = &launch.claims[0] else { panic!("all claims are new") };
            all.spot(&new.name, ways, (new.spec.taints.clone(), false));
        }
        for pod in &snapshot.cluster.pods {
            let placement = plan.placements.iter().find(|placement| placement.pod == pod.name);
            let at = match placement.map(|placement| &placement.on) {
                Some(Target::Node(name)) => name.as_str(),
                Some(Target::Claim(name)) => name.as_str(),
                None => pod.node.as_ref().expect("a pod runs or is placed"),
            };
            let spot = all.spots.iter().position(|spot| spot.name == at);
            let spot = spot.expect("places are there");
            let mut claims = snapshot.cluster.claims.iter();
            let promised = claims
                .any(|claim| *claim.name == *at && claim.spec.nominated.contains(&pod.short_id()));
            let state = match (placement, pod.deleting, all.spots[spot].goes) {
                (Some(_), ..) if promised => State::Kept,
                (Some(_), ..) => State::Judged,
                (None, Some(_), _) => State::Ending,
                (None, None, true) => State::Going,
                (None, None, false) => State::Kept,
            };
            all.people.push(Person { pod, spot, state });
        }
        all
    }

    fn spot(&mut self, name: &str, ways: Vec<Labels>, (taints, goes): (Vec<Taint>, bool)) {
        let with_host = |mut labels: Labels| {
            labels.insert(HOSTNAME.into(), name.into());
            labels
        };
        let ways = ways.into_iter().map(with_host).collect();
        self.spots.push(Spot { name: name.to_owned(), ways, taints, goes });
    }

    /// The values of a label that a place may have, none standing for its absence.
    fn values(&self, spot: usize, key: &str) -> BTreeSet<Option<&str>> {
        self.spots[spot].ways.iter().map(|way| way.get(key).map(|value| &**value)).collect()
    }

    fn means(&self, term: &PodAffinityTerm, own: &Pod, other: &Pod) -> bool {
        let labels_of = |name: &str| self.snapshot.cluster.namespaces.get(name);
        term.reaches(&own.name.namespace, &other.name.namespace, labels_of)
            && term.selector_for(&own.labels).is_some_and(|s| s.selects(&other.labels))
    }

    /// Who is there at the end, but for one pod.
    fn others<'s>(&'s self, person: &'s Person<'p>) -> impl Iterator<Item = &'s Person<'p>> {
        let stays = |other: &&Person<'_>| matches!(other.state, State::Judged | State::Kept);
        self.people.iter().filter(stays).filter(|other| other.pod.name != person.pod.name)
    }

    /// Whether two places may be in one domain of a label.
    fn may_meet(&self, a: usize, b: usize, key: &str) -> bool {
        let (mine, theirs) = (self.values(a, key), self.values(b, key));
        mine.iter().flatten().any(|value| theirs.contains(&Some(*value)))
    }

    fn breaks_affinity(&self, person: &Person<'_>) -> bool {
        let pod = person.pod;
        let terms = &pod.affinity.required;
        let all_mean =
            |other: &Pod| !terms.is_empty() && terms.iter().all(|t| self.means(t, pod, other));
        let nobody = |term: &PodAffinityTerm| {
            let mut others = self.others(person).filter(|other| all_mean(other.pod));
            others.all(|other| self.values(other.spot, &term.topology_key) == [None].into())
        };
        let is_first = all_mean(pod) && terms.iter().all(nobody);
        let keeps = |term: &PodAffinityTerm| {
            let key = &*term.topology_key;
            let meant = || {
                let others = self.people.iter().filter(|other| other.pod.name != pod.name);
                others.filter(|other| all_mean(other.pod))
            };
            self.values(person.spot, key).iter().all(|value| {
                let is_in = |other: &Person<'_>| self.values(other.spot, key) == [*value].into();
                value.is_some()
                    && (is_first || meant().any(|other| other.spot == person.spot || is_in(other)))
            })
        };
        !terms.iter().all(keeps)
    }

    fn breaks_anti_affinity(&self, person: &Person<'_>) -> bool {
        let met = |holder: &Person<'_>, other: &Person<'_>| {
            let mut terms = holder.pod.anti_affinity.required.iter();
            terms.any(|term| {
                self.means(term, holder.pod, other.pod)
                    && self.may_meet(holder.spot, other.spot, &term.topology_key)
            })
        };
        self.others(person)
            .any(|other| met(person, other) || (other.state == State::Kept && met(other, person)))
    }

    /// Whether a node with these labels counts for a spread of a pod.
    fn counts(&self, spread: &TopologySpread, pod: &Pod, (spot, way): (usize, &Labels)) -> bool {
        let hard = pod.topology_spread.iter().filter(|spread| is_hard(spread));
        let honors = |policy| policy == NodeInclusionPolicy::Honor;
        let taints = &self.spots[spot].taints;
        hard.into_iter().all(|spread| way.contains_key(&*spread.topology_key))
            && (!honors(spread.node_affinity_policy) || pod.admits_node_labels(way))
            && (!honors(spread.node_taints_policy)
                || first_untolerated(taints, &pod.tolerations).is_none())
    }

    /// The one domain in which a place is, and counts, in all ways.
    fn sure_domain(&self, spread: &TopologySpread, pod: &Pod, spot: usize) -> Option<&str> {
        let ways = &self.spots[spot].ways;
        let all = ways.iter().all(|way| self.counts(spread, pod, (spot, way)));
        let values = self.values(spot, &spread.topology_key);
        values.first().copied().flatten().filter(|_| all && values.len() == 1)
    }

    fn breaks_spread(&self, person: &Person<'_>, spread: &TopologySpread) -> bool {
        let (pod, key) = (person.pod, &*spread.topology_key);
        let own = self.values(person.spot, key);
        if own.contains(&None) {
            return true;
        }
        if !is_counted(spread, pod, pod) {
            return false;
        }
        let [Some(own)] = own.into_iter().collect::<Vec<_>>()[..] else { return true };
        let carries = |other: &Pod| {
            let mut hard = other.topology_spread.iter().filter(|other| is_hard(other));
            hard.any(|rule| {
                *rule.topology_key == *key
                    && rule.max_skew == spread.max_skew
                    && rule.selector_for(&other.labels) == spread.selector_for(&pod.labels)
            })
        };
        let bearers = self.people.iter().filter(|other| {
            matches!(other.state, State::Judged | State::Kept)
                && is_counted(spread, pod, other.pod)
                && carries(other.pod)
                && self.sure_domain(spread, pod, other.spot) == Some(own)
        });
        let has = whole(bearers.count());
        spread.max_skew < has - self.least(spread, pod)
    }

    /// The pods of the emptiest domain, in the worst of all ways in which the claims may be launched.
    fn least(&self, spread: &TopologySpread, pod: &Pod) -> i32 {
        let sure: BTreeSet<&str> =
            (0..self.spots.len()).filter_map(|spot| self.sure_domain(spread, pod, spot)).collect();
        let least = spread.min_domains.unwrap_or(0);
        if whole(sure.len()) < least {
            return 0;
        }
        let mut worlds: Vec<Vec<&Labels>> = vec![vec![]];
        for spot in &self.spots {
            let with = |world: &Vec<_>, way| world.iter().copied().chain([way]).collect();
            let ways = |world| spot.ways.iter().map(move |way| with(world, way));
            worlds = worlds.iter().flat_map(ways).collect();
        }
        let in_world = |world: &Vec<&Labels>| {
            let mut domains: BTreeMap<&str, i32> = BTreeMap::new();
            for (spot, way) in world.iter().enumerate() {
                if self.counts(spread, pod, (spot, way)) && !self.spots[spot].goes {
                    domains.insert(&way[&*spread.topology_key], 0);
                }
            }
            for other in self.people.iter().filter(|other| other.state != State::Ending) {
                let way = world[other.spot];
                if self.counts(spread, pod, (other.spot, way))
                    && is_counted(spread, pod, other.pod)
                    && let Some(count) = domains.get_mut(&*way[&*spread.topology_key])
                {
                    *count += 1;
                }
            }
            domains.into_values().min().unwrap_or(0)
        };
        worlds.iter().map(in_world).min().expect("there is a world")
    }

    fn found(&self) -> BTreeSet<(&'static str, String)> {
        let mut all = BTreeSet::new();
        for person in self.people.iter().filter(|person| person.state == State::Judged) {
            let mut hard = person.pod.topology_spread.iter().filter(|spread| is_hard(spread));
            let broken = [
                ("spread", hard.any(|spread| self.breaks_spread(person, spread))),
                ("affinity", self.breaks_affinity(person)),
                ("anti-affinity", self.breaks_anti_affinity(person)),
            ];
            let broken = broken.into_iter().filter(|(_, is_broken)| *is_broken);
            all.extend(broken.map(|(rule, _)| (rule, person.pod.name.to_string())));
        }
        all
    }
}

fn is_counted(spread: &TopologySpread, pod: &Pod, other: &Pod) -> bool {
    other.name.namespace == pod.name.namespace
        && spread.selector_for(&pod.labels).selects(&other.labels)
}

fn whole(count: usize) -> i32 {
    i32::try_from(count).expect("it is small")
}

fn is_hard(spread: &TopologySpread) -> bool {
    spread.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule
}

/// The same of the check.
fn checked(snapshot: &Snapshot, plan: &Plan) -> BTreeSet<(&'static str, String)> {
    let violations = reconciler::check::check(plan, snapshot, now()).into_iter();
    let of_neighbours = |rule: &str| matches!(rule, "spread" | "affinity" | "anti-affinity");
    let pod = |what: &str| what.split(' ').nth(1).expect("it names a pod").to_owned();
    violations.filter(|v| of_neighbours(v.rule)).map(|v| (v.rule, pod(&v.what))).collect()
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn any_labels() -> impl Strategy<Value = String> {
    let app = one_of(&["", "app=x", "app=x", "app=y"]);
    (app, one_of(&["", "", "v=1", "v=2"])).prop_map(|(app, v)| format!("{app} {v}"))
}

fn any_spread() -> impl Strategy<Value = String> {
    let selector = one_of(&["app=x", "app=x", "app=y", "app=x+y", "*"]);
    let more =
        one_of(&["", "", "", "/taints", "/anywhere", "/keys:v", "/min:2", "/min:3", "/soft"]);
    let key = one_of(&["zone", "zone", "host", "rack"]);
    (key, selector, more, 1..3_u8)
        .prop_map(|(key, selector, more, max)| format!("spread:{key}/{selector}/max:{max}{more}"))
}

fn any_term() -> impl Strategy<Value = String> {
    let selector = one_of(&["app=x", "app=x", "app=y", "app=x,v=1", "*", "-"]);
    let more = one_of(&["", "", "", "", "/in:t", "/of:*", "/of:s=t", "/keys:v", "/unlike:v"]);
    let kind = one_of(&["with", "apart"]);
    (kind, one_of(&["zone", "zone", "host", "rack"]), selector, more)
        .prop_map(|(kind, key, selector, more)| format!("{kind}:{key}/{selector}{more}"))
}

/// What a pod asks and is; few ask much, so that plans without violations come up.
fn any_asks() -> impl Strategy<Value = String> {
    let asks = prop_oneof![
        3 => Just(String::new()),
        3 => any_spread(),
        4 => any_term(),
        1 => (any_spread(), any_term()).prop_map(|(spread, term)| format!("{spread} {term}")),
        1 => (any_term(), any_term()).prop_map(|(one, other)| format!("{one} {other}")),
        1 => (any_spread(), any_spread()).prop_map(|(one, other)| format!("{one} {other}")),
    ];
    let other = one_of(&["", "", "", "nodes:zone=a", "nodes:disk=ssd", "tolerates:t"]);
    (any_labels(), asks, other).prop_map(|(labels, asks, other)| format!("{labels} {asks} {other}"))
}

/// The labels of one way in which a place may come to be.
fn any_way() -> impl Strategy<Value = String> {
    let zone = one_of(&["zone=a", "zone=a", "zone=b", "zone=c"]);
    (zone, one_of(&["", "", "disk=ssd"])).prop_map(|(zone, disk)| format!("{zone} {disk}"))
}

fn any_world() -> impl Strategy<Value = String> {
    let flags = || one_of(&["", "", "", "", "going", "taint:t"]);
    let rack = || one_of(&["rack=1", "rack=1", "rack=2", ""]);
    let node = || (flags(), rack(), prop_oneof![6 => any_way(), 1 => Just(String::new())]);
    let present = prop::collection::vec(node(), 1..4);
    let flying = prop::collection::vec(node(), 0..2);
    let new = (rack(), any_way(), prop::option::of(any_way()));
    let new = prop::collection::vec(new, 0..3);
    let pod = || (one_of(&["ns", "ns", "t"]), any::<prop::sample::Index>(), any_asks());
    let running = prop::collection::vec((pod(), one_of(&["", "", "", "ending"])), 0..5);
    let placed = prop::collection::vec((pod(), any::<bool>()), 1..6);
    (present, flying, new, running, placed).prop_map(|(present, flying, new, running, placed)| {
        let mut lines = vec!["namespace t s=t".to_owned(), "namespace ns s=ns".to_owned()];
        let mut targets: Vec<String> = Vec::new();
        for (index, (flags, rack, way)) in present.iter().enumerate() {
            lines.push(format!("node n{index} {flags} {rack} {way}"));
            targets.push(format!("n{index}"));
        }
        let nodes = targets.clone();
        for (index, (flags, rack, way)) in flying.iter().enumerate() {
            lines.push(format!("flying f{index} for:ns/w0+ns/w1 {flags} {rack} {way}"));
            targets.push(format!("f{index}"));
        }
        for (index, (rack, way, other)) in new.iter().enumerate() {
            let other = other.as_ref().map(|way| format!("| {rack} {way}")).unwrap_or_default();
            lines.push(format!("new c{index} {rack} {way} {other}"));
            targets.push(format!("c{index}"));
        }
        for (index, ((namespace, at, asks), ending)) in running.iter().enumerate() {
            lines.push(format!("pod {namespace}/r{index} on {} {asks} {ending}", at.get(&nodes)));
        }
        for (index, ((namespace, at, asks), moves)) in placed.iter().enumerate() {
            let from = if *moves { "from:n0" } else { "" };
            let name = format!("{namespace}/w{index}");
            lines.push(format!("pod {name} to {} {asks} {from}", at.get(&targets)));
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_check_and_the_plain_rules_find_the_same_pods(text in any_world()) {
        let (snapshot, plan) = scene(&text);
        let plain = Plain::of(&snapshot, &plan).found();
        prop_assert_eq!(checked(&snapshot, &plan), plain, "in\n{}", text);
    }
}
