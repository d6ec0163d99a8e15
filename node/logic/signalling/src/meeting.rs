//! What is said about meetings (`docs/protocols/meeting.md`): the words, not what they mean.

mod calling;
mod chat;
mod invitation;
mod moderation;
mod removal;
mod roster;
mod watching;

pub use calling::{CALLED_AT_ONCE, Call, CallOff, Called, Person as CalledPerson, Ringing};
pub use chat::{
    CHAT_PAGE, Chat, ChatChanged, ChatEarlier, DeletedBy, Earlier, Edit, LineNumber, Mentioned, Read,
    Readers, Said, Say, Unsay, Writer, Writing,
};
pub use invitation::{Invitations, Invited, InvitedPerson};
pub use moderation::{
    Act, Arrangement, GuestRights, KeptLayout, Layout, Mode, Moderate, NewPin, OwnLayout, Role, Room,
    SentQuality, SlotRule, Waiting, WaitingRoom,
};
pub use removal::{RemovedPeople, RemovedPerson};
pub use roster::{Counts, FOLLOWED, Listener, News, PAGE, People, TOLD};
pub use watching::{Watcher, Watchers};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

/// A place in the roster of a meeting. A text on the wire: scripts cannot hold such numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(as = MeetingParticipantId, value_type = String, pattern = "^[0-9]+$")]
pub struct ParticipantId(pub u64);

impl Serialize for ParticipantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ParticipantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// What a line of a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingKind)]
pub enum Kind {
    Audio,
    Video,
    /// A screen, a window or a tab.
    Content,
    /// The sound of that.
    ContentAudio,
}

/// One of a client's two peer connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingConnection)]
pub enum Peer {
    Publish,
    Receive,
}

/// Wants to come in. `Debug` hides the PIN.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingJoin)]
pub struct Join {
    /// The CID.
    pub room: String,
    #[serde(default)]
    pub muted: bool,
    #[serde(default)]
    pub camera: bool,
    /// The place to take up again.
    #[serde(default)]
    pub resume: Option<Place>,
    /// Of the conference, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 16)]
    pub pin: Option<String>,
}

impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Join");
        out.field("room", &self.room).field("resume", &self.resume);
        out.finish_non_exhaustive()
    }
}

/// A place that was given before. `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingPlace)]
pub struct Place {
    pub participant: ParticipantId,
    /// Of `joined`.
    pub secret: String,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Place");
        out.field("participant", &self.participant)
            .finish_non_exhaustive()
    }
}

/// Begins a peer connection, or negotiates it anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingOffer)]
pub struct Offer {
    pub connection: Peer,
    /// A higher one is a new connection in place of the one before.
    pub generation: u32,
    /// The client's offer.
    pub sdp: String,
    /// What its lines are for.
    pub lines: Vec<Line>,
}

/// A line of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingLine)]
pub struct Line {
    pub mid: String,
    pub kind: Kind,
}

/// What the client shows from now on, the most important first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingShow)]
pub struct Show {
    pub tiles: Vec<Tile>,
}

/// A picture that the client shows, or would show if there was one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingTile)]
pub struct Tile {
    pub participant: ParticipantId,
    pub kind: Kind,
    /// In pixels of the screen; 0 keeps the slot without a picture.
    pub height: u16,
}

/// What the client does; what is left out stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = MeetingState)]
pub struct State {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hand: Option<bool>,
    /// `false` gives one's place on the podium up, and the permission to be heard without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub podium: Option<bool>,
    /// Whether one accepts an invitation to the podium.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<bool>,
}

/// Shows a reaction to all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingReact)]
pub struct React {
    pub reaction: String,
}

/// Who is in, and what was said, at the moment of coming in. `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingJoined)]
pub struct Joined {
    pub room: Room,
    /// The client's own place.
    pub participant: ParticipantId,
    /// For `resume`; a secret.
    pub secret: String,
    /// Of many only those who come first, and oneself.
    pub participants: Vec<Participant>,
    /// How many are in and wait, told by name or not.
    #[serde(default)]
    pub counts: Counts,
    pub chat: Vec<Said>,
    /// Earlier lines can be asked for; left out by nodes of before, which do not know `earlier`, `writing` and `read`.
    #[serde(default)]
    pub earlier: bool,
    /// When the run began that goes on, in milliseconds since 1970. Only where lines are known by their keys: what is not
    /// seen may be said again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    pub ice_servers: Vec<IceServer>,
}

