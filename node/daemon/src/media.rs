//! Media sessions of this node: who may begin one, whose it is, and that it ends with the sign-in behind it.

mod gate;
mod key;
mod place;
mod rate;
mod watch;

use crate::{
    addresses,
    config::Config,
    limits::{Direction, Limiter, Whose},
    meetings::{allow, flow_of},
    outside::Seatless,
    server::Server,
    turn::Turn,
};
use async_trait::async_trait;
use gate::concerns_meetings;
use place::Place;
use plenary_access::{Session, TokenHash, UserRow};
use plenary_conference::{Visitor, Way, door};
use plenary_media_io::{
    Allow, Cascade, Client, Engine, EngineError, Event, Opening, Part as EnginePart, ParticipantId,
    SessionKey,
};
use plenary_model::{Cid, UserName};
use plenary_rest_api::{backend::ReadError, token_hash};
use plenary_signalling::meeting;
use plenary_store::{Changes, queries};
use plenary_whip::{Backend, Caller, IceServer, MediaError, Opened, Part, Refused, SessionId, Watch};
use rate::{camera_fps, with_rate};
use std::{
    collections::BTreeMap,
    net::{IpAddr, TcpListener, UdpSocket},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::{broadcast, mpsc};
use watch::Watched;
pub(crate) use watch::unwatch;

/// Media sessions that one account may have on this node at once.
const SESSIONS_OF_USER: usize = 32;
/// How soon a session ends whose sign-in has ended, whose account was disabled or whose room is gone.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Of a session that may not send.
const NOTHING: Allow = Allow {
    voice: false,
    camera: false,
    content: false,
};

/// Addresses that clients are told at most: each costs them checks.
const ADDRESSES: usize = 8;

/// Starts the media engine; the receiver gets what it tells.
pub(crate) fn start(
    config: &Config,
    socket: UdpSocket,
    listener: TcpListener,
    cascade: Cascade,
) -> anyhow::Result<(Engine, mpsc::UnboundedReceiver<Event>)> {
    let mut addresses = config.advertise.media.clone();
    let listen = socket.local_addr()?.ip();
    if addresses.is_empty() && listen.is_unspecified() {
        addresses = addresses::own_addresses();
        addresses.retain(|ip| ip.is_ipv4() || listen.is_ipv6());
        if addresses.iter().any(|ip| !ip.is_loopback()) {
            addresses.retain(|ip| !ip.is_loopback());
        }
        addresses.truncate(ADDRESSES);
    }
    let (events, receiver) = mpsc::unbounded_channel();
    let options = plenary_media_io::Options {
        addresses,
        threads: config.media.threads,
        marks: config.media.marks(),
        ..plenary_media_io::Options::default()
    };
    Ok((
        Engine::start(socket, Some(listener), Some(cascade), options, events)?,
        receiver,
    ))
}

/// What is known of a session that is open.
#[derive(Clone)]
struct Held {
    key: SessionKey,
    cid: Cid,
    /// As the conference was called when it began: the address of the session.
    called: Cid,
    user: UserName,
    token: TokenHash,
    /// Where the program comes from.
    address: IpAddr,
    outside: bool,
    /// This side's ICE name: the entity tag.
    ice: String,
    /// What of it the engine was told may flow.
    allow: Allow,
    /// Of who publishes: in the roster of the meeting, so that all see who is there.
    place: Option<Place>,
    /// Of who watches.
    watched: Option<Watched>,
}

/// The media engine with what the server knows of its users.
pub(crate) struct MediaDoor {
    server: Arc<Server>,
    engine: Engine,
    turn: Arc<Turn>,
    limiter: Arc<Limiter>,
    held: Mutex<BTreeMap<String, Held>>,
    asked: Mutex<Asked>,
}

/// Questions to the leader in the second that runs.
struct Asked {
    since: Instant,
    count: u32,
}

/// Whoever comes with something that this node does not know costs a question to the leader: so many a second.
const QUESTIONS: u32 = 50;

impl Asked {
    fn may_ask(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            *self = Self { since: now, count: 0 };
        }
        self.count += 1;
        self.count <= QUESTIONS
    }
}

impl MediaDoor {
    pub(crate) fn new(server: Arc<Server>, engine: Engine, turn: Arc<Turn>, limiter: Arc<Limiter>) -> Self {
        Self {
            server,
            engine,
            turn,
            limiter,
            held: Mutex::default(),
            asked: Mutex::new(Asked {
                since: Instant::now(),
                count: 0,
            }),
        }
    }

