//! The `joiner` command.

use joiner_cli::{Streams, run};
use std::io::{self, IsTerminal};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut streams = Streams {
        input: &mut io::stdin().lock(),
        output: &mut io::BufWriter::new(io::stdout().lock()),
        errors: &mut io::stderr(),
        has_terminal: io::stderr().is_terminal(),
    };
    ExitCode::from(run(std::env::args_os(), &mut streams))
}
