use crate::world::*;
use plenary_access::{Outcome, Refusal};
use plenary_conference::*;
use plenary_model::{Timestamp, limits};

const HOUR: u64 = 3_600_000;

fn guest(number: u8) -> Person {
    Person::Guest(guest_id(number))
}

fn close(cid: &str) -> Change {
    let patch = Patch {
        access: Some(Access::Internal),
        ..Patch::default()
    };
    update(cid, patch)
}

#[test]
fn guests_get_tokens_for_public_rooms_only_and_learn_of_no_others() {
    let mut world = World::with_rooms();
    let inside = world.refuses(&system(), &guest_enter("inside", 1, 1, None));
    let nowhere = world.refuses(&system(), &guest_enter("nowhere", 1, 1, None));
    for (refusal, cid) in [(inside, "inside"), (nowhere, "nowhere")] {
        let (what, id) = ("conference".into(), cid.into());
        assert_eq!(refusal, Refusal::NotFound { what, id });
    }
    let outcome = world.ok(&guest_enter("open", 1, 1, None));
    let expected = Outcome::GuestEntered {
        guest: guest_id(1),
        expires_at: Timestamp(world.now + 12 * HOUR),
        kept_until: None,
        new_key: false,
    };
    assert_eq!(outcome, expected);
    assert_eq!(world.guests[&guest_id(1)].name, "Guest 1");
    assert!(world.told().is_empty(), "nobody has come in yet");
    assert_eq!(world.refused(&guest_enter("open", 1, 2, None)), "exists");
    assert_eq!(world.refused(&guest_enter("open", 2, 1, None)), "exists");
    let mut unnamed = guest_enter("open", 2, 2, None);
    if let Change::GuestEnter { name, .. } = &mut unnamed {
        *name = " ".into();
    }
    assert_eq!(world.refused(&unnamed), "invalid-field");
}

#[test]
fn with_the_token_of_before_a_guest_stays_the_same() {
    let mut world = World::with_rooms();
    world.ok(&guest_enter("open", 1, 1, None));
    let made = world.guests[&guest_id(1)].created_at;
    world.now += HOUR;
    let outcome = world.ok(&guest_enter("open", 2, 2, Some(1)));
    let expires_at = Timestamp(world.now + 12 * HOUR);
    let kept = Outcome::GuestEntered {
        guest: guest_id(1),
        expires_at,
        kept_until: None,
        new_key: false,
    };
    assert_eq!(outcome, kept);
    let now_is = &world.guests[&guest_id(1)];
    assert_eq!((now_is.token, now_is.created_at), (token(2), made));
    assert_eq!((now_is.name.as_str(), now_is.expires_at), ("Guest 2", expires_at));
    assert_eq!(world.guests.len(), 1);
    // A token that has ended, of another room, or of nobody makes a new guest.
    world.ok(&guest_enter("open", 3, 3, Some(1)));
    let public = Change::Create(NewConference {
        access: Access::Public,
        ..room("other")
    });
    world.run(&user("alice"), &public).expect("good");
    world.ok(&guest_enter("other", 4, 4, Some(3)));
    world.now += 12 * HOUR;
    world.ok(&guest_enter("open", 5, 5, Some(3)));
    let ids: Vec<_> = world.guests.keys().cloned().collect();
    assert_eq!(ids, [guest_id(5)], "those whose tokens have ended are forgotten");
}

#[test]
fn guests_come_in_by_their_record() {
    let mut world = World::with_rooms();
    assert_eq!(world.refused(&enter("open", 1, guest(1))), "not-found");
    world.ok(&guest_enter("open", 1, 1, None));
    let public = Patch {
        access: Some(Access::Public),
        ..Patch::default()
    };
    world
        .run(&user("alice"), &update("inside", public))
        .expect("hers");
    assert_eq!(
        world.refused(&enter("inside", 1, guest(1))),
        "not-found",
        "another room"
    );
    world.ok(&enter("open", 1, guest(1)));
    assert_eq!(world.place("open", 1).name, "Guest 1");
    world.now += 12 * HOUR;
    assert_eq!(world.refused(&enter("open", 2, guest(1))), "not-found", "ended");
    world.ok(&Change::Sweep);
    assert!(world.guests.is_empty());
    assert_eq!(world.inside("open"), [1], "who is in stays in");
}

