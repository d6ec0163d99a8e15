//! What was agreed on with a partner's server, for those of its people who are in meetings (FED-03).
//!
//! It is asked each time anew: terms that are changed hold for who is there. How many of them there may be counts for who
//! comes; nobody leaves because it was lowered.

use super::{Meetings, Participant, Person};
use crate::{TERMS_LEVEL, View, decide::forbidden};
use plenary_access::{Moment, Refusal};

/// Whether the terms with a person's server let them show a screen here. Those of this server have none.
pub(crate) fn screens_with<V: View>(view: &V, at: Moment, person: &Person) -> bool {
    match person {
        // Nodes of before know nothing of it, and all must have the same.
        Person::Federated(user) if at.level >= TERMS_LEVEL => view.partner_terms(&user.server).content,
        Person::Federated(_) | Person::Account(_) | Person::Guest(_) => true,
    }
}

impl<V: View> Meetings<'_, V> {
    /// Refuses what somebody writes whose server may not write here.
    pub(super) fn check_chat_with(&self, writer: &Participant) -> Result<(), Refusal> {
        match &writer.person {
            Person::Federated(user)
                if self.at.level >= TERMS_LEVEL && !self.view.partner_terms(&user.server).chat =>
            {
                Err(forbidden("the right of people of your server to write here"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses one more of a partner's people than there may be. Who is there already comes back, or with another device.
    pub(super) fn check_room_for(&self, person: &Person) -> Result<(), Refusal> {
        let Person::Federated(user) = person else {
            return Ok(());
        };
        if self.at.level < TERMS_LEVEL {
            return Ok(());
        }
        let Some(most) = self.view.partner_terms(&user.server).participants else {
            return Ok(());
        };
        let there = self.view.places_from(&user.server).len() as u64;
        if there < u64::from(most) || !self.view.places_of(person).is_empty() {
            return Ok(());
        }
        Err(Refusal::Full(format!(
            "as many people of {} are in conferences here as may be: {most}; try again when one has left",
            user.server
        )))
    }
}
