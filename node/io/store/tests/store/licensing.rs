//! Seats of real joins, as rows and in the memory of a node (LIC-01 to LIC-12).

use crate::home::*;
use plenary_access::*;
use plenary_conference::{self as conference, ParticipantId, Patch, Person, SecretHash, Via};
use plenary_licences::{
    PoolId, Seats as Amount,
    licence::{Confirmation, Covers, Edition, Licence, LicenceId, Request, Signed, Signer, Support, Term},
};
use plenary_licensing::{Change as Counting, Desk, RulesPatch};
use plenary_model::{Cid, GuestId, NodeId, Timestamp, UserName};
use plenary_seats::Use;
use plenary_store::queries;

const HOUR: u64 = 3_600_000;

pub(crate) fn vendor() -> Signer {
    Signer::of_seed([7; 32]).expect("a key")
}

pub(crate) fn licence(id: u128, pro: u32, guest: u32) -> Licence {
    Licence {
        id: LicenceId(id),
        enterprise: "Example".into(),
        contact: String::new(),
        covers: Covers::Only([name("paris.example.com")].into()),
        seats: Amount {
            pro,
            online: 15,
            guest,
            gateway: 5,
        },
        extensions: Default::default(),
        term: Term::Annual,
        edition: Edition::Server,
        support: Support::Basic,
        issued: Timestamp(START),
        valid_from: Timestamp(START - DAY),
        valid_until: Some(Timestamp(START + 365 * DAY)),
    }
}

pub(crate) fn install(licence: &Licence) -> Counting {
    Counting::Install {
        text: Signed::issue(licence, &vendor()).expect("it can be issued"),
        key: vendor().public(),
    }
}

/// A server that counts seats, with these licences and a public room.
pub(crate) fn counting(licences: &[Licence], users: &[&str]) -> Home {
    let users = users.iter().map(|user| new_user(user));
    let mut home = Home::with_users(users);
    home.ok(system(), start(11));
    home.ok(system(), open());
    for licence in licences {
        home.ok(by("root"), install(licence));
    }
    home.ok(by("root"), room("review", "Review"));
    let access = Some(conference::Access::Public);
    let patch = Patch {
        access,
        ..Patch::default()
    };
    home.ok(
        by("root"),
        conference::Change::Update {
            cid: review(),
            expect: None,
            patch,
        },
    );
    home
}

fn open() -> Counting {
    Counting::Open {
        pool: PoolId(7),
        branch: 1,
    }
}

pub(crate) fn start(epoch: u64) -> Change {
    Change::NodeStarted {
        node: NodeId(1),
        epoch,
        version: "1".into(),
    }
}

pub(crate) fn review() -> Cid {
    name("review")
}

pub(crate) fn enter(id: u64, person: Person) -> conference::Change {
    conference::Change::Enter {
        cid: review(),
        participant: ParticipantId(id),
        person,
        name: None,
        via: Via::Browser,
        node: NodeId(1),
        epoch: 11,
        secret: SecretHash([1; 32]),
        muted: true,
        camera: false,
        pin: None,
        screenless_at_home: false,
    }
}

pub(crate) fn user(id: &str) -> Person {
    Person::Account(name(id))
}

pub(crate) fn leave(id: u64) -> conference::Change {
    conference::Change::Leave {
        cid: review(),
        participant: ParticipantId(id),
        moves: 0,
    }
}

/// Lets a guest in; gives who it is.
pub(crate) fn guest(home: &mut Home, number: u8) -> Person {
    let (person, enters) = guest_enters(number);
    home.ok(system(), enters);
    person
}

/// A guest, and what lets them in.
pub(crate) fn guest_enters(number: u8) -> (Person, conference::Change) {
    let id = GuestId::of_random([number; 16]);
    let enters = conference::Change::GuestEnter {
        cid: review(),
        guest: id.clone(),
        name: "Ann".into(),
        token: TokenHash([number; 32]),
        before: None,
        source: None,
        link: None,
        agreed: Vec::new(),
        returning: None,
        key: None,
    };
    (Person::Guest(id), enters)
}

