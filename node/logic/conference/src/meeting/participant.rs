use super::{Invitation, Layout};
use crate::{GuestId, Visitor};
use plenary_model::{Cid, NodeId, Timestamp, UserId, UserName};
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, num::ParseIntError, str::FromStr};
use subtle::ConstantTimeEq as _;

/// A place in a meeting, random; to clients a decimal number as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParticipantId(pub u64);

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ParticipantId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// Who has a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// An account of this server.
    Account(UserName),
    Guest(GuestId),
    /// An account of a partner's server, which says that it is them (FED-02).
    Federated(UserId),
}

impl Person {
    /// Who it is at the gate; `operator` says whether the account is one, as far as its rights go.
    pub fn visitor(&self, operator: bool) -> Visitor<'_> {
        match self {
            Self::Account(user) => Visitor::Account {
                user,
                operator,
                called_at: None,
            },
            Self::Guest(id) => Visitor::Guest(Some(id)),
            Self::Federated(user) => Visitor::Federated {
                user,
                called_at: None,
            },
        }
    }
}

/// The way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The meeting room of the web pages.
    Browser,
    /// A program that publishes (RFC 9725).
    Whip,
}

impl Via {
    pub const ALL: [Self; 2] = [Self::Browser, Self::Whip];

    /// Whether who came in this way is there only as long as a device of theirs is connected: the place is kept for a while
    /// for who was cut off, and says nothing of presence then (USR-02). A program is no device; its place goes with it.
    pub fn needs_device(self) -> bool {
        match self {
            Self::Browser => true,
            Self::Whip => false,
        }
    }
}

/// SHA-256 of the secret that takes a place up again; the secret itself is known to its holder only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// Whether both are the same, in a time that does not tell how much of them is.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// An emoji that somebody shows for a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    pub text: String,
    pub at: Timestamp,
}

/// What the gate, moderators and the podium have made of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// In the waiting room, since when.
    pub waiting: Option<Timestamp>,
    /// A moderator for this run.
    pub moderator: bool,
    /// An operator of the server.
    pub operator: bool,
    /// On the podium, since when.
    pub podium: Option<Timestamp>,
    /// Stays on the podium, however long they are silent.
    pub pinned: bool,
    /// Lectures only for as long as nobody comes to whom the lecture belongs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stands_in: bool,
    /// Came by rules that know lecturers: listens to a lecture unless they have a place, whatever their role is. Nodes of
    /// before know nothing of it, and let owner and moderators lecture.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub listener: bool,
    /// May be heard without the podium.
    pub remark: bool,
    /// Who is on the podium was last heard then, as far as it was told.
    pub spoke_at: Timestamp,
    /// Muted by a moderator or on entry: nothing of the voice flows until they unmute themselves.
    pub hushed: bool,
    /// The same with the camera.
    pub dimmed: bool,
    /// The same with the screen, which only a moderator ends.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub covered: bool,
    /// When a moderator asked them to unmute.
    pub asked: Option<Timestamp>,
    /// To the podium; nodes of before know none, and write nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Invitation>,
    /// Their rights do not let them show a screen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub screenless: bool,
    /// Those that they have on their own server do not, whatever is given here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub screenless_at_home: bool,
}

impl Standing {
    /// What these rights make of it.
    pub(crate) fn by_rights(self, rights: MeetingRights) -> Self {
        Self {
            operator: rights.operator,
            screenless: !rights.shares || self.screenless_at_home,
            ..self
        }
    }
}

/// What the groups of a person let them do in meetings (USR-05).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeetingRights {
    /// An operator of the server.
    pub operator: bool,
    /// May show a screen.
    pub shares: bool,
}

/// Somebody in a meeting.
///
/// Invariant: `away` says whether there is `away_since`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    pub cid: Cid,
    pub id: ParticipantId,
    pub person: Person,
    /// As it was when they came in.
    pub name: String,
    pub via: Via,
    /// The node that holds the connection.
    pub node: NodeId,
    /// The node's start, as presence has it.
    pub epoch: u64,
    pub secret: SecretHash,
    pub muted: bool,
    pub camera: bool,
    /// Shows the screen or a window.
    pub content: bool,
    /// When the hand was raised; no two of one meeting are the same.
    pub hand: Option<Timestamp>,
    pub reaction: Option<Reaction>,
    pub joined_at: Timestamp,
    /// How often the place was taken up again: fences late messages of earlier times.
    pub moves: u64,
    /// Their node is lost; the place is kept for [`AWAY_MS`](crate::AWAY_MS).
    pub away: bool,
    pub away_since: Option<Timestamp>,
    #[serde(default)]
    pub standing: Standing,
    /// What a moderator has them alone look at, before what everybody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Where they come from, as their node sees it; none of who came before this was kept, and of people of partners' servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

/// Changes to what somebody shows of themselves: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatePatch {
    pub muted: Option<bool>,
    pub camera: Option<bool>,
    pub content: Option<bool>,
    /// Raised or lowered; raising a hand that is up leaves its time.
    pub hand: Option<bool>,
    /// `false` gives one's place on the podium up, and the permission to be heard without one.
    pub podium: Option<bool>,
    /// Whether one accepts an invitation to the podium.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<bool>,
}
