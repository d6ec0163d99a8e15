use crate::home::*;
use plenary_access::*;
use plenary_store::queries;

#[test]
fn a_session_is_found_by_its_token_until_it_ends() {
    let mut home = Home::with_users([new_user("alice")]);
    let Outcome::SignedIn { expires_at } = home.ok(system(), sign_in("alice", "s")) else {
        panic!("a sign-in gives when it ends");
    };
    let at = |now| queries::session(&home.db, &token("s"), now).expect("reads");
    let (session, row) = at(home.now()).expect("there");
    assert_eq!((session.id.as_str(), row.user.id.as_str()), ("s", "alice"));
    assert!(at(plenary_model::Timestamp(expires_at.0 - 1)).is_some());
    assert!(at(expires_at).is_none(), "it has ended though nobody swept");
    assert!(
        queries::session(&home.db, &token("x"), home.now())
            .expect("reads")
            .is_none()
    );
    let listed = |now| {
        queries::sessions(&home.db, &name("alice"), now)
            .expect("reads")
            .len()
    };
    assert_eq!((listed(home.now()), listed(expires_at)), (1, 0));
    home.now = expires_at.0;
    home.ok(system(), Change::Sweep);
    assert_eq!(home.count("sessions"), 0);
}

#[test]
fn ended_sessions_are_gone_at_once() {
    let mut home = Home::with_users([new_user("alice")]);
    home.ok(system(), sign_in("alice", "s1"));
    home.ok(system(), sign_in("alice", "s2"));
    home.ok(by("alice"), Change::EndSession { id: "s1".into() });
    assert!(
        queries::session(&home.db, &token("s1"), home.now())
            .expect("reads")
            .is_none()
    );
    home.ok(by("root"), Change::DisconnectUser { id: name("alice") });
    assert_eq!(home.count("sessions"), 0);
}

#[test]
fn more_sessions_than_one_sweep_takes_end_in_the_next_ones() {
    let mut home = Home::founded();
    for user in 0..11 {
        let id = format!("u{user}");
        home.ok(system(), Change::CreateUser(new_user(&id)));
        let sign_ins: Vec<Command> = (0..100)
            .map(|at| plain(system(), sign_in(&id, &format!("{id}-{at}"))))
            .collect();
        assert!(home.batch(&sign_ins).iter().all(Result::is_ok));
    }
    home.now += 61 * DAY;
    home.ok(system(), Change::Sweep);
    assert_eq!(home.count("sessions"), 100);
    home.ok(system(), Change::Sweep);
    assert_eq!(home.count("sessions"), 0);
}
