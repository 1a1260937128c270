//! Where the pods of nodes that would go find a place: on nodes that stay, and on new ones that cost least.
//!
//! It is what `provision` does for pods that wait, asked for pods that run: nothing is promised to anyone, and nothing begun.

use super::batch::Ready;
use super::dropping;
use super::existing::{Existing, Kind};
use super::opening::{Opening, PoolStock, stocks};
use super::proving::{Market, Standing, crowds_of, frees_of, of_classes};
use super::waiting::Waiting;
use crate::bound::Proof;
use crate::fill::{Row, Space, promises};
use crate::scheduling::amounts::whole;
use crate::scheduling::rooms::{Index, Room};
use crate::scheduling::stock::Survey;
use model::by_name::ByName;
use model::instance_type::CapacityType;
use model::plan::Placement;
use model::pod::Pod;
use model::price::Price;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// The capacity types in the order in which they are preferred at the same price.
const CAPACITY_TYPES: [CapacityType; 3] =
    [CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand];

/// Nano-dollars in a micro-dollar.
const NANO: i64 = 1000;

/// What is the same for all questions of one pass: the world, and what each pool can launch.
pub(crate) struct Ground<'a> {
    pub(crate) survey: Survey<'a>,
    stocks: Vec<PoolStock<'a>>,
}

/// A node that may go or stay.
pub(crate) struct Tenement<'r, 'a> {
    /// What is free on it now.
    pub(crate) room: &'r Room<'a>,
    /// The same without the pods that can move.
    pub(crate) vacated: Room<'a>,
    pub(crate) price: Price,
}

/// What pods and the nodes that they are on are worth.
pub(crate) struct Values<'a> {
    /// All these pods cost at least that, wherever they are, per hour.
    pub(crate) bound: Price,
    /// For each pod, by its uid, what it is worth in nano-dollars an hour.
    pub(crate) worths: ByName<'a, i64>,
    /// For each tenement, what more pods on it can be worth at most.
    pub(crate) promises: Vec<Price>,
}

/// Pods that have moved, in thought.
pub(crate) struct Rehousing<'g> {
    pub(super) opening: Opening<'g, 'g>,
    waiting: Waiting<'g>,
}

/// A new node and the pods on it.
pub(crate) struct NewNode<'g> {
    /// Its pool, in the order in which they are tried, and its number among the pool's new nodes.
    pub(super) field: usize,
    pub(super) bin: usize,
    /// The least that it can cost, and as what.
    pub(crate) price: Price,
    pub(crate) capacity_type: CapacityType,
    pub(crate) pods: Vec<&'g Arc<Pod>>,
}

impl<'a> Ground<'a> {
    /// Looks at what each pool can launch.
    pub(crate) fn new(survey: Survey<'a>) -> Self {
        let stocks = stocks(&survey);
        Self { survey, stocks }
    }

