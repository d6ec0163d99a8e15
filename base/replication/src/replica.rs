//! The handle of a replica.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
};

use crate::{
    application::Application,
    core::{self, Core, CoreSlot, Leader, Parts},
    error::{BackupError, Failure, MembershipError, OpenError, ProposeError, ReadError},
    health::Health,
    home::Home,
    link::{Connector, GrpcLinks, Links, Serve, Service},
    log::{LogOptions, LogStore},
    options::{Member, Options, Timing},
    propose::{Batcher, Committed, Courier, Proposer},
    restore,
    state::{Machine, StateView},
    status::{Role, Status},
    transfer,
};

/// One replica of a program's state; clones are the same one.
///
/// It works until [`Replica::shutdown`] or until it fails (see [`Replica::failure`]), not until it is
/// dropped.
pub struct Replica<A: Application> {
    pub(crate) inner: Arc<Inner<A>>,
}

impl<A: Application> Clone for Replica<A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

pub(crate) struct Inner<A: Application> {
    pub(crate) options: Options,
    pub(crate) parts: Parts<A>,
    pub(crate) view: Arc<StateView>,
    pub(crate) log: LogStore,
    pub(crate) links: Arc<dyn Links>,
    pub(crate) health: Arc<Health>,
    pub(crate) core: Arc<CoreSlot<A>>,
    pub(crate) proposer: Arc<Proposer>,
    pub(crate) batcher: Arc<Batcher>,
    pub(crate) leader: watch::Sender<Option<Leader>>,
    pub(crate) status: watch::Sender<Status>,
    /// Times in force.
    pub(crate) timing: Mutex<Timing>,
    pub(crate) fresh_reads: mpsc::UnboundedSender<oneshot::Sender<u64>>,
    pub(crate) tasks: Mutex<Tasks>,
}

#[derive(Default)]
pub(crate) struct Tasks {
    pub(crate) lasting: Vec<AbortHandle>,
    /// Watch one core; ended with it.
    pub(crate) watching: Vec<AbortHandle>,
    pub(crate) stopped: bool,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The copy.
    pub path: PathBuf,
    /// Last entry that it holds.
    pub applied: u64,
    /// Members at that entry, by number.
    pub members: std::collections::BTreeMap<u64, Member>,
    /// Level of the rules.
    pub level: u32,
    /// Size of the copy.
    pub bytes: u64,
    /// Of the copy, in lower-case hexadecimal.
    pub sha256: String,
}

impl<A: Application> Replica<A> {
    /// Opens or makes the replica in `options.dir`. It answers peers once [`Replica::service`] is mounted,
    /// and becomes part of a group by [`Replica::found`] or by the leader's [`Replica::add_learner`].
    ///
    /// Must be called within a tokio runtime. Blocks for as long as reading the log takes.
    pub async fn open(
        options: Options,
        app: Arc<A>,
        connector: Arc<dyn Connector>,
    ) -> Result<Self, OpenError> {
        let links = GrpcLinks::new(connector, options.group.clone(), options.node_id);
        Self::open_with_links(options, app, Arc::new(links)).await
    }

