//! From which networks most connections come, in bounded memory.

use plenary_model::network_of;
use std::{fmt, net::IpAddr};

/// A network from which connections come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// An IPv4 address, or the first one of the 64 bits of an IPv6 network.
    network: IpAddr,
    /// Connections that came at least; at most [`Self::over`] more did.
    pub connections: u64,
    /// What may be missing, as the network was not kept all the time.
    pub over: u64,
    /// How many of them were refused at least.
    pub refused: u64,
}

/// The network, as a deny list takes it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.network {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

/// The networks with the most connections of a while (Space-Saving: Metwally, Agrawal, El Abbadi, "Efficient Computation of
/// Frequent and Top-k Elements in Data Streams", ICDT 2005).
///
/// Invariant: whichever network has more than one of [`Self::KEPT`] parts of all connections is there, however many others
/// there are.
#[derive(Debug, Clone, Default)]
struct While {
    kept: Vec<Source>,
}

impl While {
    fn find(&mut self, network: IpAddr) -> Option<&mut Source> {
        self.kept.iter_mut().find(|one| one.network == network)
    }

    fn came(&mut self, network: IpAddr) {
        if let Some(one) = self.find(network) {
            one.connections += 1;
            return;
        }
        let begun = |over| Source {
            network,
            connections: 1,
            over,
            refused: 0,
        };
        if self.kept.len() < Sources::KEPT {
            self.kept.push(begun(0));
        } else if let Some(least) = self.kept.iter_mut().min_by_key(|one| one.connections + one.over) {
            *least = begun(least.connections + least.over);
        }
    }

    /// What a network that is not kept may have had at most.
    fn unseen(&self) -> u64 {
        if self.kept.len() < Sources::KEPT {
            return 0;
        }
        let most = self.kept.iter().map(|one| one.connections + one.over);
        most.min().unwrap_or(0)
    }
}

/// The networks with the most connections lately: of the while that goes on and of the one before it.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    now: While,
    before: While,
}

impl Sources {
    /// Networks of one while that are counted; others take the places of those that had the fewest.
    pub const KEPT: usize = 64;

    /// A connection came from there.
    pub fn came(&mut self, from: IpAddr) {
        self.now.came(network_of(from));
    }

    /// One that came from there was refused.
    pub fn refused(&mut self, from: IpAddr) {
        let network = network_of(from);
        let kept = self.now.find(network).or_else(|| self.before.find(network));
        if let Some(one) = kept {
            one.refused += 1;
        }
    }

    /// Another while begins: what was before the last one is forgotten.
    pub fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }

    /// The networks with the most connections, those first; `most` at most.
    pub fn top(&self, most: usize) -> Vec<Source> {
        let (in_now, in_before) = (self.now.unseen(), self.before.unseen());
        let mut all: Vec<Source> = self.now.kept.clone();
        for one in &mut all {
            one.over += in_before;
        }
        for one in &self.before.kept {
            match all.iter_mut().find(|known| known.network == one.network) {
                Some(known) => {
                    known.connections += one.connections;
                    known.over = known.over - in_before + one.over;
                    known.refused += one.refused;
                }
                None => all.push(Source {
                    over: one.over + in_now,
                    ..*one
                }),
            }
        }
        for one in &mut all {
            one.refused = one.refused.min(one.connections);
        }
        all.sort_by_key(|one| std::cmp::Reverse((one.connections, one.refused, one.network)));
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use std::collections::BTreeMap;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("good")
    }

    #[test]
    fn networks_are_told_as_they_are_denied_the_busiest_first() {
        let mut sources = Sources::default();
        for from in ["2001:db8::1", "2001:db8::2", "::ffff:192.0.2.7"] {
            sources.came(address(from));
        }
        sources.refused(address("192.0.2.7"));
        sources.refused(address("203.0.113.1"));
        let told: Vec<_> = sources
            .top(9)
            .iter()
            .map(|one| (one.to_string(), one.connections, one.refused))
            .collect();
        let expected = [("2001:db8::/64".to_owned(), 2, 0), ("192.0.2.7".to_owned(), 1, 1)];
        assert_eq!(told, expected);
        assert_eq!(sources.top(1).len(), 1);
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let mut sources = Sources::default();
        let old = address("192.0.2.7");
        sources.came(old);
        sources.turn();
        sources.came(old);
        sources.refused(old);
        let [one] = sources.top(9)[..] else {
            panic!("one network")
        };
        assert_eq!((one.connections, one.over, one.refused), (2, 0, 1));
        sources.turn();
        assert_eq!(sources.top(9).len(), 1);
        sources.turn();
        assert_eq!(sources.top(9), []);
    }

    #[test]
    fn a_network_that_floods_is_seen_among_thousands_of_others() {
        let mut sources = Sources::default();
        let flood = address("198.51.100.7");
        for number in 0..100_000_u32 {
            sources.came(IpAddr::V4((0x0A00_0000 + number).into()));
            if number % 20 == 0 {
                sources.came(flood);
                sources.refused(flood);
            }
        }
        let top = sources.top(1);
        let [one] = top[..] else { panic!("one network") };
        assert_eq!(one.to_string(), "198.51.100.7");
        assert!(
            one.connections <= 5_000 && 5_000 <= one.connections + one.over,
            "{one:?}"
        );
        assert_eq!(one.refused, one.connections);
    }

    /// Few networks that are busy, and many that come rarely.
    fn network() -> impl Strategy<Value = u32> {
        prop_oneof![0_u32..8, 0_u32..2_000]
    }

    proptest! {
        #[test]
        fn nobody_is_said_to_have_come_more_often_and_whoever_comes_most_is_there(
            acts in vec((network(), 0_u8..100), 0..3_000),
        ) {
            let mut sources = Sources::default();
            let mut whiles = [BTreeMap::<IpAddr, (u64, u64)>::new(), BTreeMap::new()];
            for (number, act) in acts {
                let from = IpAddr::V4((0x0A00_0000 + number).into());
                if act == 0 {
                    sources.turn();
                    whiles.swap(0, 1);
                    whiles[0].clear();
                }
                sources.came(from);
                let counted = whiles[0].entry(from).or_default();
                counted.0 += 1;
                if act > 50 {
                    sources.refused(from);
                    counted.1 += 1;
                }
            }
            let top = sources.top(usize::MAX);
            prop_assert!(top.len() <= 2 * Sources::KEPT);
            for one in &top {
                let of = |counted: &BTreeMap<_, (u64, u64)>| counted.get(&one.network).copied().unwrap_or_default();
                let (came, refused) = whiles.iter().map(of).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                prop_assert!(one.connections <= came && came <= one.connections + one.over, "{one:?}: {came}");
                prop_assert!(one.refused <= refused, "{one:?}: {refused}");
            }
            for counted in &whiles {
                let all: u64 = counted.values().map(|one| one.0).sum();
                for (network, (came, _)) in counted {
                    let kept = top.iter().any(|one| one.network == *network);
                    prop_assert!(kept || *came <= all / Sources::KEPT as u64, "{network} with {came} of {all}");
                }
            }
            prop_assert!(top.is_sorted_by_key(|one| std::cmp::Reverse(one.connections)));
        }
    }
}
