//! What a licence file says, and why one does not count (LIC-01, LIC-02, LIC-13).

use plenary_licences::{
    PoolId, Seats,
    licence::{
        Confirmation, Covers, DEVELOPMENT_KEY, Edition, Extension, Holder, LARGEST, Licence, LicenceError,
        LicenceId, Pool, PublicKey, Request, Signed, Signer, Support, Term, Warning, free,
    },
};
use plenary_model::{ServerName, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeSet;

const DAY_MS: u64 = 86_400_000;
const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn vendor() -> Signer {
    Signer::of_seed([7; 32]).expect("a key")
}

fn name(text: &str) -> ServerName {
    text.parse().expect("a name")
}

fn only(names: &[&str]) -> Covers {
    Covers::Only(names.iter().map(|text| name(text)).collect())
}

fn licence(id: u128, covers: Covers) -> Licence {
    Licence {
        id: LicenceId(id),
        enterprise: "Société Générale des Essais".into(),
        contact: "Joe Smith, smith@example.com".into(),
        covers,
        seats: Seats {
            pro: 20,
            online: Licence::online_with(20) + 50,
            guest: 4,
            gateway: 5,
        },
        extensions: BTreeSet::from([Extension::Streaming]),
        term: Term::Annual,
        edition: Edition::Server,
        support: Support::Basic,
        issued: NOW,
        valid_from: NOW,
        valid_until: Some(NOW.plus_ms(365 * DAY_MS)),
    }
}

fn file(licence: &Licence) -> String {
    Signed::issue(licence, &vendor()).expect("it can be issued")
}

fn read(text: &str) -> Result<Signed, LicenceError> {
    Signed::of_text(text.as_bytes(), &[vendor().public(), DEVELOPMENT_KEY])
}

fn code(result: Result<Signed, LicenceError>) -> &'static str {
    result.expect_err("it is refused").code()
}

/// Puts other bytes into a file without changing its lines.
fn edited(text: &str, edit: impl FnOnce(&mut Vec<u8>)) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let lines: Vec<&str> = text.lines().collect();
    let inner = lines[1..lines.len() - 1].concat();
    let mut bytes = STANDARD.decode(inner).expect("it is Base64");
    edit(&mut bytes);
    format!(
        "{}\n{}\n{}\n",
        lines[0],
        STANDARD.encode(bytes),
        lines[lines.len() - 1]
    )
}

#[test]
fn a_file_says_what_was_signed() {
    let licence = licence(1, only(&["paris.example.com"]));
    let text = file(&licence);
    let signed = read(&text).expect("it is good");
    assert_eq!(signed.licence, licence);
    assert!(!signed.is_for_development());
    // Mail programs change line ends and add some.
    let mailed = format!("\r\n  {}\r\n", text.replace('\n', "\r\n"));
    assert_eq!(read(&mailed).expect("it is good"), signed);
    assert_eq!(file(&licence), text, "equal licences are equal bytes");
}

#[test]
fn every_reason_has_its_code() {
    let good = licence(1, only(&["paris.example.com"]));
    let text = file(&good);
    let foreign = Signed::issue(&good, &Signer::of_seed([8; 32]).expect("a key")).expect("issued");
    assert_eq!(code(read(&foreign)), "licence_foreign_key");
    assert_eq!(
        code(read(&edited(&text, |bytes| bytes[30] ^= 1))),
        "licence_tampered"
    );
    let other_key = edited(&text, |bytes| bytes[12] ^= 1);
    assert_eq!(code(read(&other_key)), "licence_foreign_key");
    assert_eq!(
        code(read(&edited(&text, |bytes| bytes[9] = 2))),
        "licence_too_new"
    );
    assert_eq!(code(read(&text[..200])), "licence_unreadable");
    assert_eq!(
        code(read(&text.replace("LICENCE", "CERTIFICATE"))),
        "licence_unreadable"
    );
    assert_eq!(code(read(&"x".repeat(LARGEST + 1))), "licence_too_large");

    let install = |text: &str, server: &str, now: Timestamp| {
        let keys = [vendor().public()];
        code(Signed::install(
            text.as_bytes(),
            &keys,
            &[],
            Holder::Server(&name(server)),
            now,
        ))
    };
    let before = Timestamp(NOW.0 - 1);
    assert_eq!(
        install(&text, "paris.example.com", before),
        "licence_not_yet_valid"
    );
    let end = NOW.plus_ms(365 * DAY_MS);
    assert_eq!(install(&text, "paris.example.com", end), "licence_expired");
    assert_eq!(install(&text, "oslo.example.com", NOW), "licence_other_servers");
    let several = file(&licence(2, only(&["paris.example.com", "oslo.example.com"])));
    assert_eq!(
        install(&several, "paris.example.com", NOW),
        "licence_needs_manager"
    );
}

