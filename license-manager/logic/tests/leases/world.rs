//! A manager and servers of one node each, whose logs commit at once, and whose messages the test carries.

use plenary_licences::{
    Answer, Ask, Epoch, Kind, PoolId, Recall, Refusal, Reply, Request, Seats,
    clock::Reading,
    lessee::{Alive, Applied, Asked, Change, Effect, Held, Home, Leader, Options, Watch},
    lessor::{self, Command, Desk, Event, Lessor, Outcome, Timers},
};
use plenary_model::{NodeId, ServerName};
use std::collections::BTreeSet;

pub(crate) const HOUR_MS: u64 = 3_600_000;
pub(crate) const TTL_MS: u64 = Lessor::DEFAULT_TTL_MS;
/// Longer than any node may go on without its leader.
pub(crate) const ALIVE_MS: u64 = 100 * HOUR_MS;

pub(crate) fn name(text: &str) -> ServerName {
    format!("{text}.example.com").parse().expect("a name")
}

pub(crate) fn pro(count: u32) -> Seats {
    Seats::only(Kind::Pro, count)
}

/// Both clocks are right.
pub(crate) fn at(ms: u64) -> Reading {
    Reading {
        boot_ms: 1_000_000 + ms,
        wall_ms: 1_800_000_000_000 + ms,
    }
}

pub(crate) struct Manager {
    pub(crate) lessor: Lessor,
    pub(crate) timers: Timers,
    pub(crate) desk: Desk,
    pub(crate) events: Vec<Event>,
    pub(crate) index: u64,
}

impl Manager {
    pub(crate) fn new(capacity: u32) -> Self {
        let lessor = Lessor::new(PoolId(1), 7);
        let mut manager = Self {
            timers: Timers::new(&lessor, at(0)),
            lessor,
            desk: Desk::default(),
            events: Vec::new(),
            index: 0,
        };
        manager.apply(
            Command::Licensed {
                seats: pro(capacity),
                covers: None,
            },
            0,
        );
        manager
    }

    pub(crate) fn apply(&mut self, command: Command, ms: u64) -> Outcome {
        self.apply_at(command, at(ms))
    }

    pub(crate) fn apply_at(&mut self, command: Command, now: Reading) -> Outcome {
        self.index += 1;
        let outcome = self.lessor.apply(self.index, &command);
        self.timers.applied(&self.lessor, &command, &outcome, now);
        self.events.extend(outcome.events.iter().cloned());
        outcome
    }

    /// Applies a request at once, past the desk.
    pub(crate) fn ask(&mut self, request: &Request, ms: u64) -> Answer {
        let outcome = self.apply(Command::Ask(request.clone()), ms);
        outcome.answer.expect("requests are answered")
    }

    /// Applies what the timers say, and tells what that was.
    pub(crate) fn tick(&mut self, now: Reading) -> usize {
        let due = self.timers.due(&self.lessor, now);
        let count = due.len();
        for command in due {
            self.apply_at(command, now);
        }
        count
    }

    /// The desk's decisions are applied at once; gives the answers and the recalls.
    pub(crate) fn carry_out(
        &mut self,
        effects: Vec<lessor::Effect>,
        ms: u64,
    ) -> (Vec<Answer>, Vec<(ServerName, Recall)>) {
        let (mut answers, mut recalls) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                lessor::Effect::Propose(command) => answers.extend(self.apply(command, ms).answer),
                lessor::Effect::Recall { server, recall } => recalls.push((server, recall)),
            }
        }
        (answers, recalls)
    }

    pub(crate) fn leased(&self, server: &str) -> u32 {
        self.lessor
            .servers()
            .get(&name(server))
            .map_or(0, |server| server.leased().pro)
    }
}

pub(crate) struct Server {
    name: ServerName,
    pub(crate) held: Held,
    pub(crate) watch: Watch,
    pub(crate) leader: Leader,
    pub(crate) home: Home,
    pub(crate) in_use: u32,
    pub(crate) random: u128,
}

pub(crate) fn home(boot_id: u128, inode: u64) -> Home {
    Home {
        boot_id,
        device: 1,
        inode,
        restore: 0,
    }
}

