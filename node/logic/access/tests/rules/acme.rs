//! The certificate by ACME: when it is ordered, and what is kept of that.

use crate::world::{World, by, system};
use plenary_access::{
    ACME_LEVEL, Acme, AcmeAccount, AcmeAct, AcmeCertificate, AcmeChallenge, AcmeNews, AcmePlan, AcmeTrouble,
    AcmeView, Change, Refusal, Sealed, acme_retry_at,
};
use plenary_model::Timestamp;

const DAY: u64 = 24 * 60 * 60 * 1_000;
const NOW: u64 = 1_700_000_000_000;

fn plan() -> AcmePlan {
    AcmePlan {
        directory: "https://acme.example.com/directory".into(),
        names: ["paris.example.com".to_owned()].into(),
    }
}

fn certificate(from: u64, days: u64) -> AcmeCertificate {
    AcmeCertificate {
        plan: plan(),
        chain: "-----BEGIN CERTIFICATE-----".into(),
        key: Sealed(vec![1; 64]),
        from: Timestamp(from),
        until: Timestamp(from + days * DAY),
        issued_at: Timestamp(from),
    }
}

fn trouble(retry_at: u64) -> AcmeTrouble {
    AcmeTrouble {
        plan: plan(),
        code: "connection".into(),
        detail: "paris.example.com: nobody answers".into(),
        failures: 1,
        at: Timestamp(NOW),
        retry_at: Timestamp(retry_at),
    }
}

fn view(now: u64, plan: Option<&AcmePlan>) -> AcmeView<'_> {
    AcmeView {
        now: Timestamp(now),
        plan,
        readable: true,
        agreed: true,
        jitter: 0,
    }
}

#[test]
fn the_first_one_is_ordered_once_all_nodes_want_it() {
    let (acme, wanted) = (Acme::default(), plan());
    assert_eq!(acme.act(view(NOW, None)), AcmeAct::Nothing, "nobody wants one");
    assert_eq!(acme.act(view(NOW, Some(&wanted))), AcmeAct::Order);
    let alone = AcmeView {
        agreed: false,
        ..view(NOW, Some(&wanted))
    };
    assert_eq!(acme.act(alone), AcmeAct::Nothing);
}

#[test]
fn it_is_renewed_with_a_third_of_its_life_left_whatever_others_want() {
    let wanted = plan();
    let acme = Acme {
        certificate: Some(certificate(NOW, 90)),
        ..Acme::default()
    };
    let due = NOW + 60 * DAY;
    assert_eq!(acme.act(view(due - 1, Some(&wanted))), AcmeAct::Nothing);
    let alone = AcmeView {
        agreed: false,
        ..view(due, Some(&wanted))
    };
    assert_eq!(acme.act(alone), AcmeAct::Order);
    // Some are a little earlier, so that not all servers come at once; none by more than three days of ninety.
    let earliest = certificate(NOW, 90).due(999).0;
    assert!(
        (due - 3 * DAY..due - 2 * DAY).contains(&earliest),
        "{}",
        due - earliest
    );
    assert_eq!(certificate(NOW, 90).due(u32::MAX), certificate(NOW, 90).due(999));
}

#[test]
fn what_comes_old_is_used_for_an_hour_and_not_ordered_again_at_once() {
    let old = AcmeCertificate {
        issued_at: Timestamp(NOW + 89 * DAY),
        ..certificate(NOW, 90)
    };
    assert_eq!(old.due(0).0, NOW + 89 * DAY + 3_600_000);
    let short = AcmeCertificate {
        until: Timestamp(NOW + 6 * 60_000),
        ..certificate(NOW, 90)
    };
    assert_eq!(short.due(0).0, NOW + 4 * 60_000);
}

#[test]
fn it_is_pressing_with_a_ninth_left() {
    let acme = Acme {
        certificate: Some(certificate(NOW, 90)),
        ..Acme::default()
    };
    assert!(!acme.is_pressing(Timestamp(NOW + 80 * DAY - 1)));
    assert!(acme.is_pressing(Timestamp(NOW + 80 * DAY)));
    assert!(
        !Acme::default().is_pressing(Timestamp(NOW)),
        "the own one is shown"
    );
}

#[test]
fn another_plan_takes_all_nodes_and_a_key_that_cannot_be_read_does_not() {
    let other = AcmePlan {
        directory: "https://other.example.com".into(),
        ..plan()
    };
    let acme = Acme {
        certificate: Some(certificate(NOW, 90)),
        trouble: Some(trouble(NOW + DAY)),
        ..Acme::default()
    };
    assert_eq!(acme.act(view(NOW, Some(&other))), AcmeAct::Order);
    let alone = AcmeView {
        agreed: false,
        ..view(NOW, Some(&other))
    };
    assert_eq!(acme.act(alone), AcmeAct::Nothing);
    let wanted = plan();
    let sealed = AcmeView {
        readable: false,
        agreed: false,
        ..view(NOW + DAY, Some(&wanted))
    };
    assert_eq!(acme.act(sealed), AcmeAct::Order, "after a restore");
}

