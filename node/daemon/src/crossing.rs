//! Media of conferences that people of several servers attend: who is met, where they are, and what may cross.
//!
//! ```text
//!  guests   attend("review@paris.example.com") ──► link is dialled ──► engine: Terms::Home for that room
//!  home     a partner is interested in a room ──► Halls::terms ──► engine: Terms::Guests, as long as both hold
//! ```
//! What follows from terms is decided in `plenary_cascade::Exchange`, and done by the media engine; links are
//! `plenary_cascade_io::Partners`. The protocol is in `docs/protocols/federation.md`.

mod circle;
mod guests;
mod teller;

#[cfg(test)]
mod tests;

use crate::{cascade::Running, config::Config, federation::Rosters, server::Server};
use circle::{Crowd, Policy, Town, Ways};
use guests::Guests;
use plenary_cascade_io::{Attending, Event, Partners, PartnersReading};
use plenary_federation::Usage;
use plenary_federation_io::{Ledger, Names};
use plenary_identity::PartnerTls;
use plenary_media_io::{Engine, LinkEvent, Terms};
use plenary_model::{Cid, NodeId, ServerName};
use plenary_store::Changes;
use plenary_telemetry::Metrics;
use std::{
    collections::BTreeMap,
    net::UdpSocket,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use teller::{Teller, Turn};
use tokio::sync::{broadcast, mpsc, watch};

/// Packets and messages of partners that may wait to be handed to the media threads.
const WAITING: usize = 2_048;
/// How often it is noted how much has crossed.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// The conferences of this server, as partners may attend them.
#[async_trait::async_trait]
pub(crate) trait Halls: Send + Sync + 'static {
    /// What of a conference may cross to and from a partner that attends it, now and from when on that is another;
    /// `None`: nothing. Where nobody tells any more, nothing may.
    async fn terms(&self, key: &Cid, partner: &ServerName) -> watch::Receiver<Option<Terms>>;
}

/// What runs between this server and others.
pub(crate) struct Crossing {
    partners: Partners,
    teller: Teller,
    /// Rooms of other servers that people of this node are in, and how many hold each.
    attended: Mutex<BTreeMap<String, Held>>,
}

struct Held {
    holders: usize,
    attending: Attending,
    turn: Turn,
}

/// What `start` needs of the node around it.
pub(crate) struct Ground<'a> {
    pub(crate) me: ServerName,
    pub(crate) node: NodeId,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) halls: Arc<dyn Halls>,
    pub(crate) crowd: Arc<dyn Crowd>,
    pub(crate) engine: Engine,
    pub(crate) cascade: &'a Running,
}

impl Crossing {
    /// Starts on this socket, in the runtime of the caller. `changes` say when others may be met than before.
    pub(crate) fn start(
        ground: Ground<'_>,
        socket: UdpSocket,
        tls: PartnerTls,
        changes: broadcast::Receiver<Changes>,
    ) -> anyhow::Result<Arc<Self>> {
        socket.set_nonblocking(true)?;
        let town = Arc::new(Town::new(ground.policy, ground.crowd));
        let (events, happened) = mpsc::channel(WAITING);
        let partners = Partners::start(ground.me, ground.node, socket, tls, town.clone(), events)?;
        let teller = Teller::start(ground.engine);
        ground.cascade.meet(partners.handle());
        let guests = Guests::new(partners.handle(), ground.halls, teller.clone());
        tokio::spawn(pump(happened, guests, ground.cascade.to_engine.clone()));
        tokio::spawn(circle::follow(Arc::downgrade(&town), changes));
        Ok(Arc::new(Self {
            partners,
            teller,
            attended: Mutex::default(),
        }))
    }

    /// Other ways than the own port by which partners come.
    pub(crate) fn ways(&self) -> plenary_cascade_io::Ways {
        self.partners.handle().ways().clone()
    }

    /// People of this node are in a conference of another server, as long as what this gives is held.
    pub(crate) fn attend(self: &Arc<Self>, key: &Cid, home: &ServerName) -> Guard {
        let room = format!("{key}@{home}");
        let mut attended = self.attended();
        let held = attended.entry(room.clone()).or_insert_with(|| {
            let attending = self.partners.handle().attend(home);
            let link = attending.link();
            let turn = self.teller.begin(room.clone(), link);
            self.teller.tell(turn, Some(Terms::Home));
            Held {
                holders: 0,
                attending,
                turn,
            }
        });
        held.holders += 1;
        tracing::debug!(room, link = %held.attending.link(), "a conference of another server is attended");
        drop(attended);
        Guard {
            crossing: self.clone(),
            room,
        }
    }

    fn leave(&self, room: &str) {
        let mut attended = self.attended();
        let Some(held) = attended.get_mut(room) else {
            return;
        };
        held.holders -= 1;
        if held.holders == 0
            && let Some(held) = attended.remove(room)
        {
            self.teller.end(held.turn);
        }
    }

