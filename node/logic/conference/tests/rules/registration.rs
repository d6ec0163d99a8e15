//! People register for a conference before they come, and come by their links.

use crate::{
    gate::{act, settings, with},
    schedules::{begin, plan_in},
    world::*,
};
use plenary_access::{Outcome, Refusal};
use plenary_conference::*;
use plenary_model::{Timestamp, limits};

fn guest(number: u8) -> Person {
    Person::Guest(guest_id(number))
}

fn on() -> Registration {
    Registration {
        on: true,
        ..Registration::default()
    }
}

pub(crate) fn form(registration: Registration) -> SettingsPatch {
    SettingsPatch {
        registration: Some(Box::new(registration)),
        ..SettingsPatch::default()
    }
}

/// `open` with registration.
fn registering(registration: Registration) -> World {
    with(form(registration))
}

fn change(world: &mut World, patch: SettingsPatch) {
    let change = update("open", settings(patch));
    world.run(&user("alice"), &change).expect("hers");
}

/// Registers with these details.
fn giving(id: u8, details: Details) -> Change {
    let mut change = register("open", id);
    if let Change::Register(new) = &mut change {
        new.details = details;
    }
    change
}

fn field(label: &str, kind: FieldKind, required: bool) -> Field {
    Field {
        id: 0,
        label: label.into(),
        kind,
        required,
    }
}

