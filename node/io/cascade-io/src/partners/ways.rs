//! Other ways than the own socket by which datagrams of partners come: through what stands in front of the nodes.
//!
//! ```text
//!  own socket ─────────────────────────┐
//!  a carrier ─► Way::arrive ─► queue ──┴─► the QUIC endpoint ─► the own socket, or the carrier by which the connection came
//! ```
//! Each way has an address of this machine's that no packet ever has on a network: by it QUIC says where an answer goes.

use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit},
};
use std::{
    collections::HashMap,
    fmt,
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// Datagrams that came and were not read yet; more are lost, as by a socket that is full.
const WAITING: usize = 1_024;
/// The discard-only block (RFC 6666): the last 64 bits are the number of a way.
const BLOCK: u128 = 0x0100 << 112;

/// Brings datagrams to partners that came by it. Called by the endpoint: must not wait.
pub trait Carrier: Send + Sync + 'static {
    /// Sends one, or loses it.
    fn carry(&self, partner: SocketAddr, datagram: &[u8]);

    /// Whoever is there has proved to be a server that this one meets.
    fn prove(&self, partner: SocketAddr);
}

/// A datagram, from whom, and by which way.
struct Came {
    partner: SocketAddr,
    by: IpAddr,
    bytes: Vec<u8>,
}

/// All ways of an endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Ways(Arc<Inner>);

struct Inner {
    carriers: RwLock<HashMap<IpAddr, Arc<dyn Carrier>>>,
    last: AtomicU64,
    came: mpsc::Sender<Came>,
}

impl Ways {
    /// Opens one; it is open until what this gives is dropped.
    pub fn open(&self, carrier: Arc<dyn Carrier>) -> Way {
        let number = self.0.last.fetch_add(1, Ordering::Relaxed) + 1;
        let by = IpAddr::V6(Ipv6Addr::from_bits(BLOCK | u128::from(number)));
        let mut carriers = self.0.carriers.write().unwrap_or_else(PoisonError::into_inner);
        carriers.insert(by, carrier);
        Way {
            ways: self.clone(),
            by,
        }
    }

    fn carrier(&self, by: IpAddr) -> Option<Arc<dyn Carrier>> {
        let carriers = self.0.carriers.read().unwrap_or_else(PoisonError::into_inner);
        carriers.get(&by).cloned()
    }

    /// A connection with this local address has a server at its other end that this one meets.
    pub(super) fn prove(&self, by: Option<IpAddr>, partner: SocketAddr) {
        if let Some(carrier) = by.and_then(|by| self.carrier(by)) {
            carrier.prove(partner);
        }
    }
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ways")
    }
}

/// One way, while it is open.
#[derive(Debug)]
pub struct Way {
    ways: Ways,
    by: IpAddr,
}

impl Way {
    /// A datagram came by it.
    pub fn arrive(&self, partner: SocketAddr, datagram: &[u8]) {
        let came = Came {
            partner,
            by: self.by,
            bytes: datagram.to_vec(),
        };
        self.ways.0.came.try_send(came).ok();
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        let carriers = &self.ways.0.carriers;
        let mut carriers = carriers.write().unwrap_or_else(PoisonError::into_inner);
        carriers.remove(&self.by);
    }
}

/// A socket to which all ways lead.
pub(super) struct Crossroads {
    own: Arc<dyn AsyncUdpSocket>,
    ways: Ways,
    came: Mutex<mpsc::Receiver<Came>>,
}

impl Crossroads {
    pub(super) fn new(own: Arc<dyn AsyncUdpSocket>) -> (Arc<Self>, Ways) {
        let (sender, came) = mpsc::channel(WAITING);
        let ways = Ways(Arc::new(Inner {
            carriers: RwLock::default(),
            last: AtomicU64::new(0),
            came: sender,
        }));
        let crossroads = Arc::new(Self {
            own,
            ways: ways.clone(),
            came: Mutex::new(came),
        });
        (crossroads, ways)
    }

    /// Takes what came by other ways than the own socket, into so many buffers.
    fn take(&self, cx: &mut Context<'_>, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> usize {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = 0;
        while let Some((buffer, meta)) = bufs.get_mut(taken).zip(meta.get_mut(taken)) {
            let Poll::Ready(Some(one)) = came.poll_recv(cx) else {
                break;
            };
            let length = one.bytes.len();
            // Longer than any that QUIC asked for.
            let Some(place) = buffer.get_mut(..length) else {
                continue;
            };
            place.copy_from_slice(&one.bytes);
            *meta = RecvMeta {
                addr: one.partner,
                len: length,
                stride: length,
                ecn: None,
                dst_ip: Some(one.by),
            };
            taken += 1;
        }
        taken
    }
}

impl fmt::Debug for Crossroads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crossroads")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Crossroads {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.own.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let by = transmit.src_ip.filter(|by| is_way(*by));
        let Some(by) = by else {
            return self.own.try_send(transmit);
        };
        // Of a way that is closed it is lost, as where a cable was pulled.
        if let Some(carrier) = self.ways.carrier(by) {
            let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
            for datagram in transmit.contents.chunks(size) {
                carrier.carry(transmit.destination, datagram);
            }
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        // Half of the room at most: whoever floods one way does not keep out the other.
        let most = bufs.len().min(meta.len()).div_ceil(2);
        let (carried, own) = bufs.split_at_mut(most);
        let (carried_meta, own_meta) = meta.split_at_mut(most);
        let taken = self.take(cx, carried, carried_meta);
        if taken == 0 {
            // They stand at the beginning: the own socket has all.
            return self.own.poll_recv(cx, bufs, meta);
        }
        if taken < most || own.is_empty() {
            return Poll::Ready(Ok(taken));
        }
        match self.own.poll_recv(cx, own, own_meta) {
            Poll::Ready(more) => Poll::Ready(Ok(taken + more.unwrap_or(0))),
            Poll::Pending => Poll::Ready(Ok(taken)),
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.own.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.own.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.own.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.own.may_fragment()
    }
}

fn is_way(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.to_bits() >> 64 == BLOCK >> 64)
}
