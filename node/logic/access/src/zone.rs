//! Zones: from which network somebody comes, and what counts for them there (AUTH-02, `docs/decisions/0024`).

use crate::{Network, Refusal};
use plenary_model::{Right, Rights};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, net::IpAddr};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    Password,
}

impl SignInMethod {
    pub const ALL: [Self; 1] = [Self::Password];
}

/// What counts for those who come from a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Zone {
    /// At most [`Zone::NAME`] characters; empty: as the zone is usually called.
    pub name: String,
    /// Off: nobody new signs in from here, nor comes as a guest. Who is signed in goes on until the session ends.
    pub on: bool,
    pub methods: BTreeSet<SignInMethod>,
    /// Whether people without an account come from here.
    pub guests: bool,
    /// Those that may count here; which do is said by the groups of a person.
    pub rights: Rights,
}

impl Zone {
    pub const NAME: usize = 64;
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            name: String::new(),
            on: true,
            methods: SignInMethod::ALL.into(),
            guests: true,
            rights: Rights(Right::ALL.into()),
        }
    }
}

/// The two zones of a server. Every address is in one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Zones {
    /// Where the trusted network is; 1 to [`Zones::SUBNETS`].
    pub subnets: Vec<Network>,
    pub trusted: Zone,
    /// All other addresses, and those that nobody knows.
    pub internet: Zone,
}

impl Default for Zones {
    /// Trusted are private ranges, link-local ones and the machine itself, as the control panel is open to them.
    fn default() -> Self {
        let usual = crate::AdminAccess::default().networks;
        Self {
            subnets: usual.iter().filter_map(|text| text.parse().ok()).collect(),
            trusted: Zone::default(),
            internet: Zone::default(),
        }
    }
}

/// Why something does not count from where somebody comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneRefusal {
    #[error("from this network nobody signs in now; come from another one, or ask your administrator")]
    Off,
    #[error("from this network nobody signs in this way; come from another one, or ask your administrator")]
    Method,
    #[error("from this network nobody comes as a guest; sign in, or come from another one")]
    Guests,
    #[error(
        "from this network your account may not do this: {0} does not count here; come from another one, or ask your \
         administrator"
    )]
    Right(String),
}

impl ZoneRefusal {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Off => "zone-off",
            Self::Method => "zone-method",
            Self::Guests => "zone-guests",
            Self::Right(_) => "zone-right",
        }
    }
}

impl From<ZoneRefusal> for Refusal {
    fn from(why: ZoneRefusal) -> Self {
        Self::KeptOut {
            code: why.code().into(),
            reason: why.to_string(),
            minutes: None,
        }
    }
}

impl Zones {
    pub const SUBNETS: usize = 256;

    pub fn is_trusted(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.subnets.iter().any(|subnet| subnet.contains(address)))
    }

    /// The zone that an address is in; nobody has trust whose address nobody knows.
    pub fn of(&self, address: Option<IpAddr>) -> &Zone {
        if self.is_trusted(address) {
            &self.trusted
        } else {
            &self.internet
        }
    }

    /// Those of `rights` that count from there.
    pub fn narrow(&self, rights: &Rights, address: Option<IpAddr>) -> Rights {
        let zone = self.of(address);
        let both = Right::ALL.into_iter();
        Rights(
            both.filter(|right| rights.allows(*right) && zone.rights.allows(*right))
                .collect(),
        )
    }

    /// Whether somebody may sign in from there.
    ///
    /// # Errors
    /// Why not.
    pub fn check_sign_in(&self, address: Option<IpAddr>, method: SignInMethod) -> Result<(), ZoneRefusal> {
        let zone = self.of(address);
        if !zone.on {
            return Err(ZoneRefusal::Off);
        }
        if !zone.methods.contains(&method) {
            return Err(ZoneRefusal::Method);
        }
        Ok(())
    }

    /// Whether somebody without an account may come from there.
    ///
    /// # Errors
    /// Why not.
    pub fn check_guest(&self, address: Option<IpAddr>) -> Result<(), ZoneRefusal> {
        let zone = self.of(address);
        if !zone.on {
            return Err(ZoneRefusal::Off);
        }
        if !zone.guests {
            return Err(ZoneRefusal::Guests);
        }
        Ok(())
    }
}

/// The address in the words of an [`Actor`](crate::Actor); `None` where there is none.
pub fn address_of(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("a good address"))
    }

    fn zones() -> Zones {
        let mut zones = Zones {
            subnets: vec!["10.0.0.0/8".parse().expect("good")],
            ..Zones::default()
        };
        zones.internet.rights.0.remove(&Right::ShareScreen);
        zones
    }

    #[test]
    fn an_address_is_in_the_trusted_network_or_in_the_internet() {
        let zones = zones();
        assert!(zones.is_trusted(at("10.1.2.3")));
        assert!(zones.is_trusted(at("::ffff:10.1.2.3")));
        for other in [at("11.1.2.3"), at("2001:db8::1"), at("0.0.0.0"), None] {
            assert!(!zones.is_trusted(other), "{other:?}");
        }
        let usual = Zones::default();
        for near in [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "fd00::1",
        ] {
            assert!(usual.is_trusted(at(near)), "{near}");
        }
        assert!(!usual.is_trusted(at("203.0.113.9")));
        assert!(!usual.is_trusted(at("0.0.0.0")));
    }

    #[test]
    fn a_right_counts_where_a_group_gives_it_and_the_zone_allows_it() {
        let zones = zones();
        let given = Rights([Right::ShareScreen, Right::MakeCalls].into());
        assert_eq!(zones.narrow(&given, at("10.1.2.3")), given);
        assert_eq!(
            zones.narrow(&given, at("203.0.113.9")),
            Rights([Right::MakeCalls].into())
        );
        assert_eq!(zones.narrow(&given, None), Rights([Right::MakeCalls].into()));
        assert_eq!(
            zones.narrow(&Rights::default(), at("10.1.2.3")),
            Rights::default()
        );
    }

    #[test]
    fn nobody_new_comes_from_a_zone_that_is_off() {
        let mut zones = zones();
        let (near, far) = (at("10.1.2.3"), at("203.0.113.9"));
        zones.internet.on = false;
        assert_eq!(zones.check_sign_in(near, SignInMethod::Password), Ok(()));
        assert_eq!(
            zones.check_sign_in(far, SignInMethod::Password),
            Err(ZoneRefusal::Off)
        );
        assert_eq!(zones.check_guest(far), Err(ZoneRefusal::Off));
        zones.internet = Zone {
            methods: BTreeSet::new(),
            guests: false,
            ..Zone::default()
        };
        assert_eq!(
            zones.check_sign_in(far, SignInMethod::Password),
            Err(ZoneRefusal::Method)
        );
        assert_eq!(zones.check_guest(far), Err(ZoneRefusal::Guests));
        assert_eq!(zones.check_guest(near), Ok(()));
    }
}
