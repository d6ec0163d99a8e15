//! Commands about licences and seats.

use crate::{Change, Command, Desk, File, Installed, RulesPatch};
use plenary_access::{
    AdminRole, EventDraft, EventKind, Moment, Outcome, PLACES_LEVEL, Refusal, Topic,
    rules::{Asker, Changes, asker, expect_revision, first_answer, invalid, not_found},
};
use plenary_licences::licence::{Confirmation, LicenceError, LicenceId, PublicKey, Signed};
use plenary_model::{GroupId, GuestId, NodeId, Revision, Timestamp, UserName};
use plenary_seats::{Command as Count, DeviceId, ParticipationId, Told, Why};
use std::collections::BTreeSet;

/// What the rules read of the rest of the server.
pub trait View: plenary_access::View {
    /// Active members of these groups, by the order of the groups and inside by display name and ID.
    fn candidates(&self, groups: &[GroupId]) -> Vec<UserName>;
    /// Whether somebody has this place in a roster.
    fn is_in_roster(&self, place: u64) -> bool;
    /// The accounts that are in conferences, which calls of two are not.
    fn in_conferences(&self) -> Vec<UserName>;
    /// Devices that are online, with their users and nodes.
    fn devices(&self) -> Vec<(String, UserName, NodeId)>;
}

/// What other parts of the server have to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Whoever has lost PRO leaves all conferences.
    PutOut(UserName),
    /// The lease under which they took part is no more.
    Ended {
        users: Vec<UserName>,
        guests: Vec<GuestId>,
    },
}

/// What follows, beside what changed in the [`Desk`].
pub type Decision = plenary_access::Decision<Effect>;

/// What follows from a command, also from one that is refused.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Following {
    pub decision: Decision,
    pub refused: Option<Refusal>,
}

/// Everything one decision works with.
pub(crate) struct Case<'a, V> {
    pub(crate) view: &'a V,
    pub(crate) at: Moment,
    pub(crate) desk: &'a mut Desk,
    pub(crate) decision: Decision,
}

/// Decides what follows from `command`; a desk that is not open is opened by [`Change::Open`] only.
pub fn decide<V: View>(view: &V, at: Moment, desk: &mut Option<Desk>, command: &Command) -> Following {
    let refused = |refusal| Following {
        decision: Decision::default(),
        refused: Some(refusal),
    };
    match first_answer(view, command) {
        Some(Ok(decision)) => {
            return Following {
                decision,
                refused: None,
            };
        }
        Some(Err(refusal)) => return refused(refusal),
        None => {}
    }
    let asker = match asker(view, &command.by) {
        Ok(asker) => asker,
        Err(refusal) => return refused(refusal),
    };
    let opens = matches!(command.change, Change::Open { .. }) && asker.user.is_none();
    if let Change::Open { pool, branch } = command.change
        && opens
        && desk.is_none()
    {
        return match view.founded() {
            Some((server, _)) => open(view, at, desk.insert(Desk::open(server, pool, branch))),
            None => refused(Refusal::Conflict("the server is not founded yet".into())),
        };
    }
    let Some(desk) = desk else {
        return refused(Refusal::Conflict(
            "seats are not counted yet; try again in a moment".into(),
        ));
    };
    let mut case = Case::new(view, at, desk);
    let outcome = case.decide(&asker, &command.change);
    let mut following = case.finish();
    match outcome {
        Ok(outcome) => following.decision.outcome = outcome,
        Err(refusal) => following.refused = Some(refusal),
    }
    following
}

fn open<V: View>(view: &V, at: Moment, desk: &mut Desk) -> Following {
    desk.weigh(at.now);
    let mut case = Case::new(view, at, desk);
    case.settle();
    for (session, user, node) in view.devices() {
        let device = DeviceId(session);
        // Who finds no seat stays, and takes none.
        case.count(&Count::SignIn { device, user, node }).ok();
    }
    let nodes: BTreeSet<NodeId> = view.nodes().into_iter().map(|member| member.id).collect();
    case.desk.known = nodes.clone();
    case.desk.running = nodes;
    case.recompute(Why::Start);
    case.finish()
}

