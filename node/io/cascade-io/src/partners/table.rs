//! The links to partners that there are, and what those counted that are over.

use super::{PartnersReading, Side};
use crate::{figures::Reading, outbox::Outbox};
use plenary_cascade::partner_link;
use plenary_model::{NodeId, ServerName};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use tokio::sync::watch;

/// Links that others have dialled, in all and of one server: each of its nodes has one, two while it dials anew.
const LINKS: usize = 1_024;
const LINKS_OF_SERVER: usize = 64;
/// Servers whose figures are kept though they have no link.
const REMEMBERED: usize = 1_024;

/// A link, whether it is up or not.
pub(super) struct Known {
    pub(super) server: ServerName,
    pub(super) side: Side,
    pub(super) outbox: Arc<Outbox>,
}

#[derive(Default)]
struct Links {
    last: u32,
    known: BTreeMap<NodeId, Arc<Known>>,
    /// Of links that are over.
    totals: BTreeMap<ServerName, Reading>,
}

pub(super) struct Table {
    links: RwLock<Links>,
    count: watch::Sender<usize>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            links: RwLock::default(),
            count: watch::Sender::new(0),
        }
    }
}

/// A link in the table; gone from it when this is dropped.
pub(super) struct Entry<'a> {
    table: &'a Table,
    pub(super) link: NodeId,
    pub(super) known: Arc<Known>,
}

impl Table {
    pub(super) fn link(&self, link: NodeId) -> Option<Arc<Known>> {
        self.read().known.get(&link).cloned()
    }

    pub(super) fn links_of(&self, server: &ServerName) -> Vec<Arc<Known>> {
        let links = self.read();
        let of_it = |known: &&Arc<Known>| known.server == *server;
        links.known.values().filter(of_it).cloned().collect()
    }

    /// A number that no link had before.
    pub(super) fn number(&self) -> NodeId {
        let mut links = self.write();
        links.last = links.last.wrapping_add(1);
        partner_link(links.last)
    }

    /// A link that was accepted; `None` where there are too many.
    pub(super) fn accept(&self, server: &ServerName) -> Option<Entry<'_>> {
        let link = self.number();
        let accepted = |known: &&Arc<Known>| known.side == Side::Guest;
        {
            let links = self.read();
            let all = links.known.values().filter(accepted);
            let of_server = all.clone().filter(|known| known.server == *server);
            if of_server.count() >= LINKS_OF_SERVER || all.count() >= LINKS {
                return None;
            }
        }
        Some(self.enter(link, server, Side::Guest))
    }

    pub(super) fn enter(&self, link: NodeId, server: &ServerName, side: Side) -> Entry<'_> {
        let known = Arc::new(Known {
            server: server.clone(),
            side,
            outbox: Arc::new(Outbox::default()),
        });
        let mut links = self.write();
        links.known.insert(link, known.clone());
        self.count.send_replace(links.known.len());
        Entry {
            table: self,
            link,
            known,
        }
    }

    pub(super) fn figures(&self) -> BTreeMap<ServerName, PartnersReading> {
        let links = self.read();
        let over = links.totals.iter();
        let over = over.map(|(server, total)| {
            let (links, all) = (0, *total);
            (server.clone(), PartnersReading { links, all })
        });
        let mut figures: BTreeMap<ServerName, PartnersReading> = over.collect();
        for known in links.known.values() {
            let now = known.outbox.figures.read();
            let sum = figures.entry(known.server.clone()).or_default();
            let (rtt_us, max_datagram) = (
                sum.all.rtt_us.max(now.rtt_us),
                sum.all.max_datagram.max(now.max_datagram),
            );
            sum.links += now.up;
            sum.all = Reading {
                rtt_us,
                max_datagram,
                ..sum.all.plus(now)
            };
        }
        figures
    }

    /// Comes when there are no links any more.
    pub(super) async fn wait_empty(&self) {
        // An error cannot come: the sender is here.
        self.count.subscribe().wait_for(|count| *count == 0).await.ok();
    }

    fn read(&self) -> RwLockReadGuard<'_, Links> {
        self.links.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Links> {
        self.links.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut links = self.table.write();
        links.known.remove(&self.link);
        let counted = self.known.outbox.figures.read().counters();
        if links.totals.len() < REMEMBERED || links.totals.contains_key(&self.known.server) {
            let total = links.totals.entry(self.known.server.clone()).or_default();
            *total = total.plus(counted);
        }
        self.table.count.send_replace(links.known.len());
    }
}
