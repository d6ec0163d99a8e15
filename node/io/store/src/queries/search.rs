//! Whom somebody finds of this server while they type (ENT-03), in the order of how well and how close.

use super::{
    Found, address_book,
    candidates::candidates,
    directory::{groups_of, settings},
    entries::{Maker, OPEN},
    people::server_name,
};
use crate::view::{body, sql};
use plenary_access::{AddressBookRow, AddressBookScope, Group, Presence, ProfileField, User, Viewer, fold};
use plenary_conference::Conference;
use plenary_model::{CallKind, CallString, GroupId, ServerName, UserName};
use plenary_people::{
    Closeness, Entry, EntryId, Kind, Quality, Query, Viewer as Asker, limits, meets::meets, query::place,
};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params_from_iter};
use std::collections::BTreeSet;

/// Groups and conferences that are looked at closer: more than anybody reads, and bounded.
const CANDIDATES: i64 = 500;
/// People who are looked at closer: each costs some of the time that a search has.
const PEOPLE: usize = 100;
/// Latest calls that make people close.
const CALLS: i64 = 200;

/// Somebody who was found here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHit {
    pub entry: Entry,
    /// How they are called; `None` where they cannot be.
    pub call: Option<CallString>,
    pub presence: Option<Presence>,
    /// Where it stands in the list; the smallest first.
    pub place: u8,
}

/// What was found here, and who asks, as the Directory needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHits {
    pub hits: Vec<OwnHit>,
    pub asker: Asker,
}

/// People whom a user sees in the address book, what is written there by hand, groups that can be called, and conferences.
pub fn search(db: &Connection, user: &UserName, text: &str, kinds: &[Kind], most: usize) -> Found<OwnHits> {
    let query = Query::parse(text).map_err(|error| super::QueryError::BadQuery(error.to_string()))?;
    let Some(server) = server_name(db)? else {
        return Err(super::QueryError::BadQuery("there is no server yet".into()));
    };
    let groups = groups_of(db, user)?;
    let asker = asker(db, &server, user, &groups)?;
    let wants = |kind: Kind| kinds.is_empty() || kinds.contains(&kind);
    let looking = Looking {
        db,
        maker: Maker::new(db, &server)?,
        words: query.words.iter().map(|word| word.plain.clone()).collect(),
        query,
        asker: &asker,
        user,
        me: user.to_string(),
        groups: &groups,
    };
    let mut hits = Vec::new();
    if !looking.query.is_empty() {
        if wants(Kind::User) {
            looking.people(false, &mut hits)?;
            looking.picked(&mut hits)?;
            if hits.is_empty() {
                looking.people(true, &mut hits)?;
            }
        }
        if wants(Kind::Group) {
            looking.callable_groups(&mut hits)?;
        }
        if wants(Kind::Conference) {
            looking.conferences(&mut hits)?;
        }
    }
    hits.sort_by(|a, b| {
        let key = |hit: &OwnHit| (hit.place, fold(&hit.entry.display_name), hit.entry.id.clone());
        key(a).cmp(&key(b))
    });
    hits.truncate(most);
    // What people do costs more than to find them.
    for hit in &mut hits {
        if hit.entry.id.kind == Kind::User
            && hit.entry.id.server == server
            && let Ok(user) = hit.entry.id.id.parse()
        {
            hit.presence = address_book::presence(db, &user)?;
        }
    }
    Ok(OwnHits { hits, asker })
}

