use crate::world::*;
use plenary_access::Outcome;
use plenary_conference::*;
use plenary_model::{Timestamp, limits};

#[test]
fn lines_are_numbered_and_say_who_said_them() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("inside", 1, account("bob")));
    assert_eq!(world.ok(&say("open", 1, "One\nTwo")), Outcome::Said { line: 1 });
    assert_eq!(
        world.ok(&say("inside", 1, "Elsewhere")),
        Outcome::Said { line: 1 }
    );
    world.now = 50;
    assert_eq!(world.ok(&say("open", 1, " Three ")), Outcome::Said { line: 2 });
    let line = world.lines.get(&(name("open"), 2)).expect("there");
    assert_eq!(
        (line.participant, line.name.as_str()),
        (ParticipantId(1), "ALICE")
    );
    assert_eq!((line.text.as_str(), line.at), (" Three ", Timestamp(51)));
    assert_eq!(world.refused(&say("open", 2, "Nobody")), "not-found");
}

#[test]
fn lines_are_bounded() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    for bad in ["", " \n ", "a\u{0}b", "a\tb", &"x".repeat(4_001)] {
        assert_eq!(world.refused(&say("open", 1, bad)), "invalid-field");
    }
    world.ok(&say("open", 1, &"я".repeat(4_000)));
    let kept = limits::CHAT_LINES as u64;
    for number in 2..=kept + 3 {
        world.ok(&say("open", 1, &number.to_string()));
    }
    let chat = world.chat("open");
    assert_eq!(chat.len() as u64, kept);
    assert_eq!((chat[0], chat[chat.len() - 1].0), ((4, "4"), kept + 3));
}
