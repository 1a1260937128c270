//! Requirements on labels as sets: what Kubernetes writes as operators, in a form that can be intersected.
//!
//! A requirement admits a set of values and says whether the label may be absent. Operators follow the Kubernetes
//! API reference ("NodeSelectorRequirement"); `Gte`, `Lte` and `minValues` are Karpenter's (NodePool, v1).

mod expressions;

use crate::labels::{Labels, normalized};
use crate::name::Text;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// An operator of a label requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operator {
    /// The label's value is one of the listed ones.
    In,
    /// The label is absent or its value is none of the listed ones.
    NotIn,
    /// The label is present.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The label's value is a whole number above the one listed.
    Gt,
    /// The label's value is a whole number below the one listed.
    Lt,
    /// The label's value is a whole number, at least the one listed.
    Gte,
    /// The label's value is a whole number, at most the one listed.
    Lte,
}

/// Why an operator and its values make no requirement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequirement {
    /// `In` and `NotIn` need values.
    #[error("operator {0:?} needs at least one value")]
    NoValues(Operator),
    /// `Exists` and `DoesNotExist` take none.
    #[error("operator {0:?} takes no values")]
    UnexpectedValues(Operator),
    /// The comparisons take one whole number.
    #[error("operator {0:?} takes exactly one whole number of zero or more, found {1:?}")]
    NotOneNumber(Operator, Vec<String>),
}

/// The values a label may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Values {
    /// One of these.
    Only(BTreeSet<Text>),
    /// Any but these, and within the bounds (both inclusive) where there are some.
    AllBut {
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        excluded: BTreeSet<Text>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_most: Option<i64>,
    },
}

/// What one label may be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    values: Values,
    /// Whether an object without the label is admitted.
    absent: bool,
    /// How many distinct values the chosen instance types must offer (Karpenter's `minValues`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_values: Option<u32>,
}

fn within(value: &str, at_least: Option<i64>, at_most: Option<i64>) -> bool {
    if at_least.is_none() && at_most.is_none() {
        return true;
    }
    value
        .parse::<i64>()
        .is_ok_and(|n| at_least.is_none_or(|low| low <= n) && at_most.is_none_or(|high| n <= high))
}

