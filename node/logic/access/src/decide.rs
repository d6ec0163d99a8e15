//! The way every command takes: who asks, is it a repetition, what follows.

mod accounts;
mod acme;
mod border;
mod directory;
mod directory_link;
mod guest_page;
mod import;
mod nodes;
mod partners;
mod sessions;
mod zones;

use crate::{
    Actor, ActorKind, AdminRole, Change, Command, Decision, Effect, Group, Outcome, Refusal, User, View,
    ZoneRefusal, address_of, effective_rights,
};
use plenary_model::{GroupId, Revision, Right, Rights, Timestamp, UserName};
use std::{collections::BTreeSet, net::IpAddr};

pub use accounts::is_email;
pub use directory::check_text;

/// Where in the log a command stands: the revision of everything it changes, the time it happens, and the rules that
/// are in force there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub now: Timestamp,
    pub revision: Revision,
    /// Level of the rules (`docs/decisions/0003`): what a newer rule refuses, it refuses from its level on.
    pub level: u32,
}

/// From this level on there are meetings and guests, and nothing new takes a name like that of a guest.
pub const MEETINGS_LEVEL: u32 = 3;

/// Everything one decision works with.
pub(crate) struct Case<'a, V: View> {
    pub(crate) view: &'a V,
    pub(crate) by: &'a Actor,
    pub(crate) at: Moment,
}

/// Decides what follows from `command`, or why nothing does. Equal views give equal answers.
///
/// # Errors
/// A [`Refusal`]; then nothing may be changed.
pub fn decide<V: View>(view: &V, at: Moment, command: &Command) -> Result<Decision, Refusal> {
    let case = Case {
        view,
        by: &command.by,
        at,
    };
    match first_answer(view, command) {
        Some(answer) => answer,
        None => case.decide(&command.change),
    }
}

/// The answer to the first command with the same idempotency key, which does nothing once more.
pub fn first_answer<V: View, C, E>(view: &V, command: &Command<C>) -> Option<Result<Decision<E>, Refusal>> {
    let asked = command.idempotency.as_ref()?;
    let (before, answer) = view.remembered(&actor_key(&command.by), &asked.key)?;
    if before.request != asked.request {
        return Some(Err(Refusal::IdempotencyMismatch));
    }
    Some(answer.map(Decision::giving))
}

/// Who asks, as other rules need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The account; `None` is the server itself, which may do everything.
    pub user: Option<UserName>,
    pub admin: AdminRole,
    /// What the groups of the account allow together, narrowed by the zone that it comes from.
    pub rights: Rights,
    /// What the groups allow and the zone does not.
    pub withheld: Rights,
    /// Where they come from, as far as it is known; of the server itself for whom it asks.
    pub from: Option<IpAddr>,
}

impl Asker {
    /// Refuses who has not this right; `words` name it.
    ///
    /// # Errors
    /// Whether it is missing, or does not count from where they come.
    pub fn require(&self, right: Right, words: &str) -> Result<(), Refusal> {
        if self.rights.allows(right) {
            return Ok(());
        }
        Err(lacking(&self.withheld, right, words))
    }
}

/// What somebody is told who has not a right.
fn lacking(withheld: &Rights, right: Right, words: &str) -> Refusal {
    if withheld.allows(right) {
        return ZoneRefusal::Right(words.into()).into();
    }
    Refusal::Forbidden { needs: words.into() }
}

/// Who asks with `by`, at this place of the log.
///
/// # Errors
/// Nobody is signed in, or the account is gone or disabled.
pub fn asker<V: View>(view: &V, by: &Actor) -> Result<Asker, Refusal> {
    let from = address_of(&by.address);
    if by.kind == ActorKind::System {
        return Ok(Asker {
            user: None,
            admin: AdminRole::Full,
            rights: Rights(Right::ALL.into()),
            withheld: Rights::default(),
            from,
        });
    }
    let user = acting_user(view, by)?;
    let given = rights_of(view, &user);
    let rights = view.settings().zones.narrow(&given, from);
    Ok(Asker {
        admin: user.admin,
        withheld: Rights(given.0.difference(&rights.0).copied().collect()),
        rights,
        user: Some(user.id),
        from,
    })
}

/// The account that acts, which must exist and be active.
fn acting_user<V: View>(view: &V, by: &Actor) -> Result<User, Refusal> {
    let ActorKind::User(id) = &by.kind else {
        return Err(Refusal::Forbidden {
            needs: "an account".into(),
        });
    };
    let user = view.user(id).ok_or_else(|| not_found("user", id))?;
    if user.active {
        Ok(user)
    } else {
        Err(Refusal::AccountDisabled)
    }
}

