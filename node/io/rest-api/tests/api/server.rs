//! A server of one node without replication: commands are applied at once.

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use plenary_access::*;
use plenary_cluster::ClusterReport;
use plenary_conference::{
    CallQuery, Conference, ConferenceQuery, Line, Participant, PartnerInvitation, PastRun, Run, RunId,
    ShutOut, Template, TemplateId, TemplateQuery, Visit, Watcher,
};
use plenary_federation::{Found, LocalName, Pages};
use plenary_model::{
    AliasName, CallString, Cid, GroupId, GuestId, NodeId, NodeName, Revision, ServerName, Timestamp, UserName,
};
use plenary_outside::CameFromOutside;
use plenary_replication::{Application as _, Stamp};
use plenary_rest_api::{
    Backend, Cost, Options, Passwords, SignInRates,
    backend::{
        Applied, Asked, Borrower, DirectoryStanding, DirectoryView, Look, Looked, ManagerLink,
        ManagerOverview, ManagerReplica, OverseeAct, PartnerTried, Partners, PoolSample, ProSeat, ReadError,
        Registered, ReplicaRole, SearchHit, SearchResult, WaitingMessages, WithoutPro, WriteError,
    },
    border::{Border, ControllerSeen},
    router,
};
use plenary_store::{Part, QueryError, ServerApp, decode_reply, encode_command, queries, rehearse};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    fmt::Debug,
    net::SocketAddr,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;

pub(crate) const PASSWORD: &str = "long enough";
pub(crate) const INSIDE: &str = "192.168.1.7:4000";
pub(crate) const OUTSIDE: &str = "203.0.113.9:4000";

pub(crate) fn name<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a good name")
}

pub(crate) struct Store {
    app: ServerApp,
    db: Mutex<Connection>,
    index: AtomicU64,
    /// Added to the clock.
    later_ms: AtomicU64,
    /// The copy does not get on: waiting for an index ends as behind.
    stuck: AtomicBool,
    seen: Mutex<plenary_federation::Book>,
    folder: TempDir,
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> WriteError {
    WriteError::Internal(Box::new(error))
}

impl Store {
    fn stamp(&self, index: u64) -> Stamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Stamp {
            index,
            position: 0,
            now_ms: now.as_millis() as u64 + self.later_ms.load(Ordering::Relaxed),
            level: plenary_conference::NEWEST_LEVEL,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.stamp(0).now_ms)
    }

    fn apply<'a, C>(&self, command: &'a Command<C>) -> Result<Applied, WriteError>
    where
        &'a C: Into<Part<'a>>,
    {
        let mut db = self.db.lock().expect("not poisoned");
        let index = self.index.load(Ordering::Relaxed) + 1;
        let bytes = encode_command(command).map_err(internal)?;
        let transaction = db.transaction().map_err(internal)?;
        let reply = self
            .app
            .apply(&transaction, self.stamp(index), &bytes)
            .map_err(internal)?;
        transaction.commit().map_err(internal)?;
        self.index.store(index, Ordering::Relaxed);
        let outcome = decode_reply(&reply.bytes).map_err(internal)??;
        Ok(Applied { index, outcome })
    }

    fn query<T>(&self, query: impl FnOnce(&Connection) -> Result<T, QueryError>) -> Result<T, ReadError> {
        let db = self.db.lock().expect("not poisoned");
        query(&db).map_err(|error| match error {
            QueryError::BadQuery(text) => ReadError::BadQuery(text),
            other => ReadError::Internal(Box::new(other)),
        })
    }

    fn node_named(&self, node: &NodeName) -> Result<NodeId, WriteError> {
        let rows = self.query(queries::nodes).map_err(internal)?;
        let found = rows.into_iter().find(|row| row.name == *node);
        found.map(|row| row.id).ok_or_else(|| {
            WriteError::Refused(Refusal::NotFound {
                what: "node".into(),
                id: node.to_string(),
            })
        })
    }
}

