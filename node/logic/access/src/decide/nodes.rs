//! The server itself: founding, nodes that come and go, cleaning up (ENT-01).

use super::{Case, accounts::about_user, invalid, not_found};
use crate::{
    AddressBook, Bandwidth, Decision, Effect, EventDraft, EventKind, FieldChange, Group, Invitation, Member,
    Outcome, Refusal, Topic, View, allowed_rights,
};
use plenary_model::{GroupId, NodeId, NodeName, Rights, ServerName, Timestamp, limits};
use subtle::ConstantTimeEq as _;

const DAY_MS: u64 = 24 * 3600 * 1000;
/// Join tokens live one minute to seven days.
pub(super) const INVITATION_S: std::ops::RangeInclusive<u64> = 60..=7 * 24 * 3600;

impl<V: View> Case<'_, V> {
    pub(super) fn found_server(
        &self,
        server: &ServerName,
        enterprise: &str,
        node: NodeId,
        name: &NodeName,
        address: &str,
    ) -> Result<Decision, Refusal> {
        self.require_system()?;
        if let Some((founded, _)) = self.view.founded() {
            return Err(Refusal::Conflict(format!(
                "the server {founded} was founded here already"
            )));
        }
        if enterprise.chars().count() > limits::GROUP_NAME {
            return Err(invalid("enterprise", "is too long; at most 128 characters"));
        }
        let mut decision = Decision::default();
        decision.effect(Effect::Found {
            server: server.clone(),
            enterprise: enterprise.to_owned(),
        });
        let groups = [
            (GroupId::ungrouped(), "Users without group"),
            (GroupId::federated(), "Federated users"),
            (GroupId::guests(), "Guests"),
        ];
        for (id, name) in groups {
            let usual = Rights::usual().0;
            let rights = allowed_rights(&id).0.intersection(&usual).copied().collect();
            decision.effect(Effect::PutGroup(Group {
                id,
                name: name.into(),
                rights: Rights(rights),
                address_book: AddressBook::default(),
                bandwidth: Bandwidth::default(),
                call_id: None,
                created_at: self.at.now,
                revision: self.at.revision,
            }));
        }
        decision
            .effect(Effect::PutNode(self.member(node, name, address)))
            .changed("server", server.as_str(), "founded", Vec::new())
            .notice(Topic::Cluster, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    fn member(&self, id: NodeId, name: &NodeName, address: &str) -> Member {
        Member {
            id,
            name: name.clone(),
            address: address.to_owned(),
            url: String::new(),
            version: String::new(),
            draining: false,
            joined_at: self.at.now,
            epoch: 0,
        }
    }

    pub(super) fn restore_server(
        &self,
        node: NodeId,
        name: &NodeName,
        address: &str,
    ) -> Result<Decision, Refusal> {
        self.require_system()?;
        let Some((server, _)) = self.view.founded() else {
            return Err(Refusal::Conflict("there is no server to restore".into()));
        };
        if node <= self.view.last_node() {
            return Err(Refusal::Conflict(format!(
                "a node with the number {node} was here before"
            )));
        }
        let mut decision = Decision::default();
        for member in self.view.nodes() {
            self.all_offline(&mut decision, member.id);
            decision.effect(Effect::RemoveNode(member.id));
        }
        decision
            .effect(Effect::PutNode(self.member(node, name, address)))
            // Join tokens of the time before are worth nothing any more.
            .effect(Effect::Forget {
                invitations_until: Timestamp(u64::MAX),
                keys_until: Timestamp(0),
            })
            .changed("server", server.as_str(), "restored", Vec::new())
            .notice(Topic::Cluster, "")
            .notice(Topic::Users, "")
            .notice(Topic::Events, "");
        decision.effects.extend(self.restored_directory(node));
        decision.effects.extend(self.restored_controllers());
        Ok(decision)
    }

    pub(super) fn invite_node(&self, id: &str, secret: &[u8; 32], ttl_s: u64) -> Result<Decision, Refusal> {
        self.require_admin()?;
        if !INVITATION_S.contains(&ttl_s) {
            return Err(invalid("ttl_s", "must be 60 (one minute) to 604800 (seven days)"));
        }
        if self.view.invitation(id).is_some() {
            return Err(super::exists("invitation", id));
        }
        let expires_at = self.at.now.plus_ms(ttl_s * 1000);
        let mut decision = Decision::default();
        decision
            .effect(Effect::PutInvitation(Invitation {
                id: id.to_owned(),
                secret: *secret,
                expires_at,
            }))
            .changed("server", "", "a node was invited", Vec::new())
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn admit_node(
        &self,
        invitation: &str,
        secret: &[u8; 32],
        name: &NodeName,
        address: &str,
    ) -> Result<Decision, Refusal> {
        self.require_system()?;
        let unknown = || Refusal::BadInvitation("unknown or was used already; make a new one".into());
        let found = self.view.invitation(invitation).ok_or_else(unknown)?;
        if !bool::from(found.secret.ct_eq(secret)) {
            return Err(unknown());
        }
        if found.expires_at <= self.at.now {
            return Err(Refusal::BadInvitation("too old; make a new one".into()));
        }
        if self.view.node_named(name).is_some() {
            return Err(Refusal::Conflict(format!(
                "there is a node {name} already; choose another name"
            )));
        }
        let node = NodeId(self.view.last_node().0 + 1);
        let mut decision = Decision {
            outcome: Outcome::Admitted { node },
            ..Decision::default()
        };
        decision
            .effect(Effect::RemoveInvitation(invitation.to_owned()))
            .effect(Effect::PutNode(self.member(node, name, address)))
            .changed(
                "node",
                name.as_str(),
                "admitted",
                text_change("address", "", address),
            )
            .notice(Topic::Cluster, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn describe_node(
        &self,
        node: NodeId,
        address: &str,
        url: &str,
        version: &str,
    ) -> Result<Decision, Refusal> {
        self.require_system()?;
        let before = self.known_node(node)?;
        let after = Member {
            address: address.to_owned(),
            url: url.to_owned(),
            version: version.to_owned(),
            ..before.clone()
        };
        let mut decision = Decision::default();
        if after == before {
            return Ok(decision);
        }
        let mut changes = text_change("address", &before.address, address);
        changes.extend(text_change("url", &before.url, url));
        changes.extend(text_change("version", &before.version, version));
        decision
            .changed("node", before.name.as_str(), "changed", changes)
            .effect(Effect::PutNode(after))
            .notice(Topic::Cluster, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn drain_node(&self, node: NodeId, drain: bool) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.known_node(node)?;
        let mut decision = Decision::default();
        if before.draining == drain {
            return Ok(decision);
        }
        let change = FieldChange {
            field: "draining".into(),
            before: Some(before.draining.to_string()),
            after: Some(drain.to_string()),
        };
        decision
            .changed("node", before.name.as_str(), "changed", vec![change])
            .effect(Effect::PutNode(Member {
                draining: drain,
                ..before
            }))
            .notice(Topic::Cluster, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn remove_node(&self, node: NodeId) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.known_node(node)?;
        if self.view.nodes().len() <= 1 {
            return Err(Refusal::Conflict(
                "the only node of a server cannot be removed".into(),
            ));
        }
        let mut decision = Decision::default();
        self.all_offline(&mut decision, node);
        decision
            .effect(Effect::RemoveNode(node))
            .changed(
                "node",
                before.name.as_str(),
                "removed",
                text_change("address", &before.address, ""),
            )
            .notice(Topic::Cluster, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn node_started(&self, node: NodeId, epoch: u64, version: &str) -> Result<Decision, Refusal> {
        self.require_system()?;
        let before = self.known_node(node)?;
        let mut decision = Decision::default();
        self.all_offline(&mut decision, node);
        decision
            .event(about_node(EventKind::Start, &before.name, version))
            .effect(Effect::PutNode(Member {
                epoch,
                version: version.to_owned(),
                ..before
            }))
            .notice(Topic::Cluster, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn node_lost(&self, node: NodeId) -> Result<Decision, Refusal> {
        self.require_system()?;
        let member = self.known_node(node)?;
        let mut decision = Decision::default();
        // Told again and again while the node is away: only the first time is an event.
        if member.epoch == 0 && self.view.sessions_on(node).is_empty() {
            return Ok(decision);
        }
        self.all_offline(&mut decision, node);
        decision
            .event(about_node(EventKind::Stop, &member.name, "not heard of for long"))
            .effect(Effect::PutNode(Member { epoch: 0, ..member }))
            .notice(Topic::Cluster, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn sweep(&self) -> Result<Decision, Refusal> {
        self.require_system()?;
        let now = self.at.now;
        let mut decision = Decision::default();
        for session in self.view.expired_sessions(now) {
            decision.event(about_user(
                EventKind::Logout,
                &session.user,
                "the session has expired",
            ));
            self.end(&mut decision, session);
        }
        for user in self.view.expired_locks(now) {
            if let Some(user) = self.view.user(&user) {
                self.expired_lock(&mut decision, user);
            }
        }
        if !decision.events.is_empty() {
            decision.notice(Topic::Events, "");
        }
        let keys_until = Timestamp(now.0.saturating_sub(DAY_MS));
        decision.effect(Effect::Forget {
            invitations_until: now,
            keys_until,
        });
        Ok(decision)
    }

    fn known_node(&self, node: NodeId) -> Result<Member, Refusal> {
        self.view.node(node).ok_or_else(|| not_found("node", node))
    }
}

fn about_node(kind: EventKind, name: &NodeName, description: &str) -> EventDraft {
    EventDraft {
        kind,
        success: true,
        object_kind: "node",
        object: name.to_string(),
        description: description.to_owned(),
        changes: Vec::new(),
        actor: None,
    }
}

/// A text before and after, if it changed; empty is the same as none.
fn text_change(field: &str, before: &str, after: &str) -> Vec<FieldChange> {
    let json = |text: &str| (!text.is_empty()).then(|| serde_json::Value::from(text).to_string());
    if before == after {
        return Vec::new();
    }
    vec![FieldChange {
        field: field.to_owned(),
        before: json(before),
        after: json(after),
    }]
}
