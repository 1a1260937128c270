//! `joiner crds`: the custom resource definitions of the kinds that joiner reads and writes.

use crate::{Failure, Streams};
use clap::{Args, ValueEnum};
use kubernetes::crd::{self, Definition};
use serde_json::json;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A kind, by its name or a short one; without it, all of them.
    kind: Option<String>,
    /// How to print them; JSON of several is a List.
    #[arg(short, long, value_enum, default_value = "yaml")]
    output: Format,
}

/// Both can be given to `kubectl apply -f -`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

pub(crate) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let mut definitions = crd::all();
    if let Some(kind) = &arguments.kind {
        let found = definitions.iter().find(|definition| definition.is_called(kind));
        definitions = vec![found.cloned().ok_or_else(|| unknown(kind, &definitions))?];
    }
    let text = match (arguments.output, &definitions[..]) {
        (Format::Yaml, all) => all.iter().map(Definition::yaml).collect(),
        (Format::Json, [one]) => format!("{}\n", one.json()),
        (Format::Json, all) => {
            let items: Vec<_> = all.iter().map(Definition::json).collect();
            format!("{}\n", json!({"apiVersion": "v1", "kind": "List", "items": items}))
        }
    };
    streams.output.write_all(text.as_bytes()).map_err(Failure::output)
}

fn unknown(kind: &str, definitions: &[Definition]) -> Failure {
    let known: Vec<&str> = definitions.iter().map(Definition::kind).collect();
    let known = known.join(", ");
    Failure::Input(format!("KIND: expected one of {known}, found {kind:?}"))
}
