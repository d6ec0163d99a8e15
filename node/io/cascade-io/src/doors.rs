//! Who dials us: handshakes within bounds, then only nodes of this server that we know and that are to dial.

use crate::{peers::Ground, tls::Peer};
use plenary_model::network_of;
use quinn::{Connection, Incoming};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Handshakes at a time, in all and for one address: a flood of strangers ends here and leaves room for the nodes.
const HANDSHAKES: usize = 64;
const HANDSHAKES_OF_ADDRESS: usize = 16;
/// From so many on, who dials must first show that the address is theirs (Retry, RFC 9000 §8.1.2).
const SUSPICIOUS: usize = 8;
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(3);

/// The longest sentence with which a connection is closed, in bytes.
const LONGEST_WORDS: usize = 500;

/// Why a connection is closed by us; told to the other side. The first five are between nodes of a server, all but the
/// second to fourth between servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    Stopping = 0,
    Replaced = 1,
    Stranger = 2,
    Revoked = 3,
    Protocol = 4,
    BadHello = 5,
    NotMe = 6,
    NotBelieved = 7,
    NotAllowed = 8,
    TooMany = 9,
    TooFast = 10,
    Expired = 11,
}

impl Close {
    pub(crate) fn close(self, connection: &Connection) {
        let reason: &[u8] = match self {
            Self::Stopping => b"the node stops, or does not know you any more",
            Self::Replaced => b"there is a newer connection",
            Self::Stranger => b"no node of this server that is to dial here",
            Self::Revoked => b"revoked",
            Self::Protocol => b"protocol",
            Self::BadHello => b"the first words cannot be read",
            Self::NotMe => b"this is another server than the one that you look for",
            Self::NotBelieved => b"your certificate does not prove who you are",
            Self::NotAllowed => b"this server does not meet with yours",
            Self::TooMany => b"there are as many links with your server as this one bears",
            Self::TooFast => b"too many messages",
            Self::Expired => b"your certificate has expired meanwhile; come again with the new one",
        };
        connection.close(quinn::VarInt::from_u32(self as u32), reason);
    }

    /// The same with a sentence for administrators at the other end.
    pub(crate) fn close_saying(self, connection: &Connection, words: &str) {
        let words = words.as_bytes();
        let words = words.get(..LONGEST_WORDS).unwrap_or(words);
        connection.close(quinn::VarInt::from_u32(self as u32), words);
    }
}

/// Accepts until the endpoint is closed.
pub(crate) async fn accept(ground: Arc<Ground>) {
    let shares = Shares::new(HANDSHAKES, HANDSHAKES_OF_ADDRESS);
    while let Some(incoming) = ground.endpoint.accept().await {
        let address = incoming.remote_address();
        if !incoming.remote_address_validated() && shares.all() >= SUSPICIOUS {
            // An error means that it may not be retried; it will come again.
            drop(incoming.retry());
            continue;
        }
        let Some(share) = shares.clone().take(address.ip()) else {
            tracing::debug!(%address, "too many handshakes on the cascade's port at this moment");
            incoming.ignore();
            continue;
        };
        let ground = ground.clone();
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_WITHIN, shake(incoming)).await {
                Ok(Ok(connection)) => let_in(&ground, connection),
                Ok(Err(error)) => {
                    tracing::info!(%error, %address, "a handshake on the cascade's port failed")
                }
                Err(_) => tracing::info!(%address, "a handshake on the cascade's port took too long"),
            }
            drop(share);
        });
    }
}

async fn shake(incoming: Incoming) -> Result<Connection, quinn::ConnectionError> {
    incoming.accept()?.await
}

fn let_in(ground: &Ground, connection: Connection) {
    let address = connection.remote_address();
    let Some(peer) = Peer::of(&connection, &ground.identity) else {
        tracing::info!(%address, "somebody without a certificate dialled the cascade's port");
        return Close::Stranger.close(&connection);
    };
    if peer.is_revoked(&ground.identity) {
        return Close::Revoked.close(&connection);
    }
    let node = peer.node;
    // Also a node that we have not heard of yet: it dials again, and we will have.
    if node >= ground.me || !ground.routes.arrive(node, (connection.clone(), peer)) {
        tracing::info!(%node, %address, "a node that is not to dial here did");
        Close::Stranger.close(&connection);
    }
}

/// Who holds how many handshakes. Invariant: holds no zeros.
#[derive(Debug)]
pub(crate) struct Shares {
    most: usize,
    most_each: usize,
    held: Mutex<BTreeMap<IpAddr, usize>>,
}

pub(crate) struct Share {
    shares: Arc<Shares>,
    address: IpAddr,
}

impl Shares {
    pub(crate) fn new(most: usize, most_each: usize) -> Arc<Self> {
        let held = Mutex::default();
        Arc::new(Self {
            most,
            most_each,
            held,
        })
    }

    pub(crate) fn all(&self) -> usize {
        self.lock().values().sum()
    }

    pub(crate) fn take(self: Arc<Self>, address: IpAddr) -> Option<Share> {
        let address = network_of(address);
        let mut held = self.lock();
        if held.values().sum::<usize>() >= self.most {
            return None;
        }
        let count = held.get(&address).copied().unwrap_or(0);
        if count >= self.most_each {
            return None;
        }
        held.insert(address, count + 1);
        drop(held);
        Some(Share {
            shares: self,
            address,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.lock();
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}
