//! The `joiner` command.

use joiner_cli::{Streams, run};
use std::io::{self, IsTerminal};
use std::process::ExitCode;

/// A simulated world is made of many small things that come and go; with this allocator a run takes some tenth less time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut streams = Streams {
        input: &mut io::stdin().lock(),
        output: &mut io::BufWriter::new(io::stdout().lock()),
        errors: &mut io::stderr(),
        has_terminal: io::stderr().is_terminal(),
    };
    ExitCode::from(run(std::env::args_os(), &mut streams))
}