    /// What pods are worth, and what they cost at least if each node with a price may stay at it or go.
    pub(crate) fn value(
        &'a self,
        batch: &'a [Ready<'a>],
        tenements: &[Tenement<'_, '_>],
        others: &[&Room<'_>],
    ) -> Values<'a> {
        let waiting = Waiting::of(&self.survey, batch);
        let mut opening = Opening::of(&self.survey, &self.stocks);
        let (crowds, samples) =
            crowds_of(&self.survey, &mut opening.fields, &waiting, &waiting.left());
        let market = Market::of(&self.survey, &opening.fields).without_limits();
        let vacated: Vec<&Room<'_>> = tenements.iter().map(|it| &it.vacated).collect();
        let mut alike: BTreeSet<(Vec<i64>, Price, Vec<bool>)> = BTreeSet::new();
        for (free, it) in frees_of(&waiting, &vacated, &samples).into_iter().zip(tenements) {
            alike.insert((free.free, it.price, free.crowds));
        }
        let standing = alike.into_iter().map(|(room, price, crowds)| Standing {
            room,
            price,
            crowds: crowds.into_iter().collect(),
        });
        let standing: Vec<Standing> = standing.collect();
        let free: Vec<_> = frees_of(&waiting, others, &samples);
        let free: Vec<_> = free.into_iter().filter(|free| free.crowds.contains(&true)).collect();
        let Proof { bound, worths } = market.prove(&opening.fields, &crowds, (&free, &standing));
        let worths = of_classes(&worths, &samples, waiting.classes.len());
        let promises = promised(&waiting, &worths, tenements);
        let of_pods = waiting.classes.iter().zip(&worths).flat_map(|(class, worth)| {
            class.pods.iter().map(|pod| (&*pod.uid, *worth)).collect::<Vec<_>>()
        });
        Values { bound, worths: ByName::new(of_pods.collect::<Vec<_>>()), promises }
    }

    /// Finds places for pods in these rooms and on new nodes, as if the nodes that they are on were gone.
    pub(crate) fn rehouse<'g>(
        &'g self,
        index: &Index<'g>,
        batch: &'g [Ready<'g>],
        rooms: Vec<Room<'g>>,
        worths: &ByName<'_, i64>,
    ) -> Rehousing<'g>
    where
        'a: 'g,
    {
        let survey: &'g Survey<'g> = &self.survey;
        let mut waiting = Waiting::of(survey, batch);
        let rooms = rooms.into_iter().map(|room| Existing { room, kind: Kind::Open });
        let mut rooms: Vec<Existing<'g>> = rooms.collect();
        if waiting.topology.is_empty() {
            waiting.use_rooms_for_all(&mut rooms);
        } else {
            waiting.count_running(survey, index, &mut rooms);
        }
        let stocks: &'g [PoolStock<'g>] = &self.stocks;
        if waiting.pods.iter().all(VecDeque::is_empty) {
            return Rehousing { opening: Opening::of(survey, &[]), waiting };
        }
        let mut opening = Opening::of(survey, stocks);
        if !waiting.topology.is_empty() {
            opening.enter_domains(&mut waiting);
        }
        let worth = |pod: &Pod| worths.get(&pod.uid).unwrap_or(0);
        let of_classes = waiting.classes.iter().map(|class| worth(class.sample));
        waiting.worths = of_classes.collect();
        waiting.use_rooms_by_worth(&mut rooms);
        waiting.note_demand();
        loop {
            opening.place(survey, &mut waiting, &mut rooms);
            if !waiting.relax() {
                break;
            }
            waiting.use_rooms(&mut rooms);
        }
        dropping::drop_strays(&mut opening, &mut waiting);
        Rehousing { opening, waiting }
    }
}

/// For each tenement, what pods in what is free there can be worth at most.
fn promised(waiting: &Waiting<'_>, worths: &[i64], tenements: &[Tenement<'_, '_>]) -> Vec<Price> {
    let rooms: Vec<&Room<'_>> = tenements.iter().map(|it| it.room).collect();
    let admitted = waiting.admitted(&rooms);
    let spaces =
        rooms.iter().zip(admitted).map(|(room, admits)| Space { free: room.free(), admits });
    let spaces: Vec<Space<'_>> = spaces.collect();
    let rows = waiting.classes.iter().zip(worths).map(|(class, worth)| Row {
        requests: &class.requests,
        count: whole(class.pods.len()),
        worth: *worth,
        roles: &[],
        is_alone: class.is_alone_on_a_node(),
        entry: 0,
    });
    promises(rows.collect(), &spaces)
        .into_iter()
        .map(|worth| Price::from_micro_dollars(worth / NANO))
        .collect()
}

impl<'g> Rehousing<'g> {
    /// Pods without a place.
    pub(crate) fn homeless(&self) -> impl Iterator<Item = &'g Arc<Pod>> {
        self.waiting.pods.iter().flatten().copied()
    }

    /// Who goes to which node that is there.
    pub(crate) fn placements(&self) -> &[Placement] {
        &self.waiting.placements
    }

    /// The new nodes with their pods.
    pub(crate) fn new_nodes(&self) -> Vec<NewNode<'g>> {
        let mut pods = self.opening.on_bins().into_iter();
        let mut nodes = Vec::new();
        for (field, it) in self.opening.fields.iter().enumerate() {
            for (number, bin) in it.bins.iter().enumerate() {
                let here = pods.next().into_iter().flatten();
                let mut pods: Vec<&Arc<Pod>> = here.map(|(pod, ..)| *pod).collect();
                if pods.is_empty() {
                    continue;
                }
                pods.sort_by(|a, b| a.name.cmp(&b.name));
                let (stock, markets) = (it.profiles.stock, it.profiles.get(bin.profile).markets);
                let at_price = |wanted: &&CapacityType| {
                    stock.offers(bin.shape).iter().any(|offer| {
                        let market = &stock.markets[offer.market];
                        offer.price == bin.price
                            && market.capacity_type == **wanted
                            && markets & (1 << offer.market) != 0
                    })
                };
                let capacity_type = CAPACITY_TYPES.iter().find(at_price).copied();
                nodes.push(NewNode {
                    field,
                    bin: number,
                    price: bin.price,
                    capacity_type: capacity_type.unwrap_or(CapacityType::OnDemand),
                    pods,
                });
            }
        }
        nodes
    }
}
