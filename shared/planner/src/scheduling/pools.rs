//! Which NodePools take new nodes, and which classes of pods each can take.

use super::amounts::{Columns, fits};
use super::classes::Class;
use super::daemons::{Daemons, first_conflict, node_requirements};
use super::profiles::{Profile, Profiles};
use super::stock::{Stock, Survey};
use model::labels;
use model::name::Text;
use model::node_class::NodeClass;
use model::pool::NodePool;
use model::reason::Reason;
use model::requirement::Requirements;
use model::snapshot::{MinValuesPolicy, Snapshot};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many values of a label a reason lists.
const VALUES_SHOWN: usize = 8;

/// The pools in the order in which they are tried: heavier first, then by name.
pub(crate) fn in_order(snapshot: &Snapshot) -> Vec<&Arc<NodePool>> {
    let mut pools: Vec<&Arc<NodePool>> = snapshot.cluster.pools.iter().collect();
    pools.sort_by_key(|pool| (Reverse(pool.weight), &pool.name));
    pools
}

/// What a pool can launch for pods, or why it takes no new nodes.
pub(crate) fn open<'a>(survey: &Survey<'a>, pool: &'a NodePool) -> Result<Stock<'a>, Box<Reason>> {
    if pool.replicas.is_some() && !pool.deleting {
        let (pool, why) = (pool.name.clone(), "it is static".into());
        return Err(Box::new(Reason::PoolClosed { pool, why }));
    }
    stock_of(survey, pool)
}

/// What a pool can launch, static or not, or why it can launch nothing.
pub(crate) fn stock_of<'a>(
    survey: &Survey<'a>,
    pool: &'a NodePool,
) -> Result<Stock<'a>, Box<Reason>> {
    let closed =
        |why: String| Box::new(Reason::PoolClosed { pool: pool.name.clone(), why: why.into() });
    if pool.deleting {
        return Err(closed("it is being deleted".to_owned()));
    }
    let class = usable_class(survey.snapshot, &pool.node_class).map_err(closed)?;
    let requirements = node_requirements(pool, class);
    if let Some(key) = requirements.impossible_key() {
        return Err(closed(format!("its requirements on {key} admit nothing")));
    }
    let daemon_sets = &survey.snapshot.cluster.daemon_sets;
    let daemons = Daemons::of_nodes(daemon_sets, &requirements, &pool.taints);
    Ok(Stock::gather(survey, class, requirements, daemons))
}

/// The class of this name, or why nothing can be launched from it.
pub(crate) fn usable_class<'a>(
    snapshot: &'a Snapshot,
    name: &str,
) -> Result<&'a NodeClass, String> {
    let class = snapshot.cluster.node_classes.iter().find(|class| &*class.name == name);
    match class {
        None => Err(format!("its EC2NodeClass {name} does not exist")),
        Some(class) if class.deleting => Err(format!("its EC2NodeClass {name} is being deleted")),
        Some(class) if !class.ready => Err(format!("its EC2NodeClass {name} is not ready")),
        Some(class) => Ok(class),
    }
}

/// The profiles under which nodes of a pool can take a class, one for each alternative that works, or why none does.
pub(crate) fn entry(
    survey: &Survey<'_>,
    pool: &NodePool,
    profiles: &mut Profiles<'_, '_>,
    class: &Class<'_>,
) -> Result<Vec<usize>, Box<Reason>> {
    if let Some(taint) = class.kept_away_by(pool.taints.iter()) {
        let taint = Text::from(taint.to_string());
        return Err(Box::new(Reason::Untolerated { pool: pool.name.clone(), taint }));
    }
    if !class.ports_fit(&profiles.stock.daemons.ports) {
        let why = format!("a daemon on every node of NodePool {} takes its host port", pool.name);
        return Err(Box::new(Reason::Blocked { why: why.into() }));
    }
    let (mut usable, mut conflict, mut tried) = (Vec::new(), None, Vec::new());
    for wanted in &class.alternatives {
        if let Some(key) = first_conflict(wanted, &profiles.stock.requirements) {
            conflict = conflict.or(Some((wanted, key)));
            continue;
        }
        let profile = profiles.enter(wanted);
        tried.push((wanted, profile));
        let it = profiles.get(profile);
        let mut holders = holders(profiles.stock, it, &class.requests).peekable();
        let is_strict = survey.snapshot.settings.policies.min_values == MinValuesPolicy::Strict;
        let has_enough = |holders| missing_values(profiles.stock, it, holders).is_none();
        if holders.peek().is_some() && (!is_strict || has_enough(holders)) {
            usable.push(profile);
        }
    }
    if !usable.is_empty() {
        return Ok(usable);
    }
    Err(Box::new(match (tried.first(), conflict) {
        (Some((wanted, profile)), _) => {
            refusal(survey, pool, profiles.stock, (wanted, profiles.get(*profile)), class)
        }
        (None, Some((wanted, key))) => {
            let offered = profiles.stock.requirements.get(key).map(ToString::to_string);
            incompatible(pool, wanted, key, offered.unwrap_or_default())
        }
        (None, None) => Reason::NoPools,
    }))
}

