use super::{Presence, Time, mirror, parse};
use crate::{
    backend::{self, DirectoryView},
    problem::Problem,
};
use plenary_access as access;
use plenary_model::{GroupId, ServerName, Timestamp};
use plenary_people as people;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

mirror! {
    /// What can be found.
    FoundKind = people::Kind { User, Group, Room, Conference }
}

mirror! {
    /// A field that is shown to other servers or not; the display name always is.
    SharedField = people::Field {
        FirstName, LastName, Email, Phones, JobTitle, Department, Company, Groups, Aliases
    }
}

/// What is shown of a server to the others. Disabled accounts never are.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryShare {
    /// What of the server is found.
    #[schema(max_items = 4)]
    pub kinds: Vec<FoundKind>,
    /// IDs of groups: people are found who are in one of these. Null: everybody.
    #[serde(default)]
    #[schema(required, max_items = 10000)]
    pub groups: Option<Vec<String>>,
    /// IDs of groups that are never shown, nor anybody in them.
    #[schema(max_items = 10000)]
    pub hidden: Vec<String>,
    /// Fields that are shown, of those that people here see of each other.
    #[schema(max_items = 9)]
    pub fields: Vec<SharedField>,
}

impl From<people::Share> for DirectoryShare {
    fn from(share: people::Share) -> Self {
        Self {
            kinds: share.kinds.into_iter().map(Into::into).collect(),
            groups: match share.groups {
                people::SharedGroups::All => None,
                people::SharedGroups::Only(groups) => Some(groups.into_iter().collect()),
            },
            hidden: share.hidden.into_iter().collect(),
            fields: share.fields.into_iter().map(Into::into).collect(),
        }
    }
}

impl DirectoryShare {
    fn read(self) -> Result<people::Share, Problem> {
        let groups = |field: &str, groups: Vec<String>| -> Result<BTreeSet<String>, Problem> {
            let read = |id: String| parse::<GroupId>(field, &id).map(|id| id.to_string());
            groups.into_iter().map(read).collect()
        };
        Ok(people::Share {
            kinds: self.kinds.into_iter().map(Into::into).collect(),
            groups: match self.groups {
                None => people::SharedGroups::All,
                Some(only) => people::SharedGroups::Only(groups("share.groups", only)?),
            },
            hidden: groups("share.hidden", self.hidden)?,
            fields: self.fields.into_iter().map(Into::into).collect(),
        })
    }
}

/// How far a server and the Directory are with each other. `leaving`: the Directory is yet to hear that nobody of the server
/// is to be found any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryStage {
    Off,
    On,
    Leaving,
}

/// A server that is found in the Directory.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectoryServer {
    pub server: String,
    /// The Directory hears it right now.
    pub connected: bool,
    /// People, groups, rooms and conferences that it told.
    pub entries: u64,
    /// When it told something last; null: never.
    #[schema(required)]
    pub changed_at: Option<Time>,
}

/// Why the Directory is not told, or does not answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectoryTrouble {
    /// A stable word where the Directory itself refuses; null: it cannot be reached.
    #[schema(required)]
    pub code: Option<String>,
    pub detail: String,
}

/// Entries that break the limits of the Directory, and are therefore not found.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectoryLeftOut {
    /// How many came by since the leader began to tell.
    pub entries: u64,
    /// The last of them, with the reason.
    pub last: String,
}

/// The Directory in which people of this server are found, as the node that is asked knows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Directory {
    pub stage: DirectoryStage,
    /// `host:port` of its instances.
    pub addresses: Vec<String>,
    pub share: DirectoryShare,
    /// When the key was made; null while it is off.
    #[schema(required)]
    pub since: Option<Time>,
    /// Which administrator made it.
    #[schema(required)]
    pub by: Option<String>,
    /// What the Directory calls itself; null: it has not said yet.
    #[schema(required)]
    pub name: Option<String>,
    /// The Directory hears this server right now.
    pub connected: bool,
    #[schema(required)]
    pub trouble: Option<DirectoryTrouble>,
    /// All servers that are found there, this one too; empty while that is not known.
    pub servers: Vec<DirectoryServer>,
    /// Null where everything can be told.
    #[schema(required)]
    pub left_out: Option<DirectoryLeftOut>,
    pub revision: String,
}

