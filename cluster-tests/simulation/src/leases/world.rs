//! The loop of a run: events in the order of their true times, and what each of them makes the machines do.

use std::collections::BTreeMap;

use plenary_licences::{Answer, Kind, Order, Recall, Request, Seats, clock::Reading, lessee::Alive};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    agenda::Agenda,
    aims::Theme,
    figures::Figures,
    journal::Journal,
    manager::{Address, Entry as ManagerEntry, Manager},
    nemesis::Act,
    server::{Entry, Server},
};

/// A Raft group of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Manager,
    Server(usize),
}

/// A node asks its leader whether it is still connected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    pub(crate) server: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) asked: Reading,
    /// Which start of the node asks.
    pub(crate) starts: u64,
    /// Of the leader that received it.
    pub(crate) term: u64,
}

#[derive(Debug, Clone)]
pub(crate) enum Event {
    Tick(Which, usize),
    Commit(Which, u64),
    Apply(Which, usize),
    Elect(Which),
    /// A leader of an earlier term learns that it is none.
    StepDown(Which, usize, u64),
    ToManager(Request, Address),
    Answer(Address, Answer),
    Recall(usize, Recall),
    Ask(Question),
    /// A majority answered a leader after that question.
    Confirm(Question),
    Tell(Question, Alive),
    People(usize),
    Nemesis,
    Undo(Act),
}

/// How messages between servers and the manager travel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) lost: f64,
    pub(crate) doubled: f64,
    pub(crate) late: f64,
    /// As `late`, for what the manager says.
    pub(crate) answers_late: f64,
    /// Milliseconds that late ones take at most.
    pub(crate) latest_ms: u64,
    /// Milliseconds that the manager's commits take at most.
    pub(crate) commit_ms: u64,
}

impl Weather {
    pub(crate) const CALM: Self = Self {
        lost: 0.0,
        doubled: 0.0,
        late: 0.0,
        answers_late: 0.0,
        latest_ms: 0,
        commit_ms: 20,
    };
}

