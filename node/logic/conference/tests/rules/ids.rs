//! IDs that the server makes up (CONF-04).

use crate::world::*;
use plenary_access::{Outcome, Topic};
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

#[test]
fn an_id_that_leads_to_somebody_or_a_group_is_not_chosen_for_a_conference() {
    let mut world = World::with_rooms();
    world.called.insert(name("info"));
    world
        .groups
        .insert(name("g-desk"), (name("desk"), Default::default()));
    for taken in ["bob", "desk", "info"] {
        for change in [create(taken), chosen("open", taken)] {
            let refusal = world.refuses(&user("alice"), &change);
            assert_eq!(refusal.code(), "invalid-field");
            assert!(refusal.to_string().contains(taken), "{refusal}");
        }
    }
    // What has such an ID from before keeps it.
    world.level = CHAT_LEVEL - 1;
    world.run(&user("alice"), &create("bob")).expect("as before");
    world.level = CHAT_LEVEL;
    world
        .run(&user("alice"), &chosen("bob", "bob"))
        .expect("it is the same");
    world.run(&user("alice"), &rename("bob", "Weekly")).expect("hers");
}

fn call_it(cid: &str, id: NewId) -> Change {
    let patch = Patch {
        id: Some(id),
        ..Patch::default()
    };
    update(cid, patch)
}

pub(crate) fn chosen(cid: &str, id: &str) -> Change {
    call_it(cid, NewId::Chosen(name(id)))
}

#[test]
fn everybody_stays_while_a_conference_gets_another_id() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("bob")));
    world.ok(&say("open", 2, "Hello"));
    let before = (
        world.participants.clone(),
        world.lines.clone(),
        world.runs.clone(),
    );
    world.notices.clear();
    world
        .run(&user("alice"), &chosen("open", "weekly"))
        .expect("good");
    assert_eq!(
        (
            world.participants.clone(),
            world.lines.clone(),
            world.runs.clone()
        ),
        before
    );
    let found = |world: &World, id: &str| world.conference_called(&name(id));
    assert_eq!(found(&world, "open"), None, "the old one leads nowhere");
    assert_eq!(found(&world, "weekly"), Some(world.room("open").clone()));
    let told = world
        .notices
        .iter()
        .any(|notice| notice.topic == Topic::Meetings && notice.object == "open");
    assert!(told, "those inside hear of it: {:?}", world.notices);
    let event = world.events.last().expect("one");
    let change = event.changes.first().expect("one");
    assert_eq!((event.object.as_str(), change.field.as_str()), ("weekly", "cid"));
    assert_eq!(change.before.as_deref(), Some("\"open\""));
    // Tokens of places count as before, and so does what they do.
    world.ok(&resume("open", 2, secret(2)));
    world.ok(&say("open", 2, "Still here"));
}

#[test]
fn an_id_that_is_free_again_is_given_to_another_conference() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world
        .run(&user("alice"), &chosen("open", "weekly"))
        .expect("good");
    world.run(&user("bob"), &create("open")).expect("the ID is free");
    let other = world.conference_called(&name("open")).expect("there");
    assert_eq!(other.owner, name("bob"));
    assert_ne!(other.cid, name("open"), "the key stays that of the first one");
    assert_eq!(world.inside("open"), [1], "nobody has moved");
    assert_eq!(world.inside(other.cid.as_str()), [0; 0]);
    let taken = world.refuses(&user("alice"), &chosen("open", "open"));
    assert_eq!(taken.code(), "exists", "it cannot go back");
    world
        .run(&user("bob"), &delete(other.cid.as_str()))
        .expect("its own");
    world
        .run(&user("alice"), &chosen("open", "open"))
        .expect("now it can");
    assert_eq!(world.room("open").called, None);
}

#[test]
fn only_who_may_change_a_conference_gives_it_another_id() {
    let mut world = World::with_rooms();
    let moderators = SettingsPatch {
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    let patch = Patch {
        settings: moderators,
        ..Patch::default()
    };
    world.run(&user("alice"), &update("open", patch)).expect("good");
    let refused = |world: &mut World, who: &str| {
        let refusal = world.refuses(&user(who), &chosen("open", "mine"));
        assert_eq!(refusal.code(), "forbidden", "{who}");
    };
    refused(&mut world, "carol");
    // Moderators do since then; nodes of before refuse that.
    world.level = DOORS_LEVEL - 1;
    refused(&mut world, "bob");
    world.level = DOORS_LEVEL;
    world
        .run(&user("bob"), &chosen("open", "his"))
        .expect("a moderator");
    assert_eq!(world.room("open").id().as_str(), "his");
    for (id, code) in [("inside", "exists"), ("join", "invalid-field")] {
        assert_eq!(world.refuses(&user("alice"), &chosen("open", id)).code(), code);
    }
    world.ids_by_administrators = true;
    assert_eq!(
        world.refuses(&user("alice"), &chosen("open", "mine")).code(),
        "invalid-field"
    );
    let ids = NewId::MadeUp(vec![name("inside"), name("bob"), name("4711")]);
    let outcome = world.run(&user("alice"), &call_it("open", ids)).expect("made up");
    assert_eq!(outcome, made("4711"));
    world.run(&root(), &chosen("open", "weekly")).expect("chosen");
    assert_eq!(chosen("open", "weekly").level(), IDS_LEVEL);
}

#[test]
fn of_two_changes_at_once_the_second_is_told() {
    let mut world = World::with_rooms();
    let seen = world.room("open").revision;
    let at = |id: &str| Change::Update {
        cid: name("open"),
        expect: Some(seen),
        patch: Patch {
            id: Some(NewId::Chosen(name(id))),
            ..Patch::default()
        },
    };
    world.run(&user("alice"), &at("weekly")).expect("the first");
    assert_eq!(world.refuses(&user("alice"), &at("monthly")).code(), "stale");
    world
        .run(&user("alice"), &chosen("inside", "monthly"))
        .expect("good");
    assert_eq!(
        world.refuses(&user("alice"), &chosen("open", "monthly")).code(),
        "exists"
    );
    assert_eq!(world.room("open").id(), &name("weekly"));
}
