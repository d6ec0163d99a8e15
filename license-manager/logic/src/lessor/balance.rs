//! Who gets what when there is not enough (`docs/decisions/0009`).

use super::state::{Lessor, Server};
use crate::{Kind, Seats};
use plenary_model::ServerName;
use std::collections::BTreeMap;

/// Shares `free` seats among those who want `wants`, in proportion; the remainder goes to the largest fractions, and
/// among equal ones to the first. Nobody gets more than wanted.
pub fn share(free: u32, wants: &[u32]) -> Vec<u32> {
    let all: u64 = wants.iter().map(|want| u64::from(*want)).sum();
    if all <= u64::from(free) {
        return wants.to_vec();
    }
    let exact = |want: u32| u64::from(want) * u64::from(free);
    let whole = |want: u32| u32::try_from(exact(want) / all).unwrap_or(want);
    let mut shares: Vec<u32> = wants.iter().map(|want| whole(*want)).collect();
    let given: u32 = shares.iter().sum();
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(wants.get(*i).map_or(0, |want| exact(*want) % all)));
    for i in order.into_iter().take((free - given) as usize) {
        if let Some(share) = shares.get_mut(i) {
            *share += 1;
        }
    }
    shares
}

/// Whom to ask for how many seats, so that `short` seats come free: most idle first, and nobody below what it is
/// guaranteed, said to use or said to want. `but` asks for itself.
pub fn recalls(lessor: &Lessor, short: Seats, but: &[&ServerName]) -> BTreeMap<ServerName, Seats> {
    let mut plan: BTreeMap<ServerName, Seats> = BTreeMap::new();
    for kind in Kind::ALL {
        let mut idle: Vec<(u32, &ServerName)> = lessor
            .servers
            .iter()
            .filter(|(name, _)| !but.contains(name))
            .map(|(name, server)| (spare(server).of(kind), name))
            .filter(|(spare, _)| *spare > 0)
            .collect();
        idle.sort_by_key(|(spare, name)| (std::cmp::Reverse(*spare), *name));
        let mut short = short.of(kind);
        for (spare, name) in idle {
            let n = spare.min(short);
            if n == 0 {
                break;
            }
            plan.entry(name.clone()).or_default().set(kind, n);
            short -= n;
        }
    }
    plan
}

/// What a server could give back, as far as the manager knows.
fn spare(server: &Server) -> Seats {
    let Some(lease) = server.current().and_then(|epoch| server.leases.get(&epoch)) else {
        return Seats::NONE;
    };
    let kept = lease.used.max(lease.wanted).max(server.limits.guaranteed);
    lease.seats.minus(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_in_proportion() {
        assert_eq!(share(10, &[10, 10]), [5, 5]);
        assert_eq!(share(10, &[30, 10]), [8, 2]);
        assert_eq!(share(10, &[3, 4]), [3, 4]);
        assert_eq!(share(1, &[1, 1, 1]), [1, 0, 0]);
        assert_eq!(share(0, &[5]), [0]);
        assert_eq!(share(5, &[]), [0_u32; 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nobody_gets_more_than_wanted(
            free in 0_u32..1000,
            wants in proptest::collection::vec(0_u32..1000, 0..12),
        ) {
            let shares = share(free, &wants);
            let all: u32 = wants.iter().sum();
            prop_assert_eq!(shares.iter().sum::<u32>(), free.min(all));
            prop_assert!(shares.iter().zip(&wants).all(|(share, want)| share <= want));
        }
    }
}
