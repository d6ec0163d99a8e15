//! Who may come: internal and public conferences, PINs, locks, waiting rooms (CONF-03, CONF-05, CONF-06).

use crate::{
    visitor::Visitor,
    world::{Account, World, text},
};
use anyhow::{Context as _, ensure};
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Moderate, NewPin, Offer, Peer, Place, Refusal, Role, WaitingRoom, Why},
};
use serde_json::json;

/// A guest of a public conference, connected.
pub(crate) async fn guest(world: &World, room: &str, name: &str) -> anyhow::Result<Visitor> {
    let path = format!("/conferences/{room}/guests");
    let made = world.stranger().post(&path, json!({ "name": name })).await?;
    let token = text(&made.is(201)?["token"])?;
    Visitor::open(world, name, &token).await
}

pub(crate) async fn guests_come_into_public_conferences_only(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let (inside, outside) = (
        owner.conference(json!({})).await?,
        owner.conference(json!({ "access": "public" })).await?,
    );
    let stranger = world.stranger();
    for path in ["door", "guests"] {
        let path = format!("/conferences/{inside}/{path}");
        let answer = match path.ends_with("door") {
            true => stranger.call(reqwest::Method::GET, &path, None).await?,
            false => stranger.post(&path, json!({ "name": "Ann" })).await?,
        };
        answer.refused(404, "not-found")?;
    }
    let host = owner.join(&outside).await?;
    let ann = guest(&world, &outside, "Ann").await?;
    ann.join(&outside).await?;
    host.until("sees the guest", |seen| {
        seen.roster.values().any(|one| one.guest && one.name == "Ann")
    })
    .await?;
    // The token opens this one conference.
    let other = guest(&world, &outside, "Bea").await?;
    other.knock(&inside, None);
    other.refused("join", Refusal::Forbidden).await?;
    let shut = owner
        .patch(
            &format!("/conferences/{outside}"),
            json!({ "access": "internal" }),
        )
        .await?;
    shut.is(200)?;
    ann.until("is put out", |seen| {
        !seen.ended.is_empty() || seen.closed.is_some()
    })
    .await?;
    host.until("is alone", |seen| seen.roster.len() == 1).await?;
    Ok(())
}

pub(crate) async fn who_is_not_invited_stays_out(world: World) -> anyhow::Result<()> {
    let (owner, carol) = (world.account("owner").await?, world.account("carol").await?);
    let (bob, dave) = (world.account("bob").await?, world.account("dave").await?);
    let settings = json!({ "uninvited": false, "invited": [carol.id], "moderators": [dave.id] });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let visitor = bob.connect().await?;
    visitor.knock(&room, None);
    visitor.refused("join", Refusal::Uninvited).await?;
    let program = bob.whep(world.next(), &room).await?;
    program.refused(403, "uninvited")?;
    for welcome in [&carol, &dave, &owner] {
        welcome.join(&room).await?;
    }
    let missing = json!({ "settings": { "invited": ["nobody-of-this-name"] } });
    let refused = owner.patch(&format!("/conferences/{room}"), missing).await?;
    refused.refused_field("invited")?;
    let invited = json!({ "settings": { "invited": [bob.id] } });
    owner
        .patch(&format!("/conferences/{room}"), invited)
        .await?
        .is(200)?;
    visitor.join(&room).await
}