#[test]
fn who_failed_waits_and_longer_each_time() {
    let wanted = plan();
    let acme = Acme {
        trouble: Some(trouble(NOW + 1_000)),
        ..Acme::default()
    };
    assert_eq!(acme.act(view(NOW + 999, Some(&wanted))), AcmeAct::Nothing);
    assert_eq!(acme.act(view(NOW + 1_000, Some(&wanted))), AcmeAct::Order);

    let minutes = |failures, asked, jitter| {
        let at = acme_retry_at(Timestamp(NOW), failures, asked, jitter);
        (at.0 - NOW) / 60_000
    };
    assert_eq!([1, 2, 3, 4].map(|count| minutes(count, None, 0)), [5, 10, 20, 40]);
    assert_eq!(minutes(1_000, None, 0), 12 * 60, "half a day at most");
    assert_eq!(minutes(1, Some(3 * 3_600_000), 0), 180, "as it was asked for");
    assert_eq!(minutes(1, Some(u64::MAX), 0), 7 * 24 * 60, "not for ever");
    let spread = minutes(1_000, None, 999);
    assert!((12 * 60..=12 * 60 + 72).contains(&spread), "{spread}");
}

#[test]
fn what_the_leader_says_is_kept_and_a_certificate_ends_troubles() {
    let mut world = World::founded();
    world.level = ACME_LEVEL;
    let say = |news| Change::Acme(news);
    assert_eq!(say(AcmeNews::Forget).level(), ACME_LEVEL);
    let refused = world.refused(by("root"), say(AcmeNews::Forget));
    assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused}");

    let account = AcmeAccount {
        directory: plan().directory,
        credentials: Sealed(vec![7; 300]),
    };
    world.ok(system(), say(AcmeNews::Account(account.clone())));
    let challenge = |digest: u8, until: u64| AcmeChallenge {
        name: "paris.example.com".into(),
        digest: [digest; 32],
        until: Timestamp(until),
    };
    let now = world.now;
    world.ok(
        system(),
        say(AcmeNews::Challenges(vec![challenge(1, now + 1_000)])),
    );
    world.ok(
        system(),
        say(AcmeNews::Challenges(vec![challenge(2, now + 2_000)])),
    );
    assert_eq!(
        world.acme.answered(Timestamp(now)).count(),
        2,
        "those of two leaders"
    );
    world.now = now + 1_000;
    world.ok(system(), say(AcmeNews::Trouble(trouble(now + DAY))));
    assert_eq!(world.acme.challenges.len(), 1, "the other one has ended");
    assert!(!world.events.last().expect("an event").success);

    world.ok(system(), say(AcmeNews::Certificate(certificate(now, 90))));
    let kept = &world.acme;
    assert_eq!(kept.account.as_ref(), Some(&account));
    assert!(kept.challenges.is_empty() && kept.trouble.is_none());
    let event = world.events.last().expect("an event");
    assert!(event.success && event.object == "paris.example.com", "{event:?}");
    let written = format!("{kept:?}");
    assert!(written.contains("key: Sealed"), "{written}");

    world.ok(system(), say(AcmeNews::Forget));
    assert_eq!(world.acme, Acme::default());
}

#[test]
fn what_is_kept_is_bounded() {
    let mut world = World::founded();
    world.level = ACME_LEVEL;
    let names = |count: usize| (0..count).map(|number| format!("n{number}.example.com"));
    let mut many = certificate(world.now, 90);
    many.plan.names = names(Acme::NAMES + 1).collect();
    let mut nameless = certificate(world.now, 90);
    nameless.plan.names.clear();
    let mut long = certificate(world.now, 90);
    long.chain = "x".repeat(Acme::CHAIN_BYTES + 1);
    for bad in [many, nameless, long, certificate(world.now, 0)] {
        let refused = world.refused(system(), Change::Acme(AcmeNews::Certificate(bad)));
        assert!(matches!(refused, Refusal::Invalid { .. }), "{refused}");
    }
    let until = Timestamp(world.now + 1_000);
    for round in 0..4_u8 {
        let all = names(Acme::NAMES).map(|name| AcmeChallenge {
            name,
            digest: [round; 32],
            until,
        });
        world.ok(system(), Change::Acme(AcmeNews::Challenges(all.collect())));
    }
    assert_eq!(world.acme.challenges.len(), Acme::CHALLENGES);
}
