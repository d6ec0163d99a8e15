//! Checks the certificate of whoever is at the other end.

use crate::{
    Expected, ProgramName, Refusal, Revocations,
    authority::scope_of,
    certificate::{Facts, Serial},
};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    server::{
        ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Who is at the other end of a connection, as the certificate proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    pub name: ProgramName,
    pub serial: Serial,
    pub expires: SystemTime,
}

impl PeerIdentity {
    /// Reads who it is from the certificates of a finished handshake. `None` if the other side showed none.
    ///
    /// Believes what it reads: use it only for connections made with the configurations of this crate, which
    /// have checked the certificate.
    pub fn of<Data>(connection: &rustls::ConnectionCommon<Data>) -> Option<Self> {
        let leaf = connection.peer_certificates()?.first()?;
        Self::read(&Facts::read(leaf).ok()?).ok()
    }

    /// The same of the certificates that the other side of a finished handshake showed, the leaf first, for transports
    /// that keep TLS to themselves. Believes what it reads, as [`PeerIdentity::of`] does.
    pub fn of_chain(chain: &[CertificateDer<'_>]) -> Option<Self> {
        Self::of_leaf(chain.first()?).ok()
    }

    pub(crate) fn of_leaf(leaf: &CertificateDer<'_>) -> Result<Self, Refusal> {
        Self::read(&Facts::read(leaf)?)
    }

    fn read(leaf: &Facts) -> Result<Self, Refusal> {
        let not = |reason: &str| Refusal::NotAProgram(reason.to_owned());
        let [uri] = leaf.uris.as_slice() else {
            return Err(not("it must have one name of the form plenary://…"));
        };
        if leaf.other_names || leaf.is_authority {
            return Err(not("it has names or rights that programs do not have"));
        }
        let name = ProgramName::parse(uri).ok_or_else(|| not(&format!("its name {uri:?} cannot be read")))?;
        if !leaf.both_purposes {
            return Err(not(
                "it must be usable at both ends of a connection (clientAuth and serverAuth)",
            ));
        }
        Ok(Self {
            name,
            serial: leaf.serial.clone(),
            expires: leaf.until,
        })
    }
}

/// By what the enterprise is recognised.
#[derive(Clone)]
pub(crate) enum Trust {
    /// Its root certificate.
    Root(CertificateDer<'static>),
    /// The hash of a root certificate that the other side sends along; it is kept when it was right.
    Hash([u8; 32], Arc<OnceLock<CertificateDer<'static>>>),
}

/// Checks chain, scope, time, kind, name and revocation.
#[derive(Clone)]
pub(crate) struct Verifier {
    trust: Trust,
    expected: Vec<Expected>,
    revocations: Revocations,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(crate) fn new(
        trust: Trust,
        expected: Vec<Expected>,
        revocations: Revocations,
        provider: &CryptoProvider,
    ) -> Self {
        Self {
            trust,
            expected,
            revocations,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    /// Invariant: only the first certificate behind the leaf may have issued it, so that the scope that is
    /// checked is that of the certificate that really signed.
    pub(crate) fn check(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<PeerIdentity, Refusal> {
        let leaf_facts = Facts::read(leaf)?;
        let issuer = others.first().ok_or(Refusal::NoIssuer)?;
        let issuer_facts = Facts::read(issuer)?;
        let root = self.root(others)?;
        let root_facts = Facts::read(&root)?;
        if !root_facts.is_authority || !issuer_facts.is_signed_by(&root_facts) {
            return Err(Refusal::OtherEnterprise);
        }
        let scope = scope_of(&issuer_facts)?;
        let time = UNIX_EPOCH + Duration::from_secs(now.as_secs());
        let who = PeerIdentity::read(&leaf_facts)?;
        if !scope.covers(&who.name) {
            return Err(Refusal::OutOfScope {
                leaf: who.name.to_string(),
                issuer: scope.to_string(),
            });
        }
        issuer_facts.check_time(&scope.to_string(), time)?;
        leaf_facts.check_time(&who.name.to_string(), time)?;
        self.check_chain(leaf, issuer, &root, now)?;
        if self.revocations.is_revoked(&who) {
            return Err(Refusal::Revoked {
                who: who.name.to_string(),
            });
        }
        Expected::check(&self.expected, &who.name)?;
        if let Trust::Hash(_, found) = &self.trust {
            // The hash admits only one root: whoever was first set the same one.
            found.set(root).ok();
        }
        Ok(who)
    }

    fn root(&self, others: &[CertificateDer<'_>]) -> Result<CertificateDer<'static>, Refusal> {
        match &self.trust {
            Trust::Root(root) => Ok(root.clone()),
            Trust::Hash(hash, _) => {
                let root = others
                    .iter()
                    .find(|other| crate::certificate::sha256(other) == *hash);
                root.map(|root| root.clone().into_owned())
                    .ok_or(Refusal::OtherEnterprise)
            }
        }
    }

    /// Signatures, path length and name constraints, by the library that does it for all of TLS.
    fn check_chain(
        &self,
        leaf: &CertificateDer<'_>,
        issuer: &CertificateDer<'_>,
        root: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let malformed = |error: rustls::Error| Refusal::Malformed(explain(&error));
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned()).map_err(malformed)?;
        rustls::client::verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(leaf).map_err(malformed)?,
            &roots,
            std::slice::from_ref(issuer),
            now,
            self.algorithms.all,
        )
        .map_err(|error| match error {
            rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => Refusal::OtherEnterprise,
            other => malformed(other),
        })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

/// Carries a refusal through TLS; shown as its sentence wherever TLS shows it.
struct Said(Refusal);

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Said {}

/// The error that makes TLS tell the other side as much as its alerts can say, and us the whole sentence.
fn alert(refusal: Refusal, now: UnixTime) -> rustls::Error {
    let time = |seconds: u64| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let now_s = now.as_secs();
    rustls::Error::InvalidCertificate(match refusal {
        Refusal::Expired { ago_s, .. } => CertificateError::ExpiredContext {
            time: now,
            not_after: time(now_s.saturating_sub(ago_s)),
        },
        Refusal::NotYetValid { in_s, .. } => CertificateError::NotValidYetContext {
            time: now,
            not_before: time(now_s.saturating_add(in_s)),
        },
        Refusal::OtherEnterprise => CertificateError::UnknownIssuer,
        Refusal::Revoked { .. } => CertificateError::Revoked,
        other => CertificateError::Other(OtherError(Arc::new(Said(other)))),
    })
}

/// Why a handshake failed, as a sentence for people; also when it was the other side that refused.
///
/// Give it the error of `rustls`, or the `io::Error` that the TLS streams wrap it in.
pub fn explain(error: &(dyn std::error::Error + 'static)) -> String {
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    let tls = match inner {
        Some(inner) => inner.downcast_ref::<rustls::Error>(),
        None => error.downcast_ref::<rustls::Error>(),
    };
    match tls {
        Some(rustls::Error::InvalidCertificate(reason)) => explain_certificate(reason),
        Some(rustls::Error::AlertReceived(alert)) => explain_alert(*alert).to_owned(),
        Some(rustls::Error::NoCertificatesPresented) => "the other side showed no certificate".to_owned(),
        Some(other) => other.to_string(),
        None => error.to_string(),
    }
}

fn explain_certificate(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => Refusal::OtherEnterprise.to_string(),
        CertificateError::Revoked => "the other side's certificate was revoked".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the other side's certificate expired {} s ago; compare the clocks of both machines",
            time.as_secs().saturating_sub(not_after.as_secs())
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the other side's certificate is valid only in {} s; compare the clocks of both machines",
            not_before.as_secs().saturating_sub(time.as_secs())
        ),
        CertificateError::Other(OtherError(said)) => said.to_string(),
        other => other.to_string(),
    }
}

fn explain_alert(alert: rustls::AlertDescription) -> &'static str {
    use rustls::AlertDescription as Alert;
    match alert {
        Alert::UnknownCA => "the other side refused our certificate: it belongs to another enterprise",
        Alert::CertificateExpired => {
            "the other side refused our certificate as expired or not yet valid; compare the clocks of both machines"
        }
        Alert::CertificateRevoked => "the other side refused our certificate: it was revoked",
        Alert::CertificateRequired => "the other side wants a certificate, and we showed none",
        Alert::CertificateUnknown | Alert::BadCertificate | Alert::AccessDenied => {
            "the other side refused our certificate: it is not that of the program and server which it expects; its log says more"
        }
        _ => "the other side broke off the TLS handshake; its log says why",
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The DNS name counts nothing between programs: who must answer is in `expected`.
        self.check(leaf, others, now)
            .map(|_| ServerCertVerified::assertion())
            .map_err(|refusal| alert(refusal, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        // Machines that join have no certificate yet; the services ask for the identity that they need.
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(leaf, others, now)
            .map(|_| ClientCertVerified::assertion())
            .map_err(|refusal| alert(refusal, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Accepts any certificate that goes with the handshake's signature: who it is must be proved over the connection.
#[derive(Debug)]
pub(crate) struct Anybody(WebPkiSupportedAlgorithms);

impl Anybody {
    pub(crate) fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

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
}

#[cfg(test)]
mod tests;
