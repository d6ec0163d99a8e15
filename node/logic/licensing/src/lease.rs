//! What a server borrows from the enterprise's License Manager, as the server's log has it (LIC-14).
//!
//! ```text
//!  Connect ──► waiting ──Begins──► lent ──Disconnect──► leaving ──Left──► none
//!              │ own licence        │ the lease           │ own licence again, seats go back
//!              └ until the lease covers what is in use    └ only if that has room for what is in use
//! ```

use plenary_licences::{
    Epoch, Kind, PoolId, Seats as Amount,
    lessee::{Applied, Change, Held},
    licence::Extension,
};
use plenary_model::{ServerName, Timestamp, UserName};
use plenary_seats::{Capacity, Command as Count, Mode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a License Manager's licences give besides seats.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gives {
    pub extensions: BTreeSet<Extension>,
    /// PRO and online seats are one pool.
    pub enterprise: bool,
    /// Whether groups can have permanent PRO.
    pub permanent_pro: bool,
    /// The development key signed one of the licences.
    pub development: bool,
}

/// Where a server stands between its own licence and the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The own licence holds until the lease covers what is in use.
    Waiting,
    /// Seats are those of the lease.
    Lent,
    /// The own licence holds again, and the manager has not everything back yet.
    Leaving,
}

/// How short the lease is, as administrators were told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    #[default]
    None,
    /// It ends soon unless a License Manager is back.
    Short,
    /// Its time is over: nothing is used under it.
    Over,
}

/// Somebody found no seat and waits a moment for one from the manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Wish {
    kind: Kind,
    since: Timestamp,
}

/// What a server borrows, and from whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Name of the License Manager.
    pub manager: ServerName,
    pub pool: PoolId,
    /// `host:port` of its replicas.
    pub addresses: Vec<String>,
    pub since: Timestamp,
    /// Who connected the server; `None`: the server itself.
    pub by: Option<UserName>,
    pub held: Held,
    /// `None` until the manager said it.
    pub gives: Option<Gives>,
    pub stage: Stage,
    #[serde(default)]
    pub alarm: Alarm,
    #[serde(default)]
    wishes: BTreeMap<String, Wish>,
}

impl Lease {
    /// Most addresses of replicas.
    pub const ADDRESSES: usize = 16;
    /// Who is refused again after so long is refused for good; before that the manager is being asked.
    pub const FINAL_AFTER_MS: u64 = 1_000;
    /// A wish that is not repeated is none any more.
    pub const WISH_MS: u64 = 10_000;
    /// Most that wait at once; more are not asked for, and refused a moment later all the same.
    const WISHES: usize = 500;

    pub(crate) fn new(
        manager: ServerName,
        pool: PoolId,
        addresses: Vec<String>,
        since: Timestamp,
        by: Option<UserName>,
    ) -> Self {
        Self {
            manager,
            pool,
            addresses,
            since,
            by,
            held: Held::default(),
            gives: None,
            stage: Stage::Waiting,
            alarm: Alarm::None,
            wishes: BTreeMap::new(),
        }
    }

    /// Whether seats are those of the lease.
    pub fn is_lent(&self) -> bool {
        self.stage == Stage::Lent
    }

    /// The lease under which seats are used here; `None` while the own licence holds.
    pub fn used(&self) -> Option<Epoch> {
        self.held.epoch().filter(|_| self.is_lent())
    }

    /// Seats of the wishes at `now`.
    pub fn wished(&self, now: Timestamp) -> Amount {
        let fresh = self.wishes.values().filter(|wish| !wish.is_old(now));
        fresh.map(|wish| Amount::only(wish.kind, 1)).sum()
    }

    pub(crate) fn capacity(&self) -> Capacity {
        let (seats, gives) = (self.held.seats, self.gives.clone().unwrap_or_default());
        Capacity {
            pro: seats.pro,
            online: seats.online,
            guest: seats.guest,
            gateway: seats.gateway,
            mode: match gives.enterprise {
                true => Mode::OnePool,
                false => Mode::Apart,
            },
            permanent_pro: gives.permanent_pro,
        }
    }

    pub(crate) fn apply(&mut self, change: &Change, in_use: Amount) -> Applied {
        let of_another_pool = matches!(change, Change::Registered { pool, .. } if *pool != self.pool);
        if of_another_pool || *change == Change::Detached {
            return Applied::Ignored;
        }
        self.held.apply(change, in_use)
    }

    /// Somebody finds no seat. Gives whether the manager may still have one: then the refusal is not told as a loss.
    pub(crate) fn wish(&mut self, who: &str, kind: Kind, now: Timestamp) -> bool {
        self.wishes.retain(|_, wish| !wish.is_old(now));
        if let Some(wish) = self.wishes.get(who) {
            return now.since_ms(wish.since) < Self::FINAL_AFTER_MS;
        }
        if self.wishes.len() < Self::WISHES {
            let wish = Wish { kind, since: now };
            self.wishes.insert(who.to_owned(), wish);
        }
        true
    }

    pub(crate) fn fulfilled(&mut self, who: &str) {
        self.wishes.remove(who);
    }
}

impl Wish {
    fn is_old(&self, now: Timestamp) -> bool {
        now.since_ms(self.since) >= Lease::WISH_MS
    }
}

/// Who takes a seat of which kind by this.
pub(crate) fn taker(command: &Count, mode: Mode) -> Option<(String, Kind)> {
    Some(match command {
        Count::Join { user, .. } | Count::AskForPro { user } => match mode {
            Mode::Apart => (format!("user {user}"), Kind::Pro),
            Mode::OnePool => (format!("user {user}"), Kind::Online),
        },
        Count::SignIn { device, .. } => (format!("device {}", device.0), Kind::Online),
        Count::GuestJoin { guest, .. } => (format!("guest {guest}"), Kind::Guest),
        Count::GatewayUp { connection, .. } => (format!("connection {}", connection.0), Kind::Gateway),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp(1_000_000 + ms)
    }

    fn lease() -> Lease {
        let manager = "licences.example.com".parse().expect("a name");
        Lease::new(manager, PoolId(1), Vec::new(), at(0), None)
    }

    #[test]
    fn a_wish_lasts_a_moment_and_is_refused_for_good_when_it_comes_again_later() {
        let mut lease = lease();
        assert!(lease.wish("user bob", Kind::Pro, at(0)));
        assert!(lease.wish("user bob", Kind::Pro, at(999)));
        assert!(lease.wish("guest eve", Kind::Guest, at(999)));
        let wished = Amount {
            pro: 1,
            guest: 1,
            ..Amount::NONE
        };
        assert_eq!(lease.wished(at(999)), wished);
        assert!(!lease.wish("user bob", Kind::Pro, at(1_000)));
        assert_eq!(lease.wished(at(10_000)), Amount::only(Kind::Guest, 1));
        assert!(
            lease.wish("user bob", Kind::Pro, at(10_000)),
            "it is a new one by then"
        );
        lease.fulfilled("user bob");
        assert_eq!(lease.wished(at(10_998)), Amount::only(Kind::Guest, 1));
    }

    #[test]
    fn wishes_are_bounded() {
        let mut lease = lease();
        for number in 0..1_000 {
            assert!(lease.wish(&format!("user u{number}"), Kind::Pro, at(0)));
        }
        assert_eq!(lease.wished(at(0)).pro, 500);
    }
}
