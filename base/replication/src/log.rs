//! The log on disk.
//!
//! ```text
//!  openraft ──append──► Memory (readable at once) ──► queue ──► Writer ──one frame, one fdatasync──► files
//!                                                                  └── then: IOFlushed to openraft
//! ```

mod frame;
mod memory;
mod recover;
mod writer;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    io,
    ops::{Bound, RangeBounds},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use openraft::{
    RaftLogReader,
    storage::{IOFlushed, LogState, RaftLogStorage},
};
use tokio::sync::{mpsc, oneshot};

use self::{
    frame::FileHeader,
    memory::{Held, Memory, Place},
    writer::{Op, Writer},
};
use crate::{
    disk::{Disk, DiskRead},
    error::OpenError,
    health::Health,
    options::{Limits, Work},
    types::{Entry, LogId, Types, Vote},
};

/// A reader takes at most this many bytes of entries at once.
const READ_BYTES: usize = 1 << 20;

/// Handle of the log; clones are the same log.
#[derive(Clone)]
pub(crate) struct LogStore {
    shared: Arc<Shared>,
}

struct Shared {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    memory: Arc<Mutex<Memory>>,
    queue: mpsc::UnboundedSender<Op>,
    readers: Mutex<BTreeMap<u64, Arc<dyn DiskRead>>>,
    bytes: Arc<AtomicU64>,
}

/// What the log is opened with.
pub(crate) struct LogOptions {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) group: String,
    pub(crate) node: u64,
    pub(crate) limits: Limits,
    pub(crate) work: Work,
    pub(crate) health: Arc<Health>,
}

impl LogStore {
    /// Reads the files, repairs a tail that was cut short, and starts the writer.
    pub(crate) fn open(options: LogOptions) -> Result<Self, OpenError> {
        let LogOptions {
            disk,
            dir,
            group,
            node,
            limits,
            work,
            health,
        } = options;
        disk.create_dir(&dir)
            .map_err(|error| OpenError::io("make the folder", &dir, error))?;
        let identity = identity(&group, node);
        let recovered = recover::recover(disk.as_ref(), &dir, identity, limits.cache_bytes)?;
        let memory = Arc::new(Mutex::new(recovered.memory));
        let bytes = Arc::new(AtomicU64::new(0));
        let writer = Writer::new(
            disk.clone(),
            dir.clone(),
            identity,
            limits.segment_bytes,
            memory.clone(),
            health,
            recovered.segments,
            recovered.next_frame,
            bytes.clone(),
        );
        memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .step_down(node);
        let queue = writer
            .and_then(|writer| writer.start(work))
            .map_err(|error| OpenError::io("open for writing the log in", &dir, error))?;
        let readers = Mutex::new(BTreeMap::new());
        Ok(Self {
            shared: Arc::new(Shared {
                disk,
                dir,
                memory,
                queue,
                readers,
                bytes,
            }),
        })
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Index of the first entry that is held, or would be next.
    pub(crate) fn first_index(&self) -> u64 {
        self.memory().first_index()
    }

    /// Up to where to purge so that about `keep` bytes of entries stay.
    pub(crate) fn purge_point(&self, keep: u64) -> Option<u64> {
        self.memory().purge_point(keep)
    }

    /// The newest term that this member is known to have taken part in; 0 for none.
    pub(crate) fn voted_term(&self) -> u64 {
        self.memory().vote.map_or(0, |vote| vote.leader_id.term)
    }

    /// Returns when everything that was asked for so far is on the disk.
    pub(crate) async fn barrier(&self) -> io::Result<()> {
        let (done, waiting) = oneshot::channel();
        self.ask(Op::Barrier(done))?;
        waiting.await.map_err(|_| stopped())?
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.shared.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, op: Op) -> io::Result<()> {
        self.shared.queue.send(op).map_err(|_| stopped())
    }

    fn entries(&self, from: u64, to: u64, bytes: usize) -> io::Result<Vec<Entry>> {
        let held = self.memory().range(from, to, bytes);
        held.into_iter()
            .map(|held| match held {
                Held::Whole(entry) => Ok(entry),
                Held::At(place) => self.read(place),
            })
            .collect()
    }

    fn read(&self, place: Place) -> io::Result<Entry> {
        let reader = {
            let mut readers = self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner);
            match readers.get(&place.segment) {
                Some(reader) => reader.clone(),
                None => {
                    let path = recover::path_of(&self.shared.dir, place.segment);
                    let reader: Arc<dyn DiskRead> = self.shared.disk.open_read(&path)?.into();
                    // A handful is enough: members that are behind read forwards.
                    while readers.len() >= 4 {
                        readers.pop_first();
                    }
                    readers.insert(place.segment, reader.clone());
                    reader
                }
            }
        };
        let content = reader.read_at(place.offset, place.length as usize)?;
        frame::entry(&content).map_err(io::Error::other)
    }
}

