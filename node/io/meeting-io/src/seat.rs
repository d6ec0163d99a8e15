//! A client in a meeting.

use crate::{
    Flow, Hub, MediaEvent, Newcomer, Opening, Person, Refused, Session,
    clerk::{Clerk, ERRANDS, Errand},
    hub::{refused, request_name},
    room::{Seated, Tidings, ToldAlone},
};
use plenary_model::Cid;
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{
        Answer, CALLED_AT_ONCE, Call, CallOff, Ended, FOLLOWED, Follow, Join, List, Listener, Lost, Offer,
        ParticipantId, Peer, Place, Refusal, State, Tile, Why,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicU64},
};
use tokio::sync::mpsc;

/// `moves` of a place that is taken up provisionally.
pub(crate) const UNSETTLED: u64 = u64::MAX;

/// Characters of a search in the list of people.
const FIND: usize = 100;

/// What a seat is told.
pub(crate) enum Told {
    Request(ClientBody),
    Media(MediaEvent),
    /// The client goes out of the meeting.
    Leave,
    /// The client's connection is over.
    Gone,
    /// The place was taken up on another connection.
    Elsewhere,
    /// What the place may do has changed.
    Permit(Permit),
    /// The place counts as away, though the client is here.
    Away,
    /// The place could not be taken up after all.
    Lost,
    /// The place is none any more.
    Out(Why),
    /// The place ends here.
    End(Why),
}

/// What a place may do: nothing before it is known, and in the waiting room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Permit {
    pub(crate) inside: bool,
    pub(crate) flow: Flow,
    /// Whom alone they may be shown; `None`: everybody.
    pub(crate) only: Option<Arc<BTreeSet<ParticipantId>>>,
}

/// A peer connection of the client.
struct Connection {
    session: Session,
    generation: u32,
}

struct Seat {
    hub: Hub,
    newcomer: Newcomer,
    room: Cid,
    place: Place,
    connections: BTreeMap<Peer, Connection>,
    shown: Vec<Tile>,
    permit: Permit,
    errands: mpsc::Sender<Errand>,
}

/// How a seat ends.
enum End {
    /// The client says so, or lost its place: nothing is kept.
    Left,
    /// Without a word: the place is kept for a moment.
    Gone,
    /// The place is somebody else's business now.
    Taken,
}

/// Lives as long as the client is in the meeting.
pub(crate) async fn sit(
    hub: Hub,
    newcomer: Newcomer,
    join: Join,
    inbox: mpsc::UnboundedSender<Told>,
    mut told: mpsc::UnboundedReceiver<Told>,
) {
    let run = newcomer.run;
    match take_place(&hub, &newcomer, &join).await {
        Ok(taken) => {
            let participant = taken.place.participant;
            hub.place(participant, run);
            let moves = Arc::new(AtomicU64::new(taken.moves));
            let (errands, to_do) = mpsc::channel(ERRANDS);
            let clerk = Clerk {
                hub: hub.clone(),
                room: taken.room.clone(),
                participant,
                moves: moves.clone(),
                tell: newcomer.tell.clone(),
                seat: inbox.clone(),
            };
            let unsettled = (taken.moves == UNSETTLED).then(|| taken.place.clone());
            tokio::spawn(clerk.work(unsettled, to_do));
            let seated = Seated {
                run,
                place: taken.place,
                moves,
                tell: newcomer.tell.clone(),
                seat: inbox.clone(),
                permit: None,
                listener: Listener::new(participant),
                joined_at: 0,
                told_called: false,
                alone: ToldAlone::default(),
            };
            let place = seated.place.clone();
            hub.tell_room(&taken.room, Tidings::Came(Box::new(seated)));
            let seat = Seat {
                hub: hub.clone(),
                newcomer,
                room: taken.room,
                place,
                connections: BTreeMap::new(),
                shown: Vec::new(),
                permit: Permit::default(),
                errands,
            };
            seat.stay(&mut told).await;
            hub.stand_up(run, Some(participant), &inbox);
        }
        Err(why) => {
            newcomer.tell.send(refused("join", why)).ok();
            hub.stand_up(run, None, &inbox);
        }
    }
}

struct Taken {
    room: Cid,
    place: Place,
    moves: u64,
}

