//! Seats that are only counted.

use crate::{ParticipationId, Places, Refusal, Seats};
use plenary_model::{GuestId, NodeId};

/// How many are left; none if more are taken than there are.
pub(crate) fn free(capacity: u32, taken: usize) -> u32 {
    capacity.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
}

/// Online seats that are taken: one for each device (LIC-03), and for each terminal that is signed in (LIC-08).
pub(crate) fn taken_online(seats: &Seats) -> usize {
    seats.online.len() + seats.gateways.values().flatten().count()
}

impl Seats {
    pub(crate) fn guest_join(
        &mut self,
        participation: ParticipationId,
        guest: &GuestId,
        node: NodeId,
    ) -> Result<(), Refusal> {
        if let Some(places) = self.guests.get_mut(guest) {
            places.insert(participation, node);
            return Ok(());
        }
        if free(self.capacity.guest, self.guests.len()) == 0 {
            return Err(Refusal::NoGuest);
        }
        self.guests
            .insert(guest.clone(), Places::from([(participation, node)]));
        Ok(())
    }
}
