//! A server as a Raft group: what it borrowed, who has its seats, and what each node lets its people use.

use std::collections::{BTreeMap, BTreeSet};

use plenary_licences::{
    Epoch, Kind, Seats,
    clock::Reading,
    lessee::{Applied, Change, Held, Home, Leader, Quiet, Watch},
};
use plenary_model::{NodeId, ServerName};
use rand::{RngExt, rngs::StdRng};

use super::{
    clock::Clock,
    group::Group,
    users::{User, Users},
};

/// Where somebody uses a seat: the node, and a number that is given out once, so that a late word about an earlier place
/// does nothing to a later one.
pub(crate) type Place = (usize, u64);

/// An entry of a server's log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    Lease(Change),
    Join { user: User, place: Place },
    Leave { user: User, place: Place },
}

/// What the log of a server makes.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) held: Held,
    /// Under the lease of now: who has a seat, and in which places it is used.
    pub(crate) grants: BTreeMap<User, Vec<Place>>,
    /// Who that is.
    pub(crate) granted: Users,
}

impl State {
    pub(crate) fn in_use(&self) -> Seats {
        Seats::only(Kind::Pro, self.granted.count())
    }

    pub(crate) fn apply(&mut self, entry: &Entry) -> Applied {
        match entry {
            Entry::Lease(change) => {
                let applied = self.held.apply(change, self.in_use());
                if applied == Applied::Changed && matches!(change, Change::Registered { .. }) {
                    self.grants.clear();
                    self.granted = Users::default();
                }
                applied
            }
            Entry::Join { user, place } => {
                if !self.granted.contains(*user)
                    && !self.held.allows(self.in_use(), Seats::only(Kind::Pro, 1))
                {
                    return Applied::Ignored;
                }
                let places = self.grants.entry(*user).or_default();
                if !places.contains(place) {
                    places.push(*place);
                }
                self.granted.add(*user);
                Applied::Changed
            }
            Entry::Leave { user, place } => {
                if let Some(places) = self.grants.get_mut(user) {
                    places.retain(|known| known != place);
                    if places.is_empty() {
                        self.grants.remove(user);
                        self.granted.remove(*user);
                    }
                }
                Applied::Changed
            }
        }
    }
}

/// What the leader of a term knows.
pub(crate) struct Lead {
    pub(crate) leader: Leader,
    pub(crate) quiet: Quiet,
}

pub(crate) struct Node {
    pub(crate) clock: Clock,
    pub(crate) inode: u64,
    pub(crate) restore: u128,
    pub(crate) watch: Watch,
    pub(crate) state: State,
    /// Who waits for a seat here, in which place.
    pub(crate) expecting: BTreeMap<User, Place>,
    /// Who uses a seat here, in which place and under which lease.
    pub(crate) local: BTreeMap<User, (Place, Epoch)>,
    pub(crate) lead: Option<Lead>,
    pub(crate) asked: Option<Reading>,
    /// Starts of the process.
    pub(crate) starts: u64,
}

impl Node {
    fn new(rng: &mut StdRng, now: u64) -> Self {
        Self {
            clock: Clock::new(rng, now),
            inode: rng.random(),
            restore: 0,
            watch: Watch::new(),
            state: State::default(),
            expecting: BTreeMap::new(),
            local: BTreeMap::new(),
            lead: None,
            asked: None,
            starts: 0,
        }
    }

    pub(crate) fn home(&self) -> Home {
        Home {
            boot_id: self.clock.boot_id,
            device: 1,
            inode: self.inode,
            restore: self.restore,
        }
    }

    /// Milliseconds that this node's lease may be used.
    pub(crate) fn left_ms(&self, now: u64) -> u64 {
        let epoch = self.state.held.epoch();
        let left = epoch.and_then(|epoch| self.watch.left_ms(epoch, self.clock.read(now), self.home()));
        left.unwrap_or(0)
    }

    /// The process ended; what is on disk stays.
    pub(crate) fn stop(&mut self) {
        self.expecting.clear();
        self.local.clear();
        self.lead = None;
        self.asked = None;
        self.starts += 1;
        // The alive limit is not on disk.
        self.watch = kept(&self.watch);
    }

    /// Users that this node lets use a seat now, with the lease.
    pub(crate) fn active(&self, now: u64) -> Option<(Epoch, Users)> {
        let held = self.state.held.epoch()?;
        if self.local.is_empty() || !self.watch.allows(held, self.clock.read(now), self.home()) {
            return None;
        }
        let under_it = self.local.iter().filter(|(_, (_, epoch))| *epoch == held);
        Some((held, under_it.map(|(user, _)| *user).collect()))
    }
}

