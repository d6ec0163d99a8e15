//! Certificates for browsers by an authority of others: challenges are answered, and each name shows its certificate.

use crate::common::{enterprise, meet_as};
use plenary_identity::{ACME_ALPN, Identity, WebCertificate, WebRequest, WebTls};
use rustls_pki_types::CertificateDer;
use std::sync::Arc;
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

const PARIS: &str = "paris.example.com";

/// Looks at certificates and believes all of them, also with an extension that is critical and unknown to it.
#[derive(Debug)]
struct Curious(Arc<CryptoProvider>);

impl ServerCertVerifier for Curious {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &rustls_pki_types::ServerName<'_>,
        _ocsp: &[u8],
        _now: rustls_pki_types::UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate that is shown, and the protocol that was chosen.
async fn look(web: &WebTls, name: &str, protocols: &[&[u8]]) -> Result<(Vec<u8>, Option<Vec<u8>>), String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("both")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Curious(provider)))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
    config.resumption = rustls::client::Resumption::disabled();
    let met = meet_as(web.server_config(), Arc::new(config), name).await;
    let stream = met.client?;
    let tls = stream.get_ref().1;
    let leaf = tls.peer_certificates().expect("a certificate")[0].to_vec();
    Ok((leaf, tls.alpn_protocol().map(<[u8]>::to_vec)))
}

fn web(one: &Identity) -> WebTls {
    let names = [PARIS, "node-1.paris.example.com"].map(|name| name.parse().expect("good"));
    one.web(&names).expect("certificate")
}

#[tokio::test]
async fn a_challenge_is_answered_to_who_asks_in_its_protocol_only() {
    let demo = enterprise();
    let web = web(&demo.node(PARIS, "node-1", 1));
    let asks: &[&[u8]] = &[ACME_ALPN];
    look(&web, PARIS, asks)
        .await
        .expect_err("nothing is to be proved");

    web.answer_challenges([("Paris.example.com", &[7; 32])])
        .expect("made");
    let (leaf, protocol) = look(&web, PARIS, asks).await.expect("answered");
    assert_eq!(protocol.as_deref(), Some(ACME_ALPN));
    let (_, leaf) = X509Certificate::from_der(&leaf).expect("a certificate");
    let identifier = leaf.extensions().iter().find(|one| {
        let arcs: Option<Vec<u64>> = one.oid.iter().map(Iterator::collect);
        arcs.as_deref() == Some(&[1, 3, 6, 1, 5, 5, 7, 1, 31])
    });
    let identifier = identifier.expect("acmeIdentifier");
    assert!(identifier.critical);
    // An OCTET STRING of 32 bytes.
    assert_eq!(identifier.value[..2], [4, 32]);
    assert_eq!(identifier.value[2..], [7; 32]);
    let names = leaf.subject_alternative_name().expect("readable").expect("names");
    assert_eq!(names.value.general_names.len(), 1);

    let (browsers, protocol) = look(&web, PARIS, &[b"h2"]).await.expect("as ever");
    assert_eq!(protocol.as_deref(), Some(&b"h2"[..]));
    let (_, browsers) = X509Certificate::from_der(&browsers).expect("a certificate");
    assert_ne!(browsers.serial, leaf.serial);
    look(&web, "oslo.example.com", asks)
        .await
        .expect_err("another name");
    web.answer_challenges([]).expect("none");
    look(&web, PARIS, asks).await.expect_err("it is over");
}

#[tokio::test]
async fn names_of_the_certificate_of_others_show_it_and_other_names_our_own() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let web = web(&one);
    let asked = WebRequest::new([PARIS]).expect("made");
    let params =
        rcgen::CertificateSigningRequestParams::from_der(&asked.request().into()).expect("a request");
    let key = rcgen::KeyPair::generate().expect("a key");
    let issuer = rcgen::Issuer::new(rcgen::CertificateParams::default(), key);
    let leaf = params.signed_by(&issuer).expect("certified");
    let certificate = WebCertificate::read(&leaf.pem(), &asked.key()).expect("readable");
    assert!(certificate.names.iter().eq([PARIS]));
    assert!(certificate.from < certificate.until);
    let until = certificate.until;

    let (before, _) = look(&web, PARIS, &[]).await.expect("shown");
    web.show(Some(certificate));
    let (now, _) = look(&web, "PARIS.example.com", &[]).await.expect("shown");
    assert_eq!(now, leaf.der().to_vec());
    assert_eq!(web.until().expect("known"), until);
    for other in ["node-1.paris.example.com", "127.0.0.1"] {
        let (shown, _) = look(&web, other, &[]).await.expect("shown");
        assert_eq!(shown, before, "{other}");
    }
    web.show(None);
    assert_eq!(look(&web, PARIS, &[]).await.expect("shown").0, before);

    let other = WebRequest::new([PARIS]).expect("made");
    WebCertificate::read(&leaf.pem(), &other.key()).expect_err("the key of another one");
    WebCertificate::read("nothing", &asked.key()).expect_err("no certificate");
}

#[test]
fn what_is_sealed_is_read_by_nodes_of_the_same_server_only() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let sealed = one.seal("key", b"secret").expect("sealed");
    assert!(!sealed.windows(6).any(|part| part == b"secret"));
    assert_eq!(one.unseal("key", &sealed).expect("opens").as_slice(), b"secret");
    assert!(one.unseal("account", &sealed).is_none(), "for something else");
    let stranger = demo.node("oslo.example.com", "node-1", 1);
    assert!(stranger.unseal("key", &sealed).is_none());
}
