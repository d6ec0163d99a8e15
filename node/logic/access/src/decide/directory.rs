//! Groups, aliases, contacts and settings (USR-04 to USR-07, USR-09, USR-10).

use super::{Case, exists, expect_revision, invalid, not_found};
use crate::{
    AddressBook, AddressBookScope, Alias, Bandwidth, BorderPolicy, CallId, Contact, Decision, Effect,
    FederationPolicy, Group, Network, Outcome, Refusal, Settings, SettingsPatch, Topic, User, View,
    allowed_rights, diff, fold,
};
use plenary_model::{AliasName, CallString, GroupId, Revision, Right, Rights, UserName, limits};
use std::collections::BTreeSet;

/// The parts of a group that a change gives.
pub(super) struct GroupPatch<'a> {
    pub(super) name: &'a Option<String>,
    pub(super) rights: &'a Option<Rights>,
    pub(super) address_book: &'a Option<AddressBook>,
    pub(super) bandwidth: &'a Option<Bandwidth>,
    pub(super) call_id: Option<&'a CallId>,
}

impl<V: View> Case<'_, V> {
    pub(super) fn create_group(
        &self,
        id: &GroupId,
        name: &str,
        rights: &Rights,
        address_book: &AddressBook,
        bandwidth: Bandwidth,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        if id.is_builtin() || self.view.group(id).is_some() {
            return Err(exists("group", id));
        }
        self.check_not_like_a_guest(id.is_like_a_guest())?;
        let group = Group {
            id: id.clone(),
            name: self.group_name(name, None)?,
            rights: rights.clone(),
            address_book: address_book.clone(),
            bandwidth,
            call_id: None,
            created_at: self.at.now,
            revision: self.at.revision,
        };
        self.check_group(&group)?;
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        decision
            .changed("group", id.as_str(), "created", diff::group(None, Some(&group)))
            .effect(Effect::PutGroup(group))
            .notice(Topic::Groups, id.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn update_group(
        &self,
        id: &GroupId,
        expect: Option<Revision>,
        patch: &GroupPatch<'_>,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.group(id)?;
        expect_revision("the group", before.revision, expect)?;
        let mut after = before.clone();
        if let Some(name) = patch.name {
            let name = self.group_name(name, Some(id))?;
            if id.is_builtin() && name != before.name {
                return Err(Refusal::BuiltinGroup("renamed".into()));
            }
            after.name = name;
        }
        if let Some(rights) = patch.rights {
            after.rights.clone_from(rights);
        }
        if let Some(book) = patch.address_book {
            after.address_book.clone_from(book);
        }
        after.bandwidth = patch.bandwidth.unwrap_or(before.bandwidth);
        match patch.call_id {
            Some(CallId::To(name)) => after.call_id = Some(self.call_id(name, id)?),
            Some(CallId::Nothing) => after.call_id = None,
            None => {}
        }
        after.revision = self.at.revision;
        self.check_group(&after)?;
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        decision
            .changed(
                "group",
                id.as_str(),
                "changed",
                diff::group(Some(&before), Some(&after)),
            )
            .effect(Effect::PutGroup(after))
            .notice(Topic::Groups, id.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    /// A name by which a group can be called: nothing else that is called by a bare name may have it.
    fn call_id(&self, name: &UserName, group: &GroupId) -> Result<UserName, Refusal> {
        if group.is_builtin() {
            return Err(Refusal::BuiltinGroup("called".into()));
        }
        self.check_not_like_a_guest(name.is_like_a_guest())?;
        let taken = |by: &str| Err(invalid("call_id", format!("is {by}; choose another one")));
        if self.view.user(name).is_some() {
            return taken("the ID of an account");
        }
        let alias = name.as_str().parse::<AliasName>().ok();
        if alias.is_some_and(|alias| self.view.alias(&alias).is_some()) {
            return taken("an alias");
        }
        match self.view.group_called(name) {
            Some(other) if other != *group => taken("that of another group"),
            _ => Ok(name.clone()),
        }
    }

    pub(super) fn delete_group(&self, id: &GroupId, expect: Option<Revision>) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.group(id)?;
        if id.is_builtin() {
            return Err(Refusal::BuiltinGroup("deleted".into()));
        }
        expect_revision("the group", before.revision, expect)?;
        let mut decision = Decision::default();
        for user in self.view.members(id) {
            if let Some(mut user) = self.view.user(&user) {
                user.groups.remove(id);
                self.touch(&mut user);
                decision.effect(Effect::PutUser(user));
            }
        }
        for mut group in self.view.groups_showing(id) {
            if let AddressBookScope::Groups { groups } = &mut group.address_book.shows {
                groups.remove(id);
                if groups.is_empty() {
                    group.address_book.shows = AddressBookScope::Nobody;
                }
            }
            if group.id != *id {
                group.revision = self.at.revision;
                decision.notice(Topic::Groups, group.id.as_str());
                decision.effect(Effect::PutGroup(group));
            }
        }
        decision
            .effect(Effect::RemoveGroup(id.clone()))
            .changed("group", id.as_str(), "deleted", diff::group(Some(&before), None))
            .notice(Topic::Groups, id.as_str())
            .notice(Topic::Users, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn change_members(
        &self,
        id: &GroupId,
        add: &BTreeSet<UserName>,
        remove: &BTreeSet<UserName>,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let group = self.group(id)?;
        if id.is_builtin() {
            return Err(Refusal::BuiltinGroup("given members".into()));
        }
        if let Some(both) = add.intersection(remove).next() {
            return Err(invalid(
                "remove",
                format!("{:?} is to be added and removed at once", both.as_str()),
            ));
        }
        let mut decision = Decision {
            outcome: Outcome::Revision(group.revision),
            ..Decision::default()
        };
        for (users, adds) in [(add, true), (remove, false)] {
            for user in users {
                let before = self.user(user)?;
                let mut after = before.clone();
                let changed = if adds {
                    after.groups.insert(id.clone())
                } else {
                    after.groups.remove(id)
                };
                if !changed {
                    continue;
                }
                self.check_groups(&after.groups)?;
                self.touch(&mut after);
                self.record_change(&mut decision, &before, &after, false);
                decision
                    .effect(Effect::PutUser(after))
                    .notice(Topic::Users, user.as_str());
            }
        }
        decision
            .notice(Topic::Groups, id.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn put_alias(
        &self,
        id: &AliasName,
        target: &CallString,
        note: &str,
        expect: Option<Revision>,
        create: bool,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.view.alias(id);
        match &before {
            Some(_) if create => return Err(exists("alias", id)),
            None if !create => return Err(not_found("alias", id)),
            Some(alias) => expect_revision("the alias", alias.revision, expect)?,
            None => {}
        }
        if create {
            self.check_not_like_a_guest(id.is_like_a_guest())?;
        }
        if create
            && let Ok(user) = id.as_str().parse::<UserName>()
            && self.view.user(&user).is_some()
        {
            return Err(invalid(
                "id",
                "is the ID of an account; calls would never reach the alias",
            ));
        }
        if create
            && let Ok(name) = id.as_str().parse::<UserName>()
            && self.view.group_called(&name).is_some()
        {
            return Err(invalid("id", "is what a group is called by; choose another one"));
        }
        if target.as_str().eq_ignore_ascii_case(id.as_str()) {
            return Err(invalid("target", "is the alias itself"));
        }
        check_text("note", note, 0, limits::PROFILE_FIELD)?;
        let alias = Alias {
            id: id.clone(),
            target: target.clone(),
            note: note.trim().to_owned(),
            revision: self.at.revision,
        };
        let verb = if create { "created" } else { "changed" };
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        decision
            .changed(
                "alias",
                id.as_str(),
                verb,
                diff::alias(before.as_ref(), Some(&alias)),
            )
            .effect(Effect::PutAlias(alias))
            .notice(Topic::Aliases, id.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn update_alias(
        &self,
        id: &AliasName,
        expect: Option<Revision>,
        target: Option<&CallString>,
        note: Option<&str>,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.view.alias(id).ok_or_else(|| not_found("alias", id))?;
        let target = target.unwrap_or(&before.target);
        self.put_alias(id, target, note.unwrap_or(&before.note), expect, false)
    }

    pub(super) fn delete_alias(&self, id: &AliasName, expect: Option<Revision>) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.view.alias(id).ok_or_else(|| not_found("alias", id))?;
        expect_revision("the alias", before.revision, expect)?;
        let mut decision = Decision::default();
        decision
            .effect(Effect::RemoveAlias(id.clone()))
            .changed("alias", id.as_str(), "deleted", diff::alias(Some(&before), None))
            .notice(Topic::Aliases, id.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn put_contact(&self, contact: &Contact) -> Result<Decision, Refusal> {
        let user = self.require_own_address_book()?;
        check_text("display_name", &contact.display_name, 0, limits::PROFILE_FIELD)?;
        if contact.contact_groups.len() > 64 {
            return Err(invalid("contact_groups", "are too many; at most 64"));
        }
        for name in &contact.contact_groups {
            check_text("contact_groups", name, 1, limits::GROUP_NAME)?;
        }
        let known = self.view.contact(&user.id, &contact.call).is_some();
        if !known && self.view.contacts(&user.id) >= limits::CONTACTS as u64 {
            return Err(Refusal::Conflict(
                "your address book is full; it holds 5,000 entries".into(),
            ));
        }
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        decision
            .effect(Effect::PutContact {
                user: user.id.clone(),
                contact: contact.clone(),
            })
            .notice(Topic::Contacts, user.id.as_str());
        Ok(decision)
    }

    pub(super) fn delete_contact(&self, call: &CallString) -> Result<Decision, Refusal> {
        let user = self.require_own_address_book()?;
        if self.view.contact(&user.id, call).is_none() {
            return Err(not_found("contact", call));
        }
        let mut decision = Decision::default();
        decision
            .effect(Effect::RemoveContact {
                user: user.id.clone(),
                call: call.clone(),
            })
            .notice(Topic::Contacts, user.id.as_str());
        Ok(decision)
    }

    pub(super) fn update_settings(
        &self,
        expect: Option<Revision>,
        patch: &SettingsPatch,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.view.settings();
        expect_revision("the settings", before.revision, expect)?;
        self.check_own_zone(patch)?;
        let after = Settings {
            password: patch.password.clone().unwrap_or_else(|| before.password.clone()),
            lockout: patch.lockout.clone().unwrap_or_else(|| before.lockout.clone()),
            sessions: patch.sessions.clone().unwrap_or_else(|| before.sessions.clone()),
            admin_access: patch
                .admin_access
                .clone()
                .unwrap_or_else(|| before.admin_access.clone()),
            front_page: patch
                .front_page
                .clone()
                .unwrap_or_else(|| before.front_page.clone()),
            conferences: patch
                .conferences
                .clone()
                .unwrap_or_else(|| before.conferences.clone()),
            conference_ids: patch
                .conference_ids
                .clone()
                .unwrap_or_else(|| before.conference_ids.clone()),
            new_conferences: patch
                .new_conferences
                .clone()
                .unwrap_or_else(|| before.new_conferences.clone()),
            federation: patch
                .federation
                .clone()
                .unwrap_or_else(|| before.federation.clone()),
            partner_terms: patch
                .partner_terms
                .clone()
                .unwrap_or_else(|| before.partner_terms.clone()),
            profile_fields: patch
                .profile_fields
                .clone()
                .unwrap_or_else(|| before.profile_fields.clone()),
            zones: match &patch.zones {
                Some(zones) => (**zones).clone(),
                None => before.zones.clone(),
            },
            border: match &patch.border {
                Some(policy) if policy.said() != before.border.said() => BorderPolicy {
                    changed_at: self.at.now,
                    ..policy.clone()
                },
                _ => before.border.clone(),
            },
            revision: self.at.revision,
        };
        check_settings(&after)?;
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        decision
            .changed("settings", "", "changed", diff::settings(&before, &after))
            .effect(Effect::PutSettings(after))
            .notice(Topic::Settings, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    fn touch(&self, user: &mut User) {
        user.updated_at = self.at.now;
        user.revision = self.at.revision;
    }

    fn group(&self, id: &GroupId) -> Result<Group, Refusal> {
        self.view.group(id).ok_or_else(|| not_found("group", id))
    }

    /// The name trimmed, if it is good and belongs to no other group.
    fn group_name(&self, name: &str, own: Option<&GroupId>) -> Result<String, Refusal> {
        check_text("name", name, 1, limits::GROUP_NAME)?;
        let name = name.trim();
        match self.view.group_named(&fold(name)) {
            Some(other) if Some(&other) != own => Err(exists("group", name)),
            _ => Ok(name.to_owned()),
        }
    }

    fn check_group(&self, group: &Group) -> Result<(), Refusal> {
        let allowed = allowed_rights(&group.id);
        if group.rights.0.iter().any(|right| !allowed.allows(*right)) {
            return Err(invalid("rights", "hold one that this group can never have"));
        }
        super::accounts::check_bandwidth(group.bandwidth)?;
        if let AddressBookScope::Groups { groups } = &group.address_book.shows {
            if groups.is_empty() {
                return Err(invalid(
                    "address_book.groups",
                    "is empty; name groups or choose another scope",
                ));
            }
            for id in groups {
                if *id != group.id && self.view.group(id).is_none() {
                    return Err(invalid(
                        "address_book.groups",
                        format!("there is no group {:?}", id.as_str()),
                    ));
                }
            }
        }
        if group.address_book.entries.len() > limits::ADDRESS_BOOK_ENTRIES {
            return Err(invalid("address_book.entries", "are too many; at most 1,000"));
        }
        let mut seen = BTreeSet::new();
        for entry in &group.address_book.entries {
            check_text(
                "address_book.entries",
                &entry.display_name,
                0,
                limits::PROFILE_FIELD,
            )?;
            if !seen.insert(&entry.call) {
                return Err(invalid(
                    "address_book.entries",
                    format!("{:?} stands there twice", entry.call.as_str()),
                ));
            }
        }
        Ok(())
    }

    /// The account that acts, if its groups let it keep own entries.
    fn require_own_address_book(&self) -> Result<User, Refusal> {
        let user = self.require_user()?;
        let asker = super::asker(self.view, self.by)?;
        asker.require(Right::EditAddressBook, "the right to edit the address book")?;
        Ok(user)
    }
}

/// Text of one line, `least` to `most` characters when trimmed.
///
/// # Errors
/// [`Refusal::Invalid`] for `field`.
pub fn check_text(field: &str, text: &str, least: usize, most: usize) -> Result<(), Refusal> {
    let length = text.trim().chars().count();
    if !(least..=most).contains(&length) {
        return Err(invalid(field, format!("must have {least} to {most} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(
            field,
            "must not contain control characters or line breaks",
        ));
    }
    Ok(())
}

fn check_settings(settings: &Settings) -> Result<(), Refusal> {
    const MINUTE: u64 = 60;
    const DAY: u64 = 24 * 3600;
    let (password, lockout) = (&settings.password, &settings.lockout);
    let ranges = [
        (
            "password.min_length",
            u64::from(password.min_length),
            2,
            limits::PASSWORD as u64,
        ),
        ("lockout.duration_s", lockout.duration_s, MINUTE, 365 * DAY),
        ("lockout.attempts", u64::from(lockout.attempts), 1, 100),
        ("lockout.window_s", lockout.window_s, MINUTE, 30 * DAY),
        (
            "sessions.lifetime_days",
            u64::from(settings.sessions.lifetime_days),
            1,
            3_650,
        ),
        (
            "admin_access.networks",
            settings.admin_access.networks.len() as u64,
            1,
            256,
        ),
        (
            "conferences.delete_past_days",
            u64::from(settings.conferences.delete_past_days),
            1,
            10_000,
        ),
        (
            "conferences.delete_unused_days",
            u64::from(settings.conferences.delete_unused_days),
            1,
            10_000,
        ),
        (
            "conferences.keep_history_days",
            u64::from(settings.conferences.keep_history_days),
            1,
            10_000,
        ),
        (
            "conferences.keep_chat_days",
            u64::from(settings.conferences.keep_chat_days),
            1,
            10_000,
        ),
        (
            "conference_ids.length",
            u64::from(settings.conference_ids.length),
            limits::MADE_CID_MIN as u64,
            limits::MADE_CID as u64,
        ),
        (
            "federation.whitelist",
            settings.federation.whitelist.len() as u64,
            0,
            FederationPolicy::MASKS as u64,
        ),
        (
            "federation.blacklist",
            settings.federation.blacklist.len() as u64,
            0,
            FederationPolicy::MASKS as u64,
        ),
    ];
    for (field, value, least, most) in ranges {
        if !(least..=most).contains(&value) {
            return Err(invalid(field, format!("must be {least} to {most}")));
        }
    }
    super::partners::check_terms("partner_terms", &settings.partner_terms)?;
    super::guest_page::check_front_page(&settings.front_page)?;
    super::zones::check_zones(&settings.zones)?;
    super::border::check_policy(&settings.border)?;
    // One that cannot be read would keep every administrator out.
    match settings
        .admin_access
        .networks
        .iter()
        .find(|text| text.parse::<Network>().is_err())
    {
        Some(bad) => Err(invalid(
            "admin_access.networks",
            format!("{bad:?} is no address range; write it like 10.0.0.0/8"),
        )),
        None => Ok(()),
    }
}
