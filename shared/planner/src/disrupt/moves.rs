//! From places that were found for pods to commands: which nodes go together, what replaces them, and whether that pays.
//!
//! Nodes whose pods share a new node go together or not at all. What pods find on nodes that stay binds nobody.

use super::balanced;
use super::search::Search;
use crate::provision::rehousing::{NewNode, Rehousing};
use crate::provision::replacing::{Refusal, Terms};
use model::action::{ClaimToLaunch, Launch, NewClaim};
use model::instance_type::CapacityType;
use model::name::{ClaimName, ObjectName};
use model::plan::{Placement, Target};
use model::price::Price;
use model::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// A replacement saves at least this part of what it replaces, one in so many, whatever it is launched as: less is not worth
/// moving pods for, and might be undone by the next change of a price.
const SAVING_ONE_IN: i64 = 20;

/// So many cheaper types there must be before one spot node replaces another, or the next price change moves it again
/// (Karpenter 1.14).
const SPOT_TO_SPOT_TYPES: usize = 15;

/// Nodes that go together, and what comes instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// The candidates, in order.
    pub(crate) gone: Vec<usize>,
    /// New nodes, one claim each.
    pub(crate) launches: Vec<Launch>,
    /// Where their pods go.
    pub(crate) moves: Vec<Placement>,
    /// Per hour, if each new node is launched as its first choice.
    pub(crate) saving: Price,
}

/// Commands that can all be carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) commands: Vec<Command>,
    /// What they save, less what they must save at least for the pods that move.
    pub(super) gain: Price,
}

impl Outcome {
    pub(super) fn of(commands: Vec<Command>, tolls: &[Price]) -> Self {
        let gain = |command: &Command| {
            let tolls = command.gone.iter().map(|at| tolls[*at]);
            command.saving - tolls.sum::<Price>()
        };
        let gain = commands.iter().map(gain).sum();
        Self { commands, gain }
    }

    pub(super) fn saving(&self) -> Price {
        self.commands.iter().map(|command| command.saving).sum()
    }

    /// All candidates that go.
    pub(super) fn gone(&self) -> Vec<usize> {
        self.commands.iter().flat_map(|command| command.gone.iter().copied()).collect()
    }
}

impl Command {
    /// The claims that come instead.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &NewClaim> {
        self.launches.iter().flat_map(|launch| &launch.claims).filter_map(|claim| match claim {
            ClaimToLaunch::New(new) => Some(new),
            ClaimToLaunch::Existing { .. } => None,
        })
    }
}

/// Candidates that share new nodes, and these nodes.
struct Group<'n, 'g> {
    gone: Vec<usize>,
    nodes: Vec<&'n NewNode<'g>>,
    is_homeless: bool,
}

impl Search<'_, '_> {
    /// The commands that pay, of what was found for the pods of these candidates.
    pub(super) fn commands(&self, set: &[usize], rehousing: &mut Rehousing<'_>) -> Vec<Command> {
        let nodes = rehousing.new_nodes();
        let groups = self.groups(set, &nodes, rehousing);
        let mut moves: BTreeMap<usize, Vec<Placement>> = BTreeMap::new();
        let pods = set.iter().flat_map(|at| self.pods[*at].iter().map(|(pod, _)| (&pod.name, *at)));
        let place_of: BTreeMap<&ObjectName, usize> = pods.collect();
        for placement in rehousing.placements() {
            moves.entry(place_of[&placement.pod]).or_default().push(placement.clone());
        }
        let claims = self.ground.survey.snapshot.cluster.claims.iter();
        let mut taken: BTreeSet<ClaimName> = claims.map(|claim| claim.name.clone()).collect();
        let mut commands = Vec::new();
        for group in groups {
            match self.command(&group, rehousing, &mut taken) {
                Ok(mut command) => {
                    let here = group.gone.iter().filter_map(|at| moves.remove(at));
                    command.moves.extend(here.flatten());
                    command.moves.sort();
                    commands.push(command);
                }
                Err(why) => {
                    let reason = Reason::Unconsolidatable { why: why.into() };
                    let mut refused = self.refused.borrow_mut();
                    refused.extend(group.gone.iter().map(|at| (*at, reason.clone())));
                }
            }
        }
        commands
    }

