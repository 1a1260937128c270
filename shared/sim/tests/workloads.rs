//! What a trace and a workload file become on the time line.

use expect_test::{Expect, expect};
use jiff::SignedDuration;
use model::affinity::{LabelSelector, NodeInclusionPolicy, PodAffinityTerm, TopologySpread};
use model::name::Zone;
use model::pod::Pod;
use sim::file::{self, EXAMPLES};
use sim::trace::{Days, HOW, Trace};
use sim::workload::{Event, Lifetime, Workload};
use std::fmt::Write;

const HEADER: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";

fn zones() -> Vec<Zone> {
    ["us-east-1a", "us-east-1b", "us-east-1c"].map(Zone::from).into()
}

/// One line per event: when, what, and all of a template that is not usual.
fn render(workload: &Workload) -> String {
    let mut text = format!("{}\n", workload.title);
    for (at, event) in &workload.events {
        let _ = write!(text, "{at:#} ");
        let _ = match event {
            Event::Create { template: pod, replicas, lifetime, withdrawn_after } => {
                let kind = &pod.owner.as_ref().expect("every pod has an owner").kind;
                let _ = write!(text, "create {kind} {} x{replicas}: {}", pod.name, pod.requests);
                let _ = match lifetime {
                    Lifetime::Endless => write!(text, ", endless"),
                    Lifetime::Work(span) => write!(text, ", work {span:#}"),
                    Lifetime::Service(span) => write!(text, ", service {span:#}"),
                };
                for (key, value) in &pod.node_selector {
                    let _ = write!(text, ", on {key}={value}");
                }
                for toleration in &pod.tolerations {
                    let _ = write!(text, ", tolerates {}", toleration.key);
                }
                for port in &pod.host_ports {
                    let _ = write!(text, ", port {}", port.port);
                }
                render_ties(&mut text, pod);
                if let Some(protection) = pod.do_not_disrupt {
                    let _ = write!(text, ", do not disrupt {protection:?}");
                }
                match withdrawn_after {
                    Some(span) => writeln!(text, ", withdrawn after {span:#}"),
                    None => writeln!(text),
                }
            }
            Event::Scale { owner, replicas } => writeln!(text, "scale {owner} to {replicas}"),
            Event::Delete { owner } => writeln!(text, "delete {owner}"),
            Event::ReclaimSpot { zone, percent, notice } => {
                writeln!(text, "reclaim {percent} % of spot in {zone:?}, notice {notice}")
            }
            Event::ZoneOutage { zone, duration, kill } => {
                writeln!(text, "outage of {zone} for {duration:#}, kill {kill}")
            }
        };
    }
    for budget in &workload.budgets {
        let selector: Vec<String> =
            budget.selector.0.iter().map(|(key, is)| format!("{key} {is}")).collect();
        let _ = writeln!(
            text,
            "budget {}: {} of {}",
            budget.name,
            budget.min_available,
            selector.join(", ")
        );
    }
    for pod in &workload.daemon_sets {
        let _ = writeln!(text, "daemon {}: {}", pod.name, pod.requests);
    }
    text
}

/// What a pod asks of its node's labels and of its neighbours.
fn render_ties(text: &mut String, pod: &Pod) {
    let words = |selector: &LabelSelector| {
        let all: Vec<String> = selector.0.iter().map(|(key, is)| format!("{key} {is}")).collect();
        all.join(", ")
    };
    for term in &pod.node_affinity {
        let _ = write!(text, ", where {term}");
    }
    for (weight, term) in &pod.preferred_node_affinity {
        let _ = write!(text, ", better where {term} ({weight})");
    }
    for spread in &pod.topology_spread {
        let TopologySpread { topology_key, max_skew, when_unsatisfiable, .. } = spread;
        let _ = write!(text, ", {when_unsatisfiable:?} beyond {max_skew} by {topology_key}");
        let _ = write!(text, " of {}", words(&spread.selector));
        if let Some(least) = spread.min_domains {
            let _ = write!(text, " over {least} or more");
        }
        let policies = (spread.node_affinity_policy, spread.node_taints_policy);
        if policies != (NodeInclusionPolicy::Honor, NodeInclusionPolicy::Ignore) {
            let _ = write!(text, " {policies:?}");
        }
    }
    for (terms, verb) in [(&pod.affinity, "with"), (&pod.anti_affinity, "without")] {
        let mut write_term = |term: &PodAffinityTerm, verb: &str| {
            let meant = words(term.selector.as_ref().expect("every term selects"));
            let elsewhere = term.namespaces.join(" ");
            let _ = write!(text, ", {verb} {elsewhere}[{meant}] by {}", term.topology_key);
        };
        terms.required.iter().for_each(|term| write_term(term, verb));
        for (weight, term) in &terms.preferred {
            write_term(term, &format!("better ({weight}) {verb}"));
        }
    }
    if pod.priority != 0 {
        let _ = write!(text, ", priority {}", pod.priority);
    }
}

