//! The data folder of one node: who it is, and where the parts lie.
//!
//! ```text
//!  node.json    who this node is; written last when a server is founded or joined, so its presence means "made"
//!  identity/    certificates and keys (base/identity)
//!  replica/     log and state (base/replication)
//!  temp/        backups being made; emptied at start
//!  lease.json   until when seats of a License Manager may be used here (src/lease.rs)
//! ```

use crate::UsageError;
use plenary_identity::Program;
use plenary_member::{Folder, Kind};
use plenary_model::{NodeId, NodeName, ServerName};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What this program is.
pub(crate) static KIND: Kind = Kind {
    program: Program::Node,
    command: "plenary-node",
    member: "node",
    group: "server",
    usual_name: "node-1",
    facts: "node.json",
    format: 1,
    parts: &["identity", "replica", "temp"],
    missing: "a node; found a server with `plenary-node found` or join one with `plenary-node join TOKEN`",
};

/// Who a node is; fixed once it has founded or joined a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeFacts {
    pub(crate) format: u32,
    pub(crate) node: NodeId,
    pub(crate) name: NodeName,
    pub(crate) server: ServerName,
    pub(crate) enterprise: String,
}

impl NodeFacts {
    pub(crate) fn new(node: NodeId, name: NodeName, server: ServerName, enterprise: String) -> Self {
        Self {
            format: KIND.format,
            node,
            name,
            server,
            enterprise,
        }
    }
}

pub(crate) fn folder(path: &Path) -> Folder {
    Folder::new(path, &KIND)
}

pub(crate) fn temp(folder: &Folder) -> PathBuf {
    folder.path().join("temp")
}

pub(crate) fn lease(folder: &Folder) -> PathBuf {
    folder.path().join("lease.json")
}

/// Reads who this node is, and checks that the folder can be used.
pub(crate) fn facts(folder: &Folder) -> Result<NodeFacts, UsageError> {
    let facts = folder.facts()?;
    let probe = temp(folder);
    std::fs::create_dir_all(&probe)
        .and_then(|()| tempfile::tempfile_in(&probe).map(drop))
        .map_err(|error| {
            let shown = folder.path().display();
            UsageError::new(format!("the data folder {shown} cannot be written: {error}"))
        })?;
    Ok(facts)
}
