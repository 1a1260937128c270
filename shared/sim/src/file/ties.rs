//! What pods ask of their nodes and of each other, from the sentences of a file into the model's terms.

use super::language::{Item, NodeExpression, PodTemplate, PodTerm, SpreadConstraint};
use super::unroll::{Place, Unrolled};
use crate::input::{InputError, clip};
use model::affinity::{
    LabelSelector, PodAffinity, PodAffinityTerm, TopologySpread, WhenUnsatisfiable,
};
use model::labels;
use model::name::{ObjectName, Text};
use model::pod::Pod;
use model::requirement::{Requirement, Requirements};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The label `app` of each item's pods, by the item's namespace and name.
pub(super) type Apps = BTreeMap<ObjectName, Text>;

/// The label by which pods are meant.
const APP: &str = "app";
/// The word for an item's own pods.
const SELF: &str = "self";

/// The items that have pods, so that others may name them before they come.
pub(super) fn apps(items: &[Item]) -> Apps {
    let named = items.iter().filter_map(|item| match item {
        Item::Deployment(it) => Some((&it.namespace, &it.name.value, &it.pod)),
        Item::Job(it) => Some((&it.namespace, &it.name.value, &it.pod)),
        Item::Burst(it) => Some((&it.namespace, &it.name.value, &it.pod)),
        Item::DaemonSet(it) => Some((&it.namespace, &it.name.value, &it.pod)),
        Item::SpotStorm(_) | Item::ZoneOutage(_) => None,
    });
    named
        .map(|(namespace, name, pod)| {
            let app = pod.labels.get(APP).unwrap_or(&name.0);
            (ObjectName::new(Arc::clone(&namespace.0), Arc::clone(&name.0)), Arc::clone(app))
        })
        .collect()
}

impl Unrolled<'_> {
    /// Enters what a template asks of nodes and neighbours into a pod that has its labels.
    pub(super) fn tie(
        &self,
        place: &Place,
        asked: &PodTemplate,
        pod: &mut Pod,
    ) -> Result<(), InputError> {
        self.node_affinity(place, &asked.node_affinity, pod)?;
        self.spread(place, &asked.topology_spread_constraints, pod)?;
        pod.affinity = self.pod_affinity(&place.field("podAffinity"), &asked.pod_affinity, pod)?;
        let field = place.field("podAntiAffinity");
        pod.anti_affinity = self.pod_affinity(&field, &asked.pod_anti_affinity, pod)?;
        Ok(())
    }

    fn node_affinity(
        &self,
        place: &Place,
        asked: &[NodeExpression],
        pod: &mut Pod,
    ) -> Result<(), InputError> {
        let mut required = Requirements::none();
        for (index, expression) in asked.iter().enumerate() {
            let NodeExpression { key, operator, values, weight } = expression;
            let place = Place::new(key.referenced, place.path_of("nodeAffinity", index));
            if &*key.value.0 == labels::ZONE {
                for zone in values {
                    self.zone(&place.field("values").path, zone)?;
                }
            }
            let values: Vec<&str> = values.iter().map(|value| &*value.value).collect();
            let requirement = Requirement::new(*operator, &values)
                .map_err(|error| self.error(&place, error.to_string()))?;
            match weight {
                None => required.require(&key.value.0, requirement),
                Some(weight) => {
                    let mut one = Requirements::none();
                    one.require(&key.value.0, requirement);
                    pod.preferred_node_affinity.push((weight.0, one));
                }
            }
        }
        if required.iter().next().is_some() {
            pod.node_affinity.push(required);
        }
        Ok(())
    }

    fn spread(
        &self,
        place: &Place,
        asked: &[SpreadConstraint],
        pod: &mut Pod,
    ) -> Result<(), InputError> {
        let own =
            || LabelSelector(vec![(APP.into(), Requirement::is(Arc::clone(&pod.labels[APP])))]);
        let mut known = BTreeSet::new();
        let mut all = Vec::new();
        for (index, constraint) in asked.iter().enumerate() {
            let SpreadConstraint { topology_key, when_unsatisfiable, min_domains, .. } = constraint;
            let path = place.path_of("topologySpreadConstraints", index);
            let place = Place::new(topology_key.referenced, path);
            if !known.insert((&topology_key.value, when_unsatisfiable)) {
                let problem = format!("is there twice as {when_unsatisfiable:?}");
                return Err(self.error(&place.field("topologyKey"), problem));
            }
            let may_be_broken = *when_unsatisfiable == WhenUnsatisfiable::ScheduleAnyway;
            if may_be_broken && min_domains.is_some() {
                let problem = "goes with whenUnsatisfiable: DoNotSchedule only";
                return Err(self.error(&place.field("minDomains"), problem));
            }
            all.push(TopologySpread {
                max_skew: constraint.max_skew.0,
                topology_key: Arc::clone(&topology_key.value.0),
                when_unsatisfiable: *when_unsatisfiable,
                selector: own(),
                min_domains: min_domains.map(|count| count.0),
                node_affinity_policy: constraint.node_affinity_policy,
                node_taints_policy: constraint.node_taints_policy,
                match_label_keys: Vec::new(),
            });
        }
        pod.topology_spread = all;
        Ok(())
    }

    fn pod_affinity(
        &self,
        place: &Place,
        asked: &[PodTerm],
        pod: &Pod,
    ) -> Result<PodAffinity, InputError> {
        let mut affinity = PodAffinity::default();
        for (index, PodTerm { topology_key, with, weight }) in asked.iter().enumerate() {
            let own = &pod.name.namespace;
            let (namespace, app) = if &*with.value == SELF {
                (own, &pod.labels[APP])
            } else {
                let name = match with.value.split_once('/') {
                    Some((namespace, name)) => ObjectName::new(namespace, name),
                    None => ObjectName::new(Arc::clone(own), Arc::clone(&with.value)),
                };
                let Some((name, app)) = self.apps.get_key_value(&name) else {
                    let path = format!("{}[{index}].with", place.path);
                    let said = clip(&with.value);
                    let problem = format!(
                        "{said:?} is no item with pods: expected the name of one (NAMESPACE/NAME elsewhere) or self"
                    );
                    return Err(self.error(&Place::new(with.referenced, path), problem));
                };
                (&name.namespace, app)
            };
            let selector = LabelSelector(vec![(APP.into(), Requirement::is(Arc::clone(app)))]);
            let elsewhere = (namespace != own).then(|| Arc::clone(namespace));
            let term = PodAffinityTerm {
                topology_key: Arc::clone(&topology_key.0),
                selector: Some(selector),
                namespaces: elsewhere.into_iter().collect(),
                namespace_selector: None,
                match_label_keys: Vec::new(),
                mismatch_label_keys: Vec::new(),
            };
            match weight {
                None => affinity.required.push(term),
                Some(weight) => affinity.preferred.push((weight.0, term)),
            }
        }
        Ok(affinity)
    }
}
