//! Clients whose datagrams come and go by another way than the socket: through a Border Controller (ENT-04).
//!
//! ```text
//!  Arrivals ─► batches ─► inbox of the shard ─► peer ─► Exit ─► whose candidate did it use? ─► Carrier
//! ```
//!
//! Each way has an address that clients are told as a candidate (RFC 8839). What comes by it counts as sent to that
//! address, and what a peer sends from there goes by it.

use crate::{
    engine::Engine,
    figures::add,
    steering::{Outgoing, Place, Steering},
};
use plenary_udp::Received;
use std::{
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

/// Takes datagrams to clients. Never waits.
pub trait Carrier: Send + Sync {
    /// Whether it was taken.
    fn carry(&self, client: SocketAddr, datagram: &[u8]) -> bool;
}

/// An address of ours, and what carries what is sent from there.
#[derive(Clone)]
pub(crate) struct Carried {
    pub(crate) address: SocketAddr,
    pub(crate) carrier: Arc<dyn Carrier>,
    /// How often what it led to was lost.
    losses: u64,
    /// How often it led somewhere again.
    returns: u64,
}

/// What became of ways since somebody looked.
#[derive(Default)]
pub(crate) struct Moved {
    /// These led somewhere and do not any more: who is met there hears nothing.
    pub(crate) lost: Vec<SocketAddr>,
    /// One leads somewhere again, or is new.
    pub(crate) back: bool,
}

/// All ways of an engine.
#[derive(Default)]
pub(crate) struct Ways {
    all: RwLock<Vec<Carried>>,
    /// Addresses at which clients are met by TCP; what comes there is brought by [`Outside::take`].
    by_tcp: RwLock<Vec<SocketAddr>>,
    /// Another one whenever they change.
    version: AtomicU64,
}

impl Ways {
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|way| way.address).collect()
    }

    pub(crate) fn by_tcp(&self) -> Vec<SocketAddr> {
        self.by_tcp.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change_tcp(&self, change: impl FnOnce(&mut Vec<SocketAddr>)) {
        change(&mut self.by_tcp.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Carried>)) {
        change(&mut self.all.write().unwrap_or_else(PoisonError::into_inner));
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// The ways as a shard knows them, so that nothing is locked for a packet.
#[derive(Default)]
pub(crate) struct KnownWays {
    version: u64,
    pub(crate) all: Vec<Carried>,
}

impl KnownWays {
    pub(crate) fn look(&mut self, ways: &Ways) -> Moved {
        let version = ways.version.load(Ordering::Acquire);
        if version == self.version {
            return Moved::default();
        }
        self.version = version;
        let now = ways.all.read().unwrap_or_else(PoisonError::into_inner).clone();
        let before = std::mem::replace(&mut self.all, now);
        let is_new = |way: &Carried| !before.iter().any(|was| was.address == way.address);
        let mut moved = Moved {
            back: self.all.iter().any(is_new),
            ..Moved::default()
        };
        for was in before {
            let mut same = self.all.iter().filter(|way| way.address == was.address);
            moved.back |= same.clone().any(|way| way.returns > was.returns);
            if !same.any(|way| way.losses <= was.losses) {
                moved.lost.push(was.address);
            }
        }
        moved
    }
}

/// The engine, for who brings it clients from outside.
#[derive(Clone)]
pub struct Outside {
    engine: Engine,
}

/// A way, until this is dropped.
pub struct Way {
    ways: Arc<Ways>,
    address: SocketAddr,
    carrier: Arc<dyn Carrier>,
}

impl Way {
    /// What it led to is lost. The sessions of browsers that are met there end, so that these hear of it at once and come anew;
    /// ICE takes some fifteen seconds for it. Clients are still told of the address.
    pub fn lose(&self) {
        self.change(|way| way.losses += 1);
    }

    /// It leads somewhere again. Browsers that have waited for a connection meanwhile begin anew, too: ICE has tried in vain and
    /// would try again late, or never.
    pub fn regain(&self) {
        self.change(|way| way.returns += 1);
    }

    fn change(&self, change: impl Fn(&mut Carried)) {
        self.ways
            .change(|all| all.iter_mut().filter(|way| self.is(way)).for_each(change));
    }

    fn is(&self, way: &Carried) -> bool {
        way.address == self.address && Arc::ptr_eq(&way.carrier, &self.carrier)
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.ways.change(|all| all.retain(|way| !self.is(way)));
    }
}

/// An address for TCP, until this is dropped.
pub struct TcpWay {
    ways: Arc<Ways>,
    address: SocketAddr,
}

impl Drop for TcpWay {
    fn drop(&mut self) {
        self.ways.change_tcp(|all| {
            // Another one of the same address may be there already.
            if let Some(at) = all.iter().position(|address| *address == self.address) {
                all.remove(at);
            }
        });
    }
}

/// What became of an ICE name of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Begun(String),
    Ended(String),
}

impl Outside {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Clients are told of this address from now on, and what is sent from there is carried so.
    pub fn open(&self, address: SocketAddr, carrier: Arc<dyn Carrier>) -> Way {
        let ways = self.engine.threads.ways.clone();
        ways.change(|all| {
            all.push(Carried {
                address,
                carrier: carrier.clone(),
                losses: 0,
                returns: 0,
            });
        });
        Way {
            ways,
            address,
            carrier,
        }
    }

    /// Clients from outside are told of this address for TCP (RFC 6544) from now on.
    pub fn open_tcp(&self, address: SocketAddr) -> TcpWay {
        let ways = self.engine.threads.ways.clone();
        ways.change_tcp(|all| all.push(address));
        TcpWay { ways, address }
    }

    /// Serves a client's connection that came to `at`, one of a [`TcpWay`], until either side ends it.
    pub async fn take(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        client: SocketAddr,
        at: SocketAddr,
    ) {
        self.engine.threads.doors.clone().take(stream, client, at).await;
    }

    /// The ICE names of all sessions, and what becomes of them from now on.
    pub fn names(&self) -> (Vec<String>, mpsc::UnboundedReceiver<Named>) {
        self.engine.threads.steering.hear_names()
    }

    /// Where what comes from outside is put.
    pub fn arrivals(&self) -> Arrivals {
        let steering = self.engine.threads.steering.clone();
        Arrivals {
            engine: self.engine.clone(),
            outgoing: Outgoing::new(Place {
                me: Steering::NOBODY,
                steering,
            }),
        }
    }
}

/// Datagrams from outside on their way to the shards.
pub struct Arrivals {
    engine: Engine,
    outgoing: Outgoing,
}

impl Arrivals {
    /// Puts one in that came to `address`, which is that of a [`Way`]. Gives whether a session of ours may know it.
    pub fn put(&mut self, client: SocketAddr, address: SocketAddr, bytes: &[u8]) -> bool {
        let datagram = Received {
            source: client,
            destination: address,
            bytes,
        };
        let name = plenary_stun::ufrag_of(bytes);
        name.is_some_and(|name| self.outgoing.take_named(name, &datagram))
            || self.outgoing.take_from(&datagram)
    }

    /// Hands over what was put in.
    pub fn hand_over(&mut self) {
        let (given, dropped) = self.outgoing.hand_over();
        if let Some(figures) = self.engine.threads.figures.last() {
            add(&figures.handed_over, given);
            add(&figures.hand_over_dropped, dropped);
        }
    }
}
