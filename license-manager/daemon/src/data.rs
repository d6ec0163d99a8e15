//! The data folder of one replica: who it is, and where the parts lie.
//!
//! ```text
//!  replica.json  who this replica is; written last when a manager is founded or joined
//!  identity/     certificates and keys (base/identity)
//!  replica/      log and state (base/replication)
//!  admin.sock    for administrators of this machine, while the replica runs
//! ```

use anyhow::Context as _;
use plenary_model::{NodeId, NodeName, ServerName};
use plenary_program::UsageError;
use serde::{Deserialize, Serialize};
use std::{
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Version of this folder's layout that this program writes and reads.
const FORMAT: u32 = 1;

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
            format: FORMAT,
            member,
            name,
            manager,
            enterprise,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn identity(&self) -> PathBuf {
        self.path.join("identity")
    }

    pub(crate) fn replica(&self) -> PathBuf {
        self.path.join("replica")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("admin.sock")
    }

    fn facts_file(&self) -> PathBuf {
        self.path.join("replica.json")
    }

    pub(crate) fn is_made(&self) -> bool {
        self.facts_file().exists()
    }

    /// Whether a running replica has the folder.
    pub(crate) fn is_in_use(&self) -> bool {
        let lock = std::fs::File::open(self.replica().join("lock"));
        lock.is_ok_and(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
    }

    /// Makes the folder. Refused if it holds anything that is not left over from an earlier attempt.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        let shown = self.path.display();
        let refused = |text: String| Err(UsageError::new(text).into());
        if self.is_made() {
            return refused(format!(
                "the data folder {shown} belongs to a replica already; give another one"
            ));
        }
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(|error| UsageError::new(format!("the data folder {shown} cannot be made: {error}")))?;
        for entry in std::fs::read_dir(&self.path).with_context(|| format!("{shown} cannot be read"))? {
            let name = entry?.file_name();
            if !matches!(name.to_str(), Some("identity" | "replica" | "lost+found")) {
                return refused(format!(
                    "the data folder {shown} is not empty (it holds {name:?}); give an empty one"
                ));
            }
        }
        // What an attempt left that did not reach the end is of no use: nothing in it was ever acknowledged.
        for left in [self.identity(), self.replica()] {
            match std::fs::remove_dir_all(&left) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("{} cannot be emptied", left.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes who this replica is: from now on the folder is that of a replica.
    pub(crate) fn finish(&self, facts: &Facts) -> anyhow::Result<()> {
        let fresh = self.path.join("replica.json.new");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(facts)?)?;
        file.sync_all()?;
        std::fs::rename(&fresh, self.facts_file())?;
        Ok(std::fs::File::open(&self.path)?.sync_all()?)
    }

    /// Reads who this replica is.
    pub(crate) fn facts(&self) -> Result<Facts, UsageError> {
        let shown = self.path.display();
        let text = std::fs::read(self.facts_file()).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => UsageError::new(format!(
                "{shown} is not the data folder of a License Manager; found one with `plenary-license-manager found` or join one with `plenary-license-manager join TOKEN`"
            )),
            _ => UsageError::new(format!("the data folder {shown} cannot be read: {error}")),
        })?;
        // The format is read alone first: a newer version may have changed everything else.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |error| UsageError::new(format!("{shown}/replica.json is damaged: {error}"));
        let Format { format } = serde_json::from_slice(&text).map_err(damaged)?;
        if format > FORMAT {
            return Err(UsageError::new(format!(
                "the data folder {shown} was written by a newer version (format {format}, this program knows {FORMAT}); start that version"
            )));
        }
        serde_json::from_slice(&text).map_err(damaged)
    }
}
