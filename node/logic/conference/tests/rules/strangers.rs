//! What people without an account ask for.

use crate::world::{guest_id, name, secret, token};
use plenary_access::DocumentVersion;
use plenary_conference::*;
use plenary_model::Revision;

/// A guest asks for a token, whose hash is made of its number.
pub(crate) fn guest_enter(cid: &str, id: u8, token_number: u64, before: Option<u64>) -> Change {
    Change::GuestEnter {
        cid: name(cid),
        guest: guest_id(id),
        name: format!(" Guest {id} "),
        token: token(token_number),
        before: before.map(token),
        source: None,
        link: None,
        agreed: Vec::new(),
        returning: None,
        key: None,
    }
}

/// The same from a browser that has or gets a key, whose hashes are made of these numbers.
pub(crate) fn come_back(cid: &str, id: u8, token_number: u64, by: Option<u64>, next: u64) -> Change {
    let mut change = guest_enter(cid, id, token_number, None);
    if let Change::GuestEnter { returning, key, .. } = &mut change {
        (*returning, *key) = (by.map(token), Some(token(next)));
    }
    change
}

/// `Ann` registers as the guest `id`, with the secret of that number.
pub(crate) fn register(cid: &str, id: u8) -> Change {
    Change::Register(NewRegistrant {
        cid: name(cid),
        registrant: guest_id(id),
        secret: secret(u64::from(id)),
        details: Details {
            name: format!("Ann {id}"),
            ..Details::default()
        },
        consents: false,
        source: None,
        agreed: Vec::new(),
    })
}

pub(crate) fn link(id: u8, secret_number: u64) -> PersonalLink {
    PersonalLink {
        registrant: guest_id(id),
        secret: secret(secret_number),
    }
}

/// Who has a link asks for a token.
pub(crate) fn come_by(cid: &str, link: PersonalLink, token_number: u64) -> Change {
    let mut change = guest_enter(cid, 77, token_number, None);
    if let Change::GuestEnter { link: by, .. } = &mut change {
        *by = Some(link);
    }
    change
}

/// The same, by somebody who agrees to these versions of documents, each at its place.
pub(crate) fn agreeing(mut change: Change, versions: &[(u8, u64)]) -> Change {
    let named = versions.iter().map(|(place, version)| DocumentVersion {
        place: *place,
        version: Revision(*version),
    });
    if let Change::GuestEnter { agreed, .. } | Change::Register(NewRegistrant { agreed, .. }) = &mut change {
        *agreed = named.collect();
    }
    change
}
