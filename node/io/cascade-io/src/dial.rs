//! Dialling another node, and waiting between attempts.

use crate::{
    cascade::CascadeError,
    peers::Ground,
    tls::{self, Peer},
};
use plenary_model::NodeId;
use quinn::Connection;
use std::{io, time::Duration};

/// How long one address may take; a round trip of 500 ms fits.
const WITHIN: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// For the handshake's form only: who must answer is in the TLS configuration.
const NAME: &str = "node.plenary.internal";

#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("the address cannot be resolved: {0}")]
    Unknown(io::Error),
    #[error("the name has no address that can be reached from here")]
    NoAddress,
    #[error("nobody answers")]
    Silent,
    #[error("{0}")]
    Refused(quinn::ConnectionError),
    #[error("{0}")]
    Unfit(quinn::ConnectError),
    #[error("the other side showed no certificate")]
    Nobody,
    #[error(transparent)]
    Cascade(#[from] CascadeError),
}

/// Tries the addresses of `address` (`host:port`) one after the other.
pub(crate) async fn dial(
    ground: &Ground,
    node: NodeId,
    address: &str,
) -> Result<(Connection, Peer), DialError> {
    let config = tls::client(&ground.identity, node)?;
    let addresses = tokio::net::lookup_host(address)
        .await
        .map_err(DialError::Unknown)?;
    let mut last = DialError::NoAddress;
    for address in addresses {
        let connecting = match ground.endpoint.connect_with(config.clone(), address, NAME) {
            Ok(connecting) => connecting,
            Err(error) => {
                last = DialError::Unfit(error);
                continue;
            }
        };
        match tokio::time::timeout(WITHIN, connecting).await {
            Ok(Ok(connection)) => {
                let peer = Peer::of(&connection, &ground.identity).ok_or(DialError::Nobody)?;
                return Ok((connection, peer));
            }
            Ok(Err(error)) => last = DialError::Refused(error),
            Err(_) => last = DialError::Silent,
        }
    }
    Err(last)
}

/// Pauses that double from 50 ms to the longest.
#[derive(Debug)]
pub(crate) struct Backoff {
    last: Option<Duration>,
    longest: Duration,
}

impl Default for Backoff {
    /// Up to 1 s.
    fn default() -> Self {
        Self::up_to(LONGEST_PAUSE)
    }
}

impl Backoff {
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self { last: None, longest }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.last.map_or(FIRST_PAUSE, |last| (last * 2).min(self.longest));
        self.last = Some(pause);
        pause
    }

    pub(crate) fn reset(&mut self) {
        self.last = None;
    }
}
