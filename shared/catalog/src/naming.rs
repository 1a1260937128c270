//! What the name of an instance type says of it.

use model::name::Text;

/// The parts of an instance type's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The letters before the generation: `m` of `m5d.large`.
    pub category: Text,
    /// The number after them: 5. Zero where there is none.
    pub generation: u32,
    /// What stands before the dot: `m5d`.
    pub family: Text,
    /// What stands after it: `large`.
    pub size: Text,
}

/// Takes a name apart. The first families of large memory name that before their generation: `u-6tb1.metal` is of the first.
pub fn parts(name: &str) -> Parts {
    let (family, size) = name.split_once('.').unwrap_or((name, ""));
    let letters = family.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(family.len());
    let (category, rest) = family.split_at(letters);
    let after_memory = rest.strip_prefix('-').and_then(|rest| rest.split_once("tb"));
    let rest = after_memory.map_or(rest, |(_, rest)| rest);
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let generation = rest[..digits].parse().unwrap_or(0);
    Parts { category: category.into(), generation, family: family.into(), size: size.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Facts;

    #[test]
    fn the_names_of_all_built_in_types_say_what_their_facts_say() {
        for facts in Facts::builtin().types() {
            let Parts { category, generation, family, size } = parts(&facts.name);
            assert_eq!(
                (category, generation, family, size),
                (
                    facts.category.clone(),
                    facts.generation,
                    facts.family.clone(),
                    facts.size.clone()
                ),
                "{}",
                facts.name
            );
        }
    }

    #[test]
    fn odd_names_are_taken_apart_all_the_same() {
        let line = |name| {
            let Parts { category, generation, family, size } = parts(name);
            format!("{category}|{generation}|{family}|{size}")
        };
        assert_eq!(line("u-6tb1.112xlarge"), "u|1|u-6tb1|112xlarge");
        assert_eq!(line("hpc7g.4xlarge"), "hpc|7|hpc7g|4xlarge");
        assert_eq!(line("x"), "x|0|x|");
        assert_eq!(line(""), "|0||");
        assert_eq!(line("m99999999999.é"), "m|0|m99999999999|é");
    }
}
