//! Read-only connections, shared.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::store::open_read_only;
use crate::{error::ReadError, options::Work};

/// A pool of them; opened when needed, kept for the next.
pub(crate) struct Readers {
    places: Arc<Semaphore>,
    pool: Arc<Mutex<Pool>>,
    work: Work,
}

struct Pool {
    path: PathBuf,
    generation: u64,
    idle: Vec<Connection>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, generation: u64, readers: usize, work: Work) -> Self {
        Self {
            places: Arc::new(Semaphore::new(readers.max(1))),
            pool: Arc::new(Mutex::new(Pool {
                path,
                generation,
                idle: Vec::new(),
            })),
            work,
        }
    }

    /// The state is another file from now on.
    pub(crate) fn switch(&self, path: PathBuf, generation: u64) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        *pool = Pool {
            path,
            generation,
            idle: Vec::new(),
        };
    }

    /// Runs `f` in one read transaction.
    pub(crate) async fn read<T, F>(&self, f: F) -> Result<T, ReadError>
    where
        F: FnOnce(&Connection) -> T + Send + 'static,
        T: Send + 'static,
    {
        let place = self
            .places
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| ReadError::Stopped)?;
        let pool = self.pool.clone();
        let job = move || {
            let result = read_in(&pool, f);
            drop(place);
            result.map_err(|error| ReadError::Database(error.to_string()))
        };
        match self.work {
            Work::Inline => job(),
            Work::Threads => tokio::task::spawn_blocking(job)
                .await
                .unwrap_or_else(|error| Err(ReadError::Database(error.to_string()))),
        }
    }
}

fn read_in<T>(pool: &Mutex<Pool>, f: impl FnOnce(&Connection) -> T) -> rusqlite::Result<T> {
    let lock = || pool.lock().unwrap_or_else(PoisonError::into_inner);
    let (idle, path, generation) = {
        let mut pool = lock();
        (pool.idle.pop(), pool.path.clone(), pool.generation)
    };
    let connection = match idle {
        Some(connection) => connection,
        None => open_read_only(&path)?,
    };
    let transaction = connection.unchecked_transaction()?;
    let result = f(&transaction);
    drop(transaction);
    let mut pool = lock();
    if pool.generation == generation {
        pool.idle.push(connection);
    }
    Ok(result)
}
