//! The handle that the rest of the node has of the media threads.

use crate::{
    cascade::Cascade,
    figures::Reading,
    offer,
    outside::Outside,
    start::{self, Threads},
    steering::shard_of,
    terms::Terms,
};
use plenary_media::{Kbps, Kind, ParticipantId, allocation::Reason, room::Show};
use plenary_model::NodeId;
use plenary_udp::Marks;
use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot};

/// What the engine needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses that clients are told to send to; those of the machine where it is not behind a translator.
    pub addresses: Vec<IpAddr>,
    /// Sessions that this node takes.
    pub sessions: usize,
    /// Sessions that one room takes on this node.
    pub sessions_of_room: usize,
    /// Threads that rooms are spread over, each with a core's worth of work at most; 0 for as many as there are cores
    /// for this process. Never more than [`Options::MOST_THREADS`].
    pub threads: usize,
    /// How sound and pictures are marked for the network, where they go by UDP.
    pub marks: Marks,
}

impl Options {
    pub const MOST_THREADS: usize = 64;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            sessions: 4_000,
            sessions_of_room: 2_000,
            threads: 0,
            marks: Marks::default(),
        }
    }
}

/// Whom a session is for and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Of [`Engine::key`].
    pub key: SessionKey,
    /// Those of one room see and hear each other.
    pub room: String,
    /// Whose it is. A session that publishes takes the place of an earlier one of the same participant; so does one
    /// that receives.
    pub participant: ParticipantId,
    /// What watchers call whom they want to see.
    pub name: String,
    pub client: Client,
    pub part: Part,
    /// What of it may flow, if it publishes.
    pub allow: Allow,
    /// The client's offer (SDP).
    pub offer: String,
    /// The client is outside: it is told of the addresses of Border Controllers alone, where there are any.
    pub outside: bool,
}

/// Who is at the other end: DTLS is another with programs (docs/decisions/0015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A browser in a meeting. Its certificate is ECDSA (RFC 8827 §6.5).
    Browser,
    /// A program that came by WHIP or WHEP. Its certificate may be RSA.
    Program,
}

/// What of a publishing session may flow: the rest counts as not sent, here and on all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allow {
    pub voice: bool,
    pub camera: bool,
    /// With its sound.
    pub content: bool,
}

impl Allow {
    /// All of it.
    pub const ALL: Self = Self {
        voice: true,
        camera: true,
        content: true,
    };

    pub(crate) fn kind(self, kind: Kind) -> bool {
        match kind {
            Kind::Audio => self.voice,
            Kind::Video => self.camera,
            Kind::Content | Kind::ContentAudio => self.content,
        }
    }
}

/// The most that a session may be sent, and send (USR-07, CONF-10); none where there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Of all that it is sent.
    pub receive: Option<Kbps>,
    /// Of all that it sends: sounds come first, then pictures from their smallest layers on.
    pub send: Option<Kbps>,
    /// The shorter side of pictures, in pixels.
    pub camera_height: Option<u16>,
    pub content_height: Option<u16>,
}

impl Limits {
    pub(crate) fn height(&self, kind: Kind) -> u16 {
        let height = match kind {
            Kind::Video => self.camera_height,
            Kind::Content => self.content_height,
            Kind::Audio | Kind::ContentAudio => None,
        };
        height.unwrap_or(0)
    }
}

/// What a session does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// What its lines carry; those that are not named are, in their order, a microphone, a camera and content.
    Publish(Vec<Line>),
    /// Whoever speaks, or the participant of this name: the node decides.
    Watch(Option<String>),
    /// Slots, for what is asked for by [`Engine::show`], and for voices.
    Receive(Vec<Line>),
}

/// What a line of an offer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub mid: String,
    pub kind: Kind,
}