impl<'a, V: View> Case<'a, V> {
    pub(crate) fn new(view: &'a V, at: Moment, desk: &'a mut Desk) -> Self {
        let decision = Decision::default();
        let mut case = Self {
            view,
            at,
            desk,
            decision,
        };
        case.pass();
        case
    }

    /// Time passes: licences begin and end, and it is time to warn of that.
    fn pass(&mut self) {
        let now = self.at.now;
        if self.desk.pool.changes.is_some_and(|changes| changes <= now) {
            self.desk.weigh(now);
            self.settle();
        }
        let urgent = |file: &Installed| (file.urgency(now) > file.file.warned).then(|| file.urgency(now));
        let warnings: Vec<(LicenceId, u8)> = self
            .desk
            .files
            .iter()
            .filter_map(|(id, file)| Some((*id, urgent(file)?)))
            .collect();
        for (id, urgency) in warnings {
            self.warn(id, urgency);
        }
    }

    fn warn(&mut self, id: LicenceId, urgency: u8) {
        let Some(installed) = self.desk.files.get_mut(&id) else {
            return;
        };
        installed.file.warned = urgency;
        self.desk.touched_files.insert(id);
        let text = match urgency {
            1 => "ends within 30 days; ask the vendor to renew it",
            2 => "ends within 7 days; ask the vendor to renew it",
            3 => "ends within a day; ask the vendor to renew it",
            _ => "has ended; its seats are gone, and nobody new gets one who needs them",
        };
        self.event(
            EventKind::LicenseExpiry,
            "licence",
            &id.to_string(),
            text,
            urgency < 4,
        );
    }

    fn decide(&mut self, asker: &Asker, change: &Change) -> Result<Outcome, Refusal> {
        match change {
            Change::Open { .. } => require_system(asker),
            Change::Install { text, key } => {
                require_admin(asker)?;
                self.install(asker, text, *key)
            }
            Change::Remove { licence } => {
                require_admin(asker)?;
                self.remove(*licence)
            }
            Change::Confirm { text, key } => {
                require_admin(asker)?;
                self.confirm(text, *key)
            }
            Change::UpdateRules { expect, patch } => {
                require_admin(asker)?;
                self.update_rules(*expect, patch)
            }
            Change::Recompute => {
                require_admin(asker)?;
                self.recompute(Why::Asked);
                let without = self.desk.seats.without_permanent().0.len();
                let text = format!("permanent PRO was given out anew; {without} got none");
                self.decision
                    .changed("seats", "permanent", &text, Vec::new())
                    .notice(Topic::Events, "");
                Ok(Outcome::Done)
            }
            Change::Revoke { user } => {
                require_admin(asker)?;
                self.count(&Count::Revoke { user: user.clone() })
            }
            Change::AskForPro => match &asker.user {
                Some(user) => self.count(&Count::AskForPro { user: user.clone() }),
                None => Err(forbidden("an account")),
            },
            Change::Watch { user } => {
                require_system(asker)?;
                self.watch(user)
            }
            Change::Ended { node, epoch, places } => {
                require_system(asker)?;
                self.ended(*node, *epoch, places)
            }
            Change::Beat { node, epoch } => {
                require_system(asker)?;
                if self.is_start_of(*node, *epoch) {
                    *self.desk.beats.entry(*node).or_default() += 1;
                }
                Ok(Outcome::Done)
            }
            Change::Silent { node, beat } => {
                require_system(asker)?;
                if self.desk.beat(*node) != *beat {
                    return Ok(Outcome::Done);
                }
                let kept = BTreeSet::new();
                self.count(&Count::NodeLost { node: *node, kept })
            }
            Change::Tick => {
                require_system(asker)?;
                self.count(&Count::Tick)?;
                if self.desk.seats.next_pick().is_none_or(|next| next <= self.at.now) {
                    self.recompute(Why::Daily);
                }
                Ok(Outcome::Done)
            }
            change => self.decide_lease(asker, change),
        }
    }

