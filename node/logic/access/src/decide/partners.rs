//! What administrators write down of other servers (FED-01, FED-02).

use super::{Case, check_text, expect_revision, invalid, not_found};
use crate::{Decision, Effect, NewPartner, Partner, PartnerPin, PartnerTerms, Refusal, Topic, View, diff};
use plenary_model::{Revision, ServerName, limits};

impl<V: View> Case<'_, V> {
    pub(super) fn put_partner(
        &self,
        server: &ServerName,
        expect: Option<Revision>,
        new: &NewPartner,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.view.partner(server);
        let revision = before.as_ref().map_or(Revision(0), |before| before.revision);
        expect_revision("the partner", revision, expect)?;
        if self.view.founded().is_some_and(|(me, _)| me == *server) {
            return Err(invalid("server", "is this server itself"));
        }
        if before.is_none() && self.view.partners() >= limits::PARTNERS as u64 {
            return Err(Refusal::Full(
                "there are 1,000 partners already; drop one of which nothing needs to be known".into(),
            ));
        }
        check_text("note", &new.note, 0, limits::PARTNER_NOTE)?;
        if let Some(terms) = &new.terms {
            check_terms("terms", terms)?;
        }
        let after = Partner {
            server: server.clone(),
            note: new.note.trim().to_owned(),
            terms: new.terms.clone(),
            pin: read(&new.pin)?,
            revision: self.at.revision,
        };
        let act = if before.is_some() { "changed" } else { "created" };
        let changes = diff::partner(before.as_ref(), Some(&after));
        let mut decision = Decision {
            outcome: self.revised(),
            ..Decision::default()
        };
        decision
            .changed("partner", server.as_str(), act, changes)
            .effect(Effect::PutPartner(after))
            .notice(Topic::Settings, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }

    pub(super) fn remove_partner(
        &self,
        server: &ServerName,
        expect: Option<Revision>,
    ) -> Result<Decision, Refusal> {
        self.require_admin()?;
        let before = self.view.partner(server);
        let before = before.ok_or_else(|| not_found("partner", server))?;
        expect_revision("the partner", before.revision, expect)?;
        let mut decision = Decision::default();
        decision
            .changed(
                "partner",
                server.as_str(),
                "deleted",
                diff::partner(Some(&before), None),
            )
            .effect(Effect::RemovePartner(server.clone()))
            .notice(Topic::Settings, "")
            .notice(Topic::Events, "");
        Ok(decision)
    }
}

/// Terms that make sense; `field` is where they stand.
pub(super) fn check_terms(field: &str, terms: &PartnerTerms) -> Result<(), Refusal> {
    let kbps = limits::PARTNER_KBPS_MIN..=limits::PARTNER_KBPS;
    if terms.bandwidth_kbps.is_some_and(|value| !kbps.contains(&value)) {
        return Err(invalid(
            &format!("{field}.bandwidth_kbps"),
            "must be 64 to 100,000,000, or nothing for no limit",
        ));
    }
    let people = 1..=limits::PARTNER_PEOPLE;
    if terms.participants.is_some_and(|value| !people.contains(&value)) {
        return Err(invalid(
            &format!("{field}.participants"),
            "must be 1 to 1,000,000, or nothing for no limit; to have none, do not allow conferences",
        ));
    }
    Ok(())
}

/// Whether the authority can be read is checked by who proposes it.
fn read(pin: &PartnerPin) -> Result<PartnerPin, Refusal> {
    match pin {
        PartnerPin::None | PartnerPin::Certificate(_) => Ok(pin.clone()),
        PartnerPin::Authority(pem) => {
            let pem = pem.trim();
            if pem.len() > limits::PARTNER_AUTHORITY {
                return Err(invalid("authority", "must have at most 16 KiB"));
            }
            if !pem.contains("-----BEGIN CERTIFICATE-----") || !pem.is_ascii() {
                return Err(invalid(
                    "authority",
                    "must be a certificate as PEM: it begins with -----BEGIN CERTIFICATE-----",
                ));
            }
            Ok(PartnerPin::Authority(pem.to_owned()))
        }
    }
}