    fn groups<'n, 'g>(
        &self,
        set: &[usize],
        nodes: &'n [NewNode<'g>],
        rehousing: &Rehousing<'_>,
    ) -> Vec<Group<'n, 'g>> {
        let of_pod = |pod: &model::pod::Pod| {
            pod.node.as_deref().and_then(|node| self.place_of.get(node)).expect("it is on one")
        };
        // For each candidate the first of those that it goes with.
        let mut first: BTreeMap<usize, usize> = set.iter().map(|at| (*at, *at)).collect();
        for node in nodes {
            let members: BTreeSet<usize> =
                node.pods.iter().map(|pod| first[&of_pod(pod)]).collect();
            let least = members.first().copied().expect("a new node has pods");
            for one in first.values_mut().filter(|one| members.contains(one)) {
                *one = least;
            }
        }
        let homeless: BTreeSet<usize> =
            rehousing.homeless().map(|pod| first[&of_pod(pod)]).collect();
        let mut groups: BTreeMap<usize, Group<'n, 'g>> = BTreeMap::new();
        for (at, first) in &first {
            let is_homeless = homeless.contains(first);
            let new = Group { gone: Vec::new(), nodes: Vec::new(), is_homeless };
            groups.entry(*first).or_insert(new).gone.push(*at);
        }
        for node in nodes {
            let group = first[&of_pod(node.pods[0])];
            groups.entry(group).and_modify(|group| group.nodes.push(node));
        }
        groups.into_values().collect()
    }

    fn command(
        &self,
        group: &Group<'_, '_>,
        rehousing: &mut Rehousing<'_>,
        taken: &mut BTreeSet<ClaimName>,
    ) -> Result<Command, String> {
        const NOT_CHEAPER: &str = "Can't replace with a cheaper node";
        const TOO_LITTLE: &str = "What it would save is too little for the pods that it moves";
        if group.is_homeless {
            return Err("Not all of its pods would have a place".to_owned());
        }
        let paid: Price = group.gone.iter().map(|at| self.used[*at].price).sum();
        let cost: Price = group.nodes.iter().map(|node| node.price).sum();
        let saving = paid - cost;
        let most = paid.micro_dollars() - paid.micro_dollars() / SAVING_ONE_IN;
        if !group.nodes.is_empty() && most < cost.micro_dollars() {
            return Err(NOT_CHEAPER.to_owned());
        }
        let toll: Price = group.gone.iter().map(|at| self.tolls[*at]).sum();
        if saving <= toll {
            return Err(TOO_LITTLE.to_owned());
        }
        balanced::accepts(self, &group.gone, saving)?;
        let types = self.types_for_spot(group)?;
        let replaces: Vec<_> = group.gone.iter().map(|at| &**self.used[*at].claim).collect();
        let (mut launches, mut moves) = (Vec::new(), Vec::new());
        for node in &group.nodes {
            // Each may cost more than at best, but all together no more than what still saves enough.
            let dearest = i128::from(node.price.micro_dollars()) * i128::from(most)
                / i128::from(cost.micro_dollars().max(1));
            let dearest = i64::try_from(dearest).unwrap_or(i64::MAX);
            let dearest = Price::from_micro_dollars(dearest.max(node.price.micro_dollars()));
            let terms = Terms { replaces: &replaces, dearest, types };
            let launch = rehousing.launch(&self.ground.survey, node, terms, taken);
            let launch = launch.map_err(|refusal| match refusal {
                Refusal::TooFew => NOT_CHEAPER.to_owned(),
                Refusal::Types(got) => format!(
                    "SpotToSpotConsolidation requires {SPOT_TO_SPOT_TYPES} cheaper instance type options than the current candidate to consolidate, got {got}"
                ),
            })?;
            if let Some(ClaimToLaunch::New(new)) = launch.claims.first() {
                let on = Target::Claim(new.name.clone());
                let placed = node.pods.iter();
                moves.extend(placed.map(|pod| Placement { pod: pod.name.clone(), on: on.clone() }));
            }
            launches.push(launch);
        }
        Ok(Command { gone: group.gone.clone(), launches, moves, saving })
    }

    /// How many instance types a spot node that replaces spot nodes must be able to be, if that is allowed at all.
    fn types_for_spot(&self, group: &Group<'_, '_>) -> Result<Option<usize>, String> {
        let is_spot = |at: &usize| self.used[*at].is_spot();
        let becomes_spot = group.nodes.iter().any(|n| n.capacity_type == CapacityType::Spot);
        if !becomes_spot || !group.gone.iter().all(is_spot) {
            return Ok(None);
        }
        if !self.ground.survey.snapshot.settings.spot_to_spot {
            return Err(
                "SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node"
                    .to_owned(),
            );
        }
        let is_single = group.gone.len() == 1 && group.nodes.len() == 1;
        Ok(is_single.then_some(SPOT_TO_SPOT_TYPES))
    }
}
