//! Lines of the chat that outlast their runs, and that are said once however often they are sent (CHAT-01, CHAT-03).

use crate::{
    visitor::{Seen, Visitor},
    world::{World, all, until},
};
use anyhow::{Context as _, ensure};
use plenary_signalling::{
    ClientBody,
    meeting::{Earlier, LineNumber, NoChat, Refusal, Say},
};
use serde_json::json;

/// More than who comes in is given.
const MANY: u64 = 230;

fn keyed(text: &str, key: &str) -> ClientBody {
    ClientBody::Say(Say {
        text: text.into(),
        key: Some(key.into()),
        ..Say::default()
    })
}

fn has(text: &'static str) -> impl Fn(&Seen) -> bool {
    move |seen| seen.lines.values().any(|line| line.text == text)
}

fn texts(seen: &Seen) -> Vec<&str> {
    seen.lines.values().map(|line| line.text.as_str()).collect()
}

/// As the search of the page does: it asks for what was said before until it finds what is sought.
pub(crate) async fn what_is_sought_is_found_on_earlier_pages(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let host = owner.join(&room).await?;
    let path = format!("/conferences/{room}/chat");
    for number in 1..=MANY {
        let text = if number == 7 {
            "The needle".to_owned()
        } else {
            format!("Line {number}")
        };
        owner.post(&path, json!({ "text": text })).await?.is(201)?;
    }
    host.until("has all of it", |seen| seen.lines.contains_key(&MANY))
        .await?;
    let visitor = bob.join(&room).await?;
    let seen = visitor.seen();
    ensure!(
        seen.lines.len() == 200 && seen.more,
        "{} lines are given",
        seen.lines.len()
    );
    ensure!(!has("The needle")(&seen), "the first lines are given at once");
    let first = *seen.lines.keys().next().context("there is a line")?;
    visitor.say(ClientBody::Earlier(Earlier {
        before: LineNumber(first),
    }));
    visitor.until("finds it", has("The needle")).await?;
    visitor
        .until("knows that there is no more", |seen| !seen.more)
        .await?;
    ensure!(visitor.seen().lines.len() as u64 == MANY, "lines are missing");
    Ok(())
}

pub(crate) async fn who_writes_is_seen_and_who_may_not_is_not(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let body = json!({ "access": "public", "settings": { "guests": { "chat": false, "audio": true, "video": true } } });
    let room = owner.conference(body).await?;
    let host = owner.join(&room).await?;
    let visitor = bob.join(&room).await?;
    let guests = format!("/conferences/{room}/guests");
    let pass = world
        .stranger()
        .post(&guests, json!({ "name": "Gil" }))
        .await?
        .is(201)?;
    let token = pass["token"].as_str().context("a token")?;
    let guest = Visitor::open(&world, "Gil", token).await?;
    guest.join(&room).await?;
    let silent = |seen: &Seen| seen.me().is_some_and(|me| me.no_chat == Some(NoChat::Guests));
    guest
        .until("knows beforehand that they only read", silent)
        .await?;
    // Whom the others hear of all the time is not among those who write.
    guest.say(ClientBody::Writing {});
    visitor.say(ClientBody::Writing {});
    let writer = visitor.seen().place.context("is in")?.participant;
    host.until("sees who writes", |seen| seen.writing == [writer])
        .await?;
    guest.chat("May I?");
    guest.refused("say", Refusal::Forbidden).await?;
    visitor.chat("Done");
    host.until("sees nobody write", |seen| {
        seen.writing.is_empty() && has("Done")(seen)
    })
    .await?;
    // What is allowed by now is known at once.
    let body = json!({ "settings": { "guests": { "chat": true, "audio": true, "video": true } } });
    owner
        .patch(&format!("/conferences/{room}"), body)
        .await?
        .is(200)?;
    let writes = |seen: &Seen| seen.me().is_some_and(|me| me.no_chat.is_none());
    guest.until("knows that they write", writes).await?;
    guest.chat("Thanks");
    host.until("reads it", has("Thanks")).await
}