async fn take_place(hub: &Hub, newcomer: &Newcomer, join: &Join) -> Result<Taken, Refused> {
    let no_room = || {
        Refused::new(
            Refusal::NotFound,
            format!("there is no conference {:?}", join.room),
        )
    };
    let id: Cid = join.room.parse().map_err(|_| no_room())?;
    let roster = hub.roster();
    let found = roster.find(&id, join.resume.as_ref()).await?;
    let room = found.ok_or_else(no_room)?;
    if let Person::Guest { room: own, .. } = &newcomer.person
        && *own != room
    {
        let words =
            "as a guest you may enter the conference that you were let into; sign in, or ask at its door";
        return Err(Refused::new(Refusal::Forbidden, words));
    }
    if let Some(place) = &join.resume {
        // At once, so that media need not wait for an election; the commit follows.
        if roster.knows(&room, &newcomer.person, place).await {
            return Ok(Taken {
                room,
                place: place.clone(),
                moves: UNSETTLED,
            });
        }
    }
    let state = State {
        muted: Some(join.muted),
        camera: Some(join.camera),
        ..State::default()
    };
    let pin = join.pin.clone();
    let entered = roster.enter(&room, &newcomer.person, state, pin).await?;
    Ok(Taken {
        room,
        place: Place {
            participant: entered.participant,
            secret: entered.secret,
        },
        moves: entered.moves,
    })
}

impl Seat {
    async fn stay(mut self, told: &mut mpsc::UnboundedReceiver<Told>) {
        let end = loop {
            let Some(told) = told.recv().await else {
                break End::Gone;
            };
            match told {
                Told::Request(request) => {
                    if matches!(request, ClientBody::Leave {}) {
                        break End::Left;
                    }
                    let name = request_name(&request);
                    if let Err(why) = self.request(request).await {
                        self.tell(refused(name, why));
                    }
                }
                Told::Media(event) => self.media(event),
                Told::Permit(permit) => self.permit(permit).await,
                // If there is too much to do, the roster tells it again.
                Told::Away => drop(self.send_clerk(Errand::Return(self.place.clone()))),
                Told::Leave => break End::Left,
                Told::Gone => break End::Gone,
                Told::Elsewhere => {
                    self.tell(ServerBody::Ended(Ended {
                        reason: Why::Elsewhere,
                    }));
                    break End::Taken;
                }
                Told::Lost => {
                    self.tell(ServerBody::Ended(Ended { reason: Why::Removed }));
                    break End::Taken;
                }
                Told::End(reason) => {
                    self.tell(ServerBody::Ended(Ended { reason }));
                    break End::Left;
                }
                Told::Out(reason) => {
                    self.tell(ServerBody::Ended(Ended { reason }));
                    break End::Taken;
                }
            }
        };
        self.hub.tell_room(&self.room, Tidings::Went(self.newcomer.run));
        for connection in std::mem::take(&mut self.connections).into_values() {
            self.close(connection.session).await;
        }
        match end {
            End::Left => drop(self.errands.send(Errand::Leave).await),
            End::Gone => {
                let (errands, kept) = (self.errands, self.hub.kept());
                tokio::spawn(async move {
                    tokio::time::sleep(kept).await;
                    errands.send(Errand::Leave).await.ok();
                });
            }
            End::Taken => {}
        }
    }

    async fn request(&mut self, request: ClientBody) -> Result<(), Refused> {
        match request {
            ClientBody::Offer(_) | ClientBody::Say(_) | ClientBody::React(_) | ClientBody::Moderate(_)
                if !self.permit.inside =>
            {
                let words = "you are in the waiting room: a moderator must let you in first";
                Err(Refused::new(Refusal::Waiting, words))
            }
            ClientBody::Offer(offer) => self.offer(offer).await,
            ClientBody::Show(show) => {
                self.shown = show.tiles;
                self.show().await;
                Ok(())
            }
            ClientBody::State(state) => self.send_clerk(Errand::Set(state)),
            ClientBody::React(react) => self.send_clerk(Errand::React(react.reaction)),
            ClientBody::Say(say) => self.send_clerk(Errand::Say(say.text)),
            ClientBody::Moderate(what) => self.send_clerk(Errand::Moderate(what)),
            ClientBody::Call(call) => self.call(call),
            ClientBody::CallOff(calls) => self.call_off(calls),
            ClientBody::List(list) => self.list(list),
            ClientBody::Follow(follow) => self.follow(follow),
            // Not for a seat.
            ClientBody::Watch { .. } | ClientBody::Join(_) | ClientBody::Leave {} => Ok(()),
        }
    }

    fn call(&self, call: Call) -> Result<(), Refused> {
        if call.users.len() > CALLED_AT_ONCE {
            let words = format!("at most {CALLED_AT_ONCE} people can be called at once; call fewer");
            return Err(Refused::new(Refusal::BadRequest, words));
        }
        self.send_clerk(Errand::Call(call))
    }

