//! The Directory of the enterprise: whether people of this server are found there, and what is shown of them (ENT-03).

use super::{Case, expect_revision, invalid};
use crate::{
    Actor, ActorKind, Change, Decision, DirectoryLink, DirectoryPatch, DirectoryStage, Effect,
    NewDirectoryLink, Refusal, Topic, View, diff, directory_link::mixed,
};
use plenary_model::{NodeId, Revision, ServerName};
use plenary_people::{Share, SharedGroups};
use std::collections::BTreeSet;

impl<V: View> Case<'_, V> {
    /// What follows of what is changed about the Directory; nothing follows from other changes.
    pub(super) fn decide_on_directory(&self, change: &Change) -> Result<Decision, Refusal> {
        match change {
            Change::ActivateDirectory(new) => self.activate_directory(new),
            Change::UpdateDirectory { expect, patch } => self.update_directory(*expect, patch),
            Change::DeactivateDirectory { at_once } => self.deactivate_directory(*at_once),
            Change::DirectoryLeft { client_id } => self.directory_left(client_id),
            Change::NoteDirectoryServers { servers } => self.note_directory_servers(servers),
            Change::ShowDirectoryKey => self.show_directory_key(),
            Change::CutDirectoryChanges { incarnation, to } => self.cut_directory_changes(*incarnation, *to),
            _ => Ok(Decision::default()),
        }
    }

    /// A server that is in the Directory already gets a new key; what it shows stays as it is.
    fn activate_directory(&self, new: &NewDirectoryLink) -> Result<Decision, Refusal> {
        self.require_admin()?;
        check_addresses(&new.addresses)?;
        let is_id = new.client_id.len() == 32 && new.client_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Err(invalid("client_id", "must be 32 hexadecimal digits"));
        }
        let before = self.view.directory();
        let after = DirectoryLink {
            stage: DirectoryStage::On,
            addresses: new.addresses.clone(),
            client_id: new.client_id.clone(),
            secret: new.secret.clone(),
            incarnation: new.incarnation,
            tells_from: self.at.revision,
            share: before
                .as_ref()
                .map_or_else(Share::default, |link| link.share.clone()),
            servers: BTreeSet::new(),
            since: self.at.now,
            by: acting(self.by),
            revision: self.at.revision,
        };
        let act = match &before {
            Some(link) if link.is_on() => "given a new key",
            _ => "activated",
        };
        Ok(self.directory_changes(before.as_ref(), after, act))
    }

    fn update_directory(
        &self,
        expect: Option<Revision>,
        patch: &DirectoryPatch,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.active_directory()?;
        expect_revision("the Directory", before.revision, expect)?;
        let mut after = before.clone();
        if let Some(addresses) = &patch.addresses {
            check_addresses(addresses)?;
            after.addresses = addresses.clone();
        }
        if let Some(share) = &patch.share {
            check_share(share)?;
            after.share = share.clone();
        }
        after.revision = self.at.revision;
        Ok(self.directory_changes(Some(&before), after, "changed"))
    }

    /// With `at_once` nobody waits until the Directory has heard it: its administrator removes the server there.
    fn deactivate_directory(&self, at_once: bool) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let Some(before) = self.view.directory() else {
            return Err(off());
        };
        if at_once {
            return Ok(self.directory_gone(&before, "deactivated at once"));
        }
        if !before.is_on() {
            return Err(Refusal::Conflict(
                "the Directory is told already that nobody of this server is to be found any more; it can also be \
                 forgotten at once"
                    .into(),
            ));
        }
        let after = DirectoryLink {
            stage: DirectoryStage::Leaving,
            servers: BTreeSet::new(),
            // Everything is told anew, and that is nothing.
            incarnation: mixed(before.incarnation, self.at.revision.0, NodeId(0)),
            tells_from: self.at.revision,
            revision: self.at.revision,
            ..before.clone()
        };
        Ok(self.directory_changes(Some(&before), after, "deactivated"))
    }

    /// The Directory has nobody of this server any more.
    fn directory_left(&self, client_id: &str) -> Result<Decision, Refusal> {
        self.require_system()?;
        match self.view.directory() {
            Some(link) if !link.is_on() && link.client_id == client_id => {
                Ok(self.directory_gone(&link, "left"))
            }
            // It was activated anew meanwhile.
            _ => Ok(Decision::default()),
        }
    }

    fn note_directory_servers(&self, servers: &BTreeSet<ServerName>) -> Result<Decision, Refusal> {
        self.require_system()?;
        let mut decision = Decision::default();
        if let Some(link) = self.view.directory()
            && link.is_on()
        {
            let servers: BTreeSet<_> = servers.iter().take(DirectoryLink::SERVERS).cloned().collect();
            if servers != link.servers {
                decision
                    .effect(Effect::PutDirectory(Box::new(DirectoryLink { servers, ..link })))
                    .notice(Topic::Settings, "");
            }
        }
        Ok(decision)
    }

    /// Whoever has read the key can say to be this server's administrator, so that somebody read it is to be seen.
    fn show_directory_key(&self) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let link = self.active_directory()?;
        let mut decision = Decision::default();
        decision
            .changed(
                "directory",
                "",
                "key shown",
                diff::directory(Some(&link), Some(&link)),
            )
            .notice(Topic::Events, "");
        Ok(decision)
    }

    /// What the Directory has on its disk needs not to be told again.
    fn cut_directory_changes(&self, incarnation: [u8; 16], to: Revision) -> Result<Decision, Refusal> {
        self.require_system()?;
        let mut decision = Decision::default();
        if let Some(link) = self.view.directory()
            && link.incarnation == incarnation
            && link.tells_from < to
            && to <= self.at.revision
        {
            decision.effect(Effect::PutDirectory(Box::new(DirectoryLink {
                tells_from: to,
                ..link
            })));
        }
        Ok(decision)
    }

    fn active_directory(&self) -> Result<DirectoryLink, Refusal> {
        self.view.directory().filter(DirectoryLink::is_on).ok_or_else(off)
    }

    fn directory_changes(&self, before: Option<&DirectoryLink>, after: DirectoryLink, act: &str) -> Decision {
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        decision
            .changed("directory", "", act, diff::directory(before, Some(&after)))
            .effect(Effect::PutDirectory(Box::new(after)))
            .notice(Topic::Settings, "")
            .notice(Topic::Events, "");
        decision
    }

    fn directory_gone(&self, before: &DirectoryLink, act: &str) -> Decision {
        let mut decision = Decision::default();
        decision
            .changed("directory", "", act, diff::directory(Some(before), None))
            .effect(Effect::RemoveDirectory)
            .notice(Topic::Settings, "")
            .notice(Topic::Events, "");
        decision
    }

    /// A restored server tells everything anew: what happened since the backup is not known here.
    pub(super) fn restored_directory(&self, node: NodeId) -> Option<Effect> {
        let link = self.view.directory()?;
        Some(Effect::PutDirectory(Box::new(DirectoryLink {
            incarnation: mixed(link.incarnation, self.at.now.0, node),
            tells_from: self.at.revision,
            ..link
        })))
    }
}

