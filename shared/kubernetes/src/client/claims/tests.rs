//! What becomes of claims in the API, as text.

use super::*;
use crate::client::{diff, kinds};
use expect_test::{Expect, expect};
use jiff::SignedDuration;
use model::claim::{LaunchRecord, NodeClaim, Notice, NoticeKind};
use model::instance_type::{CapacityType, OfferingKey};
use model::requirement::{Operator, Requirement};
use model::taint::Effect;

fn now() -> Timestamp {
    "2026-01-01T00:01:00.5Z".parse().unwrap()
}

fn new_claim() -> NewClaim {
    let of = |operator, values: &[&str]| Requirement::new(operator, values).unwrap();
    let types = of(Operator::In, &["m5.large", "m5.xlarge"]).with_min_values(Some(2));
    let generation =
        of(Operator::Gt, &["4"]).intersect(&of(Operator::Lte, &["7"])).with_min_values(Some(1));
    let requirements = [
        (labels::INSTANCE_TYPE, types),
        ("karpenter.k8s.aws/instance-generation", generation),
        (labels::ARCH, of(Operator::NotIn, &["arm64"])),
    ];
    NewClaim {
        name: "default-x1".into(),
        pool_uid: Some("pool-uid".into()),
        labels: [(labels::NODEPOOL.into(), "default".into())].into(),
        annotations: [
            ("team".into(), "a".into()),
            (labels::NODE_CLASS_HASH.into(), "7".into()),
            (labels::NODE_CLASS_HASH_VERSION.into(), "joiner-v1".into()),
        ]
        .into(),
        spec: NodeClaimSpec {
            pool: Some("default".into()),
            node_class: "class".into(),
            requirements: requirements.into_iter().map(|(k, r)| (k.into(), r)).collect(),
            requests: Resources::cpu_memory(1_500, 1 << 30),
            taints: vec![Taint { key: "t".into(), value: "v".into(), effect: Effect::NoSchedule }],
            startup_taints: vec![Taint::new("warming", Effect::NoExecute)],
            expire_after: Some(SignedDuration::from_hours(720)),
            termination_grace_period: Some(SignedDuration::from_secs(90)),
            nominated: vec![7, 0xdead_beef],
            replaces: vec!["old-1".into(), "old-2".into()],
        },
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the whole object, as the API server gets it")]
fn a_new_claim_is_as_karpenter_makes_it() {
    let object = object(&new_claim());
    expect![[r#"
        {
          "apiVersion": "karpenter.sh/v1",
          "kind": "NodeClaim",
          "metadata": {
            "annotations": {
              "joiner.sh/nominated-pods": "00000007,deadbeef",
              "joiner.sh/replaces": "old-1,old-2",
              "karpenter.k8s.aws/ec2nodeclass-hash": "7",
              "karpenter.k8s.aws/ec2nodeclass-hash-version": "joiner-v1",
              "team": "a"
            },
            "finalizers": [
              "karpenter.sh/termination"
            ],
            "labels": {
              "karpenter.sh/nodepool": "default"
            },
            "name": "default-x1",
            "ownerReferences": [
              {
                "apiVersion": "karpenter.sh/v1",
                "blockOwnerDeletion": true,
                "kind": "NodePool",
                "name": "default",
                "uid": "pool-uid"
              }
            ]
          },
          "spec": {
            "expireAfter": "720h",
            "nodeClassRef": {
              "group": "karpenter.k8s.aws",
              "kind": "EC2NodeClass",
              "name": "class"
            },
            "requirements": [
              {
                "key": "karpenter.k8s.aws/instance-generation",
                "minValues": 1,
                "operator": "Gte",
                "values": [
                  "5"
                ]
              },
              {
                "key": "karpenter.k8s.aws/instance-generation",
                "operator": "Lte",
                "values": [
                  "7"
                ]
              },
              {
                "key": "kubernetes.io/arch",
                "operator": "NotIn",
                "values": [
                  "arm64"
                ]
              },
              {
                "key": "node.kubernetes.io/instance-type",
                "minValues": 2,
                "operator": "In",
                "values": [
                  "m5.large",
                  "m5.xlarge"
                ]
              }
            ],
            "resources": {
              "requests": {
                "cpu": "1500m",
                "memory": "1Gi"
              }
            },
            "startupTaints": [
              {
                "effect": "NoExecute",
                "key": "warming"
              }
            ],
            "taints": [
              {
                "effect": "NoSchedule",
                "key": "t",
                "value": "v"
              }
            ],
            "terminationGracePeriod": "1m30s"
          }
        }"#]]
    .assert_eq(&format!("{object:#}"));
}

fn read(object: &Value) -> NodeClaim {
    let (_, claim) = kinds::CLAIM.item(&object.to_string(), now());
    NodeClaim::clone(&claim.unwrap())
}

#[test]
fn a_new_claim_is_read_back_as_it_was_planned() {
    let new = new_claim();
    let claim = read(&object(&new));
    assert_eq!(claim.spec, new.spec);
    assert_eq!(claim.labels, new.labels);
    assert!(claim.finalizer);
}

/// The object after a change, as the API server would have it.
fn changed(object: &Value, change: &ClaimChange) -> Value {
    let mut object = object.clone();
    match annotations(change) {
        Some(all) => {
            for (key, value) in all {
                let present = fields(&mut object["metadata"]["annotations"]);
                match value {
                    Some(value) => present.insert(key.to_string(), json!(&*value)),
                    None => present.remove(&*key),
                };
            }
        }
        None => edit(&mut object, change, now()).unwrap(),
    }
    object
}

fn fresh() -> Value {
    let mut object = object(&new_claim());
    object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    object["metadata"]["generation"] = json!(1);
    object
}

fn launched() -> ClaimChange {
    ClaimChange::Launched {
        instance: "i-0abc".into(),
        image: "ami-0abc".into(),
        labels: [(labels::ZONE.into(), "us-east-1a".into())].into(),
        capacity: Resources::cpu_memory(2_000, 8 << 30),
        allocatable: Resources::cpu_memory(1_930, 7 << 30),
    }
}

fn check(object: &Value, change: &ClaimChange, expected: &Expect) {
    let patch = diff::between(object, &changed(object, change));
    expected.assert_eq(&patch.map_or_else(String::new, |patch| format!("{patch:#}")));
}

#[test]
fn a_launch_tells_where_the_instance_is_and_what_it_will_have() {
    check(
        &fresh(),
        &launched(),
        &expect![[r#"
            {
              "metadata": {
                "labels": {
                  "topology.kubernetes.io/zone": "us-east-1a"
                }
              },
              "status": {
                "allocatable": {
                  "cpu": "1930m",
                  "memory": "7Gi"
                },
                "capacity": {
                  "cpu": "2",
                  "memory": "8Gi"
                },
                "conditions": [
                  {
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                    "message": "object is awaiting reconciliation",
                    "observedGeneration": 1,
                    "reason": "AwaitingReconciliation",
                    "status": "Unknown",
                    "type": "Registered"
                  },
                  {
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                    "message": "object is awaiting reconciliation",
                    "observedGeneration": 1,
                    "reason": "AwaitingReconciliation",
                    "status": "Unknown",
                    "type": "Initialized"
                  },
                  {
                    "lastTransitionTime": "2026-01-01T00:01:00Z",
                    "message": "",
                    "observedGeneration": 1,
                    "reason": "Launched",
                    "status": "True",
                    "type": "Launched"
                  },
                  {
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                    "message": "Registered=Unknown, Initialized=Unknown",
                    "observedGeneration": 1,
                    "reason": "ReconcilingDependents",
                    "status": "Unknown",
                    "type": "Ready"
                  }
                ],
                "imageID": "ami-0abc",
                "providerID": "aws:///us-east-1a/i-0abc"
              }
            }"#]],
    );
    let once = changed(&fresh(), &launched());
    check(&once, &launched(), &expect![[""]]);
}

#[test]
fn every_change_is_read_back() {
    let at: Timestamp = "2026-01-01T00:00:30Z".parse().unwrap();
    let record = LaunchRecord {
        attempt: 2,
        token: "joiner-1".into(),
        index: 1,
        count: 3,
        offering: OfferingKey {
            instance_type: "m5.large".into(),
            zone: "us-east-1a".into(),
            capacity_type: CapacityType::OnDemand,
        },
        subnet: "subnet-0a".into(),
        image: "ami-0abc".into(),
        at: now(),
    };
    let notice = Notice { kind: NoticeKind::ScheduledChange, at: now() };
    let mut object = fresh();
    for change in [
        ClaimChange::LaunchRecord(record.clone()),
        ClaimChange::Notice(notice.clone()),
        ClaimChange::ReplacedBy(vec!["a".into(), "b".into()]),
        ClaimChange::TerminationDeadline(at),
        ClaimChange::LastPodEvent(at),
        launched(),
        ClaimChange::Registered { node: "node-1".into() },
        ClaimChange::Initialized {
            capacity: Resources::cpu_memory(2_000, 7 << 30),
            allocatable: Resources::cpu_memory(1_900, 6 << 30),
        },
    ] {
        object = changed(&object, &change);
    }
    let claim = read(&object);
    assert_eq!(claim.launch, Some(record));
    assert_eq!(claim.notice, Some(notice));
    assert_eq!(claim.replaced_by, ["a".into(), "b".into()]);
    assert_eq!(claim.termination_deadline, Some(at));
    assert_eq!(claim.last_pod_event, Some(at));
    assert_eq!(claim.instance, Some("i-0abc".into()));
    assert_eq!(claim.node, Some("node-1".into()));
    assert_eq!(claim.image, Some("ami-0abc".into()));
    assert_eq!(claim.capacity, Resources::cpu_memory(2_000, 7 << 30));
    assert_eq!(claim.allocatable, Resources::cpu_memory(1_900, 6 << 30));
    assert_eq!(object["status"]["conditions"][3]["status"], "True");
    object = changed(&object, &ClaimChange::ReplacedBy(vec![]));
    assert!(read(&object).replaced_by.is_empty());
}

#[test]
fn every_condition_is_set_and_read_back_under_its_name() {
    let kinds = [
        ConditionType::Launched,
        ConditionType::Registered,
        ConditionType::Initialized,
        ConditionType::Consolidatable,
        ConditionType::Drifted,
        ConditionType::Drained,
        ConditionType::VolumesDetached,
        ConditionType::InstanceTerminating,
        ConditionType::DisruptionReason,
    ];
    for kind in kinds {
        for status in [Status::True, Status::False, Status::Unknown] {
            let (reason, message) = ("Because".to_owned(), "it is so".to_owned());
            let change = ClaimChange::Condition { kind, status: Some(status), reason, message };
            let claim = read(&changed(&fresh(), &change));
            let condition = claim.conditions.get(kind).unwrap();
            assert_eq!(condition.status, status, "{kind:?}");
            assert_eq!(condition.message, "it is so");
        }
    }
}

#[test]
fn a_condition_that_turns_is_told_under_its_name() {
    let before = fresh();
    let after = changed(&before, &launched());
    let events = turned(&NODE_CLAIMS, &Changed { before: before.clone(), after: after.clone() });
    let lines: Vec<String> =
        events.iter().map(|event| format!("{}: {}", event.reason, event.message)).collect();
    expect![[
        "Launched: Status condition transitioned, Type: Launched, Status: Unknown -> True, Reason: Launched"
    ]]
    .assert_eq(&lines.join("\n"));
    let disrupted = ClaimChange::Condition {
        kind: ConditionType::DisruptionReason,
        status: Some(Status::False),
        reason: "Because".to_owned(),
        message: "it is so".to_owned(),
    };
    let later = changed(&after, &disrupted);
    let events = turned(&NODE_CLAIMS, &Changed { before: after, after: later.clone() });
    assert_eq!(
        events[0].message,
        "Status condition transitioned, Type: DisruptionReason, Status: Unknown -> False, Reason: Because, Message: it is so"
    );
    assert!(turned(&NODE_CLAIMS, &Changed { before: later.clone(), after: later }).is_empty());
}
