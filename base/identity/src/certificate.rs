//! Making certificates, and reading what others' certificates say.

use crate::{IdentityError, Refusal, key::Key, vault};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyUsagePurpose, NameConstraints, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use x509_parser::{extensions::GeneralName, prelude::X509Certificate};

/// Certificates are valid from a little before they were made, for machines whose clocks are behind.
const BACKDATE: Duration = Duration::from_secs(5 * 60);

/// The number of a certificate, unique for its issuer; 16 random bytes, written in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(String);

impl Serial {
    fn of(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a new certificate shall say.
pub(crate) struct Wanted {
    pub(crate) organisation: String,
    pub(crate) common_name: String,
    pub(crate) names: Vec<SanType>,
    pub(crate) purposes: Vec<ExtendedKeyUsagePurpose>,
    /// For issuers: how many issuers may stand below, and which names they may certify.
    pub(crate) issuer: Option<(u8, Option<NameConstraints>)>,
    pub(crate) from: SystemTime,
    pub(crate) until: SystemTime,
}

impl Wanted {
    fn params(self) -> Result<CertificateParams, IdentityError> {
        let mut params = CertificateParams::default();
        let mut subject = DistinguishedName::new();
        subject.push(DnType::OrganizationName, self.organisation);
        subject.push(DnType::CommonName, self.common_name);
        params.distinguished_name = subject;
        params.subject_alt_names = self.names;
        params.extended_key_usages = self.purposes;
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + since_epoch(self.from.checked_sub(BACKDATE).unwrap_or(UNIX_EPOCH));
        params.not_after = epoch + since_epoch(self.until);
        params.use_authority_key_identifier_extension = true;
        let mut serial: [u8; 16] = vault::random()?;
        // Positive and of full length (RFC 5280 §4.1.2.2).
        serial[0] = serial[0] & 0x7f | 0x40;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        match self.issuer {
            Some((below, constraints)) => {
                params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
                params.name_constraints = constraints;
                params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            }
            None => {
                params.is_ca = IsCa::ExplicitNoCa;
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            }
        }
        Ok(params)
    }

    pub(crate) fn signed_by(
        self,
        public: &impl PublicKeyData,
        issuer: &CertificateDer<'_>,
        key: &Key,
    ) -> Result<CertificateDer<'static>, IdentityError> {
        let failed = |_| IdentityError::Crypto {
            what: "making a certificate",
        };
        let issuer = Issuer::from_ca_cert_der(issuer, key).map_err(failed)?;
        Ok(self.params()?.signed_by(public, &issuer).map_err(failed)?.into())
    }

    pub(crate) fn self_signed(self, key: &Key) -> Result<CertificateDer<'static>, IdentityError> {
        self.self_signed_with(key, None)
    }

    /// The same with something more in it.
    pub(crate) fn self_signed_with(
        self,
        key: &Key,
        more: impl IntoIterator<Item = CustomExtension>,
    ) -> Result<CertificateDer<'static>, IdentityError> {
        let failed = |_| IdentityError::Crypto {
            what: "making a certificate",
        };
        let mut params = self.params()?;
        params.use_authority_key_identifier_extension = false;
        params.custom_extensions.extend(more);
        Ok(params.self_signed(key).map_err(failed)?.into())
    }
}

/// Whole seconds since 1970; stops at the end of the year 9999, as certificates do.
fn since_epoch(time: SystemTime) -> Duration {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Duration::from_secs(seconds.min(253_402_300_799))
}

/// Eight hexadecimal digits of a public key, to tell authorities with the same name apart.
pub(crate) fn key_mark(key: &Key) -> String {
    let hash = sha256(key.public());
    Serial::of(&hash[..4]).0
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// PEM with lines of 64 characters (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut lines = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        lines.extend(line.iter().copied().map(char::from));
        lines.push('\n');
    }
    lines + &format!("-----END {label}-----\n")
}

