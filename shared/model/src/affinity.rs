//! What pods ask of their neighbours: label selectors, topology spread, pod affinity and anti-affinity.

use crate::labels::Labels;
use crate::name::Text;
use crate::requirement::{Operator, Requirement};
use serde::{Deserialize, Serialize};

/// A `LabelSelector`: all of it must hold. Empty selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LabelSelector(pub Vec<(Text, Requirement)>);

impl LabelSelector {
    /// Whether an object with these labels is selected.
    pub fn selects(&self, labels: &Labels) -> bool {
        self.0
            .iter()
            .all(|(key, requirement)| requirement.admits_label(labels.get(key).map(|v| &**v)))
    }
}

/// Whether a topology spread constraint or a policy of it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NodeInclusionPolicy {
    /// It is looked at.
    Honor,
    /// It is not.
    Ignore,
}

/// What happens when a spread cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WhenUnsatisfiable {
    /// The pod stays pending.
    DoNotSchedule,
    /// The pod is placed where the skew is least.
    ScheduleAnyway,
}

/// A `topologySpreadConstraints` entry of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopologySpread {
    /// The most by which a domain may exceed the emptiest one, in pods.
    pub max_skew: i32,
    /// The node label whose values are the domains.
    pub topology_key: Text,
    /// What happens when the skew cannot be kept.
    pub when_unsatisfiable: WhenUnsatisfiable,
    /// Which pods are counted.
    pub selector: LabelSelector,
    /// With fewer domains than this the emptiest counts as zero.
    #[serde(default)]
    pub min_domains: Option<i32>,
    /// Whether the pod's node affinity limits the domains (default Honor).
    pub node_affinity_policy: NodeInclusionPolicy,
    /// Whether nodes that the pod does not tolerate are left out (default Ignore).
    pub node_taints_policy: NodeInclusionPolicy,
    /// Keys whose values on the pod are added to the selector.
    #[serde(default)]
    pub match_label_keys: Vec<Text>,
}

/// A term of pod affinity or anti-affinity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodAffinityTerm {
    /// The node label whose values are the domains.
    pub topology_key: Text,
    /// Which pods are meant; none selects no pod.
    pub selector: Option<LabelSelector>,
    /// The namespaces they are in; empty (and no namespace selector) is the pod's own.
    #[serde(default)]
    pub namespaces: Vec<Text>,
    /// Selects further namespaces by their labels; present but empty is all.
    #[serde(default)]
    pub namespace_selector: Option<LabelSelector>,
    /// Keys whose values on the pod must be the same on the others.
    #[serde(default)]
    pub match_label_keys: Vec<Text>,
    /// Keys whose values on the pod must differ on the others.
    #[serde(default)]
    pub mismatch_label_keys: Vec<Text>,
}

impl TopologySpread {
    /// Which pods are counted for a pod with these labels: those of the selector that have the same values of
    /// `matchLabelKeys`. A key that the pod lacks says nothing.
    pub fn selector_for(&self, labels: &Labels) -> LabelSelector {
        let mut all = self.selector.clone();
        all.0.extend(same_values(&self.match_label_keys, labels));
        all
    }
}

impl PodAffinityTerm {
    /// Which pods are meant for a pod with these labels, `matchLabelKeys` and `mismatchLabelKeys` looked at; none where
    /// the term selects no pod. A key that the pod lacks says nothing.
    pub fn selector_for(&self, labels: &Labels) -> Option<LabelSelector> {
        let mut all = self.selector.clone()?;
        all.0.extend(same_values(&self.match_label_keys, labels));
        for key in &self.mismatch_label_keys {
            let other = |value: &Text| Requirement::new(Operator::NotIn, &[value]);
            if let Some(Ok(other)) = labels.get(key).map(other) {
                all.0.push((key.clone(), other));
            }
        }
        Some(all)
    }

    /// Whether pods of another namespace are meant by a pod of its own one.
    pub fn reaches<'l>(
        &self,
        own_namespace: &str,
        other_namespace: &str,
        labels_of: impl Fn(&str) -> Option<&'l Labels>,
    ) -> bool {
        if self.namespaces.iter().any(|name| **name == *other_namespace) {
            return true;
        }
        match &self.namespace_selector {
            None => self.namespaces.is_empty() && own_namespace == other_namespace,
            Some(selector) if selector.0.is_empty() => true,
            Some(selector) => labels_of(other_namespace).is_some_and(|l| selector.selects(l)),
        }
    }
}

fn same_values<'k>(
    keys: &'k [Text],
    labels: &'k Labels,
) -> impl Iterator<Item = (Text, Requirement)> + 'k {
    let values = keys.iter().filter_map(|key| Some((key, labels.get(key)?)));
    values.map(|(key, value)| (key.clone(), Requirement::is(value.clone())))
}

/// Required and preferred terms; preferred ones carry a weight of 1 to 100.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodAffinity {
    /// All must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<PodAffinityTerm>,
    /// Each that holds is worth its weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred: Vec<(i32, PodAffinityTerm)>,
}

