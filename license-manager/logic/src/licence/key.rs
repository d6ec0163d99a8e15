use super::LicenceError;
use aws_lc_rs::{
    digest,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Names a key: the first 8 bytes of the SHA-256 of its public half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub u64);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The half of a signing key that the product carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(pub [u8; 32]);

/// The public half of the key whose private half is in this file. Licences that it signed are for trying things out;
/// whoever shows them says so.
pub const DEVELOPMENT_KEY: PublicKey = PublicKey([
    0x54, 0x00, 0x51, 0xa1, 0x14, 0x9e, 0x36, 0xa1, 0xde, 0x3b, 0x30, 0x3a, 0x1c, 0x39, 0x15, 0x20, 0x58,
    0x9c, 0x58, 0x1d, 0x19, 0xa3, 0x83, 0xaa, 0x3f, 0x60, 0xf9, 0x45, 0x71, 0xe3, 0x51, 0x7f,
]);
const DEVELOPMENT_SEED: [u8; 32] = *b"plenary development licences 001";

const FIRST: &str = "-----BEGIN PLENARY VENDOR KEY-----";
const LAST: &str = "-----END PLENARY VENDOR KEY-----";

impl PublicKey {
    /// As files name it.
    pub fn id(&self) -> KeyId {
        let hash = digest::digest(&digest::SHA256, &self.0);
        let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
        KeyId(u64::from_be_bytes(first))
    }

    /// Whether anybody can sign with it.
    pub fn is_for_development(&self) -> bool {
        *self == DEVELOPMENT_KEY
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), LicenceError> {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(message, signature).map_err(|_| LicenceError::Tampered)
    }
}

/// A private key of the vendor. Its bytes are wiped when it is dropped and never shown.
pub struct Signer {
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; 32]>,
}

impl Signer {
    /// The key of this seed; 32 random bytes make a new one.
    ///
    /// # Errors
    /// Never for 32 bytes, as far as the crypto library tells.
    pub fn of_seed(seed: [u8; 32]) -> Result<Self, LicenceError> {
        let seed = Zeroizing::new(seed);
        let unusable = |_| LicenceError::Impossible {
            what: "the seed makes no key",
        };
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(unusable)?;
        Ok(Self { pair, seed })
    }

    /// The key for development, whose seed everybody can read here.
    ///
    /// # Errors
    /// As [`Signer::of_seed`].
    pub fn for_development() -> Result<Self, LicenceError> {
        Self::of_seed(DEVELOPMENT_SEED)
    }

    /// What the product is built with.
    pub fn public(&self) -> PublicKey {
        let bytes = self.pair.public_key().as_ref().first_chunk().copied();
        PublicKey(bytes.unwrap_or_default())
    }

    /// As a file, to be kept where nobody finds it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let digits: Zeroizing<String> =
            Zeroizing::new(self.seed.iter().map(|byte| format!("{byte:02x}")).collect());
        Zeroizing::new(format!("{FIRST}\n{}\n{LAST}\n", *digits))
    }

    /// Reads the file of a key.
    ///
    /// # Errors
    /// When it is not such a file.
    pub fn of_text(text: &str) -> Result<Self, LicenceError> {
        let inner = text
            .trim()
            .strip_prefix(FIRST)
            .and_then(|text| text.strip_suffix(LAST));
        // A seed has the size of a public key and is written alike.
        let seed = inner.and_then(|inner| PublicKey::parse(inner.trim().as_bytes()));
        let seed = seed.ok_or(LicenceError::Impossible {
            what: "the file is no private key as `plenaryctl licence keygen` writes it",
        })?;
        Self::of_seed(seed.0)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public().id())
    }
}
