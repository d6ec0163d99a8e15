//! Stories in which a node is lost: they are told alone, after all others.

use crate::{
    visitor::Visitor,
    world::{World, text, until},
};
use anyhow::{Context as _, ensure};
use plenary_light::Program;
use plenary_signalling::meeting::{Act, Refusal, Role, Via};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};

/// A program publishes across a change of ID: its session stays, ends by its own address, and a new one begins by the new
/// ID only.
pub(crate) async fn a_program_publishes_across_a_change_of_id(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let host = owner.join(&room).await?;
    let node = world.next();
    let program = Program::begin(IpAddr::V4(Ipv4Addr::LOCALHOST), 9).await?;
    let opened = bob.whip(node, &room, program.offer().to_owned()).await?;
    let location = opened.location.clone();
    ensure!(
        opened.status == 201,
        "a program is refused: {} {}",
        opened.status,
        opened.text
    );
    program.answer(opened.text).await?;
    until("the program is connected", async || Ok(program.is_connected())).await?;
    let is_in = |seen: &crate::visitor::Seen| seen.of(&bob).is_some_and(|one| one.via == Via::Whip);
    host.until("sees the program", is_in).await?;
    let changed = owner
        .patch(&format!("/conferences/{room}"), json!({ "cid": "" }))
        .await?
        .is(200)?;
    let called = text(&changed["cid"])?;
    host.until("hears of the new ID", |seen| seen.room.cid == called)
        .await?;
    ensure!(
        is_in(&host.seen()) && program.is_connected(),
        "the program is gone"
    );
    let other = Program::begin(IpAddr::V4(Ipv4Addr::LOCALHOST), 10).await?;
    let refused = bob.whip(node, &room, other.offer().to_owned()).await?;
    ensure!(
        refused.status == 404,
        "by the old ID a program gets {}",
        refused.status
    );
    let second = bob.whip(node, &called, other.offer().to_owned()).await?;
    ensure!(
        second.status == 201,
        "by the new ID a program gets {}: {}",
        second.status,
        second.text
    );
    bob.end_whip(node, &second.location).await?.is(200)?;
    let ended = bob.end_whip(node, &location).await?;
    ensure!(
        ended.status == 200,
        "the session cannot be ended: {} {}",
        ended.status,
        ended.text
    );
    host.until("the program has left", |seen| seen.of(&bob).is_none())
        .await
}

/// The ID changes while a node is lost: whoever was there goes on at another node by the place that they have, whatever
/// the conference is called, and the lost node knows the new ID when it is back.
pub(crate) async fn an_id_changes_while_a_node_is_lost(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let before = owner.conference(json!({})).await?;
    let leader = leader(&world).await?;
    let host = Visitor::open_at(&world, (leader + 1) % 3, "owner", &owner.token).await?;
    let lost = Visitor::open_at(&world, leader, "bob", &bob.token).await?;
    host.join(&before).await?;
    lost.join(&before).await?;
    host.act_on(Act::MakeModerator, &lost);
    lost.raise_hand();
    host.until("sees the hand", |seen| {
        seen.of(&bob).is_some_and(|one| one.hand.is_some())
    })
    .await?;
    let place = lost.seen().place.context("bob has a place")?;
    world.kill(leader)?;
    lost.until("is cut off", |seen| seen.closed.is_some()).await?;
    // The leader is gone: it is asked until there is a new one, at nodes that answer.
    let path = format!("/conferences/{before}");
    let called = world.name("moved");
    until("the ID changes", async || {
        match owner.patch(&path, json!({ "cid": called })).await {
            // It was done, but the answer got lost.
            Ok(answer) => Ok(answer.status == 200 || answer.status == 404),
            Err(_) => Ok(false),
        }
    })
    .await?;
    host.until("hears of the new ID", |seen| seen.room.cid == called)
        .await?;
    // The role of somebody who is away changes, too.
    host.act_on(Act::UnmakeModerator, &lost);
    host.until("the role is taken back", |seen| {
        seen.of(&bob).is_some_and(|one| one.role == Role::Participant)
    })
    .await?;
    // Its page knows the old ID only.
    let back = Visitor::open_at(&world, (leader + 2) % 3, "bob", &bob.token).await?;
    back.resume(&before, place.clone());
    back.until("goes on in the same place", |seen| {
        seen.place.as_ref() == Some(&place) && seen.room.cid == called
    })
    .await?;
    host.until("sees who is back, as they were", |seen| {
        seen.of(&bob).is_some_and(|one| !one.away && one.hand.is_some())
    })
    .await?;
    back.act(Act::Lock);
    back.refused("moderate", Refusal::Forbidden).await?;
    // Whoever supervises the nodes starts it again.
    until("the node is back and knows the new ID", async || {
        let Ok(late) = Visitor::open_at(&world, leader, "carol", &carol.token).await else {
            return Ok(false);
        };
        late.join(&called).await?;
        let seen = late.seen();
        ensure!(seen.roster.len() == 3, "who is in is {:?}", seen.roster.keys());
        Ok(true)
    })
    .await?;
    let gone = carol.call(reqwest::Method::GET, &path, None).await;
    gone.map_or(Ok(()), |answer| answer.refused(404, "not-found"))
}

/// The number of the node that leads.
async fn leader(world: &World) -> anyhow::Result<usize> {
    let cluster = world.admin().get("/cluster").await?;
    let name = text(&cluster["leader"])?;
    let nodes = cluster["nodes"].as_array().context("the server has nodes")?;
    let url = nodes
        .iter()
        .find(|node| node["name"] == name.as_str())
        .map(|node| &node["url"]);
    let url = text(url.context("the leader is a node")?)?;
    let at = world
        .urls()
        .iter()
        .position(|known| *known == url.trim_end_matches('/'));
    at.with_context(|| format!("no node has the address {url}"))
}
