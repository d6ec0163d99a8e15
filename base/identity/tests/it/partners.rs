//! Servers of two enterprises that meet: who is believed to speak for which domain, and what administrators read where not.

use crate::common::{Enterprise, enterprise};
use plenary_identity::{
    Authorities, PartnerError, PartnerRefusal, PartnerTls, Pin, PinError, WebName, WebTls, authorities,
};
use plenary_model::{Fingerprint, ServerName};
use std::time::{Duration, SystemTime};
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
        let checked = server.authorities().check(claims, chain, SystemTime::now());
        stream.read_u8().await.ok();
        checked.map(drop)
    };
    let dialling = async {
        let (mut stream, _) = client.connect(here, domain).await?;
        stream.write_all(&[1]).await.map_err(PartnerError::Handshake)
    };
    tokio::join!(dialling, serving)
}

/// What is pinned for one partner is set beside what is pinned for others.
fn pin(tls: &PartnerTls, domain: &str, pin: Pin) {
    let server: ServerName = domain.parse().expect("a name");
    let mut pins = tls.authorities().pins();
    pins.insert(server, pin);
    tls.authorities().set_pins(pins);
}

/// The fingerprint of what `server` shows to `client`.
async fn shown(client: &PartnerTls, domain: &str, server: &PartnerTls) -> Fingerprint {
    let (here, there) = tokio::io::duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(server.server_config());
    let (client, server) = tokio::join!(client.connect(here, domain), acceptor.accept(there));
    server.expect("shaken");
    client.expect("trusted").1.fingerprint
}

