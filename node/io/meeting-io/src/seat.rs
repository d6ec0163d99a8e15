//! A client in a meeting.

use crate::{
    Flow, Hall, Hub, MediaEvent, Newcomer, Permitted, Person, Refused, Whence,
    clerk::{Clerk, ERRANDS, Errand},
    connections::Connections,
    hub::{key_of, refused, refused_by, request_name},
    room::{Seated, Tidings, ToldAlone},
};
use plenary_model::Cid;
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{
        CALLED_AT_ONCE, Call, CallOff, Ended, FOLLOWED, Follow, Join, List, Listener, ParticipantId, Place,
        Refusal, State, Why,
    },
};
use std::{
    collections::BTreeSet,
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
    /// The client came back from another address.
    Moved(Whence),
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
    /// The place ends here, unless it is in one of these rooms.
    End(Why, Arc<BTreeSet<Cid>>),
}

/// What a place may do: nothing before it is known, and in the waiting room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Permit {
    pub(crate) inside: bool,
    pub(crate) flow: Flow,
    /// Whom alone they may be shown; `None`: everybody.
    pub(crate) only: Option<Arc<BTreeSet<ParticipantId>>>,
}

struct Seat {
    hub: Hub,
    newcomer: Newcomer,
    room: Cid,
    place: Place,
    connections: Connections,
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
            let from = newcomer.address();
            let unsettled = (taken.moves == UNSETTLED).then(|| (taken.place.clone(), from));
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
                reads: None,
                told_called: false,
                outside: newcomer.is_outside(),
                alone: ToldAlone::default(),
            };
            let place = seated.place.clone();
            hub.tell_room(&taken.room, Tidings::Came(Box::new(seated)));
            let seat = Seat {
                hub: hub.clone(),
                connections: Connections::new(hub.clone(), &newcomer),
                newcomer,
                room: taken.room,
                place,
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
    let entered = roster
        .enter(&room, &newcomer.person, newcomer.address(), state, pin)
        .await?;
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
                    let (name, key) = (request_name(&request), key_of(&request));
                    if let Err(why) = self.request(request).await {
                        self.tell(refused_by(name, why, key));
                    }
                }
                Told::Media(event) => self.connections.media(event),
                Told::Permit(permit) => self.permit(permit).await,
                // If there is too much to do, the roster tells it again.
                Told::Away => {
                    let back = Errand::Return(self.place.clone(), self.newcomer.address());
                    drop(self.send_clerk(back));
                }
                // Nobody tells it again, so it waits for its turn.
                Told::Moved(whence) => {
                    self.newcomer.whence = Some(whence);
                    self.connections.outside = whence.outside;
                    let moved = Errand::Move(self.place.clone(), self.newcomer.address());
                    self.errands.send(moved).await.ok();
                }
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
                Told::End(_, rooms) if rooms.contains(&self.room) => {}
                Told::End(reason, _) => {
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
        self.connections.close_all().await;
        match end {
            End::Left => drop(self.errands.send(Errand::Leave).await),
            End::Gone => {
                let (errands, kept) = (self.errands, self.hub.kept());
                let keeping = self.hub.keep(self.place.participant);
                tokio::spawn(async move {
                    tokio::time::sleep(kept).await;
                    errands.send(Errand::Leave).await.ok();
                    drop(keeping);
                });
            }
            End::Taken => {}
        }
    }

    async fn request(&mut self, request: ClientBody) -> Result<(), Refused> {
        match request {
            ClientBody::Offer(_)
            | ClientBody::Say(_)
            | ClientBody::Edit(_)
            | ClientBody::Unsay(_)
            | ClientBody::Earlier(_)
            | ClientBody::React(_)
            | ClientBody::Moderate(_)
                if !self.permit.inside =>
            {
                let words = "you are in the waiting room: a moderator must let you in first";
                Err(Refused::new(Refusal::Waiting, words))
            }
            ClientBody::Offer(_) if self.newcomer.permits.is_some() => {
                let words = "media of who comes from a partner's server go by that server";
                Err(Refused::new(Refusal::BadRequest, words))
            }
            ClientBody::Offer(offer) => {
                let (hall, place) = (Hall::Own(self.room.clone()), self.place.participant);
                self.connections.offer(offer, hall, place, self.permit.flow).await
            }
            ClientBody::Show(show) => {
                self.connections.show(show.tiles).await;
                Ok(())
            }
            ClientBody::State(state) => self.send_clerk(Errand::Set(state)),
            ClientBody::React(react) => self.send_clerk(Errand::React(react.reaction)),
            ClientBody::Say(say) => self.send_clerk(Errand::Say(say)),
            ClientBody::Edit(edit) => self.send_clerk(Errand::Edit(edit)),
            ClientBody::Unsay(unsay) => self.send_clerk(Errand::Unsay(unsay)),
            ClientBody::Earlier(earlier) => self.send_clerk(Errand::Earlier(earlier)),
            ClientBody::Writing {} => {
                self.hub.tell_room(&self.room, Tidings::Writes(self.newcomer.run));
                Ok(())
            }
            ClientBody::Read(read) => {
                let read = Tidings::Reads(self.newcomer.run, read.line);
                self.hub.tell_room(&self.room, read);
                Ok(())
            }
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
        if let Some(permits) = &self.newcomer.permits {
            let Permit { inside, flow, only } = self.permit.clone();
            let permitted = Permitted {
                hall: self.room.to_string(),
                place: self.place.participant,
                inside,
                flow,
                only,
            };
            permits.send(permitted).ok();
        }
        if !self.permit.inside {
            self.connections.close_all().await;
            return;
        }
        if before.flow != self.permit.flow {
            self.connections.allow(self.permit.flow).await;
        }
        self.connections.only(self.permit.only.clone()).await;
    }

    fn send_clerk(&self, errand: Errand) -> Result<(), Refused> {
        let too_fast = |_| Refused::new(Refusal::TooFast, "too much at once; try again in a moment");
        self.errands.try_send(errand).map_err(too_fast)
    }

    fn tell(&self, body: ServerBody) {
        // Whose connection is over hears nothing.
        self.newcomer.tell.send(body).ok();
    }
}
