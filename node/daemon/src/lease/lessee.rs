//! What one node knows of the server's lease: what the log has, and until when it may be used here.

use crate::{data, seats::reading};
use anyhow::Context as _;
use plenary_contracts::cluster::v1::{LeaseLeft, StatusResponse};
use plenary_licences::{
    Epoch, PoolId, Refusal,
    clock::Reading,
    lessee::{Alive, Home, Watch},
};
use plenary_license_manager_client::{Standing, boot_id};
use plenary_licensing::{Alarm, Lease, Needs};
use plenary_member::Folder;
use plenary_model::NodeId;
use serde::{Deserialize, Serialize};
use std::{
    io::Write as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

/// A node that learnt of a lease a moment ago asks until when it may be used; who wants to join waits for that.
const LEARN_WITHIN: Duration = Duration::from_secs(3);
const LEARN_AGAIN: Duration = Duration::from_millis(50);
/// People are told to this step when a lease ends: clocks that differ a little must not tell them anew.
const STEP_MS: u64 = 10_000;
/// A deadline that grew by less is not written again: one on the disk that is too early is safe.
const WRITE_EVERY_MS: u64 = 10_000;

/// The watch of a node as it lies on its disk: of one pool only, as epochs of two cannot be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pool: Option<PoolId>,
    pub(super) watch: Watch,
    /// How often the node has started with this data folder.
    #[serde(default)]
    pub(super) starts: u64,
}

/// What is known, and what of it is on the disk.
pub(super) struct Book {
    pub(super) kept: Kept,
    written: Kept,
}

/// Tells the times apart that this node leads: a node that starts anew may lead in the same term of Raft, and what it
/// forgot must not be said again under the same number.
#[derive(Default)]
pub(super) struct Leaderships {
    pub(super) leads: bool,
    pub(super) count: u64,
}

