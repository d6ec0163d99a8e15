//! What of a server's entries can be told: one that breaks the limits must not keep all others from being told.

use crate::wire;
use plenary_contracts::directory::v1 as pb;
use plenary_people::{Change, Digest, Entry};

/// Most bytes of changes or entries in one message; the largest that is taken has four times as many.
const PACK_BYTES: usize = 1 << 20;
/// What a change needs beside the texts of its entry: a few bytes for each of them.
const BESIDE: usize = 2 << 10;

/// Entries that were left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) count: u64,
    /// The last of them, with the reason.
    pub(super) last: Option<String>,
}

impl LeftOut {
    /// What is told of an entry; `None`: it cannot be told.
    pub(super) fn fit(&mut self, mut entry: Entry) -> Option<Entry> {
        if entry.check().is_ok() {
            return Some(entry);
        }
        entry.straighten();
        match entry.check() {
            Ok(()) => Some(entry),
            Err(error) => {
                self.count += 1;
                let id: String = entry.id.to_string().chars().take(200).collect();
                self.last = Some(format!("{}: {error}", id.escape_debug()));
                None
            }
        }
    }

    /// The same for a part of a snapshot whose `digest` the source knows: then it is of what is told.
    pub(super) fn fit_all(&mut self, entries: Vec<Entry>, digest: &mut Option<Digest>) -> Vec<Entry> {
        let mut told = Vec::with_capacity(entries.len());
        for entry in entries {
            let meant = digest
                .is_some()
                .then(|| entry.check().is_err().then(|| entry.clone()));
            let fit = self.fit(entry);
            if let (Some(Some(meant)), Some(digest)) = (meant, digest.as_mut()) {
                digest.remove(&meant);
                fit.iter().for_each(|entry| digest.add(entry));
            }
            told.extend(fit);
        }
        told
    }

    /// What is told of a change. An entry that cannot be told as it is now is told to be gone: what it was is not true any more.
    pub(super) fn fit_change(&mut self, change: Change) -> Option<Change> {
        match change {
            Change::Put(entry) => {
                let id = entry.id.clone();
                match self.fit(*entry) {
                    Some(entry) => Some(Change::put(entry)),
                    None => id.check().is_ok().then_some(Change::Remove(id)),
                }
            }
            // It was never told.
            Change::Remove(id) => id.check().is_ok().then_some(Change::Remove(id)),
            Change::RemoveServer(_) => None,
        }
    }
}

/// Something that travels with others in one message.
pub(super) trait Packed {
    /// About so many bytes.
    fn size(&self) -> usize;
}

impl Packed for Entry {
    fn size(&self) -> usize {
        BESIDE + self.bytes()
    }
}

impl Packed for Change {
    fn size(&self) -> usize {
        match self {
            Self::Put(entry) => entry.size(),
            Self::Remove(_) | Self::RemoveServer(_) => BESIDE,
        }
    }
}

/// Parts of at most `most`, and of no more bytes than one message may have; none of nothing.
pub(super) fn packs<T: Packed>(items: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut packs: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        bytes += item.size();
        match packs
            .last_mut()
            .filter(|pack| pack.len() < most && bytes <= PACK_BYTES)
        {
            Some(pack) => pack.push(item),
            None => {
                bytes = item.size();
                packs.push(vec![item]);
            }
        }
    }
    packs
}

pub(super) fn sent(entries: Vec<Entry>) -> Vec<pb::Entry> {
    entries.into_iter().map(wire::entry_to).collect()
}

pub(super) fn sent_changes(changes: Vec<Change>) -> Vec<pb::Change> {
    changes.into_iter().filter_map(wire::change_to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_people::{EntryId, Kind};

    fn entry(user: &str) -> Entry {
        let id = EntryId {
            server: "paris.example.com".parse().expect("good"),
            kind: Kind::User,
            id: user.into(),
        };
        Entry::new(id, "Somebody")
    }

    #[test]
    fn what_cannot_be_told_is_left_out_and_counted() {
        let mut bad = entry("bad");
        bad.job_title = "x".repeat(300);
        let mut turned = entry("turned");
        turned.display_name = "Some\u{202e}body".into();
        let all = vec![entry("good"), bad.clone(), turned];
        let (mut left_out, mut digest) = (LeftOut::default(), Some(Digest::of(&all)));
        let told = left_out.fit_all(all, &mut digest);
        assert_eq!(told, [entry("good"), entry("turned")]);
        assert_eq!(digest, Some(Digest::of(&told)));
        assert_eq!(left_out.count, 1);
        let last = left_out.last.clone().expect("there is one");
        assert!(
            last.starts_with("user bad@paris.example.com: job title"),
            "{last}"
        );
        let gone = left_out.fit_change(Change::put(bad.clone()));
        assert_eq!(gone, Some(Change::Remove(bad.id)));
        let nameless = left_out.fit_change(Change::put(entry("not a name")));
        assert_eq!(nameless, None);
        assert_eq!(left_out.count, 3);
    }

    #[test]
    fn no_message_has_too_many_entries_or_bytes() {
        assert!(packs(Vec::<Entry>::new(), 10).is_empty());
        let few: Vec<usize> = packs(vec![entry("a"); 25], 10).iter().map(Vec::len).collect();
        assert_eq!(few, [10, 10, 5]);
        let mut large = entry("a");
        large.groups = vec!["g".repeat(64); 256];
        let packs = packs(vec![large; 500], 500);
        assert!(packs.len() > 8 && packs.iter().map(Vec::len).sum::<usize>() == 500);
        for pack in packs {
            let bytes = prost_bytes(sent(pack));
            assert!(bytes < wire::MESSAGE_BYTES / 2, "{bytes}");
        }
    }

    fn prost_bytes(entries: Vec<pb::Entry>) -> usize {
        use prost::Message as _;
        pb::SnapshotPart { entries }.encoded_len()
    }
}
