use super::{MeetingView, Participant, ParticipantId};
use crate::{Decision, Effect};
use plenary_access::Topic;
use plenary_model::{Cid, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is counted of a conference's run. It stays after the run, so that the numbers of lines go on.
///
/// Invariant: `participants` is how many have a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub cid: Cid,
    /// When the first one entered.
    pub started_at: Timestamp,
    /// 0: the run is over.
    pub participants: u64,
    /// Number of the newest line, of this run or an earlier one.
    pub last_line: u64,
    /// The time that the last hand got.
    pub last_hand: Timestamp,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub cid: Cid,
    /// Rises by one in each conference.
    pub id: u64,
    pub participant: ParticipantId,
    /// Of who said it, who may be gone since.
    pub name: String,
    pub text: String,
    pub at: Timestamp,
}

/// The runs that one decision changes, as they are after what it has changed so far.
pub(crate) struct Runs<'a, V> {
    view: &'a V,
    now: Timestamp,
    changed: BTreeMap<Cid, Run>,
}

impl<'a, V: MeetingView> Runs<'a, V> {
    pub(crate) fn new(view: &'a V, now: Timestamp) -> Self {
        Self {
            view,
            now,
            changed: BTreeMap::new(),
        }
    }

    /// The run of a conference, to be changed.
    pub(crate) fn of(&mut self, cid: &Cid) -> &mut Run {
        let (view, now) = (self.view, self.now);
        self.changed.entry(cid.clone()).or_insert_with(|| {
            view.run_of(cid).unwrap_or_else(|| Run {
                cid: cid.clone(),
                started_at: now,
                participants: 0,
                last_line: 0,
                last_hand: Timestamp(0),
            })
        })
    }

    pub(crate) fn add(&mut self, decision: &mut Decision, participant: Participant) {
        let now = self.now;
        let run = self.of(&participant.cid);
        if run.participants == 0 {
            run.started_at = now;
        }
        run.participants += 1;
        decision.effect(Effect::PutParticipant(participant));
    }

    pub(crate) fn remove(&mut self, decision: &mut Decision, cid: &Cid, id: ParticipantId) {
        let run = self.of(cid);
        run.participants = run.participants.saturating_sub(1);
        decision.effect(Effect::RemoveParticipant { cid: cid.clone(), id });
    }

    /// Writes the runs, with the end of those that nobody is in any more.
    pub(crate) fn finish(self, decision: &mut Decision) {
        for (cid, run) in self.changed {
            decision.notice(Topic::Meetings, cid.as_str());
            if run.participants == 0 {
                decision.effect(Effect::RemoveLines(cid));
            }
            decision.effect(Effect::PutRun(run));
        }
    }
}
