//! The log: JSON lines on standard output, one for each event, which Lambda takes to CloudWatch. Names of objects and
//! reasons only.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Our crates that log. What an SDK says of its requests at a low level is not for a log.
const OURS: [&str; 5] = ["lambda", "reconciler", "kubernetes", "aws", "interruption"];

/// Sends what is logged to standard output, from this level on; `info` if it is none.
pub(crate) fn start(level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let targets = Targets::new().with_default(LevelFilter::WARN);
    let targets = targets.with_targets(OURS.map(|target| (target, level)));
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(targets).init();
}
