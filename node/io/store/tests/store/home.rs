//! A state on disk, with commands applied as the replication does.

use plenary_access::*;
use plenary_conference as conference;
use plenary_model::{NodeId, Rights, Timestamp};
use plenary_replication::{Application as _, Stamp};
use plenary_store::{Changes, Part, Reply, ServerApp, decode_reply, encode_command, queries};
use rusqlite::Connection;
use std::{collections::BTreeSet, fmt::Debug, path::Path, str::FromStr};
use tempfile::TempDir;

pub(crate) const START: u64 = 1_700_000_000_000;
/// The newest rules.
pub(crate) const LEVEL: u32 = plenary_conference::NEWEST_LEVEL;
pub(crate) const DAY: u64 = 24 * 3_600_000;

pub(crate) fn name<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a good name")
}

pub(crate) fn names<T: FromStr<Err: Debug> + Ord>(texts: &[&str]) -> BTreeSet<T> {
    texts.iter().map(|text| name(text)).collect()
}

pub(crate) fn system() -> Actor {
    Actor {
        kind: ActorKind::System,
        session: String::new(),
        address: "192.0.2.7".into(),
        user_agent: "test".into(),
    }
}

pub(crate) fn by(user: &str) -> Actor {
    Actor {
        kind: ActorKind::User(name(user)),
        ..system()
    }
}

pub(crate) fn new_user(id: &str) -> NewUser {
    NewUser {
        id: name(id),
        profile: Profile::default(),
        password: Some(PasswordHash(format!("hash of {id}"))),
        groups: BTreeSet::new(),
        active: true,
        admin: AdminRole::None,
        bandwidth: Bandwidth::default(),
    }
}

pub(crate) fn called(id: &str, display_name: &str) -> NewUser {
    let mut user = new_user(id);
    user.profile.display_name = display_name.into();
    user
}

pub(crate) fn create_group(id: &str, title: &str) -> Change {
    Change::CreateGroup {
        id: name(id),
        name: title.into(),
        rights: Rights::usual(),
        address_book: AddressBook::default(),
        bandwidth: Bandwidth::default(),
    }
}

pub(crate) fn join(group: &str, users: &[&str]) -> Change {
    Change::ChangeMembers {
        id: name(group),
        add: names(users),
        remove: BTreeSet::new(),
    }
}

pub(crate) fn show(group: &str, shows: AddressBookScope, entries: &[(&str, &str)]) -> Change {
    let entries = entries.iter().map(|(call, display_name)| AddressBookEntry {
        call: name(call),
        display_name: (*display_name).into(),
    });
    Change::UpdateGroup {
        id: name(group),
        expect: None,
        name: None,
        rights: None,
        address_book: Some(AddressBook {
            shows,
            entries: entries.collect(),
        }),
        bandwidth: None,
        call_id: None,
    }
}

pub(crate) fn alias(id: &str, target: &str) -> Change {
    Change::PutAlias {
        id: name(id),
        target: name(target),
        note: String::new(),
        expect: None,
        create: true,
    }
}

pub(crate) fn contact(call: &str, display_name: &str, contact_groups: &[&str]) -> Change {
    Change::PutContact {
        contact: Contact {
            call: name(call),
            display_name: display_name.into(),
            contact_groups: contact_groups.iter().map(|name| (*name).to_owned()).collect(),
            tone: None,
        },
    }
}

pub(crate) fn token(session: &str) -> TokenHash {
    let mut token = [0; 32];
    for (place, byte) in token.iter_mut().zip(session.bytes()) {
        *place = byte;
    }
    TokenHash(token)
}

pub(crate) fn sign_in(user: &str, session: &str) -> Change {
    Change::SignIn {
        user: name(user),
        password: PasswordHash(format!("hash of {user}")),
        stronger: None,
        session: session.into(),
        token: token(session),
        device: Device::default(),
    }
}

pub(crate) fn found() -> Change {
    Change::FoundServer {
        server: name("paris.example.com"),
        enterprise: "Example".into(),
        node: NodeId(1),
        name: name("node-1"),
        address: "192.0.2.1:7000".into(),
    }
}

pub(crate) fn room(cid: &str, title: &str) -> conference::Change {
    conference::Change::Create(conference::NewConference {
        cid: name(cid),
        or_else: None,
        name: title.into(),
        description: String::new(),
        owner: None,
        access: conference::Access::Internal,
        settings: conference::SettingsPatch::default(),
        plan: None,
    })
}