impl Joined {
    pub fn place(&self) -> Place {
        Place {
            participant: self.participant,
            secret: self.secret.clone(),
        }
    }
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Joined");
        out.field("room", &self.room)
            .field("participant", &self.participant);
        out.field("participants", &self.participants.len())
            .finish_non_exhaustive()
    }
}

/// As `RTCPeerConnection` takes it. `Debug` hides the credential.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingIceServer)]
pub struct IceServer {
    pub urls: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}

/// Somebody in the meeting. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingParticipant)]
pub struct Participant {
    pub id: ParticipantId,
    pub name: String,
    /// The account, with `@` and the server where that is a partner's; null of guests, and of everybody for guests.
    #[schema(required)]
    pub user: Option<String>,
    pub guest: bool,
    pub via: Via,
    /// The name of the node that they are connected to; empty for guests.
    pub node: String,
    pub muted: bool,
    pub camera: bool,
    pub content: bool,
    /// When the hand was raised.
    #[schema(required)]
    pub hand: Option<u64>,
    #[schema(required)]
    pub reaction: Option<Reaction>,
    pub joined_at: u64,
    /// Their node is lost, or their page is gone for a moment; the place is kept.
    pub away: bool,
    pub role: Role,
    /// In the waiting room; only moderators hear of them.
    pub waiting: bool,
    /// Since when on the podium.
    #[schema(required)]
    pub podium: Option<u64>,
    /// Stays on the podium, however long they are silent.
    pub pinned: bool,
    /// May be heard without the podium.
    pub remark: bool,
    /// Muted by a moderator or on entry: the voice flows again when they unmute themselves.
    pub hushed: bool,
    /// The same with the camera.
    pub dimmed: bool,
    /// A moderator has ended what they showed of their screen: it flows again when they share anew.
    #[serde(default)]
    pub covered: bool,
    /// When a moderator asked them to unmute.
    #[schema(required)]
    pub asked: Option<u64>,
    /// A moderator has sent them a layout of their own.
    #[serde(default)]
    pub own_layout: bool,
    /// Their rights do not let them show a screen.
    #[serde(default)]
    pub screenless: bool,
    /// Why they do not write into the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_chat: Option<NoChat>,
}

/// Why somebody may not write into a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingNoChat)]
pub enum NoChat {
    /// Guests do not, in this conference.
    Guests,
    /// The conference's server does not let people of theirs.
    Partner,
    /// Their own server does not let them.
    Home,
}

/// The way by which somebody is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingVia)]
pub enum Via {
    Browser,
    Whip,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingReaction)]
pub struct Reaction {
    pub text: String,
    pub at: u64,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingRefused)]
pub struct Refused {
    /// The type of the request.
    pub request: String,
    pub code: Refusal,
    /// For people.
    pub detail: String,
    /// Of what was said and is no line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(flatten)]
    pub facts: RefusalFacts,
}

/// What a page says of a refusal in words of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = MeetingRefusalFacts)]
pub struct RefusalFacts {
    /// With `wrong-pin`: how many attempts are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u32>,
    /// With `too-many-pins`: how many minutes pass until one may try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
    /// With `full`: of what there is no more room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<FullOf>,
}

/// Of what as many are there as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingFullOf)]
pub enum FullOf {
    /// Guests in the meeting.
    Guests,
    /// People of their partner's server, in conferences of this one.
    Partner,
    /// Devices of their own in the meeting.
    Devices,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MeetingRefusal)]
