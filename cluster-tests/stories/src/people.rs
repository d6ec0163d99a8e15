//! Presence, rights, address books, limits, one's own area (USR-02, USR-05 to USR-07, WEB-03).

use crate::{
    visitor::Visitor,
    world::{World, all, text, until},
};
use anyhow::ensure;
use plenary_light::Program;
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Refusal, Role, State},
};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

/// A device that was cut off is taken for gone after 5 s, and that is told within 2 s more.
const TAKEN_FOR_GONE: Duration = Duration::from_secs(9);
/// It may go on where it was for a minute.
const PLACE_KEPT: Duration = Duration::from_secs(30);

/// A topic of signalling by its name.
fn watch(topic: &str) -> anyhow::Result<ClientBody> {
    Ok(serde_json::from_value(
        json!({ "type": "watch", "body": { "topics": [topic] } }),
    )?)
}

pub(crate) async fn contacts_see_who_is_there_and_meets(world: World) -> anyhow::Result<()> {
    let group = world.group("team", &["make_calls", "create_conferences"]).await?;
    let scope = json!({ "address_book": { "scope": "groups", "groups": [group], "entries": [] } });
    world
        .admin()
        .patch(&format!("/groups/{group}"), scope)
        .await?
        .is(200)?;
    let (ann, bob) = (
        world.account_in("ann", &[&group]).await?,
        world.account_in("bob", &[&group]).await?,
    );
    let watcher = ann.connect().await?;
    watcher.say(watch("contacts")?);
    let told = async |presence: &str| {
        watcher
            .until(&format!("bob is {presence}"), |seen| {
                let known = seen.presence.iter().find(|(user, _)| user.starts_with(&bob.id));
                known.is_some_and(|(_, now)| now == presence)
            })
            .await?;
        // Who reads the address book sees the same.
        let book = ann.get("/me/contacts").await?;
        let items = book["items"].as_array().into_iter().flatten();
        let mut rows = items.filter(|row| row["user_id"].as_str().is_some_and(|id| id.starts_with(&bob.id)));
        ensure!(
            rows.any(|row| row["presence"] == presence),
            "the address book says {book}"
        );
        anyhow::Ok(())
    };
    let room = ann.conference(json!({})).await?;
    let own = bob.conference(json!({})).await?;
    let device = bob.connect().await?;
    told("online").await?;
    device.join(&room).await?;
    told("in_conference").await?;
    device.leave();
    told("online").await?;
    device.join(&own).await?;
    told("owner").await?;
    device.leave();
    told("online").await?;
    let disabled = json!({ "active": false });
    world
        .admin()
        .patch(&format!("/users/{}", bob.id), disabled)
        .await?
        .is(200)?;
    device.until("is cut off", |seen| seen.closed.is_some()).await?;
    let row = world.admin().get(&format!("/users/{}", bob.id)).await?;
    ensure!(
        row["presence"] == "disabled",
        "administrators see {}",
        row["presence"]
    );
    Ok(())
}

/// A page that is closed without a word keeps its place for a while, and nobody takes that for somebody who is there.
pub(crate) async fn who_is_cut_off_is_where_their_devices_are(world: World) -> anyhow::Result<()> {
    let bob = world.account("bob").await?;
    let own = bob.conference(json!({})).await?;
    let presence = async || -> anyhow::Result<Value> {
        let row = world.admin().get(&format!("/users/{}", bob.id)).await?;
        Ok(row["presence"].clone())
    };
    let node = world.next();
    let page = Visitor::open_at(&world, node, &bob.id, &bob.token).await?;
    page.join(&own).await?;
    until("bob is in his own conference", async || {
        Ok(presence().await? == "owner")
    })
    .await?;

    // Another tab of the same browser comes and goes, at another node.
    let other = (node + 1) % world.urls().len();
    let tab = Visitor::open_at(&world, other, &bob.id, &bob.token).await?;
    drop(tab);
    let gone = Instant::now();
    until("the page that is left still counts", async || {
        Ok(presence().await? == "owner" && gone.elapsed() > TAKEN_FOR_GONE)
    })
    .await?;

    drop(page);
    let gone = Instant::now();
    until("bob is offline", async || Ok(presence().await? == "offline")).await?;
    ensure!(
        gone.elapsed() < PLACE_KEPT,
        "he was in the conference for as long as his place was kept"
    );
    Ok(())
}

