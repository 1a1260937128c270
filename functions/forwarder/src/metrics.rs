//! What is counted, and its page for Prometheus.

mod pools;

use model::hint::{Hint, Subject};
use pools::Pools;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// From 5 ms, a good answer of SQS', to a minute, after which the sweep has seen the same.
const WAIT_SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct To {
    hint: &'static str,
}

/// The counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// What NodePools tell.
    pub(crate) pools: Pools,
    sent: Family<To, Counter>,
    send_failures: Family<To, Counter>,
    merged: Counter,
    wait: Histogram,
    last_sent: Gauge,
    changes: Family<Of, Counter>,
    objects: Family<Of, Gauge>,
    lists: Family<Of, Counter>,
    unreadable: Family<Of, Counter>,
    watch_failures: Family<Of, Counter>,
}

impl Metrics {
    /// Every series there is, at zero.
    pub(crate) fn new(cluster: &str) -> Self {
        let mut all = Self {
            registry: Registry::with_prefix("joiner_forwarder"),
            pools: Pools::new(),
            sent: Family::default(),
            send_failures: Family::default(),
            merged: Counter::default(),
            wait: Histogram::new(WAIT_SECONDS),
            last_sent: Gauge::default(),
            changes: Family::default(),
            objects: Family::default(),
            lists: Family::default(),
            unreadable: Family::default(),
            watch_failures: Family::default(),
        };
        for hint in Hint::ALL.map(to) {
            drop(all.sent.get_or_create(&hint));
            drop(all.send_failures.get_or_create(&hint));
        }
        for kind in Subject::ALL.map(of) {
            for family in [&all.changes, &all.lists, &all.unreadable, &all.watch_failures] {
                drop(family.get_or_create(&kind));
            }
            drop(all.objects.get_or_create(&kind));
        }
        all.register(cluster);
        all
    }

    fn register(&mut self, cluster: &str) {
        let Self { registry: to, .. } = self;
        let labels = [("cluster", cluster.to_owned()), ("version", version().to_owned())];
        to.register("build", "The cluster and this build", Info::new(labels.to_vec()));
        to.register("hints_sent", "Hints that the queue has taken", self.sent.clone());
        let text = "Hints that the queue has not taken, or not said so";
        to.register("hint_failures", text, self.send_failures.clone());
        let text =
            "Hints that became one with another of their kind while the queue did not answer";
        to.register("hints_merged", text, self.merged.clone());
        let text = "How long a hint waited for the queue";
        to.register("hint_wait_seconds", text, self.wait.clone());
        let text = "When the queue last took a hint";
        to.register("last_sent_timestamp_seconds", text, self.last_sent.clone());
        let text = "Changes that a function has to look at, or that made one needless";
        to.register("changes", text, self.changes.clone());
        to.register("objects", "Objects that matter now", self.objects.clone());
        to.register("lists", "Full lists, complete ones", self.lists.clone());
        let text = "Objects that could not be read and were left out";
        to.register("unreadable_objects", text, self.unreadable.clone());
        let text = "Lists and watches that failed";
        to.register("watch_failures", text, self.watch_failures.clone());
    }

    /// A hint was taken, after it had waited so many seconds.
    pub(crate) fn sent(&self, hint: Hint, waited: f64, now: i64) {
        self.sent.get_or_create(&to(hint)).inc();
        self.wait.observe(waited);
        self.last_sent.set(now);
    }

    /// A hint was not taken.
    pub(crate) fn not_sent(&self, hint: Hint) {
        self.send_failures.get_or_create(&to(hint)).inc();
    }

    /// So many hints have merged up to now.
    pub(crate) fn merged(&self, count: u64) {
        self.merged.inc_by(count.saturating_sub(self.merged.get()));
    }

    /// Objects of a kind have changed; so many are there now.
    pub(crate) fn changed(&self, subject: Subject, changes: usize, objects: usize) {
        self.changes.get_or_create(&of(subject)).inc_by(changes as u64);
        self.objects.get_or_create(&of(subject)).set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// A list was completed.
    pub(crate) fn listed(&self, subject: Subject) {
        self.lists.get_or_create(&of(subject)).inc();
    }

    /// An object could not be read.
    pub(crate) fn unreadable(&self, subject: Subject) {
        self.unreadable.get_or_create(&of(subject)).inc();
    }

    /// A list or a watch failed.
    pub(crate) fn watch_failed(&self, subject: Subject) {
        self.watch_failures.get_or_create(&of(subject)).inc();
    }

    /// The page.
    pub(crate) fn page(&self) -> String {
        let mut text = String::new();
        let written = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, self.pools.registry()))
            .and_then(|()| encode_eof(&mut text));
        written.expect("writing to a string does not fail");
        text
    }
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

const fn of(subject: Subject) -> Of {
    Of { kind: subject.as_str() }
}

const fn to(hint: Hint) -> To {
    To { hint: hint.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_from_the_start_and_counts() {
        let metrics = Metrics::new("blue");
        let page = metrics.page();
        for line in [
            r#"joiner_forwarder_build_info{cluster="blue",version="0.1.0"} 1"#,
            r#"joiner_forwarder_hints_sent_total{hint="lifecycle"} 0"#,
            r#"joiner_forwarder_objects{kind="EC2NodeClass"} 0"#,
            "joiner_forwarder_hints_merged_total 0",
            "# EOF",
        ] {
            assert!(page.lines().any(|l| l == line), "{line}\n{page}");
        }
        metrics.sent(Hint::Lifecycle, 0.02, 1_700_000_000);
        metrics.merged(3);
        metrics.merged(5);
        metrics.changed(Subject::Pod, 4, 7);
        metrics.unreadable(Subject::Node);
        let page = metrics.page();
        for line in [
            r#"joiner_forwarder_hints_sent_total{hint="lifecycle"} 1"#,
            r#"joiner_forwarder_hint_wait_seconds_bucket{le="0.025"} 1"#,
            "joiner_forwarder_last_sent_timestamp_seconds 1700000000",
            "joiner_forwarder_hints_merged_total 5",
            r#"joiner_forwarder_changes_total{kind="Pod"} 4"#,
            r#"joiner_forwarder_objects{kind="Pod"} 7"#,
            r#"joiner_forwarder_unreadable_objects_total{kind="Node"} 1"#,
        ] {
            assert!(page.lines().any(|l| l == line), "{line}\n{page}");
        }
    }
}
