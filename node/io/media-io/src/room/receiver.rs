//! Somebody who receives: slots, what fills them, and what of it the network bears.

use super::{
    slot::Slot,
    stream::Rate,
    track::{Track, usual},
};
use crate::egress;
use crate::engine::{Carried, Carries, Filled, Line, Quality};
use plenary_media::{
    Kbps, ParticipantId, Slot as Place, StreamId,
    allocation::{Allocator, Choice, Class, Demand, Reason},
    resume::{Resume, allowed, with_headroom},
};
use slab::Slab;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What a receiver gets until its network has told how much it bears: some never tell.
const UNTOLD: Kbps = Kbps(10_000);
/// A receiver tells what it thinks only while pictures come; for so long it counts.
const RECEIVED_COUNTS: Duration = Duration::from_secs(2);
/// Watchers that cannot say how large they show a picture get the largest.
const TALLEST: u16 = 4_320;
/// What a receiver gets is told at most this often.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Who decides what is shown.
pub(super) enum Mode {
    /// The node: whoever speaks, or the participant of this name.
    Speakers(Option<String>),
    /// The client: [`plenary_media::room::Room`] has its tiles.
    Tiles,
}

/// What is known of the network to a receiver.
#[derive(Clone, Copy)]
pub(super) enum Told {
    Nothing,
    /// Found by probing: what it bears.
    Probed(Kbps),
    /// By the receiver itself, when.
    Received(Kbps, Instant),
}

pub(super) struct Receiver {
    /// Its name in the rules.
    pub(super) participant: ParticipantId,
    pub(super) mode: Mode,
    /// What its lines are for, as far as it said.
    pub(super) lines: Vec<Line>,
    pub(super) slots: Vec<Slot>,
    /// The slot that a track fills, by track; 0 is none, others count from 1.
    places: Vec<u8>,
    pub(super) told: Told,
    /// The most that it may be sent, whatever its network bears.
    pub(super) limit: Option<Kbps>,
    /// Since there was the first picture: the first probes are the widest, and voices alone need none.
    desires: bool,
    allocator: Allocator,
    resume: Resume,
    /// What its estimation begins with anew, if it is to.
    anew: Option<Kbps>,
    pub(super) sent: Rate,
    /// Slots that others fill since it was told last.
    refilled: Vec<usize>,
    /// Whether a slot for pictures carries another stream since this was asked last.
    begun: bool,
    quality: Quality,
    quality_told: bool,
    quality_at: Option<Instant>,
}

impl Receiver {
    pub(super) fn new(participant: ParticipantId, mode: Mode, lines: Vec<Line>, now: Instant) -> Self {
        Self {
            participant,
            mode,
            lines,
            slots: Vec::new(),
            places: Vec::new(),
            told: Told::Nothing,
            limit: None,
            desires: false,
            allocator: Allocator::default(),
            resume: Resume::default(),
            anew: None,
            sent: Rate::new(now, Kbps(0)),
            refilled: Vec::new(),
            begun: false,
            quality: Quality::default(),
            quality_told: true,
            quality_at: None,
        }
    }

    /// Makes slots of lines that are new. `estimate`: of its network, before that told anything.
    pub(super) fn learn(&mut self, lines: &[egress::Line], estimate: Option<Kbps>) {
        if let (Told::Nothing, Some(estimate)) = (self.told, estimate) {
            self.told = Told::Probed(estimate);
        }
        for line in lines
            .iter()
            .skip(self.slots.len())
            .take(254 - self.slots.len().min(254))
        {
            let mid = line.mid.to_string();
            let said = self.lines.iter().find(|one| one.mid == mid).map(|one| one.kind);
            let kind = said.filter(|kind| kind.is_sound() == line.kind.is_audio());
            let kind = kind.or_else(|| usual(line.kind.is_audio(), 0));
            let Some(kind) = kind else { continue };
            let before = self.slots.iter().filter(|slot| slot.kind() == kind).count();
            let index = u8::try_from(before).unwrap_or(u8::MAX);
            self.slots.push(Slot::new(mid.into(), Place { kind, index }));
        }
    }

