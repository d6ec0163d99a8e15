//! PRO seats of those who take part without a place in a roster of this server: who watches by a program, and who is in a
//! conference of a partner's server (LIC-10).

use crate::{lease::Usable, seats, server::Server};
use plenary_access::Refusal;
use plenary_licensing::Change;
use plenary_model::{Timestamp, UserName};
use plenary_rest_api::backend::{Backend as _, ReadError, WriteError};
use plenary_seats::Holding;
use plenary_signalling::meeting::Why;
use plenary_signalling_io::{Notification, Topic};
use plenary_store::queries;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{MissedTickBehavior, interval, sleep},
};

/// It is looked so often who has lost PRO, beside when seats changed.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Seats change often.
const PACE: Duration = Duration::from_millis(250);
/// Temporary PRO that ends so soon is taken anew for who attends: at home a place does that.
const RENEW_BEFORE_MS: u64 = 60 * 60 * 1_000;

/// What is to be done about the PRO of somebody who attends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    Renew,
    Lost,
}

fn standing(needs: bool, seated: bool, holding: Option<Holding>, now: Timestamp) -> Standing {
    match holding {
        _ if !needs => Standing::Good,
        None | Some(Holding::Ending { .. }) => Standing::Lost,
        Some(_) if !seated => Standing::Lost,
        Some(Holding::Temporary { until }) if until.0 < now.0 + RENEW_BEFORE_MS => Standing::Renew,
        Some(Holding::Temporary { .. } | Holding::Permanent { .. }) => Standing::Good,
    }
}

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

    /// As this node's copy has it; where that says that it is lost, as all know it: they may have got it a moment ago.
    async fn standing_outside(&self, user: &UserName) -> Result<Standing, ReadError> {
        let read = || {
            let (user, now) = (user.clone(), self.now_ms());
            self.query(move |db| {
                let (needs, row) = (queries::needs_pro(db)?, queries::pro_of(db, &user)?);
                let seated = row.as_ref().is_some_and(|row| row.seated);
                Ok(standing(needs, seated, row.map(|row| row.holding), now))
            })
        };
        let found = read().await?;
        if found != Standing::Lost {
            return Ok(found);
        }
        self.fresh().await?;
        read().await
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

/// Has those leave conferences of partners who have lost PRO, until the task is dropped.
pub(crate) async fn end_without_pro(server: Arc<Server>) {
    let mut changes = server.notifications.subscribe();
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            change = changes.recv() => match change {
                Ok(Notification::Changed { topic: Topic::Licensing, .. }) | Err(RecvError::Lagged(_)) => {
                    sleep(PACE).await;
                }
                Ok(_) => continue,
                Err(RecvError::Closed) => return,
            },
        }
        let Some(meetings) = server.meetings.get() else {
            continue;
        };
        for user in meetings.abroad_people() {
            // A call of two needs none.
            let caller = user.clone();
            let in_call = server.query(move |db| queries::is_called_away(db, &caller)).await;
            if in_call.unwrap_or(false) {
                continue;
            }
            match server.standing_outside(&user).await {
                Ok(Standing::Good) => {}
                Ok(Standing::Renew) => {
                    let renewed = seats::propose(&server, Change::Watch { user: user.clone() }).await;
                    if let Err(error) = renewed {
                        tracing::debug!(%user, %error, "PRO was not renewed; it is tried again");
                    }
                }
                Ok(Standing::Lost) => {
                    tracing::info!(%user, "somebody leaves a conference of another server: they have lost PRO");
                    meetings.end_abroad(&user, Why::SeatRevoked);
                }
                // Where it cannot be read, what was found last holds.
                Err(error) => tracing::warn!(%error, "seats cannot be read; it is tried again"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_attends_keeps_pro_and_who_lost_it_leaves() {
        let now = Timestamp(1_000_000_000);
        let until = |ms: u64| {
            Some(Holding::Temporary {
                until: Timestamp(now.0 + ms),
            })
        };
        assert_eq!(
            standing(true, true, until(2 * RENEW_BEFORE_MS), now),
            Standing::Good
        );
        assert_eq!(
            standing(true, true, until(RENEW_BEFORE_MS - 1), now),
            Standing::Renew
        );
        assert_eq!(
            standing(true, false, Some(Holding::Permanent { place: 1 }), now),
            Standing::Lost
        );
        assert_eq!(
            standing(true, true, Some(Holding::Permanent { place: 1 }), now),
            Standing::Good
        );
        assert_eq!(standing(true, true, None, now), Standing::Lost);
        assert_eq!(
            standing(false, false, None, now),
            Standing::Good,
            "nobody needs PRO"
        );
    }
}
