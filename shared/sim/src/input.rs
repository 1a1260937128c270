//! What is wrong with a file that a user gave, in one line.

use std::fmt;

/// How much of a bad text an error repeats, in characters: enough to recognise it, little enough for one line.
const SHOWN_CHARS_MAX: usize = 60;
/// How long a part of an error may be, in characters, whatever the parsers below us repeat of the file.
const PART_CHARS_MAX: usize = 400;

/// The file that was read, where in it, and what is wrong there. Prints as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// The file's name as the user gave it.
    pub file: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<u64>,
    /// The column of a table or the path of a field, where there is one.
    pub field: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl InputError {
    /// An error of the file as a whole.
    pub fn of_file(file: &str, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, field: None, problem: problem.into() }
    }

    /// The same, at a line.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same, in a field.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for InputError {
    /// `FILE: line 3: field: problem`, without the parts that are not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", one_line(&self.file))?;
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{}: ", one_line(field))?;
        }
        f.write_str(&one_line(&self.problem))
    }
}

impl std::error::Error for InputError {}

/// Enough of a text to recognise it.
pub(crate) fn clip(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn one_line(text: &str) -> String {
    let parts = text.split(|c: char| c.is_control()).filter(|part| !part.is_empty());
    let line = parts.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(PART_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_it_is_about() {
        let error = InputError::of_file("a\nb.csv", "bad\r\n\tthing").at_line(3).in_field("x\0y");
        assert_eq!(error.to_string(), "a b.csv: line 3: x y: bad thing");
    }

    #[test]
    fn an_error_is_short_whatever_it_is_about() {
        let line = InputError::of_file("a", "ä".repeat(5000)).to_string();
        assert_eq!(line, format!("a: {}…", "ä".repeat(400)));
    }

    #[test]
    fn long_texts_are_clipped() {
        assert_eq!(clip("short"), "short");
        assert_eq!(clip(&"ä".repeat(61)).chars().count(), SHOWN_CHARS_MAX + 1);
    }
}