    /// The same over any links, for simulations.
    #[doc(hidden)]
    pub async fn open_with_links(
        options: Options,
        app: Arc<A>,
        links: Arc<dyn Links>,
    ) -> Result<Self, OpenError> {
        let home = Home::open(&options)?;
        let session = home.session();
        let environment = options.environment.clone();
        let health = Arc::new(Health::new());
        let log_dir = home.log_dir();
        let log = LogStore::open(LogOptions {
            disk: environment.disk.clone(),
            dir: log_dir.clone(),
            group: options.group.clone(),
            node: options.node_id,
            limits: options.limits.clone(),
            work: environment.work,
            health: health.clone(),
        })?;
        let readers = options.limits.readers;
        let disk = environment.disk.clone();
        let machine = Machine::open(app, home, disk, health.clone(), environment.work, readers)?;
        let view = machine.view.clone();
        let state_term = view.progress().applied.map_or(0, |id| id.leader_id.term);
        if state_term > log.voted_term() {
            return Err(OpenError::Lost {
                dir: log_dir,
                log_term: log.voted_term(),
                state_term,
            });
        }
        let committed = view.progress().level;
        if committed > options.supported_level {
            return Err(OpenError::Level {
                committed,
                supported: options.supported_level,
            });
        }
        let parts = Parts {
            node: options.node_id,
            group: options.group.clone(),
            links: links.clone(),
            view: view.clone(),
            log: log.clone(),
            machine,
        };
        let core = core::start(&parts, &options.timing).await?;
        let proposer = Arc::new(Proposer::new(options.node_id, session, environment.clock.clone()));
        let batcher = Arc::new(Batcher::new(
            options.limits.clone(),
            environment.clock,
            health.clone(),
        ));
        let (fresh_reads, waiting_reads) = mpsc::unbounded_channel();
        let status = crate::tend::first_status(&options);
        let inner = Arc::new(Inner {
            timing: Mutex::new(options.timing.clone()),
            core: Arc::new(CoreSlot::new(core)),
            leader: watch::Sender::new(None),
            status: watch::Sender::new(status),
            tasks: Mutex::default(),
            options,
            parts,
            view,
            log,
            links,
            health,
            proposer,
            batcher,
            fresh_reads,
        });
        inner.start_tasks(waiting_reads);
        Ok(Self { inner })
    }

    /// Makes this replica the first and only member of a new group; does nothing on one that has members.
    pub async fn found(&self) -> Result<(), MembershipError> {
        self.inner.found().await
    }

    /// Has a command committed and applied; on any member. Returns its reply when the leader applied it.
    ///
    /// Cost: one round trip to the leader, one from it to a majority and their syncs, shared with all
    /// proposals of that moment. If the outcome is not known ([`ProposeError::Timeout`]), the program's own
    /// idempotency key makes a repetition safe.
    pub async fn propose(&self, command: impl Into<Bytes>) -> Result<Committed, ProposeError> {
        let command = command.into();
        let limits = &self.inner.options.limits;
        if command.len() > limits.command_bytes {
            return Err(ProposeError::TooLarge {
                bytes: command.len(),
                limit: limits.command_bytes,
            });
        }
        if self.inner.health.is_disk_full() {
            return Err(ProposeError::DiskFull);
        }
        let deadline = self.inner.options.timing.deadline_of(command.len());
        self.inner
            .proposer
            .propose(command, 0, limits.waiting_proposals, deadline)
            .await
    }

    /// Returns when this replica has applied everything that was acknowledged anywhere before the call;
    /// reads after it are linearizable. The index up to which it has.
    pub async fn read_index(&self) -> Result<u64, ReadError> {
        let after = self.inner.options.timing.deadline;
        let (answer, waiting) = oneshot::channel();
        self.inner
            .fresh_reads
            .send(answer)
            .map_err(|_| ReadError::Stopped)?;
        let fresh = async {
            let index = waiting.await.map_err(|_| ReadError::Stopped)?;
            self.inner.view.applied.reached(index).await;
            Ok(index)
        };
        tokio::time::timeout(after, fresh)
            .await
            .unwrap_or(Err(ReadError::Timeout { after }))
    }

    /// Returns when this replica has applied entry `index`: a session reads its own writes.
    pub async fn wait_applied(&self, index: u64, deadline: Duration) -> Result<(), ReadError> {
        tokio::time::timeout(deadline, self.inner.view.applied.reached(index))
            .await
            .map_err(|_| ReadError::Timeout { after: deadline })
    }

    /// Last entry in the state of this replica.
    pub fn applied(&self) -> u64 {
        self.inner.view.applied.value()
    }

