//! When conferences are open (CONF-02, CONF-14, CONF-15).

use crate::world::{World, text, until, until_within};
use anyhow::{Context as _, ensure};
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Call, Refusal, Why},
};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Until the next minute has begun, and some more.
const A_MINUTE: Duration = Duration::from_secs(80);

pub(crate) async fn a_room_is_open_from_the_first_to_the_last(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let path = format!("/conferences/{room}");
    // Whoever is first begins a run, the owner or not.
    let guest = bob.join(&room).await?;
    ensure!(owner.get(&path).await?["meeting"]["participants"] == 1);
    let host = owner.join(&room).await?;
    guest.chat("hello");
    host.until("reads the chat", |seen| seen.chat.contains(&"hello".to_owned()))
        .await?;
    guest.leave();
    host.until("is alone", |seen| seen.of(&bob).is_none()).await?;
    host.leave();
    until("the run is over", async || {
        Ok(owner.get(&format!("{path}/runs")).await?["items"][0]["end"] == "everybody_left")
    })
    .await?;
    // What was said outlasts the run.
    let again = bob.join(&room).await?;
    again
        .until("reads the chat of before", |seen| {
            seen.chat.contains(&"hello".to_owned())
        })
        .await?;
    Ok(())
}

/// Whoever goes into another conference has left the one before, and a place that goes on elsewhere is there alone.
pub(crate) async fn one_device_is_in_one_place(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let (one, other) = (
        owner.conference(json!({})).await?,
        owner.conference(json!({})).await?,
    );
    let (host, waiter) = (owner.join(&one).await?, owner.join(&other).await?);
    let phone = bob.join(&one).await?;
    host.until("sees who came", |seen| seen.of(&bob).is_some())
        .await?;
    phone.knock(&other, None);
    waiter
        .until("sees who came over", |seen| seen.of(&bob).is_some())
        .await?;
    host.until("sees who has left", |seen| seen.of(&bob).is_none())
        .await?;
    phone
        .until("is in the other one", |seen| seen.room.cid == other)
        .await?;
    let place = phone.seen().place.context("bob has a place")?;
    let desk = bob.connect().await?;
    desk.resume(&other, place.clone());
    phone.out(Why::Elsewhere).await?;
    desk.until("goes on in the same place", |seen| {
        seen.place.as_ref() == Some(&place)
    })
    .await?;
    ensure!(waiter.seen().roster.len() == 2, "there are more than two");
    Ok(())
}

pub(crate) async fn a_moderator_opens_it_by_hand_and_ends_it_for_all(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({ "launch": "by_hand" })).await?;
    let guest = bob.connect().await?;
    guest.knock(&room, None);
    guest.refused("join", Refusal::NotBegun).await?;
    let host = owner.join(&room).await?;
    ensure!(!host.seen().room.open, "it is open before it begins");
    // Programs hear the same, and go with the meeting, also who only watches and stands in no roster.
    let (node, carol) = (world.next(), world.account("carol").await?);
    let early = carol.whep(node, &room).await?;
    ensure!(early.text.contains("the meeting has not begun"), "{}", early.text);
    early.refused(403, "not-begun")?;
    host.act(Act::Start);
    host.until("hears that it is open", |seen| seen.room.open).await?;
    guest.join(&room).await?;
    until("carol may watch", async || {
        Ok(carol.whep(node, &room).await?.status == 201)
    })
    .await?;
    let answer = carol.whep(node, &room).await?;
    let watching = answer.location.clone();
    answer.is(201)?;
    ensure!(
        carol.has_session(node, &watching).await?,
        "who watches is out at once"
    );
    host.act(Act::End);
    host.out(Why::EndedForAll).await?;
    guest.out(Why::EndedForAll).await?;
    until("who watches is out", async || {
        Ok(!carol.has_session(node, &watching).await?)
    })
    .await?;
    guest.knock(&room, None);
    guest.refused("join", Refusal::NotBegun).await?;
    Ok(())
}

pub(crate) async fn a_schedule_keeps_its_hour_when_the_clocks_change(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let schedule = |date: &str| {
        json!({
            "date": date, "time": "09:30", "zone": "Europe/Paris", "duration_minutes": 45, "weekdays": ["sunday"],
        })
    };
    // The clocks go forward on 26 March 2090.
    let fields = json!({ "launch": "scheduled", "schedule": schedule("2090-03-19") });
    let room = owner.conference(fields).await?;
    let path = format!("/conferences/{room}");
    let next = owner.get(&path).await?["next"].clone();
    ensure!(
        next["start"] == "2090-03-19T08:30:00.000Z",
        "in winter it begins at {next}"
    );
    ensure!(
        next["end"] == "2090-03-19T09:15:00.000Z",
        "in winter it ends at {next}"
    );
    let moved = owner
        .patch(&path, json!({ "schedule": schedule("2090-03-26") }))
        .await?;
    let next = moved.is(200)?["next"].clone();
    ensure!(
        next["start"] == "2090-03-26T07:30:00.000Z",
        "in summer it begins at {next}"
    );
    let calendar = owner
        .call(reqwest::Method::GET, &format!("{path}/calendar"), None)
        .await?;
    for line in [
        "DTSTART;TZID=Europe/Paris:20900326T093000",
        "BEGIN:VTIMEZONE",
        "RRULE:FREQ=WEEKLY",
    ] {
        ensure!(
            calendar.text.contains(line),
            "the calendar has no {line}: {}",
            calendar.text
        );
    }
    let mut wrong = schedule("2090-03-26");
    wrong["zone"] = json!("Europe/Nowhere");
    let refused = owner.patch(&path, json!({ "schedule": wrong })).await?;
    refused.refused_field("schedule")?;
    let past = json!({ "schedule": { "date": "2020-01-01", "time": "09:30", "zone": "UTC" } });
    ensure!(
        owner.patch(&path, past).await?.status == 422,
        "what is past was taken"
    );
    let after = owner.get(&path).await?["next"].clone();
    ensure!(after == next, "what was refused changed something");
    Ok(())
}

