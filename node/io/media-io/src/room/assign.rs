//! Who fills which slot of whom, and with which layer.

use super::{
    Room,
    receiver::{Mode, Receiver},
    slot::fill,
    track::Home,
};
use plenary_media::{
    Kbps, ParticipantId, Slot as Place, Source, StreamId,
    room::{Effect, Show},
    speakers::Event as Heard,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

impl Room {
    /// A slot of somebody was filled by this track.
    pub(super) fn unfilled(&mut self, who: ParticipantId, track: Option<usize>, carried: Option<StreamId>) {
        if let Some(stream) = carried {
            self.key_frames.handle_unsubscribe(stream, who);
        }
        if let Some(track) = track.and_then(|track| self.tracks.get_mut(track)) {
            track.slots = track.slots.saturating_sub(1);
        }
    }

    /// Does what the rules say.
    pub(super) fn settle(&mut self, now: Instant) {
        let mut changed = BTreeSet::new();
        while let Some(effect) = self.rules.poll_effect() {
            match effect {
                Effect::Assign {
                    subscriber,
                    slot,
                    source,
                } => changed.extend(self.fill(subscriber, slot, source)),
                Effect::Layers { source, highest } => self.want_layers(source, highest),
                // Asked for by the slot, when a packet of its new track comes.
                Effect::KeyFrame { .. } => {}
            }
        }
        for at in changed {
            self.choose_layers(at, now);
        }
    }

    /// Whoever sends this is to send no more than what anybody watches.
    fn want_layers(&mut self, source: Source, highest: Option<u8>) {
        let track = self
            .by_source
            .get(&source)
            .and_then(|track| self.tracks.get(*track));
        match track.map(|track| track.home) {
            Some(Home::Here(at)) => self.layers.push((at, source.kind, highest)),
            Some(Home::Node(_)) => self.far.want(source, highest),
            None => {}
        }
    }

    /// Fills a slot of a receiver as the rules say. Gives its session if that changed anything.
    pub(super) fn fill(&mut self, who: ParticipantId, place: Place, source: Option<Source>) -> Option<usize> {
        let track = source.and_then(|source| self.by_source.get(&source).copied());
        let at = self.receiving.get(&who).copied()?;
        let receiver = self.receivers.get(&at)?;
        let place = match receiver.mode {
            Mode::Tiles => receiver.at(place)?,
            Mode::Speakers(_) => return None,
        };
        self.assign(at, place, track).then_some(at)
    }

    /// Fills a slot of a session with a track.
    fn assign(&mut self, at: usize, place: usize, track: Option<usize>) -> bool {
        let Some(receiver) = self.receivers.get_mut(&at) else {
            return false;
        };
        let who = receiver.participant;
        let Some((before, carried)) = receiver.assign(place, track) else {
            return false;
        };
        self.unfilled(who, before, carried);
        if let Some(track) = track.and_then(|track| self.tracks.get_mut(track)) {
            track.slots += 1;
        }
        true
    }

    pub(super) fn hear_speakers(&mut self) {
        while let Some(event) = self.speakers.poll_event() {
            if event == Heard::Heard {
                self.rules.handle_heard(self.speakers.heard());
            }
        }
    }

    /// Shows whoever speaks to those who cannot say what they want to see.
    pub(super) fn follow_speakers(&mut self, now: Instant) {
        let watching = |receiver: &Receiver| matches!(receiver.mode, Mode::Speakers(_));
        if !self.receivers.values().any(watching) {
            return;
        }
        let ranking = self.speakers.ranking();
        let rank = |who: ParticipantId| {
            ranking
                .iter()
                .position(|ranked| *ranked == who)
                .unwrap_or(usize::MAX)
        };
        // Of those who have not spoken who came first, so that nobody is shown in place of another for coming.
        let mut tracks: Vec<(usize, u64, Source, usize)> = self
            .tracks
            .iter()
            .map(|(index, track)| (rank(track.source.participant), track.born, track.source, index))
            .collect();
        tracks.sort_unstable();
        let now_ms = self.now_ms(now);
        let all: Vec<usize> = self.receivers.keys().copied().collect();
        for at in all {
            let Some(receiver) = self.receivers.get(&at) else {
                continue;
            };
            let Mode::Speakers(wants) = &receiver.mode else {
                continue;
            };
            let who = receiver.participant;
            let named = |track: usize| match self.tracks.get(track)?.home {
                Home::Here(at) => self.publishers.get(&at).map(|publisher| publisher.name.as_str()),
                // Names are not told to other nodes.
                Home::Node(_) => None,
            };
            let wanted = |sound: bool| -> Vec<usize> {
                let of = tracks.iter().filter(|(_, _, source, track)| {
                    source.kind.is_sound() == sound
                        && wants.as_deref().is_none_or(|wants| named(*track) == Some(wants))
                });
                of.map(|(.., track)| *track).collect()
            };
            let mut filled = fill(&receiver.slots, true, &wanted(true));
            filled.extend(fill(&receiver.slots, false, &wanted(false)));
            let mut changed = false;
            for (place, track) in &filled {
                changed |= self.assign(at, *place, *track);
            }
            if changed {
                // So that its publisher is told to send it.
                let shown = filled.iter().filter_map(|(_, track)| self.tracks.get((*track)?));
                let shows: Vec<Show> = shown
                    .map(|track| Show {
                        source: track.source,
                        height: u16::MAX,
                    })
                    .collect();
                self.rules.handle_show(who, &shows, now_ms).ok();
                self.settle(now);
                self.choose_layers(at, now);
            }
        }
    }

    /// Chooses for each slot of a receiver which layer of its track it carries. Gives what all that it could show
    /// would need.
    pub(super) fn choose_layers(&mut self, at: usize, now: Instant) -> Kbps {
        let now_ms = self.now_ms(now);
        let Some(receiver) = self.receivers.get_mut(&at) else {
            return Kbps(0);
        };
        let heights: BTreeMap<Place, u16> = match receiver.mode {
            Mode::Tiles => {
                let slots = self.rules.slots(receiver.participant);
                slots.map(|(place, _, height)| (place, height)).collect()
            }
            Mode::Speakers(_) => BTreeMap::new(),
        };
        let (dropped, desired) = receiver.choose(&self.tracks, &heights, now, now_ms);
        for stream in dropped {
            self.key_frames.handle_unsubscribe(stream, receiver.participant);
        }
        if receiver.take_begun() {
            self.beginning.insert(at);
        }
        desired
    }
}