impl Server {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            name: name(text),
            held: Held::default(),
            watch: Watch::new(),
            leader: leader(text, 1, 0),
            home: home(1, 1),
            in_use: 0,
            random: 100,
        }
    }

    /// Registered, renewed, and with so many seats.
    pub(crate) fn with(manager: &mut Manager, text: &str, seats: u32) -> Self {
        let mut server = Self::new(text);
        server.leader.want(pro(seats));
        for _ in 0..4 {
            server.settle(manager, 0);
        }
        assert_eq!(server.held.seats.pro, seats);
        server
    }

    /// A new leader, as after an election.
    pub(crate) fn elect(&mut self, term: u64, ms: u64) {
        self.leader = Leader::elected(
            self.name.clone(),
            Options::default(),
            term,
            BTreeSet::from([NodeId(1)]),
            at(ms),
        );
    }

    fn asked(
        &mut self,
        now: Reading,
        what: impl FnOnce(&mut Leader, Asked<'_>) -> Vec<Effect>,
    ) -> Vec<Effect> {
        self.random += 1;
        let held = self.held;
        let asked = Asked {
            held: &held,
            in_use: pro(self.in_use),
            watch: &mut self.watch,
            home: self.home,
            now,
            random: self.random,
        };
        what(&mut self.leader, asked)
    }

    /// What the leader wants to send now; what it proposes is committed at once.
    pub(crate) fn poll(&mut self, ms: u64) -> Vec<Request> {
        self.poll_at(at(ms))
    }

    pub(crate) fn poll_at(&mut self, now: Reading) -> Vec<Request> {
        let me = NodeId(1);
        let vouches = self
            .held
            .epoch()
            .filter(|epoch| self.watch.vouches(*epoch, self.home));
        self.leader.hear(me, vouches);
        let effects = self.asked(now, |leader, asked| leader.poll(asked));
        self.carry_out(effects, now)
    }

    /// Sends what there is, commits what comes back.
    pub(crate) fn settle(&mut self, manager: &mut Manager, ms: u64) {
        for request in self.poll(ms) {
            let answer = manager.ask(&request, ms);
            for request in self.hear(&answer, ms) {
                manager.ask(&request, ms);
            }
        }
    }

    pub(crate) fn hear(&mut self, answer: &Answer, ms: u64) -> Vec<Request> {
        let effects = self.asked(at(ms), |leader, asked| leader.answered(answer, asked));
        self.carry_out(effects, at(ms))
    }

    pub(crate) fn recalled(&mut self, recall: Recall, ms: u64) -> Vec<Request> {
        let effects = self.asked(at(ms), |leader, asked| leader.recalled(recall, asked));
        self.carry_out(effects, at(ms))
    }

    pub(crate) fn leave(&mut self, ms: u64) -> Vec<Request> {
        let effects = self.asked(at(ms), |leader, asked| leader.leave(asked));
        self.carry_out(effects, at(ms))
    }

    pub(crate) fn left(&mut self, ms: u64) -> Option<Request> {
        let effects = self.asked(at(ms), |leader, asked| leader.left(asked).into_iter().collect());
        self.carry_out(effects, at(ms)).pop()
    }

    fn carry_out(&mut self, effects: Vec<Effect>, now: Reading) -> Vec<Request> {
        let mut requests = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(request) => requests.push(request),
                Effect::Propose(change) => requests.extend(self.commit(&change, now)),
            }
        }
        requests
    }

    fn commit(&mut self, change: &Change, now: Reading) -> Vec<Request> {
        let applied: Applied = self.held.apply(change, pro(self.in_use));
        let effects = self.asked(now, |leader, asked| leader.applied(change, applied, asked));
        self.carry_out(effects, now)
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.held.epoch().expect("it is registered")
    }

    /// Whether the node lets somebody use a seat.
    pub(crate) fn allows(&mut self, now: Reading) -> bool {
        let alive = Alive {
            left_ms: None,
            until_boot_ms: 0,
        };
        self.watch.heard(alive, ALIVE_MS, now, now, self.home);
        self.watch.allows(self.epoch(), now, self.home)
    }
}

fn leader(text: &str, term: u64, ms: u64) -> Leader {
    let members = BTreeSet::from([NodeId(1)]);
    Leader::elected(name(text), Options::default(), term, members, at(ms))
}

pub(crate) fn is_renewal(request: &Request) -> bool {
    matches!(request.ask, Ask::Renew { .. })
}

pub(crate) fn refusal(answer: &Answer) -> Option<Refusal> {
    match answer.reply {
        Reply::Refused { refusal, .. } => Some(refusal),
        _ => None,
    }
}
