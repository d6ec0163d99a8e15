//! Who speaks, from the levels that packets of audio carry (RFC 6464), so that nothing needs to be decoded.
//!
//! Two questions with different answers. *Who is heard?* must be answered at the first syllable: whoever speaks
//! takes a free slot, or that of somebody silent, at once, and only displaces others who speak by being clearly
//! louder for a while. *Who is the speaker?* must not be answered by coughs and by those who talk over others for
//! a moment.

use crate::ParticipantId;
use std::collections::BTreeMap;

/// How fast the answers change. Levels are in dB over the quietest (0 to 127), times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// How many are heard.
    pub slots: usize,
    /// How many are in the ranking.
    pub ranked: usize,
    /// Levels under this are silence: 127 minus the number of RFC 6464.
    pub floor: u8,
    /// How much louder somebody has to be to displace who speaks.
    pub margin: u8,
    /// For how long.
    pub hold_ms: u64,
    /// Shorter sounds are no speech.
    pub onset_ms: u64,
    /// A pause up to this does not interrupt a speech.
    pub breath_ms: u64,
    /// Who has been quiet for so long is silent.
    pub silent_ms: u64,
    /// The time over which levels are smoothed.
    pub smooth_ms: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            slots: 3,
            ranked: 16,
            floor: 67,
            margin: 4,
            hold_ms: 600,
            onset_ms: 350,
            breath_ms: 250,
            silent_ms: 800,
            smooth_ms: 400,
        }
    }
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// [`Speakers::heard`] is another one.
    Heard,
    /// [`Speakers::ranking`] is another one.
    Ranking,
}

/// Levels have eight binary places.
const ONE_DB: u64 = 256;

#[derive(Debug, Default)]
struct Voice {
    /// Smoothed, in 256ths of a dB, at `at_ms`.
    level: u64,
    at_ms: u64,
    /// The last packet that was not silence.
    spoke_ms: Option<u64>,
    /// The beginning of the speech that is going on.
    onset_ms: u64,
    /// Since when it is louder than the quietest who is heard, and than the speaker.
    over_heard_ms: Option<u64>,
    over_speaker_ms: Option<u64>,
    /// Whether its client tells speech from noise. Not all do; their bit is always 0.
    tells_voice: bool,
}

impl Voice {
    /// The level now: it falls while nothing comes, because senders with DTX send nothing when it is quiet.
    fn level_at(&self, now_ms: u64, tuning: &Tuning) -> u64 {
        // Less than two packets late is no silence.
        let idle = now_ms.saturating_sub(self.at_ms).saturating_sub(100);
        let left = tuning.smooth_ms.saturating_sub(idle);
        self.level * left / tuning.smooth_ms.max(1)
    }

    fn is_silent(&self, now_ms: u64, for_ms: u64) -> bool {
        self.spoke_ms.is_none_or(|at| now_ms.saturating_sub(at) >= for_ms)
    }

    /// Takes a packet in; returns whether it was speech.
    fn hear(&mut self, level: u8, voice: bool, now_ms: u64, tuning: &Tuning) -> bool {
        self.tells_voice |= voice;
        let speech = level >= tuning.floor && (voice || !self.tells_voice);
        let target = if speech { u64::from(level) * ONE_DB } else { 0 };
        let before = self.level_at(now_ms, tuning);
        // One packet counts for at most 60 ms, so that the first one after a pause is not the whole truth.
        let weight = now_ms
            .saturating_sub(self.at_ms)
            .clamp(1, 60)
            .min(tuning.smooth_ms);
        let rest = tuning.smooth_ms - weight;
        self.level = (target * weight + before * rest) / tuning.smooth_ms.max(1);
        if speech {
            if self.is_silent(now_ms, tuning.breath_ms) {
                self.onset_ms = now_ms;
            }
            self.spoke_ms = Some(now_ms);
        }
        self.at_ms = now_ms;
        speech
    }

    fn is_speech(&self, now_ms: u64, tuning: &Tuning) -> bool {
        !self.is_silent(now_ms, tuning.breath_ms) && now_ms.saturating_sub(self.onset_ms) >= tuning.onset_ms
    }
}

/// Whether a condition has held for long enough; `since` remembers when it began to.
fn has_held(since: &mut Option<u64>, holds: bool, now_ms: u64, for_ms: u64) -> bool {
    *since = if holds { since.or(Some(now_ms)) } else { None };
    since.is_some_and(|at| now_ms.saturating_sub(at) >= for_ms)
}

/// The speakers of one room. A packet costs O(log n) of participants.
#[derive(Debug)]
pub struct Speakers {
    tuning: Tuning,
    voices: BTreeMap<ParticipantId, Voice>,
    heard: Vec<Option<ParticipantId>>,
    /// The speaker first, then those who were it before.
    ranking: Vec<ParticipantId>,
    heard_changed: bool,
    ranking_changed: bool,
}

impl Default for Speakers {
    fn default() -> Self {
        Self::new(Tuning::default())
    }
}

impl Speakers {
    pub fn new(tuning: Tuning) -> Self {
        Self {
            tuning,
            voices: BTreeMap::new(),
            heard: vec![None; tuning.slots],
            ranking: Vec::with_capacity(tuning.ranked + 1),
            heard_changed: false,
            ranking_changed: false,
        }
    }

