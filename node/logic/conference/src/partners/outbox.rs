//! What servers of partners are to be told of conferences that name their people (FED-02).
//!
//! ```text
//!  a conference changes ──► tell_partners ──► Message, one for each person and conference; a newer one replaces it
//!                                                │ the leader delivers it, again and again
//!              SettleMessages ◄── taken, refused, or 72 h are over
//! ```
//!
//! It is written in the decision that changes the conference: whatever is acknowledged is told.

use crate::{Conference, Decision, Effect, Launch, OUTBOX_LEVEL, SettingsPatch, View, meeting::Meetings};
use plenary_access::{EventDraft, EventKind, Moment, Refusal, Topic};
use plenary_model::{Cid, Revision, ServerName, Timestamp, UserId, UserName, limits};
use plenary_schedule::Occurrence;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Milliseconds for which a message is tried to be delivered.
pub const MESSAGE_MS: u64 = 72 * 3_600_000;

/// How a conference of a partner's comes to be open, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    VirtualRoom,
    ByHand,
    Scheduled,
}

/// What somebody who is named is told of a conference by its server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bidding {
    /// The ID by which people find it there.
    pub id: Cid,
    pub name: String,
    pub owner: UserName,
    /// What the owner is called.
    pub owner_name: String,
    pub moderator: bool,
    pub opening: Opening,
    /// The next time by its schedule; a schedule without one is over.
    #[serde(default)]
    pub next: Option<Occurrence>,
}

/// Waits to be told to a partner's server.
///
/// Invariant: there is one for a person and a conference at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The key of the conference.
    pub cid: Cid,
    pub user: UserId,
    /// Of the change that it tells of; later ones of the same conference and person have higher ones.
    pub revision: Revision,
    pub created_at: Timestamp,
    /// `None`: they are named no more.
    pub bidding: Option<Bidding>,
}

impl Message {
    /// When it is given up.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus_ms(MESSAGE_MS)
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    pub cid: Cid,
    pub user: UserId,
    /// That it is still this one.
    pub revision: Revision,
    /// Why it was given up, for administrators; `None`: the partner has taken it.
    #[serde(default)]
    pub given_up: Option<String>,
}

/// What the rules read of messages to partners.
pub trait OutboxView {
    /// The name of this server.
    fn own_server(&self) -> Option<ServerName>;
    fn message(&self, cid: &Cid, user: &UserId) -> Option<Message>;
    /// Messages that wait, to all.
    fn messages(&self) -> u64;
    /// Those to one server.
    fn messages_to(&self, server: &ServerName) -> u64;
}

/// Adds to `decisions`, none of which is carried out yet, what partners are told of them. It follows from the effects, so that
/// no way in which a conference changes is forgotten.
pub fn tell_partners<V: View>(view: &V, at: Moment, decisions: &mut [Decision]) {
    if at.level < OUTBOX_LEVEL {
        return;
    }
    // Each as the last effect leaves it.
    let mut touched: BTreeMap<Cid, Option<Conference>> = BTreeMap::new();
    for effect in decisions.iter().flat_map(|decision| &decision.effects) {
        match effect {
            Effect::Put(conference) => drop(touched.insert(conference.cid.clone(), Some(conference.clone()))),
            Effect::Remove(cid) => drop(touched.insert(cid.clone(), None)),
            _ => {}
        }
    }
    let Some(last) = decisions.last_mut() else { return };
    for (cid, after) in touched {
        let before = view.conference(&cid);
        for (user, bidding) in news(view, before.as_ref(), after.as_ref()) {
            last.effect(Effect::PutMessage(Message {
                cid: cid.clone(),
                user,
                revision: at.revision,
                created_at: at.now,
                bidding,
            }));
        }
    }
}

/// What is new for whom.
fn news<V: View>(
    view: &V,
    before: Option<&Conference>,
    after: Option<&Conference>,
) -> BTreeMap<UserId, Option<Bidding>> {
    let named = |conference: &Conference| conference.settings.named_abroad();
    let known = before.map(named).unwrap_or_default();
    let wanted = after.map(named).unwrap_or_default();
    if known.is_empty() && wanted.is_empty() {
        return BTreeMap::new();
    }
    let told = before.map(|before| bidding(view, before));
    let mut tells = after.map(|after| bidding(view, after));
    if let (Some(before), Some(after), Some(tells)) = (before, after, &mut tells)
        && before.launch == after.launch
        && tells.next.is_none()
    {
        // Its last time begins: it is not over before that has passed.
        tells.next = before.next;
    }
    let mut news = BTreeMap::new();
    for (user, moderator) in &wanted {
        let of = |told: &Bidding, moderator: bool| Bidding {
            moderator,
            ..told.clone()
        };
        let was = known.get(user).zip(told.as_ref());
        let was = was.map(|(moderator, told)| of(told, *moderator));
        let is = tells.as_ref().map(|tells| of(tells, *moderator));
        if was != is {
            news.insert(user.clone(), is);
        }
    }
    let gone = known.into_keys().filter(|user| !wanted.contains_key(user));
    news.extend(gone.map(|user| (user, None)));
    news
}

