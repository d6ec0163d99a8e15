//! Who may make, change and delete which conferences.

use crate::{
    Access, Act, CALLERS_LEVEL, Change, Command, Conference, Decision, Effect, InboxView, NewConference,
    NewId, OutboxView, Party, Patch, REMOVALS_LEVEL, RIGHTS_LEVEL, Settings, TemplateView, Whom,
    conference::differences,
    follow::shut_out_guests,
    history,
    meeting::{Entry, MeetingView, Meetings, ParticipantId, Writing, check_in_layouts, forget_lines},
    partners::{at_home, check_room},
    registrant::RegistrationView,
};
use plenary_access::{
    AdminRole, Moment, Outcome, Refusal, Topic,
    rules::{Asker, asker, check_text, expect_revision, first_answer, invalid, not_found},
};
use plenary_model::{Cid, Revision, Right, Timestamp, UserName, limits};

/// What the rules read of the stored conferences while they decide. As with
/// [`plenary_access::View`], methods cannot fail.
pub trait View: MeetingView + RegistrationView + TemplateView + OutboxView + InboxView {
    /// The conference with this key.
    fn conference(&self, cid: &Cid) -> Option<Conference>;
    /// The conference that people find by this ID.
    fn conference_called(&self, id: &Cid) -> Option<Conference>;
    /// Conferences of the server.
    fn conferences(&self) -> u64;
    /// Conferences that a user owns.
    fn owned(&self, owner: &UserName) -> u64;
    /// The conferences that a user owns, ordered by CID.
    fn owned_by(&self, owner: &UserName) -> Vec<Conference>;
    fn is_account(&self, user: &UserName) -> bool;
    /// Whether an account or an alias has this name, so that who calls it gets there (USR-09).
    fn is_called(&self, name: &Cid) -> bool;
    /// Whether a group is called by this name (USR-08).
    fn is_group_called(&self, name: &Cid) -> bool;
    /// Whether owners choose IDs by hand (CONF-04).
    fn owners_choose_ids(&self) -> bool;
    /// Conferences that are shut or empty, are no call, and were used and changed last before then, ordered by CID, at most
    /// [`SWEEP`](crate::SWEEP): those whose schedule is over (`scheduled`), or those without one.
    fn unused_since(&self, before: Timestamp, scheduled: bool) -> Vec<Conference>;
    /// The conferences that name a user as moderator or as invited, ordered by CID.
    fn naming(&self, user: &UserName) -> Vec<Conference>;
}

/// Decides what follows from `command`, or why nothing does. Equal views give equal answers.
///
/// # Errors
/// A [`Refusal`]; then nothing may be changed.
pub fn decide<V>(view: &V, at: Moment, command: &Command) -> Result<Decision, Refusal>
where
    V: View + plenary_access::View,
{
    match first_answer(view, command) {
        Some(answer) => answer,
        None => decide_for(view, &asker(view, &command.by)?, at, &command.change),
    }
}

