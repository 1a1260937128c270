//! Rules about volumes, one a test. A cluster is written in words, one object a line:
//!
//!     claim NAME [class=C] [volume=V] [deleting] [namespace=N]
//!     volume NAME [driver=D] [zone=a,b | KEY=V,W]... [or] ... [on-node] [deleting]
//!     class NAME [by=PROVISIONER] [immediate] [default=SECOND] [zone=a,b]... [or] ...
//!     node NAME [DRIVER=COUNT | DRIVER=?]...
//!
//! `or` begins another term. Claims of a pod are names; `NAME~CLASS` is an ephemeral one, `NAME~` of the default class.

use super::*;
use expect_test::{Expect, expect};
use jiff::{SignedDuration, Timestamp};
use model::memory::Memory;
use model::name::ObjectName;
use model::pod::Phase;
use model::requirement::Requirement;
use model::snapshot::Scope;
use model::volume::{ClaimTemplate, EBS_DRIVER};
use proptest::prelude::*;

fn cluster(text: &str) -> ClusterState {
    let mut all = ClusterState {
        scope: Scope::Everything,
        cluster_uid: "cluster".into(),
        pods_known_on: BTreeSet::new(),
        pods: vec![],
        nodes: vec![],
        claims: vec![],
        pools: vec![],
        node_classes: vec![],
        daemon_sets: vec![],
        pod_disruption_budgets: vec![],
        namespaces: BTreeMap::new(),
        persistent_volumes: vec![],
        persistent_volume_claims: vec![],
        storage_classes: vec![],
        csi_nodes: vec![],
        memory: Memory::default(),
        unreadable: vec![],
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (kind, name, words) = (words[0], words[1], &words[2..]);
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
        let has = |word: &str| words.contains(&word);
        match kind {
            "claim" => all.persistent_volume_claims.push(Arc::new(PersistentVolumeClaim {
                name: ObjectName::new(value("namespace=").unwrap_or("default"), name),
                storage_class: value("class=").map(Into::into),
                volume: value("volume=").map(Into::into),
                deleting: has("deleting"),
            })),
            "volume" => all.persistent_volumes.push(Arc::new(PersistentVolume {
                name: name.into(),
                node_affinity: terms(words),
                driver: value("driver=").map(Into::into),
                is_on_node: has("on-node"),
                deleting: has("deleting"),
            })),
            "class" => all.storage_classes.push(Arc::new(StorageClass {
                name: name.into(),
                created: value("default=").map_or(Timestamp::UNIX_EPOCH, |second| {
                    Timestamp::from_second(second.parse().unwrap()).unwrap()
                }),
                provisioner: value("by=").unwrap_or(EBS_DRIVER).into(),
                allowed_topologies: terms(words),
                binding: if has("immediate") {
                    VolumeBindingMode::Immediate
                } else {
                    VolumeBindingMode::WaitForFirstConsumer
                },
                is_default: value("default=").is_some(),
            })),
            "node" => {
                let drivers = words.iter().map(|word| word.split_once('=').unwrap());
                let drivers = drivers.map(|(name, count)| (name.into(), count.parse().ok()));
                all.csi_nodes
                    .push(Arc::new(CsiNode { name: name.into(), drivers: drivers.collect() }));
            }
            other => panic!("{other}"),
        }
    }
    all
}

/// Terms over labels, `zone` for the usual key.
fn terms(words: &[&str]) -> Vec<Requirements> {
    let term = |words: &[&str]| {
        let pairs = words.iter().filter_map(|word| word.split_once('='));
        let pairs = pairs
            .filter(|(key, _)| !["driver", "by", "default", "class", "volume"].contains(key))
            .map(|(key, values)| {
                let key = if key == "zone" { labels::ZONE } else { key };
                (Text::from(key), Requirement::one_of(values.split(',')))
            });
        pairs.collect::<Requirements>()
    };
    let all: Vec<Requirements> = words.split(|word| *word == "or").map(term).collect();
    if all.iter().all(Requirements::is_empty) { vec![] } else { all }
}

