//! Files of the log, behind a trait so that a simulation can lose what was not synced.

use std::{
    fs, io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the log is kept. Methods block.
pub trait Disk: Send + Sync + 'static {
    /// Makes a folder and its parents durable.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Names of the files in a folder, in order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// The whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Writes a small file so that it is there as a whole or as it was before, durably.
    fn replace(&self, path: &Path, data: &[u8]) -> io::Result<()>;
    /// Makes a new, empty file whose name is durable; fails if it exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to append after its first `length` bytes; the rest is cut off, durably.
    fn open(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file for reading parts of it.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskRead>>;
    /// Removes a file; its absence need not be durable.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Takes the folder for this process until the result is dropped; `None` if another one has it.
    fn lock(&self, dir: &Path) -> io::Result<Option<Box<dyn Send + Sync>>>;
    /// Bytes that can still be written in this folder.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
    /// SQLite's `synchronous` for the state.
    fn state_synchronous(&self) -> &'static str {
        "NORMAL"
    }
    /// The database file holds, durably, everything that was applied.
    fn state_checkpointed(&self, _database: &Path) -> io::Result<()> {
        Ok(())
    }
    /// How long a sync takes, where time is virtual.
    fn sync_delay(&self) -> Duration {
        Duration::ZERO
    }
}

/// A file that grows.
pub trait DiskFile: Send {
    /// Adds bytes; on an error nothing of them counts, and `append` may be tried again.
    fn append(&mut self, data: &[u8]) -> io::Result<()>;
    /// Returns when everything appended survives a loss of power. After an error nothing is known.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is read in parts.
pub trait DiskRead: Send + Sync {
    /// Exactly `length` bytes from `offset`.
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>>;
}

/// The file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileDisk;

/// A file grows by this much at a time, in zeros, so that a sync has no new length to write down.
const GROWTH: u64 = 1 << 20;

impl Disk for FileDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
        sync_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn replace(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let fresh = path.with_extension("new");
        let file = fs::File::create(&fresh)?;
        file.write_all_at(data, 0)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        sync_dir(parent_of(path)?)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        sync_dir(parent_of(path)?)?;
        Ok(Box::new(GrowingFile {
            file,
            length: 0,
            allocated: 0,
        }))
    }

    fn open(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = fs::OpenOptions::new().write(true).open(path)?;
        if file.metadata()?.len() != length {
            file.set_len(length)?;
            file.sync_all()?;
        }
        Ok(Box::new(GrowingFile {
            file,
            length,
            allocated: length,
        }))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskRead>> {
        Ok(Box::new(ReadFile(fs::File::open(path)?)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("lock"))?;
        match nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock) {
            Ok(held) => Ok(Some(Box::new(held))),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(errno.into()),
        }
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let stat = nix::sys::statvfs::statvfs(dir)?;
        #[allow(clippy::useless_conversion)] // narrower on some platforms
        Ok(u64::from(stat.blocks_available()).saturating_mul(u64::from(stat.fragment_size())))
    }
}

struct GrowingFile {
    file: fs::File,
    length: u64,
    allocated: u64,
}

impl DiskFile for GrowingFile {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        let end = self.length + data.len() as u64;
        if end > self.allocated {
            let allocated = end.next_multiple_of(GROWTH);
            let zeros = vec![0; usize::try_from(allocated - self.allocated).unwrap_or(usize::MAX)];
            self.file.write_all_at(&zeros, self.allocated)?;
            self.allocated = allocated;
        }
        self.file.write_all_at(data, self.length)?;
        self.length = end;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        Ok(())
    }
}

struct ReadFile(fs::File);

impl DiskRead for ReadFile {
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut data = vec![0; length];
        self.0.read_exact_at(&mut data, offset)?;
        Ok(data)
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

fn parent_of(path: &Path) -> io::Result<&Path> {
    path.parent()
        .ok_or_else(|| io::Error::other(format!("{} has no folder", PathBuf::from(path).display())))
}
