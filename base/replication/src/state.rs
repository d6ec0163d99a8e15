//! The state: applying entries, reading, copies of it.

mod books;
mod checkpointer;
mod readers;
mod session;
mod store;
mod worker;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt};
use openraft::{
    RaftSnapshotBuilder,
    storage::{ApplyResponder, EntryResponder, RaftStateMachine},
};

use self::store::{Applied, Store};
pub(crate) use self::{
    books::prepare,
    readers::Readers,
    store::{Progress, copy, open_read_only, read_progress, write_progress},
    worker::Worker,
};
use crate::{
    application::{AppError, Application},
    disk::Disk,
    error::{Failure, OpenError},
    health::Health,
    home::Home,
    options::Work,
    types::{Entry, LogId, Snapshot, SnapshotMeta, StoredMembership, Types},
    watermark::Watermark,
};

/// Between two looks at whether a checkpoint gets on.
const PAUSE: Duration = Duration::from_millis(20);
/// Applying may stop for as long as it takes to copy these.
const FEW_PAGES: u32 = 500;
/// Looks after which applying stops for however many there are.
const PATIENCE: u32 = 100;

/// The state's data in a snapshot.
#[derive(Debug)]
pub(crate) enum Copy {
    /// What this node holds when it is sent; made then, so that it is as new as can be.
    Live,
    /// A received and checked file.
    File(PathBuf),
}

/// What everything that looks at the state shares.
pub(crate) struct StateView {
    pub(crate) home: Home,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) health: Arc<Health>,
    pub(crate) applied: Watermark,
    pub(crate) readers: Readers,
    pub(crate) work: Work,
    progress: Mutex<Progress>,
}

impl StateView {
    pub(crate) fn progress(&self) -> Progress {
        self.progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_progress(&self, progress: &Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress.clone();
        self.applied
            .raise(progress.applied.as_ref().map_or(0, |id| id.index));
    }

    /// Writes a consistent copy of the state to a new file, beside the work on it.
    pub(crate) async fn copy_to(self: &Arc<Self>, to: PathBuf) -> Result<Progress, AppError> {
        let from = self.home.state().0;
        self.run_blocking(move || copy(&from, &to)).await
    }

    /// Runs slow work where it stops nobody.
    pub(crate) async fn run_blocking<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        match self.work {
            Work::Inline => f(),
            Work::Threads => tokio::task::spawn_blocking(f)
                .await
                .unwrap_or_else(|error| Err(AppError::Defect(error.to_string()))),
        }
    }
}

/// openraft's state machine; clones are the same one.
pub(crate) struct Machine<A: Application> {
    app: Arc<A>,
    pub(crate) view: Arc<StateView>,
    worker: Worker<Store<A>>,
}

impl<A: Application> Clone for Machine<A> {
    fn clone(&self) -> Self {
        Self {
            app: self.app.clone(),
            view: self.view.clone(),
            worker: self.worker.clone(),
        }
    }
}

impl<A: Application> Machine<A> {
    /// Opens the state and makes what it holds durable.
    pub(crate) fn open(
        app: Arc<A>,
        home: Home,
        disk: Arc<dyn Disk>,
        health: Arc<Health>,
        work: Work,
        readers: usize,
    ) -> Result<Self, OpenError> {
        let (path, generation) = home.state();
        let failed = |source: AppError| OpenError::State {
            path: path.clone(),
            source,
        };
        let store = Store::open(app.clone(), &path, disk.state_synchronous(), work).map_err(failed)?;
        if !store.checkpoint().map_err(failed)? {
            return Err(failed(AppError::Defect("another program reads it".into())));
        }
        disk.state_checkpointed(&path)
            .map_err(|error| OpenError::io("sync", &path, error))?;
        let progress = store.progress.clone();
        let view = Arc::new(StateView {
            readers: Readers::new(path.clone(), generation, readers, work),
            home,
            disk,
            health,
            applied: Watermark::default(),
            work,
            progress: Mutex::default(),
        });
        view.set_progress(&progress);
        let worker =
            Worker::start(store, work).map_err(|error| OpenError::io("start a thread for", &path, error))?;
        Ok(Self { app, view, worker })
    }

    /// Returns when what was begun is done.
    pub(crate) async fn settle(&self) {
        if let Err(error) = self.worker.run(|_| ()).await {
            tracing::debug!(%error, "the state is already closed");
        }
    }

