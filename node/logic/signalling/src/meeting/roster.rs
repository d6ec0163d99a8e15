//! Who is told of whom: all of those who come first, each of themselves and of those they follow, everybody by pages.
//!
//! A meeting of up to [`TOLD`] is told whole. Of a larger one all hear of the first [`TOLD`] and how many there are, so that
//! who comes as the two thousandth costs the others a number and not two thousand messages.

use super::{Listed, Participant, ParticipantId, Role, Roster};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};
use utoipa::ToSchema;

/// Of so many inside all are told, and moderators of so many who wait.
pub const TOLD: usize = 100;
/// Most others that one client follows.
pub const FOLLOWED: usize = 49;
/// Most on a page of [`Listener::list`].
pub const PAGE: usize = 50;

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingCounts)]
pub struct Counts {
    /// Inside, told by name or not.
    pub inside: u32,
    /// In the waiting room; only moderators hear of them, for others it is 0.
    pub waiting: u32,
}

type Rows = BTreeMap<ParticipantId, Participant>;

/// Everybody who has a place in a meeting, as read last, and whom all were told of.
#[derive(Debug, Default)]
pub struct People {
    all: Rows,
    /// Inside, as all were told.
    first: Rows,
    /// In the waiting room, as moderators were told.
    waiting: Rows,
    counts: Counts,
    /// As all were told.
    told: Counts,
    /// Those inside in the order of the list; empty until somebody asks.
    order: Vec<ParticipantId>,
}

/// What is new for all, and for moderators.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    changed: Vec<Participant>,
    gone: Vec<ParticipantId>,
    waits: Vec<Participant>,
    waits_no_more: Vec<ParticipantId>,
    counted: bool,
    recounted_waiting: bool,
}

impl People {
    /// Takes the roster as it is now; gives what is to be told. `ahead` come before others, as who speaks. `count`: whether
    /// numbers alone are worth a message now; if not, they are told later.
    pub fn update(&mut self, now: Vec<Participant>, ahead: &BTreeSet<ParticipantId>, count: bool) -> News {
        self.all = now.into_iter().map(|one| (one.id, one)).collect();
        self.order.clear();
        let (waiting, inside): (Vec<_>, Vec<_>) = self.all.values().partition(|one| one.waiting);
        self.counts = Counts {
            inside: number(inside.len()),
            waiting: number(waiting.len()),
        };
        let first = choose(inside, |one| rank(one, ahead));
        let waiting = choose(waiting, |one| (one.joined_at, one.id));
        let (changed, gone) = replace(&mut self.first, first);
        let (waits, waits_no_more) = replace(&mut self.waiting, waiting);
        let told = !changed.is_empty() || !gone.is_empty();
        let told_waiting = !waits.is_empty() || !waits_no_more.is_empty();
        let mut news = News {
            changed,
            gone,
            waits,
            waits_no_more,
            counted: false,
            recounted_waiting: false,
        };
        if count || told || told_waiting {
            news.counted = told || self.told.inside != self.counts.inside;
            news.recounted_waiting = told_waiting || self.told.waiting != self.counts.waiting;
            self.told = self.counts;
        }
        news
    }

    /// Whether numbers have changed that nobody was told of.
    pub fn owes_counts(&self) -> bool {
        self.told != self.counts
    }

    /// Whether all are told of everybody.
    pub fn is_whole(&self) -> bool {
        self.first.len() == self.counts.inside as usize
    }

    /// Somebody who is inside.
    pub fn inside(&self, id: ParticipantId) -> Option<&Participant> {
        self.all.get(&id).filter(|one| !one.waiting)
    }

    /// Whether all were told of somebody.
    pub fn is_told(&self, id: ParticipantId) -> bool {
        self.first.contains_key(&id)
    }

    /// A page of those inside whose name, or account where that may be known, has `find` in it, whatever the case of letters.
    fn list(&mut self, find: &str, from: u32, by_guest: bool) -> Listed {
        if self.order.is_empty() {
            self.order = in_order(self.all.values().filter(|one| !one.waiting));
        }
        let folded = find.trim().to_lowercase();
        let is_found = |one: &&Participant| {
            let has = |text: &str| text.to_lowercase().contains(&folded);
            folded.is_empty() || has(&one.name) || (!by_guest && one.user.as_deref().is_some_and(has))
        };
        let found = self
            .order
            .iter()
            .filter_map(|id| self.all.get(id))
            .filter(is_found);
        let found: Vec<_> = found.collect();
        let page = found.iter().skip(from as usize).take(PAGE);
        Listed {
            find: find.to_owned(),
            from,
            participants: page.map(|one| (*one).clone()).collect(),
            found: number(found.len()),
        }
    }

    /// As all were told, also to who comes or hears of something else meanwhile: what all are owed still is told to each.
    fn counts_for(&self, moderates: bool) -> Counts {
        Counts {
            inside: self.told.inside,
            waiting: if moderates { self.told.waiting } else { 0 },
        }
    }

    /// Whether all, or all moderators, hear of somebody.
    fn is_known(&self, id: ParticipantId, moderates: bool) -> bool {
        self.is_told(id) || (moderates && self.waiting.contains_key(&id))
    }
}

/// What one client inside was told beside what all were.
#[derive(Debug)]
pub struct Listener {
    own: ParticipantId,
    follows: BTreeSet<ParticipantId>,
    told: Rows,
    moderates: bool,
    /// Guests are strangers: they learn what people are called, and not by which accounts and where these are.
    is_guest: bool,
}

impl Listener {
    /// Of who has this place.
    pub fn new(own: ParticipantId) -> Self {
        Self {
            own,
            follows: BTreeSet::new(),
            told: BTreeMap::new(),
            moderates: false,
            is_guest: true,
        }
    }

