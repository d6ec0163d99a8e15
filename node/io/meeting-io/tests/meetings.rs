//! Clients in meetings, with a roster in memory and a media engine that only notes what it is asked.

#![allow(clippy::unwrap_used)]

mod world;

use plenary_meeting_io::{MediaEvent, Newcomer, Person, Session, Whence};
use plenary_model::Cid;
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{
        Act, Joined, Kind, Layers, Moderate, Offer, ParticipantId, Peer, Place, Refusal, Show, State, Tile,
        Why,
    },
};
use std::collections::BTreeSet;
use tokio::sync::mpsc;
use world::{
    World,
    client::{Client, client, join, place, say, start},
};

fn offer(generation: u32) -> ClientBody {
    ClientBody::Offer(Offer {
        connection: Peer::Publish,
        generation,
        sdp: format!("offer {generation}"),
        lines: Vec::new(),
    })
}

fn demo() -> Cid {
    "demo".parse().unwrap()
}

#[tokio::test]
async fn who_is_in_hears_of_who_comes_says_something_and_goes() {
    let (hub, _world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let first = ann.join(&hub, None).await;
    assert_eq!((first.participants.len(), first.room.name.as_str()), (1, "Demo"));
    let second = ben.join(&hub, None).await;
    assert_eq!(second.participants.len(), 2);
    let came = ann.hear(|told| match told {
        ServerBody::Roster(roster) => Some(roster.participants),
        _ => None,
    });
    assert_eq!(came.await[0].id, second.participant);
    hub.request(&ben.newcomer, ClientBody::Say(say("hello")));
    let said = ann.hear(|told| match told {
        ServerBody::Chat(chat) => Some(chat.lines),
        _ => None,
    });
    assert_eq!(said.await[0].text, "hello");
    let raise = State {
        hand: Some(true),
        ..State::default()
    };
    hub.request(&ben.newcomer, ClientBody::State(raise));
    ann.hear(|told| match told {
        ServerBody::Roster(roster) => roster.participants[0].hand,
        _ => None,
    })
    .await;
    hub.request(&ben.newcomer, ClientBody::Leave {});
    let gone = ann.hear(|told| match told {
        ServerBody::Roster(roster) if !roster.gone.is_empty() => Some(roster.gone),
        _ => None,
    });
    assert_eq!(gone.await, [second.participant]);
    assert_eq!((hub.seats(), hub.rooms()), (1, 1));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_reason() {
    let (hub, _world) = start();
    let mut ann = client(1, "ann");
    hub.request(&ann.newcomer, offer(1));
    assert_eq!(ann.refused().await, ("offer".into(), Refusal::NotJoined));
    for room in ["none", "../x", ""] {
        hub.request(&ann.newcomer, join(room, None));
        assert_eq!(ann.refused().await, ("join".into(), Refusal::NotFound));
    }
    let (tell, told) = mpsc::unbounded_channel();
    let person = Person::Guest {
        id: "guest-1".parse().unwrap(),
        room: "other".parse().unwrap(),
    };
    let newcomer = Newcomer {
        run: 7,
        person,
        whence: None,
        tell,
        permits: None,
    };
    let mut guest = Client { newcomer, told };
    hub.request(&guest.newcomer, join("demo", None));
    assert_eq!(guest.refused().await, ("join".into(), Refusal::Forbidden));
    assert_eq!((hub.seats(), hub.rooms()), (0, 0));
}

#[tokio::test]
async fn who_joins_and_offers_without_end_costs_little_and_holds_up_nobody() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    ann.join(&hub, None).await;
    for run in 2..102 {
        let mut again = client(run, "ann");
        hub.request(&again.newcomer, join("none", None));
        let (_, why) = again.refused().await;
        if why == Refusal::TooFast {
            break;
        }
        assert_eq!((why, run < 100), (Refusal::NotFound, true), "{run}");
    }
    let handshakes = world.handshakes();
    for generation in 1..1_000 {
        hub.request(&ann.newcomer, offer(generation));
    }
    assert_eq!(ann.refused().await, ("offer".into(), Refusal::TooFast));
    client(200, "ben").join(&hub, None).await;
    assert!(world.handshakes() - handshakes < 60);
    // What costs little is done all the same.
    hub.request(&ann.newcomer, ClientBody::Say(say("hello")));
    ann.hear(|told| matches!(told, ServerBody::Chat(_)).then_some(()))
        .await;
}

#[tokio::test]
async fn offers_are_answered_by_generation_and_a_lost_connection_is_told() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    let joined = ann.join(&hub, None).await;
    let answer = |told| match told {
        ServerBody::Answer(answer) => Some((answer.generation, answer.sdp)),
        _ => None,
    };
    hub.request(&ann.newcomer, offer(1));
    assert_eq!(ann.hear(answer).await, (1, "opened offer 1".into()));
    hub.request(&ann.newcomer, offer(1));
    assert_eq!(ann.hear(answer).await, (1, "negotiated offer 1".into()));
    hub.request(&ann.newcomer, offer(3));
    assert_eq!(ann.hear(answer).await, (3, "opened offer 3".into()));
    // Late words about the one before are nobody's business.
    hub.media(MediaEvent::Ended(Session(1)));
    hub.request(&ann.newcomer, offer(2));
    let layers = Layers {
        kind: Kind::Video,
        highest: Some(1),
    };
    hub.media(MediaEvent::Layers(Session(2), layers));
    let next = ann.hear(Some).await;
    assert_eq!(next, ServerBody::Layers(layers), "nothing was told in between");
    hub.media(MediaEvent::Ended(Session(2)));
    let lost = ann.hear(|told| match told {
        ServerBody::Lost(lost) => Some(lost.generation),
        _ => None,
    });
    assert_eq!(lost.await, 3);
    hub.request(&ann.newcomer, ClientBody::Leave {});
    world
        .until(|world| world.moves(joined.participant).is_none())
        .await;
}

