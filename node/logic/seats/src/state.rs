use crate::{ConnectionId, DeviceId, ParticipationId};
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
    Ending,
}

/// A user with PRO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) holding: Holding,
    /// Whether it has a seat of the lease of now. Without one it waits, and cannot join.
    pub(crate) seated: bool,
    /// Where it takes part.
    pub(crate) places: BTreeMap<ParticipationId, NodeId>,
}

/// The seats of a server: which there are and who has them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seats {
    pub(crate) capacity: Capacity,
    pub(crate) settings: Settings,
    pub(crate) holders: BTreeMap<UserName, Holder>,
    /// Places of a single pool, which need no PRO.
    pub(crate) free_places: BTreeMap<ParticipationId, NodeId>,
    pub(crate) online: BTreeMap<DeviceId, UserName>,
    pub(crate) guests: BTreeSet<GuestId>,
    pub(crate) gateways: BTreeMap<ConnectionId, Option<UserName>>,
    /// Who got no permanent PRO at the last pick, and when that was.
    pub(crate) without_permanent: Vec<UserName>,
    pub(crate) picked: Option<Timestamp>,
    /// Who got no temporary PRO, and when.
    pub(crate) without_temporary: BTreeMap<UserName, Timestamp>,
    /// When the server started; permanent PRO is picked every 24 hours from then on.
    pub(crate) started: Option<Timestamp>,
    /// The next of those moments.
    pub(crate) next_pick: Option<Timestamp>,
}

impl Seats {
    /// How long temporary PRO lasts after the last conference, how long refusals are listed, and how often permanent
    /// PRO is picked: 24 hours.
    pub const DAY_MS: u64 = 24 * 3_600_000;

    /// A server that has started for the first time.
    pub fn new() -> Self {
        Self::default()
    }
}