#[async_trait]
impl Backend for Store {
    async fn propose(&self, command: Command) -> Result<Applied, WriteError> {
        self.apply(&command)
    }
    async fn propose_conference(&self, command: plenary_conference::Command) -> Result<Applied, WriteError> {
        self.apply(&command)
    }
    async fn rehearse(&self, command: Command) -> Result<Applied, WriteError> {
        let index = self.applied() + 1;
        let db = self.db.lock().expect("not poisoned");
        let reply = rehearse(&db, self.stamp(index), command).map_err(internal)?;
        Ok(Applied {
            index,
            outcome: reply?,
        })
    }
    async fn fresh(&self) -> Result<u64, ReadError> {
        Ok(self.applied())
    }
    async fn wait_applied(&self, index: u64) -> Result<(), ReadError> {
        if index > self.applied() || self.stuck.load(Ordering::Relaxed) {
            return Err(ReadError::Behind);
        }
        Ok(())
    }
    fn applied(&self) -> u64 {
        self.index.load(Ordering::Relaxed)
    }
    async fn users(&self, query: UserQuery) -> Result<Page<UserRow>, ReadError> {
        self.query(|db| queries::users(db, &query))
    }
    async fn user(&self, id: UserName) -> Result<Option<UserRow>, ReadError> {
        self.query(|db| queries::user(db, &id))
    }
    async fn credentials(&self, login: String) -> Result<Option<(UserRow, Option<PasswordHash>)>, ReadError> {
        self.query(|db| queries::credentials(db, &login))
    }
    async fn avatar(&self, id: UserName) -> Result<Option<Avatar>, ReadError> {
        self.query(|db| queries::avatar(db, &id))
    }
    async fn sessions(&self, user: UserName) -> Result<Vec<Session>, ReadError> {
        self.query(|db| queries::sessions(db, &user, self.now()))
    }
    async fn session(&self, token: TokenHash) -> Result<Option<(Session, UserRow)>, ReadError> {
        self.query(|db| queries::session(db, &token, self.now()))
    }
    async fn groups_of(&self, user: UserName) -> Result<Vec<Group>, ReadError> {
        self.query(|db| queries::groups_of(db, &user))
    }
    async fn address_book(&self, user: UserName, list: ListQuery) -> Result<Page<AddressBookRow>, ReadError> {
        self.query(|db| queries::address_book(db, &user, &list))
    }
    async fn person(&self, viewer: UserName, user: UserName) -> Result<Option<Profile>, ReadError> {
        self.query(|db| queries::person(db, &viewer, &user))
    }
    async fn look(&self, by: &UserName, server: &ServerName, name: &LocalName) -> Looked {
        let found = match name.as_str() {
            "demo2" => Found::Person {
                user: name.as_str().parse().expect("a name"),
                profile: Box::new(Profile {
                    display_name: "Demo Two".into(),
                    ..Profile::default()
                }),
            },
            "111" => Found::Conference("review".parse().expect("an ID")),
            "sales" => Found::Group(name.as_str().parse().expect("a name")),
            "often" => return Looked::TooFast(7),
            _ if server.as_str() == "lyon.example.org" => {
                return Looked::unknown(format!("{server} cannot be reached, {by}"));
            }
            _ => Found::Nothing,
        };
        Looked::found(found, Some(Presence::InCall))
    }
    async fn groups(&self, list: ListQuery) -> Result<Page<GroupRow>, ReadError> {
        self.query(|db| queries::groups(db, &list))
    }
    async fn group(&self, id: GroupId) -> Result<Option<GroupRow>, ReadError> {
        self.query(|db| queries::group(db, &id))
    }
    async fn aliases(&self, list: ListQuery) -> Result<Page<Alias>, ReadError> {
        self.query(|db| queries::aliases(db, &list))
    }
    async fn alias(&self, id: AliasName) -> Result<Option<Alias>, ReadError> {
        self.query(|db| queries::alias(db, &id))
    }
    async fn resolve(&self, call: CallString) -> Result<CallString, ReadError> {
        self.query(|db| queries::resolve(db, &call))
    }
    async fn conferences(&self, query: ConferenceQuery) -> Result<Page<Conference>, ReadError> {
        self.query(|db| queries::conferences(db, &query))
    }
    async fn runs_over(
        &self,
        of: Conference,
        user: Option<UserName>,
        list: ListQuery,
    ) -> Result<Page<(PastRun, u64)>, ReadError> {
        self.query(move |db| queries::runs_over(db, &of, user.as_ref(), &list))
    }
    async fn runs_with(
        &self,
        user: UserName,
        list: ListQuery,
    ) -> Result<Page<(PastRun, u64, Vec<Visit>)>, ReadError> {
        self.query(move |db| queries::runs_with(db, &user, &list))
    }
    async fn past_run(&self, of: Conference, run: RunId) -> Result<Option<(PastRun, u64)>, ReadError> {
        self.query(move |db| queries::past_run(db, &of, run))
    }
    async fn visits(
        &self,
        run: RunId,
        user: Option<UserName>,
        list: ListQuery,
    ) -> Result<Page<Visit>, ReadError> {
        self.query(move |db| queries::visits(db, run, user.as_ref(), &list))
    }
    async fn calls_of(
        &self,
        user: UserName,
        query: CallQuery,
        list: ListQuery,
    ) -> Result<Page<plenary_conference::Call>, ReadError> {
        self.query(move |db| queries::calls_of(db, &user, &query, &list))
    }
    async fn conference(&self, id: Cid) -> Result<Option<Conference>, ReadError> {
        self.query(|db| queries::conference_called(db, &id))
    }
    async fn conference_at(&self, cid: Cid) -> Result<Option<Conference>, ReadError> {
        self.query(|db| queries::conference(db, &cid))
    }
    async fn call(&self, cid: Cid) -> Result<Option<plenary_conference::Call>, ReadError> {
        self.query(|db| queries::call(db, &cid))
    }
    async fn calls(&self, user: UserName, most: u32) -> Result<Vec<plenary_conference::Call>, ReadError> {
        self.query(|db| queries::calls(db, &user, most))
    }
    async fn templates(&self, query: TemplateQuery) -> Result<Page<Template>, ReadError> {
        self.query(|db| queries::templates(db, &query))
    }
    async fn template(&self, id: TemplateId) -> Result<Option<Template>, ReadError> {
        self.query(|db| queries::template(db, id))
    }
    async fn group_behind(&self, call: CallString) -> Result<Option<Group>, ReadError> {
        self.query(|db| queries::group_behind(db, &call))
    }
    async fn rings(
        &self,
        cid: Cid,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(plenary_conference::Call, String)>, ReadError> {
        self.query(|db| queries::rings(db, &cid, since, most))
    }
    async fn names(&self, users: Vec<UserName>) -> Result<Vec<(UserName, String)>, ReadError> {
        self.query(|db| queries::names(db, &users))
    }
    async fn registrants(
        &self,
        cid: Cid,
        list: ListQuery,
    ) -> Result<Page<plenary_conference::Registrant>, ReadError> {
        self.query(|db| queries::registrants(db, &cid, &list))
    }
    async fn registrant(&self, id: GuestId) -> Result<Option<plenary_conference::Registrant>, ReadError> {
        self.query(|db| queries::registrant(db, &id))
    }
    async fn registered(&self, cid: Cid) -> Result<Registered, ReadError> {
        let counts = self.query(|db| queries::registered(db, &cid))?;
        Ok(Registered {
            registered: counts.registered,
            came: counts.came,
        })
    }
    async fn runs(&self, cids: Vec<Cid>) -> Result<Vec<Run>, ReadError> {
        self.query(|db| queries::runs_of(db, &cids))
    }
    async fn roster(&self, cid: Cid) -> Result<Vec<Participant>, ReadError> {
        self.query(|db| queries::roster(db, &cid))
    }
    async fn watchers(&self, cid: Cid) -> Result<Vec<(Watcher, String)>, ReadError> {
        self.query(|db| queries::named_watchers(db, &cid))
    }
    async fn removed(&self, cid: Cid) -> Result<Vec<ShutOut>, ReadError> {
        self.query(|db| queries::shut_out(db, &cid))
    }
    async fn strangers_inside(
        &self,
        federated: bool,
        limit: u32,
    ) -> Result<Vec<(Participant, Cid, String)>, ReadError> {
        self.query(|db| queries::strangers_inside(db, federated, limit))
    }
    async fn chat(&self, cid: Cid, after: u64, limit: u32) -> Result<Vec<Line>, ReadError> {
        self.query(|db| queries::chat(db, &cid, after, limit))
    }
    async fn settings(&self) -> Result<Settings, ReadError> {
        self.query(queries::settings)
    }
    async fn guest_page(&self) -> Result<GuestPage, ReadError> {
        self.query(queries::guest_page)
    }
    async fn document(&self, place: u8) -> Result<Option<Document>, ReadError> {
        self.query(|db| queries::document(db, place))
    }
    async fn past_documents(&self, place: u8) -> Result<Vec<PastDocument>, ReadError> {
        self.query(|db| queries::past_documents(db, place))
    }
    async fn past_document(&self, place: u8, version: Revision) -> Result<Option<Document>, ReadError> {
        self.query(|db| queries::past_document(db, place, version))
    }
    async fn logo(&self, scheme: Scheme) -> Result<Option<Avatar>, ReadError> {
        self.query(|db| queries::logo(db, scheme))
    }
    async fn events(&self, query: EventQuery) -> Result<Page<Event>, ReadError> {
        self.query(|db| queries::events(db, &query))
    }
    async fn nodes(&self) -> Result<Vec<NodeRow>, ReadError> {
        self.query(queries::nodes)
    }
    async fn propose_licensing(&self, command: plenary_licensing::Command) -> Result<Applied, WriteError> {
        self.apply(&command)
    }
    async fn desk(&self) -> Result<Option<plenary_licensing::Desk>, ReadError> {
        self.query(queries::desk)
    }
    async fn license_manager(&self) -> Result<Option<ManagerLink>, ReadError> {
        let needs = self.query(queries::needs)?;
        Ok(needs.map(|needs| ManagerLink {
            needs,
            replica: None,
            trouble: Some("no replica answers".into()),
            refusal: None,
            left_ms: None,
        }))
    }
    /// Any token is one of the manager that gives it its name.
    async fn connect_license_manager(&self, by: Actor, token: String) -> Result<Applied, WriteError> {
        let manager = token.parse().map_err(|_| {
            WriteError::Refused(Refusal::Licensing {
                code: "licence_manager_token".into(),
                reason: "not a token".into(),
            })
        })?;
        let change = plenary_licensing::Change::Connect {
            manager,
            pool: plenary_licences::PoolId(9),
            addresses: vec!["lm-1.example.com:4310".into()],
        };
        self.apply(&plenary_licensing::Command {
            by,
            idempotency: None,
            change,
        })
    }
    /// By the lists alone: nobody answers here.
    async fn try_partner(&self, server: ServerName) -> Option<PartnerTried> {
        let settings = self.query(queries::settings).ok()?;
        let mut tried = PartnerTried::default();
        let allowed = settings.federation.admits(&server);
        let allowed = allowed
            .map(|()| "allowed".into())
            .map_err(|why| format!("{why:?}"));
        if tried.trial.note(plenary_federation::Step::Policy, 0, allowed) {
            let nobody = Err("DNS did not answer in time".into());
            tried.trial.note(plenary_federation::Step::Srv, 4_000, nobody);
        }
        Some(tried)
    }

    /// What is noted here is what a test put there.
    async fn standing_to(&self, server: ServerName) -> Result<Standing, ReadError> {
        self.query(|db| queries::standing(db, &server))
    }
    async fn partners(&self) -> Result<Partners, ReadError> {
        let seen = self.seen.lock().expect("not poisoned").all().clone();
        let settings = self.query(queries::settings)?;
        Ok(Partners {
            is_licensed: self.query(queries::federates)?,
            policy: settings.federation,
            written: self.query(queries::partners)?,
            enterprise: self
                .query(queries::directory)?
                .map(|link| link.servers)
                .unwrap_or_default(),
            seen,
            waiting: self
                .query(queries::waiting)?
                .into_iter()
                .map(|(server, found)| {
                    let shown = WaitingMessages {
                        messages: found.messages,
                        since: found.since,
                    };
                    (server, shown)
                })
                .collect(),
        })
    }
    /// A Directory that nobody reaches.
    async fn directory(&self) -> Result<Option<DirectoryView>, ReadError> {
        let link = self.query(queries::directory)?;
        let standing = DirectoryStanding {
            trouble: Some((None, "nobody answers".into())),
            ..DirectoryStanding::default()
        };
        Ok(link.map(|link| DirectoryView { link, standing }))
    }
    async fn directory_key(&self) -> Result<Option<String>, ReadError> {
        Ok(self
            .query(queries::directory)?
            .map(|link| format!("key-{}", link.client_id)))
    }
    fn new_directory(&self, addresses: Vec<String>) -> NewDirectoryLink {
        static KEYS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let id = u128::from(KEYS.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        NewDirectoryLink {
            addresses,
            client_id: format!("{id:032x}"),
            secret: DirectorySecret([7; 32]),
            incarnation: id.to_le_bytes(),
        }
    }
    async fn search(&self, user: UserName, look: Look) -> Result<SearchResult, ReadError> {
        let kinds: Vec<_> = look.kind.into_iter().collect();
        let most = look.limit as usize;
        let found = self.query(|db| queries::search(db, &user, &look.words, &kinds, most))?;
        let hits = found.hits.into_iter().map(|hit| SearchHit {
            call: hit.call.map(|call| call.to_string()),
            entry: hit.entry,
            presence: hit.presence,
        });
        let directory = match self.query(queries::directory)? {
            Some(_) => Asked::Away("nobody answers".into()),
            None => Asked::Off,
        };
        Ok(SearchResult {
            hits: hits.collect(),
            directory,
        })
    }
    async fn partner_invitations(&self, user: UserName) -> Result<Vec<PartnerInvitation>, ReadError> {
        self.query(|db| queries::partner_invitations(db, &user))
    }
    async fn pages_of(&self, server: ServerName) -> Option<Pages> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.of(&server)?.pages.first().cloned()
    }
    async fn server_at(&self, pages: Pages) -> Option<ServerName> {
        let seen = self.seen.lock().expect("not poisoned");
        let of = seen.all().iter().find(|(_, seen)| seen.pages.contains(&pages));
        of.map(|(server, _)| server.clone())
    }
    async fn release_partner(&self, server: ServerName) {
        self.seen.lock().expect("not poisoned").lift(&server, self.now());
    }

    /// A manager of one server, which shows what it did to that.
    async fn oversee(&self, by: Actor, act: OverseeAct) -> Result<ManagerOverview, WriteError> {
        if self.query(queries::needs).map_err(internal)?.is_none() {
            return Err(WriteError::Refused(Refusal::Licensing {
                code: "licence_manager_not_connected".into(),
                reason: "not connected".into(),
            }));
        }
        let seats = |pro| plenary_licences::Seats {
            pro,
            ..plenary_licences::Seats::NONE
        };
        let (server, leased): (ServerName, u32) = match act {
            OverseeAct::Look => (name("oslo.example.com"), 7),
            OverseeAct::Recall { server, seats } => (server, 7 - seats.pro),
            OverseeAct::DeclareDead { server } => (server, 0),
        };
        assert!(matches!(by.kind, ActorKind::User(_)), "somebody wants it");
        Ok(ManagerOverview {
            manager: "licences.example.com".into(),
            pool: "9".into(),
            standing: plenary_licences::lessor::Standing::Serving,
            capacity: seats(20),
            leased: seats(leased),
            ttl_ms: 43_200_000,
            development: false,
            replicas: vec![ManagerReplica {
                name: "lm-1".into(),
                address: "lm-1.example.com:4310".into(),
                role: ReplicaRole::Leader,
            }],
            servers: vec![Borrower {
                server: server.to_string(),
                leased: seats(leased),
                used: seats(1),
                wanted: seats(2),
                guaranteed: seats(0),
                most: None,
                left_ms: Some(40_000_000),
                silent_ms: Some(1_500),
                expected: true,
                covered: true,
            }],
            history: vec![PoolSample {
                at: Timestamp(0),
                capacity: seats(20),
                leased: seats(leased),
                used: seats(1),
            }],
        })
    }
    async fn seat_figures(&self) -> Result<Option<plenary_seats::Figures>, ReadError> {
        let figures = self.query(queries::figures)?;
        Ok(figures.map(|figures| figures.seats))
    }
    async fn pro_of(&self, user: UserName) -> Result<Option<ProSeat>, ReadError> {
        let row = self.query(|db| queries::pro_of(db, &user))?;
        Ok(row.map(pro_seat))
    }
    async fn pro_seats(&self, permanent: bool, list: ListQuery) -> Result<Page<ProSeat>, ReadError> {
        let page = self.query(|db| queries::pro_seats(db, permanent, &list))?;
        Ok(Page {
            items: page.items.into_iter().map(pro_seat).collect(),
            total: page.total,
            next: page.next,
        })
    }
    async fn without_pro(&self, permanent: bool, list: ListQuery) -> Result<Page<WithoutPro>, ReadError> {
        let page = self.query(|db| queries::without_pro(db, permanent, &list))?;
        let row = |row: queries::WithoutProRow| WithoutPro {
            user: row.user,
            display_name: row.display_name,
            since: row.since,
        };
        Ok(Page {
            items: page.items.into_iter().map(row).collect(),
            total: page.total,
            next: page.next,
        })
    }
    fn now(&self) -> Timestamp {
        self.now()
    }
    /// A vendor's, and that of developers.
    fn licence_keys(&self) -> Vec<plenary_licences::licence::PublicKey> {
        vec![vendor().public(), plenary_licences::licence::DEVELOPMENT_KEY]
    }
    async fn cluster(&self) -> Result<ClusterReport, ReadError> {
        Ok(ClusterReport {
            server: name("paris.example.com"),
            enterprise: "Example".into(),
            level: 1,
            leader: None,
            term: 1,
            quorum: false,
            users_online: 0,
            users_total: 0,
            nodes: Vec::new(),
            problems: Vec::new(),
        })
    }
    async fn invite(&self, by: Actor, ttl_s: u64) -> Result<(String, Timestamp), WriteError> {
        let change = Change::InviteNode {
            id: "invitation".into(),
            secret: [0; 32],
            ttl_s,
        };
        self.apply(&Command {
            by,
            idempotency: None,
            change,
        })?;
        Ok(("token".into(), self.now().plus_ms(ttl_s * 1_000)))
    }
    async fn promote(&self, _: Actor, node: NodeName) -> Result<(), WriteError> {
        self.node_named(&node).map(drop)
    }
    async fn hand_over(&self, _: Actor, node: NodeName) -> Result<(), WriteError> {
        self.node_named(&node).map(drop)
    }
    async fn drain(&self, by: Actor, node: NodeName, drain: bool) -> Result<(), WriteError> {
        let node = self.node_named(&node)?;
        let change = Change::DrainNode { node, drain };
        let command = Command {
            by,
            idempotency: None,
            change,
        };
        self.apply(&command).map(drop)
    }
    async fn remove_node(&self, by: Actor, node: NodeName) -> Result<(), WriteError> {
        let node = self.node_named(&node)?;
        let change = Change::RemoveNode { node };
        let command = Command {
            by,
            idempotency: None,
            change,
        };
        self.apply(&command).map(drop)
    }
    async fn backup(&self) -> Result<PathBuf, ReadError> {
        let path = self.folder.path().join("backup");
        std::fs::write(&path, b"a backup").map_err(|error| ReadError::Internal(Box::new(error)))?;
        Ok(path)
    }
}

fn pro_seat(row: queries::ProRow) -> ProSeat {
    ProSeat {
        user: row.user,
        display_name: row.display_name,
        holding: row.holding,
        seated: row.seated,
        places: row.places,
    }
}

/// Signs the licences that count.
pub(crate) fn vendor() -> plenary_licences::licence::Signer {
    plenary_licences::licence::Signer::of_seed([7; 32]).expect("a key")
}

/// A licence of the vendor, as a file: any has federation.
pub(crate) fn any_licence() -> Value {
    use plenary_licences::licence::*;
    let licence = Licence {
        id: LicenceId(77),
        enterprise: "Société des Essais".into(),
        contact: String::new(),
        covers: Covers::Only([name("paris.example.com")].into()),
        seats: plenary_licences::Seats::NONE,
        extensions: Default::default(),
        term: Term::Annual,
        edition: Edition::Server,
        support: Support::Basic,
        issued: Timestamp(0),
        valid_from: Timestamp(0),
        valid_until: Some(Timestamp(4_102_444_800_000)),
    };
    serde_json::json!({ "file": Signed::issue(&licence, &vendor()).expect("it can be issued") })
}

/// The hash of [`PASSWORD`], made once for all tests.
fn password_hash(passwords: &Passwords) -> PasswordHash {
    static HASH: OnceLock<PasswordHash> = OnceLock::new();
    HASH.get_or_init(|| passwords.hash_blocking(PASSWORD)).clone()
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Checks that it is a problem of this status and code, as all problems must be.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.header("content-type")),
            (status, "application/problem+json"),
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(
            problem["type"],
            format!("https://plenary.invalid/problems/{code}")
        );
        assert!(problem["detail"].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(problem["request_id"], self.header("plenary-request-id"));
        assert_eq!(
            !self.header("retry-after").is_empty(),
            matches!(status, 429 | 503)
        );
        problem
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }
}