/// Decides what follows if `asker` wants `change`.
///
/// # Errors
/// A [`Refusal`]; then nothing may be changed.
pub fn decide_for<V: View>(
    view: &V,
    asker: &Asker,
    at: Moment,
    change: &Change,
) -> Result<Decision, Refusal> {
    let case = Case { view, asker, at };
    match change {
        Change::Create(new) => case.create(new),
        Change::Update { cid, expect, patch } => case.update(cid, *expect, patch),
        Change::Delete { cid, expect } => case.delete(cid, *expect),
        Change::GuestEnter { .. } | Change::ForgetGuest { .. } => case.meetings()?.guest_change(change),
        Change::Register(new) => case.meetings()?.register(new),
        Change::RemoveRegistrant { cid, registrant } => {
            let conference = case.moderated(cid)?;
            case.as_server().remove_registrant(&conference, registrant)
        }
        Change::Enter { .. } => {
            let meetings = case.meetings()?;
            let entry = Entry::of(change);
            entry.map_or(Ok(Decision::default()), |entry| meetings.enter(&entry))
        }
        Change::Resume {
            cid,
            participant,
            secret,
            node,
            epoch,
        } => case.meetings()?.resume(cid, *participant, secret, *node, *epoch),
        Change::Leave {
            cid,
            participant,
            moves,
        } => Ok(case.meetings()?.leave(cid, *participant, *moves)),
        Change::Watch { .. } | Change::Unwatch { .. } => case.meetings()?.watches(change),
        Change::Set {
            cid,
            participant,
            moves,
            patch,
        } => case.meetings()?.set(cid, *participant, *moves, *patch),
        Change::React {
            cid,
            participant,
            moves,
            text,
        } => case.meetings()?.react(cid, *participant, *moves, text),
        Change::DeleteLine { cid, by: None, line } => {
            let conference = case.moderated(cid)?;
            case.as_server().take_out(&conference.cid, *line)
        }
        Change::Write {
            cid,
            text,
            reply_to,
            key,
        } => {
            let conference = case.moderated(cid)?;
            let by = Writing {
                text,
                reply_to: *reply_to,
                key: key.as_deref(),
            };
            case.as_server().write(&conference, case.user()?, by)
        }
        Change::Say { .. } | Change::EditLine { .. } | Change::DeleteLine { .. } => {
            case.meetings()?.chat(change)
        }
        Change::Act { cid, by, act } => case.act(cid, *by, act.clone()),
        Change::Begin { cid, start, next } => case.meetings()?.begin(cid, *start, *next),
        Change::Spoke { cid, heard } => case.meetings()?.spoke(cid, heard),
        Change::DeleteOld { past, unused } => Ok(case.meetings()?.delete_old(*past, *unused)),
        Change::ForgetLines { before } => case.meetings().map(|_| forget_lines(*before)),
        Change::ForgetHistory { runs, calls } => case.meetings().map(|_| history::forget(*runs, *calls)),
        Change::Dial { cid, to } => case.as_server().dial(cid, case.caller()?, to),
        Change::DialGroup { cid, group } => case.as_server().dial_group(cid, case.caller()?, group),
        Change::DialAway { cid, to } => case.as_server().dial_away(cid, case.caller()?, to),
        Change::PartnerSaid { .. }
        | Change::Receive(_)
        | Change::CameAway { .. }
        | Change::LeftAway { .. }
        | Change::AwayEnds { .. } => case.meetings()?.away(change),
        Change::Decline { cid } => case.as_server().decline(cid, case.user()?),
        Change::Widen { cid } => case.widen(cid),
        Change::CreateTemplate(new) => case.create_template(new),
        Change::UpdateTemplate { id, expect, patch } => case.update_template(*id, *expect, patch),
        Change::DeleteTemplate { id, expect } => case.delete_template(*id, *expect),
        Change::Call { cid, by, whom } => case.call(cid, *by, whom),
        Change::CallOff { cid, by, users } => case.call_off(cid, *by, users.as_deref()),
        Change::SettleMessages { settled } => Ok(case.meetings()?.settle_messages(settled)),
        Change::TakeDeliveries { server, deliveries } => {
            Ok(case.meetings()?.take_deliveries(server, deliveries))
        }
        Change::DeclineInvitation { server, cid } => {
            case.as_server().decline_invitation(server, cid, case.user()?)
        }
        Change::Sweep => Ok(case.meetings()?.sweep()),
    }
}

/// The conference is no more, and with it all that it holds.
pub(crate) fn remove(decision: &mut Decision, before: &Conference) {
    decision
        .effect(Effect::Remove(before.cid.clone()))
        .changed(
            "conference",
            before.id().as_str(),
            "deleted",
            differences(Some(before), None),
        )
        .notice(Topic::Conferences, before.cid.as_str())
        .notice(Topic::Meetings, before.cid.as_str())
        .notice(Topic::Events, "");
}

/// Everything one decision works with.
pub(crate) struct Case<'a, V: View> {
    pub(crate) view: &'a V,
    pub(crate) asker: &'a Asker,
    pub(crate) at: Moment,
}