fn wrong(refusal: Refusal) -> String {
    match refusal {
        Refusal::Invalid { field, .. } => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_comes_in_only_after_registering() {
    let mut world = registering(on());
    assert_eq!(world.refused(&guest_enter("open", 1, 1, None)), "not-registered");
    world.ok(&register("open", 1));
    let outcome = world.ok(&come_by("open", link(1, 1), 1));
    let Outcome::GuestEntered { guest: id, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(id, guest_id(1), "the guest of the registration");
    world.ok(&enter("open", 1, guest(1)));
    assert_eq!(
        world.place("open", 1).name,
        "Ann 1",
        "as they said when they registered"
    );
    assert_eq!(
        world.registrants[&guest_id(1)].came_at,
        Some(Timestamp(world.now))
    );
    // With the token of before one stays who one was, without the link.
    world.ok(&guest_enter("open", 9, 2, Some(1)));
    assert_eq!(world.guests[&guest_id(1)].token, token(2));
    // Accounts need no form.
    world.ok(&enter("open", 2, account("bob")));
}

#[test]
fn guests_who_are_in_when_it_is_switched_on_do_not_come_again_without() {
    let mut world = World::with_rooms();
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&enter("open", 1, guest(1)));
    change(&mut world, form(on()));
    assert_eq!(world.inside("open"), [1], "who is in stays in");
    assert_eq!(world.refused(&enter("open", 2, guest(1))), "not-registered");
    assert_eq!(
        world.refused(&guest_enter("open", 2, 2, Some(1))),
        "not-registered"
    );
    change(&mut world, form(Registration { others: true, ..on() }));
    world.ok(&enter("open", 2, guest(1)));
    world.ok(&guest_enter("open", 2, 2, None));
}

#[test]
fn forged_foreign_and_ended_links_are_told_apart_from_good_ones_only() {
    let mut world = registering(on());
    world.ok(&register("open", 1));
    let other = Change::Create(NewConference {
        access: Access::Public,
        settings: form(on()),
        ..room("other")
    });
    world.run(&user("alice"), &other).expect("good");
    for (cid, link) in [("open", link(1, 2)), ("open", link(2, 1)), ("other", link(1, 1))] {
        assert_eq!(world.refused(&come_by(cid, link, 1)), "link-not-valid");
    }
    // Also where nobody must have registered: a link that is shown is a good one, or none.
    change(&mut world, form(Registration { others: true, ..on() }));
    assert_eq!(world.refused(&come_by("open", link(1, 2), 1)), "link-not-valid");
    world.ok(&come_by("open", link(1, 1), 1));
    let remove = Change::RemoveRegistrant {
        cid: name("open"),
        registrant: guest_id(1),
    };
    assert_eq!(world.refuses(&user("bob"), &remove).code(), "forbidden");
    world.ok(&enter("open", 1, guest(1)));
    world.run(&user("alice"), &remove).expect("hers");
    assert!(world.inside("open").is_empty() && world.guests.is_empty() && world.registrants.is_empty());
    assert_eq!(world.refused(&come_by("open", link(1, 1), 2)), "link-not-valid");
    assert_eq!(world.refused(&enter("open", 2, guest(1))), "not-found");
    assert_eq!(world.refuses(&user("alice"), &remove).code(), "not-found");
}

#[test]
fn who_comes_by_a_link_on_another_device_is_there_and_no_more_here() {
    let mut world = registering(on());
    world.ok(&register("open", 1));
    world.ok(&come_by("open", link(1, 1), 1));
    world.ok(&enter("open", 5, guest(1)));
    world.ok(&set("open", 5, 0, hand(true)));
    world.ok(&enter("open", 6, account("alice")));
    world.ok(&act("open", 6, Act::Mute(ParticipantId(5))));
    world.ok(&act("open", 6, Act::Lock));
    world.ok(&come_by("open", link(1, 1), 2));
    let mut there = enter("open", 7, guest(1));
    if let Change::Enter { node, epoch, .. } = &mut there {
        (*node, *epoch) = (plenary_model::NodeId(2), 12);
    }
    let taken = Outcome::TakenOver {
        participant: 5,
        moves: 1,
    };
    assert_eq!(world.ok(&there), taken, "who is in comes in though it is locked");
    assert_eq!(world.inside("open"), [5, 6]);
    let place = world.place("open", 5);
    assert_eq!((place.node.0, place.moves, place.away), (2, 1, false));
    assert!(place.hand.is_some() && place.muted && place.standing.hushed);
    // What comes from the first device counts for nothing.
    assert_eq!(world.refused(&resume("open", 5, secret(5))), "forbidden");
    world.ok(&leave("open", 5, 0));
    assert_eq!(world.inside("open"), [5, 6]);
    world.ok(&leave("open", 5, 1));
    assert_eq!(world.refused(&enter("open", 8, guest(1))), "locked");
}

#[test]
fn who_waits_waits_on_the_other_device_too() {
    let mut world = registering(on());
    change(
        &mut world,
        SettingsPatch {
            waiting_room: Some(Put::To(WaitingRoom::Guests)),
            ..SettingsPatch::default()
        },
    );
    world.ok(&register("open", 1));
    world.ok(&come_by("open", link(1, 1), 1));
    world.ok(&enter("open", 1, guest(1)));
    world.ok(&enter("open", 2, guest(1)));
    assert_eq!(world.inside("open"), [1]);
    assert!(world.place("open", 1).standing.waiting.is_some());
}

#[test]
fn registration_opens_closes_and_is_full() {
    let mut world = registering(Registration {
        opens_at: Some(Timestamp(10_000)),
        closes: Closes::At(Timestamp(20_000)),
        limit: Some(1),
        ..on()
    });
    let come = guest_enter("open", 9, 9, None);
    assert_eq!(world.refused(&register("open", 1)), "registration-not-open");
    assert_eq!(world.refused(&come), "registration-not-open");
    world.now = 10_000;
    world.ok(&register("open", 1));
    assert_eq!(world.refused(&register("open", 2)), "registration-full");
    assert_eq!(world.refused(&come), "registration-full");
    world.now = 20_000;
    assert_eq!(world.refused(&register("open", 2)), "registration-closed");
    assert_eq!(world.refused(&come), "registration-closed");
    world.ok(&come_by("open", link(1, 1), 1));
    change(&mut world, form(Registration { closed: true, ..on() }));
    assert_eq!(world.refused(&register("open", 2)), "registration-closed");
    change(&mut world, form(Registration { on: false, ..on() }));
    assert_eq!(world.refused(&register("open", 2)), "conflict");
    world.ok(&guest_enter("open", 2, 2, None));
    world.ok(&come_by("open", link(1, 1), 3));
}

#[test]
fn it_closes_when_the_conference_begins_and_when_it_is_over() {
    let mut world = World::with_rooms();
    let at_start = Registration {
        closes: Closes::AtStart,
        ..on()
    };
    let refusal = world.refuses(&user("alice"), &update("open", settings(form(at_start.clone()))));
    assert_eq!(
        wrong(refusal),
        "settings.registration.closes",
        "a virtual room is always open"
    );
    let plan = plan_in(world.now, 60_000, Some(30));
    let start = plan.next.expect("planned").start.0;
    let patch = Patch {
        plan: Some(plan),
        ..settings(form(at_start))
    };
    world.run(&user("alice"), &update("open", patch)).expect("hers");
    world.ok(&register("open", 1));
    world.now = start;
    assert_eq!(world.refused(&register("open", 2)), "registration-closed", "due");
    world.ok(&begin("open", start));
    assert_eq!(world.refused(&register("open", 2)), "registration-closed");
    change(&mut world, form(on()));
    world.ok(&register("open", 2));
    world.now += 31 * 60_000;
    world.ok(&Change::Sweep);
    assert_eq!(
        world.refused(&register("open", 3)),
        "registration-closed",
        "it is over"
    );
}

/// The field that is wrong, and how it becomes so.
type Wrong = (&'static str, fn(&mut Details));

#[test]
fn what_is_asked_must_be_given_and_nothing_else() {
    let choices = FieldKind::Choice(vec!["Red".into(), "Blue".into()]);
    let mut world = registering(Registration {
        asks: Asks {
            email: Ask::Required,
            phone: Ask::Optional,
            ..Asks::default()
        },
        fields: vec![
            field("Colour", choices, true),
            field("Why", FieldKind::LongText, false),
            field("First time", FieldKind::YesNo, false),
        ],
        consent: "Terms".into(),
        ..on()
    });
    let good = Details {
        name: " Ann ".into(),
        email: "ann@example.com".into(),
        answers: [
            (1, "Red".to_owned()),
            (2, " one\ntwo ".to_owned()),
            (3, YES.to_owned()),
        ]
        .into(),
        ..Details::default()
    };
    let mut agreed = giving(1, good);
    assert_eq!(wrong(world.refuses(&system(), &agreed)), "consent");
    if let Change::Register(new) = &mut agreed {
        new.consents = true;
    }
    let wrongs: [Wrong; 12] = [
        ("name", |of| of.name = " ".into()),
        ("name", |of| of.name = "x".repeat(129)),
        ("email", |of| of.email = String::new()),
        ("email", |of| of.email = "ann".into()),
        ("phone", |of| of.phone = "x".repeat(257)),
        ("phone", |of| of.phone = "a\nb".into()),
        ("job_title", |of| of.job_title = "Boss".into()),
        ("answers.1", |of| drop(of.answers.remove(&1))),
        ("answers.1", |of| drop(of.answers.insert(1, "Green".into()))),
        ("answers.2", |of| drop(of.answers.insert(2, "x".repeat(1_001)))),
        ("answers.3", |of| drop(of.answers.insert(3, "maybe".into()))),
        ("answers.4", |of| drop(of.answers.insert(4, "x".into()))),
    ];
    for (what, spoil) in wrongs {
        let mut change = agreed.clone();
        if let Change::Register(new) = &mut change {
            spoil(&mut new.details);
        }
        assert_eq!(wrong(world.refuses(&system(), &change)), what);
    }
    world.ok(&agreed);
    let kept = &world.registrants[&guest_id(1)].details;
    assert_eq!(
        (kept.name.as_str(), kept.answers[&2].as_str()),
        ("Ann", "one\ntwo")
    );
    assert_eq!(world.refused(&agreed), "exists");
}

#[test]
fn all_texts_of_a_registration_are_bounded_together() {
    let fields = (0..10).map(|_| field("More", FieldKind::LongText, false));
    let mut world = registering(Registration {
        fields: fields.collect(),
        ..on()
    });
    let answer = |count: usize| (1..=10).map(|id| (id, "x".repeat(count))).collect();
    let details = |count| Details {
        name: "Ann".into(),
        answers: answer(count),
        ..Details::default()
    };
    assert_eq!(
        wrong(world.refuses(&system(), &giving(1, details(900)))),
        "answers"
    );
    world.ok(&giving(1, details(800)));
}

#[test]
fn forms_that_make_no_sense_are_refused() {
    let mut world = World::with_rooms();
    let choice = |choices: &[&str]| {
        let choices = choices.iter().map(|choice| (*choice).to_owned());
        vec![field("One", FieldKind::Choice(choices.collect()), false)]
    };
    let text = |label: &str| field(label, FieldKind::Text, false);
    for (what, registration) in [
        (
            "fields",
            Registration {
                fields: (0..11).map(|_| text("x")).collect(),
                ..on()
            },
        ),
        (
            "fields.0.label",
            Registration {
                fields: vec![text(" ")],
                ..on()
            },
        ),
        (
            "fields.0.choices",
            Registration {
                fields: choice(&["a"]),
                ..on()
            },
        ),
        (
            "fields.0.choices",
            Registration {
                fields: choice(&["a", "a"]),
                ..on()
            },
        ),
        (
            "fields.0.choices",
            Registration {
                fields: choice(&["a", " b"]),
                ..on()
            },
        ),
        (
            "fields.0.id",
            Registration {
                fields: vec![Field { id: 7, ..text("x") }],
                ..on()
            },
        ),
        (
            "limit",
            Registration {
                limit: Some(5_001),
                ..on()
            },
        ),
        (
            "limit",
            Registration {
                limit: Some(0),
                ..on()
            },
        ),
        (
            "consent",
            Registration {
                consent: "x".repeat(2_001),
                ..on()
            },
        ),
        (
            "closes_at",
            Registration {
                opens_at: Some(Timestamp(9)),
                closes: Closes::At(Timestamp(9)),
                ..on()
            },
        ),
    ] {
        let refusal = world.refuses(&user("alice"), &update("open", settings(form(registration))));
        assert_eq!(wrong(refusal), format!("settings.registration.{what}"));
    }
    let refusal = world.refuses(&user("alice"), &update("inside", settings(form(on()))));
    assert_eq!(
        wrong(refusal),
        "settings.registration",
        "guests do not come there"
    );
    assert_eq!(world.refused(&register("inside", 1)), "not-found");
    assert_eq!(world.refused(&register("open", 1)), "conflict", "nobody needs to");
}

#[test]
fn numbers_of_fields_are_never_given_again() {
    let text = |label: &str| field(label, FieldKind::Text, false);
    let ids = |world: &World| {
        let registration = world.room("open").settings.registration.clone().expect("set");
        let fields = registration.fields.iter();
        fields
            .map(|field| (field.id, field.label.clone()))
            .collect::<Vec<_>>()
    };
    let mut world = registering(Registration {
        fields: vec![text("a"), text("b")],
        ..on()
    });
    let b = Field { id: 2, ..text("B") };
    change(
        &mut world,
        form(Registration {
            fields: vec![b, text("c")],
            ..on()
        }),
    );
    assert_eq!(ids(&world), [(2, "B".into()), (3, "c".into())]);
    change(&mut world, form(Registration { on: false, ..on() }));
    change(
        &mut world,
        form(Registration {
            fields: vec![text("d")],
            ..on()
        }),
    );
    assert_eq!(ids(&world), [(4, "d".into())]);
}

#[test]
fn registrations_are_bounded_by_source_conference_and_server() {
    let from = |id: u8, source: &str| {
        let mut change = register("open", id);
        if let Change::Register(new) = &mut change {
            new.source = Some(source.into());
        }
        change
    };
    let mut world = registering(on());
    world.more_registrants = limits::REGISTRANTS_PER_SOURCE as u64 - 1;
    world.ok(&from(1, "address:192.0.2.1"));
    assert_eq!(world.refused(&from(2, "address:192.0.2.1")), "full");
    world.ok(&register("open", 2));
    world.more_registrants = limits::REGISTRANTS_PER_CONFERENCE as u64 - 2;
    assert_eq!(world.refused(&register("open", 3)), "registration-full");
    // An ID that is somebody's registration is nobody else's.
    world.more_registrants = 0;
    change(&mut world, form(Registration { others: true, ..on() }));
    assert_eq!(world.refused(&guest_enter("open", 1, 5, None)), "exists");
}

#[test]
fn what_guests_may_not_do_does_not_flow() {
    let mut world = World::with_rooms();
    change(
        &mut world,
        SettingsPatch {
            guests: Some(GuestRights {
                chat: false,
                audio: false,
                video: true,
            }),
            ..SettingsPatch::default()
        },
    );
    world.ok(&guest_enter("open", 1, 1, None));
    world.ok(&enter("open", 1, guest(1)));
    world.ok(&enter("open", 2, account("bob")));
    let flow = |world: &World, id| world.room("open").flow_of(world.place("open", id));
    let of_guest = flow(&world, 1);
    assert_eq!(
        (of_guest.voice, of_guest.camera, of_guest.content),
        (false, true, true)
    );
    assert_eq!(flow(&world, 2), Flow::ALL);
    assert_eq!(world.refused(&say("open", 1, "Hello")), "forbidden");
    world.ok(&say("open", 2, "Hello"));
    let silent = GuestRights {
        chat: true,
        audio: true,
        video: false,
    };
    let patch = SettingsPatch {
        guests: Some(silent),
        ..SettingsPatch::default()
    };
    // What is needed while people meet, moderators change.
    let moderators = SettingsPatch {
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    change(&mut world, moderators);
    world
        .run(&user("bob"), &update("open", settings(patch)))
        .expect("a moderator");
    let of_guest = flow(&world, 1);
    assert_eq!(
        (of_guest.voice, of_guest.camera, of_guest.content),
        (true, false, false)
    );
    // Moderators are not less than others.
    world.ok(&act("open", 2, Act::MakeModerator(ParticipantId(1))));
    assert_eq!(flow(&world, 1), Flow::ALL);
}

#[test]
fn the_form_is_the_owners_and_what_is_new_comes_behind_its_level() {
    let mut world = registering(on());
    let moderators = SettingsPatch {
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    change(&mut world, moderators);
    let shut = update("open", settings(form(Registration { closed: true, ..on() })));
    assert_eq!(world.refuses(&user("bob"), &shut).code(), "forbidden");
    world.ok(&register("open", 1));
    let remove = Change::RemoveRegistrant {
        cid: name("open"),
        registrant: guest_id(1),
    };
    for change in [
        &shut,
        &remove,
        &register("open", 1),
        &come_by("open", link(1, 1), 1),
    ] {
        assert_eq!(change.level(), REGISTRATION_LEVEL);
    }
    assert!(guest_enter("open", 1, 1, None).level() < REGISTRATION_LEVEL);
    world
        .run(&user("bob"), &remove)
        .expect("moderators take registrations back");
    // With the conference goes all that was given.
    world.ok(&register("open", 2));
    world.run(&user("alice"), &delete("open")).expect("hers");
    assert!(world.registrants.is_empty());
}
