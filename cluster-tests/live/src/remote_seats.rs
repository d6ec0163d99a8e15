//! What it costs somebody who joins that the seat is at the License Manager (LIC-14).

use crate::{
    Place,
    enterprise::{Enterprise, wait},
    lending::{guest, open_room},
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use plenary_licences::Seats;
use plenary_light::Person;
use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const MANAGERS: usize = 3;
/// Who joins one after the other and stays; each of them finds no idle seat the first time, and one the second time.
const PEOPLE: usize = 10;
const ROUNDS: usize = 5;
const TTL: Duration = Duration::from_secs(600);
/// How often it is looked whether somebody is in.
const LOOK: Duration = Duration::from_micros(500);
const PATIENCE: Duration = Duration::from_secs(10);

/// People join a server that holds no idle seat, go, and join again while their seats are idle.
pub async fn remote_seats() -> anyhow::Result<Figures> {
    let seats = Seats {
        pro: 4,
        online: 8,
        guest: PEOPLE as u32,
        gateway: 0,
    };
    let managers = vec![Place::local(); MANAGERS];
    let mut enterprise = Enterprise::start(managers, seats, TTL).await?;
    let server = enterprise
        .add_server("paris.internal", vec![Place::local()])
        .await?;
    open_room(&enterprise, server).await?;
    let (mut remote, mut local) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        wait("nothing is lent", async || {
            Ok(held(&enterprise, server).await? == 0)
        })
        .await?;
        remote.extend(all_join(&enterprise, server).await?);
        let held = held(&enterprise, server).await?;
        ensure!(
            held == PEOPLE as u64,
            "seats stay for a while, but {held} are here"
        );
        local.extend(all_join(&enterprise, server).await?);
    }
    let [remote, local] = [remote, local].map(Times::of);
    Ok(Figures {
        notes: vec![
            format!("joins whose seat was lent first: {remote}"),
            format!("joins with a seat at hand: {local}"),
            format!("more at p95: {:.1} ms", remote.p95 - local.p95),
        ],
        ..Figures::default()
    })
}

async fn held(enterprise: &Enterprise, server: usize) -> anyhow::Result<u64> {
    let licence = enterprise.servers[server].get(0, "/licence").await?;
    licence["license_manager"]["leased"]["guest"]
        .as_u64()
        .with_context(|| format!("the licence page says {licence}"))
}

/// One after the other; gives how long each took, and all are gone again.
async fn all_join(enterprise: &Enterprise, server: usize) -> anyhow::Result<Vec<Duration>> {
    let (mut people, mut took) = (Vec::new(), Vec::new());
    for number in 0..PEOPLE {
        let asked = Instant::now();
        let person = guest(enterprise, server, number, Ipv4Addr::LOCALHOST.into()).await?;
        came_in(&person, asked).await?;
        took.push(asked.elapsed());
        people.push(person);
    }
    for person in people {
        person.leave().await;
    }
    Ok(took)
}

async fn came_in(person: &Person, asked: Instant) -> anyhow::Result<()> {
    while person.seen().me.is_none() {
        let complaints = person.seen().complaints;
        ensure!(
            asked.elapsed() < PATIENCE,
            "nobody came in: {}",
            complaints.join("; ")
        );
        sleep(LOOK).await;
    }
    Ok(())
}

/// Milliseconds.
struct Times {
    p50: f64,
    p95: f64,
    worst: f64,
    count: usize,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let index = (times.len() as f64 * share).ceil() as usize;
            let time = times.get(index.saturating_sub(1)).copied().unwrap_or_default();
            time.as_secs_f64() * 1e3
        };
        Self {
            p50: at(0.5),
            p95: at(0.95),
            worst: at(1.0),
            count: times.len(),
        }
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            p50,
            p95,
            worst,
            count,
        } = self;
        write!(f, "p50 {p50:.1}, p95 {p95:.1}, worst {worst:.1} ms of {count}")
    }
}
