use plenary_model::{NodeId, Revision, ServerName, Timestamp, UserName};
use plenary_people::Share;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// What a server proves itself with to the Directory, beside its certificate. It has to be said again and again, so it is
/// kept as it is; it is in no answer, event or log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectorySecret(pub [u8; 32]);

impl fmt::Debug for DirectorySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectorySecret")
    }
}

/// How far the server and the Directory of its enterprise are with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryStage {
    /// The Directory is told, and asked.
    On,
    /// It is only told that nobody of this server is to be found any more.
    Leaving,
}

/// The Directory in which people of this server are found, and find others (ENT-03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryLink {
    pub stage: DirectoryStage,
    /// `host:port` of instances, at most [`DirectoryLink::ADDRESSES`].
    pub addresses: Vec<String>,
    /// Names the key at the Directory: 32 hexadecimal digits.
    pub client_id: String,
    pub secret: DirectorySecret,
    /// Names what is told: another one, and all is told anew.
    pub incarnation: [u8; 16],
    /// Changes after this one are kept, so that they can be told.
    pub tells_from: Revision,
    /// What is shown of this server.
    pub share: Share,
    /// Other servers that the Directory says to be of this enterprise.
    #[serde(default)]
    pub servers: BTreeSet<ServerName>,
    pub since: Timestamp,
    pub by: Option<UserName>,
    pub revision: Revision,
}

impl DirectoryLink {
    pub const ADDRESSES: usize = 16;
    /// Most groups that a share names.
    pub const GROUPS: usize = 10_000;
    /// Most servers of an enterprise that are noted.
    pub const SERVERS: usize = 10_000;

    pub fn is_on(&self) -> bool {
        self.stage == DirectoryStage::On
    }

    /// Names the store whose leaders have terms: the same while the server is in the Directory and while it leaves, another
    /// one after it was restored.
    pub fn store(&self) -> [u8; 16] {
        match self.stage {
            DirectoryStage::On => self.incarnation,
            // Leaving took it in; to do that twice takes it out.
            DirectoryStage::Leaving => mixed(self.incarnation, self.revision.0, NodeId(0)),
        }
    }
}

/// Another incarnation, which follows from the log alone.
pub(crate) fn mixed(incarnation: [u8; 16], salt: u64, node: NodeId) -> [u8; 16] {
    let mut mixed = incarnation;
    let salt = salt.to_le_bytes().into_iter().chain(node.0.to_le_bytes());
    for (byte, salt) in mixed.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    mixed
}

/// What makes a key: all of it random but the addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDirectoryLink {
    pub addresses: Vec<String>,
    pub client_id: String,
    pub secret: DirectorySecret,
    pub incarnation: [u8; 16],
}

/// Changes to a [`DirectoryLink`]: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DirectoryPatch {
    pub addresses: Option<Vec<String>>,
    pub share: Option<Share>,
}
