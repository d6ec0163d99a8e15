use serde::{Deserialize, Serialize};
use std::fmt;

/// What a seat lets somebody do (LIC-03, LIC-04, LIC-08, LIC-09).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A user takes part in group conferences.
    Pro,
    /// A device is signed in.
    Online,
    /// A guest is in a public conference.
    Guest,
    /// A SIP, H.323 or RTSP connection is up.
    Gateway,
}

impl Kind {
    /// All kinds, in the order in which they are written down.
    pub const ALL: [Self; 4] = [Self::Pro, Self::Online, Self::Guest, Self::Gateway];
}

/// Numbers of seats by kind: of a pool, a lease, a demand. All sums stop at `u32::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seats {
    pub pro: u32,
    pub online: u32,
    pub guest: u32,
    pub gateway: u32,
}

impl Seats {
    /// None of any kind.
    pub const NONE: Self = Self {
        pro: 0,
        online: 0,
        guest: 0,
        gateway: 0,
    };

    /// Seats of one kind only.
    pub fn only(kind: Kind, count: u32) -> Self {
        let mut seats = Self::NONE;
        seats.set(kind, count);
        seats
    }

    /// Seats of a kind.
    pub fn of(self, kind: Kind) -> u32 {
        match kind {
            Kind::Pro => self.pro,
            Kind::Online => self.online,
            Kind::Guest => self.guest,
            Kind::Gateway => self.gateway,
        }
    }

    /// Replaces the number of one kind.
    pub fn set(&mut self, kind: Kind, count: u32) {
        match kind {
            Kind::Pro => self.pro = count,
            Kind::Online => self.online = count,
            Kind::Guest => self.guest = count,
            Kind::Gateway => self.gateway = count,
        }
    }

    fn with(self, other: Self, f: impl Fn(u32, u32) -> u32) -> Self {
        Self {
            pro: f(self.pro, other.pro),
            online: f(self.online, other.online),
            guest: f(self.guest, other.guest),
            gateway: f(self.gateway, other.gateway),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u32::saturating_add)
    }

    /// What is left when `other` is taken away; no kind goes below none.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.with(other, u32::saturating_sub)
    }

    /// Of each kind the smaller number.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.with(other, Ord::min)
    }

    /// Of each kind the larger number.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        self.with(other, Ord::max)
    }

    /// Whether there are at least as many of each kind.
    pub fn covers(self, other: Self) -> bool {
        other.minus(self) == Self::NONE
    }

    /// Whether there is none of any kind.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Of all kinds together.
    pub fn total(self) -> u64 {
        Kind::ALL.iter().map(|kind| u64::from(self.of(*kind))).sum()
    }
}

impl std::iter::Sum for Seats {
    fn sum<I: Iterator<Item = Self>>(seats: I) -> Self {
        seats.fold(Self::NONE, Self::plus)
    }
}

impl fmt::Display for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} PRO, {} online, {} guest, {} gateway",
            self.pro, self.online, self.guest, self.gateway
        )
    }
}
