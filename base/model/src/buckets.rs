//! Token buckets in memory, in a table that cannot grow without end.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Most keys that one table remembers.
const MOST_KEYS: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// How often somebody may do something: token buckets, one for each key. Of keys beyond the ten thousand that it
/// remembers, those whose buckets are full are forgotten; whoever finds no place then shares one bucket.
pub struct Buckets<K> {
    most: f64,
    per_second: f64,
    table: Mutex<Table<K>>,
}

struct Table<K> {
    buckets: HashMap<K, Bucket>,
    /// For the keys that found no place.
    overflow: Option<Bucket>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// Each may do something `most` times at once, and `per_second` times a second in the long run.
    pub fn new(most: f64, per_second: f64) -> Self {
        let table = Table {
            buckets: HashMap::new(),
            overflow: None,
        };
        Self {
            most,
            per_second,
            table: Mutex::new(table),
        }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// Where there is none: the seconds until there is one, at least 1.
    pub fn take(&self, key: K, now: Instant) -> Result<(), u64> {
        self.change(key, now, -1.0)
    }

    /// Gives a token back that turned out not to be needed.
    pub fn give_back(&self, key: K, now: Instant) {
        let given = self.change(key, now, 1.0);
        debug_assert!(given.is_ok(), "giving is never refused");
    }

    fn change(&self, key: K, now: Instant, by: f64) -> Result<(), u64> {
        let (most, per_second) = (self.most, self.per_second);
        let refilled = |bucket: &Bucket| {
            let seconds = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.tokens + seconds * per_second).min(most)
        };
        let full = Bucket {
            tokens: most,
            at: now,
        };
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.buckets.len() >= MOST_KEYS && !table.buckets.contains_key(&key) {
            table.buckets.retain(|_, bucket| refilled(bucket) < most);
        }
        let has_place = table.buckets.len() < MOST_KEYS || table.buckets.contains_key(&key);
        let bucket = if has_place {
            table.buckets.entry(key).or_insert(full)
        } else {
            table.overflow.get_or_insert(full)
        };
        let tokens = refilled(bucket) + by;
        if tokens < 0.0 {
            return Err((-tokens / per_second).ceil().max(1.0) as u64);
        }
        *bucket = Bucket {
            tokens: tokens.min(most),
            at: now,
        };
        Ok(())
    }
}

impl<K> fmt::Debug for Buckets<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets")
            .field("most", &self.most)
            .field("per_second", &self.per_second)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let buckets = Buckets::new(2.0, 0.5);
        let start = Instant::now();
        assert_eq!(buckets.take("a", start), Ok(()));
        assert_eq!(buckets.take("a", start), Ok(()));
        assert_eq!(buckets.take("a", start), Err(2));
        assert_eq!(buckets.take("b", start), Ok(()), "others are not held up");
        assert_eq!(buckets.take("a", start + Duration::from_secs(2)), Ok(()));
    }

    #[test]
    fn the_table_stays_small_and_strangers_share_what_is_left() {
        let buckets = Buckets::new(1.0, 0.001);
        let start = Instant::now();
        for key in 0..MOST_KEYS {
            assert_eq!(buckets.take(key, start), Ok(()));
        }
        assert_eq!(buckets.take(MOST_KEYS, start), Ok(()), "the shared bucket");
        assert!(buckets.take(MOST_KEYS + 1, start).is_err());
        let later = start + Duration::from_secs(2_000);
        assert_eq!(buckets.take(MOST_KEYS + 1, later), Ok(()));
        assert_eq!(buckets.table.lock().expect("not poisoned").buckets.len(), 1);
    }
}
