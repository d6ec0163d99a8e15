//! Who gets which place of a pool.

use crate::Source;
use std::collections::BTreeSet;

/// Fills places with sources that are wanted, at most as many as there are places, each once. Who has a place
/// keeps it; the others take the first free ones in their order.
pub(super) fn arrange(before: &[Option<Source>], wanted: &[Source]) -> Vec<Option<Source>> {
    let all: BTreeSet<Source> = wanted.iter().copied().collect();
    let mut places: Vec<Option<Source>> = before
        .iter()
        .map(|place| place.filter(|source| all.contains(source)))
        .collect();
    let there: BTreeSet<Source> = places.iter().flatten().copied().collect();
    let mut coming = wanted.iter().copied().filter(|source| !there.contains(source));
    for place in places.iter_mut().filter(|place| place.is_none()) {
        *place = coming.next();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, ParticipantId};
    use proptest::prelude::*;

    fn camera(id: u64) -> Source {
        Source {
            participant: ParticipantId(id),
            kind: Kind::Video,
        }
    }

    proptest! {
        #[test]
        fn who_stays_keeps_the_place_and_who_is_wanted_has_one(
            pages in proptest::collection::vec(proptest::collection::btree_set(0_u64..30, 0..9), 1..20),
        ) {
            let mut places = vec![None; 9];
            for page in pages {
                let wanted: Vec<Source> = page.iter().copied().map(camera).collect();
                let after = arrange(&places, &wanted);
                for (before, after) in places.iter().zip(&after) {
                    prop_assert!(before == after || before.is_none_or(|source| !wanted.contains(&source)));
                }
                let mut there: Vec<Source> = after.iter().flatten().copied().collect();
                there.sort_unstable();
                prop_assert_eq!(there, wanted);
                places = after;
            }
        }
    }
}
