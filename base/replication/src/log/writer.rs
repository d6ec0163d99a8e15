//! The one writer of the log: drains what waits, writes it as one frame, syncs once, answers all.

use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use openraft::storage::IOFlushed;
use tokio::sync::{mpsc, oneshot};

use super::{
    frame::{self, FileHeader, Record},
    memory::{Memory, Place},
    recover::{Segment, path_of},
};
use crate::{
    disk::{Disk, DiskFile},
    error::Failure,
    health::Health,
    options::Work,
    types::{Entry, LogId, Types, Vote},
};

/// What is asked of the writer.
pub(crate) enum Op {
    Append(Vec<Entry>, IOFlushed<Types>),
    Vote(Vote, oneshot::Sender<io::Result<()>>),
    Committed(Option<LogId>),
    Truncate(u64),
    Purge(LogId),
    /// Answers when everything before it is on the disk.
    Barrier(oneshot::Sender<io::Result<()>>),
}

/// A group takes at most this many operations and, past its first, bytes.
const GROUP_OPS: usize = 1024;
const GROUP_BYTES: usize = 4 << 20;
/// Between two tries when the disk is full.
const FULL_PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Writer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) identity: FileHeader,
    pub(crate) segment_bytes: u64,
    pub(crate) memory: Arc<Mutex<Memory>>,
    pub(crate) health: Arc<Health>,
    /// The last one is being written.
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) next_frame: u64,
    file: Option<Box<dyn DiskFile>>,
    buffer: Vec<u8>,
    /// What the files would say after everything that was written.
    vote: Option<Vote>,
    committed: Option<LogId>,
    committed_written: Option<LogId>,
    purged: Option<LogId>,
    sizes: Arc<std::sync::atomic::AtomicU64>,
}

/// What a group changes once it is safe.
#[derive(Default)]
struct Group {
    placed: Vec<(LogId, Place)>,
    must_sync: bool,
    purges: bool,
}

