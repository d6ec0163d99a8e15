//! What the rules see of the stored state.

mod conferences;
mod meetings;

pub(crate) use conferences::UNUSED;

use crate::{
    codec::decode,
    guest_page::{DOCUMENT, document_of},
};
use plenary_access::{
    Acme, Alias, BorderController, Contact, DirectoryLink, Document, Failures, Group, Idempotency,
    Invitation, Member, Outcome, Partner, PasswordHash, Refusal, Scheme, Session, Settings, User, View,
};
use plenary_conference::{ALONE_MS, RUN_MS};
use plenary_model::{
    AliasName, CallString, GroupId, NodeId, NodeName, Revision, ServerName, Timestamp, UserName,
};
use plenary_replication::AppError;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, types::Type};
use serde::de::DeserializeOwned;
use std::cell::RefCell;

/// Columns of a session, in the order of [`session_of`].
pub(crate) const SESSION: &str = "id, user, device, created_at, expires_at, online_on";

/// A view of a database. It answers "nothing there" after a failure; [`StoreView::finish`] tells.
pub(crate) struct StoreView<'a> {
    db: &'a Connection,
    failure: RefCell<Option<AppError>>,
}

impl<'a> StoreView<'a> {
    pub(crate) fn new(db: &'a Connection) -> Self {
        Self {
            db,
            failure: RefCell::new(None),
        }
    }

    /// The failure of any question asked so far.
    pub(crate) fn finish(self) -> Result<(), AppError> {
        self.failure.into_inner().map_or(Ok(()), Err)
    }

    fn or_default<T: Default>(&self, result: rusqlite::Result<T>) -> T {
        result.unwrap_or_else(|error| {
            self.failure.borrow_mut().get_or_insert(error.into());
            T::default()
        })
    }

    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let found = self
            .db
            .prepare_cached(sql)
            .and_then(|mut query| query.query_row(params, read).optional());
        self.or_default(found)
    }

    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let rows = self
            .db
            .prepare_cached(sql)
            .and_then(|mut query| query.query_map(params, read)?.collect());
        self.or_default(rows)
    }
}

/// Reads a column that holds MessagePack.
pub(crate) fn body<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let bytes = row.get_ref(column)?.as_blob()?;
    decode(bytes)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error)))
}

/// Reads a column that holds a name of the model.
pub(crate) fn name<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// Reads a column that holds a number of 64 bits without a sign.
pub(crate) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

pub(crate) fn session_of(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        user: name(row, 1)?,
        device: body(row, 2)?,
        created_at: Timestamp(number(row, 3)?),
        expires_at: Timestamp(number(row, 4)?),
        online_on: row
            .get::<_, Option<i64>>(5)?
            .map(|node| NodeId(node.cast_unsigned())),
    })
}

pub(crate) fn alias_of(row: &Row<'_>) -> rusqlite::Result<Alias> {
    Ok(Alias {
        id: name(row, 0)?,
        target: name(row, 1)?,
        note: row.get(2)?,
        revision: Revision(number(row, 3)?),
    })
}

/// A time to compare with; later than what SQLite's numbers reach is for ever.
pub(crate) fn bound(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// The latest time from which `ms` have passed by `now`; none if `now` is earlier than that.
fn ended_before(now: Timestamp, ms: u64) -> i64 {
    now.0.checked_sub(ms).map_or(-1, |at| bound(Timestamp(at)))
}

/// Runs that end by themselves, as [`Run::ends_at`] has it, with [`ends_by`] as its numbered parameters.
/// Each part has an index of its own.
pub(crate) const ENDS: &str = "((participants > 0 AND started_at <= ?1)
     OR (participants > 0 AND alone_since <= ?2)
     OR (opened_at IS NOT NULL AND opened_until <= ?3)
     OR (opened_at IS NOT NULL AND opened_until IS NULL AND alone_since <= ?2)
     OR (opened_at IS NOT NULL AND opened_until IS NULL AND started_at <= ?1))";

/// When runs must have begun, must have been left alone, and must have been planned to end, to end by `now`.
pub(crate) fn ends_by(now: Timestamp) -> [i64; 3] {
    [ended_before(now, RUN_MS), ended_before(now, ALONE_MS), bound(now)]
}

/// A number as SQLite keeps it.
pub(crate) fn sql(number: u64) -> i64 {
    number.cast_signed()
}

