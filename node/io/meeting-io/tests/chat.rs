//! What those in a room hear of lines that are edited and deleted, of who is writing, and of who has read what.

#![allow(clippy::unwrap_used)]

mod world;

use plenary_meeting_io::{Murmur, Person};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{
        DeletedBy, Earlier, Edit, LineNumber, ParticipantId, Read, Refusal, Said, Say, Unsay, Writing,
    },
};
use world::client::{Client, client, join, place, say, start};

async fn changed(who: &mut Client) -> Vec<Said> {
    who.hear(|told| match told {
        ServerBody::ChatChanged(changed) => Some(changed.lines),
        _ => None,
    })
    .await
}

async fn said(who: &mut Client) -> Vec<Said> {
    who.hear(|told| match told {
        ServerBody::Chat(chat) => Some(chat.lines),
        _ => None,
    })
    .await
}

fn edit(text: &str) -> ClientBody {
    ClientBody::Edit(Edit {
        line: LineNumber(1),
        text: text.into(),
        mentions: Vec::new(),
    })
}

#[tokio::test]
async fn lines_that_change_are_told_apart_from_new_ones() {
    let (hub, _world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    ann.join(&hub, None).await;
    ben.join(&hub, None).await;
    hub.request(&ann.newcomer, ClientBody::Say(say("Helo")));
    assert_eq!(said(&mut ben).await[0].text, "Helo");
    hub.request(&ben.newcomer, edit("Mine"));
    assert_eq!(ben.refused().await, ("edit".into(), Refusal::Forbidden));
    hub.request(&ann.newcomer, edit("Hello"));
    let lines = changed(&mut ben).await;
    assert_eq!((lines.len(), lines[0].text.as_str()), (1, "Hello"));
    assert!(lines[0].edited_at.is_some());
    let answer = Say {
        reply_to: Some(LineNumber(1)),
        ..say("Hi")
    };
    assert_eq!(said(&mut ann).await[0].text, "Helo");
    hub.request(&ben.newcomer, ClientBody::Say(answer));
    assert_eq!(said(&mut ann).await[0].reply_to, Some(LineNumber(1)));
    hub.request(&ann.newcomer, ClientBody::Unsay(Unsay { line: LineNumber(1) }));
    let lines = changed(&mut ben).await;
    assert_eq!(
        (lines[0].text.as_str(), lines[0].deleted),
        ("", Some(DeletedBy::Writer))
    );
    // Who comes later is given all of it as it is.
    let joined = client(3, "carol").join(&hub, None).await;
    let texts: Vec<_> = joined.chat.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["", "Hi"]);
}

#[tokio::test]
async fn one_person_writes_only_so_fast() {
    let (hub, _world) = start();
    let mut ann = client(1, "ann");
    ann.join(&hub, None).await;
    for _ in 0..40 {
        hub.request(&ann.newcomer, ClientBody::Say(say("Hello")));
    }
    assert_eq!(ann.refused().await, ("say".into(), Refusal::TooFast));
}

async fn writing(who: &mut Client) -> Vec<ParticipantId> {
    let Writing { people, .. } = who
        .hear(|told| match told {
            ServerBody::Writing(writing) => Some(writing),
            _ => None,
        })
        .await;
    people.into_iter().map(|one| one.participant).collect()
}

async fn readers(who: &mut Client) -> Vec<u64> {
    let up_to = who
        .hear(|told| match told {
            ServerBody::Readers(readers) => Some(readers.up_to),
            _ => None,
        })
        .await;
    up_to.into_iter().map(|line| line.0).collect()
}

fn read(line: u64) -> ClientBody {
    let line = LineNumber(line);
    ClientBody::Read(Read { line })
}

#[tokio::test]
async fn who_is_writing_is_told_here_and_to_other_nodes_and_no_more_once_they_have_written() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let writer = ann.join(&hub, None).await.participant;
    let other = ben.join(&hub, None).await.participant;
    for _ in 0..3 {
        hub.request(&ann.newcomer, ClientBody::Writing {});
    }
    assert_eq!(writing(&mut ben).await, [writer]);
    let told = world.murmurs();
    let news = Murmur {
        writing: [writer].into(),
        ..Murmur::default()
    };
    assert_eq!(
        told.iter().map(|(_, murmur)| murmur).collect::<Vec<_>>(),
        [&news],
        "once in three seconds"
    );
    hub.request(&ann.newcomer, ClientBody::Say(say("Hello")));
    assert!(writing(&mut ben).await.is_empty());
    // Those of other nodes, of whom this one knows that they are in.
    let murmur = Murmur {
        writing: [other, ParticipantId(999)].into(),
        ..Murmur::default()
    };
    hub.hear_murmur(&"demo".parse().unwrap(), murmur);
    while writing(&mut ann).await != [other] {}
    assert_eq!(
        world.murmurs().len(),
        1,
        "what another node has said is not told to others"
    );
}

