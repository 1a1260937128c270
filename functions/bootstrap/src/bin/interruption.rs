//! The interruption function on Lambda.

use interruption::handler::handle;
use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::run("interruption", async |place, invocation, event| {
        handle(&place.cluster, &place.cloud, invocation, event).await
    })
}
