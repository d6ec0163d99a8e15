//! Two enterprises whose people have each other in their address books (FED-02, USR-02, USR-09, USR-11).

use crate::{
    Server,
    federation::{OSLO, PARIS, meet, pair},
    meeting::{PASSWORD, sign_in},
    scenarios::Figures,
};
use anyhow::ensure;
use plenary_light::{Attendee, Heard, Pass, Signal};
use plenary_signalling::{ClientBody, Presence, ServerBody, Topic};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    task::JoinHandle,
    time::{interval, sleep},
};

const ROOM: &str = "review";
const NODES: usize = 3;
/// A partner that refused is asked again after half a minute.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(10);
const BEAT: Duration = Duration::from_secs(2);

type Presences = BTreeMap<String, Option<Presence>>;

/// Somebody with an open page, who sees what is told of people of the other server.
struct Onlooker {
    seen: Arc<Mutex<Presences>>,
    token: String,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Drop for Onlooker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Onlooker {
    async fn open(server: &Server, at: usize) -> anyhow::Result<Self> {
        let token = sign_in(server, at, &person(at)).await?;
        let mut signal = Signal::open_within(&server.nodes()[at], &token, PATIENCE).await?;
        let topics = [Topic::Contacts].into();
        signal.say(ClientBody::Watch { topics }).await?;
        let seen = Arc::new(Mutex::new(Presences::new()));
        let noted = seen.clone();
        let task = tokio::spawn(async move {
            let mut beat = interval(BEAT);
            loop {
                tokio::select! {
                    _ = beat.tick() => signal.ping().await?,
                    heard = signal.hear() => if let Heard::Body(body) = heard?
                        && let ServerBody::PartnerPresence { user, presence } = *body
                    {
                        noted.lock().unwrap_or_else(PoisonError::into_inner).insert(user, presence);
                    },
                }
            }
        });
        Ok(Self { seen, token, task })
    }

    fn seen(&self) -> MutexGuard<'_, Presences> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn person(number: usize) -> String {
    format!("person-{number}")
}

/// A person for each node, all of whom have those of the other server in their address books; all have their pages open.
async fn people(server: &Server, other: &str) -> anyhow::Result<Vec<Onlooker>> {
    for number in 0..NODES {
        let account = json!({ "id": person(number), "password": PASSWORD, "job_title": "Judge" });
        server.post_anywhere("/users", &account).await?;
    }
    let mut onlookers = Vec::new();
    for at in 0..NODES {
        let token = sign_in(server, at, &person(at)).await?;
        for number in 0..NODES {
            let entry = json!({ "call": format!("{}@{other}", person(number)) });
            server.put_as(at, &token, "/me/contacts", &entry).await?;
        }
        onlookers.push(Onlooker::open(server, at).await?);
    }
    Ok(onlookers)
}

/// Waits until all see this of one person, and gives how long that took.
async fn all_see(onlookers: &[Onlooker], who: &str, wanted: Option<Presence>) -> anyhow::Result<Duration> {
    let since = Instant::now();
    loop {
        let seen = onlookers.iter().map(|one| one.seen().get(who).copied().flatten());
        let seen: Vec<_> = seen.collect();
        if seen.iter().all(|presence| *presence == wanted) {
            return Ok(since.elapsed());
        }
        ensure!(
            since.elapsed() < PATIENCE,
            "{who} should be {wanted:?} and is {seen:?}"
        );
        sleep(LOOK).await;
    }
}

async fn look(server: &Server, by: &Onlooker, at: usize, call: &str) -> anyhow::Result<Value> {
    server.get_as(at, &by.token, &format!("/look?call={call}")).await
}

/// Waits until a name is found to be so.
async fn found_to_be(
    server: &Server,
    by: &Onlooker,
    call: &str,
    is_so: impl Fn(&Value) -> bool,
) -> anyhow::Result<()> {
    let since = Instant::now();
    loop {
        let found = look(server, by, 0, call).await?;
        if is_so(&found) {
            return Ok(());
        }
        ensure!(since.elapsed() < PATIENCE, "{call} is {found}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// The address book of somebody says the same as was told.
async fn book_says(
    server: &Server,
    by: &Onlooker,
    at: usize,
    who: &str,
    presence: &Value,
) -> anyhow::Result<()> {
    let book = server.get_as(at, &by.token, "/me/contacts?limit=100").await?;
    let rows = book["items"].as_array().cloned().unwrap_or_default();
    let row = rows.iter().find(|row| row["partner_id"] == who);
    let row = row.ok_or_else(|| anyhow::anyhow!("{who} is not in the address book: {book}"))?;
    ensure!(
        row["presence"] == *presence,
        "the address book says of {who}: {row}"
    );
    Ok(())
}

/// People see each other's presence and profiles across servers, on every node, as long as both allow it.
pub async fn partners_look() -> anyhow::Result<Figures> {
    let (paris, mut oslo, _kept) = pair().await?;
    let here = people(&paris, OSLO).await?;
    let mut there = people(&oslo, PARIS).await?;
    let mut notes = Vec::new();
    for number in 0..NODES {
        all_see(
            &here,
            &format!("{}@{OSLO}", person(number)),
            Some(Presence::Online),
        )
        .await?;
        all_see(
            &there,
            &format!("{}@{PARIS}", person(number)),
            Some(Presence::Online),
        )
        .await?;
    }
    let first = format!("{}@{OSLO}", person(0));
    for (at, one) in here.iter().enumerate() {
        book_says(&paris, one, at, &first, &json!("online")).await?;
    }

    let room = json!({ "cid": ROOM, "name": "Review" });
    oslo.post_anywhere("/conferences", &room).await?;
    let attendee = Attendee::enter(Pass {
        nodes: oslo.nodes(),
        at: 0,
        token: there[0].token.clone(),
        room: ROOM.to_owned(),
    });
    let came = all_see(&here, &first, Some(Presence::InConference)).await?;
    attendee.say(ClientBody::Leave {});
    let left = all_see(&here, &first, Some(Presence::Online)).await?;
    drop(attendee);
    notes.push(format!(
        "in a conference after {} ms, out after {} ms",
        came.as_millis(),
        left.as_millis()
    ));

    profiles(&paris, &oslo, &here[0]).await?;

    let last = there.pop();
    drop(last);
    let third = format!("{}@{OSLO}", person(NODES - 1));
    let gone = all_see(&here, &third, Some(Presence::Offline)).await?;
    notes.push(format!(
        "offline {} ms after the page was closed",
        gone.as_millis()
    ));

    meet(&oslo, "blacklist", &["*.example.com"]).await?;
    let parted = all_see(&here, &first, None).await?;
    notes.push(format!(
        "unknown {} ms after the lists changed",
        parted.as_millis()
    ));
    let met = found_to_be(&paris, &here[0], &first, |found| found["kind"] == "unknown");
    met.await?;
    meet(&oslo, "blacklist", &[]).await?;
    let again = all_see(&here, &first, Some(Presence::Online)).await?;
    notes.push(format!("known again after {} ms", again.as_millis()));

    meet(&paris, "blacklist", &["*.example.net"]).await?;
    all_see(&here, &first, None).await?;
    all_see(&there, &format!("{}@{PARIS}", person(0)), None).await?;
    meet(&paris, "blacklist", &[]).await?;
    all_see(&here, &first, Some(Presence::Online)).await?;

    for node in 0..NODES {
        oslo.kill(node)?;
    }
    let lost = all_see(&here, &first, None).await?;
    notes.push(format!(
        "unknown {} ms after all nodes there were killed",
        lost.as_millis()
    ));
    for node in 0..NODES {
        oslo.launch(node)?;
    }
    for node in 0..NODES {
        oslo.wait_ready(node).await?;
    }
    let back = Onlooker::open(&oslo, 0).await?;
    all_see(&here, &first, Some(Presence::Online)).await?;
    drop(back);
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}

/// Who people are follows what their server shows, and aliases lead to what they stand for there.
async fn profiles(paris: &Server, oslo: &Server, by: &Onlooker) -> anyhow::Result<()> {
    let first = format!("{}@{OSLO}", person(0));
    let found = look(paris, by, 0, &first).await?;
    ensure!(
        found["kind"] == "person" && found["person"]["job_title"] == "",
        "more is shown than should be: {found}"
    );
    let shown = json!({ "profile_fields": { "people": [], "partners": ["job_title"] } });
    oslo.patch(0, "/settings", &shown).await?;
    found_to_be(paris, by, &first, |found| found["person"]["job_title"] == "Judge").await?;
    let hidden = json!({ "profile_fields": { "people": [], "partners": [] } });
    oslo.patch(0, "/settings", &hidden).await?;
    found_to_be(paris, by, &first, |found| found["person"]["job_title"] == "").await?;
    let name = json!({ "display_name": "Anna Berg" });
    oslo.patch(0, &format!("/users/{}", person(0)), &name).await?;
    found_to_be(paris, by, &first, |found| {
        found["person"]["display_name"] == "Anna Berg"
    })
    .await?;

    for (alias, target) in [("111", format!("\\c\\{ROOM}")), ("222", person(1))] {
        let alias = json!({ "id": alias, "target": target });
        oslo.post_anywhere("/aliases", &alias).await?;
    }
    let room = look(paris, by, 1, &format!("111@{OSLO}")).await?;
    ensure!(
        room["conference"] == format!("{ROOM}@{OSLO}"),
        "the alias leads to {room}"
    );
    let second = look(paris, by, 2, &format!("222@{OSLO}")).await?;
    ensure!(second["person"]["id"] == person(1), "the alias leads to {second}");
    let nobody = look(paris, by, 0, &format!("nobody@{OSLO}")).await?;
    ensure!(nobody["kind"] == "nothing", "nobody is {nobody}");
    Ok(())
}
