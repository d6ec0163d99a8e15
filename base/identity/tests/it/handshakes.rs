//! Who gets through to whom, and what both sides are told if not.

use crate::common::{enterprise, meet, meet_programs, node_name, server};
use plenary_identity::{Expected, Program, RevocationList};
use plenary_model::NodeId;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PARIS: &str = "paris.example.com";

fn paris() -> Expected {
    Expected::node_of(&server(PARIS))
}

#[tokio::test]
async fn nodes_of_one_server_know_each_other() {
    let demo = enterprise();
    let (one, two) = (demo.node(PARIS, "node-1", 1), demo.node(PARIS, "node-2", 2));
    let wanted = paris().named(&node_name("node-1")).member(NodeId(1));
    let met = meet_programs(&one, &two, paris(), wanted).await;
    let (server, client) = (
        met.seen_by_server().expect("certificate"),
        met.seen_by_client().expect("certificate"),
    );
    assert_eq!(&server.name, two.me());
    assert_eq!(&client.name, one.me());
    assert_ne!(server.serial, client.serial);
    assert!(server.expires > SystemTime::now() + Duration::from_secs(6 * 24 * 3600));
    assert_eq!(
        server.name.to_string(),
        "plenary://Demo/node/paris.example.com/node-2?member=2"
    );
}

#[tokio::test]
async fn strangers_without_a_certificate_get_in_but_are_nobody() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let token = one.join_token(
        "i".into(),
        plenary_identity::JoinSecret::random().expect("random"),
        vec!["a:1".into()],
        0,
    );
    let joining = plenary_identity::Joining::new(token, node_name("node-2")).expect("key");
    let met = meet(one.server_config(vec![paris()]), joining.client_config()).await;
    assert_eq!(met.seen_by_server(), None);
    assert_eq!(&met.seen_by_client().expect("certificate").name, one.me());
}

#[tokio::test]
async fn programs_of_another_enterprise_with_the_same_name_are_refused() {
    let (demo, other) = (enterprise(), enterprise());
    let (one, two) = (demo.node(PARIS, "node-1", 1), other.node(PARIS, "node-2", 2));
    let (server, client) = meet_programs(&one, &two, paris(), paris()).await.refused();
    assert!(client.contains("another enterprise"), "{client}");
    assert!(server.contains("another enterprise"), "{server}");
}

#[tokio::test]
async fn a_client_of_another_enterprise_is_refused_by_the_server() {
    // The client trusts the server's root by a join token, but shows what its own enterprise gave it.
    let (demo, other) = (enterprise(), enterprise());
    let (one, two) = (demo.node(PARIS, "node-1", 1), other.node(PARIS, "node-2", 2));
    let met = meet(one.server_config(vec![paris()]), client_that_trusts_anyone(&two)).await;
    let (server, client) = met.refused();
    assert!(server.contains("another enterprise"), "{server}");
    assert!(
        client.contains("refused our certificate: it belongs to another enterprise"),
        "{client}"
    );
}

#[tokio::test]
async fn programs_of_another_server_are_refused() {
    let demo = enterprise();
    let (paris_1, oslo_1) = (
        demo.node(PARIS, "node-1", 1),
        demo.node("oslo.example.com", "node-1", 1),
    );
    let oslo = Expected::node_of(&server("oslo.example.com"));

    let (server, client) = meet_programs(&paris_1, &oslo_1, paris(), oslo.clone())
        .await
        .refused();
    assert!(
        client.contains("plenary://Demo/node/paris.example.com/node-1"),
        "{client}"
    );
    assert!(
        client.contains("a node of oslo.example.com was expected"),
        "{client}"
    );
    assert!(
        server.contains("not that of the program and server which it expects"),
        "{server}"
    );

    let (server, client) = meet_programs(&paris_1, &oslo_1, paris(), paris()).await.refused();
    assert!(
        server.contains("a node of paris.example.com was expected"),
        "{server}"
    );
    assert!(client.contains("its log says more"), "{client}");
}

#[tokio::test]
async fn other_programs_names_and_members_are_refused() {
    let demo = enterprise();
    let (one, two) = (demo.node(PARIS, "node-1", 1), demo.node(PARIS, "node-2", 2));
    for (wanted, words) in [
        (
            Expected::any(Program::LicenseManager),
            "a license-manager was expected",
        ),
        (
            paris().named(&node_name("node-3")),
            "the node node-3 of paris.example.com was expected",
        ),
        (
            paris().member(NodeId(7)),
            "(member 7) of paris.example.com was expected",
        ),
    ] {
        let (_, client) = meet_programs(&one, &two, paris(), wanted).await.refused();
        assert!(client.contains(words), "{client}");
    }
    let manager = demo.program(Program::LicenseManager, "lm.example.com", "lm-1", 1);
    let (server, _) = meet_programs(&one, &manager, paris(), paris()).await.refused();
    assert!(server.contains("license-manager/lm.example.com/lm-1"), "{server}");
}

#[tokio::test]
async fn expired_certificates_are_refused_on_both_sides() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let old = demo
        .node(PARIS, "node-2", 2)
        .with_lifetime(Duration::ZERO)
        .expect("over at once");

    let (server, client) = meet_programs(&old, &one, paris(), paris()).await.refused();
    assert!(
        client.contains("expired") && client.contains("clocks"),
        "{client}"
    );
    assert!(server.contains("expired"), "{server}");

    let (server, client) = meet_programs(&one, &old, paris(), paris()).await.refused();
    assert!(server.contains("expired"), "{server}");
    assert!(client.contains("refused our certificate as expired"), "{client}");
}

