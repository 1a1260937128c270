//! Label selectors and node selectors, read into the model's requirements.

use model::affinity::LabelSelector;
use model::labels::{self, Labels};
use model::name::Text;
use model::requirement::{Operator, Requirement, Requirements};
use serde::Deserialize;
use std::collections::BTreeSet;

/// A key, an operator and values, as they are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expression {
    key: Text,
    operator: Operator,
    #[serde(default)]
    values: Vec<Text>,
    #[serde(default)]
    min_values: Option<u32>,
}

impl Expression {
    fn read(self, allowed: &[Operator]) -> Result<(Text, Requirement), String> {
        if !allowed.contains(&self.operator) {
            let names: Vec<String> = allowed.iter().map(|o| format!("{o:?}")).collect();
            let (names, found) = (names.join(", "), self.operator);
            return Err(format!("expected an operator among {names}, found {found:?}"));
        }
        let requirement = Requirement::new(self.operator, &self.values);
        Ok((self.key, requirement.map_err(|error| error.to_string())?))
    }
}

/// An entry of `matchExpressions` in a label selector.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Expression")]
struct LabelExpression(Text, Requirement);

impl TryFrom<Expression> for LabelExpression {
    type Error = String;
    fn try_from(raw: Expression) -> Result<Self, String> {
        let (key, requirement) =
            raw.read(&[Operator::In, Operator::NotIn, Operator::Exists, Operator::DoesNotExist])?;
        Ok(Self(key, requirement))
    }
}

/// An entry of `matchExpressions` in a node selector term.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Expression")]
struct NodeExpression(Text, Requirement);

impl TryFrom<Expression> for NodeExpression {
    type Error = String;
    fn try_from(raw: Expression) -> Result<Self, String> {
        let (key, requirement) = raw.read(&[
            Operator::In,
            Operator::NotIn,
            Operator::Exists,
            Operator::DoesNotExist,
            Operator::Gt,
            Operator::Lt,
        ])?;
        Ok(Self(key, requirement))
    }
}

/// An entry of `requirements` of a NodePool or NodeClaim.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Expression")]
pub(crate) struct PoolExpression(pub(crate) Text, pub(crate) Requirement);

impl TryFrom<Expression> for PoolExpression {
    type Error = String;
    fn try_from(raw: Expression) -> Result<Self, String> {
        let min_values = raw.min_values;
        let (operator, distinct) = (raw.operator, raw.values.iter().collect::<BTreeSet<_>>().len());
        let wanted = min_values.map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
        if operator == Operator::In && distinct < wanted {
            return Err(format!("minValues is {wanted}, but only {distinct} values are listed"));
        }
        let (key, requirement) = raw.read(&[
            Operator::In,
            Operator::NotIn,
            Operator::Exists,
            Operator::DoesNotExist,
            Operator::Gt,
            Operator::Lt,
            Operator::Gte,
            Operator::Lte,
        ])?;
        Ok(Self(key, requirement.with_min_values(min_values)))
    }
}

/// `labelSelector`, `selector`, `namespaceSelector`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Selector {
    match_labels: Labels,
    match_expressions: Vec<LabelExpression>,
}

impl From<Selector> for LabelSelector {
    fn from(selector: Selector) -> Self {
        let equal = selector.match_labels.into_iter().map(|(k, v)| (k, Requirement::is(v)));
        let rest = selector.match_expressions.into_iter().map(|LabelExpression(k, r)| (k, r));
        let mut all: Vec<(Text, Requirement)> = equal.chain(rest).collect();
        all.sort();
        all.dedup();
        Self(all)
    }
}

/// A selector that selects no object: what an absent one means in most places.
pub(crate) fn selects_nothing() -> LabelSelector {
    LabelSelector(vec![(labels::HOSTNAME.into(), nothing())])
}

/// A requirement that nothing meets.
fn nothing() -> Requirement {
    Requirement::one_of::<Text>([])
}

/// Requirements that no node meets.
pub(crate) fn matches_nothing() -> Requirements {
    std::iter::once((Text::from(labels::HOSTNAME), nothing())).collect()
}

/// A term of a node selector: all of it must hold, and an empty one never does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NodeSelectorTerm {
    match_expressions: Vec<NodeExpression>,
    match_fields: Vec<NodeExpression>,
}

impl From<NodeSelectorTerm> for Requirements {
    /// A field (`metadata.name` is the only one) stands as a label of that name, which no node has: a pod that is bound to one
    /// node by name finds no other.
    fn from(term: NodeSelectorTerm) -> Self {
        if term.match_expressions.is_empty() && term.match_fields.is_empty() {
            return matches_nothing();
        }
        let all = term.match_expressions.into_iter().chain(term.match_fields);
        all.map(|NodeExpression(key, requirement)| (key, requirement)).collect()
    }
}

/// `nodeSelectorTerms`: one of them must hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeSelector {
    pub(crate) node_selector_terms: Vec<NodeSelectorTerm>,
}
