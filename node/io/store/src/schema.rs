//! The tables. What is searched, sorted or joined has columns; the rest of an object is its `body`.

use crate::{found_by, view::body};
use plenary_conference::{Access, Conference, Mode};
use plenary_replication::AppError;
use rusqlite::Connection;

/// Version of the schema, in `PRAGMA user_version`.
const VERSION: i64 = STEPS.len() as i64;

/// What each version added to the one before.
const STEPS: [&str; 29] = [
    ACCOUNTS,
    CONFERENCES,
    MEETINGS,
    LICENSING,
    GATES,
    SCHEDULES,
    CALLS,
    REGISTRATION,
    HISTORY,
    TEMPLATES,
    CALLING,
    IDS,
    MODERATION,
    GUEST_PAGE,
    CHAT,
    PARTNERS,
    OUTBOX,
    PAST_DOCUMENTS,
    LAYOUT_PEOPLE,
    WATCHERS,
    DIRECTORY,
    ZONES,
    LINES,
    UNINVITED,
    ALIASES_BY_TARGET,
    REMOVALS,
    BORDER,
    PEOPLE,
    ACME,
];

const ACCOUNTS: &str = "
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id TEXT PRIMARY KEY, body BLOB NOT NULL, display TEXT NOT NULL, email TEXT, search TEXT NOT NULL,
    created_at INTEGER NOT NULL, active INTEGER NOT NULL, admin INTEGER NOT NULL, locked_until INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_by_email ON users (email) WHERE email IS NOT NULL;
CREATE INDEX users_by_display ON users (display, id);
CREATE INDEX users_by_created ON users (created_at, id);
CREATE INDEX users_administering ON users (admin) WHERE admin > 0;
CREATE INDEX users_locked ON users (locked_until) WHERE locked_until IS NOT NULL;

