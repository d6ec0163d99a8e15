//! Servers that look for each other by a real DNS server (`knot` of Debian).

mod support;

use plenary_access::{FederationMode, FederationPolicy};
use plenary_contracts::federation::v1::{
    AttendRequest, Begin, GreetRequest, attend_request::What, federation_client::FederationClient,
};
use plenary_federation::Step;
use plenary_federation_io::{Attending, Dns, Names, SAID, TOLD, Told, Tried, Visit};
use plenary_identity::Authorities;
use plenary_model::ServerName;
use plenary_testkit::Zones;
use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};
use support::{Partner, blacklist, whitelist};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
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
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, whitelist(&["*.example.net"]));
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(tried.trial.is_good(), "{tried:?}");
    assert_eq!(tried.trial.steps().len(), 6);
    assert_eq!(tried.address, Some(oslo.address));
    let certificate = tried.certificate.expect("shown");
    assert_eq!(certificate.names, [OSLO]);
    assert_eq!(certificate.fingerprint.as_str().len(), 64);
}

#[tokio::test]
async fn where_the_first_target_is_dead_the_next_one_answers() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dead = support::closed_port();
    let records = format!(
        "_plenary._tcp.oslo SRV 10 0 {dead} node-1.oslo\n_plenary._tcp.oslo SRV 20 0 {} node-2.oslo\nnode-1.oslo A 127.0.0.1\nnode-2.oslo A 127.0.0.1\n",
        oslo.address.port()
    );
    let dns = Zones::serve(&[("example.net", records)])
        .await
        .expect("it answers");
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
async fn where_many_addresses_are_silent_all_who_wait_are_told_within_seconds() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    // They take connections, as a machine whose program hangs, and say nothing.
    let mut silent = Vec::new();
    let mut records = String::new();
    for number in 0..16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        records += &format!(
            "_plenary._tcp.oslo SRV {number} 0 {port} node-{number}.oslo\nnode-{number}.oslo A 127.0.0.1\n"
        );
        silent.push(listener);
    }
    let dns = Zones::serve(&[("example.net", records)])
        .await
        .expect("it answers");
    paris.trusts(&oslo, blacklist(&[]));
    let (reach, server) = (paris.reach(&dns), OSLO.parse::<ServerName>().expect("a name"));
    let since = Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (reach, server) = (reach.clone(), server.clone());
        asking.spawn(async move { reach.attend(&server, &somebody("demo1", "{}")).await });
    }
    for told in asking.join_all().await {
        let why = told.expect_err("nobody answers");
        assert!(why.may_change, "{why:?}");
        assert!(
            why.detail.contains("TLS was not answered") && !why.words.contains("127.0.0.1"),
            "people are told of no addresses: {why:?}"
        );
    }
    let took = since.elapsed();
    assert!(took < Duration::from_secs(9), "told after {took:?}");
    assert_eq!(paris.ledger().figures().failed, 1, "it was tried once for all");
    drop(silent);
}

#[tokio::test]
async fn srv_records_give_no_trust() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    // Whoever may write the zone of bergen leads us to oslo.
    let records = format!(
        "_plenary._tcp.bergen SRV 0 0 {} oslo\noslo A 127.0.0.1\n",
        oslo.address.port()
    );
    let dns = Zones::serve(&[("example.net", records)])
        .await
        .expect("it answers");
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
async fn dns_does_not_lead_to_this_machine_unless_partners_are_there() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let metadata = "_plenary._tcp.bergen SRV 0 0 80 cloud\ncloud A 169.254.169.254\n";
    let records = oslo.records() + metadata;
    let dns = Zones::serve(&[("example.net", records)])
        .await
        .expect("it answers");
    paris.trusts(&oslo, blacklist(&[]));
    let outward = Dns {
        servers: vec![dns.address],
        ..Dns::default()
    };
    for (server, address) in [(OSLO, "127.0.0.1"), ("bergen.example.net", "169.254.169.254")] {
        let tried = paris.reach_by(&outward).try_out(&name(server)).await;
        let (step, is_good, detail) = last(&tried);
        assert_eq!((step, is_good), (Step::Address, false));
        assert!(detail.contains(address), "{detail}");
    }
}

