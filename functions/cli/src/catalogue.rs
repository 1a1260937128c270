//! Instance types for the classes that files describe. What a class's status does not tell is assumed, and each assumption
//! is noted.

use crate::failure::Failure;
use crate::files::Content;
use catalog::Facts;
use catalog::stored::{self, StoredError};
use kubernetes::manifest::Objects;
use model::instance_types::InstanceTypes;
use model::labels;
use model::memory::Learned;
use model::name::{NodeClassName, Text, Zone};
use model::node_class::{Image, NodeClass, Subnet};
use model::pool::NodePool;
use model::snapshot::ClusterState;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Instance types for every class, or facts to make them from.
pub(crate) struct Catalogue {
    region: Text,
    /// All there are.
    zones: BTreeSet<Zone>,
    /// Those that a cluster has subnets in when nothing says which.
    usual: BTreeSet<Zone>,
    known: Known,
}

/// What instance types are made from.
enum Known {
    /// The built-in facts.
    Builtin,
    /// Those that the function catalog found out.
    Stored(Facts),
    /// A file says what they are, whatever the class.
    Resolved(Arc<InstanceTypes>),
}

impl Catalogue {
    /// The built-in one.
    pub(crate) fn builtin(region: &str) -> Result<Self, Failure> {
        let all = Facts::builtin().zones(region);
        let usual = catalog::default_zones(region);
        let wrong = |error: catalog::Error| Failure::Input(format!("--region: {error}"));
        Ok(Self {
            region: region.into(),
            zones: all.map_err(wrong)?.iter().cloned().collect(),
            usual: usual.map_err(wrong)?.iter().cloned().collect(),
            known: Known::Builtin,
        })
    }

    /// The one that the function catalog keeps in a cluster.
    pub(crate) fn stored(packed: &[u8], region: &str) -> Result<Self, StoredError> {
        let facts = stored::Catalogue::unpack(packed, region)?.into_facts();
        let zones: BTreeSet<Zone> =
            facts.zones(region).unwrap_or_default().iter().cloned().collect();
        let usual = zones.clone();
        Ok(Self { region: region.into(), zones, usual, known: Known::Stored(facts) })
    }

    /// One from a file.
    pub(crate) fn read(content: &Content) -> Result<Self, Failure> {
        let read = catalog::resolved::read(&content.bytes);
        let wrong = |error| Failure::Input(format!("{}: {error}", content.name.escape_debug()));
        let catalog::resolved::Catalog { region, instance_types } = read.map_err(wrong)?;
        let offerings = instance_types.iter().flat_map(|it| &it.offerings);
        let zones: BTreeSet<Zone> = offerings.map(|offering| offering.zone.clone()).collect();
        let known = Known::Resolved(Arc::new(instance_types.into()));
        Ok(Self { region, usual: zones.clone(), zones, known })
    }

    /// The zones that a cluster has subnets in when nothing says which.
    pub(crate) fn usual_zones(&self) -> Vec<Zone> {
        self.usual.iter().cloned().collect()
    }

    /// The instance types as each class would run them, with the memory that nodes were seen to have.
    pub(crate) fn types(
        &self,
        classes: &[Arc<NodeClass>],
        learned: &Learned,
    ) -> Result<BTreeMap<NodeClassName, Arc<InstanceTypes>>, Failure> {
        let of_class = |class: &Arc<NodeClass>| {
            let facts = match &self.known {
                Known::Resolved(types) => return Ok((class.name.clone(), Arc::clone(types))),
                Known::Builtin => Facts::builtin(),
                Known::Stored(facts) => facts,
            };
            let settings = catalog::Settings::default();
            let types = catalog::resolve_with(facts, &self.region, class, settings, learned);
            let types = types.map_err(|error| Failure::Input(format!("--region: {error}")))?;
            Ok((class.name.clone(), Arc::new(types.into())))
        };
        classes.iter().map(of_class).collect()
    }

