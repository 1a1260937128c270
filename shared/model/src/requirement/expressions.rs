//! Requirements back into the operators that Kubernetes objects are written with.

use super::{Operator, Requirement, Values};
use crate::name::Text;

impl Requirement {
    /// The requirement as Kubernetes objects write it: operators that together admit the same. None where anything goes,
    /// two that exclude each other where nothing does. A list that admits absence too is more than operators can say, and
    /// narrowing operators never leads to one: nothing is said of it.
    pub fn expressions(&self) -> Vec<(Operator, Vec<Text>)> {
        let number = |n: &i64| vec![Text::from(n.to_string())];
        if self.is_impossible() {
            return vec![(Operator::Exists, vec![]), (Operator::DoesNotExist, vec![])];
        }
        match &self.values {
            Values::Only(values) if values.is_empty() && self.absent => {
                vec![(Operator::DoesNotExist, vec![])]
            }
            Values::Only(_) if self.absent => vec![],
            Values::Only(values) => vec![(Operator::In, values.iter().cloned().collect())],
            Values::AllBut { excluded, at_least, at_most } => {
                let mut all = Vec::new();
                if !excluded.is_empty() {
                    all.push((Operator::NotIn, excluded.iter().cloned().collect()));
                }
                all.extend(at_least.iter().map(|low| (Operator::Gte, number(low))));
                all.extend(at_most.iter().map(|high| (Operator::Lte, number(high))));
                if !self.absent && at_least.is_none() && at_most.is_none() {
                    all.push((Operator::Exists, vec![]));
                }
                all
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn operator() -> impl Strategy<Value = Requirement> {
        let values = prop::collection::vec("[ab5]", 1..3);
        let number = 0..9_i64;
        prop_oneof![
            values.clone().prop_map(|v| Requirement::new(Operator::In, &v)),
            values.prop_map(|v| Requirement::new(Operator::NotIn, &v)),
            Just(Requirement::new::<&str>(Operator::Exists, &[])),
            Just(Requirement::new::<&str>(Operator::DoesNotExist, &[])),
            number.clone().prop_map(|n| Requirement::new(Operator::Gt, &[n.to_string()])),
            number.prop_map(|n| Requirement::new(Operator::Lte, &[n.to_string()])),
        ]
        .prop_map(|requirement| requirement.expect("the values suit the operator"))
    }

    proptest! {
        #[test]
        fn what_operators_make_together_is_written_back(all in prop::collection::vec(operator(), 1..4)) {
            let narrowed = all.iter().fold(Requirement::anything(), |all, one| all.intersect(one));
            let written = narrowed.expressions().into_iter();
            let read = written
                .map(|(operator, values)| Requirement::new(operator, &values).expect("it can be read"))
                .fold(Requirement::anything(), |all, one| all.intersect(&one));
            for label in [None, Some("a"), Some("b"), Some("c"), Some("0"), Some("5"), Some("7")] {
                prop_assert_eq!(read.admits_label(label), narrowed.admits_label(label), "{} {:?}", narrowed, label);
            }
        }
    }
}
