//! Backup files: a head line that says what they are, then the state database as it was at one log index.
//!
//! ```text
//!  PLENARY BACKUP 1\n {"server":…,"index":…,"bytes":…,"sha256":…}\n  <SQLite database>
//! ```
//!
//! Keys and certificates are not in it: a restored server makes new ones with the enterprise's root key. Password
//! hashes and addresses are, so the file is written readable by its owner only.

use crate::UsageError;
use anyhow::Context as _;
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

const MAGIC: &str = "PLENARY BACKUP 1";
/// Longest head line; a foreign file ends the reading here.
const HEAD_LIMIT: u64 = 64 << 10;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) server: ServerName,
    pub(crate) enterprise: String,
    /// Version of the program that wrote it.
    pub(crate) version: String,
    /// Milliseconds since 1970.
    pub(crate) created_ms: u64,
    /// The last applied index of the replicated log that the copy has.
    pub(crate) index: u64,
    pub(crate) bytes: u64,
    /// Hexadecimal SHA-256 of the database.
    pub(crate) sha256: String,
}

/// Writes `database` as a backup to `file`; `manifest` needs no size and hash yet.
pub(crate) fn pack(database: &Path, mut manifest: Manifest, file: &Path) -> anyhow::Result<()> {
    let mut source = File::open(database)?;
    (manifest.bytes, manifest.sha256) = digest(&mut source)?;
    source.seek(SeekFrom::Start(0))?;
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(out, "{MAGIC}\n{}", serde_json::to_string(&manifest)?)?;
    std::io::copy(&mut source, &mut out)?;
    Ok(out.sync_all()?)
}

/// Checks a backup as a whole and puts its database at `to`, which must not exist.
///
/// # Errors
/// When the file is not a backup, was changed, cut short, or written by a newer version; `to` is gone then.
pub(crate) fn unpack(file: &Path, to: &Path) -> anyhow::Result<Manifest> {
    let result = try_unpack(file, to);
    if result.is_err() {
        std::fs::remove_file(to).ok();
    }
    result
}

fn try_unpack(file: &Path, to: &Path) -> anyhow::Result<Manifest> {
    let shown = file.display();
    let opened =
        File::open(file).map_err(|error| UsageError::new(format!("{shown} cannot be read: {error}")))?;
    let mut reader = BufReader::with_capacity(1 << 20, opened);
    let manifest =
        head(&mut reader).with_context(|| format!("{shown} is not a backup of a Plenary server"))?;
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .read(true)
        .mode(0o600)
        .open(to)?;
    let copied = std::io::copy(&mut reader, &mut out)?;
    out.seek(SeekFrom::Start(0))?;
    let (bytes, sha256) = digest(&mut out)?;
    if bytes < manifest.bytes {
        return Err(UsageError::new(format!(
            "{shown} was cut short: {copied} of {} bytes are there",
            manifest.bytes
        ))
        .into());
    }
    if bytes != manifest.bytes || sha256 != manifest.sha256 {
        return Err(
            UsageError::new(format!("{shown} is damaged: its content is not what was written")).into(),
        );
    }
    let database = rusqlite::Connection::open(to)?;
    let verdict: String = database.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    anyhow::ensure!(verdict == "ok", "the database in {shown} is damaged: {verdict}");
    out.sync_all()?;
    Ok(manifest)
}

fn head(reader: &mut impl std::io::BufRead) -> anyhow::Result<Manifest> {
    let mut line = String::new();
    let mut limited = reader.take(HEAD_LIMIT);
    limited.read_line(&mut line)?;
    anyhow::ensure!(line.trim_end() == MAGIC, "its first line is not {MAGIC:?}");
    line.clear();
    limited.read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn digest(reader: &mut impl Read) -> std::io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            read => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
    let text = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &Path) -> std::path::PathBuf {
        let database = folder.join("state.db");
        let connection = rusqlite::Connection::open(&database).expect("opens");
        connection
            .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1)")
            .expect("written");
        drop(connection);
        let manifest = Manifest {
            server: "a.example".parse().expect("good"),
            enterprise: "E".into(),
            version: "1".into(),
            created_ms: 1,
            index: 7,
            bytes: 0,
            sha256: String::new(),
        };
        let file = folder.join("copy");
        pack(&database, manifest, &file).expect("packed");
        file
    }

    #[test]
    fn what_was_packed_comes_out_again() {
        let folder = tempfile::tempdir().expect("folder");
        let file = made(folder.path());
        let to = folder.path().join("out.db");
        assert_eq!(unpack(&file, &to).expect("whole").index, 7);
        assert_eq!(
            std::fs::read(&to).expect("read"),
            std::fs::read(folder.path().join("state.db")).expect("read")
        );
    }

    #[test]
    fn every_kind_of_damage_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let file = made(folder.path());
        let good = std::fs::read(&file).expect("read");
        let mut flipped = good.clone();
        *flipped.last_mut().expect("not empty") ^= 1;
        let damaged: [&[u8]; 5] = [
            &good[..good.len() - 1],
            &flipped,
            &[&good[..], b"x"].concat(),
            b"",
            b"PLENARY BACKUP 1\n{}\n",
        ];
        for bytes in damaged {
            std::fs::write(&file, bytes).expect("written");
            let to = folder.path().join("out.db");
            assert!(unpack(&file, &to).is_err());
            assert!(!to.exists());
        }
    }
}
