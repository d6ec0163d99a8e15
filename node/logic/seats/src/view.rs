use crate::{
    Capacity, Command, Device, DeviceId, Holder, Holding, ParticipationId, Places, Refusal, Seats, Settings,
    counted::{free, taken_online},
};
use plenary_model::{GuestId, NodeId, Timestamp, UserName};
use std::collections::{BTreeMap, BTreeSet};

/// Seats that are taken, of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    pub pro: u32,
    pub online: u32,
    pub guest: u32,
    pub gateway: u32,
}

/// What a user holds, for pages and for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub holding: Holding,
    /// Without a seat it waits for one and cannot join.
    pub seated: bool,
    /// Conferences that the user is in, places on several devices included.
    pub places: usize,
}

impl Seats {
    /// How many seats there are.
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// What the administrator chose.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// How many seats are taken.
    pub fn in_use(&self) -> Use {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Use {
            pro: count(self.taken_pro()),
            online: count(taken_online(self)),
            guest: count(self.guests.len()),
            gateway: count(self.gateways.len()),
        }
    }

    /// What a user holds; `None` without PRO.
    pub fn status(&self, user: &UserName) -> Option<Status> {
        self.holders.get(user).map(|holder| Status {
            holding: holder.holding,
            seated: holder.seated,
            places: holder.places.len(),
        })
    }

    /// A user with PRO.
    pub fn holder(&self, user: &UserName) -> Option<&Holder> {
        self.holders.get(user)
    }

    /// The node of a place that needs no PRO.
    pub fn free_place(&self, participation: ParticipationId) -> Option<NodeId> {
        self.free_places.get(&participation).copied()
    }

    /// A device that is signed in.
    pub fn device(&self, device: &DeviceId) -> Option<&Device> {
        self.online.get(device)
    }

    /// Guests with a seat.
    pub fn guests(&self) -> impl Iterator<Item = &GuestId> {
        self.guests.iter().map(|(guest, _)| guest)
    }

    /// Why who wants a seat by `command` would find none that is free; `None` for commands that take none, and for
    /// refusals of another kind. Changes and lists nothing.
    pub fn lacks(&self, command: &Command) -> Option<Refusal> {
        let no_online = || (free(self.capacity.online, taken_online(self)) == 0).then_some(Refusal::NoOnline);
        match command {
            Command::Join { user, .. } if self.is_one_pool() => {
                let signed_in = self.online.values().any(|device| device.user == *user);
                if signed_in { None } else { no_online() }
            }
            Command::AskForPro { .. } if self.is_one_pool() || !self.settings.ask_for_pro => None,
            Command::Join { user, .. } | Command::AskForPro { user } => {
                let none_is_due = self.holders.get(user).is_some_and(|holder| {
                    // What was taken away is not got back before it has ended.
                    holder.seated || holder.holding.is_ending()
                });
                (!none_is_due && self.free_pro() == 0).then_some(Refusal::NoPro)
            }
            Command::SignIn { device, .. } if self.online.contains_key(device) => None,
            Command::SignIn { .. } => no_online(),
            Command::GuestJoin { guest, .. } => {
                let known = self.guests.contains_key(guest);
                (!known && free(self.capacity.guest, self.guests.len()) == 0).then_some(Refusal::NoGuest)
            }
            _ => None,
        }
    }

    /// Where a guest is.
    pub fn guest(&self, guest: &GuestId) -> Option<&Places> {
        self.guests.get(guest)
    }

    /// Since when somebody is listed who was refused temporary PRO.
    pub fn refused_since(&self, user: &UserName) -> Option<Timestamp> {
        self.without_temporary.get(user).copied()
    }

    /// All places on a node, of whatever kind, in order.
    pub fn places_on(&self, node: NodeId) -> Vec<ParticipationId> {
        let of_holders = self.holders.values().flat_map(|holder| &holder.places);
        let of_guests = self.guests.values().flatten();
        let all = of_holders.chain(of_guests).chain(self.free_places.iter());
        let mut here: Vec<ParticipationId> = all.filter(|(_, on)| **on == node).map(|(id, _)| *id).collect();
        here.sort_unstable();
        here
    }

    /// Nodes with anything on them.
    pub fn nodes(&self) -> BTreeSet<NodeId> {
        let of_holders = self.holders.values().flat_map(|holder| holder.places.values());
        let of_guests = self.guests.values().flat_map(BTreeMap::values);
        let free = self.free_places.values();
        let devices = self.online.values().map(|device| &device.node);
        of_holders
            .chain(of_guests)
            .chain(free)
            .chain(devices)
            .copied()
            .collect()
    }

    /// When the server started last; `None` before the first pick.
    pub fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// All who hold PRO, ordered by name.
    pub fn holders(&self) -> impl Iterator<Item = (&UserName, Holding)> {
        self.holders.iter().map(|(user, holder)| (user, holder.holding))
    }

    /// Who got no permanent PRO at the last pick, in the order of the groups, and when that was.
    pub fn without_permanent(&self) -> (&[UserName], Option<Timestamp>) {
        (&self.without_permanent, self.picked)
    }

    /// Who was refused temporary PRO in the last 24 hours, ordered by name, and when.
    pub fn without_temporary(&self) -> impl Iterator<Item = (&UserName, Timestamp)> {
        self.without_temporary.iter().map(|(user, since)| (user, *since))
    }

    /// When permanent PRO is to be picked next; `None` before the first start.
    pub fn next_pick(&self) -> Option<Timestamp> {
        self.next_pick
    }

    /// When the next thing ends by itself: the leader then proposes [`Command::Tick`](crate::Command::Tick).
    pub fn next(&self) -> Option<Timestamp> {
        let never = Timestamp(u64::MAX);
        let expiry = self.holders.values().map(|holder| holder.expires());
        let refusals = self.without_temporary.values();
        expiry
            .chain(refusals.map(|since| since.plus_ms(Self::DAY_MS)))
            .filter(|moment| *moment < never)
            .min()
    }
}