#[tokio::test]
async fn who_waits_does_not_write_and_reads_nothing() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    ann.join(&hub, None).await;
    world.wait_room();
    let mut ben = client(2, "ben");
    hub.request(&ben.newcomer, join("demo", None));
    ben.hear(|told| matches!(told, ServerBody::Waiting(_)).then_some(()))
        .await;
    for request in [ClientBody::Writing {}, read(1)] {
        hub.request(&ben.newcomer, request);
    }
    let before = LineNumber(9);
    hub.request(&ben.newcomer, ClientBody::Earlier(Earlier { before }));
    assert_eq!(ben.refused().await, ("earlier".into(), Refusal::Waiting));
    assert!(world.murmurs().is_empty());
}

#[tokio::test]
async fn who_wrote_hears_how_many_have_read_it() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let joined = ann.join(&hub, None).await;
    let reader = ben.join(&hub, None).await.participant;
    hub.request(&ann.newcomer, ClientBody::Say(say("Hello")));
    assert_eq!(said(&mut ben).await.len(), 1);
    hub.request(&ben.newcomer, read(7));
    while readers(&mut ann).await != [1] {}
    // Nothing is read less, and nobody is their own reader.
    hub.request(&ben.newcomer, read(0));
    hub.request(&ann.newcomer, read(1));
    hub.request(&ann.newcomer, ClientBody::Say(say("Again")));
    assert_eq!(said(&mut ben).await.len(), 1);
    hub.request(&ben.newcomer, read(2));
    while readers(&mut ann).await != [2] {}
    let marks = world
        .murmurs()
        .into_iter()
        .filter_map(|(_, murmur)| murmur.read.get(&reader).copied());
    assert_eq!(marks.collect::<Vec<_>>(), [1, 2]);
    // Whoever comes back hears it anew.
    let mut again = client(3, "ann");
    again.join(&hub, Some(place(&joined))).await;
    while readers(&mut again).await != [2] {}
    let before = LineNumber(2);
    hub.request(&again.newcomer, ClientBody::Earlier(Earlier { before }));
    let earlier = again
        .hear(|told| match told {
            ServerBody::ChatEarlier(earlier) => Some(earlier),
            _ => None,
        })
        .await;
    assert_eq!(
        (earlier.lines[0].text.as_str(), earlier.lines.len(), earlier.more),
        ("Hello", 1, false)
    );
}

/// A guest of the room.
fn guest(run: u64) -> Client {
    let mut guest = client(run, "gina");
    guest.newcomer.person = Person::Guest {
        id: "gina".parse().unwrap(),
        room: "demo".parse().unwrap(),
    };
    guest
}

