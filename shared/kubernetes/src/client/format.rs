//! Values as objects of the API have them: the way back of `convert`.

use jiff::{SignedDuration, Timestamp};
use model::resources::{self, Resources};
use serde_json::{Map, Value, json};

/// A time in whole seconds, as Kubernetes' own (`metav1.Time`).
pub(super) fn seconds(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
    whole.to_string()
}

/// A time in microseconds (`metav1.MicroTime`).
pub(super) fn micros(time: Timestamp) -> String {
    format!("{time:.6}")
}

/// A duration of whole seconds such as `1h30m`.
pub(super) fn duration(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let parts = [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let parts = parts.into_iter().filter(|(count, _)| *count != 0);
    let parts: Vec<String> = parts.map(|(count, unit)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.concat() }
}

/// Amounts by name.
pub(super) fn amounts(all: &Resources) -> Value {
    let amount = |(name, units): (&str, i64)| {
        (name.to_owned(), json!(resources::format_amount(name, units)))
    };
    Value::Object(all.iter().map(amount).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format;
    use proptest::prelude::*;

    #[test]
    fn times_have_the_precision_of_their_kind() {
        let time: Timestamp = "2026-01-01T00:00:00.123456789Z".parse().unwrap();
        assert_eq!(seconds(time), "2026-01-01T00:00:00Z");
        assert_eq!(micros(time), "2026-01-01T00:00:00.123456Z");
        assert_eq!(micros(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }

    proptest! {
        #[test]
        fn a_duration_is_read_back(seconds in 0..10_000_000_i64) {
            let span = SignedDuration::from_secs(seconds);
            prop_assert_eq!(format::duration(&duration(span)), Some(span));
        }

        #[test]
        fn amounts_are_read_back(cpu in 0..100_000_i64, bytes in 0..1_i64 << 45, gpus in 0..9_i64) {
            let mut all = Resources::cpu_memory(cpu, bytes);
            all.set_units("nvidia.com/gpu", gpus);
            let read: crate::objects::amounts::Amounts = serde_json::from_value(amounts(&all)).unwrap();
            prop_assert_eq!(read.resources_of_node().unwrap(), all);
        }
    }
}