/// When the next minute begins, in the words of a schedule; not so soon that it is past before it is asked for.
fn next_minute() -> anyhow::Result<serde_json::Value> {
    let start = (SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 5) / 60 + 1;
    let (date, minute) = (day(start / 1_440), start % 1_440);
    Ok(json!({
        "date": date, "time": format!("{:02}:{:02}", minute / 60, minute % 60), "zone": "UTC", "duration_minutes": 30,
    }))
}

/// By its schedule it calls all who are invited; who has declined is called again.
pub(crate) async fn a_schedule_calls_who_is_invited_and_a_moderator_calls_again(
    world: World,
) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    // A page of theirs is open: else it could not ring.
    let (phone, desk) = (bob.connect().await?, carol.connect().await?);
    let settings = json!({ "call_at_start": true, "invited": [bob.id, carol.id] });
    let fields = json!({ "launch": "scheduled", "schedule": next_minute()?, "settings": settings });
    let room = owner.conference(fields).await?;
    let newest =
        async |who: &crate::world::Account| Ok::<_, anyhow::Error>(who.get("/calls").await?[0].clone());
    for who in [&bob, &carol] {
        let rings = async || Ok(newest(who).await?["state"] == "ringing");
        until_within(A_MINUTE, "it rings when it begins", rings).await?;
    }
    phone.join(&room).await?;
    until("it rings no more at who has come", async || {
        Ok(newest(&bob).await?["outcome"] == "joined")
    })
    .await?;
    let call = text(&newest(&carol).await?["cid"])?;
    let decline = format!("/calls/{call}/decline");
    carol.call(reqwest::Method::POST, &decline, None).await?.is(204)?;
    let host = owner.join(&room).await?;
    // After a decline there is a pause; then it rings again.
    until("it rings again", async || {
        host.say(ClientBody::Call(Call {
            users: vec![carol.id.clone()],
            invited: false,
        }));
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(newest(&carol).await?["state"] == "ringing")
    })
    .await?;
    desk.join(&room).await?;
    host.until("all three are in", |seen| seen.roster.len() == 3)
        .await
}

/// Whoever is left alone is told when it ends, and that it does not when somebody comes.
pub(crate) async fn who_is_alone_has_a_quarter_of_an_hour(world: World) -> anyhow::Result<()> {
    const ALONE_MS: u64 = 15 * 60_000;
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let (host, guest) = (owner.join(&room).await?, bob.join(&room).await?);
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map(|now| now.as_millis())
    };
    let before = u64::try_from(now()?)?;
    let is_soon = |ends_at: Option<u64>| ends_at.is_some_and(|at| at < before + 2 * ALONE_MS);
    host.until("both are in", |seen| seen.roster.len() == 2).await?;
    ensure!(!is_soon(host.seen().room.ends_at), "it ends soon with two in it");
    guest.leave();
    host.until("is told of the end", |seen| is_soon(seen.room.ends_at))
        .await?;
    let ends_at = host.seen().room.ends_at.unwrap_or_default();
    ensure!(
        ends_at + 60_000 > before + ALONE_MS,
        "it ends before its time: {ends_at}"
    );
    guest.join(&room).await?;
    host.until("it goes on", |seen| !is_soon(seen.room.ends_at)).await
}

/// It begins with the next minute, gets more time, and is ended.
pub(crate) async fn a_schedule_begins_is_put_off_and_ends(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let fields =
        json!({ "launch": "scheduled", "schedule": next_minute()?, "settings": { "call_at_start": false } });
    let room = owner.conference(fields).await?;
    let path = format!("/conferences/{room}");
    let early = bob.connect().await?;
    early.knock(&room, None);
    early.refused("join", Refusal::NotBegun).await?;
    let is_open = async || Ok(bob.get(&path).await?["meeting"]["open"] == true);
    until_within(A_MINUTE, "it begins by its schedule", is_open).await?;
    let guest = bob.join(&room).await?;
    let planned = guest.seen().room.ends_at.context("it has a planned end")?;
    ensure!(guest.seen().room.planned, "its end is planned");
    owner
        .act(&room, json!({ "act": "extend", "minutes": 15 }))
        .await?
        .is(204)?;
    guest
        .until("hears of the time that was given", |seen| {
            seen.room.ends_at == Some(planned + 15 * 60_000)
        })
        .await?;
    owner
        .act(&room, json!({ "act": "extend", "minutes": 0 }))
        .await?
        .is(422)?;
    bob.act(&room, json!({ "act": "end" }))
        .await?
        .refused(403, "forbidden")?;
    owner.act(&room, json!({ "act": "end" })).await?.is(204)?;
    guest.out(Why::EndedForAll).await?;
    let meeting = text(&owner.get(&format!("{path}/runs")).await?["items"][0]["end"])?;
    ensure!(meeting == "moderator", "it ended by {meeting}");
    Ok(())
}

/// The date of a day since 1970, after Howard Hinnant's `civil_from_days`.
pub(crate) fn day(days: u64) -> String {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
