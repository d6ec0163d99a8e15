//! Programs that watch a conference and send nothing (WHEP): who they are, and that moderators remove them (CONF-08).
//!
//! They stand beside the roster and not in it. So they have no voice, no hand, no podium and no seat in the meeting; a
//! virtual room begins and ends without them, the last one is alone beside them, and neither history nor presence knows
//! them. They do count for how many the conference takes: a gate that is full is full for every way in.
//!
//! ```text
//!           Watch                   Unwatch, the node is lost, the account may not be in conferences
//!  nobody ─────────► watches ─────────────────────────────────────────────────────────────────────────► nobody
//!                       │  Act::RemoveWatcher                          the run ends, the account is gone    ▲
//!                       └───────────────────► removed: their account watches no more ───────────────────────┤
//!                                                  │  Act::LetBack, or it comes after they were called      │
//!                                                  └────────────────────────────────────────────────────────┘
//! ```

use super::{Meetings, ParticipantId, Person, Run, conflict};
use crate::{
    CALLERS_LEVEL, Change, Conference, Decision, Effect, Gate, KeptOut, Party, View, Visitor, Way,
    admit_watcher,
};
use plenary_access::{
    Refusal, Topic,
    rules::{exists, not_found},
};
use plenary_model::{Cid, NodeId, Right, Timestamp, UserName};

/// A program that watches, or did until a moderator removed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watcher {
    pub cid: Cid,
    /// Random; participants have others.
    pub id: ParticipantId,
    /// Whose program it is.
    pub user: UserName,
    /// As the account was called when it came.
    pub name: String,
    /// The node that holds the connection.
    pub node: NodeId,
    /// The node's start, as presence has it.
    pub epoch: u64,
    pub since: Timestamp,
    /// It watches no more; kept until the run ends, so that the account does not come back in it.
    pub removed_at: Option<Timestamp>,
}

impl Watcher {
    pub fn watches(&self) -> bool {
        self.removed_at.is_none()
    }
}

