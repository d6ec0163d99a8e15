//! What moderators do to a meeting and to those in it (CONF-06, CONF-08).

use super::{
    End, Layout, Meetings, Participant, ParticipantId, Runs,
    decide::{come_in_silence, put},
};
use crate::{
    Conference, Decision, Effect, Mode, Pin, REMOVALS_LEVEL, Role, SettingsPatch, View, WaitingRoom,
    conference::differences, decide::forbidden,
};
use plenary_access::{Moment, Refusal, Topic, rules::not_found};
use plenary_model::Cid;
use serde::{Deserialize, Serialize};

/// What a moderator does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Out of the waiting room.
    Admit(ParticipantId),
    AdmitAll,
    /// Back into the waiting room.
    SendBack(ParticipantId),
    /// Out of the meeting or the waiting room; they do not come back into this run by themselves.
    Remove(ParticipantId),
    /// Somebody who was removed may come again, with all of their programs.
    LetBack(ParticipantId),
    /// A program that watches; its account watches by none any more in this run.
    RemoveWatcher(ParticipantId),
    Mute(ParticipantId),
    MuteAll,
    StopCamera(ParticipantId),
    /// Ends what they show of their screen; they may share again.
    StopContent(ParticipantId),
    /// The participant is asked; nobody's microphone is switched on for them.
    AskToUnmute(ParticipantId),
    MakeModerator(ParticipantId),
    UnmakeModerator(ParticipantId),
    LowerHand(ParticipantId),
    GivePodium(ParticipantId),
    TakePodium(ParticipantId),
    /// Asks them to come to the podium; they accept or decline.
    InviteToPodium(ParticipantId),
    /// They lecture from now on, and nobody else does.
    HandLecture(ParticipantId),
    /// Stays on the podium, however long they are silent.
    Pin(ParticipantId),
    Unpin(ParticipantId),
    /// A voice without the podium.
    GiveRemark(ParticipantId),
    TakeRemark(ParticipantId),
    /// Nobody new comes in.
    Lock,
    Unlock,
    /// Who comes from now on must enter it; `None`: no PIN any more. Who is in stays.
    SetPin(Option<Pin>),
    /// Who comes from now on must be let in, or not; `None`: nobody. Who waits goes on waiting.
    SetWaitingRoom(Option<WaitingRoom>),
    /// For everybody.
    End,
    /// Opens a conference that is not a virtual room.
    Start,
    /// Puts the planned end off by so many minutes.
    Extend(u16),
    SetLayout(Layout),
    /// Everybody chooses for themselves again.
    ClearLayout,
    /// A layout for one alone, instead of that for everybody.
    SetLayoutOf(ParticipantId, Layout),
    /// They look at what everybody does again.
    ClearLayoutOf(ParticipantId),
}

impl Act {
    /// Whom of those in the meeting it is about.
    pub fn participant(&self) -> Option<ParticipantId> {
        match self {
            Self::Admit(id)
            | Self::SendBack(id)
            | Self::Remove(id)
            | Self::Mute(id)
            | Self::StopCamera(id)
            | Self::StopContent(id)
            | Self::AskToUnmute(id)
            | Self::MakeModerator(id)
            | Self::UnmakeModerator(id)
            | Self::LowerHand(id)
            | Self::GivePodium(id)
            | Self::TakePodium(id)
            | Self::InviteToPodium(id)
            | Self::HandLecture(id)
            | Self::Pin(id)
            | Self::Unpin(id)
            | Self::GiveRemark(id)
            | Self::TakeRemark(id)
            | Self::SetLayoutOf(id, _)
            | Self::ClearLayoutOf(id) => Some(*id),
            Self::RemoveWatcher(_)
            | Self::LetBack(_)
            | Self::AdmitAll
            | Self::MuteAll
            | Self::Lock
            | Self::Unlock
            | Self::SetPin(_)
            | Self::SetWaitingRoom(_)
            | Self::End
            | Self::Start
            | Self::Extend(_)
            | Self::SetLayout(_)
            | Self::ClearLayout => None,
        }
    }
}

