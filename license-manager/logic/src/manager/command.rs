use super::state::{Guest, Member};
use crate::{
    Answer, Epoch, PoolId, Seats,
    lessor::{self, Limits},
    licence::LicenceId,
};
use plenary_model::{NodeId, NodeName, ServerName, Timestamp};
use serde::{Deserialize, Serialize};

/// One command of a License Manager's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The administrator who wants it, for the events; none if the manager itself or a server does.
    pub by: Option<String>,
    pub command: Command,
}

/// What changes a License Manager. Secrets are told by their SHA-256 only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Lend(lessor::Command),
    /// The first command of all. Both are random.
    Begin {
        pool: PoolId,
        branch: u64,
    },
    /// This is the only replica, under a number that none had before: a new manager, or a restored one.
    StandAlone {
        member: NodeId,
        facts: Member,
    },
    /// Somebody may come once with this secret.
    Invite {
        id: String,
        secret: [u8; 32],
        expires: Timestamp,
        guest: Guest,
    },
    /// A machine showed the token for a replica.
    AdmitMember {
        invitation: String,
        secret: [u8; 32],
        facts: Member,
    },
    /// A replica is reached elsewhere than before.
    MoveMember {
        member: NodeId,
        address: String,
    },
    RemoveMember {
        name: NodeName,
    },
    /// A server showed the token that was made for it.
    AdmitServer {
        invitation: String,
        secret: [u8; 32],
        server: ServerName,
    },
    /// A server may not borrow any more; what it has ends with its deadline.
    RemoveServer {
        server: ServerName,
    },
    /// Whether the administrators of a server look after the manager.
    Oversee {
        server: ServerName,
        may: bool,
    },
    /// A licence file, judged by the replica that proposes it.
    Install {
        id: LicenceId,
        text: String,
    },
    /// A confirmation file, judged by the replica that proposes it.
    Confirm {
        id: LicenceId,
        text: String,
    },
    RemoveLicence {
        id: LicenceId,
    },
}

/// What became of an administrator's command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    Done,
    /// The number of the new replica.
    Admitted(NodeId),
}

/// Why a command changed nothing; sentences for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    #[error("the token is unknown, was used already or is too old; make a new one")]
    BadInvitation,
    #[error("the token is for {wanted}, not for {found}")]
    OtherGuest { wanted: String, found: String },
    #[error("there is a replica with that name; give this one another name")]
    NameTaken,
    #[error("there is no {what} {name:?}")]
    Unknown { what: String, name: String },
    #[error("it is the last replica; a manager without one is no more")]
    LastMember,
    #[error("a manager has at most {0} of these; remove some first")]
    TooMany(usize),
    #[error("the same licence is there already")]
    Known,
    #[error("the server holds seats; declare it dead if it is off for good, or let it return them")]
    HoldsSeats,
    #[error("there is nothing to recover: the manager serves")]
    NotBehind,
}

impl Denial {
    /// Stable, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadInvitation => "bad_invitation",
            Self::OtherGuest { .. } => "other_guest",
            Self::NameTaken => "name_taken",
            Self::Unknown { .. } => "unknown",
            Self::LastMember => "last_member",
            Self::TooMany(_) => "too_many",
            Self::Known => "licence_known",
            Self::HoldsSeats => "holds_seats",
            Self::NotBehind => "not_behind",
        }
    }
}

/// What people are told, and audits keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Lease(lessor::Event),
    LimitsSet {
        server: ServerName,
        limits: Limits,
    },
    TtlSet {
        ms: u64,
    },
    Licensed {
        seats: Seats,
    },
    StandsAlone {
        member: NodeId,
    },
    Invited {
        guest: Guest,
    },
    MemberAdmitted {
        member: NodeId,
        name: NodeName,
    },
    MemberMoved {
        name: NodeName,
        address: String,
    },
    MemberRemoved {
        name: NodeName,
    },
    ServerAdmitted {
        server: ServerName,
    },
    ServerRemoved {
        server: ServerName,
    },
    OverseerSet {
        server: ServerName,
        may: bool,
    },
    /// As people write it: events are read by programs that know no numbers of that size.
    LicenceInstalled {
        id: String,
    },
    LicenceConfirmed {
        id: String,
    },
    LicenceRemoved {
        id: String,
    },
}

/// An event with when it was and who wanted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    pub at: Timestamp,
    pub by: Option<String>,
    pub event: Event,
}

/// What follows from an applied command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// For the server that asked.
    pub answer: Option<Answer>,
    /// For everybody else who proposed it.
    pub done: Result<Done, Denial>,
    pub events: Vec<Happened>,
    /// As [`lessor::Outcome::touched`].
    pub touched: Option<(ServerName, Epoch)>,
}
