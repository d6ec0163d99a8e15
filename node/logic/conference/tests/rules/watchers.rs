//! Programs that watch: the gate, the limit, removal, and what they do not count for (CONF-08).

use crate::{
    gate::{act, pin, settings, with},
    world::*,
};
use plenary_access::Refusal;
use plenary_conference::*;
use plenary_model::NodeId;

/// A program of an account watches by node 1.
pub(crate) fn watch(cid: &str, id: u64, user: &str) -> Change {
    Change::Watch {
        cid: name(cid),
        watcher: ParticipantId(id),
        user: name(user),
        node: NodeId(1),
        epoch: 11,
    }
}

fn unwatch(cid: &str, id: u64) -> Change {
    Change::Unwatch {
        cid: name(cid),
        watcher: ParticipantId(id),
    }
}

fn remove(id: u64) -> Change {
    Change::Act {
        cid: name("open"),
        by: None,
        act: Act::RemoveWatcher(ParticipantId(id)),
    }
}

fn watching(world: &World) -> Vec<u64> {
    let all = world.watchers.values().filter(|one| one.watches());
    all.map(|one| one.id.0).collect()
}

#[track_caller]
fn kept_out(world: &mut World, id: u64, user: &str) -> String {
    match world.refuses(&system(), &watch("open", id, user)) {
        Refusal::KeptOut { code, .. } => code,
        other => other.code().to_owned(),
    }
}

#[test]
fn a_program_watches_beside_the_meeting_and_is_no_part_of_it() {
    let mut world = World::with_rooms();
    assert_eq!(watch("open", 100, "bob").level(), WATCHERS_LEVEL);
    world.ok(&watch("open", 100, "bob"));
    assert_eq!(world.told(), ["open"], "moderators hear of it");
    assert!(world.runs.is_empty(), "nothing begins by it");
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("root")));
    world.ok(&leave("open", 2, 0));
    let run = &world.runs[&name("open")];
    assert_eq!(run.participants, 1);
    assert!(run.alone_since.is_some(), "the last one is alone beside it");
    world.now += ALONE_MS;
    world.ok(&Change::Sweep);
    assert!(world.inside("open").is_empty());
    assert_eq!(watching(&world), [100], "its node asks at the gate again");
    assert!(
        world
            .visits
            .values()
            .all(|visit| visit.person != Some(account("bob")))
    );
    world.told();
    world.ok(&unwatch("open", 100));
    assert_eq!(world.told(), ["open"]);
    assert!(world.watchers.is_empty());
    world.ok(&unwatch("open", 100));
    assert!(world.told().is_empty(), "twice is once");
}

#[test]
fn a_full_conference_is_full_for_every_way_in() {
    let mut world = with(SettingsPatch {
        participant_limit: Some(Put::To(2)),
        ..SettingsPatch::default()
    });
    world.ok(&watch("open", 100, "bob"));
    world.ok(&enter("open", 1, account("bob")));
    assert_eq!(world.refused(&enter("open", 2, account("root"))), "full");
    assert_eq!(kept_out(&mut world, 101, "root"), "full");
    // Who moderates is needed inside, by whatever way.
    world.ok(&enter("open", 3, account("alice")));
    world.ok(&watch("open", 102, "alice"));
    world.ok(&leave("open", 3, 0));
    world.ok(&unwatch("open", 102));
    world.ok(&unwatch("open", 100));
    world.ok(&watch("open", 101, "root"));
    world.ok(&unwatch("open", 101));
    world.ok(&enter("open", 2, account("root")));
}

#[test]
fn programs_pass_the_same_gate_as_all() {
    let mut world = with(pin("4711"));
    assert_eq!(kept_out(&mut world, 100, "bob"), "pin-needed");
    world.ok(&watch("open", 101, "alice"));
    let mut world = with(SettingsPatch {
        waiting_room: Some(Put::To(WaitingRoom::All)),
        ..SettingsPatch::default()
    });
    assert_eq!(kept_out(&mut world, 100, "bob"), "waiting");
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&act("open", 1, Act::Lock));
    assert_eq!(kept_out(&mut world, 100, "bob"), "locked");
    world.ok(&act("open", 1, Act::Unlock));
    let lecture = SettingsPatch {
        mode: Some(Mode::Lecture),
        ..SettingsPatch::default()
    };
    let change = update("open", settings(lecture));
    world.run(&user("alice"), &change).expect("hers");
    assert_eq!(kept_out(&mut world, 100, "bob"), "way-closed");
    // Words of a node that is not counted as running do nothing, and only the server itself says who watches.
    let mut of_another_start = watch("open", 100, "alice");
    if let Change::Watch { epoch, .. } = &mut of_another_start {
        *epoch = 10;
    }
    assert_eq!(world.refused(&of_another_start), "conflict");
    let by_user = world.refuses(&user("alice"), &watch("open", 100, "alice"));
    assert_eq!(by_user.code(), "forbidden");
}

