//! People of partners' servers in conferences of this one.

use crate::{
    gate::{act, kept_out, pin, settings, with, with_pin},
    world::*,
};
use plenary_access::PartnerTerms;
use plenary_conference::*;
use plenary_model::{Timestamp, limits};

fn demo2() -> Person {
    Person::Federated("demo2@oslo.example.net".parse().expect("good"))
}

fn waits(world: &World, id: u64) -> bool {
    world.place("open", id).standing.waiting.is_some()
}

#[test]
fn a_partners_user_comes_in_under_the_name_that_their_server_gives() {
    let mut world = World::with_rooms();
    let mut come = enter("open", 1, demo2());
    if let Change::Enter { name, .. } = &mut come {
        *name = Some("Demo Two".into());
    }
    world.ok(&come);
    let place = world.place("open", 1);
    assert_eq!((place.name.as_str(), &place.person), ("Demo Two", &demo2()));
    // Also into internal rooms: they have an account, if not here.
    world.ok(&enter("inside", 2, demo2()));
    assert_eq!(world.place("inside", 2).name, "demo2");
}

#[test]
fn what_they_are_at_home_does_not_travel() {
    let mut world = World::with_rooms();
    // An account of the same name is somebody else.
    world.operators.insert(name("demo2"));
    let moderators = SettingsPatch {
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(moderators)))
        .expect("hers");
    let bob = Person::Federated("bob@oslo.example.net".parse().expect("good"));
    for (id, person) in [(1, demo2()), (2, bob)] {
        world.ok(&enter("open", id, person));
        let place = world.place("open", id);
        assert!(!place.standing.operator);
        assert_eq!(world.room("open").role_of(place), Role::Participant);
    }
    world.ok(&enter("open", 3, account("alice")));
    world.ok(&act("open", 3, Act::MakeModerator(ParticipantId(1))));
    assert_eq!(
        world.room("open").role_of(world.place("open", 1)),
        Role::Moderator
    );
    // They call nobody in: it would ring under a name that this server does not know.
    let call = Change::Call {
        cid: name("open"),
        by: Some(ParticipantId(1)),
        whom: Whom::Invited,
    };
    assert_eq!(world.refused(&call), "forbidden");
}

#[test]
fn they_come_from_elsewhere() {
    for (room, wait) in [
        (WaitingRoom::All, true),
        (WaitingRoom::Uninvited, true),
        (WaitingRoom::UninvitedElsewhere, true),
        (WaitingRoom::Guests, false),
    ] {
        let mut world = with(SettingsPatch {
            waiting_room: Some(Put::To(room)),
            ..SettingsPatch::default()
        });
        world.ok(&enter("open", 1, account("alice")));
        world.ok(&enter("open", 2, demo2()));
        assert_eq!(waits(&world, 2), wait, "{room:?}");
    }
}

#[test]
fn pins_locks_and_lists_hold_for_them() {
    let mut world = with(SettingsPatch {
        pin: Some(Put::To(Pin("4711".into()))),
        ..SettingsPatch::default()
    });
    assert_eq!(world.refused(&enter("open", 1, demo2())), "pin-needed");
    let mut world = with(SettingsPatch {
        uninvited: Some(false),
        ..SettingsPatch::default()
    });
    assert_eq!(world.refused(&enter("open", 1, demo2())), "uninvited");
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&act("open", 1, Act::Lock));
    assert_eq!(world.refused(&enter("open", 2, demo2())), "locked");
}

#[test]
fn a_screen_needs_the_right_here_and_at_home() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, demo2()));
    let mut come = enter("open", 2, demo2());
    if let Change::Enter {
        screenless_at_home, ..
    } = &mut come
    {
        *screenless_at_home = true;
    }
    world.ok(&come);
    let shows = |world: &World, id: u64| world.room("open").flow_of(world.place("open", id)).content;
    assert_eq!((shows(&world, 1), shows(&world, 2)), (true, false));
    world.follow(&[Fact::FederatedShare(false)]);
    assert_eq!((shows(&world, 1), shows(&world, 2)), (false, false));
    world.follow(&[Fact::FederatedShare(true)]);
    assert_eq!((shows(&world, 1), shows(&world, 2)), (true, false));
}

