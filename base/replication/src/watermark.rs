//! A number that only grows, and tasks that wait for it to reach theirs.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::oneshot;

#[derive(Default)]
pub(crate) struct Watermark {
    value: AtomicU64,
    waiters: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    next: u64,
    by_index: BTreeMap<(u64, u64), oneshot::Sender<()>>,
}

impl Watermark {
    pub(crate) fn value(&self) -> u64 {
        self.value.load(Ordering::Acquire)
    }

    /// Raises the number and wakes those who have what they wait for, in their order.
    pub(crate) fn raise(&self, to: u64) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        self.value.fetch_max(to, Ordering::AcqRel);
        let later = waiters.by_index.split_off(&(to + 1, 0));
        for (_, waiter) in std::mem::replace(&mut waiters.by_index, later) {
            // Nobody waits any more: fine.
            waiter.send(()).ok();
        }
    }

    /// Returns when the number is `index` or more.
    pub(crate) async fn reached(&self, index: u64) {
        if self.value() >= index {
            return;
        }
        let waiting = {
            let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
            if self.value() >= index {
                return;
            }
            waiters.by_index.retain(|_, waiter| !waiter.is_closed());
            let (waiter, waiting) = oneshot::channel();
            let id = waiters.next;
            waiters.next += 1;
            waiters.by_index.insert((index, id), waiter);
            waiting
        };
        // The sender is dropped only with the watermark, which this borrows.
        drop(waiting.await);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn waiters_wake_when_their_index_is_reached() {
        let mark = Arc::new(Watermark::default());
        let waiting = tokio::spawn({
            let mark = mark.clone();
            async move { mark.reached(5).await }
        });
        mark.raise(4);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        mark.raise(7);
        waiting.await.expect("the waiter does not panic");
        mark.reached(7).await;
        assert_eq!(mark.value(), 7);
    }
}
