//! Invitations to the podium of a role-based meeting (CONF-09).
//!
//! ```text
//!  InviteToPodium ──► asked ── Set, accepted, a place is free ──► on the podium
//!                       ├───── Set, declined ───────────────────► declined
//!                       ├───── 30 s, Sweep ─────────────────────► missed
//!                       └───── TakePodium, SendBack, they leave ► nothing
//! ```
//!
//! The 30 s are those of the log: whoever accepts later is refused, whether anybody has swept yet or not.

use super::{Meetings, Participant, Via, decide::put, moderate::conflict};
use crate::{Conference, Decision, LECTURES_LEVEL, MODERATION_LEVEL, Mode, View};
use plenary_access::Refusal;
use plenary_model::{Timestamp, limits};
use serde::{Deserialize, Serialize};

/// How long somebody may think about it.
pub const INVITATION_MS: u64 = 30_000;

/// An invitation to the podium, as far as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    pub state: Invited,
    /// When they were asked, or since when it is over.
    pub at: Timestamp,
}

/// Who was invited to the podium and is not on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invited {
    /// Has not answered yet.
    Asked,
    Declined,
    /// Did not answer in time.
    Missed,
}

impl Invitation {
    /// Whether an answer is waited for.
    pub fn is_open(&self) -> bool {
        self.state == Invited::Asked
    }

    fn is_in_time(&self, now: Timestamp) -> bool {
        self.is_open() && now.since_ms(self.at) < INVITATION_MS
    }
}

impl<V: View> Meetings<'_, V> {
    /// Whether people are invited to the podium.
    fn invites(&self, conference: &Conference) -> bool {
        match conference.settings.mode {
            Mode::RoleBased => true,
            Mode::Lecture => self.at.level >= LECTURES_LEVEL,
            Mode::AllOnScreen | Mode::Smart => false,
        }
    }

    /// Asks somebody onto the podium; nothing follows if they are on it, or are asked already.
    pub(super) fn invite(&self, conference: &Conference, to: &mut Participant) -> Result<(), Refusal> {
        if !self.invites(conference) {
            return Err(conflict(
                "this meeting has no podium to which people are invited: its mode shows people otherwise",
            ));
        }
        if to.via == Via::Whip {
            return Err(conflict(
                "a program cannot answer an invitation; give it a place instead",
            ));
        }
        let now = self.at.now;
        let before = to.standing.invitation;
        let is_asked = before.is_some_and(|invitation| invitation.is_in_time(now));
        if to.standing.podium.is_some() || is_asked {
            return Ok(());
        }
        let rests = |one: Invitation| {
            one.state == Invited::Declined && now.since_ms(one.at) < limits::INVITATION_PAUSE_MS
        };
        if before.is_some_and(rests) {
            return Err(conflict(
                "they declined a moment ago; wait a little before you ask them again",
            ));
        }
        self.check_free_place(conference)?;
        to.standing.invitation = Some(Invitation {
            state: Invited::Asked,
            at: now,
        });
        Ok(())
    }

    /// Who was invited answers. There is nothing to decline once it is over.
    pub(super) fn answer_invitation(&self, who: &mut Participant, accepts: bool) -> Result<(), Refusal> {
        let now = self.at.now;
        let invitation = who.standing.invitation;
        if !accepts {
            if invitation.is_some_and(|invitation| invitation.is_open()) {
                who.standing.invitation = Some(Invitation {
                    state: Invited::Declined,
                    at: now,
                });
            }
            return Ok(());
        }
        let conference = self.conference(&who.cid)?;
        let is_in_time = invitation.is_some_and(|invitation| invitation.is_in_time(now));
        if !is_in_time || !self.invites(&conference) {
            return Err(conflict(
                "the invitation to the podium is over; raise your hand to ask for a place",
            ));
        }
        if who.standing.podium.is_none() && self.check_free_place(&conference).is_err() {
            return Err(Refusal::Full(
                "all places on the podium are taken right now; try again when one is free".into(),
            ));
        }
        self.give_podium(&conference, who)
    }

    /// Ends invitations that nobody has answered.
    pub(super) fn end_invitations(&self, decision: &mut Decision) {
        if self.at.level < MODERATION_LEVEL {
            return;
        }
        let now = self.at.now;
        let late = self
            .view
            .invited_before(Timestamp(now.0.saturating_sub(INVITATION_MS)));
        for (cid, id) in late {
            if let Some(mut one) = self.view.participant(&cid, id) {
                one.standing.invitation = Some(Invitation {
                    state: Invited::Missed,
                    at: now,
                });
                put(decision, one);
            }
        }
    }
}
