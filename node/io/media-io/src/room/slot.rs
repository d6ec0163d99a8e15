//! A slot of a receiver, and who fills it.

use plenary_media::{
    Kind, Slot as Place, StreamId,
    rewrite::{Config, Rewriter, Target},
};
use std::sync::Arc;
use str0m::media::Pt;

/// The first number of a slot; SRTP assumes that it is below 65,536.
const FIRST_SEQ: u16 = 1_000;

/// One line that a receiver has, in the order of the offer.
pub(super) struct Slot {
    pub(super) mid: Arc<str>,
    /// Its name in the rules.
    pub(super) place: Place,
    /// The track that fills it.
    pub(super) track: Option<usize>,
    pub(super) target: Option<StreamId>,
    pub(super) rewriter: Rewriter,
    /// What the receiver calls the format of the stream that it was given last; none if it cannot read that.
    pub(super) called: Option<(StreamId, Option<Pt>)>,
}

impl Slot {
    pub(super) fn new(mid: Arc<str>, place: Place) -> Self {
        let config = if place.kind.is_sound() {
            Config::audio(FIRST_SEQ)
        } else {
            Config::video(FIRST_SEQ)
        };
        Self {
            mid,
            place,
            track: None,
            target: None,
            rewriter: Rewriter::new(config),
            called: None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.place.kind
    }

    /// Gives whether that is another one than before.
    pub(super) fn carry(&mut self, stream: Option<StreamId>) -> bool {
        if self.target == stream {
            return false;
        }
        self.target = stream;
        self.rewriter.handle_target(stream.map(|stream| Target {
            stream,
            spatial: 7,
            temporal: 7,
        }));
        true
    }
}

/// Which track fills each slot, if these are wanted: those that have one keep it, the others get what is free.
pub(super) fn fill(slots: &[Slot], sound: bool, wanted: &[usize]) -> Vec<(usize, Option<usize>)> {
    let mut all: Vec<(usize, Option<usize>)> = slots
        .iter()
        .enumerate()
        .filter(|(_, slot)| slot.kind().is_sound() == sound)
        .map(|(at, slot)| (at, slot.track))
        .collect();
    let wanted = wanted.get(..all.len().min(wanted.len())).unwrap_or_default();
    for (_, track) in &mut all {
        *track = track.filter(|track| wanted.contains(track));
    }
    for track in wanted {
        if all.iter().all(|(_, has)| *has != Some(*track))
            && let Some((_, free)) = all.iter_mut().find(|(_, has)| has.is_none())
        {
            *free = Some(*track);
        }
    }
    all
}
