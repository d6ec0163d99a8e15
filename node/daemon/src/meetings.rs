//! Meetings of this node: what they need of the server and of the media engine.

use crate::{lease::Usable, media::MediaDoor, options::system, seats, server::Server, turn::Turn};
use async_trait::async_trait;
use plenary_access::{Outcome, Refusal as Ruled};
use plenary_conference::{
    Change, Command, Line as SaidLine, Participant as Place_, Person, SecretHash, StatePatch, Via,
};
use plenary_media_io::{
    Engine, EngineError, Event, Opening, Part, Reason as Cause, SessionKey, Show, Source,
};
use plenary_meeting_io::{
    Entered, Hub, Media, MediaEvent, Newcomer, Person as Visitor, Refused, Roster, Session, View,
};
use plenary_model::{Cid, NodeId, UserName};
use plenary_rest_api::{
    backend::{Applied, Backend as _, ReadError, WriteError},
    token_hash,
};
use plenary_seats::Loss;
use plenary_signalling::{
    Who,
    meeting::{
        Carried, Filled, IceServer, Kind, Layers, Line, Participant, ParticipantId, Peer, Place, Quality,
        Reaction, Reason, Refusal, Said, Slots, Speaking, State, Tile, Via as Way, Why,
    },
};
use plenary_signalling_io::Client;
use plenary_store::queries;
use std::{collections::BTreeMap, sync::Arc, time::SystemTime};
use tokio::sync::mpsc;

/// Lines of the chat that who comes in is given.
const LINES: u32 = 200;

/// The roster of all meetings: the replicated state.
pub(crate) struct ServerRoster(pub(crate) Arc<Server>);

/// The media of meetings on this node.
pub(crate) struct EngineMedia {
    engine: Engine,
    turn: Arc<Turn>,
}

/// Begins meetings on this node.
pub(crate) fn start(server: &Arc<Server>, engine: &Engine, turn: Arc<Turn>) -> Hub {
    let roster = Arc::new(ServerRoster(server.clone()));
    let engine = engine.clone();
    let media = Arc::new(EngineMedia { engine, turn });
    let hub = Hub::new(roster, media);
    server.meetings.get_or_init(|| hub).clone()
}

/// Who a client of signalling is in meetings.
pub(crate) fn newcomer(client: &Client) -> Newcomer {
    let Who { user, guest_of, .. } = &client.who;
    let person = match guest_of {
        Some(room) => Visitor::Guest {
            id: user.clone(),
            room: room.clone(),
        },
        None => Visitor::Account(user.clone()),
    };
    Newcomer {
        run: client.run,
        person,
        tell: client.tell.clone(),
    }
}

/// Carries what the media engine tells to those whom it concerns, until the engine ends.
pub(crate) async fn watch_media(hub: Hub, door: Arc<MediaDoor>, mut events: mpsc::UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        if let Event::Ended(key) = &event {
            door.over(*key);
        }
        if let Some(event) = for_meetings(event) {
            hub.media(event);
        }
    }
}

fn for_meetings(event: Event) -> Option<MediaEvent> {
    let session = |key: SessionKey| Session(key.0);
    Some(match event {
        Event::Ended(key) => MediaEvent::Ended(session(key)),
        Event::Slots(key, slots) => {
            let slots = slots.into_iter().map(|slot| Filled {
                mid: slot.mid,
                kind: wire_kind(slot.kind),
                participant: slot.participant.map(|id| ParticipantId(id.0)),
            });
            MediaEvent::Slots(
                session(key),
                Slots {
                    slots: slots.collect(),
                },
            )
        }
        Event::Layers(key, kind, highest) => {
            let kind = wire_kind(kind);
            MediaEvent::Layers(session(key), Layers { kind, highest })
        }
        Event::Quality(key, quality) => {
            let slots = quality.slots.into_iter().map(|slot| Carried {
                mid: slot.mid,
                layer: slot.carries.ok().map(|carries| carries.layer),
                height: slot.carries.map_or(0, |carries| carries.height),
                reason: match slot.carries {
                    Ok(_) => Reason::Ok,
                    Err(Cause::Bandwidth) => Reason::Bandwidth,
                    Err(Cause::NoLayer) => Reason::NoPicture,
                    Err(Cause::NotShown) => Reason::Hidden,
                },
            });
            let quality = Quality {
                kbps: quality.estimate.0,
                slots: slots.collect(),
            };
            MediaEvent::Quality(session(key), quality)
        }
        Event::Speaking(room, who) => {
            let participants = who.into_iter().map(|id| ParticipantId(id.0)).collect();
            MediaEvent::Speaking(room.parse().ok()?, Speaking { participants })
        }
    })
}

