//! `joiner explain`: why a pod waits or where it would go, why a node is there and stays, how a NodePool stands. It changes
//! nothing.

mod node;
mod pod;
mod pool;
mod sweep;

use crate::Streams;
use crate::failure::Failure;
use crate::format::Format;
use crate::plan::Input;
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What NAME is: `pod`, `node` or `pool`; without NAME this is the name of a pod itself.
    #[arg(value_name = "KIND")]
    kind: String,
    /// The pod (NAMESPACE/NAME, or the name of one in the namespace `default`), the node, or the NodePool.
    name: Option<String>,
    #[command(flatten)]
    input: Input,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Explains and prints.
pub(crate) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let Arguments { kind, name, input, output } = arguments;
    let (kind, name) = match name {
        Some(name) => (&**kind, name),
        None => ("pod", kind),
    };
    let run = match kind {
        "pod" => pod::run,
        "node" => node::run,
        "pool" | "nodepool" => pool::run,
        other => {
            let expected = "expected pod, node or pool";
            return Err(Failure::Input(format!("KIND: {expected}, found {other:?}")));
        }
    };
    let (world, now) = input.read(streams)?;
    run((&world, now), name, *output, streams)?;
    world.say_notes(streams)
}