    /// Ends sessions that may not be any more. Runs until the task is dropped.
    pub(crate) async fn watch(self: Arc<Self>, mut changes: broadcast::Receiver<Changes>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = look.tick() => self.end_those_without_right().await,
                changed = changes.recv() => match changed {
                    Ok(changes) if !concerns_meetings(&changes) => continue,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                },
            }
            self.allow_what_may_flow().await;
        }
    }

    /// Tells the engine what of those who publish may flow by now: who waits, or is on no podium, sends nothing.
    async fn allow_what_may_flow(&self) {
        let all: Vec<(String, Held)> = self
            .held()
            .iter()
            .map(|(name, held)| (name.clone(), held.clone()))
            .collect();
        for (name, held) in all {
            let Some(place) = held.place else {
                // Whom a moderator has removed sees nothing more.
                if self.is_shut_out(&name, &held).await {
                    self.end(&held).await;
                }
                continue;
            };
            let Some(now) = self.allowed(&held.cid, place).await else {
                continue;
            };
            if now == held.allow {
                continue;
            }
            if let Some(held) = self.held().get_mut(&name) {
                held.allow = now;
            }
            self.engine.allow(held.key, now).await.ok();
        }
    }

    /// What of a place may flow, as this node's copy has it; `None` if it is not there.
    async fn allowed(&self, cid: &Cid, place: Place) -> Option<Allow> {
        let (cid, id) = (
            cid.clone(),
            plenary_conference::ParticipantId(place.participant.0),
        );
        let found = self.server.query(move |db| {
            let conference = queries::conference(db, &cid)?;
            Ok(conference.zip(queries::participant(db, &cid, id)?))
        });
        let (conference, participant) = found.await.ok()??;
        Some(allow(flow_of(&conference, &participant)))
    }

    /// Whether somebody publishes here by this place.
    pub(crate) fn has(&self, participant: meeting::ParticipantId) -> bool {
        let held = self.held();
        let mut places = held.values().filter_map(|held| held.place);
        places.any(|place| place.participant == participant)
    }

    /// Sessions that were begun here and are not over.
    pub(crate) fn sessions(&self) -> usize {
        self.held().len()
    }

    /// Ends all sessions.
    pub(crate) async fn end_all(&self) {
        let all: Vec<SessionKey> = self.held().values().map(|held| held.key).collect();
        for key in all {
            // An engine that has ended has ended them too.
            self.engine.close(key).await.ok();
        }
    }

    /// A session of the engine is over.
    pub(crate) fn over(&self, key: SessionKey) {
        let mut held = self.held();
        let name = held
            .iter()
            .find(|(_, held)| held.key == key)
            .map(|(name, _)| name.clone());
        if let Some(over) = name.and_then(|name| held.remove(&name)) {
            self.free(over);
        }
    }

    async fn end_those_without_right(&self) {
        let all: Vec<(String, Held)> = self
            .held()
            .iter()
            .map(|(name, held)| (name.clone(), held.clone()))
            .collect();
        for (name, held) in all {
            let who = self
                .look_up((held.token, held.address), &held.cid, way_of(&held))
                .await;
            // Where the server cannot tell, a running session goes on.
            let may_not = matches!(
                who,
                Err(Refused::NotSignedIn
                    | Refused::NotFound
                    | Refused::Forbidden(_)
                    | Refused::KeptOut { .. })
            );
            if may_not || self.has_no_seat(&held).await || self.is_shut_out(&name, &held).await {
                self.end(&held).await;
            }
        }
    }

    async fn end(&self, held: &Held) {
        tracing::info!(user = %held.user, "a media session ends: it may not be any more");
        self.engine.close(held.key).await.ok();
    }

    /// Whether the place of who publishes, or the seat of who watches, was taken away.
    async fn has_no_seat(&self, held: &Held) -> bool {
        let Some(place) = held.place else {
            return !self.server.holds_pro(&held.user).await.unwrap_or(true);
        };
        let cid = held.cid.clone();
        let id = plenary_conference::ParticipantId(place.participant.0);
        let found = self
            .server
            .query(move |db| queries::participant(db, &cid, id))
            .await;
        matches!(found, Ok(None))
    }

    fn ice_servers(&self, user: &UserName, outside: bool) -> Vec<IceServer> {
        let servers = self.turn.servers(user.as_str(), outside, SystemTime::now());
        let server = |server: meeting::IceServer| IceServer {
            urls: server.urls,
            credentials: server.username.zip(server.credential),
        };
        servers.into_iter().map(server).collect()
    }

    fn may_ask(&self) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.may_ask(Instant::now())
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token it is, if they may enter the room: as this node's copy of the state has it.
    async fn look_up(
        &self,
        (token, from): (TokenHash, IpAddr),
        cid: &Cid,
        way: Way,
    ) -> Result<UserName, Refused> {
        let (now, cid) = (self.server.now_ms(), cid.clone());
        let found = self.server.query(move |db| {
            let session = queries::session(db, &token, now)?;
            let operator = match &session {
                Some((session, _)) => queries::is_operator(db, &session.user, Some(from))?,
                None => false,
            };
            Ok((session, queries::conference(db, &cid)?, operator))
        });
        let (session, conference, operator) = found.await.map_err(|_: ReadError| Refused::Unavailable)?;
        let user = signed_in(session)?;
        let conference = conference.ok_or(Refused::NotFound)?;
        let visitor = Visitor::Account {
            user: &user,
            operator,
            called_at: None,
        };
        door(&conference, visitor, way).map_err(gate::closed)?;
        Ok(user)
    }

    /// The same; what this node does not know yet may have happened on another one a moment ago.
    async fn who(&self, by: &Caller, cid: &Cid, way: Way) -> Result<UserName, Refused> {
        let known = (token_hash(&by.token), by.address);
        match self.look_up(known, cid, way).await {
            Err(Refused::NotSignedIn | Refused::NotFound) => {
                if !self.may_ask() {
                    return Err(Refused::Unavailable);
                }
                self.server
                    .replica
                    .read_index()
                    .await
                    .map_err(|_| Refused::Unavailable)?;
                self.look_up(known, cid, way).await
            }
            known => known,
        }
    }

    /// A session by its name in URLs, if it is this user's in this room.
    async fn find(&self, by: &Caller, cid: &Cid, session: &SessionId) -> Result<Held, MediaError> {
        let held = self.held().get(&session.0).cloned();
        let held = held.filter(|held| held.called == *cid);
        let key = match &held {
            Some(held) => held.cid.clone(),
            None => self.key_for(&by.token, cid).await.map_err(MediaError::Refused)?,
        };
        let user = self
            .who(by, &key, Way::Publish)
            .await
            .map_err(MediaError::Refused)?;
        held.filter(|held| held.user == user).ok_or(MediaError::NotFound)
    }
}

