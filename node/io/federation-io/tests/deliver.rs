//! Servers that tell each other of conferences, and one that lies.

mod support;

use plenary_conference::{Bidding, Message, Opening};
use plenary_contracts::federation::v1::{
    self as wire, DeliverRequest, delivery::What, federation_client::FederationClient,
};
use plenary_federation_io::{Answer, DELIVERIES, Limits};
use plenary_model::{Revision, Timestamp};
use plenary_testkit::Zones;
use support::{Partner, blacklist};
use tonic::Code;

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.net";

fn message(user: &str, revision: u64) -> Message {
    Message {
        cid: "review".parse().expect("good"),
        user: format!("{user}@{OSLO}").parse().expect("good"),
        revision: Revision(revision),
        created_at: Timestamp(1),
        bidding: Some(Bidding {
            id: "weekly".parse().expect("good"),
            name: "Weekly review".into(),
            owner: "alice".parse().expect("good"),
            owner_name: "Alice".into(),
            moderator: false,
            opening: Opening::VirtualRoom,
            next: None,
        }),
    }
}

fn delivery(conference: &str, user: &str) -> wire::Delivery {
    wire::Delivery {
        conference: conference.into(),
        user: user.into(),
        revision: 1,
        what: Some(What::Withdrawn(wire::Withdrawal {})),
    }
}

fn request(deliveries: Vec<wire::Delivery>) -> DeliverRequest {
    DeliverRequest {
        server: PARIS.into(),
        wanted: OSLO.into(),
        deliveries,
    }
}

fn code(status: &tonic::Status) -> Option<&str> {
    status.metadata().get("plenary-code")?.to_str().ok()
}

#[tokio::test]
async fn what_is_told_arrives_and_each_is_answered_by_itself() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let server = OSLO.parse().expect("a name");
    let reach = paris.reach(&dns);
    let three = [message("demo2", 1), message("nobody", 1), message("demo3", 1)];
    let answers = reach.deliver(&server, &three).await.expect("answered");
    assert_eq!((&answers[0], &answers[2]), (&Answer::Taken, &Answer::Taken));
    assert!(matches!(&answers[1], Answer::Refused(why) if why.contains("no such user")));
    let heard = oslo.heard();
    let who: Vec<_> = heard
        .iter()
        .map(|(from, delivery)| (from.as_str(), delivery.user.as_str()))
        .collect();
    assert_eq!(who, [(PARIS, "demo2"), (PARIS, "demo3")]);
    assert_eq!(heard[0].1.bidding, message("demo2", 1).bidding);
    // As many as fit.
    let many: Vec<_> = (0..100)
        .map(|number| message(&format!("demo{number}"), 1))
        .collect();
    assert_eq!(
        reach.deliver(&server, &many).await.expect("answered").len(),
        DELIVERIES
    );
    let long: Vec<_> = many
        .into_iter()
        .map(|mut message| {
            if let Some(told) = &mut message.bidding {
                told.name = "é".repeat(128);
                told.owner_name = "é".repeat(256);
            }
            message
        })
        .collect();
    let taken = reach.deliver(&server, &long).await.expect("answered").len();
    assert!((32..DELIVERIES).contains(&taken), "{taken}");
}

#[tokio::test]
async fn a_partner_that_does_not_meet_us_refuses_for_good_and_one_that_is_away_does_not() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&["*.example.com"]));
    paris.trusts(&oslo, blacklist(&[]));
    let (reach, server) = (paris.reach(&dns), OSLO.parse().expect("a name"));
    let one = [message("demo2", 1)];
    let refused = reach.deliver(&server, &one).await.expect_err("refused");
    assert!(
        refused.is_final && refused.words.contains("does not meet"),
        "{refused:?}"
    );
    let away = reach
        .deliver(&"bergen.example.net".parse().expect("a name"), &one)
        .await
        .expect_err("nobody is there");
    assert!(!away.is_final && !away.words.is_empty(), "{away:?}");
    // Over a connection from before, too; and what the own lists say may be changed by the own administrators.
    oslo.trusts(&paris, blacklist(&[]));
    assert_eq!(reach.deliver(&server, &one).await, Ok(vec![Answer::Taken]));
    oslo.trusts(&paris, blacklist(&["*.example.com"]));
    let refused = reach.deliver(&server, &one).await.expect_err("refused");
    assert!(refused.is_final, "{refused:?}");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&["*.example.net"]));
    let own = reach.deliver(&server, &one).await.expect_err("refused");
    assert!(
        !own.is_final && own.words.contains("blacklist of this server"),
        "{own:?}"
    );
    assert_eq!(oslo.heard().len(), 1);
}