impl<'a, V: View> Case<'a, V> {
    /// Meetings, which only the server itself changes, for those who are connected to it.
    fn meetings(&self) -> Result<Meetings<'a, V>, Refusal> {
        if self.asker.user.is_some() {
            return Err(forbidden("the server itself"));
        }
        Ok(self.as_server())
    }

    fn as_server(&self) -> Meetings<'a, V> {
        Meetings {
            view: self.view,
            at: self.at,
            from: self.asker.from,
        }
    }

    pub(crate) fn user(&self) -> Result<&'a UserName, Refusal> {
        let user = self.asker.user.as_ref();
        user.ok_or_else(|| forbidden("an account of this server"))
    }

    fn caller(&self) -> Result<&'a UserName, Refusal> {
        self.asker.require(Right::MakeCalls, MAKES_CALLS)?;
        self.user()
    }

    /// A call becomes a conference, which not everybody may create.
    fn widen(&self, cid: &Cid) -> Result<Decision, Refusal> {
        let user = self.user()?;
        if self.at.level >= RIGHTS_LEVEL {
            // Who does not take part in the call learns nothing of it.
            self.as_server().call_of(cid, user)?;
            self.check_creates()?;
        }
        self.as_server().widen(cid, user)
    }

    pub(crate) fn check_creates(&self) -> Result<(), Refusal> {
        if self.is_full_administrator() {
            return Ok(());
        }
        self.asker
            .require(Right::CreateConferences, "the right to create conferences")
    }

    /// A moderator acts: somebody in the meeting, for whom the server asks, or who asks.
    fn act(&self, cid: &Cid, by: Option<ParticipantId>, act: Act) -> Result<Decision, Refusal> {
        match by {
            Some(by) => self.meetings()?.act_by(cid, by, act),
            None => {
                let conference = self.moderated(cid)?;
                self.as_server().act(&conference, None, act)
            }
        }
    }

    /// A moderator with an account calls people in.
    fn call(&self, cid: &Cid, by: Option<ParticipantId>, whom: &Whom) -> Result<Decision, Refusal> {
        if let Some(by) = by {
            return self.meetings()?.call_by(cid, by, whom);
        }
        let conference = self.moderated(cid)?;
        // Nodes of before ask nothing of the kind, and all must do the same.
        let caller = if self.at.level < CALLERS_LEVEL {
            self.user()?
        } else {
            self.caller()?
        };
        self.as_server().call_in(&conference, caller, whom)
    }

    /// A moderator takes calls back.
    fn call_off(
        &self,
        cid: &Cid,
        by: Option<ParticipantId>,
        users: Option<&[Party]>,
    ) -> Result<Decision, Refusal> {
        if let Some(by) = by {
            return self.meetings()?.call_off_by(cid, by, users);
        }
        let conference = self.moderated(cid)?;
        self.as_server().call_off(&conference, users)
    }

    /// The settings after a patch; accounts that it names must be there.
    pub(crate) fn settings(
        &self,
        before: &Settings,
        patch: &crate::SettingsPatch,
    ) -> Result<Settings, Refusal> {
        let after = at_home(self.view, patch).apply(before, self.at.now)?;
        crate::meeting::check_lecturers(self.view, before, &after)?;
        for (field, names, known) in [
            ("moderators", &after.moderators, &before.moderators),
            ("invited", &after.invited, &before.invited),
        ] {
            let new = names.keys().filter(|user| !known.contains_key(*user));
            for user in new {
                if !self.view.is_account(user) {
                    return Err(invalid(field, format!("there is no user {:?}", user.as_str())));
                }
            }
        }
        check_in_layouts(self.view, before, &after)?;
        let known = before.named_abroad();
        let named = after.named_abroad();
        check_room(self.view, named.keys().filter(|user| !known.contains_key(*user)))?;
        Ok(after)
    }

    fn create(&self, new: &NewConference) -> Result<Decision, Refusal> {
        self.check_creates()?;
        let owner = new.owner.as_ref().or(self.asker.user.as_ref());
        let owner = owner.ok_or_else(|| invalid("owner", "is missing; name the account that owns it"))?;
        let id = match &new.or_else {
            Some(more) => self.first_free(std::iter::once(&new.cid).chain(more))?,
            None => self.chosen(&new.cid)?,
        };
        let cid = self.key_for(&id);
        self.check_owner(owner)?;
        check_server(self.view, 0)?;
        if let Some(plan) = &new.plan {
            plan.check(self.at.now)?;
        }
        let plan = new.plan.clone();
        let conference = Conference {
            called: (cid != id).then(|| id.clone()),
            cid,
            name: name(&new.name)?,
            description: description(&new.description)?,
            owner: owner.clone(),
            access: new.access,
            settings: self.settings(&Settings::default(), &new.settings)?,
            next: plan.as_ref().and_then(|plan| plan.next),
            launch: plan.map(|plan| plan.launch).unwrap_or_default(),
            call: false,
            ad_hoc: false,
            created_at: self.at.now,
            updated_at: self.at.now,
            revision: self.at.revision,
        };
        conference.check_registration()?;
        self.check_guests(&conference)?;
        let mut decision = self.put(None, conference);
        if new.or_else.is_some() {
            decision.outcome = Outcome::Made { cid: id };
        }
        Ok(decision)
    }

    fn update(&self, cid: &Cid, expect: Option<Revision>, patch: &Patch) -> Result<Decision, Refusal> {
        let is_for_moderators = patch.is_for_moderators(self.at.level);
        let before = match self.own(cid) {
            Err(Refusal::Forbidden { .. }) if is_for_moderators => self.moderated(cid)?,
            own => own?,
        };
        expect_revision("the conference", before.revision, expect)?;
        let mut after = before.clone();
        after.called = self.new_id(&before, patch.id.as_ref())?;
        after.settings = self.settings(&before.settings, &patch.settings)?;
        if let Some(text) = &patch.name {
            after.name = name(text)?;
        }
        if let Some(text) = &patch.description {
            after.description = description(text)?;
        }
        if let Some(owner) = patch.owner.as_ref().filter(|owner| **owner != before.owner) {
            self.check_owner(owner)?;
            after.owner.clone_from(owner);
        }
        after.access = patch.access.unwrap_or(before.access);
        if let Some(plan) = &patch.plan {
            self.as_server().check_plan(&before, plan)?;
            after.launch.clone_from(&plan.launch);
            after.next = plan.next;
            // What has a plan is not only for now.
            after.ad_hoc = false;
        }
        after.updated_at = self.at.now;
        after.revision = self.at.revision;
        // What is set by itself must make sense; it stays, and counts for nothing, where the rest changes around it.
        if patch.settings.registration.is_some() {
            after.check_registration()?;
        }
        if patch.access.is_some() || patch.settings.uninvited.is_some() {
            self.check_guests(&after)?;
        }
        let closes = (before.access, after.access) == (Access::Public, Access::Internal);
        let mut decision = self.put(Some(&before), after.clone());
        if matches!(patch.id, Some(NewId::MadeUp(_))) {
            decision.outcome = Outcome::Made {
                cid: after.id().clone(),
            };
        }
        if before.id() != after.id() {
            // Those who are in hear where others find it from now on, and those who are called.
            decision.notice(Topic::Meetings, cid.as_str());
            self.as_server().follow_id(&mut decision, &after);
        }
        if !patch.settings.is_empty() {
            let meetings = self.as_server();
            meetings.fit_podium(&mut decision, &before, &after);
            decision.notice(Topic::Meetings, cid.as_str());
        }
        if before.launch.is_virtual_room() != after.launch.is_virtual_room() {
            self.as_server().fit_launch(&mut decision, &after);
        }
        self.as_server().fit_end(&mut decision, &before, &after);
        if closes {
            shut_out_guests(self.view, self.at, &mut decision, cid);
        }
        Ok(decision)
    }

    fn delete(&self, cid: &Cid, expect: Option<Revision>) -> Result<Decision, Refusal> {
        let before = self.own(cid)?;
        expect_revision("the conference", before.revision, expect)?;
        let mut decision = Decision::default();
        remove(&mut decision, &before);
        Ok(decision)
    }

    fn put(&self, before: Option<&Conference>, after: Conference) -> Decision {
        let verb = if before.is_some() { "changed" } else { "created" };
        let mut decision = Decision::giving(Outcome::Revision(self.at.revision));
        decision
            .changed(
                "conference",
                after.id().as_str(),
                verb,
                differences(before, Some(&after)),
            )
            .notice(Topic::Conferences, after.cid.as_str())
            .notice(Topic::Events, "")
            .effect(Effect::Put(after));
        decision
    }

    pub(crate) fn is_full_administrator(&self) -> bool {
        self.asker.admin == AdminRole::Full
    }

    /// Guests are invited nowhere: none would come where only those do who are invited.
    fn check_guests(&self, conference: &Conference) -> Result<(), Refusal> {
        let shuts_out = conference.access == Access::Public && !conference.settings.uninvited;
        // Nodes of before take it, and all must do the same.
        if !shuts_out || self.at.level < REMOVALS_LEVEL {
            return Ok(());
        }
        Err(invalid(
            "uninvited",
            "must be on in a public conference, as guests are never invited; make it internal, or let those come who are not \
             invited",
        ))
    }

    /// A call is nobody's but the two's, whoever asks.
    fn found(&self, cid: &Cid) -> Result<Conference, Refusal> {
        let found = self.view.conference(cid);
        let is_open = |conference: &Conference| {
            let user = self.asker.user.as_ref();
            !conference.call || user.is_some_and(|user| conference.is_of(user))
        };
        found.filter(is_open).ok_or_else(|| not_found("conference", cid))
    }

    /// A conference that who asks may change.
    fn own(&self, cid: &Cid) -> Result<Conference, Refusal> {
        let conference = self.found(cid)?;
        if conference.call {
            return Err(Refusal::Conflict(
                "this is a call; make it a conference first, to change it".into(),
            ));
        }
        if self.asker.user.as_ref() == Some(&conference.owner) || self.is_full_administrator() {
            return Ok(conference);
        }
        Err(forbidden(
            "ownership of the conference or the role of an administrator with full rights",
        ))
    }

    /// A conference that who asks moderates: theirs, or they are named, or an operator.
    fn moderated(&self, cid: &Cid) -> Result<Conference, Refusal> {
        let conference = self.found(cid)?;
        let named =
            |user: &UserName| *user == conference.owner || conference.settings.moderators.contains_key(user);
        let user = self.asker.user.as_ref();
        if user.is_some_and(named)
            || self.asker.rights.allows(Right::Operator)
            || self.is_full_administrator()
        {
            return Ok(conference);
        }
        self.asker
            .require(Right::Operator, "a moderator of the conference, or an operator,")?;
        Err(forbidden("a moderator of the conference, or an operator,"))
    }

    /// Whether the conference may become that of `owner`.
    fn check_owner(&self, owner: &UserName) -> Result<(), Refusal> {
        let is_own = self.asker.user.as_ref() == Some(owner);
        if !is_own && !self.is_full_administrator() {
            return Err(forbidden("the role of an administrator with full rights"));
        }
        if !is_own && !self.view.is_account(owner) {
            let reason = format!("there is no user {:?}", owner.as_str());
            return Err(invalid("owner", reason));
        }
        check_owned(self.view, owner, 0)
    }
}

