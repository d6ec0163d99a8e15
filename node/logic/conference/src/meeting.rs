//! Who is in a conference, what they show of themselves, and what they say: the roster and the chat of a run.
//!
//! A run of a virtual room begins when somebody enters and ends when the last one is gone; one of another conference
//! begins when it is opened and ends by its plan ([`Opened`]). The chat outlasts its runs.
//!
//! ```text
//!            Enter                       NodeLost, NodeStarted            60 s, Sweep
//!  nobody ──────────► there, moves 0 ─────────────────────────► away ──────────────────► nobody
//!                       ▲   │  Leave, if moves is still that      │
//!                       │   └───────────────────────────► nobody  │
//!                       └────── Resume, with the secret: moves + 1 ┘
//! ```
//!
//! Invariant: whoever's node and start are not those that the server knows as running is away.

mod chat;
mod decide;
mod entry;
mod invitation;
mod layout;
mod lecture;
mod moderate;
mod participant;
mod pins;
mod podium;
mod removal;
mod run;
mod terms;
mod watcher;
mod zone;

pub use chat::{Deleted, Line, LineDetails, Mention, NoChat, Readable};
pub(crate) use chat::{Writing, forget_lines};
pub(crate) use decide::Meetings;
pub(crate) use entry::Entry;
pub use invitation::{INVITATION_MS, Invitation, Invited};
pub use layout::{Arrangement, KeptLayout, Layout, Slot};
pub(crate) use layout::{check_in_layouts, check_kept};
pub(crate) use lecture::check_lecturers;
pub use moderate::Act;
pub(crate) use moderate::conflict;
pub use participant::{
    MeetingRights, Participant, ParticipantId, Person, Reaction, SecretHash, Standing, StatePatch, Via,
};
pub(crate) use pins::Guesses;
pub use podium::{CHANGE_MS, HEARD, Heard};
pub use removal::{Removed, ShutOut};
pub(crate) use run::Runs;
pub use run::{ALONE_MS, End, Opened, RUN_MS, Run};
pub(crate) use terms::screens_with;
pub use watcher::Watcher;
pub(crate) use watcher::{end_watching, forget_watching};
pub(crate) use zone::{counts_there, narrowed};

use crate::{Attempts, Call, Guest, GuestId, Party, PastRun, RunId};
use plenary_access::{PartnerTerms, TokenHash, Zones};
use plenary_model::{Cid, GroupId, NodeId, ServerName, Timestamp, UserName};

/// Milliseconds that the place of somebody whose node is lost is kept for.
pub const AWAY_MS: u64 = 60_000;

/// Most places that one [`Change::Sweep`](crate::Change::Sweep) frees.
pub const SWEEP: usize = 1_000;

/// What meetings ask about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub active: bool,
    pub display_name: String,
}

