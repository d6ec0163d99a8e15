//! What waits for servers of partners, and what those told, as rows.

use crate::{
    home::*,
    licensing::{counting, install, licence},
};
use plenary_access::{Change, FederationMode, FederationPolicy, Outcome, SettingsPatch};
use plenary_conference::{self as conference, Bidding, Delivery, MESSAGE_MS, Opening, Settled};
use plenary_model::{ServerName, Timestamp};
use plenary_store::queries;

fn oslo() -> ServerName {
    name("oslo.example.net")
}

fn invite(cid: &str, people: &[&str]) -> conference::Change {
    conference::Change::Update {
        cid: name(cid),
        expect: None,
        patch: conference::Patch {
            settings: conference::SettingsPatch {
                invited: Some(Vec::new()),
                invited_abroad: people.iter().map(|user| name(user)).collect(),
                ..conference::SettingsPatch::default()
            },
            ..conference::Patch::default()
        },
    }
}

fn delivery(user: &str, revision: u64, invited: bool) -> Delivery {
    let bidding = Bidding {
        id: name("review"),
        name: "Review".into(),
        owner: name("kari"),
        owner_name: "Kari".into(),
        moderator: true,
        opening: Opening::ByHand,
        next: None,
    };
    Delivery {
        cid: name("1"),
        user: name(user),
        revision,
        bidding: invited.then_some(bidding),
    }
}

fn told(deliveries: Vec<Delivery>) -> conference::Change {
    conference::Change::TakeDeliveries {
        server: oslo(),
        deliveries,
    }
}

fn federate(home: &mut Home, mode: FederationMode) {
    let federation = FederationPolicy {
        mode,
        whitelist: vec![oslo().as_str().parse().expect("a mask")],
        blacklist: Vec::new(),
    };
    home.ok(
        by("root"),
        Change::UpdateSettings {
            expect: None,
            patch: SettingsPatch {
                federation: Some(federation),
                ..SettingsPatch::default()
            },
        },
    );
}

#[test]
fn what_waits_is_there_after_a_restart_and_in_a_snapshot_until_it_is_taken() {
    let mut home = Home::with_users([new_user("alice")]);
    home.ok(by("alice"), room("review", "Review"));
    let since = home.now();
    let people = [
        "kari@oslo.example.net",
        "ola@oslo.example.net",
        "per@bergen.example.net",
    ];
    home.ok(by("alice"), invite("review", &people));
    home.now += 1_000;
    // Of each person the newest alone.
    home.ok(by("alice"), invite("review", &people[1..]));
    let digest = home.digest();
    home.reopen();
    let copy = home.copied();
    for home in [&home, &copy] {
        assert_eq!(home.digest(), digest);
        let waiting = queries::waiting(&home.db).expect("reads");
        let found = waiting.get(&oslo()).expect("waits");
        assert_eq!((waiting.len(), found.messages), (2, 2));
        assert_eq!(found.since, since);
        let messages = queries::messages(&home.db, &oslo(), 64).expect("reads");
        let order: Vec<_> = messages
            .iter()
            .map(|message| (message.user.name.as_str(), message.bidding.is_some()))
            .collect();
        assert_eq!(order, [("ola", true), ("kari", false)]);
    }
    let old = Timestamp(since.0 + MESSAGE_MS);
    assert!(
        queries::old_messages(&home.db, Timestamp(since.0 - 1), 9)
            .expect("reads")
            .is_empty()
    );
    assert_eq!(queries::old_messages(&home.db, old, 9).expect("reads").len(), 3);
    let settled = queries::messages(&home.db, &oslo(), 1).expect("reads");
    let settled = settled.into_iter().map(|message| Settled {
        cid: message.cid,
        user: message.user,
        revision: message.revision,
        given_up: None,
    });
    let settled = settled.collect();
    home.ok(system(), conference::Change::SettleMessages { settled });
    let left = queries::messages(&home.db, &oslo(), 64).expect("reads");
    assert_eq!(left.len(), 1);
}

#[test]
fn who_is_invited_by_a_partner_sees_it_as_long_as_the_two_meet() {
    let mut home = counting(&[], &["alice", "bob"]);
    home.ok(by("root"), install(&licence(2, 10, 1)));
    federate(&mut home, FederationMode::Whitelist);
    let outcome = home.ok(
        system(),
        told(vec![delivery("alice", 1, true), delivery("nobody", 1, true)]),
    );
    assert_eq!(
        outcome,
        Outcome::Heard {
            refused: [(1, "unknown-user".to_owned())].into()
        }
    );
    let shown = |home: &Home, user: &str| {
        queries::partner_invitations(&home.db, &name(user))
            .expect("reads")
            .len()
    };
    assert_eq!((shown(&home, "alice"), shown(&home, "bob")), (1, 0));
    federate(&mut home, FederationMode::Off);
    assert_eq!(shown(&home, "alice"), 0);
    federate(&mut home, FederationMode::Whitelist);
    let digest = home.digest();
    home.reopen();
    assert_eq!((home.digest(), shown(&home, "alice")), (digest, 1));
    home.ok(system(), told(vec![delivery("alice", 2, false)]));
    assert_eq!(shown(&home, "alice"), 0);
    home.ok(system(), told(vec![delivery("alice", 3, true)]));
    home.ok(
        by("root"),
        Change::DeleteUser {
            id: name("alice"),
            expect: None,
        },
    );
    home.ok(by("root"), Change::CreateUser(new_user("alice")));
    assert_eq!(
        shown(&home, "alice"),
        0,
        "whoever has the name later is somebody else"
    );
}

#[test]
fn what_is_over_is_forgotten_by_the_sweep() {
    let mut home = counting(&[], &["alice"]);
    home.ok(system(), told(vec![delivery("alice", 1, false)]));
    home.ok(system(), told(vec![delivery("alice", 1, true)]));
    home.ok(system(), told(vec![delivery("alice", 2, true)]));
    home.ok(system(), told(vec![delivery("alice", 3, false)]));
    let needs = |home: &Home| queries::needs_sweep(&home.db, home.now()).expect("reads");
    assert!(!needs(&home));
    home.now += MESSAGE_MS + DAY;
    assert!(needs(&home));
    home.ok(system(), conference::Change::Sweep);
    assert!(!needs(&home));
}

#[test]
fn a_state_from_before_invitations_across_servers_is_opened_and_knows_none() {
    let mut home = Home::with_users([new_user("alice")]);
    home.ok(by("alice"), room("review", "Review"));
    before_outbox(&home.db);
    home.db.pragma_update(None, "user_version", 16).expect("writes");
    home.reopen();
    assert!(queries::waiting(&home.db).expect("reads").is_empty());
    home.ok(by("alice"), invite("review", &["kari@oslo.example.net"]));
    assert_eq!(queries::waiting(&home.db).expect("reads").len(), 1);
}