#[tokio::test]
async fn a_place_is_taken_up_again_before_that_is_committed() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    let first = ann.join(&hub, None).await;
    // The server has no leader for a while.
    world.cut(true);
    let mut again = client(2, "ann");
    let second = again.join(&hub, Some(place(&first))).await;
    assert_eq!(second.participant, first.participant);
    assert_eq!(ann.ended().await, Why::Elsewhere);
    hub.request(&again.newcomer, offer(1));
    again
        .hear(|told| matches!(told, ServerBody::Answer(_)).then_some(()))
        .await;
    world.cut(false);
    world
        .until(|world| world.moves(first.participant) == Some(1))
        .await;
    // The first connection ends late, and frees nothing.
    hub.ended(1);
    hub.request(&again.newcomer, ClientBody::Say(say("here")));
    again
        .hear(|told| matches!(told, ServerBody::Chat(_)).then_some(()))
        .await;
    assert_eq!(world.moves(first.participant), Some(1));
}

#[tokio::test]
async fn a_wrong_secret_gets_another_place() {
    let (hub, _world) = start();
    let (mut ann, mut eve) = (client(1, "ann"), client(2, "eve"));
    let first = ann.join(&hub, None).await;
    let stolen = Place {
        participant: first.participant,
        secret: "guess".into(),
    };
    let second = eve.join(&hub, Some(stolen)).await;
    assert_ne!(second.participant, first.participant);
    let with_secret = eve.join(&hub, Some(place(&first))).await;
    assert_ne!(with_secret.participant, first.participant, "it is ann's");
}

#[tokio::test]
async fn who_is_removed_or_whose_room_is_deleted_is_told_and_out() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let first = ann.join(&hub, None).await;
    ben.join(&hub, None).await;
    world.remove(first.participant);
    hub.changed(&demo());
    assert_eq!(ann.ended().await, Why::Removed);
    world.delete_room();
    hub.changed(&demo());
    assert_eq!(ben.ended().await, Why::RoomDeleted);
    world.until(|_| hub.seats() == 0 && hub.rooms() == 0).await;
}

#[tokio::test]
async fn who_is_in_what_goes_with_its_run_hears_that_it_ended() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    ann.join(&hub, None).await;
    world.end_with_room(Why::EndedForAll);
    hub.changed(&demo());
    assert_eq!(ann.ended().await, Why::EndedForAll);
}

#[tokio::test]
async fn where_no_seat_may_be_used_people_go_out_but_for_those_in_calls() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    ann.join(&hub, None).await;
    let (calls, none) = (BTreeSet::from([demo()]), BTreeSet::new());
    world.until(|_| hub.cids() == calls).await;
    assert!(hub.is_used_beside(&none) && !hub.is_used_beside(&calls));
    hub.end_all_but(Why::SeatsEnded, calls);
    hub.request(&ann.newcomer, ClientBody::Say(say("still here")));
    let said = ann.hear(|told| match told {
        ServerBody::Chat(chat) => Some(chat.lines),
        _ => None,
    });
    assert_eq!(said.await[0].text, "still here");
    hub.end_all_but(Why::SeatsEnded, none);
    assert_eq!(ann.ended().await, Why::SeatsEnded);
}

