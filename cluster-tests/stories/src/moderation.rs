//! Roles and what moderators do (CONF-07, CONF-08, CONF-09).

use crate::{
    doors::guest,
    visitor::{Seen, Visitor},
    world::{Account, World},
};
use anyhow::ensure;
use plenary_signalling::meeting::{Act, Invited, Participant, Refusal, Role, State, Why};
use serde_json::json;

/// An owner and somebody else, both inside.
async fn two(world: &World, room: &str, owner: &Account) -> anyhow::Result<(Visitor, Account, Visitor)> {
    let bob = world.account("bob").await?;
    let host = owner.join(room).await?;
    let visitor = bob.join(room).await?;
    host.until("sees both", |seen| seen.roster.len() == 2).await?;
    Ok((host, bob, visitor))
}

/// Waits until the moderator sees it so.
async fn sees(
    host: &Visitor,
    whom: &Account,
    what: &str,
    is_so: impl Fn(&Participant) -> bool,
) -> anyhow::Result<()> {
    host.until(what, |seen| seen.of(whom).is_some_and(&is_so)).await
}

pub(crate) async fn roles_are_given_taken_and_kept(world: World) -> anyhow::Result<()> {
    let (owner, dave) = (world.account("owner").await?, world.account("dave").await?);
    let fields = json!({ "access": "public", "settings": { "moderators": [dave.id] } });
    let room = owner.conference(fields).await?;
    let (host, bob, visitor) = two(&world, &room, &owner).await?;
    let (named, ann) = (dave.join(&room).await?, guest(&world, &room, "Ann").await?);
    ann.join(&room).await?;
    visitor.act_on(Act::Mute, &host);
    visitor.refused("moderate", Refusal::Forbidden).await?;
    ann.act(Act::Lock);
    ann.refused("moderate", Refusal::Forbidden).await?;
    // Who is named moderates, a guest and others when they are made moderators.
    named.act_on(Act::MakeModerator, &ann);
    ann.until("is a moderator", |seen| {
        seen.me().is_some_and(|me| me.role == Role::Moderator)
    })
    .await?;
    ann.act_on(Act::MakeModerator, &visitor);
    sees(&host, &bob, "bob moderates", |one| one.role == Role::Moderator).await?;
    // The owner stays what they are.
    for act in [Act::Remove, Act::SendBack, Act::UnmakeModerator] {
        visitor.act_on(act, &host);
        visitor.refused("moderate", Refusal::Conflict).await?;
    }
    host.act_on(Act::UnmakeModerator, &visitor);
    sees(&host, &bob, "bob moderates no more", |one| {
        one.role == Role::Participant
    })
    .await?;
    visitor.act(Act::Lock);
    visitor.refused("moderate", Refusal::Forbidden).await?;
    // A role for the run, not for the next one.
    host.act_on(Act::UnmakeModerator, &named);
    host.refused("moderate", Refusal::Conflict).await?;
    Ok(())
}

