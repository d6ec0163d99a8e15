//! Where a server is: SRV records in the order in which they are tried (RFC 2782).

use plenary_model::ServerName;
use std::{net::IpAddr, time::Duration};

/// Where servers are met if DNS says nothing else, TCP and UDP.
pub const PORT: u16 = 4307;

/// An address is tried so long before the next one is, too: longer than a handshake takes over any line that people would
/// meet by.
const HEAD_START: Duration = Duration::from_millis(500);
/// All addresses are being tried after so long, however many there are: somebody waits for it.
const ALL_BEGUN: Duration = Duration::from_secs(2);

/// Records of one name that are looked at; more are of no use.
const RECORDS: usize = 64;

/// How long each of so many addresses is tried before the next one is, too (RFC 8305 §5).
pub fn head_start(addresses: usize) -> Duration {
    let starts = u32::try_from(addresses.saturating_sub(1)).unwrap_or(u32::MAX);
    HEAD_START.min(ALL_BEGUN / starts.max(1))
}

/// The name whose SRV records say where a server is.
pub fn service_of(server: &ServerName) -> String {
    format!("_plenary._tcp.{server}.")
}

/// Whether DNS of others may lead there: not to this machine itself, nor to whatever is next to it on its line, where clouds
/// have services that trust everybody. Private networks are where enterprises are.
pub fn may_lead_to(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let here = v4.is_loopback() || v4.octets().first() == Some(&0);
            !(here || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast())
        }
        IpAddr::V6(v6) => {
            let here = v6.is_loopback() || v6.is_unspecified();
            !(here || v6.is_unicast_link_local() || v6.is_multicast())
        }
    }
}

/// One SRV record, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// Lower ones are tried first.
    pub priority: u16,
    /// Among those of one priority, how often this one comes first.
    pub weight: u16,
    pub port: u16,
    /// With or without the final dot; `.` alone: there is no such service.
    pub target: String,
}

/// Where something may answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub host: ServerName,
    pub port: u16,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Where DNS says that a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To be tried in this order.
    Targets(Vec<Target>),
    /// Its domain says that it is not to be met (RFC 2782, the target `.`).
    Closed,
}

