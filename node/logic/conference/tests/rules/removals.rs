//! Who was removed or not let in stays out of the run, and what the waiting room keeps (CONF-08).

use crate::{
    gate::{act, settings, with, with_pin},
    rings::call,
    watchers::watch,
    world::*,
};
use plenary_access::Refusal;
use plenary_conference::*;
use plenary_model::limits;
use proptest::prelude::*;

fn id(number: u64) -> ParticipantId {
    ParticipantId(number)
}

fn remove(number: u64) -> Change {
    act("open", 1, Act::Remove(id(number)))
}

/// Alice owns the room and is 1, bob is 2.
fn meeting() -> World {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("bob")));
    world
}

#[track_caller]
fn kept_out(world: &mut World, change: &Change) -> String {
    match world.refuses(&system(), change) {
        Refusal::KeptOut { code, .. } => code,
        other => other.code().to_owned(),
    }
}

/// One of many guests.
fn one_of_many(number: u64) -> GuestId {
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = (number >> (5 * place).min(63)) as u8 % 32;
    }
    GuestId::of_random(bytes)
}

/// A guest of this address, by a record of their own.
fn asks(number: u64, address: &str, called: &str) -> Change {
    let mut change = guest_enter("open", 1, number, None);
    if let Change::GuestEnter {
        guest, source, name, ..
    } = &mut change
    {
        *guest = one_of_many(number);
        (*source, *name) = (Some(format!("address:{address}")), called.into());
    }
    change
}

fn guest_from(world: &mut World, number: u64, address: &str, called: &str) -> Person {
    world.ok(&asks(number, address, called));
    Person::Guest(one_of_many(number))
}

#[test]
fn who_was_removed_does_not_come_back_into_the_run_by_any_way() {
    let mut world = meeting();
    world.ok(&remove(2));
    assert_eq!(
        kept_out(&mut world, &enter("open", 3, account("bob"))),
        "removed-from-meeting"
    );
    let mut program = enter("open", 3, account("bob"));
    if let Change::Enter { via, .. } = &mut program {
        *via = Via::Whip;
    }
    assert_eq!(kept_out(&mut world, &program), "removed-from-meeting");
    assert_eq!(
        kept_out(&mut world, &watch("open", 9, "bob")),
        "removed-from-meeting"
    );
    world.ok(&enter("open", 4, account("root")));
    world.ok(&act("open", 1, Act::End));
    world.ok(&enter("open", 5, account("bob")));
    assert!(world.removed.is_empty(), "it was for that run");
}

#[test]
fn of_a_program_only_programs_stay_out() {
    let mut world = meeting();
    let mut program = enter("open", 3, account("bob"));
    if let Change::Enter { via, .. } = &mut program {
        *via = Via::Whip;
    }
    world.ok(&program);
    world.ok(&remove(3));
    assert_eq!(kept_out(&mut world, &program), "removed-from-meeting");
    world.ok(&enter("open", 4, account("bob")));
}

#[test]
fn who_is_called_invited_named_or_let_back_comes_again() {
    for way in 0..4 {
        let mut world = meeting();
        world.ok(&remove(2));
        match way {
            0 => drop(
                world
                    .run(&user("alice"), &call("open", &["bob"]))
                    .expect("she may"),
            ),
            1 | 2 => {
                let people = Some(vec![name("bob")]);
                let patch = if way == 1 {
                    SettingsPatch {
                        invited: people,
                        ..SettingsPatch::default()
                    }
                } else {
                    SettingsPatch {
                        moderators: people,
                        ..SettingsPatch::default()
                    }
                };
                let change = update("open", settings(patch));
                world.run(&user("alice"), &change).expect("hers");
            }
            _ => {
                assert_eq!(act("open", 1, Act::LetBack(id(2))).level(), REMOVALS_LEVEL);
                world.ok(&act("open", 1, Act::LetBack(id(2))));
                assert_eq!(world.refused(&act("open", 1, Act::LetBack(id(2)))), "conflict");
            }
        }
        world.ok(&enter("open", 3, account("bob")));
        assert!(world.removed.is_empty(), "{way}");
        world.ok(&leave("open", 3, 0));
        world.ok(&enter("open", 4, account("bob")));
    }
}

