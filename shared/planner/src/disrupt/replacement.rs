//! The one new node that would do for what fits nowhere else, if it is cheaper.

use super::candidates::Candidate;
use crate::scheduling::amounts::{add, fits};
use crate::scheduling::claims::{Draft, labels_of, name_for, new_claim};
use crate::scheduling::classes::Class;
use crate::scheduling::limits::{Allowance, node_count};
use crate::scheduling::pools::{entry, holders, in_order, missing_values, open};
use crate::scheduling::profiles::Profiles;
use crate::scheduling::ranking::{Subject, rank};
use crate::scheduling::stock::{Stock, Survey};
use model::action::NewClaim;
use model::instance_type::CapacityType;
use model::labels;
use model::name::ClaimName;
use model::pod::Pod;
use model::pool::NodePool;
use model::price::Price;
use model::reason::Reason;
use model::requirement::Requirement;
use model::resources::Resources;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many cheaper types there must be before spot replaces spot, or the next price change moves the node again
/// (Karpenter 1.14).
const SPOT_TO_SPOT_TYPES: usize = 15;

/// The capacity types in the order in which a replacement is looked for; at the same price the earlier one is taken.
const CAPACITY_TYPES: [CapacityType; 3] =
    [CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand];

/// A node to come.
pub(super) struct Replacement {
    /// Which pool it is of.
    pool: usize,
    profile: usize,
    used: Vec<i64>,
    contents: Vec<(usize, i64)>,
    /// The least it can cost.
    pub(super) price: Price,
}

/// A pool and what it can launch.
pub(super) type Open<'a> = (&'a Arc<NodePool>, Stock<'a>);

/// What can be launched instead.
pub(super) struct Market<'s, 'a> {
    survey: &'s Survey<'a>,
    pools: Vec<Offered<'s, 'a>>,
    /// Names of claims, once one is looked for.
    taken: Option<BTreeSet<ClaimName>>,
}

struct Offered<'s, 'a> {
    pool: &'a NodePool,
    profiles: Profiles<'s, 'a>,
    /// For each class the profiles under which it can enter, once they were worked out.
    entries: Vec<Option<Vec<usize>>>,
    /// The profile of each capacity type alone, in the order in which they are tried.
    alone: [(CapacityType, usize); 3],
    allowance: Allowance,
}

