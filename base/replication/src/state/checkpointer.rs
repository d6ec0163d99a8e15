//! Copies what SQLite's write-ahead log holds into the database file, beside the thread that applies.
//!
//! ```text
//!  writer ──commit──► WAL ──copied by a connection of its own──► database file ──fdatasync
//!     └── now and then the little that is left, itself: only a WAL that is copied as a whole begins anew
//! ```
//! Invariant: nothing is taken for durable here. [`super::store::Store::checkpoint`] is what the purging of
//! the log relies on; this only leaves less for it, and keeps the WAL small.
//!
//! Two connections that write and checkpoint at the same moment need SQLite 3.51.3: before it, a WAL that
//! began anew meanwhile could be copied wrongly (<https://sqlite.org/wal.html#walresetbug>).

use std::{
    cell::Cell,
    ffi::c_int,
    fs::File,
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use rusqlite::Connection;

use super::store::{BUSY, passive};
use crate::application::AppError;

/// So many pages make a pass worth its two syncs. A pass holds up the syncs of the log in proportion to its pages:
/// passes of thousands are what the slowest answers wait for (`docs/performance.md`).
const PASS: u32 = 125;
/// The writer itself copies no more than these.
const FEW: u32 = 60;
/// From so many pages on the WAL is to begin anew: 16 MiB.
const ANEW: u32 = 4000;
/// The writer waits from so many pages on: what is beyond would not fit the bound of the file.
const MOST: u32 = 16_000;
/// Bytes that a WAL which grew behind a long read is cut to once it begins anew.
pub(crate) const WAL_BYTES: i64 = 64 << 20;

thread_local! {
    /// Pages in the WAL of the connection that this thread writes with, after its last commit.
    static WAL_PAGES: Cell<u32> = const { Cell::new(0) };
}

fn note_pages(_: &rusqlite::hooks::Wal, pages: c_int) -> rusqlite::Result<()> {
    WAL_PAGES.set(u32::try_from(pages).unwrap_or(0));
    Ok(())
}

/// The thread and what it shares with the writer.
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Pages in the WAL when the writer looked last.
    pages: u32,
    /// Pages from which on the writer copies the rest: later than [`ANEW`] while a reader is in the way.
    next_try: u32,
    /// Closing any handle of a file gives up this process's locks on it. So this one, which the thread has
    /// too, is closed after the thread's connection, and the store closes the writer's before.
    _file: Arc<File>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// A pass is wanted, or has ended, or the thread is to end.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wanted: bool,
    stop: bool,
    /// Pages of the WAL that are copied.
    copied: u32,
    failed: Option<AppError>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkpointer {
    /// For the database at `path`, which `writer` writes; from now on only this decides about its checkpoints.
    pub(crate) fn start(path: &Path, writer: &Connection, synchronous: &str) -> Result<Self, AppError> {
        let defect = |error: io::Error| AppError::Defect(format!("cannot start a checkpointer: {error}"));
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        writer.pragma_update(None, "wal_autocheckpoint", 0)?;
        writer.wal_hook(Some(note_pages));
        let file = Arc::new(File::open(path).map_err(defect)?);
        let shared = Arc::new(Shared::default());
        let (theirs, synced) = (shared.clone(), file.clone());
        let thread = std::thread::Builder::new()
            .name("replication-checkpoint".into())
            .spawn(move || {
                run(&theirs, &connection, &synced);
                drop(connection);
                drop(synced);
            })
            .map_err(defect)?;
        Ok(Self {
            shared,
            thread: Some(thread),
            pages: 0,
            next_try: ANEW,
            _file: file,
        })
    }

    /// Called by the writing thread after a commit, when nobody waits for it any more.
    pub(crate) fn committed(&mut self, writer: &Connection) -> Result<(), AppError> {
        let pages = WAL_PAGES.get();
        let mut state = self.shared.state();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        if pages < self.pages {
            // It began anew.
            state.copied = 0;
            self.next_try = ANEW;
        }
        self.pages = pages;
        let due = pages >= self.next_try;
        let behind = pages.saturating_sub(state.copied);
        if !state.wanted && (behind >= PASS || (due && behind > FEW)) {
            state.wanted = true;
            self.shared.changed.notify_all();
        }
        if !due || (state.wanted && pages < MOST) {
            return Ok(());
        }
        while state.wanted {
            state = self.shared.wait(state);
        }
        drop(state);
        // The thread rests: what is left are a few, or the WAL is as large as it may be.
        self.next_try = pages + PASS;
        let copied = match passive(writer) {
            Err(error) if !error.is_disk_full() => return Err(error),
            result => result.unwrap_or(0),
        };
        let mut state = self.shared.state();
        state.copied = state.copied.max(copied);
        Ok(())
    }

    /// Pages that the database file does not have yet; a pass is made for them.
    pub(crate) fn behind(&self) -> Result<u32, AppError> {
        let mut state = self.shared.state();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        let behind = WAL_PAGES.get().saturating_sub(state.copied);
        if behind > 0 {
            state.wanted = true;
            self.shared.changed.notify_all();
        }
        Ok(behind)
    }
}

impl Drop for Checkpointer {
    /// Returns when the thread's connection is closed.
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.changed.notify_all();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread of checkpoints ended badly");
        }
    }
}