/// What the groups of an account allow together.
pub fn rights_of<V: View>(view: &V, user: &User) -> Rights {
    let ids = if user.groups.is_empty() {
        BTreeSet::from([GroupId::ungrouped()])
    } else {
        user.groups.clone()
    };
    let groups: Vec<Group> = ids.iter().filter_map(|id| view.group(id)).collect();
    effective_rights(&groups)
}

/// The same once these effects are done; `None` where the account is none any more, or may not sign in.
pub fn rights_after<V: View>(view: &V, effects: &[Effect], user: &User) -> Option<Rights> {
    let is_removed = |effect: &Effect| matches!(effect, Effect::RemoveUser(id) if *id == user.id);
    if effects.iter().any(is_removed) {
        return None;
    }
    let put = effects.iter().rev().find_map(|effect| match effect {
        Effect::PutUser(put) if put.id == user.id => Some(put),
        _ => None,
    });
    let user = put
        .filter(|put| put.active)
        .or(Some(user).filter(|_| put.is_none()))?;
    let after = |id: &GroupId| {
        let said = effects.iter().rev().find_map(|effect| match effect {
            Effect::PutGroup(group) if group.id == *id => Some(Some(group.clone())),
            Effect::RemoveGroup(removed) if removed == id => Some(None),
            _ => None,
        });
        said.unwrap_or_else(|| view.group(id))
    };
    let mut groups: Vec<Group> = user.groups.iter().filter_map(after).collect();
    if groups.is_empty() {
        groups.extend(after(&GroupId::ungrouped()));
    }
    Some(effective_rights(&groups))
}

