//! Keys at rest: AES-256-GCM under a key that stays on this machine, and files that only their owner reads.

use crate::IdentityError;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use std::{
    fmt,
    fs::File,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
};
use zeroize::Zeroizing;

/// The key that encrypts the other keys of this machine: 32 random bytes in a file of mode 0600.
///
/// It is made on the machine and never leaves it: no backup contains it and no other node knows it, so that a
/// stolen copy of the data folder without it certifies nobody.
pub struct MachineKey(Zeroizing<[u8; 32]>);

impl MachineKey {
    /// Reads the key file, or makes one.
    ///
    /// # Errors
    /// When the file cannot be read or written, has another size, or others may read or change it.
    pub fn open_or_create(path: &Path) -> Result<Self, IdentityError> {
        if let Some(key) = Self::open(path)? {
            return Ok(key);
        }
        let key = Self(Zeroizing::new(random()?));
        match create_private(path, &*key.0) {
            // Made by another process in between: that one counts.
            Err(IdentityError::Exists { .. }) => {
                Self::open(path)?.ok_or_else(|| IdentityError::damaged(path, "it came and went"))
            }
            made => made.map(|()| key),
        }
    }

    fn open(path: &Path) -> Result<Option<Self>, IdentityError> {
        let Some(bytes) = read_private(path)? else {
            return Ok(None);
        };
        let key = <[u8; 32]>::try_from(bytes.as_slice())
            .map_err(|_| IdentityError::damaged(path, "a machine key has 32 bytes"))?;
        Ok(Some(Self(Zeroizing::new(key))))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MachineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MachineKey(hidden)")
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], IdentityError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| IdentityError::Crypto {
        what: "reading random numbers",
    })?;
    Ok(bytes)
}

/// Encrypts `plain`; `context` is not hidden, but a change to it makes [`open`] fail.
pub(crate) fn seal(key: &[u8; 32], context: &[u8], plain: &[u8]) -> Result<Vec<u8>, IdentityError> {
    let failed = |_| IdentityError::Crypto {
        what: "encrypting keys",
    };
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(failed)?;
    // Room for the tag, so that the buffer with the plain text never moves and leaves a copy behind.
    let mut buffer = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
    buffer.extend_from_slice(plain);
    let nonce = key
        .seal_in_place_append_tag(Aad::from(context), &mut buffer)
        .map_err(failed)?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut buffer);
    Ok(sealed)
}

/// Decrypts what [`seal`] made; `None` if key, context or bytes are not the same.
pub(crate) fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = Zeroizing::new(sealed.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(context), &mut buffer)
        .ok()?
        .len();
    buffer.truncate(length);
    Some(buffer)
}

/// Makes a folder that only its owner can enter, if it is not there.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), IdentityError> {
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(IdentityError::file(path, "made"))
}

/// Reads a file with secrets; `None` if there is none. Refused if others may read it or the group may write it
/// (the group may read: systemd hands out credentials so).
pub(crate) fn read_private(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, IdentityError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(IdentityError::file(path, "read"))?,
    };
    let facts = file.metadata().map_err(IdentityError::file(path, "read"))?;
    if facts.permissions().mode() & 0o027 != 0 {
        return Err(IdentityError::Exposed {
            path: path.to_owned(),
        });
    }
    // Sized ahead, so that the buffer does not grow and leave copies of secrets behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(facts.len() as usize + 1));
    file.read_to_end(&mut bytes)
        .map_err(IdentityError::file(path, "read"))?;
    Ok(Some(bytes))
}

/// Writes a new file that only its owner can read. [`IdentityError::Exists`] if there is one.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> Result<(), IdentityError> {
    place(path, bytes, |fresh| {
        fresh.persist_noclobber(path).map_err(|error| error.error)
    })
    .map_err(|error| match error {
        IdentityError::File { source, path, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
            IdentityError::Exists { path }
        }
        other => other,
    })
}

/// Writes or replaces a file that only its owner can read; after a crash the old or the new one is there, whole.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), IdentityError> {
    place(path, bytes, |fresh| {
        fresh.persist(path).map_err(|error| error.error)
    })
}

fn place(
    path: &Path,
    bytes: &[u8],
    persist: impl FnOnce(tempfile::NamedTempFile) -> io::Result<File>,
) -> Result<(), IdentityError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let written = || -> io::Result<()> {
        // The name is random and the mode 0600 from the start.
        let mut fresh = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        fresh.write_all(bytes)?;
        fresh.as_file().sync_all()?;
        persist(fresh)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(IdentityError::file(path, "written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_unchanged() {
        let key = [7; 32];
        let sealed = seal(&key, b"context", b"secret").expect("sealed");
        assert_eq!(
            open(&key, b"context", &sealed).expect("opens").as_slice(),
            b"secret"
        );
        assert!(open(&[8; 32], b"context", &sealed).is_none(), "another key");
        assert!(open(&key, b"contexu", &sealed).is_none(), "another context");
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(open(&key, b"context", &changed).is_none(), "byte {position}");
        }
        assert!(open(&key, b"context", &sealed[..5]).is_none(), "cut off");
    }

    #[test]
    fn private_files_are_readable_by_their_owner_only() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("machine.key");
        let made = MachineKey::open_or_create(&path).expect("made");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            MachineKey::open_or_create(&path).expect("read").bytes(),
            made.bytes()
        );

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("changed");
        let error = MachineKey::open_or_create(&path).expect_err("refused");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_machine_key_of_another_size_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("machine.key");
        create_private(&path, b"short").expect("written");
        assert!(
            MachineKey::open_or_create(&path)
                .expect_err("refused")
                .to_string()
                .contains("32 bytes")
        );
        assert!(matches!(
            create_private(&path, b"again"),
            Err(IdentityError::Exists { .. })
        ));
    }
}
