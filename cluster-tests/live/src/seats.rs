//! Seats over three nodes when one of them is killed: nobody loses a seat, and no seat is given twice (LIC-04 to LIC-09).

use crate::{Place, Server};
use anyhow::{Context as _, ensure};
use plenary_light::{Person, Seen, Tag, Ticket};
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const ROOM: &str = "full-house";
const PASSWORD: &str = "a-long-password-9";
/// Of the free licence.
const PRO: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);
/// Where the guest is, and which node is killed.
const LOST: usize = 1;

struct House {
    server: Server,
    people: Vec<Person>,
}

/// Ten users and a guest fill the free licence; others wait. A node is killed and comes back, and a seat is taken back.
pub async fn seats() -> anyhow::Result<()> {
    let server = Server::start(vec![Place::local(), Place::local(), Place::local()]).await?;
    wait("seats are counted", || async {
        Ok(server.get(0, "/licence").await.is_ok())
    })
    .await?;
    let room = json!({ "cid": ROOM, "name": "Full house", "access": "public" });
    server.post_anywhere("/conferences", &room).await?;
    let mut house = House {
        server,
        people: Vec::new(),
    };
    for number in 0..=PRO {
        let login = format!("person-{number}");
        let account = json!({ "id": login, "password": PASSWORD });
        house.server.post_anywhere("/users", &account).await?;
    }
    for number in 0..PRO {
        house.user(number).await?;
    }
    house.guest("Ann").await?;
    house.are_in(PRO + 1).await?;
    house.taken(&[0, 1, 2], PRO, 1).await?;

    // Nobody else gets in, whatever the node.
    house.user(PRO).await?;
    house.guest("Bob").await?;
    house.complains(PRO + 1, "no PRO seat is free").await?;
    house.complains(PRO + 2, "as many guests are here").await?;

    house.server.kill(LOST)?;
    let rest = [0, 2];
    house.moved_from_lost().await?;
    house.are_in(PRO + 1).await?;
    house.taken(&rest, PRO, 1).await?;
    ensure!(
        house.people[PRO + 1].seen().me.is_none() && house.people[PRO + 2].seen().me.is_none(),
        "somebody got a seat that was not free"
    );

    // The seat of one goes to the one who waits.
    let path = house.server.url(0, "/seats/pro/person-0");
    let request = house.server.http.delete(path).bearer_auth(&house.server.token);
    request.send().await?.error_for_status()?;
    house.complains(0, "SeatRevoked").await?;
    house.people.remove(0).leave().await;
    house.are_in(PRO + 1).await?;
    house.taken(&rest, PRO, 1).await?;

    house.server.restart(LOST).await?;
    house.taken(&[0, 1, 2], PRO, 1).await?;
    // With the guest the seat goes, and the other guest has it.
    house.people.remove(PRO - 1).leave().await;
    wait("the other guest is in", || async {
        Ok(house.people.last().is_some_and(|bob| bob.seen().me.is_some()))
    })
    .await?;
    house.taken(&[0, 1, 2], PRO, 1).await
}

/// A guest is lost with its node: the seat is free once nothing can be used there any more, and not before. A node that
/// stood still for that long sends its clients away, and takes some again.
pub async fn silent_node() -> anyhow::Result<()> {
    const LIMIT: Duration = Duration::from_secs(6);
    let place = || Place {
        wrapper: vec![
            "env".into(),
            format!("PLENARY_TIMING__ALIVE_LIMIT_MS={}", LIMIT.as_millis()),
        ],
        ..Place::local()
    };
    let server = Server::start(vec![place(), place(), place()]).await?;
    wait("seats are counted", || async {
        Ok(server.get(0, "/licence").await.is_ok())
    })
    .await?;
    let room = json!({ "cid": ROOM, "name": "Full house", "access": "public" });
    server.post_anywhere("/conferences", &room).await?;
    let mut house = House {
        server,
        people: Vec::new(),
    };
    house.guest("Zoe").await?;
    house.guest("Ann").await?;
    house.are_in(1).await?;
    // Whichever of the two has the seat is lost with its node; the other one waits.
    let first = usize::from(house.people[0].seen().me.is_none());
    let waiting = 1 - first;
    house.complains(waiting, "as many guests are here").await?;
    let lost = house.people[first].seen().at;
    let killed = Instant::now();
    house.server.kill(lost)?;
    drop(house.people.remove(first));
    wait("the other guest is in", || async {
        Ok(house.people[0].seen().me.is_some())
    })
    .await?;
    ensure!(
        killed.elapsed() >= LIMIT,
        "the seat was given away after {:?}, while the lost node could still use it",
        killed.elapsed()
    );
    let rest: Vec<usize> = (0..3).filter(|node| *node != lost).collect();
    house.taken(&rest, 0, 1).await?;
    house.server.restart(lost).await?;
    house.taken(&[0, 1, 2], 0, 1).await
}

