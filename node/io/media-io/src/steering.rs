//! What the shards of an engine know of each other: which session, name and address is whose, and what the system gave to
//! the wrong one of them.
//!
//! ```text
//!  socket of shard 1 ─► whose? ── own tables ──► peer                     (all that one shard alone ever asks)
//!                        │ miss
//!                        └─ the tables here ──► batch for shard 2 ─► its inbox, woken once ─► peer
//!                             │ miss
//!                             └─► counted as foreign, dropped
//! ```
//!
//! Invariant: strangers make no entries here either, and nothing of theirs is copied or handed over. An address is
//! entered by the shard whose peer's ICE agent believed it ([`crate::demux`]), a name by the one that gave it.

use crate::{engine::SessionKey, outside::Named};
use plenary_udp::Received;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::{Notify, mpsc};

/// Bytes that may wait for a shard: as much as the kernel keeps for its socket.
const WAITING: usize = 4 << 20;
/// Emptied batches that are kept to be filled again.
const SPARE: usize = 16;
/// Of those that hold no more bytes than this: each shard keeps one for each other, too.
const SPARE_BYTES: usize = 64 << 10;

/// Of one engine.
pub(crate) struct Steering {
    inboxes: Vec<Inbox>,
    addresses: RwLock<HashMap<SocketAddr, usize>>,
    ufrags: RwLock<Ufrags>,
    keys: RwLock<HashMap<SessionKey, usize>>,
    /// Sessions of all shards.
    sessions: AtomicUsize,
}

/// The names of all sessions, and who hears of them.
#[derive(Default)]
struct Ufrags {
    shards: HashMap<String, usize>,
    hear: Vec<mpsc::UnboundedSender<Named>>,
}

impl Ufrags {
    fn tell(&mut self, named: &Named) {
        self.hear.retain(|hears| hears.send(named.clone()).is_ok());
    }
}

/// A shard among the others.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) me: usize,
    pub(crate) steering: Arc<Steering>,
}

/// One of the sessions that the engine takes; free again when this is dropped, however that comes.
pub(crate) struct Seat(Arc<Steering>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The shard of a room: the same for all that ask, without a table.
pub(crate) fn shard_of(room: &str, shards: usize) -> usize {
    // FNV-1a, whose low bits are mixed by the end of MurmurHash3: of names that differ in one digit, too.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in room.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    (hash ^ (hash >> 33)) as usize % shards.max(1)
}

impl Steering {
    /// The place of who hands something over and is no shard.
    pub(crate) const NOBODY: usize = usize::MAX;

    pub(crate) fn new(shards: usize) -> Self {
        Self {
            inboxes: (0..shards).map(|_| Inbox::default()).collect(),
            addresses: RwLock::default(),
            ufrags: RwLock::default(),
            keys: RwLock::default(),
            sessions: AtomicUsize::new(0),
        }
    }

    pub(crate) fn shards(&self) -> usize {
        self.inboxes.len()
    }

    /// One more session, if there are fewer than `most`.
    pub(crate) fn seat(self: &Arc<Self>, most: usize) -> Option<Seat> {
        let one_more = |taken: usize| (taken < most).then_some(taken + 1);
        let taken = self
            .sessions
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Seat(self.clone()))
    }

    /// The shard that has this session; the first one for a session that is over.
    pub(crate) fn of_key(&self, key: SessionKey) -> usize {
        read(&self.keys).get(&key).copied().unwrap_or(0)
    }

    /// The shard that gave this name.
    pub(crate) fn of_ufrag(&self, ufrag: &str) -> Option<usize> {
        read(&self.ufrags).shards.get(ufrag).copied()
    }

    /// All names, and what becomes of them from now on.
    pub(crate) fn hear_names(&self) -> (Vec<String>, mpsc::UnboundedReceiver<Named>) {
        let (hears, names) = mpsc::unbounded_channel();
        let mut ufrags = write(&self.ufrags);
        ufrags.hear.push(hears);
        (ufrags.shards.keys().cloned().collect(), names)
    }

    fn of_address(&self, address: SocketAddr) -> Option<usize> {
        if self.shards() == 1 {
            // The only one has its own table.
            return Some(0);
        }
        read(&self.addresses).get(&address).copied()
    }
}