    /// Makes everything applied so far durable in the database itself, so that the log before it can go.
    async fn checkpoint(&self) -> io::Result<SnapshotMeta> {
        let failed = |error: AppError| io::Error::other(error.to_string());
        // Applying goes on while most of it is copied.
        for _ in 0..PATIENCE {
            if self.worker.run(|store| store.behind()).await?.map_err(failed)? < FEW_PAGES {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            let view = self.view.clone();
            let done = self
                .worker
                .run(move |store| {
                    if !store.checkpoint()? {
                        return Ok(None);
                    }
                    let failed = |error: io::Error| AppError::Defect(error.to_string());
                    view.disk.state_checkpointed(&store.path).map_err(failed)?;
                    Ok(Some(store.progress.meta()))
                })
                .await?
                .map_err(failed)?;
            match done {
                Some(meta) => return Ok(meta),
                // A reader holds an older view, or pages are being copied; both are short.
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn fail(&self, error: &AppError) -> io::Error {
        let reason = match error {
            AppError::Database(source) => source.to_string(),
            AppError::Defect(text) => text.clone(),
        };
        self.view.health.fail(Failure::State {
            reason: reason.clone(),
        });
        io::Error::other(reason)
    }
}

/// Applies, answers and tells; on the worker.
fn apply_all<A: Application>(
    store: &mut Store<A>,
    app: &A,
    view: &StateView,
    entries: &[Entry],
    responders: Vec<Option<ApplyResponder<Types>>>,
) -> Result<(), AppError> {
    let applied = loop {
        match store.apply(entries) {
            Err(error) if error.is_disk_full() && view.work == Work::Threads => {
                view.health.set_state_waits(true);
                std::thread::sleep(Duration::from_millis(100));
            }
            other => {
                view.health.set_state_waits(false);
                break other?;
            }
        }
    };
    view.set_progress(&store.progress);
    for (
        Applied {
            index,
            outcomes,
            notices,
        },
        responder,
    ) in applied.into_iter().zip(responders)
    {
        if let Some(responder) = responder {
            responder.send(outcomes);
        }
        if !notices.is_empty() {
            app.committed(index, notices);
        }
    }
    store.keep_small()
}

impl<A: Application> RaftSnapshotBuilder<Types> for Machine<A> {
    type SnapshotData = Copy;

    /// Builds nothing: a checkpoint makes the state durable, and a copy is made only when one is sent.
    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        Ok(Snapshot {
            meta: self.checkpoint().await?,
            snapshot: Copy::Live,
        })
    }
}

impl<A: Application> RaftStateMachine<Types> for Machine<A> {
    type SnapshotData = Copy;
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let progress = self.view.progress();
        Ok((progress.applied, progress.membership))
    }

    async fn apply<S>(&mut self, mut stream: S) -> io::Result<()>
    where
        S: Stream<Item = Result<EntryResponder<Types>, io::Error>> + Unpin + Send,
    {
        let mut entries = Vec::new();
        let mut responders = Vec::new();
        while let Some(next) = stream.next().await {
            let (entry, responder) = next?;
            entries.push(entry);
            responders.push(responder);
        }
        let (app, view) = (self.app.clone(), self.view.clone());
        let applied = self
            .worker
            .run(move |store| apply_all(store, app.as_ref(), &view, &entries, responders))
            .await?;
        applied.map_err(|error| self.fail(&error))
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: Copy) -> io::Result<()> {
        let Copy::File(file) = snapshot else {
            return Err(io::Error::other("a snapshot without a file cannot be installed"));
        };
        let (app, view, expected) = (self.app.clone(), self.view.clone(), meta.last_log_id);
        let installed = self
            .worker
            .run(move |store| install(store, app, &view, &file, expected.as_ref()))
            .await?;
        installed.map_err(|error| self.fail(&error))
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        let meta = self.view.progress().meta();
        Ok(meta.last_log_id.is_some().then_some(Snapshot {
            meta,
            snapshot: Copy::Live,
        }))
    }
}

/// Replaces the state by a received copy; on the worker.
fn install<A: Application>(
    store: &mut Store<A>,
    app: Arc<A>,
    view: &StateView,
    file: &Path,
    expected: Option<&LogId>,
) -> Result<(), AppError> {
    let defect = |error: io::Error| AppError::Defect(format!("cannot install a snapshot: {error}"));
    let (path, generation) = view.home.adopt(file).map_err(defect)?;
    let fresh = Store::open(app.clone(), &path, view.disk.state_synchronous(), view.work)?;
    if fresh.progress.applied.as_ref() != expected {
        return Err(AppError::Defect(
            "a snapshot holds another state than it says".into(),
        ));
    }
    // The old connection is closed before its files are removed.
    drop(std::mem::replace(store, fresh));
    view.readers.switch(path, generation);
    view.home.remove_leftovers();
    view.set_progress(&store.progress);
    app.reset(store.progress.applied.as_ref().map_or(0, |id| id.index));
    Ok(())
}