#[test]
fn the_same_licence_is_installed_once() {
    let text = file(&licence(1, only(&["paris.example.com"])));
    let paris = name("paris.example.com");
    let keys = [vendor().public()];
    let first = Signed::install(text.as_bytes(), &keys, &[], Holder::Server(&paris), NOW).expect("new");
    let again = Signed::install(text.as_bytes(), &keys, &[first], Holder::Server(&paris), NOW);
    assert_eq!(code(again), "licence_known");
}

#[test]
fn several_files_add_up_and_what_expired_does_not_count() {
    let paris = name("paris.example.com");
    let one = licence(1, only(&["paris.example.com"]));
    let mut two = licence(2, only(&["paris.example.com"]));
    two.valid_until = Some(NOW.plus_ms(DAY_MS));
    let files = [one, two].map(|licence| read(&file(&licence)).expect("it is good"));
    let pool = Pool::of(&files, Holder::Server(&paris), NOW);
    assert_eq!((pool.seats.pro, pool.seats.online), (40, 160));
    assert_eq!(pool.changes, Some(NOW.plus_ms(DAY_MS)));
    assert!(
        pool.extensions.contains(&Extension::Federation),
        "it comes with any paid licence"
    );

    let later = Pool::of(&files, Holder::Server(&paris), NOW.plus_ms(DAY_MS));
    assert_eq!(later.seats.pro, 20);
    assert_eq!(later.idle[0].1.code(), "licence_expired");

    let over = Pool::of(&files, Holder::Server(&paris), NOW.plus_ms(400 * DAY_MS));
    assert_eq!(over.seats, free().seats, "without any the free licence rules");
    assert!(!over.permanent_pro && over.extensions.is_empty());
}

#[test]
fn the_free_licence_is_10_pro_100_online_1_guest_1_gateway() {
    let paris = name("paris.example.com");
    let pool = Pool::of(&[], Holder::Server(&paris), NOW);
    let Seats {
        pro,
        online,
        guest,
        gateway,
    } = pool.capacity();
    assert_eq!((pro, online, guest, gateway), (10, 100, 1, 1));
    assert!(pool.extensions.is_empty());
}

#[test]
fn an_enterprise_licence_has_one_pool() {
    let mut licence = licence(1, only(&["paris.example.com"]));
    licence.edition = Edition::Enterprise;
    let files = [read(&file(&licence)).expect("it is good")];
    let pool = Pool::of(&files, Holder::Server(&name("paris.example.com")), NOW);
    let capacity = pool.capacity();
    assert_eq!((capacity.pro, capacity.online, capacity.guest), (0, 100, 4));
    assert!(pool.extensions.contains(&Extension::LicenseManager));
}