pub(crate) async fn a_pin_is_guessed_five_times_whatever_the_node(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let room = owner.conference(json!({ "settings": { "pin": "2468" } })).await?;
    owner.join(&room).await?;
    let first = bob.connect().await?;
    first.knock(&room, None);
    first.refused("join", Refusal::PinNeeded).await?;
    for attempt in 0..5 {
        // Each at another node.
        let visitor = bob.connect().await?;
        visitor.knock(&room, Some(&format!("000{attempt}")));
        let wrong = visitor.refusal("join", Refusal::WrongPin).await?;
        ensure!(wrong.facts.left == Some(4 - attempt), "it says {wrong:?}");
    }
    let last = bob.connect().await?;
    last.knock(&room, Some("2468"));
    let shut = last.refusal("join", Refusal::TooManyPins).await?;
    ensure!(
        shut.facts.minutes.is_some_and(|left| (1..=10).contains(&left)),
        "it says {shut:?}"
    );
    // Programs have none to give.
    let program = carol.whep(world.next(), &room).await?;
    ensure!(
        program.text.contains("programs cannot enter one"),
        "{}",
        program.text
    );
    program.refused(403, "pin-needed")?;
    // Others are not shut out by that.
    let visitor = carol.connect().await?;
    visitor.join_by(&room, Some("2468")).await?;
    ensure!(
        bob.get(&format!("/conferences/{room}")).await?["settings"]["pin"].is_null(),
        "somebody reads the PIN"
    );
    let short = json!({ "settings": { "pin": "12" } });
    owner
        .patch(&format!("/conferences/{room}"), short)
        .await?
        .refused_field("pin")
}

pub(crate) async fn a_lock_lets_in_moderators_and_who_is_invited_later(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let (carol, dave) = (world.account("carol").await?, world.account("dave").await?);
    let room = owner
        .conference(json!({ "settings": { "moderators": [dave.id] } }))
        .await?;
    let host = owner.join(&room).await?;
    host.act(Act::Lock);
    host.until("hears of the lock", |seen| seen.room.locked).await?;
    let (late, later) = (bob.connect().await?, carol.connect().await?);
    late.knock(&room, None);
    late.refused("join", Refusal::Locked).await?;
    let moderator = dave.join(&room).await?;
    let invited = json!({ "settings": { "invited": [carol.id] } });
    owner
        .patch(&format!("/conferences/{room}"), invited)
        .await?
        .is(200)?;
    later.join(&room).await?;
    late.knock(&room, None);
    late.refused("join", Refusal::Locked).await?;
    // It ends with the run.
    for visitor in [&host, &moderator, &later] {
        visitor.leave();
    }
    crate::world::until("the run is over", async || {
        Ok(owner.get(&format!("/conferences/{room}")).await?["meeting"]["participants"] == 0)
    })
    .await?;
    late.join(&room).await
}

/// Each category, with those whom it is for and those whom it is not for.
pub(crate) async fn each_waiting_room_keeps_those_it_is_for(world: World) -> anyhow::Result<()> {
    let (owner, invited) = (world.account("owner").await?, world.account("invited").await?);
    let (uninvited, dave) = (world.account("uninvited").await?, world.account("dave").await?);
    let settings = json!({ "invited": [invited.id], "moderators": [dave.id] });
    let room = owner
        .conference(json!({ "access": "public", "settings": settings }))
        .await?;
    let path = format!("/conferences/{room}");
    for (kind, keeps_invited, keeps_uninvited, keeps_guests) in [
        ("off", false, false, false),
        ("all", true, true, true),
        ("uninvited", false, true, true),
        ("uninvited_elsewhere", false, false, true),
        ("guests", false, false, true),
    ] {
        let patch = json!({ "settings": { "waiting_room": kind } });
        owner.patch(&path, patch).await?.is(200)?;
        for (who, waits) in [
            (&invited, keeps_invited),
            (&uninvited, keeps_uninvited),
            (&dave, false),
        ] {
            comes(&who.connect().await?, &room, waits, kind).await?;
        }
        comes(&guest(&world, &room, "Ann").await?, &room, keeps_guests, kind).await?;
    }
    Ok(())
}

async fn comes(visitor: &Visitor, room: &str, waits: bool, kind: &str) -> anyhow::Result<()> {
    visitor.knock(room, None);
    visitor
        .until("comes in or waits", |seen| seen.inside || seen.waits)
        .await?;
    ensure!(
        visitor.seen().waits == waits,
        "with {kind} somebody waits: {}",
        !waits
    );
    visitor.leave();
    Ok(())
}

