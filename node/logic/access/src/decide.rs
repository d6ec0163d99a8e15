//! The way every command takes: who asks, is it a repetition, what follows.

mod accounts;
mod directory;
mod import;
mod nodes;
mod sessions;

use crate::{Actor, ActorKind, AdminRole, Change, Command, Decision, Outcome, Refusal, User, View};
use plenary_model::{Revision, Timestamp, UserName};

/// Where in the log a command stands: the revision of everything it changes, and the time it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub now: Timestamp,
    pub revision: Revision,
}

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
    if let Some(asked) = &command.idempotency
        && let Some((before, answer)) = view.remembered(&case.actor_key(), &asked.key)
    {
        if before.request != asked.request {
            return Err(Refusal::IdempotencyMismatch);
        }
        // The first answer again, and nothing else.
        return answer.map(|outcome| Decision {
            outcome,
            ..Decision::default()
        });
    }
    case.decide(&command.change)
}

impl<V: View> Case<'_, V> {
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
            } => {
                let new = directory::GroupPatch {
                    name,
                    rights,
                    address_book,
                    bandwidth,
                };
                self.update_group(id, *expect, &new)
            }
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
            Change::Sweep => self.sweep(),
        }
    }

    /// Under which idempotency keys of this actor are remembered.
    pub(crate) fn actor_key(&self) -> String {
        actor_key(self.by)
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
        let ActorKind::User(id) = &self.by.kind else {
            return Err(Refusal::Forbidden {
                needs: "an account".into(),
            });
        };
        let user = self.view.user(id).ok_or_else(|| not_found("user", id))?;
        if user.active {
            Ok(user)
        } else {
            Err(Refusal::AccountDisabled)
        }
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

pub(crate) fn not_found(what: &str, id: impl ToString) -> Refusal {
    Refusal::NotFound {
        what: what.into(),
        id: id.to_string(),
    }
}

pub(crate) fn exists(what: &str, id: impl ToString) -> Refusal {
    Refusal::Exists {
        what: what.into(),
        id: id.to_string(),
    }
}

pub(crate) fn invalid(field: &str, reason: impl Into<String>) -> Refusal {
    Refusal::Invalid {
        field: field.into(),
        reason: reason.into(),
    }
}

/// Refuses a change of something that somebody else has changed since it was loaded.
pub(crate) fn expect_revision(what: &str, now: Revision, expect: Option<Revision>) -> Result<(), Refusal> {
    match expect {
        Some(expected) if expected != now => Err(Refusal::Stale { what: what.into() }),
        _ => Ok(()),
    }
}
