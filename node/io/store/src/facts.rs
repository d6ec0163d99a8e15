//! What a decision of one part of the server means to the others.

use crate::view::StoreView;
use plenary_access::{Change, Effect, FederationMode, PartnerTerms, View, Zones, rules::rights_after};
use plenary_conference::{self as conference, MeetingView as _, Person, View as _};
use plenary_licensing::{Fact, Who};
use plenary_model::{GroupId, GuestId, NodeId, Right, ServerName, UserName};
use std::collections::BTreeMap;

/// A fact about seats with all that it names.
pub(crate) enum Seat {
    User {
        place: u64,
        user: UserName,
        node: NodeId,
    },
    Guest {
        place: u64,
        guest: GuestId,
        node: NodeId,
    },
    Left(u64),
    Online {
        session: String,
        user: UserName,
        node: NodeId,
    },
    Offline {
        session: String,
        node: NodeId,
    },
    Gone(UserName),
    Started(NodeId),
    Lost(NodeId),
    Restored(NodeId),
    /// No seat, but as these a matter of the licence.
    Federates,
}

impl Seat {
    pub(crate) fn fact(&self) -> Fact<'_> {
        match self {
            Self::User { place, user, node } => Fact::Joined {
                place: *place,
                who: Who::User(user),
                node: *node,
            },
            Self::Guest { place, guest, node } => Fact::Joined {
                place: *place,
                who: Who::Guest(guest),
                node: *node,
            },
            Self::Left(place) => Fact::Left { place: *place },
            Self::Online { session, user, node } => Fact::DeviceOnline {
                session,
                user,
                node: *node,
            },
            Self::Offline { session, node } => Fact::DeviceOffline { session, node: *node },
            Self::Gone(user) => Fact::AccountGone(user),
            Self::Started(node) => Fact::NodeStarted(*node),
            Self::Lost(node) => Fact::NodeLost(*node),
            Self::Restored(node) => Fact::Restored(*node),
            Self::Federates => Fact::Federates,
        }
    }
}

/// What an effect on accounts and nodes means to conferences.
pub(crate) fn of_effect(effect: &Effect) -> Option<conference::Fact<'_>> {
    match effect {
        Effect::RemoveUser(user) => Some(conference::Fact::AccountRemoved(user)),
        Effect::PutUser(user) if !user.active => Some(conference::Fact::AccountDisabled(&user.id)),
        Effect::PutNode(member) => Some(conference::Fact::NodeStands {
            node: member.id,
            start: member.epoch,
        }),
        Effect::RemoveNode(node) => Some(conference::Fact::NodeStands {
            node: *node,
            start: 0,
        }),
        _ => None,
    }
}

/// Rights that are others from now on, of those who have a place in a meeting.
pub(crate) struct Rights {
    of: Vec<(UserName, conference::MeetingRights)>,
    /// Whether guests may show a screen.
    guests: Option<bool>,
    /// The same of people of partners' servers.
    federated: Option<bool>,
    /// The terms with those servers of which people are there.
    terms: Vec<(ServerName, PartnerTerms)>,
    zones: Option<Zones>,
}

impl Rights {
    pub(crate) fn facts(&self) -> impl Iterator<Item = conference::Fact<'_>> {
        let of = self.of.iter();
        let of = of.map(|(user, rights)| conference::Fact::Rights(user, *rights));
        of.chain(self.guests.map(conference::Fact::GuestsShare))
            .chain(self.federated.map(conference::Fact::FederatedShare))
            .chain(self.zones.as_ref().map(conference::Fact::Zones))
            .chain(
                self.terms
                    .iter()
                    .map(|(server, terms)| conference::Fact::Terms(server, terms)),
            )
    }
}

/// What a decision on accounts and groups means to the rights of those who meet. The view has what was before it.
pub(crate) fn rights(view: &StoreView<'_>, decision: &plenary_access::Decision) -> Rights {
    let mut users = Vec::new();
    let (mut groups, mut guests, mut federated) = (false, None, None);
    for effect in &decision.effects {
        match effect {
            Effect::PutUser(user) => users.push(user),
            Effect::RemoveGroup(_) => groups = true,
            Effect::PutGroup(group) => {
                groups = true;
                let shares = Some(group.rights.allows(Right::ShareScreen));
                if group.id == GroupId::guests() {
                    guests = shares;
                } else if group.id == GroupId::federated() {
                    federated = shares;
                }
            }
            _ => {}
        }
    }
    let concerned = match users.as_slice() {
        [] if !groups => Vec::new(),
        [user] if !groups => vec![user.id.clone()],
        _ => view.accounts_inside(),
    };
    let of = concerned.into_iter().filter_map(|name| {
        if view.places_of(&Person::Account(name.clone())).is_empty() {
            return None;
        }
        let user = view.user(&name)?;
        let rights = rights_after(view, &decision.effects, &user)?;
        Some((
            name,
            conference::MeetingRights {
                operator: rights.allows(Right::Operator),
                shares: rights.allows(Right::ShareScreen),
            },
        ))
    });
    Rights {
        of: of.collect(),
        guests,
        federated,
        terms: terms(view, decision),
        zones: zones(view, decision),
    }
}

