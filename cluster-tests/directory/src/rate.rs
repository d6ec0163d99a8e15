//! Searches as they come, whether those before are answered or not.

use plenary_people_index::samples::Typed;
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Whoever is not answered within this went away long ago.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that can be searched.
pub(crate) trait Asked: Clone + Send + Sync + 'static {
    /// How many were found, of at most ten.
    fn ask(&self, typed: &Typed) -> impl Future<Output = anyhow::Result<usize>> + Send;
}

/// How long it took, from when somebody asked.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Sorted, with what was looked for.
    times: Vec<(Duration, &'static str)>,
    found: usize,
    pub(crate) failed: usize,
}

impl Measured {
    pub(crate) fn count(&self) -> usize {
        self.times.len() + self.failed
    }

    /// Milliseconds within which so many of a hundred were answered; those that were not took as long as anybody waited.
    pub(crate) fn at(&self, percent: f64) -> f64 {
        let place = (self.count() as f64 * percent / 100.0) as usize;
        let time = self.times.get(place).map_or(PATIENCE, |(time, _)| *time);
        time.as_secs_f64() * 1_000.0
    }

    /// Those alone that were answered of what looks for this.
    pub(crate) fn of(&self, class: &str) -> Self {
        let times = self.times.iter().filter(|(_, of)| *of == class);
        Self {
            times: times.copied().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn found_percent(&self) -> f64 {
        100.0 * self.found as f64 / self.count().max(1) as f64
    }
}

/// Asks so many times a second, for so long.
pub(crate) async fn measure(
    asked: &impl Asked,
    typed: &Arc<Vec<Typed>>,
    (per_second, during): (f64, Duration),
) -> anyhow::Result<Measured> {
    // What the first questions warm up is not what is measured.
    for typed in typed.iter().rev().take(50) {
        tokio::time::timeout(PATIENCE, asked.ask(typed)).await.ok();
    }
    let all = (per_second * during.as_secs_f64()) as usize;
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..all {
        let due = start + Duration::from_secs_f64(number as f64 / per_second);
        sleep_until(due).await;
        let (asked, typed) = (asked.clone(), typed.clone());
        tasks.spawn(async move {
            let typed = typed.get(number % typed.len())?;
            let answer = tokio::time::timeout(PATIENCE, asked.ask(typed))
                .await
                .ok()?
                .ok()?;
            Some((due.elapsed(), typed.class, answer))
        });
    }
    let mut measured = Measured::default();
    while let Some(done) = tasks.join_next().await {
        match done? {
            Some((time, class, found)) => {
                measured.times.push((time, class));
                measured.found += usize::from(found > 0);
            }
            None => measured.failed += 1,
        }
    }
    measured.times.sort_unstable();
    Ok(measured)
}
