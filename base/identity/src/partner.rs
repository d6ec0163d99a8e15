//! Servers of other enterprises, and what their certificates must prove (FED-01).
//!
//! A partner is known by the domain of its server. Its certificate must carry exactly that name, and must have been issued by
//! an authority that this machine trusts for everybody, or by the own enterprise. Where administrators pinned an authority or
//! a certificate for that partner, that one alone counts. Public authorities issue for `serverAuth` only, so that is what counts at both ends.

use crate::{
    Pin,
    certificate::{Facts, sha256},
    tls::{self, Foremost},
};
use plenary_model::{Fingerprint, ServerName};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    server::{
        NoServerSessionStorage, ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, ServerName as TlsName, UnixTime};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

/// Certificates of one chain that are looked at; more are refused.
const CHAIN: usize = 8;
/// Names of one certificate that are looked at.
const NAMES: usize = 16;

/// How often it is looked at the least whether a chain that proved something still does.
const DOUBT_EVERY: Duration = Duration::from_secs(60);
/// Names that a sentence says.
const SAID: usize = 4;
/// What is kept of each text of a certificate, in characters: its owner may write a novel.
const TEXT: usize = 256;

/// What the certificate of a partner says. Whoever made it chose the texts: they are cut to 256 characters, without control
/// characters, and of the names there are 16 at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerCertificate {
    /// The name of whom it is for, as the certificate writes it.
    pub subject: String,
    pub issuer: String,
    pub expires: SystemTime,
    pub fingerprint: Fingerprint,
    /// The DNS names that it carries.
    pub names: Vec<String>,
}

/// Why a certificate does not prove that somebody speaks for a domain. The sentence is for administrators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartnerRefusal {
    #[error("it showed no certificate; a partner must show the one of its server's domain")]
    None,
    #[error("its certificate cannot be read: {0}")]
    Malformed(String),
    #[error("its certificate is for {}, not for {domain}; it must carry the name of the server", names(.carries))]
    OtherDomain { domain: String, carries: Vec<String> },
    #[error("its certificate expired {ago_s} s ago")]
    Expired { ago_s: u64 },
    #[error("its certificate is valid only in {in_s} s; compare the clocks of both machines")]
    NotYetValid { in_s: u64 },
    #[error(
        "its certificate is issued by {issuer}, whom this server does not trust; pin that authority for this partner, or have it use a public one"
    )]
    UnknownIssuer { issuer: String },
    #[error(
        "its certificate is issued by {issuer}, not by the authority that is pinned for this partner; if it has changed on purpose, pin the new one"
    )]
    NotPinned { issuer: String },
    #[error(
        "its certificate has changed: {pinned} is pinned for this partner, and it showed {shown}; if it has changed on purpose, pin the new one"
    )]
    Changed { pinned: Fingerprint, shown: Fingerprint },
}

impl PartnerRefusal {
    /// Whether it is because of what is pinned for that partner, and so for an administrator to confirm.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::NotPinned { .. } | Self::Changed { .. })
    }
}

/// The first of them: a sentence stays one that can be read.
fn names(all: &[String]) -> String {
    match all.get(..SAID) {
        None if all.is_empty() => "no DNS name".to_owned(),
        None => all.join(", "),
        Some(first) if all.len() == SAID => first.join(", "),
        Some(first) => format!("{} and others", first.join(", ")),
    }
}

/// Whom to believe about domains. Cheap to clone; clones share what is pinned.
#[derive(Clone)]
pub struct Authorities {
    everybody: Arc<RootCertStore>,
    pins: Arc<RwLock<BTreeMap<ServerName, Pin>>>,
    /// Told whenever other pins count.
    repinned: watch::Sender<()>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.everybody.len())
    }
}

impl Authorities {
    /// Those whose certificates are given; what cannot be read is left out.
    pub fn new(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let mut everybody = RootCertStore::empty();
        everybody.add_parsable_certificates(certificates);
        Self {
            everybody: Arc::new(everybody),
            pins: Arc::default(),
            repinned: watch::Sender::new(()),
            algorithms: tls::provider().signature_verification_algorithms,
        }
    }

