//! The places of those who are seen and heard in role-based and smart meetings, and who lecture (CONF-01, CONF-09).
//!
//! Invariant: no more are on a podium than it has places.

use super::{Meetings, Participant, ParticipantId, decide::put, moderate::conflict};
use crate::{CONTENT_LEVEL, Conference, Decision, LECTURES_LEVEL, Mode, Role, TURNS_LEVEL, View};
use plenary_access::Refusal;
use plenary_model::{Cid, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place on the podium of a smart meeting changes hands at most this often, so that pictures do not flicker.
pub const CHANGE_MS: u64 = 2_000;

/// Somebody whom a node has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub participant: ParticipantId,
    /// When it was last; 0: they speak now.
    pub ago_ms: u64,
}

/// Those whom one [`Change::Spoke`](crate::Change::Spoke) may name.
pub const HEARD: usize = 64;

/// Onto the podium: what was asked for is had.
pub(super) fn step_up(participant: &mut Participant, now: Timestamp) {
    let standing = &mut participant.standing;
    standing.podium = Some(now);
    standing.spoke_at = now;
    standing.remark = false;
    standing.invitation = None;
    participant.hand = None;
}

pub(super) fn step_down(participant: &mut Participant) {
    let standing = &mut participant.standing;
    (standing.podium, standing.pinned, standing.stands_in) = (None, false, false);
}

