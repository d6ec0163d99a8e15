//! Harm that is aimed at the moments that decide: what happens anyhow meets them too seldom.

use plenary_licences::{clock, lessor::Standing};
use rand::{RngExt, rngs::StdRng};

use super::{
    nemesis::Act,
    server::Node,
    world::{Event, Weather, Which, World},
};

/// What a run is about; a mixture of everything would meet the rare cases too seldom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Mixed,
    /// Servers out of reach for about as long as a lease lasts.
    Silence,
    /// Leaders change, nodes are cut off, messages are late.
    Leaders,
    /// Nodes are cut off from their server for about as long as they go on alone.
    Cuts,
    /// Servers are copied and restored.
    Copies,
    /// The manager is restored while it lends, and what people want hardly changes until it is recovered.
    Restores,
    /// Machines stand still, clocks are set.
    Clocks,
}

impl Theme {
    pub(crate) fn choose(rng: &mut StdRng) -> Self {
        // What has to be met to the second is tried more often.
        const ALL: [Theme; 12] = [
            Theme::Mixed,
            Theme::Silence,
            Theme::Silence,
            Theme::Silence,
            Theme::Leaders,
            Theme::Leaders,
            Theme::Cuts,
            Theme::Cuts,
            Theme::Copies,
            Theme::Restores,
            Theme::Restores,
            Theme::Clocks,
        ];
        ALL[rng.random_range(0..ALL.len())]
    }
}

impl World {
    /// The server that has most seats is out of reach, and all others want them.
    pub(crate) fn silence_one(&mut self) {
        if self.servers.iter().any(|server| server.far) {
            return;
        }
        let held = |server: &usize| (self.servers[*server].truth.held.seats.pro, *server);
        let living = (0..self.servers.len()).filter(|server| !self.servers[*server].gone);
        let Some(most) = living.max_by_key(held) else {
            return;
        };
        for (number, server) in self.servers.iter_mut().enumerate() {
            if number != most {
                server.demand = self.ceiling;
            }
        }
        self.silence(most);
    }

    /// Out of the manager's reach, often until about the moment at which its lease ends.
    pub(crate) fn silence(&mut self, server: usize) {
        if self.servers[server].far {
            return;
        }
        self.figures.cuts += 1;
        self.servers[server].far = true;
        let lasts = self.lease_ms();
        let about = match self.rng.random_range(0..10) {
            0 => self.rng_ms(1_000, 60_000),
            1..6 => {
                self.weather.commit_ms = 20;
                self.rng_ms(lasts, lasts + 15_000)
            }
            _ => {
                // Back just before that, while the manager is slow.
                self.weather.commit_ms = 4_000;
                let before = self.rng_ms(0, 4_500);
                self.say(|_| format!("s{server} is out of reach until {before} ms before its lease ends"));
                self.at(1, Event::Undo(Act::FarUntil(server, before)));
                return;
            }
        };
        self.say(|_| format!("s{server} is out of reach for {about} ms"));
        self.at(about, Event::Undo(Act::Far(server)));
    }

    /// True milliseconds that the manager counts a lease.
    fn lease_ms(&self) -> u64 {
        let replica = self.manager.group.leader.unwrap_or(0);
        let clock = &self.manager.replicas[replica].clock;
        clock.true_ms(clock::lessor_ms(self.ttl_ms))
    }

    /// Late messages may have prolonged the lease since.
    pub(crate) fn back_in_time(&mut self, server: usize, before: u64) {
        let end = self.renewed_at[server] + self.lease_ms();
        let left = end.saturating_sub(self.now + before);
        if left == 0 {
            self.servers[server].far = false;
        } else {
            self.at(left, Event::Undo(Act::FarUntil(server, before)));
        }
    }

    /// One node of a server is alone for a little longer than it may go on, and everybody wants its seats. A leader is
    /// alone for so long that whoever is elected gives the seats of its people away.
    pub(crate) fn cut_for_long(&mut self, server: usize) {
        let members = &self.servers[server].group.members;
        if members.iter().any(|member| !member.works()) {
            return;
        }
        for other in &mut self.servers {
            other.demand = self.ceiling;
        }
        // Where most people are: they go on there while others take their seats.
        let nodes = self.servers[server].nodes.iter();
        let people = |(_, node): &(usize, &Node)| node.local.len();
        let Some((node, most)) = nodes.enumerate().max_by_key(people) else {
            return;
        };
        if most.local.is_empty() {
            return;
        }
        let limit = self.limit_ms;
        let long = match self.leader(Which::Server(server)) == Some(node) {
            true => self.rng_ms(limit + limit / 20, limit + limit / 5),
            false => self.rng_ms(limit, limit + limit / 20),
        };
        self.act(Act::Cut(Which::Server(server), node), long);
    }

