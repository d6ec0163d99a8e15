//! Which other servers the enterprise has: rules that count on all nodes go by that.

use super::tell;
use crate::server::Server;
use plenary_access::{Change, DirectoryLink};
use plenary_directory_client::Names;
use plenary_model::ServerName;
use plenary_store::queries;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// How often the leader asks which servers there are.
const EVERY: Duration = Duration::from_secs(5);
/// Whoever is missing in so many answers is gone: instances learn of a server, and that it is gone, one after the other.
const MISSING: u32 = 2;

/// Keeps in the log which servers the enterprise has.
pub(super) async fn note_servers(server: Arc<Server>) {
    let mut look = tokio::time::interval(EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut known = Names::default();
    let mut missing = Missing::default();
    loop {
        look.tick().await;
        if server.leading().is_none() {
            continue;
        }
        let (Some(finder), Ok(Some(link))) =
            (server.directory.finder(), server.query(queries::directory).await)
        else {
            continue;
        };
        // While the Directory is away, what was known stays.
        let Ok(names) = finder.names(&known).await else {
            continue;
        };
        known = names;
        let servers = missing.settle(&link.servers, others(&server.facts.server, &known));
        if link.is_on() && servers != link.servers {
            tell(&server, Change::NoteDirectoryServers { servers }).await;
        }
    }
}

fn others(me: &ServerName, names: &Names) -> BTreeSet<ServerName> {
    let names = names.servers.iter().filter_map(|name| name.parse().ok());
    names
        .filter(|name| name != me)
        .take(DirectoryLink::SERVERS)
        .collect()
}

/// Servers that were noted and are missing in answers: in how many, one after the other.
#[derive(Debug, Default)]
struct Missing(BTreeMap<ServerName, u32>);

impl Missing {
    /// What is to be noted after an answer.
    fn settle(&mut self, noted: &BTreeSet<ServerName>, answer: BTreeSet<ServerName>) -> BTreeSet<ServerName> {
        self.0
            .retain(|name, _| noted.contains(name) && !answer.contains(name));
        let mut servers = answer;
        for name in noted {
            if servers.contains(name) {
                continue;
            }
            let times = self.0.entry(name.clone()).or_default();
            *times += 1;
            if *times < MISSING {
                servers.insert(name.clone());
            }
        }
        servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<ServerName> {
        names.iter().map(|name| name.parse().expect("good")).collect()
    }

    #[test]
    fn a_server_that_one_instance_does_not_know_yet_is_not_taken_out_and_in_again() {
        let (oslo, both) = (
            &["oslo.example.com"][..],
            &["oslo.example.com", "rome.example.com"][..],
        );
        let mut missing = Missing::default();
        assert_eq!(
            missing.settle(&set(oslo), set(both)),
            set(both),
            "new ones at once"
        );
        for _ in 0..3 {
            assert_eq!(missing.settle(&set(both), set(oslo)), set(both));
            assert_eq!(missing.settle(&set(both), set(both)), set(both));
        }
        assert_eq!(missing.settle(&set(both), set(oslo)), set(both));
        assert_eq!(missing.settle(&set(both), set(oslo)), set(oslo));
    }
}