pub(crate) async fn who_waits_sees_hears_and_says_nothing(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let carol = world.account("carol").await?;
    let settings = json!({ "waiting_room": "uninvited", "invited": [carol.id] });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let (host, member) = (owner.join(&room).await?, carol.join(&room).await?);
    let visitor = bob.connect().await?;
    visitor.join_to_wait(&room).await?;
    host.until("sees who waits", |seen| {
        seen.counts.waiting == 1 && seen.of(&bob).is_some_and(|one| one.waiting)
    })
    .await?;
    let offer = |connection| {
        ClientBody::Offer(Offer {
            connection,
            generation: 1,
            sdp: "v=0\r\n".into(),
            lines: Vec::new(),
        })
    };
    for connection in [Peer::Publish, Peer::Receive] {
        visitor.say(offer(connection));
        visitor.refused("offer", Refusal::Waiting).await?;
    }
    visitor.chat("may I come in?");
    visitor.refused("say", Refusal::Waiting).await?;
    visitor.act(Act::AdmitAll);
    visitor.refused("moderate", Refusal::Waiting).await?;
    member.chat("among us");
    host.until("reads it", |seen| seen.chat.len() == 1).await?;
    let seen = visitor.seen();
    ensure!(
        seen.chat.is_empty() && seen.roster.is_empty(),
        "who waits is told: {seen:?}"
    );
    ensure!(
        member.seen().of(&bob).is_none() && member.seen().counts.waiting == 0,
        "others than moderators see who waits"
    );
    let listed = carol.get(&format!("/conferences/{room}/participants")).await?;
    ensure!(
        listed.as_array().map(Vec::len) == Some(2),
        "others than moderators read who waits: {listed}"
    );
    host.act_on(Act::Admit, &visitor);
    visitor
        .until("is let in", |seen| seen.inside && seen.roster.len() == 3)
        .await?;
    member
        .until("sees who was let in", |seen| seen.of(&bob).is_some())
        .await?;
    host.act_on(Act::SendBack, &visitor);
    visitor
        .until("is sent back", |seen| seen.waits && seen.roster.is_empty())
        .await?;
    host.act_on(Act::Remove, &visitor);
    visitor.out(Why::NotAdmitted).await
}

/// All who wait at that moment come in, and nobody else does.
pub(crate) async fn all_who_wait_are_let_in_at_once(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let (carol, dave) = (world.account("carol").await?, world.account("dave").await?);
    let fields =
        json!({ "access": "public", "settings": { "waiting_room": "all", "moderators": [dave.id] } });
    let room = owner.conference(fields).await?;
    let (host, second) = (owner.join(&room).await?, dave.join(&room).await?);
    let (first, other) = (bob.connect().await?, carol.connect().await?);
    let ann = guest(&world, &room, "Ann").await?;
    let eve = guest(&world, &room, "Eve").await?;
    for visitor in [&first, &other, &ann, &eve] {
        visitor.join_to_wait(&room).await?;
    }
    for moderator in [&host, &second] {
        moderator
            .until("sees all who wait", |seen| seen.counts.waiting == 4)
            .await?;
    }
    // One is refused; three are let in at once, by another moderator.
    host.act_on(Act::Remove, &eve);
    eve.out(Why::NotAdmitted).await?;
    bob.act(&room, json!({ "act": "admit_all" }))
        .await?
        .refused(403, "forbidden")?;
    ensure!(first.seen().waits, "who waits let everybody in");
    second.act(Act::AdmitAll);
    for visitor in [&first, &other, &ann] {
        visitor
            .until("is let in and sees all", |seen| {
                seen.inside && seen.roster.len() == 5
            })
            .await?;
    }
    host.until("nobody waits", |seen| seen.counts.waiting == 0)
        .await?;
    ensure!(!eve.seen().inside, "who was refused is in");
    // One is sent back, and hears nothing more; who comes now waits again; once more all are let in, by REST.
    host.act_on(Act::SendBack, &other);
    other
        .until("is sent back", |seen| seen.waits && seen.roster.is_empty())
        .await?;
    first.chat("Carol is out");
    host.until("reads it", |seen| seen.chat.len() == 1).await?;
    ensure!(other.seen().chat.is_empty(), "who was sent back reads on");
    let joe = guest(&world, &room, "Joe").await?;
    joe.join_to_wait(&room).await?;
    host.until("two wait", |seen| seen.counts.waiting == 2).await?;
    owner.act(&room, json!({ "act": "admit_all" })).await?.is(204)?;
    for visitor in [&other, &joe] {
        visitor
            .until("is let in again", |seen| seen.inside && seen.roster.len() == 6)
            .await?;
    }
    // Nobody waits: nothing is to be done, and that is no fault.
    owner.act(&room, json!({ "act": "admit_all" })).await?.is(204)?;
    Ok(())
}

