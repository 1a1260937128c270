//! Makes the events of a workload from the sentences of a file, and judges what serde cannot: names twice, zones that
//! there are not, too many pods.

use super::language::{Burst, DaemonSet, Daily, Deployment, Document, Item, Job, PodTemplate};
use super::language::{SpotStorm, ZoneOutage};
use super::terms::{Name, Span};
use super::ties::{self, Apps};
use crate::input::{InputError, clip};
use crate::scheduler::ties::has_ties;
use crate::template::{self, OwnerKind, PODS_MAX};
use crate::workload::{Budget, Event, Lifetime, Workload};
use jiff::SignedDuration;
use model::affinity::LabelSelector;
use model::labels;
use model::name::{ObjectName, Text, Zone};
use model::pod::{HostPort, Pod};
use model::requirement::Requirement;
use model::resources::Resources;
use model::taint::{Effect, Toleration, TolerationOperator};
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeSet;
use std::f64::consts::TAU;

const GPU: &str = "nvidia.com/gpu";
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The shortest step of a daily curve and the shortest distance of repeated Jobs: what comes faster is a burst.
const STEP_MIN: SignedDuration = SignedDuration::from_mins(1);
/// In at most so many groups a burst comes: finer is not told apart by a forwarder that batches for a second.
const BURST_GROUPS_MAX: u32 = 600;

/// What has been made so far, and what errors need.
pub(super) struct Unrolled<'a> {
    file: &'a str,
    zones: &'a [Zone],
    /// When the load ends.
    end: SignedDuration,
    workload: Workload,
    owners: BTreeSet<ObjectName>,
    pub(super) apps: Apps,
    pods: u64,
}

/// Where in the file something stands.
#[derive(Clone)]
pub(super) struct Place {
    line: u64,
    pub(super) path: String,
}

/// How the pods of an owner live.
#[derive(Clone, Copy)]
struct How {
    lifetime: Lifetime,
    withdrawn_after: Option<SignedDuration>,
}

impl How {
    fn of(lifetime: Lifetime) -> Self {
        Self { lifetime, withdrawn_after: None }
    }
}

impl Place {
    pub(super) fn new(location: Location, path: String) -> Self {
        Self { line: location.line(), path }
    }

    /// The path of an entry of a list.
    pub(super) fn path_of(&self, list: &str, index: usize) -> String {
        format!("{}.{list}[{index}]", self.path)
    }

    pub(super) fn field(&self, name: &str) -> Self {
        Self { line: self.line, path: format!("{}.{name}", self.path) }
    }
}

pub(super) fn workload(
    document: Document,
    file: &str,
    zones: &[Zone],
) -> Result<Workload, InputError> {
    let days = i32::try_from(document.days.0).expect("days are at most 366");
    let workload = Workload { title: document.title, ..Workload::default() };
    let owners = BTreeSet::new();
    let apps = ties::apps(&document.items);
    let mut unrolled = Unrolled { file, zones, end: DAY * days, workload, owners, apps, pods: 0 };
    for (index, item) in document.items.into_iter().enumerate() {
        unrolled.item(&format!("items[{index}]"), item)?;
    }
    let mut workload = unrolled.workload;
    workload.events.sort_by_key(|(at, _)| *at);
    Ok(workload)
}

