//! What is written down of other servers, and which licence lets the server meet with them.

use crate::{
    home::*,
    licensing::{counting, install, licence},
};
use plenary_access::{
    Change, FederationMode, FederationPolicy, NewPartner, NoPartner, PartnerPin, PartnerTerms, SettingsPatch,
    policy_for,
};
use plenary_licensing::Change as Counting;
use plenary_store::queries;

fn oslo() -> plenary_model::ServerName {
    name("oslo.example.net")
}

fn put(server: &str, terms: Option<PartnerTerms>) -> Change {
    Change::PutPartner {
        server: name(server),
        expect: None,
        partner: NewPartner {
            note: "Ask Olav".into(),
            terms,
            pin: PartnerPin::Certificate(name(&"ab".repeat(32))),
        },
    }
}

fn federate(mode: FederationMode) -> Change {
    let federation = FederationPolicy {
        mode,
        whitelist: vec![name("*.example.net")],
        blacklist: Vec::new(),
    };
    Change::UpdateSettings {
        expect: None,
        patch: SettingsPatch {
            federation: Some(federation),
            ..SettingsPatch::default()
        },
    }
}

#[test]
fn partners_are_there_after_a_restart_and_in_a_snapshot() {
    let mut home = Home::founded();
    let terms = PartnerTerms {
        chat: false,
        bandwidth_kbps: Some(4_096),
        ..PartnerTerms::default()
    };
    home.ok(by("root"), put("oslo.example.net", Some(terms.clone())));
    home.ok(by("root"), put("bergen.example.net", None));
    home.ok(by("root"), put("lost.example.net", None));
    let dropped = Change::RemovePartner {
        server: name("lost.example.net"),
        expect: None,
    };
    home.ok(by("root"), dropped);
    let digest = home.digest();
    home.reopen();
    let copy = home.copied();
    for home in [home, copy] {
        assert_eq!(home.digest(), digest);
        let all = queries::partners(&home.db).expect("reads");
        let names: Vec<_> = all.iter().map(|one| one.server.as_str()).collect();
        assert_eq!(names, ["bergen.example.net", "oslo.example.net"]);
        let standing = queries::standing(&home.db, &oslo()).expect("reads");
        assert_eq!(standing.terms(), &terms);
        assert_eq!(
            standing.partner.expect("there").pin,
            PartnerPin::Certificate(name(&"ab".repeat(32)))
        );
    }
}

#[test]
fn the_free_licence_has_no_federation_and_any_other_has() {
    let mut home = counting(&[], &["alice"]);
    let refused = home
        .run(plain(by("root"), federate(FederationMode::Whitelist)))
        .expect_err("not licensed");
    assert_eq!(refused.code(), "not_licensed");
    assert!(refused.to_string().contains("free licence"), "{refused}");
    assert!(
        queries::settings(&home.db)
            .expect("reads")
            .federation
            .whitelist
            .is_empty()
    );
    home.ok(by("root"), install(&licence(2, 10, 1)));
    home.ok(by("root"), federate(FederationMode::Whitelist));
    let standing = queries::standing(&home.db, &oslo()).expect("reads");
    assert_eq!(policy_for(&standing, &oslo()), Ok(&PartnerTerms::default()));
}

#[test]
fn when_the_licence_ends_so_does_federation_and_its_settings_can_still_be_changed() {
    let mut home = counting(&[licence(2, 10, 1)], &["alice"]);
    home.ok(by("root"), federate(FederationMode::Whitelist));
    home.now += 366 * DAY;
    home.ok(system(), Counting::Tick);
    let standing = queries::standing(&home.db, &oslo()).expect("reads");
    assert_eq!(policy_for(&standing, &oslo()), Err(NoPartner::NotLicensed));
    home.ok(by("root"), federate(FederationMode::Blacklist));
    home.ok(by("root"), federate(FederationMode::Off));
    let refused = home
        .run(plain(by("root"), federate(FederationMode::Whitelist)))
        .expect_err("not licensed");
    assert_eq!(refused.code(), "not_licensed");
}

#[test]
fn a_state_from_before_partners_is_opened_and_knows_none() {
    let mut home = Home::founded();
    home.ok(by("root"), put("oslo.example.net", None));
    before_partners(&home.db);
    home.db.pragma_update(None, "user_version", 15).expect("writes");
    home.reopen();
    assert!(queries::partners(&home.db).expect("reads").is_empty());
}
