//! How conferences are set up and found: options, layouts, templates, lists, what people show (CONF-10, CONF-11, CONF-16,
//! CONF-17, CONF-18).

use crate::{
    visitor::Seen,
    world::{Account, World, all, text, until},
};
use anyhow::ensure;
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Arrangement, Layout, React, Refusal, SlotRule},
};
use serde_json::json;
use std::time::Duration;

pub(crate) async fn options_hold_for_every_way_in(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let settings = json!({
        "muted_on_entry": true, "camera_off_on_entry": true, "programs": false, "participant_limit": 2,
        "quality": { "camera_height": 360, "camera_fps": 15, "content_height": 720, "content_fps": 5 },
    });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let host = owner.join(&room).await?;
    let visitor = bob.join(&room).await?;
    let seen = visitor.seen();
    ensure!(
        seen.me()
            .is_some_and(|me| me.hushed && me.dimmed && me.muted && !me.camera),
        "microphone and camera are on: {seen:?}"
    );
    ensure!(
        seen.room.quality.camera_height == 360,
        "the limits of quality are not told"
    );
    ensure!(
        host.seen().me().is_some_and(|me| !me.hushed),
        "the owner is muted"
    );
    let carol = world.account("carol").await?;
    let late = carol.connect().await?;
    late.knock(&room, None);
    late.refused("join", Refusal::Full).await?;
    let program = carol.whip(world.next(), &room, "v=0\r\n".into()).await?;
    program.refused(403, "way-closed")?;
    let path = format!("/conferences/{room}");
    let larger = json!({ "settings": { "quality": {
        "camera_height": 720, "camera_fps": 15, "content_height": 720, "content_fps": 5 } } });
    owner.patch(&path, larger).await?.is(200)?;
    visitor
        .until("hears of the new limit", |seen| {
            seen.room.quality.camera_height == 720
        })
        .await?;
    let closed = json!({ "settings": { "browser": false, "participant_limit": 0 } });
    owner.patch(&path, closed).await?.is(200)?;
    late.knock(&room, None);
    late.refused("join", Refusal::WayClosed).await?;
    let wrong = json!({ "settings": { "quality": {
        "camera_height": 10, "camera_fps": 15, "content_height": 720, "content_fps": 5 } } });
    ensure!(
        owner.patch(&path, wrong).await?.status == 422,
        "a picture of 10 lines was taken"
    );
    Ok(())
}

pub(crate) async fn one_layout_for_all_may_be_locked(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let (host, visitor) = (owner.join(&room).await?, bob.join(&room).await?);
    let person = visitor.seen().place.map(|place| place.participant);
    let slots: Vec<_> = person
        .map(|participant| SlotRule::Person { participant })
        .into_iter()
        .collect();
    let layout = Layout {
        arrangement: Arrangement::Speaker,
        pinned: person,
        locked: true,
        slots: slots
            .into_iter()
            .chain([SlotRule::Speaker, SlotRule::Content])
            .collect(),
        shuffle_s: Some(10),
        names_hidden: true,
        kept: None,
    };
    visitor.set_layout(layout.clone());
    visitor.refused("moderate", Refusal::Forbidden).await?;
    host.set_layout(layout.clone());
    let is_set = |seen: &crate::visitor::Seen| seen.room.layout.as_deref() == Some(&layout);
    visitor.until("hears of the layout", is_set).await?;
    let carol = world.account("carol").await?;
    let late = carol.join(&room).await?;
    ensure!(is_set(&late.seen()), "who comes later has another layout");
    for wrong in [
        Layout {
            slots: vec![SlotRule::Automatic; 26],
            ..layout.clone()
        },
        Layout {
            shuffle_s: Some(1),
            ..layout.clone()
        },
        Layout {
            slots: person
                .into_iter()
                .flat_map(|participant| [SlotRule::Person { participant }; 2])
                .collect(),
            ..layout.clone()
        },
    ] {
        host.set_layout(wrong);
        host.refused("moderate", Refusal::BadRequest).await?;
    }
    ensure!(is_set(&host.seen()), "what was refused changed the layout");
    host.act(Act::ClearLayout);
    late.until("chooses again", |seen| seen.room.layout.is_none())
        .await
}

pub(crate) async fn what_people_show_is_seen_at_every_node(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({})).await?;
    let (host, visitor) = (owner.join(&room).await?, bob.join(&room).await?);
    visitor.show(true);
    host.until("the screen is shown", |seen| {
        seen.of(&bob).is_some_and(|one| one.content)
    })
    .await?;
    visitor.say(ClientBody::React(React {
        reaction: "👍".into(),
    }));
    host.until("the reaction is seen", |seen| {
        seen.of(&bob)
            .and_then(|one| one.reaction.as_ref())
            .is_some_and(|one| one.text == "👍")
    })
    .await?;
    visitor.say(ClientBody::React(React {
        reaction: "x".repeat(500),
    }));
    visitor.refused("react", Refusal::BadRequest).await?;
    visitor.chat(&"x".repeat(4_001));
    visitor.refused("say", Refusal::BadRequest).await?;
    Ok(())
}

