//! Claims for new nodes that replace others: what they may be launched as, so that the worst of it still saves.

use super::rehousing::{NewNode, Rehousing};
use crate::scheduling::claims::{Draft, labels_of, launch_taints, name_for, new_claim};
use crate::scheduling::pools::{holders, missing_values};
use crate::scheduling::ranking::{Subject, rank};
use crate::scheduling::stock::{Stock, Survey};
use crate::scheduling::volumes::without_attachable;
use model::action::{ClaimToLaunch, Launch};
use model::claim::NodeClaim;
use model::labels;
use model::name::ClaimName;
use model::price::Price;
use model::requirement::{Requirement, Requirements};
use model::snapshot::MinValuesPolicy;
use std::collections::BTreeSet;

/// What a replacement has to keep to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'t> {
    /// The claims that are replaced, at least one.
    pub(crate) replaces: &'t [&'t NodeClaim],
    /// No offering that it may be launched as costs more.
    pub(crate) dearest: Price,
    /// Of so many types at least there must be a choice, and no more than that are chosen from.
    pub(crate) types: Option<usize>,
}

/// Why there is no such claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Too few instance types are left for the pool's `minValues`, or none at all.
    TooFew,
    /// So many types, where the terms ask for more.
    Types(usize),
}

impl Rehousing<'_> {
    /// How a new node is launched, by one capacity type, in zones and as types that keep to the terms.
    pub(crate) fn launch(
        &mut self,
        survey: &Survey<'_>,
        node: &NewNode<'_>,
        terms: Terms<'_>,
        taken: &mut BTreeSet<ClaimName>,
    ) -> Result<Launch, Refusal> {
        let field = &mut self.opening.fields[node.field];
        let count = i64::try_from(field.bins.len()).unwrap_or(i64::MAX).max(1);
        let (pool, bin) = (field.pool, &field.bins[node.bin]);
        let stock = field.profiles.stock;
        let only = narrow(stock, field.profiles.get(bin.profile).markets, (bin.shape, node), terms);
        let only = field.profiles.enter(&only);
        let narrowed = field.profiles.both(bin.profile, only).unwrap_or(bin.profile);
        let profile = field.profiles.get(narrowed);
        let (used, allowance) = (bin.used(&self.opening.classes), &field.allowance);
        let counted = &stock.shapes[bin.shape].instance_type.capacity;
        let allows = |shape: usize| {
            let capacity = &stock.shapes[shape].instance_type.capacity;
            let fits_limits = allowance.limited().all(|resource| {
                let spare = allowance.left_of(resource).unwrap_or(0).max(0) / count;
                capacity.get(resource) <= counted.get(resource) + spare
            });
            fits_limits && worst_price(stock, profile.markets, shape) <= terms.dearest
        };
        let allowed: Vec<usize> = holders(stock, profile, &used).filter(|s| allows(*s)).collect();
        let is_strict = survey.snapshot.settings.policies.min_values == MinValuesPolicy::Strict;
        let lacks = |shapes: &[usize]| {
            is_strict && missing_values(stock, profile, shapes.iter().copied()).is_some()
        };
        if allowed.is_empty() || lacks(&allowed) {
            return Err(Refusal::TooFew);
        }
        let mut chosen = allowed;
        if let Some(least) = terms.types {
            if chosen.len() < least {
                return Err(Refusal::Types(chosen.len()));
            }
            chosen.sort_by_key(|shape| (profile.price(*shape), *shape));
            let enough = (least..chosen.len()).find(|many| !lacks(&chosen[..*many]));
            chosen.truncate(enough.unwrap_or(chosen.len()));
        }
        let labels = labels_of(pool, &profile.requirements);
        let subject = Subject { stock, profile, used: &used, labels: &labels };
        let ranking = rank(subject, |shape| chosen.contains(&shape));
        let Some(first) = ranking.choices.first() else { return Err(Refusal::TooFew) };
        let it = survey.snapshot.instance_type(&stock.class.name, &first.offering.instance_type);
        let daemons = it.map(|it| stock.daemons.on(it)).unwrap_or_default();
        let requests = without_attachable(&survey.columns.resources(&used).plus(&daemons));
        let name = name_for(&pool.name, &terms.replaces[0].uid, taken);
        taken.insert(name.clone());
        let (ranking, labels) = (&ranking, &labels);
        let draft = Draft { pool, ranking, labels, pods: &node.pods, requests: &requests };
        let replaces = terms.replaces.iter().map(|claim| claim.name.clone()).collect();
        Ok(Launch {
            claims: vec![ClaimToLaunch::New(new_claim(name, draft, replaces))],
            pool: Some(pool.name.clone()),
            node_class: pool.node_class.clone(),
            taints: launch_taints(&pool.taints, &pool.startup_taints),
            choices: ranking.choices.clone(),
            replay: None,
        })
    }
}

/// The node's capacity type, and the zones in which its own type keeps to the terms.
fn narrow(
    stock: &Stock<'_>,
    markets: u128,
    (shape, node): (usize, &NewNode<'_>),
    terms: Terms<'_>,
) -> Requirements {
    let zones = stock.offers(shape).iter().filter_map(|offer| {
        let market = &stock.markets[offer.market];
        let keeps = markets & (1 << offer.market) != 0
            && market.capacity_type == node.capacity_type
            && offer.price <= terms.dearest;
        keeps.then(|| market.zone.text())
    });
    let capacity_type = Requirement::is(node.capacity_type.as_str());
    let only = [
        (labels::ZONE.into(), Requirement::one_of(zones)),
        (labels::CAPACITY_TYPE.into(), capacity_type),
    ];
    only.into_iter().collect()
}

/// The most that a shape can cost in these markets.
fn worst_price(stock: &Stock<'_>, markets: u128, shape: usize) -> Price {
    let offers = stock.offers(shape).iter().filter(|offer| markets & (1 << offer.market) != 0);
    offers.map(|offer| offer.price).max().unwrap_or(Price::ZERO)
}
