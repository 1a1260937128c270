//! Why a command did not end well.

use std::io;

/// The exit code of bad input or usage.
pub(crate) const BAD_INPUT: u8 = 2;

/// Why a command did not end well; prints as one line.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was given cannot be used: the line names the file, the object and the field.
    #[error("{0}")]
    Input(String),
    /// The run itself failed.
    #[error("{0}")]
    Run(String),
    /// The result could not be written.
    #[error("the result could not be written: {0}")]
    Output(io::Error),
    /// The reader of the result has gone: it has seen enough.
    #[error("nobody reads the result")]
    Closed,
}

impl Failure {
    /// A failure to write a result.
    pub(crate) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Output(error) }
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => BAD_INPUT,
            Self::Run(_) | Self::Output(_) => 1,
            Self::Closed => 0,
        }
    }
}