    /// Whether accounts are not for them to know.
    pub fn is_guest(&self) -> bool {
        self.is_guest
    }

    fn look_at(&mut self, own: Option<&Participant>) {
        self.moderates = own.is_some_and(|one| one.role > Role::Participant);
        self.is_guest = own.is_none_or(|one| one.guest);
    }

    /// Everybody on a page of the list as they may be shown, found by what is shown.
    pub fn list(&self, people: &mut People, find: &str, from: u32) -> Listed {
        let mut listed = people.list(find, from, self.is_guest);
        self.cover(&mut listed.participants);
        listed
    }

    fn cover(&self, people: &mut [Participant]) {
        if self.is_guest {
            for one in people {
                one.user = None;
                one.node.clear();
            }
        }
    }

    /// Who they hear of from now on, beside those who come first: at most [`FOLLOWED`].
    pub fn follow(&mut self, participants: impl IntoIterator<Item = ParticipantId>) {
        self.follows = participants.into_iter().take(FOLLOWED).collect();
    }

    /// They come in: whom they hear of, and how many there are.
    pub fn begin(&mut self, people: &People) -> (Vec<Participant>, Counts) {
        self.told.clear();
        self.follows.clear();
        let own = people.inside(self.own);
        self.look_at(own);
        let mut all: Vec<_> = people.first.values().cloned().collect();
        if self.moderates {
            all.extend(people.waiting.values().cloned());
        }
        if let Some(own) = own.filter(|own| !people.is_told(own.id)) {
            self.told.insert(own.id, own.clone());
            all.push(own.clone());
        }
        self.cover(&mut all);
        (all, people.counts_for(self.moderates))
    }

    /// What they are told, if anything, after an update of `people` that gave `news`.
    pub fn news(&mut self, people: &People, news: &News) -> Option<Roster> {
        let moderated = self.moderates;
        self.look_at(people.inside(self.own));
        let mut roster = Roster {
            participants: news.changed.clone(),
            gone: news.gone.clone(),
            counts: people.counts_for(self.moderates),
        };
        match (moderated, self.moderates) {
            (true, true) => roster.participants.extend(news.waits.iter().cloned()),
            (false, true) => roster.participants.extend(people.waiting.values().cloned()),
            (true, false) => roster.gone.extend(people.waiting.keys()),
            (false, false) => {}
        }
        if moderated {
            roster.gone.extend(&news.waits_no_more);
        }
        self.add_followed(people, &mut roster);
        self.cover(&mut roster.participants);
        let stays = |id: &ParticipantId| people.is_known(*id, self.moderates) || self.told.contains_key(id);
        roster.gone.retain(|id| !stays(id));
        let recounted = news.counted || (self.moderates && news.recounted_waiting);
        let is_new = recounted
            || moderated != self.moderates
            || !roster.participants.is_empty()
            || !roster.gone.is_empty();
        is_new.then_some(roster)
    }

    /// Adds oneself and those one follows, where not all hear of them.
    fn add_followed(&mut self, people: &People, roster: &mut Roster) {
        let wanted = |id: &ParticipantId| *id == self.own || self.follows.contains(id);
        let is_over = |id: &ParticipantId| !wanted(id) || people.inside(*id).is_none() || people.is_told(*id);
        let over: Vec<_> = self.told.keys().copied().filter(is_over).collect();
        for id in over {
            self.told.remove(&id);
            // Those of whom all hear are taken out again.
            roster.gone.push(id);
        }
        for id in self.follows.iter().chain([&self.own]) {
            let one = people.inside(*id).filter(|one| !people.is_told(one.id));
            if let Some(one) = one.filter(|one| self.told.get(id) != Some(one)) {
                roster.participants.push(one.clone());
                self.told.insert(*id, one.clone());
            }
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// At most [`TOLD`], those with the lowest key.
fn choose<K: Ord>(mut all: Vec<&Participant>, key: impl Fn(&Participant) -> K) -> Rows {
    if all.len() > TOLD {
        all.select_nth_unstable_by_key(TOLD - 1, |one| key(one));
        all.truncate(TOLD);
    }
    all.into_iter().map(|one| (one.id, one.clone())).collect()
}

/// Who is told of first: who is seen and heard, who leads, who wants to speak, and then who was there first.
fn rank(one: &Participant, ahead: &BTreeSet<ParticipantId>) -> impl Ord + use<> {
    (
        Reverse(one.podium.is_some()),
        Reverse(ahead.contains(&one.id)),
        Reverse(one.role),
        Reverse(one.content || one.remark),
        one.hand.is_none(),
        one.hand,
        Reverse(one.camera),
        one.joined_at,
        one.id,
    )
}

/// Puts `now` in place of `before`; gives who is new or has changed, and who is gone.
fn replace(before: &mut Rows, now: Rows) -> (Vec<Participant>, Vec<ParticipantId>) {
    let changed = now.values().filter(|one| before.get(&one.id) != Some(one));
    let changed = changed.cloned().collect();
    let gone = before
        .keys()
        .filter(|id| !now.contains_key(id))
        .copied()
        .collect();
    *before = now;
    (changed, gone)
}

/// Hands in the order in which they were raised, then names, whatever the case of letters.
fn in_order<'a>(people: impl Iterator<Item = &'a Participant>) -> Vec<ParticipantId> {
    let key = |one: &Participant| {
        (
            one.hand.is_none(),
            one.hand,
            one.name.to_lowercase(),
            one.joined_at,
            one.id,
        )
    };
    let mut keys: Vec<_> = people.map(key).collect();
    keys.sort();
    keys.into_iter().map(|(.., id)| id).collect()
}
