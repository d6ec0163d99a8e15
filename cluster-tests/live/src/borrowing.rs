//! Three managers and four servers under harm: no instant with more seats in use than there are (LIC-14, ENT-02).

use crate::{
    Place,
    enterprise::{Enterprise, told, wait, wait_for},
    leaseless_calls::Pair,
    ledger::{self, Ms, Node, WAKING, now_ms},
    lending::{ROOM, guest, nodes, open_room},
    network::Network,
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use nix::sys::signal::Signal;
use plenary_licences::Seats;
use plenary_light::{Person, Tag, Ticket};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

const POOL: u32 = 10;
const TTL: Duration = Duration::from_secs(60);
/// Until the manager lends the seats of a silent server elsewhere, and a little more.
const BEYOND: Duration = Duration::from_secs(80);
/// Guests that each server would like to have; together more than there are seats.
const GUESTS: usize = 4;
/// Users of each server who ask for PRO, and whose seats are taken back.
const USERS: usize = 5;
const PASSWORD: &str = "a-long-password-9";
/// Places of people who went without a word are free after a minute for their connection and ten seconds for their place;
/// then whoever wants a seat has it within 20 s.
const HEALED: Duration = Duration::from_secs(90);

const MANAGERS: usize = 3;
const SERVERS: [(&str, usize); 4] = [
    ("paris.internal", 3),
    ("oslo.internal", 1),
    ("rome.internal", 1),
    ("bern.internal", 1),
];
const PARIS: usize = 0;
const OSLO: usize = 1;
const ROME: usize = 2;
const BERN: usize = 3;

/// What people do all the time at one server.
#[derive(Clone)]
struct Crowd {
    http: reqwest::Client,
    nodes: Vec<String>,
    admin: String,
    users: Vec<(String, String)>,
    came: Arc<AtomicU64>,
    seed: u64,
}

struct House {
    network: Network,
    enterprise: Enterprise,
    crowds: JoinSet<()>,
    came: Arc<AtomicU64>,
    nodes: Vec<Vec<Node>>,
    random: StdRng,
}

/// Kills, stops and cuts while people come and go, then asks the oracle.
pub async fn borrowed_seats(seed: u64) -> anyhow::Result<Figures> {
    let mut house = House::open(seed).await?;
    let begun = now_ms();
    sleep(Duration::from_secs(10)).await;
    house.lose_the_managers_leader().await?;
    house.cut_the_managers_leader_off().await?;
    let stopped = house.stop_a_server().await?;
    let cut = house.cut_a_server_off().await?;
    house.kill_leaders_that_ask().await?;
    let healed = house.heal().await?;
    let mut figures = Figures::default();
    for kind in ["guest", "pro"] {
        let course = ledger::read(&house.nodes, kind)?.since(begun);
        course.check(u64::from(POOL))?;
        figures.notes.push(format!(
            "{kind}: at most {} of {POOL} in use at {} instants",
            course.peak(),
            course.instants.len()
        ));
        if kind == "guest" {
            let others = course.peak_without(OSLO, stopped);
            ensure!(
                others == u64::from(POOL),
                "the seats of the stopped server were not lent elsewhere: the others had {others}"
            );
            ensure!(
                course.used_last(ROME, cut) == Some(0),
                "the server that was cut off went on beyond its lease"
            );
        }
    }
    figures.notes.push(format!(
        "{} came in; after the harm all had seats in {} ms",
        house.came.load(Ordering::Relaxed),
        healed.as_millis()
    ));
    Ok(figures)
}

impl House {
    async fn open(seed: u64) -> anyhow::Result<Self> {
        let size = MANAGERS + SERVERS.iter().map(|(_, nodes)| nodes).sum::<usize>();
        let network = Network::of_size(size)?;
        let mut places = network.places();
        let mut take = |count: usize| places.drain(..count).collect::<Vec<Place>>();
        let seats = Seats {
            pro: POOL,
            online: 40,
            guest: POOL,
            gateway: 0,
        };
        let enterprise = Enterprise::start(take(MANAGERS), seats, TTL).await?;
        let mut house = Self {
            network,
            enterprise,
            crowds: JoinSet::new(),
            came: Arc::default(),
            nodes: Vec::new(),
            random: StdRng::seed_from_u64(seed),
        };
        for (name, count) in SERVERS {
            let places = take(count).into_iter().map(told).collect();
            let server = house.enterprise.add_server(name, places).await?;
            open_room(&house.enterprise, server).await?;
            let crowd = house.crowd(server, seed).await?;
            for seat in 0..GUESTS {
                house.crowds.spawn(crowd.clone().guests(seat));
            }
            house.crowds.spawn(crowd.holders());
        }
        house.nodes = nodes(&house.enterprise);
        Ok(house)
    }

    async fn crowd(&self, server: usize, seed: u64) -> anyhow::Result<Crowd> {
        let of = &self.enterprise.servers[server];
        let mut users = Vec::new();
        for number in 0..USERS {
            let login = format!("user-{number}");
            let account = json!({ "id": login, "password": PASSWORD });
            of.post_anywhere("/users", &account).await?;
            users.push((login.clone(), of.sign_in(0, &login, PASSWORD).await?));
        }
        Ok(Crowd {
            http: of.http.clone(),
            nodes: of.nodes(),
            admin: of.token.clone(),
            users,
            came: self.came.clone(),
            seed: seed * 10 + server as u64,
        })
    }

    async fn lose_the_managers_leader(&mut self) -> anyhow::Result<()> {
        let leader = self.enterprise.leader().await?;
        self.enterprise.replicas[leader].kill()?;
        sleep(Duration::from_secs(5)).await;
        self.enterprise.replicas[leader].start(&["run"])?;
        self.enterprise.leader().await.map(drop)
    }

    /// It is heard by nobody, and may go on believing that it leads.
    async fn cut_the_managers_leader_off(&mut self) -> anyhow::Result<()> {
        let leader = self.enterprise.leader().await?;
        self.network.cut(leader)?;
        let others = wait("another manager leads", async || {
            let leads = |one: usize| {
                let status = self.enterprise.ask(one, &["status"]).ok()?;
                status["leader"]
                    .as_str()
                    .map(|name| name != format!("lm-{}", leader + 1))
            };
            let others = (0..MANAGERS).filter(|one| *one != leader);
            Ok(others.filter_map(leads).any(|another| another))
        })
        .await;
        sleep(Duration::from_secs(5)).await;
        self.network.mend(leader)?;
        others
    }

    /// Stops a server for longer than its lease, so that its seats are lent elsewhere; gives when.
    async fn stop_a_server(&mut self) -> anyhow::Result<(Ms, Ms)> {
        let from = now_ms();
        self.enterprise.servers[OSLO].signal(0, Signal::SIGSTOP)?;
        sleep(BEYOND).await;
        let to = now_ms();
        self.enterprise.servers[OSLO].signal(0, Signal::SIGCONT)?;
        let woken = to + WAKING.as_millis() as Ms;
        self.nodes[OSLO][0].absent.push((from, woken));
        self.lent_again(OSLO).await?;
        Ok((from, to))
    }

    /// Isolates a server for longer than its lease; its people are still heard. Gives when.
    async fn cut_a_server_off(&mut self) -> anyhow::Result<(Ms, Ms)> {
        let number = MANAGERS + SERVERS[..ROME].iter().map(|(_, nodes)| nodes).sum::<usize>();
        let pair = Pair::at(&self.enterprise, ROME).await?;
        let (from, began) = (now_ms(), Instant::now());
        self.network.cut(number)?;
        sleep(TTL).await;
        let talk = pair.talk(&self.enterprise).await?;
        sleep(BEYOND.saturating_sub(began.elapsed())).await;
        let to = now_ms();
        self.network.mend(number)?;
        self.lent_again(ROME).await?;
        talk.goes_on()?;
        Ok((from, to))
    }

    /// Kills the leader of the server of three nodes a moment after somebody asks for a seat: between what the manager
    /// gave and what the server granted, sooner or later.
    async fn kill_leaders_that_ask(&mut self) -> anyhow::Result<()> {
        for round in 0..6 {
            let leader = self.enterprise.servers[PARIS].leader().await?;
            let person = guest(&self.enterprise, PARIS, 100 + round, Network::OWN.into()).await?;
            sleep(Duration::from_millis(self.random.random_range(0..120))).await;
            let from = now_ms();
            self.enterprise.servers[PARIS].kill(leader)?;
            sleep(Duration::from_secs(2)).await;
            self.enterprise.servers[PARIS].restart(leader).await?;
            self.nodes[PARIS][leader].absent.push((from, now_ms()));
            person.leave().await;
        }
        Ok(())
    }

    async fn lent_again(&self, server: usize) -> anyhow::Result<()> {
        let of = &self.enterprise.servers[server];
        wait("the server can use its seats again", async || {
            let licence = of.get(0, "/licence").await.unwrap_or_default();
            let manager = &licence["license_manager"];
            Ok(
                manager["replica"].is_string()
                    && manager["time_left_s"].as_u64().is_some_and(|left| left > 0),
            )
        })
        .await
    }

    /// Everybody goes; then one server alone gets all seats. Gives how long that took.
    async fn heal(&mut self) -> anyhow::Result<Duration> {
        self.crowds.shutdown().await;
        let asked = Instant::now();
        let mut people = Vec::new();
        for number in 0..POOL as usize {
            people.push(guest(&self.enterprise, BERN, number, Network::OWN.into()).await?);
        }
        let all_in = async || Ok(people.iter().all(|person| person.seen().me.is_some()));
        if let Err(error) = wait_for("everybody has a seat", HEALED, all_in).await {
            return Err(error.context(self.seats_and_complaints(&people).await));
        }
        let took = asked.elapsed();
        for person in people {
            person.leave().await;
        }
        Ok(took)
    }
}

impl House {
    /// Why somebody has no seat, as far as it is known.
    async fn seats_and_complaints(&self, people: &[Person]) -> String {
        let mut told = String::new();
        for (server, (name, _)) in self.enterprise.servers.iter().zip(SERVERS) {
            let licence = server.get(0, "/licence").await.unwrap_or_default();
            let link = &licence["license_manager"];
            let people = format!("/conferences/{ROOM}/participants");
            let people = server.get(0, &people).await.unwrap_or_default();
            let away = |one: &Value| one["away"] == true;
            let people = people.as_array().map_or(&[][..], Vec::as_slice);
            told += &format!(
                "{} in the room, {} of them away; ",
                people.len(),
                people.iter().filter(|one| away(one)).count()
            );
            told += &format!(
                "{name}: leased {}, in use {}, wanted {}, refusal {}; ",
                link["leased"], link["in_use"], link["wanted"], link["refusal"]
            );
        }
        for (number, person) in people.iter().enumerate() {
            let seen = person.seen();
            if seen.me.is_none() {
                told += &format!("{number}: {:?}; ", seen.complaints.last());
            }
        }
        told
    }
}

impl Crowd {
    /// Guests come one after the other, stay for a while, and go.
    async fn guests(self, seat: usize) {
        let mut random = StdRng::seed_from_u64(self.seed * 10 + seat as u64);
        loop {
            match self.guest(&mut random, seat).await {
                Ok(person) => {
                    let stays = Duration::from_millis(random.random_range(2_000..9_000));
                    sleep(stays).await;
                    if person.seen().me.is_some() {
                        self.came.fetch_add(1, Ordering::Relaxed);
                    }
                    person.leave().await;
                }
                // The server has harm at the moment.
                Err(_) => sleep(Duration::from_millis(500)).await,
            }
        }
    }

    async fn guest(&self, random: &mut StdRng, seat: usize) -> anyhow::Result<Person> {
        let at = random.random_range(0..self.nodes.len());
        let url = format!("{}/api/v1/conferences/{ROOM}/guests", self.nodes[at]);
        let asked = self.http.post(url).json(&json!({ "name": "Guest" })).send();
        let made: Value = asked.await?.error_for_status()?.json().await?;
        Ok(Person::enter(Ticket {
            nodes: self.nodes.clone(),
            at,
            token: made["token"].as_str().context("a guest gets a token")?.to_owned(),
            room: ROOM.to_owned(),
            tag: seat as Tag,
            address: Network::OWN.into(),
            through: Vec::new(),
            pictures: 1,
            level: 127,
        }))
    }

    /// Users ask for PRO, and administrators take it back.
    async fn holders(self) {
        let mut random = StdRng::seed_from_u64(self.seed * 10 + 9);
        loop {
            let (login, token) = &self.users[random.random_range(0..self.users.len())];
            let node = &self.nodes[random.random_range(0..self.nodes.len())];
            let request = match random.random_bool(0.6) {
                true => self.http.post(format!("{node}/api/v1/me/pro")).bearer_auth(token),
                false => self
                    .http
                    .delete(format!("{node}/api/v1/seats/pro/{login}"))
                    .bearer_auth(&self.admin),
            };
            // Refusals and lost answers are what this is about.
            request.send().await.ok();
            sleep(Duration::from_millis(random.random_range(200..900))).await;
        }
    }
}
