//! EC2NodeClasses: what a class came to is written into its status, and its hash beside it.

use super::change::{self, Target};
use super::claims::{fields, turned};
use super::conditions::{self, OF_CLASSES, Wanted};
use super::events::{self, Recorded};
use super::nodes::add_to;
use super::wire::Wire;
use crate::resource::NODE_CLASSES;
use futures_util::future::join_all;
use jiff::Timestamp;
use model::labels::{CLASS_FINALIZER, NODE_CLASS_HASH, NODE_CLASS_HASH_VERSION};
use model::node_class::NodeClass;
use model::node_class::status::ClassStatus;
use model::node_class::template::HASH_VERSION;
use model::outcome::Outcome;
use serde_json::{Value, json};

/// Writes what differs, if anything does, and records which conditions that has turned.
pub(super) async fn set_status(
    (wire, recorded): (&Wire, &Recorded),
    class: &NodeClass,
    status: &ClassStatus,
    now: Timestamp,
) -> Outcome {
    let path = NODE_CLASSES.named(&class.name);
    let target = Target { path: &path, uid: &class.uid, version: None };
    let edited = change::edit(wire, target, |object| edit(object, (class, status), now)).await;
    let changed = match edited {
        Ok(changed) => changed,
        Err(outcome) => return outcome,
    };
    let turned = turned(&NODE_CLASSES, &changed);
    let records =
        turned.iter().map(|event| events::record((wire, recorded), event, Some(target.uid), now));
    // The class is changed whether or not that can be recorded.
    join_all(records).await;
    changed.outcome()
}

/// Lets a class go that is being deleted.
pub(super) async fn release(wire: &Wire, class: &NodeClass) -> Outcome {
    let path = NODE_CLASSES.named(&class.name);
    let target = Target { path: &path, uid: &class.uid, version: None };
    change::release(wire, target, CLASS_FINALIZER).await
}