impl<V: View> Meetings<'_, V> {
    /// A program comes or goes.
    pub(crate) fn watches(&self, change: &Change) -> Result<Decision, Refusal> {
        match change {
            Change::Watch {
                cid,
                watcher,
                user,
                node,
                epoch,
            } => self.watch(cid, *watcher, user, (*node, *epoch)),
            Change::Unwatch { cid, watcher } => Ok(self.unwatch(cid, *watcher)),
            _ => Ok(Decision::default()),
        }
    }

    fn watch(
        &self,
        cid: &Cid,
        id: ParticipantId,
        user: &UserName,
        (node, epoch): (NodeId, u64),
    ) -> Result<Decision, Refusal> {
        let conference = self.conference(cid)?;
        let account = self.view.account(user);
        let account = account.ok_or_else(|| not_found("user", user))?;
        if !account.active {
            return Err(Refusal::AccountDisabled);
        }
        self.check_start(node, epoch)?;
        if self.view.watcher(cid, id).is_some() || self.view.participant(cid, id).is_some() {
            return Err(exists("watcher", id));
        }
        self.watch_gate(&conference, user)?;
        let mut decision = Decision::default();
        // Whoever was asked to come again is not removed any more.
        self.forget_removed_watchers(&mut decision, cid, user);
        put(
            &mut decision,
            Watcher {
                cid: cid.clone(),
                id,
                user: user.clone(),
                name: account.display_name,
                node,
                epoch,
                since: self.at.now,
                removed_at: None,
            },
        );
        Ok(decision)
    }

    fn watch_gate(&self, conference: &Conference, user: &UserName) -> Result<(), KeptOut> {
        let cid = &conference.cid;
        let run = self.view.run_of(cid).filter(Run::is_on);
        let called = run
            .as_ref()
            .and_then(|run| self.called_at(run, &Party::Here(user.clone())));
        let visitor = Visitor::Account {
            user,
            operator: self.view.is_operator(user)
                && self.view.zones().of(self.from).rights.allows(Right::Operator),
            called_at: called,
        };
        self.check_removed_watcher(conference, user, visitor)?;
        self.check_removed(conference, &Person::Account(user.clone()), visitor, Way::Watch)?;
        let inside = run.as_ref().map_or(0, |run| run.participants);
        let gate = Gate {
            conference,
            run: run.as_ref(),
            inside: inside + self.view.watching(cid),
            guests: 0,
            // Guests do not watch by programs.
            registered: 0,
            partner_full: None,
        };
        admit_watcher(&gate, visitor, self.at.now)
    }

    /// Whether a moderator has removed a program of theirs, and nobody has asked them to come since.
    fn check_removed_watcher(
        &self,
        conference: &Conference,
        user: &UserName,
        visitor: Visitor<'_>,
    ) -> Result<(), KeptOut> {
        let removed = self.removed_watchers(&conference.cid, user);
        let Some(at) = removed.iter().filter_map(|one| one.removed_at).max() else {
            return Ok(());
        };
        let asked = visitor.last_asked_at(conference);
        // Nodes of before keep them out all the same, and all must do so.
        if self.at.level >= CALLERS_LEVEL && asked.is_some_and(|asked| asked > at) {
            return Ok(());
        }
        Err(KeptOut::WatcherRemoved)
    }

    fn removed_watchers(&self, cid: &Cid, user: &UserName) -> Vec<Watcher> {
        let mut own = self.view.watched_by(user);
        own.retain(|one| one.cid == *cid && !one.watches());
        own
    }

    /// An account whose programs were removed watches by them again.
    pub(super) fn forget_removed_watchers(&self, decision: &mut Decision, cid: &Cid, user: &UserName) {
        for one in self.removed_watchers(cid, user) {
            take_out(decision, one);
        }
    }

    /// The account of a program that was removed, which may be let back.
    pub(super) fn owner_of_removed_watcher(&self, cid: &Cid, id: ParticipantId) -> Option<UserName> {
        let found = self.view.watcher(cid, id).filter(|one| !one.watches());
        found
            .filter(|_| self.at.level >= CALLERS_LEVEL)
            .map(|one| one.user)
    }

    /// It has ended, or its node has nothing of it. Who was removed stays so.
    fn unwatch(&self, cid: &Cid, id: ParticipantId) -> Decision {
        let mut decision = Decision::default();
        let found = self.view.watcher(cid, id).filter(Watcher::watches);
        if let Some(watcher) = found {
            take_out(&mut decision, watcher);
        }
        decision
    }

    /// A moderator removes one; the other programs of the account go on, and no new one of it comes in this run.
    pub(crate) fn remove_watcher(
        &self,
        conference: &Conference,
        id: ParticipantId,
    ) -> Result<Decision, Refusal> {
        let found = self.view.watcher(&conference.cid, id).filter(Watcher::watches);
        let watcher = found.ok_or_else(|| conflict("that program does not watch any more"))?;
        if watcher.user == conference.owner {
            return Err(conflict(
                "the programs of the owner of a conference cannot be removed",
            ));
        }
        let mut decision = Decision::default();
        let removed_at = Some(self.at.now);
        put(
            &mut decision,
            Watcher {
                removed_at,
                ..watcher
            },
        );
        Ok(decision)
    }
}

/// What follows for the programs of an account that may not be in conferences. Who gets the name of one that is gone is
/// not kept out because of it.
pub(crate) fn forget_watching<V: View>(view: &V, decision: &mut Decision, user: &UserName, is_gone: bool) {
    let own = view.watched_by(user).into_iter();
    for watcher in own.filter(|one| is_gone || one.watches()) {
        take_out(decision, watcher);
    }
}

/// Whoever watches by another start of the node than this does so no more: their program comes anew.
pub(crate) fn end_watching<V: View>(view: &V, decision: &mut Decision, node: NodeId, but: u64) {
    let rooms = view.watched_on_other_starts(node, but);
    if rooms.is_empty() {
        return;
    }
    for cid in rooms {
        decision.notice(Topic::Meetings, cid.as_str());
    }
    decision.effect(Effect::EndWatching { node, but });
}

fn put(decision: &mut Decision, watcher: Watcher) {
    decision
        .notice(Topic::Meetings, watcher.cid.as_str())
        .effect(Effect::PutWatcher(watcher));
}

fn take_out(decision: &mut Decision, watcher: Watcher) {
    let (cid, id) = (watcher.cid, watcher.id);
    decision
        .notice(Topic::Meetings, cid.as_str())
        .effect(Effect::RemoveWatcher { cid, id });
}
