//! Makes things go wrong, at moments and in ways that follow from the seed.

use plenary_licences::{
    Kind, Seats,
    lessor::{Command, Standing},
};
use rand::RngExt;

use super::{
    aims::Theme,
    manager::Entry,
    world::{Event, Weather, Which, World},
};

/// Something that goes wrong, or its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Far(usize),
    /// Until so many milliseconds before its lease ends by the manager's clock.
    FarUntil(usize, u64),
    Cut(Which, usize),
    Pause(Which, usize),
    /// By a hypervisor, for so long.
    Hold(Which, usize, u64),
    Down(Which, usize),
    Recover,
    /// The manager is restored to so many entries, amid the growth of that server.
    Restore(usize, usize),
    /// Who is in stays, and nobody else comes.
    Content(usize),
    Dead(usize),
}

impl World {
    pub(crate) fn nemesis(&mut self) {
        let (from, to) = match self.theme {
            Theme::Leaders => (500, 5_000),
            _ => (1_000, 22_000),
        };
        let next = self.rng_ms(from, to);
        self.at(next, Event::Nemesis);
        let server = self.rng.random_range(0..self.servers.len());
        if self.servers[server].gone {
            return;
        }
        let dice = self.rng.random_range(0..100);
        match (self.theme, dice) {
            (Theme::Silence, 0..65) => self.silence_one(),
            (Theme::Silence, 65..94) => {}
            (Theme::Cuts, 0..60) => self.cut_for_long(server),
            (Theme::Cuts, 60..94) => {}
            (Theme::Copies, 0..12) => self.copy(server),
            (Theme::Copies, 12..35) => self.restore_server(server),
            (Theme::Restores, 0..40) => self.restore_amid_growth(),
            (Theme::Restores, 40..90) => {}
            (Theme::Clocks, 0..25) => self.hold_all(server),
            (Theme::Clocks, 25..45) => self.set_wall_clock(server),
            (Theme::Leaders, 0..60) => self.at(0, Event::Elect(Which::Server(server))),
            (Theme::Leaders, 60..70) => self.be_late(30_000),
            _ => self.harm_anyhow(server),
        }
    }

    fn harm_anyhow(&mut self, server: usize) {
        match self.rng.random_range(0..100) {
            0..22 => self.harm(Which::Server(server)),
            22..29 => self.harm(Which::Manager),
            29..38 => self.at(0, Event::Elect(Which::Server(server))),
            38..43 => self.at(0, Event::Elect(Which::Manager)),
            43..55 => self.change_weather(),
            55..62 => self.silence(server),
            62..68 => self.set_wall_clock(server),
            68..74 => self.hold_all(server),
            74..80 => self.blackout(server),
            80..83 => self.copy(server),
            83..87 => self.restore_server(server),
            87..89 => self.restore_manager(),
            89..92 => self.destroy(server),
            _ => self.change_capacity(),
        }
    }

    fn change_weather(&mut self) {
        self.weather = match self.rng.random_range(0..4) {
            0 => Weather::CALM,
            _ => Weather {
                lost: self.rng.random_range(0.0..0.3),
                doubled: self.rng.random_range(0.0..0.3),
                late: self.rng.random_range(0.0..0.3),
                answers_late: 0.0,
                latest_ms: self.rng.random_range(1_000..60_000),
                commit_ms: [20, 20, 300, 4_000][self.rng.random_range(0..4)],
            },
        };
        self.say(|w| format!("{:.2?}", w.weather));
    }

    /// One replica is cut off, stands still or ends.
    fn harm(&mut self, which: Which) {
        let member = self.rng.random_range(0..self.size(which));
        let limit = self.limit_ms;
        let long = match self.rng.random_range(0..3) {
            0 => self.rng_ms(500, 10_000),
            1 => self.rng_ms(limit / 2, limit + limit / 10),
            _ => self.rng_ms(5_000, 60_000),
        };
        let virtual_machine = match which {
            Which::Manager => true,
            Which::Server(server) => self.servers[server].virtual_machines,
        };
        let leader = self.leader(which);
        // Leaders are where it hurts.
        let member = leader.filter(|_| self.rng.random_bool(0.4)).unwrap_or(member);
        let act = match self.rng.random_range(0..10) {
            0..4 => Act::Cut(which, member),
            4..6 => Act::Pause(which, member),
            6 if virtual_machine => Act::Hold(which, member, long),
            _ => Act::Down(which, member),
        };
        self.act(act, long);
    }