#[test]
fn a_room_that_becomes_internal_shuts_guests_out() {
    let mut world = World::with_rooms();
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&guest_enter("open", 2, 2, None));
    world.ok(&enter("open", 1, guest(1)));
    world.ok(&enter("open", 2, account("alice")));
    world.ok(&say("open", 1, "Hello"));
    world.told();
    world.run(&user("alice"), &close("open")).expect("hers");
    assert!(world.guests.is_empty());
    assert_eq!(world.inside("open"), [2]);
    assert_eq!(world.chat("open").len(), 1);
    assert!(world.told().contains(&"open".to_owned()));
    assert_eq!(world.refused(&enter("open", 3, guest(1))), "forbidden");
    assert_eq!(world.refused(&guest_enter("open", 3, 3, Some(1))), "not-found");
    assert_eq!(world.runs[&name("open")].participants, 1);
}

#[test]
fn the_last_guest_ends_the_run_when_the_room_becomes_internal() {
    let mut world = World::with_rooms();
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&enter("open", 1, guest(1)));
    world.ok(&say("open", 1, "Hello"));
    world.run(&user("alice"), &close("open")).expect("hers");
    assert!(!world.runs[&name("open")].is_on());
}

#[test]
fn guests_of_a_room_and_of_a_server_are_bounded() {
    let mut world = World::with_rooms();
    // Of those who ask now: `who_asked_and_did_not_come_takes_no_place_and_registrants_have_theirs`.
    world.level = REMOVALS_LEVEL - 1;
    world.ok(&guest_enter("open", 1, 1, None));
    let ended = world.guests[&guest_id(1)].clone();
    for number in 1..limits::GUESTS_PER_CONFERENCE as u64 {
        let mut bytes = [0; 16];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = (number >> (5 * place).min(63)) as u8 % 32;
        }
        let id = GuestId::of_random(bytes);
        let one = Guest {
            id: id.clone(),
            token: token(1_000 + number),
            expires_at: Timestamp(100 * HOUR),
            ..ended.clone()
        };
        world.guests.insert(id, one);
    }
    assert_eq!(world.guests.len(), limits::GUESTS_PER_CONFERENCE);
    assert_eq!(world.refused(&guest_enter("open", 2, 2, None)), "full");
    world.ok(&guest_enter("open", 2, 2, Some(1)));
    world.now += 13 * HOUR;
    world.ok(&guest_enter("open", 3, 3, None));
    assert_eq!(world.refused(&guest_enter("open", 4, 4, None)), "full");

    let mut world = World::with_rooms();
    world.more_guests = limits::GUESTS as u64 - 1;
    world.ok(&guest_enter("open", 1, 1, None));
    assert_eq!(world.refused(&guest_enter("open", 2, 2, None)), "server-full");
}

const DAY: u64 = 24 * HOUR;

