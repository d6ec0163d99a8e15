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
use plenary_model::{NodeId, NodeName, ServerName};
use serde::{Deserialize, Serialize};
use std::{
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Version of this folder's layout that this program writes and reads.
const FORMAT: u32 = 1;

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
            format: FORMAT,
            node,
            name,
            server,
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

    pub(crate) fn temp(&self) -> PathBuf {
        self.path.join("temp")
    }

    pub(crate) fn lease(&self) -> PathBuf {
        self.path.join("lease.json")
    }

    fn facts_file(&self) -> PathBuf {
        self.path.join("node.json")
    }

    /// Whether a server was founded or joined with this folder.
    pub(crate) fn is_made(&self) -> bool {
        self.facts_file().exists()
    }

    /// Whether a running node has the folder.
    pub(crate) fn is_in_use(&self) -> bool {
        let lock = std::fs::File::open(self.replica().join("lock"));
        lock.is_ok_and(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
    }

    /// Makes the folder for a new node. Refused if it holds anything that is not left over from an earlier attempt.
    pub(crate) fn make(&self) -> Result<(), UsageError> {
        let shown = self.path.display();
        if self.is_made() {
            return Err(UsageError::new(format!(
                "the data folder {shown} belongs to a node already; give another one"
            )));
        }
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path);
        made.map_err(|error| UsageError::new(format!("the data folder {shown} cannot be made: {error}")))?;
        let foreign = std::fs::read_dir(&self.path)
            .map_err(|error| UsageError::new(format!("the data folder {shown} cannot be read: {error}")))?
            .filter_map(Result::ok)
            .find(|entry| {
                !matches!(
                    entry.file_name().to_str(),
                    Some("identity" | "replica" | "temp" | "lost+found")
                )
            });
        if let Some(entry) = foreign {
            return Err(UsageError::new(format!(
                "the data folder {shown} is not empty (it holds {:?}); give an empty one",
                entry.file_name()
            )));
        }
        // What an attempt left that did not reach the end is of no use: nothing in it was ever acknowledged.
        for left in [self.identity(), self.replica(), self.temp()] {
            match std::fs::remove_dir_all(&left) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(UsageError::new(format!(
                        "{} cannot be emptied: {error}",
                        left.display()
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes who this node is: from now on the folder is that of a node.
    pub(crate) fn finish(&self, facts: &NodeFacts) -> anyhow::Result<()> {
        let fresh = self.path.join("node.json.new");
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

    /// Reads who this node is, and checks that the folder can be used.
    pub(crate) fn facts(&self) -> Result<NodeFacts, UsageError> {
        let shown = self.path.display();
        let text = std::fs::read(self.facts_file()).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => UsageError::new(format!(
                "{shown} is not the data folder of a node; found a server with `plenary-node found` or join one with `plenary-node join TOKEN`"
            )),
            _ => UsageError::new(format!("the data folder {shown} cannot be read: {error}")),
        })?;
        // The format is read alone first: a newer version may have changed everything else.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |error| UsageError::new(format!("{shown}/node.json is damaged: {error}"));
        let Format { format } = serde_json::from_slice(&text).map_err(damaged)?;
        if format > FORMAT {
            return Err(UsageError::new(format!(
                "the data folder {shown} was written by a newer version (format {format}, this program knows {FORMAT}); start that version"
            )));
        }
        let facts = serde_json::from_slice(&text).map_err(damaged)?;
        let probe = self.path.join("temp");
        std::fs::create_dir_all(&probe)
            .and_then(|()| tempfile::tempfile_in(&probe).map(drop))
            .map_err(|error| {
                UsageError::new(format!("the data folder {shown} cannot be written: {error}"))
            })?;
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> NodeFacts {
        let name = "node-1".parse().expect("good");
        NodeFacts::new(NodeId(1), name, "a.example".parse().expect("good"), "E".into())
    }

    #[test]
    fn a_folder_is_a_nodes_only_after_the_last_step() {
        let temp = tempfile::tempdir().expect("folder");
        let folder = DataFolder::new(&temp.path().join("data"));
        folder.make().expect("made");
        assert!(
            folder
                .facts()
                .expect_err("not yet")
                .to_string()
                .contains("not the data folder")
        );
        folder.finish(&facts()).expect("written");
        assert_eq!(folder.facts().expect("read"), facts());
        assert!(
            folder
                .make()
                .expect_err("taken")
                .to_string()
                .contains("belongs to a node")
        );
    }

    #[test]
    fn folders_with_other_things_in_them_are_refused() {
        let temp = tempfile::tempdir().expect("folder");
        std::fs::write(temp.path().join("thesis.txt"), "x").expect("written");
        let error = DataFolder::new(temp.path()).make().expect_err("refused");
        assert!(error.to_string().contains("thesis.txt"));
        assert!(temp.path().join("thesis.txt").exists());
    }

    #[test]
    fn data_of_a_newer_version_is_refused() {
        let temp = tempfile::tempdir().expect("folder");
        std::fs::write(temp.path().join("node.json"), r#"{"format":99,"other":1}"#).expect("written");
        let error = DataFolder::new(temp.path()).facts().expect_err("refused");
        assert!(error.to_string().contains("newer version"));
    }
}