    /// First there is room; then somebody gets more, and before the answer is there the manager is what it was before.
    pub(crate) fn restore_amid_growth(&mut self) {
        if self.manager.truth.standing() != Standing::Serving {
            return;
        }
        let living = self.living();
        if self.manager.truth.leased().pro > self.ceiling * 2 / 3 {
            let little = (self.ceiling / 8).max(1);
            for server in living {
                self.servers[server].demand = self.rng.random_range(1..=little);
            }
            return;
        }
        let server = living[self.rng.random_range(0..living.len())];
        self.servers[server].demand = self.ceiling;
        let length = self.manager.group.log.len();
        self.weather = Weather {
            answers_late: 0.9,
            latest_ms: 60_000,
            ..Weather::CALM
        };
        let soon = self.rng_ms(1_000, 2_500);
        self.at(soon, Event::Undo(Act::Restore(server, length)));
    }

    /// All others want what that server was given.
    pub(crate) fn restore_before(&mut self, grown: usize, length: usize) {
        if self.manager.group.log.len() < length {
            return;
        }
        for server in self.living() {
            self.servers[server].demand = self.ceiling;
        }
        let back = self.rng.random_range(0..=2);
        self.restore_manager_to(length.saturating_sub(back), 8_000);
        self.weather.answers_late = 0.5;
        let later = self.rng_ms(45_000, 70_000);
        self.at(later, Event::Undo(Act::Content(grown)));
    }

    /// Who got a place by then stays.
    pub(crate) fn be_content(&mut self, server: usize) {
        self.weather.answers_late = 0.0;
        self.servers[server].demand = self.joined(server).count();
    }

    /// One of everything, whatever the run is about, and again until enough went wrong.
    pub(crate) fn medley(&mut self) {
        self.weather = Weather {
            lost: 0.2,
            doubled: 0.2,
            late: 0.35,
            answers_late: 0.0,
            latest_ms: 10_000,
            commit_ms: 300,
        };
        loop {
            for step in 0..6 {
                self.harm_one(step);
                let next = self.rng_ms(2_000, 12_000);
                let until = self.now + next;
                self.run_until(until);
            }
            if self.violation.is_some() || self.figures.lack_of_faults().is_none() {
                return;
            }
        }
    }

    fn harm_one(&mut self, step: u32) {
        let living = self.living();
        let server = living[self.rng.random_range(0..living.len())];
        let groups = living.into_iter().map(Which::Server).chain([Which::Manager]);
        let members = groups.flat_map(|which| (0..self.size(which)).map(move |at| (which, at)));
        let able: Vec<_> = members.filter(|(which, at)| self.works(*which, *at)).collect();
        if able.is_empty() {
            return;
        }
        let (which, at) = able[self.rng.random_range(0..able.len())];
        let long = self.rng_ms(2_000, 40_000);
        match step {
            0 => self.act(Act::Cut(which, at), long),
            1 => self.act(Act::Pause(which, at), long),
            2 => self.act(Act::Down(which, at), long),
            3 => self.set_wall_clock(server),
            4 => self.restore_server(server),
            _ => self.at(0, Event::Elect(which)),
        }
    }

    fn works(&self, which: Which, at: usize) -> bool {
        match which {
            Which::Manager => self.manager.group.members[at].works(),
            Which::Server(server) => self.servers[server].group.members[at].works(),
        }
    }

    fn living(&self) -> Vec<usize> {
        let all = 0..self.servers.len();
        all.filter(|server| !self.servers[*server].gone).collect()
    }

    /// Clocks as far apart as they may be, and late answers, for those runs that are about nothing else.
    pub(crate) fn prepare(&mut self) {
        match self.theme {
            Theme::Leaders => self.be_late(30_000),
            Theme::Cuts => {
                self.limit_ms = 300_000;
                for server in &mut self.servers {
                    for (number, node) in server.nodes.iter_mut().enumerate() {
                        node.clock.set_rate(number % 2 == 0);
                    }
                }
            }
            Theme::Silence => {
                if self.rng.random_bool(0.6) {
                    self.drift_apart();
                }
                if self.rng.random_bool(0.5) {
                    self.be_late(60_000);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn be_late(&mut self, latest_ms: u64) {
        self.weather.late = 0.35;
        self.weather.latest_ms = latest_ms;
    }

    /// The manager is as fast as it may be, and the servers are as slow.
    fn drift_apart(&mut self) {
        for replica in &mut self.manager.replicas {
            replica.clock.set_rate(false);
        }
        let nodes = self.servers.iter_mut().flat_map(|server| &mut server.nodes);
        nodes.for_each(|node| node.clock.set_rate(true));
    }
}
