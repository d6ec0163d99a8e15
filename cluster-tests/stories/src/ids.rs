//! By what conferences are found (CONF-04).

use crate::world::{World, text};
use anyhow::ensure;
use plenary_signalling::meeting::Refusal;
use serde_json::json;

pub(crate) async fn the_server_makes_ids_up_and_refuses_taken_ones(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let defaults = owner.get("/me/conference-defaults").await?;
    let length = defaults["id_length"].as_u64().unwrap_or_default();
    let mut made = Vec::new();
    for _ in 0..3 {
        let cid = owner.conference(json!({})).await?;
        ensure!(cid.len() as u64 == length, "{cid} has not {length} characters");
        ensure!(!made.contains(&cid), "{cid} was made up twice");
        made.push(cid);
    }
    // Whatever the case of its letters, and at whichever node.
    let chosen = owner.conference(json!({ "cid": world.name("Board") })).await?;
    for taken in [&made[0], &chosen, &chosen.to_uppercase()] {
        let body = json!({ "cid": taken, "name": "Another" });
        owner.post("/conferences", body).await?.refused(409, "exists")?;
        let path = format!("/conferences/{}", made[1]);
        let change = json!({ "cid": taken });
        owner.patch(&path, change).await?.refused(409, "exists")?;
    }
    // Of two at once one gets it.
    let body = json!({ "cid": world.name("race"), "name": "Race" });
    let (one, two) = futures::join!(
        owner.post("/conferences", body.clone()),
        owner.post("/conferences", body)
    );
    let mut statuses = [one?.status, two?.status];
    statuses.sort_unstable();
    ensure!(statuses == [201, 409], "two at once get {statuses:?}");
    for bad in ["all", "with space", "a/b", &"x".repeat(65)] {
        let body = json!({ "cid": bad, "name": "Another" });
        owner.post("/conferences", body).await?.refused_field("cid")?;
    }
    Ok(())
}

pub(crate) async fn an_id_changes_while_people_meet(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let before = owner.conference(json!({})).await?;
    let (host, guest) = (owner.join(&before).await?, bob.join(&before).await?);
    guest.raise_hand();
    host.until("sees the hand", |seen| {
        seen.of(&bob).is_some_and(|one| one.hand.is_some())
    })
    .await?;
    let wanted = world.name("town-hall");
    let path = format!("/conferences/{before}");
    bob.patch(&path, json!({ "cid": wanted }))
        .await?
        .refused(403, "forbidden")?;
    let changed = owner.patch(&path, json!({ "cid": wanted })).await?.is(200)?;
    ensure!(
        changed["cid"] == wanted.as_str(),
        "it is called {}",
        changed["cid"]
    );
    for visitor in [&host, &guest] {
        visitor
            .until("hears of the new ID", |seen| seen.room.cid == wanted)
            .await?;
    }
    let late = carol.connect().await?;
    late.knock(&before, None);
    late.refused("join", Refusal::NotFound).await?;
    late.join(&wanted).await?;
    ensure!(
        late.seen().of(&bob).is_some_and(|one| one.hand.is_some()),
        "the hand was lost"
    );
    owner.get(&format!("/conferences/{wanted}")).await?;
    let gone = owner.call(reqwest::Method::GET, &path, None).await?;
    gone.refused(404, "not-found")?;
    // The old one is free, for another conference.
    let other = owner.conference(json!({ "cid": before })).await?;
    let alone = carol.join(&other).await?;
    ensure!(
        alone.seen().roster.len() == 1,
        "the other conference has people of the first one"
    );
    let made_up = owner
        .patch(&format!("/conferences/{wanted}"), json!({ "cid": "" }))
        .await?
        .is(200)?;
    let made_up = text(&made_up["cid"])?;
    guest
        .until("hears of the ID that was made up", |seen| {
            seen.room.cid == made_up
        })
        .await
}

/// No two lead anywhere else than where they did: neither conferences, nor people, groups and aliases.
pub(crate) async fn an_id_that_leads_somewhere_is_taken(world: World) -> anyhow::Result<()> {
    let (admin, owner) = (world.admin(), world.account("owner").await?);
    let (alias, call_id) = (world.name("front"), world.name("hotline"));
    let target = json!({ "id": alias, "target": owner.id });
    admin.post("/aliases", target).await?.is(201)?;
    let group = world.group("hotline", &[]).await?;
    let body = json!({ "call_id": call_id });
    admin.patch(&format!("/groups/{group}"), body).await?.is(200)?;
    let (one, other) = (
        owner.conference(json!({})).await?,
        owner.conference(json!({})).await?,
    );
    for taken in [&owner.id, &alias, &call_id, &owner.id.to_uppercase()] {
        let body = json!({ "cid": taken, "name": "Another" });
        owner.post("/conferences", body).await?.refused_field("cid")?;
        let change = json!({ "cid": taken });
        let refused = owner.patch(&format!("/conferences/{one}"), change).await?;
        refused.refused_field("cid")?;
    }
    // Two conferences want the same at once: one gets it, and the other stays what it is.
    let wanted = json!({ "cid": world.name("wanted") });
    let change = |cid: &str| {
        let (owner, path, wanted) = (owner.clone(), format!("/conferences/{cid}"), wanted.clone());
        async move { owner.patch(&path, wanted).await }
    };
    let (first, second) = futures::join!(change(&one), change(&other));
    let statuses = (first?.status, second?.status);
    let (moved, stays) = match statuses {
        (200, 409) => (&one, &other),
        (409, 200) => (&other, &one),
        _ => anyhow::bail!("two who want the same ID get {statuses:?}"),
    };
    owner.get(&format!("/conferences/{stays}")).await?;
    let gone = format!("/conferences/{moved}");
    let gone = owner.call(reqwest::Method::GET, &gone, None).await?;
    gone.refused(404, "not-found")
}
