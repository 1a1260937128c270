//! The lifecycle function on Lambda.

use lifecycle::handler::handle;
use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::run("lifecycle", async |place, invocation, _| {
        handle(&place.cluster, &place.cloud, invocation).await
    })
}
