//! Conferences of partners' servers to which people of this one are invited, as those servers tell (FED-02).
//!
//! ```text
//!  nothing ── told ──► invited ──┐ told, with a higher revision
//!                 ▲       │  ▲───┘
//!                 │       ▼ withdrawn
//!                 └── remembered as withdrawn for 96 h: what was under way longer comes too late
//! ```
//! Who is invited may decline: it is then as if it were withdrawn, until the server itself withdraws it and invites anew.
//!
//! Invariant: of a conference, a person and their revisions only the highest counts, however often and in whatever order
//! they are told.

use crate::{Bidding, DECLINES_LEVEL, Decision, Effect, MESSAGE_MS, Opening, View, meeting::Meetings};
use plenary_access::{Outcome, Refusal, Topic, rules::not_found};
use plenary_model::{Cid, ServerName, Timestamp, UserName, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longer than a message is under way.
const WITHDRAWN_MS: u64 = MESSAGE_MS + DAY_MS;
const DAY_MS: u64 = 24 * 3_600_000;

/// What a partner's server tells of one of its conferences and one person of this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Names the conference there, whatever ID it gets.
    pub cid: Cid,
    pub user: UserName,
    pub revision: u64,
    /// `None`: they are invited no more.
    #[serde(default)]
    pub bidding: Option<Bidding>,
}

/// The same, as this server remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerInvitation {
    pub server: ServerName,
    pub cid: Cid,
    pub user: UserName,
    pub revision: u64,
    pub told_at: Timestamp,
    /// `None`: withdrawn.
    #[serde(default)]
    pub bidding: Option<Bidding>,
    /// Who is invited does not want to be told of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub declined: bool,
}

impl PartnerInvitation {
    /// Whether it is there for who is invited.
    pub fn is_open(&self) -> bool {
        self.bidding.is_some() && !self.declined
    }

    /// When it says nothing to anybody any more; `None`: not before it is withdrawn.
    pub fn forget_at(&self) -> Option<Timestamp> {
        let Some(bidding) = &self.bidding else {
            return Some(self.told_at.plus_ms(WITHDRAWN_MS));
        };
        if bidding.opening != Opening::Scheduled {
            return None;
        }
        let over = bidding.next.map_or(self.told_at, |next| {
            next.end.unwrap_or_else(|| next.start.plus_ms(DAY_MS))
        });
        Some(over.max(self.told_at).plus_ms(DAY_MS))
    }
}

/// What the rules read of invitations by partners.
pub trait InboxView {
    fn partner_invitation(
        &self,
        server: &ServerName,
        cid: &Cid,
        user: &UserName,
    ) -> Option<PartnerInvitation>;
    /// How many a user has that are open.
    fn partner_invitations_of(&self, user: &UserName) -> u64;
    /// How many of them are from a server.
    fn partner_invitations_from(&self, user: &UserName, server: &ServerName) -> u64;
    /// How many are kept of a server, withdrawn ones too.
    fn partner_invitations_by(&self, server: &ServerName) -> u64;
    /// Whether one is to be forgotten by `now` ([`PartnerInvitation::forget_at`]).
    fn has_old_partner_invitations(&self, now: Timestamp) -> bool;
}

/// Why something that a partner tells is not taken; stable.
pub(crate) const UNKNOWN_USER: &str = "unknown-user";
pub(crate) const FULL: &str = "too-many";

impl<V: View> Meetings<'_, V> {
    /// A partner's server tells; gives [`Outcome::Heard`].
    pub(crate) fn take_deliveries(&self, server: &ServerName, deliveries: &[Delivery]) -> Decision {
        let mut refused = BTreeMap::new();
        let mut decision = Decision::default();
        let mut taken: BTreeMap<(&Cid, &UserName), u64> = BTreeMap::new();
        let mut more: BTreeMap<&UserName, u64> = BTreeMap::new();
        let kept = self.view.partner_invitations_by(server);
        for (place, one) in (0..).zip(deliveries) {
            let before = self.view.partner_invitation(server, &one.cid, &one.user);
            let key = (&one.cid, &one.user);
            let known = before.as_ref().map(|before| before.revision);
            let known = known.max(taken.get(&key).copied());
            if known.is_some_and(|known| known >= one.revision) {
                continue;
            }
            let account = self.view.account(&one.user);
            let is_known = account.is_some_and(|account| account.active);
            let declined = one.bidding.is_some() && before.as_ref().is_some_and(|before| before.declined);
            let is_invited = before.is_some_and(|before| before.is_open());
            let fits = kept + (taken.len() as u64) < limits::INVITATIONS_PER_PARTNER as u64;
            if one.bidding.is_none() {
                // Whoever is not known is not invited either: that is no news.
                if known.is_none() && (!is_known || !fits) {
                    continue;
                }
            } else if !is_known {
                refused.insert(place, UNKNOWN_USER.to_owned());
                continue;
            } else if !is_invited && !declined {
                let of = more.entry(&one.user).or_default();
                let all = self.view.partner_invitations_of(&one.user) + *of;
                let is_theirs_full = self.at.level >= DECLINES_LEVEL
                    && self.view.partner_invitations_from(&one.user, server) + *of
                        >= limits::INVITATIONS_PER_USER_AND_PARTNER as u64;
                if all >= limits::INVITATIONS_PER_USER as u64 || is_theirs_full || (known.is_none() && !fits)
                {
                    refused.insert(place, FULL.to_owned());
                    continue;
                }
                *of += 1;
            }
            taken.insert(key, one.revision);
            decision
                .effect(Effect::PutPartnerInvitation(PartnerInvitation {
                    server: server.clone(),
                    cid: one.cid.clone(),
                    user: one.user.clone(),
                    revision: one.revision,
                    told_at: self.at.now,
                    bidding: one.bidding.clone(),
                    declined,
                }))
                .notice(Topic::Calls, one.user.as_str());
        }
        decision.outcome = Outcome::Heard { refused };
        decision
    }

    /// Who is invited does not want to be told of it any more.
    pub(crate) fn decline_invitation(
        &self,
        server: &ServerName,
        cid: &Cid,
        user: &UserName,
    ) -> Result<Decision, Refusal> {
        let before = self.view.partner_invitation(server, cid, user);
        let before = before.filter(PartnerInvitation::is_open);
        let before = before.ok_or_else(|| not_found("invitation", format!("{cid}@{server}")))?;
        let mut decision = Decision::default();
        decision
            .effect(Effect::PutPartnerInvitation(PartnerInvitation {
                declined: true,
                ..before
            }))
            .notice(Topic::Calls, user.as_str());
        Ok(decision)
    }

    /// Forgets what is over, and who was taken out so long ago that nothing old can come any more.
    pub(crate) fn forget_invitations(&self, decision: &mut Decision) {
        if self.view.has_old_partner_invitations(self.at.now) {
            decision.effect(Effect::ForgetPartnerInvitations { until: self.at.now });
        }
    }
}