fn texts(lines: &[Said]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn lines_of_earlier_runs_are_told_to_those_who_read_them() {
    let (hub, world) = start();
    let mut ann = client(1, "ann");
    ann.join(&hub, None).await;
    hub.request(&ann.newcomer, ClientBody::Say(say("Among us")));
    assert_eq!(said(&mut ann).await[0].run, Some(0));
    world.next_run();
    let (mut ben, mut gina) = (client(2, "ben"), guest(3));
    let joined = ben.join(&hub, None).await;
    assert_eq!((texts(&joined.chat), joined.run), (vec!["Among us"], Some(1)));
    assert!(gina.join(&hub, None).await.chat.is_empty());
    // What is changed of such a line is no business of who does not read it either.
    hub.request(&ann.newcomer, edit("Among us alone"));
    assert_eq!(texts(&changed(&mut ben).await), ["Among us alone"]);
    hub.request(&ann.newcomer, ClientBody::Say(say("Welcome")));
    let heard = gina.hear(|told| match told {
        ServerBody::Chat(chat) => Some(chat.lines),
        ServerBody::ChatChanged(_) => panic!("{told:?}"),
        _ => None,
    });
    assert_eq!(texts(&heard.await), ["Welcome"]);
    let before = LineNumber(9);
    hub.request(&gina.newcomer, ClientBody::Earlier(Earlier { before }));
    let earlier = gina.hear(|told| match told {
        ServerBody::ChatEarlier(earlier) => Some(earlier.lines),
        _ => None,
    });
    assert_eq!(texts(&earlier.await), ["Welcome"]);
}

#[tokio::test]
async fn lines_of_a_guest_who_comes_back_are_told_to_be_theirs() {
    let (hub, _world) = start();
    let (mut ann, mut gina) = (client(1, "ann"), guest(2));
    ann.join(&hub, None).await;
    gina.join(&hub, None).await;
    hub.request(&gina.newcomer, ClientBody::Say(say("Hello")));
    assert_eq!(texts(&said(&mut ann).await), ["Hello"]);
    hub.request(&gina.newcomer, ClientBody::Leave {});
    ann.hear(|told| match told {
        ServerBody::Roster(roster) => (!roster.gone.is_empty()).then_some(()),
        _ => None,
    })
    .await;
    let mut again = guest(3);
    let place = again.join(&hub, None).await.participant;
    let lines = changed(&mut ann).await;
    assert_eq!(texts(&lines), ["Hello"]);
    assert!(lines[0].places.contains(&place), "{lines:?}");
    // Of who says something for the first time nothing is told anew.
    let mut ben = client(4, "ben");
    ben.join(&hub, None).await;
    hub.request(&ben.newcomer, ClientBody::Say(say("Welcome back")));
    let next = ann.hear(|told| match told {
        ServerBody::Chat(_) => Some(true),
        ServerBody::ChatChanged(_) => Some(false),
        _ => None,
    });
    assert!(next.await, "accounts have their names from elsewhere");
}

fn keyed(text: &str, key: &str) -> ClientBody {
    ClientBody::Say(Say {
        key: Some(key.into()),
        ..say(text)
    })
}

#[tokio::test]
async fn what_is_sent_twice_is_heard_once_and_what_is_refused_says_which_it_was() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let joined = ann.join(&hub, None).await;
    ben.join(&hub, None).await;
    hub.request(&ann.newcomer, keyed("Hello", "a-1"));
    assert_eq!(said(&mut ben).await[0].key.as_deref(), Some("a-1"));
    // The connection breaks before the line is seen; whoever comes back sees that it was said.
    hub.ended(ann.newcomer.run);
    let mut again = client(3, "ann");
    let back = again.join(&hub, Some(place(&joined))).await;
    assert_eq!(back.chat[0].key.as_deref(), Some("a-1"));
    hub.request(&again.newcomer, keyed("Hello", "a-1"));
    hub.request(&again.newcomer, keyed("And more", "a-2"));
    assert_eq!(texts(&said(&mut ben).await), ["And more"]);
    // While the log does not take it, the page knows which line to send again.
    world.cut(true);
    hub.request(&again.newcomer, keyed("Later", "a-3"));
    let key = again.hear(|told| match told {
        ServerBody::Refused(refused) => Some((refused.code, refused.key)),
        _ => None,
    });
    assert_eq!(key.await, (Refusal::Unavailable, Some("a-3".into())));
    world.cut(false);
    hub.request(&again.newcomer, keyed("Later", "a-3"));
    assert_eq!(texts(&said(&mut ben).await), ["Later"]);
}

#[tokio::test]
async fn who_may_not_write_is_not_shown_as_writing() {
    let (hub, world) = start();
    let (mut ann, mut ben) = (client(1, "ann"), client(2, "ben"));
    let silent = ann.join(&hub, None).await.participant;
    let other = ben.join(&hub, None).await.participant;
    world.silence(silent);
    ann.hear(|told| match told {
        ServerBody::Roster(roster) => roster
            .participants
            .iter()
            .any(|one| one.id == silent && one.no_chat.is_some())
            .then_some(()),
        _ => None,
    })
    .await;
    hub.request(&ann.newcomer, ClientBody::Writing {});
    let murmur = Murmur {
        writing: [silent].into(),
        ..Murmur::default()
    };
    hub.hear_murmur(&"demo".parse().unwrap(), murmur);
    hub.request(&ben.newcomer, ClientBody::Writing {});
    assert_eq!(writing(&mut ann).await, [other]);
}
