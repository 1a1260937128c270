//! The log: JSON lines on standard output, one for each event. Objects are never logged, only their names.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sends what is logged to standard output, from this level on; `info` if it is none.
///
/// The level is for our own crates only: what the SDK says of its requests at a low level is not for a log.
pub fn start(level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        // It warns of what it also answers with, and that is logged with what it means.
        .with_target("kube_client", LevelFilter::OFF)
        .with_targets([("forwarder", level), ("kubernetes", level)]);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(targets).init();
}
