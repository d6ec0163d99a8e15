//! What nodes of one server keep in their common state, and what only they can read.

use crate::{Identity, IdentityError, ServerCa, vault};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

const SALT: &[u8] = b"plenary: sealed for the nodes of a server, 1";

impl Identity {
    /// Encrypts `plain` for all nodes of this server: the key follows from that of their issuer (HKDF-SHA256, AES-256-GCM), which each
    /// of them has and no log, snapshot or backup. `purpose` says what it is for, and has to be the same again.
    ///
    /// # Errors
    /// When cryptography fails.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, IdentityError> {
        vault::seal(&*key(self.ca())?, purpose.as_bytes(), plain)
    }

    /// Reads what [`Identity::seal`] made; `None` where it is for something else, was changed, or was made by a server that had other
    /// issuers, as before a restore.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        vault::open(&*key(self.ca()).ok()?, purpose.as_bytes(), sealed)
    }
}

fn key(ca: &ServerCa) -> Result<Zeroizing<[u8; 32]>, IdentityError> {
    let mut key = Zeroizing::new([0; 32]);
    let derived = Salt::new(HKDF_SHA256, SALT).extract(ca.programs.key.pkcs8());
    let filled = derived
        .expand(&[b"AES-256-GCM"], HKDF_SHA256)
        .and_then(|bytes| bytes.fill(&mut *key));
    filled.map_err(|_| IdentityError::Crypto {
        what: "deriving a key",
    })?;
    Ok(key)
}
