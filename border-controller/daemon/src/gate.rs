//! Who from outside may connect at all: deny list, places, rates.

use crate::config::Limits;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use plenary_border::{Policy, Refused, Source, Sources};
use plenary_links::{Share, Shares, network_of};
use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

/// Networks whose rates are remembered. Where there are more, those that were quiet are forgotten; where all were busy, only
/// the rate in all counts for new ones.
const NETWORKS: usize = 65_536;

/// Decides on each connection when it comes, before a byte of it is read.
pub(crate) struct Gate {
    /// As configured.
    limits: Limits,
    deny: RwLock<Vec<IpNet>>,
    places: Arc<Shares>,
    waiting: Arc<Shares>,
    rate: DefaultDirectRateLimiter,
    rates: RwLock<DefaultKeyedRateLimiter<IpAddr>>,
    seen: Mutex<Seen>,
}

/// Where connections come from.
#[derive(Default)]
struct Seen {
    sources: Sources,
    /// How often quiet networks were forgotten since the while began that is counted.
    tidied: u32,
}

/// How often quiet networks are forgotten until sources are counted anew: ten minutes.
const WHILE: u32 = 10;

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            deny: RwLock::new(limits.deny.clone()),
            places: Shares::new(limits.connections, limits.connections_per_network),
            waiting: Shares::new(limits.waiting, limits.waiting.div_ceil(2)),
            rate: RateLimiter::direct(quota(limits.rate)),
            rates: RwLock::new(RateLimiter::keyed(quota(limits.rate_per_network))),
            seen: Mutex::default(),
        }
    }

    /// Goes by what the inside wants from now on. Who is in stays in.
    pub(crate) fn apply(&self, policy: &Policy) {
        let wanted = policy.deny.iter().filter_map(|text| range(text));
        let deny = self.limits.deny.iter().copied().chain(wanted).collect();
        *self.deny.write().unwrap_or_else(PoisonError::into_inner) = deny;
        let or = |wanted: Option<u32>, own: usize| wanted.map_or(own, |wanted| wanted as usize);
        let each = or(
            policy.connections_per_network,
            self.limits.connections_per_network,
        );
        self.places.bound_each(each);
        let rate = policy.rate_per_network.unwrap_or(self.limits.rate_per_network);
        *self.rates.write().unwrap_or_else(PoisonError::into_inner) = RateLimiter::keyed(quota(rate));
    }

    fn rates(&self) -> RwLockReadGuard<'_, DefaultKeyedRateLimiter<IpAddr>> {
        self.rates.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody from there is let in.
    pub(crate) fn is_denied(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let deny = self.deny.read().unwrap_or_else(PoisonError::into_inner);
        deny.iter().any(|network| network.contains(&address))
    }

    /// A place for a connection from there, and one among those that have not said yet what they want.
    pub(crate) fn admit(&self, address: IpAddr) -> Result<(Share, Share), Refused> {
        let address = address.to_canonical();
        self.seen().sources.came(address);
        if self.is_denied(address) {
            return Err(Refused::Denied);
        }
        let network = network_of(address);
        let rates = self.rates();
        if rates.len() >= NETWORKS {
            rates.retain_recent();
        }
        if rates.len() < NETWORKS && rates.check_key(&network).is_err() {
            return Err(Refused::TooFast);
        }
        drop(rates);
        // Asked last: who is too fast takes nothing from the others.
        if self.rate.check().is_err() {
            return Err(Refused::TooFast);
        }
        let place = self.places.take(Some(address)).ok_or(Refused::TooMany)?;
        let waiting = self.waiting.take(Some(address)).ok_or(Refused::TooMany)?;
        Ok((place, waiting))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection from there was refused, here or later.
    pub(crate) fn refused(&self, address: IpAddr) {
        self.seen().sources.refused(address);
    }

    /// The networks from which most connections came in the last ten to twenty minutes, those first.
    pub(crate) fn top(&self, most: usize) -> Vec<Source> {
        self.seen().sources.top(most)
    }

    /// Forgets networks that were quiet. To be called once a minute.
    pub(crate) fn tidy(&self) {
        let mut seen = self.seen();
        seen.tidied += 1;
        if seen.tidied >= WHILE {
            seen.tidied = 0;
            seen.sources.turn();
        }
        drop(seen);
        let rates = self.rates();
        rates.retain_recent();
        rates.shrink_to_fit();
    }
}

