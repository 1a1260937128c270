//! The provisioning function on Lambda.

use provisioning::handler::handle;
use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::run("provisioning", async |place, invocation, _| {
        place.catch_up(invocation.now).await;
        handle(&place.cluster, &place.cloud, invocation).await
    })
}