pub(crate) async fn each_act_is_told_to_all(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let room = owner.conference(json!({})).await?;
    let (host, bob, visitor) = two(&world, &room, &owner).await?;
    host.act_on(Act::Mute, &visitor);
    sees(&host, &bob, "bob is muted", |one| one.muted && one.hushed).await?;
    host.act_on(Act::AskToUnmute, &visitor);
    visitor
        .until("is asked", |seen| seen.me().is_some_and(|me| me.asked.is_some()))
        .await?;
    visitor.set(State {
        muted: Some(false),
        ..State::default()
    });
    sees(&host, &bob, "bob is heard again", |one| !one.muted && !one.hushed).await?;
    host.act_on(Act::StopCamera, &visitor);
    sees(&host, &bob, "the camera is off", |one| !one.camera && one.dimmed).await?;
    visitor.set(State {
        camera: Some(true),
        ..State::default()
    });
    sees(&host, &bob, "the camera is on again", |one| {
        one.camera && !one.dimmed
    })
    .await?;
    visitor.show(true);
    sees(&host, &bob, "the screen is shown", |one| one.content).await?;
    host.act_on(Act::StopContent, &visitor);
    sees(&host, &bob, "the screen is ended", |one| {
        !one.content && one.covered
    })
    .await?;
    visitor.raise_hand();
    sees(&host, &bob, "the hand is up", |one| one.hand.is_some()).await?;
    host.act_on(Act::LowerHand, &visitor);
    sees(&host, &bob, "the hand is down", |one| one.hand.is_none()).await?;
    host.act(Act::MuteAll);
    sees(&host, &bob, "all are muted", |one| one.hushed).await?;
    ensure!(
        host.seen().me().is_some_and(|me| !me.hushed),
        "who mutes all is muted as well"
    );
    // What makes no sense here says so.
    for act in [Act::GivePodium, Act::Pin, Act::GiveRemark] {
        host.act_on(act, &visitor);
        host.refused("moderate", Refusal::Conflict).await?;
    }
    host.act_on(Act::Remove, &visitor);
    visitor.out(Why::Removed).await?;
    host.until("is alone", |seen| seen.of(&bob).is_none()).await
}

pub(crate) async fn acts_on_who_has_just_left_say_so(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let room = owner
        .conference(json!({ "settings": { "mode": "role_based" } }))
        .await?;
    let (host, bob, visitor) = two(&world, &room, &owner).await?;
    let place = visitor.seen().place.map(|place| place.participant.0.to_string());
    visitor.leave();
    host.until("bob has left", |seen| seen.of(&bob).is_none()).await?;
    for act in [
        "admit",
        "send_back",
        "remove",
        "mute",
        "stop_camera",
        "ask_to_unmute",
        "make_moderator",
        "unmake_moderator",
        "lower_hand",
        "give_podium",
        "take_podium",
        "pin",
        "unpin",
        "give_remark",
        "take_remark",
        "invite_to_podium",
        "hand_lecture",
        "stop_content",
        "set_layout_of",
        "clear_layout_of",
    ] {
        let mut body = json!({ "act": act, "participant": place });
        if act == "set_layout_of" {
            body["layout"] = json!({ "arrangement": "alone" });
        }
        owner.act(&room, body).await?.refused(409, "conflict")?;
    }
    owner.act(&room, json!({ "act": "mute" })).await?.is(422)?;
    let wrong = owner.act(&room, json!({ "act": "explode" })).await?.status;
    ensure!((400..500).contains(&wrong), "an act that is none gets {wrong}");
    Ok(())
}

pub(crate) async fn two_moderators_at_once_leave_one_state(world: World) -> anyhow::Result<()> {
    let (owner, dave) = (world.account("owner").await?, world.account("dave").await?);
    let settings = json!({ "mode": "role_based", "podium_places": 2, "moderators": [dave.id] });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let (host, _, visitor) = two(&world, &room, &owner).await?;
    let other = dave.join(&room).await?;
    let carol = world.account("carol").await?;
    let second = carol.join(&room).await?;
    // One place is free: each gives it to another one.
    host.act_on(Act::GivePodium, &visitor);
    other.act_on(Act::GivePodium, &second);
    let on_podium = |seen: &Seen| {
        let podium = seen.roster.values().filter(|one| one.podium.is_some());
        podium.map(|one| one.id).collect::<Vec<_>>()
    };
    for visitor in [&host, &other, &visitor, &second] {
        visitor
            .until("sees the podium", |seen| on_podium(seen).len() == 2)
            .await?;
    }
    let all = [&host, &other, &visitor, &second].map(|one| on_podium(&one.seen()));
    ensure!(
        all.iter().all(|one| *one == all[0]),
        "they see other podiums: {all:?}"
    );
    // Both remove the same person: one does it, and the other learns that it is done.
    let place = second.seen().place.map(|place| place.participant.0.to_string());
    let body = json!({ "act": "remove", "participant": place });
    let (one, two) = futures::join!(owner.act(&room, body.clone()), dave.act(&room, body));
    let mut statuses = [one?.status, two?.status];
    statuses.sort_unstable();
    ensure!(statuses == [204, 409], "both get {statuses:?}");
    second.out(Why::Removed).await
}