pub(crate) struct World {
    pub(crate) now: u64,
    agenda: Agenda,
    pub(crate) rng: StdRng,
    pub(crate) journal: Journal,
    pub(crate) figures: Figures,
    pub(crate) violation: Option<String>,
    pub(crate) manager: Manager,
    pub(crate) servers: Vec<Server>,
    pub(crate) weather: Weather,
    pub(crate) theme: Theme,
    pub(crate) ttl_ms: u64,
    pub(crate) limit_ms: u64,
    /// Most PRO seats that may be used; see [`World::judge`].
    pub(crate) ceiling: u32,
    /// All faults have ended.
    pub(crate) healed: bool,
    /// By server image: true time at which the manager last renewed its lease.
    pub(crate) renewed_at: Vec<u64>,
    /// Where requests for more came from; they wait at the manager's desk.
    pub(crate) routes: BTreeMap<Order, Address>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let theme = Theme::choose(&mut rng);
        let capacity = rng.random_range(12..30);
        let ttl_ms = 400_000;
        let limit_ms = if rng.random_bool(0.5) { 40_000 } else { 300_000 };
        let size = [1, 3, 3][rng.random_range(0..3)];
        let seats = Seats::only(Kind::Pro, capacity);
        let manager = Manager::new(&mut rng, size, seats, ttl_ms);
        let count = rng.random_range(2..=4);
        let servers: Vec<Server> = (0..count)
            .map(|number| {
                // At least one whose leader can change.
                let least = if number == 0 { 3 } else { 1 };
                let size = [1, 3, 3, 5][rng.random_range(0..4)].max(least);
                Server::new(&mut rng, number, size)
            })
            .collect();
        let mut world = Self {
            now: 0,
            agenda: Agenda::default(),
            rng,
            journal: Journal::default(),
            figures: Figures::default(),
            violation: None,
            manager,
            renewed_at: vec![0; servers.len()],
            servers,
            weather: Weather::CALM,
            theme,
            ttl_ms,
            limit_ms,
            ceiling: capacity,
            healed: false,
            routes: BTreeMap::new(),
        };
        world.say(|w| {
            let sizes: Vec<usize> = w.servers.iter().map(|server| server.nodes.len()).collect();
            format!(
                "{:?}: {capacity} seats, manager of {size}, servers of {sizes:?}",
                w.theme
            )
        });
        world.prepare();
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.open(Which::Manager);
        for server in 0..self.servers.len() {
            self.open(Which::Server(server));
            let first = self.rng_ms(500, 3000);
            self.at(first, Event::People(server));
        }
        let first = self.rng_ms(1000, 10_000);
        self.at(first, Event::Nemesis);
    }

    /// Timers and the first election of a group.
    pub(crate) fn open(&mut self, which: Which) {
        for member in 0..self.size(which) {
            let first = self.rng_ms(0, 1000);
            self.at(first, Event::Tick(which, member));
        }
        self.at(10, Event::Elect(which));
    }

    pub(crate) fn size(&self, which: Which) -> usize {
        match which {
            Which::Manager => self.manager.replicas.len(),
            Which::Server(server) => self.servers[server].nodes.len(),
        }
    }

    pub(crate) fn rng_ms(&mut self, from: u64, to: u64) -> u64 {
        self.rng.random_range(from..=to)
    }

    pub(crate) fn at(&mut self, after_ms: u64, event: Event) {
        self.agenda.add(self.now + after_ms, event);
    }

    pub(crate) fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        let line = line(self);
        self.journal.say(self.now, line);
    }

    pub(crate) fn violate(&mut self, what: String) {
        if self.violation.is_none() {
            self.journal.say(self.now, format!("VIOLATION: {what}"));
            self.violation = Some(what);
        }
    }

    /// Lets things happen until the true time is `until`.
    pub(crate) fn run_until(&mut self, until: u64) {
        while self.violation.is_none()
            && let Some((at, event)) = self.agenda.next(until)
        {
            self.now = at;
            self.handle(event);
        }
        self.now = self.now.max(until);
    }

    /// What was planned to go wrong does not, and what went wrong is mended by somebody else.
    pub(crate) fn forget_faults(&mut self) {
        self.agenda.retain(|event| match event {
            Event::Nemesis => false,
            Event::Undo(act) => matches!(act, Act::Recover | Act::Dead(_)),
            _ => true,
        });
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Tick(which, member) => {
                let next = self.rng_ms(700, 1300);
                self.at(next, Event::Tick(which, member));
                match which {
                    Which::Manager => self.manager_tick(member),
                    Which::Server(server) => self.node_tick(server, member),
                }
            }
            Event::Commit(which, id) => self.commit(which, id),
            Event::Apply(Which::Manager, member) => self.manager_apply(member),
            Event::Apply(Which::Server(server), member) => self.node_apply(server, member),
            Event::Elect(which) => self.elect(which),
            Event::StepDown(which, member, term) => self.step_down(which, member, term),
            Event::ToManager(request, from) => self.manager_handle(request, from),
            Event::Answer(to, answer) => self.node_answered(to, &answer),
            Event::Recall(server, recall) => self.node_recalled(server, recall),
            Event::Ask(question) => self.asked(question),
            Event::Confirm(question) => self.confirmed(question),
            Event::Tell(question, alive) => self.told(question, alive),
            Event::People(server) => self.people(server),
            Event::Nemesis => self.nemesis(),
            Event::Undo(act) => self.undo(act),
        }
    }

    // What all groups have in common.

    fn commit(&mut self, which: Which, id: u64) {
        let committed = match which {
            Which::Manager => self.manager.group.commit(id),
            Which::Server(server) => self.servers[server].group.commit(id),
        };
        if committed {
            self.spread(which);
        } else if !self.is_gone(which) {
            let again = self.rng_ms(50, 300);
            self.at(again, Event::Commit(which, id));
        }
    }

    fn is_gone(&self, which: Which) -> bool {
        matches!(which, Which::Server(server) if self.servers[server].gone)
    }

    /// The leader applies what was committed; the others follow.
    pub(crate) fn spread(&mut self, which: Which) {
        let serving = match which {
            Which::Manager => self.manager.group.serving(),
            Which::Server(server) => self.servers[server].group.serving(),
        };
        if let Some(leader) = serving {
            self.handle(Event::Apply(which, leader));
        }
        for member in 0..self.size(which) {
            let delay = if self.healed || self.rng.random_bool(0.8) {
                self.rng_ms(1, 60)
            } else {
                self.rng_ms(60, 6000)
            };
            self.at(delay, Event::Apply(which, member));
        }
    }

    fn elect(&mut self, which: Which) {
        let (old, new, term) = match which {
            Which::Manager => {
                let group = &mut self.manager.group;
                (group.leader, group.elect(&mut self.rng), group.term)
            }
            Which::Server(server) => {
                let group = &mut self.servers[server].group;
                (group.leader, group.elect(&mut self.rng), group.term)
            }
        };
        let Some(new) = new else {
            if !self.is_gone(which) {
                let again = self.rng_ms(500, 1500);
                self.at(again, Event::Elect(which));
            }
            return;
        };
        self.figures.elections += 1;
        self.say(|_| format!("{which:?}: {new} leads in term {term}"));
        if let Some(old) = old.filter(|old| *old != new) {
            let late = self.rng_ms(10, 4000);
            self.at(late, Event::StepDown(which, old, term));
        }
        match which {
            Which::Manager => self.manager_elected(new),
            Which::Server(server) => self.node_elected(server, new, term),
        }
        self.spread(which);
    }

    /// Leaders that are cut off or stand still do not learn of an election.
    fn step_down(&mut self, which: Which, member: usize, term: u64) {
        let members = match which {
            Which::Manager => &mut self.manager.group.members,
            Which::Server(server) => &mut self.servers[server].group.members,
        };
        let Some(leads) = members[member].leads.filter(|leads| *leads < term) else {
            return;
        };
        if members[member].up && !members[member].works() {
            let later = self.rng_ms(200, 2000);
            self.at(later, Event::StepDown(which, member, term));
            return;
        }
        members[member].leads = None;
        if let Which::Server(server) = which {
            self.servers[server].nodes[member].lead = None;
        }
        self.say(|_| format!("{which:?}: {member} learns that it no longer leads (term {leads})"));
    }

    pub(crate) fn propose_to_manager(&mut self, by: usize, entry: ManagerEntry) {
        if let Some(id) = self.manager.group.propose(by, entry) {
            let most = self.weather.commit_ms;
            // A slow disk takes its time for everything that has come together.
            let delay = match most {
                0..1000 => self.rng_ms(1, most),
                _ => most - self.now % most,
            };
            self.at(delay, Event::Commit(Which::Manager, id));
        }
    }

    pub(crate) fn propose_to_server(&mut self, server: usize, by: usize, entry: Entry) {
        if let Some(id) = self.servers[server].group.propose(by, entry) {
            let delay = if self.healed || self.rng.random_bool(0.8) {
                self.rng_ms(1, 30)
            } else {
                self.rng_ms(30, 3000)
            };
            self.at(delay, Event::Commit(Which::Server(server), id));
        }
    }

    /// How long a message is under way: not at all if it is lost, several times if it is doubled.
    pub(crate) fn journeys(&mut self) -> Vec<u64> {
        self.travel(self.weather.late)
    }

    /// As [`World::journeys`], from the manager.
    pub(crate) fn journeys_back(&mut self) -> Vec<u64> {
        self.travel(self.weather.late.max(self.weather.answers_late))
    }

    fn travel(&mut self, late: f64) -> Vec<u64> {
        let Weather {
            lost,
            doubled,
            latest_ms,
            ..
        } = self.weather;
        let copies = if self.rng.random_bool(lost) {
            0
        } else if self.rng.random_bool(doubled) {
            2
        } else {
            1
        };
        self.figures.messages += u64::from(copies != 1);
        let mut journeys = Vec::new();
        for _ in 0..copies {
            let is_late = self.rng.random_bool(late);
            self.figures.messages += u64::from(is_late);
            journeys.push(match is_late {
                true => self.rng_ms(500, latest_ms),
                false => self.rng_ms(1, 80),
            });
        }
        journeys
    }
}