pub(crate) fn close(cid: &str) -> conference::Change {
    conference::Change::Delete {
        cid: name(cid),
        expect: None,
    }
}

pub(crate) fn keyed<C>(by: Actor, key: &str, change: C) -> Command<C> {
    Command {
        by,
        idempotency: Some(Idempotency {
            key: key.into(),
            request: [1; 32],
        }),
        change,
    }
}

pub(crate) fn plain<C>(by: Actor, change: C) -> Command<C> {
    Command {
        by,
        idempotency: None,
        change,
    }
}

pub(crate) fn list(limit: u32) -> ListQuery {
    ListQuery {
        limit,
        ..ListQuery::default()
    }
}

pub(crate) fn search(text: &str) -> ListQuery {
    ListQuery {
        search: text.into(),
        ..list(500)
    }
}

pub(crate) struct Home {
    pub(crate) app: ServerApp,
    pub(crate) db: Connection,
    pub(crate) index: u64,
    pub(crate) now: u64,
    folder: TempDir,
}

/// What a loss of power would leave is no matter here.
fn swift(path: &Path) -> Connection {
    let db = Connection::open(path).expect("opens");
    let pragmas = "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY";
    db.execute_batch(pragmas).expect("it is set");
    db
}

impl Home {
    /// An empty state.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut home = Self {
            app: ServerApp::default(),
            db: swift(&folder.path().join("state.db")),
            index: 0,
            now: START,
            folder,
        };
        home.app.migrate(&mut home.db).expect("migrates");
        home
    }

    /// A server with the full administrator `root`.
    pub(crate) fn founded() -> Self {
        let mut home = Self::empty();
        home.ok(system(), found());
        let root = NewUser {
            admin: AdminRole::Full,
            ..new_user("root")
        };
        home.ok(system(), Change::CreateUser(root));
        home
    }

    pub(crate) fn with_users(users: impl IntoIterator<Item = NewUser>) -> Self {
        let mut home = Self::founded();
        for user in users {
            home.ok(system(), Change::CreateUser(user));
        }
        home
    }

    /// Goes on from a copy of the database, as a node that got a snapshot.
    pub(crate) fn copied(&self) -> Self {
        let mut copy = Self::empty();
        let file = copy.folder.path().join("snapshot.db");
        let path = file.to_str().expect("temporary paths are UTF-8");
        self.db.execute("VACUUM INTO ?", [path]).expect("copies");
        copy.db = swift(&file);
        copy.app.migrate(&mut copy.db).expect("migrates");
        (copy.index, copy.now) = (self.index, self.now);
        copy
    }

    /// Closes the database and opens it again.
    pub(crate) fn reopen(&mut self) {
        self.db = swift(&self.folder.path().join("state.db"));
        self.app.migrate(&mut self.db).expect("migrates");
    }

    /// Applies commands as one entry of the log.
    pub(crate) fn batch<'a, C>(&mut self, commands: &'a [Command<C>]) -> Vec<Reply>
    where
        &'a C: Into<Part<'a>>,
    {
        self.index += 1;
        let transaction = self.db.transaction().expect("begins");
        let mut replies = Vec::new();
        let mut notices = Vec::new();
        for (position, command) in commands.iter().enumerate() {
            let at = Stamp {
                index: self.index,
                position: position as u32,
                now_ms: self.now,
                level: LEVEL,
            };
            let bytes = encode_command(command).expect("encodes");
            let reply = self.app.apply(&transaction, at, &bytes).expect("applies");
            notices.extend(reply.notices);
            replies.push(decode_reply(&reply.bytes).expect("decodes"));
        }
        transaction.commit().expect("commits");
        self.app.committed(self.index, notices);
        replies
    }

    pub(crate) fn run<C>(&mut self, command: Command<C>) -> Reply
    where
        for<'a> &'a C: Into<Part<'a>>,
    {
        self.batch(&[command]).remove(0)
    }

    pub(crate) fn ok<C>(&mut self, by: Actor, change: C) -> Outcome
    where
        for<'a> &'a C: Into<Part<'a>>,
    {
        self.run(plain(by, change)).expect("not refused")
    }

    pub(crate) fn digest(&self) -> String {
        queries::digest(&self.db).expect("reads")
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.now)
    }

    /// Rows of a table.
    pub(crate) fn count(&self, table: &str) -> u64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = self.db.query_row(&sql, [], |row| row.get(0)).expect("counts");
        count.cast_unsigned()
    }

    pub(crate) fn told(changes: &mut tokio::sync::broadcast::Receiver<Changes>) -> Vec<Notice> {
        let changes = changes.try_recv().expect("something was told");
        changes
            .notices
            .map(|notices| notices.to_vec())
            .unwrap_or_default()
    }
}

