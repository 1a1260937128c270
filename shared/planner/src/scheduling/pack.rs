//! Opens nodes for pods at the least price.
//!
//! One bin after another: the most valuable class that is left leads, each type worth trying is filled with it and then
//! with whatever else fits, and the type that gives most value for its price is taken, as often as the counts allow.
//! At the end one large node may take the place of the last few bins. All is bounded by the numbers of classes and
//! types; nothing looks at a clock.

use super::amounts::{add, fits, times, whole};
use super::classes::Class;
use super::limits::Allowance;
use super::pools::{holders, missing_values};
use super::profiles::Profiles;
use super::values::{scale, worths};
use model::name::Text;
use model::pod::HostPort;
use model::price::Price;
use model::reason::Reason;

/// With so few classes all types are tried, as that costs less than finding out which are worth it.
const CLASSES_FOR_ALL_SHAPES: usize = 4;

/// Fillings tried where `minValues` demands that several types can hold the pods, in sixteenths of the room.
const SIXTEENTHS: [i64; 6] = [16, 12, 8, 4, 2, 1];

/// A new node: what is on it, and the cheapest it can be.
#[derive(Clone, Debug)]
pub(crate) struct Bin {
    /// Classes and how many pods of each.
    pub(crate) contents: Vec<(usize, i64)>,
    /// What its pods admit.
    pub(crate) profile: usize,
    /// The type it was filled for.
    pub(crate) shape: usize,
    price: Price,
    free: Vec<i64>,
    ports: Vec<HostPort>,
    worth: i64,
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

/// What a node is measured by.
#[derive(Clone, Debug)]
enum Measure {
    Price,
    /// The use of a limited resource.
    Use(Text),
    /// The number of nodes.
    Count,
}

/// Packs as many pods as the limits allow; by priority where they do not allow all.
pub(crate) fn pack(
    profiles: &mut Profiles<'_, '_>,
    demand: &Demand<'_, '_>,
    allowance: &Allowance,
) -> Packing {
    let worths = worths(profiles, demand);
    let mut attempt = |measure: &Measure, tiers: &[Vec<usize>]| {
        let mut packer = Packer::new(profiles, demand, &worths, allowance.clone());
        packer.measure = measure.clone();
        for tier in tiers {
            packer.place_tier(tier);
        }
        packer.packing
    };
    let everyone = (0..demand.classes.len()).filter(|k| !demand.entries[*k].is_empty());
    let best = attempt(&Measure::Price, &[everyone.clone().collect()]);
    if everyone.clone().all(|class| best.left[class] == 0) {
        return best;
    }
    let tiers: Vec<Vec<usize>> = everyone
        .collect::<Vec<_>>()
        .chunk_by(|a, b| {
            demand.classes[*a].sample().priority == demand.classes[*b].sample().priority
        })
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
    worths: &'w [i64],
    measure: Measure,
    packing: Packing,
}

/// A bin that takes all that is left, instead of those opened after the first so many.
struct Whole {
    after: usize,
    bin: Bin,
    left: Vec<i64>,
}

impl<'w, 'p, 's, 'a> Packer<'w, 'p, 's, 'a> {
    fn new(
        profiles: &'p mut Profiles<'s, 'a>,
        demand: &'w Demand<'w, 'w>,
        worths: &'w [i64],
        allowance: Allowance,
    ) -> Self {
        let refusals = vec![None; demand.classes.len()];
        let packing = Packing { bins: Vec::new(), left: demand.left.clone(), allowance, refusals };
        Self { profiles, demand, worths, measure: Measure::Price, packing }
    }