#[tokio::test]
async fn where_a_server_has_moved_to_is_known_when_the_old_answer_has_run_out() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let there = oslo.records();
    // The names are short-lived, the address is not: it is not asked for again.
    let elsewhere = "_plenary._tcp.oslo 1 SRV 0 0 1 node-1.oslo\nnode-1.oslo A 127.0.0.1\n";
    let mut dns = Zones::serve(&[("example.net", elsewhere.into())])
        .await
        .expect("it answers");
    let reach = paris.reach(&dns);
    let tried = reach.try_out(&name(OSLO)).await;
    assert_eq!(
        (last(&tried).0, last(&tried).1),
        (Step::Connection, false),
        "{tried:?}"
    );
    dns.change("example.net", &there).expect("served");
    let found = async {
        while !reach.try_out(&name(OSLO)).await.trial.is_good() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), found).await.expect("in time");
}

#[tokio::test]
async fn an_authority_that_nobody_trusts_is_named() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
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
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
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
    let dns = Zones::serve(&[("example.net", records)])
        .await
        .expect("it answers");
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
async fn where_answers_must_be_signed_others_do_not_count() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let unsigned = oslo.records().replace("oslo", "bergen");
    let zones = [
        ("example.net", oslo.records()),
        ("example.org", unsigned),
        ("example.com", paris.records()),
    ];
    let signed = Zones::serve_signed(Ipv4Addr::LOCALHOST, &zones, &["example.net", "example.com"]);
    let dns = signed.await.expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let key = dns.key("example.net").await.expect("it is signed");
    let mut names = Dns {
        servers: vec![dns.address],
        here: true,
        dnssec: true,
        keys: Some(key),
        ..Dns::default()
    };
    let tried = paris.reach_by(&names).try_out(&name(OSLO)).await;
    assert!(tried.trial.is_good(), "{tried:?}");
    let tried = paris.reach_by(&names).try_out(&name("bergen.example.org")).await;
    let (step, is_good, detail) = last(&tried);
    assert_eq!((step, is_good), (Step::Srv, false), "{tried:?}");
    assert!(detail.contains("DNSSEC"), "{detail}");
    // Another key than it is signed with, and no key of one's own at all.
    let other = dns.key("example.com").await.expect("it is signed");
    let forged = other.replace("example.com", "example.net");
    for keys in [Some(forged), None] {
        names.keys = keys;
        let tried = paris.reach_by(&names).try_out(&name(OSLO)).await;
        assert_eq!((last(&tried).0, last(&tried).1), (Step::Srv, false), "{tried:?}");
    }
    names.keys = Some("example.net. IN A 127.0.0.1".into());
    let nobody = Authorities::new([]);
    let refused = Names::new(&names, &nobody).expect_err("it is no key").to_string();
    assert!(refused.contains("DNSKEY"), "{refused}");
}

#[tokio::test]
async fn a_dns_server_is_asked_by_tls_and_must_have_its_name() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    // The machine of paris trusts the authority of oslo, and that one has certified the DNS server, too.
    paris.trusts(&oslo, blacklist(&[]));
    let address = oslo.wrap(dns.address).await;
    let asked = |tls_name: &str| {
        paris.reach_by(&Dns {
            servers: vec![address],
            here: true,
            tls_name: Some(tls_name.into()),
            ..Dns::default()
        })
    };
    let tried = asked(OSLO).try_out(&name(OSLO)).await;
    assert!(tried.trial.is_good(), "{tried:?}");
    let tried = asked("dns.example.net").try_out(&name(OSLO)).await;
    assert_eq!((last(&tried).0, last(&tried).1), (Step::Srv, false), "{tried:?}");
}

