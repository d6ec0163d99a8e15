//! A log file that does not fill the disk.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Size at which a log file is turned over.
pub(crate) const TURN_OVER_AT: u64 = 1_000_000_000;
/// How many older files stay: `node.log.1` is the youngest.
const KEPT: u32 = 3;

/// A file that is renamed to `FILE.1` when it reaches a size, and so on up to `FILE.3`. Cheap to clone.
///
/// One call of `write` never goes into two files, so that no line is torn.
#[derive(Debug, Clone)]
pub struct TurnoverFile(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
}

impl TurnoverFile {
    /// Opens the file for appending, or makes it, readable by owner and group.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let file = open(path)?;
        let size = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(Open {
            path: path.to_owned(),
            file,
            size,
            limit,
        }))))
    }
}

fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(path)
}

impl Open {
    fn turn_over(&mut self) -> io::Result<()> {
        let older = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..KEPT).rev() {
            match std::fs::rename(older(number), older(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.path, older(1))?;
        self.file = open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Write for TurnoverFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = bytes.len() as u64;
        if open.size > 0 && open.size.saturating_add(length) > open.limit && open.turn_over().is_err() {
            // A folder that cannot be written: logging goes on in the old file, and it is tried again later.
            open.size = 0;
        }
        open.file.write_all(bytes)?;
        open.size += length;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_turned_over_and_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("node.log");
        std::fs::write(&path, "kept from before\n").expect("written");
        let mut log = TurnoverFile::open(&path, 20).expect("opens");
        for number in 0..6 {
            log.write_all(format!("line {number} of the log\n").as_bytes())
                .expect("written");
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
        assert_eq!(read("node.log"), "line 5 of the log\n");
        assert_eq!(read("node.log.1"), "line 4 of the log\n");
        assert_eq!(read("node.log.3"), "line 2 of the log\n");
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 4);
    }

    #[test]
    fn lines_are_never_torn() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("node.log");
        let log = TurnoverFile::open(&path, 1000).expect("opens");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let mut log = log.clone();
                scope.spawn(move || {
                    for number in 0..30 {
                        log.write_all(format!("<{writer} {number:02}>\n").as_bytes())
                            .expect("written");
                    }
                });
            }
        });
        let all: String = ["node.log", "node.log.1", "node.log.2"]
            .iter()
            .filter_map(|name| std::fs::read_to_string(folder.path().join(name)).ok())
            .collect();
        assert_eq!(all.lines().count(), 120);
        assert!(
            all.lines()
                .all(|line| line.len() == 6 && line.starts_with('<') && line.ends_with('>'))
        );
    }
}
