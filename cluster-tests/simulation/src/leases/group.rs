//! A Raft group as what it promises: a log that only one leader at a time extends, replicas that apply it late, and
//! leaders that do not know yet that they are none.

use std::collections::VecDeque;

use rand::{RngExt, rngs::StdRng};

/// One replica.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) up: bool,
    pub(crate) paused: bool,
    /// No other replica can be reached.
    pub(crate) cut: bool,
    /// Entries that it applied.
    pub(crate) applied: usize,
    /// The term in which it believes to lead, rightly or not.
    pub(crate) leads: Option<u64>,
}

impl Member {
    /// Whether it can act at all.
    pub(crate) fn runs(&self) -> bool {
        self.up && !self.paused
    }

    /// Whether it takes part in majorities.
    pub(crate) fn works(&self) -> bool {
        self.runs() && !self.cut
    }
}

#[derive(Debug, Clone)]
struct Pending<C> {
    id: u64,
    command: C,
    /// Whether others may have it already, so that it may survive its leader.
    copied: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Group<C> {
    pub(crate) members: Vec<Member>,
    pub(crate) term: u64,
    pub(crate) leader: Option<usize>,
    pub(crate) log: Vec<C>,
    pending: VecDeque<Pending<C>>,
    last_id: u64,
}

impl<C: Clone> Group<C> {
    pub(crate) fn new(size: usize) -> Self {
        let member = Member {
            up: true,
            paused: false,
            cut: false,
            applied: 0,
            leads: None,
        };
        Self {
            members: vec![member; size],
            term: 0,
            leader: None,
            log: Vec::new(),
            pending: VecDeque::new(),
            last_id: 0,
        }
    }

    pub(crate) fn has_quorum(&self) -> bool {
        self.members.iter().filter(|member| member.works()).count() * 2 > self.members.len()
    }

    /// The leader that can commit.
    pub(crate) fn serving(&self) -> Option<usize> {
        let leader = self.leader.filter(|leader| self.members[*leader].works())?;
        self.has_quorum().then_some(leader)
    }

    /// A proposal of a replica that believes to lead; its number if it could be committed one day.
    pub(crate) fn propose(&mut self, by: usize, command: C) -> Option<u64> {
        let member = &self.members[by];
        if self.leader != Some(by) || member.leads != Some(self.term) || !member.runs() {
            return None;
        }
        self.last_id += 1;
        self.pending.push_back(Pending {
            id: self.last_id,
            command,
            copied: self.serving().is_some(),
        });
        Some(self.last_id)
    }

    /// A majority has everything up to `id`, unless there is none now: then `false`.
    pub(crate) fn commit(&mut self, id: u64) -> bool {
        if self.pending.front().is_none_or(|first| first.id > id) {
            return true;
        }
        if self.serving().is_none() {
            return false;
        }
        while let Some(next) = self.pending.pop_front_if(|next| next.id <= id) {
            self.log.push(next.command);
        }
        true
    }

    /// Elects a replica of a majority, if there is one. What the old leader had proposed survives up to some point.
    pub(crate) fn elect(&mut self, rng: &mut StdRng) -> Option<usize> {
        if !self.has_quorum() {
            return None;
        }
        let able: Vec<usize> = (0..self.members.len())
            .filter(|member| self.members[*member].works())
            .collect();
        let new = able[rng.random_range(0..able.len())];
        let survive = rng.random_range(0..=self.pending.len());
        for next in std::mem::take(&mut self.pending).into_iter().take(survive) {
            if !next.copied {
                break;
            }
            self.log.push(next.command);
        }
        self.term += 1;
        self.leader = Some(new);
        self.members[new].leads = Some(self.term);
        Some(new)
    }

    /// Everything after `length` entries never was; nobody leads.
    pub(crate) fn roll_back(&mut self, length: usize) {
        self.log.truncate(length);
        self.pending.clear();
        self.leader = None;
        self.term += 1;
        for member in &mut self.members {
            member.leads = None;
            member.applied = 0;
        }
    }
}
