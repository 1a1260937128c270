//! Sets of small numbers.

/// A set of numbers below some size, a bit for each. Most sizes are below 64, and many sets are made, so that the first word
/// has no place of its own in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bits {
    first: u64,
    others: Vec<u64>,
}

impl Bits {
    /// Whether a number is in it.
    pub(crate) fn contains(&self, number: usize) -> bool {
        let word = match (number / 64).checked_sub(1) {
            None => self.first,
            Some(other) => self.others.get(other).copied().unwrap_or(0),
        };
        word >> (number % 64) & 1 == 1
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.words().all(|word| word == 0)
    }

    /// Whether all of it is in another set of the same size.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.words().zip(other.words()).all(|(mine, theirs)| mine & !theirs == 0)
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// The numbers in it, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words().enumerate().flat_map(|(index, word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let lowest = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(index * 64 + lowest)
            })
        })
    }
}

impl FromIterator<bool> for Bits {
    /// One flag for each number from 0 on.
    fn from_iter<I: IntoIterator<Item = bool>>(flags: I) -> Self {
        let mut flags = flags.into_iter();
        let mut word = || {
            let mut bits = flags.by_ref().take(64).enumerate().peekable();
            bits.peek()?;
            Some(bits.fold(0, |word, (bit, flag)| word | u64::from(flag) << bit))
        };
        let first = word().unwrap_or(0);
        Self { first, others: std::iter::from_fn(word).collect() }
    }
}
