//! Questions: how many there may be, and what becomes of them when nobody answers.

use crate::{
    on_both,
    server::{Server, id, person},
    world::{LONG, OSLO, PARIS, World},
};
use plenary_directory::Limits;
use plenary_directory_client::{Code, FindError, Finder, FinderOptions, Names, Question};
use plenary_people::{Change, Rule, Servers};
use plenary_testkit::eventually;
use std::time::{Duration, Instant};

on_both!(whoever_reads_the_directory_out_is_held_up_and_others_are_not);

fn is_slowed(error: &FindError) -> bool {
    matches!(error, FindError::Refused { code: Code::SlowDown, reason } if reason.contains("wait"))
}

async fn whoever_reads_the_directory_out_is_held_up_and_others_are_not(mut world: World) {
    world
        .limit(Limits {
            user_searches_per_minute: 4,
            user_queries_per_second: 1_000,
            ..Limits::default()
        })
        .await;
    let paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    paris.finds("alice", &["Alice Martin"]).await;
    let mut answered = 0;
    for letter in 'a'..='z' {
        match paris.ask("eve", &format!("{letter}{letter}")).await {
            Ok(_) => answered += 1,
            Err(error) => assert!(is_slowed(&error), "{error}"),
        }
    }
    assert!((12..20).contains(&answered), "{answered} of 26");
    for words in ["a", "al", "ali", "alice", "ali", "alice m"] {
        assert!(
            paris.ask("bob", words).await.is_ok(),
            "typing on is one search: {words}"
        );
    }
    let events = world.events();
    assert!(events.contains("walked") && events.contains("eve"), "{events}");
    assert!(!events.contains("bob"));
    assert!(world.figure(0, "plenary_directory_walks_total") >= 6.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_people_take_no_places_of_others() {
    let world = World::sqlite().await;
    let paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    let people = |number| Change::put(person(OSLO, &format!("u{number:02}"), "Martin"));
    oslo.store.commit((0..60).map(people));
    oslo.is_told().await;
    paris.put("anna", "Anna Martin");
    paris.is_told().await;
    oslo.finds_first("martin anna", "Anna Martin").await;
    let question = Question {
        limit: 5,
        own_beside: true,
        ..oslo.question("bob", "martin")
    };
    let answer = oslo.finder.find(&question).await.unwrap();
    let servers: Vec<_> = answer
        .hits
        .iter()
        .map(|hit| hit.entry.id.server.as_str())
        .collect();
    assert_eq!(servers, [OSLO, OSLO, OSLO, OSLO, OSLO, PARIS]);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_know_of_each_other_where_one_of_them_sees_the_other() {
    let mut world = World::sqlite().await;
    let like = |mask: &str| Servers::Like(mask.parse().unwrap());
    let rule = Rule {
        viewers: like(OSLO),
        seen: like(PARIS),
        allow: true,
    };
    world.rule(vec![rule]).await;
    let paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    let rome = Server::connected(&world, "rome.example.com");
    for side in [&paris, &oslo, &rome] {
        side.put("anna", "Anna Martin");
        side.is_told().await;
    }
    eventually("oslo finds anna of paris, too", LONG, async || {
        (oslo.found("martin").await?.len() == 2).then_some(())
    })
    .await;
    assert_eq!(paris.found("martin").await.unwrap().len(), 1);
    // Whoever finds somebody may call them, and be called back: both sides know of each other.
    for (side, names) in [
        (&paris, [OSLO, PARIS].as_slice()),
        (&oslo, &[OSLO, PARIS]),
        (&rome, &["rome.example.com"]),
    ] {
        let known = side.finder.names(&Names::default()).await.unwrap();
        assert_eq!(known.servers, names);
        assert_eq!(side.finder.names(&known).await.unwrap(), known);
    }
    let overview = paris.finder.overview().await.unwrap();
    let row = overview.servers.iter().find(|row| row.server == OSLO).unwrap();
    assert!(row.sees_only && row.entries == 0, "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_questions_is_bounded_for_a_user_and_for_a_server() {
    let mut world = World::sqlite().await;
    world
        .limit(Limits {
            user_queries_per_second: 2,
            queries_per_second: 50,
            ..Limits::default()
        })
        .await;
    let paris = Server::connected(&world, PARIS);
    let oslo = Server::connected(&world, OSLO);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    oslo.finds("alice", &["Alice Martin"]).await;
    let started = Instant::now();
    let mut answered = 0;
    for _ in 0..100 {
        answered += usize::from(paris.ask("eve", "alice").await.is_ok());
    }
    let most = 8 + 2 * (started.elapsed().as_secs() as usize + 1);
    assert!(
        (8..=most).contains(&answered),
        "{answered} of 100, at most {most}"
    );
    // All of one server together.
    let started = Instant::now();
    let mut answered = 0;
    for n in 0..400 {
        answered += usize::from(paris.ask(&format!("user-{n}"), "alice").await.is_ok());
    }
    let most = 100 + 50 * (started.elapsed().as_secs() as usize + 1);
    assert!(answered <= most, "{answered} of 400, at most {most}");
    assert!(
        oslo.ask("bob", "alice").await.is_ok(),
        "other servers are not held up"
    );
    assert!(world.figure(0, "plenary_directory_queries_held_total") > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_away_costs_nobody_more_than_the_deadline() {
    let mut world = World::sqlite().await;
    let paris = Server::connected(&world, PARIS);
    paris.put("alice", "Alice Martin");
    paris.is_told().await;
    let options = FinderOptions {
        fresh: Duration::ZERO,
        ..FinderOptions::new(None, world.addresses())
    };
    let finder = Finder::open(paris.identity.clone(), options);
    let question = paris.question("bob", "alice");
    let answer = eventually("the connection is made, and she is found", LONG, async || {
        let answer = finder.find(&question).await.ok()?;
        (!answer.hits.is_empty()).then_some(answer)
    })
    .await;
    assert!(answer.hits.len() == 1 && !answer.stale);
    world.stop(0).await;
    // Somebody listens and never answers.
    let silent = std::net::TcpListener::bind(&world.addresses()[0]).unwrap();
    let started = Instant::now();
    let kept = finder.find(&question).await.expect("it was asked a moment ago");
    assert!(kept.stale && kept.hits == answer.hits);
    let away = finder
        .find(&paris.question("bob", "carol"))
        .await
        .expect_err("nobody answers");
    assert!(matches!(away, FindError::Away(_)), "{away}");
    let away = finder.get(&question.viewer, &id(PARIS, "alice")).await;
    assert!(matches!(away, Err(FindError::Away(_))));
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "three questions: {:?}",
        started.elapsed()
    );
    drop(silent);
    world.start(0).await;
    eventually("it is asked again", LONG, async || {
        let answer = finder.find(&question).await.ok()?;
        (!answer.stale).then_some(())
    })
    .await;
}
