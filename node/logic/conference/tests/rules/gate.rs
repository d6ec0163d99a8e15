//! The one gate: PIN, lock, waiting room, invitations, limits, ways.

use crate::world::*;
use plenary_access::{Outcome, Refusal};
use plenary_conference::*;
use plenary_model::{Timestamp, limits};

pub(crate) fn settings(patch: SettingsPatch) -> Patch {
    Patch {
        // Guests do not come where only those do who are invited.
        access: (patch.uninvited == Some(false)).then_some(Access::Internal),
        settings: patch,
        ..Patch::default()
    }
}

pub(crate) fn with(patch: SettingsPatch) -> World {
    let mut world = World::with_rooms();
    let change = update("open", settings(patch));
    world.run(&user("alice"), &change).expect("hers");
    world
}

pub(crate) fn act(cid: &str, by: u64, act: Act) -> Change {
    Change::Act {
        cid: name(cid),
        by: Some(ParticipantId(by)),
        act,
    }
}

pub(crate) fn with_pin(change: Change, digits: &str) -> Change {
    let mut change = change;
    if let Change::Enter { pin, .. } = &mut change {
        *pin = Some(Pin(digits.into()));
    }
    change
}

pub(crate) fn pin(digits: &str) -> SettingsPatch {
    SettingsPatch {
        pin: Some(Put::To(Pin(digits.into()))),
        ..SettingsPatch::default()
    }
}

pub(crate) fn kept_out(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::KeptOut { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pin_is_asked_of_all_but_owner_moderators_and_operators() {
    let mut world = with(pin("4711"));
    assert_eq!(world.refused(&enter("open", 1, account("bob"))), "pin-needed");
    world.ok(&with_pin(enter("open", 1, account("bob")), "4711"));
    world.ok(&enter("open", 2, account("alice")));
    assert_eq!(world.refused(&enter("open", 3, account("root"))), "pin-needed");
    world.operators.insert(name("root"));
    world.ok(&enter("open", 3, account("root")));
    assert!(world.place("open", 3).standing.operator);
    let moderators = SettingsPatch {
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(moderators)))
        .expect("hers");
    world.ok(&enter("open", 4, account("bob")));
    assert_eq!(
        world.room("open").role_of(world.place("open", 4)),
        Role::Moderator
    );
    for bad in ["123", "12345678901234567", "12a4", ""] {
        let refusal = world.refuses(&user("alice"), &update("open", settings(pin(bad))));
        assert_eq!(refusal.code(), "invalid-field", "{bad}");
    }
}

#[test]
fn a_pin_is_guessed_five_times_in_ten_minutes_by_each_source() {
    let mut world = with(pin("4711"));
    for (id, left) in [(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)] {
        let outcome = world.ok(&with_pin(enter("open", id, account("bob")), "0000"));
        assert_eq!(kept_out(&outcome), "wrong-pin");
        let Outcome::KeptOut {
            reason, left: told, ..
        } = outcome
        else {
            unreachable!()
        };
        assert_eq!(told, Some(left));
        assert!(reason.contains(&format!("{left} more")), "{reason}");
    }
    assert!(world.inside("open").is_empty());
    let right = with_pin(enter("open", 6, account("bob")), "4711");
    let refusal = world.refuses(&system(), &right);
    assert!(
        matches!(&refusal, Refusal::KeptOut { code, minutes: Some(10), .. } if code == "too-many-pins"),
        "{refusal:?}"
    );
    world.ok(&with_pin(enter("open", 7, account("root")), "4711"));
    world.now += limits::PIN_WINDOW_MS;
    world.ok(&right);
    assert!(world.attempts.is_empty(), "whoever knows the PIN begins anew");
    // Guests of one address are one source, however often they come as somebody new.
    for id in 1..=6 {
        let mut change = guest_enter("open", id, u64::from(id), None);
        if let Change::GuestEnter { source, .. } = &mut change {
            *source = Some("address:192.0.2.7".into());
        }
        world.ok(&change);
        let change = with_pin(
            enter("open", 20 + u64::from(id), Person::Guest(guest_id(id))),
            "1111",
        );
        if id <= 5 {
            assert_eq!(kept_out(&world.ok(&change)), "wrong-pin");
        } else {
            assert_eq!(world.refused(&change), "too-many-pins");
        }
    }
    world.now += limits::PIN_WINDOW_MS + 1;
    world.ok(&Change::Sweep);
    assert!(world.attempts.is_empty(), "and forgotten");
}

#[test]
fn a_locked_meeting_lets_in_moderators_and_who_is_invited_later() {
    let mut world = World::with_rooms();
    assert_eq!(
        world
            .refuses(
                &user("alice"),
                &Change::Act {
                    cid: name("open"),
                    by: None,
                    act: Act::Lock
                }
            )
            .code(),
        "conflict",
        "nobody is in"
    );
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&act("open", 1, Act::Lock));
    assert_eq!(world.refused(&enter("open", 2, account("bob"))), "locked");
    let invite = SettingsPatch {
        invited: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(invite)))
        .expect("hers");
    world.ok(&enter("open", 2, account("bob")));
    assert_eq!(world.refused(&enter("open", 3, account("root"))), "locked");
    world.operators.insert(name("root"));
    world.ok(&enter("open", 3, account("root")));
    for (id, moves) in [(1, 0), (2, 0), (3, 0)] {
        world.ok(&leave("open", id, moves));
    }
    world.operators.clear();
    world.ok(&enter("open", 4, account("root")));
    assert_eq!(world.inside("open"), [4], "a lock ends with the run");
}

