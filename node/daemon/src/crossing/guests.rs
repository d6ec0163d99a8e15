//! Partners who are interested in rooms of this server: for each, what may cross is asked for and passed on.

use super::{
    Halls,
    teller::{Teller, Turn},
};
use plenary_cascade_io::{Control, Event, PartnersHandle, Side};
use plenary_model::{Cid, NodeId, ServerName};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{sync::mpsc, task::AbortHandle};

/// Rooms that one link may be interested in: as many as the media engine takes.
const ROOMS: usize = 1_024;
/// Of them, those that are asked for at a time while nothing may cross: such a room need not even exist. The others wait, which
/// costs their names.
const IDLE: usize = 32;

pub(super) struct Guests {
    partners: PartnersHandle,
    halls: Arc<dyn Halls>,
    teller: Teller,
    /// Links that others have dialled.
    links: BTreeMap<NodeId, Link>,
    /// Links for whose rooms there may be a place now.
    freed: mpsc::UnboundedSender<NodeId>,
    told: mpsc::UnboundedReceiver<NodeId>,
}

struct Link {
    server: ServerName,
    rooms: BTreeMap<String, Asked>,
    waiting: VecDeque<(String, Cid)>,
    /// Those of `rooms` of which nothing may cross yet.
    idle: Arc<AtomicUsize>,
}

/// A place among those of which nothing may cross, until this is dropped.
struct Idle {
    all: Arc<AtomicUsize>,
    node: NodeId,
    freed: mpsc::UnboundedSender<NodeId>,
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        // Nobody hears it any more when the node stops.
        self.freed.send(self.node).ok();
    }
}

/// A room that a partner is interested in. What may cross ends with it.
struct Asked {
    teller: Teller,
    turn: Turn,
    task: AbortHandle,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.task.abort();
        self.teller.end(self.turn);
    }
}

impl Guests {
    pub(super) fn new(partners: PartnersHandle, halls: Arc<dyn Halls>, teller: Teller) -> Self {
        let (freed, told) = mpsc::unbounded_channel();
        Self {
            partners,
            halls,
            teller,
            links: BTreeMap::new(),
            freed,
            told,
        }
    }

    /// A link for whose rooms there may be a place, to be told to [`Guests::go_on`].
    pub(super) async fn freed(&mut self) -> NodeId {
        match self.told.recv().await {
            Some(node) => node,
            // This keeps a sender.
            None => std::future::pending().await,
        }
    }

    /// Asks for rooms that have waited.
    pub(super) fn go_on(&mut self, node: NodeId) {
        while let Some(link) = self.links.get_mut(&node)
            && link.idle.load(Ordering::Relaxed) < IDLE
            && let Some((room, key)) = link.waiting.pop_front()
        {
            self.begin(node, room, key);
        }
    }

    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Up(link) => {
                if let Some((server, Side::Guest)) = self.partners.who(*link) {
                    let new = Link {
                        server,
                        rooms: BTreeMap::new(),
                        waiting: VecDeque::new(),
                        idle: Arc::default(),
                    };
                    self.links.insert(*link, new);
                }
            }
            Event::Down(link) => drop(self.links.remove(link)),
            Event::Message(link, Control::Interest { room }) => self.ask(*link, &room.0),
            Event::Message(link, Control::NoInterest { room }) => {
                if let Some(link) = self.links.get_mut(link) {
                    link.rooms.remove(&room.0);
                    link.waiting.retain(|(waits, _)| *waits != room.0);
                }
            }
            Event::Message(..) | Event::Packet(..) => {}
        }
    }

    fn ask(&mut self, node: NodeId, room: &str) {
        let Some(link) = self.links.get_mut(&node) else {
            return;
        };
        let Ok(key) = room.parse::<Cid>() else {
            return;
        };
        let is_known = link.rooms.contains_key(room) || link.waiting.iter().any(|(waits, _)| waits == room);
        if link.rooms.len() + link.waiting.len() >= ROOMS || is_known {
            return;
        }
        link.waiting.push_back((room.to_owned(), key));
        self.go_on(node);
    }

    fn begin(&mut self, node: NodeId, room: String, key: Cid) {
        let Some(link) = self.links.get_mut(&node) else {
            return;
        };
        tracing::debug!(server = %link.server, room, "a server is interested in a conference");
        let turn = self.teller.begin(room.clone(), node);
        link.idle.fetch_add(1, Ordering::Relaxed);
        let idle = Idle {
            all: link.idle.clone(),
            node,
            freed: self.freed.clone(),
        };
        let (halls, teller, server) = (self.halls.clone(), self.teller.clone(), link.server.clone());
        let task = tokio::spawn(async move {
            let mut told = halls.terms(&key, &server).await;
            let mut idle = Some(idle);
            loop {
                let terms = told.borrow_and_update().clone();
                if terms.is_some() {
                    drop(idle.take());
                }
                teller.tell(turn, terms);
                if told.changed().await.is_err() {
                    return teller.tell(turn, None);
                }
            }
        });
        let asked = Asked {
            teller: self.teller.clone(),
            turn,
            task: task.abort_handle(),
        };
        link.rooms.insert(room, asked);
    }
}
