//! What moderators say, and what rooms and places have by their doing.

use super::{ParticipantId, Place};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody is; later ones may all that earlier ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingRole)]
pub enum Role {
    #[default]
    Participant,
    Moderator,
    Owner,
}

/// Who is seen and heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingMode)]
pub enum Mode {
    /// Everybody.
    #[default]
    AllOnScreen,
    /// Whoever speaks takes a place on the podium.
    Smart,
    /// Who was given a place on the podium.
    RoleBased,
    /// Who lectures: those on the podium, who see everybody.
    Lecture,
}

/// Who has to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingWaitingRoom)]
pub enum WaitingRoom {
    #[default]
    Off,
    All,
    Uninvited,
    UninvitedElsewhere,
    Guests,
}

/// The conference, as far as everybody in it knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingRoom)]
pub struct Room {
    pub cid: String,
    pub name: String,
    pub mode: Mode,
    /// Counts in modes with a podium.
    pub podium_places: u8,
    /// Nobody new is let in.
    pub locked: bool,
    pub has_pin: bool,
    /// Whether others than moderators may come in; not before it begins.
    pub open: bool,
    /// A call of two, which nobody else can join until one of them makes it a conference.
    pub call: bool,
    /// Whether its end is planned, and can be put off.
    pub planned: bool,
    /// When it ends by itself, as things are.
    #[schema(required)]
    pub ends_at: Option<u64>,
    pub waiting_room: WaitingRoom,
    /// The most that clients are to send.
    #[serde(default)]
    pub quality: SentQuality,
    /// What those who are guests and no moderators may do.
    pub guests: GuestRights,
    /// What a moderator has everybody look at; null: everybody chooses.
    #[schema(required)]
    pub layout: Option<Box<Layout>>,
    /// Layouts that the conference keeps, between which moderators switch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layouts: Vec<KeptLayout>,
}

/// A layout that is kept by a name; it names no participants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingKeptLayout)]
pub struct KeptLayout {
    pub name: String,
    pub layout: Layout,
}

/// The most that clients are to send; 0 is no limit. Heights are of the shorter side, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingSentQuality)]
pub struct SentQuality {
    pub camera_height: u16,
    pub camera_fps: u8,
    pub content_height: u16,
    pub content_fps: u8,
}

/// What guests may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingGuestRights)]
pub struct GuestRights {
    /// Write into the chat.
    pub chat: bool,
    /// Be heard.
    pub audio: bool,
    /// Be seen, and share a screen.
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

/// How pictures are arranged: all of one size; one large and the others in a strip; one alone; what is shared large before
/// all else, and the others in a strip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingArrangement)]
pub enum Arrangement {
    #[default]
    Gallery,
    Speaker,
    Alone,
    Content,
}

/// What one place of a layout holds: who is next; one person, for as long as they are in; who speaks; what is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[schema(as = MeetingSlotRule)]
pub enum SlotRule {
    Automatic,
    Person { participant: ParticipantId },
    Speaker,
    Content,
}

/// One layout, for everybody or for one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingLayout)]
pub struct Layout {
    pub arrangement: Arrangement,
    /// Who is large, whoever speaks.
    #[serde(default)]
    #[schema(required)]
    pub pinned: Option<ParticipantId>,
    /// Nobody chooses another one.
    pub locked: bool,
    /// What the first places hold, the large one before others; the others hold who is next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 25)]
    pub slots: Vec<SlotRule>,
    /// Of more people than there are places others are shown each so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 5, maximum = 3600)]
    pub shuffle_s: Option<u16>,
    /// Pictures have no names on them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_hidden: bool,
    /// The name of the kept one that it is. Who switches to that says its name with `set_layout`, and nothing else of it
    /// matters: people are in the places that it has for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub kept: Option<String>,
}

impl Layout {
    /// Those whom one is shown by it.
    pub fn people(&self) -> impl Iterator<Item = ParticipantId> {
        let placed = self.slots.iter().filter_map(|slot| match slot {
            SlotRule::Person { participant } => Some(*participant),
            SlotRule::Automatic | SlotRule::Speaker | SlotRule::Content => None,
        });
        self.pinned.into_iter().chain(placed)
    }
}

/// The layout that a moderator has sent to this client alone; null: none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingOwnLayout)]
pub struct OwnLayout {
    #[schema(required)]
    pub layout: Option<Layout>,
}

/// In the waiting room: nothing is seen, heard, sent or said until a moderator lets them in; then follows `joined`.
/// `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingWaiting)]
pub struct Waiting {
    pub room: Room,
    /// The client's own place.
    pub participant: ParticipantId,
    /// For `resume`; a secret.
    pub secret: String,
}

impl Waiting {
    /// Of who has this place.
    pub fn new(room: Room, place: &Place) -> Self {
        Self {
            room,
            participant: place.participant,
            secret: place.secret.clone(),
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Waiting");
        out.field("room", &self.room)
            .field("participant", &self.participant);
        out.finish_non_exhaustive()
    }
}

/// A moderator does something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingModerate)]
pub struct Moderate {
    pub act: Act,
    /// Whom it is about; null with what is about all.
    #[serde(default)]
    pub participant: Option<ParticipantId>,
    /// With `extend`: 1 to 1,440.
    #[serde(default)]
    pub minutes: Option<u16>,
    /// With `set_layout` and `set_layout_of`.
    #[serde(default)]
    pub layout: Option<Layout>,
    /// With `set_pin`: 4 to 16 digits, or empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 16)]
    pub pin: Option<NewPin>,
    /// With `set_waiting_room`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_room: Option<WaitingRoom>,
}

/// About all, with nothing said beside it.
impl From<Act> for Moderate {
    fn from(act: Act) -> Self {
        Self {
            act,
            participant: None,
            minutes: None,
            layout: None,
            pin: None,
            waiting_room: None,
        }
    }
}

/// A PIN that a moderator sets. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NewPin(pub String);

impl std::fmt::Debug for NewPin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPin(hidden)")
    }
}

/// What a moderator can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MeetingAct)]
pub enum Act {
    /// Out of the waiting room.
    Admit,
    /// Everybody who waits.
    AdmitAll,
    /// Back into the waiting room.
    SendBack,
    Remove,
    /// Somebody who was removed may come again: `participant` is the ID of `removed`.
    LetBack,
    /// A program that watches: `participant` is its ID. Its account watches by none any more in this run.
    RemoveWatcher,
    Mute,
    /// All but moderators.
    MuteAll,
    StopCamera,
    /// Ends what they show of their screen.
    StopContent,
    AskToUnmute,
    MakeModerator,
    UnmakeModerator,
    LowerHand,
    GivePodium,
    /// Also takes an invitation back.
    TakePodium,
    /// Asks somebody to come to the podium, who accepts or declines by `state`.
    InviteToPodium,
    /// They lecture from now on, and nobody else does.
    HandLecture,
    /// To the podium.
    Pin,
    Unpin,
    /// A voice without the podium.
    GiveRemark,
    TakeRemark,
    /// Nobody new comes in.
    Lock,
    Unlock,
    /// Who comes from now on must enter `pin`.
    SetPin,
    /// Who comes from now on must be let in, as `waiting_room` says.
    SetWaitingRoom,
    /// The end for all.
    End,
    /// Opens a conference that is no virtual room.
    Start,
    /// Puts the planned end off by `minutes`.
    Extend,
    /// Everybody gets `layout`.
    SetLayout,
    /// Everybody chooses for themselves again.
    ClearLayout,
    /// One participant alone gets `layout`, instead of that for everybody.
    SetLayoutOf,
    /// They look at what everybody does again.
    ClearLayoutOf,
}
