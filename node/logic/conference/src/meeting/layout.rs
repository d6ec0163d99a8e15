//! What a moderator has everybody look at, or one alone (CONF-11).

use super::{Meetings, Participant, ParticipantId, Runs, moderate::conflict};
use crate::{Conference, Decision, PLACES_LEVEL, Party, Settings, View};
use plenary_access::{
    Refusal, fold,
    rules::{check_text, invalid},
};
use plenary_model::{Cid, limits};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How pictures are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    /// All of one size.
    #[default]
    Gallery,
    /// Content, else who is pinned, else who speaks is large, the others in a strip.
    Speaker,
    /// The same without the strip.
    Alone,
    /// As `Speaker`, but what is shared is large whoever is pinned or has the large place.
    Content,
}

/// What one place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// Who is next of those who have no place of their own.
    Automatic,
    /// Always the same, for as long as they are in; then as if it was automatic.
    Person(ParticipantId),
    /// Who speaks, or spoke last.
    Speaker,
    /// What is shared; nobody shares: as if it was automatic.
    Content,
}

/// One layout for all who are in, gone with the run; or for one, gone with them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Layout {
    pub arrangement: Arrangement,
    /// Who is large, whoever speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<ParticipantId>,
    /// Nobody chooses another one for themselves.
    pub locked: bool,
    /// What the first places hold, the large one before others; at most 25. The others are automatic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
    /// Of more people than there are places others are shown each so many seconds, 5 to 3,600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffle_s: Option<u16>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_hidden: bool,
    /// The name of the kept one that it is: who has a place in that takes it when they come. Whoever switches to it names it,
    /// and what else they say does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

impl Layout {
    /// Whether it says what only nodes know that know places.
    pub(crate) fn is_of_slots(&self) -> bool {
        !self.slots.is_empty() || self.shuffle_s.is_some() || self.names_hidden
    }

    fn people(&self) -> impl Iterator<Item = ParticipantId> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Person(id) => Some(*id),
            Slot::Automatic | Slot::Speaker | Slot::Content => None,
        })
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.slots.len() > limits::LAYOUT_SLOTS {
            return Err(invalid("layout.slots", "must be at most 25"));
        }
        let people: BTreeSet<_> = self.people().collect();
        if people.len() < self.people().count() {
            return Err(invalid(
                "layout.slots",
                "name somebody twice; everybody has one place",
            ));
        }
        let good = limits::SHUFFLE_MIN_S..=limits::SHUFFLE_S;
        if self.shuffle_s.is_some_and(|seconds| !good.contains(&seconds)) {
            return Err(invalid("layout.shuffle_s", "must be 5 to 3,600 seconds"));
        }
        Ok(())
    }
}

/// A layout that a conference keeps by a name, for moderators to switch to. It outlives runs, so that it names no participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLayout {
    /// 1 to 64 characters; no two of a conference have the same, whatever the case of their letters.
    pub name: String,
    pub layout: Layout,
    /// Who is in which place, from 0 on, when they are there; it is automatic in `layout`. Guests have no ID that lasts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<u8, Party>,
}

impl KeptLayout {
    fn check_people(&self) -> Result<(), Refusal> {
        let is_free = |place: &u8| self.layout.slots.get(usize::from(*place)) == Some(&Slot::Automatic);
        if !self.people.keys().all(is_free) {
            let reason = "must be in places that the layout has, and that hold nothing else";
            return Err(invalid("layouts.people", reason));
        }
        let each: BTreeSet<_> = self.people.values().collect();
        if each.len() < self.people.len() {
            let reason = "name somebody twice; everybody has one place";
            return Err(invalid("layouts.people", reason));
        }
        Ok(())
    }
}

/// Whether those who get a place in a layout have accounts.
pub(crate) fn check_in_layouts<V: View>(
    view: &V,
    before: &Settings,
    after: &Settings,
) -> Result<(), Refusal> {
    let known = before.in_layouts();
    for user in after.in_layouts().difference(&known) {
        if !view.is_account(user) {
            let reason = format!("there is no user {:?}", user.as_str());
            return Err(invalid("layouts.people", reason));
        }
    }
    Ok(())
}

/// The one of this name, whatever the case of its letters.
fn kept_as<'a>(conference: &'a Conference, name: &str) -> Option<&'a KeptLayout> {
    let mut all = conference.settings.layouts.iter();
    all.find(|kept| fold(&kept.name) == fold(name.trim()))
}

