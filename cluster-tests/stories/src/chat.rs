//! What people write to all in a conference, and what becomes of it (CHAT-01), and guests who come back (AUTH-08).

use crate::{
    visitor::Visitor,
    world::{World, all, until},
};
use anyhow::{Context as _, ensure};
use plenary_signalling::{
    ClientBody,
    meeting::{DeletedBy, Edit, LineNumber, ParticipantId, Refusal, Say, Unsay},
};
use reqwest::Method;
use serde_json::json;

fn place(of: &Visitor) -> anyhow::Result<ParticipantId> {
    let seen = of.seen();
    Ok(seen.place.context("has no place")?.participant)
}

fn unsay(line: u64) -> ClientBody {
    ClientBody::Unsay(Unsay {
        line: LineNumber(line),
    })
}

fn edit(line: u64, text: &str) -> ClientBody {
    ClientBody::Edit(Edit {
        line: LineNumber(line),
        text: text.into(),
        mentions: Vec::new(),
    })
}

/// A place whose client came by another connection keeps what it wrote.
pub(crate) async fn lines_are_edited_answered_and_deleted(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let host = owner.join(&room).await?;
    let visitor = bob.join(&room).await?;
    visitor.chat("Helo");
    host.until("reads it", |seen| seen.lines.contains_key(&1)).await?;
    host.say(edit(1, "Not mine"));
    host.refused("edit", Refusal::Forbidden).await?;
    visitor.say(edit(1, "Hello"));
    let is_edited = |text: &str, seen: &crate::visitor::Seen| {
        let line = seen.lines.get(&1);
        line.is_some_and(|line| line.text == text && line.edited_at.is_some())
    };
    host.until("sees what was changed", |seen| is_edited("Hello", seen))
        .await?;
    // The answer names who wrote it.
    let name = host.seen().lines[&1].name.clone();
    host.say(ClientBody::Say(Say {
        text: format!("@{name}: welcome"),
        reply_to: Some(LineNumber(1)),
        mentions: vec![place(&visitor)?],
        ..Say::default()
    }));
    let own = place(&visitor)?;
    visitor
        .until("is mentioned in the answer", |seen| {
            let answer = seen.lines.get(&2);
            answer.is_some_and(|line| {
                line.reply_to == Some(LineNumber(1)) && line.mentions.iter().any(|one| one.places == [own])
            })
        })
        .await?;
    // From another place, on another node, the same person goes on with it.
    let again = bob.join(&room).await?;
    ensure!(
        again.seen().lines[&2].mentions[0]
            .places
            .contains(&place(&again)?),
        "who comes back is not told that they are mentioned"
    );
    again.say(edit(1, "Hello everybody"));
    host.until("sees it", |seen| is_edited("Hello everybody", seen))
        .await?;
    visitor.say(unsay(2));
    visitor.refused("unsay", Refusal::Forbidden).await?;
    visitor.chat("A secret");
    host.until("reads it", |seen| seen.lines.contains_key(&3)).await?;
    host.say(unsay(3));
    visitor.say(unsay(1));
    let is_gone = |seen: &crate::visitor::Seen| {
        let by = |line: u64| seen.lines.get(&line).and_then(|line| line.deleted);
        by(3) == Some(DeletedBy::Moderator) && by(1) == Some(DeletedBy::Writer)
    };
    again.until("sees that both are gone", is_gone).await?;
    // Who comes later is told nothing of what they said.
    let carol = world.account("carol").await?.join(&room).await?;
    let seen = carol.seen();
    ensure!(is_gone(&seen), "{:?}", seen.lines);
    let texts: Vec<_> = seen.lines.values().map(|line| line.text.as_str()).collect();
    ensure!(
        texts[0].is_empty() && texts[2].is_empty(),
        "a deleted text is told: {texts:?}"
    );
    // The same by the interface, for who moderates.
    let path = format!("/conferences/{room}/chat");
    until("the interface has the chat as it is", || async {
        let lines = owner.get(&path).await?;
        let texts = all(&lines, "text");
        Ok(all(&lines, "id") == ["1", "2", "3"] && texts[0].is_empty() && texts[2].is_empty())
    })
    .await?;
    bob.call(Method::GET, &path, None)
        .await?
        .refused(403, "forbidden")?;
    owner.delete(&format!("{path}/2")).await?.is(204)?;
    visitor
        .until("sees that the answer is gone", |seen| {
            let answer = seen.lines.get(&2);
            answer.is_some_and(|line| line.deleted == Some(DeletedBy::Moderator) && line.text.is_empty())
        })
        .await?;
    Ok(())
}

pub(crate) async fn a_guest_comes_back_as_who_they_were(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let room = owner.conference(json!({ "access": "public" })).await?;
    let host = owner.join(&room).await?;
    let path = format!("/conferences/{room}/guests");
    let stranger = world.stranger();
    let come = async |body: serde_json::Value| stranger.post(&path, body).await?.is(201);
    let first = come(json!({ "name": "Ann" })).await?;
    let token = |answer: &serde_json::Value| answer["token"].as_str().unwrap_or_default().to_owned();
    let visitor = Visitor::open(&world, "Ann", &token(&first)).await?;
    visitor.join(&room).await?;
    visitor.chat("Helo");
    host.until("reads it", |seen| seen.lines.contains_key(&1)).await?;
    visitor.leave();
    // Without the token, as after its end.
    let back = come(json!({ "name": "Ann B.", "key": first["key"] })).await?;
    ensure!(back["guest"] == first["guest"], "somebody else came back: {back}");
    let again = Visitor::open(&world, "Ann B.", &token(&back)).await?;
    again.join(&room).await?;
    again.say(edit(1, "Hello"));
    host.until("sees what was changed", |seen| {
        seen.lines.get(&1).is_some_and(|line| line.text == "Hello")
    })
    .await?;
    let forget = json!({ "key": back["key"] });
    stranger
        .post(&format!("{path}/forgotten"), forget)
        .await?
        .is(204)?;
    let other = come(json!({ "name": "Ann", "key": back["key"] })).await?;
    ensure!(other["guest"] != first["guest"], "the guest was not forgotten");
    Ok(())
}
