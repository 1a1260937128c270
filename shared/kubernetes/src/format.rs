//! Texts with a form of their own: durations, times, names, percentages.

use jiff::{SignedDuration, Timestamp};

/// The longest duration, in seconds: Go's 64 bits of nanoseconds, as the API server has them.
pub(crate) const DURATION_MAX_SECONDS: i64 = i64::MAX / 1_000_000_000;

/// Times are taken up to 2200-01-01: a duration added to one of them is still a time.
const TIME_MAX_SECOND: i64 = 7_258_118_400;

/// Reads `1h30m`, `720h`, `0s`.
pub(crate) fn duration(text: &str) -> Option<SignedDuration> {
    let mut seconds: i64 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (seconds <= DURATION_MAX_SECONDS).then(|| SignedDuration::from_secs(seconds))
}

/// Reads a duration, or `Never` as none. The outer option says whether it is either.
#[expect(clippy::option_option, reason = "unreadable, never, and a duration are three things")]
pub(crate) fn duration_or_never(text: &str) -> Option<Option<SignedDuration>> {
    if text == "Never" { Some(None) } else { duration(text).map(Some) }
}

/// Reads an RFC 3339 time of the years 1970 to 2199.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    (0..TIME_MAX_SECOND).contains(&time.as_second()).then_some(time)
}

/// Reads `10%` as ten.
pub(crate) fn percent(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('%').filter(|digits| is_number(digits))?;
    digits.parse().ok().filter(|percent| *percent <= 100)
}

/// Reads `12.34%` in hundredths of a per cent.
pub(crate) fn basis_points(text: &str) -> Option<i64> {
    let number = text.strip_suffix('%')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if !is_number(whole) || !is_number(fraction) || 2 < fraction.len() || 3 < whole.len() {
        return None;
    }
    let tenths = if fraction.len() == 1 { 10 } else { 1 };
    let points = whole.parse::<i64>().ok()? * 100 + fraction.parse::<i64>().ok()? * tenths;
    (points <= 10_000).then_some(points)
}

/// Whether all of it is digits, and some.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether it may be a label's value: up to 63 of letters, digits, `-`, `_`, `.`, with a letter or digit at both ends.
pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty() || text.len() <= 63 && is_name(text, |b| matches!(b, b'-' | b'_' | b'.'))
}

/// Whether it may be a label's key: a name, before it a DNS domain and a slash or nothing.
pub(crate) fn is_qualified_name(text: &str) -> bool {
    let (domain, name) = match text.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, text),
    };
    !name.is_empty() && is_label_value(name) && domain.is_none_or(is_domain)
}

fn is_domain(text: &str) -> bool {
    text.split('.')
        .all(|part| is_name(part, |b| b == b'-') && !part.bytes().any(|b| b.is_ascii_uppercase()))
}

fn is_name(text: &str, is_inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    end(bytes.first())
        && end(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || is_inner(*b))
}

/// Whether it may be a cron expression: five fields, or one of the names.
pub(crate) fn is_schedule(text: &str) -> bool {
    let names = ["@annually", "@yearly", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    let is_field = |field: &str| {
        field
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'/' | b',' | b'-' | b'?'))
    };
    names.contains(&text)
        || text.split_whitespace().count() == 5 && text.split_whitespace().all(is_field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_hours_minutes_and_seconds() {
        let cases = [("720h", 2_592_000), ("0s", 0), ("1h30m", 5400), ("90s", 90), ("1m1m", 120)];
        for (text, seconds) in cases {
            assert_eq!(duration(text), Some(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "1", "h", "1d", "-1h", "1.5h", "Never", "99999999999h", "1h ", "١h"] {
            assert_eq!(duration(text), None, "{text:?}");
        }
        assert_eq!(duration_or_never("Never"), Some(None));
    }

    #[test]
    fn times_far_away_are_refused() {
        assert!(time("2026-01-01T00:00:00Z").is_some());
        assert!(time("2026-01-01T01:00:00+01:00").is_some());
        assert_eq!(time("9999-01-01T00:00:00Z"), None);
        assert_eq!(time("1969-12-31T23:59:59Z"), None);
        assert_eq!(time("2026-01-01"), None);
    }

    #[test]
    fn percentages_have_at_most_two_decimals() {
        assert_eq!(basis_points("5%"), Some(500));
        assert_eq!(basis_points("5.2%"), Some(520));
        assert_eq!(basis_points("5.25%"), Some(525));
        assert_eq!(basis_points("100%"), Some(10_000));
        for text in ["101%", "5", "5.%", "5.255%", "%", "-1%", "9999999999999999999999%"] {
            assert_eq!(basis_points(text), None, "{text}");
        }
        assert_eq!(percent("10%"), Some(10));
        assert_eq!(percent("101%"), None);
    }

    #[test]
    fn names_of_labels_are_checked_as_the_api_server_does() {
        for key in ["a", "example.com/a", "a.b-c.d/E_f.g-h"] {
            assert!(is_qualified_name(key), "{key}");
        }
        for key in ["", "/a", "a/", "a/b/c", "-a", "A.com/b", "a..b/c", "a b"] {
            assert!(!is_qualified_name(key), "{key}");
        }
        assert!(is_label_value(""));
        assert!(!is_label_value("a,b"));
        assert!(!is_label_value(&"a".repeat(64)));
    }

    #[test]
    fn schedules_have_five_fields_or_a_name() {
        for text in ["@daily", "0 9 * * 1-5", "*/5 0,12 * jan MON"] {
            assert!(is_schedule(text), "{text}");
        }
        for text in ["", "@reboot", "0 9 * *", "0 9 * * * *", "0 9 * * $"] {
            assert!(!is_schedule(text), "{text}");
        }
    }
}
