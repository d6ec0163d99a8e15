//! Why a connection from outside is refused.

use std::fmt;

/// The reason, as metrics and logs name it. A client is told nothing of it: its connection just ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// Its network is on the deny list.
    Denied,
    /// There are as many connections as there may be, in all or of its network.
    TooMany,
    /// Connections begin faster than they may, in all or from its network.
    TooFast,
    /// Its ClientHello did not come in time.
    SlowHello,
    /// Its ClientHello is longer than allowed.
    LongHello,
    /// It does not begin as TLS does.
    BadHello,
    /// It asks for no host name.
    NoName,
    /// It asks for a name that nothing inside offers.
    UnknownName,
    /// No node is there to take it.
    NoNode,
}

impl Refused {
    pub const ALL: [Self; 9] = [
        Self::Denied,
        Self::TooMany,
        Self::TooFast,
        Self::SlowHello,
        Self::LongHello,
        Self::BadHello,
        Self::NoName,
        Self::UnknownName,
        Self::NoNode,
    ];

    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::TooMany => "too_many",
            Self::TooFast => "too_fast",
            Self::SlowHello => "slow_hello",
            Self::LongHello => "long_hello",
            Self::BadHello => "bad_hello",
            Self::NoName => "no_name",
            Self::UnknownName => "unknown_name",
            Self::NoNode => "no_node",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Refused {}
