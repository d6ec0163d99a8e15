//! A disk that keeps what was synced and, when the power goes, anything or nothing of the rest.
//!
//! Files of the log are in memory here. The state's database is a real file, in a fresh folder for each
//! start of the node, so that nothing of an earlier start can touch it.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use plenary_replication::simulation::{Disk, DiskFile, DiskRead};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::mpsc;

use super::mutant::{self, Mutant};

/// What a power failure tears as a whole.
const SECTOR: usize = 512;

/// How a node goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// What was written stays, synced or not.
    Process,
    /// Only what was synced is sure to stay.
    Power,
}

/// What the next syncs come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    /// The power goes before the sync has done anything.
    CrashBefore,
    /// It goes when everything is safe, before anybody hears of it.
    CrashAfter,
    /// The sync fails.
    Fail,
}

/// One node's disk; it stays when the node goes.
pub(crate) struct Platter {
    node: u64,
    mutant: Option<Mutant>,
    /// Says that the node is down because of a trap.
    tripped: mpsc::UnboundedSender<u64>,
    state: Mutex<State>,
}

struct State {
    rng: StdRng,
    /// Only handles of this start of the node still work.
    incarnation: u64,
    /// The newest start; not the current incarnation once it is down.
    mounted: u64,
    files: BTreeMap<String, File>,
    /// Removed, but a loss of power may bring them back, the newest ones first.
    removed: Vec<(String, File)>,
    trap: Option<(u32, Trap)>,
    failed: bool,
    sync_min: Duration,
    sync_max: Duration,
    /// A copy of each database as it was last made safe.
    checkpoints: Vec<(String, PathBuf)>,
    safe_dir: PathBuf,
}

#[derive(Debug, Clone, Default)]
struct File {
    bytes: Vec<u8>,
    /// So many of them are safe.
    synced: usize,
    /// How long it was at the last syncs.
    marks: Vec<usize>,
}

