//! What two enterprises allow each other holds at once, for who is there as for who comes (FED-01, FED-03, LIC-10).

use crate::{
    Place, Server,
    federation::{OSLO, PARIS, ROOM, SPEAKS, Setting, meet, meet_by},
    meeting::{PASSWORD, settle},
    phone::{LOOK, PATIENCE, Phone, leave, text},
    scenarios::Figures,
    server::ADMIN_PASSWORD,
};
use anyhow::ensure;
use plenary_light::{Attendance, Attendee, Person};
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Participant, Say, State},
};
use plenary_testkit::program;
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Of oslo, by which its user is known in paris.
const GUEST: &str = "olav@oslo.example.net";
/// Bytes of media that left on links to partners.
const SENT_BYTES: &str = "plenary_partner_sent_bytes_total";
/// How long it is counted what crosses.
const MEASURED: Duration = Duration::from_secs(2);
/// The least that a partner may be limited to.
const LEAST_KBPS: f64 = 64.0;
const SILENT: u8 = 127;
/// What has not happened within this time does not.
const CALM: Duration = Duration::from_millis(500);

/// Two servers of a node each, somebody of paris, and others of oslo.
struct Story {
    paris: Server,
    oslo: Server,
    host: Phone,
    guest: Phone,
    other: Phone,
}

impl Story {
    fn room() -> String {
        format!("{ROOM}@{PARIS}")
    }

    /// Sets what paris allows people of oslo.
    async fn paris_allows(&self, change: Value) -> anyhow::Result<()> {
        self.allow(&self.paris, OSLO, change).await
    }

    async fn oslo_allows(&self, change: Value) -> anyhow::Result<()> {
        self.allow(&self.oslo, PARIS, change).await
    }

    async fn allow(&self, server: &Server, partner: &str, change: Value) -> anyhow::Result<()> {
        let mut terms = json!({
            "calls": true, "conferences": true, "chat": true, "content": true, "recording": false
        });
        for (field, value) in change.as_object().into_iter().flatten() {
            terms[field] = value.clone();
        }
        let path = format!("/federation/partners/{partner}");
        server.put(0, &path, &json!({ "terms": terms })).await
    }

    /// Somebody does not come in, for this reason.
    async fn is_kept_out(&self, who: &Phone, words: &str) -> anyhow::Result<()> {
        let attendee = who.attend(0, &Self::room());
        complains(&attendee, words).await?;
        ensure!(!attendee.seen().here, "{} comes in all the same", who.id);
        Ok(())
    }
}

async fn until(
    what: &str,
    attendee: &Attendee,
    is_so: impl Fn(&Attendance) -> bool,
) -> anyhow::Result<Duration> {
    let since = Instant::now();
    loop {
        let seen = attendee.seen();
        if is_so(&seen) {
            return Ok(since.elapsed());
        }
        ensure!(
            since.elapsed() < PATIENCE,
            "not within {} s: {what}; {:?}",
            PATIENCE.as_secs(),
            seen.complaints
        );
        sleep(LOOK).await;
    }
}

async fn complains(attendee: &Attendee, words: &str) -> anyhow::Result<()> {
    let what = format!("somebody is told \"{words}\"");
    let is_told = |seen: &Attendance| seen.complaints.iter().any(|one| one.contains(words));
    until(&what, attendee, is_told).await?;
    Ok(())
}

fn of<'a>(seen: &'a Attendance, user: &str) -> Option<&'a Participant> {
    seen.roster.values().find(|one| one.user.as_deref() == Some(user))
}

fn say(text: &str) -> ClientBody {
    ClientBody::Say(Say {
        text: text.into(),
        ..Say::default()
    })
}

fn show(content: bool) -> ClientBody {
    ClientBody::State(State {
        content: Some(content),
        ..State::default()
    })
}

fn act(act: Act) -> ClientBody {
    ClientBody::Moderate(act.into())
}