impl<V: View> Meetings<'_, V> {
    /// Those that the podium has as things are; none where the mode has no podium.
    pub(super) fn podium_places(&self, conference: &Conference) -> usize {
        if self.at.level < LECTURES_LEVEL && conference.settings.mode == Mode::Lecture {
            return 0;
        }
        conference.settings.places()
    }

    /// Puts somebody onto the podium, if there is a place.
    pub(crate) fn give_podium(&self, conference: &Conference, to: &mut Participant) -> Result<(), Refusal> {
        if self.podium_places(conference) == 0 {
            return Err(conflict(
                "this meeting has no podium: its mode shows people otherwise",
            ));
        }
        if to.standing.podium.is_some() {
            to.standing.stands_in = false;
            return Ok(());
        }
        self.check_free_place(conference)?;
        step_up(to, self.at.now);
        Ok(())
    }

    pub(super) fn check_free_place(&self, conference: &Conference) -> Result<(), Refusal> {
        let places = self.podium_places(conference);
        if self.view.podium_of(&conference.cid).len() >= places {
            return Err(Refusal::Full(format!(
                "all {places} places on the podium are taken; take one back first"
            )));
        }
        Ok(())
    }

    /// Whoever comes in takes a free place: everybody in a smart meeting, the owner in a role-based one, in a lecture who
    /// lectures. `taken` counts places that the same decision has given already.
    pub(crate) fn take_free_place(
        &self,
        decision: &mut Decision,
        conference: &Conference,
        one: &mut Participant,
        taken: &mut usize,
    ) {
        if conference.settings.mode == Mode::Lecture {
            return self.take_lecture(decision, conference, one, taken);
        }
        let takes = match conference.settings.mode {
            Mode::Smart => true,
            Mode::RoleBased => conference.role_of(one) == Role::Owner,
            Mode::AllOnScreen | Mode::Lecture => false,
        };
        let inside = one.standing.waiting.is_none() && one.standing.podium.is_none();
        if takes
            && inside
            && self.view.podium_of(&conference.cid).len() + *taken < self.podium_places(conference)
        {
            step_up(one, self.at.now);
            *taken += 1;
        }
    }

    /// What a node has heard, the loudest first: in a smart meeting whoever speaks comes onto the podium.
    pub(crate) fn spoke(&self, cid: &Cid, heard: &[Heard]) -> Result<Decision, Refusal> {
        let conference = self.conference(cid)?;
        let mut decision = Decision::default();
        if conference.settings.mode != Mode::Smart {
            return Ok(decision);
        }
        let now = self.at.now;
        let mut podium: BTreeMap<ParticipantId, Participant> = BTreeMap::new();
        for one in self.view.podium_of(cid) {
            podium.insert(one.id, one);
        }
        let before = podium.clone();
        let heard = heard.get(..HEARD).unwrap_or(heard);
        for Heard { participant, ago_ms } in heard {
            if let Some(one) = podium.get_mut(participant) {
                let at = Timestamp(now.0.saturating_sub(*ago_ms));
                one.standing.spoke_at = one.standing.spoke_at.max(at);
            }
        }
        let mut down = Vec::new();
        for one in heard.iter().filter(|one| one.ago_ms == 0) {
            let Some(mut speaker) = self.view.participant(cid, one.participant) else {
                continue;
            };
            let silent = speaker.standing.hushed || speaker.away || speaker.standing.waiting.is_some();
            if silent || podium.contains_key(&speaker.id) {
                continue;
            }
            if podium.len() >= self.podium_places(&conference) {
                let Some(gone) = self.longest_silent(&podium) else {
                    continue;
                };
                down.extend(podium.remove(&gone));
            }
            step_up(&mut speaker, now);
            podium.insert(speaker.id, speaker);
        }
        for mut one in down {
            step_down(&mut one);
            put(&mut decision, one);
        }
        for (id, one) in podium {
            if before.get(&id) != Some(&one) {
                put(&mut decision, one);
            }
        }
        Ok(decision)
    }

    /// In a smart meeting whoever begins to show something comes onto the podium, as who begins to speak does.
    pub(crate) fn come_by_content(&self, decision: &mut Decision, one: &mut Participant) {
        if self.at.level < CONTENT_LEVEL {
            return;
        }
        if one.standing.podium.is_some() {
            one.standing.spoke_at = self.at.now;
            return;
        }
        let conference = self.view.conference(&one.cid);
        let Some(conference) = conference.filter(|conference| conference.settings.mode == Mode::Smart) else {
            return;
        };
        let all = self.view.podium_of(&one.cid);
        let mut podium: BTreeMap<_, _> = all.into_iter().map(|other| (other.id, other)).collect();
        if podium.len() >= self.podium_places(&conference) {
            let gone = self.longest_silent(&podium).and_then(|gone| podium.remove(&gone));
            let Some(mut gone) = gone else { return };
            step_down(&mut gone);
            put(decision, gone);
        }
        step_up(one, self.at.now);
    }

    /// Who leaves the podium for somebody who speaks or shows something: whoever speaks now, is pinned or has just come
    /// stays. Those who show something leave after all others, and who began first leaves first. Nodes hear of silence only where
    /// they have people: of those who were heard last at the same moment the one who has had a place for longest leaves.
    fn longest_silent(&self, podium: &BTreeMap<ParticipantId, Participant>) -> Option<ParticipantId> {
        let now = self.at.now;
        let leaves = |one: &&Participant| {
            let standing = &one.standing;
            let came = standing.podium.unwrap_or_default();
            !standing.pinned && standing.spoke_at < now && now.since_ms(came) >= CHANGE_MS
        };
        let shows = |one: &Participant| self.at.level >= CONTENT_LEVEL && one.content;
        let silent = podium.values().filter(leaves);
        let came = |one: &Participant| one.standing.podium.filter(|_| self.at.level >= TURNS_LEVEL);
        let longest = silent.min_by_key(|one| (shows(one), one.standing.spoke_at, came(one), one.id));
        longest.map(|one| one.id)
    }

    /// The podium after the settings of a meeting have changed while it runs.
    pub(crate) fn fit_podium(&self, decision: &mut Decision, before: &Conference, after: &Conference) {
        let same = before.settings.mode == after.settings.mode;
        if same && before.settings.places() == after.settings.places() {
            return;
        }
        if !same && after.settings.mode == Mode::Lecture && self.at.level >= LECTURES_LEVEL {
            return self.begin_lecture(decision, after);
        }
        let places = self.podium_places(after);
        let mut podium = self.view.podium_of(&after.cid);
        // Those who stay come first.
        podium.sort_by_key(|one| {
            let standing = one.standing;
            (!standing.pinned, std::cmp::Reverse(standing.spoke_at), one.id)
        });
        for mut one in podium.into_iter().skip(places) {
            step_down(&mut one);
            put(decision, one);
        }
    }
}
