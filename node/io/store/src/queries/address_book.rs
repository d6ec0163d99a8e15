//! The address book that a user sees (USR-06): own entries and what the user's groups show.

use super::{
    Found,
    directory::{groups_of, settings},
    page::{page_of, sort_of},
    people::server_name,
    presence::{self, presence_of},
};
use crate::view::{body, name};
use plenary_access::{
    AddressBookRow, AddressBookScope, Contact, Group, ListQuery, Page, Presence, Profile, ProfileField,
    Viewer, fold,
};
use plenary_model::{CallKind, CallString, ServerName, UserName};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::{BTreeMap, BTreeSet};

/// An account as address books show it.
struct Person {
    display_name: String,
    email: String,
    presence: Presence,
}

/// The rows that match, by `display_name` or `call`. A row that the user keeps takes the place of the group's.
pub fn address_book(db: &Connection, user: &UserName, list: &ListQuery) -> Found<Page<AddressBookRow>> {
    let groups = groups_of(db, user)?;
    let own = server_name(db)?;
    let mut rows: BTreeMap<String, AddressBookRow> = BTreeMap::new();
    for (id, person) in shown_people(db, &groups)? {
        let row = AddressBookRow {
            call: match id.as_str().parse::<CallString>() {
                Ok(call) => call,
                Err(_) => continue,
            },
            presence: Some(person.presence),
            display_name: person.display_name,
            email: person.email,
            contact_groups: BTreeSet::new(),
            tone: None,
            removable: false,
            user: Some(id.clone()),
        };
        if id != *user {
            rows.insert(id.to_string(), row);
        }
    }
    put_picked(db, user, &groups, own.as_ref(), true, &mut rows)?;
    let words: Vec<String> = fold(&list.search).split_whitespace().map(str::to_owned).collect();
    // What is not shown is not found either.
    let shows_email = settings(db)?
        .profile_fields
        .shows(Viewer::Here, ProfileField::Email);
    let rows = rows
        .into_values()
        .map(|mut row| {
            if !shows_email {
                row.email.clear();
            }
            row
        })
        .filter(|row| matches_all(row, &words))
        .collect();
    let by_call = sort_of(list, &["display_name", "call"])? == 1;
    page_of(rows, list, "address_book", |row| {
        let name = if by_call {
            String::new()
        } else {
            fold(&row.display_name)
        };
        (name, row.call.to_string())
    })
}

/// Adds what is written down by hand, for the groups of a user or by the user.
fn put_picked(
    db: &Connection,
    user: &UserName,
    groups: &[Group],
    own: Option<&ServerName>,
    presence: bool,
    rows: &mut BTreeMap<String, AddressBookRow>,
) -> Found<()> {
    for entry in groups.iter().flat_map(|group| &group.address_book.entries) {
        let row = hand_picked(db, own, &entry.call, &entry.display_name, presence)?;
        rows.entry(place(&row)).or_insert(row);
    }
    for contact in contacts(db, user)? {
        let mut row = hand_picked(db, own, &contact.call, &contact.display_name, presence)?;
        row.contact_groups = contact.contact_groups;
        row.tone = contact.tone;
        row.removable = true;
        rows.insert(place(&row), row);
    }
    Ok(())
}

/// What is written down by hand in the address book of a user, by them or for their groups; without what those do, which
/// costs more than the rest.
pub(super) fn picked(db: &Connection, user: &UserName, groups: &[Group]) -> Found<Vec<AddressBookRow>> {
    let mut rows = BTreeMap::new();
    put_picked(db, user, groups, server_name(db)?.as_ref(), false, &mut rows)?;
    Ok(rows.into_values().collect())
}

/// What a user of this server does.
pub(super) fn presence(db: &Connection, user: &UserName) -> Found<Option<Presence>> {
    let query = format!("SELECT {} FROM users u WHERE u.id = ?", presence::column());
    let mut query = db.prepare_cached(&query)?;
    Ok(query
        .query_row([user.as_str()], |row| presence_of(row, 0))
        .optional()?)
}

/// Whether `viewer` finds `user` in the address book; cheaper than the whole book.
pub fn finds(db: &Connection, viewer: &UserName, user: &UserName) -> Found<bool> {
    let groups = groups_of(db, viewer)?;
    let mut person = BTreeMap::new();
    read_people(db, "u.id = ?1 AND u.active = 1", [user.as_str()], &mut person)?;
    if !person.is_empty() {
        let theirs = groups_of(db, user)?;
        let shown = groups.iter().any(|group| match &group.address_book.shows {
            AddressBookScope::Everyone => true,
            AddressBookScope::Groups { groups } => theirs.iter().any(|group| groups.contains(&group.id)),
            AddressBookScope::Nobody => false,
        });
        if shown {
            return Ok(true);
        }
    }
    let own = server_name(db)?;
    let is_user = |call: &CallString| match call.kind() {
        CallKind::Account { name, server } => {
            (server.is_none() || server == own) && name.parse::<UserName>().is_ok_and(|name| name == *user)
        }
        _ => false,
    };
    let picked = groups
        .iter()
        .flat_map(|group| &group.address_book.entries)
        .any(|entry| is_user(&entry.call));
    Ok(picked || contacts(db, viewer)?.iter().any(|contact| is_user(&contact.call)))
}

