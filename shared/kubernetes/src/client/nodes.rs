//! Changes to Nodes.

use super::change::{self, Target};
use super::claims::{fields, taint};
use super::wire::Wire;
use crate::resource::NODE_CLAIMS;
use model::action::NodeChange;
use model::labels;
use model::outcome::Outcome;
use serde_json::{Value, json};

/// Changes a node. Labels alone need not be read first.
pub(super) async fn update(wire: &Wire, target: Target<'_>, change: &NodeChange) -> Outcome {
    let NodeChange { labels, add_taints, remove_taints, own } = change;
    if add_taints.is_empty() && remove_taints.is_empty() && own.is_none() {
        let mut patch = json!({"metadata": target.conditions()});
        patch["metadata"]["labels"] = json!(labels);
        return change::patch(wire, target.path, &patch).await;
    }
    let edited = change::edit(wire, target, |object| {
        edit(object, change);
        Ok(())
    });
    edited.await.map_or_else(|outcome| outcome, |changed| changed.outcome())
}

/// Makes a change in the object. Taints that stay keep the fields that nobody here knows, `timeAdded` among them.
fn edit(object: &mut Value, change: &NodeChange) {
    let NodeChange { labels, add_taints, remove_taints, own } = change;
    if !labels.is_empty() {
        let all = labels.iter().map(|(key, value)| (key.to_string(), json!(&**value)));
        fields(&mut object["metadata"]["labels"]).extend(all);
    }
    let mut taints = object["spec"]["taints"].as_array().cloned().unwrap_or_default();
    let before = taints.len();
    let is_removed = |taint: &Value| remove_taints.iter().any(|key| taint["key"] == **key);
    taints.retain(|taint| !is_removed(taint));
    let removed = before - taints.len();
    for wanted in add_taints {
        let wanted = taint(wanted);
        let is_it = |t: &Value| t["key"] == wanted["key"] && t["effect"] == wanted["effect"];
        if !taints.iter().any(is_it) {
            taints.push(wanted);
        }
    }
    if 0 < removed || before < taints.len() + removed {
        fields(&mut object["spec"]).insert("taints".to_owned(), Value::Array(taints));
    }
    if let Some((claim, uid)) = own {
        let finalizer = json!(labels::TERMINATION_FINALIZER);
        add_to(&mut object["metadata"]["finalizers"], finalizer, |a, b| a == b);
        let owner = json!({
            "apiVersion": NODE_CLAIMS.api_version,
            "kind": NODE_CLAIMS.kind,
            "name": &**claim,
            "uid": &**uid,
            "blockOwnerDeletion": true,
        });
        let is_same = |a: &Value, b: &Value| a["uid"] == b["uid"];
        add_to(&mut object["metadata"]["ownerReferences"], owner, is_same);
    }
}

/// Adds an item to a list that may not be there yet.
pub(super) fn add_to(list: &mut Value, item: Value, is_same: impl Fn(&Value, &Value) -> bool) {
    let mut items = list.as_array().cloned().unwrap_or_default();
    if !items.iter().any(|present| is_same(present, &item)) {
        items.push(item);
        *list = Value::Array(items);
    } else if list.is_null() {
        *list = Value::Array(items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::diff;
    use expect_test::{Expect, expect};
    use model::taint::{Effect, Taint};

    /// The patch that a change to a node comes to.
    fn check(change: &NodeChange, expected: &Expect) {
        let node = json!({
            "metadata": {"name": "n", "labels": {"a": "b"}, "finalizers": ["other/finalizer"]},
            "spec": {"taints": [
                {"key": "karpenter.sh/unregistered", "effect": "NoExecute"},
                {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"},
            ]},
        });
        let mut changed = node.clone();
        edit(&mut changed, change);
        let patch = diff::between(&node, &changed);
        expected.assert_eq(&patch.map_or_else(String::new, |patch| format!("{patch:#}")));
    }

    #[test]
    fn registering_takes_a_taint_off_and_makes_the_claim_the_owner() {
        let change = NodeChange {
            labels: [("karpenter.sh/registered".into(), "true".into())].into(),
            add_taints: vec![Taint::new("team", Effect::NoSchedule)],
            remove_taints: vec!["karpenter.sh/unregistered".into()],
            own: Some(("default-x1".into(), "claim-uid".into())),
        };
        check(
            &change,
            &expect![[r#"
                {
                  "metadata": {
                    "finalizers": [
                      "other/finalizer",
                      "karpenter.sh/termination"
                    ],
                    "labels": {
                      "karpenter.sh/registered": "true"
                    },
                    "ownerReferences": [
                      {
                        "apiVersion": "karpenter.sh/v1",
                        "blockOwnerDeletion": true,
                        "kind": "NodeClaim",
                        "name": "default-x1",
                        "uid": "claim-uid"
                      }
                    ]
                  },
                  "spec": {
                    "taints": [
                      {
                        "effect": "NoSchedule",
                        "key": "node.kubernetes.io/not-ready",
                        "timeAdded": "2026-01-01T00:00:00Z"
                      },
                      {
                        "effect": "NoSchedule",
                        "key": "team"
                      }
                    ]
                  }
                }"#]],
        );
    }

    #[test]
    fn what_is_there_already_is_no_change() {
        let change = NodeChange {
            labels: [("a".into(), "b".into())].into(),
            add_taints: vec![Taint::new("node.kubernetes.io/not-ready", Effect::NoSchedule)],
            remove_taints: vec!["absent".into()],
            own: None,
        };
        check(&change, &expect![[""]]);
    }
}