/// Shapes of a profile that have an offering and room for the request.
pub(crate) fn holders<'p>(
    stock: &'p Stock<'_>,
    profile: &'p Profile,
    request: &'p [i64],
) -> impl Iterator<Item = usize> + 'p {
    let offered = profile.offered().map(|(shape, _)| shape);
    offered.filter(|shape| fits(request, stock.room(*shape)))
}

/// The first label of which these shapes have fewer values than a requirement's `minValues`: label, wanted, found.
pub(crate) fn missing_values(
    stock: &Stock<'_>,
    profile: &Profile,
    shapes: impl Iterator<Item = usize>,
) -> Option<(Text, u32, u32)> {
    let mut wanted = profile.requirements.iter().filter_map(|(k, r)| Some((k, r.min_values()?)));
    let first = wanted.next()?;
    let shapes: Vec<usize> = shapes.collect();
    std::iter::once(first).chain(wanted).find_map(|(key, wanted)| {
        let values: BTreeSet<&str> =
            shapes.iter().flat_map(|shape| values_of(stock, profile, *shape, key)).collect();
        let found = u32::try_from(values.len()).unwrap_or(u32::MAX);
        (found < wanted).then(|| (Text::clone(key), wanted, found))
    })
}

/// The values of a label that nodes of a shape can have.
pub(crate) fn values_of<'p>(
    stock: &'p Stock<'_>,
    profile: &'p Profile,
    shape: usize,
    key: &'p str,
) -> Vec<&'p str> {
    let markets = || {
        let offers = stock.offers(shape).iter().filter(|o| profile.markets & (1 << o.market) != 0);
        offers.map(|offer| &stock.markets[offer.market])
    };
    match key {
        labels::ZONE => markets().map(|m| m.zone.as_str()).collect(),
        labels::CAPACITY_TYPE => markets().map(|m| m.capacity_type.as_str()).collect(),
        key => {
            stock.shapes[shape].instance_type.labels.get(key).map(|v| &**v).into_iter().collect()
        }
    }
}

fn incompatible(pool: &NodePool, wanted: &Requirements, key: &str, offered: String) -> Reason {
    let wanted = wanted.get(key).map(ToString::to_string).unwrap_or_default();
    Reason::Incompatible { pool: pool.name.clone(), key: key.into(), wanted, offered }
}

/// Why no shape of a profile takes a class.
fn refusal(
    survey: &Survey<'_>,
    pool: &NodePool,
    stock: &Stock<'_>,
    (wanted, profile): (&Requirements, &Profile),
    class: &Class<'_>,
) -> Reason {
    let admitted = stock.shapes_of(wanted);
    if admitted.is_empty() {
        return no_such_type(pool, stock, wanted);
    }
    let mut fitting = admitted.iter().filter(|shape| fits(&class.requests, stock.room(**shape)));
    if fitting.next().is_none() {
        let in_how_many = |shape: &usize| {
            let pairs = class.requests.iter().zip(stock.room(*shape));
            pairs.filter(|(want, have)| want <= have).count()
        };
        let size = |shape: &usize| {
            let room = stock.room(*shape);
            (in_how_many(shape), room[Columns::CPU], room[Columns::MEMORY])
        };
        let largest = admitted.iter().max_by_key(|shape| size(shape)).expect("it is not empty");
        let largest = stock.shapes[*largest].instance_type;
        let requests = class.sample.requests.plus(&stock.daemons.on(largest));
        let has = survey.columns.resources(&survey.columns.row(&largest.allocatable));
        return Reason::TooLarge { pool: pool.name.clone(), requests, largest: has };
    }
    let holders = holders(stock, profile, &class.requests);
    match missing_values(stock, profile, holders) {
        Some((key, wanted, found)) if profile.offered().next().is_some() => {
            Reason::MinValues { pool: pool.name.clone(), key, wanted, found }
        }
        _ => Reason::NoOffering { pool: pool.name.clone(), types: 1 + fitting.count() },
    }
}

/// Names the label that keeps all types away.
fn no_such_type(pool: &NodePool, stock: &Stock<'_>, wanted: &Requirements) -> Reason {
    let refuses_all = |key: &str, one: &model::requirement::Requirement| {
        let alone: Requirements = [(Text::from(key), one.clone())].into_iter().collect();
        stock.shapes_of(&alone).is_empty()
    };
    let alone = wanted.iter().find(|(key, one)| refuses_all(key, one));
    let Some((key, _)) = alone.or_else(|| wanted.iter().next()) else {
        let why = "no instance type is known that it admits".into();
        return Reason::PoolClosed { pool: pool.name.clone(), why };
    };
    let values: BTreeSet<&str> = stock
        .shapes
        .iter()
        .filter_map(|shape| shape.instance_type.labels.get(key).map(|value| &**value))
        .collect();
    let mut shown: Vec<&str> = values.iter().copied().take(VALUES_SHOWN).collect();
    if shown.len() < values.len() {
        shown.push("…");
    }
    let offered = if shown.is_empty() {
        "no instance type that has it".to_owned()
    } else {
        format!("In [{}]", shown.join(" "))
    };
    incompatible(pool, wanted, key, offered)
}