    /// Begins something for a while.
    pub(crate) fn act(&mut self, act: Act, ms: u64) {
        let (Act::Cut(which, at) | Act::Pause(which, at) | Act::Hold(which, at, _) | Act::Down(which, at)) =
            act
        else {
            return;
        };
        let member = self.member(which, at);
        if !member.works() {
            return;
        }
        match act {
            Act::Cut(..) => member.cut = true,
            Act::Pause(..) | Act::Hold(..) => member.paused = true,
            _ => {
                member.up = false;
                member.leads = None;
            }
        }
        match act {
            Act::Cut(..) => self.figures.cuts += 1,
            Act::Pause(..) | Act::Hold(..) => self.figures.pauses += 1,
            _ => self.figures.crashes += 1,
        }
        if let (Act::Down(..), Which::Server(server)) = (act, which) {
            self.servers[server].nodes[at].stop();
        }
        self.say(|_| format!("{act:?} for {ms} ms"));
        self.at(ms, Event::Undo(act));
        if self.leader(which) == Some(at) {
            let election = self.rng_ms(300, 2000);
            self.at(election, Event::Elect(which));
        }
    }

    pub(crate) fn leader(&self, which: Which) -> Option<usize> {
        match which {
            Which::Manager => self.manager.group.leader,
            Which::Server(server) => self.servers[server].group.leader,
        }
    }

    fn member(&mut self, which: Which, at: usize) -> &mut super::group::Member {
        match which {
            Which::Manager => &mut self.manager.group.members[at],
            Which::Server(server) => &mut self.servers[server].group.members[at],
        }
    }

    pub(crate) fn undo(&mut self, act: Act) {
        match act {
            Act::Far(server) => self.servers[server].far = false,
            Act::FarUntil(server, before) => self.back_in_time(server, before),
            Act::Recover => self.recover(),
            Act::Restore(server, length) => self.restore_before(server, length),
            Act::Content(server) => self.be_content(server),
            Act::Dead(server) => {
                let name = self.servers[server].name.clone();
                self.administer(Command::DeclareDead { server: name });
            }
            Act::Cut(which, at) | Act::Pause(which, at) | Act::Hold(which, at, _) | Act::Down(which, at) => {
                if matches!(which, Which::Server(server) if self.servers[server].gone) {
                    return;
                }
                self.end_harm(act, which, at);
            }
        }
    }

    fn end_harm(&mut self, act: Act, which: Which, at: usize) {
        let now = self.now;
        let member = self.member(which, at);
        match act {
            Act::Cut(..) => member.cut = false,
            Act::Pause(..) | Act::Hold(..) => member.paused = false,
            _ => member.up = true,
        }
        let boots = matches!(act, Act::Down(..)) && self.rng.random_bool(0.5);
        let clock = match which {
            Which::Manager => &mut self.manager.replicas[at].clock,
            Which::Server(server) => &mut self.servers[server].nodes[at].clock,
        };
        if let Act::Hold(_, _, ms) = act {
            clock.held(ms);
        }
        if boots {
            clock.boot(&mut self.rng, now);
        }
        if let (Act::Down(..), Which::Manager) = (act, which) {
            self.manager.start(at, now);
        }
        self.say(|_| format!("end of {act:?}{}", if boots { ", booted" } else { "" }));
        self.judge();
        let (serving, term) = match which {
            Which::Manager => (self.manager.group.serving(), self.manager.group.term),
            Which::Server(server) => {
                let group = &self.servers[server].group;
                (group.serving(), group.term)
            }
        };
        if serving.is_none() {
            let soon = self.rng_ms(200, 1500);
            self.at(soon, Event::Elect(which));
        }
        let soon = self.rng_ms(10, 2500);
        self.at(soon, Event::StepDown(which, at, term));
        let soon = self.rng_ms(1, 500);
        self.at(soon, Event::Apply(which, at));
    }

    /// A hypervisor holds all machines of a server for long, or all processes stand still.
    fn hold_all(&mut self, server: usize) {
        let long = match self.rng.random_range(0..2) {
            0 => self.rng_ms(5_000, 60_000),
            _ => self.rng_ms(self.ttl_ms / 2, self.ttl_ms + 30_000),
        };
        let virtual_machines = self.servers[server].virtual_machines;
        for node in 0..self.servers[server].nodes.len() {
            let which = Which::Server(server);
            let act = match virtual_machines {
                true => Act::Hold(which, node, long),
                false => Act::Pause(which, node),
            };
            self.act(act, long);
        }
    }

    fn blackout(&mut self, server: usize) {
        for node in 0..self.servers[server].nodes.len() {
            let long = self.rng_ms(500, 20_000);
            self.act(Act::Down(Which::Server(server), node), long);
        }
    }

