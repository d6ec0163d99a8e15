//! A new group from a copy of another one's state.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::{
    application::AppError,
    disk::{Disk, FileDisk},
    error::RestoreError,
    home,
    log::write_restored,
    options::{Member, Options},
    state::{Progress, prepare, read_progress, write_progress},
    types::{Membership, StoredMembership, Vote},
};

/// Key of [`Origin`] in `replication_progress`; only copies have it.
const ORIGIN: &str = "origin";
const FORMAT: u32 = 1;

/// What a copy says of itself.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Origin {
    format: u32,
    group: String,
}

/// What a restored replica begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Last entry that the copy holds; the next one follows it.
    pub applied: u64,
    /// Level of the rules.
    pub level: u32,
    /// Who was a member when the copy was made, by number. None of them is one now.
    pub members: BTreeMap<u64, Member>,
}

/// Makes the folder of a replica that is the only member of its group and holds what `copy` holds, which
/// [`crate::Replica::backup`] wrote. Opened with the same options, it leads at once; others may then join.
///
/// Only `dir`, `group`, `node_id`, `member` and `supported_level` of `options` count. The folder must be
/// empty or not there; it is there as a whole or not at all. Entries after the copy are lost, so no replica
/// of the old group may run any more: two groups would go on under one name. Replies kept for repeated
/// proposals are dropped, since nobody waits for them.
///
/// Blocks for as long as copying and checking the file takes.
pub fn restore(options: &Options, copy: &Path) -> Result<Restored, RestoreError> {
    let dir = &options.dir;
    check_empty(dir)?;
    let unfinished = dir.with_extension("restoring");
    let io = |what, path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::Io { what, path, source }
    };
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(io("remove", &unfinished))?;
    }
    let made = make(options, copy, &unfinished);
    let restored = match made {
        Ok(restored) => restored,
        Err(error) => {
            if let Err(error) = fs::remove_dir_all(&unfinished) {
                tracing::warn!(dir = %unfinished.display(), %error, "cannot remove an unfinished folder");
            }
            return Err(error);
        }
    };
    // An empty folder is replaced; one that was filled meanwhile is not.
    fs::rename(&unfinished, dir).map_err(io("make", dir))?;
    FileDisk.create_dir(dir).map_err(io("sync", dir))?;
    Ok(restored)
}

fn check_empty(dir: &Path) -> Result<(), RestoreError> {
    let io = |source| RestoreError::Io {
        what: "look into",
        path: dir.to_owned(),
        source,
    };
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(Ok(_)) => Err(RestoreError::NotEmpty { dir: dir.to_owned() }),
            Some(Err(error)) => Err(io(error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(error)),
    }
}

/// Makes all files in `dir`.
fn make(options: &Options, copy: &Path, dir: &Path) -> Result<Restored, RestoreError> {
    let io = |what, path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::Io { what, path, source }
    };
    let disk = FileDisk;
    disk.create_dir(dir).map_err(io("make", dir))?;
    let state = home::first_state(dir);
    fs::copy(copy, &state).map_err(io("copy", copy))?;
    let progress = check(options, copy, &state)?;
    let not_a_backup = |what: &str| RestoreError::NotABackup {
        path: copy.to_owned(),
        what: what.to_owned(),
    };
    let applied = progress
        .applied
        .ok_or_else(|| not_a_backup("it holds no entry"))?;
    let members = progress.membership.membership().nodes();
    let members = members.map(|(id, member)| (*id, member.clone())).collect();
    become_alone(options, &state, progress.clone()).map_err(|source| RestoreError::State {
        path: state.clone(),
        source,
    })?;
    fs::File::open(&state)
        .and_then(|file| file.sync_all())
        .map_err(io("sync", &state))?;
    // As if it had voted for the leader of the last entry: the first election begins above that term.
    let vote = Vote {
        leader_id: applied.leader_id,
        committed: false,
    };
    let log = home::log_dir(dir);
    write_restored(&disk, &log, &options.group, options.node_id, vote, applied).map_err(io("write", &log))?;
    home::write_first(&disk, dir, &options.group, options.node_id).map_err(io("write", dir))?;
    Ok(Restored {
        applied: applied.index,
        level: progress.level,
        members,
    })
}

fn check(options: &Options, copy: &Path, state: &Path) -> Result<Progress, RestoreError> {
    let not_a_backup = |what: String| RestoreError::NotABackup {
        path: copy.to_owned(),
        what,
    };
    let unreadable = |error: rusqlite::Error| not_a_backup(error.to_string());
    let mut database = open(state).map_err(unreadable)?;
    let verdict: String = database
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(unreadable)?;
    if verdict != "ok" {
        return Err(not_a_backup(verdict));
    }
    let origin: Option<String> = database
        .query_row(
            "SELECT value FROM replication_progress WHERE key = ?1",
            [ORIGIN],
            |row| row.get(0),
        )
        .optional()
        .map_err(unreadable)?;
    let origin = origin.ok_or_else(|| not_a_backup("it is a database, but not a copy made as one".into()))?;
    let found = format_of(&origin).ok_or_else(|| not_a_backup("it does not say its format".into()))?;
    if found > FORMAT {
        return Err(RestoreError::Newer {
            path: copy.to_owned(),
            found,
            known: FORMAT,
        });
    }
    let origin: Origin = serde_json::from_str(&origin).map_err(|error| not_a_backup(error.to_string()))?;
    if origin.group != options.group {
        return Err(RestoreError::Foreign {
            path: copy.to_owned(),
            found: origin.group,
            group: options.group.clone(),
        });
    }
    prepare(&mut database).map_err(unreadable)?;
    let progress = read_progress(&database).map_err(|error| not_a_backup(error.to_string()))?;
    if progress.level > options.supported_level {
        return Err(RestoreError::Level {
            committed: progress.level,
            supported: options.supported_level,
        });
    }
    Ok(progress)
}

/// The format alone: the rest may look different in a newer one.
fn format_of(origin: &str) -> Option<u32> {
    let origin: serde_json::Value = serde_json::from_str(origin).ok()?;
    origin.get("format")?.as_u64()?.try_into().ok()
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}

/// Forgets the old members and what they were answered.
fn become_alone(options: &Options, state: &Path, mut progress: Progress) -> Result<(), AppError> {
    let voters = vec![BTreeSet::from([options.node_id])];
    let nodes = BTreeMap::from([(options.node_id, options.member.clone())]);
    let membership = Membership::new(voters, nodes).map_err(|error| AppError::Defect(error.to_string()))?;
    progress.membership = StoredMembership::new(progress.applied, membership);
    let mut database = open(state)?;
    let transaction = database.transaction()?;
    transaction.execute("DELETE FROM replication_books", [])?;
    transaction.execute("DELETE FROM replication_progress WHERE key = ?1", [ORIGIN])?;
    write_progress(&transaction, &progress, true)?;
    transaction.commit()?;
    Ok(())
}

/// Writes into a copy whose it is, so that [`restore`] knows it.
pub(crate) fn sign(copy: &Path, group: &str) -> Result<(), AppError> {
    let origin = Origin {
        format: FORMAT,
        group: group.to_owned(),
    };
    let origin = serde_json::to_string(&origin).map_err(|error| AppError::Defect(error.to_string()))?;
    let database = open(copy)?;
    database.execute(
        "INSERT OR REPLACE INTO replication_progress (key, value) VALUES (?1, ?2)",
        [ORIGIN, &origin],
    )?;
    Ok(())
}