/// What this node knows of the server's lease.
pub(crate) struct Lessee {
    pub(super) home: Home,
    file: PathBuf,
    pub(super) book: Mutex<Book>,
    pub(super) leaderships: Mutex<Leaderships>,
    /// Whether `needs` was read since the start.
    pub(super) read: AtomicBool,
    pub(super) needs: watch::Sender<Option<Needs>>,
    /// The line to the managers, while there is one.
    pub(super) line: Mutex<Option<watch::Receiver<Standing>>>,
    pub(super) refusal: Mutex<Option<Refusal>>,
    /// The most that was left of the lease: about its whole time.
    pub(super) longest_ms: Mutex<u64>,
    pub(super) unknown_since: Mutex<Option<Instant>>,
    pub(super) changed: Notify,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a node stands to the lease under which the server uses seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usable {
    /// Seats are the server's own, or the lease has time left.
    Yes,
    /// Until when the lease may be used is not known here yet.
    Unknown,
    Over,
}

impl Lessee {
    /// Reads what this node knew before it ended, if this is the same boot of the same machine.
    pub(crate) fn open(folder: &Folder, node: NodeId) -> anyhow::Result<Self> {
        let place = std::fs::metadata(folder.path()).context("the data folder cannot be looked at")?;
        let home = Home {
            boot_id: boot_id().context("the system does not say which boot it is")?,
            device: place.dev(),
            inode: place.ino(),
            // A restored server has a node of another number.
            restore: u128::from(node.0),
        };
        let file = data::lease(folder);
        let mut kept: Kept = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, file = %file.display(), "what this node knew of its lease cannot be read; it asks again");
                Kept::default()
            }),
            Err(_) => Kept::default(),
        };
        kept.starts += 1;
        let lessee = Self {
            home,
            file,
            book: Mutex::new(Book {
                written: kept.clone(),
                kept: kept.clone(),
            }),
            leaderships: Mutex::default(),
            read: AtomicBool::new(false),
            needs: watch::Sender::new(None),
            line: Mutex::default(),
            refusal: Mutex::default(),
            longest_ms: Mutex::default(),
            unknown_since: Mutex::default(),
            changed: Notify::new(),
        };
        lessee
            .write(&kept)
            .with_context(|| format!("{} cannot be written", lessee.file.display()))?;
        Ok(lessee)
    }

    /// What the server borrows and needs, as this node applied it a moment ago.
    pub(crate) fn needs(&self) -> Option<Needs> {
        self.needs.borrow().clone()
    }

    pub(super) fn lease(&self) -> Option<Lease> {
        self.needs.borrow().as_ref().map(|needs| needs.lease.clone())
    }

    /// Lets `f` use the watch of this node, and writes down what changed.
    pub(super) fn with_watch<T>(&self, f: impl FnOnce(&mut Watch) -> T) -> T {
        let mut book = lock(&self.book);
        let Book { kept, written } = &mut *book;
        let result = f(&mut kept.watch);
        let now = reading();
        let left = |kept: &Kept| {
            let epoch = kept.watch.lease(self.home);
            epoch.map(|epoch| (epoch, kept.watch.left_ms(epoch, now, self.home).unwrap_or(0)))
        };
        let (is, was) = (left(kept), left(written));
        let same_lease = is.map(|(epoch, _)| epoch) == was.map(|(epoch, _)| epoch);
        let longer = is.map_or(0, |(_, left)| left) >= was.map_or(0, |(_, left)| left) + WRITE_EVERY_MS;
        if kept.pool != written.pool || !same_lease || longer {
            match self.write(kept) {
                Ok(()) => *written = kept.clone(),
                Err(error) => {
                    tracing::warn!(%error, file = %self.file.display(), "the deadline of the lease cannot be written down");
                }
            }
        }
        result
    }

    fn write(&self, kept: &Kept) -> std::io::Result<()> {
        let fresh = self.file.with_extension("new");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.file)
    }

    /// Forgets deadlines of another pool.
    pub(super) fn belong_to(&self, pool: Option<PoolId>) {
        {
            let kept = &mut lock(&self.book).kept;
            if kept.pool == pool {
                return;
            }
            kept.pool = pool;
            kept.watch = Watch::new();
        }
        *lock(&self.longest_ms) = 0;
        self.with_watch(|_| {});
    }

    /// Milliseconds that a lease may be used here; `None` if this node knows no deadline of it.
    pub(crate) fn left_ms(&self, epoch: Epoch) -> Option<u64> {
        lock(&self.book).kept.watch.left_ms(epoch, reading(), self.home)
    }

    /// When all that needs a seat ends here if no License Manager is back until then, in milliseconds since 1970 to ten
    /// seconds; `None` while that is not near.
    pub(crate) fn ends_soon(&self) -> Option<u64> {
        let epoch = {
            let needs = self.needs.borrow();
            let lease = needs.as_ref().map(|needs| &needs.lease);
            lease.filter(|lease| lease.alarm != Alarm::None)?.used()?
        };
        let left = self.left_ms(epoch)?;
        Some(reading().wall_ms.saturating_add(left) / STEP_MS * STEP_MS)
    }

    /// Whether seats can be used on this node now.
    pub(crate) fn usable(&self) -> Usable {
        if !self.read.load(Ordering::Acquire) {
            return Usable::Unknown;
        }
        let used = self.needs.borrow().as_ref().and_then(|needs| needs.lease.used());
        let lent = self
            .needs
            .borrow()
            .as_ref()
            .is_some_and(|needs| needs.lease.is_lent());
        match used {
            None if lent => Usable::Unknown,
            None => Usable::Yes,
            Some(epoch) => match self.left_ms(epoch) {
                None => Usable::Unknown,
                Some(0) => Usable::Over,
                Some(_) => Usable::Yes,
            },
        }
    }

    /// Whether seats can be used here; waits a moment for the leader or the manager.
    pub(crate) async fn may_use(&self) -> Result<(), &'static str> {
        let deadline = Instant::now() + LEARN_WITHIN;
        loop {
            match self.usable() {
                Usable::Yes => return Ok(()),
                Usable::Unknown | Usable::Over if Instant::now() < deadline => {
                    tokio::time::sleep(LEARN_AGAIN).await;
                }
                Usable::Unknown | Usable::Over => return Err(OVER),
            }
        }
    }

    /// What this node says to the others of the lease.
    pub(crate) fn word(&self) -> (Option<LeaseLeft>, String) {
        let known = {
            let watch = &lock(&self.book).kept.watch;
            let epoch = watch.lease(self.home);
            epoch.map(|epoch| {
                let left = watch.left_ms(epoch, reading(), self.home);
                (epoch, left.unwrap_or(0))
            })
        };
        let left = known.map(|(epoch, left_ms)| LeaseLeft {
            pool_epoch: epoch.pool,
            number: epoch.number,
            left_ms,
        });
        let refusal = lock(&self.refusal).map_or("", Refusal::code);
        (left, refusal.to_owned())
    }

    /// Another node answered what was asked at `asked`. Whatever it knows is true, whether it leads or not.
    pub(crate) fn said(&self, answer: &StatusResponse, asked: Reading) {
        let Some(said) = answer.lease else { return };
        let epoch = Epoch {
            pool: said.pool_epoch,
            number: said.number,
        };
        let Some(lease) = self.lease().filter(|lease| lease.held.epoch() == Some(epoch)) else {
            return;
        };
        if lock(&self.book).kept.pool != Some(lease.pool) {
            return;
        }
        let alive = Alive {
            left_ms: Some((epoch, said.left_ms)),
            until_boot_ms: 0,
        };
        // Being alive is told by the log here, see `crate::seats`.
        self.with_watch(|watch| watch.heard(alive, 0, asked, reading(), self.home));
    }

    /// The line to the managers as it is; `None` without one.
    pub(crate) fn standing(&self) -> Option<Standing> {
        lock(&self.line).as_ref().map(|line| line.borrow().clone())
    }
}

/// What is told to who wants to use a seat of a lease that is over.
const OVER: &str = "the License Manager of your enterprise has been away for too long, so conferences have ended; calls and \
                    chats work, and conferences are back the moment it is";
