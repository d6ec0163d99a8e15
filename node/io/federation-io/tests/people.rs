//! Who people of partners are, and what they do; over real sockets, and told by liars, too.

mod support;

use plenary_access::{Presence, Profile};
use plenary_contracts::federation::v1::{
    self as wire, WatchBegin, WatchNames, WatchRequest, federation_client::FederationClient,
    federation_server::Federation, presence::State, watch_request::What,
};
use plenary_federation::{Found, LocalName};
use plenary_federation_io::{Asking, Heard, Limits, Stir, Watching};
use plenary_model::ServerName;
use plenary_testkit::Zones;
use std::time::{Duration, Instant};
use support::{Partner, blacklist};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

const PARIS: &str = "paris.example.com";
const OSLO: &str = "oslo.example.net";
const SOON: Duration = Duration::from_secs(20);

fn name(text: &str) -> LocalName {
    text.parse().expect("a name")
}

fn oslo_name() -> ServerName {
    OSLO.parse().expect("a name")
}

fn person(user: &str, display_name: &str) -> Found {
    Found::Person {
        user: user.parse().expect("a name"),
        profile: Box::new(Profile {
            display_name: display_name.into(),
            ..Profile::default()
        }),
    }
}

fn code(status: &Status) -> &str {
    let code = status.metadata().get("plenary-code");
    code.map_or("", |code| code.to_str().expect("text"))
}

/// Both trust each other, and paris finds oslo.
async fn both() -> (Partner, Partner, Zones) {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    (oslo, paris, dns)
}

async fn hear(watching: &mut Watching) -> Option<Heard> {
    timeout(SOON, watching.hear.recv()).await.expect("in time")
}

async fn ask(watching: &Watching, names: &[&str]) {
    let add = names.iter().map(|one| name(one)).collect();
    let asking = Asking {
        add,
        remove: Vec::new(),
    };
    watching.ask.send(asking).await.expect("it goes on");
}