#[tokio::test]
async fn a_server_speaks_for_its_own_conferences_to_people_of_ours_only() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let (own, ours) = ("review@paris.example.com", "demo2@oslo.example.net");
    let mut newer = delivery(own, ours);
    newer.what = None;
    let cases = [
        (delivery(own, ours), ""),
        (delivery("review@bergen.example.net", ours), "not-yours"),
        (delivery("review@oslo.example.net", ours), "not-yours"),
        (delivery(own, "demo1@paris.example.com"), "not-yours"),
        (delivery(own, "demo2@bergen.example.net"), "not-yours"),
        (delivery("review", ours), "bad-request"),
        (delivery(own, "demo2"), "bad-request"),
        (delivery("a b@paris.example.com", ours), "bad-request"),
        (delivery("", ""), "bad-request"),
        (newer, "not-known"),
    ];
    let (deliveries, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let answers = client
        .deliver(request(deliveries))
        .await
        .expect("answered")
        .into_inner()
        .answers;
    let codes: Vec<_> = answers.iter().map(|answer| answer.code.as_str()).collect();
    assert_eq!(codes, expected);
    assert_eq!(oslo.heard().len(), 1);
    for (request, grpc, expected) in [
        (
            DeliverRequest {
                server: "bergen.example.net".into(),
                ..request(Vec::new())
            },
            Code::Unauthenticated,
            "not-believed",
        ),
        (
            DeliverRequest {
                wanted: "bergen.example.net".into(),
                ..request(Vec::new())
            },
            Code::PermissionDenied,
            "not-me",
        ),
        (
            request(vec![delivery(own, ours); DELIVERIES + 1]),
            Code::InvalidArgument,
            "bad-request",
        ),
    ] {
        let status = client.deliver(request).await.expect_err("refused");
        assert_eq!((status.code(), code(&status)), (grpc, Some(expected)), "{status}");
    }
    assert_eq!(oslo.heard().len(), 1);
}

#[tokio::test]
async fn who_lies_on_and_on_is_not_answered_for_a_while() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let lies = vec![delivery("review@bergen.example.net", "demo2@oslo.example.net"); DELIVERIES];
    client.deliver(request(lies)).await.expect("answered");
    let status = client.deliver(request(Vec::new())).await.expect_err("refused");
    assert_eq!(code(&status), Some("quarantined"), "{status}");
    assert!(
        oslo.ledger()
            .quarantined(&PARIS.parse().expect("a name"))
            .is_some()
    );
}

#[tokio::test]
async fn nobody_learns_who_is_here_by_asking_for_many() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let strangers = |round: usize| {
        let name = |number: usize| format!("nobody{round}-{number}@oslo.example.net");
        let all = (0..DELIVERIES).map(|number| delivery("review@paris.example.com", &name(number)));
        request(all.collect())
    };
    for round in 0..2 {
        let answers = client
            .deliver(strangers(round))
            .await
            .expect("answered")
            .into_inner();
        assert!(answers.answers.iter().all(|answer| answer.code == "unknown-user"));
    }
    let known = delivery("review@paris.example.com", "demo2@oslo.example.net");
    let answers = client
        .deliver(request(vec![known]))
        .await
        .expect("answered")
        .into_inner();
    assert_eq!(answers.answers[0].code, "too-fast");
    assert!(oslo.heard().is_empty());
}

#[tokio::test]
async fn a_partner_tells_only_so_often_and_that_is_no_fault() {
    let limits = Limits {
        deliveries: (2.0, 1e-6),
        ..Limits::default()
    };
    let oslo = Partner::start_with(OSLO, limits).await;
    let paris = Partner::start(PARIS).await;
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let known = || {
        request(vec![delivery(
            "review@paris.example.com",
            "demo2@oslo.example.net",
        )])
    };
    for _ in 0..2 {
        client.deliver(known()).await.expect("answered");
    }
    for times in 1..=30 {
        let status = client.deliver(known()).await.expect_err("refused");
        assert_eq!(code(&status), Some("too-fast"), "{status}");
        assert_eq!(oslo.refusals("too-fast"), times);
    }
    assert_eq!(oslo.heard().len(), 2, "what is refused is not looked at");
    let quarantined = oslo.ledger().quarantined(&PARIS.parse().expect("a name"));
    assert_eq!(quarantined, None, "whoever waits is served");
}
