use crate::{ConnectionId, DeviceId, Loss, ParticipationId, tracked::Tracked};
use plenary_model::{GuestId, NodeId, Timestamp, UserName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How seats are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// PRO and online seats apart.
    #[default]
    Apart,
    /// An Enterprise licence: whoever is signed in may join conferences (LIC-11).
    OnePool,
}

/// How many seats there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Capacity {
    /// None with [`Mode::OnePool`].
    pub pro: u32,
    pub online: u32,
    pub guest: u32,
    pub gateway: u32,
    pub mode: Mode,
    /// Whether groups can have permanent PRO; not with the free licence.
    pub permanent_pro: bool,
}

/// What an administrator chooses (LIC-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Users see their own PRO status.
    pub show_pro: bool,
    /// Users may ask for temporary PRO in advance.
    pub ask_for_pro: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            show_pro: true,
            ask_for_pro: true,
        }
    }
}

/// What a user holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// Picked by groups, at this place of the order.
    Permanent { place: u32 },
    /// Until then, and while in a conference.
    Temporary { until: Timestamp },
    /// Taken away; the seat is free when the last place ended.
    Ending { loss: Loss },
}

impl Holding {
    /// Whether it was taken away.
    pub fn is_ending(&self) -> bool {
        matches!(self, Self::Ending { .. })
    }
}

/// Places in conferences, each on the node that holds its connection.
pub type Places = BTreeMap<ParticipationId, NodeId>;

/// A user with PRO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub holding: Holding,
    /// Whether it has a seat of the lease of now. Without one it waits, and cannot join.
    pub seated: bool,
    /// Where it takes part.
    pub places: Places,
}

/// A device that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub user: UserName,
    pub node: NodeId,
}

/// The seats of a server: which there are and who has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seats {
    pub(crate) capacity: Capacity,
    pub(crate) settings: Settings,
    pub(crate) holders: Tracked<UserName, Holder>,
    /// Places of a single pool, which need no PRO.
    pub(crate) free_places: Tracked<ParticipationId, NodeId>,
    pub(crate) online: Tracked<DeviceId, Device>,
    pub(crate) guests: Tracked<GuestId, Places>,
    pub(crate) gateways: BTreeMap<ConnectionId, Option<UserName>>,
    /// Who got no permanent PRO at the last pick, and when that was.
    pub(crate) without_permanent: Vec<UserName>,
    pub(crate) picked: Option<Timestamp>,
    /// Picked since a store asked last.
    pub(crate) repicked: bool,
    /// Who got no temporary PRO, and since when.
    pub(crate) without_temporary: Tracked<UserName, Timestamp>,
    /// When the server started; permanent PRO is picked every 24 hours from then on.
    pub(crate) started: Option<Timestamp>,
    /// The next of those moments.
    pub(crate) next_pick: Option<Timestamp>,
}

/// What is one of a kind in [`Seats`], as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    pub capacity: Capacity,
    pub settings: Settings,
    pub picked: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub next_pick: Option<Timestamp>,
}

/// All of [`Seats`] as a store keeps it. Gateways are not: there are none yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    pub figures: Figures,
    pub holders: Vec<(UserName, Holder)>,
    pub free_places: Vec<(ParticipationId, NodeId)>,
    pub online: Vec<(DeviceId, Device)>,
    pub guests: Vec<(GuestId, Places)>,
    /// In the order of the pick.
    pub without_permanent: Vec<UserName>,
    pub without_temporary: Vec<(UserName, Timestamp)>,
}

/// Which entries a store has to write or remove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    pub holders: BTreeSet<UserName>,
    pub free_places: BTreeSet<ParticipationId>,
    pub online: BTreeSet<DeviceId>,
    pub guests: BTreeSet<GuestId>,
    pub without_temporary: BTreeSet<UserName>,
    /// The list of those without permanent PRO is a new one.
    pub without_permanent: bool,
}

impl Touched {
    /// Whether nothing was.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Seats {
    /// How long temporary PRO lasts after the last conference, how long refusals are listed, and how often permanent
    /// PRO is picked: 24 hours.
    pub const DAY_MS: u64 = 24 * 3_600_000;

    /// A server that has started for the first time.
    pub fn new() -> Self {
        Self::default()
    }

    /// As a store kept it.
    pub fn stored(stored: Stored) -> Self {
        let Figures {
            capacity,
            settings,
            picked,
            started,
            next_pick,
        } = stored.figures;
        Self {
            capacity,
            settings,
            holders: Tracked::stored(stored.holders),
            free_places: Tracked::stored(stored.free_places),
            online: Tracked::stored(stored.online),
            guests: Tracked::stored(stored.guests),
            gateways: BTreeMap::new(),
            without_permanent: stored.without_permanent,
            picked,
            repicked: false,
            without_temporary: Tracked::stored(stored.without_temporary),
            started,
            next_pick,
        }
    }

    /// What is one of a kind.
    pub fn figures(&self) -> Figures {
        Figures {
            capacity: self.capacity,
            settings: self.settings,
            picked: self.picked,
            started: self.started,
            next_pick: self.next_pick,
        }
    }

    /// What was touched since this was asked last.
    pub fn take_touched(&mut self) -> Touched {
        Touched {
            holders: self.holders.take_touched(),
            free_places: self.free_places.take_touched(),
            online: self.online.take_touched(),
            guests: self.guests.take_touched(),
            without_temporary: self.without_temporary.take_touched(),
            without_permanent: std::mem::take(&mut self.repicked),
        }
    }
}
