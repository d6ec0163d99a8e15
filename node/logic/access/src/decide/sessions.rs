//! Signing in and out, devices, lockout (AUTH-01, USR-02, USR-10).

use super::{Case, accounts::about_user, not_found};
use crate::{
    ActorKind, Decision, Device, Effect, EventKind, Outcome, PasswordHash, Refusal, Session, SignInMethod,
    TokenHash, Topic, User, Verdict, View, address_of, lock_in_force, wrong_password,
};
use plenary_model::{NodeId, UserName, limits};

const DAY_MS: u64 = 24 * 3600 * 1000;

impl<V: View> Case<'_, V> {
    pub(super) fn sign_in(
        &self,
        user: &UserName,
        password: &PasswordHash,
        session: &str,
        token: TokenHash,
        device: &Device,
    ) -> Result<Decision, Refusal> {
        let from = address_of(&self.by.address);
        // First: whether the password is right is not told where nobody signs in.
        self.view
            .settings()
            .zones
            .check_sign_in(from, SignInMethod::Password)?;
        let account = self.view.user(user).ok_or(Refusal::WrongCredentials)?;
        if self.view.password(user).as_ref() != Some(password) {
            return Err(Refusal::WrongCredentials);
        }
        if !account.active {
            return Err(Refusal::AccountDisabled);
        }
        if let Some(until) = lock_in_force(account.locked_until, self.at.now) {
            return Err(Refusal::AccountLocked { until });
        }
        if self.view.session(session).is_some() {
            return Err(super::exists("session", session));
        }
        let lifetime = u64::from(self.view.settings().sessions.lifetime_days).saturating_mul(DAY_MS);
        let expires_at = self.at.now.plus_ms(lifetime);
        let mut decision = Decision {
            outcome: Outcome::SignedIn { expires_at },
            ..Decision::default()
        };
        if account.locked_until.is_some() {
            self.unlock(&mut decision, account, "the time of the lock is over");
        } else if self.view.failures(user).is_some() {
            decision.effect(Effect::PutFailures {
                user: user.clone(),
                failures: None,
            });
        }
        self.make_room(&mut decision, user);
        let session = Session {
            id: session.to_owned(),
            user: user.clone(),
            device: clipped(device),
            created_at: self.at.now,
            expires_at,
            online_on: None,
        };
        let mut event = about_user(EventKind::Login, user, "");
        event.actor = Some(user.clone());
        decision
            .effect(Effect::AddSession { session, token })
            .event(event)
            .notice(Topic::Sessions, user.as_str())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    /// Ends the oldest sessions of a user who has as many as anybody may.
    fn make_room(&self, decision: &mut Decision, user: &UserName) {
        let mut sessions = self.view.sessions_of(user);
        sessions.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        let too_many = (sessions.len() + 1).saturating_sub(limits::SESSIONS_PER_USER);
        for session in sessions.into_iter().take(too_many) {
            self.end(decision, session);
        }
    }

    pub(super) fn sign_in_failed(&self, user: &UserName) -> Result<Decision, Refusal> {
        let mut account = self.user(user)?;
        let mut decision = Decision {
            outcome: Outcome::SignInCounted { locked: false },
            ..Decision::default()
        };
        let mut event = about_user(EventKind::Login, user, "wrong password");
        event.success = false;
        decision.event(event).notice(Topic::Events, "");
        if lock_in_force(account.locked_until, self.at.now).is_some() {
            decision.outcome = Outcome::SignInCounted { locked: true };
            return Ok(decision);
        }
        match wrong_password(
            &self.view.settings().lockout,
            self.view.failures(user),
            self.at.now,
        ) {
            Verdict::Counted(failures) => {
                decision.effect(Effect::PutFailures {
                    user: user.clone(),
                    failures: Some(failures),
                });
            }
            Verdict::Locked(until) => {
                account.locked_until = Some(until);
                account.revision = self.at.revision;
                decision.outcome = Outcome::SignInCounted { locked: true };
                decision
                    .effect(Effect::PutUser(account))
                    .effect(Effect::PutFailures {
                        user: user.clone(),
                        failures: None,
                    })
                    .event(about_user(EventKind::Lock, user, "too many wrong passwords"))
                    .notice(Topic::Users, user.as_str());
            }
        }
        Ok(decision)
    }

    pub(super) fn end_session(&self, id: &str) -> Result<Decision, Refusal> {
        let session = self.view.session(id).ok_or_else(|| not_found("session", id))?;
        match &self.by.kind {
            ActorKind::System => {}
            ActorKind::User(user) if *user == session.user => {}
            // Sessions of others are nobody's business; administrators disconnect users as a whole.
            _ => return Err(not_found("session", id)),
        }
        let kind = if self.by.session == id {
            EventKind::Logout
        } else {
            EventKind::Disconnect
        };
        let mut decision = Decision::default();
        decision.event(about_user(kind, &session.user, ""));
        self.end(&mut decision, session);
        decision.notice(Topic::Events, "");
        Ok(decision)
    }

    /// Ends the sessions of a user, but for the one named.
    pub(super) fn end_sessions_of(&self, decision: &mut Decision, user: &UserName, keep: Option<&str>) {
        for session in self.view.sessions_of(user) {
            if Some(session.id.as_str()) != keep {
                self.end(decision, session);
            }
        }
    }

    pub(super) fn end(&self, decision: &mut Decision, session: Session) {
        if session.online_on.is_some() {
            decision.notice(Topic::Users, session.user.as_str());
        }
        decision
            .notice(Topic::Sessions, session.user.as_str())
            .effect(Effect::RemoveSession(session.id));
    }

    /// A device opened or closed its signalling connection; words of an earlier run of a node change nothing.
    pub(super) fn device(
        &self,
        session: &str,
        node: NodeId,
        epoch: u64,
        online: bool,
    ) -> Result<Decision, Refusal> {
        self.require_system()?;
        let mut decision = Decision::default();
        let current = self.view.node(node).is_some_and(|member| member.epoch == epoch);
        let Some(session) = self.view.session(session).filter(|_| current) else {
            return Ok(decision);
        };
        let now = match (online, session.online_on) {
            (true, before) if before != Some(node) => Some(node),
            // Going offline here means nothing once the device is on another node.
            (false, Some(before)) if before == node => None,
            _ => return Ok(decision),
        };
        decision
            .effect(Effect::SetOnline {
                session: session.id,
                node: now,
            })
            .notice(Topic::Users, session.user.as_str())
            .notice(Topic::Sessions, session.user.as_str())
            .notice(Topic::Cluster, "");
        Ok(decision)
    }

    /// Everybody who was online on a node is not any more.
    pub(super) fn all_offline(&self, decision: &mut Decision, node: NodeId) {
        for session in self.view.sessions_on(node) {
            decision
                .effect(Effect::SetOnline {
                    session: session.id,
                    node: None,
                })
                .notice(Topic::Users, session.user.as_str())
                .notice(Topic::Sessions, session.user.as_str());
        }
    }

    pub(super) fn expired_lock(&self, decision: &mut Decision, user: User) {
        self.unlock(decision, user, "the time of the lock is over");
    }
}

/// What clients say of themselves is cut to what is kept.
fn clipped(device: &Device) -> Device {
    let clip = |text: &str, most: usize| {
        text.chars()
            .filter(|c| !c.is_control())
            .take(most)
            .collect::<String>()
    };
    Device {
        user_agent: clip(&device.user_agent, 512),
        address: clip(&device.address, 64),
        label: clip(device.label.trim(), 128),
    }
}
