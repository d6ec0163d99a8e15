use super::{Time, federation::PartnerCertificate, mirror};
use crate::{backend, problem::Problem};
use plenary_access as access;
use plenary_federation as federation;
use plenary_identity::authorities;
use plenary_model::{Fingerprint, ServerName, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::{Duration, UNIX_EPOCH};
use utoipa::ToSchema;

/// What may be done with another server. The other one has terms of its own; only what both allow is done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerTerms {
    /// Calls of two, either way.
    pub calls: bool,
    /// That they come to conferences here, and people of this server to theirs.
    pub conferences: bool,
    /// Messages and files.
    pub chat: bool,
    /// That screens are shown to each other.
    pub content: bool,
    /// That they record people of this server. Nothing can be recorded yet: it counts once that is possible.
    pub recording: bool,
    /// Of all media between the two servers, in each direction, in kbit/s; null: not limited.
    #[serde(default)]
    #[schema(required, minimum = 64, maximum = 100000000)]
    pub bandwidth_kbps: Option<u32>,
    /// People of theirs in conferences here at a time; null: not limited.
    #[serde(default)]
    #[schema(required, minimum = 1, maximum = 1000000)]
    pub participants: Option<u32>,
}

impl From<access::PartnerTerms> for PartnerTerms {
    fn from(terms: access::PartnerTerms) -> Self {
        Self {
            calls: terms.calls,
            conferences: terms.conferences,
            chat: terms.chat,
            content: terms.content,
            recording: terms.recording,
            bandwidth_kbps: terms.bandwidth_kbps,
            participants: terms.participants,
        }
    }
}

impl From<PartnerTerms> for access::PartnerTerms {
    fn from(terms: PartnerTerms) -> Self {
        Self {
            calls: terms.calls,
            conferences: terms.conferences,
            chat: terms.chat,
            content: terms.content,
            recording: terms.recording,
            bandwidth_kbps: terms.bandwidth_kbps,
            participants: terms.participants,
        }
    }
}

/// What an administrator writes down of another server.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPartner {
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: String,
    /// Missing or null: as for all others.
    pub terms: Option<PartnerTerms>,
    /// Certificates of at most four authorities as PEM: of this partner they alone count.
    #[schema(max_length = 16384)]
    pub authority: Option<String>,
    /// SHA-256 of a certificate, in hexadecimal: of this partner that one alone counts. Not beside `authority`.
    #[schema(max_length = 128)]
    pub certificate: Option<String>,
}

impl NewPartner {
    pub(crate) fn read(self, now: Timestamp) -> Result<access::NewPartner, Problem> {
        let pin = match (self.authority, self.certificate) {
            (None, None) => access::PartnerPin::None,
            (Some(pem), None) => {
                let now = UNIX_EPOCH + Duration::from_millis(now.0);
                authorities(&pem, now).map_err(|error| Problem::field("authority", error.to_string()))?;
                access::PartnerPin::Authority(pem)
            }
            (None, Some(text)) => {
                let print: Result<Fingerprint, _> = text.parse();
                access::PartnerPin::Certificate(
                    print.map_err(|error| Problem::field("certificate", error.to_string()))?,
                )
            }
            (Some(_), Some(_)) => {
                let reason = "is there beside an authority; pin one of the two";
                return Err(Problem::field("certificate", reason));
            }
        };
        Ok(access::NewPartner {
            note: self.note,
            terms: self.terms.map(Into::into),
            pin,
        })
    }
}

mirror! {
    /// How a partner is: it misbehaved and is not answered for a while; it shows another certificate than is pinned; the lists,
    /// the mode or the licence here do not let them meet; the last attempt failed; it went well; nothing was tried since the
    /// nodes started.
    PartnerState = federation::PartnerState { Quarantined, CertificateChanged, NotAllowed, Failing, Well, Untried }
}

/// An attempt to meet.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerAttempt {
    pub at: Time,
    /// Why it failed, in words; null: it went well.
    #[schema(required)]
    pub trouble: Option<String>,
}

impl From<federation::Attempt> for PartnerAttempt {
    fn from(attempt: federation::Attempt) -> Self {
        Self {
            at: Time(attempt.at),
            trouble: attempt.trouble.map(|trouble| trouble.words),
        }
    }
}