impl Writer {
    #[allow(clippy::too_many_arguments)] // called once, by the opening of the log
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        identity: FileHeader,
        segment_bytes: u64,
        memory: Arc<Mutex<Memory>>,
        health: Arc<Health>,
        segments: Vec<Segment>,
        next_frame: u64,
        sizes: Arc<std::sync::atomic::AtomicU64>,
    ) -> io::Result<Self> {
        let (vote, committed, purged) = {
            let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            (memory.vote, memory.committed, memory.purged)
        };
        let file = match segments.last() {
            Some(segment) => Some(disk.open(&path_of(&dir, segment.number), segment.length)?),
            None => None,
        };
        let writer = Self {
            disk,
            dir,
            identity,
            segment_bytes,
            memory,
            health,
            segments: segments.into(),
            next_frame,
            file,
            buffer: Vec::new(),
            vote,
            committed,
            committed_written: committed,
            purged,
            sizes,
        };
        writer.publish_size();
        Ok(writer)
    }

    /// Starts writing what comes through the returned channel, until it is closed.
    pub(crate) fn start(self, work: Work) -> io::Result<mpsc::UnboundedSender<Op>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        match work {
            Work::Threads => {
                std::thread::Builder::new()
                    .name("replication-log".into())
                    .spawn(move || self.run(receiver))?;
            }
            Work::Inline => {
                tokio::spawn(self.run_inline(receiver));
            }
        }
        Ok(sender)
    }

    fn run(mut self, mut receiver: mpsc::UnboundedReceiver<Op>) {
        while let Some(first) = receiver.blocking_recv() {
            let ops = drain(first, &mut receiver);
            let result = loop {
                match self.write(&ops) {
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                        self.health.set_log_waits(true);
                        std::thread::sleep(FULL_PAUSE);
                    }
                    other => break other,
                }
            };
            self.health.set_log_waits(false);
            let result = result.and_then(|group| {
                let started = Instant::now();
                self.sync(&group)?;
                if group.must_sync {
                    self.health.synced(started.elapsed());
                }
                self.finish(group)
            });
            if !self.answer(ops, result) {
                refuse_the_rest(receiver);
                return;
            }
        }
    }

    /// The same in virtual time.
    async fn run_inline(mut self, mut receiver: mpsc::UnboundedReceiver<Op>) {
        while let Some(first) = receiver.recv().await {
            let ops = drain(first, &mut receiver);
            let result = loop {
                match self.write(&ops) {
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                        self.health.set_log_waits(true);
                        tokio::time::sleep(FULL_PAUSE).await;
                    }
                    other => break other,
                }
            };
            self.health.set_log_waits(false);
            let result = match result {
                Ok(group) => {
                    let delay = self.disk.sync_delay();
                    if group.must_sync {
                        tokio::time::sleep(delay).await;
                        self.health.synced(delay);
                    }
                    self.sync(&group).and_then(|()| self.finish(group))
                }
                Err(error) => Err(error),
            };
            if !self.answer(ops, result) {
                receiver.close();
                while let Some(op) = receiver.recv().await {
                    refuse(op);
                }
                return;
            }
        }
    }

    /// Writes one frame with all of `ops`. After an error it may be called again with the same.
    fn write(&mut self, ops: &[Op]) -> io::Result<Group> {
        let mut group = Group::default();
        if ops
            .iter()
            .all(|op| matches!(op, Op::Committed(_) | Op::Barrier(_)))
        {
            // Not worth a frame of its own: it only saves work after a start.
            self.note_committed(ops);
            return Ok(group);
        }
        let fresh = self.start_segment_if_due()?;
        let segment = self.segments.back().map_or(0, |segment| segment.number);
        let base = self.segments.back().map_or(0, |segment| segment.length);
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        if fresh {
            frame::put_file_header(
                &mut buffer,
                FileHeader {
                    segment,
                    ..self.identity
                },
            );
        }
        let start = frame::begin_frame(&mut buffer);
        if fresh {
            let meta = Record::Meta {
                vote: self.vote,
                committed: self.committed,
                purged: self.purged,
            };
            frame::put_record(&mut buffer, &meta);
        }
        let last_index = put_ops(&mut buffer, ops, segment, base, &mut group);
        self.note_committed(ops);
        if self.committed != self.committed_written {
            frame::put_record(&mut buffer, &Record::Committed(self.committed));
        }
        frame::end_frame(&mut buffer, start, segment, self.next_frame);
        let written = match &mut self.file {
            Some(file) => file.append(&buffer),
            None => Err(io::Error::other("the log has no file")),
        };
        let length = buffer.len() as u64;
        self.buffer = buffer;
        written?;
        self.next_frame += 1;
        self.committed_written = self.committed;
        if let Some(current) = self.segments.back_mut() {
            current.length += length;
            current.last_index = current.last_index.max(last_index);
        }
        for op in ops {
            match op {
                Op::Vote(vote, _) => self.vote = Some(*vote),
                Op::Purge(id) => self.purged = self.purged.max(Some(*id)),
                _ => {}
            }
        }
        self.publish_size();
        Ok(group)
    }

    fn note_committed(&mut self, ops: &[Op]) {
        for op in ops {
            if let Op::Committed(id) = op {
                self.committed = *id;
            }
        }
    }

    /// Makes the next file when there is none or the last one is full. `true` if it is empty.
    fn start_segment_if_due(&mut self) -> io::Result<bool> {
        let number = match self.segments.back() {
            Some(current) if self.file.is_some() && current.length == 0 => return Ok(true),
            Some(current) if current.length < self.segment_bytes => return Ok(false),
            Some(current) => current.number + 1,
            None => 1,
        };
        self.file = Some(self.disk.create(&path_of(&self.dir, number))?);
        self.segments.push_back(Segment {
            number,
            length: 0,
            last_index: None,
        });
        Ok(true)
    }

    fn sync(&mut self, group: &Group) -> io::Result<()> {
        match &mut self.file {
            Some(file) if group.must_sync => file.sync(),
            _ => Ok(()),
        }
    }

    /// Everything of the group is safe: entries may be read from the disk, purged files can go.
    fn finish(&mut self, group: Group) -> io::Result<()> {
        {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, place) in group.placed {
                memory.placed(id, place);
            }
            memory.evict();
        }
        if group.purges {
            self.remove_purged()?;
        }
        Ok(())
    }

    /// Removes files from the oldest on, as far as all their entries are purged.
    fn remove_purged(&mut self) -> io::Result<()> {
        let Some(purged) = self.purged.map(|id| id.index) else {
            return Ok(());
        };
        while self.segments.len() > 1
            && self
                .segments
                .front()
                .is_some_and(|oldest| oldest.last_index.is_none_or(|last| last <= purged))
        {
            if let Some(oldest) = self.segments.pop_front() {
                self.disk.remove(&path_of(&self.dir, oldest.number))?;
            }
        }
        self.publish_size();
        Ok(())
    }

    fn publish_size(&self) {
        let total = self.segments.iter().map(|segment| segment.length).sum();
        self.sizes.store(total, std::sync::atomic::Ordering::Relaxed);
    }

    /// Tells everybody who waits. `false` if the log is not to be written any more.
    fn answer(&self, ops: Vec<Op>, result: io::Result<()>) -> bool {
        let Err(error) = result else {
            for op in ops {
                match op {
                    Op::Append(_, done) => done.io_completed(Ok(())),
                    Op::Vote(_, done) | Op::Barrier(done) => drop(done.send(Ok(()))),
                    Op::Committed(_) | Op::Truncate(_) | Op::Purge(_) => {}
                }
            }
            return true;
        };
        self.health.fail(Failure::Log {
            dir: self.dir.clone(),
            reason: error.to_string(),
        });
        for op in ops {
            refuse(op);
        }
        false
    }
}