/// Modes, lists, terms, rights and seats of two servers, whose records lead to two dead targets first.
pub async fn partners_terms() -> anyhow::Result<Figures> {
    // Takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let setting = Setting {
        paris: vec![Place::local()],
        oslo: vec![Place::local()],
        dead: vec![closed, silent.local_addr()?],
        ..Setting::default()
    };
    let (paris, oslo, _, _world) = setting.start().await?;
    let host = Phone::new(&paris, "host", &[0]).await?;
    let guest = Phone::new(&oslo, "olav", &[0]).await?;
    let other = Phone::new(&oslo, "liv", &[0]).await?;
    let room = json!({ "cid": ROOM, "name": "Review", "settings": { "moderators": ["host"] } });
    paris.post_anywhere("/conferences", &room).await?;
    let story = Story {
        paris,
        oslo,
        host,
        guest,
        other,
    };
    let notes = vec![
        modes(&story).await?,
        chat(&story).await?,
        screens(&story).await?,
        rights(&story).await?,
        people(&story).await?,
        bandwidth(&story).await?,
        seats_and_locks(&story).await?,
        last_words(&story).await?,
        calls_alone(&story).await?,
    ];
    drop(silent);
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}

/// What `plenaryctl federation test` says to administrators of paris, and whether all is well.
async fn trial(story: &Story) -> anyhow::Result<(bool, String)> {
    let token = story.paris.sign_in(0, "admin", ADMIN_PASSWORD).await?;
    let mut command = tokio::process::Command::new(program("plenaryctl")?);
    command.args(["federation", "test", OSLO]);
    command.env("PLENARY_URL", &story.paris.nodes()[0]);
    command.env("PLENARY_TOKEN", token);
    let said = command.output().await?;
    let words = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    Ok((said.status.success(), words))
}

async fn modes(story: &Story) -> anyhow::Result<String> {
    let (is_good, words) = trial(story).await?;
    ensure!(is_good && words.contains("meets with this server"), "{words}");
    meet(&story.paris, "off", &[]).await?;
    let (is_good, words) = trial(story).await?;
    ensure!(
        !is_good && words.contains("federation is off on this server"),
        "{words}"
    );
    story
        .is_kept_out(&story.guest, "does not meet with other servers")
        .await?;
    meet_by(&story.paris, "whitelist", &["*.example.org"], &[]).await?;
    story
        .is_kept_out(&story.guest, "ask its administrators to allow it")
        .await?;
    meet_by(&story.paris, "whitelist", &["o*.example.net"], &[]).await?;
    let since = Instant::now();
    let in_it = story.guest.enter(0, &Story::room()).await?;
    let came = since.elapsed();
    leave(in_it).await;
    meet(&story.paris, "blacklist", &["*.example.*"]).await?;
    story
        .is_kept_out(&story.guest, "ask its administrators to allow it")
        .await?;
    meet(&story.paris, "blacklist", &[]).await?;
    Ok(format!("in past two dead targets after {} ms", came.as_millis()))
}

async fn chat(story: &Story) -> anyhow::Result<String> {
    let here = story.host.enter(0, ROOM).await?;
    let there = story.guest.enter(0, &Story::room()).await?;
    there.say(say("one"));
    let hears = |text: &'static str| move |seen: &Attendance| seen.lines.iter().any(|line| line == text);
    let took = until("the first line is read", &here, hears("one")).await?;
    story.paris_allows(json!({ "chat": false })).await?;
    there.say(say("two"));
    complains(&there, "your server").await?;
    here.say(say("they only read"));
    until("people of theirs still read", &there, hears("they only read")).await?;
    story.paris_allows(json!({})).await?;
    story.oslo_allows(json!({ "chat": false })).await?;
    // The own server finds it out with its next change, at once.
    sleep(CALM).await;
    there.say(say("three"));
    complains(&there, "people of this server do not write").await?;
    story.oslo_allows(json!({})).await?;
    sleep(CALM).await;
    there.say(say("four"));
    until("the last line is read", &here, hears("four")).await?;
    let lines = here.seen().lines;
    ensure!(
        !lines.iter().any(|line| line == "two" || line == "three"),
        "what may not be written was: {lines:?}"
    );
    leave(there).await;
    leave(here).await;
    Ok(format!("a line crosses in {} ms", took.as_millis()))
}