/// Each right by the interface, at every node: without it the door is shut, with it it opens.
pub(crate) async fn without_a_right_nothing_of_it_works(world: World) -> anyhow::Result<()> {
    let (admin, group) = (world.admin(), world.group("bare", &[]).await?);
    let (bare, other) = (
        world.account_in("bare", &[&group]).await?,
        world.account("other").await?,
    );
    let _device = other.connect().await?;
    let contact = json!({ "call": other.id, "display_name": "Other", "contact_groups": [] });
    for _ in 0..3 {
        let conference = json!({ "name": "Mine" });
        bare.post("/conferences", conference.clone())
            .await?
            .refused(403, "forbidden")?;
        bare.post("/templates", conference)
            .await?
            .refused(403, "forbidden")?;
        bare.post("/calls", json!({ "to": other.id }))
            .await?
            .refused(403, "forbidden")?;
        bare.put("/me/contacts", contact.clone())
            .await?
            .refused(403, "forbidden")?;
    }
    ensure!(
        bare.get("/me").await?["rights"] == json!([]),
        "rights are shown that are not there"
    );
    let rights = json!({ "rights": ["create_conferences", "make_calls", "edit_address_book"] });
    admin.patch(&format!("/groups/{group}"), rights).await?.is(200)?;
    bare.conference(json!({})).await?;
    ensure!(bare.put("/me/contacts", contact).await?.status < 300);
    bare.post("/calls", json!({ "to": other.id })).await?.is(201)?;
    let never = json!({ "rights": ["operator"] });
    for builtin in ["guests", "federated", "ungrouped"] {
        let refused = admin.patch(&format!("/groups/{builtin}"), never.clone()).await?;
        ensure!(
            refused.status == 422,
            "{builtin} may be operators: {}",
            refused.text
        );
    }
    Ok(())
}

/// An operator whose right is taken away while people meet moderates no more, at whichever node.
pub(crate) async fn an_operator_is_one_only_as_long_as_the_right_is_there(
    world: World,
) -> anyhow::Result<()> {
    let group = world.group("operators", &["operator"]).await?;
    let operator = world.account_in("operator", &[&group]).await?;
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner
        .conference(json!({ "settings": { "waiting_room": "all" } }))
        .await?;
    let (host, visitor) = (owner.join(&room).await?, operator.join(&room).await?);
    let waits = bob.connect().await?;
    waits.join_to_wait(&room).await?;
    visitor
        .until("sees who waits", |seen| seen.counts.waiting == 1)
        .await?;
    let path = format!("/groups/{group}");
    world
        .admin()
        .patch(&path, json!({ "rights": [] }))
        .await?
        .is(200)?;
    host.until("the operator is none any more", |seen| {
        seen.of(&operator)
            .is_some_and(|one| one.role == Role::Participant)
    })
    .await?;
    visitor
        .until("sees no more who waits", |seen| seen.counts.waiting == 0)
        .await?;
    visitor.act(Act::AdmitAll);
    visitor.refused("moderate", Refusal::Forbidden).await?;
    operator
        .act(&room, json!({ "act": "admit_all" }))
        .await?
        .refused(403, "forbidden")?;
    world
        .admin()
        .patch(&path, json!({ "rights": ["operator"] }))
        .await?
        .is(200)?;
    visitor
        .until("moderates again", |seen| {
            seen.me().is_some_and(|me| me.role == Role::Moderator)
        })
        .await
}

pub(crate) async fn who_may_not_share_a_screen_does_not(world: World) -> anyhow::Result<()> {
    let group = world.group("watchers", &["make_calls"]).await?;
    let bob = world.account_in("bob", &[&group]).await?;
    let owner = world.account("owner").await?;
    let room = owner.conference(json!({})).await?;
    let (host, visitor) = (owner.join(&room).await?, bob.join(&room).await?);
    let share = |on| State {
        content: Some(on),
        ..State::default()
    };
    visitor.set(share(true));
    visitor.refused("state", Refusal::Forbidden).await?;
    let path = format!("/groups/{group}");
    let rights = json!({ "rights": ["make_calls", "share_screen"] });
    world.admin().patch(&path, rights).await?.is(200)?;
    visitor.set(share(true));
    host.until("the screen is shown", |seen| {
        seen.of(&bob).is_some_and(|one| one.content)
    })
    .await?;
    // Taken away while it is shown: it ends.
    world
        .admin()
        .patch(&path, json!({ "rights": ["make_calls"] }))
        .await?
        .is(200)?;
    host.until("the screen is gone", |seen| {
        seen.of(&bob).is_some_and(|one| !one.content)
    })
    .await
}

