//! IDs that the server makes up (CONF-04).

use crate::world::*;
use plenary_access::Outcome;
use plenary_conference::*;
use plenary_model::{Cid, limits};

/// A conference whose ID is the first of these that is free.
fn made_up(ids: &[&str]) -> Change {
    Change::Create(NewConference {
        or_else: Some(ids[1..].iter().map(|id| name(id)).collect()),
        ..room(ids[0])
    })
}

fn made(cid: &str) -> Outcome {
    Outcome::Made { cid: name(cid) }
}

#[test]
fn the_server_takes_the_first_id_that_leads_nowhere_yet() {
    let mut world = World::new();
    world.called.insert(name("7777"));
    world.run(&user("alice"), &create("1111")).expect("good");
    let ids = ["1111", "bob", "7777", "join", "2222", "3333"];
    let outcome = world.run(&user("alice"), &made_up(&ids)).expect("one is free");
    assert_eq!(outcome, made("2222"));
    assert_eq!(world.room("2222").owner, name("alice"));
    let again = world.run(&user("bob"), &made_up(&ids)).expect("one is free");
    assert_eq!(again, made("3333"));
    assert_eq!(
        world.refuses(&user("bob"), &made_up(&ids)).code(),
        "conflict",
        "all of them are taken"
    );
}

#[test]
fn no_command_offers_ids_without_end() {
    let mut world = World::new();
    let mut ids: Vec<String> = (0..limits::CID_CANDIDATES)
        .map(|at| format!("taken-{at}"))
        .collect();
    for id in &ids {
        world.run(&root(), &create(id)).expect("good");
    }
    ids.push("free".into());
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(world.refuses(&user("alice"), &made_up(&ids)).code(), "conflict");
}

#[test]
fn where_owners_do_not_choose_ids_administrators_still_do() {
    let mut world = World::new();
    world.ids_by_administrators = true;
    assert_eq!(
        world.refuses(&user("alice"), &create("review")).code(),
        "invalid-field"
    );
    world.run(&user("alice"), &made_up(&["1111"])).expect("made up");
    world.run(&root(), &create("review")).expect("chosen");
    let level = made_up(&["1111"]).level();
    assert_eq!(level, IDS_LEVEL);
    assert!(create("review").level() < IDS_LEVEL);
    let known: Option<Cid> = world.conferences.keys().next().cloned();
    assert_eq!(known, Some(name("1111")));
}
