//! What happens at once, out of order or by who is not whom they say: each has one clear answer.

use crate::{
    gate::{act, settings, with},
    world::*,
};
use plenary_access::Refusal;
use plenary_conference::*;
use plenary_model::NodeId;

fn id(number: u64) -> ParticipantId {
    ParticipantId(number)
}

#[track_caller]
fn code(world: &mut World, change: &Change) -> String {
    match world.refuses(&system(), change) {
        Refusal::KeptOut { code, .. } => code,
        other => other.code().to_owned(),
    }
}

/// Alice owns the room and is 1, bob moderates and is 2, root is 3 and comes by node 1; with a waiting room, root waits.
fn meeting(waiting: bool) -> World {
    let mut world = with(SettingsPatch {
        waiting_room: Some(if waiting {
            Put::To(WaitingRoom::All)
        } else {
            Put::Nothing
        }),
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    });
    for (number, who) in [(1, "alice"), (2, "bob"), (3, "root")] {
        world.ok(&enter("open", number, account(who)));
    }
    assert_eq!(world.place("open", 3).standing.waiting.is_some(), waiting);
    world
}

#[test]
fn of_two_moderators_the_first_word_counts_and_the_second_hears_that_it_is_late() {
    let (admit, remove) = (Act::Admit(id(3)), Act::Remove(id(3)));
    let mut world = meeting(true);
    world.ok(&act("open", 1, remove.clone()));
    assert_eq!(world.refused(&act("open", 2, admit.clone())), "conflict");
    assert_eq!(world.inside("open"), [1, 2]);
    let mut world = meeting(true);
    world.ok(&act("open", 2, admit.clone()));
    world.ok(&act("open", 1, admit));
    assert!(world.place("open", 3).standing.waiting.is_none(), "twice is once");
    world.ok(&act("open", 1, remove.clone()));
    assert_eq!(world.refused(&act("open", 2, remove)), "conflict");
    // One gives a role, and the other one has sent them back by then.
    let mut world = meeting(false);
    world.ok(&act("open", 1, Act::SendBack(id(3))));
    assert_eq!(
        world.refused(&act("open", 2, Act::MakeModerator(id(3)))),
        "conflict"
    );
    assert!(!world.place("open", 3).standing.moderator);
    // One takes the role of the other, whose word comes after it.
    let mut world = meeting(false);
    world.ok(&act("open", 1, Act::MakeModerator(id(3))));
    world.ok(&act("open", 2, Act::UnmakeModerator(id(3))));
    assert_eq!(world.refused(&act("open", 3, Act::Mute(id(2)))), "forbidden");
    // Nobody takes the owner out, whoever asks.
    for change in [
        Act::Remove(id(1)),
        Act::SendBack(id(1)),
        Act::UnmakeModerator(id(1)),
    ] {
        assert_eq!(world.refused(&act("open", 2, change)), "conflict");
    }
}

#[test]
fn roles_change_while_a_node_is_lost_and_hold_for_who_comes_back() {
    let lost = Fact::NodeStands {
        node: NodeId(1),
        start: 0,
    };
    let mut world = meeting(false);
    for number in [1, 2] {
        world.ok(&resume("open", number, secret(number)));
    }
    world.follow(std::slice::from_ref(&lost));
    assert!(world.place("open", 3).away);
    world.ok(&act("open", 1, Act::MakeModerator(id(3))));
    world.ok(&resume("open", 3, secret(3)));
    world.ok(&act("open", 3, Act::Lock));
    world.ok(&act("open", 1, Act::UnmakeModerator(id(3))));
    assert_eq!(world.refused(&act("open", 3, Act::Unlock)), "forbidden");
    // Who is removed meanwhile does not take the place up again, nor another one.
    world.ok(&act("open", 1, Act::Unlock));
    world.ok(&act("open", 1, Act::Remove(id(3))));
    assert_eq!(world.refused(&resume("open", 3, secret(3))), "not-found");
    assert_eq!(
        code(&mut world, &enter("open", 4, account("root"))),
        "removed-from-meeting"
    );
}

#[test]
fn nobody_is_a_guest_by_an_id_that_they_made_up_or_that_is_anothers() {
    let mut world = World::with_rooms();
    let made_up = Person::Guest(guest_id(9));
    assert_eq!(world.refused(&enter("open", 1, made_up)), "not-found");
    world.ok(&guest_enter("open", 1, 1, None));
    // By the ID of somebody who is there already, with a token of one's own.
    assert_eq!(world.refused(&guest_enter("open", 1, 2, None)), "exists");
    assert_eq!(world.guests[&guest_id(1)].token, token(1));
    // In another conference than the one that they came to.
    let public = Patch {
        access: Some(Access::Public),
        ..Patch::default()
    };
    world.ok(&update("inside", public));
    let elsewhere = enter("inside", 1, Person::Guest(guest_id(1)));
    assert_eq!(world.refused(&elsewhere), "not-found");
    assert!(world.participants.is_empty());
}

#[test]
fn a_personal_link_that_was_shown_before_gives_nobody_a_second_place_and_ends_with_the_registration() {
    let form = crate::registration::form(Registration {
        on: true,
        ..Registration::default()
    });
    let mut world = with(form);
    world.ok(&register("open", 5));
    world.ok(&come_by("open", link(5, 5), 1));
    world.ok(&enter("open", 1, Person::Guest(guest_id(5))));
    // The same link once more, by whoever has seen it: the place moves, and there are never two.
    world.ok(&come_by("open", link(5, 5), 2));
    world.ok(&enter("open", 2, Person::Guest(guest_id(5))));
    assert_eq!(world.inside("open").len(), 1);
    assert_eq!(
        code(&mut world, &come_by("open", link(5, 6), 3)),
        "link-not-valid"
    );
    let taken_back = Change::RemoveRegistrant {
        cid: name("open"),
        registrant: guest_id(5),
    };
    world.ok(&taken_back);
    assert!(world.inside("open").is_empty());
    assert_eq!(
        code(&mut world, &come_by("open", link(5, 5), 4)),
        "link-not-valid"
    );
    let others = crate::registration::form(Registration {
        on: true,
        others: true,
        ..Registration::default()
    });
    world
        .run(&user("alice"), &update("open", settings(others)))
        .expect("hers");
    assert_eq!(
        code(&mut world, &come_by("open", link(5, 5), 4)),
        "link-not-valid",
        "also where others come without"
    );
}
