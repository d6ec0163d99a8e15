//! What somebody who trusts only the enterprise's root sees: HTTPS as browsers check it.

use crate::common::{enterprise, meet_as};
use plenary_identity::{Identity, WebName, WebTls};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

fn names(texts: &[&str]) -> Vec<WebName> {
    texts.iter().map(|text| text.parse().expect("good")).collect()
}

fn browser(trusts: &Identity) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusts.root_der().clone()).expect("root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("both");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session would show the certificate of the first one.
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

async fn shown(web: &WebTls, browser: &Arc<ClientConfig>, name: &str) -> Result<Vec<u8>, String> {
    let met = meet_as(web.server_config(), browser.clone(), name).await;
    let stream = met.client?;
    Ok(stream.get_ref().1.peer_certificates().expect("certificate")[0].to_vec())
}

#[tokio::test]
async fn all_names_and_private_addresses_of_a_server_are_trusted() {
    let demo = enterprise();
    let one = demo.node("paris.example.com", "node-1", 1);
    let all = [
        "paris.example.com",
        "node-1.paris.example.com",
        "localhost",
        "office.local",
        "127.0.0.1",
        "192.168.7.9",
        "::1",
    ];
    let web = one.web(&names(&all)).expect("certificate");
    assert!(web.left_out().is_empty(), "{:?}", web.left_out());
    let browser = browser(&one);
    for name in all {
        shown(&web, &browser, name)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let error = shown(&web, &browser, "oslo.example.com")
        .await
        .expect_err("not in the certificate");
    assert!(error.contains("oslo.example.com"), "{error}");
}

#[tokio::test]
async fn the_rest_of_the_internet_is_left_out_and_said() {
    let demo = enterprise();
    let one = demo.node("paris.example.com", "node-1", 1);
    let web = one
        .web(&names(&[
            "paris.example.com",
            "example.com",
            "bank.example",
            "8.8.8.8",
        ]))
        .expect("certificate");
    assert_eq!(web.left_out(), names(&["example.com", "bank.example", "8.8.8.8"]));
    shown(&web, &browser(&one), "paris.example.com")
        .await
        .expect("trusted");
}

#[tokio::test]
async fn further_domains_can_be_given_when_the_server_is_made() {
    let demo = enterprise();
    let paris = "paris.example.com".parse().expect("good");
    let ca = demo
        .root
        .certify(plenary_identity::Program::Node, &paris, &["corp.example".into()])
        .expect("issuers");
    let folder = demo.folder.path().join("node");
    let (name, number) = (crate::common::node_name("node-1"), plenary_model::NodeId(1));
    let one = Identity::create(&folder, crate::common::machine(&folder), ca, name, number).expect("made");
    let web = one.web(&names(&["host.corp.example"])).expect("certificate");
    assert!(web.left_out().is_empty());
    shown(&web, &browser(&one), "host.corp.example")
        .await
        .expect("trusted");
}

#[tokio::test]
async fn programs_certificates_are_of_no_use_towards_browsers() {
    let demo = enterprise();
    let one = demo.node("paris.example.com", "node-1", 1);
    let met = meet_as(one.server_config(vec![]), browser(&one), "paris.example.com").await;
    let error = met.client.map(drop).expect_err("refused");
    assert!(error.contains("not valid for"), "{error}");
}

#[tokio::test]
async fn names_and_certificates_change_without_a_restart() {
    let demo = enterprise();
    let one = demo.node("paris.example.com", "node-1", 1);
    let web = one.web(&names(&["paris.example.com"])).expect("certificate");
    let browser = browser(&one);
    let first = shown(&web, &browser, "paris.example.com").await.expect("trusted");
    assert_eq!(
        shown(&web, &browser, "paris.example.com").await.expect("trusted"),
        first
    );
    assert!(shown(&web, &browser, "n2.paris.example.com").await.is_err());

    web.set_names(&names(&["paris.example.com", "n2.paris.example.com"]))
        .expect("changed");
    let second = shown(&web, &browser, "n2.paris.example.com")
        .await
        .expect("trusted");
    assert_ne!(first, second);

    let day = Duration::from_secs(24 * 3600);
    assert!(!web.renew_if_due(SystemTime::now() + 19 * day).expect("not due"));
    assert!(web.renew_if_due(SystemTime::now() + 21 * day).expect("due"));
}

#[tokio::test]
async fn certificates_in_files_are_read_again_when_they_change() {
    let demo = enterprise();
    let one = demo.node("paris.example.com", "node-1", 1);
    let (chain, key) = (
        demo.folder.path().join("chain.pem"),
        demo.folder.path().join("key.pem"),
    );
    let issuer_key = rcgen::KeyPair::generate().expect("key");
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("params");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, issuer_key).expect("issuer");
    let write = || {
        let leaf_key = rcgen::KeyPair::generate().expect("key");
        let params = rcgen::CertificateParams::new(vec!["meet.example".to_owned()]).expect("params");
        let leaf = params.signed_by(&leaf_key, &issuer).expect("leaf");
        std::fs::write(&chain, leaf.pem() + &issuer.pem()).expect("written");
        std::fs::write(&key, leaf_key.serialize_pem()).expect("written");
    };
    write();
    let web = WebTls::from_files(&chain, &key).expect("read");
    let mut config = (*browser(&one)).clone();
    let mut roots = RootCertStore::empty();
    roots.add(issuer.der().clone()).expect("root");
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
    );
    config
        .dangerous()
        .set_certificate_verifier(verifier.build().expect("verifier"));
    let browser = Arc::new(config);
    let first = shown(&web, &browser, "meet.example").await.expect("trusted");
    assert!(!web.renew_if_due(SystemTime::now()).expect("same"));
    write();
    assert!(web.renew_if_due(SystemTime::now()).expect("changed"));
    assert_ne!(
        shown(&web, &browser, "meet.example").await.expect("trusted"),
        first
    );

    // A chain whose key has not arrived yet: the old one is shown on.
    let old_key = std::fs::read(&key).expect("read");
    write();
    std::fs::write(&key, old_key).expect("written");
    assert!(web.renew_if_due(SystemTime::now()).is_err());
    shown(&web, &browser, "meet.example")
        .await
        .expect("still trusted");
}
