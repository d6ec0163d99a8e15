//! The bytes of a log file.
//!
//! ```text
//! file   = header (40 bytes) frame*  zeros
//! header = "PLENLOG1" format:u32 group:u32 node:u64 segment:u64 reserved:u32 crc:u32
//! frame  = "PLF1" length:u32 number:u64 crc(header, segment):u32 crc(body):u32 body 0x5A
//! body   = (kind:u8 length:u32 record)*
//! ```
//! One frame is what one sync made safe; `number` counts them through all files, so that a missing one is
//! noticed. Numbers are little-endian.

use openraft::EntryPayload;

use crate::{
    types::{Entry, LeaderId, LogId, Payload, Vote},
    wire::{Malformed, membership_from, membership_to},
};

/// The newest format of files that this program reads, and the one that it writes.
pub(crate) const FORMAT: u32 = 1;
pub(crate) const FILE_HEADER: usize = 40;
pub(crate) const FRAME_HEADER: usize = 24;
pub(crate) const RECORD_HEADER: usize = 5;
const FILE_MAGIC: &[u8; 8] = b"PLENLOG1";
const FRAME_MAGIC: &[u8; 4] = b"PLF1";
const TRAILER: u8 = 0x5A;
/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// Whose file it is and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) group: u32,
    pub(crate) node: u64,
    pub(crate) segment: u64,
}

/// Why a header is not one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// The file was being made when the power went.
    Torn,
    Newer(u32),
    Damaged,
}

pub(crate) fn put_file_header(out: &mut Vec<u8>, header: FileHeader) {
    let start = out.len();
    out.extend_from_slice(FILE_MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&header.group.to_le_bytes());
    out.extend_from_slice(&header.node.to_le_bytes());
    out.extend_from_slice(&header.segment.to_le_bytes());
    out.extend_from_slice(&0_u32.to_le_bytes());
    let crc = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

pub(crate) fn file_header(file: &[u8]) -> Result<FileHeader, HeaderError> {
    let Some(header) = file.get(..FILE_HEADER) else {
        return Err(HeaderError::Torn);
    };
    let mut read = Reader(header);
    if read.array::<8>().as_ref() != Some(FILE_MAGIC) {
        let torn = header.iter().all(|byte| *byte == 0);
        return Err(if torn {
            HeaderError::Torn
        } else {
            HeaderError::Damaged
        });
    }
    // The format comes first and is believed, because what follows it may look different in a newer one.
    let format = read.u32().ok_or(HeaderError::Damaged)?;
    if format > FORMAT {
        return Err(HeaderError::Newer(format));
    }
    let fields = (|| {
        let parsed = FileHeader {
            group: read.u32()?,
            node: read.u64()?,
            segment: read.u64()?,
        };
        read.u32()?;
        Some((parsed, read.u32()?))
    })();
    match (fields, header.get(..FILE_HEADER - 4)) {
        (Some((parsed, crc)), Some(covered)) if crc32fast::hash(covered) == crc => Ok(parsed),
        _ => Err(HeaderError::Damaged),
    }
}

/// Starts a frame at the end of `out`; records follow, then [`end_frame`] with the returned position.
pub(crate) fn begin_frame(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.resize(start + FRAME_HEADER, 0);
    start
}

pub(crate) fn end_frame(out: &mut Vec<u8>, start: usize, segment: u64, number: u64) {
    let (head, body) = out.split_at_mut(start + FRAME_HEADER);
    let length = u32::try_from(body.len()).expect("a group of records stays far below 4 GiB");
    let header = head.get_mut(start..).expect("begin_frame made the room");
    header[..4].copy_from_slice(FRAME_MAGIC);
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..16].copy_from_slice(&number.to_le_bytes());
    let crc = frame_header_crc(&header[..16], segment);
    header[16..20].copy_from_slice(&crc.to_le_bytes());
    header[20..24].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    out.push(TRAILER);
}

fn frame_header_crc(header: &[u8], segment: u64) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(header);
    crc.update(&segment.to_le_bytes());
    crc.finalize()
}

/// What stands at a place where a frame may begin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Frame {
        number: u64,
        body: &'a [u8],
        end: usize,
    },
    /// Nothing was written here.
    End,
    /// A write that the loss of power cut short.
    Torn,
    Damaged(&'static str),
}

