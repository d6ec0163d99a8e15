use crate::home::*;
use plenary_access::*;
use plenary_store::{QueryError, queries};
use std::collections::BTreeMap;

fn ids(page: &Page<UserRow>) -> Vec<&str> {
    page.items.iter().map(|row| row.user.id.as_str()).collect()
}

fn users(home: &Home, list: ListQuery) -> Page<UserRow> {
    let query = UserQuery {
        list,
        ..UserQuery::default()
    };
    queries::users(&home.db, &query).expect("reads")
}

fn refused<T: std::fmt::Debug>(found: Result<T, QueryError>, word: &str) {
    match found {
        Err(QueryError::BadQuery(text)) => assert!(text.contains(word), "{text}"),
        other => panic!("must be refused: {other:?}"),
    }
}

/// Reads all pages; `between` may change the state after each.
fn walk(home: &mut Home, mut list: ListQuery, mut between: impl FnMut(&mut Home, usize)) -> Vec<String> {
    let mut seen = Vec::new();
    for at in 0.. {
        let page = users(home, list.clone());
        assert!(page.items.len() <= list.limit as usize);
        seen.extend(page.items.iter().map(|row| row.user.id.to_string()));
        match page.next {
            Some(next) => list.cursor = Some(next),
            None => return seen,
        }
        assert!(at < 1_000, "pages come to an end");
        between(home, at);
    }
    seen
}

#[test]
fn every_row_comes_once_while_others_are_inserted() {
    for sort in ["id", "display_name", "email", "created_at"] {
        for descending in [false, true] {
            // Equal names, emails and times: only the ID tells them apart.
            let mut home = Home::with_users((0..25).map(|at| called(&format!("m{at:02}"), "Same")));
            let list = ListQuery {
                sort: Some(sort.into()),
                descending,
                ..list(4)
            };
            let seen = walk(&mut home, list, |home, at| {
                for id in ["a", "m", "z"] {
                    let new = called(&format!("{id}{at}-new"), "Same");
                    home.ok(system(), Change::CreateUser(new));
                }
                let gone = Change::DeleteUser {
                    id: name(&format!("m{:02}", 24 - at)),
                    expect: None,
                };
                home.run(plain(system(), gone)).ok();
                home.now += 1;
            });
            let mut times = BTreeMap::new();
            for id in &seen {
                *times.entry(id.clone()).or_insert(0) += 1;
            }
            assert!(
                times.values().all(|times| *times == 1),
                "{sort} {descending}: {seen:?}"
            );
            for at in 0..15 {
                let id = format!("m{at:02}");
                assert!(
                    times.contains_key(&id) || home_lacks(&home, &id),
                    "{sort} {descending}: {id} is missing in {seen:?}"
                );
            }
        }
    }
}

fn home_lacks(home: &Home, id: &str) -> bool {
    queries::user(&home.db, &name(id)).expect("reads").is_none()
}

#[test]
fn the_total_counts_all_that_match_on_every_page() {
    let mut home = Home::with_users((0..10).map(|at| new_user(&format!("u{at}"))));
    let first = users(&home, list(4));
    assert_eq!((first.items.len(), first.total), (4, 11));
    let next = ListQuery {
        cursor: first.next,
        ..list(4)
    };
    assert_eq!(users(&home, next).total, 11);
    let exactly = users(&home, list(11));
    assert_eq!(
        (exactly.items.len(), exactly.next),
        (11, None),
        "no empty last page"
    );
    assert_eq!(walk(&mut home, list(1), |_, _| ()).len(), 11);
}

#[test]
fn rows_come_in_order() {
    let home = Home::with_users([called("b", "Émile"), called("c", "eve"), called("a", "Zoé")]);
    let sorted = |sort: &str, descending| {
        let list = ListQuery {
            sort: Some(sort.into()),
            descending,
            ..list(50)
        };
        ids(&users(&home, list)).join(" ")
    };
    assert_eq!(sorted("id", false), "a b c root");
    assert_eq!(sorted("id", true), "root c b a");
    assert_eq!(sorted("display_name", false), "b c root a");
    assert_eq!(sorted("created_at", false), "a b c root");
}

