//! NodePools: what has become of a pool is written into its status.

use super::change::{self, Target};
use super::claims::{fields, turned};
use super::conditions::{self, OF_POOLS, Wanted};
use super::events::{self, Recorded};
use super::format::amounts;
use super::wire::Wire;
use crate::resource::NODE_POOLS;
use futures_util::future::join_all;
use jiff::Timestamp;
use model::name::{PoolName, Uid};
use model::outcome::Outcome;
use model::pool::{PoolCondition, PoolStatus};
use serde_json::{Value, json};

/// Resources of which a pool's status tells even where there are none (Karpenter's, 1.14).
const ALWAYS_TOLD: [&str; 5] = ["cpu", "ephemeral-storage", "memory", "nodes", "pods"];

/// Writes what differs, and records which conditions that has turned.
pub(super) async fn set_status(
    (wire, recorded): (&Wire, &Recorded),
    (name, uid): (&PoolName, &Uid),
    status: &PoolStatus,
    now: Timestamp,
) -> Outcome {
    let path = NODE_POOLS.named(name);
    let target = Target { path: &path, uid, version: None };
    let edited = change::edit(wire, target, |object| edit(object, status, now)).await;
    let changed = match edited {
        Ok(changed) => changed,
        Err(outcome) => return outcome,
    };
    let turned = turned(&NODE_POOLS, &changed);
    let records =
        turned.iter().map(|event| events::record((wire, recorded), event, Some(uid), now));
    // The pool is changed whether or not that can be recorded.
    join_all(records).await;
    changed.outcome()
}

fn edit(object: &mut Value, status: &PoolStatus, now: Timestamp) -> Result<(), String> {
    let PoolStatus { nodes, resources, conditions } = status;
    let mut told = amounts(resources);
    for resource in ALWAYS_TOLD {
        fields(&mut told).entry(resource).or_insert_with(|| json!("0"));
    }
    let present = fields(&mut object["status"]);
    present.insert("nodes".to_owned(), json!(nodes));
    present.insert("resources".to_owned(), told);
    conditions::change(object, (&OF_POOLS, now), |set| {
        for PoolCondition { kind, status, reason, message } in conditions {
            let status = conditions::name_of(*status);
            set.set(Wanted { kind, status, reason, message });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::diff;
    use crate::client::kinds::POOL;
    use expect_test::expect;
    use model::condition::Status;
    use model::resources::Resources;

    fn status(of_class: Status) -> PoolStatus {
        let condition = |kind: &str, status| PoolCondition {
            kind: kind.into(),
            status,
            reason: kind.into(),
            message: String::new(),
        };
        let mut resources = Resources::cpu_memory(6_000, 8 << 30);
        resources.set_units("nodes", 3);
        PoolStatus {
            nodes: 3,
            resources,
            conditions: vec![
                condition("NodeClassReady", of_class),
                condition("NodeRegistrationHealthy", Status::Unknown),
                condition("ValidationSucceeded", Status::True),
            ],
        }
    }

    fn object() -> Value {
        json!({
            "metadata": {"name": "default", "uid": "u", "generation": 2,
                "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"template": {"spec": {"requirements": [], "nodeClassRef":
                {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}}}},
        })
    }

    fn edited(mut object: Value, status: &PoolStatus) -> Value {
        edit(&mut object, status, "2026-01-01T00:01:00Z".parse().unwrap()).unwrap();
        object
    }

    #[test]
    fn a_pool_tells_what_it_has_and_is_ready_when_its_class_is() {
        let told = edited(object(), &status(Status::True));
        let list = told["status"]["conditions"].as_array().unwrap();
        let line = |c: &Value| format!("{} {} {}\n", c["type"], c["status"], c["reason"]);
        let conditions: String = list.iter().map(line).collect();
        expect![[r#"
            3 nodes {"cpu":"6","ephemeral-storage":"0","memory":"8Gi","nodes":"3","pods":"0"}
            "NodeClassReady" "True" "NodeClassReady"
            "NodeRegistrationHealthy" "Unknown" "NodeRegistrationHealthy"
            "ValidationSucceeded" "True" "ValidationSucceeded"
            "Ready" "True" "Ready"
        "#]]
        .assert_eq(&format!(
            "{} nodes {}\n{conditions}",
            told["status"]["nodes"], told["status"]["resources"]
        ));
        let not_ready = edited(told, &status(Status::False));
        let list = not_ready["status"]["conditions"].as_array().unwrap();
        let ready = list.iter().find(|c| c["type"] == "Ready").unwrap();
        assert_eq!(ready["message"], "NodeClassReady=False");
    }

    #[test]
    fn what_was_told_is_read_back_and_not_written_again() {
        for of_class in [Status::True, Status::False] {
            let told = edited(object(), &status(of_class));
            assert_eq!(diff::between(&told, &edited(told.clone(), &status(of_class))), None);
            let (_, pool) = POOL.item(&told.to_string(), Timestamp::UNIX_EPOCH);
            assert_eq!(pool.unwrap().status, status(of_class));
        }
    }

    #[test]
    fn a_status_that_nobody_can_read_is_as_good_as_none() {
        let mut odd = object();
        odd["status"] = json!({"nodes": "many", "conditions": 7});
        let (_, pool) = POOL.item(&odd.to_string(), Timestamp::UNIX_EPOCH);
        assert_eq!(pool.unwrap().status, PoolStatus::default());
    }
}