    /// Runs `f` on this replica's state, in one read transaction, off the async threads.
    pub async fn read<T, F>(&self, f: F) -> Result<T, ReadError>
    where
        F: FnOnce(&rusqlite::Connection) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.view.readers.read(f).await
    }

    /// How it is doing now. At most a tenth of a second old, except leader, term, role and members.
    pub fn status(&self) -> Status {
        self.inner.status.borrow().clone()
    }

    /// Whether it leads, by the same word.
    pub fn leads(&self) -> bool {
        self.inner.status.borrow().role == Role::Leader
    }

    /// Follows [`Replica::status`].
    pub fn watch_status(&self) -> watch::Receiver<Status> {
        self.inner.status.subscribe()
    }

    /// Becomes `Some` when the replica stopped for good. The program then ends, with this text.
    pub fn failure(&self) -> watch::Receiver<Option<Failure>> {
        self.inner.health.failure()
    }

    /// Writes a consistent copy of the state to the new file `path`, while everything goes on.
    pub async fn backup(&self, path: &Path) -> Result<Backup, BackupError> {
        use crate::application::AppError;
        let failed = |error: AppError| match error {
            AppError::Database(source) => BackupError::Database(source),
            AppError::Defect(text) => BackupError::Io {
                path: path.to_owned(),
                source: std::io::Error::other(text),
            },
        };
        let progress = self.inner.view.copy_to(path.to_owned()).await.map_err(failed)?;
        let owned = path.to_owned();
        let group = self.inner.options.group.clone();
        let hashed = self.inner.view.run_blocking(move || {
            restore::sign(&owned, &group)?;
            let synced = std::fs::File::open(&owned).and_then(|file| file.sync_all());
            synced
                .and_then(|()| transfer::hash(&owned))
                .map_err(|error| AppError::Defect(error.to_string()))
        });
        let (bytes, sha256) = hashed.await.map_err(failed)?;
        Ok(Backup {
            path: path.to_owned(),
            applied: progress.applied.as_ref().map_or(0, |id| id.index),
            members: progress
                .membership
                .membership()
                .nodes()
                .map(|(id, node)| (*id, node.clone()))
                .collect(),
            level: progress.level,
            bytes,
            sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    /// The gRPC service to mount; connections must already be authenticated as members of the group.
    pub fn service(&self) -> Service {
        crate::link::service(self.receiver())
    }

    /// The receiving side for other links than gRPC.
    #[doc(hidden)]
    pub fn receiver(&self) -> Arc<dyn Serve> {
        self.inner.clone()
    }

    /// Stops everything; what was acknowledged stays. Leadership is not handed over: see
    /// [`Replica::transfer_leader`].
    pub async fn shutdown(&self) {
        self.inner.stop().await;
    }
}

impl<A: Application> Inner<A> {
    pub(crate) fn core(&self) -> Core<A> {
        self.core.current()
    }

    pub(crate) fn timing(&self) -> Timing {
        self.timing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn start_tasks(self: &Arc<Self>, waiting_reads: mpsc::UnboundedReceiver<oneshot::Sender<u64>>) {
        let courier = Courier {
            proposer: self.proposer.clone(),
            batcher: self.batcher.clone(),
            links: self.links.clone(),
            node: self.options.node_id,
            leader: self.leader.subscribe(),
            frame_bytes: self.options.limits.batch_bytes,
        };
        let lasting = vec![
            tokio::spawn(courier.run()).abort_handle(),
            tokio::spawn(self.batcher.clone().run(self.core.clone())).abort_handle(),
            tokio::spawn(crate::fresh::run(self.clone(), waiting_reads)).abort_handle(),
            tokio::spawn(crate::tend::keep_house(self.clone())).abort_handle(),
        ];
        let watching = crate::tend::watch_core(self);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        *tasks = Tasks {
            lasting,
            watching,
            stopped: false,
        };
    }

    /// Whether it was told to stop, or had to.
    pub(crate) fn is_stopped(&self) -> bool {
        let told = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).stopped;
        told || self.health.failure().borrow().is_some()
    }

    pub(crate) async fn stop(&self) {
        {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            tasks.stopped = true;
            for task in tasks.lasting.drain(..) {
                task.abort();
            }
            for task in tasks.watching.drain(..) {
                task.abort();
            }
        }
        self.proposer.stop();
        if let Err(error) = self.core().shutdown().await {
            tracing::warn!(%error, "the replication core ended badly");
        }
        // What was written but not asked to be synced is not lost by an orderly stop.
        if let Err(error) = self.log.barrier().await {
            tracing::debug!(%error, "the log is already closed");
        }
        self.parts.machine.settle().await;
        self.view.home.unlock();
    }
}
