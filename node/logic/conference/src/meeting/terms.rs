//! What was agreed on with a partner's server, for those of its people who are in meetings (FED-03).
//!
//! It is asked each time anew: terms that are changed hold for who is there. How many of them there may be counts for who
//! comes; nobody leaves because it was lowered.

use super::{Meetings, NoChat, Participant, Person};
use crate::{Conference, TERMS_LEVEL, View};
use plenary_access::Moment;

/// Whether the terms with a person's server let them show a screen here. Those of this server have none.
pub(crate) fn screens_with<V: View>(view: &V, at: Moment, person: &Person) -> bool {
    match person {
        // Nodes of before know nothing of it, and all must have the same.
        Person::Federated(user) if at.level >= TERMS_LEVEL => view.partner_terms(&user.server).content,
        Person::Federated(_) | Person::Account(_) | Person::Guest(_) => true,
    }
}

impl<V: View> Meetings<'_, V> {
    /// Why somebody does not write here.
    pub(super) fn no_chat(&self, conference: &Conference, one: &Participant) -> Option<NoChat> {
        let terms = match &one.person {
            Person::Federated(user) if self.at.level >= TERMS_LEVEL => {
                Some(self.view.partner_terms(&user.server))
            }
            _ => None,
        };
        conference.no_chat(one, terms.as_ref())
    }

    /// How many of a partner's people may be here, if that many are. Who is there already comes back, or with another device.
    pub(super) fn partner_full(&self, person: &Person) -> Option<u32> {
        let Person::Federated(user) = person else {
            return None;
        };
        if self.at.level < TERMS_LEVEL {
            return None;
        }
        let most = self.view.partner_terms(&user.server).participants?;
        let there = self.view.places_from(&user.server).len() as u64;
        (there >= u64::from(most) && self.view.places_of(person).is_empty()).then_some(most)
    }
}