#[test]
fn a_conference_that_begins_locked_waits_for_a_moderator_in_each_run() {
    let mut world = with(SettingsPatch {
        begins_locked: Some(true),
        invited: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    });
    let bob = |id| enter("open", id, account("bob"));
    assert_eq!(
        world.refused(&bob(1)),
        "locked",
        "nobody begins it but a moderator"
    );
    world.ok(&enter("open", 2, account("alice")));
    assert_eq!(
        world.refused(&bob(1)),
        "locked",
        "who was invited before is none of them"
    );
    world.ok(&act("open", 2, Act::Unlock));
    world.ok(&bob(1));
    world.ok(&leave("open", 1, 0));
    world.ok(&act("open", 2, Act::Lock));
    let again = SettingsPatch {
        invited: Some(vec![name("bob"), name("root")]),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(again)))
        .expect("hers");
    world.ok(&enter("open", 3, account("root")));
    world.ok(&act("open", 2, Act::End));
    assert_eq!(
        world.refused(&bob(4)),
        "locked",
        "the next run begins as this one did"
    );
    world.operators.insert(name("root"));
    world.ok(&enter("open", 5, account("root")));
    assert!(world.runs[&name("open")].locked_at.is_some());
    let off = SettingsPatch {
        begins_locked: Some(false),
        ..SettingsPatch::default()
    };
    assert_eq!(update("open", settings(off.clone())).level(), DOORS_LEVEL);
    world
        .run(&user("alice"), &update("open", settings(off)))
        .expect("hers");
    assert_eq!(
        world.refused(&bob(4)),
        "locked",
        "what goes on is as its moderators have it"
    );
    world.ok(&leave("open", 5, 0));
    world.ok(&bob(4));
}

#[test]
fn moderators_change_pin_and_waiting_room_while_people_meet() {
    let mut world = with(pin("4711"));
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&with_pin(enter("open", 2, account("bob")), "4711"));
    let set = |digits: Option<&str>| Act::SetPin(digits.map(|digits| Pin(digits.into())));
    assert_eq!(world.refused(&act("open", 2, set(Some("0815")))), "forbidden");
    // Also who is a moderator for this run alone.
    world.ok(&act("open", 1, Act::MakeModerator(ParticipantId(2))));
    world.events.clear();
    world.ok(&act("open", 2, set(Some("0815"))));
    assert_eq!(world.inside("open"), [1, 2], "who is in stays");
    assert!(world.told().contains(&"open".to_owned()));
    let told = format!("{:?}", world.events);
    assert!(told.contains("another one") && !told.contains("0815"), "{told}");
    let root = |digits| with_pin(enter("open", 3, account("root")), digits);
    let old = world.ok(&root("4711"));
    assert_eq!(kept_out(&old), "wrong-pin");
    for bad in ["1", "12345678901234567", "12a4"] {
        assert_eq!(world.refused(&act("open", 2, set(Some(bad)))), "invalid-field");
    }
    world.ok(&act("open", 1, set(None)));
    let waits = Act::SetWaitingRoom(Some(WaitingRoom::All));
    world.ok(&act("open", 2, waits.clone()));
    world.ok(&enter("open", 3, account("root")));
    assert!(world.place("open", 3).standing.waiting.is_some());
    world.ok(&act("open", 2, Act::SetWaitingRoom(None)));
    assert!(world.place("open", 3).standing.waiting.is_some(), "until let in");
    world.ok(&leave("open", 3, 0));
    world.ok(&enter("open", 4, account("root")));
    assert!(world.place("open", 4).standing.waiting.is_none());
    assert_eq!(act("open", 2, waits).level(), DOORS_LEVEL);
    assert_eq!(act("open", 2, set(None)).level(), DOORS_LEVEL);
}

