//! What an object was and what it became, field by field, as events show it (REP-01).

use crate::{
    Alias, Bandwidth, Content, DirectoryLink, Document, FieldChange, Group, Partner, PartnerPin, Profile,
    Settings, User,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// Fields of an account that were given, changed or taken; `None` where it did not exist or does no more.
pub(crate) fn user(before: Option<&User>, after: Option<&User>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    let names = Profile::default();
    for (position, (name, _)) in names.fields().into_iter().enumerate() {
        let value = |user: &User| user.profile.fields()[position].1.clone();
        changes.text(name, before.map(value), after.map(value));
    }
    changes.value(
        "groups",
        before.map(|user| &user.groups),
        after.map(|user| &user.groups),
    );
    changes.value(
        "active",
        before.map(|user| user.active),
        after.map(|user| user.active),
    );
    changes.value(
        "admin",
        before.map(|user| user.admin),
        after.map(|user| user.admin),
    );
    changes.bandwidth(
        before.map(|user| user.bandwidth),
        after.map(|user| user.bandwidth),
    );
    changes.0
}

/// Fields of a group.
pub(crate) fn group(before: Option<&Group>, after: Option<&Group>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    changes.text(
        "name",
        before.map(|group| group.name.clone()),
        after.map(|group| group.name.clone()),
    );
    changes.value(
        "rights",
        before.map(|group| &group.rights),
        after.map(|group| &group.rights),
    );
    let shows = |group: &Group| group.address_book.shows.clone();
    changes.value("address_book.shows", before.map(shows), after.map(shows));
    let entries = |group: &Group| group.address_book.entries.clone();
    changes.value("address_book.entries", before.map(entries), after.map(entries));
    let call_id = |group: &Group| group.call_id.as_ref().map(ToString::to_string);
    let (calls, called) = (before.and_then(call_id), after.and_then(call_id));
    if calls != called {
        changes.text("call_id", calls, called);
    }
    changes.bandwidth(
        before.map(|group| group.bandwidth),
        after.map(|group| group.bandwidth),
    );
    changes.0
}

/// Fields of an alias.
pub(crate) fn alias(before: Option<&Alias>, after: Option<&Alias>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    changes.value(
        "target",
        before.map(|alias| &alias.target),
        after.map(|alias| &alias.target),
    );
    changes.text(
        "note",
        before.map(|alias| alias.note.clone()),
        after.map(|alias| alias.note.clone()),
    );
    changes.0
}

/// Fields of a document that strangers agree to; of its text only how long it is, which may be a book.
pub(crate) fn document(before: Option<&Document>, after: Option<&Document>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    let title = |document: &Document| document.title.clone();
    changes.text("title", before.map(title), after.map(title));
    let link = |document: &Document| match &document.content {
        Content::Link(link) => Some(link.clone()),
        Content::Text(_) => None,
    };
    changes.text("link", before.and_then(link), after.and_then(link));
    let characters = |document: &Document| match &document.content {
        Content::Link(_) => None,
        Content::Text(text) => Some(text.chars().count()),
    };
    changes.value(
        "characters",
        before.and_then(characters),
        after.and_then(characters),
    );
    let version = |document: &Document| document.version.to_string();
    changes.text("version", before.map(version), after.map(version));
    changes.0
}

/// What is written down of another server.
pub(crate) fn partner(before: Option<&Partner>, after: Option<&Partner>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    let note = |partner: &Partner| partner.note.clone();
    changes.text("note", before.map(note), after.map(note));
    let terms = |partner: &Partner| partner.terms.clone();
    let (was, is) = (before.and_then(terms), after.and_then(terms));
    match (&was, &is) {
        (Some(was), Some(is)) => changes.section("terms", was, is),
        _ => changes.value("terms", was, is),
    }
    let certificate = |partner: &Partner| match &partner.pin {
        PartnerPin::Certificate(fingerprint) => Some(fingerprint.to_string()),
        PartnerPin::None | PartnerPin::Authority(_) => None,
    };
    changes.text(
        "certificate",
        before.and_then(certificate),
        after.and_then(certificate),
    );
    let authority = |partner: &Partner| match &partner.pin {
        PartnerPin::Authority(pem) => Some(pem.clone()),
        PartnerPin::None | PartnerPin::Certificate(_) => None,
    };
    changes.text("authority", before.and_then(authority), after.and_then(authority));
    changes.0
}

/// The Directory; its secret is in no event.
pub(crate) fn directory(before: Option<&DirectoryLink>, after: Option<&DirectoryLink>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    let addresses = |link: &DirectoryLink| link.addresses.join(", ");
    changes.text("addresses", before.map(addresses), after.map(addresses));
    let key = |link: &DirectoryLink| link.client_id.clone();
    changes.text("key", before.map(key), after.map(key));
    let share = |link: &DirectoryLink| link.share.clone();
    let (was, is) = (before.map(share), after.map(share));
    match (&was, &is) {
        (Some(was), Some(is)) => changes.section("share", was, is),
        _ => changes.value("share", was, is),
    }
    changes.0
}

/// Settings, one change for each field of each section.
pub(crate) fn settings(before: &Settings, after: &Settings) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    changes.section("password", &before.password, &after.password);
    changes.section("lockout", &before.lockout, &after.lockout);
    changes.section("sessions", &before.sessions, &after.sessions);
    changes.section("admin_access", &before.admin_access, &after.admin_access);
    changes.section("front_page", &before.front_page, &after.front_page);
    changes.section("conferences", &before.conferences, &after.conferences);
    changes.section("conference_ids", &before.conference_ids, &after.conference_ids);
    changes.section("new_conferences", &before.new_conferences, &after.new_conferences);
    changes.section("federation", &before.federation, &after.federation);
    changes.section("partner_terms", &before.partner_terms, &after.partner_terms);
    changes.section("profile_fields", &before.profile_fields, &after.profile_fields);
    changes.value(
        "zones.subnets",
        Some(&before.zones.subnets),
        Some(&after.zones.subnets),
    );
    changes.section("zones.trusted", &before.zones.trusted, &after.zones.trusted);
    changes.section("zones.internet", &before.zones.internet, &after.zones.internet);
    changes.section("border", &before.border.said(), &after.border.said());
    changes.0
}

