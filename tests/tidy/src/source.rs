//! Reads Rust text just well enough to tell code from comments, strings and test items.

/// The text with comments and the insides of literals turned into spaces; lines stay where they are.
pub fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = prose_end(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// The code line by line with its number, test files and `#[cfg(test)]` items left out.
pub fn shipped_lines<'a>(path: &str, code: &'a str) -> Vec<(usize, &'a str)> {
    if is_test_file(path) || code.contains("#![cfg(test)]") {
        return Vec::new();
    }
    let lines: Vec<&str> = code.lines().collect();
    let mut shipped = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim_start().starts_with("#[cfg(test)]") {
            at += item_height(&lines[at..]);
        } else {
            shipped.push((at + 1, lines[at]));
            at += 1;
        }
    }
    shipped
}

/// Whether the file is built for tests only, by where it lies.
pub fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"))
}

/// The words of a line: longest runs of letters, digits and underscores.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where the comment or literal that begins at `at` ends; `at` itself if there is none.
fn prose_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => find(chars, at, |c| c == '\n').unwrap_or(chars.len()),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at),
        'r' if matches!(next, Some('"' | '#')) => raw_string_end(chars, at),
        '\'' if next == Some('\\') => {
            find(chars, at + 3, |c| c == '\'').map_or(chars.len(), |quote| quote + 1)
        }
        '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '"' => return at + 1,
            '\\' => at += 2,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `r#name` is code: then there is no quote behind the hashes.
fn raw_string_end(chars: &[char], start: usize) -> usize {
    let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
    let open = start + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return start;
    }
    let closing = |at: usize| {
        chars[at] == '"'
            && chars[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes
    };
    (open + 1..chars.len()).find(|&at| closing(at)).map_or(chars.len(), |at| at + 1 + hashes)
}

fn find(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> Option<usize> {
    (from..chars.len()).find(|&at| wanted(chars[at]))
}

/// How many lines the item at the top takes, its attributes included.
fn item_height(lines: &[&str]) -> usize {
    let mut depth = 0_i32;
    for (index, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            if depth <= 0 && matches!(c, '}' | ';') {
                return index + 1;
            }
        }
    }
    lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(path: &str, text: &str) -> String {
        let code = code_only(text);
        let lines = shipped_lines(path, &code);
        lines.iter().map(|(_, line)| line.trim()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn comments_and_literals_become_spaces() {
        let text = "let a = \"x{\"; // y\nlet b = r#\"z\"}\"#; /* p /* q */ r */ let c = '{';\n";
        let code = code_only(text);
        assert_eq!(code.split_whitespace().collect::<String>(), "leta=;letb=;letc=;");
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn a_string_over_several_lines_keeps_their_number() {
        assert_eq!(code_only("a(\"1\n2\\\"\n3\");\nb").lines().count(), 4);
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        let text = "fn f<'a>(x: &'a str, y: char) -> bool { y == '\\'' || y == 'q' }";
        let wanted = "fn f<'a>(x: &'a str, y: char) -> bool { y ==      || y ==     }";
        assert_eq!(code_only(text), wanted);
    }

    #[test]
    fn a_raw_name_is_code() {
        assert_eq!(code_only("let r#type = 1;"), "let r#type = 1;");
    }

    #[test]
    fn what_only_tests_use_is_not_shipped() {
        let text = "a\n#[cfg(test)]\nuse x::{y, z};\nb\n#[cfg(test)]\n#[path = \"p\"]\nmod tests {\n    \
                    const S: &str = \"}\";\n    fn f() {}\n}\nc\n";
        assert_eq!(shipped("shared/model/src/lib.rs", text), "a|b|c");
    }

    #[test]
    fn a_file_for_tests_ships_nothing() {
        assert_eq!(shipped("shared/model/tests/a.rs", "a"), "");
        assert_eq!(shipped("shared/model/src/pod/tests.rs", "a"), "");
        assert_eq!(shipped("shared/model/src/a.rs", "#![cfg(test)]\na"), "");
        assert_eq!(shipped("shared/model/src/tests_of_skew.rs", "a"), "a");
    }
}
