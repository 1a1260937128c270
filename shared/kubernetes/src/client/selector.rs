//! Label selectors as the API server reads them in a query.

use model::affinity::LabelSelector;
use model::requirement::{Operator, Requirement};

/// The selector as text. It selects at least what the selector does: whoever asks looks at the answer again.
pub(super) fn text(selector: &LabelSelector) -> String {
    let parts = selector.0.iter().flat_map(|(key, requirement)| parts(key, requirement));
    parts.collect::<Vec<_>>().join(",")
}

fn parts(key: &str, requirement: &Requirement) -> Vec<String> {
    let part = |(operator, values): (Operator, Vec<model::name::Text>)| {
        let values = values.iter().map(|value| &**value).collect::<Vec<_>>().join(",");
        match operator {
            Operator::In => Some(format!("{key} in ({values})")),
            Operator::NotIn => Some(format!("{key} notin ({values})")),
            Operator::Exists => Some(key.to_owned()),
            Operator::DoesNotExist => Some(format!("!{key}")),
            // Pods' labels are not compared as numbers.
            Operator::Gt | Operator::Lt | Operator::Gte | Operator::Lte => None,
        }
    };
    requirement.expressions().into_iter().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_written_as_a_query_has_it() {
        let of = |operator, values: &[&str]| Requirement::new(operator, values).unwrap();
        let selector = LabelSelector(vec![
            ("app".into(), Requirement::is("web")),
            ("tier".into(), of(Operator::NotIn, &["b", "a"])),
            ("x".into(), of(Operator::Exists, &[])),
            ("y".into(), of(Operator::DoesNotExist, &[])),
        ]);
        assert_eq!(text(&selector), "app in (web),tier notin (a,b),x,!y");
        assert_eq!(text(&LabelSelector::default()), "");
    }
}
