use super::{ConferenceArrangement, parse};
use crate::problem::Problem;
use plenary_conference::{KeptLayout, Layout, Slot};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a place of a kept layout holds: who is next, who speaks, what is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceKeptSlot {
    Automatic,
    Speaker,
    Content,
}

/// A place of a kept layout that is somebody's when they are there; it is `automatic` else.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceKeptPlace {
    /// Its number, from 1 on.
    #[schema(minimum = 1, maximum = 25)]
    pub place: u8,
    /// The user ID, of people of other servers with `@` and the server.
    #[schema(min_length = 1, max_length = 320)]
    pub user: String,
}

/// A layout that a conference keeps, between which moderators switch in the meeting.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceKeptLayout {
    /// No two have the same.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    pub arrangement: ConferenceArrangement,
    /// Nobody chooses another one.
    #[serde(default)]
    pub locked: bool,
    /// What the first places hold, the large one before others; the others hold who is next.
    #[serde(default)]
    #[schema(max_items = 25)]
    pub slots: Vec<ConferenceKeptSlot>,
    /// Of more people than there are places others are shown each so many seconds.
    #[serde(default)]
    #[schema(required, minimum = 5, maximum = 3600)]
    pub shuffle_s: Option<u16>,
    #[serde(default)]
    pub names_hidden: bool,
    /// Who has which place; nobody for those who do not moderate.
    #[serde(default)]
    #[schema(max_items = 25)]
    pub people: Vec<ConferenceKeptPlace>,
}

impl ConferenceKeptLayout {
    pub(crate) fn of(kept: KeptLayout, moderates: bool) -> Self {
        let slot = |slot: Slot| match slot {
            Slot::Automatic | Slot::Person(_) => ConferenceKeptSlot::Automatic,
            Slot::Speaker => ConferenceKeptSlot::Speaker,
            Slot::Content => ConferenceKeptSlot::Content,
        };
        let people = kept.people.into_iter().filter(|_| moderates);
        let people = people.map(|(place, who)| ConferenceKeptPlace {
            place: place.saturating_add(1),
            user: who.to_string(),
        });
        let layout = kept.layout;
        Self {
            name: kept.name,
            arrangement: layout.arrangement.into(),
            locked: layout.locked,
            slots: layout.slots.into_iter().map(slot).collect(),
            shuffle_s: layout.shuffle_s,
            names_hidden: layout.names_hidden,
            people: people.collect(),
        }
    }

    pub(crate) fn read(self) -> Result<KeptLayout, Problem> {
        let slot = |slot| match slot {
            ConferenceKeptSlot::Automatic => Slot::Automatic,
            ConferenceKeptSlot::Speaker => Slot::Speaker,
            ConferenceKeptSlot::Content => Slot::Content,
        };
        let mut people = BTreeMap::new();
        for ConferenceKeptPlace { place, user } in &self.people {
            let field = "settings.layouts.people";
            let at = place.checked_sub(1);
            let at = at.ok_or_else(|| Problem::field(field, "must be in places from 1 on"))?;
            if people.insert(at, parse(field, user)?).is_some() {
                return Err(Problem::field(field, format!("have place {place} twice")));
            }
        }
        Ok(KeptLayout {
            name: self.name,
            layout: Layout {
                arrangement: self.arrangement.into(),
                pinned: None,
                locked: self.locked,
                slots: self.slots.into_iter().map(slot).collect(),
                shuffle_s: self.shuffle_s,
                names_hidden: self.names_hidden,
                kept: None,
            },
            people,
        })
    }
}
