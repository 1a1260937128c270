//! One problem's two results and what follows from them.

use crate::baseline::Theirs;
use crate::problem::Facts;

/// A problem, what joiner made of it, and what Karpenter did.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) facts: Facts,
    /// The result, or why there is none.
    pub(crate) ours: Result<Ours, String>,
    /// Nothing where Karpenter was not measured.
    pub(crate) theirs: Option<Theirs>,
}

/// What joiner made of a problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ours {
    pub(crate) left_out: usize,
    pub(crate) nodes: usize,
    /// Dollars an hour, by the judge's own count.
    pub(crate) cost: f64,
    /// Dollars an hour that no plan goes below, where the plan says so.
    pub(crate) bound: Option<f64>,
    /// The decision alone, in seconds.
    pub(crate) seconds: f64,
    /// The most memory of all runs, parsing included.
    pub(crate) peak_bytes: u64,
    /// Preferences of the pods that have a place.
    pub(crate) preferences: usize,
    pub(crate) preferences_kept: usize,
    pub(crate) violations: usize,
    /// The first of the violations.
    pub(crate) violations_shown: Vec<String>,
    /// Each run, and the one with the objects in another order, gave the same plan.
    pub(crate) is_repeatable: bool,
}

impl Row {
    /// Our cost over Karpenter's. Nothing where the one placed fewer pods than the other.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let (ours, theirs) = self.both()?;
        let is_same_work = ours.left_out == theirs.left_out && !theirs.timed_out;
        (is_same_work && 0.0 < theirs.cost).then(|| ours.cost / theirs.cost)
    }

    /// How often our decision fits into the time of Karpenter's. Where Karpenter was stopped it is at least that often;
    /// nothing where we placed fewer pods.
    pub(crate) fn speed_up(&self) -> Option<f64> {
        let (ours, theirs) = self.both()?;
        (ours.left_out <= theirs.left_out && 0.0 < ours.seconds)
            .then(|| theirs.seconds / ours.seconds)
    }

    /// How far our cost lies above our own bound, in per cent of the bound.
    pub(crate) fn gap_percent(&self) -> Option<f64> {
        let ours = self.ours.as_ref().ok()?;
        let bound = ours.bound?;
        if 0.0 < bound {
            // The judge rounds the cost it counts; a bound that is above it is a violation already.
            Some(((ours.cost - bound) / bound * 100.0).max(0.0))
        } else {
            // Nothing above nothing is no gap; a cost above a bound of nothing has none that could be named.
            (ours.cost <= 0.0).then_some(0.0)
        }
    }

    /// The kind of problem: the first word of its name.
    pub(crate) fn kind(&self) -> &str {
        self.name.split_once('-').map_or(&*self.name, |(kind, _)| kind)
    }

    /// Whether joiner failed or its plan breaks a rule.
    pub(crate) fn is_broken(&self) -> bool {
        self.ours.as_ref().map_or(true, |ours| 0 < ours.violations)
    }

    pub(crate) fn both(&self) -> Option<(&Ours, &Theirs)> {
        Some((self.ours.as_ref().ok()?, self.theirs.as_ref()?))
    }
}

/// The arithmetic mean; nothing of nothing.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    let count = u32::try_from(values.len()).expect("there are few problems");
    (0 < count).then(|| values.iter().sum::<f64>() / f64::from(count))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A problem of a thousand pods on which joiner did nothing wrong.
    pub(crate) fn row(name: &str, ours: Ours, theirs: Theirs) -> Row {
        let facts = Facts { pods: 1000, has_requests_only: true };
        Row { name: name.to_owned(), facts, ours: Ok(ours), theirs: Some(theirs) }
    }

    pub(crate) fn ours(cost: f64, seconds: f64) -> Ours {
        let (bound, peak_bytes) = (Some(cost), 64 << 20);
        Ours { nodes: 3, cost, bound, seconds, peak_bytes, is_repeatable: true, ..Ours::default() }
    }

    pub(crate) fn theirs(cost: f64, seconds: f64) -> Theirs {
        Theirs { nodes: 2, cost, seconds, ..Theirs::default() }
    }

    #[test]
    fn cost_and_time_are_compared() {
        let row = row("plain-500", ours(30.0, 0.5), theirs(40.0, 200.0));
        assert_eq!((row.ratio(), row.speed_up()), (Some(0.75), Some(400.0)));
    }

    #[test]
    fn who_places_fewer_pods_is_not_cheaper() {
        let mut row = row("plain-500", ours(30.0, 0.5), theirs(40.0, 200.0));
        row.ours.as_mut().unwrap().left_out = 1;
        assert_eq!((row.ratio(), row.speed_up()), (None, None));
        row.theirs.as_mut().unwrap().left_out = 2;
        assert_eq!((row.ratio(), row.speed_up()), (None, Some(400.0)));
    }

    #[test]
    fn a_stopped_karpenter_has_no_cost_to_compare() {
        let theirs = Theirs { timed_out: true, ..theirs(40.0, 200.0) };
        let row = row("diverse-50000", ours(30.0, 0.5), theirs);
        assert_eq!((row.ratio(), row.speed_up()), (None, Some(400.0)));
    }

    #[test]
    fn the_gap_is_a_share_of_the_bound() {
        let gap = |cost, bound| {
            row("a", Ours { bound, ..ours(cost, 1.0) }, theirs(1.0, 1.0)).gap_percent()
        };
        assert_eq!(gap(51.0, Some(50.0)), Some(2.0));
        assert_eq!(gap(51.0, None), None);
        assert_eq!(gap(0.0513, Some(0.05134)), Some(0.0));
        assert_eq!(gap(0.0, Some(0.0)), Some(0.0));
        assert_eq!(gap(1.0, Some(0.0)), None);
    }

    #[test]
    fn a_plan_that_breaks_a_rule_or_is_not_there_is_broken() {
        let mut row = row("a", ours(1.0, 1.0), theirs(1.0, 1.0));
        assert!(!row.is_broken());
        row.ours.as_mut().unwrap().violations = 1;
        assert!(row.is_broken());
        row.ours = Err("exit status: 1".to_owned());
        assert!(row.is_broken());
    }

    #[test]
    fn a_mean_of_nothing_is_nothing() {
        assert_eq!((mean(&[]), mean(&[1.0, 4.0])), (None, Some(2.5)));
    }
}
