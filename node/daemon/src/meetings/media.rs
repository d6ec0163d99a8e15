//! The media engine, as meetings use it.

use super::wire::{allow, engine_kind, rules_id};
use crate::{
    limits::{Direction, Limiter, Whose},
    turn::Turn,
};
use async_trait::async_trait;
use plenary_media_io::{Engine, EngineError, Opening, Part, SessionKey, Show, Source};
use plenary_meeting_io::{Flow, Hall, Media, Opening as Begins, Refused, Session};
use plenary_signalling::meeting::{IceServer, Line, ParticipantId, Peer, Refusal, Tile};
use std::{sync::Arc, time::SystemTime};

/// The media of meetings on this node.
pub(super) struct EngineMedia {
    pub(super) engine: Engine,
    pub(super) turn: Arc<Turn>,
    pub(super) limiter: Arc<Limiter>,
}

fn engine_refused(error: EngineError) -> Refused {
    let code = match error {
        EngineError::BadOffer(_) => Refusal::BadOffer,
        EngineError::Full => Refusal::Full,
        EngineError::Gone | EngineError::Stopped => Refusal::Unavailable,
    };
    Refused::new(code, error.to_string())
}

fn engine_lines(lines: Vec<Line>) -> Vec<plenary_media_io::Line> {
    let line = |line: Line| plenary_media_io::Line {
        mid: line.mid,
        kind: engine_kind(line.kind),
    };
    lines.into_iter().map(line).collect()
}

#[async_trait]
impl Media for EngineMedia {
    fn session(&self) -> Session {
        Session(self.engine.key().0)
    }

    async fn open(&self, session: Session, begins: Begins) -> Result<String, Refused> {
        let lines = engine_lines(begins.lines);
        let opening = Opening {
            key: SessionKey(session.0),
            room: match &begins.hall {
                Hall::Own(cid) => cid.to_string(),
                Hall::Abroad { name, .. } => name.clone(),
            },
            participant: plenary_media_io::ParticipantId(begins.participant.0),
            name: begins.participant.0.to_string(),
            client: plenary_media_io::Client::Browser,
            part: match begins.peer {
                Peer::Publish => Part::Publish(lines),
                Peer::Receive => Part::Receive(lines),
            },
            allow: allow(begins.flow),
            offer: begins.sdp,
            outside: begins.outside,
        };
        let key = SessionKey(session.0);
        let direction = match begins.peer {
            Peer::Publish => Direction::In,
            Peer::Receive => Direction::Out,
        };
        match begins.hall {
            Hall::Own(cid) => {
                let whose = Whose::Place(rules_id(begins.participant));
                self.limiter.begin(key, Some(cid), whose, direction);
            }
            Hall::Abroad { user, .. } => self.limiter.begin(key, None, Whose::User(user), direction),
        }
        let opened = self.engine.open(opening).await;
        let opened = opened.inspect_err(|_| self.limiter.over(key));
        let opened = opened.map_err(engine_refused)?;
        self.limiter.begun(key).await;
        Ok(self.limiter.told(key, opened.answer))
    }

    async fn negotiate(
        &self,
        session: Session,
        sdp: String,
        lines: Vec<Line>,
    ) -> Result<Option<String>, Refused> {
        let negotiated = self
            .engine
            .negotiate(SessionKey(session.0), sdp, engine_lines(lines));
        match negotiated.await {
            Ok(opened) => Ok(Some(self.limiter.told(SessionKey(session.0), opened.answer))),
            Err(EngineError::Gone) => Ok(None),
            Err(error) => Err(engine_refused(error)),
        }
    }

    async fn show(&self, session: Session, tiles: Vec<Tile>) {
        let show = |tile: Tile| Show {
            source: Source {
                participant: plenary_media_io::ParticipantId(tile.participant.0),
                kind: engine_kind(tile.kind),
            },
            height: tile.height,
        };
        let shows = tiles.into_iter().map(show).collect();
        // An engine that has ended tells so itself.
        self.engine.show(SessionKey(session.0), shows).await.ok();
    }

    async fn allow(&self, session: Session, flow: Flow) {
        self.engine.allow(SessionKey(session.0), allow(flow)).await.ok();
    }

    async fn close(&self, session: Session) {
        self.engine.close(SessionKey(session.0)).await.ok();
    }

    fn ice_servers(&self, participant: ParticipantId, outside: bool) -> Vec<IceServer> {
        self.turn
            .servers(&participant.0.to_string(), outside, SystemTime::now())
    }
}
