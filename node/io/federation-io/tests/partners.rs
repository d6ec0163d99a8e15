//! Servers that look for each other by a real DNS server (`knot` of Debian).

mod support;

use plenary_access::{FederationMode, FederationPolicy};
use plenary_contracts::federation::v1::{GreetRequest, federation_client::FederationClient};
use plenary_federation::Step;
use plenary_federation_io::Tried;
use support::{Partner, Zones, blacklist, whitelist};
use tonic::Code;

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.net";

/// The last step, whether it went well, and what was said.
fn last(tried: &Tried) -> (Step, bool, &str) {
    let last = tried.trial.steps().last().expect("something was tried");
    (last.step, last.is_good, &last.detail)
}

#[tokio::test]
async fn a_partner_is_found_by_srv_and_both_prove_who_they_are() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())]).await;
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, whitelist(&["*.example.net"]));
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(tried.trial.is_good(), "{tried:?}");
    assert_eq!(tried.trial.steps().len(), 6);
    assert_eq!(tried.address, Some(oslo.address));
    let certificate = tried.certificate.expect("shown");
    assert_eq!(certificate.names, [OSLO]);
    assert_eq!(certificate.fingerprint.len(), 64);
}

#[tokio::test]
async fn where_the_first_target_is_dead_the_next_one_answers() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dead = support::closed_port();
    let records = format!(
        "_plenary._tcp.oslo SRV 10 0 {dead} node-1.oslo\n_plenary._tcp.oslo SRV 20 0 {} node-2.oslo\nnode-1.oslo A 127.0.0.1\nnode-2.oslo A 127.0.0.1\n",
        oslo.address.port()
    );
    let dns = Zones::serve(&[("example.net", records)]).await;
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(tried.trial.is_good(), "{tried:?}");
    let connection = &tried.trial.steps()[3];
    assert_eq!(connection.step, Step::Connection);
    assert!(
        connection.detail.contains(&format!("127.0.0.1:{dead}:")),
        "{connection:?}"
    );
}

#[tokio::test]
async fn srv_records_give_no_trust() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    // Whoever may write the zone of bergen leads us to oslo.
    let records = format!(
        "_plenary._tcp.bergen SRV 0 0 {} oslo\noslo A 127.0.0.1\n",
        oslo.address.port()
    );
    let dns = Zones::serve(&[("example.net", records)]).await;
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let tried = paris.try_out(&dns, "bergen.example.net").await;
    let (step, is_good, detail) = last(&tried);
    assert_eq!((step, is_good), (Step::Certificate, false));
    assert!(
        detail.contains("is for oslo.example.net, not for bergen.example.net"),
        "{detail}"
    );
    assert_eq!(tried.certificate.expect("shown all the same").names, [OSLO]);
}

#[tokio::test]
async fn an_authority_that_nobody_trusts_is_named() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())]).await;
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&paris, blacklist(&[]));
    let tried = paris.try_out(&dns, OSLO).await;
    let (step, is_good, detail) = last(&tried);
    assert_eq!((step, is_good), (Step::Certificate, false));
    assert!(detail.contains("does not trust"), "{detail}");
}

#[tokio::test]
async fn each_sides_lists_count_and_each_is_told_what_concerns_it() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())]).await;
    oslo.trusts(&paris, blacklist(&["*.example.com"]));
    for (policy, step, words) in [
        (
            FederationPolicy::default(),
            Step::Policy,
            "federation is off on this server",
        ),
        (
            whitelist(&["oslo.example.org"]),
            Step::Policy,
            "not on the whitelist",
        ),
        (
            blacklist(&["o*.example.net"]),
            Step::Policy,
            "on the blacklist of this server",
        ),
        (
            blacklist(&[]),
            Step::Answer,
            "oslo.example.net does not meet with paris.example.com",
        ),
    ] {
        paris.trusts(&oslo, policy);
        let tried = paris.try_out(&dns, OSLO).await;
        let (failed, is_good, detail) = last(&tried);
        assert_eq!((failed, is_good), (step, false), "{tried:?}");
        assert!(detail.contains(words), "{detail}");
    }
    oslo.trusts(
        &paris,
        FederationPolicy {
            mode: FederationMode::Off,
            ..blacklist(&[])
        },
    );
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(
        last(&tried).2.contains("does not meet with other servers"),
        "{tried:?}"
    );
}

#[tokio::test]
async fn what_dns_says_is_told() {
    let paris = Partner::start(PARIS).await;
    paris.trusts(&paris, blacklist(&[]));
    let records = "_plenary._tcp.closed SRV 0 0 0 .\n_plenary._tcp.nowhere SRV 0 0 4307 gone\n".to_owned();
    let dns = Zones::serve(&[("example.net", records)]).await;
    for (server, step, words) in [
        ("closed.example.net", Step::Srv, "not to be met"),
        (
            "nowhere.example.net",
            Step::Address,
            "gone.example.net has no address",
        ),
        (
            "nobody.example.net",
            Step::Address,
            "nobody.example.net has no address",
        ),
        ("paris.example.com", Step::Policy, "is this server itself"),
        // Not a zone of this DNS server, which refuses to answer.
        ("oslo.example.org", Step::Srv, "DNS did not answer"),
    ] {
        let tried = paris.try_out(&dns, server).await;
        let (failed, is_good, detail) = last(&tried);
        assert_eq!((failed, is_good), (step, false), "{server}: {tried:?}");
        assert!(detail.contains(words), "{server}: {detail}");
    }
}

#[tokio::test]
async fn who_claims_to_be_somebody_else_is_not_believed_and_floods_end() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let words = |server: &str, wanted: &str| GreetRequest {
        server: server.into(),
        wanted: wanted.into(),
        protocols: vec![1],
        capabilities: vec!["what".into(); 100],
    };
    let code = |status: &tonic::Status| {
        status
            .metadata()
            .get("plenary-code")
            .map(|code| code.to_str().expect("text").to_owned())
    };
    for (server, wanted, grpc, expected) in [
        ("lyon.example.com", OSLO, Code::Unauthenticated, "not-believed"),
        (OSLO, OSLO, Code::Unauthenticated, "not-believed"),
        (PARIS, "bergen.example.net", Code::PermissionDenied, "not-me"),
        ("not a name", OSLO, Code::InvalidArgument, "bad-request"),
    ] {
        let status = client.greet(words(server, wanted)).await.expect_err("refused");
        assert_eq!(
            (status.code(), code(&status).as_deref()),
            (grpc, Some(expected)),
            "{status}"
        );
    }
    let answer = client
        .greet(words(PARIS, OSLO))
        .await
        .expect("paris is paris")
        .into_inner();
    assert_eq!((answer.server.as_str(), answer.protocol), (OSLO, 1));
    let mut refused = 0;
    for _ in 0..40 {
        if let Err(status) = client.greet(words(PARIS, OSLO)).await {
            assert_eq!(code(&status).as_deref(), Some("too-fast"), "{status}");
            refused += 1;
        }
    }
    assert!(refused > 10, "{refused}");
}
