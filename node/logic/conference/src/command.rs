use crate::Access;
use plenary_model::{Cid, Revision, UserName};
use serde::{Deserialize, Serialize};

/// A command about conferences, in the form that all commands of a server have.
pub type Command = plenary_access::Command<Change>;

/// What a command changes.
///
/// Encoded as a MessagePack map with field names (`docs/decisions/0003`): fields may be added with
/// `#[serde(default)]`, never renamed. Every variant that names `expect` is refused as stale if the conference's
/// revision is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Create(NewConference),
    Update {
        cid: Cid,
        expect: Option<Revision>,
        patch: Patch,
    },
    Delete {
        cid: Cid,
        expect: Option<Revision>,
    },
}

/// A new conference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewConference {
    pub cid: Cid,
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// `None`: who asks. Another account takes the role of an administrator with full rights.
    #[serde(default)]
    pub owner: Option<UserName>,
    #[serde(default)]
    pub access: Access,
}

/// Changes to a conference: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Patch {
    pub name: Option<String>,
    pub description: Option<String>,
    /// Another account takes the role of an administrator with full rights.
    pub owner: Option<UserName>,
    pub access: Option<Access>,
}
