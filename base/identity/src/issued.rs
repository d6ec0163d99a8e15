//! Certificates for browsers by authorities of others: what they are asked by, and what came back.

use crate::{
    IdentityError, Refusal,
    authority::ia5,
    certificate::{Facts, Wanted},
    key::Key,
    tls,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, SanType};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};
use x509_parser::extensions::GeneralName;
use zeroize::Zeroizing;

/// A certificate of a challenge counts for so long; nobody checks that (RFC 8737 §3).
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A new key, and the request by which an authority certifies it (RFC 2986).
pub struct WebRequest {
    key: Key,
    request: Vec<u8>,
}

impl WebRequest {
    /// For these DNS names.
    ///
    /// # Errors
    /// When cryptography fails, or a name is none.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, IdentityError> {
        let key = Key::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for name in names {
            params.subject_alt_names.push(SanType::DnsName(ia5(name)?));
        }
        let request = params
            .serialize_request(&key)
            .map_err(|_| IdentityError::Crypto {
                what: "making a certificate request",
            })?;
        Ok(Self {
            request: request.der().to_vec(),
            key,
        })
    }

    /// DER.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// The private key in PKCS#8. Seal it before it goes anywhere.
    pub fn key(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key.pkcs8().to_vec())
    }
}

/// A certificate of an authority of others, with its key.
#[derive(Debug, Clone)]
pub struct WebCertificate {
    pub(crate) certified: std::sync::Arc<CertifiedKey>,
    /// DNS names in lower case.
    pub names: BTreeSet<String>,
    pub from: SystemTime,
    pub until: SystemTime,
}

impl WebCertificate {
    /// Reads a chain in PEM, that of the server first, and its key in PKCS#8.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn read(chain: &str, key: &[u8]) -> Result<Self, IdentityError> {
        let malformed = |reason: &str| Refusal::Malformed(reason.to_owned());
        let chain: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let chain = chain.map_err(|error| malformed(&error.to_string()))?;
        let leaf = chain
            .first()
            .ok_or_else(|| malformed("there is no certificate in PEM"))?;
        let (facts, names) = (Facts::read(leaf)?, dns_names(leaf)?);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
        let certified = CertifiedKey::from_der(chain, key, &tls::provider());
        let certified = certified.map_err(|error| malformed(&error.to_string()))?;
        Ok(Self {
            certified: std::sync::Arc::new(certified),
            names,
            from: facts.from,
            until: facts.until,
        })
    }
}

fn dns_names(leaf: &CertificateDer<'_>) -> Result<BTreeSet<String>, Refusal> {
    let malformed = |error: &dyn std::fmt::Display| Refusal::Malformed(error.to_string());
    let (_, leaf) = x509_parser::parse_x509_certificate(leaf).map_err(|error| malformed(&error))?;
    let names = leaf.subject_alternative_name();
    let names = names.map_err(|error| malformed(&error))?;
    let names = names.iter().flat_map(|names| names.value.general_names.iter());
    let dns = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    Ok(dns.collect())
}

/// What proves to an authority that a name leads here: a certificate of nobody, with the digest of what was agreed (RFC 8737 §3).
pub(crate) fn challenge(name: &str, digest: &[u8; 32]) -> Result<CertifiedKey, IdentityError> {
    let key = Key::generate()?;
    let now = SystemTime::now();
    let wanted = Wanted {
        organisation: "Plenary".into(),
        common_name: "ACME challenge".into(),
        names: vec![SanType::DnsName(ia5(name)?)],
        purposes: vec![ExtendedKeyUsagePurpose::ServerAuth],
        issuer: None,
        from: now,
        until: now + CHALLENGE_LIFETIME,
    };
    let certificate = wanted.self_signed_with(&key, Some(CustomExtension::new_acme_identifier(digest)))?;
    tls::certified(vec![certificate], &key)
}
