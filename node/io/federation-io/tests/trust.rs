//! What is pinned for a partner, how partners are noted, and those that misbehave; over real sockets.

mod support;

use plenary_contracts::federation::v1::{GreetRequest, federation_client::FederationClient};
use plenary_federation::{Concern, PartnerState, Seen, Step, concerns};
use plenary_federation_io::{Attending, Limits, Tried, Visit};
use plenary_identity::Pin;
use plenary_model::{ServerName, Timestamp};
use plenary_testkit::Zones;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{Partner, blacklist, whitelist};
use tonic::transport::Channel;

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.net";
const LONG: Duration = Duration::from_secs(20);

fn name(text: &str) -> ServerName {
    text.parse().expect("a name")
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp(since.as_millis() as u64)
}

fn last(tried: &Tried) -> (Step, bool, &str) {
    let last = tried.trial.steps().last().expect("something was tried");
    (last.step, last.is_good, &last.detail)
}

fn words(server: &str, wanted: &str) -> GreetRequest {
    GreetRequest {
        server: server.into(),
        wanted: wanted.into(),
        protocols: vec![1],
        capabilities: Vec::new(),
        pages: Vec::new(),
    }
}

fn code(status: &tonic::Status) -> &str {
    let code = status.metadata().get("plenary-code");
    code.map_or("", |code| code.to_str().expect("text"))
}

/// Two servers that trust each other's authorities for everybody, and the way to oslo.
async fn both(limits: Limits) -> (Partner, Partner, Zones) {
    let oslo = Partner::start_with(OSLO, limits).await;
    let paris = Partner::start(PARIS).await;
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    (oslo, paris, dns)
}

/// How `node` notes `server`.
fn noted(node: &Partner, server: &str) -> Seen {
    node.ledger().of(&name(server)).expect("it is noted")
}

fn state(seen: &Seen) -> PartnerState {
    PartnerState::of(Ok(()), Some(seen), now())
}

