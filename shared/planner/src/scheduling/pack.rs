//! Opens nodes for pods at the least price: what a pool offers, as kinds of nodes for `fill`, and what `fill` opened, as bins.
//!
//! Where limits do not let all pods in, the more important ones go first, and several measures are saved: the price, the
//! number of nodes, and each limited resource; the packing that places most is taken.

mod bins;
mod kinds;

use super::amounts::{fits, times};
use super::classes::Class;
use super::limits::Allowance;
use super::pools::holders;
use super::profiles::Profiles;
use super::topology::Local;
use crate::fill::{Kind, Row, Task, fill};
use kinds::Offered;
use model::name::Text;
use model::pod::HostPort;
use model::price::Price;
use model::reason::Reason;
use model::resources::Resources;
use model::snapshot::MinValuesPolicy;
use std::collections::BTreeSet;

/// Nano-dollars in a micro-dollar.
const NANO: i64 = 1000;

/// A new node: what is on it, and the cheapest it can be.
#[derive(Clone, Debug)]
pub(crate) struct Bin {
    /// Classes and how many pods of each.
    pub(crate) contents: Vec<(usize, i64)>,
    /// What its pods admit.
    pub(crate) profile: usize,
    /// The type it was filled for.
    pub(crate) shape: usize,
    /// The least that it can cost.
    pub(crate) price: Price,
    free: Vec<i64>,
    ports: Vec<HostPort>,
    local: Local,
}

/// What is to be packed into one pool.
#[derive(Clone, Debug)]
pub(crate) struct Demand<'w, 'a> {
    /// The classes, in the order of priority.
    pub(crate) classes: &'w [Class<'a>],
    /// The profiles under which each can enter; none where it cannot.
    pub(crate) entries: &'w [Vec<usize>],
    /// How many of each are to be placed.
    pub(crate) left: Vec<i64>,
    /// What one pod of each is worth, in nano-dollars an hour and not nothing: on no node are pods worth more than it costs.
    pub(crate) worths: &'w [i64],
    /// Classes and counts that must be on one node, each class in one of these at most.
    pub(crate) seeds: &'w [Vec<(usize, i64)>],
    /// What is done where too few instance types could hold a node's pods.
    pub(crate) min_values: MinValuesPolicy,
}

/// How a pool was packed.
#[derive(Clone, Debug)]
pub(crate) struct Packing {
    /// The new nodes.
    pub(crate) bins: Vec<Bin>,
    /// How many of each class are left.
    pub(crate) left: Vec<i64>,
    /// What is left of the limits.
    pub(crate) allowance: Allowance,
    /// Why nothing more was opened for a class.
    pub(crate) refusals: Vec<Option<Reason>>,
}

/// What is saved.
#[derive(Clone, Debug)]
enum Measure {
    Price,
    /// The use of a limited resource.
    Use(Text),
    /// The number of nodes.
    Count,
}

/// Packs as many pods as the limits allow, into what is open and new nodes; by priority where they do not allow all.
pub(crate) fn pack(
    profiles: &mut Profiles<'_, '_>,
    demand: &Demand<'_, '_>,
    (allowance, open): (&Allowance, &[Bin]),
) -> Packing {
    let seeded: BTreeSet<usize> = demand.seeds.iter().flatten().map(|(class, _)| *class).collect();
    let can_enter = |class: &usize| {
        0 < demand.left[*class] && !demand.entries[*class].is_empty() && !seeded.contains(class)
    };
    let everyone: Vec<usize> = (0..demand.classes.len()).filter(can_enter).collect();
    let offered = Offered::of(profiles, demand);
    let mut attempt = |measure: &Measure, tiers: &[Vec<usize>]| {
        let mut packer = Packer::new(profiles, demand, (allowance, open));
        for seed in demand.seeds {
            packer.place_seed(seed);
        }
        for tier in tiers {
            packer.place_tier(tier, (&offered, measure));
        }
        packer.packing
    };
    let best = attempt(&Measure::Price, std::slice::from_ref(&everyone));
    if everyone.iter().all(|class| best.left[*class] == 0) {
        return best;
    }
    let tiers: Vec<Vec<usize>> = everyone
        .chunk_by(|a, b| demand.classes[*a].sample.priority == demand.classes[*b].sample.priority)
        .map(<[usize]>::to_vec)
        .collect();
    let limited = allowance.limited().map(|resource| Measure::Use(resource.into()));
    let measures = [Measure::Price, Measure::Count].into_iter().chain(limited);
    let rank = |packing: &Packing| {
        let left = tiers.iter().map(|tier| tier.iter().map(|k| packing.left[*k]).sum::<i64>());
        (left.collect::<Vec<_>>(), packing.bins.iter().map(|bin| bin.price).sum::<Price>())
    };
    measures.fold(best, |best, measure| {
        let other = attempt(&measure, &tiers);
        if rank(&other) < rank(&best) { other } else { best }
    })
}

