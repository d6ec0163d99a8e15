use crate::{Capacity, Settings};
use plenary_model::{GuestId, NodeId, Timestamp, UserId, UserName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u128);
    };
}
/// A device of a user that is signed in: the ID of its session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub String);

id! {
    /// One place in one run of a conference; given out once, so that late words about an earlier place do nothing.
    ParticipationId
}
id! {
    /// A connection by SIP, H.323 or RTSP.
    ConnectionId
}

/// What happens to seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The licence or the lease changed.
    Capacity(Capacity),
    /// A new lease, or the first one: nobody has a seat under it yet. Users keep what they hold, and get a seat again
    /// in order as there are some.
    NewLease(Capacity),
    Settings(Settings),
    /// The permanent ones are picked anew.
    Recompute {
        why: Why,
        /// Users of the chosen groups, by priority of the group and inside by display name; the proposer sorts. A user
        /// of several groups counts at the first.
        candidates: Vec<UserName>,
    },

    /// A device signs in, or wakes up.
    SignIn {
        device: DeviceId,
        user: UserName,
        node: NodeId,
    },
    /// A device signs out, closes the program or falls asleep (LIC-03). Nothing follows if it is on another node by now.
    SignOut {
        device: DeviceId,
        node: NodeId,
    },

    /// Somebody of this server joins a group conference, here or on a partner's server (LIC-10), or takes the place up
    /// again, perhaps on another node.
    Join {
        participation: ParticipationId,
        user: UserName,
        node: NodeId,
    },
    /// A user of a partner's server joins here; takes nothing.
    JoinAsPartner {
        user: UserId,
    },
    /// The place ended, and with it what it used. Proposed by its node, or once that node can use nothing any more.
    Left {
        participation: ParticipationId,
    },
    /// All that was on a node ended: it started anew, or was silent long enough. Who may still come back keeps the place.
    NodeLost {
        node: NodeId,
        kept: BTreeSet<ParticipationId>,
    },
    /// A user asks for temporary PRO in advance.
    AskForPro {
        user: UserName,
    },
    /// An administrator takes temporary PRO away.
    Revoke {
        user: UserName,
    },
    /// The account is deleted or disabled.
    Gone {
        user: UserName,
    },

    /// A guest joins, or takes the place up again. Several places of one guest take one seat (LIC-09).
    GuestJoin {
        participation: ParticipationId,
        guest: GuestId,
        node: NodeId,
    },
    GatewayUp {
        connection: ConnectionId,
        /// A terminal that is signed in with an account takes an online seat too (LIC-08).
        account: Option<UserName>,
    },
    GatewayDown {
        connection: ConnectionId,
    },
    /// Time passed. Proposed when [`Seats::next`](crate::Seats::next) has come.
    Tick,
}

/// Why permanent PRO is picked anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The server started; the 24 hours count from here.
    Start,
    /// An administrator wants it.
    Asked,
    /// 24 hours have passed.
    Daily,
}

/// Why nothing follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error(
        "no PRO seat is free, so you cannot join conferences now; calls and chats work, and an administrator can \
             free a seat or install a larger licence"
    )]
    NoPro,
    #[error(
        "as many devices are signed in as the licence allows; sign out on another one, or ask an administrator"
    )]
    NoOnline,
    #[error("as many guests are here as the licence allows; try again later, or ask who invited you")]
    NoGuest,
    #[error("as many SIP, H.323 and RTSP connections are up as the licence allows; end another one first")]
    NoGateway,
    #[error("users cannot ask for PRO seats here; an administrator can allow it")]
    AskingIsOff,
    #[error("{user} has no temporary PRO seat; permanent ones follow the groups")]
    NotTemporary { user: UserName },
}

impl Refusal {
    /// Stable for ever, for interfaces and scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPro => "no_pro_seat",
            Self::NoOnline => "no_online_seat",
            Self::NoGuest => "no_guest_seat",
            Self::NoGateway => "no_gateway_seat",
            Self::AskingIsOff => "asking_for_pro_is_off",
            Self::NotTemporary { .. } => "not_temporary_pro",
        }
    }
}

/// How somebody lost PRO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// 24 hours after the last conference.
    Expired,
    /// For somebody whom the administrator's groups put first.
    Redistributed,
    /// By an administrator.
    Revoked,
    /// The account is no more.
    Gone,
}

/// What follows from a command, for other parts of the server and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Somebody has temporary PRO until then, or longer while in a conference.
    Granted {
        user: UserName,
        until: Timestamp,
    },
    /// Somebody has permanent PRO.
    Permanent {
        user: UserName,
    },
    Lost {
        user: UserName,
        loss: Loss,
    },
    /// The node ends the place at once, says why, and then proposes [`Command::Left`].
    End {
        participation: ParticipationId,
        node: NodeId,
        loss: Loss,
    },
    /// The event `pro_license_limit`: these had not enough licences, or lost theirs.
    LimitReached {
        users: Vec<UserName>,
    },
    /// The event `pro_license_revocation`.
    Revocation {
        user: UserName,
    },
}

/// What came of a command.
pub type Outcome = Result<Vec<Told>, (Refusal, Vec<Told>)>;
