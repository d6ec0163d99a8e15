use plenary_model::{Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// Kinds of events (REP-01, §19.1.1 of the guide) that the ground floor writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Login,
    Logout,
    Lock,
    Unlock,
    Activation,
    Deactivation,
    Status,
    Connect,
    Disconnect,
    Start,
    Stop,
    Restart,
    /// A change of configuration, accounts, groups or nodes; carries before → after.
    Change,
    /// Somebody had no PRO seat, or lost it to others.
    ProLicenseLimit,
    /// An administrator took a PRO seat back.
    ProLicenseRevocation,
    /// A licence ends soon, or has ended.
    LicenseExpiry,
    /// A run of a conference began.
    ConferenceStart,
    /// A run of a conference is over.
    ConferenceEnd,
    /// A call of two is over, or nobody answered it.
    Call,
    /// Somebody without an account agreed to documents; carries which versions.
    Agreement,
}

/// One line of the event log; `id` counts up without gaps on every node alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub id: u64,
    pub at: Timestamp,
    pub kind: EventKind,
    pub success: bool,
    /// Who did it; `None`: the server itself or somebody not signed in.
    pub actor: Option<UserName>,
    pub address: String,
    pub user_agent: String,
    /// What it was done to: `user alice`, `group sales`, `settings`, `node node-2`.
    pub object_kind: String,
    pub object: String,
    /// What the event says beyond its kind, for people.
    pub description: String,
    /// The changed fields, one each; secrets appear as changed only, without values.
    pub changes: Vec<FieldChange>,
}

/// One field before and after, as JSON texts; `None` means not set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Something that pages show has changed: what live updates carry. `object` is empty if many did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    pub topic: Topic,
    pub object: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Users,
    Groups,
    Aliases,
    Settings,
    Events,
    /// Sessions of one user (`object`): ended, new, on or off line.
    Sessions,
    Contacts,
    Cluster,
    Conferences,
    /// Calls from and to one user (`object`).
    Calls,
    /// Who is in a conference (`object`), and what is said there.
    Meetings,
    /// What one user (`object`) does, as contacts see it; never told as a change of a list.
    Presence,
    /// Licences, and who has which seat.
    Licensing,
}
