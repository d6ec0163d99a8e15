//! IDs that the server makes up (CONF-04).

use plenary_access::IdPolicy;
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
