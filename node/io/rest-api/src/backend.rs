//! What the API needs of the server behind it. The daemon implements it over the replicated store.

use async_trait::async_trait;
use plenary_access::{
    AddressBookRow, Alias, Avatar, Command, DirectoryLink, Document, Event, EventQuery, FederationPolicy,
    Group, GroupRow, GuestPage, ListQuery, NodeRow, Outcome, Page, Partner, PasswordHash, PastDocument,
    Presence, Profile, Refusal, Scheme, Session, Settings, Standing, TokenHash, UserQuery, UserRow,
};
use plenary_cluster::ClusterReport;
use plenary_conference::{
    Call, CallQuery, Conference, ConferenceQuery, Line, Participant, PartnerInvitation, PastRun, Registrant,
    Run, RunId, ShutOut, Template, TemplateId, TemplateQuery, Visit, Watcher,
};
use plenary_federation::{Found, LocalName, Pages, Seen, Shown, Trial};
use plenary_licences::{Seats, licence::PublicKey};
use plenary_licensing::{Desk, Needs};
use plenary_model::{
    AliasName, CallString, Cid, GroupId, GuestId, NodeName, Revision, ServerName, Timestamp, UserName,
};
use plenary_seats::Holding;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

/// A command that was applied: its position in the log and what it gave.
#[derive(Debug, Clone)]
pub struct Applied {
    pub index: u64,
    pub outcome: Outcome,
}

/// Why a write was not done. Nothing has changed, but for [`WriteError::Unknown`].
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("no leader could be reached; the server is short of running nodes")]
    NoLeader,
    #[error("the answer of the leader was lost; ask again with the same idempotency key")]
    Unknown,
    #[error("the disk is full; writes are refused until space is back")]
    DiskFull,
    #[error("this node has more requests waiting than it takes")]
    Busy,
    #[error("the change is too large: {bytes} bytes, at most {limit}; make it in smaller parts")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the server's clock and this node's differ by more than a minute")]
    ClockOff,
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    BadQuery(String),
    #[error("this node is behind and did not catch up in time")]
    Behind,
    #[error("no leader could be reached; the server is short of running nodes")]
    NoLeader,
    /// With the seconds to wait.
    #[error("you search too often; try again in {0} s")]
    TooOften(u64),
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A user with PRO, for lists.
#[derive(Debug, Clone)]
pub struct ProSeat {
    pub user: UserName,
    pub display_name: String,
    pub holding: Holding,
    /// Without a seat it waits for one.
    pub seated: bool,
    /// Places in conferences, on several devices included.
    pub places: u64,
}

/// A user who got no PRO.
#[derive(Debug, Clone)]
pub struct WithoutPro {
    pub user: UserName,
    pub display_name: String,
    pub since: Timestamp,
}

/// How many have registered for a conference, and how many of them came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Registered {
    pub registered: u64,
    pub came: u64,
}

/// The License Manager that the server borrows from, as this node knows it.
#[derive(Debug, Clone)]
pub struct ManagerLink {
    pub needs: Needs,
    /// The replica that this node has a line to.
    pub replica: Option<String>,
    /// Why it has none.
    pub trouble: Option<String>,
    /// Why the manager does not lend.
    pub refusal: Option<plenary_licences::Refusal>,
    /// Milliseconds that the lease can be used on this node.
    pub left_ms: Option<u64>,
}

/// What an administrator does about the License Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverseeAct {
    Look,
    /// Asks a server for seats that nobody there holds.
    Recall {
        server: ServerName,
        seats: Seats,
    },
    /// The server is off for good.
    DeclareDead {
        server: ServerName,
    },
}

/// A License Manager as a whole.
#[derive(Debug, Clone)]
pub struct ManagerOverview {
    pub manager: String,
    pub pool: String,
    pub standing: plenary_licences::lessor::Standing,
    pub capacity: Seats,
    pub leased: Seats,
    pub ttl_ms: u64,
    pub development: bool,
    pub replicas: Vec<ManagerReplica>,
    pub servers: Vec<Borrower>,
    /// Oldest first.
    pub history: Vec<PoolSample>,
}

