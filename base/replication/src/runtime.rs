//! The async runtime that openraft runs on: tokio, with random numbers that a simulation can seed.

mod watch;

use std::{cell::RefCell, future::Future, time::Duration};

use openraft::{AsyncRuntime, OptionalSend};
use rand::{Rng, SeedableRng, TryRng, rngs::StdRng};

use self::watch::OrderedWatch;

#[allow(deprecated)] // the replacement is a crate of its own with the same type
type Tokio = openraft::impls::TokioRuntime;

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// Makes every random number of replicas on this thread follow from `seed`, until the next call; `None`
/// goes back to the system's. For simulations.
#[doc(hidden)]
pub fn seed_this_thread(seed: Option<u64>) {
    SEEDED.with(|cell| *cell.borrow_mut() = seed.map(StdRng::seed_from_u64));
}

/// Random numbers of this thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Random;

impl Random {
    fn draw<T>(f: impl FnOnce(&mut dyn Rng) -> T) -> T {
        SEEDED.with(|cell| match cell.borrow_mut().as_mut() {
            Some(seeded) => f(seeded),
            None => f(&mut <Tokio as AsyncRuntime>::thread_rng()),
        })
    }
}

impl TryRng for Random {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(Self::draw(|r| r.next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(Self::draw(|r| r.next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        Self::draw(|r| r.fill_bytes(bytes));
        Ok(())
    }
}

/// Tokio with [`Random`].
pub(crate) struct Runtime(Tokio);

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runtime")
    }
}

impl AsyncRuntime for Runtime {
    type JoinError = <Tokio as AsyncRuntime>::JoinError;
    type JoinHandle<T: OptionalSend + 'static> = <Tokio as AsyncRuntime>::JoinHandle<T>;
    type Sleep = <Tokio as AsyncRuntime>::Sleep;
    type Instant = <Tokio as AsyncRuntime>::Instant;
    type TimeoutError = <Tokio as AsyncRuntime>::TimeoutError;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = <Tokio as AsyncRuntime>::Timeout<R, T>;
    type ThreadLocalRng = Random;
    type Mpsc = <Tokio as AsyncRuntime>::Mpsc;
    type Watch = OrderedWatch;
    type Oneshot = <Tokio as AsyncRuntime>::Oneshot;
    type Mutex<T: OptionalSend + 'static> = <Tokio as AsyncRuntime>::Mutex<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        Tokio::spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        Tokio::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        Tokio::sleep_until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        Tokio::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        Tokio::timeout_at(deadline, future)
    }

    fn is_panic(join_error: &Self::JoinError) -> bool {
        Tokio::is_panic(join_error)
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        Random
    }

    fn new(threads: usize) -> Self {
        Self(Tokio::new(threads))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        self.0.block_on(future)
    }
}