    fn decide_lease(&mut self, asker: &Asker, change: &Change) -> Result<Outcome, Refusal> {
        match change {
            Change::Connect { .. } | Change::Disconnect { .. } => require_admin(asker)?,
            _ => require_system(asker).map(drop)?,
        }
        match change {
            Change::Connect {
                manager,
                pool,
                addresses,
            } => self.connect(asker, manager, *pool, addresses),
            Change::Disconnect { end } => self.disconnect(*end),
            Change::Lease(change) => self.lease_changes(change),
            Change::Gives(gives) => self.gives(gives),
            Change::Begin { epoch } => self.begin(*epoch),
            Change::Alarm { epoch, alarm } => self.alarm(*epoch, *alarm),
            Change::Left { pool } => self.left(*pool),
            // Decided above.
            _ => Ok(Outcome::Done),
        }
    }

    fn install(&mut self, asker: &Asker, text: &str, key: PublicKey) -> Result<Outcome, Refusal> {
        if let Some(lease) = &self.desk.lease {
            let reason = format!(
                "the server borrows its seats from the License Manager {}; install the licence there, or \
                 disconnect the server first",
                lease.manager
            );
            return Err(licensing("licence_manager_connected", reason));
        }
        if self.desk.files.len() >= Desk::FILES {
            let text = "100 licence files are installed, and that is the most; remove those that have ended";
            return Err(Refusal::Conflict(text.into()));
        }
        let now = self.at.now;
        let installed = self.desk.signed();
        let signed = Signed::install(text.as_bytes(), &[key], &installed, self.desk.holder(), now)
            .map_err(licence_refusal)?;
        let id = signed.licence.id;
        let file = File {
            text: text.to_owned(),
            key,
            at: now,
            by: asker.user.clone(),
            warned: 0,
        };
        let mut changes = Changes::default();
        changes.value("seats", None, Some(signed.licence.seats));
        changes.value(
            "valid_until",
            None,
            signed.licence.valid_until.map(|until| until.0),
        );
        changes.value("development", None, Some(signed.is_for_development()));
        self.desk.files.insert(id, Installed { signed, file });
        self.licences_changed(id, "installed", changes);
        Ok(Outcome::Done)
    }

    fn remove(&mut self, id: LicenceId) -> Result<Outcome, Refusal> {
        let removed = self.desk.files.remove(&id);
        let removed = removed.ok_or_else(|| not_found("licence", id))?;
        self.desk
            .confirmations
            .retain(|confirmation| confirmation.licence != id);
        let mut changes = Changes::default();
        changes.value("seats", Some(removed.signed.licence.seats), None);
        self.licences_changed(id, "removed", changes);
        Ok(Outcome::Done)
    }

    fn confirm(&mut self, text: &str, key: PublicKey) -> Result<Outcome, Refusal> {
        let confirmation = Confirmation::of_text(text.as_bytes(), &[key], self.desk.pool_id());
        let confirmation = confirmation.map_err(licence_refusal)?;
        let id = confirmation.licence;
        let installed = self.desk.files.get(&id).ok_or_else(|| not_found("licence", id))?;
        // Only the key that signed the licence binds it to a pool.
        if installed.file.key != key {
            return Err(licence_refusal(LicenceError::ForeignKey));
        }
        if !self.desk.confirmations.contains(&confirmation) {
            self.desk.confirmations.push(confirmation);
            self.licences_changed(id, "confirmed", Changes::default());
        }
        Ok(Outcome::Done)
    }

    fn licences_changed(&mut self, id: LicenceId, what: &str, mut changes: Changes) {
        let before = self.desk.pool.seats;
        self.desk.touched_files.insert(id);
        self.desk.weigh(self.at.now);
        let after = self.desk.pool.seats;
        changes.value("total", Some(before), Some(after));
        self.decision
            .changed("licence", id.to_string(), what, changes.into_list())
            .notice(Topic::Licensing, "")
            .notice(Topic::Events, "");
        self.settle();
        // Who looks at the licence looks at its end too.
        self.pass();
    }