/// Who asks: groups, and whom they talked to, the latest first.
fn asker(db: &Connection, server: &ServerName, user: &UserName, groups: &[Group]) -> Found<Asker> {
    let mut asker = Asker::new(server.clone(), user.as_str());
    asker.groups = groups
        .iter()
        .filter(|group| group.id != GroupId::ungrouped())
        .map(|group| group.id.to_string())
        .collect();
    let mut calls = db.prepare_cached(
        "SELECT caller, callee FROM (
             SELECT caller, callee, began_at FROM calls WHERE caller = ?1
             UNION ALL SELECT caller, callee, began_at FROM calls WHERE callee = ?1)
         ORDER BY began_at DESC LIMIT ?2",
    )?;
    let mut rows = calls.query(rusqlite::params![user.as_str(), CALLS])?;
    while let Some(row) = rows.next()? {
        let (caller, callee): (String, String) = (row.get(0)?, row.get(1)?);
        let other = if caller == user.as_str() { callee } else { caller };
        let (name, of) = match other.split_once('@') {
            Some((name, of)) => (name, of.parse().ok()),
            None => (other.as_str(), Some(server.clone())),
        };
        let Some(of) = of else { continue };
        let id = EntryId {
            server: of,
            kind: Kind::User,
            id: name.to_owned(),
        };
        if !asker.recent.contains(&id) && asker.recent.len() < limits::RECENT {
            asker.recent.push(id);
        }
    }
    Ok(asker)
}

struct Looking<'a> {
    db: &'a Connection,
    maker: Maker<'a>,
    query: Query,
    words: Vec<String>,
    asker: &'a Asker,
    user: &'a UserName,
    /// The same, as it is bound.
    me: String,
    groups: &'a [Group],
}