/// What a shard tells the others, of whom there may be none.
impl Place {
    /// The only shard of its engine.
    #[cfg(test)]
    pub(crate) fn alone() -> Self {
        Self {
            me: 0,
            steering: Arc::new(Steering::new(1)),
        }
    }

    pub(crate) fn is_alone(&self) -> bool {
        self.steering.shards() == 1
    }

    pub(crate) fn begin(&self, key: SessionKey) {
        if !self.is_alone() {
            write(&self.steering.keys).insert(key, self.me);
        }
    }

    pub(crate) fn end(&self, key: SessionKey) {
        if !self.is_alone() {
            write(&self.steering.keys).remove(&key);
        }
    }

    pub(crate) fn name(&self, ufrag: &str) {
        let mut ufrags = write(&self.steering.ufrags);
        ufrags.shards.insert(ufrag.to_owned(), self.me);
        ufrags.tell(&Named::Begun(ufrag.to_owned()));
    }

    pub(crate) fn unname(&self, ufrag: &str) {
        let mut ufrags = write(&self.steering.ufrags);
        if remove_own(&mut ufrags.shards, ufrag, self.me) {
            ufrags.tell(&Named::Ended(ufrag.to_owned()));
        }
    }

    /// A peer of this shard speaks from there. Whoever had it before in another shard does no more.
    pub(crate) fn learn(&self, address: SocketAddr) {
        if self.is_alone() {
            return;
        }
        let before = write(&self.steering.addresses).insert(address, self.me);
        if let Some(other) = before.filter(|other| *other != self.me)
            && let Some(inbox) = self.steering.inboxes.get(other)
        {
            let mut held = inbox.lock();
            if held.lost.last() != Some(&address) {
                held.lost.push(address);
            }
            drop(held);
            inbox.wake.notify_one();
        }
    }

    pub(crate) fn forget(&self, address: SocketAddr) {
        if !self.is_alone() {
            remove_own(&mut write(&self.steering.addresses), &address, self.me);
        }
    }

