//! Programs that watch a conference: who sees them, who removes them, and that they count (CONF-05, CONF-08, CONF-10).

use crate::world::{Account, World, all, until};
use anyhow::{Context as _, ensure};
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Moderate, Refusal},
};
use serde_json::json;

/// Whose programs watch, by REST.
async fn listed(moderator: &Account, room: &str) -> anyhow::Result<Vec<String>> {
    let list = moderator.get(&format!("/conferences/{room}/watchers")).await?;
    Ok(all(&list, "user").into_iter().map(str::to_owned).collect())
}

pub(crate) async fn moderators_see_who_watches_and_remove_them(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let (carol, dave) = (world.account("carol").await?, world.account("dave").await?);
    let room = owner.conference(json!({})).await?;
    let host = owner.join(&room).await?;
    let other = bob.join(&room).await?;
    let (first, second) = (world.next(), world.next());
    let one = carol.whep(first, &room).await?;
    let watching = one.location.clone();
    one.is(201)?;
    dave.whep(second, &room).await?.is(201)?;
    host.until("sees both", |seen| seen.watchers.count == 2).await?;
    let seen = host.seen();
    let program = seen.watchers.programs.iter().find(|one| one.user == carol.id);
    let program = program.context("carol's program is not listed")?;
    ensure!(!program.node.is_empty() && program.since > 0, "{program:?}");
    ensure!(
        seen.roster.len() == 2 && seen.counts.inside == 2,
        "they stand in the roster"
    );
    ensure!(other.seen().watchers.count == 0, "others are told who watches");
    until("the list has both", async || {
        Ok(listed(&owner, &room).await?.len() == 2)
    })
    .await?;
    let path = format!("/conferences/{room}/watchers");
    let asked = bob.call(reqwest::Method::GET, &path, None).await?;
    asked.refused(403, "forbidden")?;
    // Who does not moderate removes nobody.
    let remove = ClientBody::Moderate(Moderate {
        participant: Some(program.id),
        ..Moderate::from(Act::RemoveWatcher)
    });
    other.say(remove.clone());
    other.refused("moderate", Refusal::Forbidden).await?;
    host.say(remove);
    host.until("sees one", |seen| seen.watchers.count == 1).await?;
    until("its session is over", async || {
        Ok(!carol.has_session(first, &watching).await?)
    })
    .await?;
    // Not by any node in this run; by the browser as anybody.
    for node in 0..3 {
        let again = carol.whep(node, &room).await?;
        ensure!(again.text.contains("removed your program"), "{}", again.text);
        again.refused(403, "removed")?;
    }
    let carols = carol.join(&room).await?;
    carols.leave();
    // By REST, from outside the meeting.
    let list = owner.get(&path).await?;
    let body = json!({ "act": "remove_watcher", "participant": list[0]["id"] });
    bob.act(&room, body.clone()).await?.refused(403, "forbidden")?;
    owner.act(&room, body.clone()).await?.is(204)?;
    host.until("sees none", |seen| seen.watchers.count == 0).await?;
    owner.act(&room, body).await?.refused(409, "conflict")?;
    // The next run is another one.
    host.act(Act::End);
    owner.join(&room).await?;
    until("carol may watch again", async || {
        Ok(carol.whep(second, &room).await?.status == 201)
    })
    .await
}

pub(crate) async fn a_full_conference_is_full_for_programs_too(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let room = owner
        .conference(json!({ "settings": { "participant_limit": 2 } }))
        .await?;
    owner.join(&room).await?;
    let node = world.next();
    let answer = bob.whep(node, &room).await?;
    let watching = answer.location.clone();
    answer.is(201)?;
    // Whatever the way, and the node.
    let late = carol.connect().await?;
    late.knock(&room, None);
    late.refused("join", Refusal::Full).await?;
    let refused = carol.whep(world.next(), &room).await?;
    ensure!(refused.text.contains("the meeting is full"), "{}", refused.text);
    refused.refused(409, "full")?;
    bob.end_whip(node, &watching).await?.is(200)?;
    until("nobody watches", async || {
        Ok(listed(&owner, &room).await?.is_empty())
    })
    .await?;
    late.join(&room).await
}
