//! A partner outside, who reaches a server by its two Border Controllers alone; one of them is killed while people meet.

use crate::{
    border_media::{figure, longest_gap},
    federation::{Partners, Setting, copies},
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use plenary_light::Person;
use std::time::{Duration, Instant};

/// Nobody is away for longer when a controller is lost.
const AWAY: Duration = Duration::from_secs(5);

/// Bytes that came in by all controllers, and flows of partners.
async fn came(partners: &Partners) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut all = Vec::new();
    for front in &partners.world.fronts {
        all.push((
            figure(&front.controller, "border_partners_received_bytes_total").await?,
            figure(&front.controller, "border_partners_flows").await?,
        ));
    }
    Ok(all)
}

/// People of a partner attend a conference, by two controllers, then by one.
///
/// # Errors
/// What was not as it must be.
pub async fn border_partners() -> anyhow::Result<Figures> {
    let setting = Setting {
        fronts: 2,
        ..Setting::default()
    };
    let (mut partners, _) = Partners::start_in(setting).await?;
    let since = Instant::now();
    partners.begin().await.context("by the controllers")?;
    let together = since.elapsed();
    for (number, person) in partners.people.iter().enumerate() {
        for complaint in person.seen().complaints {
            eprintln!("person {number}: {complaint}");
        }
    }
    let before = came(&partners).await?;
    let copies = copies(&partners).await?;
    let after = came(&partners).await?;
    ensure!(
        copies.forth < 1.5 && copies.back < 1.5,
        "streams cross more than once: {:.2} times there, {:.2} times back",
        copies.forth,
        copies.back
    );
    let grown = |number: usize| -> Option<f64> { Some(after.get(number)?.0 - before.get(number)?.0) };
    let busy =
        (0..after.len()).max_by(|a, b| f64::total_cmp(&grown(*a).unwrap_or(0.0), &grown(*b).unwrap_or(0.0)));
    let busy = busy.context("a controller")?;
    let (bytes, flows) = (
        grown(busy).unwrap_or(0.0),
        after.get(busy).map_or(0.0, |(_, flows)| *flows),
    );
    ensure!(
        bytes > 0.0 && flows >= 1.0,
        "media come by none of them: {before:?}, then {after:?}"
    );

    partners.people.iter().for_each(Person::forget_gaps);
    let front = partners.world.fronts.get_mut(busy).context("a controller")?;
    front.process.kill()?;
    partners.settle().await.context("after a controller was killed")?;
    let away = longest_gap(&partners.people);
    ensure!(away < AWAY, "somebody was away for {away:?}");
    let figures = Figures {
        notes: vec![format!(
            "by two Border Controllers all are together after {} ms, each stream crosses {:.2} times there and {:.2} times back; \
             nobody is without a picture for more than {} ms when the one that carries them is killed",
            together.as_millis(),
            copies.forth,
            copies.back,
            away.as_millis()
        )],
        ..Figures::default()
    };
    partners.end().await;
    Ok(figures)
}
