//! What will happen when.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::world::Event;

/// Events by their true times; of those at one time the first that was planned comes first.
///
/// Events are large and lie still; what is sorted is small.
#[derive(Default)]
pub(crate) struct Agenda {
    /// Time, number, and where the event lies.
    order: BinaryHeap<Reverse<(u64, u64, usize)>>,
    events: Vec<Option<Event>>,
    free: Vec<usize>,
    last: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: u64, event: Event) {
        let place = self.free.pop().unwrap_or(self.events.len());
        if place == self.events.len() {
            self.events.push(Some(event));
        } else {
            self.events[place] = Some(event);
        }
        self.last += 1;
        self.order.push(Reverse((at, self.last, place)));
    }

    /// The next event, if it is one until then.
    pub(crate) fn next(&mut self, until: u64) -> Option<(u64, Event)> {
        while let Some(Reverse((at, _, place))) = self.order.peek().copied()
            && at <= until
        {
            self.order.pop();
            self.free.push(place);
            if let Some(event) = self.events[place].take() {
                return Some((at, event));
            }
        }
        None
    }

    /// Takes back what was planned.
    pub(crate) fn retain(&mut self, stays: impl Fn(&Event) -> bool) {
        for event in &mut self.events {
            if event.as_ref().is_some_and(|event| !stays(event)) {
                *event = None;
            }
        }
    }
}