/// A range, or an address alone.
fn range(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().ok();
    net.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// So many a second, and twice as many at once.
fn quota(each_second: u32) -> Quota {
    let rate = NonZeroU32::new(each_second).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(rate).allow_burst(rate.saturating_mul(TWO))
}

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            connections: 10,
            connections_per_network: 4,
            waiting: 10,
            rate: 1_000,
            rate_per_network: 500,
            deny: vec![
                "192.0.2.0/25".parse().expect("good"),
                "2001:db8:1::/48".parse().expect("good"),
            ],
            ..Limits::default()
        }
    }

    fn refused(gate: &Gate, address: &str) -> Option<Refused> {
        gate.admit(address.parse().expect("good")).err()
    }

    #[test]
    fn denied_networks_are_denied_however_they_are_written() {
        let gate = Gate::new(&limits());
        for denied in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:1:2::3"] {
            assert_eq!(refused(&gate, denied), Some(Refused::Denied), "{denied}");
        }
        assert_eq!(refused(&gate, "192.0.2.129"), None);
    }

    #[test]
    fn one_network_leaves_places_to_others() {
        let gate = Gate::new(&limits());
        let mut held = Vec::new();
        for host in 1..=4 {
            let address = format!("2001:db8::{host}").parse().expect("good");
            held.push(gate.admit(address).expect("a place"));
        }
        assert_eq!(refused(&gate, "2001:db8::5"), Some(Refused::TooMany));
        assert_eq!(refused(&gate, "2001:db8:0:1::5"), None);
        held.clear();
        assert_eq!(refused(&gate, "2001:db8::5"), None);
    }

    #[test]
    fn who_is_too_fast_takes_nothing_from_others() {
        let gate = Gate::new(&Limits {
            rate: 30,
            rate_per_network: 2,
            ..limits()
        });
        let fast = (0..40)
            .filter(|_| refused(&gate, "198.51.100.1") == Some(Refused::TooFast))
            .count();
        assert!(fast >= 34, "{fast} of 40");
        assert_eq!(refused(&gate, "198.51.100.2"), None);
    }

    #[test]
    fn what_the_inside_wants_counts_beside_the_configuration_and_instead_of_its_limits() {
        let gate = Gate::new(&limits());
        let held: Vec<_> = (0..3)
            .map(|_| gate.admit([198, 51, 100, 1].into()).expect("a place"))
            .collect();
        gate.apply(&Policy {
            version: 1,
            deny: vec!["203.0.113.0/24".into(), "198.51.100.7".into(), "nowhere".into()],
            connections_per_network: Some(3),
            ..Policy::default()
        });
        for denied in ["192.0.2.1", "203.0.113.9", "198.51.100.7"] {
            assert_eq!(refused(&gate, denied), Some(Refused::Denied), "{denied}");
        }
        assert_eq!(refused(&gate, "198.51.100.1"), Some(Refused::TooMany));
        assert_eq!(refused(&gate, "198.51.100.2"), None);
        gate.apply(&Policy::default());
        assert_eq!(refused(&gate, "203.0.113.9"), None);
        assert_eq!(refused(&gate, "198.51.100.1"), None, "as configured again");
        drop(held);
    }

    #[test]
    fn busy_networks_are_named_for_as_long_as_they_come() {
        let gate = Gate::new(&limits());
        for from in ["192.0.2.1", "::ffff:192.0.2.1", "198.51.100.1"] {
            if refused(&gate, from).is_some() {
                gate.refused(from.parse().expect("good"));
            }
        }
        let top = |gate: &Gate| -> Vec<_> {
            let top = gate.top(9).into_iter();
            top.map(|one| (one.to_string(), one.connections, one.refused))
                .collect()
        };
        let expected = [("192.0.2.1".to_owned(), 2, 2), ("198.51.100.1".to_owned(), 1, 0)];
        assert_eq!(top(&gate), expected);
        (0..2 * WHILE - 1).for_each(|_| gate.tidy());
        assert_eq!(top(&gate), expected);
        gate.tidy();
        assert_eq!(top(&gate), []);
    }

    #[test]
    fn few_wait_at_once() {
        let gate = Gate::new(&Limits {
            waiting: 2,
            ..limits()
        });
        let (place, waiting) = gate.admit([198, 51, 100, 1].into()).expect("a place");
        assert_eq!(refused(&gate, "198.51.100.1"), Some(Refused::TooMany));
        drop(waiting);
        assert_eq!(refused(&gate, "198.51.100.1"), None);
        drop(place);
    }
}
