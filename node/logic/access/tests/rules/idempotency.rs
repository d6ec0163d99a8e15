use crate::world::*;
use plenary_access::*;

fn keyed(by: Actor, key: &str, request: u8, change: Change) -> Command {
    Command {
        by,
        idempotency: Some(Idempotency {
            key: key.into(),
            request: [request; 32],
        }),
        change,
    }
}

#[test]
fn a_repeated_request_gets_the_first_answer_and_changes_nothing() {
    let mut world = World::founded();
    let command = keyed(by("root"), "k", 1, create_group("g-1", "One"));
    let first = world.run(&command).expect("good");
    let before = world.clone();
    assert_eq!(world.run(&command), Ok(first));
    world.index = before.index;
    assert_eq!(world, before);
}

#[test]
fn a_refusal_is_an_answer_too() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-1", "One"));
    let command = keyed(by("root"), "k", 1, create_group("g-2", "one"));
    let first = world.run(&command).expect_err("there is one");
    let delete = Change::DeleteGroup {
        id: name("g-1"),
        expect: None,
    };
    world.ok(by("root"), delete);
    assert_eq!(world.run(&command), Err(first));
}

#[test]
fn the_key_of_another_request_is_refused_and_stays() {
    let mut world = World::founded();
    let first = keyed(by("root"), "k", 1, create_group("g-1", "One"));
    world.run(&first).expect("good");
    let other = keyed(by("root"), "k", 2, create_group("g-2", "Two"));
    assert_eq!(world.run(&other), Err(Refusal::IdempotencyMismatch));
    assert!(world.run(&first).is_ok());
    assert_eq!(world.groups.len(), 4);
}

#[test]
fn keys_belong_to_their_actors() {
    let mut world = World::founded();
    world
        .run(&keyed(by("root"), "k", 1, create_group("g-1", "One")))
        .expect("good");
    let refusal = world.run(&keyed(by("alice"), "k", 1, create_group("g-1", "One")));
    assert!(matches!(refusal, Err(Refusal::Forbidden { .. })));
}

#[test]
fn keys_are_forgotten_after_a_day() {
    let mut world = World::founded();
    let command = keyed(by("root"), "k", 1, create_group("g-1", "One"));
    world.run(&command).expect("good");
    world.now += DAY - 1;
    world.ok(system(), Change::Sweep);
    assert!(world.run(&command).is_ok());
    world.now += 1;
    world.ok(system(), Change::Sweep);
    assert!(matches!(world.run(&command), Err(Refusal::Exists { .. })));
}