struct Packer<'w, 'p, 's, 'a> {
    profiles: &'p mut Profiles<'s, 'a>,
    demand: &'w Demand<'w, 'w>,
    packing: Packing,
}

impl<'w, 'p, 's, 'a> Packer<'w, 'p, 's, 'a> {
    fn new(
        profiles: &'p mut Profiles<'s, 'a>,
        demand: &'w Demand<'w, 'w>,
        (allowance, open): (&Allowance, &[Bin]),
    ) -> Self {
        let refusals = vec![None; demand.classes.len()];
        let (left, allowance) = (demand.left.clone(), allowance.clone());
        let packing = Packing { bins: open.to_vec(), left, allowance, refusals };
        Self { profiles, demand, packing }
    }

    fn capacity(&self, shape: usize) -> &'a Resources {
        &self.profiles.stock.shapes[shape].instance_type.capacity
    }

    fn place_tier(&mut self, tier: &[usize], (offered, measure): (&Offered, &Measure)) {
        self.use_open_bins(tier);
        let classes: Vec<usize> =
            tier.iter().copied().filter(|class| 0 < self.packing.left[*class]).collect();
        let row = |class: &usize| Row {
            requests: &self.demand.classes[*class].requests,
            count: self.packing.left[*class],
            worth: self.demand.worths[*class],
            roles: &self.demand.classes[*class].roles,
            is_alone: self.demand.classes[*class].is_alone_on_a_node(),
            entry: offered.entry_of[*class],
        };
        let rows: Vec<Row<'_>> = classes.iter().map(row).collect();
        let (limits, uses) = self.limits();
        let stock = self.profiles.stock;
        let kind = |kind: &kinds::Kind| Kind {
            room: stock.room(kind.shape),
            cost: match measure {
                Measure::Price => kind.price.micro_dollars(),
                Measure::Count => 1,
                Measure::Use(resource) => self.capacity(kind.shape).get(resource),
            },
            uses: uses(self.capacity(kind.shape)),
            is_exotic: stock.shapes[kind.shape].is_exotic,
            admits: kind.admits.clone(),
        };
        let kinds = offered.kinds.iter().map(kind).collect();
        let task = Task { rows, kinds, limits };
        let mut accept = |kind: usize, contents: &[(usize, i64)]| {
            let wanted: Vec<(usize, i64)> =
                contents.iter().map(|(row, count)| (classes[*row], *count)).collect();
            let bin = self.bin(&offered.kinds[kind], &wanted);
            let row_of = |class: usize| classes.binary_search(&class).expect("it was proposed");
            let rows = bin.into_iter().flat_map(|bin| bin.contents);
            rows.map(|(class, count)| (row_of(class), count)).collect()
        };
        for opened in fill(&task, &mut accept) {
            let contents: Vec<(usize, i64)> =
                opened.contents.iter().map(|(row, count)| (classes[*row], *count)).collect();
            if let Some(bin) = self.bin(&offered.kinds[opened.kind], &contents) {
                self.open(bin, opened.times);
            }
        }
        for class in classes {
            if 0 < self.packing.left[class] {
                self.packing.refusals[class] = self.refusal(class);
            }
        }
    }

    /// How much is left of each limit, and what a node of a capacity uses of them: the limited resources, then nodes.
    fn limits(&self) -> (Vec<i64>, impl Fn(&Resources) -> Vec<i64> + use<>) {
        let allowance = &self.packing.allowance;
        let names: Vec<Text> = allowance.limited().map(Text::from).collect();
        let resources = names.iter().map(|name| allowance.left_of(name).unwrap_or(0));
        let nodes = allowance.nodes_left().unwrap_or(i64::MAX);
        let nodes = nodes.min(allowance.ceiling());
        let limits = resources.chain([nodes]).collect();
        (limits, move |capacity: &Resources| {
            names.iter().map(|name| capacity.get(name)).chain([1]).collect()
        })
    }

    /// Places what fits into bins that are open already.
    fn use_open_bins(&mut self, order: &[usize]) {
        for class in order {
            for index in 0..self.packing.bins.len() {
                let most = self.packing.left[*class];
                if most == 0 {
                    break;
                }
                if !fits(&self.demand.classes[*class].requests, &self.packing.bins[index].free) {
                    continue;
                }
                let mut bin = self.packing.bins[index].clone();
                let worth = |count: i64| {
                    Price::from_micro_dollars(self.demand.worths[*class] * count / NANO)
                };
                let most = times(&self.demand.classes[*class].requests, &bin.free, most);
                let ceiling = bin.price + worth(most);
                let placed = self.put(&mut bin, (*class, most), ceiling);
                if 0 < placed && self.has_enough_types(&bin) {
                    self.packing.bins[index] = bin;
                    self.packing.left[*class] -= placed;
                }
            }
        }
    }

    /// Opens the cheapest bin that takes all of a seed, or else the one that takes most of it.
    fn place_seed(&mut self, seed: &[(usize, i64)]) {
        let Some((lead, _)) = seed.first() else { return };
        let left = |packer: &Self| seed.iter().map(|(class, _)| packer.packing.left[*class]).sum();
        let all: i64 = left(self);
        if all == 0 {
            return;
        }
        let mut best: Option<(i64, Price, Bin)> = None;
        for profile in &self.demand.entries[*lead] {
            for shape in self.candidates(*lead, *profile) {
                let Some(mut bin) = self.empty(shape, *profile) else { continue };
                let put = |(class, _): &(usize, i64)| {
                    let all = (*class, self.packing.left[*class]);
                    self.put(&mut bin, all, Price::from_micro_dollars(i64::MAX))
                };
                let placed: i64 = seed.iter().map(put).sum();
                let is_led = bin.contents.first().is_some_and(|(class, _)| class == lead);
                let rank = (all - placed, bin.price);
                if is_led && best.as_ref().is_none_or(|(left, price, _)| rank < (*left, *price)) {
                    best = Some((rank.0, rank.1, bin));
                }
            }
        }
        match best {
            Some((_, _, bin)) => self.open(bin, 1),
            None => self.packing.refusals[*lead] = self.refusal(*lead),
        }
    }

    /// Opens so many bins that are filled alike.
    fn open(&mut self, bin: Bin, times: i64) {
        self.packing.allowance.take(self.capacity(bin.shape), times);
        for (class, count) in &bin.contents {
            self.packing.left[*class] -= count * times;
        }
        let copies = usize::try_from(times).expect("a bin is opened at least once");
        self.packing.bins.extend(std::iter::repeat_n(bin, copies));
    }

    /// Types that hold a pod of a class and are within the limits: exotic ones only where no ordinary one will do.
    fn candidates(&self, class: usize, profile: usize) -> Vec<usize> {
        let request = &self.demand.classes[class].requests;
        let stock = self.profiles.stock;
        let all = holders(stock, self.profiles.get(profile), request);
        let (exotic, ordinary): (Vec<usize>, Vec<usize>) =
            all.partition(|shape| stock.shapes[*shape].is_exotic);
        let mut shapes = if ordinary.is_empty() { exotic } else { ordinary };
        shapes.retain(|shape| 0 < self.packing.allowance.admits(self.capacity(*shape), 1));
        shapes
    }

    /// Why no node is opened for a class: the limit that keeps the cheapest type away.
    fn refusal(&self, class: usize) -> Option<Reason> {
        let request = &self.demand.classes[class].requests;
        let cheapest = self.demand.entries[class].iter().filter_map(|profile| {
            let profile = self.profiles.get(*profile);
            let all = holders(self.profiles.stock, profile, request);
            all.filter_map(|shape| Some((profile.price(shape)?, shape))).min()
        });
        let (_, shape) = cheapest.min()?;
        let it = self.profiles.stock.shapes[shape].instance_type;
        Some(self.packing.allowance.refusal(&it.name, &it.capacity))
    }
}
