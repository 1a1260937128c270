//! The forms of texts: which pattern of the API stands for which, and how it is told to a person.
//!
//! The patterns themselves are the API server's. Here a text is read as what it means, which is never laxer: a schedule has to be
//! a schedule, and a duration one that can be counted.

use crate::crd::pattern;
use crate::format;
use model::quantity;

/// A form that texts have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Duration,
    DurationOrNever,
    HoursAndMinutes,
    Time,
    CountOrPercent,
    Schedule,
    QualifiedName,
    LabelValue,
    Quantity,
    Threshold,
    VolumeSize,
    Group,
    Account,
    Id(&'static str),
}

impl Form {
    /// The form that a pattern stands for.
    ///
    /// # Panics
    /// When the pattern is new: its form has to be added here.
    pub(super) fn of_pattern(pattern: &str) -> Self {
        match pattern {
            pattern::DURATION => Self::Duration,
            pattern::DURATION_OR_NEVER => Self::DurationOrNever,
            pattern::HOURS_AND_MINUTES => Self::HoursAndMinutes,
            pattern::COUNT_OR_PERCENT => Self::CountOrPercent,
            pattern::SCHEDULE => Self::Schedule,
            pattern::QUALIFIED_NAME => Self::QualifiedName,
            pattern::LABEL_VALUE => Self::LabelValue,
            pattern::QUANTITY => Self::Quantity,
            pattern::THRESHOLD => Self::Threshold,
            pattern::VOLUME_SIZE => Self::VolumeSize,
            pattern::GROUP => Self::Group,
            pattern::ACCOUNT => Self::Account,
            pattern::AMI => Self::Id("ami-"),
            pattern::CAPACITY_RESERVATION => Self::Id("cr-"),
            pattern::PLACEMENT_GROUP => Self::Id("pg-"),
            pattern::SECURITY_GROUP => Self::Id("sg-"),
            pattern::SUBNET => Self::Id("subnet-"),
            other => panic!("a definition has a pattern without a form: {other}"),
        }
    }

    /// The form that a format stands for; formats of numbers have none.
    pub(super) fn of_format(format: &str) -> Option<Self> {
        (format == "date-time").then_some(Self::Time)
    }

    /// What a text of this form looks like, if it is not one.
    pub(super) fn missed_by(self, text: &str) -> Option<&'static str> {
        let (holds, expected) = match self {
            Self::Duration => (format::duration(text).is_some(), "a duration such as 30s or 1h30m"),
            Self::DurationOrNever => (
                format::duration_or_never(text).is_some(),
                "a duration such as 720h or 1h30m, or Never",
            ),
            Self::HoursAndMinutes => {
                (is_hours_and_minutes(text), "a duration in hours and minutes such as 8h or 1h30m")
            }
            Self::Time => (format::time(text).is_some(), "a time such as 2026-01-01T00:00:00Z"),
            Self::CountOrPercent => (
                format::is_number(text) || format::percent(text).is_some(),
                "a number such as 5 or a percentage of 0% to 100%",
            ),
            Self::Schedule => {
                (format::is_schedule(text), "a cron expression of five fields, or @daily")
            }
            Self::QualifiedName => (
                text.is_empty() || format::is_qualified_name(text),
                "a name such as team or example.com/team",
            ),
            Self::LabelValue => (
                format::is_label_value(text),
                "at most 63 of letters, digits, -, _ and ., a letter or digit at both ends",
            ),
            Self::Quantity => {
                // A negative one has words of its own when it is read.
                (is_amount(text.trim_start_matches('-')), "a quantity such as 500m, 2 or 1.5Gi")
            }
            Self::Threshold => (
                format::basis_points(text).is_some() || is_amount(text),
                "a quantity such as 100Mi or a percentage such as 5%",
            ),
            Self::VolumeSize => (is_volume_size(text), "a size such as 20Gi or 1Ti"),
            Self::Group => (!text.contains('/'), "an API group without a slash"),
            Self::Account => {
                (text.len() == 12 && format::is_number(text), "an account of twelve digits")
            }
            Self::Id(prefix) => (is_id(text, prefix), id_example(prefix)),
        };
        (!holds).then_some(expected)
    }
}

fn is_amount(text: &str) -> bool {
    quantity::parse_units(text).is_ok()
}

fn is_hours_and_minutes(text: &str) -> bool {
    let whole = text.strip_suffix("0s").unwrap_or(text);
    format::duration(text).is_some() && whole.ends_with(['h', 'm']) && !whole.contains('s')
}

/// A whole number of a unit, up to 64 TB. Of Ti those that end in 8 or 9 are refused beyond one digit, as by the pattern.
fn is_volume_size(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - unit.len()];
    let Ok(number) = digits.parse::<u32>() else { return false };
    let holds = match unit {
        "Gi" => number <= 59_000,
        "G" => number <= 64_000,
        "Ti" => number < 10 || number == 58 || number < 58 && number % 10 < 8,
        "T" => number <= 64,
        _ => false,
    };
    holds && !digits.starts_with('0')
}

fn is_id(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
}

fn id_example(prefix: &str) -> &'static str {
    match prefix {
        "ami-" => "an id such as ami-0abc",
        "cr-" => "an id such as cr-0abc",
        "pg-" => "an id such as pg-0abc",
        "sg-" => "an id such as sg-0abc",
        "subnet-" => "an id such as subnet-0abc",
        other => unreachable!("{other} stands for no pattern"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_a_whole_number_of_a_unit_up_to_64_terabytes() {
        for text in ["1Gi", "20Gi", "59000Gi", "64000G", "1Ti", "57Ti", "58Ti", "64T"] {
            assert!(is_volume_size(text), "{text}");
        }
        let wrong = ["", "Gi", "0Gi", "020Gi", "1.5Gi", "20", "20Mi", "59001Gi", "64001G", "18Ti"];
        for text in wrong.into_iter().chain(["59Ti", "65T", "-1Gi", "20gi", "99999999999Gi"]) {
            assert!(!is_volume_size(text), "{text}");
        }
    }
}
