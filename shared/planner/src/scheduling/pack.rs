//! Opens nodes for pods at the least price.
//!
//! One bin after another: the most valuable class that is left leads, each type worth trying is filled with it and then
//! with whatever else fits, and the type that gives most value for its price is taken, as often as the counts allow.
//! At the end one large node may take the place of the last few bins. All is bounded by the numbers of classes and
//! types; nothing looks at a clock.

mod filling;
mod improving;

use filling::Kind;

use super::amounts::{fits, whole};
use super::classes::Class;
use super::limits::Allowance;
use super::pools::holders;
use super::profiles::Profiles;
use super::topology::Local;
use model::name::Text;
use model::pod::HostPort;
use model::price::Price;
use model::reason::Reason;
use model::snapshot::MinValuesPolicy;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// So many trials to save are made: on the problems that were looked at more save little.
const TRIALS: usize = 40;

/// So many of the best types are filled once more, in balance.
const BALANCED: usize = 4;

/// And so many of those that are best without a lead.
const GOOD: usize = 8;

/// With so few classes all types are tried, as that costs less than finding out which are worth it.
const CLASSES_FOR_ALL_SHAPES: usize = 4;

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
    local: Local,
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

/// What a node is measured by.
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
    let mut attempt = |measure: &Measure, tiers: &[Vec<usize>]| {
        let mut packer = Packer::new(profiles, demand, allowance.clone());
        packer.packing.bins = open.to_vec();
        packer.measure = measure.clone();
        for seed in demand.seeds {
            packer.place_seed(seed);
        }
        for tier in tiers {
            packer.place_tier(tier);
        }
        packer.packing
    };
    let seeded: BTreeSet<usize> = demand.seeds.iter().flatten().map(|(class, _)| *class).collect();
    let can_enter = |class: &usize| !demand.entries[*class].is_empty() && !seeded.contains(class);
    let everyone = (0..demand.classes.len()).filter(can_enter);
    let best = attempt(&Measure::Price, &[everyone.clone().collect()]);
    if everyone.clone().all(|class| best.left[class] == 0) {
        return best;
    }
    let tiers: Vec<Vec<usize>> = everyone
        .collect::<Vec<_>>()
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
    measure: Measure,
    packing: Packing,
    /// The best types of each profile, and for how many classes they were found.
    good: BTreeMap<usize, (usize, Vec<usize>)>,
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
        allowance: Allowance,
    ) -> Self {
        let refusals = vec![None; demand.classes.len()];
        let packing = Packing { bins: Vec::new(), left: demand.left.clone(), allowance, refusals };
        Self { profiles, demand, measure: Measure::Price, packing, good: BTreeMap::new() }
    }

    fn place_tier(&mut self, tier: &[usize]) {
        let mut order: Vec<usize> = tier.to_vec();
        self.sort_leads(&mut order);
        self.use_open_bins(&order, &mut Vec::new());
        let mut wholes: Vec<Whole> = Vec::new();
        let first = self.packing.bins.len();
        loop {
            order.retain(|class| 0 < self.packing.left[*class]);
            let Some(lead) = order.first().copied() else { break };
            let (best, whole) = self.best_bin(lead, &order);
            let Some(bin) = best else {
                self.packing.refusals[lead] = self.refusal(lead);
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
        if matches!(self.measure, Measure::Price) {
            self.improve(first, TRIALS);
        }
    }

    /// Who leads first: pods of which one node takes only so many, as they need many nodes, whose rest others can fill;
    /// then those that are worth most.
    fn sort_leads(&self, order: &mut [usize]) {
        order.sort_by_key(|class| {
            let is_capped = self.demand.classes[*class].roles.iter().any(|role| role.has);
            (!is_capped, std::cmp::Reverse(self.demand.worths[*class]), *class)
        });
    }

    /// Places what fits into bins that are open already. Adds what they were before.
    fn use_open_bins(&mut self, order: &[usize], changed: &mut Vec<(usize, Bin)>) {
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
                if 0 < placed && self.has_enough_types(&bin) {
                    changed.push((index, std::mem::replace(&mut self.packing.bins[index], bin)));
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
            for shape in self.candidates(*lead, *profile, seed.len()) {
                let Some(mut bin) = self.empty(shape, *profile) else { continue };
                let put = |(class, _): &(usize, i64)| {
                    self.put(&mut bin, *class, self.packing.left[*class])
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
            Some((_, _, bin)) => self.open_times(bin, 1),
            None => self.packing.refusals[*lead] = self.refusal(*lead),
        }
    }

    /// Opens a bin as often as the pods and the limits allow.
    fn open(&mut self, bin: Bin) {
        let capacity = &self.profiles.stock.shapes[bin.shape].instance_type.capacity;
        let by_pods = bin.contents.iter().map(|(class, count)| self.packing.left[*class] / count);
        let by_pods = by_pods.min().expect("a bin holds its lead");
        let times = self.packing.allowance.admits(capacity, by_pods);
        self.open_times(bin, times);
    }

    fn open_times(&mut self, bin: Bin, times: i64) {
        let capacity = &self.profiles.stock.shapes[bin.shape].instance_type.capacity;
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

    /// The bin with the most value for its price among the types worth trying, and the cheapest that takes everything.
    fn best_bin(&mut self, lead: usize, order: &[usize]) -> (Option<Bin>, Option<Bin>) {
        let mut tried: Vec<(i64, Bin)> = Vec::new();
        for profile in &self.demand.entries[lead] {
            for shape in self.candidates(lead, *profile, order.len()) {
                let kind = Kind { shape, profile: *profile, balanced: false };
                let Some(bin) = self.filled(kind, lead, order) else { continue };
                tried.push((self.cost_of(&bin), bin));
            }
        }
        tried.sort_by(|(a, x), (b, y)| by_value((*a, x), (*b, y)));
        if 1 < order.len() {
            let mut kinds: Vec<(usize, usize)> =
                tried.iter().take(BALANCED).map(|(_, bin)| (bin.profile, bin.shape)).collect();
            for profile in &self.demand.entries[lead] {
                let good = self.good(*profile, order);
                let usable = self.candidates(lead, *profile, order.len());
                let good = good.into_iter().filter(|shape| usable.contains(shape));
                kinds.extend(good.map(|shape| (*profile, shape)));
            }
            kinds.sort_unstable();
            kinds.dedup();
            for (profile, shape) in kinds {
                let kind = Kind { shape, profile, balanced: true };
                let Some(bin) = self.filled(kind, lead, order) else { continue };
                tried.push((self.cost_of(&bin), bin));
            }
        }
        let takes_all = |bin: &Bin| {
            let takes = |class: &usize| bin.contents.contains(&(*class, self.packing.left[*class]));
            order.iter().all(takes)
        };
        let all = tried.iter().map(|(_, bin)| bin).filter(|bin| takes_all(bin));
        let whole = all.min_by_key(|bin| bin.price).cloned();
        let best = tried.into_iter().min_by(|(a, x), (b, y)| by_value((*a, x), (*b, y)));
        (best.map(|(_, bin)| bin), whole)
    }

    /// The types of a profile that give most value for their price when they are filled with what is left of these.
    fn good(&mut self, profile: usize, order: &[usize]) -> Vec<usize> {
        if let Some((known, good)) = self.good.get(&profile)
            && *known < 2 * order.len()
        {
            return good.clone();
        }
        let [ordinary, exotic] = self.profiles.fronts(profile).clone();
        let mut ranked: Vec<(i64, Bin)> = Vec::new();
        for shape in ordinary.into_iter().chain(exotic) {
            let Some(mut bin) = self.empty(shape, profile) else { continue };
            self.balance(&mut bin, order);
            if !bin.contents.is_empty() {
                ranked.push((self.cost_of(&bin), bin));
            }
        }
        ranked.sort_by(|(a, x), (b, y)| by_value((*a, x), (*b, y)));
        let good: Vec<usize> = ranked.iter().take(GOOD).map(|(_, bin)| bin.shape).collect();
        self.good.insert(profile, (order.len(), good.clone()));
        good
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

/// More value for its cost first; of equals, the one that takes more.
fn by_value((cost, bin): (i64, &Bin), (other_cost, other): (i64, &Bin)) -> Ordering {
    let mine = i128::from(cost) * i128::from(other.worth);
    let theirs = i128::from(other_cost) * i128::from(bin.worth);
    mine.cmp(&theirs).then(other.worth.cmp(&bin.worth))
}
