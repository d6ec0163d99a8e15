//! How calls between two enterprises end: answered by nobody, or as a conference with others (FED-02, CALL-01).

use crate::{
    Server,
    federation::{OSLO, PARIS, Partners},
    meeting::PASSWORD,
    phone::{LOOK, PATIENCE, Phone, leave, text},
};
use anyhow::{Context as _, ensure};
use plenary_light::Attendee;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// It rings for a minute.
const RINGS_OUT: Duration = Duration::from_secs(90);

/// Who may stay is looked at for so long.
const CALM: Duration = Duration::from_secs(2);

/// Somebody of one of the servers.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) phone: &'a Phone,
    pub(crate) server: &'static str,
}

impl Caller<'_> {
    /// What they are called on the server of that name.
    fn seen_from(self, server: &str) -> String {
        if self.server == server {
            return self.phone.id.clone();
        }
        self.qualified()
    }

    fn qualified(self) -> String {
        format!("{}@{}", self.phone.id, self.server)
    }
}

/// Two who talk.
struct Talk<'a> {
    caller: Caller<'a>,
    callee: Caller<'a>,
    /// What the call is called on either side.
    cid: String,
    cid_there: String,
    /// Their places in its conference.
    places: [Attendee; 2],
}

impl<'a> Talk<'a> {
    async fn begin(caller: Caller<'a>, callee: Caller<'a>) -> anyhow::Result<Self> {
        let call = caller.phone.ring(&callee.qualified()).await?;
        ensure!(call["state"] == "ringing", "{call}");
        let cid = text(&call, "cid")?.to_owned();
        let first = caller.phone.enter(0, &cid).await?;
        let rings = callee.phone.wait_ringing(0, &caller.qualified()).await?;
        let second = callee.phone.enter(0, text(&rings, "enter")?).await?;
        let cid_there = text(&rings, "cid")?.to_owned();
        caller.phone.wait_answered(&cid).await?;
        callee.phone.wait_answered(&cid_there).await?;
        until("both see each other", || {
            [&first, &second]
                .iter()
                .all(|place| place.seen().roster.len() == 2)
        })
        .await?;
        Ok(Self {
            caller,
            callee,
            cid,
            cid_there,
            places: [first, second],
        })
    }

    /// Makes a conference of it; both have that in their lists, by the name of the other.
    async fn widen(&self) -> anyhow::Result<()> {
        let path = format!("/calls/{}/widen", self.cid);
        self.caller.phone.post(0, &path, &json!({})).await?;
        let sides = [
            (self.caller, &self.cid, self.callee),
            (self.callee, &self.cid_there, self.caller),
        ];
        for (one, cid, other) in sides {
            let over = one.phone.wait_over(cid, "widened").await?;
            ensure!(over["with"]["id"] == other.qualified(), "{over}");
        }
        let is_widened = || {
            self.places
                .iter()
                .all(|place| place.seen().here && !place.seen().room.call)
        };
        until("both see that it is a conference", is_widened).await
    }

    async fn end(self) {
        for place in self.places {
            leave(place).await;
        }
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        ensure!(
            Instant::now() < deadline,
            "not within {} s: {what}",
            PATIENCE.as_secs()
        );
        sleep(LOOK).await;
    }
    Ok(())
}

/// A call becomes a conference, and a third person comes into it who is called in. Meanwhile both are busy for others.
async fn widened(caller: Caller<'_>, callee: Caller<'_>, third: Caller<'_>) -> anyhow::Result<()> {
    let talk = Talk::begin(caller, callee).await?;
    let busy = if third.server == caller.server {
        callee
    } else {
        caller
    };
    let call = third.phone.call(&busy.qualified()).await?;
    ensure!(call["outcome"] == "busy", "{call}");
    let tried = |call: &Value| call["outcome"] == "busy" && call["with"]["id"] == third.qualified();
    busy.phone.wait(0, "came while they talked", tried).await?;

    talk.widen().await?;
    let whom = json!({ "users": [third.seen_from(caller.server)] });
    let path = format!("/conferences/{}/calls", talk.cid);
    let called = caller.phone.post(0, &path, &whom).await?;
    ensure!(called[0]["state"] == "ringing", "{called}");
    let rings = third
        .phone
        .wait_ringing(0, &caller.seen_from(third.server))
        .await?;
    ensure!(rings["into"]["name"].is_string(), "{rings}");
    let third_place = third.phone.enter(0, text(&rings, "enter")?).await?;
    third.phone.wait_over(text(&rings, "cid")?, "joined").await?;
    let all: BTreeSet<String> = [caller, callee, third].map(Caller::qualified).into();
    let sees_all = |place: &Attendee| {
        let users = place.seen().roster.into_values().filter_map(|one| one.user);
        let users: BTreeSet<String> = users
            .map(|user| match user.contains('@') {
                true => user,
                false => format!("{user}@{}", caller.server),
            })
            .collect();
        users == all
    };
    let is_complete = || talk.places.iter().chain([&third_place]).all(sees_all);
    until("all three see each other", is_complete).await?;
    leave(third_place).await;
    talk.end().await;
    Ok(())
}

