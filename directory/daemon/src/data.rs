//! The data folder of one instance: who it is, and where the parts lie.
//!
//! ```text
//!  directory.json  who this instance is; written last when it is founded
//!  identity/       certificates and keys (base/identity)
//!  store/          the database, where that is SQLite; `lock` says that an instance runs
//!  admin.sock      for administrators of this machine, while the instance runs
//! ```

use crate::config::Config;
use anyhow::Context as _;
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};
use plenary_identity::Program;
use plenary_member::{Folder, Kind};
use plenary_model::{NodeId, NodeName, ServerName};
use plenary_program::UsageError;
use serde::{Deserialize, Serialize};
use std::{fs::File, os::unix::fs::DirBuilderExt as _, path::PathBuf};

/// What this program is.
pub(crate) static KIND: Kind = Kind {
    program: Program::Directory,
    command: "plenary-directory",
    member: "instance",
    group: "Directory",
    usual_name: "dir-1",
    facts: "directory.json",
    format: 1,
    parts: &["identity", "store"],
    missing: "a Directory; make one with `plenary-directory found`",
};

/// Who an instance is; fixed once it is founded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) format: u32,
    pub(crate) member: NodeId,
    pub(crate) name: NodeName,
    /// Name of the Directory.
    pub(crate) directory: ServerName,
    pub(crate) enterprise: String,
}

pub(crate) fn folder(config: &Config) -> Folder {
    Folder::new(&config.data, &KIND)
}

pub(crate) fn socket(folder: &Folder) -> PathBuf {
    folder.path().join("admin.sock")
}

fn store(folder: &Folder) -> PathBuf {
    folder.path().join("store")
}

/// Where the database is, if none is configured.
pub(crate) fn database(folder: &Folder) -> PathBuf {
    store(folder).join("directory.db")
}

/// Takes the folder for this process; free again when this is dropped, also while a child of it is not another program yet.
pub(crate) fn lock(folder: &Folder) -> anyhow::Result<Flock<File>> {
    let store = store(folder);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&store)?;
    let path = store.join("lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(held) => Ok(held),
        Err((_, Errno::EWOULDBLOCK)) => Err(UsageError::new(format!(
            "an instance runs with the data folder {} already",
            folder.path().display()
        ))
        .into()),
        Err((_, errno)) => Err(errno.into()),
    }
}

/// Whether a running instance has the folder.
pub(crate) fn is_in_use(folder: &Folder) -> bool {
    plenary_member::is_locked(&store(folder).join("lock"))
}
