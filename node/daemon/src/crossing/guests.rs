//! Partners who are interested in rooms of this server: for each, what may cross is asked for and passed on.

use super::{
    Halls,
    teller::{Teller, Turn},
};
use plenary_cascade_io::{Control, Event, PartnersHandle, Side};
use plenary_model::{Cid, NodeId, ServerName};
use std::{collections::BTreeMap, sync::Arc};
use tokio::task::AbortHandle;

/// Rooms that one link may be interested in: as many as the media engine takes.
const ROOMS: usize = 1_024;

pub(super) struct Guests {
    partners: PartnersHandle,
    halls: Arc<dyn Halls>,
    teller: Teller,
    /// Links that others have dialled.
    links: BTreeMap<NodeId, Link>,
}

struct Link {
    server: ServerName,
    rooms: BTreeMap<String, Asked>,
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
        Self {
            partners,
            halls,
            teller,
            links: BTreeMap::new(),
        }
    }

    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Up(link) => {
                if let Some((server, Side::Guest)) = self.partners.who(*link) {
                    let rooms = BTreeMap::new();
                    self.links.insert(*link, Link { server, rooms });
                }
            }
            Event::Down(link) => drop(self.links.remove(link)),
            Event::Message(link, Control::Interest { room }) => self.ask(*link, &room.0),
            Event::Message(link, Control::NoInterest { room }) => {
                if let Some(link) = self.links.get_mut(link) {
                    link.rooms.remove(&room.0);
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
        if link.rooms.len() >= ROOMS || link.rooms.contains_key(room) {
            return;
        }
        tracing::debug!(server = %link.server, room, "a server is interested in a conference");
        let turn = self.teller.begin(room.to_owned(), node);
        let (halls, teller, server) = (self.halls.clone(), self.teller.clone(), link.server.clone());
        let task = tokio::spawn(async move {
            let mut told = halls.terms(&key, &server).await;
            loop {
                let terms = told.borrow_and_update().clone();
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
        link.rooms.insert(room.to_owned(), asked);
    }
}
