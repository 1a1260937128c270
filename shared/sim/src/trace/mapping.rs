//! What the rows of a trace become here.

use super::{Days, Row, Service, Trace};
use crate::input::InputError;
use crate::template::{self, OwnerKind, PODS_MAX};
use crate::workload::{Event, Lifetime, Workload};
use jiff::SignedDuration;
use model::instance_type::CapacityType;
use model::labels;
use model::name::{ObjectName, stable_hash};
use model::pod::DoNotDisrupt;
use model::resources::Resources;
use model::taint::{Effect, Toleration, TolerationOperator};

/// How the trace was mapped, for people: printed with every result that rests on it.
pub const HOW: &[&str] = &[
    "Every row is one pod with an owner of its own, created at creation_time. CPU and memory are taken as requests.",
    "A share of a GPU (gpu_milli below 1000) becomes a whole one: EC2 and the NVIDIA device plugin sell no shares. So more GPUs are asked for here than were used there.",
    "gpu_spec is empty in every row and left out: any NVIDIA GPU will do, whatever its memory. GPU pods tolerate the taint nvidia.com/gpu.",
    "qos BE is batch work (a Job): it runs for deletion_time - scheduled_time from its start, may run on spot, and is annotated karpenter.sh/do-not-disrupt, as Karpenter advises for batch. A pod that is lost starts over.",
    "qos LS, Burstable and Guaranteed are services: they run equally long, but on on-demand capacity only (node selector), may be moved, and a pod that is lost runs the rest.",
    "A pod that was never scheduled there (no scheduled_time) has no known duration. Its user gave up at deletion_time, and does so here: until then it waits, or runs if there is room; then it goes.",
    "How a pod ended there (pod_phase) is left out. A pod that was alive when the trace ends (deletion_time is its last second) goes then. What lasts 0 s lasts 1 s.",
    "The trace's own machines, and how long its pods waited for them, play no part: capacity is bought here.",
];

const DAY_SECONDS: i64 = 86_400;
/// The furthest that a further copy's pod is moved, each way. Long against the batches in which the trace's users
/// submit, so that copies do not come at once; short against a day, so that its shape stays.
const JITTER_SECONDS: i64 = 30 * 60;
const NAMESPACE: &str = "openb";
const GPU: &str = "nvidia.com/gpu";

pub(super) fn workload(
    trace: &Trace,
    days: Days,
    scale: u32,
    seed: u64,
) -> Result<Workload, InputError> {
    let start = i64::from(days.from) * DAY_SECONDS;
    let end = days.until.map_or(i64::MAX, |until| i64::from(until) * DAY_SECONDS);
    let chosen: Vec<&Row> =
        trace.rows.iter().filter(|row| start <= row.created && row.created < end).collect();
    let last = days.until.map_or_else(String::new, |until| until.to_string());
    let range = format!("days {}..{last}", days.from);
    if chosen.is_empty() {
        let problem = format!("no pod is created on {range}");
        return Err(InputError::of_file(&trace.name, problem));
    }
    let pods = u64::from(scale).saturating_mul(chosen.len() as u64);
    if scale == 0 || PODS_MAX < pods {
        let problem = format!("scale {scale} makes {pods} pods: expected 1 to {PODS_MAX}");
        return Err(InputError::of_file(&trace.name, problem));
    }
    let mut events = Vec::new();
    for copy in 0..scale {
        for row in &chosen {
            let at = (row.created - start + jitter(row, copy, seed)).max(0);
            events.extend(lived(row, copy, at));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    let times = if scale == 1 { String::new() } else { format!(", {scale} times") };
    let title = format!("{} pods of {}, {range}{times}", pods, trace.name);
    Ok(Workload { title, events, ..Workload::default() })
}

/// The first copy is the trace to the second.
fn jitter(row: &Row, copy: u32, seed: u64) -> i64 {
    if copy == 0 {
        return 0;
    }
    let hash = stable_hash([&seed.to_le_bytes()[..], &copy.to_le_bytes(), row.name.as_bytes()]);
    let span = u64::try_from(2 * JITTER_SECONDS + 1).expect("the span is positive");
    i64::try_from(hash % span).expect("the rest is small") - JITTER_SECONDS
}

/// The owner comes, and goes if nothing else ends it.
fn lived(row: &Row, copy: u32, at: i64) -> Vec<(SignedDuration, Event)> {
    let name = if copy == 0 { row.name.clone() } else { format!("{}-{copy}", row.name) };
    let owner = ObjectName::new(NAMESPACE, name);
    let seconds = |seconds: i64| SignedDuration::from_secs(seconds.max(1));
    let lifetime = match (row.scheduled, row.service) {
        (None, _) => Lifetime::Endless,
        (Some(scheduled), Service::BestEffort) => Lifetime::Work(seconds(row.deleted - scheduled)),
        (Some(scheduled), Service::Online) => Lifetime::Service(seconds(row.deleted - scheduled)),
    };
    let create = Event::Create {
        template: Box::new(template(row, owner.clone())),
        replicas: 1,
        lifetime,
        withdrawn_after: None,
    };
    let at = SignedDuration::from_secs(at);
    let mut events = vec![(at, create)];
    if row.scheduled.is_none() {
        events.push((at + seconds(row.deleted - row.created), Event::Delete { owner }));
    }
    events
}

fn template(row: &Row, owner: ObjectName) -> model::pod::Pod {
    let mut requests = Resources::cpu_memory(row.cpu_milli, row.memory_bytes);
    requests.set_units(GPU, row.gpus);
    let kind = match row.service {
        Service::Online => OwnerKind::Deployment,
        Service::BestEffort => OwnerKind::Job,
    };
    let mut pod = template::pod(owner, kind, requests);
    match row.service {
        Service::Online => {
            let on_demand = CapacityType::OnDemand.as_str().into();
            pod.node_selector.insert(labels::CAPACITY_TYPE.into(), on_demand);
        }
        Service::BestEffort => pod.do_not_disrupt = Some(DoNotDisrupt::Always),
    }
    if 0 < row.gpus {
        pod.tolerations.push(Toleration {
            key: GPU.into(),
            operator: TolerationOperator::Exists,
            effect: Some(Effect::NoSchedule),
            ..Toleration::default()
        });
    }
    pod
}
