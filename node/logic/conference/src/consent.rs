//! What people without an account agree to before they come in or register (WEB-01).

use crate::{Decision, View, meeting::Meetings};
use plenary_access::{
    DocumentHead, DocumentVersion, EventDraft, EventKind, FieldChange, Refusal, Topic, rules::Changes,
};
use plenary_model::GuestId;

/// All that is asked and agreed to, and what of it somebody has agreed to just now.
pub(crate) struct Consent {
    all: Vec<DocumentHead>,
    new: Vec<DocumentVersion>,
}

impl<V: View> Meetings<'_, V> {
    /// Whether all is agreed to that is asked, before or now.
    ///
    /// # Errors
    /// What is not, by its title.
    pub(crate) fn consent(
        &self,
        before: &[DocumentVersion],
        now: &[DocumentVersion],
    ) -> Result<Consent, Refusal> {
        let all = self.view.documents();
        let is_open = |document: &&DocumentHead| {
            let version = document.version();
            !before.contains(&version) && !now.contains(&version)
        };
        if let Some(open) = all.iter().find(is_open) {
            return Err(Refusal::KeptOut {
                code: "not-agreed".into(),
                reason: format!(
                    "guests agree to {:?} in its present version before they come in; read it and agree to it",
                    open.title
                ),
                minutes: None,
            });
        }
        let versions = all.iter().map(DocumentHead::version);
        let new = versions.filter(|version| !before.contains(version)).collect();
        Ok(Consent { all, new })
    }
}

impl Consent {
    /// What they have agreed to of what is asked.
    pub(crate) fn all(&self) -> Vec<DocumentVersion> {
        self.all.iter().map(DocumentHead::version).collect()
    }

    /// Writes down who has agreed to what just now.
    pub(crate) fn tell(&self, decision: &mut Decision, kind: &'static str, who: &GuestId, name: &str) {
        if self.new.is_empty() {
            return;
        }
        let new = self
            .all
            .iter()
            .filter(|document| self.new.contains(&document.version()));
        let titles: Vec<&str> = new.clone().map(|document| document.title.as_str()).collect();
        let mut changes = Changes::default();
        for document in new {
            let field = format!("documents.{}", document.place);
            changes.text(&field, None, Some(document.version.to_string()));
        }
        let changes: Vec<FieldChange> = changes.into_list();
        decision
            .event(EventDraft {
                kind: EventKind::Agreement,
                success: true,
                object_kind: kind,
                object: who.as_str().to_owned(),
                description: format!("{} agreed to: {}", name.trim(), titles.join(", ")),
                changes,
                actor: None,
            })
            .notice(Topic::Events, "");
    }
}
