//! The thread that owns the writing connection.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use tokio::sync::oneshot;

use crate::options::Work;

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// Runs jobs on a value, one after the other, in their order.
pub(crate) enum Worker<T> {
    Thread(mpsc::Sender<Job<T>>),
    Inline(Arc<Mutex<T>>),
}

impl<T> Clone for Worker<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Thread(sender) => Self::Thread(sender.clone()),
            Self::Inline(value) => Self::Inline(value.clone()),
        }
    }
}

impl<T: Send + 'static> Worker<T> {
    /// The thread ends when the last clone is dropped.
    pub(crate) fn start(mut value: T, work: Work) -> io::Result<Self> {
        if work == Work::Inline {
            return Ok(Self::Inline(Arc::new(Mutex::new(value))));
        }
        let (sender, receiver) = mpsc::channel::<Job<T>>();
        std::thread::Builder::new()
            .name("replication-apply".into())
            .spawn(move || {
                for job in receiver {
                    job(&mut value);
                }
            })?;
        Ok(Self::Thread(sender))
    }

    pub(crate) async fn run<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> io::Result<R> {
        match self {
            Self::Inline(value) => Ok(f(&mut value.lock().unwrap_or_else(PoisonError::into_inner))),
            Self::Thread(sender) => {
                let (done, waiting) = oneshot::channel();
                let job: Job<T> = Box::new(move |value| drop(done.send(f(value))));
                let ended = || io::Error::other("the thread of the state ended");
                sender.send(job).map_err(|_| ended())?;
                waiting.await.map_err(|_| ended())
            }
        }
    }
}
