//! The folder of a replica: whose it is, its current session, which database file is the state.
//!
//! ```text
//! DIR/lock                 held while the node runs
//! DIR/replica.json         format, group, node, session, generation
//! DIR/log/0000…1.log       the log
//! DIR/state-1.db (-wal …)  the state; its number is the generation, which grows with installed snapshots
//! DIR/incoming-N.db        a snapshot on its way in; removed on start
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{disk::Disk, error::OpenError, options::Options};

const FORMAT: u32 = 1;
const RECORD: &str = "replica.json";

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Record {
    format: u32,
    group: String,
    node: u64,
    session: u64,
    generation: u64,
}

impl Record {
    fn first(group: &str, node: u64) -> Self {
        Self {
            format: FORMAT,
            group: group.to_owned(),
            node,
            session: 0,
            generation: FIRST_GENERATION,
        }
    }
}

pub(crate) struct Home {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    record: Mutex<Record>,
    incoming: AtomicU64,
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
}

impl Home {
    /// Takes the folder, makes it if need be, and starts a new session.
    pub(crate) fn open(options: &Options) -> Result<Self, OpenError> {
        let disk = options.environment.disk.clone();
        let dir = options.dir.clone();
        disk.create_dir(&dir)
            .map_err(|error| OpenError::io("make the folder", &dir, error))?;
        let lock = disk
            .lock(&dir)
            .map_err(|error| OpenError::io("lock", &dir, error))?
            .ok_or_else(|| OpenError::Locked { dir: dir.clone() })?;
        let path = dir.join(RECORD);
        let mut record = match disk.read(&path) {
            Ok(text) => parse(&path, &text, options)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Record::first(&options.group, options.node_id)
            }
            Err(error) => return Err(OpenError::io("read", &path, error)),
        };
        // Larger than any before, also when the folder was emptied in between.
        record.session = (record.session + 1).max(options.environment.clock.now_ms());
        let home = Self {
            disk,
            dir,
            record: Mutex::new(record),
            incoming: AtomicU64::new(0),
            lock: Mutex::new(Some(lock)),
        };
        home.save(&home.record())
            .map_err(|error| OpenError::io("write", &path, error))?;
        home.remove_leftovers();
        Ok(home)
    }

    /// Another process may have the folder from now on.
    pub(crate) fn unlock(&self) {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(crate) fn session(&self) -> u64 {
        self.record().session
    }

    pub(crate) fn log_dir(&self) -> PathBuf {
        log_dir(&self.dir)
    }

    /// The state's file and its generation.
    pub(crate) fn state(&self) -> (PathBuf, u64) {
        let generation = self.record().generation;
        (self.state_path(generation), generation)
    }

    fn state_path(&self, generation: u64) -> PathBuf {
        state_path(&self.dir, generation)
    }

    /// A name for a snapshot that comes in or goes out.
    pub(crate) fn scratch(&self) -> PathBuf {
        let number = self.incoming.fetch_add(1, Ordering::Relaxed);
        self.dir.join(format!("incoming-{number}.db"))
    }

    /// Makes a finished copy the state: its file is synced, then named in `replica.json`.
    pub(crate) fn adopt(&self, copy: &Path) -> io::Result<(PathBuf, u64)> {
        let mut record = self.record();
        record.generation += 1;
        let path = self.state_path(record.generation);
        std::fs::rename(copy, &path)?;
        std::fs::File::open(&path)?.sync_all()?;
        std::fs::File::open(&self.dir)?.sync_all()?;
        self.disk.state_checkpointed(&path)?;
        self.save(&record)?;
        let generation = record.generation;
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = record;
        Ok((path, generation))
    }

    /// Removes databases of other generations and snapshots that were not finished.
    pub(crate) fn remove_leftovers(&self) {
        let current = format!("state-{}.db", self.record().generation);
        let Ok(entries) = std::fs::read_dir(&self.dir) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let old_state = name.starts_with("state-") && !name.starts_with(&current);
            if (old_state || name.starts_with("incoming-"))
                && let Err(error) = std::fs::remove_file(entry.path())
            {
                tracing::warn!(file = %entry.path().display(), %error, "cannot remove a leftover file");
            }
        }
    }

    fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn save(&self, record: &Record) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(record)?;
        self.disk.replace(&self.dir.join(RECORD), &text)
    }
}

pub(crate) fn log_dir(dir: &Path) -> PathBuf {
    dir.join("log")
}

fn state_path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("state-{generation}.db"))
}

const FIRST_GENERATION: u64 = 1;

/// Where the state of a folder is before any snapshot was installed.
pub(crate) fn first_state(dir: &Path) -> PathBuf {
    state_path(dir, FIRST_GENERATION)
}

/// Makes a folder one of `group` and `node` that was never opened.
pub(crate) fn write_first(disk: &dyn Disk, dir: &Path, group: &str, node: u64) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(&Record::first(group, node))?;
    disk.replace(&dir.join(RECORD), &text)
}

fn parse(path: &Path, text: &[u8], options: &Options) -> Result<Record, OpenError> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let corrupt = |error: serde_json::Error| OpenError::Corrupt {
        path: path.to_owned(),
        offset: 0,
        what: error.to_string(),
    };
    let Format { format } = serde_json::from_slice(text).map_err(corrupt)?;
    if format > FORMAT {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found: format,
            known: FORMAT,
        });
    }
    let record: Record = serde_json::from_slice(text).map_err(corrupt)?;
    if record.group != options.group || record.node != options.node_id {
        return Err(OpenError::Foreign {
            dir: options.dir.clone(),
            found_group: record.group,
            found_node: record.node,
            group: options.group.clone(),
            node: options.node_id,
        });
    }
    Ok(record)
}