    pub(crate) fn set_wall_clock(&mut self, server: usize) {
        const YEAR_MS: i64 = 365 * 86_400_000;
        let ms = match self.rng.random_range(0..4) {
            0 => YEAR_MS,
            1 => -YEAR_MS,
            _ => self.rng.random_range(-600_000..600_000),
        };
        self.figures.jumps += 1;
        // Virtual machines have no clocks of their own to set.
        if self.servers[server].virtual_machines || self.rng.random_bool(0.3) {
            let replica = self.rng.random_range(0..self.manager.replicas.len());
            self.manager.replicas[replica].clock.jump(ms);
            self.say(|_| format!("wall clock of manager {replica} is set by {ms} ms"));
        } else {
            let node = self.rng.random_range(0..self.servers[server].nodes.len());
            self.servers[server].nodes[node].clock.jump(ms);
            self.say(|_| format!("wall clock of s{server}/{node} is set by {ms} ms"));
        }
    }

    /// Somebody starts copies of a server's machines beside it.
    fn copy(&mut self, server: usize) {
        if self.servers.len() >= 7 || self.servers[server].is_copy {
            return;
        }
        self.figures.copies += 1;
        let copy = self.servers[server].copy(&mut self.rng, self.now);
        let number = self.servers.len();
        self.servers.push(copy);
        self.renewed_at.push(0);
        self.say(|_| format!("s{number} is a copy of s{server}"));
        self.open(Which::Server(number));
        self.at(1_000, Event::People(number));
    }

    pub(crate) fn restore_server(&mut self, server: usize) {
        let length = self.servers[server].group.log.len();
        let to = self.rng.random_range(length / 2..=length);
        self.figures.copies += 1;
        self.say(|_| format!("s{server} is restored to entry {to} of {length}"));
        let now = self.now;
        self.servers[server].restore(&mut self.rng, to);
        for node in 0..self.servers[server].nodes.len() {
            if self.rng.random_bool(0.3) {
                self.servers[server].nodes[node].clock.boot(&mut self.rng, now);
            }
        }
        self.at(500, Event::Elect(Which::Server(server)));
    }

    fn restore_manager(&mut self) {
        if matches!(self.theme, Theme::Restores | Theme::Mixed) {
            let length = self.manager.group.log.len();
            let back = [3, 20, length][self.rng.random_range(0..3)];
            let to = self.rng.random_range(length.saturating_sub(back)..=length);
            self.restore_manager_to(to, 60_000);
        }
    }

    pub(crate) fn restore_manager_to(&mut self, to: usize, patience_ms: u64) {
        self.figures.copies += 1;
        self.say(|w| {
            let length = w.manager.group.log.len();
            format!("the manager is restored to entry {to} of {length}")
        });
        self.manager.restore(to, self.now);
        self.at(300, Event::Elect(Which::Manager));
        let patience = self.rng_ms(500, patience_ms);
        self.at(patience, Event::Undo(Act::Recover));
    }

    fn recover(&mut self) {
        if self.manager.truth.standing() == Standing::Behind {
            let branch = self.rng.random();
            self.administer(Command::Recover { branch });
            // In case the manager could not hear it.
            self.at(10_000, Event::Undo(Act::Recover));
        }
    }

    pub(crate) fn administer(&mut self, command: Command) {
        if let Some(leader) = self.manager.group.serving() {
            let answer = None;
            self.propose_to_manager(leader, Entry { command, answer });
        }
    }

    /// A server is gone for good; after a while an administrator says so.
    fn destroy(&mut self, server: usize) {
        let alike = |other: &&super::server::Server| other.name == self.servers[server].name && !other.gone;
        let left = self.servers.iter().filter(|other| !other.gone).count();
        if left < 3 || self.servers.iter().filter(alike).count() > 1 {
            return;
        }
        self.switch_off(server);
        let later = self.rng_ms(1_000, 60_000);
        self.at(later, Event::Undo(Act::Dead(server)));
    }

    pub(crate) fn switch_off(&mut self, server: usize) {
        self.say(|_| format!("s{server} is off for good"));
        let it = &mut self.servers[server];
        it.gone = true;
        it.group.leader = None;
        for (member, node) in it.group.members.iter_mut().zip(&mut it.nodes) {
            member.up = false;
            member.leads = None;
            node.stop();
        }
    }

    fn change_capacity(&mut self) {
        // A restored manager would have another licence than the oracle.
        if !matches!(self.theme, Theme::Restores | Theme::Mixed) {
            let pro = self.rng.random_range(8..32);
            self.administer(Command::Licensed {
                seats: Seats::only(Kind::Pro, pro),
                covers: None,
            });
        }
    }
}
