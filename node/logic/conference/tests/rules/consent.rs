use crate::{gate::settings, registration::form, world::*};
use plenary_access::{DocumentHead, EventKind};
use plenary_conference::*;
use plenary_model::Revision;

const HOUR: u64 = 3_600_000;

/// A document at `place`, changed last at `version`.
fn document(place: u8, version: u64) -> DocumentHead {
    DocumentHead {
        place,
        title: format!("Document {place}"),
        link: None,
        version: Revision(version),
    }
}

fn asking(documents: &[(u8, u64)]) -> World {
    let mut world = World::with_rooms();
    world.documents = documents
        .iter()
        .map(|(place, version)| document(*place, *version))
        .collect();
    world
}

#[test]
fn a_guest_agrees_to_all_documents_in_their_present_version() {
    let mut world = asking(&[(1, 10), (3, 30)]);
    let come = || guest_enter("open", 1, 1, None);
    for named in [
        &[][..],
        &[(1, 10)],
        &[(3, 30)],
        &[(1, 9), (3, 30)],
        &[(1, 30), (3, 10)],
    ] {
        assert_eq!(world.refused(&agreeing(come(), named)), "not-agreed", "{named:?}");
    }
    let refusal = world.refuses(&system(), &agreeing(come(), &[(1, 10)]));
    assert!(
        refusal.to_string().contains("\"Document 3\""),
        "it says what is missing"
    );
    world.ok(&agreeing(come(), &[(3, 30), (1, 10), (2, 20)]));
    let agreed = &world.guests[&guest_id(1)].agreed;
    let named: Vec<_> = agreed.iter().map(|one| (one.place, one.version.0)).collect();
    assert_eq!(named, [(1, 10), (3, 30)], "what nobody asks is not kept");
}

#[test]
fn strangers_learn_of_no_room_by_what_is_asked() {
    let mut world = asking(&[(1, 10)]);
    assert_eq!(world.refused(&guest_enter("inside", 1, 1, None)), "not-found");
    assert_eq!(world.refused(&guest_enter("nowhere", 1, 1, None)), "not-found");
}

#[test]
fn who_comes_again_is_asked_only_for_what_has_changed() {
    let mut world = asking(&[(1, 10), (2, 20)]);
    world.ok(&agreeing(guest_enter("open", 1, 1, None), &[(1, 10), (2, 20)]));
    world.ok(&guest_enter("open", 2, 2, Some(1)));
    world.documents[1] = document(2, 21);
    assert_eq!(world.refused(&guest_enter("open", 3, 3, Some(2))), "not-agreed");
    world.ok(&agreeing(guest_enter("open", 3, 3, Some(2)), &[(2, 21)]));
    assert_eq!(world.guests[&guest_id(1)].agreed.len(), 2);
    // The token of before has ended, and with it what was agreed to.
    world.now += 13 * HOUR;
    assert_eq!(world.refused(&guest_enter("open", 4, 4, Some(3))), "not-agreed");
    world.documents.clear();
    world.ok(&guest_enter("open", 4, 4, None));
    assert!(world.guests[&guest_id(4)].agreed.is_empty());
}

#[test]
fn the_event_log_keeps_who_agreed_to_which_version() {
    let mut world = asking(&[(1, 10), (2, 20)]);
    let agreements = |world: &mut World| {
        let events = std::mem::take(&mut world.events).into_iter();
        let of_kind = events.filter(|event| event.kind == EventKind::Agreement);
        of_kind.collect::<Vec<_>>()
    };
    world.ok(&agreeing(guest_enter("open", 1, 1, None), &[(1, 10), (2, 20)]));
    let told = agreements(&mut world);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].object_kind, told[0].object.as_str()),
        ("guest", guest_id(1).as_str())
    );
    assert_eq!(told[0].description, "Guest 1 agreed to: Document 1, Document 2");
    let versions: Vec<_> = told[0]
        .changes
        .iter()
        .map(|change| (change.field.as_str(), change.after.as_deref()))
        .collect();
    assert_eq!(
        versions,
        [("documents.1", Some("\"10\"")), ("documents.2", Some("\"20\""))]
    );
    world.ok(&guest_enter("open", 2, 2, Some(1)));
    assert!(agreements(&mut world).is_empty(), "nothing new");
    world.documents[0] = document(1, 11);
    world.ok(&agreeing(guest_enter("open", 3, 3, Some(2)), &[(1, 11)]));
    let told = agreements(&mut world);
    assert_eq!(told[0].description, "Guest 3 agreed to: Document 1");
    assert_eq!(told[0].changes.len(), 1);
}

#[test]
fn who_registers_agrees_and_comes_by_the_link_without_being_asked_again() {
    let mut world = asking(&[(1, 10)]);
    let on = Registration {
        on: true,
        ..Registration::default()
    };
    let change = update("open", settings(form(on)));
    world.run(&user("alice"), &change).expect("hers");
    assert_eq!(world.refused(&register("open", 5)), "not-agreed");
    world.ok(&agreeing(register("open", 5), &[(1, 10)]));
    let told = world
        .events
        .iter()
        .filter(|event| event.kind == EventKind::Agreement);
    assert_eq!(
        told.map(|event| event.object_kind).collect::<Vec<_>>(),
        ["registrant"]
    );
    world.ok(&come_by("open", link(5, 5), 1));
    world.documents[0] = document(1, 11);
    assert_eq!(world.refused(&come_by("open", link(5, 5), 2)), "not-agreed");
    world.ok(&agreeing(come_by("open", link(5, 5), 2), &[(1, 11)]));
    world.ok(&come_by("open", link(5, 5), 3));
}

#[test]
fn nodes_of_before_are_not_asked_what_they_cannot_read() {
    let plain = guest_enter("open", 1, 1, None);
    assert_eq!(plain.level(), plenary_access::MEETINGS_LEVEL);
    assert_eq!(agreeing(plain, &[(1, 1)]).level(), GUESTS_LEVEL);
    assert_eq!(agreeing(register("open", 1), &[(1, 1)]).level(), GUESTS_LEVEL);
    assert_eq!(register("open", 1).level(), REGISTRATION_LEVEL);
}
