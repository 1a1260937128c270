//! How long a file may be.

use crate::source::{code_only, is_test_file, shipped_lines};

/// More than this in one file is two subjects.
const SHIPPED_LINES_MAX: usize = 400;
/// Tests repeat themselves and read faster than code, so twice as much.
const TEST_LINES_MAX: usize = 800;
/// `main.rs` of a function only wires.
const MAIN_LINES_MAX: usize = 40;
/// `handler.rs` of a function turns an event into one pass and its outcome into a reply.
const HANDLER_LINES_MAX: usize = 150;

/// Files longer than their kind allows. What stands under `#[cfg(test)]` is not counted.
pub fn check(path: &str, text: &str) -> Vec<String> {
    let (lines, limit) = if is_test_file(path) {
        (text.lines().count(), TEST_LINES_MAX)
    } else {
        (shipped_lines(path, &code_only(text)).len(), shipped_limit(path))
    };
    if lines <= limit {
        return Vec::new();
    }
    vec![format!("{path}: {lines} lines, at most {limit} allowed; split it")]
}

fn shipped_limit(path: &str) -> usize {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["functions", _, "src", "main.rs"] => MAIN_LINES_MAX,
        ["functions", _, "src", "handler.rs"] => HANDLER_LINES_MAX,
        _ => SHIPPED_LINES_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> String {
        "x\n".repeat(count)
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(check("shared/model/src/pod.rs", &lines(400)), [""; 0]);
        assert_eq!(
            check("shared/model/src/pod.rs", &lines(401)),
            ["shared/model/src/pod.rs: 401 lines, at most 400 allowed; split it"]
        );
    }

    #[test]
    fn tests_beside_the_code_do_not_count() {
        let text = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(400), lines(300));
        assert_eq!(check("shared/model/src/pod.rs", &text), [""; 0]);
    }

    #[test]
    fn a_test_file_may_be_twice_as_long() {
        assert_eq!(check("shared/planner/tests/spread.rs", &lines(800)), [""; 0]);
        assert_eq!(check("shared/planner/tests/spread.rs", &lines(801)).len(), 1);
    }

    #[test]
    fn main_and_handler_are_shorter() {
        assert_eq!(check("functions/lifecycle/src/main.rs", &lines(40)), [""; 0]);
        assert_eq!(check("functions/lifecycle/src/main.rs", &lines(41)).len(), 1);
        assert_eq!(check("functions/lifecycle/src/handler.rs", &lines(150)), [""; 0]);
        assert_eq!(check("functions/lifecycle/src/handler.rs", &lines(151)).len(), 1);
    }
}
