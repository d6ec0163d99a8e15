//! The peer connections of one client with the media engine of this node.

use crate::{Flow, Hall, Hub, MediaEvent, Newcomer, Opening, Refused, Session};
use plenary_signalling::{
    ServerBody,
    meeting::{Answer, Lost, Offer, ParticipantId, Peer, Tile},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::mpsc;

struct Connection {
    session: Session,
    generation: u32,
}

/// Invariant: the hub knows of each session here, and of no other, that it is this client's.
pub(crate) struct Connections {
    hub: Hub,
    run: u64,
    tell: mpsc::UnboundedSender<ServerBody>,
    /// Where the client is now; what begins from now on is for there.
    pub(crate) outside: bool,
    open: BTreeMap<Peer, Connection>,
    shown: Vec<Tile>,
    /// Whom alone they may be shown; `None`: everybody.
    only: Option<Arc<BTreeSet<ParticipantId>>>,
}

impl Connections {
    pub(crate) fn new(hub: Hub, newcomer: &Newcomer) -> Self {
        Self {
            hub,
            run: newcomer.run,
            tell: newcomer.tell.clone(),
            outside: newcomer.is_outside(),
            open: BTreeMap::new(),
            shown: Vec::new(),
            only: None,
        }
    }

    /// What of the client's media may flow from now on.
    pub(crate) async fn allow(&self, flow: Flow) {
        if let Some(publish) = self.open.get(&Peer::Publish) {
            self.hub.media_engine().allow(publish.session, flow).await;
        }
    }

    pub(crate) async fn only(&mut self, only: Option<Arc<BTreeSet<ParticipantId>>>) {
        if self.only != only {
            self.only = only;
            self.show_now().await;
        }
    }

    pub(crate) async fn show(&mut self, tiles: Vec<Tile>) {
        self.shown = tiles;
        self.show_now().await;
    }

    async fn show_now(&self) {
        if let Some(receive) = self.open.get(&Peer::Receive) {
            let mut shown = self.shown.clone();
            if let Some(only) = &self.only {
                shown.retain(|tile| only.contains(&tile.participant));
            }
            self.hub.media_engine().show(receive.session, shown).await;
        }
    }

    /// Begins a connection, or negotiates one anew, and answers.
    pub(crate) async fn offer(
        &mut self,
        offer: Offer,
        hall: Hall,
        participant: ParticipantId,
        flow: Flow,
    ) -> Result<(), Refused> {
        let Offer {
            connection: peer,
            generation,
            sdp,
            lines,
        } = offer;
        let known = self.open.get(&peer);
        let answer = match known {
            // What was sent before the client began anew.
            Some(known) if known.generation > generation => return Ok(()),
            Some(known) if known.generation == generation => {
                let session = known.session;
                let answer = self.hub.media_engine().negotiate(session, sdp, lines).await?;
                let Some(answer) = answer else {
                    self.lose(session);
                    return Ok(());
                };
                answer
            }
            _ => {
                let opening = Opening {
                    hall,
                    participant,
                    peer,
                    sdp,
                    lines,
                    flow,
                    outside: self.outside,
                };
                self.begin(opening, generation).await?
            }
        };
        let answer = Answer {
            connection: peer,
            generation,
            sdp: answer,
        };
        self.tell(ServerBody::Answer(answer));
        Ok(())
    }

    async fn begin(&mut self, opening: Opening, generation: u32) -> Result<String, Refused> {
        let peer = opening.peer;
        let media = self.hub.media_engine().clone();
        let session = media.session();
        // Before it begins: it may tell something at once.
        self.hub.note_session(session, self.run);
        let opened = media.open(session, opening).await;
        let answer = opened.inspect_err(|_| self.hub.forget_session(session))?;
        let before = self.open.insert(peer, Connection { session, generation });
        if let Some(before) = before {
            self.hub.forget_session(before.session);
        }
        if peer == Peer::Receive {
            self.show_now().await;
        }
        Ok(answer)
    }

    /// The media engine tells something of a session.
    pub(crate) fn media(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Ended(session) => self.lose(session),
            MediaEvent::Slots(_, slots) => self.tell(ServerBody::Slots(slots)),
            MediaEvent::Layers(_, layers) => self.tell(ServerBody::Layers(layers)),
            MediaEvent::Quality(_, quality) => self.tell(ServerBody::Quality(quality)),
            MediaEvent::Speaking(..) => {}
        }
    }

    /// A connection is over; the client makes a new one.
    fn lose(&mut self, session: Session) {
        self.hub.forget_session(session);
        let of = |(_, connection): &(&Peer, &Connection)| connection.session == session;
        let Some((peer, generation)) = self
            .open
            .iter()
            .find(of)
            .map(|(peer, connection)| (*peer, connection.generation))
        else {
            return;
        };
        self.open.remove(&peer);
        self.tell(ServerBody::Lost(Lost {
            connection: peer,
            generation,
        }));
    }

    /// Ends all. What the client shows is forgotten with them.
    pub(crate) async fn close_all(&mut self) {
        for connection in std::mem::take(&mut self.open).into_values() {
            self.hub.forget_session(connection.session);
            self.hub.media_engine().close(connection.session).await;
        }
        self.shown.clear();
    }

    fn tell(&self, body: ServerBody) {
        // Whose connection is over hears nothing.
        self.tell.send(body).ok();
    }
}
