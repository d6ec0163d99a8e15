//! Servers of two enterprises that meet: who is believed to speak for which domain, and what administrators read where not.

use crate::common::{Enterprise, enterprise};
use plenary_identity::{Authorities, PartnerError, PartnerRefusal, PartnerTls, WebName, WebTls};
use std::time::SystemTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, rustls::pki_types::CertificateDer};

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.net";

struct Server {
    web: WebTls,
    root: CertificateDer<'static>,
}

fn server(demo: &Enterprise, domain: &str) -> Server {
    let node = demo.node(domain, "node-1", 1);
    let name: WebName = domain.parse().expect("good");
    Server {
        web: node.web(&[name]).expect("certificate"),
        root: node.root_der().clone(),
    }
}

impl Server {
    fn tls(&self, trusts: &[&CertificateDer<'static>]) -> PartnerTls {
        self.web
            .partners(Authorities::new(trusts.iter().map(|root| (*root).clone())))
    }
}

/// `client` looks for `domain`, and finds `server`. Gives what each thinks of the other; `claims` is whom the client says
/// that it is.
async fn meet(
    client: &PartnerTls,
    domain: &str,
    pinned: &[CertificateDer<'static>],
    server: &PartnerTls,
    claims: &str,
) -> (Result<(), PartnerError>, Result<(), PartnerRefusal>) {
    let (here, there) = tokio::io::duplex(64 * 1024);
    let serving = async {
        let acceptor = TlsAcceptor::from(server.server_config());
        let mut stream = acceptor
            .accept(there)
            .await
            .expect("any certificate gets through");
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let checked = server.authorities().check(claims, &[], chain, SystemTime::now());
        stream.read_u8().await.ok();
        checked.map(drop)
    };
    let dialling = async {
        let (mut stream, _) = client.connect(here, domain, pinned).await?;
        stream.write_all(&[1]).await.map_err(PartnerError::Handshake)
    };
    tokio::join!(dialling, serving)
}

#[tokio::test]
async fn each_proves_its_domain_to_the_other() {
    let (paris, oslo) = (server(&enterprise(), PARIS), server(&enterprise(), OSLO));
    let (at_paris, at_oslo) = (paris.tls(&[&oslo.root]), oslo.tls(&[&paris.root]));
    let (dialled, served) = meet(&at_paris, OSLO, &[], &at_oslo, PARIS).await;
    dialled.expect("oslo is oslo");
    served.expect("paris is paris");
}

#[tokio::test]
async fn nobody_speaks_for_another_domain() {
    let (paris, oslo) = (server(&enterprise(), PARIS), server(&enterprise(), OSLO));
    let (at_paris, at_oslo) = (paris.tls(&[&oslo.root]), oslo.tls(&[&paris.root]));
    let (dialled, served) = meet(&at_paris, "bergen.example.net", &[], &at_oslo, "lyon.example.com").await;
    let Err(PartnerError::Refused { refusal, certificate }) = dialled else {
        panic!("{dialled:?}");
    };
    assert!(
        refusal
            .to_string()
            .contains("is for oslo.example.net, not for bergen.example.net"),
        "{refusal}"
    );
    assert_eq!(certificate.expect("it is shown").names, [OSLO]);
    assert!(
        matches!(served, Err(PartnerRefusal::OtherDomain { .. })),
        "{served:?}"
    );
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_named_and_a_pinned_one_alone_counts() {
    let (paris, oslo, other) = (
        server(&enterprise(), PARIS),
        server(&enterprise(), OSLO),
        server(&enterprise(), OSLO),
    );
    let stranger = paris.tls(&[]);
    let at_oslo = oslo.tls(&[&paris.root]);
    let (dialled, _) = meet(&stranger, OSLO, &[], &at_oslo, PARIS).await;
    let error = dialled.expect_err("nobody vouches").to_string();
    assert!(
        error.contains("does not trust") && error.contains("pin"),
        "{error}"
    );

    let pinned = [oslo.root.clone()];
    let (dialled, _) = meet(&stranger, OSLO, &pinned, &at_oslo, PARIS).await;
    dialled.expect("pinned");
    // Whoever is trusted for everybody does not count for who has a pinned authority.
    let trusting = paris.tls(&[&other.root]);
    let (dialled, _) = meet(&trusting, OSLO, &pinned, &other.tls(&[&paris.root]), PARIS).await;
    let error = dialled.expect_err("changed").to_string();
    assert!(error.contains("pinned"), "{error}");
}

#[tokio::test]
async fn time_counts() {
    let (paris, oslo) = (server(&enterprise(), PARIS), server(&enterprise(), OSLO));
    let at_paris = paris.tls(&[&oslo.root]);
    let (here, there) = tokio::io::duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(oslo.tls(&[]).server_config());
    let (client, server) = tokio::join!(at_paris.connect(here, OSLO, &[]), acceptor.accept(there));
    let (stream, certificate) = client.expect("today");
    server.expect("today");
    let chain = stream.get_ref().1.peer_certificates().expect("shown");
    let at = |moment| at_paris.authorities().check(OSLO, &[], chain, moment);
    let day = std::time::Duration::from_secs(24 * 3600);
    let late = at(certificate.expires + day).expect_err("expired");
    assert_eq!(late, PartnerRefusal::Expired { ago_s: day.as_secs() });
    let early = at(SystemTime::now() - day).expect_err("not yet");
    assert!(matches!(early, PartnerRefusal::NotYetValid { .. }), "{early}");
    assert_eq!(
        at_paris.authorities().check(OSLO, &[], &[], SystemTime::now()),
        Err(PartnerRefusal::None)
    );
    let long = vec![chain[0].clone(); 9];
    assert!(matches!(
        at_paris.authorities().check(OSLO, &[], &long, SystemTime::now()),
        Err(PartnerRefusal::Malformed(_))
    ));
}