/// Signs a device in and connects it.
pub(crate) fn online(home: &mut Home, user: &str, session: &str) -> Reply {
    home.ok(system(), sign_in(user, session));
    home.run(plain(
        system(),
        Change::DeviceOnline {
            session: session.into(),
            node: NodeId(1),
            epoch: 11,
        },
    ))
}

pub(crate) type Reply = Result<Outcome, Refusal>;

pub(crate) fn desk(home: &Home) -> Desk {
    queries::desk(&home.db)
        .expect("reads")
        .expect("seats are counted")
}

/// PRO, online, guest, gateway seats that are taken.
pub(crate) fn taken(home: &Home) -> [u32; 4] {
    let Use {
        pro,
        online,
        guest,
        gateway,
    } = desk(home).seats().in_use();
    [pro, online, guest, gateway]
}

pub(crate) fn places(home: &Home) -> Vec<u64> {
    let roster = queries::roster(&home.db, &review()).expect("reads");
    roster.iter().map(|place| place.id.0).collect()
}

pub(crate) fn events(home: &Home, kind: EventKind) -> Vec<Event> {
    let query = EventQuery {
        kind: Some(kind),
        list: list(500),
        ..EventQuery::default()
    };
    queries::events(&home.db, &query).expect("reads").items
}

pub(crate) fn code(reply: Reply) -> String {
    reply.expect_err("refused").code().to_owned()
}

pub(crate) fn ended(places: &[u64]) -> Counting {
    Counting::Ended {
        node: NodeId(1),
        epoch: 11,
        places: places.iter().copied().collect(),
    }
}

/// What is kept in memory is what the rows say, and a copy goes on alike.
pub(crate) fn same_everywhere(home: &mut Home) {
    let mut copy = home.copied();
    for home in [&mut *home, &mut copy] {
        home.ok(system(), Counting::Tick);
    }
    assert_eq!(home.digest(), copy.digest());
    assert_eq!(desk(home), desk(&copy));
}