impl Directory {
    pub(crate) fn of(view: Option<DirectoryView>) -> Self {
        let Some(DirectoryView { link, standing }) = view else {
            return Self {
                stage: DirectoryStage::Off,
                addresses: Vec::new(),
                share: people::Share::default().into(),
                since: None,
                by: None,
                name: None,
                connected: false,
                trouble: None,
                servers: Vec::new(),
                left_out: None,
                revision: "0".into(),
            };
        };
        let servers = standing.servers.into_iter().map(|server| DirectoryServer {
            server: server.server,
            connected: server.connected,
            entries: server.entries,
            changed_at: (server.changed_ms > 0).then_some(Time(Timestamp(server.changed_ms))),
        });
        Self {
            stage: match link.stage {
                access::DirectoryStage::On => DirectoryStage::On,
                access::DirectoryStage::Leaving => DirectoryStage::Leaving,
            },
            addresses: link.addresses,
            share: link.share.into(),
            since: Some(Time(link.since)),
            by: link.by.map(|user| user.to_string()),
            name: standing.name,
            connected: standing.connected,
            trouble: standing
                .trouble
                .map(|(code, detail)| DirectoryTrouble { code, detail }),
            servers: servers.collect(),
            left_out: standing.left_out.map(|left_out| DirectoryLeftOut {
                entries: left_out.entries,
                last: left_out.last,
            }),
            revision: link.revision.to_string(),
        }
    }
}

/// Where the Directory is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateDirectory {
    /// `host:port` of its instances, as `dir-1.example.com:4311`; one is enough.
    #[schema(min_items = 1, max_items = 16)]
    pub addresses: Vec<String>,
}

/// What an administrator of the Directory needs to let this server in. It is a secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectoryKey {
    pub key: String,
}

/// What changes about the Directory; what is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryPatch {
    #[schema(min_items = 1, max_items = 16)]
    pub addresses: Option<Vec<String>>,
    pub share: Option<DirectoryShare>,
}

impl DirectoryPatch {
    pub(crate) fn read(self) -> Result<access::DirectoryPatch, Problem> {
        Ok(access::DirectoryPatch {
            addresses: self.addresses,
            share: self.share.map(DirectoryShare::read).transpose()?,
        })
    }
}

/// How a server leaves the Directory.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeactivateDirectory {
    /// Not to wait until the Directory has heard it; its administrator removes the server there.
    #[serde(default)]
    #[schema(required = false)]
    pub at_once: bool,
}

/// Somebody or something that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchHit {
    pub kind: FoundKind,
    /// The server that it is of.
    pub server: String,
    /// What that server calls it: a user name, the ID of a group or a conference.
    pub id: String,
    /// How it is called or entered from here; null: it cannot be.
    #[schema(required)]
    pub call: Option<String>,
    pub display_name: String,
    pub email: String,
    pub phones: Vec<String>,
    pub job_title: String,
    pub department: String,
    pub company: String,
    /// Null where it is not known.
    #[schema(required)]
    pub presence: Option<Presence>,
}

/// Where was looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchedIn {
    /// On this server alone.
    Own,
    /// On all servers of the enterprise.
    All,
}

/// Whether the Directory answers: it does, it does not, it does not answer this user for now as they ask too much (then only this
/// server was searched), or there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryAnswer {
    Up,
    Away,
    Held,
    Off,
}

/// What was found, the best first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResult {
    pub hits: Vec<SearchHit>,
    pub from: SearchedIn,
    pub directory: DirectoryAnswer,
    /// Why not all servers were searched.
    #[schema(required)]
    pub reason: Option<String>,
}

impl SearchResult {
    pub(crate) fn of(found: backend::SearchResult, own: &ServerName) -> Self {
        let hit = |hit: backend::SearchHit| {
            let entry = hit.entry;
            SearchHit {
                kind: entry.id.kind.into(),
                call: hit.call.or_else(|| call_of(&entry, own)),
                server: entry.id.server.to_string(),
                id: entry.id.id,
                display_name: entry.display_name,
                email: entry.email,
                phones: entry.phones,
                job_title: entry.job_title,
                department: entry.department,
                company: entry.company,
                presence: hit.presence.map(Into::into),
            }
        };
        let (directory, reason) = match found.directory {
            backend::Asked::Off => (DirectoryAnswer::Off, None),
            backend::Asked::Answered => (DirectoryAnswer::Up, None),
            backend::Asked::Held(reason) => (DirectoryAnswer::Held, Some(reason)),
            backend::Asked::Away(reason) => (DirectoryAnswer::Away, Some(reason)),
        };
        Self {
            hits: found.hits.into_iter().map(hit).collect(),
            from: match directory {
                DirectoryAnswer::Up => SearchedIn::All,
                DirectoryAnswer::Away | DirectoryAnswer::Held | DirectoryAnswer::Off => SearchedIn::Own,
            },
            directory,
            reason,
        }
    }
}

/// How an entry of the Directory is called from here.
fn call_of(entry: &people::Entry, own: &ServerName) -> Option<String> {
    let at = if entry.id.server == *own {
        String::new()
    } else {
        format!("@{}", entry.id.server)
    };
    match entry.id.kind {
        people::Kind::User | people::Kind::Room => Some(format!("{}{at}", entry.id.id)),
        people::Kind::Group => entry.aliases.first().map(|call| format!("{call}{at}")),
        people::Kind::Conference => Some(format!("\\c\\{}{at}", entry.id.id)),
    }
}
