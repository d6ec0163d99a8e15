//! The License Manager as a Raft group.

use plenary_licences::{
    PoolId, Seats,
    lessor::{Command, Desk, Lessor, Timers},
};
use rand::{RngExt, rngs::StdRng};

use super::{clock::Clock, group::Group};

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) server: usize,
    pub(crate) node: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) command: Command,
    /// Who asked, and which replica has to answer.
    pub(crate) answer: Option<(Address, usize)>,
}

pub(crate) struct Replica {
    pub(crate) clock: Clock,
    pub(crate) state: Lessor,
    pub(crate) timers: Timers,
    pub(crate) desk: Desk,
}

pub(crate) struct Manager {
    pub(crate) group: Group<Entry>,
    pub(crate) replicas: Vec<Replica>,
    /// What all entries of the log make.
    pub(crate) truth: Lessor,
    /// What there was before the first entry.
    genesis: Lessor,
}

impl Manager {
    pub(crate) fn new(rng: &mut StdRng, size: usize, capacity: Seats, ttl_ms: u64) -> Self {
        let mut genesis = Lessor::new(PoolId(rng.random()), rng.random());
        genesis.apply(0, &Command::Ttl { ms: ttl_ms });
        genesis.apply(
            0,
            &Command::Licensed {
                seats: capacity,
                covers: None,
            },
        );
        let replica = |rng: &mut StdRng| {
            let clock = Clock::new(rng, 0);
            Replica {
                timers: Timers::new(&genesis, clock.read(0)),
                clock,
                state: genesis.clone(),
                desk: Desk::default(),
            }
        };
        Self {
            group: Group::new(size),
            replicas: (0..size).map(|_| replica(rng)).collect(),
            truth: genesis.clone(),
            genesis,
        }
    }

    /// All replicas come back from a backup that had `length` entries; the restore is the next entry.
    pub(crate) fn restore(&mut self, length: usize, now: u64) {
        self.group.roll_back(length);
        self.group.log.push(Entry {
            command: Command::Restored,
            answer: None,
        });
        let mut state = self.genesis.clone();
        for (index, entry) in (1..).zip(&self.group.log) {
            state.apply(index, &entry.command);
        }
        for (member, replica) in self.group.members.iter_mut().zip(&mut self.replicas) {
            member.applied = self.group.log.len();
            replica.state = state.clone();
            replica.timers = Timers::new(&state, replica.clock.read(now));
            replica.desk = Desk::default();
        }
        self.truth = state;
    }

    /// A replica's process started again.
    pub(crate) fn start(&mut self, replica: usize, now: u64) {
        let replica = &mut self.replicas[replica];
        replica.timers = Timers::new(&replica.state, replica.clock.read(now));
        replica.desk = Desk::default();
    }
}
