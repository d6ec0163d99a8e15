//! Two call each other, groups, and people into meetings (CALL-01, CONF-08, USR-08, USR-09).

use crate::world::{Account, World, all, text, until, until_within};
use anyhow::ensure;
use plenary_signalling::meeting::Refusal;
use serde_json::{Value, json};
use std::time::Duration;

/// It rings for a minute, and what is over is looked for every few seconds.
const A_MINUTE: Duration = Duration::from_secs(80);

/// Somebody calls; gives the call.
async fn dial(who: &Account, to: &str) -> anyhow::Result<Value> {
    who.post("/calls", json!({ "to": to })).await?.is(201)
}

/// The newest call of somebody.
async fn newest(who: &Account) -> anyhow::Result<Value> {
    let calls = who.get("/calls").await?;
    Ok(calls.get(0).cloned().unwrap_or_else(|| calls["items"][0].clone()))
}

async fn until_call(who: &Account, field: &str, value: &str) -> anyhow::Result<Value> {
    let what = format!("{} of the call is {value}", field);
    until(&what, async || Ok(newest(who).await?[field] == value)).await?;
    newest(who).await
}

pub(crate) async fn a_call_rings_is_answered_and_becomes_a_conference(world: World) -> anyhow::Result<()> {
    let (alice, bob) = (world.account("alice").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    ensure!(
        dial(&alice, &bob.id).await?["outcome"] == "unreachable",
        "bob is signed in nowhere"
    );
    // Two devices of one, at other nodes.
    let other_device = world.again(&bob).await?;
    let (phone, desk) = (bob.connect().await?, other_device.connect().await?);
    let (caller, third) = (alice.connect().await?, carol.connect().await?);
    let call = dial(&alice, &bob.id).await?;
    let enter = text(&call["enter"])?;
    ensure!(call["state"] == "ringing", "the call is {call}");
    until_call(&bob, "state", "ringing").await?;
    until_call(&other_device, "state", "ringing").await?;
    third.knock(&enter, None);
    third.refused("join", Refusal::Uninvited).await?;
    caller.join(&enter).await?;
    phone.join(&enter).await?;
    until_call(&other_device, "state", "answered").await?;
    caller.until("both are in", |seen| seen.roster.len() == 2).await?;
    let path = format!("/calls/{}", text(&call["cid"])?);
    carol.post(&format!("{path}/widen"), json!({})).await?;
    third.knock(&enter, None);
    third.refused("join", Refusal::Uninvited).await?;
    bob.call(reqwest::Method::POST, &format!("{path}/widen"), None)
        .await?
        .is(204)?;
    caller.until("it is a conference", |seen| !seen.room.call).await?;
    // Only who is called in comes.
    third.knock(&enter, None);
    third.refused("join", Refusal::Uninvited).await?;
    let whom = json!({ "users": [carol.id] });
    bob.post(&format!("/conferences/{enter}/calls"), whom)
        .await?
        .is(200)?;
    third.join(&enter).await?;
    caller
        .until("three are in", |seen| seen.roster.len() == 3)
        .await?;
    drop(desk);
    ensure!(until_call(&alice, "state", "over").await?["outcome"] == "widened");
    // It goes with its run.
    let room = format!("/conferences/{enter}");
    alice.get(&room).await?;
    alice.act(&enter, json!({ "act": "end" })).await?.is(204)?;
    let gone = alice.call(reqwest::Method::GET, &room, None).await?;
    gone.refused(404, "not-found")?;
    Ok(())
}

pub(crate) async fn calls_are_declined_given_up_and_busy(world: World) -> anyhow::Result<()> {
    let (alice, bob) = (world.account("alice").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let _devices = (bob.connect().await?, carol.connect().await?);
    let caller = alice.connect().await?;
    let declined = dial(&alice, &bob.id).await?;
    let decline = format!("/calls/{}/decline", text(&declined["cid"])?);
    carol
        .call(reqwest::Method::POST, &decline, None)
        .await?
        .refused(404, "not-found")?;
    bob.call(reqwest::Method::POST, &decline, None).await?.is(204)?;
    ensure!(until_call(&alice, "state", "over").await?["outcome"] == "declined");
    // The caller gives up: for the other one it was missed or cancelled, and it rings no more.
    let given_up = dial(&alice, &bob.id).await?;
    let enter = text(&given_up["enter"])?;
    caller.join(&enter).await?;
    let twice = alice.post("/calls", json!({ "to": carol.id })).await?;
    twice.refused(409, "conflict")?;
    ensure!(
        dial(&carol, &bob.id).await?["outcome"] == "busy",
        "bob is called twice at once"
    );
    caller.leave();
    until("it rings no more", async || {
        let path = format!("/calls/{}", text(&given_up["cid"])?);
        Ok(bob.get(&path).await?["state"] == "over")
    })
    .await?;
    for wrong in ["nobody-at-all", alice.id.as_str(), ""] {
        let answer = alice.post("/calls", json!({ "to": wrong })).await?;
        ensure!(
            (400..500).contains(&answer.status),
            "calling {wrong:?} gets {}",
            answer.status
        );
    }
    Ok(())
}

/// Whoever was not there finds it afterwards, on each device: who called, when, and that nobody answered.
pub(crate) async fn a_missed_call_stands_in_the_history_on_all_devices(world: World) -> anyhow::Result<()> {
    let (alice, bob) = (world.account("alice").await?, world.account("bob").await?);
    let (carol, other) = (world.account("carol").await?, world.again(&bob).await?);
    // Nobody is there.
    let away = dial(&alice, &bob.id).await?;
    ensure!(
        away["outcome"] == "unreachable" && away["state"] == "over",
        "{away}"
    );
    let (_phone, _desk) = (bob.connect().await?, other.connect().await?);
    // The caller gives up.
    let caller = carol.connect().await?;
    let given_up = dial(&carol, &bob.id).await?;
    caller.join(&text(&given_up["enter"])?).await?;
    until_call(&other, "state", "ringing").await?;
    caller.leave();
    until_call(&bob, "outcome", "cancelled").await?;
    // It rings until it is over.
    let rings = dial(&alice, &bob.id).await?;
    for device in [&bob, &other] {
        let call = until_call(device, "state", "ringing").await?;
        ensure!(
            call["cid"] == rings["cid"] && call["direction"] == "incoming",
            "{call}"
        );
    }
    let over = async || Ok(newest(&alice).await?["state"] == "over");
    until_within(A_MINUTE, "nobody answers", over).await?;
    for device in [&bob, &other] {
        let missed = device.get("/me/calls?direction=incoming&answered=false").await?;
        let outcomes = all(&missed, "outcome");
        ensure!(
            outcomes == ["missed", "cancelled", "unreachable"] && missed["total"] == 3,
            "one device has {missed}"
        );
        let newest = &missed["items"][0];
        ensure!(
            newest["with"]["id"] == alice.id.as_str()
                && newest["answered_at"].is_null()
                && newest["ended_at"].is_string(),
            "what was missed is {newest}"
        );
        ensure!(device.get("/me/calls?answered=true").await?["total"] == 0);
    }
    let found = other.get(&format!("/me/calls?search={}", carol.id)).await?;
    ensure!(found["total"] == 1, "of carol there is {found}");
    let outgoing = alice.get("/me/calls?direction=outgoing").await?;
    ensure!(
        all(&outgoing, "outcome") == ["missed", "unreachable"],
        "alice has {outgoing}"
    );
    // It is theirs and administrators' alone.
    let path = format!("/users/{}/calls", bob.id);
    ensure!(world.admin().get(&path).await?["total"] == 3);
    carol
        .call(reqwest::Method::GET, &path, None)
        .await?
        .refused(403, "forbidden")?;
    let path = format!("/calls/{}", text(&rings["cid"])?);
    carol
        .call(reqwest::Method::GET, &path, None)
        .await?
        .refused(404, "not-found")
}

/// Nobody of it is there, all decline, or the caller leaves: for all it is over.
pub(crate) async fn a_group_that_does_not_answer_rings_no_more(world: World) -> anyhow::Result<()> {
    let admin = world.admin();
    let group = world.group("desk", &["make_calls"]).await?;
    let call_id = world.name("desk");
    let body = json!({ "call_id": call_id });
    admin.patch(&format!("/groups/{group}"), body).await?.is(200)?;
    let (one, two) = (
        world.account_in("one", &[&group]).await?,
        world.account_in("two", &[&group]).await?,
    );
    let alice = world.account("alice").await?;
    let nobody = dial(&alice, &call_id).await?;
    ensure!(nobody["outcome"] == "unreachable", "nobody is there: {nobody}");
    let (_first, _second) = (one.connect().await?, two.connect().await?);
    let caller = alice.connect().await?;
    let declined = dial(&alice, &call_id).await?;
    caller.join(&text(&declined["enter"])?).await?;
    for member in [&one, &two] {
        let theirs = until_call(member, "state", "ringing").await?;
        ensure!(newest(&alice).await?["state"] != "over", "one declined for all");
        let decline = format!("/calls/{}/decline", text(&theirs["cid"])?);
        member
            .call(reqwest::Method::POST, &decline, None)
            .await?
            .is(204)?;
    }
    until_call(&alice, "outcome", "declined").await?;
    let given_up = dial(&alice, &call_id).await?;
    caller.join(&text(&given_up["enter"])?).await?;
    for member in [&one, &two] {
        until_call(member, "state", "ringing").await?;
    }
    caller.leave();
    for member in [&one, &two] {
        until_call(member, "outcome", "cancelled").await?;
    }
    Ok(())
}

/// Into a meeting that goes on, on whichever device and node; a call that was taken back rings no more.
pub(crate) async fn a_moderator_calls_people_in_and_takes_calls_back(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let room = owner
        .conference(json!({ "settings": { "uninvited": false } }))
        .await?;
    let path = format!("/conferences/{room}/calls");
    let (phone, _desk) = (bob.connect().await?, carol.connect().await?);
    let both = json!({ "users": [bob.id, carol.id] });
    bob.post(&path, both.clone()).await?.refused(403, "forbidden")?;
    let host = owner.join(&room).await?;
    owner.post(&path, both).await?.is(200)?;
    for who in [&bob, &carol] {
        let call = until_call(who, "state", "ringing").await?;
        ensure!(call["into"]["cid"] == room.as_str(), "it rings for {call}");
    }
    host.until("sees whom it rings", |seen| seen.called.len() == 2)
        .await?;
    owner.delete(&format!("{path}/{}", carol.id)).await?.is(204)?;
    until_call(&carol, "outcome", "cancelled").await?;
    // Who is called is invited to this meeting, who is not called any more is not.
    phone.join(&room).await?;
    until_call(&bob, "outcome", "joined").await?;
    let late = carol.connect().await?;
    late.knock(&room, None);
    late.refused("join", Refusal::Uninvited).await?;
    let called = owner.get(&path).await?;
    ensure!(
        all(&called, "user") == [carol.id.as_str()] && called[0]["state"] == "cancelled",
        "who was called is {called}"
    );
    let wrong = owner
        .post(&path, json!({ "users": ["nobody-of-this-name"] }))
        .await?;
    ensure!(
        (400..500).contains(&wrong.status),
        "nobody is called: {}",
        wrong.text
    );
    Ok(())
}

pub(crate) async fn a_group_is_called_and_the_first_has_it(world: World) -> anyhow::Result<()> {
    let admin = world.admin();
    let group = world
        .group("support", &["make_calls", "create_conferences"])
        .await?;
    let call_id = world.name("hotline");
    let body = json!({ "call_id": call_id });
    admin
        .patch(&format!("/groups/{group}"), body.clone())
        .await?
        .is(200)?;
    let other = world.group("other", &["make_calls"]).await?;
    admin
        .patch(&format!("/groups/{other}"), body)
        .await?
        .refused_field("call_id")?;
    let (one, two) = (
        world.account_in("one", &[&group]).await?,
        world.account_in("two", &[&group]).await?,
    );
    let alice = world.account("alice").await?;
    let (first, _second) = (one.connect().await?, two.connect().await?);
    let caller = alice.connect().await?;
    // By an alias of it.
    let alias = world.name("help");
    admin
        .post("/aliases", json!({ "id": alias, "target": call_id }))
        .await?
        .is(201)?;
    let call = dial(&alice, &alias).await?;
    for member in [&one, &two] {
        until_call(member, "state", "ringing").await?;
    }
    let enter = text(&call["enter"])?;
    caller.join(&enter).await?;
    first.join(&enter).await?;
    let over = until_call(&two, "state", "over").await?;
    ensure!(
        over["outcome"] == "elsewhere" && over["answered_by"]["id"] == one.id.as_str(),
        "the other one sees {over}"
    );
    caller.until("both are in", |seen| seen.roster.len() == 2).await
}

pub(crate) async fn an_alias_leads_to_whoever_it_names(world: World) -> anyhow::Result<()> {
    let (admin, bob) = (world.admin(), world.account("bob").await?);
    let alias = world.name("front-desk");
    admin
        .post("/aliases", json!({ "id": alias, "target": bob.id }))
        .await?
        .is(201)?;
    let found = bob.get(&format!("/resolve?call={alias}")).await?;
    ensure!(
        found["user_id"]
            .as_str()
            .is_some_and(|id| id.starts_with(&bob.id)),
        "the alias leads to {found}"
    );
    let again = json!({ "id": alias, "target": bob.id });
    admin.post("/aliases", again).await?.refused(409, "exists")?;
    for wrong in ["x".repeat(33), "with space".into(), String::new()] {
        let answer = admin
            .post("/aliases", json!({ "id": wrong, "target": bob.id }))
            .await?;
        answer.refused_field("id")?;
    }
    bob.post("/aliases", json!({ "id": world.name("mine"), "target": bob.id }))
        .await?
        .refused(403, "forbidden")?;
    admin.delete(&format!("/aliases/{alias}")).await?.is(204)?;
    let gone = bob
        .call(reqwest::Method::GET, &format!("/resolve?call={alias}"), None)
        .await?;
    ensure!(
        gone.body["user_id"].is_null(),
        "the alias leads somewhere still: {}",
        gone.text
    );
    Ok(())
}
