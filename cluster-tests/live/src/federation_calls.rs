//! People of two enterprises call each other, by the REST interface and by coming into the call's conference (FED-02).

use crate::{
    federation::{NODES, OSLO, PARIS, Partners},
    federation_calls_end::{allow, other_ends},
    meeting::PASSWORD,
    phone::{LOOK, NEW_LEADER, PATIENCE, Phone, leave, text},
    scenarios::Figures,
};
use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Calls in each direction whose set-up is measured.
const MEASURED: usize = 12;

/// Those of both servers.
struct People {
    /// Of paris, on two devices at two nodes.
    ann: Phone,
    /// Of oslo, the same.
    olav: Phone,
    /// Of paris, and of oslo.
    amy: Phone,
    odd: Phone,
}

impl People {
    async fn new(partners: &Partners) -> anyhow::Result<Self> {
        let (paris, oslo) = (&partners.paris, &partners.oslo);
        Ok(Self {
            ann: Phone::new(paris, "ann", &[0, 1]).await?,
            amy: Phone::new(paris, "amy", &[2]).await?,
            olav: Phone::new(oslo, "olav", &[1, 2]).await?,
            odd: Phone::new(oslo, "odd", &[0]).await?,
        })
    }
}

/// Rings on both devices of who is called, is answered on the second one, and either leaving ends it.
async fn talk(from: &Phone, home: &str, to: &Phone, there: &str, caller_leaves: bool) -> anyhow::Result<()> {
    let call = from.ring(&format!("{}@{there}", to.id)).await?;
    ensure!(
        call["state"] == "ringing" && call["with"]["display_name"] == to.id,
        "{call}"
    );
    let cid = text(&call, "cid")?;
    let caller = from.enter(0, text(&call, "enter")?).await?;
    let caller_id = format!("{}@{home}", from.id);
    let rings = to.wait_ringing(0, &caller_id).await?;
    to.wait_ringing(1, &caller_id).await?;
    let room = text(&rings, "enter")?;
    ensure!(room == format!("{cid}@{home}"), "{rings}");
    let callee = to.enter(1, room).await?;
    from.wait_answered(cid).await?;
    to.wait_answered(text(&rings, "cid")?).await?;
    let names: Vec<_> = callee.seen().roster.into_values().map(|one| one.name).collect();
    ensure!(names.len() <= 2, "strangers are in the call: {names:?}");
    if caller_leaves {
        leave(caller).await;
        from.wait_over(cid, "talked").await?;
        to.wait_over(text(&rings, "cid")?, "talked").await?;
        drop(callee);
    } else {
        leave(callee).await;
        from.wait_over(cid, "talked").await?;
        to.wait_over(text(&rings, "cid")?, "talked").await?;
        drop(caller);
    }
    Ok(())
}

async fn decline(from: &Phone, home: &str, to: &Phone, there: &str) -> anyhow::Result<Duration> {
    let since = Instant::now();
    let id = format!("{}@{there}", to.id);
    let caller_id = format!("{}@{home}", from.id);
    let (call, rings) = tokio::join!(from.ring(&id), to.wait_ringing(0, &caller_id));
    let (call, rings, took) = (call?, rings?, since.elapsed());
    to.decline(&rings).await?;
    from.wait_over(text(&call, "cid")?, "declined").await?;
    to.wait_over(text(&rings, "cid")?, "declined").await?;
    Ok(took)
}

/// Who does not ring, and why; what was called may be no person at all.
async fn not_rung(partners: &Partners, people: &People) -> anyhow::Result<()> {
    let People { ann, amy, olav, odd } = people;
    // Busy: he talks to a colleague.
    let call = odd.call("olav").await?;
    let (one, other) = (
        odd.enter(0, text(&call, "cid")?).await?,
        olav.enter(0, text(&call, "cid")?).await?,
    );
    let call = ann.ring(&format!("olav@{OSLO}")).await?;
    ensure!(call["outcome"] == "busy", "{call}");
    leave(one).await;
    drop(other);
    let missed = |call: &Value| call["outcome"] == "busy" && call["with"]["id"] == format!("ann@{PARIS}");
    olav.wait(0, "was missed", missed).await?;
    for (to, outcome) in [("sleeper", "unreachable"), ("nobody-there", "nobody")] {
        if to == "sleeper" {
            let account = json!({ "id": to, "password": PASSWORD });
            partners.oslo.post_anywhere("/users", &account).await?;
        }
        let call = amy.call(&format!("{to}@{OSLO}")).await?;
        ensure!(call["outcome"] == outcome, "{to}: {call}");
    }
    let call = odd.call(&format!("review@{PARIS}")).await?;
    ensure!(
        call["outcome"] == "conference" && call["enter"] == format!("review@{PARIS}"),
        "{call}"
    );
    Ok(())
}

