//! Import of accounts: all rows or none (USR-01).

use super::{Case, accounts::administers, directory::check_text};
use crate::{
    Decision, Effect, Group, ImportRow, NewUser, Outcome, Profile, Refusal, RowError, Topic, User, UserPatch,
    View, diff, fold,
};
use plenary_model::{GroupId, Rights, UserName, limits};
use std::collections::{BTreeMap, BTreeSet};

/// What the rows before have made already.
#[derive(Default)]
struct Progress {
    users: BTreeMap<UserName, u32>,
    emails: BTreeMap<String, (UserName, u32)>,
    groups: BTreeMap<String, GroupId>,
    /// IDs given to new groups.
    group_ids: BTreeSet<GroupId>,
    administrators_made: u64,
    /// Lines whose accounts administer no more.
    administrators_lost: Vec<u32>,
    errors: Vec<RowError>,
    created: u32,
    updated: u32,
}

impl<V: View> Case<'_, V> {
    pub(super) fn import_users(
        &self,
        rows: &[ImportRow],
        group_ids: &[GroupId],
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        if rows.len() > limits::IMPORT_ROWS {
            let reason = format!(
                "has {} rows; at most {} are imported at once",
                rows.len(),
                limits::IMPORT_ROWS
            );
            return Err(super::invalid("file", reason));
        }
        let mut decision = Decision::default();
        let mut progress = Progress::default();
        let new_groups = self.import_groups(&mut decision, &mut progress, rows, group_ids)?;
        for row in rows {
            if let Err(refusal) = self.import_row(&mut decision, &mut progress, row) {
                progress.errors.push(row_error(row.line, refusal));
            }
        }
        if progress.errors.is_empty() {
            self.check_administrators(&mut progress);
        }
        if !progress.errors.is_empty() {
            progress.errors.sort_by_key(|error| error.line);
            return Err(Refusal::InvalidRows(progress.errors));
        }
        decision.outcome = Outcome::Imported {
            created: progress.created,
            updated: progress.updated,
            groups: new_groups,
        };
        decision
            .notice(Topic::Users, "")
            .notice(Topic::Groups, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    /// Demoting the last administrator is fine if another row makes a new one.
    fn check_administrators(&self, progress: &mut Progress) {
        let before = self.view.full_administrators();
        let lost = progress.administrators_lost.len() as u64;
        if lost == 0 || before + progress.administrators_made > lost {
            return;
        }
        for line in &progress.administrators_lost {
            progress.errors.push(RowError {
                line: *line,
                field: "admin".into(),
                reason: Refusal::LastAdministrator.to_string(),
            });
        }
    }

    /// Finds the groups that the rows name and makes those that are missing.
    fn import_groups(
        &self,
        decision: &mut Decision,
        progress: &mut Progress,
        rows: &[ImportRow],
        group_ids: &[GroupId],
    ) -> Result<u32, Refusal> {
        let mut fresh = group_ids.iter();
        let mut made = 0;
        for (row, name) in rows
            .iter()
            .flat_map(|row| row.group_names.iter().flatten().map(move |name| (row, name)))
        {
            if progress.groups.contains_key(&folded(name)) {
                continue;
            }
            if let Some(id) = self.view.group_named(&folded(name)) {
                progress.groups.insert(folded(name), id);
                continue;
            }
            if let Err(refusal) = check_text("groups", name, 1, limits::GROUP_NAME) {
                progress.errors.push(row_error(row.line, refusal));
                continue;
            }
            let id = fresh.find(|id| {
                self.view.group(id).is_none() && !id.is_builtin() && !progress.group_ids.contains(id)
            });
            let id = id
                .ok_or_else(|| Refusal::Conflict("there are too few IDs for new groups; try again".into()))?;
            progress.group_ids.insert(id.clone());
            let group = Group {
                id: id.clone(),
                name: name.trim().to_owned(),
                rights: Rights::usual(),
                address_book: crate::AddressBook::default(),
                bandwidth: crate::Bandwidth::default(),
                call_id: None,
                created_at: self.at.now,
                revision: self.at.revision,
            };
            decision.changed("group", id.as_str(), "created", diff::group(None, Some(&group)));
            decision.effect(Effect::PutGroup(group));
            progress.groups.insert(folded(name), id.clone());
            made += 1;
        }
        Ok(made)
    }

    fn import_row(
        &self,
        decision: &mut Decision,
        progress: &mut Progress,
        row: &ImportRow,
    ) -> Result<(), Refusal> {
        if let Some(line) = progress.users.insert(row.id.clone(), row.line) {
            return Err(super::invalid(
                "id",
                format!("{:?} stands in line {line} already", row.id.as_str()),
            ));
        }
        let groups: Option<BTreeSet<GroupId>> = row.group_names.as_ref().map(|names| {
            names
                .iter()
                .filter_map(|name| progress.groups.get(&folded(name)).cloned())
                .collect()
        });
        if groups.iter().flatten().any(GroupId::is_builtin) {
            return Err(super::invalid(
                "groups",
                "built-in groups have no members of their own",
            ));
        }
        if groups
            .as_ref()
            .is_some_and(|groups| groups.len() > limits::GROUPS_PER_USER)
        {
            return Err(super::invalid("groups", "are too many; at most 256"));
        }
        let before = self.view.user(&row.id);
        let after = match &before {
            Some(before) => {
                let mut after = self.patched(
                    before,
                    &UserPatch {
                        groups: None,
                        ..row.patch.clone()
                    },
                )?;
                after.groups = groups.unwrap_or(after.groups);
                after
            }
            None => {
                let mut after = self.new_user(&as_new(row))?;
                after = self.patched(
                    &after,
                    &UserPatch {
                        groups: None,
                        ..row.patch.clone()
                    },
                )?;
                after.created_at = self.at.now;
                after.groups = groups.unwrap_or_default();
                after
            }
        };
        self.check_row_email(progress, row, &after)?;
        match (before.as_ref().is_some_and(administers), administers(&after)) {
            (true, false) => progress.administrators_lost.push(row.line),
            (false, true) => progress.administrators_made += 1,
            _ => {}
        }
        match &before {
            Some(before) => {
                progress.updated += 1;
                self.record_change(decision, before, &after, row.patch.password.is_some());
                if !after.active || row.patch.password.is_some() {
                    self.end_sessions_of(decision, &row.id, None);
                }
            }
            None => {
                progress.created += 1;
                decision.changed("user", row.id.as_str(), "created", diff::user(None, Some(&after)));
            }
        }
        decision.effect(Effect::PutUser(after));
        if let Some(password) = &row.patch.password {
            decision.effect(Effect::PutPassword {
                user: row.id.clone(),
                password: password.clone(),
            });
        }
        Ok(())
    }

    fn check_row_email(&self, progress: &mut Progress, row: &ImportRow, after: &User) -> Result<(), Refusal> {
        if after.profile.email.is_empty() {
            return Ok(());
        }
        let folded = fold(&after.profile.email);
        if let Some(other) = self.view.user_with_email(&folded)
            && other != row.id
        {
            return Err(super::invalid(
                "email",
                format!("is used by {:?} already", other.as_str()),
            ));
        }
        match progress.emails.insert(folded, (row.id.clone(), row.line)) {
            Some((_, line)) => Err(super::invalid("email", format!("stands in line {line} already"))),
            None => Ok(()),
        }
    }
}

/// The form in which names of groups are compared.
fn folded(name: &str) -> String {
    fold(name.trim())
}

fn row_error(line: u32, refusal: Refusal) -> RowError {
    let (field, reason) = match refusal {
        Refusal::Invalid { field, reason } => (field, reason),
        other => ("id".to_owned(), other.to_string()),
    };
    RowError { line, field, reason }
}

fn as_new(row: &ImportRow) -> NewUser {
    NewUser {
        id: row.id.clone(),
        profile: Profile::default(),
        password: row.patch.password.clone(),
        groups: BTreeSet::new(),
        active: row.patch.active.unwrap_or(true),
        admin: row.patch.admin.unwrap_or_default(),
        bandwidth: row.patch.bandwidth.unwrap_or_default(),
    }
}