    fn update_rules(&mut self, expect: Option<Revision>, patch: &RulesPatch) -> Result<Outcome, Refusal> {
        let before = self.desk.rules.clone();
        expect_revision("the settings of seats", before.revision, expect)?;
        if let Some(groups) = &patch.groups {
            self.check_groups(groups)?;
        }
        let was = self.desk.seats.settings();
        let is = plenary_seats::Settings {
            show_pro: patch.show_pro.unwrap_or(was.show_pro),
            ask_for_pro: patch.ask_for_pro.unwrap_or(was.ask_for_pro),
        };
        self.count(&Count::Settings(is))?;
        let rules = &mut self.desk.rules;
        rules.groups = patch.groups.clone().unwrap_or_else(|| before.groups.clone());
        rules.revision = self.at.revision;
        let mut changes = Changes::default();
        changes.value("show_pro", Some(was.show_pro), Some(is.show_pro));
        changes.value("ask_for_pro", Some(was.ask_for_pro), Some(is.ask_for_pro));
        changes.value("permanent_groups", Some(&before.groups), Some(&rules.groups));
        self.decision
            .changed("seats", "settings", "changed", changes.into_list())
            .notice(Topic::Licensing, "")
            .notice(Topic::Events, "");
        Ok(Outcome::Revision(self.at.revision))
    }

    fn check_groups(&self, groups: &[GroupId]) -> Result<(), Refusal> {
        if groups.len() > Desk::GROUPS {
            return Err(invalid("permanent_groups", "must have at most 1,000 groups"));
        }
        let mut seen = BTreeSet::new();
        for id in groups {
            let reason = if !seen.insert(id) {
                "is there twice"
            } else if [GroupId::guests(), GroupId::federated()].contains(id) {
                "has nobody who can have PRO"
            } else if self.view.group(id).is_none() {
                "is no group"
            } else {
                continue;
            };
            return Err(invalid("permanent_groups", format!("{:?} {reason}", id.as_str())));
        }
        Ok(())
    }

    /// A place without a place in a roster: what is held lasts for a day.
    fn watch(&mut self, user: &UserName) -> Result<Outcome, Refusal> {
        let participation = ParticipationId(u128::MAX);
        let node = NodeId(0);
        let (user, at) = (user.clone(), participation);
        let joined = self.count(&Count::Join {
            participation: at,
            user,
            node,
        });
        self.count(&Count::Left { participation: at })?;
        joined
    }

    /// Places of participants that are in a roster go on, and so do those that another node has by now.
    fn ended(&mut self, node: NodeId, epoch: u64, places: &BTreeSet<u64>) -> Result<Outcome, Refusal> {
        if !self.is_start_of(node, epoch) {
            return Ok(Outcome::Done);
        }
        let here = self.desk.seats.places_on(node);
        for place in places {
            let participation = ParticipationId(u128::from(*place));
            if here.binary_search(&participation).is_ok() && !self.view.is_in_roster(*place) {
                self.count(&Count::Left { participation })?;
            }
        }
        Ok(Outcome::Done)
    }

    fn is_start_of(&self, node: NodeId, epoch: u64) -> bool {
        let member = self.view.node(node);
        epoch != 0 && member.is_some_and(|member| member.epoch == epoch)
    }

    pub(crate) fn recompute(&mut self, why: Why) {
        let candidates = self.view.candidates(&self.desk.rules.groups);
        // It is never refused.
        self.count(&Count::Recompute { why, candidates }).ok();
        self.decision.notice(Topic::Licensing, "");
    }

    /// Has the seats counted, and tells what follows.
    pub(crate) fn count(&mut self, command: &Count) -> Result<Outcome, Refusal> {
        if let Some(refusal) = self.waits(command) {
            return Err(licensing(refusal.code(), refusal.to_string()));
        }
        let outcome = self.desk.seats.apply(self.at.now, command);
        let (told, refused) = match outcome {
            Ok(told) => (told, None),
            Err((refusal, told)) => (told, Some(refusal)),
        };
        let reason = match command {
            Count::Recompute { .. } => {
                "there are fewer PRO seats than members of the chosen groups, or some lost theirs"
            }
            _ => "no PRO seat was free",
        };
        self.tell(told, reason);
        if refused.is_none() && *command != Count::Tick {
            self.decision.notice(Topic::Licensing, "");
        }
        match refused {
            None => Ok(Outcome::Done),
            Some(refusal) => Err(licensing(refusal.code(), refusal.to_string())),
        }
    }