pub enum Refusal {
    NotFound,
    Forbidden,
    Full,
    /// No PRO seat is free: calls and chats work, conferences do not.
    NoProSeat,
    NoGuestSeat,
    NoOnlineSeat,
    BadOffer,
    BadRequest,
    NotJoined,
    TooFast,
    /// The conference has a PIN and none was given.
    PinNeeded,
    WrongPin,
    /// Too many wrong PINs came from there.
    TooManyPins,
    /// The meeting has not begun.
    NotBegun,
    /// Nobody new is let in.
    Locked,
    /// Only those who are invited may come.
    Uninvited,
    /// A moderator removed them from the run that goes on.
    RemovedFromMeeting,
    /// Guests must register before they come.
    NotRegistered,
    /// They cannot do so yet.
    RegistrationNotOpen,
    /// They cannot do so any more.
    RegistrationClosed,
    /// As many have done so as may.
    RegistrationFull,
    /// The registration was taken back.
    LinkNotValid,
    /// No guests come from their network.
    ZoneGuests,
    /// What was asked for is not allowed from their network.
    ZoneRight,
    /// Not by this way.
    WayClosed,
    /// In the waiting room.
    Waiting,
    /// Not possible as things are: the detail says why.
    Conflict,
    /// Trying again helps.
    Unavailable,
    /// The server whose conference it is cannot be reached; the detail says why.
    Unreachable,
}

/// Answers an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingAnswer)]
pub struct Answer {
    pub connection: Peer,
    pub generation: u32,
    pub sdp: String,
}

/// The node has ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingLost)]
pub struct Lost {
    pub connection: Peer,
    pub generation: u32,
}

/// Who is new, has changed or is gone, of those whom the client hears of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingRoster)]
pub struct Roster {
    pub participants: Vec<Participant>,
    pub gone: Vec<ParticipantId>,
    /// How many are in and wait, told by name or not.
    #[serde(default)]
    pub counts: Counts,
}

/// Asks for a page of all who are in: hands in their order, then names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = MeetingList)]
pub struct List {
    /// Only those whose name or account has this text in it; 100 characters at most.
    #[schema(max_length = 100)]
    pub find: String,
    /// How many come before the page.
    pub from: u32,
}

/// A page of those who are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingListed)]
pub struct Listed {
    /// What was asked for.
    pub find: String,
    pub from: u32,
    /// At most 50.
    pub participants: Vec<Participant>,
    /// How many there are in all that are found.
    pub found: u32,
}

/// Of whom the client wants to hear beside those who come first, from now on; at most 49.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingFollow)]
pub struct Follow {
    pub participants: Vec<ParticipantId>,
}

/// Who fills slots from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingSlots)]
pub struct Slots {
    pub slots: Vec<Filled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingSlot)]
pub struct Filled {
    pub mid: String,
    pub kind: Kind,
    /// Null: nobody.
    #[schema(required)]
    pub participant: Option<ParticipantId>,
}

/// Who speaks, the loudest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingSpeaking)]
pub struct Speaking {
    pub participants: Vec<ParticipantId>,
}

/// The most that anybody watches of what the client publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingLayers)]
pub struct Layers {
    pub kind: Kind,
    /// The layer, the smallest is 0; null: none.
    #[schema(required)]
    pub highest: Option<u8>,
}

/// What the network to the client bears, and what its slots carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingQuality)]
pub struct Quality {
    /// The estimate.
    pub kbps: u32,
    pub slots: Vec<Carried>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingCarried)]
pub struct Carried {
    pub mid: String,
    /// Null: nothing.
    #[schema(required)]
    pub layer: Option<u8>,
    /// Of that layer, in pixels; 0 if it is not known.
    pub height: u16,
    pub reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MeetingReason)]
pub enum Reason {
    Ok,
    /// Not even the smallest layer fits.
    Bandwidth,
    /// Nothing comes from the publisher.
    NoPicture,
    /// The client does not show it.
    Hidden,
}

/// Not in the meeting any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingEnded)]
pub struct Ended {
    pub reason: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MeetingEndedReason)]
pub enum Why {
    Removed,
    /// A moderator did not let them in.
    NotAdmitted,
    /// A moderator ended it for all.
    EndedForAll,
    /// It was as long as a meeting may be.
    EndedLong,
    /// They were the last, and nobody came.
    EndedAlone,
    /// Its planned end has come.
    EndedPlanned,
    RoomDeleted,
    NotAllowed,
    /// An administrator took the PRO seat back.
    SeatRevoked,
    /// The PRO seat went to somebody whom the administrator's groups put first.
    SeatGivenAway,
    /// The server's seats are those of a License Manager, which has been away for too long.
    SeatsEnded,
    /// The place was taken up again on another connection.
    Elsewhere,
}
