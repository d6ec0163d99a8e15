//! What servers and License Managers tell each other. All amounts are absolute.

use crate::{Epoch, Incarnation, Order, PoolId, Position, Seats};
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};

/// From a server to its License Manager. The shell checks that the certificate is the server's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub server: ServerName,
    /// The pool that the server borrows from; `None` before its first registration.
    pub pool: Option<PoolId>,
    /// The latest position of the manager that the server saw.
    pub seen: Position,
    pub ask: Ask,
}

/// What a server wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Begins a new lease, without seats. Repeating it gives the same lease.
    Register { incarnation: Incarnation },
    /// Keeps the lease; the answer says what it is.
    Renew {
        order: Order,
        used: Seats,
        wanted: Seats,
    },
    /// More seats, now. Never lowers.
    Grow { order: Order, to: Seats },
    /// Fewer seats. Sent only after the server committed that it no longer has them.
    ///
    /// Invariant: the only message that lowers a lease, and no answer to an earlier order counts after it.
    Return { order: Order, to: Seats },
    /// Tells a manager that was restored what is held. Sent only after the server committed that no earlier answer
    /// counts any more, and before its deadline.
    Reclaim { order: Order, held: Seats },
    /// Gives everything back for good, after the server committed that it has none.
    Leave { order: Order },
}

impl Ask {
    /// `None` for a registration, which begins an order of its own.
    pub fn order(&self) -> Option<Order> {
        match self {
            Self::Register { .. } => None,
            Self::Renew { order, .. }
            | Self::Grow { order, .. }
            | Self::Return { order, .. }
            | Self::Reclaim { order, .. }
            | Self::Leave { order } => Some(*order),
        }
    }
}

/// From a License Manager, to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Where the manager was after it applied the request.
    pub position: Position,
    pub reply: Reply,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Registered {
        pool: PoolId,
        incarnation: Incarnation,
        epoch: Epoch,
    },
    /// Also the answer to [`Ask::Reclaim`].
    Renewed {
        order: Order,
        seats: Seats,
        ttl_ms: u64,
    },
    Grown {
        order: Order,
        seats: Seats,
    },
    Returned {
        order: Order,
        seats: Seats,
    },
    Left {
        order: Order,
    },
    Refused {
        /// Of the request; `None` if it was a registration.
        order: Option<Order>,
        refusal: Refusal,
    },
}

/// Why a manager does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("a later message of the same lease was seen")]
    Stale,
    #[error("the lease does not exist: it ended or was declared dead")]
    Gone,
    #[error("the server registered again since, so this lease can only be returned")]
    Superseded,
    #[error("the manager was restored; the server has to tell what it holds")]
    Reclaim,
    #[error("the manager is older than what it was told; an administrator has to run recover")]
    Behind,
    #[error("the server belongs to another pool of licences")]
    OtherPool,
    #[error("this server is not expected here; an administrator of the License Manager has to invite it")]
    Unknown,
    #[error("no licence of the License Manager is for this server")]
    NotCovered,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Stale,
        Self::Gone,
        Self::Superseded,
        Self::Reclaim,
        Self::Behind,
        Self::OtherPool,
        Self::Unknown,
        Self::NotCovered,
    ];

    /// Stable, for logs and interfaces.
    pub fn code(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Gone => "gone",
            Self::Superseded => "superseded",
            Self::Reclaim => "reclaim",
            Self::Behind => "behind",
            Self::OtherPool => "other_pool",
            Self::Unknown => "unknown_server",
            Self::NotCovered => "not_covered",
        }
    }
}

/// A manager asks back seats that have no holder; the server returns what it can spare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    pub epoch: Epoch,
    /// How many are asked back.
    pub seats: Seats,
}
