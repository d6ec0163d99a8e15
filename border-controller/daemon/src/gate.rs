//! Who from outside may connect at all: deny list, places, rates.

use crate::config::Limits;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use plenary_border::Refused;
use plenary_links::{Share, Shares, network_of};
use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

/// Networks whose rates are remembered. Where there are more, those that were quiet are forgotten; where all were busy, only
/// the rate in all counts for new ones.
const NETWORKS: usize = 65_536;

/// Decides on each connection when it comes, before a byte of it is read.
pub(crate) struct Gate {
    deny: Vec<IpNet>,
    places: Arc<Shares>,
    waiting: Arc<Shares>,
    rate: DefaultDirectRateLimiter,
    rates: DefaultKeyedRateLimiter<IpAddr>,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            deny: limits.deny.clone(),
            places: Shares::new(limits.connections, limits.connections_per_network),
            waiting: Shares::new(limits.waiting, limits.waiting.div_ceil(2)),
            rate: RateLimiter::direct(quota(limits.rate)),
            rates: RateLimiter::keyed(quota(limits.rate_per_network)),
        }
    }

    /// Whether nobody from there is let in.
    pub(crate) fn is_denied(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.deny.iter().any(|network| network.contains(&address))
    }

    /// A place for a connection from there, and one among those that have not said yet what they want.
    pub(crate) fn admit(&self, address: IpAddr) -> Result<(Share, Share), Refused> {
        let address = address.to_canonical();
        if self.is_denied(address) {
            return Err(Refused::Denied);
        }
        let network = network_of(address);
        if self.rates.len() >= NETWORKS {
            self.rates.retain_recent();
        }
        if self.rates.len() < NETWORKS && self.rates.check_key(&network).is_err() {
            return Err(Refused::TooFast);
        }
        // Asked last: who is too fast takes nothing from the others.
        if self.rate.check().is_err() {
            return Err(Refused::TooFast);
        }
        let place = self.places.take(Some(address)).ok_or(Refused::TooMany)?;
        let waiting = self.waiting.take(Some(address)).ok_or(Refused::TooMany)?;
        Ok((place, waiting))
    }

    /// Forgets networks that were quiet.
    pub(crate) fn tidy(&self) {
        self.rates.retain_recent();
        self.rates.shrink_to_fit();
    }
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
