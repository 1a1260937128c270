//! What the SDK says of a failed call, as what the shell knows.

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use launch::refusal::{self, Failure};
use model::outcome::Outcome;
use reconciler::chain::chain;
use reconciler::ports::ObserveError;
use std::error::Error;

/// The errors that calls of the SDK end with.
pub(crate) trait CallError: ProvideErrorMetadata + Error + Send + Sync + 'static {}
impl<E: ProvideErrorMetadata + Error + Send + Sync + 'static> CallError for E {}

/// Longer texts are cut.
const MESSAGE_CHARS_MAX: usize = 300;

/// What came of an action. Whatever did not end with EC2's own word may have taken effect.
pub(crate) fn outcome<E: CallError>(error: &SdkError<E, HttpResponse>) -> Outcome {
    match error.as_service_error() {
        Some(said) => refusal::outcome(Failure {
            code: said.code().unwrap_or_default(),
            message: said.message().unwrap_or_default(),
            status: error.raw_response().map_or(0, |response| response.status().as_u16()),
        }),
        None => Outcome::Unknown { message: said(error) },
    }
}

/// Why something could not be read.
pub(crate) fn of_reading<E: CallError>(error: &SdkError<E, HttpResponse>) -> ObserveError {
    let service = "EC2";
    match outcome(error) {
        Outcome::Throttled => ObserveError::Throttled { service },
        Outcome::Denied { code: _, message } => ObserveError::Denied { service, message },
        Outcome::Unknown { message } => ObserveError::Unreachable { service, message },
        other @ (Outcome::Done
        | Outcome::Created { .. }
        | Outcome::Updated { .. }
        | Outcome::Launched(_)
        | Outcome::Conflict
        | Outcome::NotFound
        | Outcome::Blocked { .. }
        | Outcome::Unavailable { .. }
        | Outcome::TokenSpent { .. }
        | Outcome::Skipped) => {
            ObserveError::Unreachable { service, message: other.word().to_owned() }
        }
    }
}

/// An error with its causes, in one line of bounded length.
pub(crate) fn said(error: &(dyn Error + 'static)) -> String {
    chain(error).lines().next().unwrap_or_default().chars().take(MESSAGE_CHARS_MAX).collect()
}
