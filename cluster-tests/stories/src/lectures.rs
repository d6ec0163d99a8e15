//! Who lectures, as people come, are named, and hand it over (CONF-01).

use crate::{
    visitor::{Seen, Visitor},
    world::{Account, World},
};
use anyhow::ensure;
use plenary_signalling::meeting::{Act, Refusal, State};
use serde_json::json;

/// Waits until each sees that exactly these lecture.
async fn lecture(all: &[&Visitor], who: &[&Account]) -> anyhow::Result<()> {
    let mut wanted: Vec<&str> = who.iter().map(|account| account.id.as_str()).collect();
    wanted.sort_unstable();
    let lecturers = |seen: &Seen| {
        let podium = seen.roster.values().filter(|one| one.podium.is_some());
        let mut users: Vec<_> = podium.filter_map(|one| one.user.clone()).collect();
        users.sort_unstable();
        users
    };
    for one in all {
        one.until(&format!("sees that {wanted:?} lecture"), |seen| {
            lecturers(seen) == wanted
        })
        .await?;
    }
    Ok(())
}

pub(crate) async fn who_is_named_lectures_and_others_stand_in(world: World) -> anyhow::Result<()> {
    let (owner, dave) = (world.account("owner").await?, world.account("dave").await?);
    let (ann, bob) = (world.account("ann").await?, world.account("bob").await?);
    let settings = json!({
        "mode": "lecture", "uninvited": false, "moderators": [dave.id], "lecturers": [ann.id, bob.id]
    });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let moderator = dave.join(&room).await?;
    lecture(&[&moderator], &[&dave]).await?;
    let host = owner.join(&room).await?;
    lecture(&[&moderator, &host], &[&owner]).await?;
    // Who lectures is invited by that, and comes before whoever stands in.
    let first = ann.join(&room).await?;
    lecture(&[&moderator, &host, &first], &[&ann]).await?;
    let second = bob.join(&room).await?;
    lecture(&[&moderator, &host, &first, &second], &[&ann, &bob]).await?;
    // Nobody is named who has no account, and who is named no more listens from the next meeting on.
    let path = format!("/conferences/{room}");
    let nobody = json!({ "settings": { "lecturers": ["nobody-of-this-name"] } });
    owner.patch(&path, nobody).await?.refused_field("lecturers")?;
    let fewer = json!({ "settings": { "lecturers": [bob.id], "invited": [ann.id, bob.id] } });
    owner.patch(&path, fewer).await?.is(200)?;
    for one in [&moderator, &host, &first, &second] {
        one.leave();
    }
    crate::world::until("the meeting is over", async || {
        Ok(owner.get(&path).await?["meeting"]["participants"] == 0)
    })
    .await?;
    second.join(&room).await?;
    first.join(&room).await?;
    lecture(&[&first, &second], &[&bob]).await
}

pub(crate) async fn a_lecture_is_handed_over(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let (bob, carol) = (world.account("bob").await?, world.account("carol").await?);
    let room = owner
        .conference(json!({ "settings": { "mode": "lecture" } }))
        .await?;
    let (host, first) = (owner.join(&room).await?, bob.join(&room).await?);
    let second = carol.join(&room).await?;
    lecture(&[&host, &first, &second], &[&owner]).await?;
    first.act_on(Act::HandLecture, &first);
    first.refused("moderate", Refusal::Forbidden).await?;
    // Who has not asked for it is neither heard nor seen before they switch themselves on.
    host.act_on(Act::HandLecture, &first);
    lecture(&[&host, &first, &second], &[&bob]).await?;
    first
        .until("is asked to unmute", |seen| {
            seen.me()
                .is_some_and(|me| me.hushed && me.dimmed && me.asked.is_some())
        })
        .await?;
    first.set(State {
        muted: Some(false),
        camera: Some(true),
        ..State::default()
    });
    second
        .until("hears and sees who lectures", |seen| {
            seen.of(&bob).is_some_and(|one| !one.hushed && !one.dimmed)
        })
        .await?;
    // Who has asked for it is at once; and who had it listens.
    second.raise_hand();
    host.until("sees the hand", |seen| {
        seen.of(&carol).is_some_and(|one| one.hand.is_some())
    })
    .await?;
    host.act_on(Act::HandLecture, &second);
    lecture(&[&host, &first, &second], &[&carol]).await?;
    let seen = first.seen();
    let carols = seen.of(&carol);
    ensure!(
        carols.is_some_and(|one| !one.hushed && !one.dimmed && one.hand.is_none()),
        "{carols:?}"
    );
    // One more beside them, and the owner again by the owner's own act.
    host.act_on(Act::GivePodium, &first);
    lecture(&[&host, &first, &second], &[&bob, &carol]).await?;
    host.act_on(Act::HandLecture, &host);
    lecture(&[&host, &first, &second], &[&owner]).await?;
    // What is no lecture has none.
    let path = format!("/conferences/{room}");
    let smart = json!({ "settings": { "mode": "all_on_screen" } });
    owner.patch(&path, smart).await?.is(200)?;
    host.act_on(Act::HandLecture, &first);
    host.refused("moderate", Refusal::Conflict).await.map(drop)
}
