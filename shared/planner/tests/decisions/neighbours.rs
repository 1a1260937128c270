//! What fixtures say about neighbours, in words of a `pod` line:
//!
//! ```text
//! spread=KEY/SKEW/SELECTOR   spread?=KEY/SKEW/SELECTOR (may be broken), then as needed /min:3 /honor-taints /ignore-affinity /match:KEY
//! anti=KEY/SELECTOR          anti?=WEIGHT/KEY/SELECTOR
//! affinity=KEY/SELECTOR      affinity?=WEIGHT/KEY/SELECTOR, then as needed /ns:NAME /every-ns /ns-label:k=v /match:KEY /mismatch:KEY
//! ```
//!
//! A selector is `app=web`, or `all`.

use crate::fixture::{Line, long};
use model::affinity::{
    LabelSelector, NodeInclusionPolicy, PodAffinityTerm, TopologySpread, WhenUnsatisfiable,
};
use model::name::Text;
use model::pod::Pod;
use model::requirement::Requirement;

/// Adds the terms of a line to a pod.
pub(crate) fn add(line: &Line<'_>, pod: &mut Pod) {
    for word in &line.0 {
        let Some((kind, text)) = word.split_once('=') else { continue };
        let parts: Vec<&str> = text.split('/').collect();
        match kind {
            "spread" => pod.topology_spread.push(spread(&parts, WhenUnsatisfiable::DoNotSchedule)),
            "spread?" => {
                pod.topology_spread.push(spread(&parts, WhenUnsatisfiable::ScheduleAnyway));
            }
            "anti" => pod.anti_affinity.required.push(term(&parts)),
            "affinity" => pod.affinity.required.push(term(&parts)),
            "anti?" => pod.anti_affinity.preferred.push(weighted(&parts)),
            "affinity?" => pod.affinity.preferred.push(weighted(&parts)),
            _ => {}
        }
    }
}

fn weighted(parts: &[&str]) -> (i32, PodAffinityTerm) {
    (parts[0].parse().unwrap(), term(&parts[1..]))
}

fn term(parts: &[&str]) -> PodAffinityTerm {
    PodAffinityTerm {
        topology_key: long(parts[0]),
        selector: Some(selector(parts[1])),
        namespaces: options(parts, "ns"),
        namespace_selector: if parts.contains(&"every-ns") {
            Some(LabelSelector::default())
        } else {
            options(parts, "ns-label").first().map(|pair| selector(pair))
        },
        match_label_keys: options(parts, "match"),
        mismatch_label_keys: options(parts, "mismatch"),
    }
}

fn spread(parts: &[&str], when_unsatisfiable: WhenUnsatisfiable) -> TopologySpread {
    let policy = |honors: bool| {
        if honors { NodeInclusionPolicy::Honor } else { NodeInclusionPolicy::Ignore }
    };
    TopologySpread {
        max_skew: parts[1].parse().unwrap(),
        topology_key: long(parts[0]),
        when_unsatisfiable,
        selector: selector(parts[2]),
        min_domains: options(parts, "min").first().map(|least| least.parse().unwrap()),
        node_affinity_policy: policy(!parts.contains(&"ignore-affinity")),
        node_taints_policy: policy(parts.contains(&"honor-taints")),
        match_label_keys: options(parts, "match"),
    }
}

fn selector(text: &str) -> LabelSelector {
    let pair = text.split_once('=').map(|(key, value)| (key.into(), Requirement::is(value)));
    LabelSelector(pair.into_iter().collect())
}

fn options(parts: &[&str], name: &str) -> Vec<Text> {
    let values = parts.iter().filter_map(|part| part.strip_prefix(name)?.strip_prefix(':'));
    values.map(Into::into).collect()
}
