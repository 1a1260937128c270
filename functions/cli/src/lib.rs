//! The `joiner` command: what it takes and what it answers with. Each subcommand has a module of its own.
//!
//! Exit codes: 0 done (pods that fit nowhere are data), 1 the run failed, 2 bad input or usage.

pub mod bill;
mod catalogue;
mod columns;
mod crds;
mod doctor;
mod explain;
pub mod failure;
mod files;
mod format;
mod live;
mod plan;
mod recording;
mod replay;
mod shadow;
mod simulate;
mod status;
mod wiring;

use clap::{Parser, Subcommand};
use failure::Failure;
use format::Format;
use std::ffi::OsString;
use std::io::{Read, Write};

/// Where a command reads and writes.
pub struct Streams<'a> {
    /// Standard input, for `-f -`.
    pub input: &'a mut dyn Read,
    /// Results.
    pub output: &'a mut dyn Write,
    /// Everything else.
    pub errors: &'a mut dyn Write,
    /// Whether a person looks at `errors`, who may be shown how far a run is.
    pub has_terminal: bool,
}

impl Streams<'_> {
    /// Prints a result, as JSON or as the text that is made of it for people.
    fn print<R: serde::Serialize>(
        &mut self,
        format: Format,
        result: &R,
        text: impl FnOnce(&R) -> String,
    ) -> Result<(), Failure> {
        match format {
            Format::Json => {
                serde_json::to_writer(&mut *self.output, result)
                    .map_err(|error| Failure::output(error.into()))?;
                writeln!(self.output).map_err(Failure::output)
            }
            Format::Table => {
                self.output.write_all(text(result).as_bytes()).map_err(Failure::output)
            }
        }
    }
}

/// Kubernetes node autoscaling on AWS without a controller pod, speaking Karpenter's API.
#[derive(Debug, Parser)]
#[command(name = "joiner", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say which nodes the pods in these files need, what they cost, and why a pod is left out.
    Plan(plan::Arguments),
    /// Say why a pod waits or where it would go, why a node is there and stays, or how a NodePool stands.
    Explain(explain::Arguments),
    /// Say what nodes there are and what they cost, what is on its way, and what the next pass would do.
    Status(status::Arguments),
    /// Say of what joiner needs in a cluster whether it is there and what to do, or what a stack costs that does nothing.
    Doctor(doctor::Arguments),
    /// Beside a live Karpenter, print what joiner would do and what Karpenter did, pass after pass; nothing is written.
    Shadow(shadow::Arguments),
    /// Make the decisions of a recorded cluster again, and print them.
    Replay(replay::Arguments),
    /// Run the whole product in a simulated world in virtual time: a real trace of pods, real decisions.
    Simulate(simulate::Arguments),
    /// Print the custom resource definitions that a cluster needs.
    Crds(crds::Arguments),
}

/// Runs a command line. Returns the exit code; what went wrong is one line on `errors`.
pub fn run(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    streams: &mut Streams<'_>,
) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, streams),
    };
    let result = match arguments.command {
        Command::Plan(arguments) => plan::run(&arguments, streams),
        Command::Explain(arguments) => explain::run(&arguments, streams),
        Command::Status(arguments) => status::run(&arguments, streams),
        Command::Doctor(arguments) => doctor::run(&arguments, streams),
        Command::Shadow(arguments) => shadow::run(&arguments, streams),
        Command::Replay(arguments) => replay::run(&arguments, streams),
        Command::Simulate(arguments) => simulate::run(&arguments, streams),
        Command::Crds(arguments) => crds::run(&arguments, streams),
    };
    let result = result.and_then(|()| streams.output.flush().map_err(Failure::output));
    match result {
        Ok(()) | Err(Failure::Closed) => 0,
        Err(failure) => {
            // Nothing is left to be done where even this cannot be said.
            let _ = writeln!(streams.errors, "error: {failure}");
            failure.exit_code()
        }
    }
}

/// Prints help and version, which were asked for, or what is wrong with the arguments.
fn usage(error: &clap::Error, streams: &mut Streams<'_>) -> u8 {
    let text = error.render();
    let stream: &mut dyn Write =
        if error.use_stderr() { &mut *streams.errors } else { &mut *streams.output };
    let _ = write!(stream, "{text}");
    let _ = stream.flush();
    if error.use_stderr() { failure::BAD_INPUT } else { 0 }
}
