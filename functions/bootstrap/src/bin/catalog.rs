//! The catalog function on Lambda.

use catalog_function::handler::handle;
use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::run("catalog", async |place, invocation, event| {
        let profiles = &place.config.instance_profiles;
        handle((&place.cluster, &place.cloud), profiles, invocation, event).await
    })
}
