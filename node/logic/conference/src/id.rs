//! IDs of conferences: those that the server makes up, and who may choose one (CONF-04).

use crate::{CHAT_LEVEL, Conference, NewId, View, decide::Case};
use plenary_access::{
    IdPolicy, Refusal,
    rules::{exists, invalid},
};
use plenary_model::{Cid, limits};

const DIGITS: &[u8] = b"0123456789";
/// No ID begins with 0: some keypads and tables take it away.
const FIRST: &[u8] = b"123456789";
/// Neither vowels, so that no words come about, nor what is read as something else: 0, 1, l, o, i.
const LETTERS: &[u8] = b"23456789bcdfghjkmnpqrstvwxyz";

/// Random bytes that one ID takes.
pub const RANDOM: usize = 64;

/// An ID as the policy has it, of random bytes. Each is as likely as every other one.
pub fn make_up(policy: &IdPolicy, random: &[u8; RANDOM]) -> Option<Cid> {
    let length = usize::from(policy.length).clamp(limits::MADE_CID_MIN, limits::MADE_CID);
    let mut text = String::with_capacity(length);
    for byte in random {
        let letters = match (policy.letters, text.is_empty()) {
            (true, _) => LETTERS,
            (false, true) => FIRST,
            (false, false) => DIGITS,
        };
        // What would make the first ones likelier is left out.
        let fair = 256 / letters.len() * letters.len();
        let at = usize::from(*byte);
        if let Some(letter) = letters.get(at % letters.len()).filter(|_| at < fair) {
            text.push(char::from(*letter));
        }
        if text.len() == length {
            break;
        }
    }
    text.parse().ok().filter(|_| text.len() == length)
}

/// Which ID a conference gets.
impl<V: View> Case<'_, V> {
    /// An ID that somebody chose by hand.
    pub(crate) fn chosen(&self, cid: &Cid) -> Result<Cid, Refusal> {
        if !self.view.owners_choose_ids() && !self.is_full_administrator() {
            let reason =
                "is made up by the server here; leave it out, or ask an administrator for another one";
            return Err(invalid("cid", reason));
        }
        if self.view.conference_called(cid).is_some() {
            return Err(exists("conference", cid));
        }
        if cid.is_reserved() {
            let reason = format!("{:?} is reserved; choose another one", cid.as_str());
            return Err(invalid("cid", reason));
        }
        // Nodes of before look at conferences alone, and all must have the same.
        if self.at.level >= CHAT_LEVEL && self.leads_elsewhere(cid) {
            let reason = format!(
                "{:?} is a user, a group or an alias already, which is called by it; choose another one",
                cid.as_str()
            );
            return Err(invalid("cid", reason));
        }
        Ok(cid.clone())
    }

    /// Whether who calls this name gets to something that is no conference.
    fn leads_elsewhere(&self, id: &Cid) -> bool {
        let of_group = self.at.level >= CHAT_LEVEL && self.view.is_group_called(id);
        of_group || self.view.is_called(id)
    }

    /// The first ID of those that the server made up that leads nowhere yet.
    pub(crate) fn first_free<'b>(&self, ids: impl Iterator<Item = &'b Cid>) -> Result<Cid, Refusal> {
        let free = |id: &&Cid| {
            !id.is_reserved() && self.view.conference_called(id).is_none() && !self.leads_elsewhere(id)
        };
        ids.take(limits::CID_CANDIDATES)
            .find(free)
            .cloned()
            .ok_or_else(|| {
                Refusal::Conflict(
                    "no free conference ID was found; try again, or have an administrator make IDs longer"
                        .into(),
                )
            })
    }

    /// The key of a new conference: its ID, unless one that had that ID before has it as its key for good.
    pub(crate) fn key_for(&self, id: &Cid) -> Cid {
        let free = |key: &Cid| self.view.conference(key).is_none();
        let others = (0_u32..).map_while(|number| {
            let text = format!("key-{}-{number}", self.at.revision);
            text.parse().ok()
        });
        std::iter::once(id.clone())
            .chain(others)
            .find(free)
            .unwrap_or_else(|| id.clone())
    }

    /// The ID of a conference after a change; `None` where it is its key.
    pub(crate) fn new_id(&self, before: &Conference, patch: Option<&NewId>) -> Result<Option<Cid>, Refusal> {
        let id = match patch {
            None => before.id().clone(),
            Some(NewId::Chosen(id)) if id == before.id() => id.clone(),
            Some(NewId::Chosen(id)) => self.chosen(id)?,
            Some(NewId::MadeUp(ids)) => self.first_free(ids.iter())?,
        };
        Ok(Some(id).filter(|id| *id != before.cid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn policy(letters: bool, length: u8) -> IdPolicy {
        IdPolicy {
            letters,
            length,
            ..IdPolicy::default()
        }
    }

    #[test]
    fn made_up_ids_have_the_length_and_letters_of_the_policy() {
        let random = std::array::from_fn(|at| (at * 37 % 251) as u8);
        for length in 4..=20 {
            let digits = make_up(&policy(false, length), &random).expect("long enough");
            assert_eq!(digits.as_str().len(), usize::from(length));
            assert!(
                digits.as_str().bytes().all(|byte| byte.is_ascii_digit()),
                "{digits}"
            );
            assert!(!digits.as_str().starts_with('0'), "{digits}");
            let mixed = make_up(&policy(true, length), &random).expect("long enough");
            assert_eq!(mixed.as_str().len(), usize::from(length));
            assert!(
                mixed.as_str().bytes().all(|byte| LETTERS.contains(&byte)),
                "{mixed}"
            );
            assert!(!mixed.is_reserved());
        }
    }

    #[test]
    fn every_letter_is_as_likely_as_the_others() {
        for letters in [true, false] {
            let mut seen: BTreeMap<char, u32> = BTreeMap::new();
            for byte in 0..=255 {
                let id = make_up(&policy(letters, 4), &[byte; RANDOM]);
                let last = id.and_then(|id| id.as_str().chars().next_back());
                *seen.entry(last.unwrap_or('-')).or_default() += 1;
            }
            seen.remove(&'-');
            let counts: Vec<u32> = seen.into_values().collect();
            assert_eq!(counts.len(), if letters { 28 } else { 10 });
            let most = counts.iter().max().zip(counts.iter().min());
            // The first digit leaves bytes out by itself here, as all bytes are the same.
            assert!(most.is_some_and(|(most, least)| most - least <= 2), "{counts:?}");
        }
    }

    #[test]
    fn bytes_that_are_of_no_use_give_no_id() {
        assert_eq!(make_up(&policy(false, 9), &[255; RANDOM]), None);
    }
}
