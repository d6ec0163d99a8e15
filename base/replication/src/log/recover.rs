//! Reads the log files after a start: what is whole, what a loss of power cut short, what is damaged.

use std::path::{Path, PathBuf};

use super::{
    frame::{self, FileHeader, Found, HeaderError, Record},
    memory::{Memory, Place},
};
use crate::{disk::Disk, error::OpenError};

/// One log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    /// Bytes that count.
    pub(crate) length: u64,
    /// Largest index of an entry in it, ever.
    pub(crate) last_index: Option<u64>,
}

/// What the files said.
pub(crate) struct Recovered {
    pub(crate) memory: Memory,
    pub(crate) segments: Vec<Segment>,
    /// Number of the next frame.
    pub(crate) next_frame: u64,
    /// Entries up to here were in files that are gone: a purge must have said so.
    gap: Option<u64>,
}

pub(crate) fn path_of(dir: &Path, segment: u64) -> PathBuf {
    dir.join(format!("{segment:016}.log"))
}

/// Reads all files of `dir`. Changes nothing but a file that was being made when the power went.
pub(crate) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    identity: FileHeader,
    cache_limit: usize,
) -> Result<Recovered, OpenError> {
    let names = disk
        .list(dir)
        .map_err(|error| OpenError::io("list", dir, error))?;
    let numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".log")?.parse().ok())
        .collect();
    let mut state = Recovered {
        memory: Memory::new(cache_limit),
        segments: Vec::new(),
        next_frame: 0,
        gap: None,
    };
    for (position, number) in numbers.iter().enumerate() {
        let path = path_of(dir, *number);
        if let Some(before) = state
            .segments
            .last()
            .filter(|before| before.number + 1 != *number)
        {
            let what = format!("the file before it is number {}, some are missing", before.number);
            return Err(OpenError::Corrupt {
                path,
                offset: 0,
                what,
            });
        }
        let file = disk
            .read(&path)
            .map_err(|error| OpenError::io("read", &path, error))?;
        let last = position + 1 == numbers.len();
        let identity = FileHeader {
            segment: *number,
            ..identity
        };
        match read_segment(&mut state, &file, &path, identity, last)? {
            Some(segment) => state.segments.push(segment),
            None => disk
                .remove(&path)
                .map_err(|error| OpenError::io("remove", &path, error))?,
        }
    }
    let purged = state.memory.purged.as_ref().map(|id| id.index);
    if let Some(gap) = state.gap.filter(|gap| Some(*gap) > purged) {
        let path = path_of(dir, state.segments.first().map_or(0, |segment| segment.number));
        let what = format!("entries up to {gap} are missing before it");
        return Err(OpenError::Corrupt {
            path,
            offset: 0,
            what,
        });
    }
    Ok(state)
}

fn read_segment(
    state: &mut Recovered,
    file: &[u8],
    path: &Path,
    identity: FileHeader,
    last: bool,
) -> Result<Option<Segment>, OpenError> {
    let damaged = |offset: usize, what: String| OpenError::Corrupt {
        path: path.to_owned(),
        offset: offset as u64,
        what,
    };
    match frame::file_header(file) {
        Ok(header) if header == identity => {}
        Ok(_) => return Err(damaged(0, "it belongs to another node or place".into())),
        Err(HeaderError::Torn) if last => return Ok(None),
        Err(HeaderError::Torn | HeaderError::Damaged) => {
            return Err(damaged(
                0,
                "the head of the file does not fit its checksum".into(),
            ));
        }
        Err(HeaderError::Newer(found)) => {
            return Err(OpenError::Newer {
                path: path.to_owned(),
                found,
                known: frame::FORMAT,
            });
        }
    }
    let mut segment = Segment {
        number: identity.segment,
        length: 0,
        last_index: None,
    };
    let mut at = frame::FILE_HEADER;
    loop {
        match frame::find_frame(file, at, identity.segment) {
            Found::Frame { number, body, end } => {
                if at > frame::FILE_HEADER || !state.segments.is_empty() {
                    check_number(state.next_frame, number).map_err(|what| damaged(at, what))?;
                }
                let records = frame::records(body).map_err(|error| damaged(at, error.0))?;
                for (start, length, record) in records {
                    let offset = (at + frame::FRAME_HEADER + start) as u64;
                    let length = u32::try_from(length).unwrap_or(u32::MAX);
                    let place = Place {
                        segment: identity.segment,
                        offset,
                        length,
                    };
                    replay(state, &mut segment, record, place).map_err(|what| damaged(at, what))?;
                }
                state.next_frame = number + 1;
                at = end;
            }
            Found::End => break,
            Found::Torn if last => {
                // Each group was safe before the next one was begun, so only the last one can be cut short.
                if let Some(next) = frame::whole_frame_after(file, at, identity.segment, state.next_frame) {
                    let what = format!("a group of records is cut short, and another one follows at {next}");
                    return Err(damaged(at, what));
                }
                tracing::warn!(file = %path.display(), offset = at, "a write was cut short; it was not confirmed to anybody");
                break;
            }
            Found::Torn => return Err(damaged(at, "a group of records is cut short".into())),
            Found::Damaged(what) => return Err(damaged(at, what.into())),
        }
    }
    if last && at == frame::FILE_HEADER && !state.segments.is_empty() {
        return Ok(None);
    }
    segment.length = at as u64;
    Ok(Some(segment))
}

fn check_number(expected: u64, found: u64) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!(
        "group of records {found} follows where {expected} is due"
    ))
}

fn replay(state: &mut Recovered, segment: &mut Segment, record: Record, place: Place) -> Result<(), String> {
    let memory = &mut state.memory;
    match record {
        Record::Entry(entry) => {
            let index = entry.log_id.index;
            segment.last_index = segment.last_index.max(Some(index));
            let purged = memory.purged.as_ref().is_some_and(|id| index <= id.index);
            if index > memory.next_index() {
                state.gap = state.gap.max(index.checked_sub(1));
            }
            if !purged && !memory.append(entry, Some(place)) {
                return Err(format!(
                    "entry {index} follows where {} is due",
                    memory.next_index()
                ));
            }
        }
        Record::Vote(vote) => memory.vote = Some(vote),
        Record::Committed(id) => memory.committed = id,
        Record::Truncate(from) => memory.truncate(from),
        Record::Purge(id) => memory.purge(id),
        Record::Meta {
            vote,
            committed,
            purged,
        } => {
            memory.vote = vote;
            memory.committed = committed;
            if let Some(id) = purged {
                memory.purge(id);
            }
        }
    }
    Ok(())
}