#[test]
fn who_is_not_let_in_does_not_ask_again_and_guests_are_known() {
    let mut world = with(SettingsPatch {
        waiting_room: Some(Put::To(WaitingRoom::All)),
        ..SettingsPatch::default()
    });
    world.ok(&enter("open", 1, account("alice")));
    let guest = guest_from(&mut world, 1, "192.0.2.7", "Eve");
    world.ok(&enter("open", 2, guest.clone()));
    assert!(world.place("open", 2).standing.waiting.is_some());
    world.ok(&remove(2));
    assert_eq!(
        kept_out(&mut world, &enter("open", 3, guest)),
        "removed-from-meeting"
    );
    // As somebody new of the same name and address, but not from elsewhere.
    let again = guest_from(&mut world, 2, "192.0.2.7", "EVE");
    assert_eq!(
        kept_out(&mut world, &enter("open", 3, again)),
        "removed-from-meeting"
    );
    for (number, address, called) in [(3, "192.0.2.7", "Ann"), (4, "192.0.2.8", "Eve")] {
        let other = guest_from(&mut world, number, address, called);
        world.ok(&enter("open", 10 + number, other));
    }
    let abroad = stranger("eve@oslo.example.net");
    world.ok(&enter("open", 20, abroad.clone()));
    world.ok(&remove(20));
    assert_eq!(
        kept_out(&mut world, &enter("open", 21, abroad)),
        "removed-from-meeting"
    );
}

fn stranger(user: &str) -> Person {
    Person::Federated(name(user))
}

#[test]
fn of_so_many_who_were_removed_the_last_ones_are_known() {
    let mut world = meeting();
    for number in 0..=limits::REMOVED as u64 {
        let person = stranger(&format!("u{number}@oslo.example.net"));
        world.ok(&enter("open", 100 + number, person));
        world.ok(&remove(100 + number));
    }
    assert_eq!(world.removed.len(), limits::REMOVED);
    world.ok(&enter("open", 3, stranger("u0@oslo.example.net")));
    let second = enter("open", 4, stranger("u1@oslo.example.net"));
    assert_eq!(kept_out(&mut world, &second), "removed-from-meeting");
}

#[test]
fn below_the_level_nobody_remembers_it() {
    let mut world = meeting();
    world.level = REMOVALS_LEVEL - 1;
    world.ok(&remove(2));
    assert!(world.removed.is_empty());
    world.ok(&enter("open", 3, account("bob")));
}

#[test]
fn who_is_sent_back_keeps_what_they_must_not_do() {
    for level in [REMOVALS_LEVEL - 1, REMOVALS_LEVEL] {
        let mut world = meeting();
        world.level = level;
        let mut change = enter("open", 3, stranger("eve@oslo.example.net"));
        if let Change::Enter {
            screenless_at_home, ..
        } = &mut change
        {
            *screenless_at_home = true;
        }
        world.ok(&change);
        world.ok(&act("open", 1, Act::Mute(id(3))));
        world.ok(&act("open", 1, Act::StopCamera(id(3))));
        world.ok(&act("open", 1, Act::SendBack(id(3))));
        let standing = world.place("open", 3).standing;
        let kept = level == REMOVALS_LEVEL;
        assert_eq!(
            [standing.screenless_at_home, standing.hushed, standing.dimmed],
            [kept; 3]
        );
        world.ok(&act("open", 1, Act::Admit(id(3))));
        assert_eq!(!world.room("open").flow_of(world.place("open", 3)).voice, kept);
    }
}

#[test]
fn who_is_let_in_comes_in_muted_whatever_they_did_while_they_waited() {
    for (all, level) in [
        (false, REMOVALS_LEVEL),
        (true, REMOVALS_LEVEL),
        (true, REMOVALS_LEVEL - 1),
    ] {
        let mut world = with(SettingsPatch {
            waiting_room: Some(Put::To(WaitingRoom::All)),
            muted_on_entry: Some(true),
            camera_off_on_entry: Some(true),
            ..SettingsPatch::default()
        });
        world.level = level;
        world.ok(&enter("open", 1, account("alice")));
        world.ok(&enter("open", 2, account("bob")));
        let speaks = StatePatch {
            muted: Some(false),
            camera: Some(true),
            ..StatePatch::default()
        };
        world.ok(&set("open", 2, 0, speaks));
        let admit = if all { Act::AdmitAll } else { Act::Admit(id(2)) };
        world.ok(&act("open", 1, admit));
        let bob = world.place("open", 2);
        let silent = level == REMOVALS_LEVEL;
        assert_eq!((bob.muted, bob.camera), (silent, !silent));
        assert_eq!((bob.standing.hushed, bob.standing.dimmed), (silent, silent));
    }
}