    pub(crate) fn settle(&mut self) {
        let index = self.at.revision.0;
        let told = self.desk.settle(index, self.at.now);
        self.tell(told, "");
    }

    pub(crate) fn tell(&mut self, told: Vec<Told>, reason: &str) {
        for told in told {
            match told {
                Told::Granted { .. } | Told::Permanent { .. } => {
                    self.decision.notice(Topic::Licensing, "");
                }
                Told::Lost { user, .. } => {
                    self.decision.notice(Topic::Licensing, "");
                    // With a single pool nobody needs it.
                    if self.at.level < PLACES_LEVEL || !self.desk.seats.is_one_pool() {
                        self.decision.effect(Effect::PutOut(user));
                    }
                }
                // With the user all places go.
                Told::End { .. } => {}
                Told::LimitReached { users } => {
                    let names: Vec<&str> = users.iter().take(20).map(UserName::as_str).collect();
                    let mut object = names.join(", ");
                    if users.len() > names.len() {
                        object = format!("{object} and {} more", users.len() - names.len());
                    }
                    self.event(EventKind::ProLicenseLimit, "user", &object, reason, false);
                }
                Told::Revocation { user } => {
                    let text = "an administrator took the PRO seat back";
                    self.event(EventKind::ProLicenseRevocation, "user", user.as_str(), text, true);
                }
            }
        }
    }

    pub(crate) fn event(
        &mut self,
        kind: EventKind,
        object_kind: &'static str,
        object: &str,
        text: &str,
        success: bool,
    ) {
        self.decision
            .event(EventDraft {
                kind,
                success,
                object_kind,
                object: object.to_owned(),
                description: text.to_owned(),
                changes: Vec::new(),
                actor: None,
            })
            .notice(Topic::Licensing, "")
            .notice(Topic::Events, "");
    }

    pub(crate) fn finish(mut self) -> Following {
        self.settle();
        let seats = &self.desk.seats;
        let has_pro = |user: &UserName| {
            seats
                .status(user)
                .is_some_and(|status| !status.holding.is_ending())
        };
        // Whoever lost PRO and got it again at once stays.
        self.decision
            .effects
            .retain(|effect| !matches!(effect, Effect::PutOut(user) if has_pro(user)));
        Following {
            decision: self.decision,
            refused: None,
        }
    }
}

/// A refusal that the rules of licences and seats know.
pub(crate) fn licensing(code: &str, reason: String) -> Refusal {
    Refusal::Licensing {
        code: code.to_owned(),
        reason,
    }
}

fn licence_refusal(error: LicenceError) -> Refusal {
    let reason = match &error {
        LicenceError::NotYetValid { from } => format!("{error}: {}", day(*from)),
        LicenceError::Expired { since } => format!("{error}; it ended on {}", day(*since)),
        _ => error.to_string(),
    };
    Refusal::Licensing {
        code: error.code().to_owned(),
        reason,
    }
}

/// The date in UTC (Howard Hinnant's civil_from_days), as `2030-01-31`.
fn day(at: Timestamp) -> String {
    let days = (at.0 / 86_400_000) as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn require_system(asker: &Asker) -> Result<Outcome, Refusal> {
    match asker.user {
        None => Ok(Outcome::Done),
        Some(_) => Err(forbidden("the server itself")),
    }
}

fn require_admin(asker: &Asker) -> Result<(), Refusal> {
    match asker.admin {
        AdminRole::Full => Ok(()),
        _ => Err(forbidden("the role of an administrator with full rights")),
    }
}

fn forbidden(needs: &str) -> Refusal {
    Refusal::Forbidden { needs: needs.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_dates() {
        for (ms, text) in [
            (0, "1970-01-01"),
            (951_782_400_000, "2000-02-29"),
            (1_700_000_000_000, "2023-11-14"),
            (4_102_444_799_999, "2099-12-31"),
        ] {
            assert_eq!(day(Timestamp(ms)), text);
        }
    }
}
