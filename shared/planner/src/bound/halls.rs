//! Rooms that are nearly alike, taken together for the programme.

use super::field::{Field, Kind};
use super::{Bits, count};

/// At most so many. What is taken off the bound in the end is worked out room by room.
pub(super) const HALLS_MAX: usize = 16;

/// Some rooms as so many of one.
pub(super) struct Hall {
    /// Their average; it holds what half of them hold.
    pub(super) kind: Kind,
    /// How many rooms.
    pub(super) rooms: f64,
}

/// Puts rooms of about the same size together.
pub(super) fn halls(field: &Field) -> Vec<Hall> {
    let used = |room: &usize| !field.rooms[*room].fits.is_empty();
    let mut order: Vec<usize> = (0..field.rooms.len()).filter(used).collect();
    let totals: Vec<f64> = (0..field.requests.len()).map(|k| field.total(k)).collect();
    let size = |room: &usize| -> f64 {
        field.rooms[*room].caps.iter().zip(&totals).map(|(cap, total)| cap / total).sum()
    };
    order.sort_by(|a, b| size(a).total_cmp(&size(b)).then(a.cmp(b)));
    let each = order.len().div_ceil(HALLS_MAX).max(1);
    let halls = order.chunks(each).map(|rooms| hall(field, rooms));
    halls.filter(|hall| !hall.kind.fits.is_empty()).collect()
}

fn hall(field: &Field, rooms: &[usize]) -> Hall {
    let mut holding = vec![0; field.counts.len()];
    let mut caps = vec![0.0; field.requests.len()];
    for room in rooms {
        let room = &field.rooms[*room];
        for row in room.fits.iter() {
            holding[row] += 1;
        }
        for (sum, cap) in caps.iter_mut().zip(&room.caps) {
            *sum += cap / count(rooms.len());
        }
    }
    let fits: Bits = holding.iter().map(|held| 0 < *held && rooms.len() <= 2 * held).collect();
    Hall { kind: Kind { price: 0.0, caps, uses: vec![], fits }, rooms: count(rooms.len()) }
}
