//! What the room tells one person and not the others.

use super::{Keeper, Seated};
use crate::View;
use plenary_signalling::{
    ServerBody,
    meeting::{
        Invitations, Invited, InvitedPerson, Layout, OwnLayout, ParticipantId, RemovedPeople, Role, Watchers,
    },
};
use std::collections::{BTreeSet, HashMap};

/// What somebody was told of what is theirs alone.
#[derive(Default)]
pub(crate) struct ToldAlone {
    invitations: Vec<InvitedPerson>,
    watchers: Watchers,
    removed: RemovedPeople,
    layout: Option<Layout>,
}

impl Keeper {
    /// After the roster, so that everybody knows of whom it is.
    pub(super) fn tell_alone(&mut self, view: &View) {
        let moderators = moderators(view);
        let layouts: HashMap<_, _> = view
            .participants
            .iter()
            .filter_map(|one| Some((one.participant.id, one.layout.as_ref()?)))
            .collect();
        for seated in self.seated.values_mut() {
            if !seated.is_inside() {
                seated.alone = ToldAlone::default();
                continue;
            }
            tell_invitations(seated, view, &moderators);
            tell_watchers(seated, view, &moderators);
            tell_removed(seated, view, &moderators);
            tell_layout(seated, &layouts);
        }
    }
}

/// Those inside who moderate.
pub(super) fn moderators(view: &View) -> BTreeSet<ParticipantId> {
    let all = view.participants.iter().map(|one| &one.participant);
    all.filter(|one| one.role > Role::Participant)
        .map(|one| one.id)
        .collect()
}

fn tell_invitations(seated: &mut Seated, view: &View, moderators: &BTreeSet<ParticipantId>) {
    let own = seated.place.participant;
    let concerns = |one: &&InvitedPerson| {
        moderators.contains(&own) || (one.participant == own && one.state == Invited::Asked)
    };
    let people: Vec<_> = view.invitations.iter().filter(concerns).cloned().collect();
    if people != seated.alone.invitations {
        seated.alone.invitations.clone_from(&people);
        let news = ServerBody::Invitations(Invitations { people });
        seated.tell.send(news).ok();
    }
}

/// Moderators hear who watches; who is one no more forgets it.
fn tell_watchers(seated: &mut Seated, view: &View, moderators: &BTreeSet<ParticipantId>) {
    let watchers = if moderators.contains(&seated.place.participant) {
        view.watchers.clone()
    } else {
        Watchers::default()
    };
    if watchers != seated.alone.watchers {
        seated.alone.watchers.clone_from(&watchers);
        seated.tell.send(ServerBody::Watchers(watchers)).ok();
    }
}

/// Moderators hear whom they may let back; who is one no more forgets it.
fn tell_removed(seated: &mut Seated, view: &View, moderators: &BTreeSet<ParticipantId>) {
    let mut removed = if moderators.contains(&seated.place.participant) {
        view.removed.clone()
    } else {
        RemovedPeople::default()
    };
    if seated.listener.is_guest() {
        for person in &mut removed.people {
            person.user = None;
        }
    }
    if removed != seated.alone.removed {
        seated.alone.removed.clone_from(&removed);
        seated.tell.send(ServerBody::Removed(removed)).ok();
    }
}

fn tell_layout(seated: &mut Seated, layouts: &HashMap<ParticipantId, &Layout>) {
    let layout = layouts.get(&seated.place.participant).copied();
    if layout != seated.alone.layout.as_ref() {
        seated.alone.layout = layout.cloned();
        let layout = layout.cloned();
        let news = ServerBody::OwnLayout(OwnLayout { layout });
        seated.tell.send(news).ok();
    }
}