    /// Those that this machine trusts for everybody (its store of certificates), and the own enterprise.
    pub fn of_this_machine(enterprise: CertificateDer<'static>) -> Self {
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            tracing::warn!(%error, "some certificates of this machine's store cannot be read");
        }
        Self::new(native.certs.into_iter().chain([enterprise]))
    }

    /// For dialling who is known by a name, has to prove it, and is not asked to know us: a DNS server, for one.
    ///
    /// # Errors
    /// When this machine trusts nobody in a way that can be used.
    pub fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        let builder =
            ClientConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions()?;
        Ok(builder
            .with_root_certificates(self.everybody.clone())
            .with_no_client_auth())
    }

    /// From now on these partners, and no others, must prove themselves by what is pinned for them. It counts for whoever is
    /// asked next, on connections that are open as well.
    pub fn set_pins(&self, pins: BTreeMap<ServerName, Pin>) {
        *self.pins.write().unwrap_or_else(PoisonError::into_inner) = pins;
        self.repinned.send_replace(());
    }

    /// What is pinned now.
    pub fn pins(&self) -> BTreeMap<ServerName, Pin> {
        self.pins.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn pin(&self, domain: &str) -> Pin {
        let Ok(server) = domain.parse::<ServerName>() else {
            return Pin::None;
        };
        let pins = self.pins.read().unwrap_or_else(PoisonError::into_inner);
        pins.get(&server).cloned().unwrap_or_default()
    }

    /// Waits until this chain does not prove any more that its owner speaks for `domain`: something else is pinned, or a
    /// certificate of it has ended. Gives why not. Costs a check of the chain with every change of pins, and each minute.
    pub async fn until_doubted(&self, domain: &str, chain: &[CertificateDer<'_>]) -> PartnerRefusal {
        let mut repinned = self.repinned.subscribe();
        loop {
            let now = SystemTime::now();
            let ends_in = match self.check(domain, chain, now) {
                Ok(proved) => proved.expires.duration_since(now).unwrap_or_default(),
                Err(why) => return why,
            };
            // One that is over by the second of its end is not right after it, either.
            let wait = (ends_in + Duration::from_millis(50)).min(DOUBT_EVERY);
            tokio::time::timeout(wait, repinned.changed()).await.ok();
        }
    }

    /// The DNS names that the leaf of a chain carries; not believed yet, at most 16.
    pub fn names(&self, chain: &[CertificateDer<'_>]) -> Vec<String> {
        Self::describe(chain).map(|said| said.names).unwrap_or_default()
    }

    /// What the leaf of a chain says; not believed yet.
    pub fn describe(chain: &[CertificateDer<'_>]) -> Option<PartnerCertificate> {
        let leaf = chain.first()?;
        Some(describe(leaf, &Facts::read(leaf).ok()?))
    }

    /// Whether this chain, the leaf first, proves that its owner speaks for `domain`.
    ///
    /// # Errors
    /// When it does not; the first thing that is wrong in the order of [`PartnerRefusal`].
    pub fn check(
        &self,
        domain: &str,
        chain: &[CertificateDer<'_>],
        now: SystemTime,
    ) -> Result<PartnerCertificate, PartnerRefusal> {
        let malformed = |error: &dyn fmt::Display| PartnerRefusal::Malformed(cut(&error.to_string()));
        let (leaf, others) = chain.split_first().ok_or(PartnerRefusal::None)?;
        if others.len() >= CHAIN {
            return Err(PartnerRefusal::Malformed(format!(
                "its chain has more than {CHAIN} certificates"
            )));
        }
        let facts = Facts::read(leaf).map_err(|error| malformed(&error))?;
        let said = describe(leaf, &facts);
        let parsed = ParsedCertificate::try_from(leaf).map_err(|error| malformed(&error))?;
        let name = TlsName::try_from(domain.to_owned()).map_err(|error| malformed(&error))?;
        if verify_server_name(&parsed, &name).is_err() || !carries(leaf, domain) {
            return Err(PartnerRefusal::OtherDomain {
                domain: domain.to_owned(),
                carries: said.names,
            });
        }
        let own = match self.pin(domain) {
            Pin::Certificate(pinned) => return exactly(pinned, &facts, said, now),
            Pin::None => None,
            Pin::Authorities(pinned) => {
                let mut own = RootCertStore::empty();
                own.add_parsable_certificates(pinned);
                Some(own)
            }
        };
        let is_pinned = own.is_some();
        let roots = own.as_ref().unwrap_or(&self.everybody);
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let moment = UnixTime::since_unix_epoch(since);
        let intermediates: Vec<CertificateDer<'_>> = others.to_vec();
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            roots,
            &intermediates,
            moment,
            self.algorithms.all,
        )
        .map_err(|error| refusal(&error, since, &said.issuer, is_pinned))?;
        Ok(said)
    }
}

/// The leaf must be the pinned one, and valid now; who issued it does not count.
fn exactly(
    pinned: Fingerprint,
    facts: &Facts,
    said: PartnerCertificate,
    now: SystemTime,
) -> Result<PartnerCertificate, PartnerRefusal> {
    if said.fingerprint != pinned {
        return Err(PartnerRefusal::Changed {
            pinned,
            shown: said.fingerprint,
        });
    }
    if let Ok(early) = facts.from.duration_since(now)
        && !early.is_zero()
    {
        return Err(PartnerRefusal::NotYetValid {
            in_s: early.as_secs(),
        });
    }
    match now.duration_since(facts.until) {
        Ok(late) => Err(PartnerRefusal::Expired {
            ago_s: late.as_secs(),
        }),
        Err(_) => Ok(said),
    }
}

fn refusal(error: &rustls::Error, now: Duration, issuer: &str, is_pinned: bool) -> PartnerRefusal {
    let issuer = issuer.to_owned();
    match error {
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            PartnerRefusal::Expired {
                ago_s: now.as_secs().saturating_sub(not_after.as_secs()),
            }
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            PartnerRefusal::NotYetValid {
                in_s: not_before.as_secs().saturating_sub(now.as_secs()),
            }
        }
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => {
            if is_pinned {
                PartnerRefusal::NotPinned { issuer }
            } else {
                PartnerRefusal::UnknownIssuer { issuer }
            }
        }
        other => PartnerRefusal::Malformed(cut(&other.to_string())),
    }
}

fn describe(der: &[u8], facts: &Facts) -> PartnerCertificate {
    let read = x509_parser::parse_x509_certificate(der)
        .ok()
        .map(|(_, read)| read);
    let text = |name: Option<&x509_parser::x509::X509Name<'_>>| {
        name.map(|name| cut(&name.to_string())).unwrap_or_default()
    };
    PartnerCertificate {
        subject: text(read.as_ref().map(|read| read.subject())),
        issuer: text(read.as_ref().map(|read| read.issuer())),
        expires: facts.until,
        fingerprint: Fingerprint::of(sha256(der)),
        names: read
            .iter()
            .flat_map(dns_names)
            .take(NAMES)
            .map(|name| cut(&name.to_ascii_lowercase()))
            .collect(),
    }
}

fn dns_names<'a>(read: &'a X509Certificate<'_>) -> impl Iterator<Item = &'a str> {
    let names = read.subject_alternative_name().ok().flatten();
    let names = names.map(|names| names.value.general_names.as_slice());
    names.unwrap_or_default().iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    })
}