async fn given_up(people: &People) -> anyhow::Result<()> {
    let People { amy, olav, .. } = people;
    let call = amy.ring(&format!("olav@{OSLO}")).await?;
    let caller = amy.enter(0, text(&call, "cid")?).await?;
    let rings = olav.wait_ringing(1, &format!("amy@{PARIS}")).await?;
    leave(caller).await;
    amy.wait_over(text(&call, "cid")?, "cancelled").await?;
    olav.wait_over(text(&rings, "cid")?, "cancelled").await?;
    Ok(())
}

/// By an alias of the other server, which is resolved there, and never onward.
async fn aliases(partners: &Partners, people: &People) -> anyhow::Result<()> {
    let People { ann, odd, .. } = people;
    for (id, target) in [("111", "ann".to_owned()), ("222", format!("odd@{OSLO}"))] {
        let alias = json!({ "id": id, "target": target });
        partners.paris.post_anywhere("/aliases", &alias).await?;
    }
    let call = odd.call(&format!("111@{PARIS}")).await?;
    ensure!(call["with"]["id"] == format!("ann@{PARIS}"), "{call}");
    let caller = odd.enter(0, text(&call, "cid")?).await?;
    ann.wait_ringing(0, &format!("odd@{OSLO}")).await?;
    leave(caller).await;
    odd.wait_over(text(&call, "cid")?, "cancelled").await?;
    let call = people.olav.call(&format!("222@{PARIS}")).await?;
    ensure!(
        call["outcome"] == "nobody",
        "an alias leads on to a third server: {call}"
    );
    Ok(())
}

/// A group of the other server: whoever is first has it.
async fn group(partners: &Partners, people: &People) -> anyhow::Result<()> {
    let People { ann, amy, odd, .. } = people;
    let group = partners
        .paris
        .post_anywhere("/groups", &json!({ "name": "Desk" }))
        .await?;
    let id = text(&group, "id")?;
    let members = json!({ "add": ["ann", "amy"], "remove": [] });
    let path = format!("/groups/{id}/members");
    partners.paris.post_anywhere(&path, &members).await?;
    let called = json!({ "call_id": "desk" });
    partners.paris.patch(0, &format!("/groups/{id}"), &called).await?;
    let call = odd.call(&format!("desk@{PARIS}")).await?;
    ensure!(call["group"] == "Desk" && call["state"] == "ringing", "{call}");
    let caller = odd.enter(0, text(&call, "cid")?).await?;
    let from = format!("odd@{OSLO}");
    ann.wait_ringing(0, &from).await?;
    let rings = amy.wait_ringing(0, &from).await?;
    let callee = amy.enter(0, text(&rings, "enter")?).await?;
    let answered = odd.wait_answered(text(&call, "cid")?).await?;
    ensure!(answered["with"]["id"] == format!("amy@{PARIS}"), "{answered}");
    let elsewhere = |call: &Value| call["outcome"] == "elsewhere";
    ann.wait(0, "somebody else answered", elsewhere).await?;
    leave(callee).await;
    odd.wait_over(text(&call, "cid")?, "talked").await?;
    drop(caller);
    Ok(())
}

/// A moderator calls somebody of the other server into a conference that goes on.
async fn into_conference(partners: &Partners, people: &People) -> anyhow::Result<()> {
    let People { ann, olav, .. } = people;
    let settings = json!({ "moderators": ["ann"], "uninvited": false });
    let room = json!({ "cid": "council", "name": "Council", "settings": settings });
    partners.paris.post_anywhere("/conferences", &room).await?;
    let inside = ann.enter(0, "council").await?;
    let calls = json!({ "users": [format!("olav@{OSLO}")] });
    let called = ann.post(0, "/conferences/council/calls", &calls).await?;
    ensure!(called[0]["state"] == "ringing", "{called}");
    let rings = olav.wait_ringing(0, &format!("ann@{PARIS}")).await?;
    ensure!(
        rings["into"]["name"] == "Council" && rings["enter"] == format!("council@{PARIS}"),
        "{rings}"
    );
    let guest = olav.enter(0, text(&rings, "enter")?).await?;
    olav.wait_over(text(&rings, "cid")?, "joined").await?;
    let deadline = Instant::now() + PATIENCE;
    while inside.seen().roster.len() != 2 {
        ensure!(Instant::now() < deadline, "he is not seen in the conference");
        sleep(LOOK).await;
    }
    leave(guest).await;
    leave(inside).await;
    Ok(())
}