impl<V: View> Case<'_, V> {
    /// What a group is like; nothing follows from other changes.
    fn decide_on_group(&self, change: &Change) -> Result<Decision, Refusal> {
        match change {
            Change::CreateGroup {
                id,
                name,
                rights,
                address_book,
                bandwidth,
            } => self.create_group(id, name, rights, address_book, *bandwidth),
            Change::UpdateGroup {
                id,
                expect,
                name,
                rights,
                address_book,
                bandwidth,
                call_id,
            } => {
                let new = directory::GroupPatch {
                    name,
                    rights,
                    address_book,
                    bandwidth,
                    call_id: call_id.as_ref(),
                };
                self.update_group(id, *expect, &new)
            }
            _ => Ok(Decision::default()),
        }
    }

    /// What is written down of another server; nothing follows from other changes.
    fn decide_on_partner(&self, change: &Change) -> Result<Decision, Refusal> {
        match change {
            Change::PutPartner {
                server,
                expect,
                partner,
            } => self.put_partner(server, *expect, partner),
            Change::RemovePartner { server, expect } => self.remove_partner(server, *expect),
            _ => Ok(Decision::default()),
        }
    }

    fn decide(&self, change: &Change) -> Result<Decision, Refusal> {
        match change {
            Change::CreateUser(user) => self.create_user(user),
            Change::UpdateUser { id, expect, patch } => self.update_user(id, *expect, patch),
            Change::DeleteUser { id, expect } => self.delete_user(id, *expect),
            Change::ChangeOwnPassword { password, old } => self.change_own_password(password, old.as_ref()),
            Change::UpdateOwnProfile { expect, patch } => self.update_own_profile(*expect, patch),
            Change::SetAvatar { id, avatar } => self.set_avatar(id, avatar.as_ref()),
            Change::DisconnectUser { id } => self.disconnect_user(id),
            Change::UnlockUser { id } => self.unlock_user(id),
            Change::ImportUsers { rows, group_ids } => self.import_users(rows, group_ids),
            Change::CreateGroup { .. } | Change::UpdateGroup { .. } => self.decide_on_group(change),
            Change::DeleteGroup { id, expect } => self.delete_group(id, *expect),
            Change::ChangeMembers { id, add, remove } => self.change_members(id, add, remove),
            Change::PutAlias {
                id,
                target,
                note,
                expect,
                create,
            } => self.put_alias(id, target, note, *expect, *create),
            Change::UpdateAlias {
                id,
                expect,
                target,
                note,
            } => self.update_alias(id, *expect, target.as_ref(), note.as_deref()),
            Change::DeleteAlias { id, expect } => self.delete_alias(id, *expect),
            Change::PutContact { contact } => self.put_contact(contact),
            Change::DeleteContact { call } => self.delete_contact(call),
            Change::UpdateSettings { expect, patch } => self.update_settings(*expect, patch),
            Change::PutDocument {
                place,
                expect,
                document,
            } => self.put_document(*place, *expect, document),
            Change::RemoveDocument { place, expect } => self.remove_document(*place, *expect),
            Change::SetLogo { scheme, logo } => self.set_logo(*scheme, logo.as_ref()),
            Change::PutPartner { .. } | Change::RemovePartner { .. } => self.decide_on_partner(change),
            Change::ActivateDirectory(_)
            | Change::UpdateDirectory { .. }
            | Change::DeactivateDirectory { .. }
            | Change::DirectoryLeft { .. }
            | Change::NoteDirectoryServers { .. }
            | Change::ShowDirectoryKey
            | Change::CutDirectoryChanges { .. } => self.decide_on_directory(change),
            Change::SignIn {
                user,
                password,
                stronger,
                session,
                token,
                device,
            } => {
                let mut decision = self.sign_in(user, password, session, *token, device)?;
                if let Some(password) = stronger {
                    decision.effect(crate::Effect::PutPassword {
                        user: user.clone(),
                        password: password.clone(),
                    });
                }
                Ok(decision)
            }
            Change::SignInFailed { user } => self.sign_in_failed(user),
            Change::EndSession { id } => self.end_session(id),
            Change::DeviceOnline { session, node, epoch } => self.device(session, *node, *epoch, true),
            Change::DeviceOffline { session, node, epoch } => self.device(session, *node, *epoch, false),
            Change::NodeStarted { node, epoch, version } => self.node_started(*node, *epoch, version),
            Change::NodeLost { node } => self.node_lost(*node),
            Change::FoundServer {
                server,
                enterprise,
                node,
                name,
                address,
            } => self.found_server(server, enterprise, *node, name, address),
            Change::RestoreServer { node, name, address } => self.restore_server(*node, name, address),
            Change::InviteNode { id, secret, ttl_s } => self.invite_node(id, secret, *ttl_s),
            Change::AdmitNode {
                invitation,
                secret,
                name,
                address,
            } => self.admit_node(invitation, secret, name, address),
            Change::DescribeNode {
                node,
                address,
                url,
                version,
            } => self.describe_node(*node, address, url, version),
            Change::DrainNode { node, drain } => self.drain_node(*node, *drain),
            Change::RemoveNode { node } => self.remove_node(*node),
            Change::InviteController { .. }
            | Change::EnrolController { .. }
            | Change::RemoveController { .. } => self.decide_on_border(change),
            Change::Acme(news) => self.acme(news),
            Change::Sweep => self.sweep(),
        }
    }

    pub(crate) fn require_system(&self) -> Result<(), Refusal> {
        match self.by.kind {
            ActorKind::System => Ok(()),
            _ => Err(Refusal::Forbidden {
                needs: "the server itself".into(),
            }),
        }
    }

    /// The account that acts, which must exist and be active.
    pub(crate) fn require_user(&self) -> Result<User, Refusal> {
        acting_user(self.view, self.by)
    }

    pub(crate) fn require_admin(&self) -> Result<(), Refusal> {
        if self.by.kind == ActorKind::System {
            return Ok(());
        }
        match self.require_user()?.admin {
            AdminRole::Full => Ok(()),
            _ => Err(Refusal::Forbidden {
                needs: "the role of an administrator with full rights".into(),
            }),
        }
    }

    pub(crate) fn user(&self, id: &UserName) -> Result<User, Refusal> {
        self.view.user(id).ok_or_else(|| not_found("user", id))
    }

    /// Refuses a name that reads like the ID of a guest, for what is new.
    pub(crate) fn check_not_like_a_guest(&self, is_like_a_guest: bool) -> Result<(), Refusal> {
        if is_like_a_guest && self.at.level >= MEETINGS_LEVEL {
            return Err(invalid(
                "id",
                "begins with guest-, which is reserved for guests; choose another one",
            ));
        }
        Ok(())
    }

    /// What a change of an object gives back.
    pub(crate) fn revised(&self) -> Outcome {
        Outcome::Revision(self.at.revision)
    }
}

/// Under which name the idempotency keys of an actor are remembered.
pub fn actor_key(by: &Actor) -> String {
    match &by.kind {
        ActorKind::User(user) => format!("user:{user}"),
        ActorKind::Anonymous => "anonymous".into(),
        ActorKind::System => "system".into(),
    }
}

/// There is no such object.
pub fn not_found(what: &str, id: impl ToString) -> Refusal {
    Refusal::NotFound {
        what: what.into(),
        id: id.to_string(),
    }
}

/// There is one already.
pub fn exists(what: &str, id: impl ToString) -> Refusal {
    Refusal::Exists {
        what: what.into(),
        id: id.to_string(),
    }
}

/// A field has a bad value.
pub fn invalid(field: &str, reason: impl Into<String>) -> Refusal {
    Refusal::Invalid {
        field: field.into(),
        reason: reason.into(),
    }
}

/// Refuses a change of something that somebody else has changed since it was loaded.
///
/// # Errors
/// [`Refusal::Stale`].
pub fn expect_revision(what: &str, now: Revision, expect: Option<Revision>) -> Result<(), Refusal> {
    match expect {
        Some(expected) if expected != now => Err(Refusal::Stale { what: what.into() }),
        _ => Ok(()),
    }
}