/// A pod with these claims.
fn pod(claims: &str) -> Pod {
    let claim = |word: &str| match word.split_once('~') {
        None => VolumeClaim::from(word),
        Some((name, class)) => {
            let storage_class = Some(class).filter(|class| !class.is_empty()).map(Into::into);
            VolumeClaim { name: name.into(), template: Some(ClaimTemplate { storage_class }) }
        }
    };
    Pod {
        name: ObjectName::new("default", "web"),
        uid: "web".into(),
        resource_version: 0,
        labels: labels::Labels::new(),
        owner: None,
        created: Timestamp::UNIX_EPOCH,
        requests: Resources::cpu_memory(1_000, 1 << 30),
        node_selector: labels::Labels::new(),
        node_affinity: vec![],
        preferred_node_affinity: vec![],
        tolerations: vec![],
        topology_spread: vec![],
        affinity: model::affinity::PodAffinity::default(),
        anti_affinity: model::affinity::PodAffinity::default(),
        host_ports: vec![],
        volume_claims: claims.split_whitespace().map(claim).collect(),
        resource_claims: false,
        priority: 0,
        critical: false,
        deletion_cost: 0,
        do_not_disrupt: None,
        termination_grace: SignedDuration::from_secs(30),
        node: None,
        nominated_node: None,
        phase: Phase::Pending,
        unschedulable_since: None,
        scheduled_at: None,
        started_at: None,
        deleting: None,
    }
}

/// What a pod's volumes ask for, the alternatives first, or why it has to wait.
fn check(text: &str, claims: &str, expected: &Expect) {
    let cluster = cluster(text);
    let found = match resolve(&Storage::of(&cluster), &pod(claims)) {
        Ok(Volumes { alternatives, attachments }) => {
            let one = |wanted: &Requirements| {
                if wanted.is_empty() { "anywhere".to_owned() } else { wanted.to_string() }
            };
            let alternatives: Vec<String> = alternatives.iter().map(one).collect();
            let attachments = attachments.iter().map(|(driver, n)| format!("; {driver} {n}"));
            alternatives.join(" | ") + &attachments.collect::<String>()
        }
        Err(reason) => reason.to_string(),
    };
    expected.assert_eq(&found);
}

#[test]
fn a_pod_without_volumes_asks_for_nothing() {
    check("", "", &expect!["anywhere"]);
}

#[test]
fn a_claim_that_is_not_there_keeps_the_pod_waiting() {
    check(
        "claim data namespace=other",
        "data",
        &expect!["PersistentVolumeClaim data does not exist"],
    );
}

#[test]
fn a_claim_that_is_being_deleted_keeps_the_pod_waiting() {
    check(
        "claim data volume=pv deleting\nvolume pv",
        "data",
        &expect!["PersistentVolumeClaim data is being deleted"],
    );
}

#[test]
fn a_volume_that_is_not_there_keeps_the_pod_waiting() {
    check(
        "claim data volume=pv",
        "data",
        &expect![
            "PersistentVolumeClaim data is bound to PersistentVolume pv, which does not exist"
        ],
    );
}

#[test]
fn a_volume_that_is_being_deleted_keeps_the_pod_waiting() {
    check(
        "claim data volume=pv\nvolume pv deleting",
        "data",
        &expect![
            "PersistentVolumeClaim data is bound to PersistentVolume pv, which is being deleted"
        ],
    );
}

#[test]
fn the_terms_of_a_volume_are_alternatives() {
    check(
        "claim data volume=pv
         volume pv driver=ebs.csi.aws.com zone=b rack=1 or zone=a",
        "data",
        &expect![
            "rack In [1], topology.kubernetes.io/zone In [b] | topology.kubernetes.io/zone In [a]; ebs.csi.aws.com 1"
        ],
    );
}

#[test]
fn a_volume_without_terms_is_reached_from_anywhere() {
    check(
        "claim data volume=pv\nvolume pv driver=efs.csi.aws.com",
        "data",
        &expect!["anywhere; efs.csi.aws.com 1"],
    );
}

#[test]
fn a_volume_that_nobody_attaches_takes_no_room() {
    check(
        "claim data volume=nfs\nvolume nfs zone=a",
        "data",
        &expect!["topology.kubernetes.io/zone In [a]"],
    );
}