#[test]
fn cursors_and_sorts_of_other_lists_are_refused() {
    let mut home = Home::with_users((0..10).map(|at| new_user(&format!("u{at}"))));
    for at in 0..3 {
        home.ok(by("root"), alias(&format!("a{at}"), "root"));
    }
    let users_of = |list| {
        let query = UserQuery {
            list,
            ..UserQuery::default()
        };
        queries::users(&home.db, &query)
    };
    let next = users_of(list(2)).expect("reads").next.expect("more");
    let with = |cursor: &str, sort: Option<&str>, descending| ListQuery {
        cursor: Some(cursor.into()),
        sort: sort.map(str::to_owned),
        descending,
        ..list(2)
    };
    for bad in ["", "x", "!!!", "e30", "bnVsbA", &next[1..], &"A".repeat(10_000)] {
        refused(users_of(with(bad, None, false)), "cursor");
        refused(
            queries::address_book(&home.db, &name("root"), &with(bad, None, false)),
            "cursor",
        );
    }
    refused(users_of(with(&next, Some("email"), false)), "cursor");
    refused(users_of(with(&next, None, true)), "cursor");
    refused(queries::aliases(&home.db, &with(&next, None, false)), "cursor");
    let events = EventQuery {
        list: with(&next, Some("id"), false),
        ..EventQuery::default()
    };
    refused(queries::events(&home.db, &events), "cursor");
    let book = |list: &ListQuery| queries::address_book(&home.db, &name("root"), list);
    refused(book(&with(&next, None, false)), "cursor");
    let next = book(&list(2)).expect("reads").next.expect("more");
    refused(book(&with(&next, Some("call"), false)), "cursor");
    refused(book(&with(&next, None, true)), "cursor");

    let by_salary = ListQuery {
        sort: Some("salary".into()),
        ..list(2)
    };
    refused(users_of(by_salary.clone()), "sort");
    refused(queries::groups(&home.db, &by_salary), "sort");
    refused(queries::aliases(&home.db, &by_salary), "sort");
    refused(book(&by_salary), "sort");
    let events = EventQuery {
        list: by_salary,
        ..EventQuery::default()
    };
    refused(queries::events(&home.db, &events), "sort");
}

#[test]
fn searching_folds_case_and_accents_and_takes_words_in_any_order() {
    let mut zoe = called("zoe", "Zoé Ёлкина");
    zoe.profile.email = "Zoe@Example.com".into();
    zoe.profile.department = "100% R&D_x".into();
    let home = Home::with_users([zoe, called("bob", "Bob Ward")]);
    let found = |text: &str| ids(&users(&home, search(text))).join(" ");
    for hit in [
        "zoé",
        "ZOE",
        "елкина",
        "ЁЛКИНА zo",
        "example zoe",
        "ＺＯＥ",
        " zoe  ",
        "0% r&d_",
    ] {
        assert_eq!(found(hit), "zoe", "{hit:?}");
    }
    for miss in ["zoe bob", "%", "_ward", "' OR 1=1 --", "zoe\u{0}"] {
        let got = found(miss);
        assert!(got.is_empty() || miss == "%" && got == "zoe", "{miss:?}: {got}");
    }
    assert_eq!(users(&home, search("o")).total, 3);
}

#[test]
fn filters_of_users_hold_together() {
    let mut home = Home::with_users(["alice", "bob", "carol"].map(new_user));
    home.ok(by("root"), create_group("g-1", "One"));
    home.ok(by("root"), join("g-1", &["alice", "bob"]));
    let disable = UserPatch {
        active: Some(false),
        ..UserPatch::default()
    };
    home.ok(
        by("root"),
        Change::UpdateUser {
            id: name("bob"),
            expect: None,
            patch: disable,
        },
    );
    let started = Change::NodeStarted {
        node: plenary_model::NodeId(1),
        epoch: 1,
        version: "1".into(),
    };
    home.ok(system(), started);
    for (user, session) in [("alice", "s1"), ("alice", "s2"), ("root", "s3")] {
        home.ok(system(), sign_in(user, session));
        let online = Change::DeviceOnline {
            session: session.into(),
            node: plenary_model::NodeId(1),
            epoch: 1,
        };
        home.ok(system(), online);
    }
    let found = |query: UserQuery| {
        let query = UserQuery {
            list: list(50),
            ..query
        };
        let page = queries::users(&home.db, &query).expect("reads");
        assert_eq!(page.total, page.items.len() as u64);
        ids(&page).join(" ")
    };
    let query = UserQuery::default;
    let group = |id: &str| UserQuery {
        group: Some(name(id)),
        ..query()
    };
    assert_eq!(found(group("g-1")), "alice bob");
    assert_eq!(found(group("ungrouped")), "carol root");
    assert_eq!(found(group("g-none")), "");
    let presence = |presence| UserQuery {
        presence: Some(presence),
        ..query()
    };
    assert_eq!(found(presence(Presence::Online)), "alice root");
    assert_eq!(found(presence(Presence::Offline)), "carol");
    assert_eq!(found(presence(Presence::Disabled)), "bob");
    let admins = UserQuery {
        admin: Some(AdminRole::Full),
        active: Some(true),
        ..query()
    };
    assert_eq!(found(admins), "root");
    let both = UserQuery {
        active: Some(false),
        ..group("g-1")
    };
    assert_eq!(found(both), "bob");
    let counts = queries::counts(&home.db).expect("reads");
    assert_eq!((counts.online, counts.users), (2, 4), "devices are not people");
    let by_node = queries::online_by_node(&home.db).expect("reads");
    assert_eq!(by_node.values().collect::<Vec<_>>(), [&2]);
}

