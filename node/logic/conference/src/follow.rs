//! What follows for conferences from what other parts of the server decided.

use crate::{
    CALLS_LEVEL, Conference, Decision, Effect, HISTORY_LEVEL, How, LINES_LEVEL, PLACES_LEVEL, RIGHTS_LEVEL,
    TERMS_LEVEL, View,
    decide::remove,
    meeting::{
        MeetingRights, Participant, ParticipantId, Person, Runs, counts_there, end_watching, forget_watching,
        narrowed, screens_with,
    },
    template::forget_accounts,
};
use plenary_access::{Moment, PartnerTerms, Topic, Zones};
use plenary_model::{Cid, GuestId, NodeId, Right, ServerName, UserName};
use std::collections::BTreeSet;

/// Something that another part of the server has decided and that concerns conferences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact<'a> {
    /// The account is no more.
    AccountRemoved(&'a UserName),
    /// The account may not sign in.
    AccountDisabled(&'a UserName),
    /// The user has no seat any more with which to be in conferences; calls of two need none.
    SeatLost(&'a UserName),
    /// The same of a guest.
    GuestSeatLost(&'a GuestId),
    /// These are the rights of the account from now on, which has places.
    Rights(&'a UserName, MeetingRights),
    /// These are the zones from now on.
    Zones(&'a Zones),
    /// Whether guests may show a screen from now on.
    GuestsShare(bool),
    /// The same of those who come from partners' servers.
    FederatedShare(bool),
    /// These are the terms with a partner's server from now on, of which people are there.
    Terms(&'a ServerName, &'a PartnerTerms),
    /// This is the number of the node's start, 0 if it is lost or no node of the server any more.
    NodeStands { node: NodeId, start: u64 },
}

impl<'a> Fact<'a> {
    fn removed(&self) -> Option<&'a UserName> {
        match self {
            Self::AccountRemoved(user) => Some(*user),
            _ => None,
        }
    }
}

/// What follows from `facts`. Conferences go with the account of their owner, so that nobody who gets the same user ID
/// later owns them; accounts that are gone or disabled lose their places; whoever was on an earlier start of a node is
/// away.
pub fn follow<V: View>(view: &V, at: Moment, facts: &[Fact<'_>]) -> Decision {
    let mut decision = Decision::default();
    let mut gone = BTreeSet::new();
    for fact in facts {
        if let Fact::AccountRemoved(user) = fact {
            for conference in view.owned_by(user) {
                if !conference.call {
                    remove(&mut decision, &conference);
                }
                gone.insert(conference.cid);
            }
        }
    }
    if at.level >= CALLS_LEVEL {
        forget_calls(view, &mut decision, at, facts, &mut gone);
    }
    for fact in facts {
        if let Fact::AccountRemoved(user) = fact {
            if at.level >= HISTORY_LEVEL {
                decision.effect(Effect::ForgetVisitor((*user).clone()));
            }
            if at.level >= LINES_LEVEL {
                decision.effect(Effect::ForgetWriter((*user).clone()));
            }
            let named = view.naming(user).into_iter();
            for conference in named.filter(|conference| !gone.contains(&conference.cid)) {
                forget_name(&mut decision, conference, user);
            }
        }
    }
    let removed: Vec<&UserName> = facts.iter().filter_map(Fact::removed).collect();
    forget_accounts(view, &mut decision, &removed);
    let mut runs = Runs::new(view, at);
    for fact in facts {
        match fact {
            Fact::AccountRemoved(user) | Fact::AccountDisabled(user) | Fact::SeatLost(user) => {
                // A call of two needs no seat. Nodes of before know nothing of it, and all must have the same.
                let stays = |cid: &Cid| {
                    matches!(fact, Fact::SeatLost(_))
                        && at.level >= PLACES_LEVEL
                        && view.conference(cid).is_some_and(|conference| conference.call)
                };
                let places = view.places_of(&Person::Account((*user).clone()));
                for (cid, id) in places
                    .iter()
                    .filter(|(cid, _)| !gone.contains(cid) && !stays(cid))
                {
                    runs.remove(&mut decision, cid, *id);
                }
                let is_gone = matches!(fact, Fact::AccountRemoved(_));
                forget_watching(view, &mut decision, user, is_gone);
            }
            Fact::GuestSeatLost(guest) => {
                for (cid, id) in view.places_of(&Person::Guest((*guest).clone())) {
                    runs.remove(&mut decision, &cid, id);
                }
            }
            Fact::Rights(user, rights) => {
                let places = view.places_of(&Person::Account((*user).clone()));
                let zones = view.zones();
                settle_rights(view, &mut decision, at, &places, |one| {
                    narrowed(&zones, one, *rights)
                });
            }
            Fact::GuestsShare(shares) => {
                settle_shares(view, &mut decision, at, &view.guest_places(), *shares)
            }
            Fact::Zones(zones) => follow_zones(view, &mut decision, at, zones),
            Fact::FederatedShare(shares) => {
                settle_rights(view, &mut decision, at, &view.federated_places(), |one| {
                    let screens = *shares && screens_with(view, at, &one.person);
                    rights_of_other(one, screens)
                });
            }
            Fact::Terms(server, terms) if at.level >= TERMS_LEVEL => {
                settle_rights(view, &mut decision, at, &view.places_from(server), |one| {
                    rights_of_other(one, terms.content && view.may_share(&one.person))
                });
                // Whether they write is read anew.
                for (cid, _) in view.places_from(server) {
                    decision.notice(Topic::Meetings, cid.as_str());
                }
            }
            Fact::Terms(..) => {}
            Fact::NodeStands { node, start } => {
                mark_away(view, &mut decision, at, *node, *start);
                end_watching(view, &mut decision, *node, *start);
            }
        }
    }
    runs.finish(&mut decision);
    decision
}

/// The call that an account is in ends with it, and nobody who gets the same user ID later sees whom it called.
fn forget_calls<V: View>(
    view: &V,
    decision: &mut Decision,
    at: Moment,
    facts: &[Fact<'_>],
    gone: &mut BTreeSet<Cid>,
) {
    for fact in facts {
        let Fact::AccountRemoved(user) = fact else {
            continue;
        };
        if let Some(call) = view.open_call_of(user)
            && (gone.insert(call.cid.clone()) || call.caller == **user)
        {
            call.end(decision, How::Talked, at.now);
        }
        decision.effect(Effect::RemoveCalls((*user).clone()));
    }
}

/// Nobody who gets the same user ID later is a moderator or invited because of it.
fn forget_name(decision: &mut Decision, mut conference: Conference, user: &UserName) {
    conference.settings.forget(user);
    decision
        .notice(Topic::Conferences, conference.cid.as_str())
        .effect(Effect::Put(conference));
}

/// Of people who are operators, if at all, by other rights than those.
fn settle_shares<V: View>(
    view: &V,
    decision: &mut Decision,
    at: Moment,
    places: &[(Cid, ParticipantId)],
    shares: bool,
) {
    let zones = view.zones();
    settle_rights(view, decision, at, places, |one| {
        let counts = counts_there(&zones, &one.person, one.address, Right::ShareScreen);
        rights_of_other(one, shares && counts)
    });
}

/// What the zones allow counts at once, also in meetings that go on. Whoever is in stays in.
fn follow_zones<V: View>(view: &V, decision: &mut Decision, at: Moment, zones: &Zones) {
    settle_rights(view, decision, at, &view.account_places(), |one| {
        let given = MeetingRights {
            operator: matches!(&one.person, Person::Account(user) if view.is_operator(user)),
            shares: view.may_share(&one.person),
        };
        narrowed(zones, one, given)
    });
    settle_rights(view, decision, at, &view.guest_places(), |one| {
        let counts = counts_there(zones, &one.person, one.address, Right::ShareScreen);
        rights_of_other(one, counts && view.may_share(&one.person))
    });
}

fn rights_of_other(one: &Participant, shares: bool) -> MeetingRights {
    MeetingRights {
        operator: one.standing.operator,
        shares,
    }
}

/// Rights count at once, also in meetings that go on: who may show no screen any more shows none.
fn settle_rights<V: View>(
    view: &V,
    decision: &mut Decision,
    at: Moment,
    places: &[(Cid, ParticipantId)],
    rights: impl Fn(&Participant) -> MeetingRights,
) {
    if at.level < RIGHTS_LEVEL {
        return;
    }
    for (cid, id) in places {
        let Some(mut one) = view.participant(cid, *id) else {
            continue;
        };
        let standing = one.standing.by_rights(rights(&one));
        if standing == one.standing {
            continue;
        }
        one.content &= !standing.screenless;
        one.standing = standing;
        decision
            .notice(Topic::Meetings, cid.as_str())
            .effect(Effect::PutParticipant(one));
    }
}

fn mark_away<V: View>(view: &V, decision: &mut Decision, at: Moment, node: NodeId, start: u64) {
    let rooms = view.rooms_on_other_starts(node, start);
    if rooms.is_empty() {
        return;
    }
    for cid in rooms {
        decision.notice(Topic::Meetings, cid.as_str());
    }
    decision.effect(Effect::MarkAway {
        node,
        but: start,
        since: at.now,
    });
}

/// What follows once guests may not come in any more: their tokens and places are gone.
pub(crate) fn shut_out_guests<V: View>(view: &V, at: Moment, decision: &mut Decision, cid: &Cid) {
    decision.effect(Effect::RemoveGuests(cid.clone()));
    let mut runs = Runs::new(view, at);
    for id in view.places_of_guests(cid) {
        runs.remove(decision, cid, id);
    }
    runs.finish(decision);
    // Those who are at the door must learn it too.
    decision.notice(Topic::Meetings, cid.as_str());
}
