//! `just bench-cluster`: measures joiner on a real control plane and prints a table.
#![expect(clippy::print_stdout, reason = "a command for a person")]

use anyhow::Result;
use e2e::bench::{large, single, table};
use e2e::stage::on_this_thread;

fn main() -> Result<()> {
    let mut rows = on_this_thread(single())?;
    println!("{}", table(&rows));
    rows = on_this_thread(large())?;
    println!("{}", table(&rows));
    Ok(())
}
