//! Packets on their way from publishers to receivers.

use super::{
    Room,
    receiver::Receiver,
    stream::{Packet, numbered},
};
use crate::{exit::Exit, figures::add, peer::Peer, shard::Members};
use plenary_media::{ParticipantId, StreamId, rewrite::Verdict};
use std::time::Instant;

/// The time, as sessions and as the rules know it.
#[derive(Clone, Copy)]
struct Now {
    instant: Instant,
    ms: u64,
}

impl Room {
    /// Gives what came to those who are shown it. `touched` gets whoever was given something.
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        members: &mut Members,
        exit: &mut Exit<'_>,
        touched: &mut Vec<usize>,
    ) {
        if self.batch.is_empty() && self.beginning.is_empty() {
            return;
        }
        let figures = exit.figures;
        let at = Now {
            instant: now,
            ms: self.now_ms(now),
        };
        let wanted = self.begin(at, members, exit, touched);
        self.ask(wanted, at);
        let wanted = self.give_batch(at, members, exit, touched);
        self.ask(wanted, at);
        self.ask_for_key_frames(now, members, figures, touched);
    }

    fn ask(&mut self, mut wanted: Vec<(StreamId, ParticipantId)>, now: Now) {
        wanted.dedup();
        for (stream, who) in wanted {
            self.key_frames.handle_request(stream, who, now.ms);
        }
    }

    /// Pictures that begin: from the last key frame on if it came a moment ago, as it does when it was asked for while
    /// the session was still connecting. Gives the streams of which there is none.
    fn begin(
        &mut self,
        now: Now,
        members: &mut Members,
        exit: &mut Exit<'_>,
        touched: &mut Vec<usize>,
    ) -> Vec<(StreamId, ParticipantId)> {
        let mut wanted = Vec::new();
        let mut given = 0;
        self.beginning.retain(|at| {
            let (Some(receiver), Some(member)) = (self.receivers.get_mut(at), members.get_mut(*at)) else {
                return false;
            };
            let is_ready = member.peer.is_ready(now.instant);
            let before = given;
            for place in 0..receiver.slots.len() {
                let Some(stream) = receiver.begins_with(place) else {
                    continue;
                };
                let mut recent = self
                    .streams
                    .get(&stream)
                    .and_then(|one| one.since_key_frame(now.instant));
                match &mut recent {
                    // Until then it may be too old.
                    Some(_) if !is_ready => {}
                    Some(packets) => {
                        let sent = packets
                            .filter(|packet| give(receiver, place, packet, &mut member.peer, exit, now));
                        given += sent.count() as u64;
                    }
                    None => wanted.push((stream, receiver.participant)),
                }
            }
            if given > before {
                touched.push(*at);
                exit.relieve();
            }
            !is_ready
        });
        add(&exit.figures.packets_out, given);
        wanted
    }

    fn give_batch(
        &mut self,
        now: Now,
        members: &mut Members,
        exit: &mut Exit<'_>,
        touched: &mut Vec<usize>,
    ) -> Vec<(StreamId, ParticipantId)> {
        let batch = std::mem::take(&mut self.batch);
        let mut given = 0;
        let mut wanted = Vec::new();
        for (at, receiver) in &mut self.receivers {
            let Some(member) = members.get_mut(*at) else {
                continue;
            };
            if !member.peer.is_ready(now.instant) {
                continue;
            }
            let before = given;
            for packet in &batch {
                let Some(place) = receiver.place_of(packet.track) else {
                    continue;
                };
                given += u64::from(give(receiver, place, packet, &mut member.peer, exit, now));
                if let Some(slot) = receiver.slots.get(place)
                    && !slot.kind().is_sound()
                    && let Some(stream) = slot.rewriter.wants_key_frame()
                {
                    wanted.push((stream, receiver.participant));
                }
            }
            if given > before {
                touched.push(*at);
                exit.relieve();
            }
        }
        add(&exit.figures.packets_out, given);
        self.batch = batch;
        self.batch.clear();
        wanted
    }
}

/// Sends a packet on the line of a slot. Whether that carries it.
fn give(
    receiver: &mut Receiver,
    place: usize,
    packet: &Packet,
    peer: &mut Peer,
    exit: &mut Exit<'_>,
    now: Now,
) -> bool {
    let Some(slot) = receiver.slots.get_mut(place) else {
        return false;
    };
    let Verdict::Forward(outgoing) = slot.rewriter.handle_packet(&packet.incoming, now.ms) else {
        return false;
    };
    let stream = packet.incoming.stream;
    let called = match slot.called {
        Some((known, pt)) if known == stream => pt,
        _ => {
            let pt = peer.payload_type(&packet.format);
            slot.called = Some((stream, pt));
            pt
        }
    };
    let Some(pt) = called else { return false };
    let numbered = numbered(pt, packet.incoming.summary.codec, &outgoing);
    peer.forward(place, &packet.media(), &numbered, exit, now.instant);
    receiver.sent.count(packet.bytes(), now.instant);
    true
}
