//! How much servers and their people may ask and tell.

use crate::{config::Limits, refusal::Refusal};
use plenary_model::{Buckets, ServerName};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most entries in an answer.
pub(crate) const HITS: usize = 50;
/// Searches of one user that are remembered.
const REMEMBERED: usize = 16;
/// Users whose searches are remembered.
const USERS: usize = 10_000;
/// That somebody walks is written down once within this.
const TELL_EVERY: Duration = Duration::from_secs(600);

type User = (ServerName, String);

/// Who may ask at this moment.
///
/// Beside how often one asks it counts how many *different* things one looks for: typing on is one search, and so is going
/// back. Whoever reads the directory out looks for many, and gets a few each minute.
pub(crate) struct Gate {
    servers: Buckets<ServerName>,
    users: Buckets<User>,
    searches: Buckets<User>,
    hellos: Buckets<ServerName>,
    recent: Mutex<HashMap<User, Recent>>,
}

#[derive(Default)]
struct Recent {
    searches: VecDeque<String>,
    told: Option<Instant>,
}

/// Why a question is not answered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// Too many questions.
    Often(Refusal),
    /// Too many different ones; `true`: somebody should know.
    Walks(Refusal, bool),
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        let of_server = f64::from(limits.queries_per_second);
        let of_user = f64::from(limits.user_queries_per_second);
        let searches = f64::from(limits.user_searches_per_minute);
        Self {
            servers: Buckets::new(2.0 * of_server, of_server),
            users: Buckets::new(4.0 * of_user, of_user),
            searches: Buckets::new(3.0 * searches, searches / 60.0),
            hellos: Buckets::new(60.0, 5.0),
            recent: Mutex::default(),
        }
    }

    /// A feed begins: each costs the database something, also where the key is wrong.
    pub(crate) fn hello(&self, server: &ServerName, now: Instant) -> Result<(), Refusal> {
        let slow = |seconds| Refusal::SlowDown {
            what: "your server begins feeds too often",
            seconds,
        };
        self.hellos.take(server.clone(), now).map_err(slow)
    }

    /// A question about `words`; `None`: about one entry.
    pub(crate) fn ask(
        &self,
        server: &ServerName,
        user: &str,
        words: Option<&str>,
        now: Instant,
    ) -> Result<(), Held> {
        let slow = |what, seconds| Refusal::SlowDown { what, seconds };
        let key = (server.clone(), user.to_owned());
        // The user first: who asks without end takes nothing from the others of the same server.
        self.users
            .take(key.clone(), now)
            .map_err(|seconds| Held::Often(slow("you ask the Directory too often", seconds)))?;
        if let Err(seconds) = self.servers.take(server.clone(), now) {
            self.users.give_back(key, now);
            return Err(Held::Often(slow(
                "your server asks the Directory too often",
                seconds,
            )));
        }
        let Some(words) = words else { return Ok(()) };
        let words = words.trim().to_lowercase();
        let mut recent = self.recent();
        if recent.len() >= USERS && !recent.contains_key(&key) {
            // Those who come back begin anew, with a bucket that remembers them.
            recent.clear();
        }
        let mine = recent.entry(key.clone()).or_default();
        let goes_on = |before: &String| words.starts_with(before.as_str()) || before.starts_with(&words);
        if let Some(found) = mine.searches.iter_mut().find(|before| goes_on(before)) {
            // The longer of the two: whoever goes back to one letter and takes another begins a new search.
            if words.len() > found.len() {
                *found = words;
            }
            return Ok(());
        }
        if let Err(seconds) = self.searches.take(key, now) {
            let told = mine
                .told
                .is_some_and(|told| now.saturating_duration_since(told) < TELL_EVERY);
            if !told {
                mine.told = Some(now);
            }
            let refusal = slow("you look for too many different people in a short time", seconds);
            return Err(Held::Walks(refusal, !told));
        }
        mine.searches.push_back(words);
        if mine.searches.len() > REMEMBERED {
            mine.searches.pop_front();
        }
        Ok(())
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<User, Recent>> {
        // It is whole after every operation, so a panic elsewhere does not spoil it.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Searches that are at work: they take processors only, so more at once than there are processors makes all of them late.
pub(crate) struct Searches(Arc<Semaphore>);

/// Whoever asks gives up after 300 ms: a search that begins later is of use to nobody.
const TURN_WITHIN: Duration = Duration::from_millis(250);

impl Searches {
    pub(crate) fn new() -> Self {
        Self::at_once(std::thread::available_parallelism().map_or(2, usize::from).max(2))
    }

    fn at_once(searches: usize) -> Self {
        Self(Arc::new(Semaphore::new(searches)))
    }

    /// Waits for a turn, which lasts until what is given is dropped.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let turn = tokio::time::timeout(TURN_WITHIN, self.0.clone().acquire_owned()).await;
        match turn {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Refusal::Away("there are too many searches at this moment".into())),
        }
    }
}

