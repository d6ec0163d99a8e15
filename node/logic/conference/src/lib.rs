//! Conferences as objects of a server, and the meetings in them: what may be done, by whom, and what follows (CONF-02,
//! CONF-03, AUTH-08).
//!
//! Pure, as `plenary_access` is, whose commands, refusals and events have the same form here: a [`Command`] goes in,
//! either effects come out or a refusal that changes nothing. What is stored is read through the [`View`] trait.
//!
//! ```text
//!  Command ──► decide ──► who asks, by the rules of accounts ──► decide_for(Asker) ──► Decision | Refusal
//!  accounts go, nodes start and are lost ─────────────────────► follow ───────────► Decision
//!  somebody wants to come in ─────────────────────────────────► admit ───────► inside | waiting | KeptOut
//! ```
//!
//! A conference is a virtual room, or opens by hand or by its schedule ([`Launch`]); a [`Call`] of two has one of its own, but for
//! who is called from a partner's server ([`Away`]).
//! Its [`Settings`] say how it is run; a [`Template`] keeps them for the next ones. A [`Run`] of it has [`Participant`]s, who raise hands, show reactions and say [`Line`]s; [`Guest`]s have no account, and may
//! have to register first ([`Registration`]). A [`Watcher`] is a program that looks on and stands in no roster. Moderators [`Act`] on
//! them, and have people rung ([`Ring`]). Servers of partners are told of conferences that name their people ([`Message`]). Media that flow between them are not part of this crate, but [`Flow`] says what of whom may.

mod admit;
mod away;
mod call;
mod command;
mod conference;
mod consent;
mod decide;
mod effect;
mod follow;
mod group_call;
mod guest;
mod history;
mod id;
mod launch;
mod listing;
mod meeting;
mod partners;
mod party;
mod presence;
mod registrant;
mod registration;
mod ring;
mod role;
mod settings;
mod template;

pub use admit::{
    Admission, Attempts, Called, Gate, KeptOut, Knock, Link, Visitor, Way, admit, admit_watcher, door,
};
pub use away::{Away, AwayCall, AwaySeat, AwayTo, PartnerSaid, is_adrift};
pub use call::{CALLS_KEPT, Call, CallQuery, How, Over, RING_MS};
pub use command::{Change, Command, NewConference, NewId, Patch};
pub use conference::{Access, Conference};
pub use decide::{View, decide, decide_for};
pub use effect::{Decision, Effect};
pub use follow::{Fact, follow};
pub use group_call::CalledGroup;
pub use guest::{Guest, GuestId, Keepsake};
pub use history::{Ended, PastRun, RunId, Visit, keep_history};
pub use id::{RANDOM, make_up};
pub use launch::{EXTENSION_MINUTES, Launch, Plan, next_of};
pub use listing::{ConferenceQuery, Part, Stage};
pub use meeting::{
    ALONE_MS, AWAY_MS, Account, Act, Arrangement, CHANGE_MS, Deleted, End, HEARD, Heard, INVITATION_MS,
    Invitation, Invited, KeptLayout, Layout, Line, LineDetails, MeetingRights, MeetingView, Mention, NoChat,
    Opened, Participant, ParticipantId, Person, RUN_MS, Reaction, Readable, Removed, Run, SWEEP, SecretHash,
    ShutOut, Slot, Standing, StatePatch, Via, Watcher,
};
pub use partners::{
    Bidding, Delivery, InboxView, MESSAGE_MS, Message, Opening, OutboxView, PartnerInvitation, Settled,
    tell_partners,
};
pub use party::Party;
pub use presence::tell_presence;
pub use registrant::{Details, NewRegistrant, PersonalLink, Registrant, RegistrationView};
pub use registration::{Ask, Asks, Closes, Field, FieldKind, NO, Registration, RegistrationState, YES};
pub use ring::{Ring, Ringer, Whom, settle_rings};
pub use role::{Flow, GuestRights, Role};
pub use settings::{Mode, Pin, Put, Quality, Settings, SettingsPatch, WaitingRoom, Ways};
pub use template::{
    Hours, NewTemplate, Template, TemplateId, TemplateLaunch, TemplatePart, TemplatePatch, TemplateQuery,
    TemplateView,
};

/// The level of the rules from which on conferences have settings, waiting rooms and podiums.
pub const CONFERENCES_LEVEL: u32 = 6;

/// The level from which on conferences open by hand or by a schedule.
pub const SCHEDULES_LEVEL: u32 = 7;

pub use plenary_access::{GUESTS_LEVEL, HISTORY_LEVEL, IDS_LEVEL};

/// The level from which on two may call each other.
pub const CALLS_LEVEL: u32 = 8;

/// The level from which on people register for conferences, and guests may have fewer rights.
pub const REGISTRATION_LEVEL: u32 = 9;

/// The level from which on how conferences are set up is kept as templates.
pub const TEMPLATES_LEVEL: u32 = 11;

pub use plenary_access::{CALLING_LEVEL, RIGHTS_LEVEL};

/// The level from which on moderators take calls back, invite to the podium and lay out for one participant.
pub const MODERATION_LEVEL: u32 = 14;

pub use plenary_access::CHAT_LEVEL;

/// The level from which on people of partners' servers come into conferences.
pub const FEDERATED_LEVEL: u32 = 20;

/// The level from which on people of partners' servers call each other.
pub const AWAY_CALLS_LEVEL: u32 = 21;

/// The level from which on conferences name people of partners' servers, which are told of it.
pub const OUTBOX_LEVEL: u32 = 22;

pub use plenary_access::{CONTENT_LEVEL, DIRECTORY_LEVEL, LINES_LEVEL, PLACES_LEVEL};

/// The level from which on programs that watch are listed and count, and wrong PINs are counted for a whole partner too.
pub const WATCHERS_LEVEL: u32 = 26;

/// The level from which on conferences begin locked, and moderators change in the meeting how people come in.
pub const DOORS_LEVEL: u32 = 27;

/// The level from which on lectures have lecturers, and what is shared may come first in a layout.
pub const LECTURES_LEVEL: u32 = 28;

/// The first level at which the terms with a partner hold for who of its people is there, each time anew, they call only
/// where the group "Federated users" may, and conferences that begin call those of them whom they name.
pub const TERMS_LEVEL: u32 = 30;

pub use plenary_access::{ACME_LEVEL, BORDER_LEVEL, BORDER_POLICY_LEVEL, ZONES_LEVEL};

/// The level from which on no schedule rings who owns the conference.
pub const OWNERS_LEVEL: u32 = 33;

/// The level from which on who was removed stays out, calls that became conferences end with their run, and guests are
/// counted by what they use.
pub const REMOVALS_LEVEL: u32 = 35;

/// The level from which on programs that watch and were removed are let back as people are, who calls people into a
/// conference needs the right to make calls, and whom the zone lets come as no guest does not register as one.
pub const CALLERS_LEVEL: u32 = 37;

/// The level from which on invitations by partners' servers can be declined, no server fills all places for them, and of calls
/// from partners to a group only the newest are kept.
pub const DECLINES_LEVEL: u32 = 38;

/// The level from which on, of those on a podium who are silent equally long, the one who has had a place for longest leaves.
pub const TURNS_LEVEL: u32 = 40;

/// The newest of all.
pub const NEWEST_LEVEL: u32 = ACME_LEVEL;