#[test]
fn each_kind_of_waiting_room_keeps_those_it_is_for() {
    let kinds = [
        (WaitingRoom::All, [true, true, true]),
        (WaitingRoom::Uninvited, [false, true, true]),
        (WaitingRoom::UninvitedElsewhere, [false, false, true]),
        (WaitingRoom::Guests, [false, false, true]),
    ];
    for (kind, waits) in kinds {
        let mut world = with(SettingsPatch {
            waiting_room: Some(Put::To(kind)),
            invited: Some(vec![name("bob")]),
            ..SettingsPatch::default()
        });
        world.ok(&guest_enter("open", 1, 1, None));
        world.ok(&enter("open", 1, account("alice")));
        world.ok(&enter("open", 2, account("bob")));
        world.ok(&enter("open", 3, account("root")));
        world.ok(&enter("open", 4, Person::Guest(guest_id(1))));
        let waiting = |id| world.place("open", id).standing.waiting.is_some();
        assert_eq!([waiting(2), waiting(3), waiting(4)], waits, "{kind:?}");
        assert!(!waiting(1), "the owner never waits");
    }
    // Who is invited while the meeting runs was not expected.
    let mut world = with(SettingsPatch {
        waiting_room: Some(Put::To(WaitingRoom::Uninvited)),
        ..SettingsPatch::default()
    });
    world.ok(&enter("open", 1, account("alice")));
    world.now += 10;
    let invite = SettingsPatch {
        invited: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(invite)))
        .expect("hers");
    world.ok(&enter("open", 2, account("bob")));
    assert!(world.place("open", 2).standing.waiting.is_some());
}

#[test]
fn who_waits_does_nothing_until_let_in() {
    let mut world = with(SettingsPatch {
        waiting_room: Some(Put::To(WaitingRoom::All)),
        ..SettingsPatch::default()
    });
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("bob")));
    let react = |id| Change::React {
        cid: name("open"),
        participant: ParticipantId(id),
        moves: 0,
        text: "👍".into(),
    };
    assert_eq!(world.refused(&say("open", 2, "Hello")), "forbidden");
    assert_eq!(world.refused(&react(2)), "forbidden");
    let all = StatePatch {
        hand: Some(true),
        content: Some(true),
        ..StatePatch::default()
    };
    world.ok(&set("open", 2, 0, all));
    let bob = world.place("open", 2);
    assert_eq!((bob.hand, bob.content), (None, false));
    assert_eq!(world.room("open").flow_of(bob), Flow::default());
    assert_eq!(
        world.refused(&act("open", 2, Act::Admit(ParticipantId(2)))),
        "forbidden"
    );
    assert_eq!(
        world.refused(&act("open", 1, Act::Mute(ParticipantId(2)))),
        "conflict"
    );
    world.ok(&resume("open", 2, secret(2)));
    assert!(world.place("open", 2).standing.waiting.is_some(), "on every node");
    world.ok(&act("open", 1, Act::Admit(ParticipantId(2))));
    assert_eq!(world.room("open").flow_of(world.place("open", 2)), Flow::ALL);
    world.ok(&say("open", 2, "Hello"));
    world.ok(&act("open", 1, Act::SendBack(ParticipantId(2))));
    assert_eq!(world.refused(&say("open", 2, "Hello")), "forbidden");
    world.ok(&act("open", 1, Act::AdmitAll));
    assert!(world.place("open", 2).standing.waiting.is_none());
    world.ok(&act("open", 1, Act::SendBack(ParticipantId(2))));
    world.ok(&act("open", 1, Act::Remove(ParticipantId(2))));
    assert_eq!(world.inside("open"), [1]);
}

