//! `just bench-functions`: measures the functions' binaries and prints a table.
#![expect(clippy::print_stdout, reason = "a command for a person")]

use anyhow::Result;
use e2e::bench::{functions, table};
use e2e::stage::on_this_thread;

fn main() -> Result<()> {
    let mut rows = Vec::new();
    let measured = on_this_thread(functions(&mut rows));
    println!("{}", table(&rows));
    measured
}