/// What a certificate says, read but not yet believed.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) serial: Serial,
    pub(crate) from: SystemTime,
    pub(crate) until: SystemTime,
    /// All subject alternative names that are URIs, and whether there are others.
    pub(crate) uris: Vec<String>,
    pub(crate) other_names: bool,
    pub(crate) is_authority: bool,
    /// May be used at both ends of a connection.
    pub(crate) both_purposes: bool,
    /// DNS names and IP networks that an issuer may certify.
    pub(crate) permitted: Vec<Subtree>,
    public: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

/// What an issuer may certify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subtree {
    Domain(String),
    /// Address and mask, each 4 or 16 bytes.
    Network(Vec<u8>),
}

impl Facts {
    pub(crate) fn read(der: &[u8]) -> Result<Self, Refusal> {
        let malformed = |reason: &dyn fmt::Display| Refusal::Malformed(reason.to_string());
        let (rest, certificate) =
            x509_parser::parse_x509_certificate(der).map_err(|error| malformed(&error))?;
        if !rest.is_empty() {
            return Err(malformed(&"there is something behind it"));
        }
        let names = certificate
            .subject_alternative_name()
            .map_err(|error| malformed(&error))?;
        let names = names
            .map(|names| names.value.general_names.as_slice())
            .unwrap_or_default();
        let uris: Vec<_> = names
            .iter()
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some((*uri).to_owned()),
                _ => None,
            })
            .collect();
        let purposes = certificate
            .extended_key_usage()
            .map_err(|error| malformed(&error))?;
        Ok(Self {
            serial: Serial::of(certificate.raw_serial()),
            from: time(certificate.validity().not_before.timestamp()),
            until: time(certificate.validity().not_after.timestamp()),
            other_names: names.len() > uris.len(),
            uris,
            is_authority: certificate.is_ca(),
            both_purposes: purposes
                .is_some_and(|purposes| purposes.value.client_auth && purposes.value.server_auth),
            permitted: permitted(&certificate)?,
            public: certificate.public_key().subject_public_key.data.to_vec(),
            signed: certificate.tbs_certificate.as_ref().to_vec(),
            signature: certificate.signature_value.data.to_vec(),
        })
    }

    /// Whether the key of `issuer` signed this certificate. All issuers of Plenary have P-256 keys.
    pub(crate) fn is_signed_by(&self, issuer: &Facts) -> bool {
        issuer.verifies(&self.signed, &self.signature)
    }

    /// Whether this certificate's key made `signature` over `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1,
            &self.public,
        );
        key.verify(message, signature).is_ok()
    }

    pub(crate) fn is_key_of(&self, key: &Key) -> bool {
        self.public == key.public()
    }

    pub(crate) fn check_time(&self, who: &str, now: SystemTime) -> Result<(), Refusal> {
        let who = || who.to_owned();
        if let Ok(ago) = now.duration_since(self.until) {
            return Err(Refusal::Expired {
                who: who(),
                ago_s: ago.as_secs(),
            });
        }
        match self.from.duration_since(now) {
            Ok(wait) if !wait.is_zero() => Err(Refusal::NotYetValid {
                who: who(),
                in_s: wait.as_secs(),
            }),
            _ => Ok(()),
        }
    }
}

fn permitted(certificate: &X509Certificate<'_>) -> Result<Vec<Subtree>, Refusal> {
    let constraints = certificate
        .name_constraints()
        .map_err(|error| Refusal::Malformed(error.to_string()))?;
    let trees = constraints.and_then(|constraints| constraints.value.permitted_subtrees.as_ref());
    let subtree = |base: &GeneralName<'_>| match base {
        GeneralName::DNSName(name) => Some(Subtree::Domain((*name).to_owned())),
        GeneralName::IPAddress(bytes) => Some(Subtree::Network(bytes.to_vec())),
        _ => None,
    };
    Ok(trees
        .into_iter()
        .flatten()
        .filter_map(|tree| subtree(&tree.base))
        .collect())
}

fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