#[test]
fn a_directory_of_a_node_asks_for_no_node_by_name() {
    check(
        "claim data volume=pv
         volume pv on-node kubernetes.io/hostname=n1 zone=a",
        "data",
        &expect!["topology.kubernetes.io/zone In [a]"],
    );
}

#[test]
fn any_other_volume_may_ask_for_a_node_by_name() {
    check(
        "claim data volume=pv
         volume pv kubernetes.io/hostname=n1",
        "data",
        &expect!["kubernetes.io/hostname In [n1]"],
    );
}

#[test]
fn an_unbound_claim_asks_for_what_its_class_allows() {
    check(
        "claim data class=fast
         class fast zone=b or zone=a,c",
        "data",
        &expect![
            "topology.kubernetes.io/zone In [a c] | topology.kubernetes.io/zone In [b]; ebs.csi.aws.com 1"
        ],
    );
}

#[test]
fn the_ebs_drivers_own_name_of_the_zone_is_the_usual_one() {
    check(
        "claim data class=fast
         class fast topology.ebs.csi.aws.com/zone=a",
        "data",
        &expect!["topology.kubernetes.io/zone In [a]; ebs.csi.aws.com 1"],
    );
}

#[test]
fn a_class_without_topologies_makes_volumes_anywhere() {
    check("claim data class=fast\nclass fast", "data", &expect!["anywhere; ebs.csi.aws.com 1"]);
}

#[test]
fn a_class_that_is_not_there_keeps_the_pod_waiting() {
    check(
        "claim data class=fast\nclass slow default=1",
        "data",
        &expect!["PersistentVolumeClaim data names StorageClass fast, which does not exist"],
    );
}

#[test]
fn a_class_that_binds_at_once_keeps_the_pod_waiting_until_it_has() {
    check(
        "claim data class=fast\nclass fast immediate",
        "data",
        &expect![
            "PersistentVolumeClaim data is not bound yet, and StorageClass fast binds before a node is chosen"
        ],
    );
    check(
        "claim data class=fast volume=pv\nclass fast immediate\nvolume pv zone=a",
        "data",
        &expect!["topology.kubernetes.io/zone In [a]"],
    );
}

#[test]
fn a_claim_that_names_no_class_gets_the_newest_default_one() {
    let classes = "class a default=1 zone=a\nclass b default=2 zone=b\nclass c default=2 zone=c\nclass d zone=d";
    check(
        &format!("claim data\n{classes}"),
        "data",
        &expect!["topology.kubernetes.io/zone In [b]; ebs.csi.aws.com 1"],
    );
}

#[test]
fn a_claim_that_names_no_class_waits_where_none_is_the_default() {
    check(
        "claim data\nclass fast",
        "data",
        &expect![
            "PersistentVolumeClaim data names no StorageClass, and none is marked as the default one"
        ],
    );
}

#[test]
fn an_ephemeral_claim_that_is_not_there_yet_is_made_by_its_template() {
    let text = "class fast zone=a\nclass usual zone=b default=1";
    check(
        text,
        "web-scratch~fast",
        &expect!["topology.kubernetes.io/zone In [a]; ebs.csi.aws.com 1"],
    );
    check(text, "web-scratch~", &expect!["topology.kubernetes.io/zone In [b]; ebs.csi.aws.com 1"]);
    check(
        text,
        "web-scratch~none",
        &expect!["PersistentVolumeClaim web-scratch names StorageClass none, which does not exist"],
    );
}

#[test]
fn an_ephemeral_claim_that_is_there_counts_as_any_other() {
    let text = "claim web-scratch volume=pv\nvolume pv zone=c\nclass fast zone=a";
    check(text, "web-scratch~fast", &expect!["topology.kubernetes.io/zone In [c]"]);
}

#[test]
fn several_volumes_leave_what_all_of_them_allow() {
    check(
        "claim data volume=pv
         claim logs class=fast
         volume pv driver=ebs.csi.aws.com zone=a rack=1 or zone=b or zone=b,c
         class fast zone=b or zone=c,d or zone=b",
        "data logs",
        &expect![
            "topology.kubernetes.io/zone In [b] | topology.kubernetes.io/zone In [c]; ebs.csi.aws.com 2"
        ],
    );
}