/// Whether a certificate has exactly this name among all that it carries.
fn carries(der: &[u8], domain: &str) -> bool {
    x509_parser::parse_x509_certificate(der)
        .is_ok_and(|(_, read)| dns_names(&read).any(|name| name.eq_ignore_ascii_case(domain)))
}

/// As it may stand in a line of a log.
fn cut(text: &str) -> String {
    let plain = |one: char| if one.is_control() { '\u{fffd}' } else { one };
    text.chars().take(TEXT).map(plain).collect()
}

/// How an attempt to reach a partner ended.
#[derive(Debug, thiserror::Error)]
pub enum PartnerError {
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[source] std::io::Error),
    /// With what the certificate said, if it could be read.
    #[error("{refusal}")]
    Refused {
        refusal: PartnerRefusal,
        certificate: Option<Box<PartnerCertificate>>,
    },
}

/// TLS with partners: shows the certificate that browsers are shown, and checks theirs.
#[derive(Clone)]
pub struct PartnerTls {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    authorities: Authorities,
}

impl fmt::Debug for PartnerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartnerTls({:?})", self.authorities)
    }
}

impl PartnerTls {
    pub(crate) fn new(shown: Arc<Foremost>, authorities: Authorities) -> Self {
        const TLS13_WORKS: &str = "the provider of this crate has suites of TLS 1.3";
        let any = Arc::new(AnyChain(authorities.algorithms));
        let mut server = ServerConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(&[&TLS13])
            .expect(TLS13_WORKS)
            .with_client_cert_verifier(any.clone())
            .with_cert_resolver(shown.clone());
        // A resumed session shows no certificate.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.alpn_protocols = vec![b"h2".to_vec()];
        let mut client = ClientConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(&[&TLS13])
            .expect(TLS13_WORKS)
            .dangerous()
            // Checked in [`PartnerTls::connect`], before a byte is sent, so that administrators see which one it was.
            .with_custom_certificate_verifier(any)
            .with_client_cert_resolver(shown);
        client.resumption = Resumption::disabled();
        client.alpn_protocols = vec![b"h2".to_vec()];
        Self {
            server: Arc::new(server),
            client: Arc::new(client),
            authorities,
        }
    }

