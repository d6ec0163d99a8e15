//! What one partner must prove itself with, where administrators said so (FED-01).

use plenary_model::Fingerprint;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Certificates of authorities that are pinned for one partner at a time: the old and the new one, and some to spare.
const AUTHORITIES: usize = 4;

/// What one partner must prove itself with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Pin {
    /// A certificate of an authority that is trusted for everybody.
    #[default]
    None,
    /// One of these authorities alone, in DER. Of an empty list nobody is believed.
    Authorities(Vec<CertificateDer<'static>>),
    /// Exactly this certificate, whoever issued it.
    Certificate(Fingerprint),
}

/// An authority that can be pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedAuthority {
    pub der: CertificateDer<'static>,
    /// Its name, as the certificate writes it.
    pub subject: String,
    pub expires: SystemTime,
}

/// Why a text holds no authority that can be pinned. The sentence is for administrators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    #[error("holds no certificate as PEM; it begins with -----BEGIN CERTIFICATE-----")]
    None,
    #[error("holds more than {AUTHORITIES} certificates; give those of the authority alone")]
    TooMany,
    #[error("cannot be read: {0}")]
    Malformed(String),
    #[error(
        "is the certificate of {subject}, which is no authority; give that of the authority, or pin this one by its fingerprint"
    )]
    NoAuthority { subject: String },
    #[error("is the authority {subject}, whose certificate has expired; ask for a new one")]
    Expired { subject: String },
}

/// Reads authorities as PEM, one after the other. Costs no more than the text is long.
///
/// # Errors
/// When there is none, or one that could not vouch for anybody at `now`.
pub fn authorities(pem: &str, now: SystemTime) -> Result<Vec<PinnedAuthority>, PinError> {
    let mut found = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let der = der.map_err(|error| PinError::Malformed(error.to_string()))?;
        if found.len() >= AUTHORITIES {
            return Err(PinError::TooMany);
        }
        found.push(authority(der, now)?);
    }
    if found.is_empty() {
        return Err(PinError::None);
    }
    Ok(found)
}

fn authority(der: CertificateDer<'static>, now: SystemTime) -> Result<PinnedAuthority, PinError> {
    let (_, read) =
        x509_parser::parse_x509_certificate(&der).map_err(|error| PinError::Malformed(error.to_string()))?;
    let subject = read.subject().to_string();
    let expires = u64::try_from(read.validity().not_after.timestamp()).unwrap_or(0);
    let expires = UNIX_EPOCH + Duration::from_secs(expires);
    if !read.is_ca() {
        return Err(PinError::NoAuthority { subject });
    }
    if expires <= now {
        return Err(PinError::Expired { subject });
    }
    Ok(PinnedAuthority {
        der,
        subject,
        expires,
    })
}

impl Pin {
    /// Of authorities as PEM. What cannot be read believes nobody: it was read when it was written down.
    pub fn of_pem(pem: &str) -> Self {
        let read = authorities(pem, UNIX_EPOCH).unwrap_or_default();
        Self::Authorities(read.into_iter().map(|one| one.der).collect())
    }
}
