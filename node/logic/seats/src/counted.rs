//! Seats that are only counted.

use crate::Seats;

/// How many are left; none if more are taken than there are.
pub(crate) fn free(capacity: u32, taken: usize) -> u32 {
    capacity.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
}

/// Online seats that are taken: one for each device (LIC-03), and for each terminal that is signed in (LIC-08).
pub(crate) fn taken_online(seats: &Seats) -> usize {
    seats.online.len() + seats.gateways.values().flatten().count()
}
