//! Who has registered, as rows.

use crate::{
    home::*,
    meetings::{enter, review, with_room},
};
use plenary_access::*;
use plenary_conference::{
    self as conference, Access, Details, GuestId, NewRegistrant, Person, PersonalLink, Registrant,
    Registration, SecretHash, SettingsPatch,
};
use plenary_store::{AnyCommand, decode_command, encode_command, queries};

type Meeting = conference::Change;

fn id(number: u8) -> GuestId {
    GuestId::of_random([number; 16])
}

fn secret(number: u8) -> SecretHash {
    SecretHash([number; 32])
}

fn register(number: u8, called: &str) -> Meeting {
    Meeting::Register(NewRegistrant {
        cid: review(),
        registrant: id(number),
        secret: secret(number),
        details: Details {
            name: called.into(),
            ..Details::default()
        },
        consents: false,
        source: Some("address:192.0.2.7".into()),
        agreed: Vec::new(),
    })
}

fn come_by_link(number: u8, session: &str) -> Meeting {
    Meeting::GuestEnter {
        cid: review(),
        guest: id(99),
        name: String::new(),
        token: token(session),
        before: None,
        source: None,
        link: Some(PersonalLink {
            registrant: id(number),
            secret: secret(number),
        }),
        agreed: Vec::new(),
        returning: None,
        key: None,
    }
}

fn registration() -> Meeting {
    let settings = SettingsPatch {
        registration: Some(Box::new(Registration {
            on: true,
            ..Registration::default()
        })),
        ..SettingsPatch::default()
    };
    Meeting::Update {
        cid: review(),
        expect: None,
        patch: conference::Patch {
            access: Some(Access::Public),
            settings,
            ..conference::Patch::default()
        },
    }
}

fn registering() -> Home {
    let mut home = with_room();
    home.ok(by("bob"), registration());
    home
}

fn listed(home: &Home, list: &ListQuery) -> Vec<String> {
    let page = queries::registrants(&home.db, &review(), list).expect("reads");
    page.items.into_iter().map(|one| one.details.name).collect()
}

fn stored(home: &Home, number: u8) -> Option<Registrant> {
    queries::registrant(&home.db, &id(number)).expect("reads")
}

#[test]
fn who_has_registered_is_there_after_a_restart_and_in_a_snapshot() {
    let mut home = registering();
    for (number, called) in [(1, "Zoë"), (2, "Ann")] {
        home.now += 1_000;
        home.ok(system(), register(number, called));
    }
    home.ok(system(), come_by_link(1, "zoe"));
    home.ok(system(), enter(1, Person::Guest(id(1))));
    let digest = home.digest();
    home.reopen();
    let copy = home.copied();
    for home in [&home, &copy] {
        assert_eq!(home.digest(), digest);
        assert_eq!(listed(home, &list(10)), ["Zoë", "Ann"]);
        let sorted = ListQuery {
            sort: Some("name".into()),
            ..list(10)
        };
        assert_eq!(listed(home, &sorted), ["Ann", "Zoë"]);
        assert_eq!(listed(home, &search("zoe")), ["Zoë"]);
        let counts = queries::registered(&home.db, &review()).expect("reads");
        assert_eq!((counts.registered, counts.came), (2, 1));
        assert!(stored(home, 1).is_some_and(|one| one.came_at.is_some()));
    }
    let remove = |number| Meeting::RemoveRegistrant {
        cid: review(),
        registrant: id(number),
    };
    home.ok(by("bob"), remove(1));
    assert_eq!((home.count("guests"), home.count("participants")), (0, 0));
    let again = home.run(plain(system(), come_by_link(1, "zoe")));
    assert!(matches!(again, Err(Refusal::KeptOut { ref code, .. }) if code == "link-not-valid"));
    home.ok(by("bob"), close("review"));
    assert_eq!(home.count("registrants"), 0);
}

#[test]
fn on_a_second_device_the_place_goes_on() {
    let mut home = registering();
    home.ok(system(), register(1, "Ann"));
    home.ok(system(), come_by_link(1, "first"));
    home.ok(system(), enter(1, Person::Guest(id(1))));
    home.ok(system(), come_by_link(1, "second"));
    let taken = home.ok(system(), enter(2, Person::Guest(id(1))));
    assert_eq!(
        taken,
        Outcome::TakenOver {
            participant: 1,
            moves: 1
        }
    );
    assert_eq!(home.count("participants"), 1);
    let first = queries::guest(&home.db, &token("first"), home.now()).expect("reads");
    assert!(first.is_none(), "its token has ended");
}

#[test]
fn commands_of_registration_are_written_and_read() {
    for change in [
        registration(),
        register(1, "Ann"),
        come_by_link(1, "ann"),
        Meeting::RemoveRegistrant {
            cid: review(),
            registrant: id(1),
        },
    ] {
        let command = plain(system(), change);
        let bytes = encode_command(&command).expect("encodes");
        assert_eq!(
            decode_command(&bytes).expect("decodes"),
            AnyCommand::Conference(command)
        );
    }
}

#[test]
fn a_state_from_before_there_was_registration_is_opened() {
    let mut home = with_room();
    before_registration(&home.db);
    home.db.pragma_update(None, "user_version", 7).expect("writes");
    home.reopen();
    home.ok(by("bob"), registration());
    home.ok(system(), register(1, "Ann"));
    assert_eq!(listed(&home, &list(10)), ["Ann"]);
}