/// New terms with a server.
fn agree(world: &mut World, server: &str, terms: PartnerTerms) {
    world.follow(&[Fact::Terms(&name(server), &terms)]);
}

#[test]
fn terms_on_screens_hold_for_who_is_there() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, demo2()));
    let kari = Person::Federated("kari@bergen.example.org".parse().expect("good"));
    world.ok(&enter("open", 2, kari));
    world.ok(&set("open", 1, 0, content(true)));
    let without = PartnerTerms {
        content: false,
        ..PartnerTerms::default()
    };
    agree(&mut world, "oslo.example.net", without);
    let shows = |world: &World, id: u64| world.room("open").flow_of(world.place("open", id)).content;
    assert_eq!((shows(&world, 1), shows(&world, 2)), (false, true));
    assert!(!world.place("open", 1).content, "what is shown ends");
    assert_eq!(world.refused(&set("open", 1, 0, content(true))), "forbidden");
    // Neither the group's right nor coming again gives it back.
    world.follow(&[Fact::FederatedShare(false)]);
    world.follow(&[Fact::FederatedShare(true)]);
    world.ok(&enter("open", 3, demo2()));
    assert_eq!(
        (shows(&world, 1), shows(&world, 2), shows(&world, 3)),
        (false, true, false)
    );
    agree(&mut world, "oslo.example.net", PartnerTerms::default());
    assert!(shows(&world, 1) && shows(&world, 3));
    world.level = TERMS_LEVEL - 1;
    agree(
        &mut world,
        "oslo.example.net",
        PartnerTerms {
            content: false,
            ..PartnerTerms::default()
        },
    );
    assert!(shows(&world, 1), "nodes of before know nothing of it");
}

#[test]
fn terms_on_chat_are_asked_with_each_line() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, demo2()));
    world.ok(&enter("open", 2, account("alice")));
    world.ok(&say("open", 1, "hello"));
    let silent = PartnerTerms {
        chat: false,
        ..PartnerTerms::default()
    };
    agree(&mut world, "oslo.example.net", silent);
    assert_eq!(world.refused(&say("open", 1, "hello?")), "forbidden");
    world.ok(&say("open", 2, "they cannot answer"));
    agree(&mut world, "oslo.example.net", PartnerTerms::default());
    world.ok(&say("open", 1, "here I am"));
}

#[test]
fn there_are_no_more_of_a_partner_than_there_may_be() {
    let mut world = World::with_rooms();
    let of = |who: &str| Person::Federated(format!("{who}@oslo.example.net").parse().expect("good"));
    let two = PartnerTerms {
        participants: Some(2),
        ..PartnerTerms::default()
    };
    agree(&mut world, "oslo.example.net", two.clone());
    world.ok(&enter("open", 1, of("olav")));
    world.ok(&enter("inside", 2, of("liv")));
    assert_eq!(world.refused(&enter("open", 3, of("nils"))), "partner-full");
    // Who is there comes with another device, and others come from elsewhere.
    world.ok(&enter("open", 4, of("olav")));
    world.ok(&enter(
        "open",
        5,
        Person::Federated("kari@bergen.example.org".parse().expect("good")),
    ));
    world.ok(&enter("open", 6, account("alice")));
    // Fewer: nobody leaves, and nobody comes.
    let one = PartnerTerms {
        participants: Some(1),
        ..two
    };
    agree(&mut world, "oslo.example.net", one);
    assert_eq!((world.inside("open").len(), world.inside("inside").len()), (4, 1));
    assert_eq!(world.refused(&enter("open", 7, of("nils"))), "partner-full");
    world.level = TERMS_LEVEL - 1;
    world.ok(&enter("open", 7, of("nils")));
}

#[test]
fn their_presence_is_none_of_ours() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, demo2()));
    let gone = Change::Leave {
        cid: name("open"),
        participant: ParticipantId(1),
        moves: 0,
    };
    world.ok(&gone);
    assert!(world.inside("open").is_empty());
    assert_eq!(enter("open", 1, demo2()).level(), FEDERATED_LEVEL);
    assert!(enter("open", 1, account("bob")).level() < FEDERATED_LEVEL);
}

fn of(user: &str, server: &str) -> Person {
    Person::Federated(name(&format!("{user}@{server}")))
}

