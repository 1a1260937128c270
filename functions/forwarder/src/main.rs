//! Watches a cluster and sends hints until it is told to stop.

use std::process::ExitCode;

use forwarder::{clock::Clock, logging, run, settings::Settings};

fn main() -> ExitCode {
    logging::start(std::env::var("RUST_LOG").ok().as_deref());
    let settings = match Settings::read(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(%error, "the settings cannot be used");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run::run(&settings, Clock::start())),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the forwarder ends");
            ExitCode::FAILURE
        }
    }
}