/// What each message costs at least, as changes do: it is a transaction, which waits for the disk.
pub(crate) const COST_OF_MESSAGE: usize = 50;

/// How fast a feed may tell: whoever is faster is heard later.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: f64,
    free_at: Instant,
}

impl Pace {
    /// How much of the future may be used up at once.
    const AHEAD: Duration = Duration::from_secs(2);

    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        Self {
            per_second: f64::from(per_second.max(1)),
            free_at: now,
        }
    }

    /// So many changes came; says how long not to listen.
    pub(crate) fn took(&mut self, changes: usize, now: Instant) -> Duration {
        let cost = Duration::from_secs_f64(changes as f64 / self.per_second);
        self.free_at = self.free_at.max(now) + cost;
        self.free_at
            .saturating_duration_since(now)
            .saturating_sub(Self::AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(&Limits {
            queries_per_second: 100,
            user_queries_per_second: 5,
            user_searches_per_minute: 2,
            ..Limits::default()
        })
    }

    #[test]
    fn typing_on_is_one_search_and_the_alphabet_is_many() {
        let (gate, now) = (gate(), Instant::now());
        let server: ServerName = "paris.example.com".parse().expect("good");
        let ask = |user: &str, words: &str, at| gate.ask(&server, user, Some(words), at);
        for words in ["a", "al", "ali", "alic", "ali", "alice m", "ALICE "] {
            assert_eq!(ask("bob", words, now), Ok(()), "{words}");
        }
        let mut at = now;
        let mut held = Vec::new();
        for letter in 'a'..='z' {
            at += Duration::from_millis(300);
            if let Err(Held::Walks(_, tell)) = ask("eve", &letter.to_string(), at) {
                held.push(tell);
            }
        }
        assert_eq!(held.len(), 20, "six at once, and two a minute");
        assert_eq!(held.iter().filter(|tell| **tell).count(), 1, "it is told once");
        assert_eq!(ask("bob", "carol", at), Ok(()), "others are not held up");
    }

    #[test]
    fn who_asks_without_end_waits_and_others_do_not() {
        let (gate, now) = (gate(), Instant::now());
        let server: ServerName = "paris.example.com".parse().expect("good");
        let answered = |user: &str| {
            (0..100)
                .filter(|_| gate.ask(&server, user, None, now).is_ok())
                .count()
        };
        assert_eq!(answered("eve"), 20);
        assert_eq!(answered("bob"), 20);
    }

    #[test]
    fn one_user_takes_nothing_from_the_others_of_the_server() {
        let gate = Gate::new(&Limits {
            queries_per_second: 10,
            user_queries_per_second: 1,
            ..Limits::default()
        });
        let now = Instant::now();
        let server: ServerName = "paris.example.com".parse().expect("good");
        let answered = |user: &str, times: usize| {
            let asked = (0..times).map(|_| gate.ask(&server, user, None, now));
            asked.filter(Result::is_ok).count()
        };
        assert_eq!(answered("eve", 1_000), 4);
        for user in ["bob", "carol", "dave", "erin"] {
            assert_eq!(answered(user, 4), 4, "{user}");
        }
    }

    #[tokio::test]
    async fn a_search_that_would_come_too_late_does_not_begin() {
        let searches = Searches::at_once(1);
        let turn = searches.turn().await.expect("nobody else searches");
        let late = searches.turn().await.map(drop);
        assert!(matches!(late, Err(Refusal::Away(_))), "{late:?}");
        drop(turn);
        assert!(searches.turn().await.is_ok());
    }

    #[test]
    fn a_feed_that_tells_too_fast_is_heard_later() {
        let now = Instant::now();
        let mut pace = Pace::new(100, now);
        assert_eq!(pace.took(200, now), Duration::ZERO);
        assert_eq!(pace.took(100, now), Duration::from_secs(1));
        assert_eq!(pace.took(100, now + Duration::from_secs(10)), Duration::ZERO);
    }
}