/// What the rules read of meetings and of those who may be in them. Only [`MeetingView::everybody`] loads a whole roster.
pub trait MeetingView {
    fn account(&self, user: &UserName) -> Option<Account>;
    /// The number of the node's last start; 0 while it counts as lost.
    fn start_of(&self, node: NodeId) -> Option<u64>;
    fn run_of(&self, cid: &Cid) -> Option<Run>;
    fn participant(&self, cid: &Cid, id: ParticipantId) -> Option<Participant>;
    /// A line of the chat that is kept.
    fn line(&self, cid: &Cid, id: u64) -> Option<Line>;
    /// The line that a person has said in a conference by this key, if it is kept.
    fn line_by_key(&self, cid: &Cid, person: &Person, key: &str) -> Option<Line>;
    /// The places of one person in a conference.
    fn places(&self, cid: &Cid, person: &Person) -> Vec<Participant>;
    /// The places of one person in all conferences, ordered by CID and ID.
    fn places_of(&self, person: &Person) -> Vec<(Cid, ParticipantId)>;
    /// Whether the rights of an account make it an operator (USR-05).
    fn is_operator(&self, user: &UserName) -> bool;
    /// Whether the rights of an account let it make calls (USR-05).
    fn may_call(&self, user: &UserName) -> bool;
    /// Whether the rights of a person let them show a screen (USR-05); those of guests are of their built-in group.
    fn may_share(&self, person: &Person) -> bool;
    /// From where people come, and what counts for them there (AUTH-02).
    fn zones(&self) -> Zones;
    /// The places of all accounts, ordered by CID and ID.
    fn account_places(&self) -> Vec<(Cid, ParticipantId)>;
    /// The places of all guests, ordered by CID and ID.
    fn guest_places(&self) -> Vec<(Cid, ParticipantId)>;
    /// All places of those who come from partners' servers.
    fn federated_places(&self) -> Vec<(Cid, ParticipantId)>;
    /// Those of one partner's server.
    fn places_from(&self, server: &ServerName) -> Vec<(Cid, ParticipantId)>;
    /// The terms with a partner's server, whether one meets with it or not.
    fn partner_terms(&self, server: &ServerName) -> PartnerTerms;
    /// Whether the group "Federated users" may make calls (USR-05, FED-03).
    fn federated_call(&self) -> bool;
    /// Everybody who has a place in a conference, ordered by ID; for what moderators do to all.
    fn everybody(&self, cid: &Cid) -> Vec<Participant>;
    /// The accounts that have a place in a conference, each once and ordered by ID.
    fn accounts_in(&self, cid: &Cid) -> Vec<UserName>;
    /// A program that watches, or was removed in this run.
    fn watcher(&self, cid: &Cid, id: ParticipantId) -> Option<Watcher>;
    /// How many programs watch a conference, without those that were removed.
    fn watching(&self, cid: &Cid) -> u64;
    /// The programs of one account in all conferences, those that were removed too; ordered by CID and ID.
    fn watched_by(&self, user: &UserName) -> Vec<Watcher>;
    /// Conferences that are watched by another start of the node than this, ordered by CID.
    fn watched_on_other_starts(&self, node: NodeId, start: u64) -> Vec<Cid>;
    /// Whom moderators removed from the run that goes on, the longest ago first.
    fn removed(&self, cid: &Cid) -> Vec<Removed>;
    /// Those on the podium, ordered by ID.
    fn podium_of(&self, cid: &Cid) -> Vec<Participant>;
    /// Runs that end by themselves by `now` ([`Run::ends_at`]), ordered by CID, at most [`SWEEP`].
    fn runs_to_end(&self, now: Timestamp) -> Vec<Run>;
    /// Wrong PINs of a source, whenever they were.
    fn attempts(&self, cid: &Cid, source: &str) -> Attempts;
    /// Whether wrong PINs are remembered whose last one was before `until`.
    fn has_attempts_before(&self, until: Timestamp) -> bool;
    /// The places of guests in a conference, ordered by ID.
    fn places_of_guests(&self, cid: &Cid) -> Vec<ParticipantId>;
    /// The run of a conference that is kept and is not over.
    fn open_run(&self, cid: &Cid) -> Option<PastRun>;
    /// The highest number that a kept run has; 0 if there is none.
    fn last_run(&self) -> RunId;
    fn call(&self, cid: &Cid) -> Option<Call>;
    /// The call that rings at a user or goes on, or that they make; nobody has several. What somebody is called into
    /// does not count ([`Ring`](crate::Ring)).
    fn open_call_of(&self, user: &UserName) -> Option<Call>;
    /// Calls that nobody has answered and that began before `until`, ordered by CID, at most [`SWEEP`].
    fn rang_since(&self, until: Timestamp) -> Vec<Call>;
    /// The call ID and the name of a group that can be called.
    fn callable_group(&self, id: &GroupId) -> Option<(UserName, String)>;
    /// The members of a group who are signed in on a device that is connected and may be, ordered by ID.
    fn members_there(&self, id: &GroupId) -> Vec<UserName>;
    /// Those who ring to be called into a conference, or into the call of a group, ordered by user.
    fn rings_into(&self, cid: &Cid) -> Vec<Call>;
    /// How one user was called into a conference from `since` on, the newest first, at most
    /// [`RINGS_PER_RUN`](plenary_model::limits::RINGS_PER_RUN).
    fn rings_of(&self, cid: &Cid, user: &Party, since: Timestamp) -> Vec<Call>;
    /// How many conferences and groups ring at a user.
    fn rings_at(&self, user: &UserName) -> usize;
    /// Open calls to a user from partners' servers, also those that go on, ordered by CID.
    fn calls_from_away(&self, user: &UserName) -> Vec<Call>;
    /// Calls from partners' servers that go on, ordered by CID.
    fn answered_from_away(&self) -> Vec<Call>;
    /// Those who ring because of a user.
    fn rings_by(&self, caller: &UserName) -> Vec<Call>;
    /// Whether a user is signed in on a device that is connected.
    fn is_online(&self, user: &UserName) -> bool;
    /// Conferences with somebody who is on another start of the node than this and not away, ordered by CID.
    fn rooms_on_other_starts(&self, node: NodeId, start: u64) -> Vec<Cid>;
    /// Places whose participants have been away since before `until`, the longest first, at most [`SWEEP`].
    fn away_before(&self, until: Timestamp) -> Vec<(Cid, ParticipantId)>;
    /// Places of those who were invited to the podium before `until` and have not answered, at most [`SWEEP`], ordered by
    /// when that was.
    fn invited_before(&self, until: Timestamp) -> Vec<(Cid, ParticipantId)>;
    fn guest(&self, id: &GuestId) -> Option<Guest>;
    fn guest_with(&self, token: &TokenHash) -> Option<Guest>;
    /// The guest who comes back by a key, the present one or the one before ([`Keepsake`](crate::Keepsake)).
    fn guest_by_key(&self, key: &TokenHash) -> Option<Guest>;
    /// Guests that the server has, whether their tokens are valid or not.
    fn stored_guests(&self) -> u64;
    /// Of the guests whose tokens have ended and who may come back, the one who came the longest ago.
    fn oldest_kept_guest(&self, now: Timestamp) -> Option<GuestId>;
    /// Guests of a conference whose tokens are valid at `now`.
    fn guests_in(&self, cid: &Cid, now: Timestamp) -> u64;
    /// Guests of a conference without registration who have a place, or were made after `since`.
    fn unregistered_in(&self, cid: &Cid, since: Timestamp) -> u64;
    /// Guests of a conference from one source whose tokens are valid at `now`, counted up to `most`.
    fn guests_from(&self, cid: &Cid, source: &str, now: Timestamp, most: u64) -> u64;
    /// Guests of the server whose tokens are valid in the hour of `now`; without counting them one by one.
    fn guests_about(&self, now: Timestamp) -> u64;
    /// Guests of the server whose tokens are valid at `now`.
    fn guests(&self, now: Timestamp) -> u64;
    /// Whether there is any guest to forget by `now` ([`Guest::forget_at`]).
    fn has_expired_guests(&self, now: Timestamp) -> bool;
}