fn name(text: &str) -> ServerName {
    text.parse().expect("a name")
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
        capabilities: ["what", "ring", "attend"]
            .repeat(20)
            .iter()
            .map(ToString::to_string)
            .collect(),
        pages: Vec::new(),
    };
    let welcome = client.greet(words(PARIS, OSLO)).await.expect("welcome");
    assert_eq!(welcome.into_inner().capabilities, ["attend", "ring"]);
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

fn somebody(user: &str, join: &str) -> Attending {
    Attending {
        user: user.parse().expect("a name"),
        name: "Demo Two".into(),
        shares: true,
        join: join.into(),
    }
}

async fn hear(visit: &mut Visit) -> String {
    let told = timeout(Duration::from_secs(20), visit.hear.recv()).await;
    match told.expect("it is told in time").expect("it goes on") {
        Told::Said(bytes) => String::from_utf8(bytes).expect("text"),
        Told::Permit(permit) => panic!("{permit:?}"),
    }
}

#[tokio::test]
async fn somebody_attends_under_the_name_of_their_own_server() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.com", paris.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, whitelist(&["*.example.net"]));
    let (reach, server) = (oslo.reach(&dns), PARIS.parse().expect("a name"));
    let mut visit = reach
        .attend(&server, &somebody("demo2", "{}"))
        .await
        .expect("it begins");
    assert_eq!(hear(&mut visit).await, "demo2@oslo.example.net as Demo Two, true");
    visit.say.send(b"hello".to_vec()).await.expect("it goes on");
    assert_eq!(hear(&mut visit).await, "hello");
    // A second one goes over the connection that is there.
    let mut other = reach
        .attend(&server, &somebody("demo3", "{}"))
        .await
        .expect("it begins");
    assert!(hear(&mut other).await.starts_with("demo3@oslo.example.net"));
    let nobody = reach
        .attend(&server, &somebody("nobody", "{}"))
        .await
        .expect_err("it is refused");
    assert!(
        nobody.may_change && nobody.words.contains("there is no leader"),
        "{nobody:?}"
    );
}

#[tokio::test]
async fn what_a_broken_link_took_along_comes_again_by_the_same_key() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.com", paris.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let (reach, server) = (oslo.reach(&dns), PARIS.parse().expect("a name"));
    let line = r#"{"type":"say","body":{"text":"Hello","key":"k-1"}}"#;
    let mut visit = reach
        .attend(&server, &somebody("demo2", "{}"))
        .await
        .expect("it begins");
    hear(&mut visit).await;
    visit.say.send(line.into()).await.expect("it goes on");
    // Cut before anything is heard of it; nobody here knows whether it came across.
    paris.trusts(&oslo, blacklist(&["*.example.net"]));
    while timeout(Duration::from_secs(20), visit.hear.recv())
        .await
        .expect("in time")
        .is_some()
    {}
    paris.trusts(&oslo, blacklist(&[]));
    let mut again = reach
        .attend(&server, &somebody("demo2", "{}"))
        .await
        .expect("it begins anew");
    hear(&mut again).await;
    again.say.send(line.into()).await.expect("it goes on");
    assert_eq!(hear(&mut again).await, line, "as it was said");
    let heard = paris.said();
    let times = heard
        .iter()
        .filter(|one| one.as_slice() == line.as_bytes())
        .count();
    assert!((1..=2).contains(&times) && times == heard.len(), "{heard:?}");
}

#[tokio::test]
async fn a_crowd_that_comes_at_once_is_no_flood() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.com", paris.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    // As many as three nodes of oslo take along when all of them come by one node of paris.
    let server = PARIS.parse().expect("a name");
    let mut coming = tokio::task::JoinSet::new();
    for node in [oslo.reach(&dns), oslo.reach(&dns), oslo.reach(&dns)] {
        for number in 0..300 {
            let (reach, server) = (node.clone(), ServerName::clone(&server));
            coming.spawn(async move {
                let who = somebody(&format!("person-{number}"), "{}");
                reach.attend(&server, &who).await
            });
        }
    }
    let came: Vec<_> = coming.join_all().await;
    let refused: Vec<_> = came.iter().filter_map(|came| came.as_ref().err()).collect();
    assert!(refused.is_empty(), "{} refused, {:?}", refused.len(), refused[0]);
}

