//! Runs many seeds on all processors.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// How much was done in a run, and in several.
pub trait Tally: Default + std::fmt::Display + Send {
    /// Adds another run's.
    fn add(&mut self, other: Self);
}

/// What came of one seed.
#[derive(Debug, Clone)]
pub struct Outcome<F = Figures> {
    /// Which one.
    pub seed: u64,
    /// The invariant that was broken, with what was seen.
    pub violation: Option<String>,
    /// What happened, in order, with virtual milliseconds.
    pub history: Vec<String>,
    /// Of everything that happened; equal for equal runs.
    pub digest: u64,
    /// What was done.
    pub figures: F,
}

/// How much was done with replicas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Proposals that were acknowledged.
    pub acknowledged: u64,
    /// Fresh reads that were answered.
    pub reads: u64,
    /// Replicas that lost power, were killed or whose disk failed.
    pub crashes: u64,
    /// Times that part of the network was cut.
    pub partitions: u64,
    /// Copies of the state that were installed.
    pub snapshots: u64,
    /// Changes of the members.
    pub changes: u64,
    /// Leaders that were seen.
    pub leaders: u64,
    /// Virtual time.
    pub virtual_ms: u64,
}

impl Tally for Figures {
    fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.reads += other.reads;
        self.crashes += other.crashes;
        self.partitions += other.partitions;
        self.snapshots += other.snapshots;
        self.changes += other.changes;
        self.leaders += other.leaders;
        self.virtual_ms += other.virtual_ms;
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} acknowledged, {} fresh reads, {} crashes, {} partitions, {} snapshots, {} changes of members, \
             {} leaders, {} s of virtual time",
            self.acknowledged,
            self.reads,
            self.crashes,
            self.partitions,
            self.snapshots,
            self.changes,
            self.leaders,
            self.virtual_ms / 1000
        )
    }
}

/// Runs `count` seeds from `from` on, each on one of `threads` threads, and hands over what came of them,
/// in no order. Stops early when `done` says so.
pub fn run<F: Send>(
    from: u64,
    count: u64,
    threads: usize,
    seed: impl Fn(u64) -> Outcome<F> + Sync,
    mut done: impl FnMut(Outcome<F>) -> bool + Send,
) {
    let next = AtomicU64::new(from);
    let stop = AtomicBool::new(false);
    let done = Mutex::new(&mut done);
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= from.saturating_add(count) {
                        return;
                    }
                    let outcome = seed(number);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    if done(outcome) {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}
