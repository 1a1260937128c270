//! Reads the workload language, YAML, and makes a workload of it. `data/workloads/README.md` describes the language.

mod language;
mod terms;
mod ties;
mod unroll;

use crate::input::InputError;
use crate::workload::Workload;
use language::Document;
use model::name::Zone;
use serde_saphyr::Error;

/// The longest file that is read, in bytes. The shipped examples have one or two thousand.
const BYTES_OF_FILE_MAX: usize = 4 << 20;
/// The examples that are shipped, by name.
pub const EXAMPLES: [(&str, &str); 8] = [
    ("burst", include_str!("../data/workloads/burst.yaml")),
    ("daily-curve", include_str!("../data/workloads/daily-curve.yaml")),
    ("batch-night", include_str!("../data/workloads/batch-night.yaml")),
    ("spot-storm", include_str!("../data/workloads/spot-storm.yaml")),
    ("zone-outage", include_str!("../data/workloads/zone-outage.yaml")),
    ("zone-spread", include_str!("../data/workloads/zone-spread.yaml")),
    ("co-located", include_str!("../data/workloads/co-located.yaml")),
    ("one-hour", include_str!("../data/workloads/one-hour.yaml")),
];

/// Reads a workload; `name` is the file's, for errors, and `zones` are those that there are.
///
/// # Errors
/// At the first thing in it that is not of the language, with its line and field.
pub fn parse(bytes: &[u8], name: &str, zones: &[Zone]) -> Result<Workload, InputError> {
    if BYTES_OF_FILE_MAX < bytes.len() {
        let problem =
            format!("{} bytes, more than the {BYTES_OF_FILE_MAX} that are read", bytes.len());
        return Err(InputError::of_file(name, problem));
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        InputError::of_file(name, "is no UTF-8 text").at_line(line as u64)
    })?;
    let document = document(text, name)?;
    unroll::workload(document, name, zones)
}

fn document(text: &str, name: &str) -> Result<Document, InputError> {
    let mut path = None;
    let options = serde_saphyr::options! { with_snippet: false };
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        serde_path_to_error::deserialize(yaml).map_err(|error| {
            path = Some(error.path().to_string()).filter(|path| path != ".");
            error.into_inner()
        })
    });
    read.map_err(|error| of_yaml(name, path, &error))
}

fn of_yaml(name: &str, path: Option<String>, error: &Error) -> InputError {
    let said = error.without_snippet().to_string();
    // The place is told by `line`; some of the parser's messages name it once more, at their end.
    let problem = said.split(" at line ").next().unwrap_or_default();
    let mut described = InputError::of_file(name, problem);
    described.field = path.map(without_wrapper);
    described.line = error.location().map(|location| location.line());
    described
}

/// Where a place is kept beside a value (`Spanned`), its path has one step more than the file.
fn without_wrapper(path: String) -> String {
    match path.strip_suffix(".value") {
        Some(field) if !field.contains(".tolerations[") => field.to_owned(),
        Some(_) | None => path,
    }
}
