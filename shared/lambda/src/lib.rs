//! The hallway of every function: what stands in its environment, what it was invoked with, how long it has, and what it
//! answers.

mod catalogue;
pub mod config;
mod logging;
pub mod place;
pub mod serve;
mod telling;
pub mod trigger;

use place::Place;
use reconciler::batch::{Invocation, Response};
use reconciler::chain::chain;
use std::env;
use std::process::ExitCode;

/// Runs a function of this name until Lambda ends the process. The handler is given where it works, what it was called with, and the
/// event itself where that is no batch of messages. Settings that cannot be used end it at once, with one line in the log
/// that names the variable.
#[expect(clippy::needless_pass_by_value, reason = "a binary hands its one closure over")]
pub fn run(
    function: &'static str,
    handle: impl AsyncFn(&Place, &Invocation<'_>, &str) -> Response,
) -> ExitCode {
    logging::start(env::var("JOINER_LOG_LEVEL").ok().as_deref());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    runtime.block_on(async {
        let place = match Place::from(|name| env::var(name).ok()).await {
            Ok(place) => place,
            Err(error) => return failed(&error),
        };
        let handle = async |invocation: &Invocation<'_>, event: &str| {
            let response = handle(&place, invocation, event).await;
            place.tell(function, &response, invocation).await;
            response
        };
        match serve::serve(&place.config.settings, handle).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&*error),
        }
    })
}

fn failed(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    tracing::error!(error = chain(error), "the function ends");
    ExitCode::FAILURE
}
