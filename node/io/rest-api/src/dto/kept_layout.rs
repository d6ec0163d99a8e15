use super::ConferenceArrangement;
use plenary_conference::{KeptLayout, Layout, Slot};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a place of a kept layout holds: who is next, who speaks, what is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceKeptSlot {
    Automatic,
    Speaker,
    Content,
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
}

impl From<KeptLayout> for ConferenceKeptLayout {
    fn from(KeptLayout { name, layout }: KeptLayout) -> Self {
        let slot = |slot: Slot| match slot {
            Slot::Automatic | Slot::Person(_) => ConferenceKeptSlot::Automatic,
            Slot::Speaker => ConferenceKeptSlot::Speaker,
            Slot::Content => ConferenceKeptSlot::Content,
        };
        Self {
            name,
            arrangement: layout.arrangement.into(),
            locked: layout.locked,
            slots: layout.slots.into_iter().map(slot).collect(),
            shuffle_s: layout.shuffle_s,
            names_hidden: layout.names_hidden,
        }
    }
}

impl From<ConferenceKeptLayout> for KeptLayout {
    fn from(kept: ConferenceKeptLayout) -> Self {
        let slot = |slot| match slot {
            ConferenceKeptSlot::Automatic => Slot::Automatic,
            ConferenceKeptSlot::Speaker => Slot::Speaker,
            ConferenceKeptSlot::Content => Slot::Content,
        };
        Self {
            name: kept.name,
            layout: Layout {
                arrangement: kept.arrangement.into(),
                pinned: None,
                locked: kept.locked,
                slots: kept.slots.into_iter().map(slot).collect(),
                shuffle_s: kept.shuffle_s,
                names_hidden: kept.names_hidden,
            },
        }
    }
}