/// A place is whose secret it is, whatever somebody says.
pub(crate) async fn nobody_takes_the_place_of_another(world: World) -> anyhow::Result<()> {
    let (owner, bob) = (world.account("owner").await?, world.account("bob").await?);
    let room = owner.conference(json!({ "access": "public" })).await?;
    let host = owner.join(&room).await?;
    let ann = guest(&world, &room, "Ann").await?;
    ann.join(&room).await?;
    let theirs = ann.seen().place.context("Ann has a place")?;
    let (eve, thief) = (guest(&world, &room, "Eve").await?, bob.connect().await?);
    for (who, of) in [(&eve, &theirs), (&thief, &host.seen().place.context("a place")?)] {
        let guessed = Place {
            secret: "x".repeat(of.secret.len()),
            ..of.clone()
        };
        who.resume(&room, guessed);
        // They come as who they are.
        who.until("has a place of their own", |seen| {
            seen.inside
                && seen
                    .place
                    .as_ref()
                    .is_some_and(|own| own.participant != of.participant)
        })
        .await?;
    }
    host.until("all four are in", |seen| seen.roster.len() == 4)
        .await?;
    let seen = host.seen();
    ensure!(
        seen.roster[&theirs.participant].name == "Ann" && ann.seen().ended.is_empty(),
        "the place of a guest was taken"
    );
    ensure!(
        seen.of(&bob).is_some_and(|one| one.role == Role::Participant),
        "somebody has the role of another"
    );
    // With the secret of another place of another kind it is no more theirs.
    let stolen = guest(&world, &room, "Mallory").await?;
    stolen.resume(&room, host.seen().place.context("a place")?);
    stolen
        .until("comes as a guest, or not at all", |seen| {
            !seen.inside
                || seen
                    .me()
                    .is_some_and(|me| me.guest && me.role == Role::Participant)
        })
        .await?;
    ensure!(
        host.seen().ended.is_empty(),
        "a guest took the place of the owner"
    );
    Ok(())
}

pub(crate) async fn an_operator_passes_pin_lock_and_waiting_room(world: World) -> anyhow::Result<()> {
    let group = world.group("operators", &["operator"]).await?;
    let operator: Account = world.account_in("operator", &[&group]).await?;
    let owner = world.account("owner").await?;
    let settings = json!({ "pin": "2468", "waiting_room": "all", "uninvited": false });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let host = owner.join(&room).await?;
    host.act(Act::Lock);
    host.until("hears of the lock", |seen| seen.room.locked).await?;
    let visitor = operator.join(&room).await?;
    visitor.act(Act::Unlock);
    host.until("hears that it is unlocked", |seen| !seen.room.locked)
        .await
}

/// What a moderator says about the conference.
fn rule(act: Act, pin: Option<&str>, waiting_room: Option<WaitingRoom>) -> ClientBody {
    ClientBody::Moderate(Moderate {
        pin: pin.map(|digits| NewPin(digits.to_owned())),
        waiting_room,
        ..Moderate::from(act)
    })
}

