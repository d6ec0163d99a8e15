use plenary_licences::{
    Ask, Incarnation, Order, PoolId, Reply, Request, Seats,
    lessee::{Change, Held},
    lessor::{Command, Lessor},
};
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};

/// The lessor of a server without a License Manager, with that server as its only lessee. Both are in one log, so there
/// is nothing to wait for and nothing runs out: they say to each other what a License Manager and a server would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    lessor: Lessor,
    held: Held,
    seq: u64,
}

impl Own {
    /// One without seats; both numbers are random.
    pub fn new(pool: PoolId, branch: u64) -> Self {
        Self {
            lessor: Lessor::new(pool, branch),
            held: Held::default(),
            seq: 0,
        }
    }

    /// The pool, by which confirmations name it.
    pub fn pool(&self) -> PoolId {
        self.lessor.pool()
    }

    /// What the server holds.
    pub fn held(&self) -> Seats {
        self.held.seats
    }

    /// Whether [`Own::adjust`] would change anything.
    pub(crate) fn is_adjusted(&self, capacity: Seats, in_use: Seats) -> bool {
        self.held.epoch().is_some()
            && self.lessor.capacity() == capacity
            && self.held.seats == capacity.max(in_use)
    }

    /// Has the server hold what the licences give, or what is in use where that is more: nobody is thrown out, and seats
    /// go back as they fall free.
    pub(crate) fn adjust(&mut self, index: u64, server: &ServerName, capacity: Seats, in_use: Seats) {
        self.lessor.apply(
            index,
            &Command::Licensed {
                seats: capacity,
                covers: None,
            },
        );
        if self.held.epoch().is_none() {
            let incarnation = Incarnation(self.lessor.pool().0);
            let ask = Ask::Register { incarnation };
            if let Some((Reply::Registered { pool, epoch, .. }, seen)) = self.ask(index, server, ask) {
                let registered = Change::Registered { pool, epoch, seen };
                self.held.apply(&registered, Seats::NONE);
            }
        }
        let to = capacity.max(in_use);
        if !self.held.seats.covers(to) {
            let order = self.order();
            if let Some((Reply::Grown { seats, .. }, seen)) = self.ask(index, server, Ask::Grow { order, to })
            {
                let grown = Change::Grown { order, seats, seen };
                self.held.apply(&grown, in_use);
            }
        }
        let fewer = self.held.seats.min(to);
        if fewer != self.held.seats {
            let order = self.order();
            self.held.apply(&Change::Shrunk { order, to: fewer }, in_use);
            // Told after it is so, as always.
            let to = self.held.seats;
            self.ask(index, server, Ask::Return { order, to });
        }
    }

    fn order(&mut self) -> Order {
        self.seq += 1;
        Order {
            epoch: self.held.order.epoch,
            term: 0,
            seq: self.seq,
        }
    }

    fn ask(
        &mut self,
        index: u64,
        server: &ServerName,
        ask: Ask,
    ) -> Option<(Reply, plenary_licences::Position)> {
        let request = Request {
            server: server.clone(),
            pool: self.held.pool,
            seen: self.held.seen,
            ask,
        };
        let answer = self.lessor.apply(index, &Command::Ask(request)).answer?;
        Some((answer.reply, answer.position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_licences::Kind;

    fn pro(count: u32) -> Seats {
        Seats::only(Kind::Pro, count)
    }

    #[test]
    fn the_server_holds_what_the_licences_give_and_what_is_in_use() {
        let server = "paris.example.com".parse().expect("a name");
        let mut own = Own::new(PoolId(7), 1);
        let steps = [
            (10, 0, 10),
            (20, 4, 20),
            // A smaller licence: those who have a seat keep it.
            (3, 4, 4),
            (3, 3, 3),
            (3, 0, 3),
            (0, 0, 0),
            (5, 0, 5),
        ];
        for (index, (capacity, in_use, held)) in (1..).zip(steps) {
            own.adjust(index, &server, pro(capacity), pro(in_use));
            assert_eq!(own.held(), pro(held), "{capacity} with {in_use} in use");
            assert_eq!(own.lessor.leased(), pro(held));
            assert!(own.is_adjusted(pro(capacity), pro(in_use)));
        }
    }
}