impl<'s, 'a> Market<'s, 'a> {
    /// What each open pool can launch, in the order in which they are tried.
    pub(super) fn stocks(survey: &Survey<'a>) -> Vec<Open<'a>> {
        let pools = in_order(survey.snapshot).into_iter();
        pools.filter_map(|pool| Some((pool, open(survey, pool).ok()?))).collect()
    }

    pub(super) fn new(
        survey: &'s Survey<'a>,
        stocks: &'s [Open<'a>],
        classes: &[Class<'_>],
    ) -> Self {
        let snapshot = survey.snapshot;
        let ceiling = i64::from(snapshot.settings.nodes_max) - node_count(snapshot);
        let pools = stocks.iter().map(|(pool, stock)| {
            let mut profiles = Profiles::of(stock);
            let alone = CAPACITY_TYPES.map(|capacity_type| {
                let only = Requirement::is(capacity_type.as_str());
                let only = [(labels::CAPACITY_TYPE.into(), only)].into_iter().collect();
                (capacity_type, profiles.enter(&only))
            });
            let entries = vec![None; classes.len()];
            let allowance = Allowance::of(snapshot, pool, ceiling);
            Offered { pool, profiles, entries, alone, allowance }
        });
        Self { survey, pools: pools.collect(), taken: None }
    }

    /// A node for these pods that is cheaper than the candidate, from the first pool that can take them all.
    pub(super) fn replacement_for(
        &mut self,
        candidate: &Candidate<'_>,
        classes: &[Class<'_>],
        contents: Vec<(usize, i64)>,
    ) -> Result<Replacement, Box<Reason>> {
        let no = |why: &str| Box::new(Reason::Unconsolidatable { why: why.into() });
        let mut used = vec![0; self.survey.columns.width()];
        for (class, count) in &contents {
            add(&mut used, &classes[*class].requests, *count);
            if 1 < *count && classes[*class].is_alone_on_a_node() {
                return Err(no("Can't remove without creating several candidates"));
            }
        }
        for (index, pool) in self.pools.iter_mut().enumerate() {
            let Some(profile) = pool.profile_of_all(self.survey, classes, &contents) else {
                continue;
            };
            let stock = pool.profiles.stock;
            let all = holders(stock, pool.profiles.get(profile), &used);
            let all: Vec<usize> = all.collect();
            if all.is_empty() {
                continue;
            }
            let (profile, price) = pool.cheaper(self.survey, candidate, profile, &all)?;
            return Ok(Replacement { pool: index, profile, used, contents, price });
        }
        Err(no("Can't remove without creating several candidates"))
    }

    /// The claim for a replacement, which counts against the limits from now on.
    pub(super) fn claim_for(
        &mut self,
        candidate: &Candidate<'_>,
        classes: &[Class<'_>],
        replacement: Replacement,
    ) -> NewClaim {
        let Replacement { pool, profile, used, contents, .. } = replacement;
        let Offered { pool, profiles, allowance, .. } = &mut self.pools[pool];
        let (stock, profile) = (profiles.stock, profiles.get(profile));
        let labels = labels_of(pool, &profile.requirements);
        let worst = |shape: usize| worst_price(stock, profile.markets, shape);
        let allows = |shape: usize| {
            let it = stock.shapes[shape].instance_type;
            worst(shape) < candidate.price && 0 < allowance.admits(&it.capacity, 1)
        };
        let subject = Subject { stock, profile, used: &used, labels: &labels };
        let ranking = rank(subject, allows);
        let mut most = Resources::default();
        for choice in &ranking.choices {
            most.raise_to(&choice.capacity);
        }
        allowance.take(&most, 1);
        let moving = |(class, count): &(usize, i64)| {
            let here = classes[*class]
                .pods
                .iter()
                .filter(|p| p.node.as_ref() == Some(&candidate.node.name));
            let count = usize::try_from(*count).expect("a count is not negative");
            let here: Vec<&Arc<Pod>> = here.copied().collect();
            here[here.len() - count..].to_vec()
        };
        let pods: Vec<&Arc<Pod>> = contents.iter().flat_map(moving).collect();
        let requests = self.survey.columns.resources(&used);
        let first = ranking.choices.first().map(|choice| &choice.offering.instance_type);
        let it = first.and_then(|name| self.survey.snapshot.instance_type(&stock.class.name, name));
        let requests = requests.plus(&it.map(|it| stock.daemons.on(it)).unwrap_or_default());
        let claims = self.survey.snapshot.cluster.claims.iter();
        let present = || claims.map(|claim| claim.name.clone()).collect();
        let taken = self.taken.get_or_insert_with(present);
        let name = name_for(&pool.name, &candidate.claim.uid, taken);
        taken.insert(name.clone());
        let draft =
            Draft { pool, ranking: &ranking, labels: &labels, pods: &pods, requests: &requests };
        new_claim(name, draft, vec![candidate.claim.name.clone()])
    }
}

impl Offered<'_, '_> {
    /// What all the classes admit together, if they can be on one node of this pool.
    fn profile_of_all(
        &mut self,
        survey: &Survey<'_>,
        classes: &[Class<'_>],
        contents: &[(usize, i64)],
    ) -> Option<usize> {
        let mut together = 0;
        let mut ports: Vec<model::pod::HostPort> = Vec::new();
        for (class, _) in contents {
            let it = &classes[*class];
            if !it.ports_fit(&ports) {
                return None;
            }
            ports.extend(it.sample.host_ports.iter().cloned());
            let stock = self.profiles.stock;
            let entries = self.entries[*class].get_or_insert_with(|| {
                // Why a class cannot enter is worked out with care, and of no interest here.
                let mut rooms = (0..stock.shapes.len()).map(|shape| stock.room(shape));
                if !rooms.any(|room| fits(&it.requests, room)) {
                    return Vec::new();
                }
                entry(survey, self.pool, &mut self.profiles, it).unwrap_or_default()
            });
            let both = entries.iter().filter_map(|entry| self.profiles.both(together, *entry));
            together = both.collect::<Vec<_>>().first().copied()?;
        }
        Some(together)
    }

    /// The same narrowed to one capacity type of which every offering of a type is cheaper than the candidate: then the
    /// launch cannot end up with a dearer node. An on-demand node may become a spot one; spot for spot is a setting.
    fn cheaper(
        &mut self,
        survey: &Survey<'_>,
        candidate: &Candidate<'_>,
        profile: usize,
        holders: &[usize],
    ) -> Result<(usize, Price), Box<Reason>> {
        let is_spot = candidate.claim.capacity_type() == Some(CapacityType::Spot);
        let spot_to_spot = survey.snapshot.settings.spot_to_spot;
        let mut refused = "Can't replace with a cheaper node".to_owned();
        let mut best: Option<(Price, usize)> = None;
        for (capacity_type, only) in self.alone {
            let Some(narrowed) = self.profiles.both(profile, only) else { continue };
            let stock = self.profiles.stock;
            let it = self.profiles.get(narrowed);
            let allowed = |shape: &&usize| {
                let capacity = &stock.shapes[**shape].instance_type.capacity;
                it.price(**shape).is_some()
                    && worst_price(stock, it.markets, **shape) < candidate.price
                    && 0 < self.allowance.admits(capacity, 1)
            };
            let shapes: Vec<usize> = holders.iter().filter(allowed).copied().collect();
            let Some(price) = shapes.iter().filter_map(|shape| it.price(*shape)).min() else {
                continue;
            };
            if missing_values(stock, it, shapes.iter().copied()).is_some() {
                continue;
            }
            if is_spot && capacity_type == CapacityType::Spot {
                if !spot_to_spot {
                    "SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node"
                        .clone_into(&mut refused);
                    continue;
                }
                if shapes.len() < SPOT_TO_SPOT_TYPES {
                    refused = format!(
                        "SpotToSpotConsolidation requires {SPOT_TO_SPOT_TYPES} cheaper instance type options than the current candidate to consolidate, got {}",
                        shapes.len()
                    );
                    continue;
                }
            }
            best = Some(best.map_or((price, narrowed), |other| other.min((price, narrowed))));
        }
        match best {
            Some((price, profile)) => Ok((profile, price)),
            None => Err(Box::new(Reason::Unconsolidatable { why: refused.into() })),
        }
    }
}

/// The most that a shape can cost in these markets.
fn worst_price(stock: &Stock<'_>, markets: u128, shape: usize) -> Price {
    let offers = stock.offers(shape).iter().filter(|offer| markets & (1 << offer.market) != 0);
    offers.map(|offer| offer.price).max().unwrap_or(Price::ZERO)
}