#[test]
fn a_licence_for_several_servers_belongs_to_one_pool() {
    fn manager(confirmations: &[Confirmation]) -> Holder<'_> {
        let pool = PoolId(1);
        Holder::Manager { pool, confirmations }
    }
    let (ours, theirs) = (PoolId(1), PoolId(2));
    let keys = [vendor().public()];
    let signed = read(&file(&licence(1, only(&["a.example.com", "b.example.com"])))).expect("it is good");
    let files = [signed.clone()];
    let waiting = Pool::of(&files, manager(&[]), NOW);
    assert_eq!(waiting.seats, Seats::NONE);
    assert_eq!(waiting.idle[0].1.code(), "licence_not_confirmed");

    let request = Request {
        licence: signed.licence.id,
        pool: ours,
        made: NOW,
        version: "0.1.0".into(),
    };
    let carried = Request::of_text(request.to_text().as_bytes()).expect("it can be read");
    assert_eq!(carried, request);
    let answer = Confirmation::issue(&carried, NOW, &vendor());
    let confirmed = Confirmation::of_text(answer.as_bytes(), &keys, ours).expect("it is ours");
    assert_eq!(Pool::of(&files, manager(&[confirmed]), NOW).seats.pro, 20);

    let stolen = Confirmation::of_text(answer.as_bytes(), &keys, theirs);
    assert_eq!(
        stolen.expect_err("it is for another one").code(),
        "licence_other_pool"
    );
    // Whoever has another key that is trusted cannot bind this one's licences.
    let developer = Signer::for_development().expect("a key");
    let forged = Confirmation::issue(&request, NOW, &developer);
    let forged = Confirmation::of_text(forged.as_bytes(), &[DEVELOPMENT_KEY], ours).expect("it is signed");
    assert_eq!(Pool::of(&files, manager(&[forged]), NOW).seats, Seats::NONE);
}

#[test]
fn the_development_key_is_known_as_such() {
    let developer = Signer::for_development().expect("a key");
    assert_eq!(
        developer.public(),
        DEVELOPMENT_KEY,
        "{:#04x?}",
        developer.public().0
    );
    let text = Signed::issue(&licence(1, Covers::Any), &developer).expect("issued");
    let signed = read(&text).expect("it is trusted here");
    assert!(signed.is_for_development());
    let pool = Pool::of(&[signed], Holder::Server(&name("demo.example.com")), NOW);
    assert!(pool.is_for_development);
    // A product that does not carry it refuses it.
    assert_eq!(
        code(Signed::of_text(text.as_bytes(), &[vendor().public()])),
        "licence_development_key"
    );
}

#[test]
fn impossible_licences_are_not_issued() {
    let good = licence(1, only(&["a.example.com"]));
    let wrong: [fn(&mut Licence); 6] = [
        |licence| licence.enterprise = " ".into(),
        |licence| licence.contact = "a\nb".into(),
        |licence| licence.covers = Covers::Only(BTreeSet::new()),
        |licence| licence.seats.pro = Licence::SEATS + 1,
        |licence| licence.valid_until = None,
        |licence| licence.valid_until = Some(licence.valid_from),
    ];
    for change in wrong {
        let mut licence = good.clone();
        change(&mut licence);
        let error = Signed::issue(&licence, &vendor()).expect_err("it is impossible");
        assert_eq!(error.code(), "licence_impossible");
    }
}

#[test]
fn three_online_seats_come_with_every_two_pro_seats() {
    assert_eq!([2, 10, 100, 5].map(Licence::online_with), [3, 15, 150, 7]);
    assert_eq!(Licence::online_with(u32::MAX), u32::MAX);
}

#[test]
fn warnings_come_30_days_7_days_and_a_day_before_the_end() {
    let until = Some(NOW);
    let before = |ms: u64| Warning::of(until, Timestamp(NOW.0 - ms));
    assert_eq!(before(30 * DAY_MS + 1), None);
    assert_eq!(before(30 * DAY_MS), Some(Warning::Within30Days));
    assert_eq!(before(7 * DAY_MS), Some(Warning::Within7Days));
    assert_eq!(before(DAY_MS), Some(Warning::WithinADay));
    assert_eq!(before(0), Some(Warning::Over));
    assert_eq!(Warning::of(None, NOW), None);
}

proptest! {
    /// Whatever is changed, nothing else than the signed words is ever read.
    #[test]
    fn a_changed_byte_is_noticed(at in 0_usize..220, bit in 0_u8..8) {
        let text = file(&licence(1, only(&["a.example.com"])));
        let changed = edited(&text, |bytes| {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        });
        prop_assert!(read(&changed).is_err());
    }

    /// Bodies that a key did sign, as a vendor with a faulty tool would make them, do no harm either.
    #[test]
    fn foreign_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        drop(Signed::of_text(&bytes, &[PublicKey([1; 32])]));
        drop(Request::of_text(&bytes));
        plenary_licences::fuzz(&bytes);
    }
}