impl Requirement {
    /// Reads a requirement as Kubernetes objects write it.
    ///
    /// # Errors
    /// When the number or kind of values does not suit the operator.
    pub fn new<S: AsRef<str>>(
        operator: Operator,
        values: &[S],
    ) -> Result<Self, InvalidRequirement> {
        let set = || values.iter().map(|v| Text::from(v.as_ref())).collect::<BTreeSet<Text>>();
        let number = || match values {
            [one] => one.as_ref().parse::<i64>().ok().filter(|n| 0 <= *n),
            _ => None,
        };
        let number = || {
            number().ok_or_else(|| {
                let found = values.iter().map(|v| v.as_ref().to_owned()).collect();
                InvalidRequirement::NotOneNumber(operator, found)
            })
        };
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                Err(InvalidRequirement::NoValues(operator))
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                Err(InvalidRequirement::UnexpectedValues(operator))
            }
            Operator::In => Ok(Self::of(Values::Only(set()), false)),
            Operator::NotIn => Ok(Self::all_but(set(), None, None, true)),
            Operator::Exists => Ok(Self::exists()),
            Operator::DoesNotExist => Ok(Self::of(Values::Only(BTreeSet::new()), true)),
            Operator::Gt => Ok(Self::bounded(Some(number()?.saturating_add(1)), None)),
            Operator::Lt => Ok(Self::bounded(None, Some(number()? - 1))),
            Operator::Gte => Ok(Self::bounded(Some(number()?), None)),
            Operator::Lte => Ok(Self::bounded(None, Some(number()?))),
        }
    }

    /// Exactly this value.
    pub fn is(value: impl Into<Text>) -> Self {
        Self::of(Values::Only(BTreeSet::from([value.into()])), false)
    }

    /// One of these values.
    pub fn one_of<T: Into<Text>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::of(Values::Only(values.into_iter().map(Into::into).collect()), false)
    }

    /// Any value, but present.
    pub fn exists() -> Self {
        Self::all_but(BTreeSet::new(), None, None, false)
    }

    /// Anything at all.
    pub fn anything() -> Self {
        Self::all_but(BTreeSet::new(), None, None, true)
    }

    /// The same with Karpenter's `minValues`.
    #[must_use]
    pub fn with_min_values(mut self, min_values: Option<u32>) -> Self {
        self.min_values = min_values;
        self
    }

    fn of(values: Values, absent: bool) -> Self {
        Self { values, absent, min_values: None }
    }

    fn all_but(
        excluded: BTreeSet<Text>,
        low: Option<i64>,
        high: Option<i64>,
        absent: bool,
    ) -> Self {
        Self::of(Values::AllBut { excluded, at_least: low, at_most: high }, absent)
    }

    fn bounded(at_least: Option<i64>, at_most: Option<i64>) -> Self {
        Self::all_but(BTreeSet::new(), at_least, at_most, false)
    }

    /// How many distinct values the chosen instance types must offer, if the pool asks for that.
    pub fn min_values(&self) -> Option<u32> {
        self.min_values
    }

    /// Whether a label of this value is admitted.
    pub fn admits(&self, value: &str) -> bool {
        match &self.values {
            Values::Only(values) => values.contains(value),
            Values::AllBut { excluded, at_least, at_most } => {
                !excluded.contains(value) && within(value, *at_least, *at_most)
            }
        }
    }

    /// Whether an object without the label is admitted.
    pub fn admits_absence(&self) -> bool {
        self.absent
    }

    /// Whether an object with this label value, or without the label, is admitted.
    pub fn admits_label(&self, value: Option<&str>) -> bool {
        value.map_or(self.absent, |value| self.admits(value))
    }

    /// Whether nothing is admitted.
    pub fn is_impossible(&self) -> bool {
        !self.absent
            && match &self.values {
                Values::Only(values) => values.is_empty(),
                Values::AllBut { at_least, at_most, .. } => {
                    matches!((at_least, at_most), (Some(low), Some(high)) if high < low)
                        || at_most.is_some_and(|high| high < 0)
                }
            }
    }

    /// The listed values where the requirement is a plain list.
    pub fn listed(&self) -> Option<&BTreeSet<Text>> {
        match &self.values {
            Values::Only(values) => Some(values),
            Values::AllBut { .. } => None,
        }
    }

    /// Some value that is admitted: the first of a list, the least number within bounds, `true` where anything goes.
    pub fn example(&self) -> Option<Text> {
        match &self.values {
            Values::Only(values) => values.first().cloned(),
            Values::AllBut { at_least: None, at_most: None, .. } if self.admits("true") => {
                Some("true".into())
            }
            Values::AllBut { excluded, at_least, .. } => {
                let first = at_least.unwrap_or(0);
                let most = i64::try_from(excluded.len()).unwrap_or(i64::MAX);
                let mut numbers = (first..=first.saturating_add(most)).map(|n| n.to_string());
                numbers.find(|value| self.admits(value)).map(Into::into)
            }
        }
    }

    /// What both admit. The larger `minValues` stands.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let values = match (&self.values, &other.values) {
            (Values::Only(mine), _) => {
                Values::Only(mine.iter().filter(|v| other.admits(v)).cloned().collect())
            }
            (Values::AllBut { .. }, Values::Only(theirs)) => {
                Values::Only(theirs.iter().filter(|v| self.admits(v)).cloned().collect())
            }
            (
                Values::AllBut { excluded, at_least, at_most },
                Values::AllBut { excluded: also, at_least: low, at_most: high },
            ) => Values::AllBut {
                excluded: excluded.union(also).cloned().collect(),
                at_least: (*at_least).max(*low),
                at_most: match (*at_most, *high) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                },
            },
        };
        Self {
            values,
            absent: self.absent && other.absent,
            min_values: self.min_values.max(other.min_values),
        }
    }
}