impl Unrolled<'_> {
    fn item(&mut self, path: &str, item: Item) -> Result<(), InputError> {
        let place = |name: &Spanned<Name>, kind: &str| {
            Place::new(name.referenced, format!("{path}.{kind}"))
        };
        match item {
            Item::Deployment(item) => self.deployment(&place(&item.name, "deployment"), &item),
            Item::Job(item) => self.job(&place(&item.name, "job"), &item),
            Item::Burst(item) => self.burst(&place(&item.name, "burst"), &item),
            Item::DaemonSet(item) => self.daemon_set(&place(&item.name, "daemonSet"), &item),
            Item::SpotStorm(storm) => self.spot_storm(&format!("{path}.spotStorm"), storm),
            Item::ZoneOutage(outage) => self.zone_outage(&format!("{path}.zoneOutage"), &outage),
        }
    }

    fn deployment(&mut self, place: &Place, item: &Deployment) -> Result<(), InputError> {
        let owner = self.owner(place, &item.namespace.0, &item.name.value.0)?;
        let template = self.pod(place, owner.clone(), OwnerKind::Deployment, &item.pod)?;
        let until = self.until(place, item.at, item.until)?;
        let steps = match (item.replicas, &item.daily) {
            (Some(replicas), None) => vec![(item.at.0, replicas.0)],
            (None, Some(daily)) => self.curve(&place.field("daily"), daily, item.at, until)?,
            (None, None) | (Some(_), Some(_)) => {
                return Err(self.error(place, "has to have one of replicas and daily"));
            }
        };
        if let Some(min_available) = item.min_available {
            let selector = template
                .labels
                .iter()
                .map(|(key, value)| (Text::clone(key), Requirement::is(Text::clone(value))));
            self.workload.budgets.push(Budget {
                name: owner.clone(),
                selector: LabelSelector(selector.collect()),
                min_available: min_available.0,
            });
        }
        let (first, later) = steps.split_first().expect("a curve has its first step");
        self.count(
            place,
            u64::from(steps.iter().map(|(_, replicas)| *replicas).max().unwrap_or(0)),
        )?;
        self.create(first.0, template, first.1, How::of(Lifetime::Endless));
        for (at, replicas) in later {
            let scale = Event::Scale { owner: owner.clone(), replicas: *replicas };
            self.workload.events.push((*at, scale));
        }
        self.workload.events.push((until, Event::Delete { owner }));
        Ok(())
    }

    /// The numbers of replicas over time, where they change.
    fn curve(
        &self,
        place: &Place,
        daily: &Daily,
        from: Span,
        until: SignedDuration,
    ) -> Result<Vec<(SignedDuration, u32)>, InputError> {
        if daily.max < daily.min {
            let problem = format!("min {} is above max {}", daily.min.0, daily.max.0);
            return Err(self.error(place, problem));
        }
        if daily.step.0 < STEP_MIN || DAY <= daily.peak.0 {
            return Err(self.error(place, "needs a step of 1m or more and a peak below 24h"));
        }
        let mut steps: Vec<(SignedDuration, u32)> = Vec::new();
        let mut at = from.0;
        while at < until {
            let angle = TAU * (at - daily.peak.0).as_secs_f64() / DAY.as_secs_f64();
            let height = f64::midpoint(1.0, angle.cos());
            let span = f64::from(daily.max.0 - daily.min.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and max"
            )]
            let replicas = daily.min.0 + (span * height).round() as u32;
            if steps.last().is_none_or(|(_, last)| *last != replicas) {
                steps.push((at, replicas));
            }
            at += daily.step.0;
        }
        Ok(steps)
    }

    fn job(&mut self, place: &Place, item: &Job) -> Result<(), InputError> {
        let until = self.until(place, item.at, item.until)?;
        if item.every.is_some_and(|every| every.0 < STEP_MIN) {
            return Err(self.error(&place.field("every"), "is below 1m"));
        }
        let owner = self.owner(place, &item.namespace.0, &item.name.value.0)?;
        let template = self.pod(place, owner.clone(), OwnerKind::Job, &item.pod)?;
        let lifetime = Lifetime::Work(item.work.0.max(SignedDuration::from_secs(1)));
        let withdrawn_after = item.withdrawn_after.map(|span| span.0);
        let mut at = item.at.0;
        let mut run = 0;
        while run == 0 || at < until {
            self.count(place, u64::from(item.pods.0))?;
            // As a CronJob names its Jobs: one name each.
            let name = if item.every.is_some() {
                format!("{}-{run}", owner.name)
            } else {
                owner.name.to_string()
            };
            let template = named(&template, ObjectName::new(Text::clone(&owner.namespace), name));
            self.create(at, template, item.pods.0, How { lifetime, withdrawn_after });
            let Some(every) = item.every else { break };
            at += every.0;
            run += 1;
        }
        Ok(())
    }

    fn burst(&mut self, place: &Place, item: &Burst) -> Result<(), InputError> {
        let owner = self.owner(place, &item.namespace.0, &item.name.value.0)?;
        let template = self.pod(place, owner.clone(), OwnerKind::Job, &item.pod)?;
        let lifetime = Lifetime::Work(item.work.0.max(SignedDuration::from_secs(1)));
        self.count(place, u64::from(item.pods.0))?;
        let groups = if item.over.0.is_zero() { 1 } else { item.pods.0.clamp(1, BURST_GROUPS_MAX) };
        for group in 0..groups {
            let name = if groups == 1 {
                owner.name.to_string()
            } else {
                format!("{}-{group}", owner.name)
            };
            let template = named(&template, ObjectName::new(Text::clone(&owner.namespace), name));
            let share = |part: u32| u64::from(item.pods.0) * u64::from(part) / u64::from(groups);
            let pods = u32::try_from(share(group + 1) - share(group)).expect("a share of a u32");
            let delay = item.over.0.as_millis() * i128::from(group) / i128::from(groups);
            let delay = i64::try_from(delay).expect("a span is at most ten years");
            let at = item.at.0 + SignedDuration::from_millis(delay);
            self.create(at, template, pods, How::of(lifetime));
        }
        Ok(())
    }

    fn daemon_set(&mut self, place: &Place, item: &DaemonSet) -> Result<(), InputError> {
        let owner = self.owner(place, &item.namespace.0, &item.name.value.0)?;
        let mut pod = self.pod(place, owner, OwnerKind::DaemonSet, &item.pod)?;
        if has_ties(&pod) {
            let problem = "pods on every node are neither spread nor kept together or apart";
            return Err(self.error(&place.field("pod"), problem));
        }
        if item.pod.tolerations.is_empty() {
            let everything = TolerationOperator::Exists;
            pod.tolerations.push(Toleration { operator: everything, ..Toleration::default() });
        }
        self.workload.daemon_sets.push(pod);
        Ok(())
    }

    fn spot_storm(&mut self, path: &str, item: SpotStorm) -> Result<(), InputError> {
        let zone = item.zone.map(|zone| self.zone(&format!("{path}.zone"), &zone)).transpose()?;
        let event = Event::ReclaimSpot { zone, percent: item.percent.0, notice: item.notice };
        self.workload.events.push((item.at.0, event));
        Ok(())
    }

    fn zone_outage(&mut self, path: &str, item: &ZoneOutage) -> Result<(), InputError> {
        let zone = self.zone(&format!("{path}.zone"), &item.zone)?;
        let event = Event::ZoneOutage { zone, duration: item.duration.0, kill: item.kill };
        self.workload.events.push((item.at.0, event));
        Ok(())
    }

    fn create(&mut self, at: SignedDuration, template: Pod, replicas: u32, how: How) {
        let template = Box::new(template);
        let How { lifetime, withdrawn_after } = how;
        let event = Event::Create { template, replicas, lifetime, withdrawn_after };
        self.workload.events.push((at, event));
    }

    fn owner(
        &mut self,
        place: &Place,
        namespace: &Text,
        name: &Text,
    ) -> Result<ObjectName, InputError> {
        let owner = ObjectName::new(Text::clone(namespace), Text::clone(name));
        if self.owners.insert(owner.clone()) {
            return Ok(owner);
        }
        Err(self.error(&place.field("name"), format!("{owner} is there twice")))
    }

    fn until(
        &self,
        place: &Place,
        at: Span,
        until: Option<Span>,
    ) -> Result<SignedDuration, InputError> {
        let until = until.map_or(self.end, |until| until.0);
        if at.0 < until {
            return Ok(until);
        }
        Err(self.error(&place.field("at"), "lies at or behind the end (until, or days)"))
    }

    fn count(&mut self, place: &Place, pods: u64) -> Result<(), InputError> {
        self.pods += pods;
        if self.pods <= PODS_MAX {
            return Ok(());
        }
        Err(self.error(place, format!("brings the file above {PODS_MAX} pods")))
    }

    fn pod(
        &self,
        place: &Place,
        owner: ObjectName,
        kind: OwnerKind,
        asked: &PodTemplate,
    ) -> Result<Pod, InputError> {
        let place = place.field("pod");
        let mut requests = Resources::cpu_memory(asked.cpu.0, asked.memory.0);
        requests.ephemeral_bytes = asked.ephemeral_storage.0;
        for (name, units) in &asked.resources {
            if !name.contains('/') {
                let problem = format!("{:?} is no extended resource: it has no domain", clip(name));
                return Err(self.error(&place.field("resources"), problem));
            }
            requests.set_units(name, units.0);
        }
        if 0 < asked.gpu.0 {
            requests.set_units(GPU, asked.gpu.0);
        }
        let app = Text::clone(&owner.name);
        let mut pod = template::pod(owner, kind, requests);
        pod.labels = asked.labels.clone();
        pod.labels.entry("app".into()).or_insert(app);
        for (key, value) in &asked.node_selector {
            if labels::normalized(key) == labels::ZONE {
                self.zone(&place.field(&format!("nodeSelector.{key}")).path, value)?;
            }
            pod.node_selector.insert(Text::clone(key), Text::clone(&value.value));
        }
        pod.tolerations.clone_from(&asked.tolerations);
        if 0 < asked.gpu.0 {
            pod.tolerations.push(Toleration {
                key: GPU.into(),
                operator: TolerationOperator::Exists,
                effect: Some(Effect::NoSchedule),
                ..Toleration::default()
            });
        }
        self.tie(&place, asked, &mut pod)?;
        pod.priority = asked.priority;
        pod.do_not_disrupt = asked.do_not_disrupt.and_then(|protection| protection.0);
        let anywhere =
            |port: &u16| HostPort { ip: "0.0.0.0".into(), port: *port, protocol: "TCP".into() };
        pod.host_ports = asked.host_ports.iter().map(anywhere).collect();
        pod.termination_grace =
            asked.termination_grace.map_or(template::GRACE_DEFAULT, |span| span.0);
        Ok(pod)
    }

    pub(super) fn zone(&self, path: &str, zone: &Spanned<Text>) -> Result<Zone, InputError> {
        if let Some(known) = self.zones.iter().find(|known| known.as_str() == &*zone.value) {
            return Ok(known.clone());
        }
        let known: Vec<&str> = self.zones.iter().map(Zone::as_str).collect();
        let problem = format!(
            "zone {:?} is unknown: expected one of {}",
            clip(&zone.value),
            known.join(", ")
        );
        Err(self.error(&Place::new(zone.referenced, path.to_owned()), problem))
    }

    pub(super) fn error(&self, place: &Place, problem: impl Into<String>) -> InputError {
        InputError::of_file(self.file, problem).at_line(place.line).in_field(place.path.as_str())
    }
}

/// The same pod under another owner of its own.
fn named(template: &Pod, owner: ObjectName) -> Pod {
    let mut pod = template.clone();
    if let Some(of) = &mut pod.owner {
        of.name = Text::clone(&owner.name);
    }
    pod.name = owner;
    pod
}