impl Way {
    /// The way to `server`, by its SRV records; without any, the domain itself at [`PORT`].
    ///
    /// `random(n)` gives one of `0..=n`. Records that name no host are left out. Costs O(records²) for at most 64 records.
    pub fn to(server: &ServerName, records: &[Srv], mut random: impl FnMut(u32) -> u32) -> Self {
        if let [only] = records
            && only.target == "."
        {
            return Self::Closed;
        }
        let mut left: Vec<&Srv> = records.iter().take(RECORDS).collect();
        left.retain(|record| record.target.parse::<ServerName>().is_ok() && record.port != 0);
        // Those without weight stand first, so that they have a chance at all.
        left.sort_by_key(|record| (record.priority, record.weight));
        let mut targets = Vec::with_capacity(left.len());
        while let Some(first) = left.first() {
            let priority = first.priority;
            let equals = left.iter().take_while(|record| record.priority == priority);
            let sum = equals.clone().map(|record| u32::from(record.weight)).sum();
            let mut rest = random(sum).min(sum);
            let chosen = equals.clone().position(|record| {
                let weight = u32::from(record.weight);
                let here = rest <= weight;
                rest = rest.saturating_sub(weight);
                here
            });
            let record = left.remove(chosen.unwrap_or(0));
            let Ok(host) = record.target.parse() else { continue };
            let target = Target {
                host,
                port: record.port,
            };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        if targets.is_empty() {
            targets.push(Target {
                host: server.clone(),
                port: PORT,
            });
        }
        Self::Targets(targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv {
            priority,
            weight,
            port: 4307,
            target: target.into(),
        }
    }

    fn oslo() -> ServerName {
        "oslo.example.net".parse().expect("a name")
    }

    fn hosts(records: &[Srv], random: impl FnMut(u32) -> u32) -> Vec<String> {
        match Way::to(&oslo(), records, random) {
            Way::Targets(targets) => targets
                .into_iter()
                .map(|target| target.host.to_string())
                .collect(),
            Way::Closed => Vec::new(),
        }
    }

    #[test]
    fn lower_priorities_come_first_whatever_their_weight() {
        let records = [
            srv(20, 100, "c.example.net."),
            srv(10, 0, "a.example.net."),
            srv(10, 1, "b.example.net."),
        ];
        assert_eq!(
            hosts(&records, |_| 0),
            ["a.example.net", "b.example.net", "c.example.net"]
        );
        assert_eq!(
            hosts(&records, |most| most),
            ["b.example.net", "a.example.net", "c.example.net"]
        );
    }

    #[test]
    fn weights_say_how_often_one_comes_first() {
        let records = [
            srv(1, 30, "a.example.net"),
            srv(1, 10, "b.example.net"),
            srv(1, 0, "c.example.net"),
        ];
        let mut first = std::collections::BTreeMap::new();
        for number in 0..=40 {
            let mut numbers = [number].into_iter();
            let order = hosts(&records, |most| numbers.next().unwrap_or(0).min(most));
            assert_eq!(order.len(), 3);
            *first.entry(order[0].clone()).or_insert(0) += 1;
        }
        assert_eq!(first["a.example.net"], 30);
        assert_eq!(first["b.example.net"], 10);
        assert_eq!(first["c.example.net"], 1, "seldom, but not never");
    }

    #[test]
    fn without_records_the_domain_itself_is_tried_and_a_dot_closes_the_door() {
        let nothing = Way::to(&oslo(), &[], |_| 0);
        let itself = Target {
            host: oslo(),
            port: PORT,
        };
        assert_eq!(nothing, Way::Targets(vec![itself.clone()]));
        assert_eq!(Way::to(&oslo(), &[srv(0, 0, ".")], |_| 0), Way::Closed);
        let odd = [
            srv(0, 0, "no host!"),
            Srv {
                port: 0,
                ..srv(0, 0, "a.example.net")
            },
        ];
        assert_eq!(Way::to(&oslo(), &odd, |_| 0), Way::Targets(vec![itself]));
    }

    #[test]
    fn the_more_addresses_there_are_the_sooner_the_next_one_is_tried() {
        for addresses in [0, 1, 2, 5] {
            assert_eq!(head_start(addresses), HEAD_START, "{addresses}");
        }
        for addresses in 2..=100 {
            let last = head_start(addresses) * (addresses as u32 - 1);
            assert!(last <= ALL_BEGUN, "the last of {addresses} begins after {last:?}");
        }
        assert!(head_start(16) >= Duration::from_millis(100), "each has a start");
    }

    #[test]
    fn dns_of_others_does_not_lead_to_this_machine_or_its_neighbours() {
        let may = |text: &str| may_lead_to(text.parse().expect("an address"));
        for outside in ["192.0.2.7", "10.0.0.1", "192.168.1.1", "2001:db8::1", "fd00::1"] {
            assert!(may(outside), "{outside}");
        }
        for inside in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
        ] {
            assert!(!may(inside), "{inside}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_target_is_tried_once_in_the_order_of_priorities(
            records in proptest::collection::vec((0_u16..4, 0_u16..100, 0_u8..20), 1..64),
            seed in proptest::prelude::any::<u32>(),
        ) {
            let records: Vec<Srv> = records.iter().map(|(p, w, n)| srv(*p, *w, &format!("h{n}.example.net."))).collect();
            let mut state = seed;
            let order = hosts(&records, |most| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state % (most + 1)
            });
            let priority = |host: &str| records.iter().filter(|one| one.target == format!("{host}.")).map(|one| one.priority).min();
            let priorities: Vec<_> = order.iter().map(|host| priority(host)).collect();
            proptest::prop_assert!(priorities.is_sorted());
            let all: std::collections::BTreeSet<_> = records.iter().map(|one| one.target.trim_end_matches('.').to_owned()).collect();
            let tried: std::collections::BTreeSet<_> = order.iter().cloned().collect();
            proptest::prop_assert_eq!(order.len(), tried.len());
            proptest::prop_assert_eq!(tried, all);
        }
    }
}
