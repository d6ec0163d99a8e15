//! How far a run of many seeds came, so that the next one goes on there.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Kept in a small file while a run lasts; gone when it has ended.
///
/// A file of another program (it was built anew) or of another first seed counts for nothing.
#[derive(Debug)]
pub struct Progress {
    file: PathBuf,
    stamp: String,
    /// All seeds before this one were run.
    next: u64,
    /// Seeds after it that were run already.
    ahead: BTreeSet<u64>,
    violations: BTreeSet<u64>,
    written: Option<Instant>,
}

impl Progress {
    const EVERY: Duration = Duration::from_secs(1);

    /// Of a run of `count` seeds from `from` on, by the program whose bytes are `program`.
    pub fn open(file: &Path, program: &[u8], from: u64, count: u64) -> Self {
        let stamp = format!("{:08x} {from}", crc32fast::hash(program));
        let known = fs::read_to_string(file).ok().and_then(|text| read(&text, &stamp));
        let known = known.filter(|(next, _)| *next < from.saturating_add(count));
        let (next, violations) = known.unwrap_or((from, BTreeSet::new()));
        Self {
            file: file.to_owned(),
            stamp,
            next,
            ahead: BTreeSet::new(),
            violations,
            written: None,
        }
    }

    /// The first seed that is still to be run.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Seeds that broke an invariant.
    pub fn violations(&self) -> &BTreeSet<u64> {
        &self.violations
    }

    /// A seed was run. Written down once a second.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn ran(&mut self, seed: u64, is_violated: bool) -> io::Result<()> {
        self.ahead.insert(seed);
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
        if is_violated {
            self.violations.insert(seed);
        }
        if self
            .written
            .is_some_and(|written| written.elapsed() < Self::EVERY)
        {
            return Ok(());
        }
        self.written = Some(Instant::now());
        let violations: Vec<String> = self.violations.iter().map(u64::to_string).collect();
        let new = self.file.with_extension("new");
        fs::write(
            &new,
            format!("{}\n{}\n{}\n", self.stamp, self.next, violations.join(" ")),
        )?;
        fs::rename(new, &self.file)
    }

    /// All seeds were run.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn end(self) -> io::Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn read(text: &str, stamp: &str) -> Option<(u64, BTreeSet<u64>)> {
    let mut lines = text.lines();
    if lines.next()? != stamp {
        return None;
    }
    let next = lines.next()?.parse().ok()?;
    let violations = lines.next()?.split_whitespace().map(str::parse);
    Some((next, violations.collect::<Result<_, _>>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_after_the_last_seed_before_which_all_were_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("progress");
        let open = |program: &[u8], from| Progress::open(&file, program, from, 100);
        let mut first = open(b"program", 1);
        for (seed, is_violated) in [(2, false), (1, false), (3, true), (5, true)] {
            first.written = None;
            first.ran(seed, is_violated).expect("it can be written");
        }
        let again = open(b"program", 1);
        assert_eq!(again.next(), 4);
        assert_eq!(*again.violations(), BTreeSet::from([3, 5]));
        assert_eq!(open(b"built anew", 1).next(), 1);
        assert_eq!(open(b"program", 2).next(), 2, "another first seed");
        assert_eq!(
            Progress::open(&file, b"program", 1, 3).next(),
            1,
            "nothing would be left"
        );
        again.end().expect("it can be removed");
        assert_eq!(open(b"program", 1).next(), 1);
    }
}
