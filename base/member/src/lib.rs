//! A program that is one member of a group: a node of a server, a replica of a License Manager.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Kind`] | what kind of member: the words of its messages, the names in its folder |
//! | [`Folder`] | its data folder: how it is made, who lies in it, its identity |
//! | [`authority`] | the enterprise's root key, where a group is founded |
//! | [`config`] | sections of the configuration that all members have |
//! | [`join()`], [`admit`] | how a machine with a token becomes a member: its side, and that of who lets it in |
//! | [`open`], [`replica_options`], [`hand_over`] | its replica, from the opening to who leads afterwards |
//! | [`admin`] | how administrators of its machine ask it, and are shown what it says |
//! | [`port`] | what it serves to the other members |
//! | [`End`] | why it ends, and with which error |
//!
//! Deliberately not here: what a group keeps in its log, and what a member is for.

pub mod admin;
mod admission;
pub mod config;
mod end;
mod folder;
mod join;
pub mod port;
mod replica;

pub use admission::{Admission, admit, token};
pub use end::End;
pub use folder::{Folder, authority, is_locked};
pub use join::join;
pub use replica::{hand_over, open, replica_options};

use plenary_identity::Program;
use plenary_model::NodeName;

/// What kind of member a program is: the words of its messages, and the names in its folder.
#[derive(Debug)]
pub struct Kind {
    pub program: Program,
    /// As it is started: `plenary-node`.
    pub command: &'static str,
    /// What one member is called: `node`.
    pub member: &'static str,
    /// What its group is called: `server`.
    pub group: &'static str,
    /// Name of a member for which nothing gives one: `node-1`.
    pub usual_name: &'static str,
    /// File of the data folder that says who the member is: `node.json`.
    pub facts: &'static str,
    /// Version of the folder's layout that this program writes and reads.
    pub format: u32,
    /// Folders in the data folder of which an attempt to make it may leave something.
    pub parts: &'static [&'static str],
    /// Whose data folder is missing, and how it is made; it follows "is not the data folder of".
    pub missing: &'static str,
}

impl Kind {
    /// The name that is configured, else one made of the machine's, else the usual one.
    pub fn name(&self, configured: Option<&NodeName>) -> NodeName {
        let host = || {
            let text = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
            text.trim().split('.').next()?.to_lowercase().parse().ok()
        };
        let usual = || self.usual_name.parse().expect("a well-formed name");
        configured.cloned().or_else(host).unwrap_or_else(usual)
    }
}
