//! Things by name, for as long as one pass lasts: built once from a list, looked up often, never listed.
//!
//! A pass over hundreds of nodes looks up thousands of names, and the names of one kind begin alike, so that comparing
//! them in order costs more than hashing them. Nothing here depends on the order of hashes.

use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// Things by name; under one name there may be several, in the order in which they were given.
#[derive(Clone, Debug)]
pub struct ByName<'a, T> {
    /// The number of each name.
    numbers: FxHashMap<&'a str, usize>,
    /// Where the things of each name end; they begin where those of the name before end.
    ends: Vec<usize>,
    /// The things, name after name.
    things: Vec<T>,
}

impl<'a, T: Copy> ByName<'a, T> {
    /// Takes what there is, each under its name.
    pub fn new(given: impl IntoIterator<Item = (&'a str, T)>) -> Self {
        let given = given.into_iter();
        let mut numbers = FxHashMap::default();
        numbers.reserve(given.size_hint().0);
        let mut counts: Vec<usize> = Vec::new();
        let mut numbered = Vec::with_capacity(given.size_hint().0);
        for (name, thing) in given {
            let number = match numbers.entry(name) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    counts.push(0);
                    *new.insert(counts.len() - 1)
                }
            };
            counts[number] += 1;
            numbered.push((number, thing));
        }
        // From here on a name's entry is where the next of its things goes, at last where they end.
        let mut ends = counts;
        let mut start = 0;
        for end in &mut ends {
            (start, *end) = (start + *end, start);
        }
        let mut things: Vec<T> = numbered.iter().map(|(_, thing)| *thing).collect();
        for (number, thing) in numbered {
            things[ends[number]] = thing;
            ends[number] += 1;
        }
        Self { numbers, ends, things }
    }

    /// All things of a name.
    pub fn all(&self, name: &str) -> &[T] {
        let Some(&number) = self.numbers.get(name) else { return &[] };
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.things[start..self.ends[number]]
    }

    /// The thing of a name; the last one where there are several, as in a map.
    pub fn get(&self, name: &str) -> Option<T> {
        self.all(name).last().copied()
    }

    /// Whether there is something of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.numbers.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_things_in_the_order_given() {
        let all = ByName::new([("a", 1), ("b", 2), ("a", 3), ("c", 4), ("a", 5)]);
        assert_eq!(all.all("a"), [1, 3, 5]);
        assert_eq!(all.all("b"), [2]);
        assert_eq!(all.get("a"), Some(5));
        assert_eq!(all.get("c"), Some(4));
        assert!(all.contains("b") && !all.contains("d"));
        assert_eq!(all.get("d"), None);
    }

    #[test]
    fn many_names_are_kept_apart() {
        let names: Vec<String> = (0..1000).map(|n| format!("ip-10-0-0-{n}")).collect();
        let all = ByName::new(names.iter().map(String::as_str).zip(0..));
        assert!(names.iter().zip(0..).all(|(name, n)| all.all(name) == [n]));
        assert!(!all.contains("ip-10-0-0-1000"));
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        let none: ByName<'_, u8> = ByName::new([]);
        assert!(none.all("a").is_empty() && !none.contains(""));
    }
}
