//! Sequence numbers over their rollovers, and a guard that none goes out twice.

/// The number nearest to `near` whose low 16 bits these are.
pub fn extend(near: u64, low: u16) -> u64 {
    let ahead = low.wrapping_sub(near as u16).cast_signed();
    match near.checked_add_signed(i64::from(ahead)) {
        Some(number) => number,
        None => near + u64::from(low.wrapping_sub(near as u16)),
    }
}

/// Words of [`Numbers`].
const WORDS: usize = 16;
/// How far behind the highest number a packet may be.
const WINDOW: u64 = WORDS as u64 * 64;

/// The numbers of one stream that were used.
///
/// A key of SRTP must not seal two packets of one number: with AES-GCM that gives the key away (RFC 7714 §8.3). The same
/// table refuses replays on the way in (RFC 3711 §3.3.2).
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// One more than the highest.
    next: u64,
    used: [u64; WORDS],
}

impl Numbers {
    /// Whether the number was not used yet. From now on it is. Those more than 1,023 behind the highest count as used.
    pub fn take(&mut self, number: u64) -> bool {
        if number >= self.next {
            let ahead = number - self.next + 1;
            if ahead >= WINDOW {
                self.used = [0; WORDS];
            } else {
                for skipped in self.next..number {
                    self.set(skipped, false);
                }
            }
            self.next = number.saturating_add(1);
            self.set(number, true);
            return true;
        }
        if self.next - number > WINDOW || self.is_used(number) {
            return false;
        }
        self.set(number, true);
        true
    }

    fn place(number: u64) -> (usize, u64) {
        let at = number % WINDOW;
        (usize::try_from(at / 64).unwrap_or_default(), 1 << (at % 64))
    }

    fn is_used(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.used.get(word).is_none_or(|word| word & bit != 0)
    }

    fn set(&mut self, number: u64, used: bool) {
        let (word, bit) = Self::place(number);
        if let Some(word) = self.used.get_mut(word) {
            *word = if used { *word | bit } else { *word & !bit };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_go_on_over_their_rollover() {
        assert_eq!(extend(65_535, 0), 65_536);
        assert_eq!(extend(65_536, 65_535), 65_535);
        assert_eq!(extend(5, 65_535), 65_535 + 5 - 5, "nothing is below 0");
        assert_eq!(extend(200_000, (200_000 - 30_000_u64) as u16), 170_000);
    }

    proptest! {
        #[test]
        fn no_number_is_given_twice(steps in prop::collection::vec(0_i64..5_000, 1..300)) {
            let (mut numbers, mut given) = (Numbers::default(), BTreeSet::new());
            let mut at = 10_000_i64;
            for step in steps {
                at += step - 2_000;
                let number = at.max(0).cast_unsigned();
                if numbers.take(number) {
                    prop_assert!(given.insert(number));
                } else {
                    let highest = *given.last().expect("the first is always new");
                    prop_assert!(given.contains(&number) || highest - number >= WINDOW);
                }
            }
        }
    }
}
