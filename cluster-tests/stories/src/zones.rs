//! From which network people come, and what counts for them there (AUTH-02). The trusted network is the address that all
//! others come from; who is far comes from another one of this machine.

use crate::world::{Account, World, until};
use anyhow::ensure;
use plenary_light::Program;
use plenary_signalling::meeting::{Refusal, Role, Via};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Changes what the zones are like; all is as it was before once it is given back.
struct Zones {
    admin: Account,
    before: Value,
}

impl Zones {
    /// Only the usual address is in the trusted network.
    async fn split(world: &World) -> anyhow::Result<Self> {
        let admin = world.admin();
        let before = admin.get("/settings").await?["zones"].clone();
        let zones = Self { admin, before };
        zones.set(|_| ()).await?;
        Ok(zones)
    }

    async fn set(&self, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
        let mut zones = self.before.clone();
        zones["subnets"] = json!(["127.0.0.1"]);
        change(&mut zones);
        self.put(zones).await
    }

    async fn put(&self, zones: Value) -> anyhow::Result<()> {
        let patch = json!({ "zones": zones });
        self.admin.patch("/settings", patch).await?.is(200)?;
        Ok(())
    }

    async fn without(&self, rights: &[&str]) -> anyhow::Result<()> {
        self.set(|zones| {
            if let Some(all) = zones["internet"]["rights"].as_array_mut() {
                all.retain(|right| !right.as_str().is_some_and(|right| rights.contains(&right)));
            }
        })
        .await
    }

    async fn give_back(self) -> anyhow::Result<()> {
        self.put(self.before.clone()).await
    }
}

/// Asks for something that the account may not do from there, and reads why.
async fn refused_there(account: &Account, method: Method, path: &str, body: Value) -> anyhow::Result<()> {
    let refused = account.call(method, path, Some(&body)).await?.is(403)?;
    ensure!(refused["code"] == "zone-right", "{path} is refused as {refused}");
    let words = refused["detail"].as_str().unwrap_or_default();
    ensure!(
        words.starts_with("from this network"),
        "it does not say why: {words}"
    );
    Ok(())
}

pub(crate) async fn a_right_counts_from_where_the_zone_allows_it(world: World) -> anyhow::Result<()> {
    let (near, other) = (world.account("ann").await?, world.account("bob").await?);
    let away = world.from(FAR)?;
    let far = away.moved(&near);
    let _device = other.connect().await?;
    let zones = Zones::split(&world).await?;
    zones
        .without(&[
            "create_conferences",
            "make_calls",
            "edit_address_book",
            "share_screen",
        ])
        .await?;
    let contact = json!({ "call": other.id, "display_name": "Bob", "contact_groups": [] });
    refused_there(&far, Method::POST, "/conferences", json!({ "name": "Mine" })).await?;
    refused_there(&far, Method::POST, "/templates", json!({ "name": "Mine" })).await?;
    refused_there(&far, Method::POST, "/calls", json!({ "to": other.id })).await?;
    refused_there(&far, Method::PUT, "/me/contacts", contact.clone()).await?;
    let shown = far.get("/me").await?["rights"].clone();
    let all = near.get("/me").await?["rights"].clone();
    ensure!(
        !shown
            .as_array()
            .is_some_and(|rights| rights.contains(&json!("make_calls")))
            && all
                .as_array()
                .is_some_and(|rights| rights.contains(&json!("make_calls"))),
        "rights are shown that do not count: {shown}, {all}"
    );
    let room = near.conference(json!({})).await?;
    ensure!(near.put("/me/contacts", contact).await?.status < 300);
    // A screen of a program that comes from there is not shown either.
    let (visitor, watcher) = (far.join(&room).await?, near.join(&room).await?);
    visitor.show(true);
    let words = visitor.refused("state", Refusal::ZoneRight).await?;
    ensure!(words.starts_with("from this network"), "{words}");
    let program = Program::begin(IpAddr::V4(Ipv4Addr::LOCALHOST), 13).await?;
    far.whip(0, &room, program.offer().to_owned()).await?.is(201)?;
    watcher
        .until("the program shows no screen", |seen| {
            let program = seen.roster.values().find(|one| one.via == Via::Whip);
            program.is_some_and(|one| one.screenless)
        })
        .await?;
    visitor.leave();
    watcher.leave();
    near.post("/calls", json!({ "to": other.id })).await?.is(201)?;
    zones.give_back().await
}