    fn place_tier(&mut self, tier: &[usize]) {
        let mut order: Vec<usize> = tier.to_vec();
        order.sort_by_key(|class| (std::cmp::Reverse(self.worths[*class]), *class));
        self.use_open_bins(&order);
        let mut wholes: Vec<Whole> = Vec::new();
        let first = self.packing.bins.len();
        loop {
            order.retain(|class| 0 < self.packing.left[*class]);
            let Some(lead) = order.first().copied() else { break };
            let (best, whole) = self.best_bin(lead, &order);
            let Some(bin) = best else {
                self.packing.refusals[lead] = Some(self.refusal(lead));
                order.remove(0);
                continue;
            };
            if let Some(bin) = whole {
                let left = self.packing.left.clone();
                wholes.push(Whole { after: self.packing.bins.len(), bin, left });
            }
            self.open(bin);
        }
        if !self.packing.allowance.is_limited() {
            self.prefer_whole(wholes, first);
        }
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
                let placed = self.put(&mut bin, *class, most);
                if 0 < placed {
                    self.packing.bins[index] = bin;
                    self.packing.left[*class] -= placed;
                }
            }
        }
    }

    /// Opens a bin as often as the pods and the limits allow.
    fn open(&mut self, bin: Bin) {
        let capacity = &self.profiles.stock.shapes[bin.shape].instance_type.capacity;
        let by_pods = bin.contents.iter().map(|(class, count)| self.packing.left[*class] / count);
        let by_pods = by_pods.min().expect("a bin holds its lead");
        let times = self.packing.allowance.admits(capacity, by_pods);
        self.packing.allowance.take(capacity, times);
        for (class, count) in &bin.contents {
            self.packing.left[*class] -= count * times;
        }
        let copies = usize::try_from(times).expect("a bin is opened at least once");
        self.packing.bins.extend(std::iter::repeat_n(bin, copies));
    }

    /// Where one node costs less than the bins that were opened instead, takes it.
    fn prefer_whole(&mut self, wholes: Vec<Whole>, first: usize) {
        let cost = |bins: &[Bin]| bins.iter().map(|bin| bin.price).sum::<Price>();
        let saving = |whole: &Whole| cost(&self.packing.bins[whole.after..]) - whole.bin.price;
        let best = wholes
            .into_iter()
            .filter(|whole| first <= whole.after && Price::ZERO < saving(whole))
            .max_by_key(saving);
        let Some(Whole { after, bin, left }) = best else { return };
        let dropped = whole(self.packing.bins.len() - after);
        self.packing.bins.truncate(after);
        self.packing.allowance.take(&model::resources::Resources::default(), 1 - dropped);
        self.packing.left = left;
        for (class, count) in &bin.contents {
            self.packing.left[*class] -= count;
        }
        self.packing.bins.push(bin);
    }

    /// The bin with the most value for its price among all types, and the cheapest that takes everything.
    fn best_bin(&mut self, lead: usize, order: &[usize]) -> (Option<Bin>, Option<Bin>) {
        let (mut best, mut whole): (Option<(i64, Bin)>, Option<Bin>) = (None, None);
        for profile in &self.demand.entries[lead] {
            for shape in self.candidates(lead, *profile, order.len()) {
                let Some(bin) = self.filled(shape, *profile, lead, order) else { continue };
                let cost = self.cost_of(&bin);
                let is_all = order.iter().all(|class| {
                    bin.contents.iter().any(|c| *c == (*class, self.packing.left[*class]))
                });
                if is_all && whole.as_ref().is_none_or(|w| bin.price < w.price) {
                    whole = Some(bin.clone());
                }
                if best.as_ref().is_none_or(|(c, b)| is_better((cost, &bin), (*c, b))) {
                    best = Some((cost, bin));
                }
            }
        }
        (best.map(|(_, bin)| bin), whole)
    }

    /// Types to try for a class: exotic ones only where no ordinary one will do.
    fn candidates(&mut self, lead: usize, profile: usize, classes: usize) -> Vec<usize> {
        let request = &self.demand.classes[lead].requests;
        let stock = self.profiles.stock;
        let is_allowed = |allowance: &Allowance, shape: usize| {
            0 < allowance.admits(&stock.shapes[shape].instance_type.capacity, 1)
        };
        let limited = self.packing.allowance.is_limited();
        let [ordinary, exotic] = if classes <= CLASSES_FOR_ALL_SHAPES || limited {
            let all = holders(stock, self.profiles.get(profile), request);
            let (exotic, ordinary) = all.partition(|shape| stock.shapes[*shape].is_exotic);
            [ordinary, exotic]
        } else {
            let fits = |shape: &usize| fits(request, stock.room(*shape));
            let fronts = self.profiles.fronts(profile);
            [0, 1].map(|which| fronts[which].iter().copied().filter(fits).collect::<Vec<_>>())
        };
        let mut shapes = if ordinary.is_empty() { exotic } else { ordinary };
        shapes.retain(|shape| is_allowed(&self.packing.allowance, *shape));
        shapes
    }

    /// A type filled with the lead first and then all that fits, as long as enough types can hold it.
    fn filled(
        &mut self,
        shape: usize,
        profile: usize,
        lead: usize,
        order: &[usize],
    ) -> Option<Bin> {
        SIXTEENTHS.into_iter().find_map(|sixteenths| {
            let bin = self.fill(shape, (profile, sixteenths), lead, order)?;
            self.has_enough_types(&bin).then_some(bin)
        })
    }

    fn fill(
        &mut self,
        shape: usize,
        (profile, sixteenths): (usize, i64),
        lead: usize,
        order: &[usize],
    ) -> Option<Bin> {
        let room = self.profiles.stock.room(shape);
        let free = room.iter().map(|units| units / 16 * sixteenths + units % 16 * sixteenths / 16);
        let mut bin = Bin {
            contents: Vec::new(),
            profile,
            shape,
            price: self.profiles.get(profile).price(shape)?,
            free: free.collect(),
            ports: self.profiles.stock.daemons.ports.clone(),
            worth: 0,
        };
        if sixteenths == 1 {
            // The last resort: one pod alone.
            bin.free = room.to_vec();
            return (self.put(&mut bin, lead, 1) == 1).then_some(bin);
        }
        if self.put(&mut bin, lead, self.packing.left[lead]) == 0 {
            return None;
        }
        for class in order {
            if *class != lead {
                self.put(&mut bin, *class, self.packing.left[*class]);
            }
        }
        Some(bin)
    }

    /// Puts as many pods of a class as fit, at most `most`. The price may rise as far as the pods are worth it.
    fn put(&mut self, bin: &mut Bin, class: usize, most: i64) -> i64 {
        let Class { requests, .. } = &self.demand.classes[class];
        let mut count = times(requests, &bin.free, most);
        if count == 0 {
            return 0;
        }
        let sample = &self.demand.classes[class];
        if sample.is_alone_on_a_node() {
            if !sample.ports_fit(&bin.ports) {
                return 0;
            }
            count = 1;
        }
        let worth = self.worths[class] * count;
        let mut found: Option<(Price, usize)> = None;
        for entry in &self.demand.entries[class] {
            let Some(both) = self.profiles.both(bin.profile, *entry) else { continue };
            let Some(price) = self.profiles.get(both).price(bin.shape) else { continue };
            found = Some(found.map_or((price, both), |other| other.min((price, both))));
        }
        let Some((price, profile)) = found else { return 0 };
        let rise = price - bin.price;
        if Price::ZERO < rise && worth < scale(rise.micro_dollars()) {
            return 0;
        }
        (bin.price, bin.profile) = (price, profile);
        bin.worth += worth;
        bin.ports.extend(sample.sample().host_ports.iter().cloned());
        add(&mut bin.free, requests, -count);
        match bin.contents.iter_mut().find(|(known, _)| *known == class) {
            Some((_, present)) => *present += count,
            None => bin.contents.push((class, count)),
        }
        count
    }

    /// Whether the types that could hold the bin's pods are as many as the pool's `minValues` demand.
    fn has_enough_types(&self, bin: &Bin) -> bool {
        let profile = self.profiles.get(bin.profile);
        if !profile.requirements.iter().any(|(_, r)| r.min_values().is_some()) {
            return true;
        }
        let used = bin.used(self.demand.classes);
        let stock = self.profiles.stock;
        missing_values(stock, profile, holders(stock, profile, &used)).is_none()
    }

    fn cost_of(&self, bin: &Bin) -> i64 {
        match &self.measure {
            Measure::Price => bin.price.micro_dollars(),
            Measure::Count => 1,
            Measure::Use(resource) => {
                self.profiles.stock.shapes[bin.shape].instance_type.capacity.get(resource)
            }
        }
    }

    /// Why no node is opened for a class: the limit that keeps the cheapest type away.
    fn refusal(&self, class: usize) -> Reason {
        let request = &self.demand.classes[class].requests;
        let cheapest = self.demand.entries[class].iter().filter_map(|profile| {
            let profile = self.profiles.get(*profile);
            let all = holders(self.profiles.stock, profile, request);
            all.filter_map(|shape| Some((profile.price(shape)?, shape))).min()
        });
        let (_, shape) = cheapest.min().expect("a class that can enter has a type that holds it");
        let it = self.profiles.stock.shapes[shape].instance_type;
        self.packing.allowance.refusal(&it.name, &it.capacity)
    }
}

impl Bin {
    /// What its pods request.
    pub(crate) fn used(&self, classes: &[Class<'_>]) -> Vec<i64> {
        let mut used = vec![0; self.free.len()];
        for (class, count) in &self.contents {
            add(&mut used, &classes[*class].requests, *count);
        }
        used
    }
}

/// Whether the first gives more value for its cost; of equals, the one that takes more.
fn is_better((cost, bin): (i64, &Bin), (other_cost, other): (i64, &Bin)) -> bool {
    let mine = i128::from(cost) * i128::from(other.worth);
    let theirs = i128::from(other_cost) * i128::from(bin.worth);
    mine < theirs || (mine == theirs && other.worth < bin.worth)
}
