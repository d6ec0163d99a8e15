//! What a moderator has everybody look at (CONF-11).

use super::{Meetings, ParticipantId, Runs, moderate::conflict};
use crate::{Conference, Decision, View};
use plenary_access::Refusal;
use serde::{Deserialize, Serialize};

/// How pictures are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    /// All of one size.
    #[default]
    Gallery,
    /// Content, else who is pinned, else who speaks is large, the others in a strip.
    Speaker,
    /// The same without the strip.
    Alone,
}

/// One layout for all who are in; gone with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub arrangement: Arrangement,
    /// Who is large, whoever speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<ParticipantId>,
    /// Nobody chooses another one for themselves.
    pub locked: bool,
}

impl<V: View> Meetings<'_, V> {
    pub(super) fn set_layout(
        &self,
        conference: &Conference,
        layout: Option<Layout>,
    ) -> Result<Decision, Refusal> {
        let cid = &conference.cid;
        if let Some(id) = layout.and_then(|layout| layout.pinned) {
            let pinned = self.view.participant(cid, id);
            if pinned.is_none_or(|one| one.standing.waiting.is_some()) {
                return Err(conflict("who is to be large is not in the meeting any more"));
            }
        }
        let mut decision = Decision::default();
        let mut runs = Runs::new(self.view, self.at);
        let run = runs.of(cid);
        if !run.is_on() {
            return Err(conflict("nobody is in the meeting: there is nothing to lay out"));
        }
        run.layout = layout;
        runs.finish(&mut decision);
        Ok(decision)
    }
}
