//! When one can register for a conference, and who needs not (CONF-12).

use crate::{
    doors,
    world::{Account, Answer, World, text, until},
};
use anyhow::ensure;
use plenary_signalling::meeting::Act;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Long enough for the questions that are asked before, short enough to wait for.
const SOON: Duration = Duration::from_secs(3);

/// A public conference with registration, and whoever asks at its door.
struct Webinar {
    owner: Account,
    stranger: Account,
    path: String,
}

impl Webinar {
    async fn with(world: &World, registration: Value, more: Value) -> anyhow::Result<Self> {
        let owner = world.account("owner").await?;
        let mut fields = json!({ "access": "public", "settings": { "registration": registration } });
        for (name, value) in more.as_object().into_iter().flatten() {
            fields[name] = value.clone();
        }
        let room = owner.conference(fields).await?;
        Ok(Self {
            owner,
            stranger: world.stranger(),
            path: format!("/conferences/{room}"),
        })
    }

    fn room(&self) -> &str {
        self.path.trim_start_matches("/conferences/")
    }

    async fn change(&self, registration: Value) -> anyhow::Result<Answer> {
        let body = json!({ "settings": { "registration": registration } });
        self.owner.patch(&self.path, body).await
    }

    async fn register(&self, name: &str) -> anyhow::Result<Answer> {
        let form = format!("{}/registrants", self.path);
        self.stranger.post(&form, json!({ "name": name })).await
    }

    /// Whether one can register, as the door says.
    async fn state(&self) -> anyhow::Result<String> {
        let door = self.stranger.get(&format!("{}/door", self.path)).await?;
        text(&door["registration"]["state"])
    }

    async fn is(&self, state: &str) -> anyhow::Result<()> {
        let now = self.state().await?;
        ensure!(now == state, "registration is {now}, not {state}");
        Ok(())
    }

    async fn registered(&self) -> anyhow::Result<Value> {
        let listed = self.owner.get(&format!("{}/registrants", self.path)).await?;
        Ok(listed["registered"].clone())
    }
}

/// A moment from now on, as the interface writes times.
fn later(after: Duration) -> anyhow::Result<String> {
    let at = SystemTime::now().duration_since(UNIX_EPOCH)? + after;
    let (days, of_day) = (at.as_secs() / 86_400, at.as_secs() % 86_400);
    let (hours, minutes, seconds) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let date = crate::launch::day(days);
    Ok(format!(
        "{date}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z",
        at.subsec_millis()
    ))
}

pub(crate) async fn registration_opens_and_closes_by_the_clock(world: World) -> anyhow::Result<()> {
    let far = json!({ "on": true, "opens_at": "2090-01-01T00:00:00Z" });
    let webinar = Webinar::with(&world, far, json!({})).await?;
    webinar.is("not_yet").await?;
    webinar
        .register("Early")
        .await?
        .refused(403, "registration-not-open")?;
    let soon = json!({ "on": true, "opens_at": later(SOON)?, "closes": "at", "closes_at": later(SOON * 2)? });
    webinar.change(soon).await?.is(200)?;
    webinar.is("not_yet").await?;
    until(
        "it opens by itself",
        async || Ok(webinar.state().await? == "open"),
    )
    .await?;
    webinar.register("Ann").await?.is(201)?;
    until("it closes by itself", async || {
        Ok(webinar.state().await? == "closed")
    })
    .await?;
    webinar
        .register("Late")
        .await?
        .refused(403, "registration-closed")?;
    ensure!(webinar.registered().await? == 1, "more than one has registered");
    Ok(())
}

