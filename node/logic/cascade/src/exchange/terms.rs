//! What may cross a link to a server of another enterprise. Nobody there is believed: without terms for a room, nothing
//! of it is told to such a link or taken from it.

use crate::{Participant, Track, TrackKind};
use plenary_model::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Tells links to partners from nodes of this server. The next bit is that of watchers in rooms.
const PARTNER: u64 = 1 << 62;
/// Numbers of participants from here on are other things inside a node.
const PEOPLE: u64 = 1 << 63;

/// The n-th link to a server of another enterprise, as it stands among the nodes. A number means the same link for as
/// long as this node runs.
pub fn partner_link(number: u32) -> NodeId {
    NodeId(PARTNER | u64::from(number))
}

/// Whether this is a link to another enterprise rather than a node of this server.
pub fn is_partner_link(node: NodeId) -> bool {
    node.0 & PARTNER != 0
}

/// What may cross a link to a partner, of one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Terms {
    /// The room is the partner's, and people of this server are guests there. The partner says who is in it; whoever
    /// sends from this server counts here by what this server itself knows.
    Home,
    /// The room is of this server, and the partner's people are guests.
    Guests {
        /// Who of them may send what; what else comes is as if it was not announced.
        speak: BTreeMap<Participant, BTreeSet<TrackKind>>,
        see: See,
    },
}

/// What a partner may watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct See {
    /// Whom; `None`: everybody.
    pub people: Option<BTreeSet<Participant>>,
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

    /// All of these.
    pub fn only(people: impl IntoIterator<Item = Participant>) -> Self {
        Self {
            people: Some(people.into_iter().collect()),
            screens: true,
        }
    }
}

impl Terms {
    /// How much a track that the partner announces counts; `None`: not at all.
    ///
    /// What comes from the home of a room counts less than what a node of this server says: a track of our own that
    /// comes back that way, while another node takes over the link, is not taken for the track itself.
    pub(super) fn rank(&self, track: &Track) -> Option<u8> {
        if track.participant.0 >= PEOPLE {
            return None;
        }
        match self {
            Self::Home => Some(0),
            Self::Guests { speak, .. } => {
                let kinds = speak.get(&track.participant)?;
                kinds.contains(&track.kind).then_some(OWN)
            }
        }
    }

    /// Whether the partner may watch a track.
    pub(super) fn shows(&self, track: &Track) -> bool {
        let Self::Guests { see, .. } = self else {
            return true;
        };
        let is_screen = matches!(track.kind, TrackKind::Content | TrackKind::ContentAudio);
        let people = see.people.as_ref();
        people.is_none_or(|people| people.contains(&track.participant)) && (see.screens || !is_screen)
    }
}

/// How much what a node of this server announces counts.
pub(super) const OWN: u8 = 1;
