//! The words of the language: amounts, durations, names, with what may be said at all.

use crate::input::clip;
use crate::template::{
    BYTES_MAX, COUNT_MAX, CPU_MILLI_MAX, PODS_MAX, SECONDS_MAX, is_label_key, is_name,
};
use jiff::SignedDuration;
use model::labels;
use model::name::Text;
use model::pod::DoNotDisrupt;
use model::quantity;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;

/// An amount of CPU in thousandths of a core.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Cpu(pub(super) i64);

/// An amount of memory or storage in bytes.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Bytes(pub(super) i64);

/// An amount of anything else.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Units(pub(super) i64);

/// A time from the start, or a duration: zero or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Span(pub(super) SignedDuration);

/// The name of an owner.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Name(pub(super) Text);

/// A number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Pods(pub(super) u32);

/// A number of days.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct DayCount(pub(super) i64);

/// A number out of a hundred.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Percent(pub(super) u32);

/// A label of nodes; the two that nearly everyone means have short names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct LabelKey(pub(super) Text);

/// A number of pods or domains, one or more.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Skew(pub(super) i32);

/// How much a preference counts for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Weight(pub(super) i32);

/// The value of the annotation `karpenter.sh/do-not-disrupt`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Protection(pub(super) Option<DoNotDisrupt>);

fn at_most(units: i64, most: i64, shown: &str, text: &str) -> Result<i64, String> {
    if units <= most { Ok(units) } else { Err(format!("{:?} is above {shown}", clip(text))) }
}

impl TryFrom<String> for Cpu {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let milli = quantity::parse_milli(&text).map_err(|error| error.to_string())?;
        at_most(milli, CPU_MILLI_MAX, "10000 cores", &text).map(Self)
    }
}

impl TryFrom<String> for Bytes {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bytes = quantity::parse_units(&text).map_err(|error| error.to_string())?;
        at_most(bytes, BYTES_MAX, "32Ti", &text).map(Self)
    }
}

impl TryFrom<String> for Units {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let units = quantity::parse_units(&text).map_err(|error| error.to_string())?;
        at_most(units, COUNT_MAX, "a million", &text).map(Self)
    }
}

impl TryFrom<String> for Span {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let shown = clip(&text);
        let span: SignedDuration = text.parse().map_err(|_| {
            format!("{shown:?} is no duration: expected one such as 90s, 10m, 1h 30m")
        })?;
        if span.is_negative() {
            return Err(format!("{shown:?} is negative: expected zero or more"));
        }
        if SECONDS_MAX < span.as_secs() {
            return Err(format!("{shown:?} is above ten years"));
        }
        Ok(Self(span))
    }
}

impl TryFrom<String> for Name {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if is_name(&text) {
            return Ok(Self(text.into()));
        }
        let expected = "expected up to 50 of a-z, 0-9 and -, a letter first";
        Err(format!("{:?} is no name: {expected}", clip(&text)))
    }
}

impl TryFrom<u64> for Pods {
    type Error = String;
    fn try_from(count: u64) -> Result<Self, String> {
        let fits = u32::try_from(count).ok().filter(|_| count <= PODS_MAX);
        fits.map(Self).ok_or_else(|| format!("{count} pods are above {PODS_MAX}"))
    }
}

impl TryFrom<u64> for DayCount {
    type Error = String;
    fn try_from(count: u64) -> Result<Self, String> {
        let fits = i64::try_from(count).ok().filter(|count| (1..=366).contains(count));
        fits.map(Self).ok_or_else(|| format!("{count} days: expected 1 to 366"))
    }
}

impl TryFrom<u64> for Percent {
    type Error = String;
    fn try_from(count: u64) -> Result<Self, String> {
        let fits = u32::try_from(count).ok().filter(|count| (1..=100).contains(count));
        fits.map(Self).ok_or_else(|| format!("{count} per cent: expected 1 to 100"))
    }
}

impl TryFrom<String> for LabelKey {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match &*text {
            "zone" => return Ok(Self(labels::ZONE.into())),
            "hostname" => return Ok(Self(labels::HOSTNAME.into())),
            _ => {}
        }
        if is_label_key(&text) {
            return Ok(Self(labels::normalized(&text).into()));
        }
        Err(format!("{:?} is no label: expected zone, hostname or a label's key", clip(&text)))
    }
}

impl TryFrom<u64> for Skew {
    type Error = String;
    fn try_from(count: u64) -> Result<Self, String> {
        let fits = i32::try_from(count).ok().filter(|count| 0 < *count);
        fits.map(Self).ok_or_else(|| format!("{count}: expected 1 or more"))
    }
}

impl TryFrom<u64> for Weight {
    type Error = String;
    fn try_from(weight: u64) -> Result<Self, String> {
        let fits = i32::try_from(weight).ok().filter(|weight| (1..=100).contains(weight));
        fits.map(Self).ok_or_else(|| format!("{weight}: expected a weight of 1 to 100"))
    }
}

impl<'de> Deserialize<'de> for Protection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProtectionVisitor)
    }
}

/// YAML writes `true` without quotes, Kubernetes' annotations with them.
struct ProtectionVisitor;

impl Visitor<'_> for ProtectionVisitor {
    type Value = Protection;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or a duration")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Protection, E> {
        Ok(Protection(value.then_some(DoNotDisrupt::Always)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Protection, E> {
        match text {
            "true" => self.visit_bool(true),
            "false" => self.visit_bool(false),
            _ => Span::try_from(text.to_owned())
                .map(|span| Protection(Some(DoNotDisrupt::For(span.0))))
                .map_err(E::custom),
        }
    }
}