/// Reads the frame at `at`.
///
/// Torn is only what a lost write can look like: the file ends inside the frame, or a whole sector (or the
/// frame's share of one) is still zero. Everything else that does not fit its checksum is damage.
pub(crate) fn find_frame(file: &[u8], at: usize, segment: u64) -> Found<'_> {
    let rest = file.get(at..).unwrap_or_default();
    if rest.iter().all(|byte| *byte == 0) {
        return Found::End;
    }
    let Some(header) = rest.get(..FRAME_HEADER) else {
        return Found::Torn;
    };
    let mut read = Reader(header);
    let fields = (|| {
        Some((
            read.array::<4>()?,
            read.u32()?,
            read.u64()?,
            read.u32()?,
            read.u32()?,
        ))
    })();
    let Some((magic, length, number, header_crc, body_crc)) = fields else {
        return Found::Torn;
    };
    if &magic != FRAME_MAGIC || frame_header_crc(&header[..16], segment) != header_crc {
        return if has_zero_sector(file, at, at + FRAME_HEADER) {
            Found::Torn
        } else {
            Found::Damaged("the head of a group of records does not fit its checksum")
        };
    }
    let end = at + FRAME_HEADER + length as usize + 1;
    let (Some(body), Some(trailer)) = (file.get(at + FRAME_HEADER..end - 1), file.get(end - 1)) else {
        return Found::Torn;
    };
    if *trailer == TRAILER && crc32fast::hash(body) == body_crc {
        return Found::Frame { number, body, end };
    }
    if has_zero_sector(file, at, end) {
        Found::Torn
    } else {
        Found::Damaged("a group of records does not fit its checksum")
    }
}

/// Where the next whole frame with a number from `number` on begins behind `at`.
pub(crate) fn whole_frame_after(file: &[u8], at: usize, segment: u64, number: u64) -> Option<usize> {
    let rest = file.get(at + 1..)?;
    rest.windows(FRAME_MAGIC.len())
        .enumerate()
        .filter(|(_, window)| window == FRAME_MAGIC)
        .map(|(offset, _)| at + 1 + offset)
        .find(|start| {
            matches!(find_frame(file, *start, segment), Found::Frame { number: found, .. } if found >= number)
        })
}

fn has_zero_sector(file: &[u8], from: usize, to: usize) -> bool {
    let mut at = from;
    while at < to {
        let next = ((at / SECTOR) + 1) * SECTOR;
        let share = file.get(at..next.min(to)).unwrap_or_default();
        if share.iter().all(|byte| *byte == 0) {
            return true;
        }
        at = next;
    }
    false
}

/// One record of a frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    Entry(Entry),
    Vote(Vote),
    Committed(Option<LogId>),
    /// Entries from this index on are void.
    Truncate(u64),
    /// Entries up to here are no longer needed.
    Purge(LogId),
    /// What older files said, at the start of each file.
    Meta {
        vote: Option<Vote>,
        committed: Option<LogId>,
        purged: Option<LogId>,
    },
}

const ENTRY: u8 = 1;
const VOTE: u8 = 2;
const COMMITTED: u8 = 3;
const TRUNCATE: u8 = 4;
const PURGE: u8 = 5;
const META: u8 = 6;

/// Appends an entry; returns where its record's content begins and how long it is.
pub(crate) fn put_entry(out: &mut Vec<u8>, entry: &Entry) -> (usize, usize) {
    put(out, ENTRY, |out| {
        put_log_id(out, &entry.log_id);
        match &entry.payload {
            EntryPayload::Blank => out.push(0),
            EntryPayload::Normal(Payload(bytes)) => {
                out.push(1);
                out.extend_from_slice(bytes);
            }
            EntryPayload::Membership(membership) => {
                out.push(2);
                out.extend_from_slice(&membership_to(membership));
            }
        }
    })
}

pub(crate) fn put_record(out: &mut Vec<u8>, record: &Record) {
    match record {
        Record::Entry(entry) => put_entry(out, entry),
        Record::Vote(vote) => put(out, VOTE, |out| put_vote(out, vote)),
        Record::Committed(id) => put(out, COMMITTED, |out| put_option(out, id.as_ref(), put_log_id)),
        Record::Truncate(from) => put(out, TRUNCATE, |out| out.extend_from_slice(&from.to_le_bytes())),
        Record::Purge(id) => put(out, PURGE, |out| put_log_id(out, id)),
        Record::Meta {
            vote,
            committed,
            purged,
        } => put(out, META, |out| {
            put_option(out, vote.as_ref(), put_vote);
            put_option(out, committed.as_ref(), put_log_id);
            put_option(out, purged.as_ref(), put_log_id);
        }),
    };
}

