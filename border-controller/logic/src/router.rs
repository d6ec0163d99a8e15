//! What those who decide where datagrams go have in common.

use crate::{Dropped, FlowId, Flows, Links, Passed, TunnelId, media::Millis};
use std::net::SocketAddr;

/// Decides which datagrams go where: [`Flows`] those of clients, [`Links`] those of partners.
pub trait Router: Send + 'static {
    /// Where a datagram from outside goes.
    ///
    /// # Errors
    /// [`Dropped`]: nowhere.
    fn inbound(&mut self, now: Millis, from: SocketAddr, datagram: &[u8]) -> Result<Passed, Dropped>;

    /// Where a datagram of a node goes; `None`: nowhere.
    fn outbound(&mut self, now: Millis, tunnel: TunnelId, id: FlowId, datagram: &[u8]) -> Option<SocketAddr>;

    /// Forgets what was silent for too long; to be called every second or so.
    fn sweep(&mut self, now: Millis);

    /// A tunnel is gone, with all that went through it.
    fn down(&mut self, tunnel: TunnelId);

    /// Flows that are up.
    fn up(&self) -> usize;

    /// Flows that are tried.
    fn tried(&self) -> usize;
}

macro_rules! router {
    ($who:ty) => {
        impl Router for $who {
            fn inbound(&mut self, now: Millis, from: SocketAddr, datagram: &[u8]) -> Result<Passed, Dropped> {
                <$who>::inbound(self, now, from, datagram)
            }

            fn outbound(
                &mut self,
                now: Millis,
                tunnel: TunnelId,
                id: FlowId,
                datagram: &[u8],
            ) -> Option<SocketAddr> {
                <$who>::outbound(self, now, tunnel, id, datagram)
            }

            fn sweep(&mut self, now: Millis) {
                <$who>::sweep(self, now);
            }

            fn down(&mut self, tunnel: TunnelId) {
                <$who>::down(self, tunnel);
            }

            fn up(&self) -> usize {
                <$who>::up(self)
            }

            fn tried(&self) -> usize {
                <$who>::tried(self)
            }
        }
    };
}

router!(Flows);
router!(Links);
