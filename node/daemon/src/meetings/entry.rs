//! How somebody gets a place: from the client that asks to the answer of the rules, with a seat where one is needed.

use super::{
    ServerRoster, hash,
    refusal::{counted, over, refused, unreadable},
};
use crate::seats;
use plenary_access::Outcome;
use plenary_conference::{Change, Person, Pin, Via};
use plenary_meeting_io::{Entered, Person as Visitor, Refused, Roster as _};
use plenary_model::{Cid, limits};
use plenary_rest_api::backend::{Applied, Backend as _};
use plenary_signalling::meeting::{ParticipantId, Refusal, State};
use std::net::IpAddr;

/// Who comes in.
pub(crate) struct Comer {
    pub(crate) person: Person,
    /// None: as their account or guest is called.
    name: Option<String>,
    screenless_at_home: bool,
    /// Where they come from.
    pub(crate) from: Option<IpAddr>,
}

impl From<Person> for Comer {
    fn from(person: Person) -> Self {
        Self {
            person,
            name: None,
            screenless_at_home: false,
            from: None,
        }
    }
}

impl ServerRoster {
    /// Takes a new place.
    pub(crate) async fn enter_by(
        &self,
        room: &Cid,
        comer: Comer,
        via: Via,
        state: State,
        pin: Option<String>,
    ) -> Result<Entered, Refused> {
        // The highest bit is for those who only watch, and stand beside the roster.
        let asked = seats::reading();
        let participant = u64::from_be_bytes(crate::secret::random_bytes()) >> 1;
        let secret = crate::secret::random_password();
        let from = comer.from;
        let enter = Change::Enter {
            cid: room.clone(),
            participant: plenary_conference::ParticipantId(participant),
            person: comer.person,
            name: comer.name,
            via,
            node: self.0.me(),
            epoch: self.0.epoch,
            secret: hash(&secret),
            muted: state.muted.unwrap_or(false),
            camera: state.camera.unwrap_or(false),
            pin: pin.map(|digits| Pin(digits.chars().take(64).collect())),
            screenless_at_home: comer.screenless_at_home,
        };
        // Calls of two need no seat.
        let seated = !self.is_call(room).await;
        if seated {
            self.0.lessee.may_use().await.map_err(over)?;
        }
        let applied = self.0.with_a_seat(|| self.propose_for(from, enter.clone())).await;
        let applied = applied.map_err(refused)?;
        self.0.wait_applied(applied.index).await.map_err(unreadable)?;
        self.0.alive.heard(asked);
        let entered = Entered {
            participant: place_of(&applied).unwrap_or(ParticipantId(participant)),
            secret,
            moves: moves(&applied)?,
        };
        if !seated {
            return Ok(entered);
        }
        // What was granted under a lease that this node had not heard of is used once it has.
        self.0.look_at_lease().await;
        if let Err(reason) = self.0.lessee.may_use().await {
            self.leave(room, entered.participant, entered.moves).await.ok();
            return Err(over(reason));
        }
        Ok(entered)
    }
}

pub(super) fn moves(applied: &Applied) -> Result<u64, Refused> {
    match &applied.outcome {
        Outcome::Entered { moves } | Outcome::TakenOver { moves, .. } => Ok(*moves),
        Outcome::KeptOut { code, reason, left } => Err(counted(code, reason, *left)),
        _ => Err(Refused::new(
            Refusal::Unavailable,
            "the server answered something else",
        )),
    }
}

/// The place that was taken over, where it was not the one that was proposed.
pub(super) fn place_of(applied: &Applied) -> Option<ParticipantId> {
    match applied.outcome {
        Outcome::TakenOver { participant, .. } => Some(ParticipantId(participant)),
        _ => None,
    }
}

pub(super) fn person(visitor: &Visitor) -> Result<Person, Refused> {
    match visitor {
        Visitor::Account(user) => Ok(Person::Account(user.clone())),
        Visitor::Guest { id, .. } => {
            let id = id.as_str().parse();
            let id =
                id.map_err(|_| Refused::new(Refusal::Forbidden, "you are not known as a guest any more"))?;
            Ok(Person::Guest(id))
        }
        Visitor::Federated(federated) => Ok(Person::Federated(federated.user.clone())),
    }
}

pub(super) fn comer(visitor: &Visitor, from: Option<IpAddr>) -> Result<Comer, Refused> {
    let mut comer = Comer::from(person(visitor)?);
    comer.from = from;
    if let Visitor::Federated(federated) = visitor {
        let name = federated.name.trim().chars().take(limits::PARTICIPANT_NAME);
        comer.name = Some(name.collect());
        comer.screenless_at_home = !federated.shares;
    }
    Ok(comer)
}
