//! What people do at this moment, as the feeds of their servers tell this instance; in memory only.

use plenary_directory_client::Presence;
use plenary_model::ServerName;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// After so much silence of a server nobody knows what its people do.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// By server; the newest feed counts. Each server has a lock of its own: what thousands of its people do is taken in one
/// piece, and nobody who asks about others waits for that.
#[derive(Debug, Default)]
pub(crate) struct Presences {
    last_feed: AtomicU64,
    servers: RwLock<HashMap<ServerName, Arc<Mutex<Told>>>>,
}

#[derive(Debug)]
struct Told {
    feed: u64,
    heard: Instant,
    /// Whoever is missing is offline.
    people: HashMap<String, Presence>,
}

impl Told {
    fn is_heard(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) < SILENCE
    }
}

impl Presences {
    /// A feed begins; gives its number.
    pub(crate) fn begin(&self, server: &ServerName, now: Instant) -> u64 {
        let feed = self.last_feed.fetch_add(1, Ordering::Relaxed) + 1;
        let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
        let told = servers.entry(server.clone()).or_insert_with(|| {
            Arc::new(Mutex::new(Told {
                feed,
                heard: now,
                people: HashMap::new(),
            }))
        });
        // What the one before told counts until this one says all.
        lock(told).feed = feed;
        feed
    }

    /// The feed said something; `false` if a newer one counts.
    pub(crate) fn heard(&self, server: &ServerName, feed: u64, now: Instant) -> bool {
        let Some(told) = self.told(server) else {
            return false;
        };
        let mut told = lock(&told);
        let counts = told.feed == feed;
        if counts {
            told.heard = now;
        }
        counts
    }

    /// Takes what a feed tells: of everybody, or of some. Of more than `most` people nothing is kept.
    pub(crate) fn tell(
        &self,
        server: &ServerName,
        feed: u64,
        all: bool,
        people: impl IntoIterator<Item = (String, Presence)>,
        most: usize,
    ) {
        let Some(told) = self.told(server) else { return };
        let mut told = lock(&told);
        if told.feed != feed {
            return;
        }
        if all {
            told.people.clear();
        }
        for (user, presence) in people {
            match presence {
                Presence::Offline => drop(told.people.remove(&user)),
                _ if told.people.len() < most || told.people.contains_key(&user) => {
                    told.people.insert(user, presence);
                }
                _ => {}
            }
        }
    }

    /// The server is none of ours any more.
    pub(crate) fn forget(&self, server: &ServerName) {
        let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
        servers.remove(server);
    }

    pub(crate) fn of(&self, server: &ServerName, user: &str, now: Instant) -> Presence {
        let Some(told) = self.told(server) else {
            return Presence::Unknown;
        };
        let told = lock(&told);
        match told.is_heard(now) {
            true => told.people.get(user).copied().unwrap_or(Presence::Offline),
            false => Presence::Unknown,
        }
    }

    /// Whether a server was heard within the last seconds.
    pub(crate) fn is_heard(&self, server: &ServerName, now: Instant) -> bool {
        self.told(server).is_some_and(|told| lock(&told).is_heard(now))
    }

    pub(crate) fn servers_heard(&self, now: Instant) -> usize {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        let servers: Vec<_> = servers.values().cloned().collect();
        servers.iter().filter(|told| lock(told).is_heard(now)).count()
    }

    fn told(&self, server: &ServerName) -> Option<Arc<Mutex<Told>>> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        servers.get(server).cloned()
    }
}

/// What these locks guard is whole after every operation, so a panic elsewhere does not spoil it.
fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_feed_counts_and_silence_makes_unknown() {
        let (presences, start) = (Presences::default(), Instant::now());
        let paris: ServerName = "paris.example.com".parse().expect("good");
        let of = |user: &str, now| presences.of(&paris, user, now);
        assert_eq!(of("alice", start), Presence::Unknown);
        let old = presences.begin(&paris, start);
        presences.tell(&paris, old, true, [("alice".into(), Presence::InCall)], 10);
        assert_eq!(of("alice", start), Presence::InCall);
        assert_eq!(of("bob", start), Presence::Offline);
        let new = presences.begin(&paris, start);
        presences.tell(&paris, old, false, [("alice".into(), Presence::Online)], 10);
        assert_eq!(of("alice", start), Presence::InCall, "an old feed tells nothing");
        assert!(!presences.heard(&paris, old, start + SILENCE));
        assert_eq!(of("alice", start + SILENCE), Presence::Unknown);
        assert!(presences.heard(&paris, new, start + SILENCE));
        assert_eq!(of("alice", start + SILENCE), Presence::InCall);
        presences.tell(&paris, new, true, [("bob".into(), Presence::Online)], 10);
        assert_eq!(of("alice", start), Presence::Offline);
        presences.tell(&paris, new, false, [("carol".into(), Presence::Online)], 1);
        assert_eq!(of("carol", start), Presence::Offline, "there are too many");
        presences.forget(&paris);
        assert_eq!(of("bob", start), Presence::Unknown);
    }

    #[test]
    fn what_thousands_of_one_server_do_holds_nobody_up_who_asks_about_another() {
        let (presences, now) = (Presences::default(), Instant::now());
        let paris: ServerName = "paris.example.com".parse().expect("good");
        let oslo: ServerName = "oslo.example.com".parse().expect("good");
        let (of_paris, of_oslo) = (presences.begin(&paris, now), presences.begin(&oslo, now));
        presences.tell(&oslo, of_oslo, true, [("bob".into(), Presence::Online)], 10);
        // While it is told of Paris, somebody asks about Oslo.
        let people = (0..3).map(|n| {
            assert_eq!(presences.of(&oslo, "bob", now), Presence::Online);
            (format!("u{n}"), Presence::Online)
        });
        presences.tell(&paris, of_paris, true, people, 10);
        assert_eq!(presences.of(&paris, "u2", now), Presence::Online);
    }
}
