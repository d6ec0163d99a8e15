//! The data folder of a member.

use crate::Kind;
use anyhow::bail;
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};
use plenary_identity::{EnterpriseCa, EnterpriseName, Identity, MACHINE_KEY_FILE, MachineKey};
use plenary_model::{NodeId, NodeName, ServerName};
use plenary_program::{UsageError, say};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Whether a running program holds this file as its lock.
pub fn is_locked(file: &Path) -> bool {
    let Ok(file) = std::fs::File::open(file) else {
        return false;
    };
    // Free again at once, also if another thread starts a program just now, which has the file until it runs.
    matches!(
        Flock::lock(file, FlockArg::LockSharedNonblock),
        Err((_, Errno::EWOULDBLOCK))
    )
}

/// The data folder of one member. What all of them hold:
///
/// ```text
///  node.json    who the member is (Kind::facts); written last, so its presence means "made"
///  identity/    certificates and keys (base/identity)
///  replica/     log and state (base/replication)
/// ```
///
/// Only who may start the program reads it: folders have mode 0700, files 0600.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    kind: &'static Kind,
}

impl Folder {
    /// Nothing is read or made yet.
    pub fn new(path: &Path, kind: &'static Kind) -> Self {
        Self {
            path: path.to_owned(),
            kind,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    pub fn identity(&self) -> PathBuf {
        self.path.join("identity")
    }

    pub fn replica(&self) -> PathBuf {
        self.path.join("replica")
    }

    fn facts_file(&self) -> PathBuf {
        self.path.join(self.kind.facts)
    }

    /// Whether a member was made with this folder, to the end.
    pub fn is_made(&self) -> bool {
        self.facts_file().exists()
    }

    /// Whether a running member has the folder.
    pub fn is_in_use(&self) -> bool {
        is_locked(&self.replica().join("lock"))
    }

    /// Makes the folder for a new member.
    ///
    /// # Errors
    /// When it belongs to a member already, holds anything that is not left over from an earlier attempt, or cannot
    /// be written.
    pub fn make(&self) -> Result<(), UsageError> {
        let shown = self.path.display();
        if self.is_made() {
            return Err(UsageError::new(format!(
                "the data folder {shown} belongs to a {} already; give another one",
                self.kind.member
            )));
        }
        let made = private(&self.path);
        made.map_err(|error| UsageError::new(format!("the data folder {shown} cannot be made: {error}")))?;
        let foreign = std::fs::read_dir(&self.path)
            .map_err(|error| UsageError::new(format!("the data folder {shown} cannot be read: {error}")))?
            .filter_map(Result::ok)
            .map(|entry| entry.file_name())
            .find(|name| name != "lost+found" && !self.kind.parts.iter().any(|part| name == part));
        if let Some(name) = foreign {
            return Err(UsageError::new(format!(
                "the data folder {shown} is not empty (it holds {name:?}); give an empty one"
            )));
        }
        // What an attempt left that did not reach the end is of no use: nothing in it was ever acknowledged.
        for left in self.kind.parts.iter().map(|part| self.path.join(part)) {
            match std::fs::remove_dir_all(&left) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let text = format!("{} cannot be emptied: {error}", left.display());
                    return Err(UsageError::new(text));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes who the member is: from now on the folder is made. `facts` have a number `format`, that of the kind.
    ///
    /// # Errors
    /// When the disk does not take it; then nothing is changed.
    pub fn finish(&self, facts: &impl Serialize) -> anyhow::Result<()> {
        let fresh = self.path.join(format!("{}.new", self.kind.facts));
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

    /// Reads who the member is.
    ///
    /// # Errors
    /// When the folder was not made, is damaged or of a newer version, with what to do.
    pub fn facts<F: DeserializeOwned>(&self) -> Result<F, UsageError> {
        let shown = self.path.display();
        let Kind {
            facts,
            format: known,
            missing,
            ..
        } = self.kind;
        let text = std::fs::read(self.facts_file()).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                UsageError::new(format!("{shown} is not the data folder of {missing}"))
            }
            _ => UsageError::new(format!("the data folder {shown} cannot be read: {error}")),
        })?;
        // The format is read alone first: a newer version may have changed everything else.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |error| UsageError::new(format!("{shown}/{facts} is damaged: {error}"));
        let Format { format } = serde_json::from_slice(&text).map_err(damaged)?;
        if format > *known {
            return Err(UsageError::new(format!(
                "the data folder {shown} was written by a newer version (format {format}, this program knows {known}); start that version"
            )));
        }
        serde_json::from_slice(&text).map_err(damaged)
    }

    /// Makes the identity of a member on the machine that holds the enterprise's root key at the moment.
    ///
    /// # Errors
    /// When the authority does not certify it, or the folder cannot be written.
    pub fn create_identity(
        &self,
        authority: &EnterpriseCa,
        group: &ServerName,
        name: &NodeName,
        member: NodeId,
    ) -> anyhow::Result<Identity> {
        let ca = authority.certify(self.kind.program, group, &[])?;
        let machine = self.machine_key()?;
        Ok(Identity::create(
            &self.identity(),
            machine,
            ca,
            name.clone(),
            member,
        )?)
    }

    /// Refuses a folder in which another member lies than is configured.
    ///
    /// # Errors
    /// When there is a name in the configuration, and the data has another one.
    pub fn must_be_of(&self, configured: Option<&NodeName>, name: &NodeName) -> Result<(), UsageError> {
        let Some(configured) = configured.filter(|configured| *configured != name) else {
            return Ok(());
        };
        Err(UsageError::new(format!(
            "{} is the data of the {} {name}, but the configuration is that of {configured}; two data folders were swapped: put back the one that belongs here",
            self.path.display(),
            self.kind.member,
        )))
    }

    /// Opens the identity of the member that the folder is said to be of.
    ///
    /// # Errors
    /// When it cannot be opened, or is that of somebody else: a folder that was put together from those of two
    /// members would vote in the name of one with the certificate of the other.
    pub fn open_identity(
        &self,
        group: &ServerName,
        name: &NodeName,
        member: NodeId,
    ) -> Result<Identity, UsageError> {
        let identity = Identity::open(&self.identity(), self.machine_key()?).map_err(UsageError::caused)?;
        let me = identity.me();
        if (&me.server, &me.name, me.member) != (group, name, member) {
            return Err(UsageError::new(format!(
                "{} is the identity of {} (number {}) of {}, but the data around it is that of {name} (number {}) of {group}; put back the folder that belongs to it",
                self.identity().display(),
                me.name,
                me.member.0,
                me.server,
                member.0,
            )));
        }
        Ok(identity)
    }

    /// The key of this machine, made when it is not there.
    pub(crate) fn machine_key(&self) -> Result<MachineKey, UsageError> {
        private(&self.identity()).map_err(UsageError::caused)?;
        MachineKey::open_or_create(&self.identity().join(MACHINE_KEY_FILE)).map_err(UsageError::caused)
    }

    /// Answers whether a member can start with this folder: says so on standard output. `identity` opens who lies in
    /// it, `ports` binds its ports (not tried while a member runs), `rest` is what else hinders.
    ///
    /// # Errors
    /// With a line for each reason; no [`UsageError`], as this is the answer to a question.
    pub fn check<P>(
        &self,
        identity: impl FnOnce() -> Result<Identity, UsageError>,
        ports: impl FnOnce() -> Result<P, UsageError>,
        rest: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<()> {
        self.check_while(self.is_in_use(), identity, ports, rest)
    }

    /// The same for a member without a replica, which knows itself whether the folder `is_in_use`.
    ///
    /// # Errors
    /// As [`Folder::check`].
    pub fn check_while<P>(
        &self,
        is_in_use: bool,
        identity: impl FnOnce() -> Result<Identity, UsageError>,
        ports: impl FnOnce() -> Result<P, UsageError>,
        rest: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<()> {
        let shown = self.path.display();
        let mut reasons = Vec::new();
        let mut about = format!("there is no {} in {shown} yet", self.kind.member);
        if self.is_made() {
            match identity() {
                Ok(who) => about = format!("{} of {} lies in {shown}", who.me().name, who.me().server),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if is_in_use {
            about.push_str(" and is running, so the ports were not tried");
        } else {
            reasons.extend(ports().err().map(|error| error.to_string()));
        }
        reasons.extend(rest);
        if !reasons.is_empty() {
            bail!("{}", reasons.join(&format!("\n{}: ", self.kind.command)));
        }
        say(&format!("The configuration is good; {about}."));
        Ok(())
    }
}

/// The root of the enterprise in `folder`: opened where one `is_there`, else made.
///
/// # Errors
/// When it cannot be opened or made, or is that of another enterprise.
pub fn authority(
    folder: &Path,
    enterprise: &EnterpriseName,
    is_there: bool,
) -> Result<EnterpriseCa, UsageError> {
    let authority = match is_there {
        true => EnterpriseCa::open(folder),
        false => EnterpriseCa::create(folder, enterprise),
    };
    let authority = authority.map_err(UsageError::caused)?;
    if authority.enterprise() == enterprise {
        return Ok(authority);
    }
    Err(UsageError::new(format!(
        "the root key in {} is that of the enterprise {:?}, not of {:?}",
        folder.display(),
        authority.enterprise().as_str(),
        enterprise.as_str()
    )))
}

/// A folder for nobody else, with those above it.
fn private(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_identity::Program;

    static KIND: Kind = Kind {
        program: Program::Node,
        command: "plenary-node",
        member: "node",
        group: "server",
        usual_name: "node-1",
        facts: "node.json",
        format: 1,
        parts: &["identity", "replica"],
        missing: "a node; found one",
    };

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Facts {
        format: u32,
        node: NodeId,
    }

    const FACTS: Facts = Facts {
        format: 1,
        node: NodeId(1),
    };

    #[test]
    fn a_folder_is_a_members_only_after_the_last_step() {
        let temp = tempfile::tempdir().expect("folder");
        let folder = Folder::new(&temp.path().join("data"), &KIND);
        folder.make().expect("made");
        let error = folder.facts::<Facts>().expect_err("not yet").to_string();
        assert!(
            error.ends_with("is not the data folder of a node; found one"),
            "{error}"
        );
        folder.finish(&FACTS).expect("written");
        assert_eq!(folder.facts::<Facts>().expect("read"), FACTS);
        let error = folder.make().expect_err("taken").to_string();
        assert!(error.contains("belongs to a node already"), "{error}");
    }

    #[test]
    fn what_an_attempt_left_is_removed_and_other_things_are_refused() {
        let temp = tempfile::tempdir().expect("folder");
        let folder = Folder::new(temp.path(), &KIND);
        std::fs::create_dir_all(folder.replica().join("old")).expect("made");
        folder.make().expect("made again");
        assert!(!folder.replica().exists());
        std::fs::write(temp.path().join("thesis.txt"), "x").expect("written");
        let error = folder.make().expect_err("refused").to_string();
        assert!(error.contains("thesis.txt"), "{error}");
        assert!(temp.path().join("thesis.txt").exists());
    }

    #[test]
    fn data_of_a_newer_version_is_refused() {
        let temp = tempfile::tempdir().expect("folder");
        std::fs::write(temp.path().join("node.json"), r#"{"format":99,"other":1}"#).expect("written");
        let folder = Folder::new(temp.path(), &KIND);
        let error = folder.facts::<Facts>().expect_err("refused").to_string();
        assert!(error.contains("newer version"), "{error}");
    }

    #[test]
    fn an_identity_of_somebody_else_is_refused() {
        let temp = tempfile::tempdir().expect("folder");
        let enterprise = "Demo".parse().expect("good");
        let authority = EnterpriseCa::create(&temp.path().join("ca"), &enterprise).expect("made");
        let (group, name): (ServerName, NodeName) = (
            "a.example".parse().expect("good"),
            "node-1".parse().expect("good"),
        );
        let folder = Folder::new(&temp.path().join("data"), &KIND);
        folder.make().expect("made");
        let made = folder.create_identity(&authority, &group, &name, NodeId(1));
        assert_eq!(made.expect("certified").me().name, name);
        folder.open_identity(&group, &name, NodeId(1)).expect("its own");
        let error = folder
            .open_identity(&group, &name, NodeId(2))
            .expect_err("swapped");
        assert!(
            error
                .to_string()
                .contains("that of node-1 (number 2) of a.example"),
            "{error}"
        );
    }
}
