//! The disruption function on Lambda.

use disruption::handler::handle;
use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::run("disruption", async |place, invocation, _| {
        place.catch_up(invocation.now).await;
        handle(&place.cluster, &place.cloud, invocation).await
    })
}
