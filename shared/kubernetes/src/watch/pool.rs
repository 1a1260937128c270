//! What a NodePool tells of itself in figures: what it has, what it may have, and what is known of it.

use crate::objects::amounts::Amounts;
use serde::Deserialize;

/// The figures of one NodePool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolFigures {
    /// Its name.
    pub name: String,
    /// What its nodes have together (`status.resources`), by resource, in base units (milli for `cpu`).
    pub usage: Vec<(String, i64)>,
    /// What they may have at most (`spec.limits`), likewise.
    pub limits: Vec<(String, i64)>,
    /// Types of conditions and whether they hold: `True`, `False` or `Unknown`.
    pub conditions: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Pool {
    metadata: Meta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Meta {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    limits: Option<Amounts>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    resources: Option<Amounts>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Deserialize)]
struct Condition {
    r#type: String,
    status: String,
}

/// Reads them; none where they cannot be.
pub(super) fn figures(json: &str) -> Option<PoolFigures> {
    let Pool { metadata, spec, status } = serde_json::from_str(json).ok()?;
    let amounts = |amounts: Option<Amounts>| {
        let all = amounts.unwrap_or_default().0.into_iter();
        all.map(|(resource, units)| (resource.to_string(), units)).collect()
    };
    let conditions = status.conditions.unwrap_or_default().into_iter();
    Some(PoolFigures {
        name: metadata.name,
        usage: amounts(status.resources),
        limits: amounts(spec.limits),
        conditions: conditions.map(|Condition { r#type, status }| (r#type, status)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pool_has_figures_of_what_it_tells() {
        let pool = json!({
            "metadata": {"name": "default", "uid": "u"},
            "spec": {"template": {}, "limits": {"cpu": "100", "nodes": 3}},
            "status": {"nodes": 1, "resources": {"cpu": "1500m", "memory": "2Gi"},
                "conditions": [{"type": "Ready", "status": "True", "reason": "Ready"}]},
        });
        let own = |all: &[(&str, i64)]| -> Vec<(String, i64)> {
            all.iter().map(|(name, units)| ((*name).to_owned(), *units)).collect()
        };
        let expected = PoolFigures {
            name: "default".to_owned(),
            usage: own(&[("cpu", 1_500), ("memory", 2 << 30)]),
            limits: own(&[("cpu", 100_000), ("nodes", 3)]),
            conditions: vec![("Ready".to_owned(), "True".to_owned())],
        };
        assert_eq!(figures(&pool.to_string()), Some(expected));
        let bare = figures(r#"{"metadata": {"name": "bare"}}"#).unwrap();
        assert!(bare.usage.is_empty() && bare.limits.is_empty() && bare.conditions.is_empty());
        assert_eq!(figures(r#"{"metadata": {"name": "odd"}, "spec": {"limits": 7}}"#), None);
    }
}