#[tokio::test]
async fn the_place_of_a_client_that_vanished_is_free_after_a_moment() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    let place = ann.join(&hub, None).await.participant;
    hub.ended(1);
    // Until then this node has it: it is nobody's leftover.
    world.until(|_| hub.seats() == 0).await;
    assert!(hub.has(place) || world.is_empty());
    world.until(|world| world.is_empty()).await;
    world.until(|_| !hub.has(place) && hub.rooms() == 0).await;
}

#[tokio::test]
async fn who_is_here_and_counts_as_away_returns() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    let joined = ann.join(&hub, None).await;
    world.lose(joined.participant);
    hub.changed(&demo());
    world
        .until(|world| world.moves(joined.participant) == Some(1))
        .await;
    hub.request(&ann.newcomer, ClientBody::Say(say("here")));
    ann.hear(|told| matches!(told, ServerBody::Chat(_)).then_some(()))
        .await;
}

#[tokio::test]
async fn who_comes_back_from_another_address_takes_the_place_up_from_there() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    let joined = ann.join(&hub, None).await;
    let far = "203.0.113.9".parse().expect("good");
    let whence = Whence {
        address: far,
        outside: true,
    };
    hub.moved(1, whence);
    world
        .until(|world| world.moves(joined.participant) == Some(1))
        .await;
    assert_eq!(world.came_from(), [Some(far)]);
    // The own move is none of another device.
    hub.changed(&demo());
    hub.request(&ann.newcomer, ClientBody::Say(say("here")));
    ann.hear(|told| match told {
        ServerBody::Ended(ended) => panic!("put out: {ended:?}"),
        ServerBody::Chat(_) => Some(()),
        _ => None,
    })
    .await;
}

impl Client {
    async fn waits(&mut self) -> Place {
        self.hear(|told| match told {
            ServerBody::Waiting(waiting) => Some(Place {
                participant: waiting.participant,
                secret: waiting.secret,
            }),
            ServerBody::Joined(joined) => panic!("let in: {joined:?}"),
            _ => None,
        })
        .await
    }

    async fn let_in(&mut self) -> Joined {
        self.hear(|told| match told {
            ServerBody::Joined(joined) => Some(joined),
            ServerBody::Roster(_) | ServerBody::Chat(_) => panic!("who waits hears nothing"),
            _ => None,
        })
        .await
    }
}

fn moderate(act: Act, participant: Option<ParticipantId>) -> ClientBody {
    ClientBody::Moderate(Moderate {
        participant,
        ..Moderate::from(act)
    })
}

#[tokio::test]
async fn who_waits_hears_nothing_and_gets_no_media_until_let_in() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    let owner = ann.join(&hub, None).await;
    world.make_moderator(owner.participant);
    world.wait_room();
    let mut ben = client(2, "ben");
    hub.request(&ben.newcomer, join("demo", None));
    let place = ben.waits().await;
    // The moderator sees who waits.
    let waiting = ann.hear(|told| match told {
        ServerBody::Roster(roster) => roster.participants.into_iter().find(|one| one.waiting),
        _ => None,
    });
    assert_eq!(waiting.await.id, place.participant);
    hub.request(&ben.newcomer, offer(1));
    assert_eq!(ben.refused().await, ("offer".into(), Refusal::Waiting));
    hub.request(&ann.newcomer, ClientBody::Say(say("secret")));
    ann.hear(|told| matches!(told, ServerBody::Chat(_)).then_some(()))
        .await;
    hub.request(&ann.newcomer, moderate(Act::Admit, Some(place.participant)));
    let joined = ben.let_in().await;
    assert_eq!((joined.participants.len(), joined.chat.len()), (2, 1));
    hub.request(&ben.newcomer, offer(1));
    ben.hear(|told| matches!(told, ServerBody::Answer(_)).then_some(()))
        .await;
    world.until(|world| world.media().2 == 1).await;
    // Sent back: connections end, and nothing is heard any more.
    hub.request(&ann.newcomer, moderate(Act::SendBack, Some(place.participant)));
    ben.waits().await;
    world.until(|world| world.media().2 == 0).await;
    hub.request(&ben.newcomer, offer(2));
    assert_eq!(ben.refused().await, ("offer".into(), Refusal::Waiting));
    hub.request(&ann.newcomer, moderate(Act::Remove, Some(place.participant)));
    assert_eq!(ben.ended().await, Why::NotAdmitted);
}

