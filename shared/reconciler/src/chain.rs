//! An error with its causes, in one line: what a log shows.

use std::error::Error;
use std::fmt::Write;

/// The error and what brought it about, each after a colon. Some errors repeat their cause; that is said once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            let _ = write!(text, ": {said}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failed {
        #[error("the pass failed")]
        Pass(#[source] Box<Self>),
        #[error("no answer: {0}")]
        Answer(#[source] Box<Self>),
        #[error("the line is dead")]
        Line,
    }

    #[test]
    fn causes_follow_and_none_is_said_twice() {
        let answer = Failed::Answer(Box::new(Failed::Line));
        let text = chain(&Failed::Pass(Box::new(answer)));
        assert_eq!(text, "the pass failed: no answer: the line is dead");
    }
}
