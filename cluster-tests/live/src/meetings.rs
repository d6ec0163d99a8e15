//! People meet over three nodes: everybody gets everybody, whole and once (MED-01, CONF-01).

use crate::{
    Place, Server,
    meeting::{Meeting, SPEAKERS},
    scenarios::Figures,
};
use anyhow::ensure;
use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Pictures of each other that everybody sees before a meeting ends.
const PICTURES: u64 = 30;
const PATIENCE: Duration = Duration::from_secs(60);

/// Meetings of so many people, one after the other, on one server of three nodes.
pub async fn meetings(sizes: &[usize]) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    for size in sizes {
        let server = Server::start(vec![Place::local(), Place::local(), Place::local()]).await?;
        let mut meeting = Meeting::prepare(server, *size, Ipv4Addr::LOCALHOST.into()).await?;
        let begun = Instant::now();
        meeting.begin().await?;
        let together = begun.elapsed();
        watch(&meeting).await?;
        check(&meeting)?;
        let places = meeting.places()?;
        ensure!(places.len() == *size, "{} places for {size} people", places.len());
        figures
            .notes
            .push(format!("{size} together after {} ms", together.as_millis()));
        meeting.end().await;
    }
    Ok(figures)
}

async fn watch(meeting: &Meeting) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let least = || {
        let shown = meeting
            .people
            .iter()
            .flat_map(|person| person.watch().pictures.into_values());
        shown.map(|pictures| pictures.shown).min()
    };
    while least() < Some(PICTURES) {
        ensure!(
            Instant::now() < deadline,
            "only {:?} pictures of somebody came",
            least()
        );
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn check(meeting: &Meeting) -> anyhow::Result<()> {
    let people = meeting.people.len();
    for (number, person) in meeting.people.iter().enumerate() {
        let watch = person.watch();
        ensure!(
            watch.pictures.len() == people - 1,
            "person {number} sees {:?}",
            watch.pictures.keys()
        );
        let speakers = people.min(SPEAKERS) - usize::from(number < SPEAKERS);
        ensure!(
            watch.voices.len() >= speakers,
            "person {number} hears {:?}, not {speakers} who speak",
            watch.voices.keys()
        );
        ensure!(
            (watch.lost(), watch.doubled(), watch.steps(), watch.spoiled) == (0, 0, 0, 0),
            "person {number}: {} packets lost, {} doubled, {} picture IDs out of order, {} spoiled",
            watch.lost(),
            watch.doubled(),
            watch.steps(),
            watch.spoiled
        );
    }
    Ok(())
}