fn acting(by: &Actor) -> Option<plenary_model::UserName> {
    match &by.kind {
        ActorKind::User(user) => Some(user.clone()),
        ActorKind::System | ActorKind::Anonymous => None,
    }
}

fn off() -> Refusal {
    Refusal::Conflict("this server is in no Directory; activate it first".into())
}

fn check_addresses(addresses: &[String]) -> Result<(), Refusal> {
    if addresses.is_empty() || addresses.len() > DirectoryLink::ADDRESSES {
        return Err(invalid(
            "addresses",
            "must be 1 to 16 addresses, as dir-1.example.com:4311",
        ));
    }
    let is_good = |address: &String| {
        let parts = address.rsplit_once(':');
        parts.is_some_and(|(host, port)| {
            let port = port.parse::<u16>().is_ok_and(|port| port != 0);
            let host = !host.is_empty()
                && host.len() <= 255
                && host
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._[]:".contains(c));
            port && host
        })
    };
    match addresses.iter().find(|address| !is_good(address)) {
        Some(bad) => Err(invalid(
            "addresses",
            format!("{bad:?} is no host with a port, as dir-1.example.com:4311"),
        )),
        None => Ok(()),
    }
}

fn check_share(share: &Share) -> Result<(), Refusal> {
    let named = match &share.groups {
        SharedGroups::All => 0,
        SharedGroups::Only(groups) => groups.len(),
    };
    if named > DirectoryLink::GROUPS || share.hidden.len() > DirectoryLink::GROUPS {
        return Err(invalid("share", "names more than 10,000 groups"));
    }
    Ok(())
}