/// In the meeting, for who comes next and for later meetings; at whatever node anybody is.
pub(crate) async fn a_moderator_sets_pin_and_waiting_room_in_the_meeting(world: World) -> anyhow::Result<()> {
    let (owner, dave) = (world.account("owner").await?, world.account("dave").await?);
    let (bob, carol) = (world.account("bob").await?, world.account("carol").await?);
    let settings = json!({ "moderators": [dave.id] });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let path = format!("/conferences/{room}");
    let moderator = dave.join(&room).await?;
    let member = carol.join(&room).await?;
    for forbidden in [
        rule(Act::SetPin, Some("2468"), None),
        rule(Act::SetWaitingRoom, None, Some(WaitingRoom::All)),
    ] {
        member.say(forbidden);
        member.refused("moderate", Refusal::Forbidden).await?;
    }
    moderator.say(rule(Act::SetPin, Some("12"), None));
    moderator.refused("moderate", Refusal::BadRequest).await?;
    moderator.say(rule(Act::SetPin, Some("2468"), None));
    for one in [&moderator, &member] {
        one.until("hears of the PIN", |seen| seen.room.has_pin).await?;
    }
    ensure!(member.seen().inside, "who is in stays");
    let late = bob.connect().await?;
    late.knock(&room, None);
    late.refused("join", Refusal::PinNeeded).await?;
    late.join_by(&room, Some("2468")).await?;
    late.leave();
    moderator.say(rule(Act::SetWaitingRoom, None, Some(WaitingRoom::All)));
    member
        .until("hears of the waiting room", |seen| {
            seen.room.waiting_room == WaitingRoom::All
        })
        .await?;
    // Both hold: the PIN comes first, then one waits.
    late.knock(&room, None);
    late.refused("join", Refusal::PinNeeded).await?;
    late.knock(&room, Some("2468"));
    late.until("waits", |seen| seen.waits).await?;
    moderator.say(rule(Act::SetPin, Some(""), None));
    moderator.say(rule(Act::SetWaitingRoom, None, Some(WaitingRoom::Off)));
    member
        .until("hears that both are gone", |seen| {
            !seen.room.has_pin && seen.room.waiting_room == WaitingRoom::Off
        })
        .await?;
    ensure!(late.seen().waits, "who waits goes on waiting");
    moderator.act_on(Act::Admit, &late);
    late.until("is let in", |seen| seen.inside).await?;
    // The same from outside the meeting.
    let outside = json!({ "act": "set_pin", "pin": "1357" });
    owner.act(&room, outside).await?.is(204)?;
    member
        .until("hears of the PIN from outside", |seen| seen.room.has_pin)
        .await?;
    // It is a setting of the conference, and was told without what the PIN was.
    moderator.say(rule(Act::SetWaitingRoom, None, Some(WaitingRoom::Guests)));
    crate::world::until("later meetings have it too", async || {
        Ok(owner.get(&path).await?["settings"]["waiting_room"] == "guests")
    })
    .await
}

/// Each meeting begins so, whatever the one before was.
pub(crate) async fn a_conference_begins_locked_each_time(world: World) -> anyhow::Result<()> {
    let (owner, dave) = (world.account("owner").await?, world.account("dave").await?);
    let (bob, carol) = (world.account("bob").await?, world.account("carol").await?);
    let settings = json!({ "begins_locked": true, "moderators": [dave.id], "invited": [bob.id] });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let late = bob.connect().await?;
    for _ in 0..2 {
        late.knock(&room, None);
        late.refused("join", Refusal::Locked).await?;
        let moderator = dave.join(&room).await?;
        ensure!(moderator.seen().room.locked, "it does not begin locked");
        let watches = carol.whep(world.next(), &room).await?;
        watches.refused(403, "locked")?;
        // Whom a moderator calls comes in; others when it is opened.
        let call = json!({ "users": [carol.id] });
        dave.post(&format!("/conferences/{room}/calls"), call)
            .await?
            .is(200)?;
        let called = carol.join(&room).await?;
        late.knock(&room, None);
        late.refused("join", Refusal::Locked).await?;
        moderator.act(Act::Unlock);
        moderator.until("it is open", |seen| !seen.room.locked).await?;
        late.join(&room).await?;
        for one in [&moderator, &called, &late] {
            one.leave();
        }
        crate::world::until("the meeting is over", async || {
            Ok(owner.get(&format!("/conferences/{room}")).await?["meeting"]["participants"] == 0)
        })
        .await?;
    }
    Ok(())
}