pub(crate) async fn registration_closes_by_hand_and_takes_so_many(world: World) -> anyhow::Result<()> {
    let webinar = Webinar::with(&world, json!({ "on": true, "limit": 1 }), json!({})).await?;
    webinar.register("Ann").await?.is(201)?;
    webinar.is("full").await?;
    webinar.register("Bea").await?.refused(403, "registration-full")?;
    // With more places it goes on, until it is closed by hand, and opened again.
    webinar.change(json!({ "on": true, "limit": 5 })).await?.is(200)?;
    let link = text(&webinar.register("Bea").await?.is(201)?["link"])?;
    webinar
        .change(json!({ "on": true, "limit": 5, "closed": true }))
        .await?
        .is(200)?;
    webinar.is("closed").await?;
    webinar
        .register("Cleo")
        .await?
        .refused(403, "registration-closed")?;
    // Who has registered comes all the same.
    let guests = format!("{}/guests", webinar.path);
    webinar
        .stranger
        .post(&guests, json!({ "link": link }))
        .await?
        .is(201)?;
    webinar
        .change(json!({ "on": true, "limit": 5, "closed": false }))
        .await?
        .is(200)?;
    // Of many at once no more are taken than there are places.
    let many = ["C", "D", "E", "F", "G", "H"].map(|name| webinar.register(name));
    let mut taken = 0;
    for answer in futures::future::join_all(many).await {
        match answer?.status {
            201 => taken += 1,
            403 => {}
            status => anyhow::bail!("who registers gets {status}"),
        }
    }
    ensure!(taken == 3, "{taken} were taken where three were free");
    ensure!(webinar.registered().await? == 5);
    for wrong in [
        json!({ "on": true, "limit": 5_001 }),
        json!({ "on": true, "closes": "at" }),
        json!({ "on": true, "closes": "at_start" }),
    ] {
        ensure!(
            webinar.change(wrong.clone()).await?.status == 422,
            "{wrong} was taken"
        );
    }
    Ok(())
}

/// At the start, by the schedule or by hand before it; over the forms of who comes too late.
pub(crate) async fn registration_closes_when_the_conference_begins(world: World) -> anyhow::Result<()> {
    let schedule =
        json!({ "date": "2090-03-06", "time": "09:30", "zone": "Europe/Paris", "duration_minutes": 60 });
    let at_start = json!({ "on": true, "closes": "at_start" });
    let webinar = Webinar::with(&world, at_start, json!({ "schedule": schedule })).await?;
    let door = webinar.stranger.get(&format!("{}/door", webinar.path)).await?;
    ensure!(
        door["registration"]["closes_at"] == door["next"]["start"],
        "it closes at another time than it begins: {door}"
    );
    let link = text(&webinar.register("Ann").await?.is(201)?["link"])?;
    webinar
        .owner
        .act(webinar.room(), json!({ "act": "start" }))
        .await?
        .is(204)?;
    webinar.is("closed").await?;
    webinar
        .register("Late")
        .await?
        .refused(403, "registration-closed")?;
    let guests = format!("{}/guests", webinar.path);
    let come = webinar.stranger.post(&guests, json!({ "link": link })).await?;
    let token = text(&come.is(201)?["token"])?;
    let ann = crate::visitor::Visitor::open(&world, "Ann", &token).await?;
    ann.join(webinar.room()).await
}

/// Who signs in needs no form, and who may come without one does.
pub(crate) async fn who_signs_in_needs_no_form(world: World) -> anyhow::Result<()> {
    let bob = world.account("bob").await?;
    let webinar = Webinar::with(&world, json!({ "on": true }), json!({})).await?;
    let guests = format!("{}/guests", webinar.path);
    webinar
        .stranger
        .post(&guests, json!({ "name": "Ann" }))
        .await?
        .refused(403, "not-registered")?;
    let host = webinar.owner.join(webinar.room()).await?;
    let visitor = bob.join(webinar.room()).await?;
    host.until("sees who signed in", |seen| seen.of(&bob).is_some())
        .await?;
    ensure!(
        webinar.registered().await? == 0,
        "who signed in stands with those who registered"
    );
    // Registration may be for those who like.
    let for_some = json!({ "on": true, "others": true });
    webinar.change(for_some).await?.is(200)?;
    let ann = doors::guest(&world, webinar.room(), "Ann").await?;
    ann.join(webinar.room()).await?;
    host.act_on(Act::Remove, &ann);
    host.until("both are left", |seen| seen.roster.len() == 2).await?;
    drop(visitor);
    // Fields of one's own are asked for, and what is no answer is refused.
    let asks = json!({ "on": true, "fields": [
        { "label": "Colour", "kind": "choice", "choices": ["Red", "Blue"], "required": true }] });
    webinar.change(asks).await?.is(200)?;
    let form = format!("{}/registrants", webinar.path);
    let answered = |value: Value| json!({ "name": "Dan", "answers": value });
    for wrong in [json!([]), json!([{ "field": 1, "value": "Green" }])] {
        let refused = webinar.stranger.post(&form, answered(wrong)).await?;
        refused.refused_field("1")?;
    }
    let good = answered(json!([{ "field": 1, "value": "Blue" }]));
    webinar.stranger.post(&form, good).await?.is(201)?;
    let listed = webinar.owner.get(&form).await?;
    ensure!(
        listed["items"][0]["answers"] == json!([{ "field": 1, "value": "Blue" }]),
        "who has registered is {listed}"
    );
    Ok(())
}