    /// The slots for cameras: the pool that the rules share out.
    pub(super) fn pool(&self) -> u8 {
        let cameras = |slot: &&Slot| slot.kind() == plenary_media::Kind::Video;
        u8::try_from(self.slots.iter().filter(cameras).count()).unwrap_or(u8::MAX)
    }

    pub(super) fn at(&self, place: Place) -> Option<usize> {
        self.slots.iter().position(|slot| slot.place == place)
    }

    /// The slot that this track fills.
    pub(super) fn place_of(&self, track: usize) -> Option<usize> {
        let place = self.places.get(track).copied().unwrap_or(0);
        usize::from(place).checked_sub(1)
    }

    pub(super) fn take_begun(&mut self) -> bool {
        std::mem::take(&mut self.begun)
    }

    /// The stream that a slot for pictures is to carry from its next key frame on, if it carries nothing yet.
    pub(super) fn begins_with(&self, place: usize) -> Option<StreamId> {
        let slot = self.slots.get(place).filter(|slot| !slot.kind().is_sound())?;
        let wanted = slot.rewriter.wants_key_frame()?;
        slot.rewriter.current().is_none().then_some(wanted)
    }

    /// Fills a slot with a track, or with none. Gives the track that filled it before and what it carried, if this is
    /// a change.
    pub(super) fn assign(
        &mut self,
        at: usize,
        track: Option<usize>,
    ) -> Option<(Option<usize>, Option<StreamId>)> {
        let slot = self.slots.get_mut(at).filter(|slot| slot.track != track)?;
        let before = std::mem::replace(&mut slot.track, track);
        let carried = slot.target;
        slot.carry(None);
        if let Some(place) = before.and_then(|before| self.places.get_mut(before))
            && usize::from(*place) == at + 1
        {
            *place = 0;
        }
        if let Some(track) = track {
            if self.places.len() <= track {
                self.places.resize(track + 1, 0);
            }
            self.places[track] = u8::try_from(at + 1).unwrap_or(0);
        }
        self.refilled.push(at);
        Some((before, carried))
    }

    /// What its client is to be told of who fills its slots.
    pub(super) fn take_refilled(&mut self, tracks: &Slab<Track>) -> Vec<Filled> {
        let mut refilled = std::mem::take(&mut self.refilled);
        refilled.sort_unstable();
        refilled.dedup();
        let filled = |at: usize| {
            let slot = self.slots.get(at)?;
            let track = slot.track.and_then(|track| tracks.get(track));
            Some(Filled {
                mid: slot.mid.to_string(),
                kind: slot.kind(),
                participant: track.map(|track| track.source.participant),
            })
        };
        refilled.into_iter().filter_map(filled).collect()
    }

    /// To be asked now and then: what its estimation is to begin with anew.
    pub(super) fn take_anew(&mut self) -> Option<Kbps> {
        self.anew.take()
    }

    /// What may be sent. Receivers that estimate by themselves (REMB) tell little more than what they are sent, and
    /// nothing at all when they are sent no picture: theirs keeps larger layers away, but never all pictures.
    fn estimate(&mut self, smallest: Kbps, pictures: usize, now: Instant, now_ms: u64) -> Kbps {
        match self.told {
            Told::Probed(kbps) => {
                if self.resume.handle_estimate(kbps, smallest, now_ms) {
                    self.anew = Some(kbps.max(Kbps(smallest.0 / 2)));
                }
                allowed(kbps, smallest, pictures)
            }
            Told::Received(kbps, at)
                if now.duration_since(at) < RECEIVED_COUNTS
                    && u64::from(kbps.0) * 100 < u64::from(self.sent.kbps().0) * 85 =>
            {
                kbps.max(with_headroom(smallest))
            }
            _ => UNTOLD,
        }
    }