fn wire_kind(kind: plenary_media_io::Kind) -> Kind {
    match kind {
        plenary_media_io::Kind::Audio => Kind::Audio,
        plenary_media_io::Kind::Video => Kind::Video,
        plenary_media_io::Kind::Content => Kind::Content,
        plenary_media_io::Kind::ContentAudio => Kind::ContentAudio,
    }
}

fn engine_kind(kind: Kind) -> plenary_media_io::Kind {
    match kind {
        Kind::Audio => plenary_media_io::Kind::Audio,
        Kind::Video => plenary_media_io::Kind::Video,
        Kind::Content => plenary_media_io::Kind::Content,
        Kind::ContentAudio => plenary_media_io::Kind::ContentAudio,
    }
}

fn refused(error: WriteError) -> Refused {
    let code = match &error {
        WriteError::Refused(Ruled::NotFound { .. }) => Refusal::NotFound,
        WriteError::Refused(Ruled::Forbidden { .. }) => Refusal::Forbidden,
        WriteError::Refused(Ruled::Full(_)) => Refusal::Full,
        WriteError::Refused(Ruled::Licensing { code, .. }) => match code.as_str() {
            "no_guest_seat" => Refusal::NoGuestSeat,
            "no_online_seat" => Refusal::NoOnlineSeat,
            _ => Refusal::NoProSeat,
        },
        // The server does not know yet that this node has started.
        WriteError::Refused(Ruled::Conflict(_)) => Refusal::Unavailable,
        WriteError::Refused(_) => Refusal::BadRequest,
        _ => Refusal::Unavailable,
    };
    Refused::new(code, error.to_string())
}

/// Nothing that needs a seat can be used here now.
fn over(reason: &str) -> Refused {
    Refused::new(Refusal::NoProSeat, reason)
}

fn unreadable(error: ReadError) -> Refused {
    Refused::new(Refusal::Unavailable, error.to_string())
}

fn hash(secret: &str) -> SecretHash {
    SecretHash(token_hash(secret).0)
}

impl ServerRoster {
    async fn propose(&self, change: Change) -> Result<Applied, WriteError> {
        let command = Command {
            by: system(),
            idempotency: None,
            change,
        };
        self.0.propose_conference(command).await
    }

    /// Proposes, and waits until this node has it too.
    async fn change(&self, change: Change) -> Result<Applied, Refused> {
        let applied = self.propose(change).await.map_err(refused)?;
        self.0.wait_applied(applied.index).await.map_err(unreadable)?;
        Ok(applied)
    }

    /// Takes a new place.
    pub(crate) async fn enter_by(
        &self,
        room: &Cid,
        person: Person,
        via: Via,
        state: State,
    ) -> Result<Entered, Refused> {
        // The highest bit is for those who only watch, and stand in no roster.
        let asked = seats::reading();
        let participant = u64::from_be_bytes(crate::secret::random_bytes()) >> 1;
        let secret = crate::secret::random_password();
        let enter = Change::Enter {
            cid: room.clone(),
            participant: plenary_conference::ParticipantId(participant),
            person,
            name: None,
            via,
            node: self.0.me(),
            epoch: self.0.epoch,
            secret: hash(&secret),
            muted: state.muted.unwrap_or(false),
            camera: state.camera.unwrap_or(false),
        };
        self.0.lessee.may_use().await.map_err(over)?;
        let applied = self.0.with_a_seat(|| self.propose(enter.clone())).await;
        let applied = applied.map_err(refused)?;
        self.0.wait_applied(applied.index).await.map_err(unreadable)?;
        self.0.alive.heard(asked);
        let entered = Entered {
            participant: ParticipantId(participant),
            secret,
            moves: moves(&applied)?,
        };
        // What was granted under a lease that this node had not heard of is used once it has.
        self.0.look_at_lease().await;
        if let Err(reason) = self.0.lessee.may_use().await {
            self.leave(room, entered.participant, entered.moves).await.ok();
            return Err(over(reason));
        }
        Ok(entered)
    }
}

