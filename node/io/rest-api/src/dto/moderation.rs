//! Who is in a conference, and what moderators do.

use super::{ConferenceWaitingRoom, NewPin, Time, parse};
use crate::problem::Problem;
use plenary_conference::{self as conference, ParticipantId, Person};
use plenary_model::{UserId, UserName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

super::mirror! {
    /// Later ones may all that earlier ones may.
    ConferenceRole = conference::Role { Participant, Moderator, Owner }
}

super::mirror! {
    /// By which they are in: the meeting room of the pages, or a program that publishes.
    ConferenceVia = conference::Via { Browser, Whip }
}

super::mirror! {
    /// `asked`: no answer yet; `missed`: none in time.
    ConferenceInvitation = conference::Invited { Asked, Declined, Missed }
}

/// Somebody who is in a conference, or waits to be let in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Participant {
    #[schema(pattern = "^[0-9]+$")]
    pub id: String,
    pub name: String,
    /// The account; null for guests.
    #[schema(required)]
    pub user: Option<String>,
    pub role: ConferenceRole,
    pub via: ConferenceVia,
    /// In the waiting room; told to those who moderate only.
    pub waiting: bool,
    /// On the podium; lectures, where it is a lecture.
    pub podium: bool,
    pub pinned: bool,
    /// May be heard without the podium.
    pub remark: bool,
    /// How far an invitation to the podium is; told to those who moderate only.
    #[schema(required)]
    pub invitation: Option<ConferenceInvitation>,
    pub muted: bool,
    pub camera: bool,
    pub content: bool,
    /// When the hand was raised.
    #[schema(required)]
    pub hand: Option<Time>,
    pub joined_at: Time,
    /// Their node is lost, or their page is gone for a moment.
    pub away: bool,
}

impl Participant {
    pub(crate) fn of(
        conference: &conference::Conference,
        one: conference::Participant,
        moderates: bool,
    ) -> Self {
        let invitation = one.standing.invitation.filter(|_| moderates);
        let podium = conference.on_podium_since(&one).is_some();
        Self {
            role: conference.role_of(&one).into(),
            via: one.via.into(),
            id: one.id.to_string(),
            name: one.name,
            user: match one.person {
                Person::Account(user) => Some(user.into()),
                Person::Federated(user) => Some(user.into()),
                Person::Guest(_) => None,
            },
            waiting: one.standing.waiting.is_some(),
            podium,
            pinned: one.standing.pinned,
            remark: one.standing.remark,
            invitation: invitation.map(|invitation| invitation.state.into()),
            muted: one.muted,
            camera: one.camera,
            content: one.content,
            hand: one.hand.map(Time),
            joined_at: Time(one.joined_at),
            away: one.away,
        }
    }
}

/// A program that watches a conference, and stands in no roster.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConferenceWatcher {
    /// What `remove_watcher` names.
    #[schema(pattern = "^[0-9]+$")]
    pub id: String,
    /// Whose it is.
    pub user: String,
    pub name: String,
    /// The node that it is connected to.
    pub node: String,
    pub since: Time,
}

impl ConferenceWatcher {
    pub(crate) fn of((one, node): (conference::Watcher, String)) -> Self {
        Self {
            id: one.id.to_string(),
            user: one.user.into(),
            name: one.name,
            node,
            since: Time(one.since),
        }
    }
}

/// Somebody whom a moderator removed from a conference, or did not let in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConferenceRemoved {
    /// By which they are let back in.
    #[schema(pattern = "^[0-9]+$")]
    pub id: String,
    /// As they were called.
    pub name: String,
    /// The account, here or `user@partner`; none of a guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Only their programs stay out; they may come in the browser.
    pub programs_only: bool,
    pub since: Time,
}

impl ConferenceRemoved {
    pub(crate) fn of(one: conference::ShutOut) -> Self {
        Self {
            id: one.id.to_string(),
            name: one.name,
            user: match one.person {
                Person::Account(user) => Some(user.into()),
                Person::Federated(user) => Some(user.to_string()),
                Person::Guest(_) => None,
            },
            programs_only: one.programs_only,
            since: Time(one.at),
        }
    }
}

/// Why a conference names somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferencePersonRole {
    Owner,
    Moderator,
    Invited,
}

/// Somebody whom a conference names.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConferencePerson {
    /// With the server of who is of a partner's.
    pub user: String,
    /// Of who is of a partner's server the same as `user`.
    pub display_name: String,
    pub role: ConferencePersonRole,
}

impl ConferencePerson {
    /// Of a partner's server, which alone knows how they are called.
    pub(crate) fn abroad((user, moderates): (UserId, bool)) -> Self {
        Self {
            role: if moderates {
                ConferencePersonRole::Moderator
            } else {
                ConferencePersonRole::Invited
            },
            display_name: user.to_string(),
            user: user.into(),
        }
    }

    pub(crate) fn of(conference: &conference::Conference, (user, display_name): (UserName, String)) -> Self {
        Self {
            role: if user == conference.owner {
                ConferencePersonRole::Owner
            } else if conference.settings.moderators.contains_key(&user) {
                ConferencePersonRole::Moderator
            } else {
                ConferencePersonRole::Invited
            },
            user: user.into(),
            display_name,
        }
    }
}