    /// Until there is something in the inbox of this shard.
    pub(crate) async fn wait(&self) {
        match self.steering.inboxes.get(self.me) {
            Some(inbox) => inbox.wake.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Takes what is in the inbox of this shard: batches into `batches`, and addresses that moved on to other shards.
    pub(crate) fn take(&self, batches: &mut Vec<Batch>) -> Vec<SocketAddr> {
        let Some(inbox) = self.steering.inboxes.get(self.me) else {
            return Vec::new();
        };
        let mut lost = {
            let mut held = inbox.lock();
            held.bytes = 0;
            batches.append(&mut held.batches);
            std::mem::take(&mut held.lost)
        };
        if !lost.is_empty() {
            // It may have come back meanwhile.
            let addresses = read(&self.steering.addresses);
            lost.retain(|address| addresses.get(address) != Some(&self.me));
        }
        lost
    }

    /// Gives batches back, to be filled again.
    pub(crate) fn give_back(&self, batches: &mut Vec<Batch>) {
        if let Some(inbox) = self.steering.inboxes.get(self.me)
            && !batches.is_empty()
        {
            let mut held = inbox.lock();
            for mut batch in batches.drain(..) {
                if held.spare.len() < SPARE && batch.bytes.capacity() <= SPARE_BYTES {
                    batch.clear();
                    held.spare.push(batch);
                }
            }
        }
    }

    /// The shard is over: what it had is nobody's. Not its sessions: who asks for them is told so by its silence.
    pub(crate) fn leave(&self) {
        write(&self.steering.addresses).retain(|_, shard| *shard != self.me);
        let mut ufrags = write(&self.steering.ufrags);
        let of_me = ufrags.shards.extract_if(|_, shard| *shard == self.me);
        let ended: Vec<String> = of_me.map(|(ufrag, _)| ufrag).collect();
        for ufrag in ended {
            ufrags.tell(&Named::Ended(ufrag));
        }
        drop(ufrags);
        if let Some(inbox) = self.steering.inboxes.get(self.me) {
            let mut held = inbox.lock();
            *held = Held {
                is_closed: true,
                ..Held::default()
            };
        }
    }
}

fn remove_own<K, Q>(table: &mut HashMap<K, usize>, key: &Q, me: usize) -> bool
where
    K: std::hash::Hash + Eq + std::borrow::Borrow<Q>,
    Q: std::hash::Hash + Eq + ?Sized,
{
    let is_own = table.get(key) == Some(&me);
    if is_own {
        table.remove(key);
    }
    is_own
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// What others have for a shard.
#[derive(Default)]
struct Inbox {
    held: Mutex<Held>,
    wake: Notify,
}

#[derive(Default)]
struct Held {
    batches: Vec<Batch>,
    bytes: usize,
    spare: Vec<Batch>,
    /// Addresses that speak to another shard now: one for each that an ICE agent believed, so they are few.
    lost: Vec<SocketAddr>,
    is_closed: bool,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a batch in and an empty one in its place; `false` if there is no room, or nobody to read it.
    fn put(&self, batch: &mut Batch) -> bool {
        let mut held = self.lock();
        if held.is_closed || held.bytes + batch.bytes.len() > WAITING {
            return false;
        }
        held.bytes += batch.bytes.len();
        let wakes = held.batches.is_empty();
        let empty = held.spare.pop().unwrap_or_default();
        held.batches.push(std::mem::replace(batch, empty));
        drop(held);
        if wakes {
            self.wake.notify_one();
        }
        true
    }
}

/// Datagrams, one behind the other.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    heads: Vec<Head>,
}

struct Head {
    source: SocketAddr,
    destination: SocketAddr,
    length: usize,
}

impl Batch {
    fn push(&mut self, datagram: &Received<'_>) {
        self.bytes.extend_from_slice(datagram.bytes);
        self.heads.push(Head {
            source: datagram.source,
            destination: datagram.destination,
            length: datagram.bytes.len(),
        });
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.heads.clear();
    }

    pub(crate) fn datagrams(&self) -> impl Iterator<Item = Received<'_>> {
        let mut rest = self.bytes.as_slice();
        self.heads.iter().map(move |head| {
            let (bytes, after) = rest.split_at_checked(head.length).unwrap_or_default();
            rest = after;
            Received {
                source: head.source,
                destination: head.destination,
                bytes,
            }
        })
    }
}

/// What a shard has read for others and not handed over yet.
pub(crate) struct Outgoing {
    place: Place,
    /// By shard.
    batches: Vec<Batch>,
    /// The last address that was looked up, so that a train of datagrams costs one look.
    last: Option<(SocketAddr, usize)>,
}

impl Outgoing {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            batches: (0..place.steering.shards()).map(|_| Batch::default()).collect(),
            place,
            last: None,
        }
    }

    /// Takes a datagram that names a peer of another shard; `false` if there is none of that name.
    pub(crate) fn take_named(&mut self, ufrag: &str, datagram: &Received<'_>) -> bool {
        let owner = self.place.steering.of_ufrag(ufrag);
        self.put(owner, datagram)
    }

    /// Takes one from where a peer of another shard is; `false` if it is a stranger's.
    pub(crate) fn take_from(&mut self, datagram: &Received<'_>) -> bool {
        let source = datagram.source;
        let owner = match self.last {
            Some((address, owner)) if address == source => Some(owner),
            _ => self.place.steering.of_address(source),
        };
        self.last = owner.map(|owner| (source, owner));
        self.put(owner, datagram)
    }

    fn put(&mut self, owner: Option<usize>, datagram: &Received<'_>) -> bool {
        let owner = owner.filter(|owner| *owner != self.place.me);
        let Some(batch) = owner.and_then(|owner| self.batches.get_mut(owner)) else {
            return false;
        };
        batch.push(datagram);
        true
    }

    /// Hands over what there is. Gives how many datagrams others have now, and how many they had no room for.
    pub(crate) fn hand_over(&mut self) -> (u64, u64) {
        let (mut given, mut dropped) = (0, 0);
        self.last = None;
        for (batch, inbox) in self.batches.iter_mut().zip(&self.place.steering.inboxes) {
            let count = batch.heads.len() as u64;
            if count == 0 {
                continue;
            }
            if inbox.put(batch) {
                given += count;
            } else {
                dropped += count;
                batch.clear();
            }
        }
        (given, dropped)
    }
}

#[cfg(test)]
mod tests;
