//! Hands what came to the peer that it belongs to, and sends what that peer has to say.

use crate::{
    demux::{Address, Demux, Kind, kind_of, ufrag_of},
    figures::{Figures, add},
    peer::Happening,
    shard::Members,
    socket::{Outbox, Received},
    tcp::Tcp,
    timers::Timers,
};
use std::{net::IpAddr, time::Instant};
use str0m::net::{Protocol, Transmit};

/// What is needed to hand something to a peer.
pub(crate) struct Intake<'a> {
    pub(crate) demux: &'a mut Demux,
    pub(crate) members: &'a mut Members,
    pub(crate) timers: &'a mut Timers,
    pub(crate) outbox: &'a mut Outbox,
    pub(crate) tcp: Option<&'a Tcp>,
    pub(crate) happenings: &'a mut Vec<(usize, Happening)>,
    pub(crate) gone: &'a mut Vec<usize>,
    pub(crate) figures: &'a Figures,
    pub(crate) now: Instant,
}

impl Intake<'_> {
    /// Gives whether it belongs to a session of ours.
    pub(crate) fn take(&mut self, proto: Protocol, datagram: &Received<'_>) -> bool {
        add(&self.figures.received, 1);
        let Received {
            source,
            destination,
            bytes,
        } = *datagram;
        let kind = kind_of(bytes);
        let named = match kind {
            Kind::Stun => ufrag_of(bytes).and_then(|ufrag| self.demux.by_ufrag(ufrag)),
            Kind::Other => None,
            Kind::Foreign => {
                add(&self.figures.foreign, 1);
                return false;
            }
        };
        let Some(at) = named.or_else(|| self.demux.by_address((proto, source))) else {
            add(&self.figures.foreign, 1);
            return false;
        };
        let Some(member) = self.members.get_mut(at) else {
            return false;
        };
        if member.peer.receive(self.now, proto, source, destination, bytes) {
            self.drain(at, named.map(|_| (proto, source)));
        } else {
            self.gone.push(at);
        }
        true
    }

    /// `asked` sent a STUN request: an answer that it succeeded makes it an address of the peer.
    pub(crate) fn drain(&mut self, at: usize, asked: Option<Address>) {
        let Some(member) = self.members.get_mut(at) else {
            return;
        };
        let Self {
            outbox,
            tcp,
            happenings,
            figures,
            ..
        } = self;
        let mut believed = None;
        let send = |transmit: Transmit| {
            if asked == Some((transmit.proto, transmit.destination)) && is_success(&transmit.contents) {
                believed = asked;
            }
            if transmit.proto != Protocol::Udp {
                let sent = tcp.is_some_and(|tcp| tcp.send(transmit.destination, &transmit.contents));
                return add(
                    if sent {
                        &figures.sent
                    } else {
                        &figures.send_dropped
                    },
                    1,
                );
            }
            outbox.push(
                unspecified(transmit.source.ip()),
                transmit.destination,
                &transmit.contents,
            );
        };
        let tell = |happening| {
            if matches!(happening, Happening::Connected) {
                add(&figures.connected, 1);
            }
            happenings.push((at, happening));
        };
        match member.peer.drain(send, tell) {
            Some(deadline) => self.timers.set(at, &mut member.peer.noted, deadline),
            None => {
                add(&self.figures.failed, 1);
                self.gone.push(at);
            }
        }
        if let Some(address) = believed {
            self.demux.learn(address, at);
        }
    }
}

/// A success response to a binding request (RFC 8489 §5).
fn is_success(datagram: &[u8]) -> bool {
    datagram.starts_with(&[1, 1])
}

/// The address that clients are told may be a translator's; the system knows which of its own to send from.
fn unspecified(told: IpAddr) -> IpAddr {
    match told {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    }
}
