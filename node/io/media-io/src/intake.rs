//! Hands what came to the peer that it belongs to, and sends what that peer has to say.

use crate::{
    demux::{Address, Demux},
    exit::{Exit, Route},
    figures::add,
    peer::Happening,
    shard::Members,
    steering::Outgoing,
    timers::Timers,
};
use plenary_stun::{Kind, kind_of, ufrag_of};
use plenary_udp::Received;
use std::time::Instant;
use str0m::net::Protocol;

/// What is needed to hand something to a peer.
pub(crate) struct Intake<'a> {
    pub(crate) demux: &'a mut Demux,
    pub(crate) members: &'a mut Members,
    pub(crate) timers: &'a mut Timers,
    pub(crate) exit: Exit<'a>,
    pub(crate) happenings: &'a mut Vec<(usize, Happening)>,
    pub(crate) gone: &'a mut Vec<usize>,
    pub(crate) now: Instant,
}

impl Intake<'_> {
    /// Gives whether it belongs to a session of ours; what another shard knows goes to `outgoing`.
    pub(crate) fn take(
        &mut self,
        proto: Protocol,
        datagram: &Received<'_>,
        outgoing: Option<&mut Outgoing>,
    ) -> bool {
        let Received {
            source,
            destination,
            bytes,
        } = *datagram;
        let name = match kind_of(bytes) {
            Kind::Stun => ufrag_of(bytes),
            Kind::Other => None,
            Kind::Foreign => return self.refuse(),
        };
        let named = name.and_then(|name| self.demux.by_ufrag(name));
        let known = || self.demux.by_address((proto, source));
        let found = match (named, outgoing) {
            (Some(at), _) => Some(at),
            (None, None) => known(),
            // A name counts for more than an address, which may have been another peer's before.
            (None, Some(outgoing)) => {
                if name.is_some_and(|name| outgoing.take_named(name, datagram)) {
                    return true;
                }
                let here = known();
                if here.is_none() && outgoing.take_from(datagram) {
                    return true;
                }
                here
            }
        };
        let Some(at) = found else {
            return self.refuse();
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

    fn refuse(&self) -> bool {
        add(&self.exit.figures.foreign, 1);
        false
    }

    /// `asked` sent a STUN request: an answer that it succeeded makes it an address of the peer.
    pub(crate) fn drain(&mut self, at: usize, asked: Option<Address>) {
        let Some(member) = self.members.get_mut(at) else {
            return;
        };
        let Self { exit, happenings, .. } = self;
        let figures = exit.figures;
        let mut believed = None;
        let send = |route: &Route, datagram: &[u8]| {
            if asked == Some((route.proto, route.destination)) && is_success(datagram) {
                believed = asked;
            }
            exit.send(route, datagram);
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
                add(&self.exit.figures.failed, 1);
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
