//! What people do at this moment, as the feeds of their servers tell this instance; in memory only.

use plenary_directory_client::Presence;
use plenary_model::ServerName;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// After so much silence of a server nobody knows what its people do.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// By server; the newest feed counts.
#[derive(Debug, Default)]
pub(crate) struct Presences(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last_feed: u64,
    servers: HashMap<ServerName, Told>,
}

#[derive(Debug)]
struct Told {
    feed: u64,
    heard: Instant,
    /// Whoever is missing is offline.
    people: HashMap<String, Presence>,
}

impl Presences {
    /// A feed begins; gives its number.
    pub(crate) fn begin(&self, server: &ServerName, now: Instant) -> u64 {
        let mut state = self.lock();
        state.last_feed += 1;
        let feed = state.last_feed;
        // What the one before told counts until this one says all.
        match state.servers.get_mut(server) {
            Some(told) => told.feed = feed,
            None => {
                let people = HashMap::new();
                let told = Told {
                    feed,
                    heard: now,
                    people,
                };
                state.servers.insert(server.clone(), told);
            }
        }
        feed
    }

    /// The feed said something; `false` if a newer one counts.
    pub(crate) fn heard(&self, server: &ServerName, feed: u64, now: Instant) -> bool {
        match self.lock().servers.get_mut(server) {
            Some(told) if told.feed == feed => {
                told.heard = now;
                true
            }
            _ => false,
        }
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
        let mut state = self.lock();
        let Some(told) = state.servers.get_mut(server).filter(|told| told.feed == feed) else {
            return;
        };
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
        self.lock().servers.remove(server);
    }

    pub(crate) fn of(&self, server: &ServerName, user: &str, now: Instant) -> Presence {
        let state = self.lock();
        let told = state.servers.get(server);
        let told = told.filter(|told| now.saturating_duration_since(told.heard) < SILENCE);
        told.map_or(Presence::Unknown, |told| {
            told.people.get(user).copied().unwrap_or(Presence::Offline)
        })
    }

    /// Whether a server was heard within the last seconds.
    pub(crate) fn is_heard(&self, server: &ServerName, now: Instant) -> bool {
        let state = self.lock();
        let told = state.servers.get(server);
        told.is_some_and(|told| now.saturating_duration_since(told.heard) < SILENCE)
    }

    pub(crate) fn servers_heard(&self, now: Instant) -> usize {
        let state = self.lock();
        let heard = |told: &&Told| now.saturating_duration_since(told.heard) < SILENCE;
        state.servers.values().filter(heard).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // It is whole after every operation, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
}