#[test]
fn volumes_in_different_zones_keep_the_pod_waiting() {
    check(
        "claim a volume=a
         claim b volume=b
         claim c volume=c
         volume a zone=a rack=1
         volume b zone=a,b
         volume c zone=b or zone=c",
        "a b c",
        &expect!["PersistentVolumeClaims a, b, c are in different zones"],
    );
}

#[test]
fn volumes_that_have_no_other_label_in_common_say_which() {
    let text = "claim a volume=a\nclaim b volume=b\nvolume a rack=1\nvolume b rack=2";
    check(
        text,
        "b a",
        &expect!["PersistentVolumeClaims a, b have no node in common: they differ in rack"],
    );
}

#[test]
fn a_volume_that_nothing_reaches_keeps_the_pod_waiting() {
    let mut cluster = cluster("claim a volume=a\nvolume a");
    let never = [(Text::from(labels::HOSTNAME), Requirement::one_of::<Text>([]))];
    let volume = Arc::make_mut(&mut cluster.persistent_volumes[0]);
    volume.node_affinity = vec![never.into_iter().collect()];
    for is_on_node in [false, true] {
        Arc::make_mut(&mut cluster.persistent_volumes[0]).is_on_node = is_on_node;
        let reason = resolve(&Storage::of(&cluster), &pod("a")).unwrap_err().to_string();
        assert_eq!(reason, "PersistentVolumeClaim a can be reached from no node");
    }
}

#[test]
fn volumes_are_counted_by_driver_and_each_once() {
    check(
        "claim a class=fast
         claim b volume=pv
         claim c volume=nfs
         claim d class=by-hand
         volume pv driver=efs.csi.aws.com
         volume nfs
         class fast
         class by-hand by=kubernetes.io/no-provisioner",
        "a a b c d e~fast",
        &expect!["anywhere; ebs.csi.aws.com 2; efs.csi.aws.com 1"],
    );
}

#[test]
fn the_volumes_of_a_pod_are_among_what_it_requests_but_not_in_its_nodeclaim() {
    let cluster = cluster("class fast");
    let pod = pod("a~fast b~fast");
    let volumes = resolve(&Storage::of(&cluster), &pod).unwrap();
    let requests = volumes.added_to(&pod.requests);
    expect!["1 cpu, 1Gi memory, 2 attachable-volumes-csi-ebs.csi.aws.com"]
        .assert_eq(&requests.to_string());
    assert_eq!(without_attachable(&requests), pod.requests);
}

#[test]
fn a_claim_that_several_pods_of_a_node_mount_is_attached_once() {
    let cluster = cluster(
        "claim a volume=pv deleting
         claim b class=fast
         claim c namespace=other volume=gone
         volume pv driver=ebs.csi.aws.com deleting
         class fast immediate",
    );
    let pods = ["a b", "a c missing", "d~fast"].map(|claims| Arc::new(pod(claims)));
    let attached = Storage::of(&cluster).attached(&pods.iter().collect::<Vec<_>>());
    expect!["3 attachable-volumes-csi-ebs.csi.aws.com"].assert_eq(&attached.to_string());
}

/// What can be attached of EBS and EFS volumes to a node of this name, or to none, where an instance type says 27 and nothing.
fn room(text: &str, node: Option<&str>) -> String {
    let cluster = cluster(text);
    let asked = ["ebs.csi.aws.com", "efs.csi.aws.com"].map(attachable);
    let mut of_type = Resources::cpu_memory(2_000, 0);
    of_type.set_units(&asked[0], 27);
    let storage = Storage::of(&cluster);
    let known = storage.with_attachable(&of_type, node, &asked.clone().into());
    format!("{}, {}", known.get(&asked[0]), known.get(&asked[1]))
}

#[test]
fn a_node_attaches_what_its_csi_node_says() {
    expect!["25, 3"].assert_eq(&room("node n ebs.csi.aws.com=25 efs.csi.aws.com=3", Some("n")));
}