/// Every way and everybody who is not trusted, at each thing that keeps people out: none is passed.
#[test]
fn no_way_in_skips_a_gate() {
    let mut world = with(SettingsPatch {
        waiting_room: Some(Put::To(WaitingRoom::All)),
        ..pin("4711")
    });
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&act("open", 1, Act::Lock));
    let locked = world.runs[&name::<plenary_model::Cid>("open")].clone();
    let mut run = locked.clone();
    run.locked_at = None;
    let conference = world.room("open");
    let open = Conference {
        settings: Settings {
            pin: None,
            waiting_room: None,
            ..conference.settings.clone()
        },
        ..conference.clone()
    };
    let changed = |change: fn(&mut Conference)| {
        let mut conference = open.clone();
        change(&mut conference);
        conference
    };
    let by_hand = changed(|one| one.launch = Launch::ByHand);
    let invited = changed(|one| one.settings.uninvited = false);
    let asks = changed(|one| one.settings.pin = Some(Pin("4711".into())));
    let waits = changed(|one| one.settings.waiting_room = Some(WaitingRoom::All));
    let small = changed(|one| one.settings.participant_limit = Some(1));
    let closed = changed(|one| (one.settings.ways.browser, one.settings.ways.programs) = (false, false));
    let people = [
        account("bob"),
        Person::Guest(guest_id(1)),
        Person::Federated("demo2@oslo.example.net".parse().expect("good")),
    ];
    for way in [Way::Browser, Way::Publish, Way::Watch] {
        for person in &people {
            let comes = |conference: &Conference, run: &Run, pin: Option<&str>, count: u32| {
                let gate = Gate {
                    conference,
                    run: Some(run),
                    inside: 1,
                    guests: 0,
                    registered: 0,
                    partner_full: None,
                };
                let pin = pin.map(|digits| Pin(digits.into()));
                let knock = Knock {
                    visitor: person.visitor(false),
                    way,
                    pin: pin.as_ref(),
                    attempts: Attempts {
                        count,
                        last_at: Timestamp(world.now),
                    },
                    of_partner: Attempts::default(),
                    of_guests: Attempts::default(),
                    link: Link::None,
                    zone: None,
                    is_in: false,
                    called: Called::Unsaid,
                    now: Timestamp(world.now),
                };
                admit(&gate, &knock).map_err(KeptOut::code)
            };
            assert_eq!(
                comes(&open, &run, None, 0),
                Ok(Admission::Inside),
                "{way:?} {person:?}"
            );
            assert_eq!(comes(&open, &locked, None, 0), Err("locked"));
            assert_eq!(comes(&by_hand, &run, None, 0), Err("not-begun"));
            assert_eq!(comes(&invited, &run, None, 0), Err("uninvited"));
            assert_eq!(comes(&asks, &run, None, 0), Err("pin-needed"));
            assert_eq!(comes(&asks, &run, Some("1174"), 0), Err("wrong-pin"));
            assert_eq!(comes(&asks, &run, Some("4711"), 5), Err("too-many-pins"));
            assert_eq!(comes(&waits, &run, None, 0), Ok(Admission::Waiting));
            assert_eq!(comes(&small, &run, None, 0), Err("full"));
            assert_eq!(comes(&closed, &run, None, 0), Err("way-closed"));
        }
    }
}