impl View for StoreView<'_> {
    fn founded(&self) -> Option<(ServerName, String)> {
        let server = self.one("SELECT value FROM facts WHERE key = 'server'", [], |row| {
            name(row, 0)
        })?;
        let enterprise = self.one("SELECT value FROM facts WHERE key = 'enterprise'", [], |row| {
            row.get(0)
        });
        Some((server, enterprise.unwrap_or_default()))
    }

    fn user(&self, id: &UserName) -> Option<User> {
        self.one("SELECT body FROM users WHERE id = ?", [id.as_str()], |row| {
            body(row, 0)
        })
    }

    fn user_with_email(&self, folded: &str) -> Option<UserName> {
        self.one("SELECT id FROM users WHERE email = ?", [folded], |row| {
            name(row, 0)
        })
    }

    fn password(&self, id: &UserName) -> Option<PasswordHash> {
        self.one(
            "SELECT hash FROM passwords WHERE user = ?",
            [id.as_str()],
            |row| row.get(0).map(PasswordHash),
        )
    }

    fn failures(&self, id: &UserName) -> Option<Failures> {
        self.one(
            "SELECT count, last_at FROM failures WHERE user = ?",
            [id.as_str()],
            |row| {
                Ok(Failures {
                    count: row.get(0)?,
                    last_at: Timestamp(number(row, 1)?),
                })
            },
        )
    }

    fn full_administrators(&self) -> u64 {
        self.one(
            "SELECT count(*) FROM users WHERE admin = 2 AND active = 1",
            [],
            |row| number(row, 0),
        )
        .unwrap_or(0)
    }

    fn group(&self, id: &GroupId) -> Option<Group> {
        self.one("SELECT body FROM groups WHERE id = ?", [id.as_str()], |row| {
            body(row, 0)
        })
    }

    fn group_named(&self, folded: &str) -> Option<GroupId> {
        self.one("SELECT id FROM groups WHERE name = ?", [folded], |row| {
            name(row, 0)
        })
    }

    fn group_called(&self, called: &UserName) -> Option<GroupId> {
        self.one(
            "SELECT id FROM groups WHERE call_id = ?",
            [called.as_str()],
            |row| name(row, 0),
        )
    }

    fn members(&self, id: &GroupId) -> Vec<UserName> {
        self.all("SELECT user FROM members WHERE grp = ?", [id.as_str()], |row| {
            name(row, 0)
        })
    }

    fn groups_showing(&self, id: &GroupId) -> Vec<Group> {
        let mut groups: Vec<Group> = self.all("SELECT body FROM groups ORDER BY id", [], |row| body(row, 0));
        groups.retain(|group| match &group.address_book.shows {
            plenary_access::AddressBookScope::Groups { groups } => groups.contains(id),
            _ => false,
        });
        groups
    }

    fn alias(&self, id: &AliasName) -> Option<Alias> {
        self.one(
            "SELECT id, target, note, revision FROM aliases WHERE id = ?",
            [id.as_str()],
            alias_of,
        )
    }

    fn contact(&self, user: &UserName, call: &CallString) -> Option<Contact> {
        let sql = "SELECT body FROM contacts WHERE user = ? AND call = ?";
        self.one(sql, [user.as_str(), call.as_str()], |row| body(row, 0))
    }

    fn contacts(&self, user: &UserName) -> u64 {
        let sql = "SELECT count(*) FROM contacts WHERE user = ?";
        self.one(sql, [user.as_str()], |row| number(row, 0)).unwrap_or(0)
    }

    fn settings(&self) -> Settings {
        self.one("SELECT body FROM settings WHERE id = 1", [], |row| body(row, 0))
            .unwrap_or_default()
    }

    fn document(&self, place: u8) -> Option<Document> {
        let query = format!("SELECT {DOCUMENT} FROM documents WHERE place = ?");
        self.one(&query, [place], document_of)
    }

    fn has_logo(&self, scheme: Scheme) -> bool {
        let query = "SELECT 1 FROM logos WHERE scheme = ?";
        self.one(query, [scheme.as_str()], |_| Ok(())).is_some()
    }

    fn partner(&self, server: &ServerName) -> Option<Partner> {
        let query = "SELECT body FROM partners WHERE server = ?";
        self.one(query, [server.as_str()], |row| body(row, 0))
    }

    fn partners(&self) -> u64 {
        let query = "SELECT count(*) FROM partners";
        self.one(query, [], |row| number(row, 0)).unwrap_or(0)
    }

    fn directory(&self) -> Option<DirectoryLink> {
        self.one("SELECT body FROM directory WHERE id = 1", [], |row| body(row, 0))
    }

    fn session(&self, id: &str) -> Option<Session> {
        self.one(
            &format!("SELECT {SESSION} FROM sessions WHERE id = ?"),
            [id],
            session_of,
        )
    }

    fn sessions_of(&self, user: &UserName) -> Vec<Session> {
        let sql = format!("SELECT {SESSION} FROM sessions WHERE user = ? ORDER BY created_at, id");
        self.all(&sql, [user.as_str()], session_of)
    }

    fn sessions_on(&self, node: NodeId) -> Vec<Session> {
        let query = format!("SELECT {SESSION} FROM sessions WHERE online_on = ? ORDER BY id");
        self.all(&query, [sql(node.0)], session_of)
    }

    fn expired_sessions(&self, now: Timestamp) -> Vec<Session> {
        let query = format!(
            "SELECT {SESSION} FROM sessions WHERE expires_at <= ? ORDER BY expires_at, id LIMIT 1000"
        );
        self.all(&query, [sql(now.0)], session_of)
    }

    fn expired_locks(&self, now: Timestamp) -> Vec<UserName> {
        let query = "SELECT id FROM users WHERE locked_until <= ? ORDER BY locked_until, id LIMIT 1000";
        self.all(query, [sql(now.0)], |row| name(row, 0))
    }

    fn node(&self, id: NodeId) -> Option<Member> {
        self.one("SELECT body FROM nodes WHERE id = ?", [sql(id.0)], |row| {
            body(row, 0)
        })
    }

    fn node_named(&self, folded: &NodeName) -> Option<NodeId> {
        self.one("SELECT id FROM nodes WHERE name = ?", [folded.as_str()], |row| {
            number(row, 0).map(NodeId)
        })
    }

    fn nodes(&self) -> Vec<Member> {
        self.all("SELECT body FROM nodes ORDER BY id", [], |row| body(row, 0))
    }

    fn last_node(&self) -> NodeId {
        let last: Option<String> = self.one("SELECT value FROM facts WHERE key = 'last_node'", [], |row| {
            row.get(0)
        });
        NodeId(last.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    fn border_controllers(&self) -> Vec<BorderController> {
        let query = "SELECT body FROM border_controllers ORDER BY id";
        self.all(query, [], |row| body(row, 0))
    }

    fn acme(&self) -> Acme {
        self.one("SELECT body FROM acme WHERE id = 1", [], |row| body(row, 0))
            .unwrap_or_default()
    }

    fn invitation(&self, id: &str) -> Option<Invitation> {
        self.one(
            "SELECT id, secret, expires_at FROM invitations WHERE id = ?",
            [id],
            |row| {
                Ok(Invitation {
                    id: row.get(0)?,
                    secret: row.get(1)?,
                    expires_at: Timestamp(number(row, 2)?),
                })
            },
        )
    }

    fn remembered(&self, actor: &str, key: &str) -> Option<(Idempotency, Result<Outcome, Refusal>)> {
        self.one(
            "SELECT request, answer FROM remembered WHERE actor = ? AND key = ?",
            [actor, key],
            |row| {
                Ok((
                    Idempotency {
                        key: key.to_owned(),
                        request: row.get(0)?,
                    },
                    body(row, 1)?,
                ))
            },
        )
    }
}

impl plenary_licensing::View for StoreView<'_> {
    fn candidates(&self, groups: &[GroupId]) -> Vec<UserName> {
        let mut candidates = Vec::new();
        for group in groups {
            let (query, params) = match *group == GroupId::ungrouped() {
                true => (
                    "SELECT u.id FROM users u WHERE u.active = 1
                         AND NOT EXISTS (SELECT 1 FROM members m WHERE m.user = u.id) ORDER BY u.display, u.id",
                    Vec::new(),
                ),
                false => (
                    "SELECT u.id FROM members m JOIN users u ON u.id = m.user WHERE u.active = 1 AND m.grp = ?
                         ORDER BY u.display, u.id",
                    vec![group.as_str()],
                ),
            };
            let params = rusqlite::params_from_iter(params);
            candidates.extend(self.all(query, params, |row| name::<UserName>(row, 0)));
        }
        candidates
    }

    fn is_in_roster(&self, place: u64) -> bool {
        let query = "SELECT 1 FROM participants WHERE id = ? LIMIT 1";
        self.one(query, [sql(place)], |_| Ok(())).is_some()
    }

    fn in_conferences(&self) -> Vec<UserName> {
        self.accounts_in("p.cid NOT IN (SELECT cid FROM conferences WHERE call)")
    }

    fn devices(&self) -> Vec<(String, UserName, NodeId)> {
        let query = "SELECT id, user, online_on FROM sessions WHERE online_on IS NOT NULL ORDER BY id";
        self.all(query, [], |row| {
            Ok((row.get(0)?, name(row, 1)?, NodeId(number(row, 2)?)))
        })
    }
}
