//! Border Controllers: how they are invited, enrolled and removed (ENT-04).

use super::{Case, invalid, nodes::INVITATION_S, not_found};
use crate::{
    BorderController, BorderPolicy, BorderStage, Change, Decision, Effect, FieldChange, Network, Outcome,
    Refusal, Topic, View,
};
use plenary_model::{NodeId, NodeName};
use subtle::ConstantTimeEq as _;

/// Longest `host:port`.
const ADDRESS_BYTES: usize = 256;

impl<V: View> Case<'_, V> {
    /// What follows of what is changed about Border Controllers; nothing follows from other changes.
    pub(super) fn decide_on_border(&self, change: &Change) -> Result<Decision, Refusal> {
        match change {
            Change::InviteController {
                name,
                address,
                secret,
                ttl_s,
            } => self.invite_controller(name, address, secret, *ttl_s),
            Change::EnrolController { id, secret } => self.enrol_controller(*id, secret),
            Change::RemoveController { id } => self.remove_controller(*id),
            _ => Ok(Decision::default()),
        }
    }

    /// One that was invited and has not come is invited anew: the token of before is worth nothing then.
    fn invite_controller(
        &self,
        name: &NodeName,
        address: &str,
        secret: &[u8; 32],
        ttl_s: u64,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        if !INVITATION_S.contains(&ttl_s) {
            return Err(invalid("ttl_s", "must be 60 (one minute) to 604800 (seven days)"));
        }
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        let port = port.and_then(|(_, port)| port.parse::<u16>().ok());
        if address.len() > ADDRESS_BYTES || !address.is_ascii() || port.is_none_or(|port| port == 0) {
            return Err(invalid(
                "address",
                "is not host:port, like dmz-1.example.com:4312",
            ));
        }
        let all = self.view.border_controllers();
        let known = all.iter().find(|one| one.is_there() && one.name == *name);
        if known.is_some_and(|one| one.stage == BorderStage::Enrolled) {
            return Err(Refusal::Conflict(format!(
                "there is a Border Controller {name} already; remove it first, or choose another name"
            )));
        }
        let there = all.iter().filter(|one| one.is_there()).count();
        if known.is_none() && (there >= BorderController::MOST || all.len() >= BorderController::EVER) {
            return Err(Refusal::Conflict(format!(
                "there are {there} Border Controllers already; remove one first"
            )));
        }
        let last = all.last().map_or(0, |one| one.id.0);
        let after = BorderController {
            id: known.map_or(NodeId(last + 1), |one| one.id),
            name: name.clone(),
            address: address.to_owned(),
            stage: BorderStage::Invited {
                secret: *secret,
                expires_at: self.at.now.plus_ms(ttl_s * 1000),
            },
            since: self.at.now,
            revision: self.at.revision,
        };
        let before = known.map(|one| one.address.clone());
        let changes = (before.as_deref() != Some(address)).then(|| FieldChange {
            field: "address".into(),
            before: before.map(|text| serde_json::Value::from(text).to_string()),
            after: Some(serde_json::Value::from(address).to_string()),
        });
        Ok(self.border_changes(after, "invited", changes.into_iter().collect()))
    }

    fn enrol_controller(&self, id: NodeId, secret: &[u8; 32]) -> Result<Decision, Refusal> {
        self.require_system()?;
        let unknown = || Refusal::BadInvitation("unknown or was used already; make a new one".into());
        let before = self.controller(id).ok_or_else(unknown)?;
        let BorderStage::Invited {
            secret: kept,
            expires_at,
        } = &before.stage
        else {
            return Err(unknown());
        };
        if !bool::from(kept.ct_eq(secret)) {
            return Err(unknown());
        }
        if *expires_at <= self.at.now {
            return Err(Refusal::BadInvitation("too old; make a new one".into()));
        }
        let after = BorderController {
            stage: BorderStage::Enrolled,
            since: self.at.now,
            revision: self.at.revision,
            ..before
        };
        Ok(self.border_changes(after, "enrolled", Vec::new()))
    }

    fn remove_controller(&self, id: NodeId) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.controller(id).filter(BorderController::is_there);
        let before = before.ok_or_else(|| not_found("border controller", id))?;
        let after = BorderController {
            stage: BorderStage::Removed,
            since: self.at.now,
            revision: self.at.revision,
            ..before
        };
        Ok(self.border_changes(after, "removed", Vec::new()))
    }

    fn controller(&self, id: NodeId) -> Option<BorderController> {
        let all = self.view.border_controllers();
        all.into_iter().find(|one| one.id == id)
    }

    fn border_changes(&self, after: BorderController, act: &str, changes: Vec<FieldChange>) -> Decision {
        let mut decision = Decision {
            outcome: Outcome::Admitted { node: after.id },
            ..Decision::default()
        };
        decision
            .changed("border_controller", after.name.as_str(), act, changes)
            .effect(Effect::PutController(after))
            .notice(Topic::Cluster, "")
            .notice(Topic::Events, "");
        decision
    }

    /// What becomes of tokens when the server is restored: they were made by a server that is no more.
    pub(super) fn restored_controllers(&self) -> Vec<Effect> {
        let all = self.view.border_controllers().into_iter();
        all.filter(|one| matches!(one.stage, BorderStage::Invited { .. }))
            .map(|one| {
                Effect::PutController(BorderController {
                    stage: BorderStage::Removed,
                    since: self.at.now,
                    revision: self.at.revision,
                    ..one
                })
            })
            .collect()
    }
}

pub(super) fn check_policy(policy: &BorderPolicy) -> Result<(), Refusal> {
    if policy.deny.len() > BorderPolicy::NETWORKS {
        return Err(invalid(
            "border.deny",
            format!("must be {} at most", BorderPolicy::NETWORKS),
        ));
    }
    if let Some(bad) = policy.deny.iter().find(|text| text.parse::<Network>().is_err()) {
        return Err(invalid(
            "border.deny",
            format!("{bad:?} is no address range; write it like 198.51.100.0/24"),
        ));
    }
    for (field, limit) in [
        ("border.connections_per_network", policy.connections_per_network),
        ("border.rate_per_network", policy.rate_per_network),
        ("border.flows_per_network", policy.flows_per_network),
    ] {
        if limit.is_some_and(|limit| !(1..=BorderPolicy::LIMIT).contains(&limit)) {
            return Err(invalid(field, format!("must be 1 to {}", BorderPolicy::LIMIT)));
        }
    }
    Ok(())
}
