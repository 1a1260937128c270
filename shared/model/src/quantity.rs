//! Kubernetes quantities (`500m`, `1.5Gi`, `2e3`) as whole numbers.
//!
//! Grammar and suffixes follow the Kubernetes API reference, "Quantity". Fractions of the wanted unit are
//! rounded up, as the Kubernetes `Value` and `MilliValue` do.

/// Why a text is not a usable quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text is not a number with a known suffix.
    #[error("{0:?} is not a quantity: expected a number such as 500m, 2, 1.5Gi or 1e3")]
    Malformed(String),
    /// The number is below zero.
    #[error("{0:?} is negative: expected zero or more")]
    Negative(String),
    /// The number does not fit.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// Reads a quantity in whole units (bytes, counts), rounded up.
///
/// # Errors
/// When the text is no quantity, negative, or above `i64::MAX`.
pub fn parse_units(text: &str) -> Result<i64, ParseError> {
    parse_scaled(text, 0)
}

/// Reads a quantity in thousandths (milli-CPU), rounded up.
///
/// # Errors
/// When the text is no quantity, negative, or above `i64::MAX` thousandths.
pub fn parse_milli(text: &str) -> Result<i64, ParseError> {
    parse_scaled(text, 3)
}

/// A suffix as `2^binary * 10^decimal`.
struct Scale {
    binary: u32,
    decimal: i32,
}

fn scale(suffix: &str) -> Option<Scale> {
    let (binary, decimal) = match suffix {
        "" => (0, 0),
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        exponent => (0, exponent.strip_prefix(['e', 'E'])?.parse::<i16>().ok()?.into()),
    };
    Some(Scale { binary, decimal })
}

fn parse_scaled(text: &str, extra_decimals: i32) -> Result<i64, ParseError> {
    let malformed = || ParseError::Malformed(clip(text));
    let too_large = || ParseError::TooLarge(clip(text));
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number_end =
        unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(number_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(malformed());
    }
    let scale = scale(suffix).ok_or_else(malformed)?;
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i128::from(digit - b'0')))
            .ok_or_else(too_large)?;
    }
    if value == 0 {
        return Ok(0);
    }
    if negative {
        return Err(ParseError::Negative(clip(text)));
    }
    let fraction_digits = i32::try_from(fraction.len()).map_err(|_| too_large())?;
    value = value.checked_mul(1 << scale.binary).ok_or_else(too_large)?;
    let decimals = scale.decimal + extra_decimals - fraction_digits;
    let power = 10_i128.checked_pow(decimals.unsigned_abs());
    let units = match (decimals < 0, power) {
        (true, Some(power)) => value / power + i128::from(value % power != 0),
        (true, None) => 1,
        (false, Some(power)) => value.checked_mul(power).ok_or_else(too_large)?,
        (false, None) => return Err(too_large()),
    };
    i64::try_from(units).map_err(|_| too_large())
}

/// Enough of a bad text to recognise it in one line.
fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Prints milli-CPU as Kubernetes does: `2` or `1500m`.
pub fn format_milli(milli: i64) -> String {
    if milli % 1000 == 0 { (milli / 1000).to_string() } else { format!("{milli}m") }
}

/// Prints bytes with the largest binary suffix that leaves a whole number.
pub fn format_bytes(bytes: i64) -> String {
    let suffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let mut value = bytes;
    let mut step = 0;
    while value != 0 && value % 1024 == 0 && step + 1 < suffixes.len() {
        value /= 1024;
        step += 1;
    }
    format!("{value}{}", suffixes[step])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn suffixes_mean_what_kubernetes_says() {
        let cases = [
            ("0", 0),
            ("1", 1),
            ("1k", 1000),
            ("1Ki", 1024),
            ("1.5Gi", 1_610_612_736),
            ("123M", 123_000_000),
            ("2e3", 2000),
            ("2E3", 2000),
            ("1E", 1_000_000_000_000_000_000),
            ("1500m", 2),
            (".5Ki", 512),
            ("5.", 5),
            ("+7", 7),
            ("1e-3", 1),
        ];
        for (text, units) in cases {
            assert_eq!(parse_units(text), Ok(units), "{text}");
        }
        assert_eq!(parse_milli("500m"), Ok(500));
        assert_eq!(parse_milli("0.1"), Ok(100));
        assert_eq!(parse_milli("100u"), Ok(1));
        assert_eq!(parse_milli("2"), Ok(2000));
    }

    #[test]
    fn what_is_no_quantity_says_so() {
        for text in ["", "m", "1.2.3", "1 Gi", "1gi", "abc", "--1", "1e", "0x10", "١"] {
            assert!(matches!(parse_units(text), Err(ParseError::Malformed(_))), "{text:?}");
        }
        assert_eq!(parse_units("-1"), Err(ParseError::Negative("-1".into())));
        assert_eq!(parse_units("-0"), Ok(0));
        assert!(matches!(parse_units("9e30"), Err(ParseError::TooLarge(_))));
        assert!(matches!(parse_units("8Ei"), Err(ParseError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = parse_units(&text);
            let _ = parse_milli(&text);
        }

        #[test]
        fn printing_and_reading_is_the_identity(value in 0_i64..i64::MAX / 2) {
            prop_assert_eq!(parse_units(&format_bytes(value)), Ok(value));
            prop_assert_eq!(parse_milli(&format_milli(value)), Ok(value));
        }

        #[test]
        fn fractions_round_up(milli in 0_i64..1_000_000_000) {
            let rounded = (milli + 999) / 1000;
            prop_assert_eq!(parse_units(&format!("{milli}m")), Ok(rounded));
        }
    }
}
