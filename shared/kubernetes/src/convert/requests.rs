//! What a pod requests in all, by the rules of the Kubernetes documentation ("Resource Management for Pods and Containers",
//! "Sidecar Containers", "Pod Overhead", "Assign Pod-level CPU and memory resources").

use crate::field::FieldError;
use crate::objects::amounts::Amounts;
use crate::objects::pod::{Container, PodSpec, ResourceDemand};
use model::resources::Resources;

/// All that the pod requests, one pod slot among it.
pub(crate) fn of(spec: &PodSpec) -> Result<Resources, FieldError> {
    let mut total = of_containers(spec);
    replace_by_pod_level(&mut total, &spec.resources);
    total.add(&spec.overhead);
    total.0.insert("pods".into(), 1);
    total.resources().map_err(|message| FieldError::new("spec", message))
}

/// Containers run together, and beside the sidecars; an init container runs beside the sidecars that come before it.
fn of_containers(spec: &PodSpec) -> Amounts {
    let mut together = Amounts::default();
    for container in &spec.containers {
        together.add(&of_container(container));
    }
    let mut sidecars = Amounts::default();
    let mut starting = Amounts::default();
    for container in &spec.init_containers {
        let mut at_once = of_container(container);
        if container.is_sidecar() {
            together.add(&at_once);
            sidecars.add(&at_once);
        } else {
            at_once.add(&sidecars);
            starting.raise_to(&at_once);
        }
    }
    together.raise_to(&sidecars);
    together.raise_to(&starting);
    together
}

/// A container's requests; where it has a limit only, that is its request.
fn of_container(container: &Container) -> Amounts {
    let ResourceDemand { requests, limits } = &container.resources;
    let mut all = limits.clone();
    all.0.extend(requests.0.iter().map(|(name, units)| (name.clone(), *units)));
    all
}

/// Requests of the pod as a whole stand instead of its containers'; its limits only where no container requests anything.
fn replace_by_pod_level(total: &mut Amounts, pod: &ResourceDemand) {
    let counts = |name: &str| name == "cpu" || name == "memory" || name.starts_with("hugepages-");
    for (name, units) in pod.requests.0.iter().filter(|(name, _)| counts(name)) {
        total.0.insert(name.clone(), *units);
    }
    for (name, units) in pod.limits.0.iter().filter(|(name, _)| counts(name)) {
        if !pod.requests.0.contains_key(name) {
            total.0.entry(name.clone()).or_insert(*units);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::field;
    use serde_json::{Value, json};

    /// Requests of a pod with this spec, or why there are none.
    fn requests(spec: Value) -> String {
        let pod = field::read::<crate::objects::pod::PodSpec>(spec);
        match pod.and_then(|spec| super::of(&spec)) {
            Ok(resources) => resources.to_string(),
            Err(error) => error.to_string(),
        }
    }

    fn container(requests: &Value) -> Value {
        json!({"resources": {"requests": requests}})
    }

    fn sidecar(requests: &Value) -> Value {
        json!({"restartPolicy": "Always", "resources": {"requests": requests}})
    }

    #[test]
    fn containers_add_up_and_a_pod_takes_one_slot() {
        let spec = json!({"containers": [
            container(&json!({"cpu": "100m", "memory": "1Gi"})),
            container(&json!({"cpu": 0.5, "memory": 1024, "nvidia.com/gpu": 1})),
        ]});
        assert_eq!(requests(spec), "600m cpu, 1048577Ki memory, 1 pods, 1 nvidia.com/gpu");
        assert_eq!(requests(json!({"containers": [{}]})), "1 pods");
    }

    #[test]
    fn the_largest_init_container_counts_when_it_is_larger() {
        let spec = json!({
            "initContainers": [container(&json!({"cpu": "2"})), container(&json!({"memory": "2Gi"}))],
            "containers": [container(&json!({"cpu": "1", "memory": "3Gi"}))],
        });
        assert_eq!(requests(spec), "2 cpu, 3Gi memory, 1 pods");
    }

    #[test]
    fn a_sidecar_adds_to_containers_and_to_the_init_containers_after_it() {
        let spec = json!({
            "initContainers": [
                container(&json!({"cpu": "5"})),
                sidecar(&json!({"cpu": "1"})),
                container(&json!({"cpu": "6"})),
            ],
            "containers": [container(&json!({"cpu": "2"}))],
        });
        assert_eq!(requests(spec), "7 cpu, 1 pods");
        let before = json!({
            "initContainers": [container(&json!({"cpu": "6"})), sidecar(&json!({"cpu": "1"}))],
            "containers": [container(&json!({"cpu": "2"}))],
        });
        assert_eq!(requests(before), "6 cpu, 1 pods");
    }

    #[test]
    fn a_limit_without_request_is_the_request() {
        let spec = json!({"containers": [{"resources": {
            "requests": {"cpu": "0"},
            "limits": {"cpu": "1", "memory": "1Gi"},
        }}]});
        assert_eq!(requests(spec), "1Gi memory, 1 pods");
    }

    #[test]
    fn requests_of_the_whole_pod_stand_instead_of_its_containers() {
        let spec = json!({
            "containers": [container(&json!({"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"}))],
            "resources": {"requests": {"cpu": "3"}, "limits": {"cpu": "4", "memory": "8Gi"}},
            "overhead": {"cpu": "250m"},
        });
        assert_eq!(requests(spec), "3250m cpu, 1Gi memory, 1 pods, 1 nvidia.com/gpu");
        let limits = json!({"containers": [{}], "resources": {"limits": {"memory": "8Gi"}}});
        assert_eq!(requests(limits), "8Gi memory, 1 pods");
    }

    #[test]
    fn a_wrong_amount_is_named_with_its_field() {
        let spec = |cpu: Value| json!({"containers": [container(&json!({"cpu": cpu}))]});
        let field = "containers[0].resources.requests.cpu";
        assert_eq!(
            requests(spec(json!("-1"))),
            format!("{field}: \"-1\" is negative: expected zero or more")
        );
        assert_eq!(
            requests(spec(json!("much"))),
            format!(
                "{field}: \"much\" is not a quantity: expected a number such as 500m, 2, 1.5Gi or 1e3"
            )
        );
        assert_eq!(
            requests(spec(json!([]))),
            format!(
                "{field}: invalid type: sequence, expected a quantity such as 500m, 2 or 1.5Gi"
            )
        );
    }

    #[test]
    fn amounts_that_no_node_has_do_not_overflow() {
        let huge = container(&json!({"memory": "8000Pi"}));
        assert_eq!(
            requests(json!({"containers": [huge, huge]})),
            "spec: memory is too large: expected at most 128Ti"
        );
    }
}