pub(crate) struct TestServer {
    pub(crate) store: Arc<Store>,
    router: Router,
    pub(crate) draining: watch::Sender<bool>,
}

/// A request to be.
pub(crate) struct Call<'a> {
    server: &'a TestServer,
    method: Method,
    path: String,
    headers: HeaderMap,
    from: SocketAddr,
    outside: bool,
    body: Vec<u8>,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().expect("a header"));
        self
    }

    /// Signed in as `user`, whose token is its name.
    pub(crate) fn by(self, user: &str) -> Self {
        self.header("authorization", &format!("Bearer {user}"))
    }

    pub(crate) fn from(mut self, address: &str) -> Self {
        self.from = address.parse().expect("an address");
        self
    }

    /// As what comes through a Border Controller.
    pub(crate) fn out_there(mut self) -> Self {
        self.outside = true;
        self
    }

    pub(crate) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .extension(ConnectInfo(self.from))
            .body(Body::from(self.body))
            .expect("a request");
        request.headers_mut().extend(self.headers);
        if self.outside {
            request.extensions_mut().insert(CameFromOutside);
        }
        let response = self.server.router.clone().oneshot(request).await;
        let (parts, body) = response.expect("never fails").into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a whole body").to_bytes().into(),
        }
    }
}

impl TestServer {
    /// A server with the full administrator `root`, the security administrator `eye` and the user `alice`, all
    /// signed in with their names as tokens.
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let app = ServerApp::default();
        let mut db = Connection::open(folder.path().join("state.db")).expect("opens");
        db.pragma_update(None, "synchronous", "off").expect("sets");
        app.migrate(&mut db).expect("migrates");
        let store = Arc::new(Store {
            app,
            db: Mutex::new(db),
            index: AtomicU64::new(0),
            later_ms: AtomicU64::new(0),
            stuck: AtomicBool::new(false),
            seen: Mutex::default(),
            folder,
        });
        let passwords = Arc::new(Passwords::new(Cost::FOR_TESTS));
        let (draining, is_draining) = watch::channel(false);
        let mut options = Options::new(name("paris.example.com"), "1.2.3", passwords.clone());
        options.failed_sign_in = Duration::ZERO;
        options.draining = is_draining;
        options.sign_in_rates = SignInRates {
            per_address: (1e6, 1e6),
            per_account: (1e6, 1e6),
        };
        change(&mut options);
        let backend: Arc<dyn Backend> = store.clone();
        let server = Self {
            store,
            router: router(backend, options),
            draining,
        };
        server.found(&passwords);
        server
    }

    fn found(&self, passwords: &Passwords) {
        self.system(Change::FoundServer {
            server: name("paris.example.com"),
            enterprise: "Example".into(),
            node: NodeId(1),
            name: name("node-1"),
            address: "192.0.2.1:7000".into(),
        });
        self.system(plenary_licensing::Change::Open {
            pool: plenary_licences::PoolId(7),
            branch: 1,
        });
        let people = [
            ("root", AdminRole::Full),
            ("eye", AdminRole::Security),
            ("alice", AdminRole::None),
        ];
        let hash = password_hash(passwords);
        for (id, admin) in people {
            self.system(Change::CreateUser(NewUser {
                id: name(id),
                profile: Profile::default(),
                password: Some(hash.clone()),
                groups: Default::default(),
                active: true,
                admin,
                bandwidth: Bandwidth::default(),
            }));
            self.open_session(id, &hash);
        }
    }

    /// Opens a session whose token is the name of its user.
    fn open_session(&self, id: &str, hash: &PasswordHash) {
        self.system(Change::SignIn {
            user: name(id),
            password: hash.clone(),
            stronger: None,
            session: format!("session-of-{id}"),
            token: plenary_rest_api::token_hash(id),
            device: Device::default(),
        });
    }

    /// Does what the server itself does.
    pub(crate) fn system<C>(&self, change: C) -> Outcome
    where
        for<'a> &'a C: Into<Part<'a>>,
    {
        let by = Actor {
            kind: ActorKind::System,
            session: String::new(),
            address: String::new(),
            user_agent: String::new(),
        };
        let command = Command {
            by,
            idempotency: None,
            change,
        };
        self.store.apply(&command).expect("not refused").outcome
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        Call {
            server: self,
            method: method.parse().expect("a method"),
            path: format!("/api/v1{path}"),
            headers: HeaderMap::new(),
            from: INSIDE.parse().expect("an address"),
            outside: false,
            body: Vec::new(),
        }
    }

    /// Reads as the full administrator.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).by("root").send().await
    }

    /// Writes as the full administrator.
    pub(crate) async fn write(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call(method, path).by("root").json(body).send().await
    }

    pub(crate) fn digest(&self) -> String {
        self.store.query(queries::digest).expect("reads")
    }

    /// The clock of the server goes on.
    pub(crate) fn sleep(&self, time: Duration) {
        let ms = time.as_millis() as u64;
        self.store.later_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The guest of a token, as signalling asks for it.
    pub(crate) fn guest(&self, token: &str) -> Option<plenary_conference::Guest> {
        let (hash, now) = (plenary_rest_api::token_hash(token), self.store.now());
        let found = self.store.query(|db| queries::guest(db, &hash, now));
        found.expect("reads")
    }

    /// What is noted of partners.
    pub(crate) fn book(&self) -> std::sync::MutexGuard<'_, plenary_federation::Book> {
        self.store.seen.lock().expect("not poisoned")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.store.now()
    }

    pub(crate) fn be_stuck(&self, stuck: bool) {
        self.store.stuck.store(stuck, Ordering::Relaxed);
    }
}