/// The zones, where a decision changes them.
fn zones(view: &StoreView<'_>, decision: &plenary_access::Decision) -> Option<Zones> {
    let put = decision.effects.iter().rev().find_map(|effect| match effect {
        Effect::PutSettings(settings) => Some(&settings.zones),
        _ => None,
    });
    put.filter(|zones| **zones != view.settings().zones).cloned()
}

/// Terms that a decision changes, of servers whose people are there.
fn terms(view: &StoreView<'_>, decision: &plenary_access::Decision) -> Vec<(ServerName, PartnerTerms)> {
    let (mut usual, mut own) = (None, BTreeMap::new());
    for effect in &decision.effects {
        match effect {
            Effect::PutSettings(settings) if settings.partner_terms != view.settings().partner_terms => {
                usual = Some(&settings.partner_terms);
            }
            Effect::PutPartner(partner) => {
                own.insert(&partner.server, partner.terms.as_ref());
            }
            Effect::RemovePartner(server) => {
                own.insert(server, None);
            }
            _ => {}
        }
    }
    if usual.is_none() && own.is_empty() {
        return Vec::new();
    }
    let now = |server: &ServerName| match own.get(server) {
        Some(own) => Some(
            own.or(usual)
                .cloned()
                .unwrap_or_else(|| view.settings().partner_terms),
        ),
        None => usual
            .filter(|_| View::partner(view, server).is_none_or(|partner| partner.terms.is_none()))
            .cloned(),
    };
    let changed = view
        .servers_inside()
        .into_iter()
        .filter_map(|server| now(&server).map(|terms| (server, terms)));
    changed.collect()
}

/// What a decision on accounts, devices and nodes means to seats.
pub(crate) fn of_access(
    view: &StoreView<'_>,
    change: &Change,
    decision: &plenary_access::Decision,
) -> Vec<Seat> {
    let mut seats = Vec::new();
    match change {
        // Also when the session is no more: its device was still there.
        Change::DeviceOffline { session, node, epoch } => {
            if view.node(*node).is_some_and(|member| member.epoch == *epoch) {
                seats.push(Seat::Offline {
                    session: session.clone(),
                    node: *node,
                });
            }
            return seats;
        }
        Change::NodeStarted { node, .. } => {
            seats.push(Seat::Started(*node));
            return seats;
        }
        Change::NodeLost { node } | Change::RemoveNode { node } if !decision.effects.is_empty() => {
            seats.push(Seat::Lost(*node));
            return seats;
        }
        Change::RestoreServer { node, .. } => {
            seats.push(Seat::Restored(*node));
            return seats;
        }
        _ => {}
    }
    for effect in &decision.effects {
        match effect {
            Effect::RemoveUser(user) => seats.push(Seat::Gone(user.clone())),
            Effect::PutUser(user) if !user.active => seats.push(Seat::Gone(user.id.clone())),
            Effect::SetOnline {
                session,
                node: Some(node),
            } => seats.extend(view.session(session).map(|found| Seat::Online {
                session: found.id,
                user: found.user,
                node: *node,
            })),
            // Who met with others when the licence ended may still change with whom.
            Effect::PutSettings(settings) => {
                let was = view.settings().federation.mode;
                if was == FederationMode::Off && settings.federation.mode != was {
                    seats.push(Seat::Federates);
                }
            }
            _ => {}
        }
    }
    seats
}

/// What a decision on conferences means to seats. Whoever leaves otherwise than by the word of its node is ended there
/// first (`plenary_licensing::Change::Ended`). A call of two needs none until it becomes a conference.
pub(crate) fn of_conference(
    view: &StoreView<'_>,
    change: &conference::Change,
    decision: &conference::Decision,
) -> Vec<Seat> {
    if let conference::Change::Widen { cid } = change {
        return view.everybody(cid).iter().filter_map(seat_of).collect();
    }
    let comes = match change {
        conference::Change::Enter { cid, .. } | conference::Change::Resume { cid, .. } => {
            !view.conference(cid).is_some_and(|conference| conference.call)
        }
        _ => false,
    };
    let goes = matches!(change, conference::Change::Leave { .. });
    let seat = |effect: &conference::Effect| match effect {
        conference::Effect::PutParticipant(participant) if comes => seat_of(participant),
        conference::Effect::RemoveParticipant { id, .. } if goes => Some(Seat::Left(id.0)),
        _ => None,
    };
    decision.effects.iter().filter_map(seat).collect()
}

/// None for who takes their seat on their own server (LIC-10).
fn seat_of(participant: &conference::Participant) -> Option<Seat> {
    let (place, node) = (participant.id.0, participant.node);
    Some(match &participant.person {
        Person::Account(user) => Seat::User {
            place,
            user: user.clone(),
            node,
        },
        Person::Guest(guest) => Seat::Guest {
            place,
            guest: guest.clone(),
            node,
        },
        Person::Federated(_) => return None,
    })
}