async fn screens(story: &Story) -> anyhow::Result<String> {
    let here = story.host.enter(0, ROOM).await?;
    let there = story.guest.enter(0, &Story::room()).await?;
    let is_shown =
        |shown: bool| move |seen: &Attendance| of(seen, GUEST).is_some_and(|one| one.content == shown);
    let may = |may: bool| move |seen: &Attendance| of(seen, GUEST).is_some_and(|one| one.screenless != may);
    there.say(show(true));
    until("a screen is shown", &here, is_shown(true)).await?;
    story.paris_allows(json!({ "content": false })).await?;
    let ended = until("it ends with the terms", &here, is_shown(false)).await?;
    until("who showed it knows", &there, may(false)).await?;
    there.say(show(true));
    complains(&there, "share your screen").await?;
    story.paris_allows(json!({})).await?;
    until("it is allowed again", &there, may(true)).await?;
    story.oslo_allows(json!({ "content": false })).await?;
    until("the own server forbids it", &there, may(false)).await?;
    there.say(show(true));
    complains(&there, "you may not show your screen").await?;
    ensure!(is_shown(false)(&here.seen()), "it is shown all the same");
    story.oslo_allows(json!({})).await?;
    until("both allow it", &there, may(true)).await?;
    // Rights at home count while one is away.
    let none = json!({ "rights": ["make_calls"] });
    story.oslo.patch(0, "/groups/ungrouped", &none).await?;
    until("the right at home is gone", &there, may(false)).await?;
    let all = json!({ "rights": ["make_calls", "share_screen"] });
    story.oslo.patch(0, "/groups/ungrouped", &all).await?;
    until("and is back", &there, may(true)).await?;
    leave(there).await;
    leave(here).await;
    Ok(format!(
        "a screen is gone {} ms after the terms changed",
        ended.as_millis()
    ))
}

/// What the group "Federated users" may.
async fn rights(story: &Story) -> anyhow::Result<String> {
    let group = |rights: Value| json!({ "rights": rights });
    let path = "/groups/federated";
    story
        .paris
        .patch(0, path, &group(json!(["share_screen"])))
        .await?;
    let call = story.guest.call(&format!("host@{PARIS}")).await?;
    let cid = call["cid"].as_str().unwrap_or_default();
    story.guest.wait_over(cid, "not_allowed").await?;
    story
        .paris
        .patch(0, path, &group(json!(["share_screen", "make_calls"])))
        .await?;
    story.guest.call(&format!("host@{PARIS}")).await?;
    let rings = story.host.wait_ringing(0, GUEST).await?;
    story.host.decline(&rings).await?;
    Ok("calls follow the right".into())
}

async fn people(story: &Story) -> anyhow::Result<String> {
    let here = story.host.enter(0, ROOM).await?;
    let there = story.guest.enter(0, &Story::room()).await?;
    story.paris_allows(json!({ "participants": 1 })).await?;
    story.is_kept_out(&story.other, "as may be: 1").await?;
    ensure!(of(&here.seen(), GUEST).is_some(), "who was there left");
    leave(there).await;
    let next = story.other.enter(0, &Story::room()).await?;
    story.paris_allows(json!({})).await?;
    leave(next).await;
    leave(here).await;
    Ok("one of them at a time".into())
}

/// So much media has gone from paris to oslo each second, in kbit/s.
async fn sent_kbps(story: &Story) -> anyhow::Result<f64> {
    let (before, since) = (story.paris.metric(0, SENT_BYTES).await?, Instant::now());
    sleep(MEASURED).await;
    let sent = story.paris.metric(0, SENT_BYTES).await? - before;
    Ok(sent as f64 * 8.0 / 1_000.0 / since.elapsed().as_secs_f64())
}

/// What is sent is held to what may be, sounds first, and is whole again afterwards.
async fn bandwidth(story: &Story) -> anyhow::Result<String> {
    let second = Phone::new(&story.paris, "vera", &[0]).await?;
    let enter = |who: &Phone, room: &str, tag, level| {
        let mut ticket = who.ticket(room, tag, level);
        ticket.pictures = 2;
        Person::enter(ticket)
    };
    let people = [
        enter(&story.host, ROOM, 0, SPEAKS),
        enter(&second, ROOM, 1, SILENT),
        enter(&story.guest, &Story::room(), 2, SILENT),
    ];
    settle(&people, &[0], CALM).await?;
    let free = sent_kbps(story).await?;
    ensure!(
        free > 1.2 * LEAST_KBPS,
        "{free:.0} kbit/s are sent without a limit: nothing is there to be limited"
    );
    story
        .paris_allows(json!({ "bandwidth_kbps": LEAST_KBPS as u32 }))
        .await?;
    let deadline = Instant::now() + PATIENCE;
    let held = loop {
        let held = sent_kbps(story).await?;
        if held < 1.1 * LEAST_KBPS {
            break held;
        }
        ensure!(
            Instant::now() < deadline,
            "{held:.0} kbit/s are sent where {LEAST_KBPS} may be"
        );
    };
    // The voice is whole, whatever becomes of pictures.
    let since = Instant::now();
    let heard = || people[2].watch().voices.get(&0).and_then(|voice| voice.last);
    while heard().is_none_or(|last| last < since) {
        ensure!(since.elapsed() < CALM, "who speaks is not heard any more");
        sleep(LOOK).await;
    }
    story.paris_allows(json!({})).await?;
    settle(&people, &[0], CALM).await?;
    for person in people {
        person.leave().await;
    }
    Ok(format!(
        "{free:.0} kbit/s without a limit, {held:.0} where {LEAST_KBPS} may be"
    ))
}

