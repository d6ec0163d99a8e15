//! Wrong PINs: whose count together, and how many there may be (CONF-05).

use super::{Meetings, Person};
use crate::{Attempts, Decision, Effect, KeptOut, Link, REMOVALS_LEVEL, View, WATCHERS_LEVEL};
use plenary_access::Outcome;
use plenary_model::Cid;

/// What somebody at the gate has behind them: those of their own, those of all people of their partner's server, which has as
/// many names as it likes, and those of all guests, who may have as many addresses.
pub(crate) struct Guesses {
    own: (String, Attempts),
    partner: Option<(String, Attempts)>,
    guests: Option<(String, Attempts)>,
}

impl Guesses {
    pub(crate) fn own(&self) -> Attempts {
        self.own.1
    }

    /// None of who is no partner's.
    pub(crate) fn of_partner(&self) -> Attempts {
        counted(self.partner.as_ref())
    }

    /// None of who is no guest, or has registered.
    pub(crate) fn of_guests(&self) -> Attempts {
        counted(self.guests.as_ref())
    }
}

fn counted(of: Option<&(String, Attempts)>) -> Attempts {
    of.map(|(_, attempts)| *attempts).unwrap_or_default()
}

impl<V: View> Meetings<'_, V> {
    /// What counts against this person.
    pub(crate) fn guesses(&self, cid: &Cid, person: &Person) -> Guesses {
        let of = |source: String| {
            let attempts = self.view.attempts(cid, &source);
            (source, attempts)
        };
        // Nodes of before know nothing of it, and all must have the same.
        let counts_partners = self.at.level >= WATCHERS_LEVEL;
        let partner = match person {
            Person::Federated(user) if counts_partners => Some(format!("partner:{}", user.server)),
            Person::Account(_) | Person::Guest(_) | Person::Federated(_) => None,
        };
        let is_stranger = matches!(person, Person::Guest(_)) && self.link_of(cid, person) != Link::Good;
        let guests = (is_stranger && self.at.level >= REMOVALS_LEVEL).then(|| "guests".to_owned());
        Guesses {
            own: of(self.source_of(person)),
            partner: partner.map(of),
            guests: guests.map(of),
        }
    }

    /// Whose wrong PINs are counted together: an account's, or those of guests from one address.
    fn source_of(&self, person: &Person) -> String {
        match person {
            Person::Account(user) => format!("account:{user}"),
            Person::Guest(id) => {
                let source = self.view.guest(id).and_then(|guest| guest.source);
                source.unwrap_or_else(|| format!("guest:{id}"))
            }
            Person::Federated(user) => format!("federated:{user}"),
        }
    }

    /// One more, for each that it counts against.
    pub(crate) fn count_wrong_pin(&self, cid: &Cid, before: Guesses, why: KeptOut) -> Decision {
        let now = self.at.now;
        let mut decision = Decision::giving(Outcome::KeptOut {
            code: why.code().into(),
            reason: why.to_string(),
            left: why.attempts_left(),
        });
        let all = [Some(before.own), before.partner, before.guests];
        for (source, attempts) in all.into_iter().flatten() {
            let attempts = Attempts {
                count: attempts.at(now).count + 1,
                last_at: now,
            };
            decision.effect(Effect::PutAttempts {
                cid: cid.clone(),
                source,
                attempts,
            });
        }
        decision
    }

    /// Who knows the PIN begins anew. Their server does not, and guests do not: others may go on guessing.
    pub(crate) fn forget_wrong_pins(&self, decision: &mut Decision, cid: &Cid, guesses: Guesses) {
        let (source, attempts) = guesses.own;
        if attempts.count > 0 {
            decision.effect(Effect::PutAttempts {
                cid: cid.clone(),
                source,
                attempts: Attempts::default(),
            });
        }
    }
}
