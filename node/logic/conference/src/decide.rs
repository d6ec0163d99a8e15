//! Who may make, change and delete which conferences.

use crate::{Change, Command, Conference, NewConference, Patch, conference::differences};
use plenary_access::{
    AdminRole, Moment, Outcome, Refusal, Topic,
    rules::{Asker, asker, check_text, exists, expect_revision, first_answer, invalid, not_found},
};
use plenary_model::{Cid, Revision, Right, UserName, limits};

/// What the rules read of the stored conferences while they decide. As with
/// [`plenary_access::View`], methods cannot fail.
pub trait View {
    fn conference(&self, cid: &Cid) -> Option<Conference>;
    /// Conferences of the server.
    fn conferences(&self) -> u64;
    /// Conferences that a user owns.
    fn owned(&self, owner: &UserName) -> u64;
    /// The conferences that a user owns, ordered by CID.
    fn owned_by(&self, owner: &UserName) -> Vec<Conference>;
    fn is_account(&self, user: &UserName) -> bool;
}

/// One change of the stored state. The store carries effects out in order and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Writes a conference whole.
    Put(Conference),
    Remove(Cid),
}

/// What follows from a command about conferences.
pub type Decision = plenary_access::Decision<Effect>;

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
    }
}

/// What follows once `user` is no account any more: its conferences go with it, so that nobody who gets the same user
/// ID later owns them.
pub fn account_removed<V: View>(view: &V, user: &UserName) -> Decision {
    let mut decision = Decision::default();
    for conference in view.owned_by(user) {
        remove(&mut decision, &conference);
    }
    decision
}

fn remove(decision: &mut Decision, before: &Conference) {
    decision
        .effect(Effect::Remove(before.cid.clone()))
        .changed(
            "conference",
            before.cid.as_str(),
            "deleted",
            differences(Some(before), None),
        )
        .notice(Topic::Conferences, before.cid.as_str())
        .notice(Topic::Events, "");
}

/// Everything one decision works with.
struct Case<'a, V: View> {
    view: &'a V,
    asker: &'a Asker,
    at: Moment,
}

impl<V: View> Case<'_, V> {
    fn create(&self, new: &NewConference) -> Result<Decision, Refusal> {
        if !self.asker.rights.allows(Right::CreateConferences) && !self.is_full_administrator() {
            return Err(forbidden("the right to create conferences"));
        }
        let owner = new.owner.as_ref().or(self.asker.user.as_ref());
        let owner = owner.ok_or_else(|| invalid("owner", "is missing; name the account that owns it"))?;
        if self.view.conference(&new.cid).is_some() {
            return Err(exists("conference", &new.cid));
        }
        if new.cid.is_reserved() {
            let reason = format!("{:?} is reserved; choose another one", new.cid.as_str());
            return Err(invalid("cid", reason));
        }
        self.check_owner(owner)?;
        if self.view.conferences() >= limits::CONFERENCES as u64 {
            return Err(Refusal::Conflict(
                "the server holds 100,000 conferences and takes no more; delete some first".into(),
            ));
        }
        let conference = Conference {
            cid: new.cid.clone(),
            name: name(&new.name)?,
            description: description(&new.description)?,
            owner: owner.clone(),
            access: new.access,
            created_at: self.at.now,
            updated_at: self.at.now,
            revision: self.at.revision,
        };
        Ok(self.put(None, conference))
    }

    fn update(&self, cid: &Cid, expect: Option<Revision>, patch: &Patch) -> Result<Decision, Refusal> {
        let before = self.own(cid)?;
        expect_revision("the conference", before.revision, expect)?;
        let mut after = before.clone();
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
        after.updated_at = self.at.now;
        after.revision = self.at.revision;
        Ok(self.put(Some(&before), after))
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
                after.cid.as_str(),
                verb,
                differences(before, Some(&after)),
            )
            .notice(Topic::Conferences, after.cid.as_str())
            .notice(Topic::Events, "")
            .effect(Effect::Put(after));
        decision
    }

    fn is_full_administrator(&self) -> bool {
        self.asker.admin == AdminRole::Full
    }

    /// A conference that who asks may change.
    fn own(&self, cid: &Cid) -> Result<Conference, Refusal> {
        let found = self.view.conference(cid);
        let conference = found.ok_or_else(|| not_found("conference", cid))?;
        if self.asker.user.as_ref() == Some(&conference.owner) || self.is_full_administrator() {
            return Ok(conference);
        }
        Err(forbidden(
            "ownership of the conference or the role of an administrator with full rights",
        ))
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
        if self.view.owned(owner) >= limits::CONFERENCES_PER_USER as u64 {
            return Err(Refusal::Conflict(format!(
                "{owner} owns 1,000 conferences and cannot own more; delete some first"
            )));
        }
        Ok(())
    }
}

fn forbidden(needs: &str) -> Refusal {
    Refusal::Forbidden { needs: needs.into() }
}

fn name(text: &str) -> Result<String, Refusal> {
    check_text("name", text, 1, limits::CONFERENCE_NAME)?;
    Ok(text.trim().to_owned())
}

/// Text of several lines.
fn description(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > limits::CONFERENCE_DESCRIPTION {
        return Err(invalid("description", "must have at most 2,000 characters"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid("description", "must not contain control characters"));
    }
    Ok(text.to_owned())
}
