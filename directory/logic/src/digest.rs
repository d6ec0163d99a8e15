//! Whether two ends have the same entries, without sending them.

use crate::{Entry, EntryId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A number that two sets of entries share if, and as good as only if, they are equal. In which order entries came and went
/// does not matter, and each change costs one hash.
///
/// It is the sum of the SHA-256 hashes of all entries, modulo 2^256. Adding is commutative, and what was added can be
/// subtracted; so put and removed entries cancel out whatever came between. Two sets that differ have sums that differ by a
/// sum of hashes, which behaves as a random number of 256 bits: that it is 0 by accident has a chance of 2^-256. (An
/// exclusive or would do as well, but would not notice an entry that was counted twice.) Somebody who may choose entries
/// freely could look for sets with equal sums with less than 2^128 work (Wagner's generalised birthday). That gains
/// nothing here: a server is authenticated, says the digest itself, and is believed about its own entries anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// That of no entries.
    pub const EMPTY: Self = Self([0; 32]);

    /// That of a set of entries.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut digest = Self::EMPTY;
        for entry in entries {
            digest.add(entry);
        }
        digest
    }

    /// An entry was added.
    pub fn add(&mut self, entry: &Entry) {
        self.0 = plus(self.0, hash(entry));
    }

    /// An entry was removed, which was in the set exactly as it is given here.
    pub fn remove(&mut self, entry: &Entry) {
        self.0 = plus(self.0, negated(hash(entry)));
    }

    /// As it is sent and stored: 32 bytes, the least significant first.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// In hexadecimal digits, in the order of the bytes.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn plus(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    let mut carry = false;
    let mut sum = a;
    for (digit, other) in sum.iter_mut().zip(b) {
        let (first, over) = digit.overflowing_add(other);
        let (second, again) = first.overflowing_add(u8::from(carry));
        *digit = second;
        carry = over || again;
    }
    sum
}

/// What makes 0 with a number (the two's complement).
fn negated(number: [u8; 32]) -> [u8; 32] {
    let mut one = [0; 32];
    one[0] = 1;
    plus(number.map(|byte| !byte), one)
}

/// The hash of an entry: each text goes in with its length before it, each list with its count, so that no two entries are
/// the same bytes. The first bytes name this form; another form takes another name.
fn hash(entry: &Entry) -> [u8; 32] {
    let Entry {
        id: EntryId { server, kind, id },
        display_name,
        first_name,
        last_name,
        email,
        phones,
        job_title,
        department,
        company,
        groups,
        aliases,
    } = entry;
    let mut hash = Sha256::new();
    hash.update(b"plenary entry 1");
    let mut text = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    [server.as_str(), kind.as_str(), id, display_name, first_name]
        .into_iter()
        .for_each(&mut text);
    for field in [last_name, email, job_title, department, company] {
        text(field);
    }
    for list in [phones, groups, aliases] {
        text(&list.len().to_string());
        list.iter().for_each(|item| text(item));
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn person(id: &str) -> Entry {
        let id = EntryId {
            server: "paris.example.com".parse().expect("good"),
            kind: Kind::User,
            id: id.into(),
        };
        Entry::new(id, "Somebody")
    }

    #[test]
    fn order_does_not_matter_and_changes_cancel_out() {
        let (a, b, c) = (person("a"), person("b"), person("c"));
        let all = Digest::of([&a, &b, &c]);
        assert_eq!(all, Digest::of([&c, &a, &b]));
        let mut digest = all;
        digest.remove(&b);
        assert_eq!(digest, Digest::of([&c, &a]));
        digest.add(&b);
        assert_eq!(digest, all);
        for entry in [&a, &b, &c] {
            digest.remove(entry);
        }
        assert_eq!(digest, Digest::EMPTY);
    }

    #[test]
    fn every_field_counts_and_so_does_where_a_text_ends() {
        let changes: [fn(&mut Entry); 13] = [
            |entry| entry.id.server = "oslo.example.com".parse().expect("good"),
            |entry| entry.id.kind = Kind::Room,
            |entry| entry.display_name.push('x'),
            |entry| entry.first_name.push('x'),
            |entry| entry.last_name.push('x'),
            |entry| entry.email.push('x'),
            |entry| entry.phones.push("x".into()),
            |entry| entry.phones.extend(["x".into(), "y".into()]),
            |entry| entry.phones.push("xy".into()),
            |entry| entry.job_title.push('x'),
            |entry| entry.department.push('x'),
            |entry| entry.groups.push("x".into()),
            |entry| entry.aliases.push("x".into()),
        ];
        let mut seen = std::collections::BTreeSet::from([Digest::of([&person("a")])]);
        for change in changes {
            let mut entry = person("a");
            change(&mut entry);
            assert!(seen.insert(Digest::of([&entry])), "{entry:?}");
        }
        // Twice the same is not nothing.
        assert_ne!(Digest::of([&person("a"), &person("a")]), Digest::EMPTY);
    }
}
