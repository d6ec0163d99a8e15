//! The data folder of one replica: who it is, and where the parts lie.
//!
//! ```text
//!  replica.json  who this replica is; written last when a manager is founded or joined
//!  identity/     certificates and keys (base/identity)
//!  replica/      log and state (base/replication)
//!  admin.sock    for administrators of this machine, while the replica runs
//! ```

use crate::config::Config;
use plenary_identity::Program;
use plenary_member::{Folder, Kind};
use plenary_model::{NodeId, NodeName, ServerName};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What this program is.
pub(crate) static KIND: Kind = Kind {
    program: Program::LicenseManager,
    command: "plenary-license-manager",
    member: "replica",
    group: "License Manager",
    usual_name: "lm-1",
    facts: "replica.json",
    format: 1,
    parts: &["identity", "replica"],
    missing: "a License Manager; found one with `plenary-license-manager found` or join one with `plenary-license-manager join TOKEN`",
};

/// Who a replica is; fixed once it has founded or joined a License Manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) format: u32,
    pub(crate) member: NodeId,
    pub(crate) name: NodeName,
    /// Name of the License Manager.
    pub(crate) manager: ServerName,
    pub(crate) enterprise: String,
}

impl Facts {
    pub(crate) fn new(member: NodeId, name: NodeName, manager: ServerName, enterprise: String) -> Self {
        Self {
            format: KIND.format,
            member,
            name,
            manager,
            enterprise,
        }
    }
}

pub(crate) fn folder(config: &Config) -> Folder {
    Folder::new(&config.data, &KIND)
}

pub(crate) fn socket(folder: &Folder) -> PathBuf {
    folder.path().join("admin.sock")
}
