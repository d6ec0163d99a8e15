//! A client that comes by TURN over TLS (RFC 8656 §3.1), from a network that lets nothing else out.
//!
//! ```text
//!  stream ─frame─► message ─► Relay (turn-server-proto) ─► for a peer: is it this controller's media? ─► as if by UDP from the
//!                                                          │ no                                          relayed address
//!                                                          └► nowhere
//! ```
//! No socket is opened for a relayed address: it is a number at the address of the controller's media, by which the router of media
//! knows the client. So a client reaches nothing but the controller's own media, whatever peers it asks for.
//!
//! Invariants: nothing is relayed without an allocation, and there is none without the password; one connection has one user, and one
//! relayed address of each family.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};
use turn_server_proto::{
    api::{SocketAllocateError, Transmit, TurnServerApi as _, TurnServerPollRet},
    server::TurnServer,
    stun::types::{
        AddressFamily, TransportType,
        attribute::{AttributeFromRaw as _, ErrorCode},
        message::{Message, MessageClass, MessageWrite as _, MessageWriteExt as _, MessageWriteVec},
    },
    types::{
        Instant as Moment,
        attribute::XorPeerAddress,
        message::{CHANNEL_BIND, CREATE_PERMISSION},
    },
};

/// The longest message of a client: the longest datagram of media, and what is written around it.
pub const LONGEST: usize = crate::frame::LONGEST + 128;
const STUN_HEAD: usize = 20;
const CHANNEL_HEAD: usize = 4;
/// Of RFC 8489 §5.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

/// The next message of a stream (RFC 8656 §12.4, RFC 8489 §6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed {
    /// So many bytes are the message; with what fills up to four it takes so many of the stream.
    Whole { message: usize, taken: usize },
    /// It is not whole before there are so many bytes.
    Needs(usize),
}

/// What is no TURN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no TURN")]
pub struct NoTurn;

/// # Errors
/// [`NoTurn`] for what begins as something else, or is longer than [`LONGEST`].
pub fn framed(stream: &[u8]) -> Result<Framed, NoTurn> {
    let Some((head, _)) = stream.split_first_chunk::<CHANNEL_HEAD>() else {
        return Ok(Framed::Needs(CHANNEL_HEAD));
    };
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let message = match head[0] {
        0..=0x3f if length.is_multiple_of(4) && stream.get(4..8).is_none_or(|cookie| cookie == COOKIE) => {
            STUN_HEAD + length
        }
        0x40..=0x4f => CHANNEL_HEAD + length,
        _ => return Err(NoTurn),
    };
    let taken = message.next_multiple_of(4);
    if taken > LONGEST {
        return Err(NoTurn);
    }
    Ok(if stream.len() < taken {
        Framed::Needs(taken)
    } else {
        Framed::Whole { message, taken }
    })
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// To be written to the client's stream.
    Answer(Vec<u8>),
    /// Media for this controller, from a relayed address.
    Media {
        relayed: SocketAddr,
        bytes: Vec<u8>,
    },
    /// For somebody else.
    Elsewhere,
    Nothing,
}

/// One client's allocation.
#[derive(Debug)]
pub struct Relay {
    server: TurnServer,
    here: SocketAddr,
    client: SocketAddr,
    /// Where this controller takes media.
    media: Vec<SocketAddr>,
    began: Instant,
}

impl Relay {
    /// `here` and `client`: the ends of the stream; `media`: where this controller takes media; `users`: who may, and their passwords.
    pub fn new(
        realm: &str,
        (here, client): (SocketAddr, SocketAddr),
        media: Vec<SocketAddr>,
        users: impl IntoIterator<Item = (String, String)>,
        now: Instant,
    ) -> Self {
        // Of messages, not of a stream: where they begin is known before.
        let mut server = TurnServer::new(TransportType::Udp, here, realm.to_owned());
        for (user, password) in users {
            server.add_user(user, password);
        }
        Self {
            server,
            here,
            client,
            media,
            began: now,
        }
    }

