//! Where somebody in a meeting comes from, and which of their rights count there (AUTH-02).
//!
//! The address is kept with the place. So a change of the zones counts at once for all who are there, and all nodes find the
//! same.

use super::{MeetingRights, Meetings, Participant, Person};
use crate::{View, ZONES_LEVEL};
use plenary_access::{Refusal, Zone, ZoneRefusal, Zones};
use plenary_model::Right;
use std::net::IpAddr;

/// Whether a right counts for a person who comes from there, if they have it. People of partners' servers have what the group
/// "Federated users" gives, and no zone.
pub(crate) fn counts_there(zones: &Zones, person: &Person, from: Option<IpAddr>, right: Right) -> bool {
    match person {
        Person::Account(_) | Person::Guest(_) => zones.of(from).rights.allows(right),
        Person::Federated(_) => true,
    }
}

/// Those of the rights that count for somebody in a meeting from where they are.
pub(crate) fn narrowed(zones: &Zones, one: &Participant, rights: MeetingRights) -> MeetingRights {
    let counts = |right| counts_there(zones, &one.person, one.address, right);
    MeetingRights {
        operator: rights.operator && counts(Right::Operator),
        shares: rights.shares && counts(Right::ShareScreen),
    }
}

impl<V: View> Meetings<'_, V> {
    /// The address that is kept with a place of this person, who comes from where this was asked. Nodes of before know nothing
    /// of it, and all must have the same.
    pub(super) fn address_of(&self, person: &Person) -> Option<IpAddr> {
        match person {
            Person::Account(_) | Person::Guest(_) if self.at.level >= ZONES_LEVEL => self.from,
            Person::Account(_) | Person::Guest(_) | Person::Federated(_) => None,
        }
    }

    /// What the gate knows of where a newcomer comes from.
    pub(super) fn zone_of<'z>(&self, zones: &'z Zones, person: &Person) -> Option<&'z Zone> {
        match person {
            Person::Account(_) | Person::Guest(_) => Some(zones.of(self.from)),
            Person::Federated(_) => None,
        }
    }

    /// Why somebody shows no screen, where that is because of the network that they come from.
    pub(super) fn zone_forbids_screen(&self, one: &Participant) -> Result<(), Refusal> {
        let has = self.view.may_share(&one.person) && !one.standing.screenless_at_home;
        if has && !counts_there(&self.view.zones(), &one.person, one.address, Right::ShareScreen) {
            return Err(ZoneRefusal::Right("the right to share your screen".into()).into());
        }
        Ok(())
    }
}
