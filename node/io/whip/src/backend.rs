//! What the daemon gives: who may, and what is then done.

use async_trait::async_trait;
use plenary_model::Cid;
use std::{fmt, net::IpAddr};

/// What a client comes for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Sends microphone, camera or content.
    Publish,
    /// Receives.
    Watch(Watch),
}

/// Whom a watcher sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// The k-th audio or video line gets the k-th of those who speak.
    Speakers,
    /// This participant, whether they speak or not.
    Participant(String),
}

/// The unguessable name of a session in URLs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionId(pub String);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session that has begun, or whose ICE began anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub session: SessionId,
    /// The answer (SDP).
    pub answer: String,
    /// Names the ICE session: its ufrag. The entity tag of RFC 9725 §4.3.2.
    pub ice: String,
    /// For clients that cannot reach this node themselves.
    pub ice_servers: Vec<IceServer>,
}

/// STUN or TURN servers, told in `Link` headers (RFC 9725 §4.6).
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:` and `turn:` URLs.
    pub urls: Vec<String>,
    /// Name and password.
    pub credentials: Option<(String, String)>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}

/// Why a client is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No token, or one that is wrong, expired or revoked.
    NotSignedIn,
    /// The right is missing; the words say which.
    Forbidden(&'static str),
    /// The door of the conference is closed to programs, or to this one; the code is that which people get.
    KeptOut { code: &'static str, words: &'static str },
    /// There is no such room.
    NotFound,
    /// The server cannot tell right now.
    Unavailable,
}

/// Why media cannot be had. The blast radius of each is this one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaError {
    Refused(Refused),
    /// There is no such room or session, or it is not this user's.
    NotFound,
    /// The offer is none that can be answered; the words say why.
    BadOffer(String),
    /// `If-Match` names an ICE session that is over.
    Stale,
    /// The node has no room for more.
    Full,
    /// The user has no seat with which to be in conferences; the words say what to do.
    NoSeat(String),
    /// The conference lets nobody in, or not this way. The code is that which people get; the words say what to do.
    KeptOut {
        code: String,
        words: String,
    },
    /// The media engine has ended.
    Stopped,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The bearer token of a session.
    pub token: String,
    /// From where; unspecified if the node does not know it.
    pub address: IpAddr,
    /// It came through a Border Controller.
    pub from_outside: bool,
}

/// Who may come, and the media engine behind.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Whether a caller may take this part in the room.
    async fn may(&self, by: &Caller, cid: &Cid, part: &Part) -> Result<(), Refused>;

    /// Answers an offer. Asks again whether it may be: the offer took its time.
    async fn open(&self, by: &Caller, cid: &Cid, part: Part, offer: String) -> Result<Opened, MediaError>;

    /// The client has (perhaps new) credentials; `before` is the entity tag it knows. `None`: nothing had to be done.
    async fn change(
        &self,
        by: &Caller,
        cid: &Cid,
        session: &SessionId,
        before: Option<&str>,
        ufrag: &str,
        pwd: &str,
    ) -> Result<Option<Opened>, MediaError>;

    /// Ends a session.
    async fn close(&self, by: &Caller, cid: &Cid, session: &SessionId) -> Result<(), MediaError>;
}
