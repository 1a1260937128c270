//! EC2 as the port to the cloud, and what else of AWS is asked: the only crate that names EC2's SDK.
//!
//! It carries out what the plan says and what the crate `launch` makes of it, one call for one action. Nothing is tried
//! again here, for the executor has to know of every answer; a call waits for its turn, so that EC2 need not refuse it.
//! No user data and no secret is logged or put into an error.

mod bus;
mod classes;
mod connect;
mod failure;
mod instances;
mod launch_call;
mod offers;
mod parameters;
mod pricing;
mod signed;
mod turns;

pub use bus::{Bus, Entry};
pub use connect::{CredentialsMissing, Options, credentials_from};

use aws_sdk_ec2::Client;
use catalog::Facts;
use catalog::merge::Seen;
use classes::Asked;
use connect::Services;
use jiff::Timestamp;
use launch::request::{Site, request};
use launch::resolve::Context;
use model::action::{CloudAction, RunInstances};
use model::instance_types::InstanceTypes;
use model::memory::Learned;
use model::name::{InstanceId, NodeClassName, SubnetId, Text};
use model::node_class::status::ClassStatus;
use model::node_class::{NodeClass, Subnet};
use model::outcome::Outcome;
use reconciler::ports::{Cloud, CloudQuery, CloudState, ObserveError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use turns::{Kind, Turns};

/// EC2 takes a thousand in one call (API reference, `TerminateInstances`); half, as it recommends smaller ones.
const TERMINATE_AT_ONCE: usize = 500;

/// EC2 in one region, for one cluster. Built once for a process, inside a tokio runtime.
pub struct Ec2 {
    client: Client,
    services: Services,
    region: String,
    site: Site,
    settings: catalog::Settings,
    turns: Turns,
    known: Mutex<Known>,
}

/// What instance types are told from.
#[derive(Default)]
struct Known {
    /// None where those that are built in have to do.
    facts: Option<Arc<Facts>>,
    learned: Learned,
    classes: BTreeMap<NodeClassName, Class>,
}

/// A class as it was last seen, and what instance types are under it.
#[derive(Clone)]
struct Class {
    class: Arc<NodeClass>,
    types: Arc<InstanceTypes>,
}

impl Ec2 {
    /// Makes the client; EC2 is not called.
    pub fn connect(options: Options, site: Site, settings: catalog::Settings) -> Self {
        let (region, services) = (options.region.clone(), Services::new(&options));
        let (client, turns) = (connect::client(options), Turns::new());
        Self { client, services, region, site, settings, turns, known: Mutex::default() }
    }

    /// From now on instance types are told from these facts; from those that are built in where there are none.
    pub fn know(&self, facts: Option<Arc<Facts>>) {
        *self.known() = Known { facts, ..Known::default() };
    }

    /// What AWS has in the region, and what it costs; beside it, in a line each, which prices could not be read and why.
    ///
    /// # Errors
    /// When the instance types or where they are offered could not be read.
    pub async fn look_around(&self, now: Timestamp) -> Result<(Seen, Vec<String>), ObserveError> {
        let asked = self.asked();
        let (types, offered) = (asked.types().await?, asked.offered().await?);
        let mut missing = Vec::new();
        let mut priced = |what: &str, error: ObserveError| {
            missing.push(format!("{what} prices stay as they were: {error}"));
        };
        let spot = asked.spot_prices(now).await;
        let spot = spot.map_err(|error| priced("spot", error)).ok();
        let on_demand = pricing::on_demand(&self.services.prices, &self.region, now).await;
        let on_demand = on_demand.map_err(|error| priced("on-demand", error)).ok();
        let region = self.region.as_str().into();
        Ok((Seen { region, types, offered, on_demand, spot }, missing))
    }

    /// What an EC2NodeClass comes to at this time. `version` is Kubernetes', such as `1.34`; `profiles` are the instance
    /// profiles that were made at deployment, by role.
    ///
    /// # Errors
    /// When AWS could not be asked about all of it.
    pub async fn class_status(
        &self,
        class: &NodeClass,
        version: &str,
        profiles: &BTreeMap<Text, Text>,
        now: Timestamp,
    ) -> Result<ClassStatus, ObserveError> {
        let context = Context { cluster: &self.site.cluster, profiles, now };
        classes::status(self.asked(), class, version, &context).await
    }

    const fn asked(&self) -> Asked<'_> {
        let Self { client, services, turns, .. } = self;
        Asked { client, parameters: &services.parameters, turns }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Instance types under these classes; made again only for a class that has changed.
    fn instance_types(
        &self,
        classes: &[Arc<NodeClass>],
        learned: &Learned,
    ) -> Result<BTreeMap<NodeClassName, Arc<InstanceTypes>>, ObserveError> {
        let mut known = self.known();
        if known.learned != *learned {
            *known = Known {
                facts: known.facts.take(),
                learned: learned.clone(),
                classes: BTreeMap::new(),
            };
        }
        let Known { facts, classes: resolved, .. } = &mut *known;
        let facts = facts.as_deref().unwrap_or_else(|| Facts::builtin());
        resolved.retain(|name, _| classes.iter().any(|class| class.name == *name));
        for class in classes {
            if resolved.get(&class.name).is_some_and(|known| known.class == *class) {
                continue;
            }
            let types = catalog::resolve_with(facts, &self.region, class, self.settings, learned);
            let types = types.map_err(|error| ObserveError::Denied {
                service: "EC2",
                message: error.to_string(),
            })?;
            let types = Arc::new(InstanceTypes::from(types));
            resolved.insert(class.name.clone(), Class { class: Arc::clone(class), types });
        }
        let types =
            |(name, class): (&NodeClassName, &Class)| (name.clone(), Arc::clone(&class.types));
        Ok(resolved.iter().map(types).collect())
    }

    /// A class of the last pass.
    fn class(&self, name: &NodeClassName) -> Option<Class> {
        self.known().classes.get(name).cloned()
    }

    async fn run_instances(&self, run: &RunInstances) -> Outcome {
        let Some(Class { class, types }) = self.class(&run.node_class) else {
            let message = format!("EC2NodeClass {} was not seen in this pass", run.node_class);
            return Outcome::Denied { code: "NodeClassReadinessUnknown".to_owned(), message };
        };
        let planned = types.named(&run.offering.instance_type);
        let max_pods = planned.and_then(|it| u32::try_from(it.capacity.pods).ok());
        let request = match request(run, &class, &self.site, max_pods) {
            Ok(request) => request,
            Err(error) => return error.outcome(),
        };
        if self.turns.take(Kind::Run, i64::from(run.count)).await.is_err() {
            return Outcome::Throttled;
        }
        match launch_call::run(&self.client, &request).await {
            Ok(answer) => match instances::launched(&answer, run, &self.site.cluster_uid) {
                Ok(instances) => Outcome::Launched(instances),
                Err(message) => Outcome::Unknown { message },
            },
            Err(outcome) => self.failed(Kind::Run, outcome),
        }
    }

    async fn terminate_instances(&self, instances: &[InstanceId]) -> Outcome {
        for some in instances.chunks(TERMINATE_AT_ONCE) {
            let count = i64::try_from(some.len()).unwrap_or(i64::MAX);
            if self.turns.take(Kind::Terminate, count).await.is_err() {
                return Outcome::Throttled;
            }
            let ids = some.iter().map(ToString::to_string).collect();
            let call = self.client.terminate_instances().set_instance_ids(Some(ids));
            if let Err(error) = call.send().await {
                return self.failed(Kind::Terminate, failure::outcome(&error));
            }
        }
        Outcome::Done
    }

    /// Who was told that it calls too often waits before it calls again.
    fn failed(&self, kind: Kind, outcome: Outcome) -> Outcome {
        if outcome == Outcome::Throttled {
            self.turns.refused(kind);
        }
        outcome
    }
}

impl Cloud for Ec2 {
    async fn observe(&self, query: CloudQuery<'_>) -> Result<CloudState, ObserveError> {
        match query {
            CloudQuery::Instances => {
                let name = &self.site.cluster.name;
                let instances = instances::list(&self.client, &self.turns, name).await?;
                Ok(CloudState { instances, ..CloudState::default() })
            }
            CloudQuery::InstanceTypes { classes, learned } => {
                let instance_types = self.instance_types(classes, learned)?;
                let free_addresses = self.asked().free_addresses(&contested(classes)).await?;
                Ok(CloudState { instance_types, free_addresses, ..CloudState::default() })
            }
        }
    }

    async fn apply(&self, action: &CloudAction) -> Outcome {
        match action {
            CloudAction::RunInstances(run) => self.run_instances(run).await,
            CloudAction::TerminateInstances { instances } => {
                self.terminate_instances(instances).await
            }
        }
    }
}

/// Subnets that share their zone with another one of their class: only there is a choice, which free addresses decide.
fn contested(classes: &[Arc<NodeClass>]) -> BTreeSet<SubnetId> {
    let mut all = BTreeSet::new();
    for class in classes {
        let mates =
            |subnet: &Subnet| class.subnets.iter().filter(|s| s.zone == subnet.zone).count();
        let contested = class.subnets.iter().filter(|subnet| 1 < mates(subnet));
        all.extend(contested.map(|subnet| subnet.id.clone()));
    }
    all
}

/// EC2's time as ours.
fn timestamp(time: &aws_sdk_ec2::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