pub(crate) async fn who_was_removed_stays_out_until_let_back(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let room = owner.conference(json!({})).await?;
    let (host, bob, visitor) = two(&world, &room, &owner).await?;
    let place = visitor.seen().place.map(|place| place.participant.0.to_string());
    let body = json!({ "act": "remove", "participant": place });
    owner.act(&room, body).await?.is(204)?;
    visitor.out(Why::Removed).await?;
    host.until("bob is gone", |seen| seen.of(&bob).is_none()).await?;
    let again = bob.connect().await?;
    again.knock(&room, None);
    again.refused("join", Refusal::RemovedFromMeeting).await?;
    let path = format!("/conferences/{room}/removed");
    let removed = owner.get(&path).await?;
    ensure!(removed[0]["user"] == bob.id.as_str(), "removed are {removed}");
    let id = removed[0]["id"].as_str().unwrap_or_default();
    owner.delete(&format!("{path}/{id}")).await?.is(204)?;
    again.join(&room).await
}

pub(crate) async fn moderators_in_the_room_let_back_whom_they_removed(world: World) -> anyhow::Result<()> {
    let (owner, away) = (world.account("owner").await?, world.account("away").await?);
    let room = owner.conference(json!({ "access": "public" })).await?;
    let (host, bob, visitor) = two(&world, &room, &owner).await?;
    let ann = guest(&world, &room, "Ann").await?;
    ann.join(&room).await?;
    host.act_on(Act::MakeModerator, &ann);
    ann.until("is a moderator", |seen| {
        seen.me().is_some_and(|me| me.role == Role::Moderator)
    })
    .await?;
    host.act_on(Act::Remove, &visitor);
    visitor.out(Why::Removed).await?;
    let names = |seen: &Seen| -> Vec<_> {
        let all = seen.removed.iter();
        all.map(|one| (one.name.clone(), one.user.clone())).collect()
    };
    host.until("sees whom they removed", |seen| {
        let all = names(seen);
        all.len() == 1 && all[0].1.as_deref() == Some(bob.id.as_str())
    })
    .await?;
    // A guest who moderates learns what they are called, and not by which account.
    ann.until("sees who was removed", |seen| {
        let all = names(seen);
        all.len() == 1 && all[0].1.is_none() && !all[0].0.is_empty()
    })
    .await?;
    // Others hear nothing of it, and let nobody back.
    let other = away.join(&room).await?;
    let id = host.seen().removed[0].id;
    other.let_back(id);
    other.refused("moderate", Refusal::Forbidden).await?;
    ensure!(other.seen().removed.is_empty(), "others see who was removed");
    let again = bob.connect().await?;
    again.knock(&room, None);
    again.refused("join", Refusal::RemovedFromMeeting).await?;
    ann.let_back(id);
    for one in [&host, &ann] {
        one.until("sees nobody removed", |seen| seen.removed.is_empty())
            .await?;
    }
    again.join(&room).await?;
    host.let_back(id);
    host.refused("moderate", Refusal::Conflict).await?;
    Ok(())
}

