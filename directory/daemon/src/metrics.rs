//! Metrics of an instance.

use crate::running::Running;
use plenary_telemetry::{CheckState, Health, Metrics};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

/// Registers what the instance says of itself; read when somebody asks.
pub(crate) fn register(metrics: &Metrics, running: Arc<Running>) {
    metrics.figures(move |figures| {
        let (servers, entries) = {
            let servers = running.servers.borrow();
            let active = servers.values().filter(|known| known.active);
            active.fold((0_u64, 0_u64), |(servers, entries), known| {
                (servers + 1, entries + known.entries)
            })
        };
        let heard = running.presences.servers_heard(Instant::now());
        let good = *running.followed.borrow() && *running.written.borrow();
        let gauges = [
            ("directory_servers", "Servers that are connected", servers as f64),
            (
                "directory_servers_heard",
                "Servers whose feed this instance hears",
                heard as f64,
            ),
            (
                "directory_entries",
                "People, groups, rooms and conferences of all servers",
                entries as f64,
            ),
            (
                "directory_database_up",
                "Whether the database answers",
                f64::from(u8::from(good)),
            ),
        ];
        for (name, help, value) in gauges {
            figures.gauge(name, help, value)?;
        }
        if let Some(first) = &running.first {
            let answers = f64::from(u8::from(*first.answers.borrow()));
            let help = "Whether the instance answers that this one follows";
            figures.gauge("directory_first_up", help, answers)?;
        }
        let counts = &running.counts;
        let counters = [
            ("directory_batches", "Batches that were kept", &counts.batches),
            ("directory_changes", "Changes that were kept", &counts.changes),
            (
                "directory_snapshots",
                "Snapshots that took the place of a server's entries",
                &counts.snapshots,
            ),
            (
                "directory_snapshots_refused",
                "Snapshots with a wrong digest",
                &counts.snapshots_refused,
            ),
            (
                "directory_feeds_refused",
                "Feeds that were refused",
                &counts.feeds_refused,
            ),
            (
                "directory_queries",
                "Questions of servers for their people",
                &counts.queries,
            ),
            (
                "directory_queries_held",
                "Questions that were not answered because there were too many",
                &counts.queries_held,
            ),
            (
                "directory_searches_shed",
                "Searches that did not begin because there were too many at once",
                &counts.searches_shed,
            ),
            (
                "directory_entries_unreadable",
                "Entries in the database that could not be read",
                &counts.unreadable,
            ),
            (
                "directory_walks",
                "Questions of those who look for too many different people",
                &counts.walks,
            ),
        ];
        for (name, help, count) in counters {
            figures.counter(name, help, count.load(Ordering::Relaxed))?;
        }
        Ok(())
    });
}

/// Checks that `/readyz` asks.
pub(crate) fn watch_health(running: &Arc<Running>, health: &Health) {
    let database = running.clone();
    health.watch("database", move || {
        match (*database.followed.borrow(), *database.written.borrow()) {
            (true, true) => CheckState::Ready,
            (false, _) => CheckState::Unready(
                "the database does not answer; what was read before is still found, and nothing new is taken"
                    .into(),
            ),
            (true, false) => CheckState::Unready(
                "the database can be read, but takes nothing new; what is there is found".into(),
            ),
        }
    });
    let following = running.clone();
    health.watch("first", move || match &following.first {
        Some(first) if !*first.answers.borrow() => CheckState::Degraded(format!(
            "the instance at {} does not answer; what it said before is found, and nothing new is taken",
            first.address
        )),
        _ => CheckState::Ready,
    });
    let running = running.clone();
    health.watch("entries", move || match running.is_ready() {
        true => CheckState::Ready,
        false => CheckState::Unready(format!("entries are being read: {}", running.progress)),
    });
}
