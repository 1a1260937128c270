//! What may lie at the top of the repository.

const ENTRIES: [&str; 18] = [
    "Cargo.toml",
    "Cargo.lock",
    "functions",
    "shared",
    "infra",
    "tests",
    "samconfig.toml",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "justfile",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "clippy.toml",
    "deny.toml",
    ".ci",
];
/// Git's own, and what it is told to ignore: they lie beside the project, not in it.
const BESIDE: [&str; 3] = [".git", ".gitignore", "target"];

/// Top-level names that nobody agreed on.
pub fn check(name: &str) -> Vec<String> {
    if ENTRIES.contains(&name) || BESIDE.contains(&name) {
        return Vec::new();
    }
    vec![format!("{name}: not one of the agreed top-level entries; put it into one of the rooms")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_found() {
        assert_eq!(check(".github").len(), 1);
        assert_eq!(check("scripts").len(), 1);
        assert_eq!(check("shared"), [""; 0]);
        assert_eq!(check(".gitignore"), [""; 0]);
    }
}
