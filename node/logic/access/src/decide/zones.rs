//! The zones that somebody may come from: what is set of them, and that nobody locks oneself out (AUTH-02).

use super::{Case, check_text, invalid};
use crate::{ActorKind, Refusal, SettingsPatch, SignInMethod, View, Zone, Zones, address_of};

impl<V: View> Case<'_, V> {
    /// Refuses a change after which whoever makes it could not sign in again from where they are.
    pub(super) fn check_own_zone(&self, patch: &SettingsPatch) -> Result<(), Refusal> {
        let Some(zones) = patch.zones.as_deref() else {
            return Ok(());
        };
        // The server itself signs in nowhere.
        if matches!(self.by.kind, ActorKind::System) {
            return Ok(());
        }
        let address = address_of(&self.by.address);
        if zones.check_sign_in(address, SignInMethod::Password).is_ok() {
            return Ok(());
        }
        let zone = if zones.is_trusted(address) {
            "trusted"
        } else {
            "internet"
        };
        Err(invalid(
            &format!("zones.{zone}"),
            "must let you sign in: you come from this zone, and would lock yourself out",
        ))
    }
}

pub(super) fn check_zones(zones: &Zones) -> Result<(), Refusal> {
    if !(1..=Zones::SUBNETS).contains(&zones.subnets.len()) {
        return Err(invalid(
            "zones.subnets",
            format!("must be 1 to {}", Zones::SUBNETS),
        ));
    }
    check_text("zones.trusted.name", &zones.trusted.name, 0, Zone::NAME)?;
    check_text("zones.internet.name", &zones.internet.name, 0, Zone::NAME)
}