impl<V: View> Meetings<'_, V> {
    /// Somebody in the meeting acts; they must be a moderator and not wait.
    pub(crate) fn act_by(&self, cid: &Cid, by: ParticipantId, act: Act) -> Result<Decision, Refusal> {
        let conference = self.conference(cid)?;
        self.moderator(&conference, by)?;
        self.act(&conference, Some(by), act)
    }

    /// Whoever is a moderator right now, and inside.
    pub(crate) fn moderator(
        &self,
        conference: &Conference,
        id: ParticipantId,
    ) -> Result<Participant, Refusal> {
        let by = self.participant(&conference.cid, id)?;
        if by.standing.waiting.is_some() || self.role_now(conference, &by) < Role::Moderator {
            return Err(forbidden("a moderator of this conference"));
        }
        Ok(by)
    }

    /// What somebody is right now: a right that was taken away meanwhile counts no more.
    pub(super) fn role_now(&self, conference: &Conference, participant: &Participant) -> Role {
        if participant.standing.moderator {
            return conference.role_of(participant);
        }
        self.visitor(&participant.person, participant.address)
            .role(conference)
    }

    /// Who asks has been found to be allowed.
    pub(crate) fn act(
        &self,
        conference: &Conference,
        by: Option<ParticipantId>,
        act: Act,
    ) -> Result<Decision, Refusal> {
        let cid = &conference.cid;
        let found = act.participant().map(|id| self.inside(cid, id)).transpose()?;
        let Some(before) = found else {
            return self.act_on_all(conference, act);
        };
        let role = conference.role_of(&before);
        if role == Role::Owner && matches!(act, Act::Remove(_) | Act::SendBack(_) | Act::UnmakeModerator(_)) {
            return Err(conflict(
                "the owner of a conference cannot be removed, sent back or demoted",
            ));
        }
        let waits = before.standing.waiting.is_some();
        if waits && !matches!(act, Act::Admit(_) | Act::Remove(_)) {
            return Err(conflict(&format!(
                "{} is in the waiting room; let them in first",
                before.name
            )));
        }
        let mut runs = Runs::new(self.view, self.at);
        let mut decision = Decision::default();
        let mut after = before.clone();
        let standing = &mut after.standing;
        match act {
            Act::Remove(_) => return Ok(self.throw_out(&before)),
            Act::Admit(_) => {
                standing.waiting = None;
                self.let_in_silence(conference, &mut after);
                self.take_free_place(&mut decision, conference, &mut after, &mut 0);
                if self.take_kept_place(&mut runs, conference, &after) {
                    put(&mut decision, after);
                    runs.finish(&mut decision);
                    return Ok(decision);
                }
            }
            Act::SendBack(_) => send_back(&mut after, self.at),
            Act::Mute(_) => (standing.hushed, standing.asked, after.muted) = (true, None, true),
            Act::StopCamera(_) => (standing.dimmed, after.camera) = (true, false),
            Act::StopContent(_) if after.content => (standing.covered, after.content) = (true, false),
            Act::StopContent(_) => {}
            Act::AskToUnmute(_) if after.muted => standing.asked = Some(self.at.now),
            Act::AskToUnmute(_) => {}
            Act::MakeModerator(_) => standing.moderator = true,
            Act::UnmakeModerator(_) => {
                standing.moderator = false;
                if conference.role_of(&after) > Role::Participant {
                    return Err(conflict(
                        "they are a moderator by the conference's settings or an operator; change it there",
                    ));
                }
            }
            Act::LowerHand(_) => after.hand = None,
            Act::GivePodium(_) => {
                self.give_podium(conference, &mut after)?;
                self.come_quietly(conference, by, &before, &mut after);
            }
            Act::HandLecture(_) => {
                self.hand_lecture(&mut decision, conference, &mut after)?;
                self.come_quietly(conference, by, &before, &mut after);
            }
            Act::TakePodium(_) => {
                self.end_lecture(conference, &mut after);
                after.standing.invitation = None;
            }
            Act::InviteToPodium(_) => self.invite(conference, &mut after)?,
            Act::Pin(_) => {
                self.check_pins(conference)?;
                self.give_podium(conference, &mut after)?;
                after.standing.pinned = true;
            }
            Act::Unpin(_) => standing.pinned = false,
            Act::GiveRemark(_) => {
                check_remarks(conference)?;
                (standing.remark, after.hand) = (true, None);
            }
            Act::TakeRemark(_) => standing.remark = false,
            Act::SetLayoutOf(_, layout) => {
                self.check_layout_of_one(cid, &layout)?;
                after.layout = Some(layout);
            }
            Act::ClearLayoutOf(_) => after.layout = None,
            Act::RemoveWatcher(_)
            | Act::LetBack(_)
            | Act::AdmitAll
            | Act::MuteAll
            | Act::Lock
            | Act::Unlock
            | Act::SetPin(_)
            | Act::SetWaitingRoom(_)
            | Act::End
            | Act::Start
            | Act::Extend(_)
            | Act::SetLayout(_)
            | Act::ClearLayout => {}
        }
        if after != before {
            put(&mut decision, after);
        }
        Ok(decision)
    }

    fn act_on_all(&self, conference: &Conference, act: Act) -> Result<Decision, Refusal> {
        match act {
            Act::RemoveWatcher(id) => return self.remove_watcher(conference, id),
            Act::LetBack(id) => return self.let_back(conference, id),
            Act::Start => return self.start(conference),
            Act::Extend(minutes) => return self.extend(conference, minutes),
            Act::SetLayout(layout) => return self.set_layout(conference, Some(layout)),
            Act::ClearLayout => return self.set_layout(conference, None),
            Act::SetPin(pin) => {
                let patch = SettingsPatch {
                    pin: Some(pin.into()),
                    ..SettingsPatch::default()
                };
                return self.set_gate(conference, &patch);
            }
            Act::SetWaitingRoom(room) => {
                let patch = SettingsPatch {
                    waiting_room: Some(room.into()),
                    ..SettingsPatch::default()
                };
                return self.set_gate(conference, &patch);
            }
            _ => {}
        }
        let (cid, now) = (&conference.cid, self.at.now);
        let mut decision = Decision::default();
        let mut runs = Runs::new(self.view, self.at);
        match act {
            Act::AdmitAll => {
                let mut taken = 0;
                let waiting = |one: &Participant| one.standing.waiting.is_some();
                let mut comers: Vec<_> = self.view.everybody(cid).into_iter().filter(waiting).collect();
                self.put_lecturers_first(conference, &mut comers);
                for mut one in comers {
                    one.standing.waiting = None;
                    self.let_in_silence(conference, &mut one);
                    self.take_free_place(&mut decision, conference, &mut one, &mut taken);
                    self.take_kept_place(&mut runs, conference, &one);
                    put(&mut decision, one);
                }
            }
            Act::MuteAll => {
                let listens = |one: &Participant| {
                    let standing = &one.standing;
                    let done = standing.hushed && one.muted;
                    standing.waiting.is_none() && !done && conference.role_of(one) == Role::Participant
                };
                for mut one in self.view.everybody(cid).into_iter().filter(listens) {
                    (one.standing.hushed, one.standing.asked, one.muted) = (true, None, true);
                    put(&mut decision, one);
                }
            }
            Act::Lock | Act::Unlock => {
                let run = runs.of(cid);
                if !run.is_on() {
                    return Err(conflict("nobody is in the meeting: there is nothing to lock"));
                }
                let locked = matches!(act, Act::Lock);
                run.locked_at = locked.then(|| run.locked_at.unwrap_or(now));
            }
            Act::End => {
                let run = runs.of(cid);
                if run.is_on() {
                    runs.end(&mut decision, cid, End::Moderator);
                    decision
                        .changed("conference", conference.id().as_str(), "ended", Vec::new())
                        .notice(Topic::Events, "");
                }
            }
            _ => {}
        }
        runs.finish(&mut decision);
        Ok(decision)
    }

    /// Who was let in comes in as all others do, whatever they switched on while they waited.
    fn let_in_silence(&self, conference: &Conference, one: &mut Participant) {
        if self.at.level >= REMOVALS_LEVEL {
            come_in_silence(conference, one);
        }
    }

    /// How people come in from now on, also in later runs; who is in stays.
    fn set_gate(&self, conference: &Conference, patch: &SettingsPatch) -> Result<Decision, Refusal> {
        if conference.call {
            return Err(conflict(
                "this is a call, which nobody else joins; make it a conference first",
            ));
        }
        let mut decision = Decision::default();
        let mut after = conference.clone();
        after.settings = patch.apply(&conference.settings, self.at.now)?;
        if after.settings == conference.settings {
            return Ok(decision);
        }
        (after.updated_at, after.revision) = (self.at.now, self.at.revision);
        let changes = differences(Some(conference), Some(&after));
        decision
            .changed("conference", conference.id().as_str(), "changed", changes)
            .notice(Topic::Conferences, conference.cid.as_str())
            .notice(Topic::Meetings, conference.cid.as_str())
            .notice(Topic::Events, "")
            .effect(Effect::Put(after));
        Ok(decision)
    }

    pub(crate) fn conference(&self, cid: &Cid) -> Result<Conference, Refusal> {
        self.view
            .conference(cid)
            .ok_or_else(|| not_found("conference", cid))
    }

    /// A participant, with words for moderators if they have just gone.
    fn inside(&self, cid: &Cid, id: ParticipantId) -> Result<Participant, Refusal> {
        let found = self.view.participant(cid, id);
        found.ok_or_else(|| conflict("they have left the meeting meanwhile"))
    }
}

/// Whether voices need a permission.
fn check_remarks(conference: &Conference) -> Result<(), Refusal> {
    match conference.settings.mode {
        Mode::RoleBased | Mode::Lecture => Ok(()),
        Mode::AllOnScreen | Mode::Smart => Err(conflict("everybody may speak in this meeting")),
    }
}

/// Out of sight and hearing: nothing of what they were given in the meeting stays, but what they must not do.
fn send_back(participant: &mut Participant, at: Moment) {
    let before = participant.standing;
    // Nodes of before forget it, and all must have the same.
    let stays = at.level >= REMOVALS_LEVEL;
    participant.standing = super::Standing {
        waiting: Some(at.now),
        operator: before.operator,
        screenless: before.screenless,
        screenless_at_home: stays && before.screenless_at_home,
        hushed: stays && before.hushed,
        dimmed: stays && before.dimmed,
        ..super::Standing::default()
    };
    participant.hand = None;
    participant.reaction = None;
    participant.content = false;
    participant.layout = None;
}

pub(crate) fn conflict(text: &str) -> Refusal {
    Refusal::Conflict(text.into())
}