    /// For those who come. Anybody with any certificate gets through the handshake; what they speak for is to be asked of
    /// [`Authorities::check`] before anything is answered.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    /// The same for another protocol than HTTP/2, by its ALPN: QUIC.
    pub fn server_config_for(&self, alpn: &[u8]) -> ServerConfig {
        let mut config = (*self.server).clone();
        config.alpn_protocols = vec![alpn.to_vec()];
        config
    }

    /// For dialling by another protocol than HTTP/2. Whoever answers gets through the handshake; whom they speak for is
    /// to be asked of [`Authorities::check`] before anything is said.
    pub fn client_config_for(&self, alpn: &[u8]) -> ClientConfig {
        let mut config = (*self.client).clone();
        config.alpn_protocols = vec![alpn.to_vec()];
        config
    }

    pub fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// Shakes hands with who must be `domain`.
    ///
    /// # Errors
    /// When that fails, or somebody else is there.
    pub async fn connect<S>(
        &self,
        socket: S,
        domain: &str,
    ) -> Result<(tokio_rustls::client::TlsStream<S>, PartnerCertificate), PartnerError>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let failed = |error| PartnerError::Handshake(error);
        let name =
            TlsName::try_from(domain.to_owned()).map_err(|error| failed(std::io::Error::other(error)))?;
        let connector = tokio_rustls::TlsConnector::from(self.client.clone());
        let stream = connector.connect(name, socket).await.map_err(failed)?;
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        match self.authorities.check(domain, chain, SystemTime::now()) {
            Ok(certificate) => Ok((stream, certificate)),
            Err(refusal) => Err(PartnerError::Refused {
                refusal,
                certificate: Authorities::describe(chain).map(Box::new),
            }),
        }
    }
}

/// Lets every chain through whose leaf's key is there: whom it speaks for is checked when that is known.
#[derive(Debug)]
struct AnyChain(WebPkiSupportedAlgorithms);

macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls12_signature(message, cert, signature, &self.0)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls13_signature(message, cert, signature, &self.0)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.supported_schemes()
        }
    };
}

impl ServerCertVerifier for AnyChain {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &TlsName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}

impl ClientCertVerifier for AnyChain {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}
