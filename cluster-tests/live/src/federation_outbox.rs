//! People of a partner are invited to a conference while their server is away, and come (FED-02, CONF-06, CONF-07).

use crate::{
    Server,
    enterprise::wait,
    federation::{NODES, OSLO, PARIS, Partners, ROOM},
    meeting::sign_in,
    scenarios::Figures,
};
use anyhow::ensure;
use plenary_light::{Attendee, Pass};
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Role},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// People of oslo: who is invited, who moderates, and who is not named.
const INVITED: usize = NODES;
const MODERATOR: usize = NODES + 1;
const STRANGER: usize = NODES + 2;
/// As many are invited by one change.
const MANY: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(10);

fn login(tag: usize) -> String {
    format!("person-{tag}")
}

fn abroad(user: &str) -> String {
    format!("{user}@{OSLO}")
}

/// Conferences of others to which somebody is invited, as their own server says.
async fn invitations(server: &Server, node: usize, token: &str) -> anyhow::Result<Vec<Value>> {
    let answer = server
        .http
        .get(server.url(node, "/me/invitations"))
        .bearer_auth(token)
        .send()
        .await?;
    Ok(answer.error_for_status()?.json().await?)
}

async fn set(server: &Server, settings: Value) -> anyhow::Result<()> {
    let body = json!({ "settings": settings });
    let path = format!("/conferences/{ROOM}");
    let mut last = server.patch(0, &path, &body).await;
    for node in 1..NODES {
        if last.is_ok() {
            break;
        }
        last = server.patch(node, &path, &body).await;
    }
    last
}

/// What all nodes of a server that run count together.
async fn sum(server: &Server, name: &str) -> u64 {
    let mut sum = 0;
    for node in 0..NODES {
        sum += server.metric(node, name).await.unwrap_or(0);
    }
    sum
}

/// Somebody of oslo comes to the conference in paris.
fn come(partners: &Partners, token: &str) -> Attendee {
    Attendee::enter(Pass {
        nodes: partners.oslo.nodes(),
        at: 0,
        token: token.to_owned(),
        room: format!("{ROOM}@{PARIS}"),
    })
}

/// The role that somebody sees themselves in.
fn role(attendee: &Attendee) -> Option<Role> {
    let seen = attendee.seen();
    seen.roster.get(&seen.me?).map(|one| one.role)
}

/// Invited across while the partner is away and the leader is lost: all arrive, once; they come in, moderate, and are taken back.
pub async fn partners_invite() -> anyhow::Result<Figures> {
    let mut partners = Partners::start().await?;
    for node in 0..NODES {
        partners.oslo.kill(node)?;
    }
    let people = json!({
        "uninvited": false,
        "invited": [abroad(&login(INVITED)), abroad(&login(MODERATOR))],
        "moderators": [abroad(&login(MODERATOR))],
    });
    set(&partners.paris, people).await?;
    // Once it was tried, and with what is not told yet, the leader is gone.
    let leader = partners.paris.leader().await?;
    wait("the partner was looked for", async || {
        Ok(partners
            .paris
            .metric(leader, "plenary_federation_failed_total")
            .await?
            > 0)
    })
    .await?;
    partners.paris.kill(leader)?;
    partners.paris.leader().await?;
    for node in 0..NODES {
        partners.oslo.launch(node)?;
    }
    let back = Instant::now();
    for node in 0..NODES {
        partners.oslo.wait_ready(node).await?;
    }
    let ready = back.elapsed();
    let mut tokens = Vec::new();
    for tag in [INVITED, MODERATOR, STRANGER] {
        tokens.push(sign_in(&partners.oslo, 0, &login(tag)).await?);
    }
    for (place, moderates) in [(0, false), (1, true)] {
        wait("the invitation has arrived", async || {
            Ok(!invitations(&partners.oslo, 0, &tokens[place]).await?.is_empty())
        })
        .await?;
        let found = invitations(&partners.oslo, 1, &tokens[place]).await?;
        ensure!(
            found.len() == 1
                && found[0]["id"] == format!("{ROOM}@{PARIS}")
                && found[0]["moderates"] == moderates,
            "{found:?}"
        );
    }
    let arrived = back.elapsed();
    wait("nothing waits any more", async || {
        let leader = partners.paris.leader().await?;
        Ok(partners
            .paris
            .metric(leader, "plenary_federation_outbox_waiting")
            .await?
            == 0)
    })
    .await?;
    let told = sum(&partners.paris, "plenary_federation_outbox_delivered_total").await;
    ensure!(told >= 2, "{told} messages were told instead of 2");
    partners.paris.restart(leader).await?;
    meet_there(&partners, &tokens).await?;
    let (many, per_second) = invite_many(&partners).await?;
    Ok(Figures {
        notes: vec![
            format!(
                "both have arrived {} ms after their server was started, {} ms after it was ready",
                arrived.as_millis(),
                arrived.saturating_sub(ready).as_millis()
            ),
            format!(
                "{MANY} invitations of one change have arrived after {} ms: {per_second:.0} a second",
                many.as_millis()
            ),
        ],
        ..Figures::default()
    })
}

