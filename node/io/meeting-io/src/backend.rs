//! What meetings need of the node around them.

use crate::hub::{key_of, refused_by, request_name};
use async_trait::async_trait;
use plenary_model::{Cid, ServerName, UserId, UserName};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{
        Call, CallOff, CalledPerson, ChatEarlier, Edit, IceServer, InvitedPerson, Join, Layers, Layout, Line,
        LineNumber, Moderate, Participant, ParticipantId, Peer, Place, Quality, Refusal, RefusalFacts,
        RemovedPeople, Room, Said, Say, Slots, Speaking, State, Tile, Unsay, Watchers, Why,
    },
};
use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// Who a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    Account(UserName),
    /// With the one room that is open to them.
    Guest {
        id: UserName,
        room: Cid,
    },
    /// Comes from a partner's server, which vouches for them.
    Federated(Federated),
}

/// An account of a partner's server, as that one says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federated {
    pub user: UserId,
    /// What others see.
    pub name: String,
    /// Whether their rights there let them show a screen.
    pub shares: bool,
}

impl Person {
    /// Different for each. Guests are told from accounts by what their names begin with.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Account(id) | Self::Guest { id, .. } => id.to_string(),
            Self::Federated(federated) => federated.user.to_string(),
        }
    }
}

/// From where a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whence {
    pub address: IpAddr,
    /// Through a Border Controller: no address of the inside is told to it.
    pub outside: bool,
}

/// A client that asks for a meeting.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// Of its connection; never given twice.
    pub run: u64,
    pub person: Person,
    /// Of who comes from a partner's server that is not known.
    pub whence: Option<Whence>,
    /// What it is told.
    pub tell: mpsc::UnboundedSender<ServerBody>,
    /// Whose media another server serves: what of them may flow is told here.
    pub permits: Option<mpsc::UnboundedSender<Permitted>>,
}

impl Newcomer {
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.whence.map(|whence| whence.address)
    }

    pub(crate) fn is_outside(&self) -> bool {
        self.whence.is_some_and(|whence| whence.outside)
    }
}

/// What a place may do, for the server that serves its media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// What the room of the engine is called.
    pub hall: String,
    pub place: ParticipantId,
    /// Not in the waiting room.
    pub inside: bool,
    pub flow: Flow,
    /// Whom alone they may be shown; `None`: everybody.
    pub only: Option<Arc<BTreeSet<ParticipantId>>>,
}

/// Why something is not done, for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub code: Refusal,
    pub detail: String,
    pub facts: RefusalFacts,
}

impl Refused {
    pub fn new(code: Refusal, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            facts: RefusalFacts::default(),
        }
    }

    /// The same, with what the client says of it in its own words.
    #[must_use]
    pub fn with(self, facts: RefusalFacts) -> Self {
        Self { facts, ..self }
    }

    /// As the client that asked hears it.
    pub fn answers(self, request: &ClientBody) -> ServerBody {
        refused_by(request_name(request), self, key_of(request))
    }
}

/// What people do at the chat without saying anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Murmur {
    /// Who has just been writing.
    pub writing: BTreeSet<ParticipantId>,
    /// The number of the last line that somebody has read.
    pub read: BTreeMap<ParticipantId, u64>,
}

/// A place that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    pub participant: ParticipantId,
    /// By which it is taken up again.
    pub secret: String,
    /// How often it was taken up again; fences what comes late from before.
    pub moves: u64,
}

/// What of somebody may flow to others, whatever their client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    pub voice: bool,
    pub camera: bool,
    /// With its sound.
    pub content: bool,
}

/// Somebody who has a place, whether inside or in the waiting room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    pub participant: Participant,
    pub moves: u64,
    pub flow: Flow,
    /// Whether they may be shown everybody, or only those who are shown to all.
    pub sees_all: bool,
    pub shown_to_all: bool,
    /// What a moderator has them alone look at.
    pub layout: Option<Layout>,
}

/// A room as this node's copy of the state has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub room: Room,
    pub participants: Vec<Present>,
    /// When it last ended for all who were in, in milliseconds since 1970, and why.
    pub ended: Option<(u64, Why)>,
    /// Places that are none any more because their users lost their seats.
    pub lost: BTreeMap<ParticipantId, Why>,
    /// Who was called into the run that goes on and is not in it.
    pub called: Vec<CalledPerson>,
    /// Who was invited to the podium and is not on it.
    pub invitations: Vec<InvitedPerson>,
    /// Who watches by a program.
    pub watchers: Watchers,
    /// Whom moderators removed from the run that goes on.
    pub removed: RemovedPeople,
}