fn id_of(outcome: &Outcome) -> GuestId {
    match outcome {
        Outcome::GuestEntered { guest, .. } => guest.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_comes_back_by_a_key_for_thirty_days_after_each_visit() {
    let mut world = World::with_rooms();
    let outcome = world.ok(&come_back("open", 1, 1, None, 101));
    let Outcome::GuestEntered {
        kept_until, new_key, ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (kept_until, new_key),
        (Some(Timestamp(world.now + 30 * DAY)), true)
    );
    for visit in 2..=4 {
        world.now += 29 * DAY;
        world.ok(&Change::Sweep);
        let outcome = world.ok(&come_back("open", 9, visit, Some(99 + visit), 100 + visit));
        assert_eq!(id_of(&outcome), guest_id(1));
        assert_eq!(
            world.guests[&guest_id(1)].name,
            "Guest 9",
            "the name is as they say now"
        );
    }
    world.now += 30 * DAY;
    assert_eq!(
        id_of(&world.ok(&come_back("open", 5, 5, Some(104), 105))),
        guest_id(5),
        "after that they are somebody else"
    );
    assert_eq!(world.guests.len(), 1, "and nothing is kept of who they were");
}

#[test]
fn a_stolen_token_gives_no_key_and_a_key_that_was_followed_by_another_is_worth_nothing() {
    let mut world = World::with_rooms();
    world.ok(&come_back("open", 1, 1, None, 101));
    // Whoever has the token alone has the guest as long as it is valid, and gets no key of their own.
    let mut stolen = guest_enter("open", 2, 2, Some(1));
    if let Change::GuestEnter { key, .. } = &mut stolen {
        *key = Some(token(900));
    }
    let outcome = world.ok(&stolen);
    assert_eq!(id_of(&outcome), guest_id(1));
    assert!(matches!(outcome, Outcome::GuestEntered { new_key: false, .. }));
    world.now += 13 * HOUR;
    assert_eq!(
        id_of(&world.ok(&come_back("open", 3, 3, Some(900), 901))),
        guest_id(3)
    );
    // The browser comes back; its answer is lost, so it comes by the same key again.
    for visit in [4, 5] {
        let outcome = world.ok(&come_back("open", 8, visit, Some(101), 100 + visit));
        assert_eq!(id_of(&outcome), guest_id(1));
    }
    assert_eq!(
        id_of(&world.ok(&come_back("open", 8, 6, Some(105), 106))),
        guest_id(1)
    );
    assert_eq!(
        id_of(&world.ok(&come_back("open", 7, 7, Some(101), 107))),
        guest_id(7)
    );
    assert_eq!(
        id_of(&world.ok(&come_back("open", 6, 8, Some(104), 108))),
        guest_id(6)
    );
    // A key is one of its conference.
    let public = Change::Create(NewConference {
        access: Access::Public,
        ..room("other")
    });
    world.run(&user("alice"), &public).expect("good");
    assert_eq!(
        id_of(&world.ok(&come_back("other", 4, 9, Some(106), 109))),
        guest_id(4)
    );
}

#[test]
fn who_says_to_be_somebody_else_is_forgotten() {
    let mut world = World::with_rooms();
    world.ok(&come_back("open", 1, 1, None, 101));
    world.ok(&enter("open", 1, guest(1)));
    let forget = |key| Change::ForgetGuest {
        cid: name("open"),
        key: token(key),
    };
    world.ok(&forget(7));
    assert_eq!(world.guests.len(), 1, "by no other key");
    world.ok(&forget(101));
    assert!(world.guests.is_empty());
    assert_eq!(world.inside("open"), [1], "who is in stays in");
    assert_eq!(world.refused(&enter("open", 2, guest(1))), "not-found");
    assert_eq!(
        id_of(&world.ok(&come_back("open", 2, 2, Some(101), 102))),
        guest_id(2)
    );
    assert_eq!(forget(1).level(), CHAT_LEVEL);
    assert_eq!(come_back("open", 1, 1, None, 1).level(), CHAT_LEVEL);
    assert!(guest_enter("open", 1, 1, None).level() < CHAT_LEVEL);
}

#[test]
fn of_too_many_kept_guests_those_who_came_the_longest_ago_go() {
    let mut world = World::with_rooms();
    world.ok(&come_back("open", 1, 1, None, 101));
    world.now += HOUR;
    world.ok(&come_back("open", 2, 2, None, 102));
    world.now += 13 * HOUR;
    world.more_stored_guests = limits::KEPT_GUESTS as u64 - 2;
    world.ok(&come_back("open", 3, 3, None, 103));
    let ids: Vec<_> = world.guests.keys().cloned().collect();
    assert_eq!(ids, [guest_id(2), guest_id(3)]);
    world.ok(&come_back("open", 9, 4, Some(102), 104));
    assert_eq!(world.guests.len(), 2, "who comes back takes nobody's place");
}

#[test]
fn what_a_guest_said_is_theirs_when_they_come_back() {
    let mut world = World::with_rooms();
    world.ok(&come_back("open", 1, 1, None, 101));
    world.ok(&enter("open", 1, guest(1)));
    world.ok(&enter("open", 2, account("alice")));
    world.ok(&say("open", 1, "Helo"));
    world.now += 13 * HOUR;
    world.ok(&leave("open", 1, 0));
    world.ok(&come_back("open", 9, 2, Some(101), 102));
    world.ok(&enter("open", 3, guest(1)));
    world.ok(&crate::chat::edit("open", 3, 1, "Hello"));
    assert_eq!(world.chat("open"), [(1, "Hello")]);
}