#[derive(Debug, Clone)]
pub struct ManagerReplica {
    pub name: String,
    pub address: String,
    pub role: ReplicaRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaRole {
    Leader,
    Voter,
    Learner,
    /// The others do not count it yet.
    Joining,
}

/// A server that borrows, or may.
#[derive(Debug, Clone)]
pub struct Borrower {
    pub server: String,
    pub leased: Seats,
    pub used: Seats,
    pub wanted: Seats,
    pub guaranteed: Seats,
    /// `None`: the whole pool.
    pub most: Option<Seats>,
    /// Until its seats are back in the pool if it stays silent; `None` without a lease.
    pub left_ms: Option<u64>,
    /// Since the last word of one of its nodes; `None`: none is connected.
    pub silent_ms: Option<u64>,
    pub expected: bool,
    pub covered: bool,
}

/// How a pool was used at a moment.
#[derive(Debug, Clone, Copy)]
pub struct PoolSample {
    pub at: Timestamp,
    pub capacity: Seats,
    pub leased: Seats,
    pub used: Seats,
}

/// What came of trying to reach another server.
#[derive(Debug, Clone, Default)]
pub struct PartnerTried {
    pub trial: Trial,
    /// Where it answered.
    pub address: Option<SocketAddr>,
    /// It is not what is pinned for that partner.
    pub is_change: bool,
    /// What was shown, also where it was refused.
    pub certificate: Option<Shown>,
}

/// Servers of other enterprises.
#[derive(Debug, Clone, Default)]
pub struct Partners {
    pub is_licensed: bool,
    pub policy: FederationPolicy,
    /// Of whom something is written down.
    pub written: Vec<Partner>,
    /// What all nodes that can be asked know together.
    pub seen: BTreeMap<ServerName, Seen>,
    /// What they are still to be told.
    pub waiting: BTreeMap<ServerName, WaitingMessages>,
    /// Those that are of this enterprise, as its Directory says.
    pub enterprise: BTreeSet<ServerName>,
}

/// What waits to be told to another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingMessages {
    pub messages: u64,
    /// Of the oldest one.
    pub since: Timestamp,
}

/// What a name of another server is, for somebody of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    Found {
        found: Found,
        /// What they do, where that is known.
        presence: Option<Presence>,
    },
    /// That server is not met, cannot be reached, or does not answer; a sentence says why.
    Unknown(String),
    /// Who asks has asked too often: the seconds until they may again.
    TooFast(u64),
}

impl Looked {
    pub fn found(found: Found, presence: Option<Presence>) -> Self {
        Self::Found { found, presence }
    }

    pub fn unknown(words: impl Into<String>) -> Self {
        Self::Unknown(words.into())
    }
}

/// A server of the enterprise, as the Directory knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryServer {
    pub server: String,
    pub connected: bool,
    pub entries: u64,
    /// Milliseconds since 1970; 0: nothing yet.
    pub changed_ms: u64,
}

/// How it stands with the Directory, as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryStanding {
    pub name: Option<String>,
    /// It hears this server.
    pub connected: bool,
    /// Why not, or why it does not answer: a stable word of its own, and a sentence.
    pub trouble: Option<(Option<String>, String)>,
    pub servers: Vec<DirectoryServer>,
    /// What cannot be told.
    pub left_out: Option<LeftOut>,
}

/// Entries that break the Directory's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub entries: u64,
    /// The last of them, with the reason.
    pub last: String,
}

/// The Directory in which people of this server are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryView {
    pub link: DirectoryLink,
    pub standing: DirectoryStanding,
}

/// What somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub words: String,
    pub kind: Option<plenary_people::Kind>,
    pub limit: u32,
}

/// Somebody or something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHit {
    pub entry: plenary_people::Entry,
    /// As it is written in the address book, where that is not said by the entry.
    pub call: Option<String>,
    /// `None` where it is not known.
    pub presence: Option<Presence>,
}

/// What the Directory said to a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// There is none.
    Off,
    Answered,
    /// The user asks too much for now; a sentence says how long to wait.
    Held(String),
    /// A sentence says why it did not.
    Away(String),
}