    fn moment(&self, now: Instant) -> Moment {
        let since = now.saturating_duration_since(self.began).as_nanos();
        Moment::from_nanos(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// A message of the client.
    pub fn hear(&mut self, message: &[u8], now: Instant) -> Heard {
        if let Some(answer) = self.forbid(message) {
            return Heard::Answer(filled(answer));
        }
        let come = Transmit::new(message, TransportType::Udp, self.client, self.here);
        let now = self.moment(now);
        let Some(sent) = self.server.recv(come, now) else {
            return Heard::Nothing;
        };
        let sent = sent.build();
        if sent.from == self.here {
            Heard::Answer(filled(sent.data))
        } else if self.media.contains(&sent.to) {
            Heard::Media {
                relayed: sent.from,
                bytes: sent.data,
            }
        } else {
            Heard::Elsewhere
        }
    }

    /// 403 to who wants to reach anybody else (RFC 8656 §9.2, §12.2): so that there is never more than one permission and channel for
    /// each address of this controller.
    fn forbid(&self, message: &[u8]) -> Option<Vec<u8>> {
        let asked = Message::from_bytes(message).ok()?;
        let has_ports = match asked.method() {
            CREATE_PERMISSION => false,
            CHANNEL_BIND => true,
            _ => return None,
        };
        if !asked.has_class(MessageClass::Request) {
            return None;
        }
        let ours = |peer: SocketAddr| {
            let same = |media: &SocketAddr| *media == peer || !has_ports && media.ip() == peer.ip();
            self.media.iter().any(same)
        };
        let mut peers = asked.iter_attributes().filter_map(|(_, attribute)| {
            let peer = XorPeerAddress::from_raw(attribute).ok()?;
            Some(peer.addr(asked.transaction_id()))
        });
        if peers.all(ours) {
            return None;
        }
        let error = ErrorCode::builder(ErrorCode::FORBIDDEN).build().ok()?;
        let mut answer = Message::builder_error(&asked, MessageWriteVec::new());
        answer.add_attribute(&error).ok()?;
        Some(answer.finish())
    }

    /// Media for the client, from this controller to its relayed address; what is to be written to its stream.
    pub fn tell(&mut self, relayed: SocketAddr, bytes: &[u8], now: Instant) -> Option<Vec<u8>> {
        let from = self
            .media
            .iter()
            .find(|media| media.is_ipv4() == relayed.is_ipv4())?;
        let come = Transmit::new(bytes, TransportType::Udp, *from, relayed);
        let now = self.moment(now);
        let sent = self.server.recv(come, now)?;
        Some(filled(sent.build().data))
    }

    /// Does what is due: `give` gives a relayed address beside one of these, `take` takes one back. Gives what is to be written to the
    /// client's stream. To be called after each message, and every few seconds.
    pub fn poll(
        &mut self,
        now: Instant,
        mut give: impl FnMut(IpAddr) -> Option<SocketAddr>,
        mut take: impl FnMut(SocketAddr),
    ) -> Vec<Vec<u8>> {
        let now = self.moment(now);
        loop {
            match self.server.poll(now) {
                TurnServerPollRet::AllocateSocket {
                    transport,
                    listen_addr,
                    client_addr,
                    allocation_transport,
                    family,
                } => {
                    let given = self
                        .beside(family)
                        .and_then(|media| give(media).ok_or(SocketAllocateError::InsufficientCapacity));
                    self.server.allocated_socket(
                        transport,
                        listen_addr,
                        client_addr,
                        allocation_transport,
                        family,
                        given,
                        now,
                    );
                }
                TurnServerPollRet::SocketClose { listen_addr, .. } => take(listen_addr),
                // None of TCP is ever asked for.
                TurnServerPollRet::TcpConnect { .. } | TurnServerPollRet::TcpClose { .. } => break,
                TurnServerPollRet::WaitUntil(_) => break,
            }
        }
        let mut leaving = Vec::new();
        while let Some(sent) = self.server.poll_transmit(now) {
            leaving.push(filled(sent.data));
        }
        leaving
    }

    fn beside(&self, family: AddressFamily) -> Result<IpAddr, SocketAllocateError> {
        let v4 = family == AddressFamily::IPV4;
        let media = self.media.iter().find(|media| media.is_ipv4() == v4);
        media
            .map(SocketAddr::ip)
            .ok_or(SocketAllocateError::AddressFamilyNotSupported)
    }
}

/// On a stream all is filled up to four bytes (RFC 8656 §12.5).
fn filled(mut message: Vec<u8>) -> Vec<u8> {
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

#[cfg(test)]
mod tests;