fn way_of(held: &Held) -> Way {
    match held.place {
        Some(_) => Way::Publish,
        None => Way::Watch,
    }
}

fn signed_in(session: Option<(Session, UserRow)>) -> Result<UserName, Refused> {
    match session {
        Some((session, row)) if row.user.active => Ok(session.user),
        _ => Err(Refused::NotSignedIn),
    }
}

fn seatless(why: Seatless) -> MediaError {
    match why {
        Seatless::NoSeat(reason) => MediaError::NoSeat(reason),
        Seatless::Unavailable => MediaError::Refused(Refused::Unavailable),
    }
}

fn engine_error(error: EngineError) -> MediaError {
    match error {
        EngineError::BadOffer(reason) => MediaError::BadOffer(reason),
        EngineError::Full => MediaError::Full,
        EngineError::Gone => MediaError::NotFound,
        EngineError::Stopped => MediaError::Stopped,
    }
}

#[async_trait]
impl Backend for MediaDoor {
    async fn may(&self, by: &Caller, cid: &Cid, part: &Part) -> Result<(), Refused> {
        let way = match part {
            Part::Publish => Way::Publish,
            Part::Watch(_) => Way::Watch,
        };
        let cid = self.key_for(&by.token, cid).await?;
        self.who(by, &cid, way).await.map(|_| ())
    }