#[tokio::test]
async fn media_obey_what_a_moderator_does() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let owner = ann.join(&hub, None).await;
    world.make_moderator(owner.participant);
    let joined = ben.join(&hub, None).await;
    hub.request(&ben.newcomer, offer(1));
    ben.hear(|told| matches!(told, ServerBody::Answer(_)).then_some(()))
        .await;
    let voice = |world: &World| world.media().1.map(|flow| flow.voice);
    world.until(|world| voice(world) == Some(true)).await;
    hub.request(&ben.newcomer, moderate(Act::Mute, Some(owner.participant)));
    assert_eq!(ben.refused().await, ("moderate".into(), Refusal::Forbidden));
    hub.request(&ann.newcomer, moderate(Act::Mute, Some(joined.participant)));
    world.until(|world| voice(world) == Some(false)).await;
    hub.request(&ann.newcomer, moderate(Act::Lock, None));
    let locked = ben.hear(|told| match told {
        ServerBody::Room(room) => Some(room.locked),
        _ => None,
    });
    assert!(locked.await);
    hub.request(&ann.newcomer, moderate(Act::End, None));
    assert_eq!(ann.ended().await, Why::EndedForAll);
    assert_eq!(ben.ended().await, Why::EndedForAll);
}

#[tokio::test]
async fn in_a_lecture_listeners_are_shown_the_speakers_only() {
    let (hub, world) = start();
    world.lecture();
    let (mut ann, mut ben, mut cat) = (client(1, "ann"), client(2, "ben"), client(3, "cat"));
    let lecturer = ann.join(&hub, None).await.participant;
    world.make_moderator(lecturer);
    let listener = ben.join(&hub, None).await.participant;
    cat.join(&hub, None).await;
    let receive = ClientBody::Offer(Offer {
        connection: Peer::Receive,
        generation: 1,
        sdp: "offer".into(),
        lines: Vec::new(),
    });
    hub.request(&cat.newcomer, receive);
    let tile = |participant| Tile {
        participant,
        kind: Kind::Video,
        height: 180,
    };
    let show = ClientBody::Show(Show {
        tiles: vec![tile(listener), tile(lecturer)],
    });
    hub.request(&cat.newcomer, show);
    world.until(|world| world.media().0 == [lecturer]).await;
}

#[tokio::test]
async fn a_wrong_pin_is_refused_with_its_reason() {
    let (hub, _world) = start();
    let mut ann = client(1, "ann");
    let mut with_pin = join("demo", None);
    if let ClientBody::Join(join) = &mut with_pin {
        join.pin = Some("0000".into());
    }
    assert!(!format!("{with_pin:?}").contains("0000"), "a PIN is in no log");
    hub.request(&ann.newcomer, with_pin);
    assert_eq!(ann.refused().await, ("join".into(), Refusal::WrongPin));
}

#[tokio::test]
async fn who_becomes_a_moderator_hears_of_those_who_wait() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    let first = ann.join(&hub, None).await;
    world.wait_room();
    let mut ben = client(2, "ben");
    hub.request(&ben.newcomer, join("demo", None));
    let place = ben.waits().await;
    world.make_moderator(first.participant);
    let waiting = ann.hear(|told| match told {
        ServerBody::Roster(roster) => roster.participants.into_iter().find(|one| one.waiting),
        _ => None,
    });
    assert_eq!(waiting.await.id, place.participant);
}

#[tokio::test]
async fn a_place_is_taken_up_again_under_another_id() {
    let (hub, world) = start();
    let (mut anna, mut ben) = (client(1, "anna"), client(2, "ben"));
    let first = anna.join(&hub, None).await;
    ben.join(&hub, None).await;
    world.call_it("weekly");
    for one in [&mut anna, &mut ben] {
        let told = one.hear(|told| match told {
            ServerBody::Room(room) => Some(room.cid),
            _ => None,
        });
        assert_eq!(told.await, "weekly", "nobody has to leave");
    }
    // Cut off while it was changed: the client knows the ID of before only.
    let mut again = client(3, "anna");
    let back = again.join(&hub, Some(place(&first))).await;
    assert_eq!(
        (back.participant, back.room.cid.as_str()),
        (first.participant, "weekly")
    );
    let mut late = client(4, "carla");
    hub.request(&late.newcomer, join("demo", None));
    assert_eq!(late.refused().await, ("join".into(), Refusal::NotFound));
    hub.request(&late.newcomer, join("weekly", None));
    let joined = late.hear(|told| match told {
        ServerBody::Joined(joined) => Some(joined.room.cid),
        _ => None,
    });
    assert_eq!(joined.await, "weekly");
}
