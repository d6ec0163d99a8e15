use crate::world::*;
use plenary_access::Refusal;
use plenary_conference::*;
use plenary_model::limits;

#[test]
fn a_user_owns_a_thousand_rooms_at_most() {
    let mut world = World::new();
    world.more_owned = limits::CONFERENCES_PER_USER as u64 - 1;
    world
        .run(&user("alice"), &create("last"))
        .expect("the thousandth");
    assert_eq!(world.refuses(&user("alice"), &create("more")).code(), "conflict");
    world
        .run(&user("alice"), &rename("last", "Other"))
        .expect("is no new one");
    world.more_owned = limits::CONFERENCES_PER_USER as u64;
    let give = Patch {
        owner: Some(name("bob")),
        ..Patch::default()
    };
    assert_eq!(world.refuses(&root(), &update("last", give)).code(), "conflict");
}

#[test]
fn a_server_holds_a_hundred_thousand_rooms_at_most() {
    let mut world = World::new();
    world.more = limits::CONFERENCES as u64 - 1;
    world.run(&user("alice"), &create("last")).expect("good");
    for asker in [user("bob"), root()] {
        assert_eq!(world.refuses(&asker, &create("more")).code(), "conflict");
    }
}

#[test]
fn values_that_are_not_allowed_are_named() {
    let mut world = World::new();
    world.run(&user("alice"), &create("good")).expect("good");
    let text = |field: &str, text: &str| {
        let mut patch = Patch::default();
        match field {
            "name" => patch.name = Some(text.into()),
            _ => patch.description = Some(text.into()),
        }
        patch
    };
    for (field, bad) in [
        ("name", "  ".to_owned()),
        ("name", "x".repeat(129)),
        ("name", "a\nb".into()),
        ("description", "x".repeat(2001)),
        ("description", "a\u{0}b".into()),
    ] {
        let patch = text(field, &bad);
        let new = Change::Create(NewConference {
            name: patch.name.clone().unwrap_or("Room".into()),
            description: patch.description.clone().unwrap_or_default(),
            ..room("bad")
        });
        for change in [new, update("good", patch)] {
            let refusal = world.refuses(&user("alice"), &change);
            assert!(matches!(refusal, Refusal::Invalid { field: named, .. } if named == field));
        }
    }
    for reserved in ["all", "join", "me", "new", "system"] {
        let refusal = world.refuses(&user("alice"), &create(reserved));
        assert!(matches!(refusal, Refusal::Invalid { field, .. } if field == "cid"));
    }
    let lines = text("description", "One\nTwo");
    world
        .run(&user("alice"), &update("good", lines))
        .expect("two lines");
}
