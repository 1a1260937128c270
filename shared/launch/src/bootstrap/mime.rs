//! MIME archives (RFC 2046), as cloud-init reads them: as much as is needed to put parts into one.

use super::Error;
use std::fmt::Write;

/// A part as it stands in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Lines before the empty one, each with its end.
    headers: String,
    body: String,
}

impl Part {
    pub(super) fn new(content_type: &str, body: &str) -> Self {
        Self { headers: format!("Content-Type: {content_type}\n"), body: body.to_owned() }
    }

    pub(super) fn script(body: &str) -> Self {
        Self::new("text/x-shellscript; charset=\"us-ascii\"", body)
    }
}

/// Whether a text says of itself that it is an archive.
pub(super) fn is_archive(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default().to_ascii_lowercase();
    let multipart = |rest: &str| rest.trim_start().starts_with("multipart/");
    first.starts_with("mime-version:") || first.strip_prefix("content-type:").is_some_and(multipart)
}

/// The archive of these parts. Its boundary is one that none of them holds.
pub(super) fn write(parts: &[Part]) -> String {
    let holds = |boundary: &str| {
        let line = format!("--{boundary}");
        parts.iter().any(|part| part.headers.contains(&line) || part.body.contains(&line))
    };
    let boundaries = (0_u32..).map(|n| if n == 0 { "//".to_owned() } else { format!("//{n}//") });
    let boundary = boundaries.into_iter().find(|boundary| !holds(boundary));
    let boundary = boundary.expect("parts hold fewer boundaries than there are");
    let mut text =
        format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\n\n");
    for Part { headers, body } in parts {
        let _ = write!(text, "--{boundary}\n{headers}\n{body}");
        if !body.ends_with('\n') {
            text.push('\n');
        }
    }
    let _ = writeln!(text, "--{boundary}--");
    text
}

/// The parts of an archive.
pub(super) fn read(text: &str) -> Result<Vec<Part>, Error> {
    let mut lines = text.lines();
    let headers: Vec<&str> = lines.by_ref().take_while(|line| !line.trim().is_empty()).collect();
    let boundary = boundary(&headers).ok_or_else(|| wrong("a MIME archive without a boundary"))?;
    let (start, end) = (format!("--{boundary}"), format!("--{boundary}--"));
    let mut parts: Vec<String> = Vec::new();
    let mut is_closed = false;
    for line in lines {
        match line.trim_end() {
            line if line == end => {
                is_closed = true;
                break;
            }
            line if line == start => parts.push(String::new()),
            _ => {
                // What stands before the first boundary is for people.
                if let Some(part) = parts.last_mut() {
                    part.push_str(line);
                    part.push('\n');
                }
            }
        }
    }
    if !is_closed {
        return Err(wrong("a MIME archive that does not end with its boundary"));
    }
    parts.iter().map(|part| split(part)).collect()
}

fn split(part: &str) -> Result<Part, Error> {
    // A part may begin with an empty line: it has no headers then.
    if let Some(body) = part.strip_prefix('\n') {
        return Ok(Part { headers: String::new(), body: body.to_owned() });
    }
    let (headers, body) =
        part.split_once("\n\n").ok_or_else(|| wrong("a part of the MIME archive has no body"))?;
    Ok(Part { headers: format!("{headers}\n"), body: body.to_owned() })
}

/// The parameter `boundary` of the header `Content-Type`, which may go over several lines.
fn boundary(headers: &[&str]) -> Option<String> {
    let mut whole: Vec<String> = Vec::new();
    for line in headers {
        match whole.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => whole.push((*line).to_owned()),
        }
    }
    let header =
        whole.iter().find(|line| line.to_ascii_lowercase().starts_with("content-type:"))?;
    let at = header.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
    let value = &header[at..];
    let boundary = match value.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?.0,
        None => value.split([';', ' ', '\t']).next()?,
    };
    (!boundary.is_empty()).then(|| boundary.to_owned())
}

fn wrong(problem: &str) -> Error {
    Error::Unreadable { problem: problem.to_owned() }
}