/// Whether a conference can keep these.
pub(crate) fn check_kept(layouts: &[KeptLayout]) -> Result<(), Refusal> {
    if layouts.len() > limits::KEPT_LAYOUTS {
        return Err(invalid("layouts", "must be at most 20"));
    }
    let mut names = BTreeSet::new();
    for kept in layouts {
        let KeptLayout { name, layout, .. } = kept;
        check_text("layouts.name", name, 1, limits::LAYOUT_NAME)?;
        if !names.insert(fold(name.trim())) {
            let reason = format!(
                "{:?} is there twice; each layout has a name of its own",
                name.trim()
            );
            return Err(invalid("layouts.name", reason));
        }
        layout.check()?;
        if layout.pinned.is_some() || layout.people().next().is_some() || layout.kept.is_some() {
            let reason = "name a participant, who is in one meeting only; places hold an account, who is next, who speaks, or \
                          what is shared";
            return Err(invalid("layouts.slots", reason));
        }
        kept.check_people()?;
    }
    Ok(())
}

impl<V: View> Meetings<'_, V> {
    pub(super) fn set_layout(
        &self,
        conference: &Conference,
        layout: Option<Layout>,
    ) -> Result<Decision, Refusal> {
        let cid = &conference.cid;
        let layout = layout
            .map(|layout| self.as_kept(conference, layout))
            .transpose()?;
        if let Some(layout) = &layout {
            self.check_layout(cid, layout)?;
        }
        let mut decision = Decision::default();
        let mut runs = Runs::new(self.view, self.at);
        let run = runs.of(cid);
        if !run.is_on() {
            return Err(conflict("nobody is in the meeting: there is nothing to lay out"));
        }
        run.layout = layout;
        runs.finish(&mut decision);
        Ok(decision)
    }

    /// A layout that is named as kept is that one, with those in their places who are there.
    fn as_kept(&self, conference: &Conference, layout: Layout) -> Result<Layout, Refusal> {
        let Some(name) = &layout.kept else {
            return Ok(layout);
        };
        let kept = kept_as(conference, name).ok_or_else(|| {
            conflict(&format!(
                "the conference keeps no layout {name:?} any more; choose another one"
            ))
        })?;
        let mut shown = Layout {
            kept: Some(kept.name.clone()),
            ..kept.layout.clone()
        };
        for (place, who) in &kept.people {
            let own = self.view.places(&conference.cid, &who.person());
            let inside = own.iter().filter(|one| one.standing.waiting.is_none());
            // On several devices: on the one that is there, and came first.
            let first = inside.min_by_key(|one| (one.away, one.joined_at, one.id));
            if let (Some(first), Some(slot)) = (first, shown.slots.get_mut(usize::from(*place))) {
                *slot = Slot::Person(first.id);
            }
        }
        Ok(shown)
    }

    /// Who comes in while a kept layout is shown takes the place that it has for them, unless they have it already. Gives
    /// whether they did.
    pub(crate) fn take_kept_place(
        &self,
        runs: &mut Runs<'_, V>,
        conference: &Conference,
        one: &Participant,
    ) -> bool {
        if self.at.level < PLACES_LEVEL || one.standing.waiting.is_some() {
            return false;
        }
        let Some(layout) = &mut runs.of(&conference.cid).layout else {
            return false;
        };
        let kept = layout.kept.as_deref().and_then(|name| kept_as(conference, name));
        let own = kept.and_then(|kept| kept.people.iter().find(|(_, who)| who.person() == one.person));
        let slot = own.and_then(|(place, _)| layout.slots.get_mut(usize::from(*place)));
        let Some(slot) = slot else {
            return false;
        };
        let is_taken = match *slot {
            Slot::Person(id) => self
                .view
                .participant(&conference.cid, id)
                .is_some_and(|other| !other.away),
            Slot::Automatic => false,
            // The conference keeps another one of that name by now.
            Slot::Speaker | Slot::Content => true,
        };
        if !is_taken {
            *slot = Slot::Person(one.id);
        }
        !is_taken
    }

    pub(super) fn check_layout_of_one(&self, cid: &Cid, layout: &Layout) -> Result<(), Refusal> {
        if layout.kept.is_some() {
            let reason = "is for everybody, if it is a kept one; send what is in it";
            return Err(invalid("layout.kept", reason));
        }
        self.check_layout(cid, layout)
    }

    /// Whether a layout makes sense, and those whom it names are in.
    pub(super) fn check_layout(&self, cid: &Cid, layout: &Layout) -> Result<(), Refusal> {
        layout.check()?;
        for id in layout.pinned.into_iter().chain(layout.people()) {
            let named = self.view.participant(cid, id);
            if named.is_none_or(|one| one.standing.waiting.is_some()) {
                return Err(conflict("who is to have a place is not in the meeting any more"));
            }
        }
        Ok(())
    }
}