/// One place, three people: whoever shows something has it, and what is shown stays seen when somebody else gets it.
pub(crate) async fn in_a_smart_meeting_a_screen_takes_the_podium(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let settings = json!({ "mode": "smart", "podium_places": 1 });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let (host, visitor) = (owner.join(&room).await?, bob.join(&room).await?);
    let is_up = |seen: &Seen, who: &Account| seen.of(who).is_some_and(|one| one.podium.is_some());
    host.until("has the place", |seen| is_up(seen, &owner)).await?;
    // Whoever has just come keeps the place for two seconds; then it goes to who begins to show something.
    until("the screen takes the place", async || {
        visitor.show(false);
        visitor.show(true);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let seen = host.seen();
        Ok(is_up(&seen, &bob) && !is_up(&seen, &owner))
    })
    .await?;
    host.act_on(Act::Pin, &visitor);
    host.until("is pinned", |seen| seen.of(&bob).is_some_and(|one| one.pinned))
        .await?;
    host.show(true);
    visitor
        .until("the other screen is shown too", |seen| {
            seen.of(&owner).is_some_and(|one| one.content)
        })
        .await?;
    ensure!(is_up(&host.seen(), &bob), "a pinned place was taken");
    Ok(())
}

pub(crate) async fn a_template_makes_conferences(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let (name, admin) = (world.name("Lesson"), world.admin());
    let settings = json!({ "mode": "lecture", "waiting_room": "all", "muted_on_entry": true });
    let body = json!({ "name": name, "access": "public", "settings": settings });
    let made = owner.post("/templates", body.clone()).await?.is(201)?;
    owner.post("/templates", body).await?.refused(409, "exists")?;
    let path = format!("/templates/{}", text(&made["id"])?);
    let hidden = bob.call(reqwest::Method::GET, &path, None).await?;
    hidden.refused(404, "not-found")?;
    let for_all = json!({ "for_all": true });
    owner
        .patch(&path, for_all.clone())
        .await?
        .refused(403, "forbidden")?;
    admin.patch(&path, for_all).await?.is(200)?;
    let template = bob.get(&path).await?;
    let fields = json!({ "access": template["access"], "settings": {
        "mode": template["settings"]["mode"], "waiting_room": template["settings"]["waiting_room"],
        "muted_on_entry": template["settings"]["muted_on_entry"] } });
    let cid = bob.conference(fields).await?;
    let conference = bob.get(&format!("/conferences/{cid}")).await?;
    ensure!(
        conference["access"] == "public"
            && conference["settings"]["mode"] == "lecture"
            && conference["settings"]["waiting_room"] == "all",
        "it was not made from the template: {conference}"
    );
    owner.delete(&path).await?.refused(403, "forbidden")?;
    admin.delete(&path).await?.is(204)?;
    bob.get(&format!("/conferences/{cid}")).await?;
    Ok(())
}

pub(crate) async fn what_goes_on_comes_first_and_is_kept(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let word = world.name("Budget");
    let quiet = owner
        .conference(json!({ "name": format!("{word} quiet") }))
        .await?;
    let room = owner
        .conference(json!({ "name": format!("{word} loud") }))
        .await?;
    let visitor = bob.join(&room).await?;
    let list = format!("/conferences?search={word}&sort=stage");
    let listed = carol.get(&list).await?;
    ensure!(
        all(&listed, "cid") == [room.as_str(), quiet.as_str()],
        "the list is {listed}"
    );
    let on = carol.get(&format!("{list}&stage=now")).await?;
    ensure!(all(&on, "cid") == [room.as_str()], "what goes on is {on}");
    ensure!(carol.get(&format!("{list}&owner={}", bob.id)).await?["total"] == 0);
    let wrong = carol
        .call(reqwest::Method::GET, "/conferences?stage=never", None)
        .await?;
    ensure!(
        (400..500).contains(&wrong.status),
        "a stage that is none gets {}",
        wrong.status
    );
    visitor.leave();
    let runs = format!("/conferences/{room}/runs");
    until("the run is over", async || {
        Ok(!owner.get(&runs).await?["items"][0]["ended_at"].is_null())
    })
    .await?;
    let run = text(&owner.get(&runs).await?["items"][0]["id"])?;
    let visits = owner.get(&format!("{runs}/{run}/visits")).await?;
    ensure!(
        all(&visits, "user") == [bob.id.as_str()],
        "who was there is {visits}"
    );
    ensure!(
        bob.get("/me/runs").await?["total"] == 1,
        "it is not in the own history"
    );
    ensure!(
        carol.get(&runs).await?["total"] == 0,
        "others see a run in which they were not"
    );
    let csv = owner
        .call(reqwest::Method::GET, &format!("{runs}/{run}/visits.csv"), None)
        .await?;
    ensure!(
        csv.status == 200 && csv.text.contains(&bob.id),
        "the file says {}",
        csv.text
    );
    Ok(())
}