    /// Gives the classes what their status lacks, and says what that was.
    ///
    /// # Errors
    /// When a pool or a class names zones that are not of the region.
    pub(crate) fn complete(&self, objects: &mut Objects) -> Result<Vec<String>, Failure> {
        let wrong = |(kind, name, field, message): Wrong<'_>| {
            Failure::Input(objects.error(kind, name, field, message).to_string())
        };
        for pool in &objects.cluster.pools {
            self.check_zones(pool).map_err(wrong)?;
        }
        for class in &objects.cluster.node_classes {
            self.check_subnets(class).map_err(wrong)?;
        }
        let zones = self.assumed_zones(&objects.cluster);
        let mut notes = Vec::new();
        for class in &mut objects.cluster.node_classes {
            let class = Arc::make_mut(class);
            notes.extend(assume_subnets(class, &zones));
            notes.extend(assume_images(class));
        }
        Ok(notes)
    }

    /// The usual zones, and those that nodes are in or pools ask for.
    fn assumed_zones(&self, cluster: &ClusterState) -> BTreeSet<Zone> {
        let of_nodes = cluster.nodes.iter().filter_map(|node| node.labels.get(labels::ZONE));
        let of_pools = cluster.pools.iter().filter_map(|pool| listed_zones(pool)).flatten();
        let named = of_nodes.chain(of_pools).map(|zone| Zone::from(Text::clone(zone)));
        let named = named.filter(|zone| self.zones.contains(zone));
        named.chain(self.usual.iter().cloned()).collect()
    }

    /// A pool that lists zones of other regions only is a slip.
    fn check_zones<'a>(&self, pool: &'a NodePool) -> Result<(), Wrong<'a>> {
        let Some(listed) = listed_zones(pool) else { return Ok(()) };
        if listed.is_empty() || listed.iter().any(|zone| self.zones.contains(&**zone)) {
            return Ok(());
        }
        let message = self.expected_zones(&join(listed));
        Err(("NodePool", &pool.name, "spec.template.spec.requirements", message))
    }

    fn check_subnets<'a>(&self, class: &'a NodeClass) -> Result<(), Wrong<'a>> {
        let strange = class.subnets.iter().find(|subnet| !self.zones.contains(&subnet.zone));
        match strange {
            None => Ok(()),
            Some(subnet) => {
                let message = self.expected_zones(&subnet.zone);
                Err(("EC2NodeClass", &class.name, "status.subnets", message))
            }
        }
    }

    fn expected_zones(&self, found: &str) -> String {
        format!("expected zones of {} ({}), found {found}", self.region, join(&self.zones))
    }
}

/// Kind and name of an object, its field, and what is wrong with it.
type Wrong<'a> = (&'static str, &'a str, &'static str, String);

/// The zones that a pool lists, where it does.
fn listed_zones(pool: &NodePool) -> Option<&BTreeSet<Text>> {
    pool.requirements.get(labels::ZONE).and_then(|requirement| requirement.listed())
}

/// A class whose subnets are not known has one in each zone.
fn assume_subnets(class: &mut NodeClass, zones: &BTreeSet<Zone>) -> Option<String> {
    if !class.subnets.is_empty() {
        return None;
    }
    let subnet = |zone: &Zone| Subnet {
        id: format!("subnet-assumed-{zone}").into(),
        zone: zone.clone(),
        zone_id: None,
        free_addresses: None,
    };
    class.subnets = zones.iter().map(subnet).collect();
    let (name, zones) = (&class.name, join(zones));
    Some(format!("EC2NodeClass {name}: no subnets in its status, assumed one in each of {zones}"))
}

/// A class whose images are not known has one for each architecture.
fn assume_images(class: &mut NodeClass) -> Option<String> {
    if !class.images.is_empty() {
        return None;
    }
    let image = |arch: &str| Image { id: format!("ami-assumed-{arch}").into(), arch: arch.into() };
    class.images = ["amd64", "arm64"].map(image).into();
    let name = &class.name;
    Some(format!(
        "EC2NodeClass {name}: no images in its status, assumed one for amd64 and arm64 each"
    ))
}

fn join<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
