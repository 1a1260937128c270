//! Which function has to look after a change. The simulated world gives the same hints for the same changes.

use crate::ledger::Change;
use model::hint::{Hint, Subject};

const NOBODY: &[Hint] = &[];
const PROVISIONING: &[Hint] = &[Hint::Provisioning];
const LIFECYCLE: &[Hint] = &[Hint::Lifecycle];

/// The hints of a change.
///
/// A pod that has been bound or deleted needs nobody. A claim that comes is to be launched, unless it is on its way out;
/// one that goes makes room under its pool's limits. Pools and classes decide what may be bought.
pub const fn hints_of(subject: Subject, change: Change) -> &'static [Hint] {
    match (subject, change) {
        (Subject::Pod, Change::Gone) => NOBODY,
        (Subject::Pod, Change::Came { .. } | Change::Changed)
        | (Subject::NodeClaim, Change::Came { going: false } | Change::Gone)
        | (Subject::NodePool | Subject::NodeClass, _) => PROVISIONING,
        (Subject::NodeClaim, Change::Came { going: true } | Change::Changed)
        | (Subject::Node, _) => LIFECYCLE,
    }
}