/// What was found, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchResult {
    pub hits: Vec<SearchHit>,
    pub directory: Asked,
}

/// What the API needs of the server. Reads answer from the local copy; [`Backend::fresh`] before them makes
/// them see everything that was acknowledged anywhere.
#[async_trait]
pub trait Backend: crate::border::Border + Send + Sync + 'static {
    async fn propose(&self, command: Command) -> Result<Applied, WriteError>;
    async fn propose_conference(&self, command: plenary_conference::Command) -> Result<Applied, WriteError>;
    async fn propose_licensing(&self, command: plenary_licensing::Command) -> Result<Applied, WriteError>;
    /// What `command` would do by this node's copy right now; changes nothing.
    async fn rehearse(&self, command: Command) -> Result<Applied, WriteError>;
    /// Waits until this node has applied all that any node had acknowledged when this was called.
    async fn fresh(&self) -> Result<u64, ReadError>;
    /// Waits until this node has applied `index`; [`ReadError::BadQuery`] if no node ever gave that one.
    async fn wait_applied(&self, index: u64) -> Result<(), ReadError>;
    /// The last index that this node has applied.
    fn applied(&self) -> u64;

    async fn users(&self, query: UserQuery) -> Result<Page<UserRow>, ReadError>;
    async fn user(&self, id: UserName) -> Result<Option<UserRow>, ReadError>;
    /// By ID or by email, with the hash of the password, for signing in.
    async fn credentials(&self, login: String) -> Result<Option<(UserRow, Option<PasswordHash>)>, ReadError>;
    async fn avatar(&self, id: UserName) -> Result<Option<Avatar>, ReadError>;
    async fn sessions(&self, user: UserName) -> Result<Vec<Session>, ReadError>;
    /// A session that has not expired or ended.
    async fn session(&self, token: TokenHash) -> Result<Option<(Session, UserRow)>, ReadError>;
    /// The groups of a user, "Users without group" if there are none; for rights and limits.
    async fn groups_of(&self, user: UserName) -> Result<Vec<Group>, ReadError>;
    async fn address_book(&self, user: UserName, list: ListQuery) -> Result<Page<AddressBookRow>, ReadError>;
    /// The profile of `user` as `viewer` may see it; `None` where `viewer` does not find them in the address book.
    async fn person(&self, viewer: UserName, user: UserName) -> Result<Option<Profile>, ReadError>;
    /// What a name of another server is. Asks that server where it is not known.
    async fn look(&self, by: &UserName, server: &ServerName, name: &LocalName) -> Looked;
    async fn groups(&self, list: ListQuery) -> Result<Page<GroupRow>, ReadError>;
    async fn group(&self, id: GroupId) -> Result<Option<GroupRow>, ReadError>;
    async fn aliases(&self, list: ListQuery) -> Result<Page<Alias>, ReadError>;
    async fn alias(&self, id: AliasName) -> Result<Option<Alias>, ReadError>;
    /// The group of this server that a call string means, by its call ID.
    async fn group_behind(&self, call: CallString) -> Result<Option<Group>, ReadError>;
    /// Follows aliases of this server (at most one step).
    async fn resolve(&self, call: CallString) -> Result<CallString, ReadError>;
    async fn conferences(&self, query: ConferenceQuery) -> Result<Page<Conference>, ReadError>;
    /// Runs of a conference with how many people were in them, all or those in which one user was; the newest first.
    async fn runs_over(
        &self,
        of: Conference,
        user: Option<UserName>,
        list: ListQuery,
    ) -> Result<Page<(PastRun, u64)>, ReadError>;
    /// Runs in which a user was, with their visits; the newest first.
    async fn runs_with(
        &self,
        user: UserName,
        list: ListQuery,
    ) -> Result<Page<(PastRun, u64, Vec<Visit>)>, ReadError>;
    async fn past_run(&self, of: Conference, run: RunId) -> Result<Option<(PastRun, u64)>, ReadError>;
    /// Visits of a run, all or those of one user; those who came first before others.
    async fn visits(
        &self,
        run: RunId,
        user: Option<UserName>,
        list: ListQuery,
    ) -> Result<Page<Visit>, ReadError>;
    /// Calls from and to a user, the newest first.
    async fn calls_of(
        &self,
        user: UserName,
        query: CallQuery,
        list: ListQuery,
    ) -> Result<Page<Call>, ReadError>;
    /// The conference that people find by this ID.
    async fn conference(&self, id: Cid) -> Result<Option<Conference>, ReadError>;
    /// The conference with this key.
    async fn conference_at(&self, cid: Cid) -> Result<Option<Conference>, ReadError>;
    async fn call(&self, cid: Cid) -> Result<Option<Call>, ReadError>;
    /// Waits until the server of who is called has said what it makes of it, for some seconds at most.
    async fn call_told(&self, cid: Cid) -> Result<(), ReadError> {
        let _ = cid;
        Ok(())
    }
    /// Calls from and to a user, the newest first, at most so many.
    async fn calls(&self, user: UserName, most: u32) -> Result<Vec<Call>, ReadError>;
    /// Those who were called into a conference from `since` on and did not come, each as it was the last time, with their
    /// names; those whom it rings at first, at most so many.
    async fn rings(&self, cid: Cid, since: Timestamp, most: usize) -> Result<Vec<(Call, String)>, ReadError>;
    /// The display names of those of these accounts that are there, ordered by ID.
    async fn names(&self, users: Vec<UserName>) -> Result<Vec<(UserName, String)>, ReadError>;
    /// The runs that these conferences had last or have.
    async fn runs(&self, cids: Vec<Cid>) -> Result<Vec<Run>, ReadError>;
    /// Those who have registered for a conference.
    async fn registrants(&self, cid: Cid, list: ListQuery) -> Result<Page<Registrant>, ReadError>;
    /// One of them, of whatever conference.
    async fn registrant(&self, id: GuestId) -> Result<Option<Registrant>, ReadError>;
    async fn registered(&self, cid: Cid) -> Result<Registered, ReadError>;
    async fn templates(&self, query: TemplateQuery) -> Result<Page<Template>, ReadError>;
    async fn template(&self, id: TemplateId) -> Result<Option<Template>, ReadError>;
    /// Everybody who is in a conference or waits to be let in, those who came first before others.
    async fn roster(&self, cid: Cid) -> Result<Vec<Participant>, ReadError>;
    /// The programs that watch a conference, those that came first before others, with the names of their nodes.
    async fn watchers(&self, cid: Cid) -> Result<Vec<(Watcher, String)>, ReadError>;
    /// Whom moderators removed from the run that goes on, and whose programs, the longest ago first.
    async fn removed(&self, cid: Cid) -> Result<Vec<ShutOut>, ReadError>;
    /// Guests, or people of partners' servers, who are in conferences now, with ID and name of these; who came last first.
    async fn strangers_inside(
        &self,
        federated: bool,
        limit: u32,
    ) -> Result<Vec<(Participant, Cid, String)>, ReadError>;
    /// Lines of the chat of a conference with higher numbers than this, at most `limit`.
    async fn chat(&self, cid: Cid, after: u64, limit: u32) -> Result<Vec<Line>, ReadError>;
    async fn settings(&self) -> Result<Settings, ReadError>;
    /// The documents that strangers agree to, without their texts, and which logos there are.
    async fn guest_page(&self) -> Result<GuestPage, ReadError>;
    async fn document(&self, place: u8) -> Result<Option<Document>, ReadError>;
    /// What the document of a place was before, the newest version first.
    async fn past_documents(&self, place: u8) -> Result<Vec<PastDocument>, ReadError>;
    async fn past_document(&self, place: u8, version: Revision) -> Result<Option<Document>, ReadError>;
    async fn logo(&self, scheme: Scheme) -> Result<Option<Avatar>, ReadError>;
    async fn events(&self, query: EventQuery) -> Result<Page<Event>, ReadError>;
    async fn nodes(&self) -> Result<Vec<NodeRow>, ReadError>;

    /// Licences and seats; `None` until seats are counted, a moment after the first start.
    async fn desk(&self) -> Result<Option<Desk>, ReadError>;
    /// The License Manager that the server borrows from; `None` while it has its licences itself.
    async fn license_manager(&self) -> Result<Option<ManagerLink>, ReadError>;
    /// Shows the token to the License Manager that made it; the server borrows there from then on.
    async fn connect_license_manager(
        &self,
        by: plenary_access::Actor,
        token: String,
    ) -> Result<Applied, WriteError>;
    /// How the License Manager is, after it did what an administrator wants.
    async fn oversee(
        &self,
        by: plenary_access::Actor,
        act: OverseeAct,
    ) -> Result<ManagerOverview, WriteError>;
    /// The Directory of the enterprise; `None` while this server is in none.
    async fn directory(&self) -> Result<Option<DirectoryView>, ReadError>;
    /// What its administrator needs to let this server in.
    async fn directory_key(&self) -> Result<Option<String>, ReadError>;
    /// What a new key is made of.
    fn new_directory(&self, addresses: Vec<String>) -> plenary_access::NewDirectoryLink;
    /// Whom somebody finds, here and in the Directory.
    async fn search(&self, user: UserName, look: Look) -> Result<SearchResult, ReadError>;
    /// Conferences of other servers to which a user is invited, of those whose conferences may be attended now.
    async fn partner_invitations(&self, user: UserName) -> Result<Vec<PartnerInvitation>, ReadError>;
    /// Servers of other enterprises. Asks the other nodes.
    async fn partners(&self) -> Result<Partners, ReadError>;
    /// How this server stands to another one.
    async fn standing_to(&self, server: ServerName) -> Result<Standing, ReadError>;
    /// Where the pages of another server are, as it has said to a node of this one.
    async fn pages_of(&self, server: ServerName) -> Option<Pages>;
    /// Which other server has said that those are its pages.
    async fn server_at(&self, pages: Pages) -> Option<ServerName>;
    /// Ends the quarantine of one, on all nodes that can be asked.
    async fn release_partner(&self, server: ServerName);
    /// Tries to reach another server, step by step. `None` where this node meets with none by its configuration.
    async fn try_partner(&self, server: ServerName) -> Option<PartnerTried>;
    /// The settings of seats, and how they are counted; `None` as with [`Backend::desk`]. Costs little.
    async fn seat_figures(&self) -> Result<Option<plenary_seats::Figures>, ReadError>;
    /// What one user holds of PRO.
    async fn pro_of(&self, user: UserName) -> Result<Option<ProSeat>, ReadError>;
    /// Users with permanent PRO, or those with temporary.
    async fn pro_seats(&self, permanent: bool, list: ListQuery) -> Result<Page<ProSeat>, ReadError>;
    /// Users who got no permanent PRO, or no temporary.
    async fn without_pro(&self, permanent: bool, list: ListQuery) -> Result<Page<WithoutPro>, ReadError>;
    /// The time, for files that people carry away.
    fn now(&self) -> Timestamp;
    /// Keys whose licences count here.
    fn licence_keys(&self) -> Vec<PublicKey>;

    /// The server as a whole right now: replicated facts and what each node said of itself.
    async fn cluster(&self) -> Result<ClusterReport, ReadError>;
    /// Makes a one-time join token; gives its text and when it ends.
    async fn invite(&self, by: plenary_access::Actor, ttl_s: u64) -> Result<(String, Timestamp), WriteError>;
    async fn promote(&self, by: plenary_access::Actor, node: NodeName) -> Result<(), WriteError>;
    async fn hand_over(&self, by: plenary_access::Actor, node: NodeName) -> Result<(), WriteError>;
    async fn drain(&self, by: plenary_access::Actor, node: NodeName, drain: bool) -> Result<(), WriteError>;
    async fn remove_node(&self, by: plenary_access::Actor, node: NodeName) -> Result<(), WriteError>;
    /// Writes a consistent backup and gives its file, which the API streams and then deletes.
    async fn backup(&self) -> Result<std::path::PathBuf, ReadError>;
}
