//! A meeting of light participants, spread over the nodes of a server.

use crate::Server;
use anyhow::ensure;
use plenary_light::{Person, Tag, Ticket};
use plenary_signalling::meeting::ParticipantId;
use serde_json::json;
use std::{
    collections::BTreeSet,
    net::IpAddr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const ROOM: &str = "round-table";
pub(crate) const PASSWORD: &str = "a-long-password-9";
/// How loud somebody is who speaks, and who does not.
const SPEAKS: u8 = 20;
const SILENT: u8 = 127;
/// The first so many speak.
pub(crate) const SPEAKERS: usize = 3;
/// A picture that came within this is a moving one; they come ten times a second.
const MOVING: Duration = Duration::from_millis(500);
/// How long coming together, or back, may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// People in one room. Person `n` begins at node `n` modulo the number of nodes, and has the tag `n`.
pub(crate) struct Meeting {
    pub server: Server,
    tickets: Vec<Ticket>,
    pub people: Vec<Person>,
}

impl Meeting {
    /// Makes accounts and a room; nobody is there yet. `address` is where media is sent from.
    pub(crate) async fn prepare(server: Server, people: usize, address: IpAddr) -> anyhow::Result<Self> {
        let nodes = server.nodes();
        let room = json!({ "cid": ROOM, "name": "Round table" });
        server.post_anywhere("/conferences", &room).await?;
        let mut tickets = Vec::new();
        for number in 0..people {
            let login = format!("person-{number}");
            let account = json!({ "id": login, "password": PASSWORD });
            server.post_anywhere("/users", &account).await?;
            let at = number % nodes.len();
            tickets.push(Ticket {
                nodes: nodes.clone(),
                at,
                token: sign_in(&server, at, &login).await?,
                room: ROOM.to_owned(),
                tag: number as Tag,
                address,
                through: Vec::new(),
                pictures: people - 1,
                level: if number < SPEAKERS { SPEAKS } else { SILENT },
            });
        }
        Ok(Self {
            server,
            tickets,
            people: Vec::new(),
        })
    }

    /// All come in.
    pub(crate) async fn begin(&mut self) -> anyhow::Result<()> {
        self.people = self.tickets.iter().cloned().map(Person::enter).collect();
        self.settle().await
    }

    /// Those who are not at the node of their ticket leave and come in there.
    pub(crate) async fn spread(&mut self) -> anyhow::Result<()> {
        for (person, ticket) in self.people.iter_mut().zip(&self.tickets) {
            if person.seen().at != ticket.at {
                let moved = std::mem::replace(person, Person::enter(ticket.clone()));
                moved.leave().await;
            }
        }
        self.settle().await
    }

    /// Waits until everybody is there, and sees the moving pictures of all others and hears all speakers.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        self.settle_for(Duration::ZERO).await
    }

    /// The same, and that it was so for a while.
    pub(crate) async fn settle_for(&self, calm: Duration) -> anyhow::Result<()> {
        let speakers: Vec<usize> = (0..SPEAKERS).collect();
        settle(&self.people, &speakers, calm).await
    }

    /// The places of all, in their order.
    pub(crate) fn places(&self) -> anyhow::Result<Vec<ParticipantId>> {
        let places: Vec<_> = self.people.iter().filter_map(|person| person.seen().me).collect();
        let different: BTreeSet<_> = places.iter().collect();
        ensure!(
            places.len() == self.people.len() && different.len() == places.len(),
            "places are doubled or missing: {places:?}"
        );
        for person in &self.people {
            let roster: BTreeSet<_> = person.seen().roster.into_keys().collect();
            ensure!(
                roster.iter().eq(different.iter().copied()),
                "a roster has {roster:?} instead of {different:?}"
            );
        }
        Ok(places)
    }

    pub(crate) async fn end(self) {
        for person in self.people {
            person.leave().await;
        }
    }
}

/// Waits until everybody sees the moving pictures of all others and hears all speakers, and has done so for a while. People
/// have the tags of their places.
pub(crate) async fn settle(people: &[Person], speakers: &[usize], calm: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (mut since, deadline) = (begun, begun + PATIENCE);
    loop {
        // What came before `begun` does not count.
        let missing: Vec<String> = (0..people.len())
            .filter_map(|number| missing_to(people, speakers, number, begun))
            .collect();
        if !missing.is_empty() {
            since = Instant::now();
        } else if since.elapsed() >= calm {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "not together within {} s: {}",
            PATIENCE.as_secs(),
            missing.join("; ")
        );
        sleep(LOOK).await;
    }
}

fn missing_to(people: &[Person], speakers: &[usize], number: usize, begun: Instant) -> Option<String> {
    let person = people.get(number)?;
    let (seen, watch) = (person.seen(), person.watch());
    let moving = |last: Option<Instant>| last.is_some_and(|last| last > begun && last.elapsed() < MOVING);
    let others = || (0..people.len()).filter(|tag| *tag != number);
    let unseen: Vec<_> = others()
        .filter(|tag| {
            let pictures = watch.pictures.get(&(*tag as Tag));
            !pictures.is_some_and(|pictures| moving(pictures.last))
        })
        .collect();
    let unheard: Vec<_> = others()
        .filter(|tag| speakers.contains(tag))
        .filter(|tag| {
            let voice = watch.voices.get(&(*tag as Tag));
            !voice.is_some_and(|voice| moving(voice.last))
        })
        .collect();
    let whole = seen.connected
        && seen.roster.len() == people.len()
        && seen.roster.values().all(|one| !one.away)
        && unseen.is_empty()
        && unheard.is_empty();
    (!whole).then(|| {
        format!(
            "person {number} at node {}: connected {}, {} in the roster, does not see {unseen:?}, does not hear \
             {unheard:?}; {}",
            seen.at,
            seen.connected,
            seen.roster.len(),
            seen.complaints.join(", ")
        )
    })
}

/// Accounts are everywhere soon after they were made.
pub(crate) async fn sign_in(server: &Server, node: usize, login: &str) -> anyhow::Result<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match server.sign_in(node, login, PASSWORD).await {
            Ok(token) => return Ok(token),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => sleep(LOOK).await,
        }
    }
}
