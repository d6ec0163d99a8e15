//! What somebody is in a conference, and what of them is seen and heard.

use crate::{Access, Conference, Mode, NoChat, Participant, Person};
use plenary_access::PartnerTerms;
use serde::{Deserialize, Serialize};

/// CONF-07; later ones may all that earlier ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    #[default]
    Participant,
    /// Named by the conference or made one in the meeting, or an operator of the server.
    Moderator,
    /// Cannot be removed.
    Owner,
}

/// What of somebody may flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    pub voice: bool,
    pub camera: bool,
    /// Content and its sound.
    pub content: bool,
    /// Whether they get anything of others.
    pub receives: bool,
}

impl Flow {
    /// All of it.
    pub const ALL: Self = Self {
        voice: true,
        camera: true,
        content: true,
        receives: true,
    };
}

/// What guests may do in a meeting, unless they are made moderators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuestRights {
    /// Write into the chat.
    pub chat: bool,
    /// Be heard.
    pub audio: bool,
    /// Be seen, and show content.
    pub video: bool,
}

impl Default for GuestRights {
    fn default() -> Self {
        Self {
            chat: true,
            audio: true,
            video: true,
        }
    }
}

impl GuestRights {
    pub(crate) fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

impl Conference {
    /// What a participant may do as far as they are a guest.
    pub fn rights_of(&self, participant: &Participant) -> GuestRights {
        let guest = matches!(participant.person, Person::Guest(_));
        if guest && self.role_of(participant) == Role::Participant {
            return self.settings.guests;
        }
        GuestRights::default()
    }

    /// Why a participant does not write into the chat; `terms` are those with the server of a partner.
    pub fn no_chat(&self, one: &Participant, terms: Option<&PartnerTerms>) -> Option<NoChat> {
        if !self.rights_of(one).chat {
            return Some(NoChat::Guests);
        }
        let federated = matches!(one.person, Person::Federated(_));
        (federated && terms.is_some_and(|terms| !terms.chat)).then_some(NoChat::Partner)
    }

    /// Whether they read what was said in runs that they were not in (`docs/decisions/0025`).
    pub fn reads_all(&self, one: &Participant) -> bool {
        let visitor = one.person.visitor(one.standing.operator);
        let of_here = matches!(one.person, Person::Account(_)) && self.access == Access::Internal;
        of_here || self.role_of(one) > Role::Participant || visitor.is_named(self)
    }

    /// What a participant is here.
    pub fn role_of(&self, participant: &Participant) -> Role {
        let own = participant
            .person
            .visitor(participant.standing.operator)
            .role(self);
        // Neither of the two of a call is less than the other.
        if participant.standing.moderator || self.call {
            return own.max(Role::Moderator);
        }
        own
    }

    /// What of a participant may flow: media obeys this, whatever the client sends.
    pub fn flow_of(&self, participant: &Participant) -> Flow {
        let standing = &participant.standing;
        if standing.waiting.is_some() {
            return Flow::default();
        }
        let rights = self.rights_of(participant);
        let on_podium = standing.podium.is_some();
        let lectures = self.lectures(participant);
        let (voice, picture) = match self.settings.mode {
            Mode::AllOnScreen => (true, true),
            // By their voices the others come onto the podium, and so they do by what they show: see `content` below.
            Mode::Smart => (true, on_podium),
            Mode::RoleBased => (on_podium || standing.remark, on_podium),
            // The pictures of listeners go to lecturers and moderators only: see `may_see`.
            Mode::Lecture => (lectures || standing.remark, true),
        };
        Flow {
            voice: voice && rights.audio && !standing.hushed,
            camera: picture && rights.video && !standing.dimmed,
            content: match self.settings.mode {
                // Seen by all, also while no place can be had for the face: the podium is full of those who speak.
                Mode::Smart => true,
                Mode::Lecture => lectures,
                Mode::AllOnScreen | Mode::RoleBased => picture,
            } && rights.video
                && !standing.screenless
                && !standing.covered,
            receives: true,
        }
    }

    /// Whether `viewer` may be shown pictures of `shown`.
    pub fn may_see(&self, viewer: &Participant, shown: &Participant) -> bool {
        if viewer.standing.waiting.is_some() {
            return false;
        }
        self.sees_all(viewer) || self.shows_to_all(shown)
    }

    /// Whether they are shown everybody who may be shown at all: in a lecture only to who lectures or moderates.
    pub fn sees_all(&self, viewer: &Participant) -> bool {
        self.shows_to_all(viewer) || self.role_of(viewer) > Role::Participant
    }

    /// Whether their pictures go to everybody: in a lecture those of its lecturers.
    pub fn shows_to_all(&self, shown: &Participant) -> bool {
        self.settings.mode != Mode::Lecture || self.lectures(shown)
    }
}
