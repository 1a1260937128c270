//! Amounts of resources: what a pod requests, what a node has.

use crate::name::Text;
use crate::quantity::{self, ParseError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Amounts in whole base units. Absent extended resources count as zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resources {
    /// CPU in thousandths of a core.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cpu_milli: i64,
    /// Memory in bytes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub memory_bytes: i64,
    /// Local ephemeral storage in bytes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ephemeral_bytes: i64,
    /// Number of pods.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pods: i64,
    /// Everything else (`nvidia.com/gpu`, `hugepages-2Mi` …) in whole units; never holds a zero.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extended: BTreeMap<Text, i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

impl Resources {
    /// CPU in milli-cores and memory in bytes, nothing else.
    pub fn cpu_memory(cpu_milli: i64, memory_bytes: i64) -> Self {
        Self { cpu_milli, memory_bytes, ..Self::default() }
    }

    /// Sets the amount of the named resource from Kubernetes' text for it.
    ///
    /// # Errors
    /// When the text is not a quantity of zero or more.
    pub fn set(&mut self, resource: &str, amount: &str) -> Result<(), ParseError> {
        let units = if resource == "cpu" {
            quantity::parse_milli(amount)?
        } else {
            quantity::parse_units(amount)?
        };
        self.set_units(resource, units);
        Ok(())
    }

    /// Sets the amount of the named resource in base units (milli for `cpu`).
    pub fn set_units(&mut self, resource: &str, units: i64) {
        match resource {
            "cpu" => self.cpu_milli = units,
            "memory" => self.memory_bytes = units,
            "ephemeral-storage" => self.ephemeral_bytes = units,
            "pods" => self.pods = units,
            _ if units == 0 => {
                self.extended.remove(resource);
            }
            _ => {
                self.extended.insert(resource.into(), units);
            }
        }
    }

    /// The amount of the named resource in base units (milli for `cpu`), zero when absent.
    pub fn get(&self, resource: &str) -> i64 {
        match resource {
            "cpu" => self.cpu_milli,
            "memory" => self.memory_bytes,
            "ephemeral-storage" => self.ephemeral_bytes,
            "pods" => self.pods,
            _ => self.extended.get(resource).copied().unwrap_or(0),
        }
    }

    /// All amounts that are not zero, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        [
            ("cpu", self.cpu_milli),
            ("memory", self.memory_bytes),
            ("ephemeral-storage", self.ephemeral_bytes),
            ("pods", self.pods),
        ]
        .into_iter()
        .filter(|(_, units)| *units != 0)
        .chain(self.extended.iter().map(|(name, units)| (&**name, *units)))
    }

    /// Whether every amount is zero.
    pub fn is_zero(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether all of this fits into `room`.
    pub fn fits(&self, room: &Self) -> bool {
        self.cpu_milli <= room.cpu_milli
            && self.memory_bytes <= room.memory_bytes
            && self.ephemeral_bytes <= room.ephemeral_bytes
            && self.pods <= room.pods
            && self.extended.iter().all(|(name, units)| *units <= room.get(name))
    }

    /// The resources of which `room` has too little, with the amount that is missing.
    #[must_use]
    pub fn shortfall(&self, room: &Self) -> Self {
        let mut missing = Self::default();
        for (name, units) in self.iter() {
            if units > room.get(name) {
                missing.set_units(name, units - room.get(name));
            }
        }
        missing
    }

    /// Adds in place.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine + theirs);
    }

    /// Subtracts in place; amounts may become negative, which then fit nothing.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine - theirs);
    }

    /// Takes the larger amount of each, in place.
    pub fn raise_to(&mut self, other: &Self) {
        self.combine(other, i64::max);
    }

    /// This and the other together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.add(other);
        sum
    }

    /// This less the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        rest.subtract(other);
        rest
    }

    fn combine(&mut self, other: &Self, with: impl Fn(i64, i64) -> i64) {
        self.cpu_milli = with(self.cpu_milli, other.cpu_milli);
        self.memory_bytes = with(self.memory_bytes, other.memory_bytes);
        self.ephemeral_bytes = with(self.ephemeral_bytes, other.ephemeral_bytes);
        self.pods = with(self.pods, other.pods);
        for (name, theirs) in &other.extended {
            let units = with(self.get(name), *theirs);
            self.set_units(name, units);
        }
    }
}

/// The amount of one resource as Kubernetes would print it.
pub fn format_amount(resource: &str, units: i64) -> String {
    match resource {
        "cpu" => quantity::format_milli(units),
        "memory" | "ephemeral-storage" => quantity::format_bytes(units),
        _ => units.to_string(),
    }
}

impl fmt::Display for Resources {
    /// `500m cpu, 1Gi memory, 1 nvidia.com/gpu`; `nothing` when all are zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, units) in self.iter() {
            write!(f, "{separator}{} {name}", format_amount(name, units))?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Resources {
        let mut all = Resources::default();
        for (name, amount) in pairs {
            all.set(name, amount).unwrap();
        }
        all
    }

    #[test]
    fn a_pod_fits_when_every_resource_does() {
        let pod = of(&[("cpu", "1"), ("memory", "1Gi"), ("nvidia.com/gpu", "1")]);
        let mut node = of(&[("cpu", "2"), ("memory", "1Gi"), ("nvidia.com/gpu", "1")]);
        assert!(pod.fits(&node));
        node.set_units("nvidia.com/gpu", 0);
        assert!(!pod.fits(&node));
        assert_eq!(pod.shortfall(&node).to_string(), "1 nvidia.com/gpu");
    }

    #[test]
    fn adding_and_taking_away_again_leaves_nothing_behind() {
        let pod = of(&[("cpu", "250m"), ("example.com/licence", "2")]);
        let mut sum = pod.plus(&pod);
        assert_eq!(sum.to_string(), "500m cpu, 4 example.com/licence");
        sum.subtract(&pod);
        sum.subtract(&pod);
        assert_eq!(sum, Resources::default());
        assert_eq!(sum.to_string(), "nothing");
    }
}