fn put(out: &mut Vec<u8>, kind: u8, content: impl FnOnce(&mut Vec<u8>)) -> (usize, usize) {
    out.push(kind);
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    let start = out.len();
    content(out);
    let length = out.len() - start;
    let encoded = u32::try_from(length)
        .expect("a record stays far below 4 GiB")
        .to_le_bytes();
    out[length_at..start].copy_from_slice(&encoded);
    (start, length)
}

fn put_log_id(out: &mut Vec<u8>, id: &LogId) {
    for number in [id.leader_id.term, id.leader_id.node_id, id.index] {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn put_vote(out: &mut Vec<u8>, vote: &Vote) {
    out.extend_from_slice(&vote.leader_id.term.to_le_bytes());
    out.extend_from_slice(&vote.leader_id.node_id.to_le_bytes());
    out.push(u8::from(vote.committed));
}

fn put_option<T>(out: &mut Vec<u8>, value: Option<&T>, f: impl FnOnce(&mut Vec<u8>, &T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        f(out, value);
    }
}

/// The records of a frame's body with the position of each one's content in it.
pub(crate) fn records(body: &[u8]) -> Result<Vec<(usize, usize, Record)>, Malformed> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let mut read = Reader(body.get(at..).unwrap_or_default());
        let head = read.u8().zip(read.u32());
        let (kind, length) = head.ok_or_else(|| Malformed("a record ends in its head".into()))?;
        let start = at + RECORD_HEADER;
        let content = body
            .get(start..start + length as usize)
            .ok_or_else(|| Malformed("a record is longer than its group".into()))?;
        found.push((start, content.len(), record(kind, content)?));
        at = start + content.len();
    }
    Ok(found)
}

fn record(kind: u8, content: &[u8]) -> Result<Record, Malformed> {
    let mut read = Reader(content);
    let parsed = match kind {
        ENTRY => return entry(content).map(Record::Entry),
        VOTE => read.vote().map(Record::Vote),
        COMMITTED => read.option(Reader::log_id).map(Record::Committed),
        TRUNCATE => read.u64().map(Record::Truncate),
        PURGE => read.log_id().map(Record::Purge),
        META => (|| {
            Some(Record::Meta {
                vote: read.option(Reader::vote)?,
                committed: read.option(Reader::log_id)?,
                purged: read.option(Reader::log_id)?,
            })
        })(),
        _ => return Err(Malformed(format!("unknown kind of record {kind}"))),
    };
    parsed.ok_or_else(|| Malformed(format!("a record of kind {kind} is too short")))
}

/// Reads what [`put_entry`] wrote.
pub(crate) fn entry(content: &[u8]) -> Result<Entry, Malformed> {
    let mut read = Reader(content);
    let head = read.log_id().zip(read.u8());
    let (log_id, kind) = head.ok_or_else(|| Malformed("an entry is too short".into()))?;
    let payload = match kind {
        0 => EntryPayload::Blank,
        1 => EntryPayload::Normal(Payload(bytes::Bytes::copy_from_slice(read.0))),
        2 => EntryPayload::Membership(membership_from(read.0)?),
        _ => return Err(Malformed(format!("unknown kind of entry {kind}"))),
    };
    Ok(Entry { log_id, payload })
}

/// Takes numbers from the front of a slice.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn log_id(&mut self) -> Option<LogId> {
        let leader_id = LeaderId {
            term: self.u64()?,
            node_id: self.u64()?,
        };
        Some(LogId {
            leader_id,
            index: self.u64()?,
        })
    }

    fn vote(&mut self) -> Option<Vote> {
        let leader_id = LeaderId {
            term: self.u64()?,
            node_id: self.u64()?,
        };
        Some(Vote {
            leader_id,
            committed: self.u8()? != 0,
        })
    }

    fn option<T>(&mut self, f: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            _ => f(self).map(Some),
        }
    }
}
