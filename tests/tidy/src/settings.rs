//! Whether the pure crates forbid, through clippy, what would make a decision unrepeatable.

/// Crates with a stricter `clippy.toml`.
pub const STRICT: [&str; 5] =
    ["shared/model", "shared/hints", "shared/catalog", "shared/planner", "shared/reconciler"];

const BANNED: [&str; 6] = [
    "jiff::Timestamp::now",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::env::var",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

/// Bans that a pure crate's `clippy.toml` lacks.
pub fn check_bans(path: &str, text: &str) -> Vec<String> {
    let settings = lines(text);
    let is_banned = |name: &str| {
        let entry = format!("path = \"{name}\"");
        settings.iter().any(|line| line.contains(&entry))
    };
    let missing = BANNED.iter().filter(|name| !is_banned(name));
    missing.map(|name| format!("{path}: does not ban `{name}`")).collect()
}

/// Lines of the root's `clippy.toml` that a nearer one lacks: clippy reads one file and merges none.
pub fn check_repeats(path: &str, text: &str, root: &str) -> Vec<String> {
    let settings = lines(text);
    let missing = lines(root).into_iter().filter(|line| !settings.contains(line));
    missing.map(|line| format!("{path}: does not repeat the root's `{line}`")).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_ban_is_found() {
        let entry = |name: &&str| format!("  {{ path = \"{name}\", reason = \"r\" }},\n");
        let all: String = BANNED.iter().map(entry).collect();
        assert_eq!(check_bans("c", &all), [""; 0]);
        for name in BANNED {
            let wanted = [format!("c: does not ban `{name}`")];
            let line = entry(&name);
            assert_eq!(check_bans("c", &all.replace(&line, "")), wanted);
            assert_eq!(check_bans("c", &all.replace(&line, &format!("#{line}"))), wanted);
        }
    }

    #[test]
    fn a_line_of_the_root_that_is_not_repeated_is_found() {
        let root = "# root\na = 70\nb = [\n  { path = \"x\" },\n]\n";
        assert_eq!(check_repeats("c", "b = [\n { path = \"x\" },\n]\na = 70\n", root), [""; 0]);
        assert_eq!(
            check_repeats("c", "a = 100\nb = [\n  { path = \"x\" },\n]\n", root),
            ["c: does not repeat the root's `a = 70`"]
        );
    }
}
