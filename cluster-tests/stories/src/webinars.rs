//! Webinars: who registers, by which link, as which guest (CONF-12, AUTH-08); what strangers see first (WEB-01).

use crate::{
    visitor::Visitor,
    world::{World, text},
};
use anyhow::ensure;
use plenary_signalling::meeting::{Refusal, Why};
use serde_json::{Value, json};

/// A guest with this link or token; gives what the server says.
async fn come(world: &World, room: &str, body: Value) -> anyhow::Result<crate::world::Answer> {
    world
        .stranger()
        .post(&format!("/conferences/{room}/guests"), body)
        .await
}

/// Told alone: what it asks of guests it asks of all.
pub(crate) async fn strangers_read_who_the_hosts_are_and_agree(world: World) -> anyhow::Result<()> {
    let (owner, admin) = (world.account("owner").await?, world.admin());
    let room = owner.conference(json!({ "access": "public" })).await?;
    let before = admin.get("/settings").await?["front_page"].clone();
    let page = json!({ "front_page": { "title": "Our house", "help": "", "contacts": "The desk, 1234" } });
    admin.patch("/settings", page).await?.is(200)?;
    let terms = |text: &str| json!({ "title": "Terms", "text": text });
    admin.put("/documents/1", terms("Be kind.")).await?.is(200)?;
    let seen = world.stranger().get("/server").await?;
    ensure!(
        seen["title"] == "Our house" && seen["contacts"] == "The desk, 1234",
        "strangers see {seen}"
    );
    let asked = &seen["documents"][0];
    let agreed = json!([{ "place": 1, "version": asked["version"] }]);
    come(&world, &room, json!({ "name": "Ann" }))
        .await?
        .refused(403, "not-agreed")?;
    come(&world, &room, json!({ "name": "Ann", "agreed": agreed }))
        .await?
        .is(201)?;
    admin.put("/documents/1", terms("Be kinder.")).await?.is(200)?;
    come(&world, &room, json!({ "name": "Ben", "agreed": agreed }))
        .await?
        .refused(403, "not-agreed")?;
    let was = format!("/documents/1/versions/{}", text(&asked["version"])?);
    ensure!(
        admin.get(&was).await?["text"] == "Be kind.",
        "what Ann agreed to is lost"
    );
    world
        .stranger()
        .call(reqwest::Method::GET, &was, None)
        .await?
        .refused(401, "not-signed-in")?;
    admin.delete("/documents/1").await?.is(204)?;
    admin
        .patch("/settings", json!({ "front_page": before }))
        .await?
        .is(200)?;
    Ok(())
}

pub(crate) async fn a_personal_link_is_one_person(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let registration = json!({ "on": true, "email": "required", "limit": 2 });
    let fields = json!({ "access": "public", "settings": { "registration": registration } });
    let room = owner.conference(fields).await?;
    let form = format!("/conferences/{room}/registrants");
    let stranger = world.stranger();
    come(&world, &room, json!({ "name": "Ann" }))
        .await?
        .refused(403, "not-registered")?;
    stranger
        .post(&form, json!({ "name": "Ann" }))
        .await?
        .refused_field("email")?;
    let mut links = Vec::new();
    for name in ["Ann", "Bea"] {
        let body = json!({ "name": name, "email": "someone@example.com" });
        links.push(text(&stranger.post(&form, body).await?.is(201)?["link"])?);
    }
    let late = json!({ "name": "Cid", "email": "cid@example.com" });
    stranger
        .post(&form, late)
        .await?
        .refused(403, "registration-full")?;
    let host = owner.join(&room).await?;
    let first = come(&world, &room, json!({ "link": links[0] })).await?.is(201)?;
    let ann = Visitor::open(&world, "Ann", &text(&first["token"])?).await?;
    ann.join(&room).await?;
    // The link once more, from another device: the same guest in the same place, and no more where they were.
    let second = come(&world, &room, json!({ "link": links[0] })).await?.is(201)?;
    ensure!(
        first["guest"] == second["guest"],
        "a link made two guests: {first}, {second}"
    );
    let again = Visitor::open(&world, "Ann again", &text(&second["token"])?).await?;
    again.join(&room).await?;
    ann.until("is there no more", |seen| {
        seen.ended.contains(&Why::Elsewhere) || seen.closed.is_some()
    })
    .await?;
    host.until("sees one of them", |seen| seen.roster.len() == 2)
        .await?;
    let tampered = format!("{}x", &links[1][..links[1].len() - 1]);
    for link in [tampered.as_str(), "never-given", ""] {
        let answer = come(&world, &room, json!({ "link": link })).await?;
        ensure!(
            answer.status == 403 || answer.status == 422,
            "a forged link gets {}: {}",
            answer.status,
            answer.text
        );
    }
    let registered = owner.get(&form).await?;
    let id = crate::world::all(&registered, "id");
    let id = id.first().copied().unwrap_or_default();
    for entry in registered["items"].as_array().into_iter().flatten() {
        let path = format!("{form}/{}", text(&entry["id"])?);
        owner.delete(&path).await?.is(204)?;
    }
    ensure!(!id.is_empty(), "nobody has registered: {registered}");
    again
        .until("is put out", |seen| {
            !seen.ended.is_empty() || seen.closed.is_some()
        })
        .await?;
    come(&world, &room, json!({ "link": links[1] }))
        .await?
        .refused(403, "link-not-valid")
}