    /// The links with that server are to show that there is somebody at the other end.
    pub(crate) fn doubt(&self, server: &ServerName) {
        self.partners.handle().doubt(server);
    }

    fn attended(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.attended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted for each server.
    pub(crate) fn figures(&self) -> BTreeMap<ServerName, PartnersReading> {
        self.partners.handle().figures()
    }
}

/// Starts on this socket where this server meets with others.
pub(crate) fn open(
    server: &Arc<Server>,
    config: &Config,
    socket: Option<UdpSocket>,
    engine: &Engine,
    cascade: &Running,
    changes: broadcast::Receiver<Changes>,
) -> anyhow::Result<Option<Arc<Crossing>>> {
    let (Some(socket), Some(tls)) = (socket, server.partner_tls.get()) else {
        return Ok(None);
    };
    let ground = Ground {
        me: server.facts.server.clone(),
        node: server.facts.node,
        policy: server.clone(),
        halls: Arc::new(Rosters::new(server.clone(), changes.resubscribe())),
        crowd: Arc::new(Ways::new(
            server,
            Names::new(&config.dns.dns(&config.listen.federation)?, tls.authorities())?,
        )),
        engine: engine.clone(),
        cascade,
    };
    let crossing = Crossing::start(ground, socket, tls.clone(), changes)?;
    tokio::spawn(note_traffic(
        Arc::downgrade(&crossing),
        server.partners.ledger().clone(),
    ));
    Ok(Some(server.crossing.get_or_init(|| crossing).clone()))
}

/// Notes for administrators how much crosses, until nothing does any more.
async fn note_traffic(crossing: Weak<Crossing>, ledger: Ledger) {
    let mut look = tokio::time::interval(NOTE_EVERY);
    loop {
        look.tick().await;
        let Some(crossing) = crossing.upgrade() else {
            return;
        };
        for (server, reading) in crossing.figures() {
            let usage = Usage {
                received_bytes: reading.all.received_bytes,
                sent_bytes: reading.all.sent_bytes,
                links: reading.links,
                link_ms: (reading.links > 0).then(|| rounded_ms(reading.all.rtt_us)),
                ..Usage::default()
            };
            ledger.uses(&server, usage);
        }
    }
}

fn rounded_ms(us: u64) -> u32 {
    u32::try_from(us.div_ceil(1_000)).unwrap_or(u32::MAX)
}

/// Closes all links, so that the others know at once.
pub(crate) async fn stop(crossing: Option<Arc<Crossing>>) {
    if let Some(crossing) = crossing {
        crossing.partners.stop().await;
    }
}

/// Registers what was counted, of all servers together.
pub(crate) fn register(metrics: &Metrics, crossing: Option<&Arc<Crossing>>) {
    let Some(crossing) = crossing.cloned() else {
        return;
    };
    metrics.figures(move |figures| {
        let all: Vec<PartnersReading> = crossing.figures().into_values().collect();
        let sum = |of: fn(&PartnersReading) -> u64| all.iter().map(of).sum::<u64>();
        let links = sum(|one| one.links) as f64;
        figures.gauge("partner_links", "Links for media with other servers", links)?;
        let counters = [
            (
                "partner_packets_sent",
                "Packets of media that went to other servers",
                sum(|one| one.all.sent),
            ),
            (
                "partner_packets_received",
                "Packets of media that came from other servers",
                sum(|one| one.all.received),
            ),
            (
                "partner_sent_bytes",
                "Bytes of media that went to other servers",
                sum(|one| one.all.sent_bytes),
            ),
            (
                "partner_received_bytes",
                "Bytes of media that came from other servers",
                sum(|one| one.all.received_bytes),
            ),
            (
                "partner_datagrams_lost",
                "Datagrams of media from other servers that never came",
                sum(|one| one.all.lost),
            ),
        ];
        for (name, help, value) in counters {
            figures.counter(name, help, value)?;
        }
        Ok(())
    });
}

/// Somebody of this node is in a conference of another server.
#[must_use = "the conference is attended as long as this is held"]
pub(crate) struct Guard {
    crossing: Arc<Crossing>,
    room: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.crossing.leave(&self.room);
    }
}

/// Takes what happens on the links to the media engine, and asks for terms where guests come.
async fn pump(mut happened: mpsc::Receiver<Event>, mut guests: Guests, to_engine: mpsc::Sender<LinkEvent>) {
    loop {
        let event = tokio::select! {
            event = happened.recv() => event,
            link = guests.freed() => {
                guests.go_on(link);
                continue;
            }
        };
        let Some(event) = event else { return };
        guests.hear(&event);
        let event = match event {
            Event::Up(link) => LinkEvent::Up(link),
            Event::Down(link) => LinkEvent::Down(link),
            Event::Message(link, message) => LinkEvent::Message(link, message),
            Event::Packet(link, stream, packet) => LinkEvent::Packet(link, stream, packet),
        };
        if to_engine.send(event).await.is_err() {
            return;
        }
    }
}
