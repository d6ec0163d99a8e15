//! Who gets how much of a subscriber's bandwidth.
//!
//! Audio comes first; then every visible tile gets its lowest layer before anyone gets more; what is left raises
//! content, then who is pinned or large, then the rest, a step each in turn. What does not fit is paused,
//! smallest tiles first. Down at once; up only with headroom, and, for who was cut before, after a hold time that
//! doubles when it was in vain.

mod ladder;

use crate::{Kbps, ParticipantId, Slot};
use ladder::{Step, ladder};
use std::{cmp::Reverse, collections::BTreeMap};

/// Temporal layers that are told apart.
const TEMPORAL: usize = 4;

/// How readily qualities change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caution {
    /// Of the estimate, in percent, what may be used after going up. Going on needs only the estimate itself.
    pub headroom_percent: u64,
    /// How long a slot that was cut waits until more fits.
    pub hold_ms: u64,
    /// The longest that this becomes by doubling.
    pub longest_hold_ms: u64,
    /// The longest for who is shown nothing: no picture is worse than one that goes again.
    pub longest_without_ms: u64,
    /// Who needs so much less than there is, in percent, waits no longer than at first: the network has changed.
    pub ample_percent: u64,
    /// Down so soon after up was in vain.
    pub in_vain_ms: u64,
    /// Without being cut for so long, the hold time is the first again.
    pub forgiven_ms: u64,
}

impl Default for Caution {
    fn default() -> Self {
        Self {
            headroom_percent: 88,
            hold_ms: 2_000,
            longest_hold_ms: 30_000,
            longest_without_ms: 4_000,
            ample_percent: 300,
            in_vain_ms: 10_000,
            forgiven_ms: 60_000,
        }
    }
}

/// What is more important, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Audio,
    Content,
    /// Pinned, or the large tile of the speaker view.
    Large,
    Rest,
}

/// A spatial layer that its publisher sends now, alone (simulcast) or with those below (SVC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    pub spatial: u8,
    /// In pixels; 0 for audio.
    pub height: u16,
    /// With all temporal layers.
    pub fps: u8,
    kbps: [Kbps; TEMPORAL],
    temporal_layers: u8,
}

impl Layer {
    /// `kbps` is what is sent to who gets this spatial layer with temporal layers up to each index: measured, or a
    /// guess for a layer that has just begun. With none the layer is not live; those after the fourth are left out.
    pub fn new(spatial: u8, height: u16, fps: u8, kbps: &[Kbps]) -> Self {
        let mut all = [Kbps(0); TEMPORAL];
        let mut temporal_layers = 0;
        for (place, kbps) in all.iter_mut().zip(kbps) {
            *place = *kbps;
            temporal_layers += 1;
        }
        Self {
            spatial,
            height,
            fps,
            kbps: all,
            temporal_layers,
        }
    }

    /// With all its temporal layers.
    pub fn needs(&self) -> Kbps {
        self.kbps_of(self.temporal_layers.saturating_sub(1))
    }

    fn kbps_of(&self, temporal: u8) -> Kbps {
        self.kbps.get(usize::from(temporal)).copied().unwrap_or_default()
    }

    /// Each temporal layer doubles the frames of those below.
    fn fps_of(&self, temporal: u8) -> u8 {
        self.fps >> self.temporal_layers.saturating_sub(temporal + 1).min(7)
    }
}

/// What one slot wants.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    pub slot: Slot,
    /// Who fills the slot; for somebody else nothing of the past counts.
    pub source: ParticipantId,
    pub class: Class,
    /// Of the tile, in pixels of the screen; 0 if it is not shown. Not looked at for audio.
    pub height: u16,
    /// In any order.
    pub layers: &'a [Layer],
}

/// Why a slot gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Not even the lowest layer fits.
    Bandwidth,
    /// The publisher sends nothing.
    NoLayer,
    /// The tile is not shown.
    NotShown,
}

/// What a slot gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Layer { spatial: u8, temporal: u8 },
    Paused(Reason),
}

/// What all slots get.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allocation {
    pub choices: BTreeMap<Slot, Choice>,
    /// What that costs.
    pub used: Kbps,
    /// What everything that the tiles need would cost: probing beyond it is of no use.
    pub desired: Kbps,
}

#[derive(Debug)]
struct Memory {
    source: ParticipantId,
    /// The rank of the step that it had; `None` while paused for bandwidth.
    had: Option<(u8, u8)>,
    /// Whether it had less than its tile needs.
    cut: bool,
    /// Since when more would fit.
    fits_since_ms: Option<u64>,
    /// The same, as the decision before this one left it; what this one does not confirm is over.
    fitted_since_ms: Option<u64>,
    hold_ms: u64,
    /// What of it counts now.
    wait_ms: u64,
    raised_ms: Option<u64>,
    lowered_ms: Option<u64>,
}