    /// Chooses for each slot which layer of its track it carries. Gives the streams that are not carried any more, and
    /// what all that is shown would need.
    pub(super) fn choose(
        &mut self,
        tracks: &Slab<Track>,
        heights: &BTreeMap<Place, u16>,
        now: Instant,
        now_ms: u64,
    ) -> (Vec<StreamId>, Kbps) {
        let tallest = heights.values().copied().max().unwrap_or(0);
        let second = heights.values().copied().filter(|height| *height < tallest).max();
        let mut smallest = 0_u32;
        let mut demands = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let Some(track) = slot.track.and_then(|track| tracks.get(track)) else {
                continue;
            };
            let height = match self.mode {
                Mode::Speakers(_) => TALLEST,
                Mode::Tiles => heights.get(&slot.place).copied().unwrap_or(0),
            };
            let class = match (&self.mode, slot.kind()) {
                (_, kind) if kind.is_sound() => Class::Audio,
                (_, plenary_media::Kind::Content) | (Mode::Speakers(Some(_)), _) => Class::Content,
                _ if second.is_some_and(|second| height >= second.saturating_mul(2)) => Class::Large,
                _ => Class::Rest,
            };
            let lowest = track.streams.keys().next();
            let lowest = track.layers.iter().find(|layer| Some(&layer.spatial) == lowest);
            smallest = smallest.saturating_add(lowest.map_or(0, |layer| layer.needs().0));
            demands.push(Demand {
                slot: slot.place,
                source: track.source.participant,
                class,
                height,
                layers: &track.layers,
            });
        }
        let pictures = demands
            .iter()
            .filter(|demand| demand.class != Class::Audio)
            .count();
        let estimate = self.estimate(Kbps(smallest), pictures, now, now_ms);
        let estimate = self.limit.map_or(estimate, |limit| estimate.min(limit));
        let allocation = self.allocator.allocate(&demands, estimate, now_ms);
        let mut dropped = Vec::new();
        let mut quality = Quality {
            estimate,
            slots: Vec::new(),
        };
        for slot in &mut self.slots {
            let track = slot.track.and_then(|track| tracks.get(track));
            let choice = allocation.choices.get(&slot.place);
            let (stream, carries) = match (track, choice) {
                (Some(track), Some(Choice::Layer { spatial, .. })) => {
                    let height = track.layers.iter().find(|layer| layer.spatial == *spatial);
                    let carries = Carries {
                        layer: *spatial,
                        height: height.map_or(0, |layer| layer.height),
                    };
                    (track.streams.get(spatial).copied(), Ok(carries))
                }
                (Some(_), Some(Choice::Paused(reason))) => (None, Err(*reason)),
                _ => (None, Err(Reason::NoLayer)),
            };
            if let Some(before) = slot.target.filter(|_| slot.target != stream) {
                dropped.push(before);
            }
            self.begun |= slot.carry(stream) && stream.is_some() && !slot.kind().is_sound();
            if track.is_some() && !slot.kind().is_sound() {
                let mid = slot.mid.clone();
                quality.slots.push(Carried { mid, carries });
            }
        }
        self.note_quality(quality);
        self.desires |= pictures > 0;
        let desired = if self.desires { allocation.desired } else { Kbps(0) };
        // More is of no use, so it is not probed for.
        let desired = self.limit.map_or(desired, |limit| desired.min(limit));
        (dropped, desired)
    }

    fn note_quality(&mut self, now: Quality) {
        let (before, after) = (self.quality.estimate.0, now.estimate.0);
        let alike = before.abs_diff(after) <= before / 5;
        if !alike || self.quality.slots != now.slots {
            self.quality = now;
            self.quality_told = false;
        }
    }

    /// What its client is to be told of what it gets.
    pub(super) fn take_quality(&mut self, now: Instant) -> Option<Quality> {
        let due = self
            .quality_at
            .is_none_or(|at| now.duration_since(at) >= TELL_EVERY);
        if self.quality_told || !due || !matches!(self.mode, Mode::Tiles) {
            return None;
        }
        (self.quality_told, self.quality_at) = (true, Some(now));
        Some(self.quality.clone())
    }
}