/// Puts the records of `ops`; returns the largest index among them.
fn put_ops(buffer: &mut Vec<u8>, ops: &[Op], segment: u64, base: u64, group: &mut Group) -> Option<u64> {
    let mut last_index = None;
    for op in ops {
        match op {
            Op::Append(entries, _) => {
                group.must_sync = true;
                for entry in entries {
                    let (start, length) = frame::put_entry(buffer, entry);
                    let length = u32::try_from(length).unwrap_or(u32::MAX);
                    let place = Place {
                        segment,
                        offset: base + start as u64,
                        length,
                    };
                    group.placed.push((entry.log_id, place));
                    last_index = last_index.max(Some(entry.log_id.index));
                }
            }
            Op::Vote(vote, _) => {
                group.must_sync = true;
                frame::put_record(buffer, &Record::Vote(*vote));
            }
            Op::Truncate(from) => {
                group.must_sync = true;
                frame::put_record(buffer, &Record::Truncate(*from));
            }
            Op::Purge(id) => {
                group.must_sync = true;
                group.purges = true;
                frame::put_record(buffer, &Record::Purge(*id));
            }
            Op::Committed(_) | Op::Barrier(_) => {}
        }
    }
    last_index
}

fn drain(first: Op, receiver: &mut mpsc::UnboundedReceiver<Op>) -> Vec<Op> {
    let mut bytes = size_of_op(&first);
    let mut ops = vec![first];
    while ops.len() < GROUP_OPS && bytes < GROUP_BYTES {
        let Ok(op) = receiver.try_recv() else { break };
        bytes += size_of_op(&op);
        ops.push(op);
    }
    ops
}

fn size_of_op(op: &Op) -> usize {
    match op {
        Op::Append(entries, _) => entries
            .iter()
            .map(|entry| match &entry.payload {
                openraft::EntryPayload::Normal(payload) => payload.0.len() + 64,
                _ => 64,
            })
            .sum(),
        _ => 64,
    }
}

fn refuse_the_rest(mut receiver: mpsc::UnboundedReceiver<Op>) {
    receiver.close();
    while let Some(op) = receiver.blocking_recv() {
        refuse(op);
    }
}

fn refuse(op: Op) {
    let stopped = || io::Error::other("the log stopped after a failed write");
    match op {
        Op::Append(_, done) => done.io_completed(Err(stopped())),
        Op::Vote(_, done) | Op::Barrier(done) => drop(done.send(Err(stopped()))),
        Op::Committed(_) | Op::Truncate(_) | Op::Purge(_) => {}
    }
}