/// What may be done with people of oslo, as paris has it.
pub(crate) async fn allow(partners: &Partners, calls: bool, conferences: bool) -> anyhow::Result<()> {
    allow_at(&partners.paris, OSLO, calls, conferences).await
}

async fn allow_at(server: &Server, partner: &str, calls: bool, conferences: bool) -> anyhow::Result<()> {
    let terms = json!({ "calls": calls, "conferences": conferences, "chat": true, "content": true,
        "recording": false, "bandwidth_kbps": null, "participants": null });
    let body = json!({ "note": "", "terms": terms });
    server
        .put(0, &format!("/federation/partners/{partner}"), &body)
        .await
}

/// Both stay where they are.
async fn both_stay(talk: &Talk<'_>) -> anyhow::Result<()> {
    let since = Instant::now();
    while since.elapsed() < CALM {
        for place in &talk.places {
            let seen = place.seen();
            ensure!(
                seen.here && seen.roster.len() == 2,
                "somebody who may stay has left: {:?}, {:?}",
                seen.roster,
                seen.complaints
            );
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// Who came by a call may stay as long as what became of it is allowed: a call, or a conference.
async fn terms_follow(partners: &Partners, caller: Caller<'_>, callee: Caller<'_>) -> anyhow::Result<()> {
    let alone = |talk: &Talk<'_>| talk.places[0].seen().roster.len() == 1;

    // A call goes on without conferences, a conference without calls, and ends without conferences.
    let talk = Talk::begin(caller, callee).await?;
    allow(partners, true, false).await?;
    both_stay(&talk).await?;
    allow(partners, true, true).await?;
    talk.widen().await?;
    allow(partners, false, true).await?;
    both_stay(&talk).await?;
    allow(partners, true, false).await?;
    until("who came by the call has left the conference", || alone(&talk)).await?;
    talk.end().await;

    // And where conferences were withdrawn before it became one.
    allow(partners, true, true).await?;
    let talk = Talk::begin(caller, callee).await?;
    allow(partners, true, false).await?;
    both_stay(&talk).await?;
    let path = format!("/calls/{}/widen", talk.cid);
    caller.phone.post(0, &path, &json!({})).await?;
    until("who may be in calls only has left the conference", || {
        alone(&talk)
    })
    .await?;
    talk.end().await;

    // The server of who came asks for itself.
    allow(partners, true, true).await?;
    let talk = Talk::begin(caller, callee).await?;
    allow_at(&partners.oslo, PARIS, true, false).await?;
    both_stay(&talk).await?;
    allow_at(&partners.oslo, PARIS, true, true).await?;
    talk.widen().await?;
    allow_at(&partners.oslo, PARIS, true, false).await?;
    until("who may not be in conferences there has left it", || alone(&talk)).await?;
    talk.end().await;
    allow_at(&partners.oslo, PARIS, true, true).await?;

    // A call ends without calls.
    allow(partners, true, true).await?;
    let talk = Talk::begin(caller, callee).await?;
    allow(partners, false, true).await?;
    caller.phone.wait_over(&talk.cid, "talked").await?;
    talk.end().await;
    allow(partners, true, true).await
}

/// The ID of a conference changes while somebody is called into it: it rings with the new one.
async fn other_id(partners: &Partners, caller: Caller<'_>, callee: Caller<'_>) -> anyhow::Result<()> {
    let settings = json!({ "moderators": [caller.phone.id], "uninvited": false });
    let room = json!({ "cid": "planning", "name": "Planning", "settings": settings });
    partners.paris.post_anywhere("/conferences", &room).await?;
    let inside = caller.phone.enter(0, "planning").await?;
    let whom = json!({ "users": [callee.qualified()] });
    caller.phone.post(0, "/conferences/planning/calls", &whom).await?;
    let rings_with = async |id: &str| {
        let enter = format!("{id}@{PARIS}");
        let is_it = |call: &Value| call["state"] == "ringing" && call["enter"] == enter;
        callee.phone.wait(0, &format!("rings with {enter}"), is_it).await
    };
    let before = rings_with("planning").await?;
    for id in ["planning-2", "planning-3"] {
        let path = format!("/conferences/{}", inside.seen().room.cid);
        partners.paris.patch(0, &path, &json!({ "cid": id })).await?;
        until("the room has its new ID", || inside.seen().room.cid == id).await?;
        rings_with(id).await?;
    }
    // It does not ring twice.
    callee.phone.wait_over(text(&before, "cid")?, "cancelled").await?;
    let rings = rings_with("planning-3").await?;
    let guest = callee.phone.enter(0, text(&rings, "enter")?).await?;
    callee.phone.wait_over(text(&rings, "cid")?, "joined").await?;
    until("both are in", || inside.seen().roster.len() == 2).await?;
    leave(guest).await;
    leave(inside).await;
    Ok(())
}

/// Somebody new, whose name is not their ID.
async fn somebody(server: &Server, id: &str, name: &str) -> anyhow::Result<Phone> {
    let account = json!({ "id": id, "password": PASSWORD, "display_name": name });
    server.post_anywhere("/users", &account).await?;
    Phone::sign_in(server, id, &[1]).await
}

/// Nobody answers: both have that in their lists, by the name of the other.
async fn missed(from: (Caller<'_>, &str), to: (Caller<'_>, &str)) -> anyhow::Result<()> {
    let ((caller, caller_name), (callee, callee_name)) = (from, to);
    let call = caller.phone.ring(&callee.qualified()).await?;
    let waits = caller.phone.enter(0, text(&call, "enter")?).await?;
    let rings = callee.phone.wait_ringing(0, &caller.qualified()).await?;
    let sides = [
        (caller, &call, callee, callee_name, "outgoing"),
        (callee, &rings, caller, caller_name, "incoming"),
    ];
    for (one, call, other, name, direction) in sides {
        let cid = text(call, "cid")?;
        let is_over = |call: &Value| call["cid"] == cid && call["state"] == "over";
        let over = one.phone.wait_for(0, "is over", RINGS_OUT, is_over).await?;
        ensure!(
            over["outcome"] == "missed"
                && over["direction"] == direction
                && over["answered_at"].is_null()
                && over["with"] == json!({ "id": other.qualified(), "display_name": name }),
            "{} should see that it was missed, not {over}",
            one.phone.id
        );
    }
    drop(waits);
    Ok(())
}

/// Calls that nobody answers, in both directions at once: it rings for a minute.
async fn nobody_answers(partners: &Partners) -> anyhow::Result<()> {
    let luc = somebody(&partners.paris, "luc", "Luc Petit").await?;
    let lea = somebody(&partners.paris, "lea", "Léa Roux").await?;
    let nora = somebody(&partners.oslo, "nora", "Nora Berg").await?;
    let ola = somebody(&partners.oslo, "ola", "Ola Dahl").await?;
    let of = |phone, server| Caller { phone, server };
    tokio::try_join!(
        missed((of(&luc, PARIS), "Luc Petit"), (of(&nora, OSLO), "Nora Berg")),
        missed((of(&ola, OSLO), "Ola Dahl"), (of(&lea, PARIS), "Léa Roux")),
    )?;
    Ok(())
}

/// Calls that become conferences, and those that nobody answers. The first of either server calls.
pub(crate) async fn other_ends(
    partners: &Partners,
    (ann, amy): (&Phone, &Phone),
    (olav, odd): (&Phone, &Phone),
) -> anyhow::Result<()> {
    let paris = |phone| Caller { phone, server: PARIS };
    let oslo = |phone| Caller { phone, server: OSLO };
    widened(paris(ann), oslo(olav), oslo(odd)).await?;
    widened(oslo(olav), paris(ann), oslo(odd)).await?;
    widened(paris(amy), oslo(odd), paris(ann)).await?;
    terms_follow(partners, paris(ann), oslo(olav))
        .await
        .context("terms")?;
    other_id(partners, paris(ann), oslo(olav))
        .await
        .context("another ID")?;
    nobody_answers(partners).await
}
