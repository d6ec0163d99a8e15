//! HTTPS towards browsers.

use crate::{
    Authorities, Identity, IdentityError, PartnerTls, WEB_LIFETIME, WebCertificate,
    authority::{ia5, permits},
    certificate::Facts,
    identity::is_due,
    issued,
    key::Key,
    tls::{self, ForBrowsers, Foremost, Shown},
};
use plenary_model::ParseError;
use rcgen::SanType;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// Something that a browser may have in its address bar: a DNS name or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebName {
    Dns(String),
    Ip(IpAddr),
}

impl FromStr for WebName {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Ip(address));
        }
        let name: plenary_model::ServerName = text.parse()?;
        Ok(Self::Dns(name.into()))
    }
}

impl fmt::Display for WebName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl WebName {
    fn san(&self) -> Result<SanType, IdentityError> {
        Ok(match self {
            Self::Dns(name) => SanType::DnsName(ia5(name)?),
            Self::Ip(address) => SanType::IpAddress(*address),
        })
    }
}

/// HTTPS whose certificate changes without a restart. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WebTls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shown: Shown,
    browsers: Arc<ForBrowsers>,
    config: Arc<rustls::ServerConfig>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Certified by the server's own web issuer.
    Own { identity: Identity, state: Mutex<Own> },
    /// A certificate of a public authority in files that somebody else keeps fresh.
    Files {
        chain: PathBuf,
        key: PathBuf,
        seen: Mutex<Vec<CertificateDer<'static>>>,
    },
}

#[derive(Debug, Clone)]
struct Own {
    names: Vec<WebName>,
    left_out: Vec<WebName>,
    made: SystemTime,
}

impl WebTls {
    pub(crate) fn certified(identity: Identity, names: &[WebName]) -> Result<Self, IdentityError> {
        let (certified, own) = certify(&identity, names, SystemTime::now())?;
        Ok(Self::new(
            certified,
            Source::Own {
                identity,
                state: Mutex::new(own),
            },
        ))
    }