/// Where people of two servers call each other and have no conferences, they see and hear each other all the same.
async fn calls_alone(story: &Story) -> anyhow::Result<String> {
    for (side, partner) in [(&story.paris, OSLO), (&story.oslo, PARIS)] {
        story
            .allow(side, partner, json!({ "conferences": false }))
            .await?;
    }
    let call = story.guest.call(&format!("host@{PARIS}")).await?;
    let since = Instant::now();
    let caller = Person::enter(story.guest.ticket(text(&call, "cid")?, 0, SPEAKS));
    let rings = story.host.wait_ringing(0, GUEST).await?;
    let callee = Person::enter(story.host.ticket(text(&rings, "enter")?, 1, SPEAKS));
    let people = [caller, callee];
    settle(&people, &[0, 1], CALM).await?;
    let took = since.elapsed().saturating_sub(CALM);
    for person in people {
        person.leave().await;
    }
    for (side, partner) in [(&story.paris, OSLO), (&story.oslo, PARIS)] {
        story.allow(side, partner, json!({})).await?;
    }
    Ok(format!(
        "both of a call see and hear the other after {} ms",
        took.as_millis()
    ))
}

/// Seats are taken at home only, and so is the right of operators.
async fn seats_and_locks(story: &Story) -> anyhow::Result<String> {
    let group = json!({ "name": "Operators", "rights": ["operator"] });
    let group = story.oslo.post_anywhere("/groups", &group).await?;
    let boss = json!({ "id": "boss", "password": PASSWORD, "groups": [group["id"]] });
    story.oslo.post_anywhere("/users", &boss).await?;
    let boss = Phone::sign_in(&story.oslo, "boss", &[0]).await?;
    let here = story.host.enter(0, ROOM).await?;
    let there = story.guest.enter(0, &Story::room()).await?;
    let used = async |server: &Server| -> anyhow::Result<Value> {
        let seats = server.get(0, "/seats/pro").await?;
        let users = seats["items"].as_array().into_iter().flatten();
        Ok(users.map(|one| one["user"].clone()).collect())
    };
    let (in_paris, in_oslo) = (used(&story.paris).await?, used(&story.oslo).await?);
    ensure!(
        in_paris.to_string().contains("host") && !in_paris.to_string().contains("olav"),
        "seats in paris: {in_paris}"
    );
    ensure!(in_oslo.to_string().contains("olav"), "seats in oslo: {in_oslo}");
    here.say(act(Act::Lock));
    until("it is locked", &there, |seen| seen.room.locked).await?;
    story.is_kept_out(&boss, "locked").await?;
    here.say(act(Act::Unlock));
    until("it is open", &there, |seen| !seen.room.locked).await?;
    leave(there).await;
    leave(here).await;
    Ok("seats at home, operators nowhere else".into())
}

/// Who has to leave is told why, whichever side it is that does not allow it any more.
async fn last_words(story: &Story) -> anyhow::Result<String> {
    let here = story.host.enter(0, ROOM).await?;
    for (side, partner) in [(&story.paris, OSLO), (&story.oslo, PARIS)] {
        let there = story.guest.enter(0, &Story::room()).await?;
        until("both are there", &here, |seen| of(seen, GUEST).is_some()).await?;
        story
            .allow(side, partner, json!({ "conferences": false }))
            .await?;
        complains(&there, "NotAllowed").await?;
        until("who may not stay is gone", &here, |seen| {
            of(seen, GUEST).is_none()
        })
        .await?;
        story.allow(side, partner, json!({})).await?;
        drop(there);
    }
    leave(here).await;
    Ok("who has to leave is told so".into())
}