async fn not_allowed(partners: &Partners, people: &People) -> anyhow::Result<()> {
    let People { amy, odd, .. } = people;
    allow(partners, false, true).await?;
    for (from, to) in [(amy, format!("odd@{OSLO}")), (odd, format!("amy@{PARIS}"))] {
        let call = from.call(&to).await?;
        ensure!(call["outcome"] == "not_allowed", "{call}");
    }
    // What is allowed apart from calls goes on.
    let guest = odd.enter(0, &format!("review@{PARIS}")).await?;
    leave(guest).await;
    allow(partners, true, true).await
}

/// The node that leads is lost while it rings: it goes on ringing, and is answered.
async fn lost_leader(partners: &mut Partners, people: &People, is_home: bool) -> anyhow::Result<()> {
    let server = if is_home {
        &mut partners.paris
    } else {
        &mut partners.oslo
    };
    let leader = server.leader().await?;
    let (from, to) = (&people.ann, &people.olav);
    let device = |phone: &Phone, but: Option<usize>| {
        let devices = phone.devices.iter();
        devices.into_iter().position(|device| Some(device.at) != but)
    };
    let (lost_home, lost_there) = if is_home {
        (Some(leader), None)
    } else {
        (None, Some(leader))
    };
    let caller_at = device(from, lost_home).context("a device at another node")?;
    let callee_at = device(to, lost_there).context("a device at another node")?;
    let call = from
        .post(caller_at, "/calls", &json!({ "to": format!("olav@{OSLO}") }))
        .await?;
    let cid = text(&call, "cid")?;
    let caller = from.enter(caller_at, cid).await?;
    let rings = to.wait_ringing(callee_at, &format!("ann@{PARIS}")).await?;
    let server = if is_home {
        &mut partners.paris
    } else {
        &mut partners.oslo
    };
    server.kill(leader)?;
    let callee = to.enter(callee_at, text(&rings, "enter")?).await?;
    let is_answered = |call: &Value| call["cid"] == cid && call["state"] == "answered";
    from.wait_for(caller_at, "is answered", NEW_LEADER, is_answered)
        .await?;
    leave(callee).await;
    let is_over = |call: &Value| call["cid"] == cid && call["outcome"] == "talked";
    from.wait_for(caller_at, "is over", NEW_LEADER, is_over).await?;
    drop(caller);
    let server = if is_home {
        &mut partners.paris
    } else {
        &mut partners.oslo
    };
    server.restart(leader).await?;
    server.wait_voters(NODES).await
}

fn percentile(sorted: &[Duration], percent: usize) -> u128 {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).map_or(0, Duration::as_millis)
}

/// People of both call each other, in every way that there is.
pub async fn partners_call() -> anyhow::Result<Figures> {
    let mut partners = Partners::start().await?;
    let people = People::new(&partners).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let call = people.odd.call(&format!("amy@{PARIS}")).await?;
        if call["state"] == "ringing" {
            let rings = people.amy.wait_ringing(0, &format!("odd@{OSLO}")).await?;
            people.amy.decline(&rings).await?;
            people.odd.wait_over(text(&call, "cid")?, "declined").await?;
            break;
        }
        if Instant::now() > deadline {
            bail!("the servers do not come to call each other: {call}");
        }
        sleep(Duration::from_millis(200)).await;
    }
    talk(&people.olav, OSLO, &people.ann, PARIS, true).await?;
    talk(&people.ann, PARIS, &people.olav, OSLO, false).await?;
    let mut took = Vec::new();
    for _ in 0..MEASURED {
        took.push(decline(&people.odd, OSLO, &people.amy, PARIS).await?);
        took.push(decline(&people.amy, PARIS, &people.odd, OSLO).await?);
    }
    took.sort();
    not_rung(&partners, &people).await.context("who does not ring")?;
    given_up(&people).await.context("given up")?;
    aliases(&partners, &people).await.context("aliases")?;
    group(&partners, &people).await.context("a group")?;
    into_conference(&partners, &people)
        .await
        .context("into a conference")?;
    other_ends(&partners, (&people.ann, &people.amy), (&people.olav, &people.odd))
        .await
        .context("other ends")?;
    not_allowed(&partners, &people).await.context("not allowed")?;
    lost_leader(&mut partners, &people, false)
        .await
        .context("the leader of who is called is lost")?;
    lost_leader(&mut partners, &people, true)
        .await
        .context("the leader of who calls is lost")?;
    Ok(Figures {
        notes: vec![format!(
            "{} calls rang there after {} ms (p50), {} ms (p95), from the request to the ringing page",
            took.len(),
            percentile(&took, 50),
            percentile(&took, 95)
        )],
        ..Figures::default()
    })
}
