//! Resolved catalogues: files that say outright what nodes of each instance type offer, for `--catalog` and for checks
//! from outside. Reading and writing are each other's inverse.

use crate::dollars;
use crate::intern::Interner;
use model::instance_type::{CapacityType, InstanceType, Offering};
use model::labels::{ARCH, INSTANCE_TYPE, Labels, OS, REGION};
use model::name::{Text, Zone};
use model::resources::{Resources, format_amount};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_path_to_error::Segment;
use std::collections::BTreeMap;
use std::fmt;

/// Text from the file that an error repeats is cut here: enough to find it, and still one line.
const ERROR_CHARS_MAX: usize = 160;

/// The most of any resource that a node may have, in base units: 512 Ti bytes. The disks of d3en.12xlarge hold 336 TB, and
/// 16,000 nodes of this size still add up in 64 bits.
const AMOUNT_MAX: i64 = 1 << 49;

/// The longest value of a label, in characters (Kubernetes, "Labels and Selectors").
const LABEL_CHARS_MAX: usize = 63;

/// A catalogue as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// The region.
    pub region: Text,
    /// In the order of their names.
    pub instance_types: Vec<InstanceType>,
}

/// What is wrong in a file, and where: instance type and field, as far as it came to them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Error {
    at: String,
    problem: String,
}

/// The layout of the file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a catalogue")]
struct File {
    region: Text,
    instance_types: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an instance type")]
struct Entry {
    name: Text,
    arch: Text,
    os: Vec<Text>,
    capacity: BTreeMap<Text, Amount>,
    #[serde(default)]
    overhead: BTreeMap<Text, Amount>,
    #[serde(default)]
    labels: Labels,
    offerings: Vec<Offered>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an offering")]
struct Offered {
    zone: Zone,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone_id: Option<Text>,
    capacity_type: CapacityType,
    /// Dollars.
    price_per_hour: f64,
    available: bool,
}

/// A quantity as text; as in Kubernetes a bare number will do.
#[derive(Serialize)]
#[serde(transparent)]
struct Amount(String);

/// Reads a catalogue; it must not name anything twice, nor hold a field that is not known.
///
/// Labels for instance type, architecture, operating system and region are added where they are missing.
///
/// # Errors
/// When the text is not such a file; the error names the instance type and the field.
pub fn read(json: &[u8]) -> Result<Catalog, Error> {
    let File { region, instance_types } = parse(json)?;
    check_name("region", &region)?;
    let mut interner = Interner::default();
    let mut types = Vec::with_capacity(instance_types.len());
    for (index, entry) in instance_types.into_iter().enumerate() {
        check_name(&format!("instanceTypes[{index}].name"), &entry.name)?;
        types.push(instance_type(entry, &region, &mut interner)?);
    }
    types.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = types.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(Error::new(&*twice[0].name, "stands twice in instanceTypes"));
    }
    Ok(Catalog { region, instance_types: types })
}

/// Writes a catalogue, each instance type on a line of its own.
pub fn write(region: &str, instance_types: &[InstanceType]) -> String {
    let entries = instance_types.iter().map(|instance_type| json(&entry(instance_type)));
    let lines = entries.collect::<Vec<_>>().join(",\n");
    format!("{{\"region\":{},\"instanceTypes\":[\n{lines}\n]}}\n", json(&region))
}

impl Error {
    fn new(at: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self { at: clip(&at.into()), problem: clip(&problem.to_string()) }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct AmountVisitor;
        impl Visitor<'_> for AmountVisitor {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as \"1500m\", \"2Gi\" or 29")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                Ok(Amount(text.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Amount, E> {
                Ok(Amount(number.to_string()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Amount, E> {
                Ok(Amount(number.to_string()))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Amount, E> {
                Ok(Amount(number.to_string()))
            }
        }
        from.deserialize_any(AmountVisitor)
    }
}

fn parse(json: &[u8]) -> Result<File, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let file = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let at = place(json, error.path());
        Error::new(at, error.into_inner())
    })?;
    deserializer.end().map_err(|error| Error::new("catalogue", error))?;
    Ok(file)
}

/// The path to a field, with the instance type's name in place of its number where the file tells it.
fn place(json: &[u8], path: &serde_path_to_error::Path) -> String {
    let mut segments = path.iter();
    let (field, item) = (segments.next(), segments.next());
    if let (Some(Segment::Map { key }), Some(Segment::Seq { index })) = (field, item)
        && key == "instanceTypes"
        && let Ok(file) = serde_json::from_slice::<serde_json::Value>(json)
        && let Some(name) = file["instanceTypes"][index]["name"].as_str()
    {
        let whole = path.to_string();
        let rest = whole.strip_prefix(&format!("instanceTypes[{index}]")).unwrap_or(&whole);
        return [name, rest.trim_start_matches('.')].join(": ").trim_end_matches(": ").to_owned();
    }
    let whole = path.to_string();
    if matches!(&*whole, "." | "?") { "catalogue".into() } else { whole }
}