pub(crate) async fn guests_are_who_their_tokens_say(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let settings = json!({ "guests": { "chat": false, "audio": true, "video": true }, "guest_limit": 2 });
    let room = owner
        .conference(json!({ "access": "public", "settings": settings }))
        .await?;
    let first = come(&world, &room, json!({ "name": "Ann" })).await?.is(201)?;
    let renamed = json!({ "name": "Anna", "token": first["token"] });
    let renamed = come(&world, &room, renamed).await?.is(201)?;
    ensure!(
        first["guest"] == renamed["guest"],
        "the guest is another one: {renamed}"
    );
    let forged = json!({ "name": "Eve", "token": "x".repeat(43) });
    let eve = come(&world, &room, forged).await?.is(201)?;
    ensure!(
        eve["guest"] != first["guest"],
        "a forged token made somebody another guest"
    );
    // An ID is no token, and the token of before has ended.
    for wrong in [text(&first["guest"])?, text(&first["token"])?, "x".repeat(43)] {
        let opened = plenary_light::Signal::open(world.url(world.next()), &wrong).await;
        ensure!(opened.is_err(), "somebody is connected by {wrong}");
    }
    let rest = crate::world::Account {
        token: text(&renamed["token"])?,
        ..world.stranger()
    };
    let answer = rest.call(reqwest::Method::GET, "/me", None).await?;
    ensure!(
        answer.status == 401,
        "the token of a guest signs in: {}",
        answer.text
    );
    let ann = Visitor::open(&world, "Anna", &text(&renamed["token"])?).await?;
    ann.join(&room).await?;
    ann.chat("hello");
    ann.refused("say", Refusal::Forbidden).await?;
    let second = Visitor::open(&world, "Eve", &text(&eve["token"])?).await?;
    second.join(&room).await?;
    let third = come(&world, &room, json!({ "name": "Cid" })).await?.is(201)?;
    let third = Visitor::open(&world, "Cid", &text(&third["token"])?).await?;
    third.knock(&room, None);
    third.refused("join", Refusal::Full).await?;
    for name in [String::new(), "x".repeat(129)] {
        come(&world, &room, json!({ "name": name }))
            .await?
            .refused_field("name")?;
    }
    Ok(())
}

/// By REST where a guest asks to come, and by signalling where one is at the door already.
pub(crate) async fn each_reason_of_a_registration_is_told(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let room = owner.conference(json!({ "access": "public" })).await?;
    owner.join(&room).await?;
    let ann = crate::doors::guest(&world, &room, "Ann").await?;
    let path = format!("/conferences/{room}");
    let far = "2099-01-01T00:00:00Z";
    for (registration, code, told) in [
        (json!({ "on": true }), "not-registered", Refusal::NotRegistered),
        (
            json!({ "on": true, "opens_at": far }),
            "registration-not-open",
            Refusal::RegistrationNotOpen,
        ),
        (
            json!({ "on": true, "closed": true }),
            "registration-closed",
            Refusal::RegistrationClosed,
        ),
        (
            json!({ "on": true, "limit": 1 }),
            "registration-full",
            Refusal::RegistrationFull,
        ),
    ] {
        let body = json!({ "settings": { "registration": registration } });
        owner.patch(&path, body).await?.is(200)?;
        if code == "registration-full" {
            let form = format!("{path}/registrants");
            let first = world.stranger().post(&form, json!({ "name": "Bea" })).await?;
            first.is(201)?;
        }
        come(&world, &room, json!({ "name": "Ann" }))
            .await?
            .refused(403, code)?;
        ann.knock(&room, None);
        ann.refused("join", told).await?;
    }
    Ok(())
}
