//! How many names of this server partners may ask for: as many as their people know, but not all that there might be.

use crate::owner::owner_of;
use plenary_federation::LocalName;
use plenary_model::{Buckets, ServerName};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Names that one partner may ask for at once, and a second in the long run; on each node.
const NAMES: (f64, f64) = (1_000.0, 10.0);
/// What a partner asked for lately it may ask for again: that tells it nothing new. It is remembered so long at least.
const REMEMBERED: Duration = Duration::from_secs(30 * 60);
/// And so many names at most, twice; of all partners.
const MOST: usize = 50_000;

/// What partners have asked for, and may ask for.
pub(crate) struct NameBudget {
    /// By owner: whoever has a domain has as many servers as they like.
    buckets: Buckets<String>,
    asked: Mutex<Asked>,
}

/// Two generations: the older one is forgotten as a whole.
struct Asked {
    since: Instant,
    now: BTreeSet<(ServerName, LocalName)>,
    before: BTreeSet<(ServerName, LocalName)>,
}

impl Default for NameBudget {
    fn default() -> Self {
        Self::new(NAMES)
    }
}

impl NameBudget {
    fn new((most, per_second): (f64, f64)) -> Self {
        let asked = Asked {
            since: Instant::now(),
            now: BTreeSet::new(),
            before: BTreeSet::new(),
        };
        Self {
            buckets: Buckets::new(most, per_second),
            asked: Mutex::new(asked),
        }
    }

    /// Whether the partner may ask for this name now.
    ///
    /// # Errors
    /// The seconds until it may.
    pub(crate) fn take(&self, server: &ServerName, name: &LocalName, now: Instant) -> Result<(), u64> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (server.clone(), name.clone());
        if asked.now.contains(&key) {
            return Ok(());
        }
        if !asked.before.contains(&key)
            && let Err(wait_s) = self.buckets.take(owner_of(server), now)
        {
            return Err(wait_s);
        }
        if asked.now.len() >= MOST || now.saturating_duration_since(asked.since) >= REMEMBERED {
            asked.since = now;
            asked.before = std::mem::take(&mut asked.now);
        }
        asked.now.insert(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_asked_for_slowly_and_known_ones_as_often_as_one_likes() {
        let budget = NameBudget::new((3.0, 1.0));
        let oslo: ServerName = "oslo.example.net".parse().expect("a name");
        let name = |n: usize| format!("u{n}").parse::<LocalName>().expect("a name");
        let now = Instant::now();
        for n in 0..3 {
            assert_eq!(budget.take(&oslo, &name(n), now), Ok(()));
        }
        assert_eq!(budget.take(&oslo, &name(3), now), Err(1));
        let another = "o2.example.net".parse().expect("a name");
        assert_eq!(budget.take(&another, &name(3), now), Err(1), "of the same owner");
        for _ in 0..100 {
            assert_eq!(budget.take(&oslo, &name(0), now), Ok(()));
        }
        let lyon = "lyon.example.org".parse().expect("a name");
        assert_eq!(
            budget.take(&lyon, &name(0), now),
            Ok(()),
            "each partner for itself"
        );
        assert_eq!(budget.take(&oslo, &name(3), now + Duration::from_secs(1)), Ok(()));
        let later = now + 2 * REMEMBERED;
        assert_eq!(budget.take(&oslo, &name(9), later), Ok(()));
        assert_eq!(
            budget.take(&oslo, &name(0), later),
            Ok(()),
            "of the generation before"
        );
    }
}
