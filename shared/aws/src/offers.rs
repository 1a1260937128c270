//! What EC2 has in the region: instance types, the zones that offer them, and spot prices.

use crate::classes::Asked;
use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::{
    EbsOptimizedSupport, EphemeralNvmeSupport, Filter, GpuDeviceInfo, InstanceTypeInfo,
    InstanceTypeOffering, LocationType, NetworkCardInfo, NetworkInfo, SpotPrice, UsageClassType,
};
use catalog::dollars;
use catalog::facts::{Gpu, InstanceFacts, Neuron};
use catalog::naming::{Parts, parts};
use jiff::Timestamp;
use model::instance_type::CapacityType;
use model::name::{InstanceTypeName, Text, Zone};
use model::price::Price;
use reconciler::ports::ObserveError;
use std::collections::BTreeMap;

/// What the lists are expected to take at most, in calls: 1,400 types at a hundred a page, some five thousand offerings
/// and prices at a thousand. So many turns are taken at once.
const TYPES_CALLS: i64 = 14;
const OFFERINGS_CALLS: i64 = 6;
const SPOT_CALLS: i64 = 6;

/// As EC2 names what Linux costs in a VPC; the second by old accounts.
const LINUX: [&str; 2] = ["Linux/UNIX", "Linux/UNIX (Amazon VPC)"];

/// The zones that offer a type.
pub(crate) type Offered = BTreeMap<InstanceTypeName, Vec<Zone>>;
/// Prices by type and zone.
pub(crate) type SpotPrices = BTreeMap<InstanceTypeName, BTreeMap<Zone, Price>>;

impl Asked<'_> {
    /// The instance types that nodes can be.
    pub(crate) async fn types(self) -> Result<Vec<InstanceFacts>, ObserveError> {
        self.turns_of(TYPES_CALLS).await?;
        let filter = |name: &str, values: &[&str]| {
            let values = values.iter().map(ToString::to_string).collect();
            Filter::builder().name(name).set_values(Some(values)).build()
        };
        let call = self
            .client
            .describe_instance_types()
            .filters(filter("supported-virtualization-type", &["hvm"]))
            .filters(filter("processor-info.supported-architecture", &["x86_64", "arm64"]));
        let all: Result<Vec<InstanceTypeInfo>, _> =
            call.into_paginator().items().send().collect().await;
        let all = all.map_err(|error| self.failed(&error))?;
        some("instance types", all.iter().filter_map(facts).collect(), Vec::is_empty)
    }

    /// Where they are offered.
    pub(crate) async fn offered(self) -> Result<Offered, ObserveError> {
        self.turns_of(OFFERINGS_CALLS).await?;
        let call = self
            .client
            .describe_instance_type_offerings()
            .location_type(LocationType::AvailabilityZone);
        let all: Result<Vec<InstanceTypeOffering>, _> =
            call.into_paginator().items().send().collect().await;
        let all = all.map_err(|error| self.failed(&error))?;
        let mut offered = Offered::new();
        for offering in &all {
            let (Some(name), Some(zone)) = (offering.instance_type(), offering.location()) else {
                continue;
            };
            offered.entry(name.as_str().into()).or_default().push(zone.into());
        }
        some("offerings", offered, Offered::is_empty)
    }

    /// What they cost on the spot market at this time.
    pub(crate) async fn spot_prices(self, now: Timestamp) -> Result<SpotPrices, ObserveError> {
        self.turns_of(SPOT_CALLS).await?;
        // From now on: that is the price of each that holds at present.
        let call = self
            .client
            .describe_spot_price_history()
            .start_time(DateTime::from_secs(now.as_second()))
            .set_product_descriptions(Some(LINUX.map(ToOwned::to_owned).to_vec()));
        let all: Result<Vec<SpotPrice>, _> = call.into_paginator().items().send().collect().await;
        let mut all = all.map_err(|error| self.failed(&error))?;
        // Of several the last one holds.
        all.sort_by_key(|told| told.timestamp().map(|at| (at.secs(), at.subsec_nanos())));
        let mut prices = SpotPrices::new();
        for told in &all {
            if let Some((name, zone, price)) = spot_price(told) {
                prices.entry(name).or_default().insert(zone, price);
            }
        }
        some("spot prices", prices, SpotPrices::is_empty)
    }
}

/// A list that is empty is no evidence of anything.
fn some<T>(what: &str, list: T, is_empty: fn(&T) -> bool) -> Result<T, ObserveError> {
    if is_empty(&list) {
        let message = format!("it tells of no {what} at all");
        return Err(ObserveError::Unreachable { service: "EC2", message });
    }
    Ok(list)
}

fn spot_price(told: &SpotPrice) -> Option<(InstanceTypeName, Zone, Price)> {
    let price = dollars::parse(told.spot_price()?).filter(|price| Price::ZERO < *price)?;
    Some((told.instance_type()?.as_str().into(), told.availability_zone()?.into(), price))
}