/// The replicated roster. What has been answered can be read on this node.
#[async_trait]
pub trait Roster: Send + Sync + 'static {
    /// The key of the conference in which a client has this place, whatever it is called by now; else of the one that people
    /// find by this ID. All other calls go by keys.
    async fn find(&self, id: &Cid, place: Option<&Place>) -> Result<Option<Cid>, Refused>;
    /// `from`: where they come from; `pin`: what the client gave.
    async fn enter(
        &self,
        room: &Cid,
        person: &Person,
        from: Option<IpAddr>,
        state: State,
        pin: Option<String>,
    ) -> Result<Entered, Refused>;
    /// Whether this place may be taken up, as this node knows it right now: asks no other node.
    async fn knows(&self, room: &Cid, person: &Person, place: &Place) -> bool;
    /// Takes a place up on this node, for who comes from there. Gives its `moves`.
    async fn resume(&self, room: &Cid, place: &Place, from: Option<IpAddr>) -> Result<u64, Refused>;
    /// Frees a place, if it was not taken up elsewhere since.
    async fn leave(&self, room: &Cid, participant: ParticipantId, moves: u64) -> Result<(), Refused>;
    async fn set(
        &self,
        room: &Cid,
        participant: ParticipantId,
        moves: u64,
        state: State,
    ) -> Result<(), Refused>;
    async fn react(
        &self,
        room: &Cid,
        participant: ParticipantId,
        moves: u64,
        reaction: String,
    ) -> Result<(), Refused>;
    async fn say(&self, room: &Cid, participant: ParticipantId, say: Say) -> Result<(), Refused>;
    /// A participant changes what they have written.
    async fn edit(&self, room: &Cid, participant: ParticipantId, edit: Edit) -> Result<(), Refused>;
    /// A participant takes out what they, or as a moderator others, have written.
    async fn unsay(&self, room: &Cid, participant: ParticipantId, unsay: Unsay) -> Result<(), Refused>;
    /// A participant acts as a moderator.
    async fn moderate(&self, room: &Cid, by: ParticipantId, what: Moderate) -> Result<(), Refused>;
    /// A participant calls people in, as a moderator.
    async fn call(&self, room: &Cid, by: ParticipantId, call: Call) -> Result<(), Refused>;
    /// A participant takes calls back, as a moderator.
    async fn call_off(&self, room: &Cid, by: ParticipantId, calls: CallOff) -> Result<(), Refused>;
    /// Who was heard, the loudest first, and how many milliseconds ago; 0 for who speaks now.
    async fn spoke(&self, room: &Cid, heard: Vec<(ParticipantId, u64)>) -> Result<(), Refused>;
    /// Why a room is no more in which people were until now.
    async fn why_gone(&self, room: &Cid) -> Why;
    /// `None` if there is no such room.
    async fn view(&self, room: &Cid) -> Result<Option<View>, Refused>;
    /// What was said or changed after the change of that number, in the order of changes; after 0 what was said last.
    async fn lines(&self, room: &Cid, after: u64) -> Result<Vec<ReadLine>, Refused>;
    /// What those have said before who have these places now, as lines that have changed: they have their places.
    async fn lines_of(&self, room: &Cid, places: &[ParticipantId]) -> Result<Vec<ReadLine>, Refused>;
    /// What each of those reads of the chat who come in, with the last lines of it.
    async fn history(&self, room: &Cid, of: &[ParticipantId]) -> Result<Vec<History>, Refused>;
    /// Lines that were said before one and that a participant reads, and whether there are still earlier ones.
    async fn earlier(
        &self,
        room: &Cid,
        of: ParticipantId,
        before: LineNumber,
    ) -> Result<ChatEarlier, Refused>;
    /// Tells those nodes, by their names; it does not matter much whether they hear it.
    fn murmur(&self, room: &Cid, to: BTreeSet<String>, murmur: Murmur);
}

/// Which lines of a chat somebody reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reads {
    All,
    /// Of runs that began then, in milliseconds since 1970.
    Runs(BTreeSet<u64>),
}

