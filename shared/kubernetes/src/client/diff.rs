//! Merge patches (RFC 7386): what turns one object into another.

use serde_json::{Map, Value};

/// The patch that makes `old` into `new`; none where they are the same. Both are free of nulls, as objects of the API
/// server are, for a patch has no word for them.
pub(super) fn between(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Some(new.clone()) };
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let mut patch: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, value) in new {
        let change = match old.get(key) {
            Some(before) => between(before, value),
            None => Some(value.clone()),
        };
        patch.extend(change.map(|change| (key.clone(), change)));
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// What the API server makes of a patch (RFC 7386, section 2).
    fn apply(target: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *target = patch.clone();
            return;
        };
        if !target.is_object() {
            *target = json!({});
        }
        let fields = target.as_object_mut().expect("it was made one");
        for (key, value) in patch {
            if value.is_null() {
                fields.remove(key);
            } else {
                apply(fields.entry(key).or_insert(Value::Null), value);
            }
        }
    }

    #[test]
    fn a_patch_names_what_differs_and_nothing_else() {
        let old = json!({"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 3});
        let new = json!({"a": {"x": 1, "z": 4}, "b": [2], "c": 3});
        let patch = between(&old, &new);
        assert_eq!(patch, Some(json!({"a": {"y": null, "z": 4}, "b": [2]})));
        assert_eq!(between(&new, &new), None);
    }

    fn object() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            prop::collection::vec(0..3, 0..2).prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(3, 20, 4, |inner| {
            prop::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect()))
        });
        prop::collection::btree_map("[abc]", value, 0..3)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn the_patch_makes_the_one_into_the_other(old in object(), new in object()) {
            let mut made = old.clone();
            if let Some(patch) = between(&old, &new) {
                apply(&mut made, &patch);
            }
            prop_assert_eq!(made, new);
        }
    }
}
