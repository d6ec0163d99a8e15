//! First everything goes wrong, then nothing does any more, and what people want must come true.

use plenary_licences::{
    lessor::{Command, Standing},
    mutant::{self, Mutant},
};
use rand::RngExt;

use super::{
    Figures,
    nemesis::Act,
    server::Server,
    world::{Event, Weather, Which, World},
};
use crate::seeds::Outcome;

/// True milliseconds during which things go wrong.
const HARM_MS: u64 = 1_100_000;

/// Runs one seed.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Outcome<Figures> {
    mutant::plant(mutant);
    let mut world = World::new(seed);
    world.run_until(HARM_MS);
    world.medley();
    world.heal();
    world.meet_demand();
    world.do_without_manager();
    mutant::plant(None);
    world.figures.virtual_ms = world.now;
    if mutant.is_none()
        && world.violation.is_none()
        && let Some(lack) = world.figures.lack()
    {
        world.violate(lack);
    }
    let World {
        journal,
        violation,
        figures,
        ..
    } = world;
    let (history, digest) = journal.close();
    Outcome {
        seed,
        violation,
        history,
        digest,
        figures,
    }
}

impl World {
    /// All faults end. Seats that were lost may stay lost for a TTL; a restored manager waits for one too.
    fn heal(&mut self) {
        self.healed = true;
        self.weather = Weather::CALM;
        self.say(|_| "all faults end".into());
        self.forget_faults();
        for server in 0..self.servers.len() {
            self.servers[server].far = false;
            if self.servers[server].is_copy {
                self.switch_off(server);
            }
            for node in 0..self.servers[server].nodes.len() {
                self.mend(Which::Server(server), node);
            }
            self.servers[server].demand = 0;
        }
        for replica in 0..self.manager.replicas.len() {
            self.mend(Which::Manager, replica);
        }
        self.at(1, Event::Undo(Act::Recover));
        // Late messages may still make a manager see that it is behind.
        let late = self.now + 70_000;
        self.run_until(late);
        self.at(1, Event::Undo(Act::Recover));
        let ttl_ms = self.ttl_ms * 105 / 100;
        let until = self.now + 2 * ttl_ms + 60_000;
        self.run_until(until);
        if self.violation.is_none() && self.manager.truth.standing() != Standing::Serving {
            self.violate("the manager does not lend, two TTL after all faults ended".into());
        }
    }

    fn mend(&mut self, which: Which, at: usize) {
        let members = match which {
            Which::Manager => &mut self.manager.group.members,
            Which::Server(server) if self.servers[server].gone => return,
            Which::Server(server) => &mut self.servers[server].group.members,
        };
        let was_down = !members[at].up;
        (members[at].up, members[at].paused, members[at].cut) = (true, false, false);
        if let (true, Which::Manager) = (was_down, which) {
            self.manager.start(at, self.now);
        }
        let term = match which {
            Which::Manager => self.manager.group.term,
            Which::Server(server) => self.servers[server].group.term,
        };
        self.at(1_000, Event::StepDown(which, at, term));
        self.at(500, Event::Elect(which));
        self.at(1_500, Event::Apply(which, at));
    }

    /// Invariant 2.
    fn meet_demand(&mut self) {
        if self.violation.is_some() {
            return;
        }
        let living: Vec<usize> = (0..self.servers.len())
            .filter(|server| !self.servers[*server].gone)
            .collect();
        let mut left = self.manager.truth.capacity().pro;
        for server in &living {
            let demand = self.rng.random_range(0..=left);
            left -= demand;
            self.servers[*server].demand = demand;
        }
        if let Some(last) = living.last() {
            self.servers[*last].demand += left;
        }
        self.say(|w| {
            let demands: Vec<u32> = living.iter().map(|server| w.servers[*server].demand).collect();
            format!("people want {demands:?}")
        });
        let until = self.now + 6_000;
        self.run_until(until);
        for server in &living {
            let (held, demand) = (
                self.servers[*server].truth.held.seats.pro,
                self.servers[*server].demand,
            );
            if held < demand {
                let others = self.standing();
                self.violate(format!(
                    "s{server} wants {demand} seats and has {held} ({others})"
                ));
            }
        }
        let until = self.now + 30_000;
        self.run_until(until);
        for server in living {
            let (joined, demand) = (self.joined(server).count(), self.servers[server].demand);
            if joined == demand {
                self.figures.met += 1;
            } else {
                self.violate(format!("{joined} of {demand} people of s{server} are in"));
            }
        }
    }

    /// Who holds and uses what, and what the manager believes.
    fn standing(&self) -> String {
        let of = |server: &Server| {
            let (held, used) = (server.truth.held.seats.pro, server.truth.in_use().pro);
            let known = self.manager.truth.servers().get(&server.name);
            let current = known.and_then(|known| known.leases.get(&known.current()?));
            let believed = current.map(|lease| (lease.seats.pro, lease.used.pro, lease.wanted.pro));
            format!("{} holds {held}, uses {used}, seen as {believed:?}", server.name)
        };
        let living = self.servers.iter().filter(|server| !server.gone);
        living.map(of).collect::<Vec<_>>().join("; ")
    }

    /// Invariant 3: no manager for most of a TTL; leaders change, people go and others come.
    fn do_without_manager(&mut self) {
        if self.violation.is_some() {
            return;
        }
        self.say(|_| "the manager is away".into());
        for server in &mut self.servers {
            server.far = true;
        }
        let until = self.now + self.ttl_ms * 2 / 5;
        self.run_until(until);
        for server in 0..self.servers.len() {
            self.at(0, Event::Elect(Which::Server(server)));
        }
        // A second election: the deadline of the new leader is the one that it was told.
        let until = self.now + self.ttl_ms / 5;
        self.run_until(until);
        for server in 0..self.servers.len() {
            self.at(0, Event::Elect(Which::Server(server)));
            self.at(2_000, Event::People(server));
        }
        let until = self.now + self.ttl_ms / 10;
        self.run_until(until);
        for server in 0..self.servers.len() {
            if !self.servers[server].gone && self.servers[server].demand > 0 {
                self.leave(server);
            }
        }
        let until = self.now + 10_000;
        self.run_until(until);
        for server in 0..self.servers.len() {
            let (joined, demand) = (self.joined(server).count(), self.servers[server].demand);
            if !self.servers[server].gone && joined != demand {
                self.violate(format!(
                    "without a manager {joined} of {demand} people of s{server} are in"
                ));
            }
        }
        self.administer(Command::Ttl { ms: self.ttl_ms });
    }
}