#[tokio::test]
async fn names_are_looked_up_where_they_are() {
    let (oslo, paris, dns) = both().await;
    oslo.has("demo2", person("demo2", "Demo Two"), None);
    oslo.has("111", Found::Conference("review".parse().expect("an ID")), None);
    let reach = paris.reach(&dns);
    let names = ["111", "demo2", "nobody"].map(name);
    let found = reach.look(&oslo_name(), &names).await.expect("it answers");
    assert_eq!(
        found,
        [
            Found::Conference("review".parse().expect("an ID")),
            person("demo2", "Demo Two"),
            Found::Nothing,
        ]
    );
    let lyon = "lyon.example.net".parse().expect("a name");
    let unknown = reach.look(&lyon, &names).await.expect_err("it is nowhere");
    assert!(
        unknown.may_change && unknown.words.contains("lyon.example.net cannot be reached"),
        "{unknown:?}"
    );
    oslo.trusts(&paris, blacklist(&[PARIS]));
    let refused = reach.look(&oslo_name(), &names).await.expect_err("not any more");
    assert!(
        !refused.may_change && refused.words.contains("does not meet with"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_asks_for_too_many_names_or_for_others_is_refused() {
    let limits = Limits {
        messages: (4_000.0, 1_000.0),
        ..Limits::default()
    };
    let (oslo, paris) = (
        Partner::start_with(OSLO, limits).await,
        Partner::start(PARIS).await,
    );
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let look = |server: &str, wanted: &str, names: Vec<String>| wire::LookRequest {
        server: server.into(),
        wanted: wanted.into(),
        names,
    };
    let some = || vec!["demo2".to_owned()];
    for (request, grpc, expected) in [
        (
            look("lyon.example.org", OSLO, some()),
            Code::Unauthenticated,
            "not-believed",
        ),
        (
            look(PARIS, "lyon.example.org", some()),
            Code::PermissionDenied,
            "not-me",
        ),
        (
            look(PARIS, OSLO, vec!["u".into(); 101]),
            Code::InvalidArgument,
            "bad-request",
        ),
        (
            look(PARIS, OSLO, vec!["demo1@paris.example.com".into()]),
            Code::InvalidArgument,
            "bad-request",
        ),
        (
            look(PARIS, OSLO, vec![String::new()]),
            Code::InvalidArgument,
            "bad-request",
        ),
    ] {
        let refused = client.look(request).await.expect_err("refused");
        assert_eq!((refused.code(), code(&refused)), (grpc, expected), "{refused}");
    }
    let batch = |from: usize| (from..from + 100).map(|n| format!("u{n}")).collect::<Vec<_>>();
    for round in 0..10 {
        client
            .look(look(PARIS, OSLO, batch(round * 100)))
            .await
            .expect("a thousand at once");
    }
    let slowed = client
        .look(look(PARIS, OSLO, batch(1_000)))
        .await
        .expect_err("slowly");
    assert_eq!(code(&slowed), "too-many-names");
    assert_eq!(oslo.ledger().figures().slowed, 1);
    assert_eq!(oslo.refusals("too-many-names"), 1);
    client
        .look(look(PARIS, OSLO, batch(0)))
        .await
        .expect("what it knows it may ask for again");
}

#[tokio::test]
async fn presence_is_told_of_those_who_are_watched_and_of_no_others() {
    let (oslo, paris, dns) = both().await;
    let online = Some(Presence::Online);
    oslo.has("demo2", person("demo2", "Demo Two"), online);
    oslo.has("demo3", person("demo3", "Demo Three"), online);
    oslo.has("222", person("demo2", "Demo Two"), online);
    let mut watching = paris.reach(&dns).watch(&oslo_name()).await.expect("it begins");
    ask(&watching, &["demo2", "222", "nobody"]).await;
    let heard = hear(&mut watching).await.expect("it is told");
    assert_eq!(
        heard.presences,
        [(name("222"), online), (name("demo2"), online)],
        "an alias is who it stands for"
    );

    let in_call = Some(Presence::InCall);
    oslo.has("demo3", person("demo3", "Demo Three"), in_call);
    oslo.stirs(Stir::Person("demo3".parse().expect("a name")));
    for presence in [Some(Presence::Offline), online, in_call] {
        oslo.has("demo2", person("demo2", "Demo Two"), presence);
        oslo.has("222", person("demo2", "Demo Two"), presence);
        oslo.stirs(Stir::Person("demo2".parse().expect("a name")));
    }
    let mut last = None;
    while last != Some(in_call) {
        let heard = hear(&mut watching).await.expect("it is told");
        assert!(
            heard.presences.iter().all(|(who, _)| *who != name("demo3")),
            "{heard:?}"
        );
        last = heard.presences.last().map(|(_, presence)| *presence);
    }

    for name in ["demo2", "222"] {
        oslo.has(name, person("demo2", "Demo Two the Second"), in_call);
    }
    oslo.stirs(Stir::Person("demo2".parse().expect("a name")));
    let heard = hear(&mut watching).await.expect("it is told");
    assert_eq!(
        (heard.stale.len(), heard.all_stale, heard.presences.len()),
        (2, false, 0)
    );
    oslo.stirs(Stir::All);
    assert!(hear(&mut watching).await.expect("it is told").all_stale);

    oslo.has("demo2", Found::Nothing, None);
    oslo.stirs(Stir::Person("demo2".parse().expect("a name")));
    let heard = hear(&mut watching).await.expect("it is told");
    assert_eq!(heard.presences, [(name("demo2"), None)]);
}

#[tokio::test]
async fn changes_are_told_together() {
    let (oslo, paris, dns) = both().await;
    oslo.has("demo2", person("demo2", "Demo Two"), Some(Presence::Online));
    let mut watching = paris.reach(&dns).watch(&oslo_name()).await.expect("it begins");
    ask(&watching, &["demo2"]).await;
    hear(&mut watching).await.expect("it is told");
    let since = Instant::now();
    let (mut told, mut turn) = (0, 0);
    while since.elapsed() < Duration::from_millis(900) {
        turn += 1;
        let presence = if turn % 2 == 0 {
            Presence::Online
        } else {
            Presence::InCall
        };
        oslo.has("demo2", person("demo2", "Demo Two"), Some(presence));
        oslo.stirs(Stir::Person("demo2".parse().expect("a name")));
        tokio::time::sleep(Duration::from_millis(5)).await;
        while watching.hear.try_recv().is_ok() {
            told += 1;
        }
    }
    assert!((1..=6).contains(&told), "{told} of {turn}");
}

#[tokio::test]
async fn it_ends_at_once_when_the_lists_change_and_when_nobody_asks_any_more() {
    let (oslo, paris, dns) = both().await;
    oslo.has("demo2", person("demo2", "Demo Two"), Some(Presence::Online));
    let reach = paris.reach(&dns);
    let mut watching = reach.watch(&oslo_name()).await.expect("it begins");
    ask(&watching, &["demo2"]).await;
    hear(&mut watching).await.expect("it is told");
    oslo.trusts(&paris, blacklist(&[PARIS]));
    assert_eq!(hear(&mut watching).await, None);
    let again = reach.watch(&oslo_name()).await.err().expect("not any more");
    assert!(!again.may_change, "{again:?}");

    oslo.trusts(&paris, blacklist(&[]));
    let mut watching = reach.watch(&oslo_name()).await.expect("it begins");
    ask(&watching, &["demo2"]).await;
    hear(&mut watching).await.expect("it is told");
    drop(watching);
    let since = Instant::now();
    while oslo.watchers() > 0 {
        assert!(since.elapsed() < SOON, "it is still told");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn who_says_what_it_may_not_is_cut_off() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    oslo.trusts(&paris, blacklist(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let mut client = FederationClient::new(paris.channel_to(&oslo).await);
    let begin = |server: &str| WatchRequest {
        what: Some(What::Begin(WatchBegin {
            server: server.into(),
            wanted: OSLO.into(),
        })),
    };
    let names = |names: Vec<String>| WatchRequest {
        what: Some(What::Names(WatchNames {
            add: names,
            remove: Vec::new(),
        })),
    };
    for first in [
        begin("lyon.example.org"),
        names(vec!["demo2".into()]),
        WatchRequest { what: None },
    ] {
        let refused = client
            .watch(tokio_stream::once(first))
            .await
            .expect_err("refused");
        assert!(
            matches!(refused.code(), Code::Unauthenticated | Code::InvalidArgument),
            "{refused}"
        );
    }
    for second in [
        begin(PARIS),
        names(vec!["u".into(); 101]),
        names(vec!["demo1@paris.example.com".into()]),
    ] {
        let said = tokio_stream::iter([begin(PARIS), second]);
        let mut told = client.watch(said).await.expect("it begins").into_inner();
        let end = timeout(SOON, told.message())
            .await
            .expect("in time")
            .expect_err("refused");
        assert_eq!(
            (end.code(), code(&end)),
            (Code::InvalidArgument, "bad-request"),
            "{end}"
        );
    }
}

/// A partner's server that tells what it likes, and first what it can.
struct Liar(&'static [&'static str]);

#[tonic::async_trait]
impl Federation for Liar {
    type AttendStream = ReceiverStream<Result<wire::AttendResponse, Status>>;
    type RingStream = ReceiverStream<Result<wire::RingResponse, Status>>;
    type WatchStream = ReceiverStream<Result<wire::WatchResponse, Status>>;

    async fn greet(&self, _: Request<wire::GreetRequest>) -> Result<Response<wire::GreetResponse>, Status> {
        Ok(Response::new(wire::GreetResponse {
            server: OSLO.into(),
            protocol: 1,
            capabilities: self.0.iter().map(ToString::to_string).collect(),
            pages: Vec::new(),
        }))
    }

    async fn attend(
        &self,
        _: Request<Streaming<wire::AttendRequest>>,
    ) -> Result<Response<Self::AttendStream>, Status> {
        Err(Status::unimplemented("no"))
    }

    async fn ring(
        &self,
        _: Request<Streaming<wire::RingRequest>>,
    ) -> Result<Response<Self::RingStream>, Status> {
        Err(Status::unimplemented("no"))
    }

    async fn deliver(
        &self,
        _: Request<wire::DeliverRequest>,
    ) -> Result<Response<wire::DeliverResponse>, Status> {
        Err(Status::unimplemented("no"))
    }

    /// More than was asked for, and people of others.
    async fn look(&self, _: Request<wire::LookRequest>) -> Result<Response<wire::LookResponse>, Status> {
        let one = |name: &str| wire::Found {
            name: name.into(),
            what: Some(wire::found::What::Person(wire::Profile::default())),
        };
        let found = [
            vec![one("demo1@paris.example.com"), one("\u{7}")],
            vec![one("demo2"); 1_000],
        ];
        Ok(Response::new(wire::LookResponse {
            found: found.concat(),
        }))
    }

    /// Without an end, of whom nobody asked for; then too much at once.
    async fn watch(
        &self,
        _: Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (tell, told) = mpsc::channel(1);
        tokio::spawn(async move {
            let one = |name: String| wire::Presence {
                name,
                state: State::Online.into(),
            };
            for turn in 0..20 {
                let presences = vec![one("demo1@paris.example.com".into()), one(format!("u{turn}"))];
                let answer = wire::WatchResponse {
                    presences,
                    ..wire::WatchResponse::default()
                };
                if tell.send(Ok(answer)).await.is_err() {
                    return;
                }
            }
            let crowd = (0..3_000).map(|n| one(format!("u{n}"))).collect();
            let crowd = wire::WatchResponse {
                presences: crowd,
                ..wire::WatchResponse::default()
            };
            tell.send(Ok(crowd)).await.ok();
            tell.closed().await;
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }
}

#[tokio::test]
async fn liars_are_heard_slowly_of_nobody_elses_people_and_not_for_long() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
    oslo.lies(&paris, Liar(&[]));
    paris.trusts(&oslo, blacklist(&[]));
    let reach = paris.reach(&dns);
    let names = ["a", "b", "c"].map(name);
    let found = reach.look(&oslo_name(), &names).await.expect("it answers");
    assert_eq!(found, [Found::Nothing, Found::Nothing, person("demo2", "")]);

    let since = Instant::now();
    let mut watching = reach.watch(&oslo_name()).await.expect("it begins");
    let mut told = 0;
    while let Some(heard) = hear(&mut watching).await {
        told += 1;
        assert!(heard.presences.len() == 1, "{heard:?}");
    }
    assert_eq!(told, 20, "what is too much ends it");
    assert!(
        since.elapsed() > Duration::from_millis(500),
        "it is heard no faster than it should"
    );
}

#[tokio::test]
async fn an_older_server_is_asked_only_for_what_it_can() {
    let (oslo, paris) = (Partner::start(OSLO).await, Partner::start(PARIS).await);
    let dns = Zones::serve(&[("example.net", oslo.records())])
        .await
        .expect("it answers");
    oslo.lies(&paris, Liar(&["look", "teleport"]));
    paris.trusts(&oslo, blacklist(&[]));
    let reach = paris.reach(&dns);
    let found = reach.look(&oslo_name(), &[name("a")]).await;
    assert_eq!(found.expect("it answers").len(), 1);
    let why = reach.watch(&oslo_name()).await.err().expect("it cannot");
    assert!(why.words.contains("is older") && why.may_change, "{why:?}");
}