fn run(shared: &Shared, connection: &Connection, file: &File) {
    loop {
        let mut state = shared.state();
        while !state.wanted && !state.stop {
            state = shared.wait(state);
        }
        if state.stop {
            return;
        }
        let before = state.copied;
        drop(state);
        let passed = pass(connection, file, before);
        let mut state = shared.state();
        state.wanted = false;
        match passed {
            Ok(copied) => state.copied = copied,
            // There may be space later.
            Err(error) if error.is_disk_full() => {}
            Err(error) => state.failed = Some(error),
        }
        shared.changed.notify_all();
    }
}

/// Copies what there is and syncs it: SQLite itself would leave the sync to whoever copies the last page.
fn pass(connection: &Connection, file: &File, before: u32) -> Result<u32, AppError> {
    let copied = passive(connection)?;
    if copied != before {
        file.sync_data()
            .map_err(|error| AppError::Defect(format!("cannot sync the state: {error}")))?;
    }
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    struct Database {
        dir: tempfile::TempDir,
        writer: Connection,
        checkpointer: Checkpointer,
    }

    impl Database {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            let writer = Connection::open(dir.path().join("db")).expect("a database");
            writer.pragma_update(None, "journal_mode", "WAL").expect("WAL");
            writer
                .execute_batch("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
                .expect("a table");
            let checkpointer =
                Checkpointer::start(&dir.path().join("db"), &writer, "NORMAL").expect("a thread");
            Self {
                dir,
                writer,
                checkpointer,
            }
        }

        /// Pages in the WAL after a commit of about ten.
        fn commit(&mut self, number: u32) -> u32 {
            let put = "INSERT OR REPLACE INTO t VALUES (?1 % 50, randomblob(40000))";
            self.writer.execute(put, [number]).expect("a commit");
            self.checkpointer.committed(&self.writer).expect("no failure");
            WAL_PAGES.get()
        }
    }

    #[test]
    fn under_constant_load_the_wal_stays_small_and_begins_anew() {
        let mut database = Database::new();
        let pages: Vec<u32> = (0..4000).map(|number| database.commit(number)).collect();
        assert!(
            pages.iter().all(|pages| *pages < MOST + 100),
            "{:?}",
            pages.iter().max()
        );
        assert!(pages.windows(2).any(|two| two[1] < two[0]), "it began anew");
    }

    #[test]
    fn a_long_read_only_puts_it_off() {
        let mut database = Database::new();
        database.commit(0);
        let reader = Connection::open(database.dir.path().join("db")).expect("a database");
        let read = reader.unchecked_transaction().expect("a transaction");
        let count =
            |read: &Connection| read.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, u32>(0));
        assert_eq!(count(&read).expect("a row"), 1);
        let grown = (1..2000).map(|number| database.commit(number)).max();
        assert!(
            grown > Some(MOST),
            "nothing that the reader needs may be overwritten: {grown:?}"
        );
        assert_eq!(count(&read).expect("a row"), 1);
        drop(read);
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut number = 2000;
        while database.commit(number) > ANEW {
            assert!(Instant::now() < deadline, "it never began anew");
            number += 1;
        }
    }

    #[test]
    fn asked_how_far_behind_it_catches_up() {
        let mut database = Database::new();
        for number in 0..20 {
            database.commit(number);
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while database.checkpointer.behind().expect("no failure") > 0 {
            assert!(Instant::now() < deadline, "it never caught up");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