/// Takes away what the schema has got since there are templates.
pub(crate) fn before_templates(db: &Connection) {
    before_calling(db);
    db.execute_batch("DROP TABLE templates; DROP TABLE template_people")
        .expect("writes");
}

/// Takes away what the schema has got since people are called into conferences.
pub(crate) fn before_calling(db: &Connection) {
    before_ids(db);
    db.execute_batch(
        "DROP INDEX calls_into; DROP INDEX calls_into_open; DROP INDEX calls_open_to;
         ALTER TABLE calls DROP COLUMN room; DROP INDEX groups_by_call; ALTER TABLE groups DROP COLUMN call_id",
    )
    .expect("writes");
}

/// Takes away what the schema has got since IDs are no keys.
pub(crate) fn before_ids(db: &Connection) {
    before_moderation(db);
    db.execute_batch("DROP INDEX conferences_by_id; ALTER TABLE conferences DROP COLUMN id")
        .expect("writes");
}

/// Takes away what the schema has got since people are invited to the podium.
pub(crate) fn before_moderation(db: &Connection) {
    before_guest_page(db);
    db.execute_batch(
        "DROP INDEX participants_invited; ALTER TABLE participants DROP COLUMN invited;
         ALTER TABLE participants DROP COLUMN layout",
    )
    .expect("writes");
}

/// Takes away what the schema has got since strangers agree to documents.
pub(crate) fn before_guest_page(db: &Connection) {
    before_chat(db);
    db.execute_batch("DROP TABLE documents; DROP TABLE logos; ALTER TABLE guests DROP COLUMN agreed")
        .expect("writes");
}

/// Takes away what the schema has got since lines are changed and guests come back.
pub(crate) fn before_chat(db: &Connection) {
    before_partners(db);
    db.execute_batch(
        "DROP INDEX lines_by_change; ALTER TABLE lines DROP COLUMN changed; ALTER TABLE lines DROP COLUMN details;
         ALTER TABLE runs DROP COLUMN last_change; DROP INDEX guests_by_key; DROP INDEX guests_by_key_before;
         DROP INDEX guests_kept; DROP INDEX guests_to_forget; ALTER TABLE guests DROP COLUMN key;
         ALTER TABLE guests DROP COLUMN key_before; ALTER TABLE guests DROP COLUMN kept_until;
         ALTER TABLE guests DROP COLUMN forget_at",
    )
    .expect("writes");
}

/// Takes away what the schema has got since something is written down of partners.
pub(crate) fn before_partners(db: &Connection) {
    before_outbox(db);
    db.execute_batch("DROP TABLE partners").expect("writes");
}

/// Takes away what the schema has got since partners are told of invitations.
pub(crate) fn before_outbox(db: &Connection) {
    before_past_documents(db);
    db.execute_batch("DROP TABLE outbox; DROP TABLE partner_invitations")
        .expect("writes");
}

/// Takes away what the schema has got since earlier versions of documents are kept.
pub(crate) fn before_past_documents(db: &Connection) {
    before_layout_people(db);
    db.execute_batch("DROP TABLE past_documents").expect("writes");
}

/// Takes away what the schema has got since a server gets its certificate by ACME.
pub(crate) fn before_acme(db: &Connection) {
    db.execute_batch("DROP TABLE acme").expect("writes");
}

/// Takes away what the schema has got since a server has Border Controllers.
pub(crate) fn before_border(db: &Connection) {
    before_acme(db);
    db.execute_batch("DROP TABLE border_controllers").expect("writes");
}