fn moves(applied: &Applied) -> Result<u64, Refused> {
    match applied.outcome {
        Outcome::Entered { moves } => Ok(moves),
        _ => Err(Refused::new(
            Refusal::Unavailable,
            "the server answered something else",
        )),
    }
}

fn person(visitor: &Visitor) -> Result<Person, Refused> {
    match visitor {
        Visitor::Account(user) => Ok(Person::Account(user.clone())),
        Visitor::Guest { id, .. } => {
            let id = id.as_str().parse();
            let id =
                id.map_err(|_| Refused::new(Refusal::Forbidden, "you are not known as a guest any more"))?;
            Ok(Person::Guest(id))
        }
    }
}

fn rules_id(participant: ParticipantId) -> plenary_conference::ParticipantId {
    plenary_conference::ParticipantId(participant.0)
}

#[async_trait]
impl Roster for ServerRoster {
    async fn enter(&self, room: &Cid, visitor: &Visitor, state: State) -> Result<Entered, Refused> {
        self.enter_by(room, person(visitor)?, Via::Browser, state).await
    }

    async fn knows(&self, room: &Cid, visitor: &Visitor, place: &Place) -> bool {
        if self.0.lessee.usable() != Usable::Yes {
            return false;
        }
        let (cid, id) = (room.clone(), rules_id(place.participant));
        let found = self.0.query(move |db| queries::participant(db, &cid, id)).await;
        let (Ok(Some(found)), Ok(person)) = (found, person(visitor)) else {
            return false;
        };
        found.person == person && found.secret.is(&hash(&place.secret))
    }

    async fn resume(&self, room: &Cid, place: &Place) -> Result<u64, Refused> {
        let change = Change::Resume {
            cid: room.clone(),
            participant: rules_id(place.participant),
            secret: hash(&place.secret),
            node: self.0.me(),
            epoch: self.0.epoch,
        };
        let asked = seats::reading();
        let applied = self.change(change).await?;
        self.0.alive.heard(asked);
        moves(&applied)
    }

    async fn leave(&self, room: &Cid, participant: ParticipantId, moves: u64) -> Result<(), Refused> {
        let change = Change::Leave {
            cid: room.clone(),
            participant: rules_id(participant),
            moves,
        };
        self.change(change).await.map(drop)
    }

    async fn set(
        &self,
        room: &Cid,
        participant: ParticipantId,
        moves: u64,
        state: State,
    ) -> Result<(), Refused> {
        let State {
            muted,
            camera,
            content,
            hand,
        } = state;
        let change = Change::Set {
            cid: room.clone(),
            participant: rules_id(participant),
            moves,
            patch: StatePatch {
                muted,
                camera,
                content,
                hand,
            },
        };
        self.change(change).await.map(drop)
    }

    async fn react(
        &self,
        room: &Cid,
        participant: ParticipantId,
        moves: u64,
        reaction: String,
    ) -> Result<(), Refused> {
        let change = Change::React {
            cid: room.clone(),
            participant: rules_id(participant),
            moves,
            text: reaction,
        };
        self.change(change).await.map(drop)
    }

    async fn say(&self, room: &Cid, participant: ParticipantId, text: String) -> Result<(), Refused> {
        let change = Change::Say {
            cid: room.clone(),
            participant: rules_id(participant),
            text,
        };
        self.change(change).await.map(drop)
    }

