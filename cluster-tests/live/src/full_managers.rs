//! The disks of the License Managers fill up: nothing is lent then, nothing that is lent is lost (LIC-14, ENT-02).

use crate::{
    Place,
    disks::Disk,
    enterprise::{Enterprise, told, wait},
    ledger::{self, now_ms},
    lending::{guest, nodes, open_room},
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

const POOL: u32 = 6;
/// Longer than all disks are full.
const TTL: Duration = Duration::from_secs(120);
/// While all disks are full.
const FULL: Duration = Duration::from_secs(15);

/// First the leader's disk is full, then all are, then none is any more.
pub async fn full_managers() -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new().prefix("plenary-disks-").tempdir()?;
    let disks = (1..=3)
        .map(|number| Disk::make(folder.path(), &format!("disk-{number}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let figures = fill(&disks).await;
    drop(disks);
    figures
}

async fn fill(disks: &[Disk]) -> anyhow::Result<Figures> {
    let place = |disk: &Disk| Place {
        folder: Some(disk.folder().to_owned()),
        ..Place::local()
    };
    let seats = Seats {
        pro: 4,
        online: 8,
        guest: POOL,
        gateway: 0,
    };
    let mut enterprise = Enterprise::start(disks.iter().map(place).collect(), seats, TTL).await?;
    let at = enterprise
        .add_server("paris.internal", vec![told(Place::local())])
        .await?;
    open_room(&enterprise, at).await?;
    let begun = now_ms();
    let mut people = vec![comes(&enterprise, at, 0).await?];
    all_in(&people).await?;

    // The leader cannot write: another one leads, and lends the next seat.
    let leader = enterprise.leader().await?;
    disks[leader].fill()?;
    let asked = Instant::now();
    wait("another manager leads", async || {
        Ok(enterprise.leader().await? != leader)
    })
    .await?;
    people.push(comes(&enterprise, at, 1).await?);
    all_in(&people).await?;
    let handed_over = asked.elapsed();
    ensure!(is_full(&enterprise, leader)?, "the full manager does not say so");

    // None can write: who is in stays, and nobody gets a seat that was not lent.
    let others = disks.iter().enumerate().filter(|(number, _)| *number != leader);
    others.map(|(_, disk)| disk).try_for_each(Disk::fill)?;
    wait("all managers are full", async || {
        (0..disks.len()).try_fold(true, |full, one| Ok(full && is_full(&enterprise, one)?))
    })
    .await?;
    let refused = comes(&enterprise, at, 2).await?;
    let since = Instant::now();
    while since.elapsed() < FULL {
        ensure!(
            refused.seen().me.is_none(),
            "a seat came from managers that cannot write"
        );
        all_in(&people).await?;
        sleep(Duration::from_millis(100)).await;
    }
    let complaint = refused.seen().complaints.last().cloned();
    let complaint = complaint.context("who finds no seat is not told")?;

    // There is space again: whoever waits gets the seat, and so does everybody else.
    disks.iter().try_for_each(Disk::empty)?;
    let emptied = Instant::now();
    people.push(refused);
    for number in 3..POOL as usize {
        people.push(comes(&enterprise, at, number).await?);
    }
    all_in(&people).await?;
    let healed = emptied.elapsed();
    wait("no manager is full", async || {
        (0..disks.len()).try_fold(true, |none, one| Ok(none && !is_full(&enterprise, one)?))
    })
    .await?;
    let course = ledger::read(&nodes(&enterprise), "guest")?.since(begun);
    course.check(u64::from(POOL))?;
    for person in people {
        person.leave().await;
    }
    Ok(Figures {
        notes: vec![
            format!("leader full: a seat after {} ms", handed_over.as_millis()),
            format!("all full: {complaint}"),
            format!("space again: everybody in after {} ms", healed.as_millis()),
            format!("at most {} of {POOL} in use", course.peak()),
        ],
        ..Figures::default()
    })
}

async fn comes(enterprise: &Enterprise, server: usize, number: usize) -> anyhow::Result<Person> {
    guest(enterprise, server, number, Ipv4Addr::LOCALHOST.into()).await
}

async fn all_in(people: &[Person]) -> anyhow::Result<()> {
    wait("everybody is in", async || {
        Ok(people.iter().all(|person| person.seen().me.is_some()))
    })
    .await
}

/// By the word of the manager itself.
fn is_full(enterprise: &Enterprise, replica: usize) -> anyhow::Result<bool> {
    let status = enterprise.ask(replica, &["status"])?;
    status["disk_full"]
        .as_bool()
        .context("a manager says whether it is full")
}
