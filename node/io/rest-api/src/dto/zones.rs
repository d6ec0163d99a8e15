use super::{Right, mirror, rights_of};
use crate::problem::Problem;
use plenary_access as access;
use plenary_model::Rights;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

mirror! {
    /// A way to sign in.
    SignInMethod = access::SignInMethod { Password }
}

/// What counts for those who come from a zone.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Empty: as the zone is usually called.
    #[schema(max_length = 64)]
    pub name: String,
    /// Off: nobody new signs in from here, nor comes as a guest. Who is signed in goes on until the session ends.
    pub on: bool,
    #[schema(max_items = 1)]
    pub methods: BTreeSet<SignInMethod>,
    /// Whether people without an account come from here.
    pub guests: bool,
    /// Those that may count here; which do is said by the groups of a person.
    #[schema(max_items = 12)]
    pub rights: BTreeSet<Right>,
}

impl From<access::Zone> for Zone {
    fn from(zone: access::Zone) -> Self {
        Self {
            name: zone.name,
            on: zone.on,
            methods: zone.methods.into_iter().map(Into::into).collect(),
            guests: zone.guests,
            rights: rights_of(&zone.rights).into_iter().collect(),
        }
    }
}

impl From<Zone> for access::Zone {
    fn from(zone: Zone) -> Self {
        Self {
            name: zone.name.trim().to_owned(),
            on: zone.on,
            methods: zone.methods.into_iter().map(Into::into).collect(),
            guests: zone.guests,
            rights: Rights(zone.rights.into_iter().map(Into::into).collect()),
        }
    }
}

/// From which network people come, and what counts for them there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Zones {
    /// Where the trusted network is: address ranges like `10.0.0.0/8`, or single addresses.
    #[schema(min_items = 1, max_items = 256)]
    pub subnets: Vec<String>,
    /// The trusted network.
    pub trusted: Zone,
    /// All other addresses.
    pub internet: Zone,
}

impl From<access::Zones> for Zones {
    fn from(zones: access::Zones) -> Self {
        Self {
            subnets: zones.subnets.into_iter().map(String::from).collect(),
            trusted: zones.trusted.into(),
            internet: zones.internet.into(),
        }
    }
}

impl Zones {
    pub(super) fn read(self) -> Result<access::Zones, Problem> {
        let mut subnets = Vec::new();
        for (at, text) in self.subnets.iter().enumerate() {
            let subnet: Result<access::Network, _> = text.trim().parse();
            let subnet =
                subnet.map_err(|error| Problem::field(format!("zones.subnets[{at}]"), error.to_string()))?;
            subnets.push(subnet);
        }
        Ok(access::Zones {
            subnets,
            trusted: self.trusted.into(),
            internet: self.internet.into(),
        })
    }
}
