//! Whose presence follows from what happens in conferences (USR-02).

use crate::{
    Change, Decision, Effect, View,
    meeting::{Participant, Person},
};
use plenary_access::Topic;
use plenary_model::UserName;
use std::collections::BTreeSet;

/// Adds to `decision`, which is not carried out yet, whose presence may be another one afterwards. `change`: what it
/// follows from, if that is about conferences.
pub fn tell_presence<V: View>(view: &V, change: Option<&Change>, decision: &mut Decision) {
    let comes = matches!(change, Some(Change::Enter { .. } | Change::Resume { .. }));
    let mut touched = BTreeSet::new();
    for effect in &decision.effects {
        match effect {
            Effect::PutParticipant(participant) if comes => touched.extend(account_of(participant)),
            Effect::RemoveParticipant { cid, id } => {
                touched.extend(view.participant(cid, *id).as_ref().and_then(account_of));
            }
            Effect::RemoveAll(cid) | Effect::Remove(cid) => touched.extend(view.accounts_in(cid)),
            Effect::Put(after) => {
                let before = view.conference(&after.cid);
                if before.is_some_and(|before| (before.call, &before.owner) != (after.call, &after.owner)) {
                    touched.extend(view.accounts_in(&after.cid));
                }
            }
            _ => {}
        }
    }
    for user in touched {
        decision.notice(Topic::Presence, user.as_str());
    }
}

fn account_of(participant: &Participant) -> Option<UserName> {
    match &participant.person {
        Person::Account(user) => Some(user.clone()),
        Person::Guest(_) | Person::Federated(_) => None,
    }
}