    async fn open(&self, by: &Caller, cid: &Cid, part: Part, offer: String) -> Result<Opened, MediaError> {
        let way = match part {
            Part::Publish => Way::Publish,
            Part::Watch(_) => Way::Watch,
        };
        let called = cid;
        let cid = &self
            .key_for(&by.token, called)
            .await
            .map_err(MediaError::Refused)?;
        let user = self.who(by, cid, way).await.map_err(MediaError::Refused)?;
        if self.held().values().filter(|held| held.user == user).count() >= SESSIONS_OF_USER {
            return Err(MediaError::Full);
        }
        let (place, watched) = match part {
            Part::Publish => (Some(self.enter(cid, &user, by.address).await?), None),
            Part::Watch(_) => (None, Some(self.come_to_watch(cid, (&user, by.address)).await?)),
        };
        let direction = match place {
            Some(_) => Direction::In,
            None => Direction::Out,
        };
        let participant = place
            .map(|place| place.participant.0)
            .or(watched.map(|watched| watched.id));
        let allow = match place {
            // A place that is not to be seen here yet sends nothing until it is.
            Some(place) => self.allowed(cid, place).await.unwrap_or(NOTHING),
            None => NOTHING,
        };
        let (session, key) = (SessionId(crate::secret::random_password()), self.engine.key());
        let held = Held {
            key,
            cid: cid.clone(),
            called: called.clone(),
            user: user.clone(),
            token: token_hash(&by.token),
            address: by.address,
            outside: by.from_outside,
            ice: String::new(),
            allow,
            place,
            watched,
        };
        // Before it begins: it may be over at once.
        self.held().insert(session.0.clone(), held);
        let opening = Opening {
            key,
            room: cid.to_string(),
            participant: ParticipantId(participant.unwrap_or_default()),
            name: user.to_string(),
            client: Client::Program,
            part: match part {
                Part::Publish => EnginePart::Publish(Vec::new()),
                Part::Watch(Watch::Speakers) => EnginePart::Watch(None),
                Part::Watch(Watch::Participant(participant)) => EnginePart::Watch(Some(participant)),
            },
            allow,
            offer,
            outside: by.from_outside,
        };
        self.limiter
            .begin(key, Some(cid.clone()), Whose::User(user.clone()), direction);
        let fps = match place {
            Some(_) => camera_fps(&self.server, cid).await,
            None => 0,
        };
        let opened = self.engine.open(opening).await;
        if opened.is_ok() {
            self.limiter.begun(key).await;
            // What may flow may have changed while it was opened.
            let now = self.held().get(&session.0).map(|held| held.allow);
            if let Some(now) = now.filter(|now| *now != allow) {
                self.engine.allow(key, now).await.ok();
            }
        }
        let mut held = self.held();
        match opened {
            Ok(opened) => {
                if let Some(held) = held.get_mut(&session.0) {
                    held.ice.clone_from(&opened.ufrag);
                }
                Ok(Opened {
                    session,
                    answer: with_rate(self.limiter.told(key, opened.answer), fps),
                    ice: opened.ufrag,
                    ice_servers: self.ice_servers(&user, by.from_outside),
                })
            }
            Err(error) => {
                self.limiter.over(key);
                if let Some(over) = held.remove(&session.0) {
                    self.free(over);
                }
                Err(engine_error(error))
            }
        }
    }

    async fn change(
        &self,
        by: &Caller,
        cid: &Cid,
        session: &SessionId,
        before: Option<&str>,
        ufrag: &str,
        pwd: &str,
    ) -> Result<Option<Opened>, MediaError> {
        let held = self.find(by, cid, session).await?;
        self.check_still_there(&held, by).await?;
        if before.is_some_and(|before| before != "*" && before != held.ice) {
            return Err(MediaError::Stale);
        }
        let restarted = self.engine.restart(held.key, ufrag.to_owned(), pwd.to_owned());
        let Some(opened) = restarted.await.map_err(engine_error)? else {
            return Ok(None);
        };
        if let Some(held) = self.held().get_mut(&session.0) {
            held.ice.clone_from(&opened.ufrag);
        }
        Ok(Some(Opened {
            session: session.clone(),
            answer: opened.answer,
            ice: opened.ufrag,
            ice_servers: self.ice_servers(&held.user, held.outside),
        }))
    }

    async fn close(&self, by: &Caller, cid: &Cid, session: &SessionId) -> Result<(), MediaError> {
        let held = self.find(by, cid, session).await?;
        // The engine tells that it is over.
        match self.engine.close(held.key).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(MediaError::NotFound),
            Err(error) => Err(engine_error(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_unknown_tokens_is_no_flood_of_questions() {
        let start = Instant::now();
        let mut asked = Asked {
            since: start,
            count: 0,
        };
        let allowed = (0..1_000).filter(|_| asked.may_ask(start)).count();
        assert_eq!(allowed, 50);
        assert!(asked.may_ask(start + Duration::from_secs(1)));
    }
}
