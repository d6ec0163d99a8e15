//! What moderators hear, and what they do to one person.

#![allow(clippy::unwrap_used)]

mod world;

use plenary_meeting_io::Person;
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Call, CallOff, Invited, Layout, ParticipantId, Refusal, RemovedPerson, Ringing},
};
use world::client::{client, place, say, start};

#[tokio::test]
async fn moderators_call_people_and_hear_who_does_not_come() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let owner = ann.join(&hub, None).await;
    world.make_moderator(owner.participant);
    let joined = ben.join(&hub, None).await;
    let call = |users: &[&str]| {
        ClientBody::Call(Call {
            users: users.iter().map(|user| (*user).to_owned()).collect(),
            invited: false,
        })
    };
    hub.request(&ben.newcomer, call(&["carol"]));
    assert_eq!(ben.refused().await, ("call".into(), Refusal::Forbidden));
    hub.request(&ann.newcomer, call(&["carol"; 101]));
    assert_eq!(ann.refused().await, ("call".into(), Refusal::BadRequest));
    hub.request(&ann.newcomer, call(&["carol"]));
    let called = |told| match told {
        ServerBody::Called(called) => Some(called.people),
        _ => None,
    };
    let people = ann.hear(called).await;
    assert_eq!(
        people.iter().map(|one| one.user.as_str()).collect::<Vec<_>>(),
        ["carol"]
    );
    // Whoever becomes a moderator hears it too.
    world.make_moderator(joined.participant);
    assert_eq!(ben.hear(called).await, people);
    // Either takes the call back, and both hear it.
    hub.request(
        &ben.newcomer,
        ClientBody::CallOff(CallOff {
            users: vec!["carol".into()],
            all: false,
        }),
    );
    for one in [&mut ann, &mut ben] {
        let people = one.hear(called).await;
        assert_eq!(people.first().map(|one| one.state), Some(Ringing::Cancelled));
    }
}

#[tokio::test]
async fn moderators_alone_hear_who_watches_by_a_program() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let owner = ann.join(&hub, None).await;
    world.make_moderator(owner.participant);
    let joined = ben.join(&hub, None).await;
    let id = world.watch("carol");
    let watchers = |told| match told {
        ServerBody::Watchers(watchers) => Some(watchers),
        _ => None,
    };
    let told = ann.hear(watchers).await;
    let programs: Vec<_> = told
        .programs
        .iter()
        .map(|one| (one.id, one.user.as_str()))
        .collect();
    assert_eq!((told.count, programs), (1, vec![(id, "carol")]));
    // Whoever becomes a moderator hears it too, and heard nothing before.
    world.make_moderator(joined.participant);
    assert_eq!(ben.hear(watchers).await, told);
    world.watch("dan");
    assert_eq!(ben.hear(watchers).await.count, 2);
}

#[tokio::test]
async fn moderators_alone_hear_who_was_removed_and_guests_learn_no_accounts() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    ben.newcomer.person = Person::Guest {
        id: "ben".parse().unwrap(),
        room: "demo".parse().unwrap(),
    };
    let owner = ann.join(&hub, None).await;
    world.make_moderator(owner.participant);
    let joined = ben.join(&hub, None).await;
    let carol = RemovedPerson {
        id: ParticipantId(99),
        name: "Carol".into(),
        user: Some("carol".into()),
        guest: false,
        programs_only: false,
        at: 1,
    };
    world.remember_removed(carol.clone());
    let removed = |told| match told {
        ServerBody::Removed(removed) => Some(removed),
        _ => None,
    };
    let told = ann.hear(removed).await;
    assert_eq!((told.count, told.people), (1, vec![carol.clone()]));
    // Whoever becomes a moderator hears it too, a guest without the account.
    world.make_moderator(joined.participant);
    let covered = RemovedPerson { user: None, ..carol };
    assert_eq!(ben.hear(removed).await.people, [covered]);
}

#[tokio::test]
async fn who_is_invited_hears_of_it_and_moderators_hear_how_it_ends() {
    let (hub, world) = start();
    let (mut ann, mut ben, mut eve) = (client(1, "ann"), client(2, "ben"), client(3, "eve"));
    let owner = ann.join(&hub, None).await;
    world.make_moderator(owner.participant);
    let asked = ben.join(&hub, None).await.participant;
    eve.join(&hub, None).await;
    let invitations = |told| match told {
        ServerBody::Invitations(all) => Some(all.people),
        _ => None,
    };
    world.invite(asked, Invited::Asked);
    let own = ben.hear(invitations).await;
    assert_eq!(own.first().map(|one| one.participant), Some(asked));
    assert_eq!(ann.hear(invitations).await, own);
    world.invite(asked, Invited::Declined);
    assert_eq!(ben.hear(invitations).await, [], "it is over");
    let told = ann.hear(invitations).await;
    assert_eq!(told.first().map(|one| one.state), Some(Invited::Declined));
    // Others hear nothing of it: what they are told next is something else.
    hub.request(&ann.newcomer, ClientBody::Say(say("Hello")));
    let first = eve.hear(|told| match told {
        ServerBody::Invitations(_) => Some(false),
        ServerBody::Chat(_) => Some(true),
        _ => None,
    });
    assert!(first.await);
}

#[tokio::test]
async fn a_layout_for_one_is_told_to_them_alone_and_again_when_they_come_back() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    ann.join(&hub, None).await;
    let joined = ben.join(&hub, None).await;
    let layout = Layout {
        locked: true,
        ..Layout::default()
    };
    let own = |told| match told {
        ServerBody::OwnLayout(own) => Some(own.layout),
        _ => None,
    };
    world.lay_out(joined.participant, Some(layout.clone()));
    assert_eq!(ben.hear(own).await, Some(layout.clone()));
    // On another connection, as after a reload.
    let mut again = client(3, "ben");
    again.join(&hub, Some(place(&joined))).await;
    assert_eq!(again.hear(own).await, Some(layout));
    world.lay_out(joined.participant, None);
    assert_eq!(again.hear(own).await, None);
    hub.request(&again.newcomer, ClientBody::Say(say("Hello")));
    let first = ann.hear(|told| match told {
        ServerBody::OwnLayout(_) => Some(false),
        ServerBody::Chat(_) => Some(true),
        _ => None,
    });
    assert!(first.await, "nobody else hears of it");
}