fn check_trace(rows: &str, days: &str, wanted: &Expect) {
    let trace =
        Trace::parse(format!("{HEADER}{rows}").as_bytes(), "t.csv").expect("is well formed");
    wanted.assert_eq(&render(
        &trace.workload(days.parse().expect("is well formed"), 1, 7).expect("is well formed"),
    ));
}

fn check_file(text: &str, wanted: &Expect) {
    wanted.assert_eq(&render(
        &file::parse(text.as_bytes(), "w.yaml", &zones()).expect("is well formed"),
    ));
}

#[test]
fn best_effort_becomes_batch_and_the_rest_services_on_demand() {
    check_trace(
        "a,500,1024,0,0,,BE,Succeeded,10,70,12\nb,2000,4096,1,460,,LS,Running,20,90,20\n",
        "0..",
        &expect![[r#"
            2 pods of t.csv, days 0..
            10s create Job openb/a x1: 500m cpu, 1Gi memory, 1 pods, work 58s, do not disrupt Always
            20s create ReplicaSet openb/b x1: 2 cpu, 4Gi memory, 1 pods, 1 nvidia.com/gpu, service 1m 10s, on karpenter.sh/capacity-type=on-demand, tolerates nvidia.com/gpu
        "#]],
    );
}

#[test]
fn a_pod_that_was_never_scheduled_goes_when_its_user_gave_up() {
    check_trace(
        "a,500,1024,0,0,,BE,Pending,10,70,\n",
        "0..",
        &expect![[r#"
        1 pods of t.csv, days 0..
        10s create Job openb/a x1: 500m cpu, 1Gi memory, 1 pods, endless, do not disrupt Always
        1m 10s delete openb/a
    "#]],
    );
}

#[test]
fn days_start_at_their_first_second() {
    let rows = "a,500,0,0,0,,LS,Running,86399,90000,86399\nb,500,0,0,0,,LS,Running,86400,86400,86400\nc,500,0,0,0,,LS,Running,172800,172900,172800\n";
    check_trace(
        rows,
        "1..2",
        &expect![[r#"
        1 pods of t.csv, days 1..2
        0s create ReplicaSet openb/b x1: 500m cpu, 1 pods, service 1s, on karpenter.sh/capacity-type=on-demand
    "#]],
    );
}

#[test]
fn copies_are_jittered_by_the_seed_and_by_nothing_else() {
    let trace = Trace::builtin();
    let of = |scale, seed| trace.workload(Days::LAST_TWO_WEEKS, scale, seed).unwrap();
    let creations = |workload: &Workload| {
        workload.events.iter().filter(|(_, event)| matches!(event, Event::Create { .. })).count()
    };
    assert_eq!(creations(&of(1, 1)), 3666);
    assert_eq!(creations(&of(3, 1)), 3 * 3666);
    assert_eq!(render(&of(1, 1)), render(&of(1, 2)));
    assert_eq!(render(&of(2, 1)), render(&of(2, 1)));
    assert_ne!(render(&of(2, 1)), render(&of(2, 2)));
    let events = of(3, 1).events;
    assert!(events.is_sorted_by_key(|(at, _)| *at));
    assert!(events.iter().all(|(at, _)| SignedDuration::ZERO <= *at));
    assert_eq!(of(20, 1).title, "73320 pods of openb_pod_list_default.csv, days 136.., 20 times");
    assert!(!HOW.is_empty());
}

#[test]
fn a_file_says_what_comes_and_what_happens() {
    check_file(
        "
title: all of it
items:
  - deployment:
      name: web
      namespace: shop
      at: 1h
      until: 3h
      replicas: 2
      minAvailable: 1
      pod: {cpu: 0.5, memory: 1Gi, hostPorts: [80], nodeSelector: {topology.kubernetes.io/zone: us-east-1b}}
  - job:
      name: nightly
      at: 22h
      every: 1h
      pods: 3
      work: 10m
      withdrawnAfter: 5m
      pod: {cpu: 2, gpu: 1, doNotDisrupt: true}
  - burst: {name: wave, at: 30m, over: 10s, pods: 2, work: 1m, pod: {cpu: 100m, doNotDisrupt: 5m}}
  - daemonSet: {name: agent, pod: {cpu: 50m}}
  - spotStorm: {at: 2h, percent: 50, notice: false, zone: us-east-1a}
  - zoneOutage: {at: 2h 30m, zone: us-east-1c, for: 15m, kill: true}
",
        &expect![[r#"
            all of it
            30m create Job default/wave-0 x1: 100m cpu, 1 pods, work 1m, do not disrupt For(5m)
            30m 5s create Job default/wave-1 x1: 100m cpu, 1 pods, work 1m, do not disrupt For(5m)
            1h create ReplicaSet shop/web x2: 500m cpu, 1Gi memory, 1 pods, endless, on topology.kubernetes.io/zone=us-east-1b, port 80
            2h reclaim 50 % of spot in Some("us-east-1a"), notice false
            2h 30m outage of us-east-1c for 15m, kill true
            3h delete shop/web
            22h create Job default/nightly-0 x3: 2 cpu, 1 pods, 1 nvidia.com/gpu, work 10m, tolerates nvidia.com/gpu, do not disrupt Always, withdrawn after 5m
            23h create Job default/nightly-1 x3: 2 cpu, 1 pods, 1 nvidia.com/gpu, work 10m, tolerates nvidia.com/gpu, do not disrupt Always, withdrawn after 5m
            budget shop/web: 1 of app In [web]
            daemon kube-system/agent: 50m cpu, 1 pods
        "#]],
    );
}

#[test]
fn a_daily_curve_is_high_at_its_peak_and_low_twelve_hours_away() {
    check_file(
        "
title: curve
days: 2
items:
  - deployment: {name: web, daily: {min: 2, max: 6, peak: 15h, step: 1h}, until: 30h, pod: {cpu: 1}}
",
        &expect![[r#"
            curve
            0s create ReplicaSet default/web x3: 1 cpu, 1 pods, endless
            1h scale default/web to 2
            6h scale default/web to 3
            9h scale default/web to 4
            10h scale default/web to 5
            13h scale default/web to 6
            18h scale default/web to 5
            21h scale default/web to 4
            22h scale default/web to 3
            25h scale default/web to 2
            30h delete default/web
        "#]],
    );
}

#[test]
fn the_examples_are_well_formed_and_small() {
    for (name, text) in EXAMPLES {
        let workload = file::parse(text.as_bytes(), name, &zones()).unwrap();
        let pods: u32 = workload
            .events
            .iter()
            .map(
                |(_, event)| if let Event::Create { replicas, .. } = event { *replicas } else { 0 },
            )
            .sum();
        assert!((9..=400).contains(&pods), "{name}: {pods} pods");
        let days = workload.events.last().unwrap().0.as_hours() / 24;
        assert!(days <= 2, "{name}: {days} days");
    }
}

#[test]
fn a_pod_says_what_it_asks_of_its_node_and_of_its_neighbours() {
    check_file(
        "
title: ties
items:
  - deployment:
      name: web
      replicas: 3
      pod:
        priority: 7
        topologySpreadConstraints:
          - {topologyKey: zone, minDomains: 3}
          - {topologyKey: zone, maxSkew: 2, whenUnsatisfiable: ScheduleAnyway, nodeTaintsPolicy: Honor}
          - {topologyKey: rack, nodeAffinityPolicy: Ignore}
        podAntiAffinity: [{topologyKey: hostname, with: self}]
  - job:
      name: mail
      namespace: back
      pods: 1
      work: 1m
      pod:
        labels: {app: post}
        nodeAffinity:
          - {key: zone, operator: In, values: [us-east-1a, us-east-1b]}
          - {key: example.com/disk, operator: Exists}
          - {key: karpenter.sh/capacity-type, operator: NotIn, values: [spot], weight: 50}
        podAffinity:
          - {topologyKey: zone, with: default/web}
          - {topologyKey: hostname, with: mail, weight: 10}
",
        &expect![[r#"
            ties
            0s create ReplicaSet default/web x3: 1 pods, endless, DoNotSchedule beyond 1 by topology.kubernetes.io/zone of app In [web] over 3 or more, ScheduleAnyway beyond 2 by topology.kubernetes.io/zone of app In [web] (Honor, Honor), DoNotSchedule beyond 1 by rack of app In [web] (Ignore, Ignore), without [app In [web]] by kubernetes.io/hostname, priority 7
            0s create Job back/mail x1: 1 pods, work 1m, where example.com/disk Exists, topology.kubernetes.io/zone In [us-east-1a us-east-1b], better where karpenter.sh/capacity-type NotIn [spot] (50), with default[app In [web]] by topology.kubernetes.io/zone, better (10) with [app In [post]] by kubernetes.io/hostname
            24h delete default/web
        "#]],
    );
}

#[test]
fn a_copy_of_a_job_means_the_pods_of_all_copies() {
    check_file(
        "
title: copies
items:
  - job:
      name: crawl
      every: 12h
      pods: 2
      work: 1m
      pod: {podAntiAffinity: [{topologyKey: hostname, with: self}]}
",
        &expect![[r#"
            copies
            0s create Job default/crawl-0 x2: 1 pods, work 1m, without [app In [crawl]] by kubernetes.io/hostname
            12h create Job default/crawl-1 x2: 1 pods, work 1m, without [app In [crawl]] by kubernetes.io/hostname
        "#]],
    );
}
