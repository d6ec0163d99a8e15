use crate::world::*;
use plenary_access::{Outcome, Refusal};
use plenary_conference::*;
use plenary_model::{NodeId, Timestamp, limits};

#[test]
fn a_run_begins_with_the_first_and_ends_with_the_last() {
    let mut world = World::with_rooms();
    world.now = 100;
    let outcome = world.ok(&enter("open", 1, account("alice")));
    assert_eq!(outcome, Outcome::Entered { moves: 0 });
    let alice = world.place("open", 1).clone();
    assert_eq!(
        (alice.name.as_str(), alice.muted, alice.camera),
        ("ALICE", false, true)
    );
    assert_eq!(
        (alice.joined_at, alice.moves, alice.away),
        (Timestamp(101), 0, false)
    );
    world.ok(&enter("open", 2, account("bob")));
    world.ok(&say("open", 1, "Hello"));
    let run = &world.runs[&alice.cid];
    assert_eq!((run.started_at, run.participants), (Timestamp(101), 2));
    world.ok(&leave("open", 1, 0));
    assert_eq!(world.chat("open"), [(1, "Hello")], "the run goes on");
    world.ok(&leave("open", 2, 0));
    assert_eq!(world.chat("open"), [(1, "Hello")], "which stays");
    assert_eq!(world.told(), ["open"; 5]);
    world.ok(&enter("open", 3, account("bob")));
    assert_eq!(world.runs[&alice.cid].started_at, Timestamp(106));
    world.ok(&say("open", 3, "Again"));
    assert_eq!(
        world.chat("open"),
        [(1, "Hello"), (2, "Again")],
        "numbers of lines only rise"
    );
    let told: Vec<&str> = world
        .events
        .iter()
        .map(|event| event.description.as_str())
        .collect();
    assert_eq!(told, ["started", "everybody left", "started"]);
}

#[test]
fn only_the_server_itself_changes_meetings() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    for change in [
        enter("open", 2, account("bob")),
        leave("open", 1, 0),
        say("open", 1, "Hello"),
        guest_enter("open", 1, 1, None),
        Change::Sweep,
    ] {
        for asker in [user("alice"), root()] {
            assert_eq!(world.refuses(&asker, &change).code(), "forbidden");
        }
    }
}

#[test]
fn who_may_not_come_in_is_told_why() {
    let mut world = World::with_rooms();
    assert_eq!(world.refused(&enter("nowhere", 1, account("alice"))), "not-found");
    assert_eq!(world.refused(&enter("open", 1, account("nobody"))), "not-found");
    world.follow(&[Fact::AccountDisabled(&name("bob"))]);
    assert_eq!(
        world.refused(&enter("open", 1, account("bob"))),
        "account-disabled"
    );
    world.ok(&enter("open", 1, account("alice")));
    assert_eq!(world.refused(&enter("open", 1, account("alice"))), "exists");
    let named = |text: &str| {
        let mut change = enter("open", 2, account("alice"));
        if let Change::Enter { name, via, .. } = &mut change {
            *name = Some(text.into());
            *via = Via::Whip;
        }
        change
    };
    for bad in ["", "  ", "a\nb", &"x".repeat(129)] {
        assert_eq!(world.refused(&named(bad)), "invalid-field", "{bad:?}");
    }
    world.ok(&named(" Studio "));
    assert_eq!(world.place("open", 2).name, "Studio");
}

#[test]
fn only_starts_of_nodes_that_run_hold_places() {
    let mut world = World::with_rooms();
    let on = |number: u64, start: u64| {
        let mut change = enter("open", 1, account("alice"));
        if let Change::Enter { node, epoch, .. } = &mut change {
            (*node, *epoch) = (NodeId(number), start);
        }
        change
    };
    world.follow(&[Fact::NodeStands {
        node: NodeId(2),
        start: 0,
    }]);
    for (node, start) in [(1, 12), (2, 12), (2, 0), (3, 11)] {
        assert_eq!(world.refused(&on(node, start)), "conflict");
    }
    world.ok(&on(1, 11));
    assert_eq!(world.refused(&resume("open", 1, secret(1))), "conflict");
}

#[test]
fn a_place_is_taken_up_again_with_its_secret_only() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&set("open", 1, 0, hand(true)));
    let before = world.place("open", 1).clone();
    let refusal = world.refuses(&system(), &resume("open", 1, secret(2)));
    assert!(matches!(refusal, Refusal::Forbidden { .. }));
    assert_eq!(world.refused(&resume("open", 2, secret(2))), "not-found");
    assert_eq!(world.refused(&resume("inside", 1, secret(1))), "not-found");
    let outcome = world.ok(&resume("open", 1, secret(1)));
    assert_eq!(outcome, Outcome::Entered { moves: 1 });
    let after = Participant {
        node: NodeId(2),
        epoch: 12,
        moves: 1,
        ..before
    };
    assert_eq!(*world.place("open", 1), after);
    assert_eq!(world.inside("open"), [1], "nobody has two places by that");
}

