//! The border between prices written as dollars and prices in whole micro-dollars.

use model::price::Price;

const MICRO_DOLLARS_PER_DOLLAR: f64 = 1e6;

/// A million dollars an hour: some hundred times the dearest instance type, and all nodes of a cluster at that price
/// still add up far below the largest `i64`.
const DOLLARS_MAX: f64 = 1e6;

/// The same in micro-dollars.
const MICRO_DOLLARS_MAX: i64 = 1_000_000_000_000;

/// The price of so many dollars, rounded to the nearest micro-dollar; the error says what is wrong with it.
pub(crate) fn price(dollars: f64) -> Result<Price, String> {
    if !(0.0..=DOLLARS_MAX).contains(&dollars) {
        return Err(format!("{dollars} dollars is no price: expected 0 to {DOLLARS_MAX}"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 10^12 after the check above")]
    let micro_dollars = (dollars * MICRO_DOLLARS_PER_DOLLAR).round() as i64;
    Ok(Price::from_micro_dollars(micro_dollars))
}

/// The price that a text names, as AWS' APIs write it: `0.0960000000`. None where it is no number, or no price.
pub fn parse(text: &str) -> Option<Price> {
    price(text.trim().parse().ok()?).ok()
}

/// A price of so many micro-dollars, within the bounds of [`price`].
pub(crate) fn of_micro_dollars(micro_dollars: i64) -> Option<Price> {
    (0..=MICRO_DOLLARS_MAX)
        .contains(&micro_dollars)
        .then(|| Price::from_micro_dollars(micro_dollars))
}

/// The price in dollars.
pub(crate) fn of_price(price: Price) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "prices lie far below 2^53 micro-dollars")]
    let micro_dollars = price.micro_dollars() as f64;
    micro_dollars / MICRO_DOLLARS_PER_DOLLAR
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_price_below_zero_or_beyond_sense_is_refused() {
        assert_eq!(price(0.096), Ok(Price::from_micro_dollars(96_000)));
        assert_eq!(price(0.000_000_6), Ok(Price::from_micro_dollars(1)));
        assert_eq!(price(0.0), Ok(Price::ZERO));
        for bad in [-0.01, 1e9, f64::NAN, f64::INFINITY] {
            assert!(price(bad).is_err(), "{bad}");
        }
        assert_eq!(parse("0.0960000000"), Some(Price::from_micro_dollars(96_000)));
        assert_eq!((parse("-1"), parse("NaN"), parse("")), (None, None, None));
        assert_eq!((of_micro_dollars(-1), of_micro_dollars(1_000_000_000_001)), (None, None));
    }

    proptest! {
        #[test]
        fn every_price_survives_as_dollars(micro_dollars in 0_i64..=1_000_000_000_000) {
            let exact = Price::from_micro_dollars(micro_dollars);
            prop_assert_eq!(price(of_price(exact)), Ok(exact));
        }
    }
}