/// What the engine tells of its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is over, however it came to that; nothing follows.
    Ended(SessionKey),
    /// These slots of a receiving session are filled by others now.
    Slots(SessionKey, Vec<Filled>),
    /// Nobody watches more than this layer of what a session publishes; `None`: nothing at all.
    Layers(SessionKey, Kind, Option<u8>),
    /// What a receiving session gets has changed.
    Quality(SessionKey, Quality),
    /// Who speaks in a room, the loudest first.
    Speaking(Arc<str>, Vec<ParticipantId>),
}

/// Who fills a slot; nobody where it is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    pub mid: String,
    pub kind: Kind,
    pub participant: Option<ParticipantId>,
}

/// What the network to a receiver bears, and what each of its slots for pictures carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quality {
    pub estimate: Kbps,
    pub slots: Vec<Carried>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    pub mid: Arc<str>,
    pub carries: Result<Carries, Reason>,
}

/// A spatial layer and its height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carries {
    pub layer: u8,
    pub height: u16,
}

/// A session of this engine; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub u64);

/// A session that has begun, or whose ICE began anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub key: SessionKey,
    /// The answer (SDP).
    pub answer: String,
    /// This side's ICE name.
    pub ufrag: String,
}

/// Why a session does not begin or change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("the offer cannot be answered: {0}")]
    BadOffer(String),
    #[error("there are as many sessions as the node or the room takes")]
    Full,
    #[error("the session is over")]
    Gone,
    #[error("the media thread of its room has ended")]
    Stopped,
}

pub(crate) enum Command {
    Open(Opening, oneshot::Sender<Result<Opened, EngineError>>),
    Restart {
        key: SessionKey,
        ufrag: String,
        pwd: String,
        /// `None` where the credentials are those of before.
        answer: oneshot::Sender<Result<Option<Opened>, EngineError>>,
    },
    Negotiate {
        key: SessionKey,
        offer: String,
        lines: Vec<Line>,
        answer: oneshot::Sender<Result<Opened, EngineError>>,
    },
    Show(SessionKey, Vec<Show>),
    Allow(SessionKey, Allow),
    Limit(SessionKey, Limits),
    Terms(String, NodeId, Option<Terms>),
    Close(SessionKey, oneshot::Sender<bool>),
    /// Says goodbye to all and ends.
    Stop(oneshot::Sender<()>),
    /// Panics, as a fault of ours would.
    #[cfg(test)]
    Fail,
}

/// All media of a node; clones are of the same.
#[derive(Clone)]
pub struct Engine {
    pub(crate) threads: Arc<Threads>,
    last_key: Arc<AtomicU64>,
}

impl Engine {
    /// Starts the media threads on this socket, and for networks that let no UDP through this listener. Where there are
    /// several threads, more sockets are bound to the same address; nobody else's is among them if this one was bound
    /// as usual, to be the only one.
    /// With `cascade` rooms span nodes. `events` must be read: what it holds is not bounded.
    pub fn start(
        socket: UdpSocket,
        listener: Option<TcpListener>,
        cascade: Option<Cascade>,
        options: Options,
        events: mpsc::UnboundedSender<Event>,
    ) -> io::Result<Self> {
        Ok(Self {
            threads: Arc::new(start::start(socket, listener, cascade, options, events)?),
            last_key: Arc::default(),
        })
    }

    /// For clients that come by another way than the socket.
    pub fn outside(&self) -> Outside {
        Outside::new(self.clone())
    }

    /// Where it listens.
    pub fn local(&self) -> SocketAddr {
        self.threads.local
    }

    pub fn figures(&self) -> Reading {
        Reading::sum(self.threads.figures.iter().map(|figures| figures.read()))
    }

    /// Those of each thread, to see how even the work is. What belongs to none of them is missing.
    pub fn figures_of_threads(&self) -> Vec<Reading> {
        let shards = self.threads.commands.len();
        let figures = self.threads.figures.iter().take(shards);
        figures.map(|figures| figures.read()).collect()
    }

