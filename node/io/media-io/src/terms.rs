//! What may cross between a room of this node and a server of another enterprise.

use crate::engine::Allow;
use plenary_cascade::{Participant, TrackKind};
use plenary_media::ParticipantId;
use std::collections::{BTreeMap, BTreeSet};

/// What may cross a link to a partner, of one room. Nobody there is believed: what is not in here is as if it was not
/// sent, and what the partner may not see is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Terms {
    /// The room is the partner's, and people of this server are guests there.
    Home,
    /// The room is of this server, and people of the partner are guests. It stays open as long as this holds, also
    /// where nobody of this node is in it.
    Guests {
        /// Who of them may send what.
        speak: BTreeMap<ParticipantId, Allow>,
        see: See,
    },
}

/// What a partner may watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct See {
    /// Whom; `None`: everybody.
    pub people: Option<BTreeSet<ParticipantId>>,
    /// Also what they show of their screens.
    pub screens: bool,
}

impl See {
    /// All of everybody.
    pub fn all() -> Self {
        Self {
            people: None,
            screens: true,
        }
    }
}

impl Terms {
    pub(crate) fn holds_room(&self) -> bool {
        matches!(self, Self::Guests { .. })
    }
}

impl From<Terms> for plenary_cascade::Terms {
    fn from(terms: Terms) -> Self {
        let participant = |who: ParticipantId| Participant(who.0);
        match terms {
            Terms::Home => Self::Home,
            Terms::Guests { speak, see } => Self::Guests {
                speak: speak
                    .into_iter()
                    .map(|(who, allow)| (participant(who), kinds(allow)))
                    .collect(),
                see: plenary_cascade::See {
                    people: see.people.map(|seen| seen.into_iter().map(participant).collect()),
                    screens: see.screens,
                },
            },
        }
    }
}

fn kinds(allow: Allow) -> BTreeSet<TrackKind> {
    let all = [
        (allow.voice, TrackKind::Audio),
        (allow.camera, TrackKind::Video),
        (allow.content, TrackKind::Content),
        (allow.content, TrackKind::ContentAudio),
    ];
    all.into_iter()
        .filter_map(|(may, kind)| may.then_some(kind))
        .collect()
}
