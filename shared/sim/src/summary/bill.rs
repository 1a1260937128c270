//! What the functions and their queues would cost in a month of such load.
//!
//! List prices of us-east-1 without the free tier; logs, metrics and traffic are left out.

use super::measure;
use crate::record::Record;
use serde::Serialize;

/// Lambda on arm64, dollars per GB and second.
const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
/// Lambda, dollars per invocation.
const LAMBDA_INVOCATION: f64 = 0.20 / 1e6;
/// SQS standard queue, dollars per request.
const SQS_REQUEST: f64 = 0.40 / 1e6;
/// A message is sent, received and deleted; batching makes it less.
const REQUESTS_PER_MESSAGE: f64 = 3.0;
/// One queue for provisioning, one for lifecycle.
const QUEUES: f64 = 2.0;
/// Pollers that Lambda keeps on a standard queue that is empty (Lambda developer guide, "Using Lambda with Amazon SQS").
const POLLERS_PER_QUEUE: f64 = 5.0;
/// A long poll of an empty queue returns after 20 s, the most that SQS allows.
const POLL_SECONDS: f64 = 20.0;
/// Hours of a month in AWS' price examples.
const MONTH_HOURS: f64 = 730.0;

/// Memory by function, in MB: planning over the whole cluster takes more than stepping claims. At 1,769 MB a function
/// has one full core (Lambda developer guide); these stay below, for clusters of a few hundred nodes.
const MEMORY_MB: [(&str, f64); 4] = [
    ("provisioning", 1024.0),
    ("lifecycle", 512.0),
    ("interruption", 512.0),
    ("disruption", 1024.0),
];
/// For a function that is not in the table.
const MEMORY_MB_DEFAULT: f64 = 512.0;

/// Dollars per month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bill {
    /// Invocations and their time.
    pub lambda: f64,
    /// Messages and polling.
    pub sqs: f64,
    /// Together.
    pub total: f64,
}

pub(super) fn monthly(record: &Record) -> Bill {
    let hours = measure::hours(record.start, record.end);
    if hours <= 0.0 {
        return Bill::default();
    }
    let months = hours / MONTH_HOURS;
    let gb_seconds: f64 = record
        .billed_millis
        .iter()
        .map(|(name, millis)| memory_mb(name) / 1024.0 * measure::float(*millis) / 1000.0)
        .sum();
    let invocations = measure::float(record.invocations.values().sum());
    let lambda = (gb_seconds * LAMBDA_GB_SECOND + invocations * LAMBDA_INVOCATION) / months;
    let polls = MONTH_HOURS * 3600.0 / POLL_SECONDS * POLLERS_PER_QUEUE * QUEUES;
    let messages = measure::float(record.messages) * REQUESTS_PER_MESSAGE / months;
    let sqs = (polls + messages) * SQS_REQUEST;
    Bill {
        lambda: measure::rounded(lambda),
        sqs: measure::rounded(sqs),
        total: measure::rounded(lambda + sqs),
    }
}

fn memory_mb(function: &str) -> f64 {
    let row = MEMORY_MB.iter().find(|(name, _)| *name == function);
    row.map_or(MEMORY_MB_DEFAULT, |(_, memory)| *memory)
}
