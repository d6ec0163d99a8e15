//! What those in a room hear of lines that are edited and deleted.

#![allow(clippy::unwrap_used)]

mod world;

use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{DeletedBy, Edit, LineNumber, Refusal, Said, Say, Unsay},
};
use world::client::{Client, client, say, start};

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
