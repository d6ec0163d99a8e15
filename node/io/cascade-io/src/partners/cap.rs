//! What all links of this node with one server carry together.

use super::bounds::Meter;
use plenary_model::ServerName;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Instant,
};

/// More than was agreed that may come, in percent: pictures are not all of one size.
const TOLERATED: u64 = 125;
/// What may leave at once, as a part of a second's.
const AT_ONCE: u64 = 50;
/// The least of that: two large datagrams.
const AT_ONCE_LEAST: u64 = 3_000;

/// The limits of each server that there are links with.
#[derive(Default)]
pub(super) struct Caps(Mutex<BTreeMap<ServerName, Weak<Cap>>>);

impl Caps {
    /// For one more link with that server, as long as it is held.
    pub(super) fn of(&self, server: &ServerName) -> Arc<Cap> {
        let mut caps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        caps.retain(|_, cap| cap.strong_count() > 0);
        if let Some(cap) = caps.get(server).and_then(Weak::upgrade) {
            return cap;
        }
        let cap = Arc::new(Cap::new());
        caps.insert(server.clone(), Arc::downgrade(&cap));
        cap
    }
}

/// Limits that links share, in bytes a second; each link says the limit that counts.
pub(super) struct Cap {
    /// All of them count from here.
    begin: Instant,
    ways: Mutex<Ways>,
}

struct Ways {
    sends: Meter,
    receives: Meter,
}

impl Cap {
    fn new() -> Self {
        Self {
            begin: Instant::now(),
            ways: Mutex::new(Ways {
                sends: Meter::new(0, AT_ONCE_LEAST),
                receives: Meter::new(0, u64::MAX),
            }),
        }
    }

    pub(super) fn may_send(&self, limit: u64) -> bool {
        self.may_send_at(self.now_us(), limit)
    }

    fn may_send_at(&self, now_us: u64, limit: u64) -> bool {
        let sends = &mut self.ways().sends;
        sends.set(limit, (limit / AT_ONCE).max(AT_ONCE_LEAST));
        sends.has(now_us)
    }

    pub(super) fn sent(&self, bytes: u64) {
        self.ways().sends.take(bytes);
    }

    pub(super) fn bears(&self, limit: u64, bytes: u64) -> bool {
        self.bears_at(self.now_us(), limit, bytes)
    }

    fn bears_at(&self, now_us: u64, limit: u64, bytes: u64) -> bool {
        let limit = limit.saturating_mul(TOLERATED) / 100;
        let receives = &mut self.ways().receives;
        receives.set(limit, limit);
        receives.try_take(now_us, bytes)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_with_one_server_share_what_it_may_have() {
        let caps = Caps::default();
        let (oslo, rome) = ("oslo.example.net", "rome.example.org");
        let of = |server: &str| caps.of(&server.parse().expect("a name"));
        let (one, two, other) = (of(oslo), of(oslo), of(rome));
        let now = one.now_us();
        assert!(one.may_send_at(now, 1) && two.may_send_at(now, 1));
        one.sent(AT_ONCE_LEAST);
        assert!(!one.may_send_at(now, 1) && !two.may_send_at(now, 1));
        assert!(other.may_send_at(now, 1));
        assert!(two.bears_at(now, 800, 1_000));
        assert!(!one.bears_at(now, 800, 1));
        assert!(other.bears_at(now, 800, 1));
        drop((one, two));
        assert!(
            of(oslo).may_send_at(now, 1),
            "nothing is kept of links that are gone"
        );
    }
}
