use crate::home::*;
use plenary_access::*;
use plenary_model::Timestamp;
use plenary_store::queries;

fn ids(home: &Home, query: EventQuery) -> Vec<u64> {
    let list = ListQuery {
        limit: 500,
        ..query.list.clone()
    };
    let page = queries::events(&home.db, &EventQuery { list, ..query }).expect("reads");
    page.items.iter().map(|event| event.id).collect()
}

#[test]
fn events_count_without_gaps_and_come_newest_first() {
    let mut home = Home::founded();
    for at in 0..5 {
        home.now += 1_000;
        home.ok(
            by("root"),
            create_group(&format!("g-{at}"), &format!("Group {at}")),
        );
        home.run(plain(by("root"), create_group("g-0", "Again")))
            .expect_err("there is one");
    }
    let all = ids(&home, EventQuery::default());
    let expected: Vec<u64> = (1..=all.len() as u64).rev().collect();
    assert_eq!(all, expected);
    let oldest = ListQuery {
        sort: Some("id".into()),
        ..list(500)
    };
    let mut reversed = ids(
        &home,
        EventQuery {
            list: oldest,
            ..EventQuery::default()
        },
    );
    reversed.reverse();
    assert_eq!(reversed, expected);
}

#[test]
fn pages_of_events_hold_while_events_come() {
    let mut home = Home::founded();
    for at in 0..9 {
        home.ok(
            by("root"),
            create_group(&format!("g-{at}"), &format!("Group {at}")),
        );
    }
    let before = home.count("events");
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let list = ListQuery {
            cursor: cursor.take(),
            ..list(3)
        };
        let query = EventQuery {
            list,
            ..EventQuery::default()
        };
        let page = queries::events(&home.db, &query).expect("reads");
        seen.extend(page.items.iter().map(|event| event.id));
        home.ok(by("root"), alias(&format!("n{}", seen.len()), "root"));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (1..=before).rev().collect::<Vec<_>>());
}

#[test]
fn events_are_found_by_what_they_say() {
    let mut home = Home::with_users([new_user("alice")]);
    home.now = START + 10_000;
    home.ok(system(), sign_in("alice", "s"));
    home.ok(system(), Change::SignInFailed { user: name("alice") });
    home.now = START + 20_000;
    home.ok(by("root"), create_group("g-sales", "Sales"));
    let total = home.count("events") as usize;
    let of = |query: EventQuery| ids(&home, query).len();
    let query = EventQuery::default;
    let kind = |kind| EventQuery {
        kind: Some(kind),
        ..query()
    };
    assert_eq!(of(kind(EventKind::Login)), 2);
    assert_eq!(of(kind(EventKind::Restart)), 0);
    let actor = |user: &str| EventQuery {
        actor: Some(name(user)),
        ..query()
    };
    assert_eq!(of(actor("root")), 1);
    assert_eq!(of(actor("alice")), 1, "nobody knows who failed");
    let object = EventQuery {
        object_kind: Some("group".into()),
        ..query()
    };
    assert_eq!(of(object), 1);
    let time = |from: Option<u64>, until: Option<u64>| EventQuery {
        from: from.map(Timestamp),
        until: until.map(Timestamp),
        ..query()
    };
    assert_eq!(of(time(Some(START + 10_000), None)), 3);
    assert_eq!(of(time(Some(START + 10_000), Some(START + 20_000))), 2);
    assert_eq!(of(time(None, Some(u64::MAX >> 1))), total);
    assert_eq!(of(time(Some(u64::MAX), None)), 0, "later than all time");
    assert_eq!(of(time(None, Some(u64::MAX))), total);
    let search = |text: &str| EventQuery {
        list: search(text),
        ..query()
    };
    assert_eq!(of(search("G-SALES")), 1);
    assert_eq!(of(search("wrong password")), 1);
    assert_eq!(of(search("root sales")), 1);
    let newest = queries::events(
        &home.db,
        &EventQuery {
            list: list(1),
            ..query()
        },
    )
    .expect("reads");
    let event = &newest.items[0];
    assert_eq!(event.address, "192.0.2.7");
    assert_eq!(event.at, Timestamp(START + 20_000));
    assert_eq!(event.actor, Some(name("root")));
}
