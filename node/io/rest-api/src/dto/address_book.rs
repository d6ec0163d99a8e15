use super::{Presence, check_text, parse, read_groups};
use crate::problem::Problem;
use plenary_access as access;
use plenary_model::{CallKind, CallString, ServerName, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Most contact groups of one contact.
const CONTACT_GROUPS: usize = 64;

/// Whom the members of a group find in their address book.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressBook {
    pub scope: Scope,
    /// IDs of the groups that are shown; only with the scope `groups`.
    #[serde(default)]
    #[schema(required = false, max_items = 256)]
    pub groups: Vec<String>,
    /// Hand-picked entries beside them.
    #[serde(default)]
    #[schema(required = false, max_items = 1000)]
    pub entries: Vec<AddressBookEntry>,
}

/// Who of the server is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Everyone,
    Groups,
    Nobody,
}

/// A hand-picked entry.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressBookEntry {
    /// User ID, alias, `\c\conference`, `#sip:…` and the like.
    #[schema(min_length = 1, max_length = 512)]
    pub call: String,
    #[serde(default)]
    #[schema(required = false, max_length = 256)]
    pub display_name: String,
}

impl From<access::AddressBook> for AddressBook {
    fn from(book: access::AddressBook) -> Self {
        let (scope, groups) = match book.shows {
            access::AddressBookScope::Everyone => (Scope::Everyone, BTreeSet::new()),
            access::AddressBookScope::Groups { groups } => (Scope::Groups, groups),
            access::AddressBookScope::Nobody => (Scope::Nobody, BTreeSet::new()),
        };
        let entries = book.entries.into_iter().map(|entry| AddressBookEntry {
            call: entry.call.into(),
            display_name: entry.display_name,
        });
        Self {
            scope,
            groups: groups.into_iter().map(String::from).collect(),
            entries: entries.collect(),
        }
    }
}

impl AddressBook {
    pub(crate) fn read(self) -> Result<access::AddressBook, Problem> {
        let groups = read_groups("address_book.groups", &self.groups)?;
        let shows = match self.scope {
            Scope::Groups => access::AddressBookScope::Groups { groups },
            _ if !groups.is_empty() => {
                let reason = "must be empty unless scope is \"groups\"";
                return Err(Problem::field("address_book.groups", reason));
            }
            Scope::Everyone => access::AddressBookScope::Everyone,
            Scope::Nobody => access::AddressBookScope::Nobody,
        };
        if self.entries.len() > limits::ADDRESS_BOOK_ENTRIES {
            let reason = format!("has too many entries; at most {}", limits::ADDRESS_BOOK_ENTRIES);
            return Err(Problem::field("address_book.entries", reason));
        }
        let read = |(at, entry): (usize, AddressBookEntry)| {
            let path = format!("address_book.entries[{at}]");
            check_text(
                &format!("{path}.display_name"),
                &entry.display_name,
                limits::PROFILE_FIELD,
            )?;
            Ok(access::AddressBookEntry {
                call: parse(&format!("{path}.call"), &entry.call)?,
                display_name: entry.display_name,
            })
        };
        let entries = self
            .entries
            .into_iter()
            .enumerate()
            .map(read)
            .collect::<Result<_, Problem>>()?;
        Ok(access::AddressBook { shows, entries })
    }
}

/// One line of the address book that a user sees.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactRow {
    pub call: String,
    /// The account behind it, if it is one of this server.
    #[schema(required)]
    pub user_id: Option<String>,
    /// The name with `@` and the server, if it is one of another server: of a person, or an alias.
    #[schema(required)]
    pub partner_id: Option<String>,
    /// Of somebody of another server what that one calls them, as far as it is known.
    pub display_name: String,
    pub email: String,
    /// Null where it is not known, as for conferences.
    #[schema(required)]
    pub presence: Option<Presence>,
    /// Names of the user's own contact groups that hold it.
    pub contact_groups: Vec<String>,
    /// How it rings when they call; null: as it does for everybody.
    #[schema(required)]
    pub tone: Option<ContactTone>,
    /// Entries that come from a group cannot be deleted by the user.
    pub removable: bool,
}

impl ContactRow {
    pub(crate) fn of(row: access::AddressBookRow, server: &ServerName) -> Self {
        let user_id = row.user.map(|name| {
            let id = plenary_model::UserId {
                name,
                server: server.clone(),
            };
            id.to_string()
        });
        Self {
            partner_id: elsewhere(&row.call, server),
            call: row.call.into(),
            user_id,
            display_name: row.display_name,
            email: row.email,
            presence: row.presence.map(Into::into),
            contact_groups: row.contact_groups.into_iter().collect(),
            tone: row.tone.map(Into::into),
            removable: row.removable,
        }
    }
}