impl fmt::Display for Requirement {
    /// `In [a b]`, `NotIn [a]`, `Exists`, `DoesNotExist`, `>= 3`, `<= 9`, `nothing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |values: &BTreeSet<Text>| values.iter().map(|v| &**v).collect::<Vec<_>>().join(" ");
        match &self.values {
            Values::Only(values) if values.is_empty() && self.absent => f.write_str("DoesNotExist"),
            Values::Only(values) if values.is_empty() => f.write_str("nothing"),
            Values::Only(values) if self.absent => write!(f, "In [{}] or absent", list(values)),
            Values::Only(values) => write!(f, "In [{}]", list(values)),
            Values::AllBut { excluded, at_least, at_most } => {
                let mut parts = Vec::new();
                if !excluded.is_empty() {
                    parts.push(format!("NotIn [{}]", list(excluded)));
                }
                parts.extend(at_least.map(|low| format!(">= {low}")));
                parts.extend(at_most.map(|high| format!("<= {high}")));
                if !self.absent && parts.is_empty() {
                    parts.push("Exists".to_owned());
                } else if parts.is_empty() {
                    parts.push("anything".to_owned());
                }
                f.write_str(&parts.join(" and "))
            }
        }
    }
}

/// Requirements by label key; a key that is not there may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Requirements(BTreeMap<Text, Requirement>);

impl Requirements {
    /// No requirement at all.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// One requirement per label: exactly its value.
    pub fn from_labels(labels: &Labels) -> Self {
        let mut all = Self::none();
        for (key, value) in labels {
            all.require(key, Requirement::is(Text::clone(value)));
        }
        all
    }

    /// Adds a requirement: what the key may be is narrowed to what both admit. Old label names become new ones.
    pub fn require(&mut self, key: &str, requirement: Requirement) {
        let key = normalized(key);
        let narrowed = match self.0.get(key) {
            Some(present) => present.intersect(&requirement),
            None => requirement,
        };
        self.0.insert(key.into(), narrowed);
    }

    /// Adds all requirements of the other.
    pub fn require_all(&mut self, other: &Self) {
        for (key, requirement) in &other.0 {
            self.require(key, requirement.clone());
        }
    }

    /// What both admit.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.require_all(other);
        both
    }

    /// The requirement on a key, if there is one.
    pub fn get(&self, key: &str) -> Option<&Requirement> {
        self.0.get(key)
    }

    /// Whether a value of this key is admitted; a key without requirement admits all.
    pub fn admits(&self, key: &str, value: &str) -> bool {
        self.0.get(key).is_none_or(|requirement| requirement.admits(value))
    }

    /// All requirements by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Requirement)> {
        self.0.iter()
    }

    /// Whether there is no requirement.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first key for which nothing is admitted.
    pub fn impossible_key(&self) -> Option<&Text> {
        self.0.iter().find(|(_, requirement)| requirement.is_impossible()).map(|(key, _)| key)
    }

    /// The first key of which these labels (of a node, say) are not admitted.
    pub fn refused_label(&self, labels: &Labels) -> Option<&Text> {
        self.0
            .iter()
            .find(|(key, requirement)| !requirement.admits_label(labels.get(*key).map(|v| &**v)))
            .map(|(key, _)| key)
    }

    /// Whether an object with these labels is admitted.
    pub fn admits_labels(&self, labels: &Labels) -> bool {
        self.refused_label(labels).is_none()
    }
}

impl FromIterator<(Text, Requirement)> for Requirements {
    fn from_iter<I: IntoIterator<Item = (Text, Requirement)>>(pairs: I) -> Self {
        let mut all = Self::none();
        for (key, requirement) in pairs {
            all.require(&key, requirement);
        }
        all
    }
}

impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            self.0.iter().map(|(key, requirement)| format!("{key} {requirement}")).collect();
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn req(operator: Operator, values: &[&str]) -> Requirement {
        Requirement::new(operator, values).unwrap()
    }

    #[test]
    fn operators_admit_what_kubernetes_says() {
        let cases = [
            (req(Operator::In, &["a", "b"]), Some("a"), true),
            (req(Operator::In, &["a"]), None, false),
            (req(Operator::NotIn, &["a"]), Some("a"), false),
            (req(Operator::NotIn, &["a"]), None, true),
            (req(Operator::Exists, &[]), None, false),
            (req(Operator::Exists, &[]), Some(""), true),
            (req(Operator::DoesNotExist, &[]), None, true),
            (req(Operator::DoesNotExist, &[]), Some("a"), false),
            (req(Operator::Gt, &["4"]), Some("5"), true),
            (req(Operator::Gt, &["4"]), Some("4"), false),
            (req(Operator::Gt, &["4"]), Some("x"), false),
            (req(Operator::Lt, &["4"]), Some("3"), true),
            (req(Operator::Lt, &["4"]), None, false),
            (req(Operator::Gte, &["4"]), Some("4"), true),
            (req(Operator::Lte, &["4"]), Some("5"), false),
        ];
        for (requirement, value, admitted) in cases {
            assert_eq!(requirement.admits_label(value), admitted, "{requirement} of {value:?}");
        }
    }

    #[test]
    fn operators_with_the_wrong_values_are_refused() {
        assert!(Requirement::new::<&str>(Operator::In, &[]).is_err());
        assert!(Requirement::new(Operator::Exists, &["a"]).is_err());
        assert!(Requirement::new(Operator::Gt, &["1", "2"]).is_err());
        assert!(Requirement::new(Operator::Gt, &["-1"]).is_err());
        assert!(Requirement::new(Operator::Lte, &["many"]).is_err());
    }

    #[test]
    fn what_two_requirements_admit_together_can_be_nothing() {
        let both = req(Operator::In, &["a"]).intersect(&req(Operator::NotIn, &["a"]));
        assert!(both.is_impossible());
        assert!(req(Operator::Gt, &["5"]).intersect(&req(Operator::Lt, &["5"])).is_impossible());
        assert!(
            !req(Operator::NotIn, &["a"])
                .intersect(&req(Operator::DoesNotExist, &[]))
                .is_impossible()
        );
        let present = req(Operator::NotIn, &["a"]).intersect(&req(Operator::Exists, &[]));
        assert!(!present.admits_label(None));
        assert!(present.admits_label(Some("b")));
    }

    #[test]
    fn requirements_read_well() {
        let mut all = Requirements::none();
        all.require("failure-domain.beta.kubernetes.io/zone", req(Operator::In, &["b", "a"]));
        all.require("n", req(Operator::Gt, &["2"]));
        all.require("n", req(Operator::Lte, &["9"]));
        assert_eq!(all.to_string(), "n >= 3 and <= 9, topology.kubernetes.io/zone In [a b]");
    }

    fn any_requirement() -> impl Strategy<Value = Requirement> {
        let value = prop::sample::select(vec!["1", "2", "3", "a", "b"]);
        let values = prop::collection::vec(value, 1..4);
        (0..8_u8, values, 0..5_i64).prop_map(|(kind, values, n)| match kind {
            0 => req(Operator::In, &values),
            1 => req(Operator::NotIn, &values),
            2 => req(Operator::Exists, &[]),
            3 => req(Operator::DoesNotExist, &[]),
            4 => req(Operator::Gt, &[&n.to_string()]),
            5 => req(Operator::Lt, &[&n.to_string()]),
            6 => req(Operator::Gte, &[&n.to_string()]),
            _ => req(Operator::Lte, &[&n.to_string()]),
        })
    }

    proptest! {
        #[test]
        fn the_intersection_admits_exactly_what_both_do(
            a in any_requirement(),
            b in any_requirement(),
            value in prop::option::of(prop::sample::select(vec!["0", "1", "2", "3", "4", "a", "b", "c"])),
        ) {
            let both = a.intersect(&b);
            prop_assert_eq!(both.admits_label(value), a.admits_label(value) && b.admits_label(value));
            prop_assert_eq!(&both, &b.intersect(&a));
            if both.is_impossible() {
                prop_assert!(!both.admits_label(value));
            }
            if let Some(example) = both.example() {
                prop_assert!(both.admits(&example));
            }
        }
    }
}