#[tokio::test]
async fn of_a_partner_with_a_pinned_authority_that_one_alone_counts_in_both_directions() {
    let (oslo, paris, dns) = both(Limits::default()).await;
    paris.pins(OSLO, oslo.root());
    oslo.pins(PARIS, paris.root());
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(tried.trial.is_good(), "{tried:?}");

    // Another authority is pinned than the one that paris trusts for everybody.
    paris.pins(OSLO, paris.root());
    let tried = paris.try_out(&dns, OSLO).await;
    let (step, is_good, detail) = last(&tried);
    assert_eq!((step, is_good, tried.is_change), (Step::Certificate, false, true));
    assert!(detail.contains("pinned for this partner"), "{detail}");
    paris.pins(OSLO, Pin::None);

    oslo.pins(PARIS, oslo.root());
    let tried = paris.try_out(&dns, OSLO).await;
    let (step, is_good, detail) = last(&tried);
    assert_eq!((step, is_good, tried.is_change), (Step::Answer, false, false));
    assert!(detail.contains("not by the authority that is pinned"), "{detail}");
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_told_with_both_and_can_be_confirmed() {
    let (_oslo, paris, dns) = both(Limits::default()).await;
    let tried = paris.try_out(&dns, OSLO).await;
    let right = tried.certificate.expect("shown").fingerprint;
    let old = "ab".repeat(32).parse().expect("a fingerprint");
    paris.pins(OSLO, Pin::Certificate(old));
    let tried = paris.try_out(&dns, OSLO).await;
    let (step, is_good, detail) = last(&tried);
    assert_eq!((step, is_good, tried.is_change), (Step::Certificate, false, true));
    assert!(
        detail.contains(&"ab".repeat(32)) && detail.contains(right.as_str()),
        "{detail}"
    );
    let seen = noted(&paris, OSLO);
    assert_eq!(state(&seen), PartnerState::CertificateChanged);
    assert_eq!(concerns(&seen, now()), [Concern::CertificateChanged]);
    let shown = seen.changed.expect("noted").fingerprint;
    assert_eq!(shown, right, "what an administrator confirms");

    paris.pins(OSLO, Pin::Certificate(shown));
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(tried.trial.is_good(), "{tried:?}");
    assert_eq!(state(&noted(&paris, OSLO)), PartnerState::Well);
}

#[tokio::test]
async fn somebody_else_where_dns_leads_to_first_does_not_hide_that_a_certificate_changed() {
    let (oslo, paris, _) = both(Limits::default()).await;
    let lyon = Partner::start("lyon.example.com").await;
    lyon.trusts(&paris, blacklist(&[]));
    let record = |priority: u16, who: &Partner| {
        let port = who.address.port();
        format!("_plenary._tcp.oslo SRV {priority} 0 {port} node.oslo\n")
    };
    let records = record(10, &lyon) + &record(20, &oslo) + "node.oslo A 127.0.0.1\n";
    let dns = Zones::serve(&[("example.net", records)])
        .await
        .expect("it answers");
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(tried.trial.is_good(), "{tried:?}");
    let right = tried.certificate.expect("shown").fingerprint;
    let old = "ab".repeat(32).parse().expect("a fingerprint");
    paris.pins(OSLO, Pin::Certificate(old));
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(tried.is_change, "{tried:?}");
    let changed = noted(&paris, OSLO).changed.expect("noted");
    assert_eq!(changed.fingerprint, right, "what an administrator confirms");
}

#[tokio::test]
async fn who_comes_with_another_certificate_is_refused_and_noted_apart() {
    let (oslo, paris, _dns) = both(Limits::default()).await;
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    client.greet(words(PARIS, OSLO)).await.expect("believed");
    let seen = noted(&oslo, PARIS);
    assert_eq!(state(&seen), PartnerState::Well);
    // On the same connection: what is pinned counts from now on.
    oslo.pins(
        PARIS,
        Pin::Certificate("cd".repeat(32).parse().expect("a fingerprint")),
    );
    let status = client.greet(words(PARIS, OSLO)).await.expect_err("changed");
    assert_eq!(code(&status), "certificate-changed", "{status}");
    let claimed = noted(&oslo, PARIS);
    let trouble = claimed.claimed.as_ref().and_then(|claim| claim.trouble.as_ref());
    let trouble = &trouble.expect("noted").words;
    assert!(trouble.contains("its certificate has changed"), "{trouble}");
    let but_for_it = Seen {
        claimed: None,
        ..claimed
    };
    assert_eq!(but_for_it, seen, "whoever comes changes nothing of a partner");
    oslo.pins(
        PARIS,
        Pin::Certificate(seen.certificate.expect("noted").fingerprint),
    );
    client.greet(words(PARIS, OSLO)).await.expect("confirmed");
    assert_eq!(state(&noted(&oslo, PARIS)), PartnerState::Well);
}

#[tokio::test]
async fn how_it_went_is_noted_at_both_ends() {
    let (oslo, paris, dns) = both(Limits::default()).await;
    assert!(paris.try_out(&dns, OSLO).await.trial.is_good());
    let there = noted(&paris, OSLO);
    let port = oslo.address.port();
    assert_eq!(there.way, format!("node-1.oslo.example.net:{port}"));
    assert!(
        there.reached.is_some() && there.round_trip_ms.is_some(),
        "{there:?}"
    );
    assert!(there.incoming.is_none(), "it did not come: {there:?}");
    let here = noted(&oslo, PARIS);
    assert!(here.outgoing.is_none() && here.incoming.is_some(), "{here:?}");
    assert_eq!(here.certificate.expect("shown").names, [PARIS]);
    paris.try_out(&dns, "nobody.example.net").await;
    let trouble = noted(&paris, "nobody.example.net")
        .outgoing
        .expect("tried")
        .trouble;
    let words = trouble.expect("it failed").words;
    assert!(words.contains("has no address in DNS"), "{words}");
    let figures = paris.ledger().figures();
    assert_eq!((figures.reached, figures.failed, figures.partners), (1, 1, 2));
}

#[tokio::test]
async fn servers_say_where_their_own_pages_are_also_where_they_do_not_meet() {
    let (oslo, paris, dns) = both(Limits::default()).await;
    paris.has_pages("https://meet.paris.example.com");
    oslo.has_pages("https://meet.oslo.example.net:8443");
    let known = |node: &Partner, server: &str| -> Vec<String> {
        let pages = noted(node, server).pages;
        pages.iter().map(ToString::to_string).collect()
    };
    paris.try_out(&dns, OSLO).await;
    assert_eq!(known(&paris, OSLO), ["https://meet.oslo.example.net:8443"]);
    assert_eq!(known(&oslo, PARIS), ["https://meet.paris.example.com"]);
    // Whoever may not come by federation comes as a guest.
    oslo.has_pages("https://guests.oslo.example.net");
    oslo.trusts(&paris, blacklist(&["*.example.com"]));
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(!tried.trial.is_good(), "{tried:?}");
    assert_eq!(known(&paris, OSLO), ["https://guests.oslo.example.net"]);
    // Pages of others are nobody's to say.
    oslo.trusts(&paris, blacklist(&[]));
    oslo.has_pages("https://rome.example.org");
    paris.try_out(&dns, OSLO).await;
    assert!(known(&paris, OSLO).is_empty());
}

#[tokio::test]
async fn whom_the_lists_do_not_admit_leaves_no_notes() {
    let (oslo, paris, _dns) = both(Limits::default()).await;
    oslo.trusts(&paris, blacklist(&["*.example.com"]));
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    for claimed in [PARIS, "lyon.example.com"] {
        client.greet(words(claimed, OSLO)).await.expect_err("refused");
    }
    assert!(oslo.ledger().all().is_empty(), "{:?}", oslo.ledger().all());
    assert_eq!(oslo.ledger().figures().refused, 2);
}

fn somebody() -> Attending {
    Attending {
        user: "demo1".parse().expect("a name"),
        name: "Demo One".into(),
        shares: false,
        join: b"{}".to_vec(),
    }
}

/// Until nothing is told any more.
async fn ends(mut visit: Visit) {
    let ends = async { while visit.hear.recv().await.is_some() {} };
    let ended = tokio::time::timeout(LONG, ends).await;
    ended.expect("what goes on over a connection ends with what it proved");
}

#[tokio::test]
async fn what_is_pinned_counts_for_what_goes_on_already_at_both_ends() {
    let other = || Pin::Certificate("cd".repeat(32).parse().expect("a fingerprint"));
    let (oslo, paris, dns) = both(Limits::default()).await;
    let reach = paris.reach(&dns);
    let attend = async || reach.attend(&name(OSLO), &somebody()).await;
    let mut visit = attend().await.expect("they meet");
    visit.hear.recv().await.expect("a greeting");
    paris.pins(OSLO, other());
    ends(visit).await;
    let why = attend().await.map(drop).expect_err("it is another one");
    assert!(why.words.contains("certificate"), "{why:?}");
    paris.pins(OSLO, Pin::None);
    let visit = attend().await.expect("they meet again");

    oslo.pins(PARIS, other());
    ends(visit).await;
    attend().await.map(drop).expect_err("it is not believed");
    oslo.pins(PARIS, Pin::None);
    attend().await.expect("they meet again");
}

#[tokio::test]
async fn who_is_not_believed_over_an_old_connection_comes_by_a_new_one_with_what_it_has_now() {
    let (oslo, paris, dns) = both(Limits::default()).await;
    let reach = paris.reach(&dns);
    let look = async || reach.look(&name(OSLO), &["demo2".parse().expect("a name")]).await;
    look().await.expect("answered");
    let print = |seen: Seen| seen.certificate.expect("noted").fingerprint;
    let before = print(noted(&oslo, PARIS));
    paris.renews();
    // By a connection that shows the new one.
    paris.try_out(&dns, OSLO).await;
    let now = print(noted(&oslo, PARIS));
    assert_ne!(before, now);
    oslo.pins(PARIS, Pin::Certificate(now));
    look().await.expect("answered over a new connection");
}

#[tokio::test]
async fn whoever_is_not_to_be_met_stays_a_stranger_whatever_its_certificate_proves() {
    let limits = Limits {
        strangers: (2, 2),
        ..Limits::default()
    };
    let (oslo, paris, _dns) = both(limits).await;
    let greet = async || {
        let mut client = FederationClient::new(paris.channel_to(&oslo).await);
        let answer = client.greet(words(PARIS, OSLO)).await;
        let told = answer.map_or_else(|status| code(&status).to_owned(), |_| "good".into());
        (client, told)
    };
    oslo.trusts(&paris, whitelist(&["*.example.org"]));
    let (first, second, third) = (greet().await, greet().await, greet().await);
    assert_eq!((&*first.1, &*second.1), ("not-allowed", "not-allowed"));
    assert_eq!(
        third.1, "",
        "there is no place for a third: it is not answered at all"
    );
    oslo.trusts(&paris, whitelist(&["*.example.com"]));
    for _ in 0..3 {
        assert_eq!(greet().await.1, "good", "who is met is no stranger");
    }
}

#[tokio::test]
async fn whose_server_is_met_no_more_does_not_stay_connected() {
    let limits = Limits {
        connections: (1, 1),
        ..Limits::default()
    };
    let oslo = Partner::start_with(OSLO, limits).await;
    let paris = Partner::start(PARIS).await;
    oslo.looks_often();
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let told = async |client: &mut FederationClient<Channel>| codes(client, &words(PARIS, OSLO), 1).await;
    let mut first = FederationClient::new(paris.channel_to(&oslo).await);
    assert_eq!(told(&mut first).await, ["good"]);
    let mut second = FederationClient::new(paris.channel_to(&oslo).await);
    assert_eq!(told(&mut second).await, [""], "the first one has the only place");
    oslo.trusts(&paris, whitelist(&["*.example.org"]));
    let since = Instant::now();
    loop {
        let mut second = FederationClient::new(paris.channel_to(&oslo).await);
        if told(&mut second).await == ["not-allowed"] {
            break;
        }
        assert!(since.elapsed() < LONG, "the first one stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_does_not_prove_it_again_and_again_is_not_looked_at() {
    let limits = Limits {
        unproved: (3.0, 1e-6),
        ..Limits::default()
    };
    let (oslo, paris, _dns) = both(limits).await;
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let claims = words("rome.example.org", OSLO);
    let told = codes(&mut client, &claims, 5).await;
    let believed = ["not-believed"; 3].iter().chain(&["too-fast"; 2]);
    assert!(told.iter().eq(believed), "{told:?}");
    assert_eq!(oslo.ledger().figures().refused, 3);
    let told = codes(&mut client, &words(PARIS, OSLO), 1).await;
    assert_eq!(told, ["good"], "a partner at the same address is served");
}

#[tokio::test]
async fn all_servers_of_one_owner_have_a_limit_together() {
    let limits = Limits {
        greetings: (1e6, 1e6),
        messages: (1.0, 1e-6),
        ..Limits::default()
    };
    let (oslo, paris, _dns) = both(limits).await;
    let names: Vec<String> = (0..6).map(|n| format!("n{n}.{PARIS}")).collect();
    paris.is_called(&names);
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let mut told = Vec::new();
    for name in &names {
        told.extend(codes(&mut client, &words(name, OSLO), 1).await);
    }
    assert_eq!(told, ["good", "good", "good", "good", "too-fast", "too-fast"]);
}

async fn codes(client: &mut FederationClient<Channel>, request: &GreetRequest, times: usize) -> Vec<String> {
    let mut codes = Vec::new();
    for _ in 0..times {
        let answer = client.greet(request.clone()).await;
        codes.push(answer.map_or_else(|status| code(&status).to_owned(), |_| "good".into()));
    }
    codes
}

#[tokio::test]
async fn who_sends_too_much_or_what_cannot_be_read_is_not_answered_for_a_while() {
    let mut limits = Limits {
        greetings: (1e6, 1e6),
        messages: (5.0, 1e-6),
        ..Limits::default()
    };
    limits.quarantine.faults = 3;
    let (oslo, paris, dns) = both(limits).await;
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let good = words(PARIS, OSLO);
    let odd = words(PARIS, "who?");
    assert_eq!(codes(&mut client, &odd, 2).await, ["bad-request"; 2]);
    assert_eq!(codes(&mut client, &good, 3).await, ["good"; 3]);
    let told = codes(&mut client, &good, 3).await;
    assert_eq!(told, ["too-fast", "quarantined", "quarantined"]);
    let seen = noted(&oslo, PARIS);
    assert_eq!(state(&seen), PartnerState::Quarantined);
    assert_eq!(concerns(&seen, now()), [Concern::Quarantined]);
    let tried = paris.try_out(&dns, OSLO).await;
    assert!(last(&tried).2.contains("does not answer you for"), "{tried:?}");
    let figures = oslo.ledger().figures();
    assert_eq!(
        (figures.quarantined, figures.quarantines, figures.too_fast),
        (1, 1, 1)
    );

    assert!(oslo.ledger().lift(&name(PARIS)));
    assert!(!oslo.ledger().lift(&name(PARIS)), "it was");
    assert_eq!(
        codes(&mut client, &good, 1).await,
        ["too-fast"],
        "answered again, and still too fast"
    );
}

#[tokio::test]
async fn messages_that_are_too_long_are_not_read() {
    let limits = Limits {
        message_bytes: 1_024,
        ..Limits::default()
    };
    let (oslo, paris, _dns) = both(limits).await;
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let long = GreetRequest {
        capabilities: vec!["c".repeat(2_000)],
        ..words(PARIS, OSLO)
    };
    let status = client.greet(long).await.expect_err("too long");
    assert_eq!(status.code(), tonic::Code::OutOfRange, "{status}");
    client.greet(words(PARIS, OSLO)).await.expect("answered");
}