/// The name of another server that a call string means, in one form.
fn elsewhere(call: &CallString, own: &ServerName) -> Option<String> {
    match call.kind() {
        CallKind::Account {
            name,
            server: Some(server),
        } if server != *own => Some(format!("{name}@{server}")),
        _ => None,
    }
}

/// An entry of one's own address book.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutContact {
    /// User ID, alias, `\c\conference`, `#sip:…` and the like.
    #[schema(min_length = 1, max_length = 512)]
    pub call: String,
    /// Empty: the name that the account itself shows.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub display_name: String,
    /// Names of own contact groups.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub contact_groups: Vec<String>,
    /// How it rings when they call; null: as it does for everybody.
    #[serde(default)]
    pub tone: Option<ContactTone>,
}

/// How it rings when a contact calls. What each sounds like is a matter of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactTone {
    Bell,
    Chime,
    Marimba,
    Pulse,
    Drops,
}

impl From<access::Tone> for ContactTone {
    fn from(tone: access::Tone) -> Self {
        match tone {
            access::Tone::Bell => Self::Bell,
            access::Tone::Chime => Self::Chime,
            access::Tone::Marimba => Self::Marimba,
            access::Tone::Pulse => Self::Pulse,
            access::Tone::Drops => Self::Drops,
        }
    }
}

impl From<ContactTone> for access::Tone {
    fn from(tone: ContactTone) -> Self {
        match tone {
            ContactTone::Bell => Self::Bell,
            ContactTone::Chime => Self::Chime,
            ContactTone::Marimba => Self::Marimba,
            ContactTone::Pulse => Self::Pulse,
            ContactTone::Drops => Self::Drops,
        }
    }
}

impl PutContact {
    pub(crate) fn read(self) -> Result<access::Contact, Problem> {
        check_text("display_name", &self.display_name, limits::PROFILE_FIELD)?;
        if self.contact_groups.len() > CONTACT_GROUPS {
            let reason = format!("has too many entries; at most {CONTACT_GROUPS}");
            return Err(Problem::field("contact_groups", reason));
        }
        for (at, name) in self.contact_groups.iter().enumerate() {
            let path = format!("contact_groups[{at}]");
            check_text(&path, name, limits::GROUP_NAME)?;
            if name.trim().is_empty() {
                return Err(Problem::field(path, "is empty; give the contact group a name"));
            }
        }
        Ok(access::Contact {
            call: parse("call", &self.call)?,
            display_name: self.display_name,
            contact_groups: self.contact_groups.into_iter().collect(),
            tone: self.tone.map(Into::into),
        })
    }
}

/// A short name for a call string.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alias {
    pub id: String,
    pub target: String,
    pub note: String,
    /// Changes with each change; also the `ETag`.
    #[schema(pattern = "^[0-9]+$")]
    pub revision: String,
}

impl From<access::Alias> for Alias {
    fn from(alias: access::Alias) -> Self {
        Self {
            id: alias.id.into(),
            target: alias.target.into(),
            note: alias.note,
            revision: alias.revision.to_string(),
        }
    }
}

/// A new alias.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlias {
    /// Letters, digits, `-`, `_`; kept in lower case.
    #[schema(min_length = 1, max_length = 32)]
    pub id: String,
    /// What is called: user ID, `\c\conference`, `#sip:…` and the like.
    #[schema(min_length = 1, max_length = 512)]
    pub target: String,
    #[serde(default)]
    #[schema(max_length = 256)]
    pub note: String,
}

/// Changes to an alias; what is missing or null stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasPatch {
    #[schema(min_length = 1, max_length = 512)]
    pub target: Option<String>,
    #[schema(max_length = 256)]
    pub note: Option<String>,
}

impl AliasPatch {
    pub(crate) fn read(self) -> Result<(Option<CallString>, Option<String>), Problem> {
        if let Some(note) = &self.note {
            check_text("note", note, limits::PROFILE_FIELD)?;
        }
        let target = self.target.map(|text| parse("target", &text)).transpose()?;
        Ok((target, self.note))
    }
}

/// Where a call string leads.
#[derive(Debug, Serialize, ToSchema)]
pub struct Resolved {
    /// The call string behind the alias, or the one that was asked for.
    pub call: String,
    /// The account behind it, if it is one of this server.
    #[schema(required)]
    pub user_id: Option<String>,
    /// The ID of the conference that it is, if it is one, with `@` and the server where that is another one: enter it. What is
    /// an account or a group too is not.
    #[schema(required)]
    pub conference: Option<String>,
    /// The name of the other server that it is of. People of partners' servers are called by it.
    #[schema(required)]
    pub elsewhere: Option<String>,
}