/// Which kind of pin refused it.
fn change(met: Result<(), PartnerError>) -> &'static str {
    match met {
        Err(PartnerError::Refused { refusal, .. }) if refusal.is_change() => match refusal {
            PartnerRefusal::Changed { .. } => "certificate",
            _ => "authority",
        },
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_proves_its_domain_to_the_other() {
    let (paris, oslo) = (server(&enterprise(), PARIS), server(&enterprise(), OSLO));
    let (at_paris, at_oslo) = (paris.tls(&[&oslo.root]), oslo.tls(&[&paris.root]));
    let (dialled, served) = meet(&at_paris, OSLO, &at_oslo, PARIS).await;
    dialled.expect("oslo is oslo");
    served.expect("paris is paris");
}

#[tokio::test]
async fn nobody_speaks_for_another_domain() {
    let (paris, oslo) = (server(&enterprise(), PARIS), server(&enterprise(), OSLO));
    let (at_paris, at_oslo) = (paris.tls(&[&oslo.root]), oslo.tls(&[&paris.root]));
    let (dialled, served) = meet(&at_paris, "bergen.example.net", &at_oslo, "lyon.example.com").await;
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
    let (dialled, _) = meet(&stranger, OSLO, &at_oslo, PARIS).await;
    let error = dialled.expect_err("nobody vouches").to_string();
    assert!(
        error.contains("does not trust") && error.contains("pin"),
        "{error}"
    );

    let pinned = || Pin::Authorities(vec![oslo.root.clone()]);
    pin(&stranger, OSLO, pinned());
    let (dialled, _) = meet(&stranger, OSLO, &at_oslo, PARIS).await;
    dialled.expect("pinned");
    // Whoever is trusted for everybody does not count for who has a pinned authority.
    let trusting = paris.tls(&[&other.root]);
    pin(&trusting, OSLO, pinned());
    let (dialled, _) = meet(&trusting, OSLO, &other.tls(&[&paris.root]), PARIS).await;
    assert_eq!(change(dialled), "authority");
    // Where nothing is pinned that can be read, nobody is believed rather than everybody.
    pin(&trusting, OSLO, Pin::of_pem("lost"));
    let (dialled, _) = meet(&trusting, OSLO, &other.tls(&[&paris.root]), PARIS).await;
    assert_eq!(change(dialled), "authority");
}

#[tokio::test]
async fn of_a_pinned_certificate_exactly_that_one_counts_at_both_ends() {
    let (paris, oslo, other) = (
        server(&enterprise(), PARIS),
        server(&enterprise(), OSLO),
        server(&enterprise(), OSLO),
    );
    // Each trusts all authorities, and knows one certificate of the other.
    let all = [&paris.root, &oslo.root, &other.root];
    let (at_paris, at_oslo, at_other) = (paris.tls(&all), oslo.tls(&all), other.tls(&all));
    let known = shown(&at_paris, OSLO, &at_oslo).await;
    pin(&at_paris, OSLO, Pin::Certificate(known.clone()));
    let (dialled, _) = meet(&at_paris, OSLO, &at_oslo, PARIS).await;
    dialled.expect("the pinned one");
    let (dialled, _) = meet(&at_paris, OSLO, &at_other, PARIS).await;
    let Err(PartnerError::Refused { refusal, certificate }) = dialled else {
        panic!("{dialled:?}");
    };
    let shown = certificate.expect("it is shown").fingerprint;
    assert_eq!(refusal, PartnerRefusal::Changed { pinned: known, shown });
    // And who comes must show it as well.
    let (_, served) = meet(&at_other, PARIS, &at_paris, OSLO).await;
    assert!(
        matches!(served, Err(PartnerRefusal::Changed { .. })),
        "{served:?}"
    );
    let (_, served) = meet(&at_oslo, PARIS, &at_paris, OSLO).await;
    served.expect("the pinned one");
}

#[tokio::test]
async fn a_pinned_certificate_needs_no_authority_but_its_name_and_its_time() {
    let (paris, oslo) = (server(&enterprise(), PARIS), server(&enterprise(), OSLO));
    let (at_paris, at_oslo) = (paris.tls(&[]), oslo.tls(&[]));
    let trusting = paris.tls(&[&oslo.root]);
    let known = shown(&trusting, OSLO, &at_oslo).await;
    pin(&at_paris, OSLO, Pin::Certificate(known.clone()));
    pin(&at_paris, "bergen.example.net", Pin::Certificate(known));
    let (dialled, _) = meet(&at_paris, "bergen.example.net", &at_oslo, PARIS).await;
    assert!(
        matches!(
            dialled,
            Err(PartnerError::Refused {
                refusal: PartnerRefusal::OtherDomain { .. },
                ..
            })
        ),
        "{dialled:?}"
    );
    pin(
        &at_paris,
        OSLO,
        Pin::Certificate(shown(&trusting, OSLO, &at_oslo).await),
    );
    let (here, there) = tokio::io::duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(at_oslo.server_config());
    let (client, server) = tokio::join!(at_paris.connect(here, OSLO), acceptor.accept(there));
    let (stream, certificate) = client.expect("pinned");
    server.expect("shaken");
    let chain = stream.get_ref().1.peer_certificates().expect("shown");
    let at = |moment| at_paris.authorities().check(OSLO, chain, moment);
    let day = std::time::Duration::from_secs(24 * 3600);
    let late = at(certificate.expires + day).expect_err("expired");
    assert_eq!(late, PartnerRefusal::Expired { ago_s: day.as_secs() });
    let early = at(SystemTime::now() - day).expect_err("not yet");
    assert!(matches!(early, PartnerRefusal::NotYetValid { .. }), "{early}");
}

/// A certificate that somebody made as they like, and its print.
fn made(change: impl FnOnce(&mut rcgen::CertificateParams)) -> (CertificateDer<'static>, Fingerprint) {
    let mut params = rcgen::CertificateParams::new(vec![OSLO.to_owned()]).expect("names");
    change(&mut params);
    let key = rcgen::KeyPair::generate().expect("a key");
    let made = params.self_signed(&key).expect("a certificate").der().clone();
    let print = Authorities::describe(std::slice::from_ref(&made));
    (made, print.expect("it can be read").fingerprint)
}

#[tokio::test]
async fn what_was_proved_is_doubted_once_its_time_is_over_or_another_is_pinned() {
    let (made, print) = made(|params| params.not_after = (SystemTime::now() + Duration::from_secs(3)).into());
    let authorities = Authorities::new([]);
    let pins = |pin| [(OSLO.parse().expect("a name"), pin)].into();
    authorities.set_pins(pins(Pin::Certificate(print)));
    let chain = [made];
    let long = Duration::from_secs(20);
    let why = tokio::time::timeout(long, authorities.until_doubted(OSLO, &chain)).await;
    assert!(matches!(why, Ok(PartnerRefusal::Expired { .. })), "{why:?}");

    let (made, print) = self::made(|_| {});
    authorities.set_pins(pins(Pin::Certificate(print)));
    let chain = [made];
    let doubted = authorities.until_doubted(OSLO, &chain);
    tokio::pin!(doubted);
    let none = tokio::time::timeout(Duration::from_millis(50), &mut doubted).await;
    none.expect_err("nothing has changed");
    let other = "cd".repeat(32).parse().expect("a fingerprint");
    authorities.set_pins(pins(Pin::Certificate(other)));
    let why = tokio::time::timeout(long, doubted).await;
    assert!(matches!(why, Ok(PartnerRefusal::Changed { .. })), "{why:?}");
}

#[test]
fn what_strangers_write_into_certificates_is_cut() {
    let names: Vec<String> = (0..200).map(|n| format!("n{n}.example.org")).collect();
    let (made, _) = made(|params| {
        let novel = "novel\n".repeat(1_000);
        params.distinguished_name.push(rcgen::DnType::CommonName, novel);
        let more = names
            .iter()
            .map(|name| rcgen::SanType::DnsName(name.as_str().try_into().expect("a name")));
        params.subject_alt_names.extend(more);
    });
    let chain = [made];
    let said = Authorities::describe(&chain).expect("it can be read");
    assert!(
        said.issuer.chars().count() <= 256 && !said.issuer.contains('\n'),
        "{}",
        said.issuer
    );
    assert_eq!(said.names.len(), 16);
    let authorities = Authorities::new([]);
    let check = |domain: &str| authorities.check(domain, &chain, SystemTime::now());
    let why = check(PARIS).expect_err("of another domain").to_string();
    assert!(why.len() < 300 && why.contains("and others"), "{why}");
    // All names count, also those that are not shown.
    let why = check("n199.example.org").expect_err("nobody issued it");
    assert!(matches!(why, PartnerRefusal::UnknownIssuer { .. }), "{why}");
}

#[test]
fn what_is_no_authority_cannot_be_pinned_as_one() {
    let demo = enterprise();
    let root = demo.root.certificate_pem();
    let now = SystemTime::now();
    let read = authorities(&format!("Our authority:\n{root}"), now).expect("an authority");
    assert_eq!(read.len(), 1);
    assert!(read[0].expires > now);
    let years = std::time::Duration::from_secs(100 * 365 * 24 * 3600);
    assert!(matches!(
        authorities(&root, now + years),
        Err(PinError::Expired { .. })
    ));
    assert_eq!(authorities("", now), Err(PinError::None));
    assert_eq!(authorities(&root.repeat(5), now), Err(PinError::TooMany));
    let cut = root.replace("MII", "AAA");
    assert!(matches!(authorities(&cut, now), Err(PinError::Malformed(_))));
}

#[tokio::test]
async fn time_counts() {
    let (paris, oslo) = (server(&enterprise(), PARIS), server(&enterprise(), OSLO));
    let at_paris = paris.tls(&[&oslo.root]);
    let (here, there) = tokio::io::duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(oslo.tls(&[]).server_config());
    let (client, server) = tokio::join!(at_paris.connect(here, OSLO), acceptor.accept(there));
    let (stream, certificate) = client.expect("today");
    server.expect("today");
    let chain = stream.get_ref().1.peer_certificates().expect("shown");
    let at = |moment| at_paris.authorities().check(OSLO, chain, moment);
    let day = std::time::Duration::from_secs(24 * 3600);
    let late = at(certificate.expires + day).expect_err("expired");
    assert_eq!(late, PartnerRefusal::Expired { ago_s: day.as_secs() });
    let early = at(SystemTime::now() - day).expect_err("not yet");
    assert!(matches!(early, PartnerRefusal::NotYetValid { .. }), "{early}");
    assert_eq!(
        at_paris.authorities().check(OSLO, &[], SystemTime::now()),
        Err(PartnerRefusal::None)
    );
    let long = vec![chain[0].clone(); 9];
    assert!(matches!(
        at_paris.authorities().check(OSLO, &long, SystemTime::now()),
        Err(PartnerRefusal::Malformed(_))
    ));
}
