use crate::world::*;
use plenary_access::{AdminRole, Refusal};
use plenary_conference::*;

#[test]
fn who_has_the_right_creates_rooms_that_are_theirs() {
    let mut world = World::new();
    world.run(&user("alice"), &create("review")).expect("good");
    assert_eq!(world.room("review").owner, name("alice"));
    for asker in [
        powerless("bob", AdminRole::None),
        powerless("bob", AdminRole::Security),
    ] {
        let refusal = world.refuses(&asker, &create("mine"));
        assert_eq!(refusal.code(), "forbidden");
    }
    world
        .run(&root(), &create("theirs"))
        .expect("full administrators may all");
}

#[test]
fn owners_and_full_administrators_change_and_delete() {
    let mut world = World::new();
    for cid in ["one", "two"] {
        world.run(&user("alice"), &create(cid)).expect("good");
    }
    let eye = powerless("eye", AdminRole::Security);
    for asker in [user("bob"), eye] {
        for change in [rename("one", "Other"), delete("one")] {
            let refusal = world.refuses(&asker, &change);
            assert_eq!(refusal.code(), "forbidden");
        }
    }
    // What is one's own stays so, also without the right to make more.
    let alice = powerless("alice", AdminRole::None);
    world.run(&alice, &rename("one", "Other")).expect("the owner");
    world.run(&alice, &delete("one")).expect("the owner");
    world.run(&root(), &rename("two", "Other")).expect("full");
    world.run(&root(), &delete("two")).expect("full");
    assert!(world.conferences.is_empty());
    let refusal = world.refuses(&root(), &delete("two"));
    assert_eq!(refusal.code(), "not-found");
}

#[test]
fn only_full_administrators_choose_who_owns() {
    let mut world = World::new();
    let for_bob = || {
        Change::Create(NewConference {
            owner: Some(name("bob")),
            ..room("gift")
        })
    };
    assert_eq!(world.refuses(&user("alice"), &for_bob()).code(), "forbidden");
    world.run(&system(), &for_bob()).expect("the server itself");
    assert_eq!(world.room("gift").owner, name("bob"));
    let give = |to: &str| {
        let patch = Patch {
            owner: Some(name(to)),
            ..Patch::default()
        };
        update("gift", patch)
    };
    assert_eq!(world.refuses(&user("bob"), &give("alice")).code(), "forbidden");
    world.run(&user("bob"), &give("bob")).expect("changes nothing");
    world.run(&root(), &give("alice")).expect("full");
    assert_eq!(world.room("gift").owner, name("alice"));
    for refusal in [
        world.refuses(&root(), &give("nobody")),
        world.refuses(&system(), &create("nobodys")),
    ] {
        assert!(matches!(refusal, Refusal::Invalid { field, .. } if field == "owner"));
    }
}

#[test]
fn guests_come_into_public_rooms_only() {
    let mut world = World::new();
    world.run(&user("alice"), &create("inside")).expect("good");
    let public = Change::Create(NewConference {
        access: Access::Public,
        ..room("open")
    });
    world.run(&user("alice"), &public).expect("good");
    let bob = name("bob");
    for (cid, guests) in [("inside", false), ("open", true)] {
        let bob = Visitor::Account {
            user: &bob,
            operator: false,
            called_at: None,
        };
        assert_eq!(door(world.room(cid), bob, Way::Browser), Ok(()));
        let guest = door(world.room(cid), Visitor::Guest(None), Way::Browser);
        assert_eq!(guest.is_ok(), guests, "{cid}");
    }
}