/// The profile of `user` as `viewer` may see it; `None` where `viewer` does not find them. One's own is whole.
pub fn person(db: &Connection, viewer: &UserName, user: &UserName) -> Found<Option<Profile>> {
    let Some(row) = super::people::user(db, user)?.filter(|row| row.user.active) else {
        return Ok(None);
    };
    if viewer == user {
        return Ok(Some(row.user.profile));
    }
    if !finds(db, viewer, user)? {
        return Ok(None);
    }
    let visible = settings(db)?.profile_fields;
    Ok(Some(visible.profile(Viewer::Here, row.user.profile)))
}

fn matches_all(row: &AddressBookRow, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let mut text = format!("{} {} {}", row.display_name, row.call, row.email);
    for group in &row.contact_groups {
        text.push(' ');
        text.push_str(group);
    }
    let text = fold(&text);
    words.iter().all(|word| text.contains(word))
}

/// Rows for the same account are the same row, however it is written.
fn place(row: &AddressBookRow) -> String {
    row.user
        .as_ref()
        .map_or_else(|| row.call.to_string(), UserName::to_string)
}

fn contacts(db: &Connection, user: &UserName) -> Found<Vec<Contact>> {
    let mut query = db.prepare_cached("SELECT body FROM contacts WHERE user = ? ORDER BY call")?;
    let rows = query.query_map([user.as_str()], |row| body(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Active accounts that the groups show.
fn shown_people(db: &Connection, groups: &[Group]) -> Found<BTreeMap<UserName, Person>> {
    let mut people = BTreeMap::new();
    if groups
        .iter()
        .any(|group| group.address_book.shows == AddressBookScope::Everyone)
    {
        read_people(db, "u.active = 1", [], &mut people)?;
        return Ok(people);
    }
    let shown: BTreeSet<&str> = groups
        .iter()
        .filter_map(|group| match &group.address_book.shows {
            AddressBookScope::Groups { groups } => Some(groups),
            _ => None,
        })
        .flatten()
        .map(|id| id.as_str())
        .collect();
    for id in shown {
        let condition = if id == "ungrouped" {
            "u.active = 1 AND ?1 = 'ungrouped' AND NOT EXISTS (SELECT 1 FROM members m WHERE m.user = u.id)"
        } else {
            "u.active = 1 AND u.id IN (SELECT m.user FROM members m WHERE m.grp = ?1)"
        };
        read_people(db, condition, [id], &mut people)?;
    }
    Ok(people)
}

fn read_people(
    db: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
    people: &mut BTreeMap<UserName, Person>,
) -> Found<()> {
    let query = format!(
        "SELECT u.id, u.body, {} FROM users u WHERE {condition}",
        presence::column()
    );
    let mut query = db.prepare_cached(&query)?;
    let mut rows = query.query(params)?;
    while let Some(row) = rows.next()? {
        let user: plenary_access::User = body(row, 1)?;
        let person = Person {
            display_name: user.profile.display_name,
            email: user.profile.email,
            presence: presence_of(row, 2)?,
        };
        people.insert(name(row, 0)?, person);
    }
    Ok(())
}

/// An entry somebody wrote, with what is known of the account behind it.
fn hand_picked(
    db: &Connection,
    own: Option<&ServerName>,
    call: &CallString,
    display_name: &str,
    presence: bool,
) -> Found<AddressBookRow> {
    let mut row = AddressBookRow {
        call: call.clone(),
        user: None,
        display_name: display_name.to_owned(),
        email: String::new(),
        presence: None,
        contact_groups: BTreeSet::new(),
        tone: None,
        removable: false,
    };
    if let CallKind::Account { name, server } = call.kind()
        && (server.is_none() || server.as_ref() == own)
        && let Ok(id) = name.parse::<UserName>()
    {
        let account: Option<plenary_access::User> = db
            .prepare_cached("SELECT body FROM users WHERE id = ?")?
            .query_row([id.as_str()], |row| body(row, 0))
            .optional()?;
        if let Some(account) = account {
            if presence {
                row.presence = self::presence(db, &id)?;
            }
            row.email = account.profile.email;
            row.user = Some(id);
            if row.display_name.is_empty() {
                row.display_name = account.profile.display_name;
            }
        }
    }
    if row.display_name.is_empty() {
        row.display_name = call.to_string();
    }
    Ok(row)
}