/// What a call, and the terms with a partner's server, say counts at the same gate.
#[test]
fn calls_and_terms_pass_the_same_gate() {
    let world = World::with_rooms();
    let conference = world.room("open");
    let call = Conference {
        call: true,
        ..conference.clone()
    };
    let from = |who: &Person, conference: &Conference, called: Called, partner_full: Option<u32>| {
        let gate = Gate {
            conference,
            run: None,
            inside: 0,
            guests: 0,
            registered: 0,
            partner_full,
        };
        let knock = Knock {
            visitor: who.visitor(false),
            way: Way::Browser,
            pin: None,
            attempts: Attempts::default(),
            of_partner: Attempts::default(),
            of_guests: Attempts::default(),
            link: Link::None,
            zone: None,
            is_in: false,
            called,
            now: Timestamp(world.now),
        };
        admit(&gate, &knock).map_err(KeptOut::code)
    };
    let there = Person::Federated(name("demo2@oslo.example.net"));
    assert_eq!(
        from(&there, conference, Called::Unsaid, None),
        Ok(Admission::Inside)
    );
    assert_eq!(
        from(&there, conference, Called::Unsaid, Some(2)),
        Err("partner-full")
    );
    assert_eq!(from(&there, &call, Called::Unsaid, None), Err("uninvited"));
    assert_eq!(from(&there, &call, Called::No, None), Err("uninvited"));
    assert_eq!(
        from(&there, &call, Called::Elsewhere, None),
        Err("answered-elsewhere")
    );
    assert_eq!(from(&there, &call, Called::Yes, None), Ok(Admission::Inside));
    assert_eq!(from(&there, &call, Called::Yes, Some(2)), Err("partner-full"));
    let alice = account("alice");
    assert_eq!(from(&alice, &call, Called::Unsaid, None), Ok(Admission::Inside));
    assert_eq!(
        from(&alice, &call, Called::Elsewhere, None),
        Err("answered-elsewhere")
    );
    assert_eq!(
        from(&account("bob"), &call, Called::Unsaid, None),
        Err("uninvited")
    );
}

#[test]
fn a_public_conference_is_not_for_invited_people_only() {
    let mut world = World::with_rooms();
    let alice = user("alice");
    let patch = |access, uninvited| Patch {
        access,
        settings: SettingsPatch {
            uninvited,
            ..SettingsPatch::default()
        },
        ..Patch::default()
    };
    let wrong = |refusal: Refusal| match refusal {
        Refusal::Invalid { field, .. } => field,
        other => other.code().to_owned(),
    };
    let closes = update("open", patch(None, Some(false)));
    assert_eq!(wrong(world.refuses(&alice, &closes)), "uninvited");
    world
        .run(&alice, &update("inside", patch(None, Some(false))))
        .expect("it is internal");
    let opens = update("inside", patch(Some(Access::Public), None));
    assert_eq!(wrong(world.refuses(&alice, &opens)), "uninvited");
    let both = NewConference {
        access: Access::Public,
        settings: patch(None, Some(false)).settings,
        ..room("both")
    };
    assert_eq!(wrong(world.refuses(&alice, &Change::Create(both))), "uninvited");
    world
        .run(&alice, &update("inside", patch(Some(Access::Public), Some(true))))
        .expect("all may come");
    // What is so already stays, and other things of it change.
    world.level = REMOVALS_LEVEL - 1;
    world.run(&alice, &closes).expect("as before");
    world.level = NEWEST_LEVEL;
    world.run(&alice, &rename("open", "Mine")).expect("hers");
}

#[test]
fn uninvited_people_and_ways_can_be_shut_out() {
    let mut world = with(SettingsPatch {
        uninvited: Some(false),
        invited: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    });
    world.ok(&enter("open", 1, account("bob")));
    assert_eq!(world.refused(&enter("open", 2, account("root"))), "uninvited");
    assert_eq!(
        world.refused(&guest_enter("open", 1, 1, None)),
        "not-found",
        "guests are not told"
    );
    world.ok(&enter("open", 3, account("alice")));
    let program = |id, who| {
        let mut change = enter("open", id, who);
        if let Change::Enter { via, .. } = &mut change {
            *via = Via::Whip;
        }
        change
    };
    world.ok(&program(4, account("bob")));
    let browsers = SettingsPatch {
        ways: Some(Ways {
            programs: false,
            ..Ways::default()
        }),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(browsers)))
        .expect("hers");
    assert_eq!(world.refused(&program(5, account("alice"))), "way-closed");
}