#[tokio::test]
async fn who_is_met_no_more_has_to_leave_at_once() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.com", paris.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let (reach, server) = (oslo.reach(&dns), PARIS.parse().expect("a name"));
    let mut visit = reach
        .attend(&server, &somebody("demo2", "{}"))
        .await
        .expect("it begins");
    hear(&mut visit).await;
    paris.trusts(&oslo, blacklist(&["*.example.net"]));
    let end = timeout(Duration::from_secs(20), visit.hear.recv()).await;
    assert_eq!(end.expect("in time"), None);
    let again = reach
        .attend(&server, &somebody("demo2", "{}"))
        .await
        .expect_err("not any more");
    // Neither over the connection that is there, nor over a new one.
    let anew = oslo.reach(&dns).attend(&server, &somebody("demo2", "{}")).await;
    for why in [again, anew.expect_err("not any more")] {
        assert!(
            !why.may_change && why.words.contains("does not meet with oslo.example.net"),
            "{why:?}"
        );
        assert_eq!(why.code.as_deref(), Some("not-allowed"));
    }
}

#[tokio::test]
async fn a_server_speaks_for_its_own_people_only() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let mut client = FederationClient::new(oslo.channel_to(&paris).await);
    let begin = |server: &str, user: &str| AttendRequest {
        what: Some(What::Begin(Begin {
            server: server.into(),
            wanted: PARIS.into(),
            user: user.into(),
            name: "Demo".into(),
            rights: Vec::new(),
            join: b"{}".to_vec(),
        })),
    };
    let said = AttendRequest {
        what: Some(What::Said(b"{}".to_vec())),
    };
    for (first, code) in [
        (begin("bergen.example.net", "demo2"), Code::Unauthenticated),
        (begin(PARIS, "demo1"), Code::Unauthenticated),
        (begin(OSLO, "demo1@paris.example.com"), Code::InvalidArgument),
        (begin(OSLO, ""), Code::InvalidArgument),
        (said, Code::InvalidArgument),
        (AttendRequest { what: None }, Code::InvalidArgument),
    ] {
        let refused = client
            .attend(tokio_stream::once(first))
            .await
            .expect_err("refused");
        assert_eq!(refused.code(), code, "{refused:?}");
    }
    let good = client.attend(tokio_stream::once(begin(OSLO, "demo2"))).await;
    assert!(good.is_ok(), "{good:?}");
}

#[tokio::test]
async fn who_does_not_take_what_their_people_are_told_is_cut_off_and_told_why() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let channel = oslo.channel_to(&paris).await;
    let mut client = FederationClient::new(channel).max_decoding_message_size(TOLD);
    let (say, said) = mpsc::channel(8);
    let begin = AttendRequest {
        what: Some(What::Begin(Begin {
            server: OSLO.into(),
            wanted: PARIS.into(),
            user: "demo2".into(),
            name: "Demo".into(),
            rights: Vec::new(),
            join: b"{}".to_vec(),
        })),
    };
    say.send(begin).await.expect("it is taken");
    let answers = client.attend(ReceiverStream::new(said)).await;
    let mut answers = answers.expect("it begins").into_inner();
    // They hear all that they say, and take nothing of it.
    let talking = tokio::spawn(async move {
        let words = AttendRequest {
            what: Some(What::Said(vec![b'x'; SAID])),
        };
        while say.send(words.clone()).await.is_ok() {}
    });
    let since = Instant::now();
    while paris.hosted() > 0 {
        assert!(since.elapsed() < Duration::from_secs(40), "they are not cut off");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    talking.abort();
    let end = loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("they are not told why"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::ResourceExhausted);
    let code = end.metadata().get("plenary-code").expect("a code");
    assert_eq!(code, "too-slow");
    assert_eq!(paris.refusals("too-slow"), 1);
}
