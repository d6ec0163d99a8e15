use crate::{FederationPolicy, NoPartner};
use plenary_model::{Fingerprint, Revision, ServerName};
use serde::{Deserialize, Serialize};

/// What people of another server and people of this one may do together (FED-02). The other side has terms of its own;
/// only what both allow is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartnerTerms {
    /// Calls of two, either way.
    pub calls: bool,
    /// That they come to conferences of this server, and people of this one to theirs.
    pub conferences: bool,
    /// Messages and files.
    pub chat: bool,
    /// That screens are shown to each other.
    pub content: bool,
    /// That they record people of this server.
    pub recording: bool,
    /// Of all media between the two servers together, in each direction; `None`: not limited here.
    pub bandwidth_kbps: Option<u32>,
    /// People of theirs who are in conferences of this server at a time; `None`: not limited here.
    pub participants: Option<u32>,
}

impl Default for PartnerTerms {
    /// Whoever may be met may do everything but record: that is for the people who are recorded to say.
    fn default() -> Self {
        Self {
            calls: true,
            conferences: true,
            chat: true,
            content: true,
            recording: false,
            bandwidth_kbps: None,
            participants: None,
        }
    }
}

impl PartnerTerms {
    /// Whether people of the two servers may be together in a conference. `is_call`: it is that of a call of two, for
    /// now; a call that became a conference is one like all others, also for those who came by the call.
    pub fn lets_meet(&self, is_call: bool) -> bool {
        if is_call { self.calls } else { self.conferences }
    }
}

/// What a partner must prove itself with, where that is more than a certificate which everybody would believe.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartnerPin {
    /// A certificate of an authority that this machine trusts for everybody, or of the own enterprise.
    #[default]
    None,
    /// One of this authority alone; PEM, at most [`limits::PARTNER_AUTHORITY`](plenary_model::limits::PARTNER_AUTHORITY) bytes.
    Authority(String),
    /// Exactly this one.
    Certificate(Fingerprint),
}

/// What administrators wrote down of another server. That it may be met at all is said by the lists of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    /// By its whole name; masks have no partners.
    pub server: ServerName,
    pub note: String,
    /// `None`: those of all others, [`Settings::partner_terms`](crate::Settings::partner_terms).
    pub terms: Option<PartnerTerms>,
    pub pin: PartnerPin,
    pub revision: Revision,
}

/// A partner as an administrator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewPartner {
    pub note: String,
    pub terms: Option<PartnerTerms>,
    pub pin: PartnerPin,
}

/// How this server stands to one other: what its licence, its settings and its list of partners say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// There is a licence beside the free one, which has no federation (LIC-02).
    pub is_licensed: bool,
    pub policy: FederationPolicy,
    /// Terms of all who have none of their own.
    pub usual: PartnerTerms,
    /// What is written down of that one.
    pub partner: Option<Partner>,
    /// The Directory of the own enterprise says that it is one of its servers.
    pub is_enterprise: bool,
}

impl Standing {
    /// With a licence, and to somebody of whom nothing is written down.
    pub fn by(policy: FederationPolicy) -> Self {
        Self {
            is_licensed: true,
            policy,
            usual: PartnerTerms::default(),
            partner: None,
            is_enterprise: false,
        }
    }

    /// Whether they may meet: servers of one enterprise need no whitelist for each other.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, server: &ServerName) -> Result<(), NoPartner> {
        match self.policy.admits(server) {
            Err(NoPartner::NotOnWhitelist) if self.is_enterprise => Ok(()),
            said => said,
        }
    }

    /// The terms that hold once they meet, whether they may or not.
    pub fn terms(&self) -> &PartnerTerms {
        let own = self.partner.as_ref().and_then(|partner| partner.terms.as_ref());
        own.unwrap_or(&self.usual)
    }
}

/// What may be done with `server`, to which this one stands so. Whatever happens between two servers asks this first, each
/// time anew: calls, conferences, chats, and the first words. A partner's own terms count instead of the usual ones, not
/// beside them.
///
/// # Errors
/// The two may not meet at all.
pub fn policy_for<'a>(standing: &'a Standing, server: &ServerName) -> Result<&'a PartnerTerms, NoPartner> {
    standing.admits(server)?;
    if !standing.is_licensed {
        return Err(NoPartner::NotLicensed);
    }
    Ok(standing.terms())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FederationMode;

    fn standing(mode: FederationMode) -> Standing {
        Standing::by(FederationPolicy {
            mode,
            whitelist: vec!["*.example.net".parse().expect("a mask")],
            blacklist: Vec::new(),
        })
    }

    fn oslo(terms: Option<PartnerTerms>) -> Partner {
        Partner {
            server: "oslo.example.net".parse().expect("a name"),
            note: String::new(),
            terms,
            pin: PartnerPin::None,
            revision: Revision(1),
        }
    }

    #[test]
    fn a_call_that_became_a_conference_is_allowed_as_conferences_are() {
        for (calls, conferences) in [(true, false), (false, true), (true, true), (false, false)] {
            let terms = PartnerTerms {
                calls,
                conferences,
                ..PartnerTerms::default()
            };
            assert_eq!(
                (terms.lets_meet(true), terms.lets_meet(false)),
                (calls, conferences)
            );
        }
    }

    #[test]
    fn own_terms_count_instead_of_the_usual_ones() {
        let server = oslo(None).server;
        let mut here = standing(FederationMode::Whitelist);
        assert_eq!(policy_for(&here, &server), Ok(&PartnerTerms::default()));
        here.usual.chat = false;
        here.partner = Some(oslo(None));
        assert_eq!(policy_for(&here, &server).map(|terms| terms.chat), Ok(false));
        here.partner = Some(oslo(Some(PartnerTerms {
            calls: false,
            ..PartnerTerms::default()
        })));
        let terms = policy_for(&here, &server).expect("they may meet");
        assert_eq!((terms.calls, terms.chat, terms.recording), (false, true, false));
    }

    #[test]
    fn terms_are_no_admission_and_neither_is_a_licence() {
        let server = oslo(None).server;
        let mut here = standing(FederationMode::Off);
        here.partner = Some(oslo(Some(PartnerTerms::default())));
        assert_eq!(policy_for(&here, &server), Err(NoPartner::Off));
        let mut here = standing(FederationMode::Whitelist);
        here.is_licensed = false;
        assert_eq!(policy_for(&here, &server), Err(NoPartner::NotLicensed));
        let elsewhere = "oslo.example.org".parse().expect("a name");
        assert_eq!(policy_for(&here, &elsewhere), Err(NoPartner::NotOnWhitelist));
    }

    #[test]
    fn servers_of_one_enterprise_need_no_whitelist() {
        let server = "oslo.example.org".parse().expect("a name");
        let mut here = standing(FederationMode::Whitelist);
        here.is_enterprise = true;
        assert!(policy_for(&here, &server).is_ok());
        // What an administrator refuses stays refused.
        here.policy.mode = FederationMode::Off;
        assert_eq!(policy_for(&here, &server), Err(NoPartner::Off));
        here.policy.mode = FederationMode::Blacklist;
        here.policy.blacklist = vec!["*.example.org".parse().expect("a mask")];
        assert_eq!(policy_for(&here, &server), Err(NoPartner::OnBlacklist));
        here.policy.mode = FederationMode::Whitelist;
        here.is_licensed = false;
        assert_eq!(policy_for(&here, &server), Err(NoPartner::NotLicensed));
    }
}
