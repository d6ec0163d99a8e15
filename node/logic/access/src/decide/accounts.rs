//! Accounts: create, change, disable, delete (USR-01, USR-03).

use super::{Case, exists, expect_revision, invalid};
use crate::{
    AdminRole, Avatar, Bandwidth, Decision, Effect, EventDraft, EventKind, FieldChange, NewUser,
    PasswordHash, Profile, ProfilePatch, Refusal, Topic, User, UserPatch, View, diff, fold,
};
use plenary_model::{GroupId, Revision, UserName, limits};
use std::collections::BTreeSet;

impl<V: View> Case<'_, V> {
    pub(super) fn create_user(&self, new: &NewUser) -> Result<Decision, Refusal> {
        self.require_admin()?;
        if self.view.user(&new.id).is_some() {
            return Err(exists("user", &new.id));
        }
        let user = self.new_user(new)?;
        self.check_email(&user, None)?;
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        decision.changed("user", new.id.as_str(), "created", diff::user(None, Some(&user)));
        self.store_user(&mut decision, user, new.password.as_ref());
        Ok(decision)
    }

    /// The account as it is stored, with all its fields checked but the email's uniqueness.
    pub(super) fn new_user(&self, new: &NewUser) -> Result<User, Refusal> {
        self.check_not_like_a_guest(new.id.is_like_a_guest())?;
        if self.view.group_called(&new.id).is_some() {
            return Err(invalid("id", "is what a group is called by; choose another one"));
        }
        let mut profile = new.profile.clone();
        normalise(&mut profile, &new.id)?;
        self.check_groups(&new.groups)?;
        check_bandwidth(new.bandwidth)?;
        Ok(User {
            id: new.id.clone(),
            profile,
            groups: new.groups.clone(),
            active: new.active,
            admin: new.admin,
            bandwidth: new.bandwidth,
            locked_until: None,
            has_password: new.password.is_some(),
            created_at: self.at.now,
            updated_at: self.at.now,
            revision: self.at.revision,
        })
    }

    pub(super) fn store_user(&self, decision: &mut Decision, user: User, password: Option<&PasswordHash>) {
        let id = user.id.clone();
        for group in &user.groups {
            decision.notice(Topic::Groups, group.as_str());
        }
        decision.effect(Effect::PutUser(user));
        if let Some(password) = password {
            decision.effect(Effect::PutPassword {
                user: id.clone(),
                password: password.clone(),
            });
        }
        decision
            .notice(Topic::Users, id.as_str())
            .notice(Topic::Events, "");
    }

    pub(super) fn update_user(
        &self,
        id: &UserName,
        expect: Option<Revision>,
        patch: &UserPatch,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.user(id)?;
        expect_revision("the account", before.revision, expect)?;
        let after = self.patched(&before, patch)?;
        self.check_email(&after, Some(id))?;
        self.check_last_administrator(&before, Some(&after))?;
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        self.record_change(&mut decision, &before, &after, patch.password.is_some());
        if !after.active || patch.password.is_some() {
            self.end_sessions_of(&mut decision, id, None);
        }
        for group in before.groups.difference(&after.groups) {
            decision.notice(Topic::Groups, group.as_str());
        }
        self.store_user(&mut decision, after, patch.password.as_ref());
        Ok(decision)
    }

    /// The account with the patch applied and checked, but for the email's uniqueness.
    pub(super) fn patched(&self, before: &User, patch: &UserPatch) -> Result<User, Refusal> {
        let mut after = before.clone();
        apply_profile(&mut after.profile, &patch.profile);
        normalise(&mut after.profile, &before.id)?;
        if let Some(groups) = &patch.groups {
            self.check_groups(groups)?;
            after.groups.clone_from(groups);
        }
        if let Some(bandwidth) = patch.bandwidth {
            check_bandwidth(bandwidth)?;
            after.bandwidth = bandwidth;
        }
        after.active = patch.active.unwrap_or(before.active);
        after.admin = patch.admin.unwrap_or(before.admin);
        after.has_password |= patch.password.is_some();
        after.updated_at = self.at.now;
        after.revision = self.at.revision;
        Ok(after)
    }

    pub(super) fn record_change(&self, decision: &mut Decision, before: &User, after: &User, password: bool) {
        let mut changes = diff::user(Some(before), Some(after));
        if password {
            changes.push(FieldChange {
                field: "password".into(),
                before: None,
                after: None,
            });
        }
        if !changes.is_empty() {
            decision.changed("user", before.id.as_str(), "changed", changes);
        }
        if before.active != after.active {
            let kind = if after.active {
                EventKind::Activation
            } else {
                EventKind::Deactivation
            };
            decision.event(about_user(kind, &before.id, ""));
        }
    }

    pub(super) fn delete_user(&self, id: &UserName, expect: Option<Revision>) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.user(id)?;
        expect_revision("the account", before.revision, expect)?;
        self.check_last_administrator(&before, None)?;
        let mut decision = Decision::default();
        self.end_sessions_of(&mut decision, id, None);
        for group in &before.groups {
            decision.notice(Topic::Groups, group.as_str());
        }
        decision
            .effect(Effect::RemoveUser(id.clone()))
            .changed("user", id.as_str(), "deleted", diff::user(Some(&before), None))
            .notice(Topic::Users, id.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn change_own_password(
        &self,
        password: &PasswordHash,
        old: Option<&PasswordHash>,
    ) -> Result<Decision, Refusal> {
        let before = self.require_user()?;
        if old.is_some() && self.view.password(&before.id).as_ref() != old {
            return Err(invalid("old", "is not your password any more"));
        }
        let after = User {
            has_password: true,
            updated_at: self.at.now,
            revision: self.at.revision,
            ..before.clone()
        };
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        self.record_change(&mut decision, &before, &after, true);
        self.end_sessions_of(&mut decision, &before.id, Some(&self.by.session));
        self.store_user(&mut decision, after, Some(password));
        Ok(decision)
    }

    pub(super) fn update_own_profile(
        &self,
        expect: Option<Revision>,
        patch: &ProfilePatch,
    ) -> Result<Decision, Refusal> {
        let before = self.require_user()?;
        expect_revision("your profile", before.revision, expect)?;
        let patch = UserPatch {
            profile: patch.clone(),
            ..UserPatch::default()
        };
        let after = self.patched(&before, &patch)?;
        self.check_email(&after, Some(&before.id))?;
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        self.record_change(&mut decision, &before, &after, false);
        self.store_user(&mut decision, after, None);
        Ok(decision)
    }

    pub(super) fn set_avatar(&self, id: &UserName, avatar: Option<&Avatar>) -> Result<Decision, Refusal> {
        let own = matches!(&self.by.kind, crate::ActorKind::User(user) if user == id);
        if own {
            self.require_user()?;
        } else {
            self.require_admin()?;
        }
        let mut user = self.user(id)?;
        if avatar.is_some_and(|avatar| avatar.bytes.len() > limits::AVATAR_BYTES) {
            return Err(invalid("avatar", "is larger than 256 KiB; make it smaller"));
        }
        user.updated_at = self.at.now;
        user.revision = self.at.revision;
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        let field = FieldChange {
            field: "avatar".into(),
            before: None,
            after: None,
        };
        decision
            .effect(Effect::PutUser(user))
            .effect(Effect::PutAvatar {
                user: id.clone(),
                avatar: avatar.cloned(),
            })
            .changed("user", id.as_str(), "changed", vec![field])
            .notice(Topic::Users, id.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn disconnect_user(&self, id: &UserName) -> Result<Decision, Refusal> {
        self.require_admin()?;
        self.user(id)?;
        let mut decision = Decision::default();
        self.end_sessions_of(&mut decision, id, None);
        decision.event(about_user(
            EventKind::Disconnect,
            id,
            "all sessions ended by an administrator",
        ));
        decision
            .notice(Topic::Users, id.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn unlock_user(&self, id: &UserName) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let user = self.user(id)?;
        let mut decision = Decision::default();
        self.unlock(&mut decision, user, "by an administrator");
        Ok(decision)
    }

    pub(super) fn unlock(&self, decision: &mut Decision, mut user: User, why: &str) {
        let id = user.id.clone();
        if user.locked_until.take().is_some() {
            user.revision = self.at.revision;
            decision
                .effect(Effect::PutUser(user))
                .event(about_user(EventKind::Unlock, &id, why));
            decision
                .notice(Topic::Users, id.as_str())
                .notice(Topic::Events, "");
        }
        decision.effect(Effect::PutFailures {
            user: id,
            failures: None,
        });
    }

    pub(super) fn check_groups(&self, groups: &BTreeSet<GroupId>) -> Result<(), Refusal> {
        if groups.len() > limits::GROUPS_PER_USER {
            return Err(invalid("groups", "are too many; at most 256"));
        }
        for id in groups {
            if id.is_builtin() {
                return Err(invalid(
                    "groups",
                    format!(
                        "{id:?} is built in and has no members of its own",
                        id = id.as_str()
                    ),
                ));
            }
            if self.view.group(id).is_none() {
                return Err(invalid("groups", format!("there is no group {:?}", id.as_str())));
            }
        }
        Ok(())
    }

    /// An email belongs to one account at most, because people sign in with it (AUTH-01).
    fn check_email(&self, user: &User, own: Option<&UserName>) -> Result<(), Refusal> {
        if user.profile.email.is_empty() {
            return Ok(());
        }
        match self.view.user_with_email(&fold(&user.profile.email)) {
            Some(other) if Some(&other) != own => Err(invalid(
                "email",
                format!("is used by {:?} already", other.as_str()),
            )),
            _ => Ok(()),
        }
    }

    /// Invariant: a server that has a full administrator who may sign in keeps one.
    fn check_last_administrator(&self, before: &User, after: Option<&User>) -> Result<(), Refusal> {
        let loses = administers(before) && !after.is_some_and(administers);
        if loses && self.view.full_administrators() <= 1 {
            Err(Refusal::LastAdministrator)
        } else {
            Ok(())
        }
    }
}

/// Whether the account changes the server: what the last one of may not be lost.
pub(super) fn administers(user: &User) -> bool {
    user.active && user.admin == AdminRole::Full
}

/// An event about an account that is not a change of its data.
pub(super) fn about_user(kind: EventKind, id: &UserName, description: &str) -> EventDraft {
    EventDraft {
        kind,
        success: true,
        object_kind: "user",
        object: id.to_string(),
        description: description.to_owned(),
        changes: Vec::new(),
        actor: None,
    }
}

pub(super) fn check_bandwidth(bandwidth: Bandwidth) -> Result<(), Refusal> {
    for (field, value) in [
        ("bandwidth.in_kbps", bandwidth.in_kbps),
        ("bandwidth.out_kbps", bandwidth.out_kbps),
    ] {
        if value.is_some_and(|kbps| !(32..=10_000_000).contains(&kbps)) {
            return Err(invalid(field, "must be 32 to 10,000,000 kbit/s, or not set"));
        }
    }
    Ok(())
}

fn apply_profile(profile: &mut Profile, patch: &ProfilePatch) {
    let pairs = [
        (&mut profile.display_name, &patch.display_name),
        (&mut profile.email, &patch.email),
        (&mut profile.first_name, &patch.first_name),
        (&mut profile.middle_name, &patch.middle_name),
        (&mut profile.last_name, &patch.last_name),
        (&mut profile.organisation, &patch.organisation),
        (&mut profile.branch, &patch.branch),
        (&mut profile.department, &patch.department),
        (&mut profile.job_title, &patch.job_title),
        (&mut profile.manager, &patch.manager),
        (&mut profile.address, &patch.address),
        (&mut profile.mobile_phone, &patch.mobile_phone),
        (&mut profile.work_phone, &patch.work_phone),
        (&mut profile.home_phone, &patch.home_phone),
        (&mut profile.sip_number, &patch.sip_number),
    ];
    for (field, new) in pairs {
        if let Some(new) = new {
            field.clone_from(new);
        }
    }
}

/// Checks and trims every field; the display name is the user name where none is given.
fn normalise(profile: &mut Profile, id: &UserName) -> Result<(), Refusal> {
    for (name, field) in profile.fields_mut() {
        if field.chars().any(char::is_control) {
            return Err(invalid(
                name,
                "must not contain control characters or line breaks",
            ));
        }
        let trimmed = field.trim();
        if trimmed.len() != field.len() {
            *field = trimmed.to_owned();
        }
        if field.chars().count() > limits::PROFILE_FIELD {
            return Err(invalid(name, "is too long; at most 256 characters"));
        }
    }
    if profile.display_name.is_empty() {
        profile.display_name = id.to_string();
    }
    if !profile.email.is_empty() && !is_email(&profile.email) {
        return Err(invalid("email", "is not an address like name@example.com"));
    }
    Ok(())
}

/// `local@domain` with no spaces; what the mail servers make of it is theirs to say.
pub fn is_email(text: &str) -> bool {
    let good =
        |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c == '@' || c == ',');
    text.len() <= limits::EMAIL
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| good(local) && good(domain))
}
