//! How often people may ask for what costs more than an answer: each of them, and all of one partner's server together, which may
//! have as many people as it likes.

use crate::Person;
use plenary_model::{Buckets, ServerName};
use plenary_signalling::ClientBody;
use std::time::Instant;

/// What one person may ask for that costs all nodes a commit or this one a handshake: at once, and a second. Nobody who
/// changes networks and reloads pages gets there.
const COSTLY: (f64, f64) = (60.0, 2.0);
/// How often one person may ask for pages of the list of people, which costs this node a look through all: at once, and a
/// second.
const LISTS: (f64, f64) = (20.0, 4.0);
/// How often one person may write, and change what was written: at once, and a second.
const LINES: (f64, f64) = (30.0, 2.0);

/// The same of all people of one partner together. As many as may attend here come back at once when a node of theirs is lost.
const COSTLY_OF_PARTNER: (f64, f64) = (1_000.0, 120.0);
const LISTS_OF_PARTNER: (f64, f64) = (400.0, 40.0);
const LINES_OF_PARTNER: (f64, f64) = (300.0, 30.0);
/// And whatever else they ask for: hands, reactions, acts of moderators.
const OTHERS_OF_PARTNER: (f64, f64) = (2_000.0, 250.0);

pub(crate) struct Rates {
    costly: Rate,
    lists: Rate,
    lines: Rate,
    others_of_partner: Buckets<ServerName>,
}

struct Rate {
    each: Buckets<String>,
    of_partner: Buckets<ServerName>,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |each: (f64, f64), partner: (f64, f64)| Rate {
            each: Buckets::new(each.0, each.1),
            of_partner: Buckets::new(partner.0, partner.1),
        };
        Self {
            costly: rate(COSTLY, COSTLY_OF_PARTNER),
            lists: rate(LISTS, LISTS_OF_PARTNER),
            lines: rate(LINES, LINES_OF_PARTNER),
            others_of_partner: Buckets::new(OTHERS_OF_PARTNER.0, OTHERS_OF_PARTNER.1),
        }
    }
}

impl Rates {
    /// Whether that may be asked for now.
    ///
    /// # Errors
    /// The seconds until it may.
    pub(crate) fn take(&self, person: &Person, request: &ClientBody, now: Instant) -> Result<(), u64> {
        let partner = match person {
            Person::Federated(federated) => Some(&federated.user.server),
            Person::Account(_) | Person::Guest { .. } => None,
        };
        let rate = match request {
            ClientBody::Join(_) | ClientBody::Offer(_) => &self.costly,
            // Each makes the room look, or the node read.
            ClientBody::List(_) | ClientBody::Follow(_) | ClientBody::Earlier(_) => &self.lists,
            // Each goes to all, and onto the disks of all nodes.
            ClientBody::Say(_) | ClientBody::Edit(_) | ClientBody::Unsay(_) => &self.lines,
            // Who goes is never kept.
            ClientBody::Leave {} => return Ok(()),
            _ => {
                return partner.map_or(Ok(()), |partner| {
                    self.others_of_partner.take(partner.clone(), now)
                });
            }
        };
        rate.each.take(person.id(), now)?;
        partner.map_or(Ok(()), |partner| rate.of_partner.take(partner.clone(), now))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Federated;
    use plenary_model::UserId;
    use plenary_signalling::meeting::{React, Say};

    fn of(server: &str, number: usize) -> Person {
        Person::Federated(Federated {
            user: UserId {
                name: format!("person-{number}").parse().unwrap(),
                server: server.parse().unwrap(),
            },
            name: "Person".into(),
            shares: false,
        })
    }

    #[test]
    fn people_of_one_partner_ask_only_so_often_together_however_many_they_are() {
        let (rates, now) = (Rates::default(), Instant::now());
        let say = ClientBody::Say(Say::default());
        let react = ClientBody::React(React {
            reaction: "👍".into(),
        });
        for (request, most) in [(&say, LINES_OF_PARTNER.0), (&react, OTHERS_OF_PARTNER.0)] {
            let asked = (0..3_000).filter(|number| {
                let person = of("oslo.example.net", *number);
                rates.take(&person, request, now).is_ok()
            });
            assert_eq!(asked.count(), most as usize);
            let other = of("lyon.example.org", 1);
            assert_eq!(rates.take(&other, request, now), Ok(()), "nobody else is held up");
        }
        let own = Person::Account("ann".parse().unwrap());
        assert_eq!(rates.take(&own, &say, now), Ok(()));
        let gone = of("oslo.example.net", 1);
        assert_eq!(rates.take(&gone, &ClientBody::Leave {}, now), Ok(()));
    }
}
