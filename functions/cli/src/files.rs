//! Files that the user names.

use crate::failure::Failure;
use kubernetes::manifest::{self, FILE_MAX, Objects, Source};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file's name for messages, and its content.
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// What a file is called in messages.
pub(crate) fn name_of(path: &Path) -> String {
    if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads a file; `-` is standard input.
pub(crate) fn read(path: &Path, input: &mut dyn Read) -> Result<Content, Failure> {
    let name = name_of(path);
    if is_stdin(path) {
        return read_all(name, input);
    }
    let shown = |error| Failure::Input(format!("{}: {error}", name.escape_debug()));
    let mut file = File::open(path).map_err(shown)?;
    if path.is_dir() {
        return Err(Failure::Input(format!("{}: is a directory", name.escape_debug())));
    }
    read_all(name.clone(), &mut file)
}

fn read_all(name: String, from: &mut dyn Read) -> Result<Content, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is allowed tells too much from just enough.
    let most = u64::try_from(FILE_MAX).expect("a file of the largest size is counted in 64 bits");
    let read = from.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::Input(format!("{}: {error}", name.escape_debug())))?;
    Ok(Content { name, bytes })
}

/// Reads Kubernetes objects from files.
pub(crate) fn objects(paths: &[PathBuf], input: &mut dyn Read) -> Result<Objects, Failure> {
    let contents = paths.iter().map(|path| read(path, input)).collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<Source<'_>> =
        contents.iter().map(|c| Source { name: &c.name, bytes: &c.bytes }).collect();
    manifest::read(&sources).map_err(|error| Failure::Input(error.to_string()))
}