/// What the nodes know of another server since they started.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerSeen {
    /// Where DNS led last: hosts with their ports, in the order in which they are tried.
    pub way: String,
    /// What it proved itself with last; or what was shown where DNS leads, and refused.
    #[schema(required)]
    pub certificate: Option<PartnerCertificate>,
    /// What was shown where DNS leads instead of what is pinned, to be confirmed or not; null: what is pinned is shown.
    #[schema(required)]
    pub changed: Option<PartnerCertificate>,
    /// That certificate ends within two weeks, or has ended.
    pub certificate_expires: bool,
    /// The last attempt to reach it.
    #[schema(required)]
    pub outgoing: Option<PartnerAttempt>,
    /// When it came last, and proved who it is.
    #[schema(required)]
    pub incoming: Option<PartnerAttempt>,
    /// When somebody came last who claimed to be it and did not prove it; only where something is pinned. It may have been
    /// anybody.
    #[schema(required)]
    pub claimed: Option<PartnerAttempt>,
    #[schema(required)]
    pub round_trip_ms: Option<u32>,
    /// When the two met last.
    #[schema(required)]
    pub reached_at: Option<Time>,
    /// Until when it is not answered.
    #[schema(required)]
    pub quarantined_until: Option<Time>,
    /// People of theirs who are in conferences and calls here.
    pub users: u64,
    /// In so many of those.
    pub conferences: u64,
    /// People of this server who are in conferences and calls there, or in the waiting rooms of those.
    pub own_users: u64,
    pub received_bytes: u64,
    pub sent_bytes: u64,
}

impl PartnerSeen {
    fn new(seen: federation::Seen, now: Timestamp) -> Self {
        let concerns = federation::concerns(&seen, now);
        Self {
            certificate_expires: concerns.contains(&federation::Concern::CertificateExpires),
            quarantined_until: seen.quarantine.until(now).map(Time),
            way: seen.way,
            certificate: seen.certificate.map(PartnerCertificate::from),
            outgoing: seen.outgoing.map(Into::into),
            incoming: seen.incoming.map(Into::into),
            changed: seen.changed.map(PartnerCertificate::from),
            claimed: seen.claimed.map(Into::into),
            round_trip_ms: seen.usage.link_ms.or(seen.round_trip_ms),
            reached_at: seen.reached.map(Time),
            users: seen.usage.users,
            conferences: seen.usage.conferences,
            own_users: seen.usage.own_users,
            received_bytes: seen.usage.received_bytes,
            sent_bytes: seen.usage.sent_bytes,
        }
    }
}

/// An authority that is pinned.
#[derive(Debug, Serialize, ToSchema)]
pub struct PinnedAuthority {
    pub subject: String,
    pub expires_at: Time,
}

/// Another server: what is written down of it, and what the nodes know of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Partner {
    /// Its domain.
    pub server: String,
    pub state: PartnerState,
    pub note: String,
    /// Its own; null: as for all others.
    #[schema(required)]
    pub terms: Option<PartnerTerms>,
    /// The authority that alone counts, as PEM; null: none is pinned.
    #[schema(required)]
    pub authority: Option<String>,
    /// What is in `authority`.
    pub authorities: Vec<PinnedAuthority>,
    /// SHA-256 of the certificate that alone counts; null: none is pinned.
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    pub certificate: Option<String>,
    /// null: nothing was tried and nobody came.
    #[schema(required)]
    pub seen: Option<PartnerSeen>,
    /// Messages that it is still to be told: invitations of its people.
    pub waiting: u64,
    /// Since when the oldest of them waits; null: nothing does.
    #[schema(required)]
    pub waiting_since: Option<Time>,
    /// Changes with each change, also the `ETag`; null: nothing is written down of it.
    #[schema(required, pattern = "^[0-9]+$")]
    pub revision: Option<String>,
}

/// Why another server is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotMet {
    /// Federation is off here, or the licence has none.
    Off,
    /// The lists of this server do not have it.
    NotAllowed,
}

/// What people of this server may do with those of another one, as far as this one says.
#[derive(Debug, Serialize, ToSchema)]
pub struct MayMeet {
    pub server: String,
    /// Call each other.
    pub calls: bool,
    /// Come to each other's conferences.
    pub conferences: bool,
    /// Null where the two meet.
    #[schema(required)]
    pub reason: Option<NotMet>,
    /// Where its pages are, as it has said: `https://` with a host, which is its domain or below it, and a port where that is not
    /// 443; null: it has not.
    #[schema(required)]
    pub pages: Option<String>,
}

/// Whose pages are at an address.
#[derive(Debug, Serialize, ToSchema)]
pub struct PagesOwner {
    /// The other server that has said that they are its own; null: none that is known has.
    #[schema(required)]
    pub server: Option<String>,
}

