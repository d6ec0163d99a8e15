//! A client of this node in a conference of a partner's server (FED-02).
//!
//! ```text
//!  client ── requests ─────────► this seat ── requests ──► Attendance ═══► the partner's server: its seat, its rules
//!         ◄─ what is told there ─           ◄─ told, permits ─
//!         ◄─ answers, slots, layers ─ media engine of this node (its room is the hall) ═══► cascade between the servers
//! ```
//! That server decides everything; this node only serves the media of its own people, within what it permits. When the
//! connection to it is lost the place is taken up again there, as a client does that lost its node.

use crate::{
    Attendance, Attendee, FromAbroad, Hall, Hub, MediaEvent, Newcomer, Permitted, Person, Refused,
    connections::Connections,
    hub::{key_of, refused, refused_by, request_name},
    seat::{Permit, Told},
};
use plenary_model::{ServerName, UserName};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Chat, Ended, Join, Joined, ParticipantId, Place, Refusal, Roster, Why},
};
use std::{any::Any, collections::BTreeSet, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// So long a place there is tried to be taken up again without a word to the client; then it is told, and tries itself.
const RETURN_WITHIN: Duration = Duration::from_secs(3);
/// How long a place there is kept for a page that went without a word, and for a server that was lost; with some time to come.
const KEPT_FOR_PAGE: Duration = Duration::from_secs(12);
const KEPT: Duration = Duration::from_secs(62);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// `cid@server` as a client names a conference of another server.
pub(crate) fn elsewhere(room: &str) -> Option<(&str, ServerName)> {
    let (cid, server) = room.split_once('@')?;
    Some((cid, server.parse().ok()?))
}

/// The engine's room for a conference of another server.
struct Entered {
    name: String,
    /// As long as it is held, media cross between the servers.
    _kept: Box<dyn Any + Send>,
}

struct Seat {
    hub: Hub,
    newcomer: Newcomer,
    user: UserName,
    server: ServerName,
    join: Join,
    attendance: Attendance,
    place: Option<Place>,
    hall: Option<Entered>,
    connections: Connections,
    permit: Permit,
    /// Has been let in, or waits there.
    is_in: bool,
    /// The conference is that of a call of two.
    by_call: bool,
    /// It was, and is a conference as others are from now on.
    is_widened: bool,
    /// The client may come back by another connection within that.
    returns: Duration,
    told: Known,
}

/// What the client knows of the meeting: when the place is taken up again it hears only what is new, and its media go on.
#[derive(Default)]
struct Known {
    /// It was told that it is in.
    is_in: bool,
    participants: BTreeSet<ParticipantId>,
    /// Whom it follows besides those who come first.
    follows: Option<ClientBody>,
}

impl Known {
    fn note(&mut self, roster: &Roster) {
        self.participants
            .extend(roster.participants.iter().map(|one| one.id));
        for gone in &roster.gone {
            self.participants.remove(gone);
        }
    }

    /// Of what who comes in is told, what somebody is to hear who was in before.
    fn news(&mut self, joined: Joined) -> [ServerBody; 3] {
        let Joined {
            room,
            participants,
            counts,
            chat,
            ..
        } = joined;
        let now: BTreeSet<_> = participants.iter().map(|one| one.id).collect();
        let roster = Roster {
            participants,
            gone: self.participants.difference(&now).copied().collect(),
            counts,
        };
        self.participants = now;
        [
            ServerBody::Room(room),
            ServerBody::Roster(roster),
            ServerBody::Chat(Chat { lines: chat }),
        ]
    }
}

/// How one turn of the seat ends.
enum End {
    /// The client says so.
    Left,
    /// It is over there, or here.
    Over,
    /// The connection to the other server is lost.
    Lost,
    /// They may not stay.
    Refused(Refused),
}

/// What came of taking a place up again.
enum Back {
    In,
    /// The client is served no more.
    Gone,
    Refused(Refused),
}

/// Lives as long as the client is in the conference there. `join.room` is the conference without its server.
pub(crate) async fn sit(
    hub: Hub,
    newcomer: Newcomer,
    server: ServerName,
    join: Join,
    inbox: mpsc::UnboundedSender<Told>,
    mut told: mpsc::UnboundedReceiver<Told>,
) {
    let (run, tell) = (newcomer.run, newcomer.tell.clone());
    let last = match begin(&hub, &newcomer, &server, &join).await {
        Ok((user, attendance)) => {
            hub.note_traveller(run, user.clone(), server.clone());
            let seat = Seat {
                place: join.resume.clone(),
                connections: Connections::new(hub.clone(), &newcomer),
                hub: hub.clone(),
                newcomer,
                user,
                server,
                join,
                attendance,
                hall: None,
                permit: Permit::default(),
                is_in: false,
                by_call: false,
                is_widened: false,
                returns: Duration::ZERO,
                told: Known::default(),
            };
            seat.stay(&mut told).await
        }
        Err(why) => Some(refused("join", why)),
    };
    // Who hears it may ask again at once.
    hub.stand_up(run, None, &inbox);
    if let Some(last) = last {
        tell.send(last).ok();
    }
}

async fn begin(
    hub: &Hub,
    newcomer: &Newcomer,
    server: &ServerName,
    join: &Join,
) -> Result<(UserName, Attendance), Refused> {
    let Person::Account(user) = &newcomer.person else {
        let words = "conferences of other servers are entered with an account of this server; sign in";
        return Err(Refused::new(Refusal::Forbidden, words));
    };
    let abroad = hub.abroad().ok_or_else(|| {
        let words =
            "this node does not meet with other servers; ask the administrator to switch federation on";
        Refused::new(Refusal::Forbidden, words)
    })?;
    let attended = abroad
        .attend(server, user, newcomer.address(), join.clone())
        .await;
    let attendance = attended.map_err(|why| match why.code {
        // Who was in tries again; a newcomer had better know.
        Refusal::Unavailable if join.resume.is_none() => Refused::new(Refusal::Unreachable, why.detail),
        _ => why,
    })?;
    Ok((user.clone(), attendance))
}

impl Seat {
    /// Gives what is the last to be told.
    async fn stay(mut self, told: &mut mpsc::UnboundedReceiver<Told>) -> Option<ServerBody> {
        let last = loop {
            match self.attend(told).await {
                End::Left => {
                    self.attendance.say.send(ClientBody::Leave {}).await.ok();
                    break None;
                }
                End::Refused(why) => {
                    self.attendance.say.send(ClientBody::Leave {}).await.ok();
                    break Some(refused("join", why));
                }
                End::Over => break None,
                End::Lost => match self.come_back(told).await {
                    Back::In => {}
                    Back::Gone => break None,
                    Back::Refused(why) if why.code == Refusal::Unavailable => {
                        self.returns = KEPT;
                        break Some(refused("join", why));
                    }
                    Back::Refused(why) => {
                        tracing::info!(server = %self.server, reason = why.detail, "a place on another server is lost");
                        let reason = Why::NotAllowed;
                        break Some(ServerBody::Ended(Ended { reason }));
                    }
                },
            }
        };
        if let (true, Some(abroad)) = (self.is_in, self.hub.abroad()) {
            abroad.left(&self.attendee(), self.returns);
        }
        if let Some(hall) = &self.hall {
            self.hub.leave_hall(&hall.name, self.newcomer.run);
        }
        self.connections.close_all().await;
        last
    }

    async fn attend(&mut self, told: &mut mpsc::UnboundedReceiver<Told>) -> End {
        loop {
            tokio::select! {
                told = told.recv() => {
                    let Some(told) = told else { return End::Over };
                    if let Some(end) = self.hear_client(told).await {
                        return end;
                    }
                }
                heard = self.attendance.hear.recv() => match heard {
                    None => return End::Lost,
                    Some(FromAbroad::Said(body)) => {
                        if self.pass_on(*body) {
                            return End::Over;
                        }
                        if let Err(why) = self.look_whether_widened().await {
                            return End::Refused(why);
                        }
                    }
                    Some(FromAbroad::Permitted(permitted)) => self.permit(permitted).await,
                },
            }
        }
    }

    async fn hear_client(&mut self, told: Told) -> Option<End> {
        match told {
            Told::Request(ClientBody::Leave {}) | Told::Leave => return Some(End::Left),
            Told::Request(request) => {
                let (name, key) = (request_name(&request), key_of(&request));
                if let Err(why) = self.request(request).await {
                    self.tell(refused_by(name, why, key));
                }
            }
            Told::Media(event) => self.media(event),
            Told::Gone => {
                self.returns = KEPT_FOR_PAGE;
                return Some(End::Over);
            }
            Told::End(reason, _) => {
                self.tell(ServerBody::Ended(Ended { reason }));
                return Some(End::Left);
            }
            // Their own rights may be others there: the place is taken up anew.
            Told::Moved(whence) => {
                self.newcomer.whence = Some(whence);
                self.connections.outside = whence.outside;
                return Some(End::Lost);
            }
            // Those are told by rooms and clerks of this server.
            Told::Elsewhere | Told::Permit(_) | Told::Away | Told::Lost | Told::Out(_) => {}
        }
        None
    }

    async fn request(&mut self, request: ClientBody) -> Result<(), Refused> {
        match request {
            ClientBody::Offer(offer) => {
                let hall = self.hall.as_ref().filter(|_| self.permit.inside);
                let (Some(hall), Some(place)) = (hall, &self.place) else {
                    let words = "you are in the waiting room: a moderator must let you in first";
                    return Err(Refused::new(Refusal::Waiting, words));
                };
                let (participant, flow) = (place.participant, self.permit.flow);
                let hall = Hall::Abroad {
                    name: hall.name.clone(),
                    user: self.user.clone(),
                };
                self.connections.offer(offer, hall, participant, flow).await
            }
            ClientBody::Show(show) => {
                self.connections.show(show.tiles).await;
                Ok(())
            }
            // Not for a seat.
            ClientBody::Watch { .. } | ClientBody::Join(_) | ClientBody::Leave {} => Ok(()),
            other => {
                if matches!(other, ClientBody::Follow(_)) {
                    self.told.follows = Some(other.clone());
                }
                self.attendance.say.try_send(other).map_err(|_| {
                    let words = "the other server takes no more at this moment; try again";
                    Refused::new(Refusal::TooFast, words)
                })
            }
        }
    }

    /// Passes on what is told there. Gives whether that was the end.
    fn pass_on(&mut self, body: ServerBody) -> bool {
        self.look_whose(&body);
        let Some(body) = self.known_here(body) else {
            return false;
        };
        let is_end = body.is_end();
        let place = self.place.clone();
        match body {
            ServerBody::Joined(joined) if self.told.is_in && Some(joined.place()) == place => {
                for news in self.told.news(joined) {
                    self.tell(news);
                }
                if let Some(follows) = self.told.follows.clone() {
                    self.attendance.say.try_send(follows).ok();
                }
            }
            body => {
                self.note(&body);
                self.tell(body);
            }
        }
        is_end
    }

    /// Whether it is the conference of a call of two, and whether they are in.
    fn look_whose(&mut self, body: &ServerBody) {
        let room = match body {
            ServerBody::Joined(joined) => &joined.room,
            ServerBody::Waiting(waiting) => &waiting.room,
            ServerBody::Room(room) => room,
            _ => return,
        };
        self.is_widened |= self.by_call && !room.call;
        self.by_call = room.call;
        self.hub.note_call(self.newcomer.run, room.call);
        if !matches!(body, ServerBody::Room(_)) {
            self.came();
        }
    }

    fn note(&mut self, body: &ServerBody) {
        match body {
            ServerBody::Joined(joined) => {
                self.place = Some(joined.place());
                self.told = Known {
                    is_in: true,
                    participants: joined.participants.iter().map(|one| one.id).collect(),
                    follows: None,
                };
            }
            ServerBody::Waiting(waiting) => {
                self.place = Some(Place {
                    participant: waiting.participant,
                    secret: waiting.secret.clone(),
                });
                self.told = Known::default();
            }
            ServerBody::Roster(roster) => self.told.note(roster),
            _ => {}
        }
    }

    /// What is told there as people here know it; none for what is not for them.
    fn known_here(&self, mut body: ServerBody) -> Option<ServerBody> {
        let server = self.server.clone();
        let name = |cid: &mut String| *cid = format!("{cid}@{server}");
        match &mut body {
            ServerBody::Joined(joined) => {
                name(&mut joined.room.cid);
                let media = self.hub.media_engine();
                joined.ice_servers = media.ice_servers(joined.participant, self.connections.outside);
            }
            ServerBody::Waiting(waiting) => name(&mut waiting.room.cid),
            ServerBody::Room(room) => name(&mut room.cid),
            ServerBody::Refused(_)
            | ServerBody::Roster(_)
            | ServerBody::Listed(_)
            | ServerBody::Chat(_)
            | ServerBody::ChatChanged(_)
            | ServerBody::ChatEarlier(_)
            | ServerBody::Writing(_)
            | ServerBody::Readers(_)
            | ServerBody::Called(_)
            | ServerBody::Watchers(_)
            | ServerBody::Removed(_)
            | ServerBody::Invitations(_)
            | ServerBody::OwnLayout(_)
            | ServerBody::Ended(_) => {}
            // Of media this node tells, and of everything else this server.
            ServerBody::Changed { .. }
            | ServerBody::Presence { .. }
            | ServerBody::PartnerPresence { .. }
            | ServerBody::Answer(_)
            | ServerBody::Lost(_)
            | ServerBody::Slots(_)
            | ServerBody::Speaking(_)
            | ServerBody::Layers(_)
            | ServerBody::Quality(_) => return None,
        }
        Some(body)
    }

    fn attendee(&self) -> Attendee {
        Attendee {
            user: self.user.clone(),
            server: self.server.clone(),
            room: self.join.room.clone(),
            run: self.newcomer.run,
        }
    }

    fn came(&mut self) {
        self.is_in = true;
        if let Some(abroad) = self.hub.abroad() {
            abroad.came(&self.attendee());
        }
    }

    /// A conference takes what a call of two does not.
    async fn look_whether_widened(&mut self) -> Result<(), Refused> {
        let abroad = self.hub.abroad().cloned();
        match abroad.filter(|_| std::mem::take(&mut self.is_widened)) {
            Some(abroad) => abroad.widened(&self.attendee()).await,
            None => Ok(()),
        }
    }

    async fn permit(&mut self, permitted: Permitted) {
        let Permitted {
            hall,
            inside,
            flow,
            only,
            ..
        } = permitted;
        if self.hall.as_ref().is_none_or(|known| known.name != hall) {
            self.enter_hall(hall).await;
        }
        self.permit = Permit { inside, flow, only };
        if self.permit.inside {
            self.connections.allow(flow).await;
            self.connections.only(self.permit.only.clone()).await;
        } else {
            self.connections.close_all().await;
        }
    }

    async fn enter_hall(&mut self, name: String) {
        if let Some(before) = self.hall.take() {
            self.connections.close_all().await;
            self.hub.leave_hall(&before.name, self.newcomer.run);
        }
        let Some(abroad) = self.hub.abroad() else { return };
        match abroad.enter_hall(&self.server, &name) {
            Ok(kept) => {
                self.hub.enter_hall(&name, self.newcomer.run);
                self.hall = Some(Entered { name, _kept: kept });
            }
            Err(why) => {
                tracing::warn!(server = %self.server, reason = why.detail, "media of another server's conference cannot be had")
            }
        }
    }

    /// Takes the place up again there.
    async fn come_back(&mut self, told: &mut mpsc::UnboundedReceiver<Told>) -> Back {
        let Some(abroad) = self.hub.abroad().cloned() else {
            return Back::Gone;
        };
        let since = Instant::now();
        let mut pause = Duration::ZERO;
        let join = Join {
            resume: self.place.clone(),
            ..self.join.clone()
        };
        let (server, user) = (self.server.clone(), self.user.clone());
        loop {
            let (before, from) = (pause, self.newcomer.address());
            let attended = async {
                tokio::time::sleep(before).await;
                abroad.attend(&server, &user, from, join.clone()).await
            };
            tokio::pin!(attended);
            let attended = loop {
                tokio::select! {
                    attended = &mut attended => break attended,
                    told = told.recv() => {
                        let Some(told) = told else { return Back::Gone };
                        // Media of this node goes on; what is for the other server is refused.
                        match self.hear_client(told).await {
                            None | Some(End::Lost) => {}
                            Some(_) => return Back::Gone,
                        }
                    }
                }
            };
            match attended {
                // It was asked for who came from elsewhere: once more.
                Ok(_) if self.newcomer.address() != from => {}
                Ok(attendance) => {
                    self.attendance = attendance;
                    return Back::In;
                }
                Err(why) if why.code == Refusal::Unavailable && since.elapsed() < RETURN_WITHIN => {
                    pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                }
                Err(why) => return Back::Refused(why),
            }
        }
    }

    fn media(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Speaking(_, speaking) => {
                if self.permit.inside {
                    self.tell(ServerBody::Speaking(speaking));
                }
            }
            event => self.connections.media(event),
        }
    }

    fn tell(&self, body: ServerBody) {
        self.newcomer.tell.send(body).ok();
    }
}