pub(crate) async fn what_zones_allow_counts_at_once_for_who_is_there(world: World) -> anyhow::Result<()> {
    let group = world.group("operators", &["operator", "share_screen"]).await?;
    let operator = world.account_in("operator", &[&group]).await?;
    let owner = world.account("owner").await?;
    let away = world.from(FAR)?;
    let zones = Zones::split(&world).await?;
    let room = owner.conference(json!({ "access": "public" })).await?;
    let (host, visitor) = (owner.join(&room).await?, away.moved(&operator).join(&room).await?);
    let is = |role| {
        let operator = operator.clone();
        move |seen: &crate::visitor::Seen| seen.of(&operator).is_some_and(|one| one.role == role)
    };
    host.until("an operator moderates", is(Role::Moderator)).await?;
    visitor.show(true);
    host.until("the screen is shown", |seen| {
        seen.of(&operator).is_some_and(|one| one.content)
    })
    .await?;
    zones.without(&["operator", "share_screen"]).await?;
    host.until("the operator is none from there", is(Role::Participant))
        .await?;
    host.until("the screen is gone", |seen| {
        seen.of(&operator)
            .is_some_and(|one| !one.content && one.screenless)
    })
    .await?;
    // The same place, from the trusted network.
    let place = visitor.seen().place;
    let again = operator.connect().await?;
    again.resume(&room, place.expect("is in"));
    host.until("the operator is one from here", is(Role::Moderator))
        .await?;
    again.show(true);
    host.until("the screen is shown again", |seen| {
        seen.of(&operator).is_some_and(|one| one.content)
    })
    .await?;
    zones.give_back().await
}

pub(crate) async fn nobody_new_comes_from_a_zone_that_is_off(world: World) -> anyhow::Result<()> {
    let ann = world.account("ann").await?;
    let away = world.from(FAR)?;
    let far = away.moved(&ann);
    let zones = Zones::split(&world).await?;
    let room = ann.conference(json!({ "access": "public" })).await?;
    let guests = format!("/conferences/{room}/guests");
    let guest = json!({ "name": "Gil" });
    let came = away.stranger().post(&guests, guest.clone()).await?.is(201)?;
    zones.set(|zones| zones["internet"]["on"] = json!(false)).await?;
    let refused = away.signs_in(&ann).await?.is(403)?;
    ensure!(refused["code"] == "zone-off", "refused as {refused}");
    away.stranger()
        .post(&guests, guest.clone())
        .await?
        .refused(403, "zone-off")?;
    // Who is signed in goes on, and so does the guest.
    let visitor = far.join(&room).await?;
    visitor.chat("I am still here");
    let token = came["token"].as_str().unwrap_or_default();
    let gil = crate::visitor::Visitor::open(&away, "Gil", token).await?;
    gil.join(&room).await?;
    world.signs_in(&ann).await?.is(201)?;
    zones
        .set(|zones| zones["internet"]["guests"] = json!(false))
        .await?;
    away.signs_in(&ann).await?.is(201)?;
    away.stranger()
        .post(&guests, guest.clone())
        .await?
        .refused(403, "zone-guests")?;
    gil.leave();
    gil.knock(&room, None);
    gil.refused("join", Refusal::ZoneGuests).await?;
    world.stranger().post(&guests, guest).await?.is(201)?;
    // Nobody locks oneself out.
    let mut shut = zones.before.clone();
    shut["trusted"]["on"] = json!(false);
    let patch = json!({ "zones": shut });
    let refused = zones.admin.patch("/settings", patch).await?;
    refused.refused_field("zones.trusted")?;
    until("the guest is gone", async || Ok(!gil.seen().inside)).await?;
    zones.give_back().await
}
