//! Both directions of one connection.

use crate::{
    MediaPacket, Priority, Received, Receiver, Sender, Sent,
    wire::{Datagram, StreamId},
};
use std::collections::VecDeque;

/// Messages for which the newest counts are not kept longer than this many.
const MESSAGES: usize = 256;

/// What the transport says about the way to the other node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    pub rtt_us: u64,
    /// What the congestion control allows.
    pub bytes_per_s: u64,
}

/// What a datagram was.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A packet, not seen before.
    Packet(StreamId, MediaPacket),
    /// A message for which the newest counts.
    Message(&'a [u8]),
    /// Half a packet, a double, a NACK, or garbage.
    Nothing,
}

/// What a link counted since it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    pub sent: Sent,
    pub received: Received,
    /// Datagrams that could not be read.
    pub garbage: u64,
}

/// A link to one other node, for as long as one connection lasts: a new connection is a new link.
#[derive(Debug, Default)]
pub struct Link {
    sender: Sender,
    receiver: Receiver,
    messages: VecDeque<Vec<u8>>,
    garbage: u64,
}

impl Link {
    /// A packet is to go; see [`Sender::handle_packet`].
    pub fn handle_packet(&mut self, now_us: u64, stream: StreamId, priority: Priority, packet: MediaPacket) {
        self.sender.handle_packet(now_us, stream, priority, packet);
    }

    /// A message is to go as a datagram, before all packets. It may be lost.
    pub fn handle_message(&mut self, body: Vec<u8>) {
        if self.messages.len() >= MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(body);
    }

    /// A datagram came.
    pub fn handle_datagram<'a>(&mut self, now_us: u64, bytes: &'a [u8]) -> Incoming<'a> {
        match Datagram::parse(bytes) {
            Ok(Datagram::Media(media)) => match self.receiver.handle_media(now_us, &media) {
                Some(packet) => Incoming::Packet(media.stream, packet),
                None => Incoming::Nothing,
            },
            Ok(Datagram::Nack(nack)) => {
                self.sender.handle_nack(now_us, &nack);
                Incoming::Nothing
            }
            Ok(Datagram::Message(body)) => Incoming::Message(body),
            Err(_) => {
                self.garbage += 1;
                Incoming::Nothing
            }
        }
    }

    /// What the transport says now; several times a second is enough.
    pub fn handle_path(&mut self, now_us: u64, path: Path) {
        self.sender.handle_path(now_us, path.bytes_per_s, path.rtt_us);
        self.receiver.handle_path(path.rtt_us);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now_us: u64) {
        self.sender.handle_timeout(now_us);
        self.receiver.handle_timeout(now_us);
    }

    /// The next datagram, of at most `max` bytes, after what stands in `into`: NACKs and messages before packets.
    /// `false` if nothing waits.
    pub fn poll_transmit(&mut self, now_us: u64, max: usize, into: &mut Vec<u8>) -> bool {
        if let Some(body) = self.messages.pop_front() {
            Datagram::Message(&body).write(into);
            return true;
        }
        self.receiver.handle_timeout(now_us);
        if let Some(nack) = self.receiver.poll_nack() {
            Datagram::Nack(nack).write(into);
            return true;
        }
        self.sender.poll_transmit(now_us, max, into)
    }

    /// When [`Link::handle_timeout`] and then [`Link::poll_transmit`] are due, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<u64> {
        let timeouts = [self.sender.poll_timeout(), self.receiver.poll_timeout()];
        timeouts.into_iter().flatten().min()
    }

    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Whether packets or messages wait to leave.
    pub fn is_waiting(&self) -> bool {
        !self.messages.is_empty() || !self.sender.is_empty()
    }

    pub fn figures(&self) -> Figures {
        Figures {
            sent: self.sender.sent(),
            received: self.receiver.received(),
            garbage: self.garbage,
        }
    }
}