impl House {
    async fn enter(&mut self, token: String) {
        let number = self.people.len();
        let nodes = self.server.nodes();
        // The guest is on the node that will be lost, and so are some others.
        let at = number % nodes.len();
        self.people.push(Person::enter(Ticket {
            nodes,
            at,
            token,
            room: ROOM.to_owned(),
            tag: number as Tag,
            address: Ipv4Addr::LOCALHOST.into(),
            through: Vec::new(),
            pictures: 2,
            level: 127,
        }));
    }

    async fn user(&mut self, number: usize) -> anyhow::Result<()> {
        let (at, login) = (self.people.len() % 3, format!("person-{number}"));
        let begun = Instant::now();
        let token = loop {
            match self.server.sign_in(at, &login, PASSWORD).await {
                Ok(token) => break token,
                Err(error) if begun.elapsed() >= PATIENCE => return Err(error),
                Err(_) => sleep(LOOK).await,
            }
        };
        self.enter(token).await;
        Ok(())
    }

    async fn guest(&mut self, name: &str) -> anyhow::Result<()> {
        let path = format!("/conferences/{ROOM}/guests");
        let made = self.server.post_anywhere(&path, &json!({ "name": name })).await?;
        let token = made["token"].as_str().context("a guest gets a token")?.to_owned();
        self.enter(token).await;
        Ok(())
    }

    /// Waits until so many are in, and all of them know it.
    async fn are_in(&self, count: usize) -> anyhow::Result<()> {
        wait(&format!("{count} are in"), || async {
            let seen = self.people.iter().map(Person::seen);
            let inside: Vec<_> = seen.filter(|seen| seen.me.is_some()).collect();
            let whole = |seen: &Seen| seen.roster.len() == count && seen.roster.values().all(|one| !one.away);
            Ok(inside.len() == count && inside.iter().all(whole))
        })
        .await
    }

    async fn complains(&self, number: usize, words: &str) -> anyhow::Result<()> {
        wait(&format!("person {number} hears {words:?}"), || async {
            let complaints = self.people[number].seen().complaints;
            Ok(complaints.iter().any(|complaint| complaint.contains(words)))
        })
        .await
    }

    /// Whoever was on the lost node is on another one; meanwhile no seat more is taken than there are.
    async fn moved_from_lost(&self) -> anyhow::Result<()> {
        wait("all are on nodes that run", || async {
            if let Ok(seats) = self.server.get(0, "/seats").await {
                let (pro, guest) = numbers(&seats);
                ensure!(
                    pro <= PRO as u64 && guest <= 1,
                    "{pro} PRO and {guest} guests have seats"
                );
            }
            let mut seen = self.people.iter().map(Person::seen);
            Ok(seen.all(|seen| seen.me.is_none() || seen.at != LOST))
        })
        .await
    }

    /// Waits until all these nodes say the same of seats.
    async fn taken(&self, nodes: &[usize], pro: usize, guest: u64) -> anyhow::Result<()> {
        wait(
            &format!("{pro} PRO and {guest} guest seats are taken"),
            || async {
                for node in nodes {
                    let seats = self.server.get(*node, "/seats").await?;
                    ensure!(
                        numbers(&seats).0 <= PRO as u64,
                        "more PRO seats than there are: {seats}"
                    );
                    if numbers(&seats) != (pro as u64, guest) {
                        return Ok(false);
                    }
                }
                Ok(true)
            },
        )
        .await
    }
}

/// PRO and guest seats that are taken.
fn numbers(seats: &Value) -> (u64, u64) {
    let taken = |kind: &str| seats[kind]["taken"].as_u64().unwrap_or(u64::MAX);
    (taken("pro"), taken("guest"))
}

async fn wait<F, W>(what: &str, mut is_so: W) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<bool>>,
    W: FnMut() -> F,
{
    let begun = Instant::now();
    while !is_so().await? {
        ensure!(
            begun.elapsed() < PATIENCE,
            "not within {} s: {what}",
            PATIENCE.as_secs()
        );
        sleep(LOOK).await;
    }
    Ok(())
}
