//! Calls between two servers, over real connections.

mod support;

use plenary_contracts::federation::v1::{
    RingBegin, RingRequest, federation_client::FederationClient, ring_request::What,
};
use plenary_federation_io::{Limits, RingAnswer, RingEnd, Ringing, Rung};
use plenary_testkit::Zones;
use std::time::Duration;
use support::{Partner, blacklist};
use tokio::time::timeout;
use tonic::{Code, Status};

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.net";
const PATIENCE: Duration = Duration::from_secs(10);

async fn both() -> (Partner, Partner, Zones) {
    both_with(Limits::default()).await
}

/// Paris bears so much.
async fn both_with(limits: Limits) -> (Partner, Partner, Zones) {
    let oslo = Partner::start(OSLO).await;
    let paris = Partner::start_with(PARIS, limits).await;
    let dns = Zones::serve(&[("example.com", paris.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    (oslo, paris, dns)
}

fn call(to: &str) -> Ringing {
    Ringing {
        call: "call-1".parse().expect("good"),
        user: "demo2".parse().expect("good"),
        name: "Demo Two".into(),
        to: to.into(),
        enter: "call-1".parse().expect("good"),
        into: None,
    }
}

async fn next(rung: &mut Rung) -> Option<RingAnswer> {
    timeout(PATIENCE, rung.hear.recv()).await.expect("in time")
}

#[tokio::test]
async fn it_rings_there_until_the_caller_gives_up() {
    let (oslo, _paris, dns) = both().await;
    let reach = oslo.reach(&dns);
    let paris = PARIS.parse().expect("good");
    let mut rung = reach.ring(&paris, &call("demo1")).await.expect("it takes it");
    let rings = RingAnswer::Rings {
        user: "demo1".parse().ok(),
        name: format!("demo2@{OSLO}, Demo Two"),
        group: false,
    };
    assert_eq!(next(&mut rung).await, Some(rings));
    rung.say.send(RingEnd::Cancelled).await.expect("it listens");
    assert_eq!(next(&mut rung).await, Some(RingAnswer::Over(RingEnd::Cancelled)));
    assert_eq!(next(&mut rung).await, None);
    // The connection is kept for the next one.
    let mut rung = reach.ring(&paris, &call("nobody")).await.expect("it takes it");
    assert_eq!(next(&mut rung).await, Some(RingAnswer::Over(RingEnd::Nobody)));
}

#[tokio::test]
async fn who_is_not_met_is_not_called() {
    let (oslo, paris, dns) = both().await;
    paris.trusts(&oslo, blacklist(&["*.example.net"]));
    let why = oslo
        .reach(&dns)
        .ring(&PARIS.parse().expect("good"), &call("demo1"))
        .await;
    let why = why.expect_err("refused");
    assert!(why.words.contains("does not meet"), "{why:?}");
}

async fn says(oslo: &Partner, paris: &Partner, begin: RingBegin) -> Status {
    let mut client = FederationClient::new(oslo.channel_to(paris).await);
    let first = RingRequest {
        what: Some(What::Begin(begin)),
    };
    let answered = client.ring(tokio_stream::once(first)).await;
    answered.expect_err("refused")
}

fn code(status: &Status) -> &str {
    let code = status.metadata().get("plenary-code");
    code.and_then(|code| code.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_server_speaks_for_its_own_people_and_conferences_only() {
    let (oslo, paris, _dns) = both().await;
    let good = || RingBegin {
        server: OSLO.into(),
        wanted: PARIS.into(),
        call: "call-1".into(),
        user: "demo2".into(),
        name: "Demo Two".into(),
        to: "demo1".into(),
        enter: "call-1".into(),
        into: String::new(),
    };
    let liar = RingBegin {
        server: "rome.example.org".into(),
        ..good()
    };
    let status = says(&oslo, &paris, liar).await;
    assert_eq!(
        (status.code(), code(&status)),
        (Code::Unauthenticated, "not-believed")
    );
    let wrong = RingBegin {
        wanted: "rome.example.org".into(),
        ..good()
    };
    assert_eq!(code(&says(&oslo, &paris, wrong).await), "not-me");
    for begin in [
        RingBegin {
            user: "demo2@rome.example.org".into(),
            ..good()
        },
        RingBegin {
            enter: "review@rome.example.org".into(),
            ..good()
        },
        RingBegin {
            call: "a b".into(),
            ..good()
        },
    ] {
        let status = says(&oslo, &paris, begin).await;
        assert_eq!(
            (status.code(), code(&status)),
            (Code::InvalidArgument, "bad-request")
        );
    }
}

#[tokio::test]
async fn it_rings_only_so_often_for_one_partner_and_that_is_no_fault() {
    let (oslo, paris, dns) = both_with(Limits {
        rings: (2.0, 1e-6),
        ..Limits::default()
    })
    .await;
    let (reach, there) = (oslo.reach(&dns), PARIS.parse().expect("good"));
    for _ in 0..2 {
        let mut rung = reach.ring(&there, &call("demo1")).await.expect("it takes it");
        assert!(matches!(next(&mut rung).await, Some(RingAnswer::Rings { .. })));
    }
    for times in 1..=30 {
        let why = reach.ring(&there, &call("demo1")).await.expect_err("refused");
        assert!(why.may_change, "{why:?}");
        assert_eq!(why.code.as_deref(), Some("too-fast"));
        assert_eq!(paris.refusals("too-fast"), times);
    }
    let quarantined = paris.ledger().quarantined(&OSLO.parse().expect("good"));
    assert_eq!(quarantined, None, "it goes on for what is not too much");
}
