use crate::{
    Epoch, Order, PoolId, Position, Seats,
    mutant::{self, Mutant},
};
use serde::{Deserialize, Serialize};

/// What a server borrowed, as its own log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Held {
    /// Of the last change that counted.
    pub order: Order,
    pub seats: Seats,
    /// The pool that it borrows from, once it registered.
    pub pool: Option<PoolId>,
    /// The latest position of the manager that an answer named.
    pub seen: Position,
}

/// A command of the server's log that changes what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A new lease, without seats yet. Grants under the lease of before end.
    Registered {
        pool: PoolId,
        epoch: Epoch,
        seen: Position,
    },
    /// As the manager says that it is.
    Adopted {
        order: Order,
        seats: Seats,
        seen: Position,
    },
    /// More; never less.
    Grown {
        order: Order,
        seats: Seats,
        seen: Position,
    },
    /// Less. Once this is applied the manager may be told, not before.
    Shrunk { order: Order, to: Seats },
    /// No answer to an earlier order counts any more. Once this is applied a restored manager may be told what is held.
    Voided { order: Order },
    /// An administrator moves the server to another pool. Grants of before end, and each node forgets its deadline
    /// ([`Watch::forget`](super::Watch::forget)): epochs of two pools cannot be compared.
    Detached,
    /// For the planted fault of that name only.
    #[doc(hidden)]
    Added { order: Order, more: Seats },
}

impl Change {
    /// The place of the change among others.
    pub fn order(&self) -> Order {
        match self {
            Self::Detached => Order::default(),
            Self::Registered { epoch, .. } => Order {
                epoch: *epoch,
                ..Order::default()
            },
            Self::Adopted { order, .. }
            | Self::Grown { order, .. }
            | Self::Shrunk { order, .. }
            | Self::Voided { order }
            | Self::Added { order, .. } => *order,
        }
    }
}

/// Whether a change counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Changed,
    /// It is older than what is there, of another lease, or would take seats that are in use.
    Ignored,
}

impl Held {
    /// Whether there is a lease at all.
    pub fn epoch(&self) -> Option<Epoch> {
        self.pool.map(|_| self.order.epoch)
    }

    /// Whether one more seat of each kind in `more` may be granted while `in_use` are granted under this lease.
    ///
    /// The server's log is the place to ask: there every grant and every change of the lease has its turn. Whoever
    /// proposes a grant checks the deadline first ([`Watch`](super::Watch)).
    pub fn allows(&self, in_use: Seats, more: Seats) -> bool {
        self.pool.is_some() && self.seats.covers(in_use.plus(more))
    }

    /// Applies a change while `in_use` seats are granted under this lease.
    pub fn apply(&mut self, change: &Change, in_use: Seats) -> Applied {
        if *change == Change::Detached {
            *self = Self::default();
            return Applied::Changed;
        }
        let order = change.order();
        let is_other_lease = order.epoch != self.order.epoch;
        if order <= self.order || is_other_lease && !matches!(change, Change::Registered { .. }) {
            return Applied::Ignored;
        }
        match *change {
            Change::Registered { pool, seen, .. } => {
                self.pool = Some(pool);
                self.seats = Seats::NONE;
                self.seen = self.seen.later(seen);
            }
            Change::Adopted { seats, seen, .. } => {
                self.seats = seats;
                self.seen = self.seen.later(seen);
            }
            Change::Grown { seats, seen, .. } => {
                self.seats = match mutant::planted(Mutant::LateGrowLowers) {
                    true => seats,
                    false => self.seats.max(seats),
                };
                self.seen = self.seen.later(seen);
            }
            Change::Shrunk { to, .. } => {
                if !to.covers(in_use) {
                    return Applied::Ignored;
                }
                self.seats = self.seats.min(to);
            }
            Change::Voided { .. } | Change::Detached => {}
            Change::Added { more, .. } => self.seats = self.seats.plus(more),
        }
        self.order = order;
        Applied::Changed
    }
}