#[tokio::test]
async fn certificates_for_browsers_are_not_for_programs() {
    let demo = enterprise();
    let (one, two) = (demo.node(PARIS, "node-1", 1), demo.node(PARIS, "node-2", 2));
    let web = one.web(&[PARIS.parse().expect("good")]).expect("certificate");
    let (_, client) = meet(web.server_config(), two.client_config(paris()))
        .await
        .refused();
    assert!(client.contains("not for a program"), "{client}");
}

#[tokio::test]
async fn removed_members_and_single_certificates_are_refused_from_then_on() {
    let demo = enterprise();
    let (one, two) = (demo.node(PARIS, "node-1", 1), demo.node(PARIS, "node-2", 2));
    let (accepts, connects) = (one.server_config(vec![paris()]), two.client_config(paris()));
    let met = meet(accepts.clone(), connects.clone()).await;
    let seen = met.seen_by_server().expect("certificate");

    let mut changed = one.revocations().subscribe();
    let mut list = RevocationList::empty(one.ca().scope().clone());
    list.version = 1;
    list.members.insert((Program::Node, NodeId(2)));
    let signed = one.sign_revocations(&list).expect("signed");
    assert!(one.accept_revocations(&signed).expect("taken"));
    assert!(
        changed.has_changed().expect("subscribed"),
        "open connections are to be looked at again"
    );
    changed.mark_unchanged();
    assert!(one.revocations().is_revoked(&seen));

    // The same configurations as before: no resumed session slips through.
    let (server, client) = meet(accepts.clone(), connects.clone()).await.refused();
    assert!(server.contains("revoked"), "{server}");
    assert!(client.contains("it was revoked"), "{client}");
    // A new certificate does not help a removed member, and whoever got its name later is not meant.
    assert!(
        two.renew_if_due(SystemTime::now() + Duration::from_secs(6 * 24 * 3600))
            .expect("renewed")
    );
    meet(accepts.clone(), connects).await.refused();
    let successor = demo.node(PARIS, "node-2", 3);
    let met = meet(accepts.clone(), successor.client_config(paris())).await;
    let seen = met.seen_by_server().expect("certificate");

    list.version = 2;
    list.serials.insert(seen.serial);
    let signed = one.sign_revocations(&list).expect("signed");
    assert!(one.accept_revocations(&signed).expect("taken"));
    assert!(
        !one.accept_revocations(&signed).expect("the same again"),
        "known already"
    );
    assert!(changed.has_changed().expect("subscribed"));
    let (server, _) = meet(accepts, successor.client_config(paris())).await.refused();
    assert!(server.contains("revoked"), "{server}");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_restart_and_open_connections_go_on() {
    let demo = enterprise();
    let (one, two) = (demo.node(PARIS, "node-1", 1), demo.node(PARIS, "node-2", 2));
    let (accepts, connects) = (one.server_config(vec![paris()]), two.client_config(paris()));
    let open = meet(accepts.clone(), connects.clone()).await;
    let before = open.seen_by_client().expect("certificate");

    let day = Duration::from_secs(24 * 3600);
    assert!(!one.renew_if_due(SystemTime::now() + 4 * day).expect("not due"));
    assert!(
        one.renew_if_due(SystemTime::now() + 5 * day).expect("due"),
        "two thirds of seven days are over"
    );
    // Made five days ahead, so it is not valid yet by the real clock; set back, it is due again.
    assert!(one.renew_if_due(SystemTime::now()).expect("due"));

    let after = meet(accepts, connects)
        .await
        .seen_by_client()
        .expect("certificate");
    assert_eq!(after.name, before.name);
    assert_ne!(after.serial, before.serial);
    let (mut server, mut client) = (open.server.expect("open"), open.client.expect("open"));
    client.write_u8(7).await.expect("open");
    client.flush().await.expect("open");
    assert_eq!(server.read_u8().await.expect("open"), 7);
}

#[tokio::test]
async fn certificates_renew_by_themselves() {
    let demo = enterprise();
    let one = demo
        .node(PARIS, "node-1", 1)
        .with_lifetime(Duration::from_millis(300))
        .expect("made");
    let first = one.certificate().expect("shown");
    let changed = async {
        loop {
            if one.certificate().expect("shown") != first {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = one.keep_fresh(None) => unreachable!("it runs for ever"),
        changed = tokio::time::timeout(Duration::from_secs(10), changed) => changed.expect("renewed"),
    }
}

fn client_that_trusts_anyone(
    shows: &plenary_identity::Identity,
) -> std::sync::Arc<tokio_rustls::rustls::ClientConfig> {
    let mut config = (*shows.client_config(paris())).clone();
    config
        .dangerous()
        .set_certificate_verifier(std::sync::Arc::new(anyone::Anyone));
    std::sync::Arc::new(config)
}

mod anyone {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

    #[derive(Debug)]
    pub(super) struct Anyone;

    impl ServerCertVerifier for Anyone {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            Ok(ServerCertVerified::assertion())
        }
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            vec![rustls::SignatureScheme::ECDSA_NISTP256_SHA256]
        }
    }
}