    /// With a certificate chain and key in PEM files, as public authorities and their tools hand them out. They
    /// are read again when they changed ([`WebTls::renew_if_due`]).
    ///
    /// # Errors
    /// When a file cannot be read, holds no certificate or key, or the key is not that of the certificate.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, IdentityError> {
        let certified = read_files(chain, key)?;
        let seen = Mutex::new(certified.cert.clone());
        Ok(Self::new(
            certified,
            Source::Files {
                chain: chain.to_owned(),
                key: key.to_owned(),
                seen,
            },
        ))
    }

    fn new(certified: rustls::sign::CertifiedKey, source: Source) -> Self {
        let shown = Shown::new(certified);
        let browsers = Arc::new(ForBrowsers::new(shown.clone()));
        let config = tls::for_browsers(browsers.clone());
        Self(Arc::new(Inner {
            shown,
            browsers,
            config,
            source,
        }))
    }

    /// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1. Shows the newest certificate, for as long as it is used.
    pub fn server_config(&self) -> Arc<rustls::ServerConfig> {
        self.0.config.clone()
    }

    /// TLS with servers of other enterprises, by the same certificate.
    pub fn partners(&self, authorities: Authorities) -> PartnerTls {
        PartnerTls::new(Arc::new(Foremost(self.0.browsers.clone())), authorities)
    }

    /// Shows a certificate of an authority of others to who asks for one of its names, and to partners; `None`: only our own. With
    /// files it does nothing: they were given for that. Says whether it did.
    pub fn show(&self, certificate: Option<WebCertificate>) -> bool {
        let is_own = matches!(self.0.source, Source::Own { .. });
        if is_own {
            self.0.browsers.set_public(certificate);
        }
        is_own
    }

    /// Answers authorities that look whether these names lead here (RFC 8737): a name, and the SHA-256 of the key authorization.
    ///
    /// # Errors
    /// When a certificate cannot be made; then it is answered as before.
    pub fn answer_challenges<'a>(
        &self,
        challenges: impl IntoIterator<Item = (&'a str, &'a [u8; 32])>,
    ) -> Result<(), IdentityError> {
        let mut answers = BTreeMap::new();
        for (name, digest) in challenges {
            let answer = issued::challenge(name, digest)?;
            answers.insert(name.to_ascii_lowercase(), Arc::new(answer));
        }
        self.0.browsers.set_challenges(answers);
        Ok(())
    }

    /// Until when the certificate counts that is shown for the server's name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn until(&self) -> Result<SystemTime, IdentityError> {
        let shown = self.0.browsers.foremost();
        let leaf = shown.cert.first().map(|leaf| Facts::read(leaf)).transpose()?;
        Ok(leaf.map_or(SystemTime::UNIX_EPOCH, |facts| facts.until))
    }

    /// Whether browsers that ask for this name believe the certificate that is shown, as far as its names go.
    pub fn is_for(&self, name: &str) -> bool {
        let shown = self.0.browsers.foremost();
        let leaf = shown.cert.first();
        let leaf = leaf.and_then(|leaf| rustls::server::ParsedCertificate::try_from(leaf).ok());
        leaf.zip(name.try_into().ok())
            .is_some_and(|(leaf, name)| rustls::client::verify_server_name(&leaf, &name).is_ok())
    }

    /// Names that were asked for, but that the server's web issuer must not certify: browsers that come by
    /// them get a warning. They need a certificate of a public authority, or another issuer.
    pub fn left_out(&self) -> Vec<WebName> {
        match &self.0.source {
            Source::Own { state, .. } => state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .left_out
                .clone(),
            Source::Files { .. } => Vec::new(),
        }
    }

    /// Changes the names: a node came or went. Does nothing if they are the same, or with files.
    ///
    /// # Errors
    /// When the certificate cannot be made; then the old one is shown on.
    pub fn set_names(&self, names: &[WebName]) -> Result<(), IdentityError> {
        if let Source::Own { identity, state } = &self.0.source {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.names != names {
                let (certified, own) = certify(identity, names, SystemTime::now())?;
                self.0.shown.replace(certified);
                *state = own;
            }
        }
        Ok(())
    }

    /// Makes a new certificate when two thirds of its life are over, or reads the files again if they
    /// changed. Says whether it did.
    ///
    /// # Errors
    /// When that fails; then the old one is shown on.
    pub fn renew_if_due(&self, now: SystemTime) -> Result<bool, IdentityError> {
        match &self.0.source {
            Source::Own { identity, state } => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                if !is_due(state.made, now, WEB_LIFETIME) {
                    return Ok(false);
                }
                let (certified, own) = certify(identity, &state.names, now)?;
                self.0.shown.replace(certified);
                *state = own;
            }
            Source::Files { chain, key, seen } => {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if read_chain(chain)? == *seen {
                    return Ok(false);
                }
                let certified = read_files(chain, key)?;
                *seen = certified.cert.clone();
                self.0.shown.replace(certified);
            }
        }
        Ok(true)
    }
}

fn certify(
    identity: &Identity,
    names: &[WebName],
    now: SystemTime,
) -> Result<(rustls::sign::CertifiedKey, Own), IdentityError> {
    let ca = identity.ca();
    let permitted = Facts::read(&ca.web.certificate)?.permitted;
    let (mut sans, mut left_out) = (Vec::new(), Vec::new());
    for name in names {
        let san = name.san()?;
        if !permits(&permitted, &san) {
            left_out.push(name.clone());
        } else if !sans.contains(&san) {
            sans.push(san);
        }
    }
    let key = Key::generate()?;
    let leaf = ca.issue_web(sans, ca.scope.server.as_str(), &key, now, WEB_LIFETIME)?;
    // Browsers have the root, so it is not sent.
    let certified = tls::certified(vec![leaf, ca.web.certificate.clone()], &key)?;
    Ok((
        certified,
        Own {
            names: names.to_vec(),
            left_out,
            made: now,
        },
    ))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let text = std::fs::read(path).map_err(IdentityError::file(path, "read"))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| IdentityError::damaged(path, error))?;
    if chain.is_empty() {
        return Err(IdentityError::damaged(path, "it holds no certificate in PEM"));
    }
    Ok(chain)
}

fn read_files(chain: &Path, key: &Path) -> Result<rustls::sign::CertifiedKey, IdentityError> {
    let certificates = read_chain(chain)?;
    let text = zeroize::Zeroizing::new(std::fs::read(key).map_err(IdentityError::file(key, "read"))?);
    let der = PrivateKeyDer::from_pem_slice(&text).map_err(|error| IdentityError::damaged(key, error))?;
    rustls::sign::CertifiedKey::from_der(certificates, der, &tls::provider())
        .map_err(|error| IdentityError::damaged(key, error))
}
