//! Layouts for one participant, and those that a conference keeps (CONF-11).

use crate::{
    visitor::{Seen, Visitor},
    world::World,
};
use anyhow::{Context as _, ensure};
use plenary_signalling::meeting::{Act, Arrangement, Layout, ParticipantId, Refusal, SlotRule};
use serde_json::json;

fn place(of: &Visitor) -> anyhow::Result<ParticipantId> {
    let seen = of.seen();
    Ok(seen.place.context("has no place")?.participant)
}

/// It is theirs alone, beside that for everybody, and goes where they go.
pub(crate) async fn one_gets_a_layout_alone_and_takes_it_along(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let room = owner.conference(json!({})).await?;
    let (host, visitor) = (owner.join(&room).await?, bob.join(&room).await?);
    let other = carol.join(&room).await?;
    let own = Layout {
        arrangement: Arrangement::Alone,
        pinned: Some(place(&host)?),
        locked: true,
        ..Layout::default()
    };
    visitor.set_layout_of(&other, own.clone());
    visitor.refused("moderate", Refusal::Forbidden).await?;
    host.set_layout_of(&visitor, own.clone());
    let has = |seen: &Seen| seen.own_layout.as_ref() == Some(&own);
    visitor.until("hears of the own layout", has).await?;
    // One for everybody comes and goes beside it.
    host.set_layout(Layout::default());
    other
        .until("hears of the layout for all", |seen| seen.room.layout.is_some())
        .await?;
    host.act(Act::ClearLayout);
    other
        .until("chooses again", |seen| seen.room.layout.is_none())
        .await?;
    ensure!(has(&visitor.seen()), "the own layout went with that for all");
    ensure!(
        other.seen().own_layout.is_none() && host.seen().own_layout.is_none(),
        "others got it too"
    );
    let again = bob.connect().await?;
    again.resume(&room, visitor.seen().place.context("bob has a place")?);
    again.until("it came along to another node", has).await?;
    let whom = place(&again)?.0.to_string();
    let absent = json!({ "arrangement": "alone", "pinned": "999999" });
    let act = json!({ "act": "set_layout_of", "participant": whom, "layout": absent });
    owner.act(&room, act).await?.refused(409, "conflict")?;
    let clear = json!({ "act": "clear_layout_of", "participant": whom });
    bob.act(&room, clear.clone()).await?.refused(403, "forbidden")?;
    ensure!(has(&again.seen()), "what was refused changed the layout");
    owner.act(&room, clear).await?.is(204)?;
    again
        .until("looks at what all do", |seen| seen.own_layout.is_none())
        .await
}

/// Moderators switch between them, and people find the places that they have there.
pub(crate) async fn moderators_switch_between_kept_layouts(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let layouts = json!([
        { "name": "Talk", "arrangement": "speaker", "locked": true, "slots": ["content"] },
        { "name": "Panel", "arrangement": "gallery", "slots": ["speaker", "automatic"],
          "people": [{ "place": 2, "user": bob.id }] },
    ]);
    let settings = json!({ "layouts": layouts });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let carol = world.account("carol").await?;
    let (host, other) = (owner.join(&room).await?, carol.join(&room).await?);
    let names: Vec<_> = other
        .seen()
        .room
        .layouts
        .into_iter()
        .map(|one| one.name)
        .collect();
    ensure!(names == ["Talk", "Panel"], "it keeps {names:?}");
    let kept = |name: &str| Layout {
        kept: Some(name.to_owned()),
        ..Layout::default()
    };
    let shows = |name: &'static str, slots: Vec<SlotRule>| {
        move |seen: &Seen| {
            let layout = seen.room.layout.as_deref();
            layout.is_some_and(|layout| layout.kept.as_deref() == Some(name) && layout.slots == slots)
        }
    };
    other.set_layout(kept("Talk"));
    other.refused("moderate", Refusal::Forbidden).await?;
    host.set_layout(kept("Never kept"));
    host.refused("moderate", Refusal::Conflict).await?;
    host.set_layout(kept("Panel"));
    let free = vec![SlotRule::Speaker, SlotRule::Automatic];
    other.until("sees the panel", shows("Panel", free)).await?;
    // Who has a place there finds it when they come.
    let visitor = bob.join(&room).await?;
    let participant = place(&visitor)?;
    let taken = vec![SlotRule::Speaker, SlotRule::Person { participant }];
    for one in [&host, &other, &visitor] {
        one.until("bob is in his place", shows("Panel", taken.clone()))
            .await?;
    }
    host.set_layout(kept("Talk"));
    other
        .until("sees the talk", shows("Talk", vec![SlotRule::Content]))
        .await?;
    ensure!(
        other.seen().room.layout.is_some_and(|layout| layout.locked),
        "the talk is not locked"
    );
    owner
        .act(
            &room,
            json!({ "act": "set_layout", "layout": { "arrangement": "gallery", "kept": "Panel" } }),
        )
        .await?
        .is(204)?;
    visitor.until("is back in his place", shows("Panel", taken)).await
}

/// Who has no account is not known before: a guest has no place in a kept layout, nor does a name that is nobody's.
pub(crate) async fn kept_layouts_have_places_for_accounts_only(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({ "access": "public" })).await?;
    let path = format!("/conferences/{room}");
    let guests = format!("{path}/guests");
    let ann = world.stranger().post(&guests, json!({ "name": "Ann" })).await?;
    let ann = ann.is(201)?["guest"].clone();
    let panel = |person: serde_json::Value| {
        let layout =
            json!({ "name": "Panel", "arrangement": "gallery", "slots": ["automatic"], "people": [person] });
        json!({ "settings": { "layouts": [layout] } })
    };
    let by_account = panel(json!({ "place": 1, "user": ann }));
    owner.patch(&path, by_account).await?.refused_field("people")?;
    let by_guest = panel(json!({ "place": 1, "guest": ann }));
    owner
        .patch(&path, by_guest)
        .await?
        .refused(400, "unknown-field")?;
    let same = |name: &str| json!({ "name": name, "arrangement": "gallery" });
    for wrong in [
        json!([same("Panel"), same("Panel")]),
        json!([same("")]),
        (0..21).map(|number| same(&format!("Layout {number}"))).collect(),
    ] {
        let body = json!({ "settings": { "layouts": wrong } });
        ensure!(owner.patch(&path, body).await?.status == 422, "{wrong} was taken");
    }
    ensure!(
        owner.get(&path).await?["settings"]["layouts"] == json!([]),
        "what was refused is kept"
    );
    let good = panel(json!({ "place": 1, "user": bob.id }));
    owner.patch(&path, good).await?.is(200)?;
    // Whom it names is for those who moderate; an account that is removed has no place any more.
    ensure!(
        bob.get(&path).await?["settings"]["layouts"][0]["people"] == json!([]),
        "others read who has which place"
    );
    world
        .admin()
        .delete(&format!("/users/{}", bob.id))
        .await?
        .is(204)?;
    let layouts = &owner.get(&path).await?["settings"]["layouts"];
    ensure!(
        layouts[0]["name"] == "Panel" && layouts[0]["people"] == json!([]),
        "after the account is removed it keeps {layouts}"
    );
    Ok(())
}