/// Takes away what the schema has got since who was removed stays out.
pub(crate) fn before_removals(db: &Connection) {
    before_border(db);
    db.execute_batch(
        "DROP TRIGGER guest_hours_before; DROP TRIGGER guest_hours_put; DROP TRIGGER guest_hours_gone;
         DROP TABLE guest_hours; DROP TABLE removed; DROP INDEX guests_by_source; DROP INDEX guests_by_age",
    )
    .expect("writes");
}

/// Takes away what the schema has got since people are looked for by aliases.
pub(crate) fn before_aliases_by_target(db: &Connection) {
    before_removals(db);
    db.execute_batch("DROP INDEX aliases_by_target").expect("writes");
}

/// Takes away what the schema has got since lists leave out conferences that do not concern who looks.
pub(crate) fn before_uninvited(db: &Connection) {
    before_aliases_by_target(db);
    db.execute_batch("ALTER TABLE conferences DROP COLUMN uninvited")
        .expect("writes");
}

/// Takes away what the schema has got since lines outlast their runs.
pub(crate) fn before_lines(db: &Connection) {
    before_uninvited(db);
    db.execute_batch(
        "DROP INDEX lines_by_key; DROP INDEX lines_by_person; DROP INDEX lines_by_time;
         ALTER TABLE lines DROP COLUMN run; ALTER TABLE lines DROP COLUMN key; ALTER TABLE lines DROP COLUMN person",
    )
    .expect("writes");
}

/// Takes away what the schema has got since people are found in a Directory.
pub(crate) fn before_directory(db: &Connection) {
    before_zones(db);
    let triggers = [
        "user_put",
        "user_gone",
        "member_new",
        "member_gone",
        "group_put",
        "group_gone",
        "alias_before",
        "alias_put",
        "alias_gone",
        "conference_before",
        "conference_put",
        "conference_gone",
    ];
    for trigger in triggers {
        db.execute_batch(&format!("DROP TRIGGER directory_{trigger}"))
            .expect("writes");
    }
    db.execute_batch("DROP VIEW directory_notes; DROP TABLE directory; DROP TABLE directory_changes")
        .expect("writes");
}

/// As if nobody had said where those who are there come from: who came in before that was kept.
pub(crate) fn forget_addresses(db: &Connection) {
    db.execute_batch("UPDATE participants SET address = NULL")
        .expect("writes");
}

/// Takes away what the schema has got since there are zones.
pub(crate) fn before_zones(db: &Connection) {
    before_lines(db);
    db.execute_batch("ALTER TABLE participants DROP COLUMN address")
        .expect("writes");
}

/// Takes away what the schema has got since people are in kept layouts.
pub(crate) fn before_layout_people(db: &Connection) {
    before_watchers(db);
    db.execute_batch("DROP TABLE layout_people").expect("writes");
}

/// Takes away what the schema has got since programs that watch are listed.
pub(crate) fn before_watchers(db: &Connection) {
    before_directory(db);
    db.execute_batch("DROP TABLE watchers").expect("writes");
}

/// Takes away what the schema has got since there is a history.
pub(crate) fn before_history(db: &Connection) {
    before_templates(db);
    db.execute_batch(
        "DROP TABLE past_runs; DROP TABLE visits; DROP INDEX calls_over;
         ALTER TABLE conferences DROP COLUMN mode; ALTER TABLE conferences DROP COLUMN public",
    )
    .expect("writes");
}

/// Takes away what the schema has got since people register.
pub(crate) fn before_registration(db: &Connection) {
    before_history(db);
    db.execute_batch("DROP TABLE registrants").expect("writes");
}

/// Takes away what the schema has got since there are calls.
pub(crate) fn before_calls(db: &Connection) {
    before_registration(db);
    db.execute_batch(
        "DROP TABLE calls; ALTER TABLE conferences DROP COLUMN call; ALTER TABLE conferences DROP COLUMN scheduled;
         ALTER TABLE runs DROP COLUMN left_at",
    )
    .expect("writes");
}

/// Takes away what the schema has got since there are gates.
pub(crate) fn before_schedules(db: &Connection) {
    before_calls(db);
    db.execute_batch(
        "DROP INDEX conferences_due; DROP INDEX runs_opened; ALTER TABLE conferences DROP COLUMN next_start;
         ALTER TABLE runs DROP COLUMN opened_at; ALTER TABLE runs DROP COLUMN opened_until;
         ALTER TABLE runs DROP COLUMN layout",
    )
    .expect("writes");
}
