use crate::{AdminRole, EventKind, Presence, User};
use plenary_model::{GroupId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// One page of a list. `next` is the cursor of the following page, opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// All rows that match, not only those of this page.
    pub total: u64,
    pub next: Option<String>,
}

/// Which rows of a list are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQuery {
    /// Parts of names, any order, case and accents folded; empty: all.
    pub search: String,
    /// Name of the field to sort by, descending if `descending`; ties by ID.
    pub sort: Option<String>,
    pub descending: bool,
    /// From an earlier page.
    pub cursor: Option<String>,
    /// 1 to 500.
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserQuery {
    pub list: ListQuery,
    pub group: Option<GroupId>,
    pub active: Option<bool>,
    pub presence: Option<Presence>,
    pub admin: Option<AdminRole>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventQuery {
    pub list: ListQuery,
    pub kind: Option<EventKind>,
    pub actor: Option<UserName>,
    pub object_kind: Option<String>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// A user as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    pub user: User,
    pub presence: Presence,
    pub has_avatar: bool,
}

/// A group as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    pub group: crate::Group,
    pub members: u64,
}

/// A node as the replicated state knows it; what it does right now comes from the nodes themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    pub id: plenary_model::NodeId,
    pub name: plenary_model::NodeName,
    /// `host:port` of cluster traffic.
    pub address: String,
    /// Where browsers reach it.
    pub url: String,
    pub version: String,
    pub draining: bool,
    pub joined_at: Timestamp,
}
