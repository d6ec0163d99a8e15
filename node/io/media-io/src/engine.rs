//! The handle that the rest of the node has of the media thread.

use crate::{
    figures::{Figures, Reading},
    offer,
    peer::Ground,
    shard::Shard,
};
use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::Arc,
};
use tokio::sync::{mpsc, oneshot};

/// Commands that may wait for the media thread.
const QUEUE: usize = 256;

/// What the engine needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses that clients are told to send to; those of the machine where it is not behind a translator.
    pub addresses: Vec<IpAddr>,
    /// Sessions that this node takes.
    pub sessions: usize,
    /// Sessions that one room takes on this node.
    pub sessions_of_room: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            sessions: 4_000,
            sessions_of_room: 2_000,
        }
    }
}

/// Whom a session is for and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Those of one room see and hear each other.
    pub room: String,
    /// Who it is, for watchers that want to see only them.
    pub participant: String,
    pub part: Part,
    /// The client's offer (SDP).
    pub offer: String,
}

/// What a session does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Publish,
    /// Whoever speaks, or the participant of this name.
    Watch(Option<String>),
}

/// A session of this engine; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub(crate) u64);

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
    #[error("the media thread has ended")]
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
    Close(SessionKey, oneshot::Sender<bool>),
    /// Says goodbye to all and ends.
    Stop(oneshot::Sender<()>),
}

/// All media of a node; clones are of the same.
#[derive(Clone)]
pub struct Engine {
    commands: mpsc::Sender<Command>,
    figures: Arc<Figures>,
    local: SocketAddr,
}

impl Engine {
    /// Starts the media thread on this socket. `ended` is told of each session that is over, however it came to that.
    pub fn start(
        socket: UdpSocket,
        options: Options,
        ended: mpsc::UnboundedSender<SessionKey>,
    ) -> io::Result<Self> {
        let provider = str0m::crypto::from_feature_flags();
        let certificate = provider
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| io::Error::other("no DTLS certificate could be made"))?;
        let local = socket.local_addr()?;
        let mut addresses = options.addresses.clone();
        if addresses.is_empty() && !local.ip().is_unspecified() {
            addresses.push(local.ip());
        }
        let candidates = addresses
            .iter()
            .map(|ip| SocketAddr::new(*ip, local.port()))
            .collect();
        let ground = Ground {
            certificate,
            candidates,
        };
        let figures = Arc::new(Figures::default());
        let (commands, inbox) = mpsc::channel(QUEUE);
        let (theirs, started) = (figures.clone(), std::sync::mpsc::channel());
        let (tell, told) = started;
        std::thread::Builder::new().name("media".into()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let made = {
                let _within = runtime.enter();
                Shard::new(socket, ground, options, theirs, ended)
            };
            match made {
                Ok(shard) => {
                    drop(tell.send(Ok(())));
                    runtime.block_on(shard.run(inbox));
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        })?;
        told.recv()
            .unwrap_or_else(|_| Err(io::Error::other("the media thread did not start")))?;
        Ok(Self {
            commands,
            figures,
            local,
        })
    }

    /// Where it listens.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub fn figures(&self) -> Reading {
        self.figures.read()
    }

    /// Begins a session and answers its offer.
    pub async fn open(&self, mut opening: Opening) -> Result<Opened, EngineError> {
        offer::check(&opening.offer).map_err(EngineError::BadOffer)?;
        opening.offer = offer::without_candidates(&opening.offer);
        self.ask(|answer| Command::Open(opening, answer)).await?
    }

    /// Begins a session's ICE anew if the client has new credentials (RFC 8838).
    pub async fn restart(
        &self,
        key: SessionKey,
        ufrag: String,
        pwd: String,
    ) -> Result<Option<Opened>, EngineError> {
        self.ask(|answer| Command::Restart {
            key,
            ufrag,
            pwd,
            answer,
        })
        .await?
    }

    /// Ends a session. `false` if it is over already.
    pub async fn close(&self, key: SessionKey) -> Result<bool, EngineError> {
        self.ask(|answer| Command::Close(key, answer)).await
    }

    /// Says goodbye to all sessions and ends the thread.
    pub async fn stop(&self) {
        self.ask(Command::Stop).await.ok();
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, EngineError> {
        let (answer, waiting) = oneshot::channel();
        let sent = self.commands.send(command(answer)).await;
        sent.map_err(|_| EngineError::Stopped)?;
        waiting.await.map_err(|_| EngineError::Stopped)
    }
}