impl Reads {
    pub(crate) fn has(&self, line: &Said) -> bool {
        match self {
            Self::All => true,
            Self::Runs(starts) => line.run.is_some_and(|run| starts.contains(&run)),
        }
    }
}

/// The chat for those who come in and read the same of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    pub of: BTreeSet<ParticipantId>,
    pub reads: Reads,
    /// The last ones, in the order in which they were said.
    pub lines: Vec<Said>,
    /// When the run began that goes on; only where lines are known by their keys.
    pub run: Option<u64>,
}

/// A line of the chat as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLine {
    /// Its number.
    pub number: u64,
    /// The number of its last change.
    pub changed: u64,
    pub line: Said,
}

/// A session of the media engine; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u64);

/// A room of the media engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hall {
    /// Of a conference of this server, by its key.
    Own(Cid),
    /// Of a conference of a partner's server: its name there, with `@` and that server.
    Abroad {
        name: String,
        /// Whose limits count.
        user: UserName,
    },
}

/// A connection that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub hall: Hall,
    pub participant: ParticipantId,
    pub peer: Peer,
    /// The client's offer.
    pub sdp: String,
    pub lines: Vec<Line>,
    /// What of it may flow, if it publishes.
    pub flow: Flow,
    /// The client is outside, and is told of no address of the inside.
    pub outside: bool,
}

/// The media engine of this node.
#[async_trait]
pub trait Media: Send + Sync + 'static {
    /// A name for the next session.
    fn session(&self) -> Session;
    /// Begins a session; it takes the place of the participant's earlier one of its kind. Gives the answer.
    async fn open(&self, session: Session, opening: Opening) -> Result<String, Refused>;
    /// What of a publishing session may flow from now on.
    async fn allow(&self, session: Session, flow: Flow);
    /// Negotiates a session anew; `None` if it is over.
    async fn negotiate(
        &self,
        session: Session,
        sdp: String,
        lines: Vec<Line>,
    ) -> Result<Option<String>, Refused>;
    async fn show(&self, session: Session, tiles: Vec<Tile>);
    async fn close(&self, session: Session);
    /// What clients may need to reach this node.
    fn ice_servers(&self, participant: ParticipantId, outside: bool) -> Vec<IceServer>;
}

/// What the media engine tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaEvent {
    Ended(Session),
    Slots(Session, Slots),
    Layers(Session, Layers),
    Quality(Session, Quality),
    /// In a room of the engine, by its name.
    Speaking(String, Speaking),
}

/// Conferences of partners' servers (FED-02).
#[async_trait]
pub trait Abroad: Send + Sync + 'static {
    /// This server; conferences with its name are its own.
    fn me(&self) -> &ServerName;
    /// Has a user of this server come into a conference there; `join.room` is without the server.
    /// `from`: where they come from.
    async fn attend(
        &self,
        server: &ServerName,
        user: &UserName,
        from: Option<IpAddr>,
        join: Join,
    ) -> Result<Attendance, Refused>;
    /// Has the media of a hall there cross between the servers, as long as what this gives is kept.
    fn enter_hall(&self, server: &ServerName, hall: &str) -> Result<Box<dyn Any + Send>, Refused>;
    /// They are in it, by the connection `run`: what called them there is answered.
    fn came(&self, who: &Attendee) {
        let _ = who;
    }
    /// They are not any more; they may come back by another connection within that time.
    fn left(&self, who: &Attendee, returns: Duration) {
        let _ = (who, returns);
    }
    /// The call of two that they are in is a conference from now on.
    ///
    /// # Errors
    /// Why they may not stay in it.
    async fn widened(&self, who: &Attendee) -> Result<(), Refused> {
        let _ = who;
        Ok(())
    }
}

/// Somebody of this server in a conference of another one, by one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    pub user: UserName,
    pub server: ServerName,
    /// Without the server.
    pub room: String,
    pub run: u64,
}

/// Somebody of this server in a conference of another one.
pub struct Attendance {
    /// What they ask for there. Closed: they are gone, without a word.
    pub say: mpsc::Sender<ClientBody>,
    /// What they are told; it ends with the connection.
    pub hear: mpsc::Receiver<FromAbroad>,
}

/// What another server tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromAbroad {
    /// To the client.
    Said(Box<ServerBody>),
    /// To this server; `hall` is with `@` and the server.
    Permitted(Permitted),
}
