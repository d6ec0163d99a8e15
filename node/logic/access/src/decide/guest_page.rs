//! What strangers see and agree to before they come in (WEB-01).

use super::{Case, check_text, expect_revision, invalid, not_found};
use crate::{
    Avatar, CONTENT_LEVEL, Content, Decision, Document, Effect, FieldChange, FrontPage, NewDocument, Refusal,
    Scheme, Topic, View, diff,
};
use plenary_model::{Revision, limits};

impl<V: View> Case<'_, V> {
    pub(super) fn put_document(
        &self,
        place: u8,
        expect: Option<Revision>,
        new: &NewDocument,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        if !(1..=limits::DOCUMENTS).contains(&place) {
            return Err(invalid(
                "place",
                "must be 1 to 5: there are at most five documents",
            ));
        }
        check_text("title", &new.title, 1, limits::DOCUMENT_TITLE)?;
        let content = read(&new.content)?;
        let before = self.view.document(place);
        let version = before.as_ref().map_or(Revision(0), |before| before.version);
        expect_revision("the document", version, expect)?;
        let mut after = Document {
            place,
            title: new.title.trim().to_owned(),
            content,
            version,
        };
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        // Who saves it as it was asks nobody again.
        if before.as_ref() == Some(&after) && !new.again {
            return Ok(decision);
        }
        after.version = self.at.revision;
        let act = if before.is_some() { "changed" } else { "created" };
        let changes = diff::document(before.as_ref(), Some(&after));
        self.keep(&mut decision, before);
        decision
            .changed("document", place.to_string(), act, changes)
            .effect(Effect::PutDocument(after))
            .notice(Topic::Settings, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn remove_document(&self, place: u8, expect: Option<Revision>) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.view.document(place);
        let before = before.ok_or_else(|| not_found("document", place))?;
        expect_revision("the document", before.version, expect)?;
        let mut decision = Decision::default();
        self.keep(&mut decision, Some(before.clone()));
        decision
            .changed(
                "document",
                place.to_string(),
                "deleted",
                diff::document(Some(&before), None),
            )
            .effect(Effect::RemoveDocument { place })
            .notice(Topic::Settings, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    /// What people have agreed to can be read later, too.
    fn keep(&self, decision: &mut Decision, before: Option<Document>) {
        if self.at.level >= CONTENT_LEVEL
            && let Some(document) = before
        {
            let until = self.at.now;
            decision.effect(Effect::KeepDocument { document, until });
        }
    }

    pub(super) fn set_logo(&self, scheme: Scheme, logo: Option<&Avatar>) -> Result<Decision, Refusal> {
        self.require_admin()?;
        if logo.is_some_and(|logo| logo.bytes.len() > limits::LOGO_BYTES) {
            return Err(invalid("logo", "is larger than 256 KiB; make it smaller"));
        }
        if logo.is_none() && !self.view.has_logo(scheme) {
            return Err(not_found("logo", scheme.as_str()));
        }
        let field = FieldChange {
            field: "logo".into(),
            before: None,
            after: None,
        };
        let mut decision = Decision::default();
        decision
            .changed("logo", scheme.as_str(), "changed", vec![field])
            .effect(Effect::PutLogo {
                scheme,
                logo: logo.cloned(),
                revision: self.at.revision,
            })
            .notice(Topic::Settings, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }
}

pub(super) fn check_front_page(page: &FrontPage) -> Result<(), Refusal> {
    for (field, text, most) in [
        ("front_page.title", &page.title, 128),
        ("front_page.help", &page.help, 2_000),
        ("front_page.contacts", &page.contacts, 2_000),
    ] {
        if text.chars().count() > most {
            return Err(invalid(field, format!("must be 0 to {most}")));
        }
    }
    if page.title.chars().any(char::is_control) {
        return Err(invalid(
            "front_page.title",
            "must not contain control characters or line breaks",
        ));
    }
    if !page.guide.is_empty() {
        check_address("front_page.guide", &page.guide)?;
    }
    for (field, text) in [
        ("front_page.help", &page.help),
        ("front_page.contacts", &page.contacts),
    ] {
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(invalid(field, "must not contain control characters"));
        }
    }
    Ok(())
}

fn read(content: &Content) -> Result<Content, Refusal> {
    match content {
        Content::Link(link) => {
            let link = link.trim();
            check_address("link", link)?;
            Ok(Content::Link(link.to_owned()))
        }
        Content::Text(text) => {
            let text = text.trim();
            if text.is_empty() {
                return Err(invalid("text", "is empty; write the text, or give a link"));
            }
            if text.chars().count() > limits::DOCUMENT_TEXT {
                return Err(invalid("text", "must have at most 100,000 characters"));
            }
            if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
                return Err(invalid("text", "must not contain control characters"));
            }
            Ok(Content::Text(text.to_owned()))
        }
    }
}

/// An address that people click: `https` only, so that nothing else is ever run or sent in the clear.
pub(super) fn check_address(field: &str, address: &str) -> Result<(), Refusal> {
    if address.chars().count() > limits::WEB_ADDRESS {
        return Err(invalid(field, "must have at most 2,000 characters"));
    }
    let host = address.strip_prefix("https://").unwrap_or_default();
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '<' | '>' | '\\' | '`');
    // What stands before an @ passes for the site that it is not.
    if host.is_empty() || host.contains('@') || !address.chars().all(plain) {
        return Err(invalid(
            field,
            "must be an address like https://www.example.com/terms",
        ));
    }
    Ok(())
}