#[test]
fn guests_guess_a_pin_so_often_together_and_no_more() {
    let mut world = with(crate::gate::pin("4711"));
    let most = limits::PIN_ATTEMPTS_OF_GUESTS;
    for number in 1..=u64::from(most) + 1 {
        let guest = guest_from(&mut world, number, &format!("192.0.2.{number}"), "Eve");
        let change = with_pin(enter("open", 100 + number, guest), "0000");
        if number <= u64::from(most) {
            assert_eq!(crate::gate::kept_out(&world.ok(&change)), "wrong-pin");
        } else {
            assert_eq!(kept_out(&mut world, &change), "too-many-pins");
        }
    }
    // Who has an account goes on trying, and who has registered.
    world.ok(&with_pin(enter("open", 1, account("bob")), "4711"));
    let form = crate::registration::form(Registration {
        on: true,
        others: true,
        ..Registration::default()
    });
    world
        .run(&user("alice"), &update("open", settings(form)))
        .expect("hers");
    world.ok(&register("open", 200));
    world.ok(&come_by("open", link(200, 200), 999));
    world.ok(&with_pin(enter("open", 2, Person::Guest(guest_id(200))), "4711"));
    let late = guest_from(&mut world, 201, "198.51.100.1", "Ann");
    assert_eq!(
        kept_out(&mut world, &with_pin(enter("open", 3, late.clone()), "4711")),
        "too-many-pins"
    );
    world.now += limits::PIN_WINDOW_MS;
    world.ok(&with_pin(enter("open", 3, late), "4711"));
}

#[test]
fn one_network_does_not_fill_a_conference_with_guests() {
    let mut world = World::with_rooms();
    let from = |number: u64, address: &str| asks(number, address, "Eve");
    let most = limits::GUESTS_PER_SOURCE as u64;
    for number in 1..=most {
        world.ok(&from(number, "192.0.2.7"));
    }
    assert_eq!(world.refused(&from(most + 1, "192.0.2.7")), "network-full");
    world.ok(&from(most + 1, "192.0.2.8"));
    world.level = REMOVALS_LEVEL - 1;
    world.ok(&from(most + 2, "192.0.2.7"));
}

#[test]
fn who_asked_and_did_not_come_takes_no_place_and_registrants_have_theirs() {
    let mut world = with(crate::registration::form(Registration {
        on: true,
        others: true,
        ..Registration::default()
    }));
    world.ok(&register("open", 200));
    world.ok(&guest_enter("open", 1, 1, None));
    let model = world.guests[&guest_id(1)].clone();
    for number in 1..limits::GUESTS_PER_CONFERENCE as u64 {
        let made = one_of_many(number);
        let guest = Guest {
            id: made.clone(),
            token: token(10_000 + number),
            ..model.clone()
        };
        world.guests.insert(made, guest);
    }
    assert_eq!(world.refused(&guest_enter("open", 2, 2, None)), "guests-full");
    world.ok(&come_by("open", link(200, 200), 3));
    world.now += 10 * 60_000;
    world.ok(&guest_enter("open", 2, 2, None));
}

/// Guests of an address whose tokens are valid.
fn valid_from(world: &World, address: &str) -> usize {
    let source = format!("address:{address}");
    let mut all: Vec<_> = world.guests.values().collect();
    all.retain(|guest| guest.source.as_deref() == Some(&source) && guest.expires_at.0 > world.now);
    all.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever comes from where and when: a network has its share and no more, and nobody is refused below it.
    #[test]
    fn no_network_has_more_than_its_share(
        steps in prop::collection::vec((any::<bool>(), 0u64..4 * 3_600_000), 1..24),
    ) {
        let mut world = World::with_rooms();
        let (near, far) = ("192.0.2.7", "192.0.2.8");
        world.ok(&asks(1, near, "Eve"));
        let model = world.guests[&one_of_many(1)].clone();
        // All but a few have come already, one after the other within an hour.
        for number in 2..=limits::GUESTS_PER_SOURCE as u64 - 2 {
            let guest = Guest {
                id: one_of_many(number),
                token: token(10_000 + number),
                expires_at: model.expires_at.plus_ms(number * 18_000),
                ..model.clone()
            };
            world.guests.insert(guest.id.clone(), guest);
        }
        for (number, (is_near, wait)) in (1_000..).zip(steps) {
            let address = if is_near { near } else { far };
            let is_full = valid_from(&world, address) >= limits::GUESTS_PER_SOURCE;
            let answer = world.run(&system(), &asks(number, address, "Eve"));
            prop_assert_eq!(answer.is_err(), is_full);
            if let Err(why) = answer {
                prop_assert_eq!(why.code(), "network-full");
            }
            prop_assert!(valid_from(&world, address) <= limits::GUESTS_PER_SOURCE);
            world.now += wait / 16;
        }
    }
}