CREATE TABLE passwords (user TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE failures (user TEXT PRIMARY KEY, count INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE avatars (user TEXT PRIMARY KEY, media_type TEXT NOT NULL, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE groups (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, search TEXT NOT NULL, body BLOB NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE TABLE members (grp TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (grp, user)) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user, grp);

CREATE TABLE aliases (
    id TEXT PRIMARY KEY, target TEXT NOT NULL, note TEXT NOT NULL, search TEXT NOT NULL, revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE contacts (user TEXT NOT NULL, call TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (user, call))
    STRICT, WITHOUT ROWID;
CREATE TABLE settings (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL) STRICT;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY, token BLOB NOT NULL UNIQUE, user TEXT NOT NULL, device BLOB NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, online_on INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX sessions_online ON sessions (online_on, user) WHERE online_on IS NOT NULL;
CREATE INDEX users_online ON sessions (user) WHERE online_on IS NOT NULL;

CREATE TABLE nodes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE invitations (id TEXT PRIMARY KEY, secret BLOB NOT NULL, expires_at INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;

CREATE TABLE remembered (
    actor TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, request BLOB NOT NULL, answer BLOB NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_by_time ON remembered (at);

CREATE TABLE events (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT, object_kind TEXT NOT NULL,
    object TEXT NOT NULL, search TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_kind ON events (kind, id);
CREATE INDEX events_by_actor ON events (actor, id) WHERE actor IS NOT NULL;
";

const CONFERENCES: &str = "
CREATE TABLE conferences (
    cid TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, search TEXT NOT NULL, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX conferences_by_owner ON conferences (owner, cid);
CREATE INDEX conferences_by_name ON conferences (name, cid);
CREATE INDEX conferences_by_created ON conferences (created_at, cid);
";

/// `person` begins with what kind of person it is; `away_since` is null for who is there.
const MEETINGS: &str = "
CREATE TABLE runs (
    cid TEXT PRIMARY KEY, started_at INTEGER NOT NULL, participants INTEGER NOT NULL, last_line INTEGER NOT NULL,
    last_hand INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE participants (
    cid TEXT NOT NULL, id INTEGER NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, via TEXT NOT NULL,
    node INTEGER NOT NULL, epoch INTEGER NOT NULL, secret BLOB NOT NULL, muted INTEGER NOT NULL,
    camera INTEGER NOT NULL, content INTEGER NOT NULL, hand INTEGER, reaction TEXT, reacted_at INTEGER,
    joined_at INTEGER NOT NULL, moves INTEGER NOT NULL, away_since INTEGER, PRIMARY KEY (cid, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX participants_by_person ON participants (person, cid);
CREATE INDEX participants_by_node ON participants (node, epoch, cid);
CREATE INDEX participants_away ON participants (away_since) WHERE away_since IS NOT NULL;
CREATE TABLE lines (
    cid TEXT NOT NULL, id INTEGER NOT NULL, participant INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (cid, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE guests (
    id TEXT PRIMARY KEY, cid TEXT NOT NULL, name TEXT NOT NULL, token BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guests_by_conference ON guests (cid, expires_at);
CREATE INDEX guests_by_end ON guests (expires_at);
";

/// `version` is new with each change, so that a copy in memory is known to be that of the rows.
const LICENSING: &str = "
CREATE TABLE licensing (
    id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, due INTEGER, figures BLOB NOT NULL
) STRICT;
CREATE TABLE licences (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pro_seats (
    user TEXT PRIMARY KEY, kind TEXT NOT NULL, place INTEGER NOT NULL, until INTEGER NOT NULL, loss TEXT NOT NULL,
    seated INTEGER NOT NULL, places INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pro_seats_by_kind ON pro_seats (kind, user);
CREATE TABLE seat_places (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, who TEXT NOT NULL, node INTEGER NOT NULL) STRICT;
CREATE INDEX seat_places_by_who ON seat_places (kind, who);
CREATE INDEX seat_places_by_node ON seat_places (node);
CREATE TABLE online_seats (device TEXT PRIMARY KEY, user TEXT NOT NULL, node INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE without_pro (
    kind TEXT NOT NULL, user TEXT NOT NULL, at INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (kind, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX participants_by_id ON participants (id);
";

/// `standing` is null for who is as everybody is; `podium` is in it too, and here to be found.
const GATES: &str = "
ALTER TABLE runs ADD COLUMN locked_at INTEGER;
ALTER TABLE runs ADD COLUMN alone_since INTEGER;
ALTER TABLE runs ADD COLUMN ended_at INTEGER;
ALTER TABLE runs ADD COLUMN ended_why TEXT;
CREATE INDEX runs_going_on ON runs (started_at) WHERE participants > 0;
CREATE INDEX runs_alone ON runs (alone_since) WHERE alone_since IS NOT NULL;
ALTER TABLE participants ADD COLUMN podium INTEGER;
ALTER TABLE participants ADD COLUMN standing BLOB;
CREATE INDEX participants_on_podium ON participants (cid, id) WHERE podium IS NOT NULL;
ALTER TABLE guests ADD COLUMN source TEXT;
CREATE TABLE conference_people (user TEXT NOT NULL, cid TEXT NOT NULL, PRIMARY KEY (user, cid)) STRICT, WITHOUT ROWID;
CREATE INDEX conference_people_by_cid ON conference_people (cid);
CREATE TABLE pin_attempts (
    cid TEXT NOT NULL, source TEXT NOT NULL, count INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (cid, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX pin_attempts_by_time ON pin_attempts (last_at);
";

/// `next_start` is in the body too, and here to be found.
const SCHEDULES: &str = "
ALTER TABLE conferences ADD COLUMN next_start INTEGER;
CREATE INDEX conferences_due ON conferences (next_start) WHERE next_start IS NOT NULL;
ALTER TABLE runs ADD COLUMN opened_at INTEGER;
ALTER TABLE runs ADD COLUMN opened_until INTEGER;
ALTER TABLE runs ADD COLUMN layout BLOB;
CREATE INDEX runs_opened ON runs (opened_until) WHERE opened_at IS NOT NULL;
";

/// `answered`, `over`, `call` and `scheduled` are in the bodies too, and here to be found. No conference from before is
/// known to be scheduled until it is written again.
const CALLS: &str = "
CREATE TABLE calls (
    cid TEXT PRIMARY KEY, caller TEXT NOT NULL, callee TEXT NOT NULL, began_at INTEGER NOT NULL,
    answered INTEGER NOT NULL, over INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_by_caller ON calls (caller, began_at);
CREATE INDEX calls_by_callee ON calls (callee, began_at);
CREATE INDEX calls_that_ring ON calls (began_at) WHERE answered = 0 AND over = 0;
CREATE INDEX calls_open ON calls (caller, callee) WHERE over = 0;
ALTER TABLE conferences ADD COLUMN call INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conferences ADD COLUMN scheduled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN left_at INTEGER;
";

/// `name` and `search` are folded; `came` is in the body too, and here to be counted.
const REGISTRATION: &str = "
CREATE TABLE registrants (
    id TEXT PRIMARY KEY, cid TEXT NOT NULL, name TEXT NOT NULL, search TEXT NOT NULL, source TEXT,
    registered_at INTEGER NOT NULL, came INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX registrants_by_time ON registrants (cid, registered_at, id);
CREATE INDEX registrants_by_source ON registrants (cid, source) WHERE source IS NOT NULL;
";

/// `mode` and `public` are in the bodies too, and here to be found.
const HISTORY: &str = "
CREATE TABLE past_runs (
    id INTEGER PRIMARY KEY, cid TEXT NOT NULL, conference_created_at INTEGER NOT NULL, name TEXT NOT NULL,
    started_at INTEGER NOT NULL, ended_at INTEGER, ended_why TEXT, visits INTEGER NOT NULL
) STRICT;
CREATE INDEX past_runs_of_conference ON past_runs (cid, conference_created_at, started_at);
CREATE INDEX past_runs_open ON past_runs (cid) WHERE ended_at IS NULL;
CREATE INDEX past_runs_by_end ON past_runs (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE visits (
    run INTEGER NOT NULL, participant INTEGER NOT NULL, came_at INTEGER NOT NULL, person TEXT, name TEXT NOT NULL,
    via TEXT NOT NULL, left_at INTEGER, PRIMARY KEY (run, participant, came_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX visits_by_person ON visits (person, run) WHERE person IS NOT NULL;
CREATE INDEX calls_over ON calls (began_at) WHERE over = 1;
ALTER TABLE conferences ADD COLUMN mode TEXT NOT NULL DEFAULT 'all_on_screen';
ALTER TABLE conferences ADD COLUMN public INTEGER NOT NULL DEFAULT 0;
";

/// `name` and `search` are folded; `for_all` is in the body too, and here to be found.
const TEMPLATES: &str = "
CREATE TABLE templates (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, search TEXT NOT NULL, for_all INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX templates_by_owner ON templates (owner, name);
CREATE INDEX templates_for_all ON templates (name, id) WHERE for_all = 1;
CREATE TABLE template_people (user TEXT NOT NULL, template INTEGER NOT NULL, PRIMARY KEY (user, template))
    STRICT, WITHOUT ROWID;
CREATE INDEX template_people_by_template ON template_people (template);
";

/// `room` is in the bodies too, and here to be found: what somebody is called into.
const CALLING: &str = "
ALTER TABLE calls ADD COLUMN room TEXT;
CREATE INDEX calls_into ON calls (room, callee, began_at) WHERE room IS NOT NULL;
CREATE INDEX calls_into_open ON calls (room) WHERE over = 0 AND room IS NOT NULL;
CREATE INDEX calls_open_to ON calls (callee) WHERE over = 0;
ALTER TABLE groups ADD COLUMN call_id TEXT;
CREATE UNIQUE INDEX groups_by_call ON groups (call_id) WHERE call_id IS NOT NULL;
";

/// `id` is the ID by which people find a conference, and here to be found by it; no two have the same.
const IDS: &str = "
ALTER TABLE conferences ADD COLUMN id TEXT;
UPDATE conferences SET id = cid;
CREATE INDEX conferences_by_id ON conferences (id);
";

/// `invited` is in `standing` too, and here to be found: when they were invited to the podium, as long as they have not
/// answered. `layout` is one for them alone.
const MODERATION: &str = "
ALTER TABLE participants ADD COLUMN invited INTEGER;
ALTER TABLE participants ADD COLUMN layout BLOB;
CREATE INDEX participants_invited ON participants (invited) WHERE invited IS NOT NULL;
";

/// `agreed` is null for who agreed to nothing. A document has a link or a text.
const GUEST_PAGE: &str = "
CREATE TABLE documents (
    place INTEGER PRIMARY KEY, title TEXT NOT NULL, version INTEGER NOT NULL, link TEXT, text TEXT
) STRICT;
CREATE TABLE logos (
    scheme TEXT PRIMARY KEY, revision INTEGER NOT NULL, media_type TEXT NOT NULL, bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE guests ADD COLUMN agreed BLOB;
";

/// `changed` finds what is new of the lines of a chat; `details` is null for who has only said something. By `key`, and by
/// `key_before` until that was used, a guest comes back; from `forget_at` on nothing leads to the row any more.
const CHAT: &str = "
ALTER TABLE runs ADD COLUMN last_change INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET last_change = last_line;
ALTER TABLE lines ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lines ADD COLUMN details BLOB;
UPDATE lines SET changed = id;
CREATE INDEX lines_by_change ON lines (cid, changed);
ALTER TABLE guests ADD COLUMN key BLOB;
ALTER TABLE guests ADD COLUMN key_before BLOB;
ALTER TABLE guests ADD COLUMN kept_until INTEGER;
ALTER TABLE guests ADD COLUMN forget_at INTEGER NOT NULL DEFAULT 0;
UPDATE guests SET forget_at = expires_at;
CREATE INDEX guests_by_key ON guests (key) WHERE key IS NOT NULL;
CREATE INDEX guests_by_key_before ON guests (key_before) WHERE key_before IS NOT NULL;
CREATE INDEX guests_kept ON guests (kept_until, id) WHERE kept_until IS NOT NULL;
CREATE INDEX guests_to_forget ON guests (forget_at);
";

/// What is written down of other servers, by their names.
const PARTNERS: &str = "
CREATE TABLE partners (server TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
";

/// What waits to be told to servers of partners, and what those told of their conferences. `withdrawn` is in the body too,
/// and here to be counted; from `forget_at` on nothing needs to be known of it any more.
const OUTBOX: &str = "
CREATE TABLE outbox (
    cid TEXT NOT NULL, user TEXT NOT NULL, server TEXT NOT NULL, revision INTEGER NOT NULL, created_at INTEGER NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (cid, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_by_server ON outbox (server, revision, created_at);
CREATE INDEX outbox_by_time ON outbox (created_at);
CREATE TABLE partner_invitations (
    user TEXT NOT NULL, server TEXT NOT NULL, cid TEXT NOT NULL, withdrawn INTEGER NOT NULL, forget_at INTEGER,
    body BLOB NOT NULL, PRIMARY KEY (user, server, cid)
) STRICT, WITHOUT ROWID;
CREATE INDEX partner_invitations_by_server ON partner_invitations (server);
CREATE INDEX partner_invitations_to_forget ON partner_invitations (forget_at) WHERE forget_at IS NOT NULL;
";

/// What documents were before they were changed or removed.
const PAST_DOCUMENTS: &str = "
CREATE TABLE past_documents (
    place INTEGER NOT NULL, version INTEGER NOT NULL, title TEXT NOT NULL, link TEXT, text TEXT,
    until INTEGER NOT NULL, PRIMARY KEY (place, version)
) STRICT, WITHOUT ROWID;
";

/// Who has a place in a layout that a conference keeps, to be found when the account goes.
const LAYOUT_PEOPLE: &str = "
CREATE TABLE layout_people (user TEXT NOT NULL, cid TEXT NOT NULL, PRIMARY KEY (user, cid)) STRICT, WITHOUT ROWID;
CREATE INDEX layout_people_by_cid ON layout_people (cid);
";

/// The Directory of the enterprise, and which entries of it have changed since when. `position` is the revision of the last
/// change; 0 until the command that changes something is carried out. Only what it may show is noted, and only while the
/// server is in it. An insert that replaces has no delete of its own, so what was there before is noted before it. Each
/// note is a delete and an insert: the way in which the statement outside treats conflicts counts for triggers too.
const DIRECTORY: &str = "
CREATE TABLE directory (id INTEGER PRIMARY KEY CHECK (id = 1), on_now INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE directory_changes (
    kind TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX directory_changes_by_position ON directory_changes (position);
CREATE VIEW directory_notes AS SELECT kind, id FROM directory_changes;
CREATE TRIGGER directory_note INSTEAD OF INSERT ON directory_notes
WHEN EXISTS (SELECT 1 FROM directory WHERE on_now = 1)
BEGIN
    DELETE FROM directory_changes WHERE kind = new.kind AND id = new.id;
    INSERT INTO directory_changes (kind, id, position) VALUES (new.kind, new.id, 0);
END;
CREATE TRIGGER directory_user_put AFTER INSERT ON users
BEGIN INSERT INTO directory_notes (kind, id) VALUES ('user', new.id); END;
CREATE TRIGGER directory_user_gone AFTER DELETE ON users
BEGIN INSERT INTO directory_notes (kind, id) VALUES ('user', old.id); END;
CREATE TRIGGER directory_member_new AFTER INSERT ON members
BEGIN INSERT INTO directory_notes (kind, id) VALUES ('user', new.user); END;
CREATE TRIGGER directory_member_gone AFTER DELETE ON members
BEGIN INSERT INTO directory_notes (kind, id) VALUES ('user', old.user); END;
CREATE TRIGGER directory_group_put AFTER INSERT ON groups
BEGIN INSERT INTO directory_notes (kind, id) VALUES ('group', new.id); END;
CREATE TRIGGER directory_group_gone AFTER DELETE ON groups
BEGIN INSERT INTO directory_notes (kind, id) VALUES ('group', old.id); END;
CREATE TRIGGER directory_alias_before BEFORE INSERT ON aliases
BEGIN
    INSERT INTO directory_notes (kind, id)
        SELECT 'user', substr(target, 1, instr(target || '@', '@') - 1) FROM aliases WHERE id = new.id;
END;
CREATE TRIGGER directory_alias_put AFTER INSERT ON aliases
BEGIN
    INSERT INTO directory_notes (kind, id) VALUES ('user', substr(new.target, 1, instr(new.target || '@', '@') - 1));
END;
CREATE TRIGGER directory_alias_gone AFTER DELETE ON aliases
BEGIN
    INSERT INTO directory_notes (kind, id) VALUES ('user', substr(old.target, 1, instr(old.target || '@', '@') - 1));
END;
CREATE TRIGGER directory_conference_before BEFORE INSERT ON conferences
BEGIN
    INSERT INTO directory_notes (kind, id) SELECT 'conference', id FROM conferences WHERE cid = new.cid AND public = 1;
END;
CREATE TRIGGER directory_conference_put AFTER INSERT ON conferences WHEN new.public = 1 AND new.call = 0
BEGIN INSERT INTO directory_notes (kind, id) VALUES ('conference', new.id); END;
CREATE TRIGGER directory_conference_gone AFTER DELETE ON conferences WHEN old.public = 1
BEGIN INSERT INTO directory_notes (kind, id) VALUES ('conference', old.id); END;
";

/// Whom aliases mean, for whoever looks for people by them.
const ALIASES_BY_TARGET: &str = "CREATE INDEX aliases_by_target ON aliases (target);";

/// Programs that watch; `removed_at` is set of those that a moderator removed in the run that goes on.
const WATCHERS: &str = "
CREATE TABLE watchers (
    cid TEXT NOT NULL, id INTEGER NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL, node INTEGER NOT NULL,
    epoch INTEGER NOT NULL, since INTEGER NOT NULL, removed_at INTEGER, PRIMARY KEY (cid, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX watchers_by_user ON watchers (user, cid);
CREATE INDEX watchers_by_node ON watchers (node);
";

/// Where those who are in meetings come from.
const ZONES: &str = "ALTER TABLE participants ADD COLUMN address TEXT;";

/// Of lines since they outlast their runs: `run` is when theirs began. `person` is who said it; of lines from before that
/// is in `details` alone. By `key` it is known if it is said again.
const LINES: &str = "
ALTER TABLE lines ADD COLUMN run INTEGER;
ALTER TABLE lines ADD COLUMN key TEXT;
ALTER TABLE lines ADD COLUMN person TEXT;
CREATE INDEX lines_by_key ON lines (cid, person, key) WHERE key IS NOT NULL;
CREATE INDEX lines_by_person ON lines (person) WHERE person IS NOT NULL;
CREATE INDEX lines_by_time ON lines (at);
";

/// Whether others than those who are invited may come in is in the bodies too, and here to be found.
const UNINVITED: &str = "ALTER TABLE conferences ADD COLUMN uninvited INTEGER NOT NULL DEFAULT 1;";

/// Writes it of conferences from before.
fn fill_uninvited(db: &Connection) -> Result<(), AppError> {
    let mut all = db.prepare("SELECT cid, body FROM conferences")?;
    let mut rows = all.query([])?;
    let mut set = db.prepare("UPDATE conferences SET uninvited = ?2 WHERE cid = ?1")?;
    while let Some(row) = rows.next()? {
        let conference: Conference = body(row, 1)?;
        set.execute(rusqlite::params![
            row.get::<_, String>(0)?,
            conference.settings.uninvited
        ])?;
    }
    Ok(())
}

/// Whom moderators removed from runs that go on; and how many guests there are, by the hour in which their tokens end, so that
/// nobody counts them one by one. An insert that replaces has no delete of its own, so the row of before is taken out first.
const REMOVALS: &str = "
CREATE TABLE removed (
    cid TEXT NOT NULL, id INTEGER NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, via TEXT NOT NULL, source TEXT,
    at INTEGER NOT NULL, PRIMARY KEY (cid, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX guests_by_source ON guests (cid, source, expires_at) WHERE source IS NOT NULL;
CREATE INDEX guests_by_age ON guests (cid, created_at);
CREATE TABLE guest_hours (hour INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
INSERT INTO guest_hours (hour, count) SELECT expires_at / 3600000, count(*) FROM guests GROUP BY 1;
CREATE TRIGGER guest_hours_before BEFORE INSERT ON guests
BEGIN
    UPDATE guest_hours SET count = count - 1
        WHERE hour = (SELECT expires_at / 3600000 FROM guests WHERE id = new.id);
END;
CREATE TRIGGER guest_hours_put AFTER INSERT ON guests
BEGIN
    INSERT INTO guest_hours (hour, count) SELECT new.expires_at / 3600000, 0
        WHERE NOT EXISTS (SELECT 1 FROM guest_hours WHERE hour = new.expires_at / 3600000);
    UPDATE guest_hours SET count = count + 1 WHERE hour = new.expires_at / 3600000;
    DELETE FROM guest_hours WHERE count <= 0;
END;
CREATE TRIGGER guest_hours_gone AFTER DELETE ON guests
BEGIN
    UPDATE guest_hours SET count = count - 1 WHERE hour = old.expires_at / 3600000;
    DELETE FROM guest_hours WHERE count <= 0;
END;
";

/// Border Controllers, those that were removed as well.
const BORDER: &str = "CREATE TABLE border_controllers (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;";

/// The certificate by ACME; keys in it are sealed.
const ACME: &str = "CREATE TABLE acme (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL) STRICT;";

/// What people are found by; `found_by.rs` writes it. The parts are the groups of three letters of the words, under the number of
/// the row. It follows from other tables, and may be made anew at any time.
const PEOPLE: &str = "
DROP TABLE IF EXISTS people;
DROP TABLE IF EXISTS people_parts;
CREATE TABLE people (
    n INTEGER PRIMARY KEY, user TEXT NOT NULL UNIQUE, display TEXT NOT NULL, words TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE people_parts USING fts5(
    words, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1'
);
";

/// Writes what is found in columns since there are filters, of conferences from before.
fn fill_filters(db: &Connection) -> Result<(), AppError> {
    let mut all = db.prepare("SELECT cid, body FROM conferences")?;
    let mut rows = all.query([])?;
    let mut set =
        db.prepare("UPDATE conferences SET mode = ?2, public = ?3, scheduled = ?4 WHERE cid = ?1")?;
    while let Some(row) = rows.next()? {
        let conference: Conference = body(row, 1)?;
        set.execute(rusqlite::params![
            row.get::<_, String>(0)?,
            mode_name(conference.settings.mode),
            conference.access == Access::Public,
            conference.launch.schedule().is_some()
        ])?;
    }
    Ok(())
}

/// The name of a mode as it is stored.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::AllOnScreen => "all_on_screen",
        Mode::Smart => "smart",
        Mode::RoleBased => "role_based",
        Mode::Lecture => "lecture",
    }
}

/// Brings a database to this version of the schema.
pub(crate) fn migrate(database: &mut Connection) -> Result<(), AppError> {
    let found: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        return Err(AppError::Defect(format!(
            "the state has schema {found}, this version knows up to {VERSION}; install that version or newer"
        )));
    }
    for (step, version) in STEPS.iter().zip(1..).filter(|(_, version)| *version > found) {
        let transaction = database.transaction()?;
        transaction.execute_batch(step)?;
        if *step == HISTORY {
            fill_filters(&transaction)?;
        }
        if *step == UNINVITED {
            fill_uninvited(&transaction)?;
        }
        if *step == PEOPLE {
            found_by::fill(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