/// Collects what is different, as JSON texts.
#[derive(Debug, Default)]
pub struct Changes(Vec<FieldChange>);

impl Changes {
    /// All that was different, in the order of the questions.
    pub fn into_list(self) -> Vec<FieldChange> {
        self.0
    }

    fn push(&mut self, field: &str, before: Option<String>, after: Option<String>) {
        if before != after {
            self.0.push(FieldChange {
                field: field.to_owned(),
                before,
                after,
            });
        }
    }

    /// A text; an empty one is the same as none.
    pub fn text(&mut self, field: &str, before: Option<String>, after: Option<String>) {
        let set = |value: Option<String>| value.filter(|text| !text.is_empty()).map(|text| json(&text));
        self.push(field, set(before), set(after));
    }

    /// Anything that has a JSON form; `None` where the object did not exist or does no more.
    pub fn value<T: Serialize>(&mut self, field: &str, before: Option<T>, after: Option<T>) {
        self.push(
            field,
            before.map(|value| json(&value)),
            after.map(|value| json(&value)),
        );
    }

    fn bandwidth(&mut self, before: Option<Bandwidth>, after: Option<Bandwidth>) {
        let (was, is) = (before.unwrap_or_default(), after.unwrap_or_default());
        self.value("bandwidth.in_kbps", was.in_kbps, is.in_kbps);
        self.value("bandwidth.out_kbps", was.out_kbps, is.out_kbps);
    }

    fn section<T: Serialize>(&mut self, name: &str, before: &T, after: &T) {
        let fields = |value: &T| match serde_json::to_value(value) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (was, is) = (fields(before), fields(after));
        // A field without a value may be left out, before as after.
        let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for field in names {
            self.push(
                &format!("{name}.{field}"),
                was.get(field).map(ToString::to_string),
                is.get(field).map(ToString::to_string),
            );
        }
    }
}

/// Plain data always has a JSON form.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