    /// A key for the next session, so that who opens it knows whose it is before the engine tells anything of it.
    pub fn key(&self) -> SessionKey {
        SessionKey(self.last_key.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Begins a session and answers its offer.
    pub async fn open(&self, mut opening: Opening) -> Result<Opened, EngineError> {
        offer::check(&opening.offer).map_err(EngineError::BadOffer)?;
        opening.offer = offer::without_candidates(&opening.offer);
        let shard = shard_of(&opening.room, self.threads.commands.len());
        self.ask(shard, |answer| Command::Open(opening, answer)).await?
    }

    /// Begins the ICE of a program's session anew if it has new credentials (RFC 8838). Browsers offer anew.
    pub async fn restart(
        &self,
        key: SessionKey,
        ufrag: String,
        pwd: String,
    ) -> Result<Option<Opened>, EngineError> {
        self.ask(self.shard(key), |answer| Command::Restart {
            key,
            ufrag,
            pwd,
            answer,
        })
        .await?
    }

    /// Negotiates a session anew: new ICE credentials, more lines.
    pub async fn negotiate(
        &self,
        key: SessionKey,
        offer: String,
        lines: Vec<Line>,
    ) -> Result<Opened, EngineError> {
        offer::check(&offer).map_err(EngineError::BadOffer)?;
        let offer = offer::without_candidates(&offer);
        self.ask(self.shard(key), |answer| Command::Negotiate {
            key,
            offer,
            lines,
            answer,
        })
        .await?
    }

    /// What a receiving session shows from now on, the most important first. Without effect on one that is over.
    pub async fn show(&self, key: SessionKey, shows: Vec<Show>) -> Result<(), EngineError> {
        self.send(self.shard(key), Command::Show(key, shows)).await
    }

    /// What of a publishing session may flow from now on. Without effect on one that is over.
    pub async fn allow(&self, key: SessionKey, allow: Allow) -> Result<(), EngineError> {
        self.send(self.shard(key), Command::Allow(key, allow)).await
    }

    /// The most that a session may be sent, and send, from now on. Without effect on one that is over.
    pub async fn limit(&self, key: SessionKey, limits: Limits) -> Result<(), EngineError> {
        self.send(self.shard(key), Command::Limit(key, limits)).await
    }

    /// What may cross a link to another server (`plenary_cascade::partner_link`) of a room from now on; `None`: nothing.
    /// It holds whether the link is up or not. What ends by it ends at once.
    pub async fn terms(&self, room: &str, link: NodeId, terms: Option<Terms>) -> Result<(), EngineError> {
        let shard = shard_of(room, self.threads.commands.len());
        self.send(shard, Command::Terms(room.to_owned(), link, terms))
            .await
    }

    /// Ends a session. `false` if it is over already.
    pub async fn close(&self, key: SessionKey) -> Result<bool, EngineError> {
        self.ask(self.shard(key), |answer| Command::Close(key, answer))
            .await
    }

    /// Says goodbye to all sessions and ends the threads.
    pub async fn stop(&self) {
        let mut stopping = Vec::new();
        for shard in 0..self.threads.commands.len() {
            let (done, waiting) = oneshot::channel();
            if self.send(shard, Command::Stop(done)).await.is_ok() {
                stopping.push(waiting);
            }
        }
        for waiting in stopping {
            waiting.await.ok();
        }
    }

    /// The shard of a session, or any that says that it is over.
    fn shard(&self, key: SessionKey) -> usize {
        self.threads.steering.of_key(key)
    }

    async fn send(&self, shard: usize, command: Command) -> Result<(), EngineError> {
        let commands = self.threads.commands.get(shard).ok_or(EngineError::Stopped)?;
        commands.send(command).await.map_err(|_| EngineError::Stopped)
    }

    async fn ask<T>(
        &self,
        shard: usize,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, EngineError> {
        let (answer, waiting) = oneshot::channel();
        self.send(shard, command(answer)).await?;
        waiting.await.map_err(|_| EngineError::Stopped)
    }
}
