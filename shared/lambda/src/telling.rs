//! Decisions on an event bus, where one is named. The log has them in any case: what cannot be put there is a line in it and
//! keeps nothing back.

use aws::{Bus, Entry};
use jiff::{SignedDuration, Timestamp};
use reconciler::decision::Decision;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The most that one invocation tells: ten calls of some 20 ms. A pass that has more to say says it of many pods at once.
const ENTRIES_MAX: usize = 100;

/// What lasts is told again after this; in each pass it would be 1,440 events a day for one pod that fits nowhere.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// So much is remembered of what was told. Of more than that, something is told twice.
const REMEMBERED_MAX: usize = 10_000;

/// A bus, and what has been said on it.
pub(crate) struct Teller {
    pub(crate) bus: Bus,
    pub(crate) told: Mutex<Told>,
}

/// What lasts and was told, until when it is not told again.
pub(crate) type Told = BTreeMap<String, Timestamp>;

impl Teller {
    /// Tells what is new among these. Returns in a line what could not be told.
    pub(crate) async fn tell(
        &self,
        decisions: &[Decision],
        (cluster, function): (&str, &str),
        now: Timestamp,
    ) -> Option<String> {
        let (entries, left) = {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            news(decisions, (cluster, function), &told, now)
        };
        let entry = |(decision, detail): &(&Decision, String)| Entry {
            detail_type: decision.detail_type(),
            detail: detail.clone(),
        };
        let put: Vec<Entry> = entries.iter().map(entry).collect();
        if let Err(line) = self.bus.put(&put, now).await {
            return Some(line);
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        remember(&mut told, entries, now);
        (0 < left).then(|| format!("{left} events more than {ENTRIES_MAX} are not on the bus"))
    }
}

/// What is to be told, each with its detail, and how many are left.
fn news<'a>(
    decisions: &'a [Decision],
    (cluster, function): (&str, &str),
    told: &Told,
    now: Timestamp,
) -> (Vec<(&'a Decision, String)>, usize) {
    let mut entries = Vec::new();
    let mut left = 0;
    for decision in decisions {
        let detail = decision.detail(cluster, function).to_string();
        let is_told = || told.get(&detail).is_some_and(|until| now < *until);
        if decision.is_lasting() && is_told() {
            continue;
        }
        if entries.len() < ENTRIES_MAX {
            entries.push((decision, detail));
        } else {
            left += 1;
        }
    }
    (entries, left)
}

fn remember(told: &mut Told, entries: Vec<(&Decision, String)>, now: Timestamp) {
    told.retain(|_, until| now < *until);
    let lasting = entries.into_iter().filter(|(decision, _)| decision.is_lasting());
    for (_, detail) in lasting.take(REMEMBERED_MAX.saturating_sub(told.len())) {
        told.insert(detail, now + AGAIN_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::name::ClaimName;
    use model::reason::Subject;

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().unwrap()
    }

    fn left_out(n: usize) -> Decision {
        let subject = Subject::Claim(ClaimName::from(format!("c-{n}")));
        Decision::LeftOut { subject, reasons: vec!["no".to_owned()] }
    }

    const WHERE: (&str, &str) = ("prod", "provisioning");

    #[test]
    fn what_lasts_is_told_once_an_hour_and_what_happens_each_time() {
        let ended = Decision::Terminated { instances: vec!["i-1".into()] };
        let decisions = [left_out(1), ended, left_out(2)];
        let mut told = Told::new();
        let mut count = |time: &str| {
            let (entries, left) = news(&decisions, WHERE, &told, at(time));
            let count = entries.len();
            remember(&mut told, entries, at(time));
            (count, left)
        };
        assert_eq!(
            [count("12:00:00"), count("12:59:59"), count("13:00:00")],
            [(3, 0), (1, 0), (3, 0)]
        );
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn no_pass_tells_more_than_a_hundred_and_none_is_lost_for_good() {
        let decisions: Vec<Decision> = (0..250).map(left_out).collect();
        let mut told = Told::new();
        let mut count = || {
            let (entries, left) = news(&decisions, WHERE, &told, at("12:00:00"));
            let count = entries.len();
            remember(&mut told, entries, at("12:00:00"));
            (count, left)
        };
        assert_eq!([count(), count(), count(), count()], [(100, 150), (100, 50), (50, 0), (0, 0)]);
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let decisions: Vec<Decision> = (0..3).map(left_out).collect();
        let mut told: Told = (1..REMEMBERED_MAX).map(|n| (n.to_string(), at("13:00:00"))).collect();
        let (entries, _) = news(&decisions, WHERE, &told, at("12:00:00"));
        remember(&mut told, entries, at("12:00:00"));
        assert_eq!(told.len(), REMEMBERED_MAX);
    }
}