/// What a moderator can do; those about one participant name who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceAct {
    /// Out of the waiting room.
    Admit,
    /// Everybody who waits; about nobody.
    AdmitAll,
    /// Back into the waiting room.
    SendBack,
    /// Out of the meeting or the waiting room; they do not come back into this run unless they are called, invited or let back.
    Remove,
    /// A program that watches: `participant` is its ID. Its account watches by none any more in this run.
    RemoveWatcher,
    Mute,
    /// All but moderators; about nobody.
    MuteAll,
    StopCamera,
    /// Ends what they show of their screen; they may share again.
    StopContent,
    AskToUnmute,
    MakeModerator,
    UnmakeModerator,
    LowerHand,
    GivePodium,
    /// Also takes an invitation back.
    TakePodium,
    /// Asks them to come to the podium of a role-based conference, or to lecture; they have 30 s to accept or decline.
    InviteToPodium,
    /// They lecture from now on, and nobody else does.
    HandLecture,
    /// To the podium.
    Pin,
    Unpin,
    /// A voice without the podium.
    GiveRemark,
    TakeRemark,
    /// Nobody new comes in; about nobody.
    Lock,
    /// About nobody.
    Unlock,
    /// Who comes from now on must enter `pin`, in later meetings too; who is in stays. About nobody.
    SetPin,
    /// Who comes from now on must be let in, as `waiting_room` says, in later meetings too; who waits goes on waiting. About
    /// nobody.
    SetWaitingRoom,
    /// The end for all; about nobody.
    End,
    /// Opens a conference that is no virtual room; about nobody.
    Start,
    /// Puts the planned end off by `minutes`; about nobody.
    Extend,
    /// Everybody in the meeting gets `layout`; about nobody.
    SetLayout,
    /// Everybody chooses for themselves again; about nobody.
    ClearLayout,
    /// They alone get `layout`, instead of that for everybody.
    SetLayoutOf,
    /// They look at what everybody does again.
    ClearLayoutOf,
}

super::mirror! {
    /// All of one size; one large and the others in a strip; one alone; what is shared large before all else, and the others
    /// in a strip.
    ConferenceArrangement = conference::Arrangement { Gallery, Speaker, Alone, Content }
}

/// What one place of a layout holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceSlotKind {
    /// Who is next of those who have no place of their own.
    Automatic,
    /// Always the same participant, for as long as they are in.
    Person,
    Speaker,
    /// What is shared.
    Content,
}

/// One place of a layout.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceSlot {
    pub kind: ConferenceSlotKind,
    /// With `person`.
    #[schema(pattern = "^[0-9]+$", max_length = 20)]
    pub participant: Option<String>,
}

impl ConferenceSlot {
    fn read(&self) -> Result<conference::Slot, Problem> {
        use conference::Slot;
        match (self.kind, self.participant.as_deref()) {
            (ConferenceSlotKind::Person, Some(id)) => Ok(Slot::Person(parse("layout.slots", id)?)),
            (ConferenceSlotKind::Person, None) => {
                let reason = "name no participant for a place of a person; say who";
                Err(Problem::field("layout.slots", reason))
            }
            (ConferenceSlotKind::Automatic, None) => Ok(Slot::Automatic),
            (ConferenceSlotKind::Speaker, None) => Ok(Slot::Speaker),
            (ConferenceSlotKind::Content, None) => Ok(Slot::Content),
            (_, Some(_)) => {
                let reason = "name a participant for a place of no person; leave it out";
                Err(Problem::field("layout.slots", reason))
            }
        }
    }
}

/// One layout, for everybody in a meeting or for one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceLayout {
    pub arrangement: ConferenceArrangement,
    /// ID of the participant who is large, whoever speaks.
    #[schema(pattern = "^[0-9]+$", max_length = 20)]
    pub pinned: Option<String>,
    /// Nobody chooses another one.
    #[serde(default)]
    pub locked: bool,
    /// What the first places hold, the large one before others; the others hold who is next.
    #[serde(default)]
    #[schema(max_items = 25)]
    pub slots: Vec<ConferenceSlot>,
    /// Of more people than there are places others are shown each so many seconds.
    #[schema(minimum = 5, maximum = 3600)]
    pub shuffle_s: Option<u16>,
    /// Pictures have no names on them.
    #[serde(default)]
    pub names_hidden: bool,
    /// With `set_layout`, the name of a layout that the conference keeps: that one is shown, with people in the places that
    /// it has for them, and nothing else of this matters.
    #[schema(min_length = 1, max_length = 64)]
    pub kept: Option<String>,
}

impl ConferenceLayout {
    fn read(&self) -> Result<conference::Layout, Problem> {
        let pinned = self.pinned.as_deref().map(|text| parse("layout.pinned", text));
        Ok(conference::Layout {
            arrangement: self.arrangement.into(),
            pinned: pinned.transpose()?,
            locked: self.locked,
            slots: self
                .slots
                .iter()
                .map(ConferenceSlot::read)
                .collect::<Result<_, _>>()?,
            shuffle_s: self.shuffle_s,
            names_hidden: self.names_hidden,
            kept: self.kept.clone(),
        })
    }
}

