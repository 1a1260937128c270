//! What all runs of a command share: the workload's source, pools, classes, instance types, faults.

use super::{Arguments, workload_file};
use crate::Streams;
use crate::catalogue::Catalogue;
use crate::failure::Failure;
use crate::files;
use jiff::Timestamp;
use kubernetes::manifest::{self, Objects, Source};
use model::instance_types::InstanceTypes;
use model::memory::Learned;
use model::name::{NodeClassName, Zone};
use model::snapshot::{ClusterState, Settings};
use sim::bound::Offer;
use sim::faults::Faults;
use sim::simulation::{Config, Progress};
use sim::trace::{self, Days, Trace};
use sim::workload::Workload;
use std::collections::BTreeMap;
use std::sync::Arc;

/// When every simulated world begins: a Monday at midnight, so that daily curves and schedules fall where one expects.
const START: Timestamp = Timestamp::constant(1_767_571_200, 0);

/// The ceiling of a simulated cluster: twice the 5,000 nodes that Kubernetes is tested for ("Considerations for large clusters").
const NODES_MAX: u32 = 10_000;

/// What all runs share.
pub(super) struct Scene {
    source: WorkloadSource,
    cluster: ClusterState,
    instance_types: BTreeMap<NodeClassName, Arc<InstanceTypes>>,
    faults: Faults,
    hours: Option<u64>,
    assumptions: Vec<String>,
}

enum WorkloadSource {
    /// Each seed jitters its own copies.
    Trace {
        trace: Trace,
        days: Days,
        scale: u32,
    },
    File(Workload),
}

impl Scene {
    /// Reads all files that the arguments name.
    pub(super) fn read(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Self, Failure> {
        let catalogue = Catalogue::builtin(&arguments.region)?;
        let mut objects = match &arguments.pools {
            Some(path) => files::objects(std::slice::from_ref(path), streams.input)?,
            None => builtin_pools()?,
        };
        check_pools(&objects, arguments)?;
        let assumptions = catalogue.complete(&mut objects)?;
        let Objects { cluster, ignored, .. } = objects;
        for (kind, count) in &ignored {
            writeln!(streams.errors, "note: {count} of kind {kind} are not looked at")
                .map_err(Failure::output)?;
        }
        Ok(Self {
            source: workload(arguments, &catalogue.usual_zones(), streams)?,
            instance_types: catalogue.types(&cluster.node_classes, &Learned::new())?,
            cluster,
            faults: arguments.faults,
            hours: arguments.hours,
            assumptions,
        })
    }

    /// What a run of this seed is given.
    pub(super) fn config<'a>(
        &self,
        seed: u64,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Result<Config<'a>, Failure> {
        let workload = match &self.source {
            WorkloadSource::File(workload) => workload.clone(),
            WorkloadSource::Trace { trace, days, scale } => trace
                .workload(*days, *scale, seed)
                .map_err(|error| Failure::Input(error.to_string()))?,
        };
        Ok(Config {
            seed,
            faults: self.faults,
            workload,
            pools: self.cluster.pools.iter().map(|pool| (**pool).clone()).collect(),
            node_classes: self.cluster.node_classes.iter().map(|c| (**c).clone()).collect(),
            instance_types: self.instance_types.clone(),
            settings: settings(),
            start: START,
            max_hours: self.hours,
            progress: Some(progress),
        })
    }

    /// What nodes of the pools could be bought as, for the lower bound.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let mut offers = Vec::new();
        for (class, types) in &self.instance_types {
            let of_class = self.cluster.pools.iter().filter(|pool| pool.node_class == *class);
            let pools: Vec<_> = of_class.map(|pool| (**pool).clone()).collect();
            offers.extend(sim::bound::offers(&pools, types));
        }
        offers
    }

    /// What a reader of the result has to know.
    pub(super) fn notes(&self) -> Vec<&str> {
        let how: &[&str] = match &self.source {
            WorkloadSource::Trace { .. } => trace::HOW,
            WorkloadSource::File(_) => &[],
        };
        how.iter().copied().chain(self.assumptions.iter().map(|note| &**note)).collect()
    }
}

/// What is given to the functions at their deployment.
pub(super) fn settings() -> Settings {
    Settings {
        cluster_name: "simulated".to_owned(),
        cluster_uid: "simulated".into(),
        nodes_max: NODES_MAX,
        spot_to_spot: false,
        node_repair: false,
        policies: model::snapshot::Policies::default(),
    }
}

fn builtin_pools() -> Result<Objects, Failure> {
    let source = Source { name: "the built-in pools", bytes: trace::POOLS.as_bytes() };
    manifest::read(&[source]).map_err(|error| Failure::Run(error.to_string()))
}

/// A world without a pool, or with a pool of an unknown class, is a slip in the file.
fn check_pools(objects: &Objects, arguments: &Arguments) -> Result<(), Failure> {
    let cluster = &objects.cluster;
    if cluster.pools.is_empty() {
        let file = arguments.pools.as_deref().map(files::name_of);
        let file = file.unwrap_or_default();
        let message = format!("{}: expected at least one NodePool", file.escape_debug());
        return Err(Failure::Input(message));
    }
    let lost = cluster.pools.iter().find(|pool| cluster.node_class(&pool.node_class).is_none());
    let Some(pool) = lost else { return Ok(()) };
    let message = format!("expected an EC2NodeClass of this file, found {:?}", pool.node_class);
    let field = "spec.template.spec.nodeClassRef.name";
    Err(Failure::Input(objects.error("NodePool", &pool.name, field, message).to_string()))
}

fn workload(
    arguments: &Arguments,
    zones: &[Zone],
    streams: &mut Streams<'_>,
) -> Result<WorkloadSource, Failure> {
    let wrong = |error: sim::input::InputError| Failure::Input(error.to_string());
    if let Some(path) = &arguments.workload {
        let content = workload_file(path, streams)?;
        let read = sim::file::parse(&content.bytes, &content.name, zones);
        return Ok(WorkloadSource::File(read.map_err(wrong)?));
    }
    let (trace, days) = match &arguments.trace {
        None => (Trace::builtin(), Days::LAST_TWO_WEEKS),
        Some(path) => {
            let content = files::read(path, streams.input)?;
            let trace = Trace::parse(&content.bytes, &content.name).map_err(wrong)?;
            (trace, Days { from: 0, until: None })
        }
    };
    let days = arguments.days.unwrap_or(days);
    Ok(WorkloadSource::Trace { trace, days, scale: arguments.scale })
}
