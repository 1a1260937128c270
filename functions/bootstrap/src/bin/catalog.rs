//! The catalog function on Lambda.

use catalog_function::handler::handle;
use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::run(async |place, invocation, _| {
        handle(&place.cluster, &place.cloud, &place.config.instance_profiles, invocation).await
    })
}
