use super::command::{Command, Entry};
use crate::{lessor::Lessor, licence::LicenceId};
use plenary_model::{NodeId, NodeName, ServerName, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The replicated state of a License Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    pub lessor: Lessor,
    pub office: Office,
}

/// Everything but leases: small, and seldom changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Office {
    /// Replicas by number. The log of the group follows this.
    pub members: BTreeMap<NodeId, Member>,
    /// Numbers are never given twice.
    pub last_member: NodeId,
    pub invitations: BTreeMap<String, Invitation>,
    /// Servers that may borrow.
    pub servers: BTreeSet<ServerName>,
    /// Those of them whose administrators look after the manager.
    pub overseers: BTreeSet<ServerName>,
    /// In the order in which they were installed.
    pub licences: Vec<File>,
    pub confirmations: Vec<File>,
}

/// How a replica is named and reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub name: NodeName,
    /// `host:port`.
    pub address: String,
}

/// Whom a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guest {
    /// A machine that becomes a replica.
    Member,
    /// A server that may borrow.
    Server(ServerName),
}

/// Somebody may come once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// SHA-256 of the secret in the token.
    pub secret: [u8; 32],
    pub expires: Timestamp,
    pub guest: Guest,
}

/// A file as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The licence that it is, or that it confirms.
    pub id: LicenceId,
    pub text: String,
}

impl Manager {
    /// Replicas.
    pub const MEMBERS: usize = 7;
    /// Servers that may borrow.
    pub const SERVERS: usize = 10_000;
    /// Tokens that are open.
    pub const INVITATIONS: usize = 10_000;
    /// Licence files, and confirmations.
    pub const FILES: usize = 100;

    /// What the first command of a log makes; `None` if it is another one.
    pub fn begin(entry: &Entry) -> Option<Self> {
        match entry.command {
            Command::Begin { pool, branch } => Some(Self::new(Lessor::new(pool, branch))),
            _ => None,
        }
    }

    /// A new one around this lessor.
    pub fn new(lessor: Lessor) -> Self {
        Self {
            lessor,
            office: Office::default(),
        }
    }
}

impl std::fmt::Display for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Member => f.write_str("a replica of the License Manager"),
            Self::Server(name) => write!(f, "the server {name}"),
        }
    }
}
