//! What sessions of programs have in the conference: a place in the roster, or a line in the list of those who watch.

use super::{Held, MediaDoor, watch::unwatch};
use crate::meetings::{Comer, ServerRoster};
use plenary_conference::{Person, Via};
use plenary_meeting_io::{Entered, Refused as NoPlace, Roster as _};
use plenary_model::{Cid, UserName};
use plenary_signalling::meeting::{self, Refusal, State};
use plenary_store::queries;
use plenary_whip::{Caller, MediaError, Refused};
use std::net::IpAddr;

#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) participant: meeting::ParticipantId,
    pub(super) moves: u64,
}

impl MediaDoor {
    /// Takes a place in the meeting for somebody who publishes.
    pub(super) async fn enter(&self, cid: &Cid, user: &UserName, from: IpAddr) -> Result<Place, MediaError> {
        let state = State {
            camera: Some(true),
            ..State::default()
        };
        let roster = ServerRoster(self.server.clone());
        let mut comer = Comer::from(Person::Account(user.clone()));
        comer.from = Some(from);
        let entered = roster.enter_by(cid, comer, Via::Whip, state, None);
        match entered.await {
            Ok(Entered {
                participant, moves, ..
            }) => Ok(Place { participant, moves }),
            Err(NoPlace { code, detail, .. }) => Err(refused(code, detail)),
        }
    }

    /// Refuses a program that goes on from the other zone: the rights that it came with need not count there. A new session
    /// has those that do.
    pub(super) async fn check_still_there(&self, held: &Held, by: &Caller) -> Result<(), MediaError> {
        let settings = self.server.query(queries::settings).await;
        let zones = settings
            .map_err(|_| MediaError::Refused(Refused::Unavailable))?
            .zones;
        if zones.is_trusted(Some(held.address)) == zones.is_trusted(Some(by.address)) {
            return Ok(());
        }
        let words = "your program comes from another network than before; begin a new session";
        Err(MediaError::Refused(Refused::Forbidden(words)))
    }

    /// Gives up what a session has.
    pub(super) fn free(&self, held: Held) {
        let server = self.server.clone();
        match (held.place, held.watched) {
            (Some(place), _) => {
                let roster = ServerRoster(server);
                tokio::spawn(async move {
                    let left = roster.leave(&held.cid, place.participant, place.moves).await;
                    if let Err(error) = left {
                        tracing::warn!(reason = error.detail, "a place in a meeting was not given up");
                    }
                });
            }
            (None, Some(watched)) if watched.listed => {
                tokio::spawn(async move {
                    // What is left of it is found a moment later.
                    if let Err(error) = unwatch(&server, held.cid, watched.id).await {
                        tracing::debug!(%error, "a program that watched is still listed");
                    }
                });
            }
            _ => {}
        }
    }
}

fn refused(code: Refusal, detail: String) -> MediaError {
    match code {
        Refusal::NotFound => MediaError::Refused(Refused::NotFound),
        Refusal::Forbidden => MediaError::Refused(Refused::Forbidden("you may not enter this room")),
        Refusal::NoProSeat | Refusal::NoOnlineSeat => MediaError::NoSeat(detail),
        code => match kept_out(code) {
            Some(code) => MediaError::KeptOut {
                code: code.to_owned(),
                words: detail,
            },
            None => MediaError::Refused(Refused::Unavailable),
        },
    }
}

/// What the gate says to programs, by the code that people get; none of what has other reasons.
fn kept_out(code: Refusal) -> Option<&'static str> {
    Some(match code {
        Refusal::PinNeeded => "pin-needed",
        Refusal::WrongPin => "wrong-pin",
        Refusal::TooManyPins => "too-many-pins",
        Refusal::Locked => "locked",
        Refusal::Uninvited => "uninvited",
        Refusal::RemovedFromMeeting => "removed-from-meeting",
        Refusal::WayClosed => "way-closed",
        Refusal::NotBegun => "not-begun",
        Refusal::NotRegistered => "not-registered",
        Refusal::Full => "full",
        _ => return None,
    })
}