fn edit(
    object: &mut Value,
    (class, status): (&NodeClass, &ClassStatus),
    now: Timestamp,
) -> Result<(), String> {
    if object["metadata"]["generation"].as_i64().unwrap_or(0) != class.template.generation {
        return Err("the class has changed since it was looked at".to_owned());
    }
    if !class.deleting {
        add_to(&mut object["metadata"]["finalizers"], json!(CLASS_FINALIZER), |a, b| a == b);
    }
    let annotations = fields(&mut object["metadata"]["annotations"]);
    annotations.insert(NODE_CLASS_HASH.to_owned(), json!(class.template.hash));
    annotations.insert(NODE_CLASS_HASH_VERSION.to_owned(), json!(HASH_VERSION));
    let ClassStatus { subnets, security_groups, amis, capacity_reservations, .. } = status;
    let lists = [
        ("subnets", json!(subnets)),
        ("securityGroups", json!(security_groups)),
        ("amis", json!(amis)),
        ("capacityReservations", json!(capacity_reservations)),
        ("instanceProfile", json!(status.instance_profile)),
    ];
    let found = fields(&mut object["status"]);
    for (name, list) in lists {
        // What is not there and would be empty stays away.
        let is_empty = list.is_null() || list.as_array().is_some_and(Vec::is_empty);
        if is_empty {
            found.remove(name);
        } else {
            found.insert(name.to_owned(), list);
        }
    }
    conditions::change(object, (&OF_CLASSES, now), |set| {
        for wanted in &status.conditions {
            set.set(Wanted {
                kind: &wanted.kind,
                status: conditions::name_of(wanted.status),
                reason: &wanted.reason,
                message: &wanted.message,
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::diff;
    use expect_test::expect;
    use model::condition::Status;
    use model::node_class::status::{ClassCondition, FoundSubnet};
    use model::node_class::template::Template;
    use model::node_class::{AmiFamily, Kubelet};
    use std::sync::Arc;

    fn class() -> NodeClass {
        NodeClass {
            name: "c".into(),
            uid: "c-1".into(),
            deleting: false,
            ready: false,
            ami_family: AmiFamily::AL2023,
            kubelet: Kubelet::default(),
            root_volume_bytes: None,
            instance_store_raid0: false,
            ip_prefix_count: 0,
            subnets: Vec::new(),
            images: Vec::new(),
            template: Arc::new(Template { generation: 2, hash: "7".into(), ..Template::default() }),
        }
    }

    fn status(of_subnets: Status) -> ClassStatus {
        let condition = |kind: &&str| {
            let status = if **kind == *"SubnetsReady" { of_subnets } else { Status::True };
            let reason = if status == Status::True { *kind } else { "SubnetsNotFound" };
            let message = if status == Status::True { "" } else { "none" };
            ClassCondition {
                kind: (*kind).into(),
                status,
                reason: reason.into(),
                message: message.into(),
                generation: 2,
            }
        };
        let subnet = FoundSubnet { id: "subnet-1".into(), zone: "a".into(), zone_id: None };
        ClassStatus {
            subnets: if of_subnets == Status::True { vec![subnet] } else { Vec::new() },
            conditions: OF_CLASSES.iter().map(condition).collect(),
            ..ClassStatus::default()
        }
    }

    fn object() -> Value {
        json!({"metadata": {"name": "c", "uid": "c-1", "generation": 2,
            "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}})
    }

    fn edited(mut object: Value, of_subnets: Status) -> Value {
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        edit(&mut object, (&class(), &status(of_subnets)), now).unwrap();
        object
    }

    #[test]
    fn a_class_is_ready_when_all_that_it_selects_is_there() {
        let ready = edited(object(), Status::True);
        let list = ready["status"]["conditions"].as_array().unwrap();
        let line = |c: &Value| format!("{} {} {}\n", c["type"], c["status"], c["reason"]);
        expect![[r#"
            "AMIsReady" "True" "AMIsReady"
            "CapacityReservationsReady" "True" "CapacityReservationsReady"
            "InstanceProfileReady" "True" "InstanceProfileReady"
            "PlacementGroupReady" "True" "PlacementGroupReady"
            "SecurityGroupsReady" "True" "SecurityGroupsReady"
            "SubnetsReady" "True" "SubnetsReady"
            "ValidationSucceeded" "True" "ValidationSucceeded"
            "Ready" "True" "Ready"
        "#]]
        .assert_eq(&list.iter().map(line).collect::<String>());
        let metadata = &ready["metadata"];
        let rest =
            json!([metadata["finalizers"], metadata["annotations"], ready["status"]["subnets"]]);
        expect![[r#"[["karpenter.k8s.aws/termination"],{"karpenter.k8s.aws/ec2nodeclass-hash":"7","karpenter.k8s.aws/ec2nodeclass-hash-version":"joiner-v1"},[{"id":"subnet-1","zone":"a"}]]"#]].assert_eq(&rest.to_string());
    }

    #[test]
    fn what_stands_there_already_is_not_written_again() {
        let once = edited(object(), Status::True);
        assert_eq!(diff::between(&once, &edited(once.clone(), Status::True)), None);
    }

    #[test]
    fn what_is_gone_goes_and_the_class_is_not_ready_any_more() {
        let once = edited(object(), Status::True);
        let change = diff::between(&once, &edited(once.clone(), Status::False)).unwrap();
        assert_eq!(change["status"]["subnets"], Value::Null);
        let list = change["status"]["conditions"].as_array().unwrap();
        let ready = list.iter().find(|c| c["type"] == "Ready").unwrap();
        assert_eq!(ready["status"], "False");
        assert_eq!(ready["message"], "SubnetsReady=False");
    }

    #[test]
    fn nothing_is_written_about_another_state_of_the_class() {
        let mut changed = object();
        changed["metadata"]["generation"] = json!(3);
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        assert!(edit(&mut changed, (&class(), &status(Status::True)), now).is_err());
    }
}