pub(crate) async fn earlier_runs_are_read_by_who_is_named_or_was_there(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let room = owner.conference(json!({ "access": "public" })).await?;
    let guests = format!("/conferences/{room}/guests");
    let come = async |name: &'static str, key: &serde_json::Value| {
        let body = json!({ "name": name, "key": key });
        world.stranger().post(&guests, body).await?.is(201)
    };
    let open = async |pass: &serde_json::Value| {
        let token = pass["token"].as_str().context("a token")?;
        let visitor = Visitor::open(&world, "a guest", token).await?;
        visitor.join(&room).await?;
        anyhow::Ok(visitor)
    };
    // An internal run, one with Ann, one without her.
    let mut runs = Vec::new();
    let ann = come("Ann", &serde_json::Value::Null).await?;
    for (text, with_ann) in [("Among us", false), ("With Ann", true), ("Without her", false)] {
        let host = owner.join(&room).await?;
        let guest = if with_ann { Some(open(&ann).await?) } else { None };
        host.chat(text);
        host.until("says it", |seen| {
            seen.lines.values().any(|line| line.text == text)
        })
        .await?;
        runs.push(host.seen().run.context("a run began")?);
        for one in guest.iter().chain([&host]) {
            one.leave();
        }
        until("nobody is in", || async {
            let conference = owner.get(&format!("/conferences/{room}")).await?;
            Ok(conference["meeting"]["participants"] == 0)
        })
        .await?;
    }
    ensure!(runs.is_sorted() && runs[0] < runs[2], "runs are alike: {runs:?}");
    let host = owner.join(&room).await?;
    let seen = host.seen();
    ensure!(
        texts(&seen) == ["Among us", "With Ann", "Without her"],
        "{:?}",
        texts(&seen)
    );
    let of: Vec<_> = seen.lines.values().map(|line| line.run).collect();
    ensure!(of.iter().flatten().copied().eq(runs.iter().copied()), "{of:?}");
    let again = open(&ann).await?;
    ensure!(texts(&again.seen()) == ["With Ann"], "{:?}", texts(&again.seen()));
    let gil = open(&come("Gil", &serde_json::Value::Null).await?).await?;
    ensure!(gil.seen().lines.is_empty(), "{:?}", texts(&gil.seen()));
    gil.say(ClientBody::Earlier(Earlier {
        before: LineNumber(u64::MAX >> 1),
    }));
    // What a moderator takes out of a run of before is gone for those who read it.
    let first = *seen.lines.keys().next().context("there is a line")?;
    owner
        .delete(&format!("/conferences/{room}/chat/{first}"))
        .await?
        .is(204)?;
    host.until("sees it go", |seen| {
        seen.lines.get(&first).is_some_and(|line| line.deleted.is_some())
    })
    .await?;
    host.chat("Welcome");
    for one in [&again, &gil] {
        one.until("reads what is said now", has("Welcome")).await?;
        ensure!(
            !one.seen().lines.contains_key(&first),
            "it is told to who does not read it"
        );
    }
    ensure!(gil.seen().lines.len() == 1, "{:?}", texts(&gil.seen()));
    Ok(())
}

/// The connection is cut between saying and hearing; whoever comes back by another node says it once more.
pub(crate) async fn a_line_sent_twice_is_said_once(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let host = owner.join(&room).await?;
    for turn in 0..5 {
        let (text, key) = (format!("Line of turn {turn}"), format!("turn-{turn}"));
        let before = bob.join(&room).await?;
        let place = before.seen().place.context("is in")?;
        before.say(keyed(&text, &key));
        // At once, or after it went out: it may have been heard or not.
        if turn % 2 == 1 {
            host.until("hears it", |seen| {
                seen.lines.values().any(|line| line.text == text)
            })
            .await?;
        }
        drop(before);
        let again = bob.connect().await?;
        again.resume(&room, place);
        again
            .until("is in again", |seen| seen.inside && seen.me().is_some())
            .await?;
        again.say(keyed(&text, &key));
        again.say(keyed(&text, &key));
        let end = format!("End of turn {turn}");
        again.chat(&end);
        let is_over = |seen: &Seen| seen.lines.values().any(|line| line.text == end);
        host.until("hears what came after it", is_over).await?;
        let times = host
            .seen()
            .lines
            .values()
            .filter(|line| line.text == text)
            .count();
        ensure!(times == 1, "{text} was said {times} times");
        again.leave();
    }
    Ok(())
}

pub(crate) async fn programs_write_as_their_account(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let path = format!("/conferences/{room}/chat");
    let body = json!({ "text": "By a program", "key": "p-1" });
    owner.post(&path, body.clone()).await?.refused(409, "conflict")?;
    let visitor = bob.join(&room).await?;
    let said = owner.post(&path, body.clone()).await?.is(201)?;
    let again = owner.post(&path, body.clone()).await?.is(201)?;
    ensure!(
        said["id"] == again["id"] && said["user"] == owner.id.as_str(),
        "{said} {again}"
    );
    visitor.until("reads it", has("By a program")).await?;
    // The page of the same account does not say it once more either.
    let host = owner.join(&room).await?;
    host.say(keyed("By a program", "p-1"));
    host.chat("By hand");
    visitor.until("reads that too", has("By hand")).await?;
    ensure!(visitor.seen().lines.len() == 2, "{:?}", texts(&visitor.seen()));
    bob.post(&path, json!({ "text": "Me too" }))
        .await?
        .refused(403, "forbidden")?;
    let wrong = json!({ "text": "x", "key": "a b" });
    ensure!(
        owner.post(&path, wrong).await?.status == 422,
        "a key with a gap was taken"
    );
    let lines = owner.get(&path).await?;
    ensure!(all(&lines, "text") == ["By a program", "By hand"], "{lines}");
    Ok(())
}
