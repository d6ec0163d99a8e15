//! What sessions may be sent, and send: limits of people and of conferences (USR-07, CONF-10).
//!
//! Nothing is asked for each packet but whether its stream is beyond a limit; which ones are is found out now and then.

use super::{Publisher, Room};
use crate::engine::Limits;
use plenary_media::{Kbps, StreamId};
use std::time::Instant;

/// Of its limit in percent, what somebody may send in a second: pictures are not all of one size.
const TOLERATED: u64 = 115;

impl Room {
    /// The most of a session from now on.
    pub(crate) fn limit(&mut self, at: usize, limits: Limits, now: Instant) {
        if let Some(receiver) = self.receivers.get_mut(&at) {
            receiver.limit = limits.receive;
            self.choose_layers(at, now);
        }
        let Some(publisher) = self.publishers.get_mut(&at) else {
            return;
        };
        publisher.limits = limits;
        let tracks: Vec<usize> = publisher.tracks.values().copied().collect();
        for track in tracks {
            let most = self.most_of(at, track);
            let ids = self.tracks.get(track).map(|track| &track.streams);
            for id in ids.into_iter().flat_map(|ids| ids.values()) {
                if let Some(stream) = self.streams.get_mut(id) {
                    (stream.most, stream.beyond) = (most, false);
                }
            }
        }
        self.keep_to_limits();
        let tracks: Vec<usize> = self.tracks.iter().map(|(index, _)| index).collect();
        for track in tracks {
            self.look_at_track(track, now);
        }
        self.settle(now);
        let receivers: Vec<usize> = self.receivers.keys().copied().collect();
        for at in receivers {
            self.choose_layers(at, now);
        }
    }

    /// The most that pictures of a track may be high; 0: whatever they are.
    pub(super) fn most_of(&self, at: usize, track: usize) -> u16 {
        let kind = self.tracks.get(track).map(|track| track.source.kind);
        let limits = self.publishers.get(&at).map(|publisher| publisher.limits);
        kind.zip(limits).map_or(0, |(kind, limits)| limits.height(kind))
    }

    /// Marks what publishers send beyond their limits: of layers that do not tell their size by what is usual, and of all
    /// together by how much came in the last second.
    pub(super) fn keep_to_limits(&mut self) {
        let limited = |publisher: &&Publisher| publisher.limits != Limits::default();
        for publisher in self.publishers.values().filter(limited) {
            let mut all: Vec<(bool, u8, StreamId)> = Vec::new();
            for track in publisher
                .tracks
                .values()
                .filter_map(|track| self.tracks.get(*track))
            {
                let sound = track.source.kind.is_sound();
                all.extend(track.streams.iter().map(|(layer, id)| (!sound, *layer, *id)));
            }
            all.sort_unstable();
            let most = publisher
                .limits
                .send
                .map(|Kbps(kbps)| u64::from(kbps) * TOLERATED / 100);
            let mut sent = 0_u64;
            for (picture, layer, id) in all {
                let Some(stream) = self.streams.get(&id) else {
                    continue;
                };
                let track = self.tracks.get(stream.track);
                let high = picture && track.is_some_and(|track| track.is_high(layer, stream));
                let kbps = u64::from(stream.rate.kbps().0);
                let much = picture && most.is_some_and(|most| sent + kbps > most);
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.beyond = high || much;
                    if !stream.is_beyond() {
                        sent += kbps;
                    }
                }
            }
        }
    }
}