/// A device of node 1 is connected, or cut off.
fn device(home: &mut Home, session: &str, online: bool) {
    let (session, node, epoch) = (session.to_owned(), plenary_model::NodeId(1), 11);
    let change = if online {
        Change::DeviceOnline { session, node, epoch }
    } else {
        Change::DeviceOffline { session, node, epoch }
    };
    home.ok(system(), change);
}

#[test]
fn who_publishes_by_a_program_is_in_the_conference_without_a_device() {
    let mut home = crate::licensing::counting(&[], &["alice"]);
    crate::licensing::online(&mut home, "alice", "alice").expect("a seat");
    home.ok(by("alice"), room("team", "Team"));
    let mut change = crate::licensing::enter(1, crate::licensing::user("alice"));
    if let plenary_conference::Change::Enter { cid, via, .. } = &mut change {
        *cid = name("team");
        *via = plenary_conference::Via::Whip;
    }
    home.ok(system(), change);
    device(&mut home, "alice", false);
    let row = queries::user(&home.db, &name("alice")).expect("reads");
    assert_eq!(row.expect("there").presence, Presence::Owner);
}

#[test]
fn presence_follows_from_the_roster_and_says_no_more() {
    let mut home = crate::licensing::counting(&[], &["alice", "bob", "carol", "dave"]);
    for person in ["alice", "bob", "carol"] {
        crate::licensing::online(&mut home, person, person).expect("a seat for each device");
    }
    home.ok(by("alice"), room("team", "Team"));
    let into = |cid: &str, id: u64, who: &str| {
        let mut change = crate::licensing::enter(id, crate::licensing::user(who));
        if let plenary_conference::Change::Enter { cid: of, .. } = &mut change {
            *of = name(cid);
        }
        change
    };
    let of = |home: &Home, who: &str| {
        let row = queries::user(&home.db, &name(who))
            .expect("reads")
            .expect("there");
        let book = queries::address_book(&home.db, &name("root"), &search(who)).expect("reads");
        assert_eq!(book.items[0].presence, Some(row.presence), "both say the same");
        row.presence
    };
    home.ok(system(), into("team", 1, "alice"));
    home.ok(system(), into("team", 2, "bob"));
    assert_eq!(of(&home, "alice"), Presence::Owner);
    assert_eq!(of(&home, "bob"), Presence::InConference);
    assert_eq!(of(&home, "carol"), Presence::Online);
    assert_eq!(of(&home, "dave"), Presence::Offline);
    let count = |home: &Home, presence| {
        let query = UserQuery {
            list: list(50),
            presence: Some(presence),
            ..UserQuery::default()
        };
        ids(&queries::users(&home.db, &query).expect("reads")).join(" ")
    };
    assert_eq!(count(&home, Presence::Online), "alice bob carol");
    assert_eq!(count(&home, Presence::InConference), "alice bob");
    assert_eq!(count(&home, Presence::Owner), "alice");
    assert_eq!(count(&home, Presence::InCall), "");

    let dial = plenary_conference::Change::Dial {
        cid: name("c"),
        to: name("bob"),
    };
    home.ok(by("carol"), dial);
    home.ok(system(), into("c", 3, "carol"));
    assert_eq!(of(&home, "carol"), Presence::InCall);
    assert_eq!(of(&home, "bob"), Presence::InConference, "it only rings");
    home.ok(system(), into("c", 4, "bob"));
    assert_eq!(
        of(&home, "bob"),
        Presence::InCall,
        "that is what others must know"
    );
    assert_eq!(count(&home, Presence::InCall), "bob carol");

    // The page was closed without a word: the place is kept, and nobody is there.
    device(&mut home, "carol", false);
    assert_eq!(of(&home, "carol"), Presence::Offline);
    assert_eq!(count(&home, Presence::InCall), "bob");
    assert_eq!(count(&home, Presence::Online), "alice bob");
    device(&mut home, "carol", true);
    assert_eq!(of(&home, "carol"), Presence::InCall, "and comes back to it");

    let lost = Change::NodeLost {
        node: plenary_model::NodeId(1),
    };
    home.ok(system(), lost);
    assert_eq!(
        of(&home, "alice"),
        Presence::Offline,
        "the place is kept, but nobody is there"
    );
}