impl Platter {
    pub(crate) fn new(
        node: u64,
        seed: u64,
        safe_dir: PathBuf,
        mutant: Option<Mutant>,
        tripped: mpsc::UnboundedSender<u64>,
    ) -> Arc<Self> {
        Arc::new(Self {
            node,
            mutant,
            tripped,
            state: Mutex::new(State {
                rng: StdRng::seed_from_u64(seed ^ node.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                incarnation: 0,
                mounted: 0,
                files: BTreeMap::new(),
                removed: Vec::new(),
                trap: None,
                failed: false,
                sync_min: Duration::ZERO,
                sync_max: Duration::from_millis(4),
                checkpoints: Vec::new(),
                safe_dir,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle for a new start of the node; older ones no longer work.
    pub(crate) fn mount(self: &Arc<Self>) -> Arc<Mounted> {
        let mut state = self.state();
        state.incarnation += 1;
        state.failed = false;
        state.mounted = state.incarnation;
        let incarnation = state.incarnation;
        drop(state);
        Arc::new(Mounted {
            platter: self.clone(),
            incarnation,
        })
    }

    pub(crate) fn set_sync_times(&self, min: Duration, max: Duration) {
        let mut state = self.state();
        (state.sync_min, state.sync_max) = (min, max);
    }

    /// The sync after `skipped` more springs the trap.
    pub(crate) fn arm(&self, skipped: u32, trap: Trap) {
        self.state().trap = Some((skipped, trap));
    }

    pub(crate) fn disarm(&self) {
        self.state().trap = None;
    }

    /// Whether the newest start of the node still has power.
    pub(crate) fn works(&self) -> bool {
        let state = self.state();
        state.mounted == state.incarnation
    }

    /// Whether a sync failed since the start.
    pub(crate) fn has_failed(&self) -> bool {
        self.state().failed
    }

    /// The node is down from now on; its handles do not work any more. Puts what is left of the databases
    /// of `from` into `to`.
    pub(crate) fn crash(&self, crash: Crash, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let state = &mut *state;
        state.incarnation += 1;
        state.trap = None;
        match crash {
            Crash::Process => {}
            Crash::Power => {
                self.lose(state);
                let least = match self.mutant {
                    // What these lose may be the very record that files are no longer needed.
                    Some(Mutant::AckBeforeFsync | Mutant::LostTail) => state.removed.len(),
                    _ => 0,
                };
                let back = state.rng.random_range(least..=state.removed.len());
                let kept = state.removed.len() - back;
                state.files.extend(state.removed.drain(kept..));
            }
        }
        state.removed.clear();
        for file in state.files.values_mut() {
            file.synced = file.bytes.len();
        }
        if self.mutant == Some(Mutant::ForgetVote) {
            for (name, file) in &mut state.files {
                if name.ends_with(".log") {
                    mutant::forget_votes(&mut file.bytes);
                }
            }
        }
        std::fs::create_dir_all(to)?;
        let old = crash == Crash::Power && state.rng.random_bool(0.5);
        if old {
            for (name, copy) in &state.checkpoints {
                std::fs::copy(copy, to.join(name))?;
            }
            return Ok(());
        }
        if !from.exists() {
            return Ok(());
        }
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("state-") && !name.ends_with("-shm") {
                std::fs::copy(entry.path(), to.join(name))?;
            }
        }
        Ok(())
    }

    fn lose(&self, state: &mut State) {
        let last = state.files.keys().rfind(|name| name.ends_with(".log")).cloned();
        for (name, file) in &mut state.files {
            match self.mutant {
                // A disk that lies in this way loses whole groups of records.
                Some(Mutant::AckBeforeFsync) => file.bytes.truncate(file.synced),
                Some(Mutant::LostTail) if Some(name) == last.as_ref() => {
                    let lost = state.rng.random_range(1..=3);
                    let kept = file.marks.len().saturating_sub(lost + 1);
                    let mark = file.marks.get(kept).copied().unwrap_or(file.synced);
                    file.bytes.truncate(mark);
                }
                _ => tear(file, &mut state.rng),
            }
            file.marks.retain(|mark| *mark <= file.bytes.len());
        }
    }
}

/// Each sector of what was not synced is there or zero; the file may also end early.
fn tear(file: &mut File, rng: &mut StdRng) {
    let kept = rng.random_range(0.0..=1.0);
    let mut at = file.synced;
    while at < file.bytes.len() {
        let end = ((at / SECTOR + 1) * SECTOR).min(file.bytes.len());
        if !rng.random_bool(kept) {
            file.bytes[at..end].fill(0);
        }
        at = end;
    }
    if rng.random_bool(0.3) {
        let length = rng.random_range(file.synced..=file.bytes.len());
        file.bytes.truncate(length);
    }
}

/// The disk as one start of the node sees it.
pub(crate) struct Mounted {
    platter: Arc<Platter>,
    incarnation: u64,
}

fn gone() -> io::Error {
    io::Error::other("the power is gone")
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, name.to_owned())
}

/// The last two parts of a path, without the folder of this start.
fn key(path: &Path) -> String {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    match path.parent().and_then(Path::file_name) {
        Some(parent) if parent == "log" => format!("log/{name}"),
        _ => name,
    }
}

impl Mounted {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.platter.state();
        if state.incarnation == self.incarnation {
            Ok(state)
        } else {
            Err(gone())
        }
    }

    fn handle(&self, name: String) -> Handle {
        Handle {
            platter: self.platter.clone(),
            incarnation: self.incarnation,
            name,
        }
    }
}

impl Disk for Mounted {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        drop(self.state()?);
        std::fs::create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let prefix = format!("{}/", dir.file_name().unwrap_or_default().to_string_lossy());
        let state = self.state()?;
        let names = state.files.keys().filter_map(|name| name.strip_prefix(&prefix));
        Ok(names.map(str::to_owned).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let name = key(path);
        let state = self.state()?;
        let file = state.files.get(&name).ok_or_else(|| missing(&name))?;
        Ok(file.bytes.clone())
    }

    fn replace(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let file = File {
            bytes: data.to_vec(),
            synced: data.len(),
            marks: Vec::new(),
        };
        self.state()?.files.insert(key(path), file);
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let name = key(path);
        let mut state = self.state()?;
        if state.files.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(name.clone(), File::default());
        // Making the name safe makes the removals before it safe.
        state.removed.clear();
        for file in state.files.values_mut() {
            file.synced = file.bytes.len();
        }
        drop(state);
        Ok(Box::new(self.handle(name)))
    }

    fn open(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>> {
        let name = key(path);
        let mut state = self.state()?;
        let file = state.files.get_mut(&name).ok_or_else(|| missing(&name))?;
        file.bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        file.synced = file.bytes.len();
        file.marks = vec![file.synced];
        drop(state);
        Ok(Box::new(self.handle(name)))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskRead>> {
        let name = key(path);
        let state = self.state()?;
        state.files.get(&name).ok_or_else(|| missing(&name))?;
        drop(state);
        Ok(Box::new(self.handle(name)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let name = key(path);
        let mut state = self.state()?;
        let file = state.files.remove(&name).ok_or_else(|| missing(&name))?;
        state.removed.push((name, file));
        Ok(())
    }

    fn lock(&self, _dir: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        drop(self.state()?);
        Ok(Some(Box::new(())))
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn state_synchronous(&self) -> &'static str {
        // What a loss of power leaves of it is decided here, not by the file system.
        "OFF"
    }

    fn state_checkpointed(&self, database: &Path) -> io::Result<()> {
        let mut state = self.state()?;
        let name = key(database);
        let copy = state.safe_dir.join(&name);
        std::fs::create_dir_all(&state.safe_dir)?;
        std::fs::copy(database, &copy)?;
        state.checkpoints.retain(|(known, _)| *known != name);
        state.checkpoints.push((name, copy));
        // The one before may still be the state, if the power goes before the new one is named.
        let superfluous = state.checkpoints.len().saturating_sub(2);
        state.checkpoints.drain(..superfluous);
        Ok(())
    }

    fn sync_delay(&self) -> Duration {
        let mut state = self.platter.state();
        let (min, max) = (state.sync_min, state.sync_max);
        state.rng.random_range(min..=max)
    }
}

/// An open file.
struct Handle {
    platter: Arc<Platter>,
    incarnation: u64,
    name: String,
}

impl Handle {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.platter.state();
        if state.incarnation == self.incarnation {
            Ok(state)
        } else {
            Err(gone())
        }
    }
}

impl DiskFile for Handle {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        let mut state = self.state()?;
        let file = state
            .files
            .get_mut(&self.name)
            .ok_or_else(|| missing(&self.name))?;
        file.bytes.extend_from_slice(data);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.state()?;
        let state = &mut *state;
        let sprung = match &mut state.trap {
            Some((0, trap)) => Some(*trap),
            Some((skipped, _)) => {
                *skipped -= 1;
                None
            }
            None => None,
        };
        if sprung.is_some() {
            state.trap = None;
        }
        let lazy = self.platter.mutant == Some(Mutant::AckBeforeFsync);
        let file = state
            .files
            .get_mut(&self.name)
            .ok_or_else(|| missing(&self.name))?;
        match sprung {
            Some(Trap::CrashBefore) => {}
            Some(Trap::Fail) => {
                state.failed = true;
                return Err(io::Error::other("Input/output error (os error 5)"));
            }
            Some(Trap::CrashAfter) | None if lazy => {
                // Only what the sync before was for is safe now.
                file.synced = file.marks.last().copied().unwrap_or_default();
                file.marks.push(file.bytes.len());
            }
            Some(Trap::CrashAfter) | None => {
                file.synced = file.bytes.len();
                file.marks.push(file.synced);
            }
        }
        if sprung.is_some() {
            // Nothing counts any more from here on; the rest of the crash follows at once.
            state.incarnation += 1;
            self.platter.tripped.send(self.platter.node).ok();
            return Err(gone());
        }
        Ok(())
    }
}

impl DiskRead for Handle {
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let state = self.state()?;
        // A file that is open can be read after it was removed.
        let removed = || state.removed.iter().rev().find(|(name, _)| *name == self.name);
        let file = state
            .files
            .get(&self.name)
            .or_else(|| removed().map(|(_, file)| file));
        let file = file.ok_or_else(|| missing(&self.name))?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = file.bytes.get(start..start.saturating_add(length));
        bytes
            .map(<[u8]>::to_vec)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
