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
use plenary_identity::Program;
use plenary_member::{Folder, Kind};
use plenary_model::{NodeId, NodeName, ServerName};
use plenary_program::UsageError;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, TryLockError},
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
};

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

/// Takes the folder for this process; free again when the file is dropped.
pub(crate) fn lock(folder: &Folder) -> anyhow::Result<File> {
    let store = store(folder);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&store)?;
    let path = store.join("lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(UsageError::new(format!(
            "an instance runs with the data folder {} already",
            folder.path().display()
        ))
        .into()),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

pub(crate) fn is_in_use(folder: &Folder) -> bool {
    let lock = File::open(store(folder).join("lock"));
    lock.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}