/// A demand while it is being decided.
struct Candidate<'a> {
    demand: Demand<'a>,
    ladder: Vec<Step>,
    /// Index into the ladder.
    step: Option<usize>,
    done: bool,
}

/// What may still be spent.
struct Budget {
    estimate: u64,
    with_headroom: u64,
    spent: u64,
    /// For those who wait to go up.
    reserved: u64,
}

impl Budget {
    fn fits(&self, kbps: u64) -> bool {
        self.spent.saturating_add(kbps) <= self.estimate
    }

    fn fits_with_headroom(&self, kbps: u64) -> bool {
        self.spent.saturating_add(self.reserved).saturating_add(kbps) <= self.with_headroom
    }
}

/// The bandwidth of one subscriber. Deterministic: the same calls give the same answers.
#[derive(Debug, Default)]
pub struct Allocator {
    caution: Caution,
    memory: BTreeMap<Slot, Memory>,
}

impl Allocator {
    pub fn new(caution: Caution) -> Self {
        Self {
            caution,
            memory: BTreeMap::new(),
        }
    }

    /// Decides what each slot gets of `estimate`. To be called when the estimate, the tiles or the layers change,
    /// and at [`Allocator::poll_timeout`]; costs O(slots × steps).
    ///
    /// Invariant: the sum is at most the estimate, unless it is the first audio slot alone; nobody gets more than
    /// the lowest layer while somebody is paused for bandwidth.
    pub fn allocate(&mut self, demands: &[Demand<'_>], estimate: Kbps, now_ms: u64) -> Allocation {
        let mut candidates = candidates(demands);
        self.forget_others(&candidates);
        let estimate = u64::from(estimate.0);
        let mut budget = Budget {
            estimate,
            with_headroom: estimate * self.caution.headroom_percent / 100,
            spent: 0,
            reserved: 0,
        };
        let mut all_on = true;
        for (index, candidate) in candidates.iter_mut().enumerate() {
            let first = index == 0 && candidate.demand.class == Class::Audio;
            all_on &= self.raise(candidate, &mut budget, first, now_ms);
        }
        for class in [Class::Audio, Class::Content, Class::Large, Class::Rest] {
            let mut rising = all_on;
            while rising {
                rising = false;
                for candidate in candidates
                    .iter_mut()
                    .filter(|candidate| candidate.demand.class == class)
                {
                    rising |= !candidate.done && self.raise(candidate, &mut budget, false, now_ms);
                }
            }
        }
        for candidate in &candidates {
            self.remember(candidate, now_ms);
        }
        answer(&candidates)
    }

    /// When somebody who waits may go up, if things stay as they are.
    pub fn poll_timeout(&self) -> Option<u64> {
        let due = |memory: &Memory| Some(memory.fits_since_ms?.saturating_add(memory.wait_ms));
        self.memory.values().filter_map(due).min()
    }

    /// Forgets slots that have other sources, and what waits until it is confirmed.
    fn forget_others(&mut self, candidates: &[Candidate<'_>]) {
        let sources: BTreeMap<Slot, ParticipantId> = candidates
            .iter()
            .filter(|candidate| !candidate.ladder.is_empty())
            .map(|candidate| (candidate.demand.slot, candidate.demand.source))
            .collect();
        self.memory
            .retain(|slot, memory| sources.get(slot) == Some(&memory.source));
        for memory in self.memory.values_mut() {
            memory.fitted_since_ms = memory.fits_since_ms.take();
        }
    }

    /// Gives a candidate its next step, if it fits. True also if there is nothing to give.
    fn raise(
        &mut self,
        candidate: &mut Candidate<'_>,
        budget: &mut Budget,
        always: bool,
        now_ms: u64,
    ) -> bool {
        let next = candidate.step.map_or(0, |step| step + 1);
        let before = candidate.step.and_then(|step| candidate.ladder.get(step));
        let Some(step) = candidate.ladder.get(next) else {
            candidate.done = true;
            return candidate.ladder.is_empty();
        };
        let more = step.kbps - before.map_or(0, |step| step.kbps);
        let granted = match self.memory.get_mut(&candidate.demand.slot) {
            _ if always => true,
            // The lowest layer of somebody new is what all others have too.
            memory if next == 0 && memory.as_ref().is_none_or(|memory| memory.is_new()) => budget.fits(more),
            None => budget.fits_with_headroom(more),
            Some(memory) if memory.had.is_some_and(|had| step.rank() <= had) => budget.fits(more),
            Some(memory) => memory.may_rise(more, budget, &self.caution, now_ms),
        };
        if granted {
            budget.spent = budget.spent.saturating_add(more);
            candidate.step = Some(next);
        } else {
            candidate.done = true;
        }
        granted
    }

    fn remember(&mut self, candidate: &Candidate<'_>, now_ms: u64) {
        if candidate.ladder.is_empty() {
            return;
        }
        let has = candidate
            .step
            .and_then(|step| candidate.ladder.get(step))
            .map(Step::rank);
        let cut = has != candidate.ladder.last().map(Step::rank);
        let caution = self.caution;
        let memory = self
            .memory
            .entry(candidate.demand.slot)
            .or_insert_with(|| Memory {
                source: candidate.demand.source,
                had: has,
                cut,
                fits_since_ms: None,
                fitted_since_ms: None,
                hold_ms: caution.hold_ms,
                wait_ms: caution.hold_ms,
                raised_ms: None,
                lowered_ms: None,
            });
        if has > memory.had {
            memory.raised_ms = Some(now_ms);
            memory.fits_since_ms = None;
        } else if has < memory.had && cut {
            memory.lower(&caution, now_ms);
        }
        if !cut {
            memory.fits_since_ms = None;
        }
        (memory.had, memory.cut) = (has, cut);
    }
}

impl Memory {
    /// It never had to give back anything.
    fn is_new(&self) -> bool {
        self.lowered_ms.is_none()
    }

    fn may_rise(&mut self, more: u64, budget: &mut Budget, caution: &Caution, now_ms: u64) -> bool {
        if !budget.fits_with_headroom(more) {
            (self.fits_since_ms, self.fitted_since_ms) = (None, None);
            return false;
        }
        // A tile that had all it needed and has grown does not wait, nor one that never had more than now.
        if !self.cut || self.is_new() {
            return true;
        }
        let since = *self
            .fits_since_ms
            .get_or_insert(self.fitted_since_ms.unwrap_or(now_ms));
        self.wait_ms = if budget.fits_with_headroom(more.saturating_mul(caution.ample_percent) / 100) {
            caution.hold_ms
        } else if self.had.is_none() {
            self.hold_ms.min(caution.longest_without_ms)
        } else {
            self.hold_ms
        };
        let waited = now_ms.saturating_sub(since) >= self.wait_ms;
        if !waited {
            budget.reserved = budget.reserved.saturating_add(more);
        }
        waited
    }

    fn lower(&mut self, caution: &Caution, now_ms: u64) {
        let within = |at: Option<u64>, time_ms: u64| at.is_some_and(|at| now_ms.saturating_sub(at) < time_ms);
        if within(self.raised_ms, caution.in_vain_ms) {
            self.hold_ms = self.hold_ms.saturating_mul(2).min(caution.longest_hold_ms);
        } else if !within(self.lowered_ms, caution.forgiven_ms) {
            self.hold_ms = caution.hold_ms;
        }
        self.lowered_ms = Some(now_ms);
        self.fits_since_ms = None;
    }
}

/// In the order of importance.
fn candidates<'a>(demands: &[Demand<'a>]) -> Vec<Candidate<'a>> {
    let mut candidates: Vec<Candidate<'a>> = demands
        .iter()
        .map(|demand| {
            let shown = demand.height > 0 || demand.class == Class::Audio;
            Candidate {
                demand: *demand,
                ladder: if shown { ladder(demand) } else { Vec::new() },
                step: None,
                done: false,
            }
        })
        .collect();
    candidates.sort_by_key(|candidate| {
        let Demand {
            class, height, slot, ..
        } = candidate.demand;
        (class, Reverse(height), slot)
    });
    candidates
}

fn answer(candidates: &[Candidate<'_>]) -> Allocation {
    let (mut used, mut desired) = (0_u64, 0_u64);
    let mut choices = BTreeMap::new();
    for candidate in candidates {
        let step = candidate.step.and_then(|step| candidate.ladder.get(step));
        let choice = match step {
            Some(step) => Choice::Layer {
                spatial: step.spatial,
                temporal: step.temporal,
            },
            None if !candidate.ladder.is_empty() => Choice::Paused(Reason::Bandwidth),
            None if candidate.demand.height == 0 && candidate.demand.class != Class::Audio => {
                Choice::Paused(Reason::NotShown)
            }
            None => Choice::Paused(Reason::NoLayer),
        };
        choices.insert(candidate.demand.slot, choice);
        used += step.map_or(0, |step| step.kbps);
        desired += candidate.ladder.last().map_or(0, |step| step.kbps);
    }
    let total = |kbps: u64| Kbps(u32::try_from(kbps).unwrap_or(u32::MAX));
    Allocation {
        choices,
        used: total(used),
        desired: total(desired),
    }
}