impl MayMeet {
    pub(crate) fn of(
        server: &ServerName,
        standing: &access::Standing,
        pages: Option<&federation::Pages>,
    ) -> Self {
        let (terms, reason) = match access::policy_for(standing, server) {
            Ok(terms) => (Some(terms), None),
            Err(access::NoPartner::Off | access::NoPartner::NotLicensed) => (None, Some(NotMet::Off)),
            Err(access::NoPartner::NotOnWhitelist | access::NoPartner::OnBlacklist) => {
                (None, Some(NotMet::NotAllowed))
            }
        };
        Self {
            server: server.to_string(),
            calls: terms.is_some_and(|terms| terms.lets_meet(true)),
            conferences: terms.is_some_and(|terms| terms.lets_meet(false)),
            reason,
            pages: pages.map(ToString::to_string),
        }
    }
}

/// Servers of other enterprises.
#[derive(Debug, Serialize, ToSchema)]
pub struct Partners {
    /// Whether the licence has federation, as the free one has not; else there is none, whatever the settings say.
    pub licensed: bool,
    /// Those of whom something is written down or known, by name.
    pub items: Vec<Partner>,
}

impl Partners {
    pub(crate) fn new(mut partners: backend::Partners, now: Timestamp) -> Self {
        let mut seen = std::mem::take(&mut partners.seen);
        let waiting = std::mem::take(&mut partners.waiting);
        let allowed = |server: &ServerName, partner: Option<&access::Partner>| {
            let standing = access::Standing {
                is_licensed: partners.is_licensed,
                policy: partners.policy.clone(),
                usual: access::PartnerTerms::default(),
                partner: partner.cloned(),
                is_enterprise: partners.enterprise.contains(server),
            };
            access::policy_for(&standing, server).map(drop)
        };
        let mut items = Vec::new();
        let written: Vec<_> = partners.written.iter().map(|one| &one.server).collect();
        for server in waiting.keys().filter(|server| !written.contains(server)) {
            seen.entry(server.clone()).or_default();
        }
        for partner in &partners.written {
            let known = seen.remove(&partner.server);
            let state =
                federation::PartnerState::of(allowed(&partner.server, Some(partner)), known.as_ref(), now);
            items.push(Partner::written(partner.clone(), state, known, now));
        }
        for (server, known) in seen {
            let state = federation::PartnerState::of(allowed(&server, None), Some(&known), now);
            items.push(Partner::seen(&server, state, known, now));
        }
        for item in &mut items {
            let found = waiting.iter().find(|(server, _)| server.as_str() == item.server);
            if let Some((_, found)) = found {
                (item.waiting, item.waiting_since) = (found.messages, Some(Time(found.since)));
            }
        }
        items.sort_by(|one, other| one.server.cmp(&other.server));
        Self {
            licensed: partners.is_licensed,
            items,
        }
    }

    /// One of them.
    pub(crate) fn into_one(self, server: &ServerName) -> Option<Partner> {
        self.items.into_iter().find(|one| one.server == server.as_str())
    }
}

impl Partner {
    fn written(
        partner: access::Partner,
        state: federation::PartnerState,
        seen: Option<federation::Seen>,
        now: Timestamp,
    ) -> Self {
        let (authority, certificate) = match partner.pin {
            access::PartnerPin::None => (None, None),
            access::PartnerPin::Authority(pem) => (Some(pem), None),
            access::PartnerPin::Certificate(print) => (None, Some(print.to_string())),
        };
        // Also one that has expired since is shown.
        let read = authority.as_ref().map(|pem| authorities(pem, UNIX_EPOCH));
        let authorities = read.and_then(Result::ok).unwrap_or_default().into_iter();
        let authorities = authorities.map(|one| {
            let expires = one.expires.duration_since(UNIX_EPOCH).unwrap_or_default();
            PinnedAuthority {
                subject: one.subject,
                expires_at: Time(Timestamp(u64::try_from(expires.as_millis()).unwrap_or(u64::MAX))),
            }
        });
        Self {
            server: partner.server.to_string(),
            state: state.into(),
            note: partner.note,
            terms: partner.terms.map(Into::into),
            authorities: authorities.collect(),
            authority,
            certificate,
            seen: seen.map(|seen| PartnerSeen::new(seen, now)),
            waiting: 0,
            waiting_since: None,
            revision: Some(partner.revision.to_string()),
        }
    }

    fn seen(
        server: &ServerName,
        state: federation::PartnerState,
        seen: federation::Seen,
        now: Timestamp,
    ) -> Self {
        Self {
            server: server.to_string(),
            state: state.into(),
            note: String::new(),
            terms: None,
            authority: None,
            authorities: Vec::new(),
            certificate: None,
            seen: Some(PartnerSeen::new(seen, now)),
            waiting: 0,
            waiting_since: None,
            revision: None,
        }
    }

    /// For the `ETag`; nothing that is written down is as revision 0.
    pub(crate) fn tag(&self) -> String {
        self.revision.clone().unwrap_or_else(|| "0".into())
    }
}
