//! Whether a node still is what its EC2NodeClass asks for, under Karpenter's reasons.

use model::name::Text;
use model::node_class::NodeClass;

/// A hash of a class' settings, and whose it is (D14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The hash.
    pub hash: Text,
    /// Its form: hashes of different forms say nothing of each other.
    pub version: Text,
}

/// What a node was launched with.
#[derive(Clone, Copy, Debug)]
pub struct Launched<'a> {
    /// What its NodeClaim was stamped with.
    pub stamp: Option<&'a Stamp>,
    /// Whether it is said to have drifted already.
    pub is_marked: bool,
    /// Its image.
    pub image: &'a str,
    /// Its subnet, where that is known.
    pub subnet: Option<&'a str>,
    /// Its reservation, where it is from one.
    pub reservation: Option<&'a str>,
}

/// What is to be said of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Same,
    /// Nothing, but its stamp is of another form, or missing: it gets ours. So nothing drifts when a cluster moves here
    /// from Karpenter, or when the form of our own hash changes.
    Restamp,
    /// It has drifted, for this reason.
    Drifted(&'static str),
}

/// Compares a node with its class. What the class selects is looked at first, since it says better what is wrong; a class
/// that has found nothing of a kind is not ready and condemns no node.
pub fn drift(launched: Launched<'_>, class: &NodeClass, stamp: &Stamp) -> Verdict {
    let status = &class.template.status;
    let lacks = |known: bool, is_there: bool| known && !is_there;
    let has_image = status.amis.iter().any(|ami| &*ami.id == launched.image);
    if lacks(!status.amis.is_empty(), has_image) {
        return Verdict::Drifted("AMIDrift");
    }
    if let Some(subnet) = launched.subnet {
        let has_subnet = status.subnets.iter().any(|known| &*known.id == subnet);
        if lacks(!status.subnets.is_empty(), has_subnet) {
            return Verdict::Drifted("SubnetDrift");
        }
    }
    if let Some(reservation) = launched.reservation
        && !status.capacity_reservations.iter().any(|known| &*known.id == reservation)
    {
        return Verdict::Drifted("CapacityReservationDrift");
    }
    match launched.stamp {
        Some(of_claim) if of_claim.version == stamp.version => {
            if of_claim.hash == stamp.hash {
                Verdict::Same
            } else {
                Verdict::Drifted("NodeClassDrift")
            }
        }
        // Who was marked before the form changed stays marked: its stamp can no longer be compared.
        Some(_) | None if launched.is_marked => Verdict::Same,
        Some(_) | None => Verdict::Restamp,
    }
}