fn instance_type(
    entry: Entry,
    region: &Text,
    interner: &mut Interner,
) -> Result<InstanceType, Error> {
    let Entry { name, arch, os, capacity, overhead, labels, offerings } = entry;
    let wrong =
        |field: &str, problem: &dyn fmt::Display| Error::new(format!("{name}: {field}"), problem);
    let [os] = os.as_slice() else {
        return Err(wrong("os", &"must name one operating system, which the nodes will run"));
    };
    check_labels(&name, [("arch", &arch), ("os", os)], &labels)?;
    let capacity = resources(&name, "capacity", &capacity)?;
    let overhead = resources(&name, "overhead", &overhead)?;
    if let Some((resource, _)) = overhead.shortfall(&capacity).iter().next() {
        return Err(wrong(&format!("overhead.{resource}"), &"is more than the capacity"));
    }
    let labels = labels.iter().map(|(key, value)| (interner.text(key), interner.text(value)));
    let mut labels: Labels = labels.collect();
    for (key, fact) in [(INSTANCE_TYPE, &name), (ARCH, &arch), (OS, os), (REGION, region)] {
        let label = labels.entry(interner.text(key)).or_insert_with(|| interner.text(fact));
        if label != fact {
            let problem = format!("says {label:?}, but another field says {fact:?}");
            return Err(wrong(&format!("labels.{key}"), &problem));
        }
    }
    let offerings = read_offerings(&name, offerings, interner)?;
    let allocatable = capacity.minus(&overhead);
    Ok(InstanceType { name: name.into(), labels, capacity, allocatable, offerings })
}

/// Whether what becomes the value of a node's label can be one.
fn check_name(at: &str, name: &str) -> Result<(), Error> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() {
        return Err(Error::new(at, "is empty"));
    }
    if name.len() <= LABEL_CHARS_MAX && name.chars().all(is_inner) {
        return Ok(());
    }
    let problem = format!("{name:?} is no name: expected up to 63 letters, digits, -, _ and .");
    Err(Error::new(at, problem))
}

fn check_labels(
    instance_type: &str,
    facts: [(&str, &Text); 2],
    labels: &Labels,
) -> Result<(), Error> {
    for (field, fact) in facts {
        check_name(&format!("{instance_type}: {field}"), fact)?;
    }
    // A label may be empty, a name may not.
    for (key, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
        check_name(&format!("{instance_type}: labels.{key}"), value)?;
    }
    match labels.keys().find(|key| key.is_empty() || key.contains(char::is_control)) {
        None => Ok(()),
        Some(key) => {
            let problem = format!("{key:?} is no label's name");
            Err(Error::new(format!("{instance_type}: labels"), problem))
        }
    }
}

fn resources(
    instance_type: &str,
    field: &str,
    amounts: &BTreeMap<Text, Amount>,
) -> Result<Resources, Error> {
    let mut resources = Resources::default();
    for (resource, Amount(amount)) in amounts {
        let wrong = |problem: &dyn fmt::Display| {
            Error::new(format!("{instance_type}: {field}.{resource}"), problem)
        };
        resources.set(resource, amount).map_err(|error| wrong(&error))?;
        if AMOUNT_MAX < resources.get(resource) {
            let most = format_amount(resource, AMOUNT_MAX);
            return Err(wrong(&format!("is too large: expected at most {most}")));
        }
    }
    Ok(resources)
}

fn read_offerings(
    instance_type: &str,
    offered: Vec<Offered>,
    interner: &mut Interner,
) -> Result<Vec<Offering>, Error> {
    let mut offerings = Vec::with_capacity(offered.len());
    for (index, offered) in offered.into_iter().enumerate() {
        let Offered { zone, zone_id, capacity_type, price_per_hour, available } = offered;
        let price = dollars::price(price_per_hour).map_err(|problem| {
            Error::new(format!("{instance_type}: offerings[{index}].pricePerHour"), problem)
        })?;
        check_name(&format!("{instance_type}: offerings[{index}].zone"), &zone)?;
        let zone = interner.text(&zone).into();
        offerings.push(Offering { zone, zone_id, capacity_type, price, available });
    }
    let place = |offering: &Offering| (offering.zone.clone(), offering.capacity_type);
    offerings.sort_by_key(place);
    match offerings.windows(2).find(|pair| place(&pair[0]) == place(&pair[1])) {
        None => Ok(offerings),
        Some(twice) => {
            let (zone, capacity_type) = place(&twice[0]);
            let at = format!("{instance_type}: offerings");
            Err(Error::new(at, format!("{capacity_type} in {zone} stands there twice")))
        }
    }
}

fn entry(instance_type: &InstanceType) -> Entry {
    let InstanceType { name, labels, capacity, allocatable, offerings } = instance_type;
    let label = |key: &str| labels.get(key).cloned().unwrap_or_default();
    let offered = offerings.iter().map(|offering| Offered {
        zone: offering.zone.clone(),
        zone_id: offering.zone_id.clone(),
        capacity_type: offering.capacity_type,
        price_per_hour: dollars::of_price(offering.price),
        available: offering.available,
    });
    let filled_in = [INSTANCE_TYPE, ARCH, OS, REGION];
    let others = labels.iter().filter(|(key, _)| !filled_in.contains(&&***key));
    Entry {
        name: name.text(),
        arch: label(ARCH),
        os: vec![label(OS)],
        capacity: amounts(capacity),
        overhead: amounts(&capacity.minus(allocatable)),
        labels: others.map(|(key, value)| (key.clone(), value.clone())).collect(),
        offerings: offered.collect(),
    }
}

fn amounts(resources: &Resources) -> BTreeMap<Text, Amount> {
    let amount = |(name, units): (&str, i64)| (name.into(), Amount(format_amount(name, units)));
    resources.iter().map(amount).collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, finite numbers and maps keyed by text become JSON")
}

/// The first line's beginning, without what a terminal would act on.
fn clip(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let shown = line.chars().take(ERROR_CHARS_MAX).map(clean);
    let more = (ERROR_CHARS_MAX < line.chars().count()).then_some('…');
    shown.chain(more).collect()
}
