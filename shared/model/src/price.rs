//! Money as whole micro-dollars.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// A price or a cost in micro-dollars (10⁻⁶ US dollars); per hour where it is an offering's price.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Price(i64);

impl Price {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The price of so many micro-dollars.
    pub const fn from_micro_dollars(micro_dollars: i64) -> Self {
        Self(micro_dollars)
    }

    /// The number of micro-dollars.
    pub const fn micro_dollars(self) -> i64 {
        self.0
    }
}

impl Add for Price {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Price {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Price {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Price {
    fn sum<I: Iterator<Item = Self>>(prices: I) -> Self {
        prices.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Price {
    /// Dollars with four decimals (`$0.0960`), rounded half up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths_of_mills = (self.0.abs() + 50) / 100;
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}${}.{:04}", tenths_of_mills / 10_000, tenths_of_mills % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_prints_as_dollars_with_four_decimals() {
        assert_eq!(Price::from_micro_dollars(96_000).to_string(), "$0.0960");
        assert_eq!(Price::from_micro_dollars(12_345_678).to_string(), "$12.3457");
        assert_eq!(Price::from_micro_dollars(-50).to_string(), "-$0.0001");
    }
}
