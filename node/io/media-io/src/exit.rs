//! The way out: the socket's outbox for datagrams, a connection for who is met by TCP.

use crate::{
    figures::{Figures, add},
    outside::Carried,
    tcp::Tcp,
};
use plenary_udp::{Class, Outbox, Socket};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use str0m::net::{Protocol, Transmit};

/// From where to where, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) proto: Protocol,
    /// The candidate of ours that it goes from.
    pub(crate) local: SocketAddr,
    pub(crate) destination: SocketAddr,
    class: Class,
}

impl Route {
    pub(crate) fn of(transmit: &Transmit) -> Self {
        Self {
            proto: transmit.proto,
            local: transmit.source,
            destination: transmit.destination,
            class: Class::Pictures,
        }
    }

    /// The same way, for what is of another class.
    pub(crate) fn of_class(self, class: Class) -> Self {
        Self { class, ..self }
    }
}

pub(crate) struct Exit<'a> {
    pub(crate) outbox: &'a mut Outbox,
    /// What is sent at once when enough is gathered; without it, everything waits.
    pub(crate) socket: Option<&'a Socket>,
    pub(crate) tcp: &'a Tcp,
    /// What is sent from these addresses does not leave by the socket.
    pub(crate) ways: &'a [Carried],
    pub(crate) figures: &'a Figures,
}

impl Exit<'_> {
    pub(crate) fn send(&mut self, route: &Route, datagram: &[u8]) {
        self.write(route, |out| {
            out.extend_from_slice(datagram);
            true
        });
    }

    /// Lets a datagram be written behind what is in the buffer. If `write` gives false, there is none.
    pub(crate) fn write(&mut self, route: &Route, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        if route.proto == Protocol::Udp {
            let way = self.ways.iter().find(|way| way.address == route.local);
            let Some(Carried { carrier, .. }) = way else {
                let source = unspecified(route.local.ip());
                return self.outbox.write(route.class, source, route.destination, write);
            };
            return self.hand(write, |_, frame| carrier.carry(route.destination, frame));
        }
        self.hand(write, |exit, frame| exit.tcp.send(route.destination, frame))
    }

    /// What does not go by the socket.
    fn hand(
        &self,
        write: impl FnOnce(&mut Vec<u8>) -> bool,
        send: impl FnOnce(&Self, &[u8]) -> bool,
    ) -> bool {
        let mut frame = Vec::new();
        if !write(&mut frame) {
            return false;
        }
        let sent = send(self, &frame);
        let Figures {
            sent: done,
            send_dropped,
            ..
        } = self.figures;
        add(if sent { done } else { send_dropped }, 1);
        true
    }

    /// Sends what is there, if it is enough to be worth it.
    pub(crate) fn relieve(&mut self) {
        if let Some(socket) = self.socket
            && self.outbox.is_full()
        {
            flush(self.outbox, socket, self.figures);
        }
    }
}

pub(crate) fn flush(outbox: &mut Outbox, socket: &Socket, figures: &Figures) {
    let sent = outbox.flush(socket);
    add(&figures.sent, sent.datagrams);
    add(&figures.send_calls, sent.calls);
    add(&figures.send_dropped, sent.dropped);
}

/// The address that clients are told may be a translator's; the system knows which of its own to send from.
fn unspecified(told: IpAddr) -> IpAddr {
    match told {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}