    async fn view(&self, room: &Cid) -> Result<Option<View>, Refused> {
        let cid = room.clone();
        let read = self.0.query(move |db| {
            let Some(conference) = queries::conference(db, &cid)? else {
                return Ok(None);
            };
            let names: BTreeMap<NodeId, String> = queries::nodes(db)?
                .into_iter()
                .map(|row| (row.id, row.name.to_string()))
                .collect();
            let lost = queries::lost_seats(db)?;
            let roster = queries::roster(db, &cid)?;
            let participants = roster.into_iter().map(|one| on_wire(one, &names)).collect();
            Ok(Some(View {
                name: conference.name,
                participants,
                lost: lost
                    .into_iter()
                    .map(|(place, loss)| (ParticipantId(place), why(loss)))
                    .collect(),
            }))
        });
        read.await.map_err(unreadable)
    }

    async fn lines(&self, room: &Cid, after: u64) -> Result<Vec<(u64, Said)>, Refused> {
        let cid = room.clone();
        let read = self.0.query(move |db| queries::lines(db, &cid, after, LINES));
        let lines = read.await.map_err(unreadable)?;
        Ok(lines.into_iter().map(|line| (line.id, said(line))).collect())
    }
}

fn on_wire(one: Place_, nodes: &BTreeMap<NodeId, String>) -> (Participant, u64) {
    let (user, guest) = match &one.person {
        Person::Account(user) => (Some(user.to_string()), false),
        Person::Guest(_) => (None, true),
    };
    let participant = Participant {
        id: ParticipantId(one.id.0),
        name: one.name,
        user,
        guest,
        via: match one.via {
            Via::Browser => Way::Browser,
            Via::Whip => Way::Whip,
        },
        node: nodes.get(&one.node).cloned().unwrap_or_default(),
        muted: one.muted,
        camera: one.camera,
        content: one.content,
        hand: one.hand.map(|at| at.0),
        reaction: one.reaction.map(|reaction| Reaction {
            text: reaction.text,
            at: reaction.at.0,
        }),
        joined_at: one.joined_at.0,
        away: one.away,
    };
    (participant, one.moves)
}

fn why(loss: Loss) -> Why {
    match loss {
        Loss::Revoked => Why::SeatRevoked,
        Loss::Redistributed => Why::SeatGivenAway,
        Loss::Expired | Loss::Gone => Why::Removed,
    }
}

fn said(line: SaidLine) -> Said {
    Said {
        id: line.id.to_string(),
        participant: ParticipantId(line.participant.0),
        name: line.name,
        text: line.text,
        at: line.at.0,
    }
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

    async fn open(
        &self,
        session: Session,
        room: &Cid,
        participant: ParticipantId,
        peer: Peer,
        sdp: String,
        lines: Vec<Line>,
    ) -> Result<String, Refused> {
        let lines = engine_lines(lines);
        let opening = Opening {
            key: SessionKey(session.0),
            room: room.to_string(),
            participant: plenary_media_io::ParticipantId(participant.0),
            name: participant.0.to_string(),
            part: match peer {
                Peer::Publish => Part::Publish(lines),
                Peer::Receive => Part::Receive(lines),
            },
            offer: sdp,
        };
        let opened = self.engine.open(opening).await.map_err(engine_refused)?;
        Ok(opened.answer)
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
            Ok(opened) => Ok(Some(opened.answer)),
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

    async fn close(&self, session: Session) {
        self.engine.close(SessionKey(session.0)).await.ok();
    }

    fn ice_servers(&self, participant: ParticipantId) -> Vec<IceServer> {
        self.turn.servers(&participant.0.to_string(), SystemTime::now())
    }
}

/// The guest of a token, as signalling knows clients.
pub(crate) async fn guest(server: &Server, token: &str) -> Result<Option<Who>, ReadError> {
    let (hash, now) = (token_hash(token), server.now_ms());
    let guest = server.query(move |db| queries::guest(db, &hash, now)).await?;
    let Some(guest) = guest else { return Ok(None) };
    let Ok(user) = guest.id.to_string().parse::<UserName>() else {
        return Ok(None);
    };
    Ok(Some(Who {
        session: user.to_string(),
        user,
        guest_of: Some(guest.cid),
        admin: false,
    }))
}