#[test]
fn late_words_of_an_earlier_time_change_nothing() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&resume("open", 1, secret(1)));
    let before = world.place("open", 1).clone();
    world.told();
    let react = |moves| Change::React {
        cid: name("open"),
        participant: ParticipantId(1),
        moves,
        text: "👍".into(),
    };
    let mute = StatePatch {
        muted: Some(true),
        ..StatePatch::default()
    };
    for late in [
        leave("open", 1, 0),
        set("open", 1, 0, mute),
        react(0),
        leave("open", 7, 0),
    ] {
        assert_eq!(world.ok(&late), Outcome::Done);
    }
    assert_eq!(*world.place("open", 1), before);
    assert!(world.told().is_empty());
    world.ok(&set("open", 1, 1, mute));
    world.ok(&react(1));
    let after = world.place("open", 1);
    assert!(after.muted && after.camera);
    assert_eq!(after.reaction.as_ref().expect("shown").text, "👍");
    world.ok(&leave("open", 1, 1));
    assert!(world.inside("open").is_empty());
    assert_eq!(world.refused(&set("open", 1, 1, mute)), "not-found");
}

#[test]
fn hands_have_the_order_in_which_they_were_raised() {
    let mut world = World::with_rooms();
    for id in 1..=3 {
        world.ok(&enter("open", id, account("alice")));
    }
    // All in one entry of the log, with one time.
    for id in [2, 3, 1] {
        world.now = 50;
        world.ok(&set("open", id, 0, hand(true)));
    }
    let order = |world: &World| {
        let mut up: Vec<_> = world.participants.values().collect();
        up.retain(|place| place.hand.is_some());
        up.sort_by_key(|place| place.hand);
        up.iter().map(|place| place.id.0).collect::<Vec<_>>()
    };
    assert_eq!(order(&world), [2, 3, 1]);
    world.told();
    world.ok(&set("open", 2, 0, hand(true)));
    assert!(world.told().is_empty(), "it is up already");
    world.ok(&set("open", 2, 0, hand(false)));
    world.ok(&set("open", 2, 0, hand(true)));
    assert_eq!(order(&world), [3, 1, 2]);
}

#[test]
fn reactions_are_short() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    let react = |text: &str| Change::React {
        cid: name("open"),
        participant: ParticipantId(1),
        moves: 0,
        text: text.into(),
    };
    for bad in ["", " ", "\u{7}", "123456789"] {
        assert_eq!(world.refused(&react(bad)), "invalid-field", "{bad:?}");
    }
    world.ok(&react("👩\u{200d}👩\u{200d}👧\u{200d}👦"));
    world.now = 500;
    world.ok(&react("🎉"));
    let shown = world.place("open", 1).reaction.clone().expect("shown");
    assert_eq!((shown.text.as_str(), shown.at), ("🎉", Timestamp(501)));
}

#[test]
fn one_person_has_eight_places_and_the_lost_ones_go_first() {
    let mut world = World::with_rooms();
    for id in 1..=8 {
        world.ok(&enter("open", id, account("alice")));
    }
    assert_eq!(world.refused(&enter("open", 9, account("alice"))), "devices-full");
    world.ok(&enter("inside", 9, account("alice")));
    world.ok(&enter("open", 9, account("bob")));
    // Two of them come back on the other node before the first is lost.
    for id in [3, 5] {
        world.ok(&resume("open", id, secret(id)));
    }
    world.follow(&[Fact::NodeStands {
        node: NodeId(2),
        start: 0,
    }]);
    world.ok(&enter("open", 10, account("alice")));
    world.ok(&enter("open", 11, account("alice")));
    assert_eq!(world.inside("open"), [1, 2, 4, 6, 7, 8, 9, 10, 11]);
    assert_eq!(
        world.refused(&enter("open", 12, account("alice"))),
        "devices-full"
    );
    assert_eq!(world.runs[&name("open")].participants, 9);
}

#[test]
fn a_meeting_takes_two_thousand() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("bob")));
    let run = world.runs.get_mut(&name("open")).expect("runs");
    run.participants = limits::PARTICIPANTS as u64;
    let refusal = world.refuses(&system(), &enter("open", 3, account("alice")));
    assert!(matches!(refusal, Refusal::Full(_)));
    world.ok(&leave("open", 2, 0));
    world.ok(&enter("open", 3, account("alice")));
    // Who lost a place gets a new one even now.
    world.ok(&resume("open", 1, secret(1)));
    world.follow(&[Fact::NodeStands {
        node: NodeId(2),
        start: 0,
    }]);
    world.ok(&enter("open", 4, account("alice")));
    assert_eq!(world.inside("open"), [3, 4]);
    assert_eq!(world.refused(&enter("open", 5, account("alice"))), "full");
}