fn tries(world: &mut World, id: u64, person: Person, digits: &str) -> Result<String, String> {
    match world.run(&system(), &with_pin(enter("open", id, person), digits)) {
        Ok(plenary_access::Outcome::Entered { .. }) => Ok("in".into()),
        Ok(outcome) => Ok(kept_out(&outcome).to_owned()),
        Err(refusal) => Err(refusal.to_string()),
    }
}

#[test]
fn a_partner_that_guesses_with_a_hundred_names_is_stopped_and_nobody_else_is() {
    let mut world = with(pin("4711"));
    let guesses = (0..100u64).map(|number| {
        let person = of(&format!("guess{number}"), "oslo.example.net");
        tries(&mut world, number, person, "0000")
    });
    let guesses: Vec<_> = guesses.collect();
    let (wrong, stopped) = guesses.split_at(limits::PIN_ATTEMPTS_OF_PARTNER as usize);
    assert!(wrong.iter().all(|said| *said == Ok("wrong-pin".into())));
    let words = "too many wrong PINs came from people of your server; try again in 10 min";
    assert!(
        stopped.iter().all(|said| *said == Err(words.into())),
        "{stopped:?}"
    );
    // Whoever of them knows the PIN waits too; who moderates needs none.
    assert!(tries(&mut world, 200, of("honest", "oslo.example.net"), "4711").is_err());
    let moderators = SettingsPatch {
        moderators_abroad: vec![name("chair@oslo.example.net")],
        ..SettingsPatch::default()
    };
    let change = update("open", settings(moderators));
    world.run(&user("alice"), &change).expect("hers");
    world.ok(&enter("open", 201, of("chair", "oslo.example.net")));
    // People of another partner, and one's own, are none of theirs.
    assert_eq!(
        tries(&mut world, 202, of("ann", "bergen.example.net"), "4711"),
        Ok("in".into())
    );
    assert_eq!(tries(&mut world, 203, account("bob"), "4711"), Ok("in".into()));
    world.now += limits::PIN_WINDOW_MS;
    assert_eq!(
        tries(&mut world, 204, of("honest", "oslo.example.net"), "4711"),
        Ok("in".into())
    );
}

#[test]
fn each_of_a_partner_has_their_own_attempts_and_who_knows_the_pin_does_not_begin_anew_for_the_others() {
    let mut world = with(pin("4711"));
    for id in 0..5 {
        let said = tries(&mut world, id, of("ann", "oslo.example.net"), "0000");
        assert_eq!(said, Ok("wrong-pin".into()));
    }
    let words = tries(&mut world, 5, of("ann", "oslo.example.net"), "4711").expect_err("stopped");
    assert!(words.contains("came from you"), "{words}");
    assert_eq!(tries(&mut world, 6, demo2(), "4711"), Ok("in".into()));
    let of_partner = |world: &World| {
        let key = (name("open"), "partner:oslo.example.net".to_owned());
        world.attempts.get(&key).map(|attempts| attempts.count)
    };
    assert_eq!(of_partner(&world), Some(5));
    world.now += limits::PIN_WINDOW_MS + 1;
    world.ok(&Change::Sweep);
    assert_eq!(of_partner(&world), None);
    // Of the last few of a partner's attempts one has no more than these.
    for number in 0..18 {
        let person = of(&format!("guess{number}"), "oslo.example.net");
        assert!(tries(&mut world, 20 + number, person, "0000").is_ok());
    }
    let change = with_pin(enter("open", 50, of("late", "oslo.example.net")), "0000");
    let outcome = world.ok(&change);
    assert!(format!("{outcome:?}").contains("1 more"), "{outcome:?}");
}

#[test]
fn nodes_of_before_count_wrong_pins_by_name_alone() {
    let mut world = with(pin("4711"));
    world.level = WATCHERS_LEVEL - 1;
    for number in 0..30 {
        let person = of(&format!("guess{number}"), "oslo.example.net");
        let said = tries(&mut world, number, person, "0000");
        assert_eq!(said, Ok("wrong-pin".into()));
    }
    assert!(
        world
            .attempts
            .keys()
            .all(|(_, source)| source.starts_with("federated:"))
    );
    assert!(
        world
            .attempts
            .values()
            .all(|attempts| attempts.last_at > Timestamp(0))
    );
}