fn identity(group: &str, node: u64) -> FileHeader {
    FileHeader {
        group: crc32fast::hash(group.as_bytes()),
        node,
        segment: 0,
    }
}

/// Makes a log without entries in the new folder `dir`, whose next entry follows `purged`.
pub(crate) fn write_restored(
    disk: &dyn Disk,
    dir: &Path,
    group: &str,
    node: u64,
    vote: Vote,
    purged: LogId,
) -> io::Result<()> {
    const FIRST: u64 = 1;
    disk.create_dir(dir)?;
    let mut buffer = Vec::new();
    let header = FileHeader {
        segment: FIRST,
        ..identity(group, node)
    };
    frame::put_file_header(&mut buffer, header);
    let start = frame::begin_frame(&mut buffer);
    let meta = frame::Record::Meta {
        vote: Some(vote),
        committed: Some(purged),
        purged: Some(purged),
    };
    frame::put_record(&mut buffer, &meta);
    frame::end_frame(&mut buffer, start, FIRST, 0);
    let mut file = disk.create(&recover::path_of(dir, FIRST))?;
    file.append(&buffer)?;
    file.sync()
}

fn stopped() -> io::Error {
    io::Error::other("the log stopped")
}

fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(index) => *index,
        Bound::Excluded(index) => index + 1,
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(index) => index + 1,
        Bound::Excluded(index) => *index,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + Send>(
        &mut self,
        range: R,
    ) -> io::Result<Vec<Entry>> {
        let (from, to) = bounds(&range);
        self.entries(from, to, usize::MAX)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.memory().vote)
    }

    /// Nothing if `start` was purged meanwhile: what is sent to a follower must not have a gap. The sender
    /// then ends its stream (`network`), and the follower gets a snapshot.
    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        if start < self.first_index() {
            return Ok(Vec::new());
        }
        self.entries(start, end, READ_BYTES)
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let memory = self.memory();
        Ok(LogState {
            last_purged_log_id: memory.purged,
            last_log_id: memory.last().copied(),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        // Visible at once: replication of the new leader compares itself with it. Answered when it is safe.
        self.memory().vote = Some(*vote);
        let (done, waiting) = oneshot::channel();
        self.ask(Op::Vote(*vote, done))?;
        waiting.await.map_err(|_| stopped())?
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.memory().committed = committed;
        self.ask(Op::Committed(committed))
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.memory().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        {
            let mut memory = self.memory();
            for entry in &entries {
                let index = entry.log_id.index;
                if !memory.append(entry.clone(), None) {
                    let due = memory.next_index();
                    return Err(io::Error::other(format!(
                        "entry {index} follows where {due} is due"
                    )));
                }
            }
        }
        self.ask(Op::Append(entries, callback))
    }

    /// Not waited for: the writer keeps the order, so what is appended next is never safe before it.
    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let from = last.map_or(0, |id| id.index + 1);
        self.memory().truncate(from);
        self.ask(Op::Truncate(from))
    }

    async fn purge(&mut self, id: LogId) -> io::Result<()> {
        self.memory().purge(id);
        self.ask(Op::Purge(id))
    }
}
