//! Whose voices the server must hear of: in a smart meeting, who speaks comes onto the podium.

use crate::Present;
use plenary_signalling::meeting::{Mode, ParticipantId, People, Via};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// It is told again after so long while somebody speaks who has no place yet.
const AGAIN: Duration = Duration::from_millis(500);
/// What was longer ago is not told: whoever has a place is silent since they got it.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Most of [`Voices::recent`].
const RECENT: usize = 16;

/// Who was heard when.
#[derive(Debug, Default)]
pub(super) struct Voices {
    smart: bool,
    speaking: Vec<ParticipantId>,
    heard: BTreeMap<ParticipantId, Instant>,
    podium: BTreeSet<ParticipantId>,
    next: Option<Instant>,
    told: Option<Instant>,
}

impl Voices {
    /// Who speaks from now on.
    pub(super) fn hear(&mut self, speaking: &[ParticipantId], mode: Mode) {
        let now = Instant::now();
        self.smart = mode == Mode::Smart;
        for id in self.speaking.iter().chain(speaking) {
            self.heard.insert(*id, now);
        }
        self.heard.retain(|_, at| now.duration_since(*at) < REMEMBERED);
        self.speaking = speaking.to_vec();
    }

    /// Who has a place now.
    pub(super) fn podium(&mut self, present: &[Present]) {
        let on = present.iter().filter(|one| one.participant.podium.is_some());
        self.podium = on.map(|one| one.participant.id).collect();
    }

    /// Who was heard last, so many at most; all are to know who that is.
    pub(super) fn recent(&self) -> impl Iterator<Item = ParticipantId> {
        let mut heard: Vec<_> = self.heard.iter().map(|(id, at)| (Reverse(*at), *id)).collect();
        heard.sort_unstable();
        heard.into_iter().take(RECENT).map(|(_, id)| id)
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.next
    }

    /// What the server must hear, if anything: somebody speaks who is ours to tell of and has no place.
    pub(super) fn news(
        &mut self,
        people: &People,
        here: impl Fn(ParticipantId) -> bool,
    ) -> Option<Vec<(ParticipantId, u64)>> {
        self.next = None;
        let now = Instant::now();
        let ours = |id: &&ParticipantId| {
            let program = people.inside(**id).is_some_and(|one| one.via == Via::Whip);
            people.inside(**id).is_some() && !self.podium.contains(*id) && (program || here(**id))
        };
        if !self.smart || !self.speaking.iter().any(|id| ours(&id)) {
            return None;
        }
        self.next = Some(now + AGAIN);
        if self.told.is_some_and(|told| now.duration_since(told) < AGAIN) {
            return None;
        }
        self.told = Some(now);
        let speak = self.speaking.iter().map(|id| (*id, 0));
        let spoke = self.podium.iter().filter(|id| !self.speaking.contains(id));
        let spoke = spoke.filter_map(|id| {
            let ago = now.duration_since(*self.heard.get(id)?).as_millis();
            Some((*id, u64::try_from(ago).unwrap_or(u64::MAX).max(1)))
        });
        Some(speak.chain(spoke).collect())
    }
}
