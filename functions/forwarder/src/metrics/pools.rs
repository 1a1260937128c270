//! What NodePools tell, under the names that Karpenter 1.14 gives to it: dashboards that are there go on showing it.

use kubernetes::watch::PoolFigures;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

type Amounts = Family<Amount, Gauge<f64, AtomicU64>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Amount {
    nodepool: String,
    resource_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Condition {
    name: String,
    r#type: String,
    status: String,
}

/// The gauges.
#[derive(Debug)]
pub(crate) struct Pools {
    registry: Registry,
    usage: Amounts,
    limits: Amounts,
    conditions: Family<Condition, Gauge>,
    /// What is shown, so that what is not told any more can be taken away.
    shown: Vec<PoolFigures>,
}

impl Pools {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let (usage, limits) = (Amounts::default(), Amounts::default());
        let conditions = Family::default();
        let text = "What the nodes of a NodePool have together";
        registry.register("karpenter_nodepools_usage", text, usage.clone());
        let text = "What they may have at most";
        registry.register("karpenter_nodepools_limit", text, limits.clone());
        let text = "The conditions of a NodePool, each with its status";
        let name = "operator_nodepool_status_condition_count";
        registry.register(name, text, Family::clone(&conditions));
        Self { registry, usage, limits, conditions, shown: Vec::new() }
    }

    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Shows these figures in the place of those that a pool has told before.
    pub(crate) fn tell(&mut self, figures: &PoolFigures) {
        self.forget(&figures.name);
        for (family, amounts) in [(&self.usage, &figures.usage), (&self.limits, &figures.limits)] {
            for (resource, units) in amounts {
                family.get_or_create(&amount(figures, resource)).set(whole(resource, *units));
            }
        }
        for (kind, status) in &figures.conditions {
            self.conditions.get_or_create(&condition(figures, kind, status)).set(1);
        }
        self.shown.push(figures.clone());
    }

    /// Shows a pool no more.
    pub(crate) fn forget(&mut self, name: &str) {
        let Some(at) = self.shown.iter().position(|figures| figures.name == name) else { return };
        let figures = self.shown.swap_remove(at);
        for (family, amounts) in [(&self.usage, &figures.usage), (&self.limits, &figures.limits)] {
            for (resource, _) in amounts {
                family.remove(&amount(&figures, resource));
            }
        }
        for (kind, status) in &figures.conditions {
            self.conditions.remove(&condition(&figures, kind, status));
        }
    }

    /// Shows no pool.
    pub(crate) fn clear(&mut self) {
        self.shown.clear();
        self.usage.clear();
        self.limits.clear();
        self.conditions.clear();
    }
}

fn amount(figures: &PoolFigures, resource: &str) -> Amount {
    Amount { nodepool: figures.name.clone(), resource_type: resource.to_owned() }
}

fn condition(figures: &PoolFigures, kind: &str, status: &str) -> Condition {
    let [name, r#type, status] = [&figures.name, kind, status].map(ToString::to_string);
    Condition { name, r#type, status }
}

/// In cores, bytes and pieces. Gauges are floats, as Prometheus has it.
#[expect(clippy::cast_precision_loss, reason = "a float holds whole numbers up to 9e15")]
fn whole(resource: &str, units: i64) -> f64 {
    if resource == "cpu" { units as f64 / 1_000.0 } else { units as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode_registry;

    fn figures(name: &str, cpu: i64, healthy: &str) -> PoolFigures {
        PoolFigures {
            name: name.to_owned(),
            usage: vec![("cpu".to_owned(), cpu), ("memory".to_owned(), 1 << 30)],
            limits: vec![("nodes".to_owned(), 3)],
            conditions: vec![("NodeRegistrationHealthy".to_owned(), healthy.to_owned())],
        }
    }

    fn shown(pools: &Pools) -> String {
        let mut text = String::new();
        encode_registry(&mut text, pools.registry()).unwrap();
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        lines.sort_unstable();
        lines.join("\n")
    }

    #[test]
    fn a_pool_is_shown_as_it_last_told_until_it_is_gone() {
        let mut pools = Pools::new();
        pools.tell(&figures("a", 500, "Unknown"));
        pools.tell(&figures("a", 2_500, "True"));
        assert_eq!(
            shown(&pools),
            r#"karpenter_nodepools_limit{nodepool="a",resource_type="nodes"} 3.0
karpenter_nodepools_usage{nodepool="a",resource_type="cpu"} 2.5
karpenter_nodepools_usage{nodepool="a",resource_type="memory"} 1073741824.0
operator_nodepool_status_condition_count{name="a",type="NodeRegistrationHealthy",status="True"} 1"#
        );
        pools.tell(&figures("b", 0, "False"));
        pools.forget("a");
        pools.forget("a");
        assert!(!shown(&pools).contains("\"a\"") && shown(&pools).contains("\"b\""));
        pools.clear();
        assert_eq!(shown(&pools), "");
    }
}