    /// Who is heard, by slot. Who is heard keeps the slot until somebody else needs it.
    pub fn heard(&self) -> &[Option<ParticipantId>] {
        &self.heard
    }

    /// The speaker, then those who spoke before, up to [`Tuning::ranked`]. The order outlasts silence.
    pub fn ranking(&self) -> &[ParticipantId] {
        &self.ranking
    }

    /// Who speaks now, of those who are heard: the speaker first.
    pub fn speaking(&self, now_ms: u64) -> Vec<ParticipantId> {
        let speaks = |who: &ParticipantId| !self.is_silent(*who, now_ms);
        let mut all: Vec<ParticipantId> = self.heard.iter().flatten().copied().filter(speaks).collect();
        let rank = |who: &ParticipantId| self.ranking.iter().position(|ranked| ranked == who);
        all.sort_by_key(|who| (rank(who).unwrap_or(usize::MAX), *who));
        all
    }

    /// A packet of audio with its level: 0 (loudest) to 127 (silence) in −dBov, and the voice bit (RFC 6464 §3).
    pub fn handle_level(&mut self, who: ParticipantId, minus_dbov: u8, voice: bool, now_ms: u64) {
        let level = 127_u8.saturating_sub(minus_dbov & 0x7f);
        let tuning = self.tuning;
        let speech = self
            .voices
            .entry(who)
            .or_default()
            .hear(level, voice, now_ms, &tuning);
        if !speech {
            return;
        }
        if !self.heard.contains(&Some(who)) {
            self.give_slot(who, now_ms);
        }
        self.rank(who, now_ms);
    }

    /// A participant has left, or is muted by others.
    pub fn handle_leave(&mut self, who: ParticipantId) {
        self.voices.remove(&who);
        for slot in &mut self.heard {
            if *slot == Some(who) {
                *slot = None;
                self.heard_changed = true;
            }
        }
        let before = self.ranking.len();
        self.ranking.retain(|ranked| *ranked != who);
        self.ranking_changed |= self.ranking.len() != before;
    }

    /// What has changed since; to be called until there is nothing.
    pub fn poll_event(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.heard_changed) {
            return Some(Event::Heard);
        }
        std::mem::take(&mut self.ranking_changed).then_some(Event::Ranking)
    }

    fn level(&self, who: ParticipantId, now_ms: u64) -> u64 {
        self.voices
            .get(&who)
            .map_or(0, |voice| voice.level_at(now_ms, &self.tuning))
    }

    fn is_silent(&self, who: ParticipantId, now_ms: u64) -> bool {
        let silent = |voice: &Voice| voice.is_silent(now_ms, self.tuning.silent_ms);
        self.voices.get(&who).is_none_or(silent)
    }

    fn margin(&self) -> u64 {
        u64::from(self.tuning.margin) * ONE_DB
    }

    fn give_slot(&mut self, who: ParticipantId, now_ms: u64) {
        let own = self.level(who, now_ms);
        let all = self.heard.iter().enumerate();
        let held = all.map(|(index, holder)| match holder {
            None => (0, 0, index),
            Some(holder) => {
                let rank = if self.is_silent(*holder, now_ms) { 1 } else { 2 };
                (rank, self.level(*holder, now_ms), index)
            }
        });
        let Some((rank, level, index)) = held.min() else {
            return;
        };
        let louder = own > level + self.margin();
        let hold_ms = self.tuning.hold_ms;
        let Some(voice) = self.voices.get_mut(&who) else {
            return;
        };
        if rank < 2 || has_held(&mut voice.over_heard_ms, louder, now_ms, hold_ms) {
            voice.over_heard_ms = None;
            self.heard[index] = Some(who);
            self.heard_changed = true;
        }
    }

    fn rank(&mut self, who: ParticipantId, now_ms: u64) {
        let tuning = self.tuning;
        let Some(speaker) = self.ranking.first().copied() else {
            return self.rank_first(who, now_ms);
        };
        if speaker == who {
            return;
        }
        let silent = self.is_silent(speaker, now_ms);
        let over = self.level(who, now_ms) > self.level(speaker, now_ms) + self.margin();
        let Some(voice) = self.voices.get_mut(&who) else {
            return;
        };
        let held = has_held(&mut voice.over_speaker_ms, over, now_ms, tuning.hold_ms);
        if !voice.is_speech(now_ms, &tuning) {
            return;
        }
        if silent || held {
            voice.over_speaker_ms = None;
            self.rank_first(who, now_ms);
        } else if !self.ranking.contains(&who) {
            self.rank_last(who, now_ms);
        }
    }

    fn rank_first(&mut self, who: ParticipantId, now_ms: u64) {
        let speaks = |voice: &Voice| voice.is_speech(now_ms, &self.tuning);
        if self.voices.get(&who).is_some_and(speaks) {
            self.ranking.retain(|ranked| *ranked != who);
            self.ranking.insert(0, who);
            self.ranking.truncate(self.tuning.ranked);
            self.ranking_changed = true;
        }
    }

    fn rank_last(&mut self, who: ParticipantId, now_ms: u64) {
        if self.ranking.len() >= self.tuning.ranked {
            let last_silent = self
                .ranking
                .last()
                .is_some_and(|last| self.is_silent(*last, now_ms));
            if !last_silent {
                return;
            }
            self.ranking.pop();
        }
        self.ranking.push(who);
        self.ranking_changed = true;
    }
}
