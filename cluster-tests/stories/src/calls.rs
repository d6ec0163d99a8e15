//! Two call each other, and groups (CALL-01, USR-08, USR-09).

use crate::world::{Account, World, text, until};
use anyhow::ensure;
use plenary_signalling::meeting::Refusal;
use serde_json::{Value, json};

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
    third.join(&enter).await?;
    caller
        .until("three are in", |seen| seen.roster.len() == 3)
        .await?;
    drop(desk);
    ensure!(until_call(&alice, "state", "over").await?["outcome"] == "widened");
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