#[test]
fn who_was_removed_does_not_come_back_in_that_run() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    for (id, user) in [(100, "bob"), (101, "bob"), (102, "root"), (103, "alice")] {
        world.ok(&watch("open", id, user));
    }
    assert_eq!(remove(100).level(), WATCHERS_LEVEL);
    let by_bob = world.refuses(&user("bob"), &remove(100));
    assert_eq!(by_bob.code(), "forbidden", "moderators only");
    world.run(&user("alice"), &remove(100)).expect("moderates");
    assert_eq!(watching(&world), [101, 102, 103], "this one and no other");
    assert_eq!(kept_out(&mut world, 104, "bob"), "removed");
    world.ok(&watch("open", 105, "root"));
    assert_eq!(
        world.refuses(&user("alice"), &remove(100)).code(),
        "conflict",
        "gone"
    );
    assert_eq!(
        world.refuses(&user("alice"), &remove(103)).code(),
        "conflict",
        "the owner's"
    );
    // Its node says that it has ended; that does not let the account back.
    world.ok(&unwatch("open", 100));
    assert_eq!(kept_out(&mut world, 104, "bob"), "removed");
    // By the browser the account comes as anybody.
    world.ok(&enter("open", 2, account("bob")));
    world.ok(&act("open", 1, Act::RemoveWatcher(ParticipantId(102))));
    assert_eq!(watching(&world), [101, 103, 105]);
    // The next run is another one.
    world.ok(&act("open", 1, Act::End));
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&watch("open", 104, "bob"));
}

#[test]
fn a_lost_node_takes_its_watchers_with_it() {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&watch("open", 100, "bob"));
    world.ok(&watch("open", 101, "root"));
    world.run(&user("alice"), &remove(101)).expect("moderates");
    let mut other = watch("open", 102, "bob");
    if let Change::Watch { node, epoch, .. } = &mut other {
        (*node, *epoch) = (NodeId(2), 12);
    }
    world.ok(&other);
    world.told();
    let lost = Fact::NodeStands {
        node: NodeId(1),
        start: 0,
    };
    world.follow(&[lost]);
    assert!(world.told().contains(&"open".to_owned()));
    assert_eq!(watching(&world), [102]);
    world.starts.insert(NodeId(1), 11);
    assert_eq!(kept_out(&mut world, 103, "root"), "removed", "also after it");
}

#[test]
fn programs_go_with_the_account_and_with_the_conference() {
    let mut world = World::with_rooms();
    world.ok(&watch("open", 100, "bob"));
    world.ok(&watch("inside", 101, "bob"));
    world.ok(&watch("open", 102, "root"));
    world.run(&user("alice"), &remove(102)).expect("moderates");
    world.follow(&[Fact::AccountDisabled(&name("bob"))]);
    assert!(watching(&world).is_empty());
    assert_eq!(kept_out(&mut world, 103, "bob"), "account-disabled");
    world.follow(&[Fact::AccountRemoved(&name("root"))]);
    assert!(world.watchers.is_empty(), "who gets that name is not kept out");
    world.ok(&watch("open", 104, "alice"));
    world.run(&user("alice"), &delete("open")).expect("hers");
    assert!(world.watchers.is_empty());
}

/// Alice owns the room and is in it; two programs of bob watched, and were removed.
fn with_removed_program() -> World {
    let mut world = World::with_rooms();
    world.ok(&enter("open", 1, account("alice")));
    for id in [100, 101] {
        world.ok(&watch("open", id, "bob"));
    }
    for id in [100, 101] {
        world.ok(&act("open", 1, Act::RemoveWatcher(ParticipantId(id))));
    }
    assert_eq!(kept_out(&mut world, 102, "bob"), "removed");
    world
}

#[test]
fn a_program_that_was_removed_is_let_back_as_people_are() {
    let let_back = |id: u64| act("open", 1, Act::LetBack(ParticipantId(id)));
    let mut world = with_removed_program();
    world.told();
    world.ok(&let_back(100));
    assert!(
        world.told().iter().all(|of| of == "open"),
        "moderators hear of it"
    );
    assert_eq!(
        world.refused(&let_back(101)),
        "conflict",
        "all of the account at once"
    );
    world.ok(&watch("open", 102, "bob"));
    assert_eq!(world.refused(&let_back(102)), "conflict", "it watches");
    // Whoever was removed as a person comes back with their programs.
    let mut world = with_removed_program();
    world.ok(&enter("open", 2, account("bob")));
    world.ok(&act("open", 1, Act::Remove(ParticipantId(2))));
    world.ok(&let_back(2));
    world.ok(&watch("open", 102, "bob"));
    // Nodes of before know no way back.
    let mut world = with_removed_program();
    world.level = CALLERS_LEVEL - 1;
    assert_eq!(world.refused(&let_back(100)), "conflict");
    assert_eq!(kept_out(&mut world, 102, "bob"), "removed");
}

#[test]
fn who_is_called_or_invited_watches_again_by_programs() {
    let mut world = with_removed_program();
    world
        .run(&user("alice"), &crate::rings::call("open", &["bob"]))
        .expect("she may");
    world.ok(&watch("open", 102, "bob"));
    assert_eq!(watching(&world), [102]);
    assert_eq!(
        world.watchers.len(),
        1,
        "nothing is left of those that were removed"
    );
    let mut world = with_removed_program();
    let invited = SettingsPatch {
        invited: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(invited)))
        .expect("hers");
    world.ok(&watch("open", 102, "bob"));
    // Removed once more, it stays out: the invitation is older.
    world.ok(&act("open", 1, Act::RemoveWatcher(ParticipantId(102))));
    assert_eq!(kept_out(&mut world, 103, "bob"), "removed");
}
