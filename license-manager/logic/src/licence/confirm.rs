use super::{
    LicenceError, LicenceId,
    document::{self, Kind},
    key::{KeyId, PublicKey, Signer},
    wire::{Reader, Writer},
};
use crate::PoolId;
use plenary_model::Timestamp;
use serde::{Deserialize, Serialize};

/// What a License Manager asks the vendor for, carried by people: this pool wants to use that licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub licence: LicenceId,
    pub pool: PoolId,
    pub made: Timestamp,
    /// The product version, for the vendor's support; at most 64 characters.
    pub version: String,
}

impl Request {
    /// As a file.
    pub fn to_text(&self) -> String {
        let mut to = Writer::default();
        to.u128(self.licence.0);
        to.u128(self.pool.0);
        to.u64(self.made.0);
        let version: String = self.version.chars().take(64).collect();
        to.text(&version);
        document::seal(Kind::Request, &to.0, None)
    }

    /// Reads a file. It proves nothing about who made it.
    ///
    /// # Errors
    /// [`LicenceError::TooLarge`], [`LicenceError::TooNew`] or [`LicenceError::Unreadable`].
    pub fn of_text(text: &[u8]) -> Result<Self, LicenceError> {
        let (body, _) = document::open(Kind::Request, text, &[])?;
        let mut from = Reader(&body);
        let request = Self {
            licence: LicenceId(from.u128()?),
            pool: PoolId(from.u128()?),
            made: Timestamp(from.u64()?),
            version: from.text()?.to_owned(),
        };
        from.end()?;
        Ok(request)
    }
}

/// The vendor's word that a licence belongs to one pool. It issues a second one for another pool only when the first
/// pool is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    pub licence: LicenceId,
    pub pool: PoolId,
    pub made: Timestamp,
    pub(super) key: KeyId,
}

impl Confirmation {
    /// Signs it, as a file.
    pub fn issue(request: &Request, made: Timestamp, signer: &Signer) -> String {
        let mut to = Writer::default();
        to.u128(request.licence.0);
        to.u128(request.pool.0);
        to.u64(made.0);
        document::seal(Kind::Confirmation, &to.0, Some(signer))
    }

    /// Reads a file and checks who signed it.
    ///
    /// # Errors
    /// As for licences; [`LicenceError::OtherPool`] if it is not for this pool.
    pub fn of_text(text: &[u8], keys: &[PublicKey], pool: PoolId) -> Result<Self, LicenceError> {
        let (body, key) = document::open(Kind::Confirmation, text, keys)?;
        let confirmation = Self::decode(&body, key.ok_or(LicenceError::ForeignKey)?.id())?;
        if confirmation.pool != pool {
            return Err(LicenceError::OtherPool);
        }
        Ok(confirmation)
    }

    /// Reads what a file says without believing it: licence, pool, when it was made, and which key it names. It proves
    /// nothing.
    ///
    /// # Errors
    /// When it says nothing that can be read.
    pub fn peek(text: &[u8]) -> Result<Self, LicenceError> {
        let (body, key) = document::peek(Kind::Confirmation, text)?;
        Self::decode(&body, key)
    }

    fn decode(body: &[u8], key: KeyId) -> Result<Self, LicenceError> {
        let mut from = Reader(body);
        let confirmation = Self {
            licence: LicenceId(from.u128()?),
            pool: PoolId(from.u128()?),
            made: Timestamp(from.u64()?),
            key,
        };
        from.end()?;
        Ok(confirmation)
    }

    /// Which key is said to have signed it.
    pub fn key(&self) -> KeyId {
        self.key
    }
}