/// They come in, moderate, lose that at once, and are invited no more.
async fn meet_there(partners: &Partners, tokens: &[String]) -> anyhow::Result<()> {
    let invited = come(partners, &tokens[0]);
    let moderator = come(partners, &tokens[1]);
    let stranger = come(partners, &tokens[2]);
    wait("who is invited is in", async || Ok(role(&invited).is_some())).await?;
    wait("who moderates is in, as that", async || {
        Ok(role(&moderator) == Some(Role::Moderator))
    })
    .await?;
    wait("who is not invited is kept out", async || {
        let complaints = stranger.seen().complaints;
        Ok(complaints
            .iter()
            .any(|words| words.contains("only those who are invited")))
    })
    .await?;
    let act = |act: Act| {
        moderator.say(ClientBody::Moderate(act.into()));
    };
    act(Act::Lock);
    wait("it is locked", async || Ok(invited.seen().room.locked)).await?;
    let people = json!({ "moderators": [], "invited": [abroad(&login(INVITED)), abroad(&login(MODERATOR))] });
    set(&partners.paris, people).await?;
    wait("they moderate no more", async || {
        Ok(role(&moderator) == Some(Role::Participant))
    })
    .await?;
    act(Act::Unlock);
    wait("they are told that they may not", async || {
        let complaints = moderator.seen().complaints;
        Ok(complaints
            .iter()
            .any(|words| words.starts_with("moderate was refused")))
    })
    .await?;
    ensure!(
        invited.seen().room.locked,
        "whoever moderates no more has unlocked it"
    );
    set(&partners.paris, json!({ "invited": [] })).await?;
    for token in &tokens[..2] {
        wait("the invitation is withdrawn", async || {
            Ok(invitations(&partners.oslo, 0, token).await?.is_empty())
        })
        .await?;
    }
    Ok(())
}

/// How long it takes until all of many have arrived, and how many that is a second.
async fn invite_many(partners: &Partners) -> anyhow::Result<(Duration, f64)> {
    let mut people = Vec::new();
    for number in 0..MANY {
        let user = format!("many-{number}");
        let account = json!({ "id": user });
        partners.oslo.post_anywhere("/users", &account).await?;
        people.push(abroad(&user));
    }
    let delivered = "plenary_federation_outbox_delivered_total";
    let before = sum(&partners.paris, delivered).await;
    let since = Instant::now();
    set(&partners.paris, json!({ "invited": people })).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = sum(&partners.paris, delivered).await - before;
        if told >= MANY as u64 {
            ensure!(told == MANY as u64, "{told} messages were told instead of {MANY}");
            break;
        }
        ensure!(
            Instant::now() < deadline,
            "{told} of {MANY} were told within {PATIENCE:?}"
        );
        sleep(LOOK).await;
    }
    let took = since.elapsed();
    let given_up = sum(&partners.paris, "plenary_federation_outbox_given_up_total").await;
    ensure!(given_up == 0, "{given_up} messages were given up");
    Ok((took, MANY as f64 / took.as_secs_f64()))
}
