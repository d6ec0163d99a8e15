//! PRO seats of those who take part without a place in a roster of this server: who watches by a program, and who is in a
//! conference of a partner's server (LIC-10).

use crate::{lease::Usable, seats, server::Server};
use plenary_access::Refusal;
use plenary_licensing::Change;
use plenary_model::UserName;
use plenary_rest_api::backend::{ReadError, WriteError};
use plenary_store::queries;

/// Why somebody takes no part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seatless {
    /// A sentence for the person.
    NoSeat(String),
    Unavailable,
}

impl Server {
    /// Whether a user has PRO or needs none, as this node's copy has it.
    pub(crate) async fn holds_pro(&self, user: &UserName) -> Result<bool, ReadError> {
        let user = user.clone();
        let held = self.query(move |db| {
            let needs = queries::needs_pro(db)?;
            Ok(!needs
                || queries::pro_of(db, &user)?.is_some_and(|row| row.seated && !row.holding.is_ending()))
        });
        held.await
    }

    /// They need what a join needs. Whoever has it costs no entry of the log.
    pub(crate) async fn take_seat_outside(&self, user: &UserName) -> Result<(), Seatless> {
        let usable = self.lessee.usable() == Usable::Yes;
        if usable && self.holds_pro(user).await.unwrap_or(false) {
            return Ok(());
        }
        if let Err(over) = self.lessee.may_use().await {
            return Err(Seatless::NoSeat(over.to_owned()));
        }
        let watch = || seats::propose(self, Change::Watch { user: user.clone() });
        match self.with_a_seat(watch).await {
            Ok(_) => Ok(()),
            Err(WriteError::Refused(Refusal::Licensing { reason, .. })) => Err(Seatless::NoSeat(reason)),
            Err(_) => Err(Seatless::Unavailable),
        }
    }
}