impl Looking<'_> {
    /// A condition that what is met fulfils: each word is somewhere.
    fn condition(&self, column: &str, values: &mut Vec<Box<dyn ToSql>>) -> String {
        let mut condition = String::from("1");
        for word in &self.words {
            condition.push_str(&format!(" AND instr({column}, ?) > 0"));
            values.push(Box::new(word.clone()));
        }
        condition
    }

    /// An order for those of whom only the first are looked at: who is named so, or begins so, comes first.
    fn order(&self, column: &str, then: &str, values: &mut Vec<Box<dyn ToSql>>) -> String {
        let mut begins = vec!["0".to_owned()];
        for word in &self.words {
            begins.push(format!("(instr(' ' || {column}, ?) > 0)"));
            values.push(Box::new(format!(" {word}")));
        }
        format!("{} DESC, {then}", begins.join(" + "))
    }

    fn hit(&self, entry: Entry, call: Option<CallString>, presence: Option<Presence>) -> Option<OwnHit> {
        let quality: Quality = meets(&self.query, &entry)?;
        let closeness = if self.asker.recent.contains(&entry.id) {
            Closeness::Recent
        } else if entry.id.server != self.asker.server {
            Closeness::Enterprise
        } else if entry.groups.iter().any(|group| self.asker.groups.contains(group)) {
            Closeness::Group
        } else {
            Closeness::Server
        };
        Some(OwnHit {
            place: place(quality, closeness),
            entry,
            call,
            presence,
        })
    }

    fn people(&self, typos: bool, hits: &mut Vec<OwnHit>) -> Found<()> {
        let mut shown: Vec<Box<dyn ToSql>> = Vec::new();
        let Some(condition) = self.shown(&mut shown) else {
            return Ok(());
        };
        let recent = self.asker.recent.iter();
        let recent = recent.filter(|id| id.server == self.asker.server && id.kind == Kind::User);
        let recent: Vec<&str> = recent.map(|id| id.id.as_str()).collect();
        let mut one = self.db.prepare_cached(&format!(
            "SELECT u.body FROM users u WHERE u.id = ? AND u.active = 1 AND u.id <> ? AND {condition}"
        ))?;
        let mut found = 0;
        for id in candidates(self.db, &self.query, typos, &recent)? {
            let mut values: Vec<&dyn ToSql> = vec![&id, &self.me];
            values.extend(shown.iter().map(|value| &**value));
            let user: Option<User> = one.query_row(values.as_slice(), |row| body(row, 0)).optional()?;
            let Some(user) = user else { continue };
            let call = user.id.as_str().parse().ok();
            hits.extend(self.hit(self.maker.user(&user)?, call, None));
            found += 1;
            if found == PEOPLE {
                break;
            }
        }
        Ok(())
    }

    /// Whom the address books of the groups show; `None`: nobody.
    fn shown(&self, values: &mut Vec<Box<dyn ToSql>>) -> Option<String> {
        let mut shown: BTreeSet<&GroupId> = BTreeSet::new();
        for group in self.groups {
            match &group.address_book.shows {
                AddressBookScope::Everyone => return Some("1".into()),
                AddressBookScope::Groups { groups } => shown.extend(groups),
                AddressBookScope::Nobody => {}
            }
        }
        let ungrouped = GroupId::ungrouped();
        let mut conditions = Vec::new();
        if shown.remove(&ungrouped) {
            conditions.push("NOT EXISTS (SELECT 1 FROM members m WHERE m.user = u.id)".to_owned());
        }
        if !shown.is_empty() {
            let marks = vec!["?"; shown.len()].join(", ");
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM members m WHERE m.user = u.id AND m.grp IN ({marks}))"
            ));
            for group in shown {
                values.push(Box::new(group.to_string()));
            }
        }
        (!conditions.is_empty()).then(|| format!("({})", conditions.join(" OR ")))
    }

    /// What is written in the address book by hand, also people of other servers.
    fn picked(&self, hits: &mut Vec<OwnHit>) -> Found<()> {
        let shows_email = settings(self.db)?
            .profile_fields
            .shows(Viewer::Here, ProfileField::Email);
        for row in address_book::picked(self.db, self.user, self.groups)? {
            let Some(entry) = self.entry_of(&row, shows_email) else {
                continue;
            };
            if hits.iter().all(|hit| hit.entry.id != entry.id) {
                hits.extend(self.hit(entry, Some(row.call.clone()), None));
            }
        }
        Ok(())
    }

    fn entry_of(&self, row: &AddressBookRow, shows_email: bool) -> Option<Entry> {
        let CallKind::Account { name, server } = row.call.kind() else {
            return None;
        };
        let id = EntryId {
            server: server.unwrap_or_else(|| self.asker.server.clone()),
            kind: Kind::User,
            id: name.to_string(),
        };
        let mut entry = Entry::new(id, row.display_name.clone());
        if shows_email {
            entry.email = row.email.clone();
        }
        Some(entry)
    }

    fn callable_groups(&self, hits: &mut Vec<OwnHit>) -> Found<()> {
        let mut values = Vec::new();
        let matches = self.condition("(g.search || ' ' || g.call_id)", &mut values);
        let order = self.order("g.search", "g.name, g.id", &mut values);
        let query = format!(
            "SELECT g.body FROM groups g WHERE g.call_id IS NOT NULL AND {matches} ORDER BY {order} LIMIT ?"
        );
        values.push(Box::new(CANDIDATES));
        let mut query = self.db.prepare_cached(&query)?;
        let mut rows = query.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let group: Group = body(row, 0)?;
            let call = group.call_id.as_ref().and_then(|call| call.as_str().parse().ok());
            hits.extend(self.hit(self.maker.group(&group), call, None));
        }
        Ok(())
    }

    /// Those that the user owns or is invited to, and those that the Directory shows to everybody.
    fn conferences(&self, hits: &mut Vec<OwnHit>) -> Found<()> {
        let shows_open: bool = super::directory_link::directory(self.db)?
            .is_some_and(|link| link.is_on() && link.share.kinds.contains(&Kind::Conference));
        let mut values: Vec<Box<dyn ToSql>> = vec![
            Box::new(self.user.to_string()),
            Box::new(self.user.to_string()),
            Box::new(sql(u64::from(shows_open))),
        ];
        let matches = self.condition("search", &mut values);
        let order = self.order("search", "name, cid", &mut values);
        let query = format!(
            "SELECT body FROM conferences WHERE call = 0 AND (scheduled = 0 OR next_start IS NOT NULL)
                 AND (owner = ? OR cid IN (SELECT p.cid FROM conference_people p WHERE p.user = ?) OR (? AND {OPEN}))
                 AND {matches} ORDER BY {order} LIMIT ?"
        );
        values.push(Box::new(CANDIDATES));
        let mut query = self.db.prepare_cached(&query)?;
        let mut rows = query.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let conference: Conference = body(row, 0)?;
            let call = format!("\\c\\{}", conference.id()).parse().ok();
            hits.extend(self.hit(self.maker.conference(&conference), call, None));
        }
        Ok(())
    }
}