#[test]
fn a_conference_may_take_fewer_than_the_server() {
    let mut world = with(SettingsPatch {
        participant_limit: Some(Put::To(2)),
        guest_limit: Some(Put::To(1)),
        ..SettingsPatch::default()
    });
    for id in 1..=2 {
        world.ok(&guest_enter("open", id, u64::from(id), None));
    }
    world.ok(&enter("open", 1, Person::Guest(guest_id(1))));
    assert_eq!(
        world.refused(&enter("open", 2, Person::Guest(guest_id(2)))),
        "guests-full",
        "one guest"
    );
    world.ok(&enter("open", 2, account("bob")));
    assert_eq!(
        world.refused(&enter("open", 3, account("root"))),
        "full",
        "two in all"
    );
    world.ok(&enter("open", 3, account("alice")));
    // Who was lost gets in again: the place of before goes.
    world.follow(&[Fact::NodeStands {
        node: plenary_model::NodeId(1),
        start: 21,
    }]);
    let mut again = enter("open", 4, account("bob"));
    if let Change::Enter { epoch, .. } = &mut again {
        *epoch = 21;
    }
    assert_eq!(world.refused(&again), "full", "three are kept, one of them his");
    world.ok(&leave("open", 3, 0));
    world.ok(&again);
    assert_eq!(world.inside("open"), [1, 4]);
}

#[test]
fn what_is_switched_off_on_entry_flows_only_after_the_own_switch() {
    let mut world = with(SettingsPatch {
        muted_on_entry: Some(true),
        camera_off_on_entry: Some(true),
        ..SettingsPatch::default()
    });
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("bob")));
    assert!(!world.place("open", 1).muted, "not the owner");
    let bob = world.place("open", 2);
    assert!(bob.muted && !bob.camera);
    let flow = world.room("open").flow_of(bob);
    assert!(!flow.voice && !flow.camera && flow.receives);
    let on = StatePatch {
        muted: Some(false),
        camera: Some(true),
        ..StatePatch::default()
    };
    world.ok(&set("open", 2, 0, on));
    assert_eq!(world.room("open").flow_of(world.place("open", 2)), Flow::ALL);
}

#[test]
fn moderators_change_what_is_needed_in_the_meeting_and_no_more() {
    let mut world = with(SettingsPatch {
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    });
    let open = |patch| update("open", settings(patch));
    world.run(&user("bob"), &open(pin("1234"))).expect("a moderator");
    let mode = SettingsPatch {
        mode: Some(Mode::Smart),
        ..SettingsPatch::default()
    };
    assert_eq!(world.refuses(&user("bob"), &open(mode)).code(), "forbidden");
    assert_eq!(
        world.refuses(&user("bob"), &rename("open", "Other")).code(),
        "forbidden"
    );
    let nobody = SettingsPatch {
        moderators: Some(vec![name("nobody")]),
        ..SettingsPatch::default()
    };
    assert_eq!(
        world.refuses(&user("alice"), &open(nobody)).code(),
        "invalid-field"
    );
    let told = world.events.iter().flat_map(|event| &event.changes);
    let pins: Vec<_> = told.filter(|change| change.field == "pin").collect();
    assert_eq!(pins.len(), 1);
    assert!(!format!("{pins:?}").contains("1234"), "a PIN is told to nobody");
    // Whoever gets the same user ID later is no moderator by it.
    world.follow(&[Fact::AccountRemoved(&name("bob"))]);
    assert!(world.room("open").settings.moderators.is_empty());
}

#[test]
fn before_the_level_of_settings_nothing_of_them_is_stored() {
    let mut world = World::with_rooms();
    world.level = plenary_access::MEETINGS_LEVEL;
    world.operators.insert(name("root"));
    world.ok(&enter("open", 1, account("root")));
    assert_eq!(world.place("open", 1).standing, Standing::default());
    let mut guest = guest_enter("open", 1, 1, None);
    if let Change::GuestEnter { source, .. } = &mut guest {
        *source = Some("address:192.0.2.7".into());
    }
    world.ok(&guest);
    assert_eq!(world.guests[&guest_id(1)].source, None);
    assert_eq!(create("new").level(), 2);
    assert_eq!(guest.level(), plenary_access::MEETINGS_LEVEL);
    let set = update("open", settings(pin("1234")));
    assert_eq!(
        (set.level(), act("open", 1, Act::End).level()),
        (CONFERENCES_LEVEL, CONFERENCES_LEVEL)
    );
    assert_eq!(world.room("open").settings, Settings::default());
    assert_eq!(world.runs[&name("open")].started_at, Timestamp(3));
}