#[test]
fn without_a_file_the_free_licence_holds() {
    let users: Vec<String> = (0..11).map(|number| format!("u{number}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let mut home = counting(&[], &users);
    for (id, name) in (1..).zip(&users[..10]) {
        home.ok(system(), enter(id, user(name)));
    }
    let refused = home.run(plain(system(), enter(11, user("u10"))));
    assert_eq!(code(refused), "no_pro_seat");
    assert_eq!(places(&home).len(), 10, "nobody came in without a seat");
    let ann = guest(&mut home, 1);
    home.ok(system(), enter(21, ann));
    let bob = guest(&mut home, 2);
    assert_eq!(code(home.run(plain(system(), enter(22, bob)))), "no_guest_seat");
    assert_eq!(taken(&home), [10, 0, 1, 0]);
    // A group cannot have permanent PRO, and whoever was refused is listed with an event.
    assert!(!desk(&home).pool().permanent_pro);
    let without = queries::without_pro(&home.db, false, &list(10)).expect("reads");
    assert_eq!(without.items[0].user, name::<UserName>("u10"));
    let told = events(&home, EventKind::ProLicenseLimit);
    assert_eq!((told.len(), told[0].object.as_str()), (1, "u10"));
    home.run(plain(system(), enter(12, user("u10"))))
        .expect_err("still none");
    assert_eq!(events(&home, EventKind::ProLicenseLimit).len(), 1, "listed once");
    same_everywhere(&mut home);
}

#[test]
fn files_add_up_are_removed_and_what_is_refused_changes_nothing() {
    let mut home = counting(&[licence(1, 10, 4)], &["alice"]);
    home.ok(by("root"), install(&licence(2, 5, 0)));
    assert_eq!(desk(&home).pool().seats.pro, 15);
    let text = Signed::issue(&licence(3, 5, 0), &vendor()).expect("issued");
    let other = Licence {
        covers: Covers::Only([name("oslo.example.com")].into()),
        ..licence(4, 1, 0)
    };
    let later = Licence {
        valid_from: Timestamp(START + DAY),
        ..licence(5, 1, 0)
    };
    let over = Licence {
        valid_until: Some(Timestamp(START - 1)),
        ..licence(6, 1, 0)
    };
    let tampered = Counting::Install {
        text: text.replacen('A', "B", 1),
        key: vendor().public(),
    };
    let foreign = Counting::Install {
        text,
        key: Signer::of_seed([8; 32]).expect("a key").public(),
    };
    let before = home.digest();
    for (change, expected) in [
        (install(&licence(2, 5, 0)), "licence_known"),
        (tampered, "licence_tampered"),
        (foreign, "licence_foreign_key"),
        (install(&other), "licence_other_servers"),
        (install(&later), "licence_not_yet_valid"),
        (install(&over), "licence_expired"),
    ] {
        let refused = code(home.run(plain(by("root"), change)));
        assert!(
            refused == expected || expected == "licence_tampered" && refused == "licence_unreadable",
            "{refused} for {expected}"
        );
    }
    assert_eq!(home.digest(), before);
    let refused = home.run(plain(by("alice"), install(&licence(9, 1, 0))));
    assert_eq!(code(refused), "forbidden");
    let removed = Counting::Remove {
        licence: LicenceId(1),
    };
    home.ok(by("root"), removed.clone());
    assert_eq!(desk(&home).pool().seats.pro, 5);
    assert_eq!(code(home.run(plain(by("root"), removed))), "not-found");
    let told = events(&home, EventKind::Change);
    let about: Vec<&str> = told
        .iter()
        .filter(|event| event.object_kind == "licence")
        .map(|event| event.description.as_str())
        .collect();
    assert_eq!(about.len(), 3, "{about:?}");
    home.reopen();
    assert_eq!(desk(&home).pool().seats.pro, 5, "after a restart");
    same_everywhere(&mut home);
}

#[test]
fn a_licence_for_several_servers_counts_once_it_is_confirmed_for_this_pool() {
    let several = Licence {
        covers: Covers::Only([name("paris.example.com"), name("oslo.example.com")].into()),
        ..licence(1, 40, 4)
    };
    let mut home = counting(&[several], &["alice"]);
    assert_eq!(desk(&home).pool().seats.pro, 10, "the free licence meanwhile");
    assert_eq!(
        desk(&home).idle(LicenceId(1)).expect("it waits").code(),
        "licence_not_confirmed"
    );
    let request = |pool| Request {
        licence: LicenceId(1),
        pool,
        made: Timestamp(START),
        version: "1".into(),
    };
    let confirm = |pool| Counting::Confirm {
        text: Confirmation::issue(&request(pool), Timestamp(START), &vendor()),
        key: vendor().public(),
    };
    let stolen = home.run(plain(by("root"), confirm(PoolId(8))));
    assert_eq!(code(stolen), "licence_other_pool");
    home.ok(by("root"), confirm(PoolId(7)));
    assert_eq!(desk(&home).pool().seats.pro, 40);
    same_everywhere(&mut home);
}

#[test]
fn a_licence_warns_before_it_ends_and_throws_nobody_out_when_it_does() {
    let short = Licence {
        valid_until: Some(Timestamp(START + 31 * DAY)),
        ..licence(1, 12, 2)
    };
    let mut home = counting(&[short], &["alice", "bob"]);
    home.ok(system(), enter(1, user("alice")));
    let mut warned = Vec::new();
    loop {
        let due = queries::seats_due(&home.db).expect("reads").expect("counted");
        let Some(due) = due.filter(|due| due.0 <= START + 31 * DAY) else {
            break;
        };
        home.now = due.0;
        home.ok(system(), Counting::Tick);
        let days = (due.0 - START) / DAY;
        let count = events(&home, EventKind::LicenseExpiry).len();
        if count > warned.len() {
            warned.push(days);
        }
    }
    assert_eq!(warned, [1, 24, 30, 31], "30, 7 and 1 days before, and at the end");
    assert_eq!(desk(&home).pool().seats.pro, 10, "the free licence");
    assert_eq!(places(&home), [1], "who was in stays in");
    home.ok(system(), enter(2, user("alice")));
    same_everywhere(&mut home);
}

#[test]
fn permanent_pro_follows_the_groups_and_only_those_who_lost_leave() {
    let mut home = counting(&[licence(1, 2, 0)], &["carol", "anna", "bert", "guest1"]);
    home.ok(by("root"), create_group("staff", "Staff"));
    home.ok(by("root"), create_group("boss", "Boss"));
    home.ok(by("root"), join("staff", &["carol", "anna"]));
    home.ok(by("root"), join("boss", &["bert"]));
    home.ok(system(), enter(1, user("guest1")));
    home.ok(system(), enter(2, user("carol")));
    let rules = Counting::UpdateRules {
        expect: None,
        patch: RulesPatch {
            groups: Some(vec![name("boss"), name("staff")]),
            ..RulesPatch::default()
        },
    };
    home.ok(by("root"), rules);
    assert_eq!(places(&home), [1, 2], "nothing yet");
    home.ok(by("root"), Counting::Recompute);
    // Bert and Anna have both seats: the others give way and are put out.
    assert!(places(&home).is_empty());
    let lost = queries::lost_seats(&home.db).expect("reads");
    assert_eq!(lost.keys().copied().collect::<Vec<_>>(), [1, 2]);
    // Until their node says so, their seats are not free.
    assert_eq!(
        code(home.run(plain(system(), enter(3, user("bert"))))),
        "no_pro_seat"
    );
    home.ok(system(), ended(&[1, 2]));
    home.ok(system(), enter(3, user("bert")));
    let permanent = queries::pro_seats(&home.db, true, &list(10)).expect("reads");
    let names: Vec<&str> = permanent.items.iter().map(|row| row.user.as_str()).collect();
    assert_eq!(names, ["anna", "bert"]);
    let without = queries::without_pro(&home.db, true, &list(10)).expect("reads");
    assert_eq!(without.items[0].user, name::<UserName>("carol"));
    // It is done again by itself a day after the start.
    home.ok(by("root"), join("boss", &["carol"]));
    home.now = START + DAY;
    home.ok(system(), Counting::Tick);
    let permanent = queries::pro_seats(&home.db, true, &list(10)).expect("reads");
    let names: Vec<&str> = permanent.items.iter().map(|row| row.user.as_str()).collect();
    assert_eq!(names, ["bert", "carol"]);
    same_everywhere(&mut home);
}

#[test]
fn who_is_revoked_leaves_at_once_and_the_seat_is_free_when_the_node_says_so() {
    let mut home = counting(&[licence(1, 1, 0)], &["alice", "bob"]);
    home.ok(system(), enter(1, user("alice")));
    let revoke = Counting::Revoke { user: name("alice") };
    assert_eq!(code(home.run(plain(by("bob"), revoke.clone()))), "forbidden");
    home.ok(by("root"), revoke);
    assert!(places(&home).is_empty());
    assert_eq!(events(&home, EventKind::ProLicenseRevocation).len(), 1);
    assert_eq!(
        code(home.run(plain(system(), enter(2, user("bob"))))),
        "no_pro_seat"
    );
    assert_eq!(queries::orphans(&home.db, NodeId(1)).expect("reads"), [1].into());
    home.ok(system(), ended(&[1]));
    home.ok(system(), enter(2, user("bob")));
    // Words about a place that is in a roster, or of an earlier start, do nothing.
    home.ok(system(), ended(&[2]));
    assert_eq!(taken(&home)[0], 1);
    same_everywhere(&mut home);
}

#[test]
fn temporary_pro_ends_a_day_after_the_last_conference() {
    let mut home = counting(&[licence(1, 1, 0)], &["alice", "bob"]);
    home.ok(by("alice"), Counting::AskForPro);
    home.now += HOUR;
    home.ok(system(), enter(1, user("alice")));
    home.now += 30 * HOUR;
    home.ok(system(), Counting::Tick);
    assert_eq!(taken(&home)[0], 1, "in a conference it does not end");
    home.ok(system(), leave(1));
    home.now += DAY - 1;
    assert_eq!(
        code(home.run(plain(by("bob"), Counting::AskForPro))),
        "no_pro_seat"
    );
    home.now += 1;
    home.ok(by("bob"), Counting::AskForPro);
    same_everywhere(&mut home);
}

#[test]
fn a_node_that_started_anew_frees_what_nobody_comes_back_to() {
    let mut home = counting(&[licence(1, 2, 2)], &["alice"]);
    let (ann, bob) = (guest(&mut home, 1), guest(&mut home, 2));
    home.ok(system(), enter(1, ann.clone()));
    home.ok(system(), enter(2, bob));
    online(&mut home, "alice", "phone").expect("free");
    assert_eq!(taken(&home), [0, 1, 2, 0]);
    home.ok(system(), start(12));
    assert_eq!(taken(&home), [0, 0, 2, 0], "places are kept for a while");
    let back = conference::Change::Resume {
        cid: review(),
        participant: ParticipantId(1),
        secret: SecretHash([1; 32]),
        node: NodeId(1),
        epoch: 12,
    };
    home.ok(system(), back);
    home.now += conference::AWAY_MS + 1;
    home.ok(system(), conference::Change::Sweep);
    let orphans = queries::orphans(&home.db, NodeId(1)).expect("reads");
    assert_eq!(orphans, [2].into());
    home.ok(
        system(),
        Counting::Ended {
            node: NodeId(1),
            epoch: 12,
            places: orphans,
        },
    );
    assert_eq!(taken(&home), [0, 0, 1, 0]);
    same_everywhere(&mut home);
}

#[test]
fn a_silent_node_keeps_its_seats_until_nothing_can_be_used_there() {
    let mut home = counting(&[licence(1, 2, 1)], &["alice"]);
    let (ann, bob) = (guest(&mut home, 1), guest(&mut home, 2));
    home.ok(system(), enter(1, ann));
    home.ok(
        system(),
        Counting::Beat {
            node: NodeId(1),
            epoch: 11,
        },
    );
    home.ok(system(), Change::NodeLost { node: NodeId(1) });
    home.now += conference::AWAY_MS + 1;
    home.ok(system(), conference::Change::Sweep);
    assert!(places(&home).is_empty());
    home.ok(
        system(),
        Change::DescribeNode {
            node: NodeId(1),
            address: "192.0.2.1:7000".into(),
            url: String::new(),
            version: "1".into(),
        },
    );
    let silent = |beat| Counting::Silent {
        node: NodeId(1),
        beat,
    };
    for before in [0, 1] {
        home.ok(system(), silent(before));
        assert_eq!(taken(&home)[2], 1, "a join and a beat came");
    }
    home.ok(system(), silent(2));
    assert_eq!(taken(&home)[2], 0);
    home.ok(system(), start(11));
    home.ok(system(), enter(2, bob));
    same_everywhere(&mut home);
}

#[test]
fn an_account_that_is_deleted_or_disabled_holds_nothing() {
    let mut home = counting(&[licence(1, 1, 0)], &["alice", "bob"]);
    home.ok(system(), enter(1, user("alice")));
    let delete = Change::DeleteUser {
        id: name("alice"),
        expect: None,
    };
    home.ok(by("root"), delete);
    assert!(places(&home).is_empty());
    home.ok(system(), ended(&[1]));
    home.ok(system(), enter(2, user("bob")));
    same_everywhere(&mut home);
}

#[test]
fn devices_take_online_seats_and_give_them_back() {
    let small = Licence {
        seats: Amount {
            pro: 1,
            online: 2,
            guest: 0,
            gateway: 0,
        },
        ..licence(1, 1, 0)
    };
    let mut home = counting(&[small], &["alice"]);
    online(&mut home, "alice", "phone").expect("free");
    online(&mut home, "alice", "tablet").expect("free");
    assert_eq!(code(online(&mut home, "alice", "desk")), "no_online_seat");
    let end = Change::EndSession { id: "phone".into() };
    home.ok(system(), end);
    assert_eq!(taken(&home)[1], 2, "the node has not said so yet");
    let offline = |session: &str| Change::DeviceOffline {
        session: session.into(),
        node: NodeId(1),
        epoch: 11,
    };
    home.ok(system(), offline("phone"));
    assert_eq!(taken(&home)[1], 1);
    let again = Change::DeviceOnline {
        session: "desk".into(),
        node: NodeId(1),
        epoch: 11,
    };
    home.ok(system(), again);
    assert_eq!(taken(&home)[1], 2);
    same_everywhere(&mut home);
}

#[test]
fn with_an_enterprise_licence_whoever_is_signed_in_joins() {
    let enterprise = Licence {
        edition: Edition::Enterprise,
        seats: Amount {
            pro: 1,
            online: 1,
            guest: 0,
            gateway: 0,
        },
        ..licence(1, 1, 0)
    };
    let mut home = counting(&[enterprise], &["alice", "bob", "carol"]);
    online(&mut home, "alice", "a").expect("free");
    online(&mut home, "bob", "b").expect("free");
    home.ok(system(), enter(1, user("alice")));
    home.ok(system(), enter(2, user("bob")));
    assert_eq!(taken(&home), [0, 2, 0, 0]);
    assert_eq!(
        code(home.run(plain(system(), enter(3, user("carol"))))),
        "no_online_seat"
    );
    home.ok(system(), leave(1));
    same_everywhere(&mut home);
}

fn enterprise() -> Licence {
    Licence {
        edition: Edition::Enterprise,
        ..licence(2, 3, 1)
    }
}

fn resume(id: u64) -> conference::Change {
    conference::Change::Resume {
        cid: review(),
        participant: ParticipantId(id),
        secret: SecretHash([1; 32]),
        node: NodeId(1),
        epoch: 11,
    }
}

#[test]
fn a_place_has_one_seat_whatever_licences_come_and_go() {
    let mut home = counting(&[], &["alice", "bob"]);
    let remove = |id| Counting::Remove {
        licence: LicenceId(id),
    };
    home.ok(system(), enter(1, user("alice")));
    home.ok(by("root"), install(&enterprise()));
    home.ok(system(), resume(1));
    home.ok(system(), enter(2, user("bob")));
    assert_eq!(desk(&home).seats().places_on(NodeId(1)).len(), 2);
    same_everywhere(&mut home);
    home.ok(by("root"), remove(2));
    home.ok(system(), resume(2));
    home.ok(system(), resume(1));
    assert_eq!(desk(&home).seats().places_on(NodeId(1)).len(), 2);
    let mut copy = home.copied();
    for home in [&mut home, &mut copy] {
        // The place of a start before is another one, and goes with nothing of now.
        home.ok(system(), start(12));
        home.ok(system(), leave(2));
    }
    assert_eq!(home.digest(), copy.digest());
    same_everywhere(&mut home);
}

#[test]
fn with_a_single_pool_nobody_is_put_out_when_their_pro_ends() {
    let mut home = counting(&[], &["alice"]);
    online(&mut home, "alice", "a").expect("free");
    home.ok(by("alice"), Counting::AskForPro);
    home.ok(by("root"), install(&enterprise()));
    home.ok(system(), enter(1, user("alice")));
    home.now += DAY;
    home.ok(system(), Counting::Tick);
    assert_eq!((taken(&home)[0], places(&home)), (0, vec![1]));
    same_everywhere(&mut home);
}

/// §5.2, §5.3 (without terminals: there are no gateways) and §5.4, with real joins.
#[test]
fn the_worked_examples_come_out_with_real_joins() {
    // 5.2, example 1: one of four takes part.
    let mut home = counting(&[licence(1, 10, 0)], &["user", "b", "c", "d"]);
    for (number, who) in (1..).zip(["user", "b", "c", "d"]) {
        online(&mut home, who, &format!("s{number}")).expect("free");
    }
    home.ok(system(), enter(1, user("user")));
    assert_eq!(taken(&home), [1, 4, 0, 0]);
    home.ok(system(), leave(1));
    home.now += DAY;
    home.ok(system(), Counting::Tick);
    assert_eq!(taken(&home)[0], 0, "free 24 hours later");

    // 5.2, example 2: three are permanent, and one of two others takes part.
    let mut home = counting(&[licence(1, 10, 0)], &["it1", "it2", "it3", "a", "b"]);
    home.ok(by("root"), create_group("it", "IT"));
    home.ok(by("root"), join("it", &["it1", "it2", "it3"]));
    let rules = Counting::UpdateRules {
        expect: None,
        patch: RulesPatch {
            groups: Some(vec![name("it")]),
            ..RulesPatch::default()
        },
    };
    home.ok(by("root"), rules);
    home.ok(by("root"), Counting::Recompute);
    online(&mut home, "a", "s1").expect("free");
    online(&mut home, "b", "s2").expect("free");
    home.ok(system(), enter(1, user("a")));
    assert_eq!(taken(&home), [4, 2, 0, 0]);

    // 5.2, example 3: one user on two devices in two conferences.
    let mut home = counting(&[licence(1, 10, 0)], &["user", "b", "c", "d"]);
    for (number, who) in (1..).zip(["user", "user", "b", "c", "d"]) {
        online(&mut home, who, &format!("s{number}")).expect("free");
    }
    home.ok(by("root"), room("other", "Other"));
    home.ok(system(), enter(1, user("user")));
    let mut elsewhere = enter(2, user("user"));
    if let conference::Change::Enter { cid, .. } = &mut elsewhere {
        *cid = name("other");
    }
    home.ok(system(), elsewhere);
    assert_eq!(taken(&home), [1, 5, 0, 0]);

    // 5.4: a user and three guests in a public conference.
    let mut home = counting(&[licence(1, 100, 5)], &["user"]);
    online(&mut home, "user", "s1").expect("free");
    home.ok(system(), enter(1, user("user")));
    for number in 0..3 {
        let person = guest(&mut home, number);
        home.ok(system(), enter(10 + u64::from(number), person));
    }
    assert_eq!(taken(&home), [1, 1, 3, 0]);
    same_everywhere(&mut home);
}

#[test]
fn what_is_kept_in_memory_is_dropped_with_a_transaction_that_is_rolled_back() {
    let mut home = counting(&[licence(1, 2, 0)], &["alice", "bob"]);
    home.ok(system(), enter(1, user("alice")));
    let before = home.digest();
    {
        let transaction = home.db.transaction().expect("begins");
        let bytes = plenary_store::encode_command(&plain(system(), enter(2, user("bob")))).expect("encodes");
        let at = plenary_replication::Stamp {
            index: home.index + 1,
            position: 0,
            now_ms: home.now,
            level: LEVEL,
        };
        plenary_replication::Application::apply(&home.app, &transaction, at, &bytes).expect("applies");
    }
    assert_eq!(home.digest(), before);
    home.ok(system(), enter(3, user("bob")));
    assert_eq!(taken(&home)[0], 2);
    same_everywhere(&mut home);
}

#[test]
fn a_state_from_before_seats_were_counted_is_opened() {
    let mut home = counting(&[], &["alice"]);
    before_schedules(&home.db);
    home.db
        .execute_batch(
            "DROP TABLE licensing; DROP TABLE licences; DROP TABLE pro_seats; DROP TABLE seat_places;
             DROP TABLE online_seats; DROP TABLE without_pro; DROP INDEX participants_by_id; DROP TABLE conference_people; DROP TABLE pin_attempts;
             DROP INDEX participants_on_podium; DROP INDEX runs_going_on; DROP INDEX runs_alone;
             ALTER TABLE runs DROP COLUMN locked_at; ALTER TABLE runs DROP COLUMN alone_since;
             ALTER TABLE runs DROP COLUMN ended_at; ALTER TABLE runs DROP COLUMN ended_why;
             ALTER TABLE participants DROP COLUMN podium; ALTER TABLE participants DROP COLUMN standing;
             ALTER TABLE guests DROP COLUMN source; PRAGMA user_version = 3",
        )
        .expect("writes");
    home.reopen();
    // Whoever is in a meeting or online already stays; seats are counted from the opening on.
    home.ok(system(), enter(1, user("alice")));
    online(&mut home, "alice", "phone").expect("nothing is counted yet");
    home.ok(system(), open());
    assert_eq!(taken(&home), [0, 1, 0, 0]);
    same_everywhere(&mut home);
}
