//! What was asked a moment ago.

use super::{Hit, Question};
use std::time::{Duration, Instant};

/// Most answers that are kept.
const MOST: usize = 512;

/// Answers of the last minute, the newest last.
#[derive(Debug, Default)]
pub(super) struct Cache(Vec<(Question, Vec<Hit>, Instant)>);

impl Cache {
    /// An answer that is no older than `age`.
    pub(super) fn get(&self, question: &Question, age: Duration, now: Instant) -> Option<Vec<Hit>> {
        let (_, hits, at) = self.0.iter().rev().find(|(kept, _, _)| kept == question)?;
        (now.saturating_duration_since(*at) <= age).then(|| hits.clone())
    }

    /// Keeps an answer, and forgets those older than `age`.
    pub(super) fn put(&mut self, question: &Question, hits: Vec<Hit>, age: Duration, now: Instant) {
        self.0
            .retain(|(kept, _, at)| kept != question && now.saturating_duration_since(*at) <= age);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((question.clone(), hits, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_people::Viewer;

    fn question(words: &str) -> Question {
        Question {
            viewer: Viewer::new("paris.example.com".parse().expect("good"), "bob"),
            words: words.into(),
            limit: 10,
            kinds: Vec::new(),
            own_beside: false,
        }
    }

    #[test]
    fn answers_count_for_their_time_and_the_oldest_go() {
        let (mut cache, start, second) = (Cache::default(), Instant::now(), Duration::from_secs(1));
        let minute = 60 * second;
        cache.put(&question("a"), Vec::new(), minute, start);
        assert!(cache.get(&question("a"), second, start + second).is_some());
        assert!(cache.get(&question("a"), second, start + 2 * second).is_none());
        assert!(cache.get(&question("a"), minute, start + 2 * second).is_some());
        assert!(cache.get(&question("b"), minute, start).is_none());
        let mut other = question("a");
        other.viewer.groups.push("sales".into());
        assert!(
            cache.get(&other, minute, start).is_none(),
            "others may see something else"
        );
        for n in 0..MOST {
            cache.put(&question(&n.to_string()), Vec::new(), minute, start);
        }
        assert!(cache.get(&question("a"), minute, start).is_none());
        cache.put(&question("x"), Vec::new(), minute, start + 2 * minute);
        assert_eq!(cache.0.len(), 1, "what is too old is forgotten");
    }
}
