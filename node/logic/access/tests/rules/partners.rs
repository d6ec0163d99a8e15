//! What administrators write down of other servers (FED-01, FED-02).

use crate::world::*;
use plenary_access::*;
use plenary_model::{Revision, limits};

fn put(server: &str, partner: NewPartner) -> Change {
    Change::PutPartner {
        server: name(server),
        expect: None,
        partner,
    }
}

fn pinned(pin: PartnerPin) -> NewPartner {
    NewPartner {
        pin,
        ..NewPartner::default()
    }
}

fn with(terms: PartnerTerms) -> NewPartner {
    NewPartner {
        terms: Some(terms),
        ..NewPartner::default()
    }
}

fn usual(terms: PartnerTerms) -> Change {
    Change::UpdateSettings {
        expect: None,
        patch: SettingsPatch {
            partner_terms: Some(terms),
            ..SettingsPatch::default()
        },
    }
}

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";

#[test]
fn a_partner_is_written_down_changed_and_dropped() {
    let mut world = World::founded();
    let print = "ab".repeat(32);
    let certificate = PartnerPin::Certificate(name(&print));
    let new = NewPartner {
        note: "  Ask Olav ".into(),
        ..pinned(certificate)
    };
    world.ok(by("root"), put("Oslo.example.net.", new));
    let oslo = &world.partners[&name("oslo.example.net")];
    assert_eq!((oslo.note.as_str(), &oslo.terms), ("Ask Olav", &None));
    world.ok(
        by("root"),
        put(
            "oslo.example.net",
            pinned(PartnerPin::Authority(format!("{PEM}\n"))),
        ),
    );
    let event = world.events.last().expect("told");
    assert_eq!(
        (event.object_kind, event.object.as_str()),
        ("partner", "oslo.example.net")
    );
    let fields: Vec<_> = event.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["note", "certificate", "authority"]);
    let drop = || Change::RemovePartner {
        server: name("oslo.example.net"),
        expect: None,
    };
    world.ok(by("root"), drop());
    assert!(world.partners.is_empty());
    assert_eq!(world.refused(by("root"), drop()).code(), "not-found");
}

#[test]
fn only_full_administrators_write_down_and_nobody_over_the_change_of_another() {
    let mut world = World::founded();
    for who in ["eye", "alice"] {
        let refused = world.refused(by(who), put("oslo.example.net", NewPartner::default()));
        assert_eq!(refused.code(), "forbidden");
    }
    world.ok(by("root"), put("oslo.example.net", NewPartner::default()));
    let late = Change::PutPartner {
        server: name("oslo.example.net"),
        expect: Some(Revision(0)),
        partner: NewPartner::default(),
    };
    assert_eq!(world.refused(by("root"), late).code(), "stale");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = World::founded();
    let terms = |bandwidth_kbps, participants| PartnerTerms {
        bandwidth_kbps,
        participants,
        ..PartnerTerms::default()
    };
    for (bad, field) in [
        (with(terms(Some(63), None)), "terms.bandwidth_kbps"),
        (
            with(terms(Some(limits::PARTNER_KBPS + 1), None)),
            "terms.bandwidth_kbps",
        ),
        (with(terms(None, Some(0))), "terms.participants"),
        (pinned(PartnerPin::Authority("who?".into())), "authority"),
        (
            pinned(PartnerPin::Authority(
                PEM.repeat(limits::PARTNER_AUTHORITY / PEM.len() + 1),
            )),
            "authority",
        ),
        (
            NewPartner {
                note: "n".repeat(limits::PARTNER_NOTE + 1),
                ..NewPartner::default()
            },
            "note",
        ),
    ] {
        assert_eq!(world.bad_field(by("root"), put("oslo.example.net", bad)), field);
    }
    let myself = put("paris.example.com", NewPartner::default());
    assert_eq!(world.bad_field(by("root"), myself), "server");
    assert_eq!(
        world.bad_field(by("root"), usual(terms(None, Some(0)))),
        "partner_terms.participants"
    );
    world.ok(
        by("root"),
        put("oslo.example.net", with(terms(Some(64), Some(1)))),
    );
}

#[test]
fn there_are_at_most_a_thousand_of_them() {
    let mut world = World::founded();
    for number in 0..limits::PARTNERS {
        world.ok(
            by("root"),
            put(&format!("s{number}.example.net"), NewPartner::default()),
        );
    }
    let refused = world.refused(by("root"), put("one.example.net", NewPartner::default()));
    assert_eq!(refused.code(), "full");
    world.ok(by("root"), put("s7.example.net", with(PartnerTerms::default())));
}

#[test]
fn the_terms_of_all_others_are_a_setting() {
    let mut world = World::founded();
    let terms = PartnerTerms {
        recording: true,
        ..PartnerTerms::default()
    };
    let change = usual(terms.clone());
    assert_eq!(change.level(), PARTNERS_LEVEL);
    assert_eq!(
        put("oslo.example.net", NewPartner::default()).level(),
        PARTNERS_LEVEL
    );
    world.ok(by("root"), change);
    assert_eq!(world.settings.partner_terms, terms);
}
