//! When which peer wants to be woken, without looking at those that do not.
//!
//! A peer's deadline moves with every packet, mostly later. So the queue holds one note for each peer, which may be
//! too early: then the peer is asked again and the note is put where it belongs. Work is done for deadlines that are
//! due, not for packets.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

/// Deadlines closer than this to a note are left to it: peers pace themselves in steps of this size.
const GRAIN: Duration = Duration::from_millis(1);

#[derive(Default)]
pub(crate) struct Timers {
    queue: BinaryHeap<Reverse<(Instant, usize)>>,
}

/// What a peer keeps of its place in the queue.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Noted(Option<Instant>);

impl Timers {
    /// The peer wants to be woken at `deadline`.
    pub(crate) fn set(&mut self, peer: usize, noted: &mut Noted, deadline: Instant) {
        if noted.0.is_some_and(|at| at <= deadline + GRAIN) {
            return;
        }
        noted.0 = Some(deadline);
        self.queue.push(Reverse((deadline, peer)));
    }

    /// When something is due next; perhaps too early.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse((at, _))| *at)
    }

    /// A peer whose note is due. `noted` of that peer must be told by [`Noted::taken`] whether it was its own.
    pub(crate) fn due(&mut self, now: Instant) -> Option<(usize, Instant)> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop().map(|Reverse((at, peer))| (peer, at))
    }
}

impl Noted {
    /// Whether this note is the one that counts: earlier ones were replaced, peers of this number may be gone.
    pub(crate) fn taken(&mut self, at: Instant) -> bool {
        if self.0 == Some(at) {
            self.0 = None;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_moves_later_costs_nothing_until_its_note_is_due() {
        let start = Instant::now();
        let (mut timers, mut noted) = (Timers::default(), Noted::default());
        for ms in 10..1000 {
            timers.set(7, &mut noted, start + Duration::from_millis(ms));
        }
        assert_eq!(timers.queue.len(), 1);
        assert_eq!(timers.due(start), None);
        let (peer, at) = timers
            .due(start + Duration::from_millis(10))
            .expect("the note is due");
        assert_eq!(peer, 7);
        assert!(noted.taken(at));
    }

    #[test]
    fn an_earlier_deadline_replaces_the_note() {
        let start = Instant::now();
        let (mut timers, mut noted) = (Timers::default(), Noted::default());
        timers.set(7, &mut noted, start + Duration::from_millis(100));
        timers.set(7, &mut noted, start + Duration::from_millis(20));
        let late = start + Duration::from_secs(1);
        let (_, first) = timers.due(late).expect("due");
        assert!(noted.taken(first));
        let (_, second) = timers.due(late).expect("the old note");
        assert!(!noted.taken(second));
    }
}
