//! What a claim is stamped with when it is made, so that a later change of its NodePool or EC2NodeClass shows.
//!
//! Hashes stand under Karpenter's annotations and under a version of our own (D14): hashes of different versions say nothing
//! of each other, so no node drifts because a cluster moves here from Karpenter, or back.

use crate::labels;
use crate::name::{Text, stable_hash};
use crate::node_class::NodeClass;
use crate::node_class::template::HASH_VERSION;
use crate::pool::NodePool;
use crate::taint::Taint;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form of a NodePool's hash. It changes with it, and is none of Karpenter's (`v3`).
pub const POOL_HASH_VERSION: &str = "joiner-v1";

/// A hash of some settings, and of which form it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The hash.
    pub hash: Text,
    /// Its form.
    pub version: Text,
}

impl Stamp {
    /// Whether both are of the same form, so that they can be compared.
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

/// All that a claim is stamped with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stamps {
    /// Of its NodePool's template, without requirements.
    pub pool: Option<Stamp>,
    /// Of its EC2NodeClass, without what that selects.
    pub class: Option<Stamp>,
    /// The security groups that the class had found, in order; empty where none is known.
    pub security_groups: Vec<Text>,
}

impl Stamps {
    /// What a claim of this pool and class is stamped with now.
    pub fn of(pool: &NodePool, class: Option<&NodeClass>) -> Self {
        let pool = Stamp { hash: hash(pool), version: POOL_HASH_VERSION.into() };
        let template = class.map(|class| &class.template);
        let class = template.filter(|template| !template.hash.is_empty());
        let class = class
            .map(|template| Stamp { hash: template.hash.clone(), version: HASH_VERSION.into() });
        let groups = template.iter().flat_map(|template| &template.status.security_groups);
        let mut security_groups: Vec<Text> = groups.map(|group| group.id.clone()).collect();
        security_groups.sort_unstable();
        Self { pool: Some(pool), class, security_groups }
    }

    /// Reads them from a claim's annotations.
    pub fn read(annotations: &BTreeMap<Text, Text>) -> Self {
        let stamp = |hash: &str, version: &str| {
            let hash = annotations.get(hash)?.clone();
            // A hash without a version is of a form that nobody knows.
            let version = annotations.get(version).cloned().unwrap_or_default();
            Some(Stamp { hash, version })
        };
        let groups = annotations.get(labels::SECURITY_GROUPS).map_or("", |groups| groups);
        let groups = groups.split(',').map(str::trim).filter(|group| !group.is_empty());
        let mut security_groups: Vec<Text> = groups.map(Text::from).collect();
        security_groups.sort_unstable();
        Self {
            pool: stamp(labels::NODEPOOL_HASH, labels::NODEPOOL_HASH_VERSION),
            class: stamp(labels::NODE_CLASS_HASH, labels::NODE_CLASS_HASH_VERSION),
            security_groups,
        }
    }

    /// The annotations that say all this; what is not known is left out.
    pub fn write(&self) -> BTreeMap<Text, Text> {
        let mut all = BTreeMap::new();
        let Self { pool, class, security_groups } = self;
        for (stamp, hash, version) in [
            (pool, labels::NODEPOOL_HASH, labels::NODEPOOL_HASH_VERSION),
            (class, labels::NODE_CLASS_HASH, labels::NODE_CLASS_HASH_VERSION),
        ] {
            if let Some(stamp) = stamp {
                all.insert(hash.into(), stamp.hash.clone());
                all.insert(version.into(), stamp.version.clone());
            }
        }
        if !security_groups.is_empty() {
            let ids: Vec<&str> = security_groups.iter().map(|id| &**id).collect();
            all.insert(labels::SECURITY_GROUPS.into(), ids.join(",").into());
        }
        all
    }
}

/// A hash of what Karpenter 1.14 calls a pool's static fields: its template without the requirements. In which order taints
/// are written says nothing.
fn hash(pool: &NodePool) -> Text {
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in &pool.labels {
        parts.push(format!("label {key}={value}"));
    }
    for (key, value) in &pool.annotations {
        parts.push(format!("annotation {key}={value}"));
    }
    let mut taints = |kind: &str, taints: &[Taint]| {
        let mut all: Vec<String> = taints.iter().map(|taint| format!("{kind} {taint}")).collect();
        all.sort_unstable();
        all.dedup();
        parts.append(&mut all);
    };
    taints("taint", &pool.taints);
    taints("startup taint", &pool.startup_taints);
    parts.push(format!("class {}", pool.node_class));
    let mut duration = |kind: &str, time: Option<SignedDuration>| {
        parts.extend(time.map(|time| format!("{kind} {}", time.as_secs())));
    };
    duration("expire after", pool.expire_after);
    duration("termination grace", pool.termination_grace_period);
    stable_hash(parts.iter().map(String::as_bytes)).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taint::Effect;
    use serde_json::json;

    fn pool() -> NodePool {
        serde_json::from_value(json!({"name": "default", "uid": "u", "nodeClass": "c"})).unwrap()
    }

    /// Whoever has to change this text has to change `POOL_HASH_VERSION` with it, or every node drifts on the update.
    #[test]
    fn the_hash_of_the_same_template_stays_the_same_from_release_to_release() {
        let pool = NodePool {
            labels: [("team".into(), "a".into())].into(),
            taints: vec![Taint::new("b", Effect::NoSchedule), Taint::new("a", Effect::NoExecute)],
            expire_after: Some(SignedDuration::from_hours(720)),
            ..pool()
        };
        assert_eq!(&*hash(&pool), "13159998853367758538");
        let taints = pool.taints.iter().rev().cloned().collect();
        assert_eq!(hash(&NodePool { taints, ..pool.clone() }), hash(&pool));
    }

    #[test]
    fn what_nodes_are_made_of_changes_the_hash_and_what_pools_allow_does_not() {
        let plain = hash(&pool());
        let allows = NodePool { weight: 7, replicas: Some(2), ..pool() };
        assert_eq!(hash(&allows), plain);
        let others = [
            hash(&NodePool { labels: [("a".into(), "b".into())].into(), ..pool() }),
            hash(&NodePool { annotations: [("a".into(), "b".into())].into(), ..pool() }),
            hash(&NodePool { taints: vec![Taint::new("a", Effect::NoSchedule)], ..pool() }),
            hash(&NodePool { startup_taints: vec![Taint::new("a", Effect::NoSchedule)], ..pool() }),
            hash(&NodePool { node_class: "other".into(), ..pool() }),
            hash(&NodePool { expire_after: Some(SignedDuration::from_hours(1)), ..pool() }),
            plain,
        ];
        let distinct: std::collections::BTreeSet<&Text> = others.iter().collect();
        assert_eq!(distinct.len(), others.len());
    }

    #[test]
    fn stamps_are_read_as_they_were_written() {
        let stamps = Stamps {
            security_groups: vec!["sg-1".into(), "sg-2".into()],
            ..Stamps::of(&pool(), None)
        };
        assert_eq!(Stamps::read(&stamps.write()), stamps);
        assert_eq!(Stamps::read(&BTreeMap::new()), Stamps::default());
        assert!(Stamps::default().write().is_empty());
    }
}