pub(crate) async fn the_podium_is_asked_for_in_order(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let settings = json!({ "mode": "role_based", "podium_places": 2 });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let (host, bob, visitor) = two(&world, &room, &owner).await?;
    let carol = world.account("carol").await?;
    let second = carol.join(&room).await?;
    second.raise_hand();
    sees(&host, &carol, "carol asks", |one| one.hand.is_some()).await?;
    visitor.raise_hand();
    sees(&host, &bob, "bob asks", |one| one.hand.is_some()).await?;
    let hand = |account: &Account| host.seen().of(account).and_then(|one| one.hand);
    ensure!(hand(&carol) < hand(&bob), "the hands have no order");
    host.act_on(Act::GivePodium, &second);
    sees(&host, &carol, "carol is on the podium", |one| {
        one.podium.is_some() && one.hand.is_none()
    })
    .await?;
    host.act_on(Act::GivePodium, &visitor);
    host.refused("moderate", Refusal::Full).await?;
    host.act_on(Act::GiveRemark, &visitor);
    sees(&host, &bob, "bob may be heard", |one| {
        one.remark && one.hand.is_none()
    })
    .await?;
    second.set(State {
        podium: Some(false),
        ..State::default()
    });
    sees(&host, &carol, "carol gave the place up", |one| {
        one.podium.is_none()
    })
    .await?;
    host.act_on(Act::Pin, &visitor);
    sees(&host, &bob, "bob is pinned", |one| {
        one.pinned && one.podium.is_some()
    })
    .await?;
    let fewer = json!({ "settings": { "podium_places": 1 } });
    owner
        .patch(&format!("/conferences/{room}"), fewer)
        .await?
        .is(200)?;
    host.until("the podium is smaller, and keeps who is pinned", |seen| {
        seen.of(&bob).is_some_and(|one| one.podium.is_some())
            && seen.of(&owner).is_some_and(|one| one.podium.is_none())
    })
    .await?;
    let too_many = json!({ "settings": { "podium_places": 50 } });
    let refused = owner.patch(&format!("/conferences/{room}"), too_many).await?;
    refused.refused_field("podium_places")
}

/// An invitation is accepted or declined by who is asked, and taken back by who asks.
pub(crate) async fn the_podium_is_offered_and_accepted(world: World) -> anyhow::Result<()> {
    let owner = world.account("owner").await?;
    let settings = json!({ "mode": "role_based", "podium_places": 2 });
    let room = owner.conference(json!({ "settings": settings })).await?;
    let (host, bob, visitor) = two(&world, &room, &owner).await?;
    let carol = world.account("carol").await?;
    let other = carol.join(&room).await?;
    let states = |seen: &Seen| seen.invitations.iter().map(|one| one.state).collect::<Vec<_>>();
    visitor.act_on(Act::InviteToPodium, &other);
    visitor.refused("moderate", Refusal::Forbidden).await?;
    // Nobody is asked: there is nothing to accept.
    visitor.answer(true);
    visitor.refused("state", Refusal::Conflict).await?;
    host.act_on(Act::InviteToPodium, &visitor);
    for one in [&host, &visitor] {
        one.until("hears that bob is asked", |seen| states(seen) == [Invited::Asked])
            .await?;
    }
    ensure!(other.seen().invitations.is_empty(), "others hear who is asked");
    visitor.answer(true);
    sees(&host, &bob, "bob is on the podium", |one| one.podium.is_some()).await?;
    visitor
        .until("is asked no more", |seen| seen.invitations.is_empty())
        .await?;
    // By REST; it is declined, and moderators see that.
    let place = other.seen().place.map(|place| place.participant.0.to_string());
    let invite = json!({ "act": "invite_to_podium", "participant": place });
    host.act_on(Act::TakePodium, &visitor);
    sees(&host, &bob, "bob is down", |one| one.podium.is_none()).await?;
    owner.act(&room, invite).await?.is(204)?;
    other
        .until("is asked", |seen| states(seen) == [Invited::Asked])
        .await?;
    other.answer(false);
    host.until("sees that it was declined", |seen| {
        states(seen) == [Invited::Declined]
    })
    .await?;
    ensure!(
        host.seen().of(&carol).is_some_and(|one| one.podium.is_none()),
        "who declines is on the podium"
    );
    // Taken back before it is answered.
    host.act_on(Act::InviteToPodium, &visitor);
    visitor
        .until("is asked again", |seen| states(seen) == [Invited::Asked])
        .await?;
    host.act_on(Act::TakePodium, &visitor);
    visitor
        .until("is asked no more", |seen| seen.invitations.is_empty())
        .await?;
    visitor.answer(true);
    visitor.refused("state", Refusal::Conflict).await?;
    Ok(())
}