/// A watch as it is read from disk.
fn kept(watch: &Watch) -> Watch {
    let text = serde_json::to_string(watch).expect("a watch is plain data");
    serde_json::from_str(&text).expect("it was written a moment ago")
}

/// One image of a server; a copy of it is another one with the same name.
pub(crate) struct Server {
    pub(crate) name: ServerName,
    pub(crate) group: Group<Entry>,
    pub(crate) nodes: Vec<Node>,
    /// What all entries of the log make.
    pub(crate) truth: State,
    known: usize,
    pub(crate) demand: u32,
    pub(crate) is_copy: bool,
    /// Off for good.
    pub(crate) gone: bool,
    /// Cut off from the manager.
    pub(crate) far: bool,
    /// Its machines are virtual ones that can be held; their wall clocks are right then.
    pub(crate) virtual_machines: bool,
}

impl Server {
    pub(crate) fn new(rng: &mut StdRng, number: usize, size: usize) -> Self {
        Self {
            name: format!("s{number}.example.com").parse().expect("a name"),
            group: Group::new(size),
            nodes: (0..size).map(|_| Node::new(rng, 0)).collect(),
            truth: State::default(),
            known: 0,
            demand: 0,
            is_copy: false,
            gone: false,
            far: false,
            virtual_machines: rng.random_bool(0.5),
        }
    }

    pub(crate) fn member_ids(&self) -> BTreeSet<NodeId> {
        (0..self.nodes.len() as u64).map(NodeId).collect()
    }

    /// The machines were copied: disks are the same, everything else is new.
    pub(crate) fn copy(&self, rng: &mut StdRng, now: u64) -> Self {
        let mut copy = Self::new(rng, 0, self.nodes.len());
        copy.name = self.name.clone();
        copy.is_copy = true;
        copy.demand = self.demand;
        copy.virtual_machines = self.virtual_machines;
        copy.group.log = self.group.log.clone();
        copy.group.term = self.group.term;
        copy.truth = self.truth.clone();
        copy.known = self.known;
        for (i, (to, from)) in copy.nodes.iter_mut().zip(&self.nodes).enumerate() {
            to.clock = Clock::new(rng, now);
            to.watch = kept(&from.watch);
            to.state = from.state.clone();
            copy.group.members[i].applied = self.group.members[i].applied;
        }
        copy
    }

    /// Makes the truth what the log says.
    pub(crate) fn learn(&mut self) {
        for entry in &self.group.log[self.known..] {
            self.truth.apply(entry);
        }
        self.known = self.group.log.len();
    }

    /// The data of all nodes came back from when the log had `length` entries. Nothing runs meanwhile.
    pub(crate) fn restore(&mut self, rng: &mut StdRng, length: usize) {
        self.group.roll_back(length);
        (self.truth, self.known) = (State::default(), 0);
        self.learn();
        for (member, node) in self.group.members.iter_mut().zip(&mut self.nodes) {
            member.applied = self.group.log.len();
            node.state = self.truth.clone();
            node.restore = rng.random();
            node.stop();
        }
    }

    /// PRO seats that may be used at this moment, leases apart from each other.
    ///
    /// Seats without a user count while the server could give them away: it has a majority, and a node whose time is
    /// not over.
    pub(crate) fn usable(&self, now: u64) -> u32 {
        // There are hardly ever more than two leases.
        let mut active: Vec<(Epoch, Users)> = Vec::new();
        for (member, node) in self.group.members.iter().zip(&self.nodes) {
            if member.runs()
                && let Some((epoch, users)) = node.active(now)
            {
                match active.iter_mut().find(|(of, _)| *of == epoch) {
                    Some((_, all)) => *all = all.with(users),
                    None => active.push((epoch, users)),
                }
            }
        }
        let current = self.truth.held.epoch();
        let mut usable = 0;
        if self.can_grant(now) {
            let (granted, seats) = (self.truth.granted, self.truth.held.seats.pro);
            let of_current = active.iter().find(|(epoch, _)| Some(*epoch) == current);
            let users = of_current.map_or(Users::default(), |(_, users)| *users);
            let unknown = users.without(granted);
            usable += users.without(unknown).count().max(seats) + unknown.count();
            active.retain(|(epoch, _)| Some(*epoch) != current);
        }
        usable + active.iter().map(|(_, users)| users.count()).sum::<u32>()
    }

    fn can_grant(&self, now: u64) -> bool {
        let Some(epoch) = self.truth.held.epoch() else {
            return false;
        };
        let mut members = self.group.members.iter().zip(&self.nodes);
        self.group.has_quorum()
            && members.any(|(member, node)| {
                let left = || node.watch.left_ms(epoch, node.clock.read(now), node.home());
                member.works() && left().is_some_and(|left| left > 0)
            })
    }
}
