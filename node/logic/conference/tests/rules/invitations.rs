//! Invitations to the podium that can be declined (CONF-09).

use crate::{
    gate::{act, settings, with},
    world::*,
};
use plenary_conference::*;
use plenary_model::limits;

fn id(number: u64) -> ParticipantId {
    ParticipantId(number)
}

/// Alice owns the room, is 1 and on the podium, which has two places; Bob is 2, Root 3.
fn meeting(mode: Mode) -> World {
    let mut world = with(SettingsPatch {
        mode: Some(mode),
        podium_places: Some(2),
        ..SettingsPatch::default()
    });
    for (number, who) in [(1, "alice"), (2, "bob"), (3, "root")] {
        world.ok(&enter("open", number, account(who)));
    }
    world
}

fn invite(by: u64, whom: u64) -> Change {
    act("open", by, Act::InviteToPodium(id(whom)))
}

fn answer(who: u64, accepts: bool) -> Change {
    let patch = StatePatch {
        invitation: Some(accepts),
        ..StatePatch::default()
    };
    set("open", who, 0, patch)
}

fn state(world: &World, who: u64) -> Option<Invited> {
    let invitation = world.place("open", who).standing.invitation;
    invitation.map(|invitation| invitation.state)
}

fn is_up(world: &World, who: u64) -> bool {
    world.place("open", who).standing.podium.is_some()
}

#[test]
fn who_is_invited_accepts_and_takes_a_place() {
    let mut world = meeting(Mode::RoleBased);
    assert_eq!(world.refused(&invite(2, 3)), "forbidden");
    world.ok(&invite(1, 2));
    assert_eq!(state(&world, 2), Some(Invited::Asked));
    assert!(!is_up(&world, 2), "nobody is put there");
    world.ok(&answer(2, true));
    assert_eq!((state(&world, 2), is_up(&world, 2)), (None, true));
    world.ok(&act("open", 1, Act::TakePodium(id(2))));
    assert_eq!(world.refused(&answer(2, true)), "conflict", "once");
    assert_eq!(invite(1, 2).level(), MODERATION_LEVEL);
    assert_eq!(answer(2, true).level(), MODERATION_LEVEL);
    assert!(set("open", 2, 0, hand(true)).level() < MODERATION_LEVEL);
}

#[test]
fn who_declines_is_known_and_not_asked_again_at_once() {
    let mut world = meeting(Mode::RoleBased);
    world.ok(&invite(1, 2));
    world.ok(&answer(2, false));
    assert_eq!(
        (state(&world, 2), is_up(&world, 2)),
        (Some(Invited::Declined), false)
    );
    assert_eq!(world.refused(&invite(1, 2)), "conflict");
    world.now += limits::INVITATION_PAUSE_MS;
    world.ok(&invite(1, 2));
    assert_eq!(state(&world, 2), Some(Invited::Asked));
    world.ok(&answer(2, false));
    world.ok(&set("open", 2, 0, hand(true)));
    assert_eq!(state(&world, 2), None, "who asks has not declined any more");
    world.ok(&answer(2, false));
    assert_eq!(state(&world, 2), None, "there is nothing to decline");
}

#[test]
fn after_thirty_seconds_it_is_over_whether_swept_or_not() {
    let mut world = meeting(Mode::RoleBased);
    world.ok(&invite(1, 2));
    world.now += INVITATION_MS - 10;
    world.ok(&Change::Sweep);
    assert_eq!(state(&world, 2), Some(Invited::Asked));
    world.now += 10;
    assert_eq!(world.refused(&answer(2, true)), "conflict");
    world.ok(&Change::Sweep);
    assert_eq!(state(&world, 2), Some(Invited::Missed));
    world.ok(&invite(1, 2));
    world.ok(&answer(2, true));
    assert!(is_up(&world, 2), "asked again, without a pause");
}

#[test]
fn a_place_that_is_taken_meanwhile_is_said_and_the_invitation_stays() {
    let mut world = meeting(Mode::RoleBased);
    world.ok(&invite(1, 2));
    world.ok(&invite(1, 3));
    world.ok(&answer(3, true));
    assert_eq!(world.refused(&answer(2, true)), "full");
    world.ok(&act("open", 1, Act::TakePodium(id(3))));
    world.ok(&answer(2, true));
    assert_eq!(world.refused(&invite(1, 3)), "full");
}

#[test]
fn a_moderator_takes_it_back_and_leaving_or_the_waiting_room_ends_it() {
    let mut world = meeting(Mode::RoleBased);
    world.ok(&invite(1, 2));
    world.ok(&act("open", 1, Act::TakePodium(id(2))));
    assert_eq!(state(&world, 2), None);
    world.ok(&invite(1, 2));
    world.ok(&act("open", 1, Act::SendBack(id(2))));
    assert_eq!(state(&world, 2), None);
    assert_eq!(world.refused(&invite(1, 2)), "conflict");
    world.ok(&invite(1, 3));
    world.ok(&act("open", 1, Act::GivePodium(id(3))));
    assert_eq!((state(&world, 3), is_up(&world, 3)), (None, true));
}

#[test]
fn only_people_are_invited_and_where_moderators_give_places() {
    for mode in [Mode::AllOnScreen, Mode::Smart] {
        let mut world = meeting(mode);
        assert_eq!(world.refused(&invite(1, 2)), "conflict", "{mode:?}");
    }
    let mut world = meeting(Mode::RoleBased);
    let mut program = enter("open", 4, account("bob"));
    if let Change::Enter { via, .. } = &mut program {
        *via = Via::Whip;
    }
    world.ok(&program);
    assert_eq!(world.refused(&invite(1, 4)), "conflict");
    // The mode changes while somebody thinks about it.
    world.ok(&invite(1, 2));
    let smart = settings(SettingsPatch {
        mode: Some(Mode::Smart),
        podium_places: Some(3),
        ..SettingsPatch::default()
    });
    world.run(&user("alice"), &update("open", smart)).expect("hers");
    assert_eq!(world.refused(&answer(2, true)), "conflict");
}

#[test]
fn who_is_swept_away_does_not_come_back_by_an_invitation() {
    let mut world = meeting(Mode::RoleBased);
    world.ok(&invite(1, 2));
    let lost = Fact::NodeStands {
        node: plenary_model::NodeId(1),
        start: 0,
    };
    world.follow(&[lost]);
    world.now += AWAY_MS + 10;
    world.ok(&Change::Sweep);
    assert!(world.inside("open").is_empty());
}