/// The facts of a type; none where EC2 leaves out what a node cannot be planned without.
fn facts(told: &InstanceTypeInfo) -> Option<InstanceFacts> {
    let name = told.instance_type()?.as_str();
    let Parts { category, generation, family, size } = parts(name);
    let processor = told.processor_info()?;
    let network = told.network_info()?;
    let architectures = processor.supported_architectures();
    let arch = architectures.iter().find_map(|one| match one.as_str() {
        "x86_64" => Some("amd64"),
        "arm64" => Some("arm64"),
        _ => None,
    })?;
    Some(InstanceFacts {
        name: name.into(),
        arch: arch.into(),
        vcpu: count(told.v_cpu_info()?.default_v_cpus())?,
        mem_mib: u32::try_from(told.memory_info()?.size_in_mib()?).ok()?,
        enis: interfaces(network)?,
        ips_per_eni: count(network.ipv4_addresses_per_interface())?,
        flex: family.contains("-flex"),
        category,
        generation,
        family,
        size,
        hypervisor: told.hypervisor().map_or("", |one| one.as_str()).into(),
        enc_in_transit: network.encryption_in_transit_supported() == Some(true),
        cpu_manufacturer: lower(processor.manufacturer()),
        clock_mhz: processor.sustained_clock_speed_in_ghz().and_then(thousandths),
        network_mbps: bandwidth(network),
        ebs_mbps: ebs(told),
        nvme_gb: nvme(told),
        gpus: told.gpu_info().iter().flat_map(|info| info.gpus()).filter_map(gpu).collect(),
        neuron: neuron(told),
        efa: network.efa_info().and_then(|efa| count(efa.maximum_efa_interfaces())).unwrap_or(0),
        // EC2 does not tell it.
        branch_enis: 0,
        usage_classes: usage_classes(told),
        regions: BTreeMap::new(),
    })
}

fn count(number: Option<i32>) -> Option<u32> {
    u32::try_from(number?).ok()
}

fn lower(text: Option<&str>) -> Text {
    text.unwrap_or_default().to_lowercase().replace(' ', "-").into()
}

/// A number with decimals in the next smaller unit.
fn thousandths(number: f64) -> Option<u32> {
    let thousandths = (number * 1000.0).round();
    if !(0.0..4e9).contains(&thousandths) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was checked above"
    )]
    Some(thousandths as u32)
}

/// Those of the default card: pods get addresses from these alone.
fn interfaces(network: &NetworkInfo) -> Option<u32> {
    let default = network.default_network_card_index().unwrap_or(0);
    let mut cards = network.network_cards().iter();
    let card = cards.find(|card| card.network_card_index().unwrap_or(0) == default);
    let most = card.and_then(NetworkCardInfo::maximum_network_interfaces);
    count(most.or(network.maximum_network_interfaces()))
}

/// Of all cards together, in Mbit/s.
fn bandwidth(network: &NetworkInfo) -> Option<u32> {
    let cards = network.network_cards().iter();
    let all: f64 = cards.filter_map(NetworkCardInfo::baseline_bandwidth_in_gbps).sum();
    thousandths(all).filter(|mbps| 0 < *mbps)
}

/// Where it comes without asking.
fn ebs(told: &InstanceTypeInfo) -> Option<u32> {
    let ebs = told.ebs_info()?;
    if ebs.ebs_optimized_support() != Some(&EbsOptimizedSupport::Default) {
        return None;
    }
    count(ebs.ebs_optimized_info()?.maximum_bandwidth_in_mbps())
}

fn nvme(told: &InstanceTypeInfo) -> Option<u32> {
    let storage = told.instance_storage_info()?;
    if matches!(storage.nvme_support(), None | Some(EphemeralNvmeSupport::Unsupported)) {
        return None;
    }
    u32::try_from(storage.total_size_in_gb()?).ok()
}

/// A share of a GPU counts as none: no pod can ask for one.
fn gpu(told: &GpuDeviceInfo) -> Option<Gpu> {
    let is_share = told.gpu_partition_size().is_some_and(|size| size < 1.0);
    Some(Gpu {
        name: lower(told.name()),
        manufacturer: lower(told.manufacturer()),
        count: if is_share { 0 } else { count(told.count())? },
        mem_mib: told.memory_info().and_then(|memory| count(memory.size_in_mib())).unwrap_or(0),
    })
}

fn neuron(told: &InstanceTypeInfo) -> Option<Neuron> {
    let device = told.neuron_info()?.neuron_devices().first()?;
    let devices = count(device.count())?;
    let each = device.core_info().and_then(|cores| count(cores.count())).unwrap_or(0);
    Some(Neuron { name: lower(device.name()), devices, cores: devices.saturating_mul(each) })
}

fn usage_classes(told: &InstanceTypeInfo) -> Vec<CapacityType> {
    let class = |class: &UsageClassType| {
        [
            (UsageClassType::OnDemand, CapacityType::OnDemand),
            (UsageClassType::Spot, CapacityType::Spot),
        ]
        .into_iter()
        .find_map(|(theirs, ours)| (*class == theirs).then_some(ours))
    };
    told.supported_usage_classes().iter().filter_map(class).collect()
}
