//! `just bench-cluster`: measures joiner on a real control plane and prints a table for single pods and one for a large
//! cluster, or only for the one that is named (`single`, `large`).
#![expect(clippy::print_stdout, reason = "a command for a person")]

use anyhow::Result;
use e2e::bench::{large, single, table};
use e2e::stage::on_this_thread;
use std::env;

fn main() -> Result<()> {
    let only = env::args().nth(1);
    let is_asked = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if is_asked("single") {
        println!("{}", table(&on_this_thread(single())?));
    }
    if is_asked("large") {
        let mut rows = Vec::new();
        let measured = on_this_thread(large(&mut rows));
        println!("{}", table(&rows));
        measured?;
    }
    Ok(())
}
