//! TLS configurations, and certificates that change under running connections.

use crate::{
    IdentityError, WebCertificate,
    key::Key,
    verify::{Anybody, Verifier},
};
use rustls::{
    ClientConfig, ServerConfig, SignatureScheme,
    client::{ResolvesClientCert, Resumption},
    crypto::CryptoProvider,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use rustls_pki_types::CertificateDer;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// The one crypto provider of the whole tree.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The certificate that is shown from now on; replacing it touches no open connection.
#[derive(Clone)]
pub(crate) struct Shown(Arc<RwLock<Arc<CertifiedKey>>>);

impl Shown {
    pub(crate) fn new(certified: CertifiedKey) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(certified))))
    }

    pub(crate) fn replace(&self, certified: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
    }

    pub(crate) fn now(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(crate) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &Key,
) -> Result<CertifiedKey, IdentityError> {
    Ok(CertifiedKey::new(chain, key.for_tls()?))
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown(certificate)")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
    fn has_certs(&self) -> bool {
        true
    }
}

const TLS13_WORKS: &str = "the provider of this crate has suites of TLS 1.2 and 1.3";

/// Between programs: TLS 1.3 only, and no resumption, because a resumed session is not checked for revocation.
pub(crate) fn between_programs_server(verifier: Verifier, shown: Shown) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect(TLS13_WORKS)
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(shown));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Between programs, the side that connects; `shown` is `None` for a machine that has no certificate yet.
pub(crate) fn between_programs_client(verifier: Verifier, shown: Option<Shown>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect(TLS13_WORKS)
        .dangerous()
        // "Dangerous" is rustls's word for any verifier of one's own; ours checks more than the usual one.
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match shown {
        Some(shown) => builder.with_client_cert_resolver(Arc::new(shown)),
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"h2".to_vec()];
    // Programs are recognised by their certificates; the name sent would only tell listeners something.
    config.enable_sni = false;
    Arc::new(config)
}

/// For a program that cannot prove yet who it is: that comes afterwards, over the connection.
pub(crate) fn client_of_anybody(verifier: Anybody, shown: Shown) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect(TLS13_WORKS)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(shown));
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Arc::new(config)
}

/// The protocol in which an authority looks whether a name leads here (RFC 8737 §4).
pub const ACME_ALPN: &[u8] = b"acme-tls/1";

/// What browsers are shown: by the name that they ask for the certificate of an authority of others, else our own. Open connections
/// stay as they are.
pub(crate) struct ForBrowsers {
    own: Shown,
    public: RwLock<Option<WebCertificate>>,
    /// By name; without what is over.
    challenges: RwLock<BTreeMap<String, Arc<CertifiedKey>>>,
}

impl ForBrowsers {
    pub(crate) fn new(own: Shown) -> Self {
        Self {
            own,
            public: RwLock::default(),
            challenges: RwLock::default(),
        }
    }

    pub(crate) fn set_public(&self, public: Option<WebCertificate>) {
        *self.public.write().unwrap_or_else(PoisonError::into_inner) = public;
    }

    pub(crate) fn set_challenges(&self, challenges: BTreeMap<String, Arc<CertifiedKey>>) {
        *self.challenges.write().unwrap_or_else(PoisonError::into_inner) = challenges;
    }

    /// The one of others, or our own.
    pub(crate) fn foremost(&self) -> Arc<CertifiedKey> {
        let public = self.public.read().unwrap_or_else(PoisonError::into_inner);
        public
            .as_ref()
            .map_or_else(|| self.own.now(), |public| public.certified.clone())
    }

    fn named(&self, name: &str) -> Arc<CertifiedKey> {
        let public = self.public.read().unwrap_or_else(PoisonError::into_inner);
        match public.as_ref().filter(|public| public.names.contains(name)) {
            Some(public) => public.certified.clone(),
            None => self.own.now(),
        }
    }
}

impl fmt::Debug for ForBrowsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForBrowsers(certificates)")
    }
}

impl ResolvesServerCert for ForBrowsers {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        if hello
            .alpn()
            .is_some_and(|mut all| all.any(|one| one == ACME_ALPN))
        {
            let challenges = self.challenges.read().unwrap_or_else(PoisonError::into_inner);
            return challenges.get(&name?).cloned();
        }
        Some(name.map_or_else(|| self.own.now(), |name| self.named(&name)))
    }
}

/// What partners are shown, whichever name they ask for: the certificate that most others believe.
#[derive(Debug)]
pub(crate) struct Foremost(pub(crate) Arc<ForBrowsers>);

impl ResolvesServerCert for Foremost {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.foremost())
    }
}

impl ResolvesClientCert for Foremost {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.foremost())
    }
    fn has_certs(&self) -> bool {
        true
    }
}

/// For browsers: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
pub(crate) fn for_browsers(shown: Arc<ForBrowsers>) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect(TLS13_WORKS)
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), ACME_ALPN.to_vec()];
    Arc::new(config)
}
