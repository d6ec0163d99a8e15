use crate::Bandwidth;
use plenary_model::{AliasName, CallString, GroupId, Revision, Rights, Timestamp, UserName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A group of users (USR-04) with what its members may do (USR-05) and see (USR-06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub id: GroupId,
    /// Unique, compared without case; 1 to 128 characters.
    pub name: String,
    pub rights: Rights,
    pub address_book: AddressBook,
    /// The strictest of a user's groups applies where the user has no value (USR-07).
    pub bandwidth: Bandwidth,
    /// What rings at its members who are there (USR-08); unique among the groups, and neither an account nor an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<UserName>,
    pub created_at: Timestamp,
    pub revision: Revision,
}

/// What the call ID of a group becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallId {
    To(UserName),
    Nothing,
}

/// Whom the members of a group find in their address book (USR-06).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AddressBook {
    pub shows: AddressBookScope,
    /// Hand-picked entries beside them.
    pub entries: Vec<AddressBookEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum AddressBookScope {
    /// Everyone on the server.
    #[default]
    Everyone,
    /// Members of these groups.
    Groups {
        groups: BTreeSet<GroupId>,
    },
    Nobody,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressBookEntry {
    pub call: CallString,
    pub display_name: String,
}

/// A user's own entry in the address book (USR-06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub call: CallString,
    /// Empty: the name that the account itself shows.
    pub display_name: String,
    /// Names of the user's own contact groups that hold it.
    pub contact_groups: BTreeSet<String>,
    /// How it rings when they call; `None`: as it does for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tone: Option<Tone>,
}

/// How it rings; what each sounds like is a matter of the client (CALL-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Bell,
    Chime,
    Marimba,
    Pulse,
    Drops,
}

impl Tone {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Bell, Self::Chime, Self::Marimba, Self::Pulse, Self::Drops];
}

/// One line of the address book that a user sees: own entries, then those of the groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressBookRow {
    pub call: CallString,
    /// The account behind it, if it is one of this server.
    pub user: Option<UserName>,
    pub display_name: String,
    pub email: String,
    pub presence: Option<crate::Presence>,
    pub contact_groups: BTreeSet<String>,
    /// How it rings when they call; `None`: as it does for everybody.
    pub tone: Option<Tone>,
    /// Entries that come from a group cannot be deleted by the user.
    pub removable: bool,
}

/// A short name for a call string (USR-09).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    pub id: AliasName,
    pub target: CallString,
    pub note: String,
    pub revision: Revision,
}
