//! People across servers: what names of this one mean to partners, and whom of partners somebody here has in view.

use super::{
    Found,
    conferences::conference_called,
    directory::{group_behind, resolve},
    people::{server_name, user},
};
use crate::view::{body, name};
use plenary_access::{Group, UserRow};
use plenary_model::{CallKind, CallString, Cid, GroupId, ServerName, UserName};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::BTreeMap;

/// What a name of this server means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    Person(Box<UserRow>),
    /// By its call ID.
    Group(UserName),
    /// By the ID that people find it by.
    Conference(Cid),
    /// Nothing, or what leads away from this server.
    Nothing,
}

/// What a name means to people of other servers: accounts come before aliases, and one alias is followed, but not to another
/// server. Accounts that may not sign in, and calls of two, are not there.
pub fn meant(db: &Connection, text: &str) -> Found<Meant> {
    let Ok(call) = text
        .parse::<CallString>()
        .or_else(|_| format!("\\c\\{text}").parse())
    else {
        return Ok(Meant::Nothing);
    };
    let call = resolve(db, &call)?;
    let own = server_name(db)?;
    let is_here = |server: &Option<ServerName>| server.is_none() || *server == own;
    match call.kind() {
        CallKind::Account { name, server } if is_here(&server) => {
            if let Ok(id) = name.parse::<UserName>()
                && let Some(row) = user(db, &id)?
            {
                let is_there = row.user.active;
                return Ok(if is_there {
                    Meant::Person(Box::new(row))
                } else {
                    Meant::Nothing
                });
            }
            if let Some(id) = group_behind(db, &call)?.and_then(|group| group.call_id) {
                return Ok(Meant::Group(id));
            }
            match name.parse() {
                Ok(id) => conference_meant(db, &id),
                Err(_) => Ok(Meant::Nothing),
            }
        }
        CallKind::Conference { cid, server } if is_here(&server) => conference_meant(db, &cid),
        _ => Ok(Meant::Nothing),
    }
}

fn conference_meant(db: &Connection, id: &Cid) -> Found<Meant> {
    let found = conference_called(db, id)?.filter(|conference| !conference.call);
    Ok(found.map_or(Meant::Nothing, |conference| {
        Meant::Conference(conference.id().clone())
    }))
}

/// A name of another server that somebody has in the address book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InView {
    pub viewer: UserName,
    pub name: String,
    pub server: ServerName,
}

/// Names of other servers, without gateways and conferences, in the address books of `viewers`: own entries, and those of their
/// groups.
pub fn in_view(db: &Connection, viewers: &[UserName]) -> Found<Vec<InView>> {
    let own = server_name(db)?;
    let elsewhere = |call: &CallString| match call.kind() {
        CallKind::Account {
            name,
            server: Some(server),
        } if Some(&server) != own.as_ref() => Some((name, server)),
        _ => None,
    };
    let mut contacts =
        db.prepare_cached("SELECT call FROM contacts WHERE user = ? AND instr(call, '@') > 0 ORDER BY call")?;
    let mut memberships = db.prepare_cached("SELECT grp FROM members WHERE user = ? ORDER BY grp")?;
    let mut group = db.prepare_cached("SELECT body FROM groups WHERE id = ?")?;
    // Many have the same groups.
    let mut of_groups = BTreeMap::<GroupId, Vec<(String, ServerName)>>::new();
    let mut found = Vec::new();
    for viewer in viewers {
        let mut put = |(name, server)| {
            found.push(InView {
                viewer: viewer.clone(),
                name,
                server,
            });
        };
        let calls = contacts.query_map([viewer.as_str()], |row| name::<CallString>(row, 0))?;
        for call in calls {
            elsewhere(&call?).into_iter().for_each(&mut put);
        }
        let groups = memberships.query_map([viewer.as_str()], |row| name::<GroupId>(row, 0))?;
        let mut groups: Vec<GroupId> = groups.collect::<rusqlite::Result<_>>()?;
        if groups.is_empty() {
            groups.push(GroupId::ungrouped());
        }
        for id in groups {
            if !of_groups.contains_key(&id) {
                let read: Option<Group> = group.query_row([id.as_str()], |row| body(row, 0)).optional()?;
                let entries = read.into_iter().flat_map(|group| group.address_book.entries);
                let entries = entries.filter_map(|entry| elsewhere(&entry.call)).collect();
                of_groups.insert(id.clone(), entries);
            }
            of_groups
                .get(&id)
                .into_iter()
                .flatten()
                .cloned()
                .for_each(&mut put);
        }
    }
    Ok(found)
}