/// What is told of a conference to whoever is invited.
fn bidding<V: View>(view: &V, conference: &Conference) -> Bidding {
    let owner = view.account(&conference.owner);
    Bidding {
        id: conference.id().clone(),
        name: conference.name.clone(),
        owner: conference.owner.clone(),
        owner_name: owner.map_or_else(|| conference.owner.to_string(), |owner| owner.display_name),
        moderator: false,
        opening: match conference.launch {
            Launch::VirtualRoom => Opening::VirtualRoom,
            Launch::ByHand => Opening::ByHand,
            Launch::Scheduled(_) => Opening::Scheduled,
        },
        next: conference.next,
    }
}

/// Whether there is room for messages to the servers of people who are newly named.
///
/// # Errors
/// There is none.
pub(crate) fn check_room<'a, V: View>(
    view: &V,
    new: impl IntoIterator<Item = &'a UserId>,
) -> Result<(), Refusal> {
    let servers: std::collections::BTreeSet<_> = new.into_iter().map(|user| &user.server).collect();
    for server in servers {
        if view.messages() >= limits::MESSAGES as u64
            || view.messages_to(server) >= limits::MESSAGES_PER_PARTNER as u64
        {
            return Err(Refusal::Full(format!(
                "too much waits to be told to other servers to tell {server} more; look at the page of other servers whether it can be reached, and try again"
            )));
        }
    }
    Ok(())
}

/// Whoever is written with this server is an account of it.
pub(crate) fn at_home<V: View>(view: &V, patch: &SettingsPatch) -> SettingsPatch {
    let mut patch = patch.clone();
    let names_others = patch.is_of_abroad() || patch.places_people();
    let Some(me) = view.own_server().filter(|_| names_others) else {
        return patch;
    };
    for who in patch
        .layouts
        .iter_mut()
        .flatten()
        .flat_map(|kept| kept.people.values_mut())
    {
        *who = who.clone().seen_from(&me);
    }
    for who in patch.lecturers.iter_mut().flatten() {
        *who = who.clone().seen_from(&me);
    }
    let sort = |abroad: &mut Vec<UserId>, here: &mut Option<Vec<UserName>>| {
        let (own, others): (Vec<_>, Vec<_>) = std::mem::take(abroad)
            .into_iter()
            .partition(|user| user.server == me);
        *abroad = others;
        here.get_or_insert_default()
            .extend(own.into_iter().map(|user| user.name));
    };
    if !patch.moderators_abroad.is_empty() {
        sort(&mut patch.moderators_abroad, &mut patch.moderators);
    }
    if !patch.invited_abroad.is_empty() {
        sort(&mut patch.invited_abroad, &mut patch.invited);
    }
    patch
}

impl<V: View> Meetings<'_, V> {
    /// Messages were taken or are given up. Nothing follows for those that newer ones have replaced.
    pub(crate) fn settle_messages(&self, settled: &[Settled]) -> Decision {
        let mut decision = Decision::default();
        let mut given_up: BTreeMap<(&ServerName, &str), Vec<String>> = BTreeMap::new();
        for one in settled {
            let found = self.view.message(&one.cid, &one.user);
            let Some(message) = found.filter(|message| message.revision == one.revision) else {
                continue;
            };
            decision.effect(Effect::RemoveMessage {
                cid: one.cid.clone(),
                user: one.user.clone(),
            });
            if let Some(why) = &one.given_up {
                let id = message.bidding.map_or_else(|| one.cid.clone(), |told| told.id);
                let of = given_up.entry((&one.user.server, why)).or_default();
                of.push(format!("{} ({id})", one.user.name));
            }
        }
        for ((server, why), mut people) in given_up {
            let more = people.len().saturating_sub(NAMED);
            people.truncate(NAMED);
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            let text = format!(
                "was not told of conferences: {why}; it was about {}{more}",
                people.join(", ")
            );
            decision.event(EventDraft {
                kind: EventKind::Change,
                success: false,
                object_kind: "partner",
                object: server.to_string(),
                description: text,
                changes: Vec::new(),
                actor: None,
            });
            decision.notice(Topic::Events, "");
        }
        decision
    }
}

/// Most people whom an event names.
const NAMED: usize = 10;
