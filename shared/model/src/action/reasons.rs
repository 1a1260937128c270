//! Which deletions are of our own will.

use super::DeleteReason;
use crate::pool::DisruptionReason;

impl DeleteReason {
    /// The kind of disruption that it is, where it is one of our own will.
    pub const fn voluntary(self) -> Option<DisruptionReason> {
        match self {
            Self::Underutilized => Some(DisruptionReason::Underutilized),
            Self::Empty => Some(DisruptionReason::Empty),
            Self::Drifted => Some(DisruptionReason::Drifted),
            Self::Expired
            | Self::InsufficientCapacity
            | Self::NodeclassNotReady
            | Self::LaunchTimeout
            | Self::RegistrationTimeout
            | Self::GarbageCollected
            | Self::PoolDeleted
            | Self::NodeDeleted
            | Self::SpotInterrupted
            | Self::InstanceStopped
            | Self::InstanceTerminated
            | Self::ScheduledChange
            | Self::CapacityReservationInterrupted
            | Self::Unhealthy
            | Self::ScaledDown => None,
        }
    }
}
