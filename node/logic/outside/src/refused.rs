//! Why something from outside is refused.

use thiserror::Error;

/// The reason, as metrics name it. Clients read the status alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Refused {
    /// Not open to the outside, or not there at all: one answer for both.
    #[error("not reachable")]
    NotReachable,
    /// The target is no path: a whole URL to a server that is no proxy, `*`, or another scheme.
    #[error("the target is no path")]
    BadTarget,
    /// The path is not written in its one form.
    #[error("the path is not in its one form")]
    BadPath,
    /// No host, more than one, or two that differ.
    #[error("no host, or two")]
    BadHost,
    /// A host that this node is not.
    #[error("another host")]
    WrongHost,
    /// Headers that contradict each other or ask for what is not to be had here.
    #[error("headers that do not fit")]
    BadHeaders,
    /// A body whose length is not said.
    #[error("a body of unknown length")]
    NoLength,
    /// A body longer than any call takes.
    #[error("the body is too long")]
    TooLarge,
    /// A path or query longer than any that is made here.
    #[error("the target is too long")]
    TooLong,
    /// More or longer headers than browsers send.
    #[error("too many headers")]
    TooManyHeaders,
    /// Requests come faster in one connection than people make them.
    #[error("too fast")]
    TooFast,
    /// A body did not come in time.
    #[error("the body came too slowly")]
    SlowBody,
    /// No place for one more connection, in all or from its network.
    #[error("no place")]
    NoPlace,
    /// The TLS handshake failed or took too long.
    #[error("no TLS")]
    NoTls,
    /// A kind of connection that this node does not take.
    #[error("not taken here")]
    NoService,
}

impl Refused {
    pub const ALL: [Self; 15] = [
        Self::NotReachable,
        Self::BadTarget,
        Self::BadPath,
        Self::BadHost,
        Self::WrongHost,
        Self::BadHeaders,
        Self::NoLength,
        Self::TooLarge,
        Self::TooLong,
        Self::TooManyHeaders,
        Self::TooFast,
        Self::SlowBody,
        Self::NoPlace,
        Self::NoTls,
        Self::NoService,
    ];

    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotReachable => "not_reachable",
            Self::BadTarget => "bad_target",
            Self::BadPath => "bad_path",
            Self::BadHost => "bad_host",
            Self::WrongHost => "wrong_host",
            Self::BadHeaders => "bad_headers",
            Self::NoLength => "no_length",
            Self::TooLarge => "too_large",
            Self::TooLong => "too_long",
            Self::TooManyHeaders => "too_many_headers",
            Self::TooFast => "too_fast",
            Self::SlowBody => "slow_body",
            Self::NoPlace => "no_place",
            Self::NoTls => "no_tls",
            Self::NoService => "no_service",
        }
    }

    /// The status of the answer (RFC 9110 §15, RFC 6585); `None` where there is nobody to answer: the connection ends.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::NotReachable => Some(404),
            Self::BadTarget | Self::BadPath | Self::BadHost | Self::BadHeaders => Some(400),
            Self::WrongHost => Some(421),
            Self::NoLength => Some(411),
            Self::TooLarge => Some(413),
            Self::TooLong => Some(414),
            Self::TooManyHeaders => Some(431),
            Self::TooFast => Some(429),
            Self::SlowBody | Self::NoPlace | Self::NoTls | Self::NoService => None,
        }
    }

    /// Whether both ends may differ on where the request ends, so that nothing more is read of the connection.
    pub fn ends_connection(self) -> bool {
        matches!(
            self,
            Self::BadTarget | Self::BadHost | Self::BadHeaders | Self::NoLength | Self::TooLarge
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Refused::ALL.iter().map(|why| why.as_str()).collect();
        assert_eq!(words.len(), Refused::ALL.len());
    }
}