    fn call_off(&self, calls: CallOff) -> Result<(), Refused> {
        if calls.users.len() > CALLED_AT_ONCE {
            let words = format!("at most {CALLED_AT_ONCE} calls can be taken back at once; name fewer");
            return Err(Refused::new(Refusal::BadRequest, words));
        }
        self.send_clerk(Errand::CallOff(calls))
    }

    fn list(&self, list: List) -> Result<(), Refused> {
        if !self.permit.inside {
            return Err(Refused::new(Refusal::Waiting, "you are in the waiting room"));
        }
        if list.find.chars().count() > FIND {
            let words = format!("a search has at most {FIND} characters");
            return Err(Refused::new(Refusal::BadRequest, words));
        }
        self.hub
            .tell_room(&self.room, Tidings::List(self.newcomer.run, list));
        Ok(())
    }

    fn follow(&self, follow: Follow) -> Result<(), Refused> {
        if follow.participants.len() > FOLLOWED {
            let words = format!("one can follow at most {FOLLOWED}");
            return Err(Refused::new(Refusal::BadRequest, words));
        }
        let follow = Tidings::Follow(self.newcomer.run, follow.participants);
        self.hub.tell_room(&self.room, follow);
        Ok(())
    }

    /// Media obey before the client hears of it.
    async fn permit(&mut self, permit: Permit) {
        let before = std::mem::replace(&mut self.permit, permit);
        if !self.permit.inside {
            for connection in std::mem::take(&mut self.connections).into_values() {
                self.close(connection.session).await;
            }
            self.shown.clear();
            return;
        }
        if before.flow != self.permit.flow
            && let Some(publish) = self.connections.get(&Peer::Publish)
        {
            self.hub
                .media_engine()
                .allow(publish.session, self.permit.flow)
                .await;
        }
        if before.only != self.permit.only {
            self.show().await;
        }
    }

    fn send_clerk(&self, errand: Errand) -> Result<(), Refused> {
        let too_fast = |_| Refused::new(Refusal::TooFast, "too much at once; try again in a moment");
        self.errands.try_send(errand).map_err(too_fast)
    }

    async fn offer(&mut self, offer: Offer) -> Result<(), Refused> {
        let Offer {
            connection: peer,
            generation,
            sdp,
            lines,
        } = offer;
        let known = self.connections.get(&peer);
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
            _ => self.begin(peer, generation, sdp, lines).await?,
        };
        self.tell(ServerBody::Answer(Answer {
            connection: peer,
            generation,
            sdp: answer,
        }));
        Ok(())
    }

    async fn begin(
        &mut self,
        peer: Peer,
        generation: u32,
        sdp: String,
        lines: Vec<plenary_signalling::meeting::Line>,
    ) -> Result<String, Refused> {
        let media = self.hub.media_engine().clone();
        let session = media.session();
        // Before it begins: it may tell something at once.
        self.hub.note_session(session, self.newcomer.run);
        let opening = Opening {
            room: self.room.clone(),
            participant: self.place.participant,
            peer,
            sdp,
            lines,
            flow: self.permit.flow,
        };
        let opened = media.open(session, opening).await;
        let answer = opened.inspect_err(|_| self.hub.forget_session(session))?;
        let before = self.connections.insert(peer, Connection { session, generation });
        if let Some(before) = before {
            self.hub.forget_session(before.session);
        }
        if peer == Peer::Receive {
            self.show().await;
        }
        Ok(answer)
    }

    async fn show(&self) {
        if let Some(receive) = self.connections.get(&Peer::Receive) {
            let mut shown = self.shown.clone();
            if let Some(only) = &self.permit.only {
                shown.retain(|tile| only.contains(&tile.participant));
            }
            self.hub.media_engine().show(receive.session, shown).await;
        }
    }

    fn media(&mut self, event: MediaEvent) {
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
            .connections
            .iter()
            .find(of)
            .map(|(peer, connection)| (*peer, connection.generation))
        else {
            return;
        };
        self.connections.remove(&peer);
        self.tell(ServerBody::Lost(Lost {
            connection: peer,
            generation,
        }));
    }

    async fn close(&self, session: Session) {
        self.hub.forget_session(session);
        self.hub.media_engine().close(session).await;
    }

    fn tell(&self, body: ServerBody) {
        // Whose connection is over hears nothing.
        self.newcomer.tell.send(body).ok();
    }
}