pub(crate) async fn an_address_book_shows_what_groups_say(world: World) -> anyhow::Result<()> {
    let (admin, group) = (world.admin(), world.group("sales", &["edit_address_book"]).await?);
    let path = format!("/groups/{group}");
    let book = json!({ "address_book": { "scope": "groups", "groups": [group],
        "entries": [{ "call": "#tel:+33100000000", "display_name": "Reception" }] } });
    admin.patch(&path, book).await?.is(200)?;
    let (ann, bob) = (
        world.account_in("ann", &[&group]).await?,
        world.account_in("bob", &[&group]).await?,
    );
    let carol = world.account("carol").await?;
    let names = async |who: &crate::world::Account| {
        let book = who.get("/me/contacts?limit=500").await?;
        anyhow::Ok(
            all(&book, "display_name")
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    let has = |names: &[String], name: &str| names.iter().any(|one| one == name);
    let seen = names(&ann).await?;
    ensure!(has(&seen, "Reception") && has(&seen, "bob"), "ann sees {seen:?}");
    ensure!(
        !has(&seen, "carol"),
        "ann sees who is in no group of hers: {seen:?}"
    );
    let own = json!({ "call": carol.id, "display_name": "My Carol", "contact_groups": ["Friends"] });
    ensure!(ann.put("/me/contacts", own).await?.status < 300);
    ensure!(has(&names(&ann).await?, "My Carol"), "the own entry is not there");
    ensure!(!has(&names(&bob).await?, "My Carol"), "others see the own entry");
    let removed = ann.delete(&format!("/me/contacts?call={}", carol.id)).await?;
    removed.is(204)?;
    let stays = ann.delete("/me/contacts?call=%23tel:%2B33100000000").await?;
    ensure!(
        (400..500).contains(&stays.status),
        "what a group put there is deleted"
    );
    let nobody = json!({ "address_book": { "scope": "nobody", "groups": [], "entries": [] } });
    admin.patch(&path, nobody).await?.is(200)?;
    ensure!(
        names(&ann).await?.is_empty(),
        "an address book of nobody has somebody"
    );
    Ok(())
}

pub(crate) async fn limits_of_bandwidth_are_the_own_ones_or_the_strictest(
    world: World,
) -> anyhow::Result<()> {
    let admin = world.admin();
    let (wide, narrow) = (world.group("wide", &[]).await?, world.group("narrow", &[]).await?);
    for (group, limit) in [(&wide, 4_000), (&narrow, 1_000)] {
        let body = json!({ "bandwidth": { "in_kbps": limit, "out_kbps": null } });
        admin.patch(&format!("/groups/{group}"), body).await?.is(200)?;
    }
    let bob = world.account_in("bob", &[&wide, &narrow]).await?;
    let effective = async || anyhow::Ok(bob.get("/me").await?["bandwidth_effective"].clone());
    ensure!(effective().await? == json!({ "in_kbps": 1_000, "out_kbps": null }));
    let path = format!("/users/{}", bob.id);
    let own = json!({ "bandwidth": { "in_kbps": 2_000, "out_kbps": 500 } });
    admin.patch(&path, own).await?.is(200)?;
    ensure!(effective().await? == json!({ "in_kbps": 2_000, "out_kbps": 500 }));
    // Programs are told how much they may send, by the answer to their offer.
    let owner = world.account("owner").await?;
    let room = owner.conference(json!({})).await?;
    let program = Program::begin(IpAddr::V4(Ipv4Addr::LOCALHOST), 11).await?;
    let answer = bob.whip(world.next(), &room, program.offer().to_owned()).await?;
    ensure!(answer.status == 201, "a program is refused: {}", answer.text);
    ensure!(
        answer.text.contains("b=AS:452"),
        "the answer has no limit: {}",
        answer.text
    );
    let mine = bob
        .patch(
            "/me",
            json!({ "bandwidth": { "in_kbps": 9_000, "out_kbps": null } }),
        )
        .await?;
    ensure!(
        (400..500).contains(&mine.status),
        "somebody changes the own limit"
    );
    let wrong = json!({ "bandwidth": { "in_kbps": 1, "out_kbps": null } });
    ensure!(
        admin.patch(&path, wrong).await?.status == 422,
        "a limit of 1 kbit/s was taken"
    );
    Ok(())
}

/// What the own area shows is there, and of nobody else.
pub(crate) async fn the_own_area_has_what_is_ones_own(world: World) -> anyhow::Result<()> {
    let (ann, bob) = (world.account("ann").await?, world.account("bob").await?);
    let profile = json!({ "job_title": "Head", "mobile_phone": "+33 6 00 00 00 00" });
    ann.patch("/me", profile).await?.is(200)?;
    ensure!(ann.get("/me").await?["job_title"] == "Head");
    let devices = ann.get("/me/sessions").await?;
    let count = |list: &Value| list.as_array().or_else(|| list["items"].as_array()).map(Vec::len);
    ensure!(count(&devices) == Some(1), "the devices are {devices}");
    let second = world.again(&ann).await?;
    ensure!(count(&ann.get("/me/sessions").await?) == Some(2));
    second.delete("/session").await?.is(204)?;
    let gone = second.call(reqwest::Method::GET, "/me", None).await?;
    gone.refused(401, "not-signed-in")?;
    let room = ann
        .conference(json!({ "settings": { "invited": [bob.id] } }))
        .await?;
    let named = bob.get("/conferences?part=named").await?;
    ensure!(all(&named, "cid") == [room.as_str()], "bob is invited to {named}");
    let visitor = bob.join(&room).await?;
    visitor.leave();
    until("it stands in the history", async || {
        Ok(bob.get("/me/runs").await?["total"] == 1)
    })
    .await?;
    ensure!(
        ann.get("/me/runs").await?["total"] == 0,
        "a meeting is in the history of who was not there"
    );
    let seat = bob.get("/me/pro").await?;
    ensure!(
        seat["kind"] == "temporary" || seat["needed"] == false,
        "the seat is {seat}"
    );
    ensure!(text(&ann.get("/me/password-policy").await?["min_length"]).is_err());
    let theirs = bob
        .call(reqwest::Method::GET, &format!("/users/{}", ann.id), None)
        .await?;
    theirs.refused(403, "forbidden")
}