/// Something that a moderator does. `Debug` hides the PIN.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Moderation {
    pub act: ConferenceAct,
    /// Who it is about.
    #[schema(pattern = "^[0-9]+$", max_length = 20)]
    pub participant: Option<String>,
    /// With `extend`.
    #[schema(minimum = 1, maximum = 1440)]
    pub minutes: Option<u16>,
    /// With `set_layout` and `set_layout_of`.
    pub layout: Option<ConferenceLayout>,
    /// With `set_pin`: 4 to 16 digits; empty for none.
    #[schema(pattern = "^([0-9]{4,16})?$")]
    pub pin: Option<NewPin>,
    /// With `set_waiting_room`.
    pub waiting_room: Option<ConferenceWaitingRoom>,
}

impl Moderation {
    fn layout(&self) -> Result<conference::Layout, Problem> {
        let layout = self.layout.as_ref();
        let layout = layout.ok_or_else(|| Problem::field("layout", "is missing; say which"))?;
        layout.read()
    }

    /// What is about all; `None`: it is about one.
    fn of_all(&mut self) -> Result<Option<conference::Act>, Problem> {
        use conference::Act;
        Ok(Some(match self.act {
            ConferenceAct::AdmitAll => Act::AdmitAll,
            ConferenceAct::MuteAll => Act::MuteAll,
            ConferenceAct::Lock => Act::Lock,
            ConferenceAct::Unlock => Act::Unlock,
            ConferenceAct::SetPin => {
                let pin = self.pin.take();
                let missing = || Problem::field("pin", "is missing; say which, or leave it empty for none");
                Act::SetPin(pin.ok_or_else(missing)?.read())
            }
            ConferenceAct::SetWaitingRoom => {
                let missing = || Problem::field("waiting_room", "is missing; say who has to be let in");
                Act::SetWaitingRoom(self.waiting_room.ok_or_else(missing)?.into())
            }
            ConferenceAct::End => Act::End,
            ConferenceAct::Start => Act::Start,
            ConferenceAct::Extend => {
                let missing = || Problem::field("minutes", "is missing; say how many");
                Act::Extend(self.minutes.ok_or_else(missing)?)
            }
            ConferenceAct::SetLayout => Act::SetLayout(self.layout()?),
            ConferenceAct::ClearLayout => Act::ClearLayout,
            _ => return Ok(None),
        }))
    }

    pub(crate) fn read(mut self) -> Result<conference::Act, Problem> {
        use conference::Act;
        let whom = match &self.participant {
            Some(text) => Some(parse::<ParticipantId>("participant", text)?),
            None => None,
        };
        let of_all = self.of_all()?;
        let id = match (of_all, whom) {
            (Some(act), None) => return Ok(act),
            (Some(_), Some(_)) => {
                return Err(Problem::field(
                    "participant",
                    "must be left out: this is about all",
                ));
            }
            (None, None) => {
                return Err(Problem::field(
                    "participant",
                    "is missing; name whom this is about",
                ));
            }
            (None, Some(id)) => id,
        };
        Ok(match self.act {
            ConferenceAct::SetLayoutOf => Act::SetLayoutOf(id, self.layout()?),
            ConferenceAct::ClearLayoutOf => Act::ClearLayoutOf(id),
            ConferenceAct::Admit => Act::Admit(id),
            ConferenceAct::SendBack => Act::SendBack(id),
            ConferenceAct::Remove => Act::Remove(id),
            ConferenceAct::RemoveWatcher => Act::RemoveWatcher(id),
            ConferenceAct::Mute => Act::Mute(id),
            ConferenceAct::StopCamera => Act::StopCamera(id),
            ConferenceAct::StopContent => Act::StopContent(id),
            ConferenceAct::AskToUnmute => Act::AskToUnmute(id),
            ConferenceAct::MakeModerator => Act::MakeModerator(id),
            ConferenceAct::UnmakeModerator => Act::UnmakeModerator(id),
            ConferenceAct::LowerHand => Act::LowerHand(id),
            ConferenceAct::GivePodium => Act::GivePodium(id),
            ConferenceAct::TakePodium => Act::TakePodium(id),
            ConferenceAct::InviteToPodium => Act::InviteToPodium(id),
            ConferenceAct::HandLecture => Act::HandLecture(id),
            ConferenceAct::Pin => Act::Pin(id),
            ConferenceAct::Unpin => Act::Unpin(id),
            ConferenceAct::GiveRemark => Act::GiveRemark(id),
            ConferenceAct::TakeRemark => Act::TakeRemark(id),
            ConferenceAct::AdmitAll
            | ConferenceAct::MuteAll
            | ConferenceAct::Lock
            | ConferenceAct::Unlock
            | ConferenceAct::SetPin
            | ConferenceAct::SetWaitingRoom
            | ConferenceAct::End
            | ConferenceAct::Start
            | ConferenceAct::Extend
            | ConferenceAct::SetLayout
            | ConferenceAct::ClearLayout => Act::Start,
        })
    }
}
