use super::{AddressBook, Bandwidth, Time, check_text, mirror, parse};
use crate::problem::Problem;
use plenary_access as access;
use plenary_conference::{Participant, Person};
use plenary_model::{Cid, GroupId, Right as ModelRight, UserName, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

mirror! {
    /// What members of a group may do.
    Right = ModelRight {
        EditAddressBook, MakeCalls, CreateConferences, ShareScreen, AskRemoteControl, AllowRemoteControl, Slides,
        SendFiles, ReceiveFiles, Record, Surveys, Operator,
    }
}

/// A set of rights.
pub type Rights = Vec<Right>;

pub(crate) fn rights_of(rights: &plenary_model::Rights) -> Rights {
    rights.0.iter().copied().map(Right::from).collect()
}

fn read_rights(rights: Rights) -> plenary_model::Rights {
    plenary_model::Rights(rights.into_iter().map(Into::into).collect())
}

/// A group of users.
#[derive(Debug, Serialize, ToSchema)]
pub struct Group {
    pub id: String,
    pub name: String,
    /// Built-in groups keep their names and cannot be deleted.
    pub builtin: bool,
    /// How many accounts are in the group.
    pub members: u64,
    pub rights: Rights,
    /// The rights that this group can be given.
    pub allowed_rights: Rights,
    pub address_book: AddressBook,
    pub bandwidth: Bandwidth,
    /// What is called to ring at all members who are there; empty: it cannot be called.
    pub call_id: String,
    pub created_at: Time,
    /// Changes with each change; also the `ETag`.
    #[schema(pattern = "^[0-9]+$")]
    pub revision: String,
}

impl From<access::GroupRow> for Group {
    fn from(row: access::GroupRow) -> Self {
        let access::GroupRow { group, members } = row;
        Self {
            builtin: group.id.is_builtin(),
            members,
            rights: rights_of(&group.rights),
            allowed_rights: rights_of(&access::allowed_rights(&group.id)),
            address_book: group.address_book.into(),
            bandwidth: group.bandwidth.into(),
            call_id: group.call_id.map(String::from).unwrap_or_default(),
            created_at: Time(group.created_at),
            revision: group.revision.to_string(),
            name: group.name,
            id: group.id.into(),
        }
    }
}

/// A new group. Without `rights` it gets the usual ones: all but `operator`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Unique, compared without case.
    #[schema(min_length = 1, max_length = 128)]
    pub name: String,
    pub rights: Option<Rights>,
    pub address_book: Option<AddressBook>,
    pub bandwidth: Option<Bandwidth>,
}

/// Changes to a group; what is missing or null stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupPatch {
    #[schema(min_length = 1, max_length = 128)]
    pub name: Option<String>,
    pub rights: Option<Rights>,
    pub address_book: Option<AddressBook>,
    pub bandwidth: Option<Bandwidth>,
    /// As a user ID; empty for none. Not that of an account, an alias or another group.
    #[schema(max_length = 64)]
    pub call_id: Option<String>,
}

fn check_name(name: &str) -> Result<(), Problem> {
    if name.trim().is_empty() {
        return Err(Problem::field("name", "is empty; give the group a name"));
    }
    check_text("name", name, limits::GROUP_NAME)
}

impl NewGroup {
    pub(crate) fn read(self, id: GroupId) -> Result<access::Change, Problem> {
        check_name(&self.name)?;
        let rights = self.rights.map_or_else(plenary_model::Rights::usual, read_rights);
        Ok(access::Change::CreateGroup {
            id,
            name: self.name,
            rights,
            address_book: self
                .address_book
                .map(AddressBook::read)
                .transpose()?
                .unwrap_or_default(),
            bandwidth: self
                .bandwidth
                .map(Bandwidth::read)
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

impl GroupPatch {
    pub(crate) fn read(
        self,
        id: GroupId,
        expect: Option<plenary_model::Revision>,
    ) -> Result<access::Change, Problem> {
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        Ok(access::Change::UpdateGroup {
            id,
            expect,
            name: self.name,
            rights: self.rights.map(read_rights),
            address_book: self.address_book.map(AddressBook::read).transpose()?,
            bandwidth: self.bandwidth.map(Bandwidth::read).transpose()?,
            call_id: self.call_id.map(|text| read_call_id(&text)).transpose()?,
        })
    }
}

fn read_call_id(text: &str) -> Result<access::CallId, Problem> {
    Ok(match text {
        "" => access::CallId::Nothing,
        text => access::CallId::To(parse("call_id", text)?),
    })
}

/// Who joins and who leaves a group: all of it, or nothing if something is wrong.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MembersChange {
    /// IDs of users.
    #[serde(default)]
    #[schema(max_items = 20000)]
    pub add: Vec<String>,
    /// IDs of users.
    #[serde(default)]
    #[schema(max_items = 20000)]
    pub remove: Vec<String>,
}

impl MembersChange {
    pub(crate) fn read(self, id: GroupId) -> Result<access::Change, Problem> {
        let add = read_users("add", &self.add)?;
        let remove = read_users("remove", &self.remove)?;
        if let Some(both) = add.intersection(&remove).next() {
            let reason = format!("{both} stands in add and in remove; leave it in one");
            return Err(Problem::field("remove", reason));
        }
        Ok(access::Change::ChangeMembers { id, add, remove })
    }
}

fn read_users(field: &str, ids: &[String]) -> Result<BTreeSet<UserName>, Problem> {
    if ids.len() > limits::IMPORT_ROWS {
        let reason = format!("has too many entries; at most {}", limits::IMPORT_ROWS);
        return Err(Problem::field(field, reason));
    }
    let ids = ids.iter().enumerate();
    ids.map(|(at, id)| parse(&format!("{field}[{at}]"), id)).collect()
}

/// Somebody without an account here who is in a conference.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupVisitor {
    /// As whom they came: `guest-…`, or a user ID of another server.
    pub id: String,
    pub name: String,
    pub cid: String,
    pub conference: String,
    pub came_at: Time,
    /// In the waiting room.
    pub waiting: bool,
}

impl GroupVisitor {
    pub(crate) fn of((one, cid, conference): (Participant, Cid, String)) -> Self {
        Self {
            id: match one.person {
                Person::Account(user) => user.to_string(),
                Person::Guest(guest) => guest.to_string(),
                Person::Federated(user) => user.to_string(),
            },
            name: one.name,
            cid: cid.to_string(),
            conference,
            came_at: Time(one.joined_at),
            waiting: one.standing.waiting.is_some(),
        }
    }
}