/// Whether the server takes one more; `counted` are those that are to be left out.
fn check_server<V: View>(view: &V, counted: u64) -> Result<(), Refusal> {
    if view.conferences() < limits::CONFERENCES as u64 + counted {
        return Ok(());
    }
    Err(Refusal::Conflict(
        "the server holds 100,000 conferences and takes no more; delete some first".into(),
    ))
}

/// Whether somebody may own one more.
fn check_owned<V: View>(view: &V, owner: &UserName, counted: u64) -> Result<(), Refusal> {
    if view.owned(owner) < limits::CONFERENCES_PER_USER as u64 + counted {
        return Ok(());
    }
    Err(Refusal::Conflict(format!(
        "{owner} owns 1,000 conferences and cannot own more; delete some first"
    )))
}

impl<V: View> Meetings<'_, V> {
    /// Whether a call of `owner`, which is counted already, may become a conference.
    pub(crate) fn check_room_for_conference(&self, owner: &UserName) -> Result<(), Refusal> {
        check_server(self.view, 1)?;
        check_owned(self.view, owner, 1)
    }
}

/// What who calls others needs.
pub(crate) const MAKES_CALLS: &str = "the right to make calls";

pub(crate) fn forbidden(needs: &str) -> Refusal {
    Refusal::Forbidden { needs: needs.into() }
}

fn name(text: &str) -> Result<String, Refusal> {
    check_text("name", text, 1, limits::CONFERENCE_NAME)?;
    Ok(text.trim().to_owned())
}

/// Text of several lines.
pub(crate) fn description(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > limits::CONFERENCE_DESCRIPTION {
        return Err(invalid("description", "must have at most 2,000 characters"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid("description", "must not contain control characters"));
    }
    Ok(text.to_owned())
}