/// What a spelled-out path holds that must not count as one.
pub(crate) fn content_type(answer: &Answer) -> &str {
    answer.header(header::CONTENT_TYPE.as_str())
}

#[async_trait]
impl Border for Store {
    fn refused_from_outside(&self) -> Vec<(String, u64)> {
        vec![("not_reachable".into(), 3)]
    }

    async fn controllers(&self) -> Result<Vec<ControllerSeen>, ReadError> {
        let all = self.query(queries::border_controllers)?;
        let there = all.into_iter().filter(|one| one.is_there());
        let seen = there.map(|controller| ControllerSeen {
            tunnel: crate::border::tunnel_of(&controller.name),
            controller,
        });
        Ok(seen.collect())
    }
    async fn invite_controller(
        &self,
        by: Actor,
        name: NodeName,
        address: String,
        ttl_s: u64,
    ) -> Result<(String, Timestamp), WriteError> {
        let change = Change::InviteController {
            name,
            address,
            secret: [0; 32],
            ttl_s,
        };
        self.apply(&Command {
            by,
            idempotency: None,
            change,
        })?;
        Ok(("token".into(), self.now().plus_ms(ttl_s * 1_000)))
    }
    async fn remove_controller(&self, by: Actor, name: NodeName) -> Result<(), WriteError> {
        let all = self.query(queries::border_controllers);
        let all = all.map_err(|error| WriteError::Internal(Box::new(error)))?;
        let found = all.into_iter().find(|one| one.is_there() && one.name == name);
        let found = found.ok_or_else(|| Refusal::NotFound {
            what: "border controller".into(),
            id: name.to_string(),
        })?;
        let change = Change::RemoveController { id: found.id };
        let command = Command {
            by,
            idempotency: None,
            change,
        };
        self.apply(&command).map(drop)
    }
}
