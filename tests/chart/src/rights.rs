//! RBAC objects as what they come to: who may do what.

use crate::render::{list, of_kind, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that may be done, or is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The namespace that it is limited to.
    pub namespace: Option<String>,
    /// `resource.group/subresource`, as kubectl writes it; the core group is left out.
    pub resource: String,
    /// The name that it is limited to.
    pub name: Option<String>,
    /// The verb.
    pub verb: String,
}

/// All that a subject may do, by the roles bound to it. `subject` is a group's name or `system:serviceaccount:NAMESPACE:NAME`.
///
/// # Panics
/// If a binding names a role that is not among the objects.
pub fn of(objects: &[Value], subject: &str) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for (binding, role) in [("ClusterRoleBinding", "ClusterRole"), ("RoleBinding", "Role")] {
        for binding in of_kind(objects, binding) {
            if !list(binding, "/subjects").iter().any(|s| subject_name(s) == subject) {
                continue;
            }
            let name = text(binding, "/roleRef/name");
            let role = of_kind(objects, role)
                .find(|role| text(role, "/metadata/name") == name)
                .unwrap_or_else(|| panic!("there is a {role} {name}"));
            let namespace =
                role.pointer("/metadata/namespace").and_then(Value::as_str).map(ToOwned::to_owned);
            for rule in list(role, "/rules") {
                rights.extend(of_rule(rule, namespace.as_ref()));
            }
        }
    }
    rights
}

/// What a rule allows, taken apart.
pub fn of_rule(rule: &Value, namespace: Option<&String>) -> Vec<Right> {
    let texts = |pointer| list(rule, pointer).iter().filter_map(Value::as_str);
    let names: Vec<Option<String>> = match list(rule, "/resourceNames") {
        [] => vec![None],
        names => names.iter().map(|name| name.as_str().map(ToOwned::to_owned)).collect(),
    };
    let mut rights = Vec::new();
    for group in texts("/apiGroups") {
        for resource in texts("/resources") {
            let resource = match (group, resource.split_once('/')) {
                ("", _) => resource.to_owned(),
                (group, None) => format!("{resource}.{group}"),
                (group, Some((resource, part))) => format!("{resource}.{group}/{part}"),
            };
            for name in &names {
                rights.extend(texts("/verbs").map(|verb| Right {
                    namespace: namespace.cloned(),
                    resource: resource.clone(),
                    name: name.clone(),
                    verb: verb.to_owned(),
                }));
            }
        }
    }
    rights
}

/// Rights as text: a line for each resource, its verbs in order.
pub fn to_text(rights: &BTreeSet<Right>) -> String {
    let mut lines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for Right { namespace, resource, name, verb } in rights {
        let at = namespace.as_ref().map_or_else(String::new, |namespace| format!("{namespace}: "));
        let named = name.as_ref().map_or_else(String::new, |name| format!(" {name}"));
        lines.entry(format!("{at}{resource}{named}")).or_default().push(verb);
    }
    let lines = lines.into_iter().map(|(what, verbs)| format!("{what}: {}\n", verbs.join(" ")));
    lines.collect::<Vec<_>>().concat()
}

fn subject_name(subject: &Value) -> String {
    let name = text(subject, "/name");
    match text(subject, "/kind") {
        "ServiceAccount" => {
            format!("system:serviceaccount:{}:{name}", text(subject, "/namespace"))
        }
        _ => name.to_owned(),
    }
}