#[test]
fn a_driver_that_attaches_none_leaves_no_room() {
    expect!["0, 1048576"].assert_eq(&room("node n ebs.csi.aws.com=0", Some("n")));
}

#[test]
fn a_driver_whose_csi_node_gives_no_number_has_no_limit() {
    expect!["1048576, 1048576"].assert_eq(&room("node n ebs.csi.aws.com=?", Some("n")));
}

#[test]
fn a_driver_that_is_not_on_a_node_yet_has_the_limit_of_the_type_and_else_none() {
    expect!["27, 1048576"].assert_eq(&room("node other ebs.csi.aws.com=1", Some("n")));
    expect!["27, 3"].assert_eq(&room("node n efs.csi.aws.com=3", Some("n")));
    expect!["27, 1048576"].assert_eq(&room("node n ebs.csi.aws.com=25", None));
}

#[test]
fn amounts_stay_as_they_are_where_no_pod_has_volumes() {
    let cluster = cluster("node n ebs.csi.aws.com=25");
    let of_type = Resources::cpu_memory(2_000, 0);
    let known = Storage::of(&cluster).with_attachable(&of_type, Some("n"), &BTreeSet::new());
    assert!(matches!(known, Cow::Borrowed(_)));
}

#[test]
fn alternatives_that_multiply_are_cut_off_in_order() {
    let line = |n: usize| format!("claim c{n} volume=v{n}\nvolume v{n} k{n}=a or k{n}=b\n");
    let cluster = cluster(&(0..20).map(line).collect::<String>());
    let claims: Vec<String> = (0..20).map(|n| format!("c{n}")).collect();
    let volumes = resolve(&Storage::of(&cluster), &pod(&claims.join(" "))).unwrap();
    assert_eq!(volumes.alternatives.len(), ALTERNATIVES_MAX);
}

/// A volume's terms: values of the zone and of a rack, or either.
fn any_terms() -> impl Strategy<Value = String> {
    let values = |all: &'static [&'static str]| prop::sample::subsequence(all, 1..=all.len());
    let term = (prop::option::of(values(&["a", "b", "c"])), prop::option::of(values(&["1", "2"])));
    let term = term.prop_map(|(zones, racks)| {
        let zones = zones.map(|zones| format!(" zone={}", zones.join(",")));
        let racks = racks.map(|racks| format!(" rack={}", racks.join(",")));
        zones.unwrap_or_default() + &racks.unwrap_or_default()
    });
    prop::collection::vec(term, 1..4).prop_map(|terms| terms.join(" or"))
}

proptest! {
    #[test]
    fn a_node_is_admitted_when_each_volume_by_itself_admits_it(
        volumes in prop::collection::vec(any_terms(), 0..4),
        zone in prop::sample::select(vec!["a", "b", "c", "d"]),
        rack in prop::option::of(prop::sample::select(vec!["1", "2", "3"])),
    ) {
        let line = |(n, terms): (usize, &String)| format!("claim c{n} volume=v{n}\nvolume v{n}{terms}\n");
        let cluster = cluster(&volumes.iter().enumerate().map(line).collect::<String>());
        let claims: Vec<String> = (0..volumes.len()).map(|n| format!("c{n}")).collect();
        let mut node = labels::Labels::from([(labels::ZONE.into(), zone.into())]);
        node.extend(rack.map(|rack| ("rack".into(), rack.into())));
        let each = cluster.persistent_volumes.iter().all(|volume| {
            let terms = &volume.node_affinity;
            terms.is_empty() || terms.iter().any(|term| term.admits_labels(&node))
        });
        let resolved = resolve(&Storage::of(&cluster), &pod(&claims.join(" ")));
        let together = resolved.as_ref().is_ok_and(|volumes| {
            volumes.alternatives.iter().any(|alternative| alternative.admits_labels(&node))
        });
        prop_assert_eq!(each, together, "{:?}", resolved);
        if let Ok(volumes) = &resolved {
            prop_assert!(volumes.alternatives.is_sorted_by(|a, b| a < b));
        }
        let reversed: Vec<String> = claims.into_iter().rev().collect();
        prop_assert_eq!(resolve(&Storage::of(&cluster), &pod(&reversed.join(" "))), resolved);
    }
}