impl PodAffinity {
    /// Whether there is no term.
    pub fn is_empty(&self) -> bool {
        self.required.is_empty() && self.preferred.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn keys(keys: &[&str]) -> Vec<Text> {
        keys.iter().map(|key| (*key).into()).collect()
    }

    fn app(name: &str) -> LabelSelector {
        LabelSelector(vec![("app".into(), Requirement::is(name))])
    }

    fn term(selector: Option<LabelSelector>) -> PodAffinityTerm {
        PodAffinityTerm {
            topology_key: "zone".into(),
            selector,
            namespaces: vec![],
            namespace_selector: None,
            match_label_keys: vec![],
            mismatch_label_keys: vec![],
        }
    }

    fn spread(match_label_keys: &[&str]) -> TopologySpread {
        TopologySpread {
            max_skew: 1,
            topology_key: "zone".into(),
            when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
            selector: app("web"),
            min_domains: None,
            node_affinity_policy: NodeInclusionPolicy::Honor,
            node_taints_policy: NodeInclusionPolicy::Ignore,
            match_label_keys: keys(match_label_keys),
        }
    }

    /// Whether a pod of a namespace means pods of another one; `prod` and `test` have a label, `bare` has none and of
    /// `unread` nothing is known.
    fn reaches(term: &PodAffinityTerm, other: &str) -> bool {
        let stages =
            [("prod", labels(&[("stage", "prod")])), ("test", labels(&[("stage", "test")]))];
        let all: std::collections::BTreeMap<&str, Labels> =
            stages.into_iter().chain([("bare", Labels::new())]).collect();
        term.reaches("prod", other, |name| all.get(name))
    }

    #[test]
    fn a_selector_without_demands_selects_every_pod() {
        assert!(LabelSelector::default().selects(&Labels::new()));
        assert!(app("web").selects(&labels(&[("app", "web"), ("x", "y")])));
        assert!(!app("web").selects(&labels(&[("app", "db")])));
        assert!(!app("web").selects(&Labels::new()));
    }

    #[test]
    fn a_spread_counts_pods_with_the_same_values_of_its_keys() {
        let own = labels(&[("app", "web"), ("hash", "new")]);
        let selector = spread(&["hash", "lacking"]).selector_for(&own);
        assert!(selector.selects(&own));
        assert!(selector.selects(&labels(&[("app", "web"), ("hash", "new"), ("lacking", "x")])));
        assert!(!selector.selects(&labels(&[("app", "web"), ("hash", "old")])));
        assert!(!selector.selects(&labels(&[("app", "web")])));
        assert_eq!(spread(&[]).selector_for(&own), app("web"));
    }

    #[test]
    fn a_term_means_pods_with_the_same_values_of_some_keys_and_other_values_of_others() {
        let own = labels(&[("app", "web"), ("hash", "new"), ("tenant", "a")]);
        let term = PodAffinityTerm {
            match_label_keys: keys(&["hash", "lacking"]),
            mismatch_label_keys: keys(&["tenant", "lacking-too"]),
            ..term(Some(app("web")))
        };
        let selector = term.selector_for(&own).unwrap();
        assert!(!selector.selects(&own));
        assert!(selector.selects(&labels(&[("app", "web"), ("hash", "new"), ("tenant", "b")])));
        assert!(selector.selects(&labels(&[("app", "web"), ("hash", "new")])));
        assert!(!selector.selects(&labels(&[("app", "web"), ("hash", "old"), ("tenant", "b")])));
        assert!(!selector.selects(&labels(&[("app", "db"), ("hash", "new"), ("tenant", "b")])));
    }

    #[test]
    fn a_term_without_selector_selects_no_pod_whatever_its_keys() {
        let term = PodAffinityTerm { match_label_keys: keys(&["app"]), ..term(None) };
        assert_eq!(term.selector_for(&labels(&[("app", "web")])), None);
    }

    #[test]
    fn a_term_without_namespaces_means_the_pods_own() {
        let own = term(Some(app("web")));
        assert!(reaches(&own, "prod") && !reaches(&own, "test"));
    }

    #[test]
    fn listed_namespaces_stand_in_place_of_the_pods_own() {
        let listed = PodAffinityTerm { namespaces: keys(&["test", "unread"]), ..term(None) };
        assert!(reaches(&listed, "test") && reaches(&listed, "unread"));
        assert!(!reaches(&listed, "prod"));
    }

    #[test]
    fn an_empty_namespace_selector_means_all_namespaces() {
        let all = PodAffinityTerm {
            namespace_selector: Some(LabelSelector::default()),
            ..term(Some(app("web")))
        };
        assert!(["prod", "test", "bare", "unread"].iter().all(|name| reaches(&all, name)));
    }

    #[test]
    fn selected_namespaces_come_beside_the_listed_ones() {
        let stage = LabelSelector(vec![("stage".into(), Requirement::is("test"))]);
        let both = PodAffinityTerm {
            namespaces: keys(&["bare"]),
            namespace_selector: Some(stage),
            ..term(None)
        };
        assert!(reaches(&both, "test") && reaches(&both, "bare"));
        assert!(!reaches(&both, "prod") && !reaches(&both, "unread"));
    }
}
