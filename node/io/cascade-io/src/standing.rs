//! What of a link depends on who is at its other end: how long it may last, how much it carries, what it may say.

use crate::{doors::Close, driver::End, peers::Arrival, tls::Peer};
use plenary_cascade::Control;
use plenary_identity::Identity;
use tokio::sync::{mpsc, watch};

pub(crate) trait Standing: Send {
    /// Comes when the link is to end. May be dropped and asked again at any time.
    fn over(&mut self) -> impl Future<Output = End> + Send;

    /// The most that is sent; none where only the way counts.
    fn bytes_per_s(&self) -> Option<u64>;

    /// Whether a datagram may leave now.
    fn may_send(&mut self) -> bool;

    /// One has left.
    fn sent(&mut self, bytes: usize);

    /// Whether a datagram that came is looked at.
    fn bears(&mut self, now_us: u64, bytes: usize) -> bool;

    /// Whether so many more messages are in order.
    fn hears(&mut self, now_us: u64, messages: usize) -> bool;

    /// Makes of what came over the wire what counts here; `false` for what does not.
    fn take(&self, message: &mut Control) -> bool;
}

/// A node of this server. It is believed, and limited by the way only.
pub(crate) struct OwnNode<'a> {
    identity: &'a Identity,
    peer: Peer,
    /// Newer connections of it.
    arriving: &'a mut mpsc::Receiver<Arrival>,
    revoked: watch::Receiver<u64>,
    /// Whether it may have been revoked since it was looked at last.
    look: bool,
    /// The connection that takes the place of this one.
    pub(crate) newer: Option<Arrival>,
}

impl<'a> OwnNode<'a> {
    pub(crate) fn new(identity: &'a Identity, peer: Peer, arriving: &'a mut mpsc::Receiver<Arrival>) -> Self {
        Self {
            identity,
            peer,
            arriving,
            revoked: identity.revocations().subscribe(),
            // Also what was revoked since the handshake.
            look: true,
            newer: None,
        }
    }
}

impl Standing for OwnNode<'_> {
    async fn over(&mut self) -> End {
        loop {
            if std::mem::take(&mut self.look) && self.peer.is_revoked(self.identity) {
                return End::Closed(Close::Revoked);
            }
            tokio::select! {
                biased;
                arrival = self.arriving.recv() => {
                    self.newer = arrival;
                    return if self.newer.is_some() { End::Replaced } else { End::Stopped };
                }
                changed = self.revoked.changed() => match changed {
                    Ok(()) => self.look = true,
                    // The identity outlives the link.
                    Err(_) => std::future::pending().await,
                },
            }
        }
    }

    fn bytes_per_s(&self) -> Option<u64> {
        None
    }

    fn may_send(&mut self) -> bool {
        true
    }

    fn sent(&mut self, _: usize) {}

    fn bears(&mut self, _: u64, _: usize) -> bool {
        true
    }

    fn hears(&mut self, _: u64, _: usize) -> bool {
        true
    }

    fn take(&self, _: &mut Control) -> bool {
        true
    }
}
