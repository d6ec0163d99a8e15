//! What the nodes of servers do.

use plenary_licences::{
    Answer, Epoch, Recall, Request,
    lessee::{Alive, Applied, Asked, Effect, Leader, Options, Quiet},
    mutant::{Mutant, planted},
};
use plenary_model::NodeId;
use rand::RngExt;

use super::{
    aims::Theme,
    manager::Address,
    server::{Entry, Lead, Place},
    users::{User, Users},
    world::{Event, Question, World},
};

const OPTIONS: Options = Options {
    renew_ms: 20_000,
    change_ms: 5_000,
    retry_ms: 2_000,
    patience_ms: 10_000,
    idle_ms: 15_000,
    spare: plenary_licences::Seats {
        pro: 1,
        online: 0,
        guest: 0,
        gateway: 0,
    },
};

/// Users of a server.
const USERS: User = 40;

impl World {
    fn led(&mut self, server: usize, node: usize, what: impl FnOnce(&mut Leader, Asked<'_>) -> Vec<Effect>) {
        let (now, random) = (self.now, self.rng.random());
        let it = &mut self.servers[server].nodes[node];
        let (home, reading, held, in_use) = (it.home(), it.clock.read(now), it.state.held, it.state.in_use());
        let Some(lead) = &mut it.lead else { return };
        let asked = Asked {
            held: &held,
            in_use,
            watch: &mut it.watch,
            home,
            now: reading,
            random,
        };
        for effect in what(&mut lead.leader, asked) {
            match effect {
                Effect::Send(request) => self.send_to_manager(request, Address { server, node }),
                Effect::Propose(change) => self.propose_to_server(server, node, Entry::Lease(change)),
            }
        }
    }

    fn send_to_manager(&mut self, request: Request, from: Address) {
        if self.servers[from.server].far {
            return;
        }
        for journey in self.journeys() {
            self.at(journey, Event::ToManager(request.clone(), from));
        }
    }

    /// By way of the leader, if there is one that this node can reach.
    fn propose_via(&mut self, server: usize, by: usize, entry: Entry) {
        let group = &self.servers[server].group;
        if let Some(leader) = group.serving().filter(|_| group.members[by].works()) {
            self.propose_to_server(server, leader, entry);
        }
    }

    pub(crate) fn node_tick(&mut self, server: usize, node: usize) {
        if !self.servers[server].group.members[node].runs() {
            return;
        }
        let now = self.now;
        let it = &mut self.servers[server].nodes[node];
        let active = it.active(now).map_or(Users::default(), |(_, users)| users);
        it.local.retain(|user, _| active.contains(*user));
        // Places that are on the books of this node and that nobody here uses.
        let is_used = |user: &User, place: Place| {
            it.local.get(user).is_some_and(|(used, _)| *used == place)
                || it.expecting.get(user) == Some(&place)
        };
        let places = it
            .state
            .grants
            .iter()
            .flat_map(|(user, places)| places.iter().map(move |at| (*user, *at)));
        let unused: Vec<(User, Place)> = places
            .filter(|(user, place)| place.0 == node && !is_used(user, *place))
            .collect();
        for (user, place) in unused {
            self.propose_via(server, node, Entry::Leave { user, place });
        }
        self.ask(server, node);
        if self.servers[server].group.members[node].leads.is_some() {
            self.lead(server, node);
        }
    }

    fn lead(&mut self, server: usize, node: usize) {
        let wanted = plenary_licences::Seats::only(plenary_licences::Kind::Pro, self.servers[server].demand);
        self.led(server, node, |leader, asked| {
            leader.want(wanted);
            leader.poll(asked)
        });
        let now = self.now;
        let it = &self.servers[server].nodes[node];
        let Some(lead) = &it.lead else { return };
        let reading = it.clock.read(now);
        let places = it
            .state
            .grants
            .iter()
            .flat_map(|(user, places)| places.iter().map(move |at| (*user, *at)));
        let over: Vec<(User, Place)> = places
            .filter(|(_, place)| lead.quiet.is_over(NodeId(place.0 as u64), reading))
            .collect();
        for (user, place) in over {
            self.propose_to_server(server, node, Entry::Leave { user, place });
        }
    }

    // Whether a node is still connected.

    fn ask(&mut self, server: usize, from: usize) {
        let (now, limit_ms) = (self.now, self.limit_ms);
        let it = &self.servers[server];
        let member = &it.group.members[from];
        let reading = it.nodes[from].clock.read(now);
        let is_due = it.nodes[from]
            .asked
            .is_none_or(|asked| reading.boot_ms.saturating_sub(asked.boot_ms) >= limit_ms / 10);
        let to = match (it.group.serving(), member.leads) {
            (_, Some(_)) => Some(from),
            (Some(leader), None) if member.works() => Some(leader),
            _ => None,
        };
        let Some(to) = to.filter(|_| is_due) else { return };
        let question = Question {
            server,
            from,
            to,
            asked: reading,
            starts: it.nodes[from].starts,
            term: 0,
        };
        self.servers[server].nodes[from].asked = Some(reading);
        self.link(from == to, Event::Ask(question));
    }

    /// A message between nodes of a server.
    fn link(&mut self, to_itself: bool, event: Event) {
        let lost = !to_itself && !self.healed && self.rng.random_bool(0.05);
        let late = !to_itself && !self.healed && self.rng.random_bool(0.1);
        let delay = match late {
            _ if to_itself => 0,
            false => self.rng_ms(1, 40),
            true => self.rng_ms(40, 3000),
        };
        self.figures.messages += u64::from(lost || late);
        if !lost {
            self.at(delay, event);
        }
    }

    fn are_linked(&self, question: &Question) -> bool {
        let members = &self.servers[question.server].group.members;
        let (from, to) = (&members[question.from], &members[question.to]);
        from.runs() && to.runs() && (question.from == question.to || !from.cut && !to.cut)
    }

    pub(crate) fn asked(&mut self, question: Question) {
        let Question { server, from, to, .. } = question;
        let Some(term) = self.servers[server].group.members[to].leads else {
            return;
        };
        if !self.are_linked(&question) {
            return;
        }
        let now = self.now;
        let asker = &self.servers[server].nodes[from];
        let held = asker.state.held.epoch();
        let vouches = held.filter(|epoch| asker.watch.vouches(*epoch, asker.home()));
        let it = &mut self.servers[server].nodes[to];
        let reading = it.clock.read(now);
        let Some(lead) = &mut it.lead else { return };
        let id = NodeId(from as u64);
        lead.quiet.asked(id, reading);
        lead.leader.hear(id, vouches);
        let question = Question { term, ..question };
        if planted(Mutant::AliveWithoutQuorum) {
            self.tell(question);
        } else {
            let round = self.rng_ms(2, 100);
            self.at(round, Event::Confirm(question));
        }
    }

    pub(crate) fn confirmed(&mut self, question: Question) {
        let Question { server, to, term, .. } = question;
        let group = &self.servers[server].group;
        if group.serving() == Some(to) && group.term == term && group.members[to].leads == Some(term) {
            self.tell(question);
        }
    }

    fn tell(&mut self, question: Question) {
        let now = self.now;
        let it = &self.servers[question.server].nodes[question.to];
        let epoch = it.state.held.epoch();
        let left_ms = it.left_ms(now);
        let alive = Alive {
            left_ms: epoch.filter(|_| left_ms > 0).map(|epoch| (epoch, left_ms)),
            until_boot_ms: it.clock.read(now).boot_ms + left_ms,
        };
        self.link(question.from == question.to, Event::Tell(question, alive));
    }

    pub(crate) fn told(&mut self, question: Question, alive: Alive) {
        let (now, limit_ms) = (self.now, self.limit_ms);
        let same = self.servers[question.server].nodes[question.from].starts == question.starts;
        if !same || !self.are_linked(&question) {
            return;
        }
        let it = &mut self.servers[question.server].nodes[question.from];
        let (reading, home) = (it.clock.read(now), it.home());
        it.watch.heard(alive, limit_ms, question.asked, reading, home);
        self.judge();
    }

    // The log.

    pub(crate) fn node_elected(&mut self, server: usize, node: usize, term: u64) {
        self.node_apply(server, node);
        let (now, limit_ms) = (self.now, self.limit_ms);
        let it = &mut self.servers[server];
        let reading = it.nodes[node].clock.read(now);
        let options = Options {
            // The deadline is then hardly earlier than it may be.
            idle_ms: if self.theme == Theme::Leaders {
                3_000
            } else {
                OPTIONS.idle_ms
            },
            renew_ms: if self.theme == Theme::Silence {
                4_000
            } else {
                OPTIONS.renew_ms
            },
            ..OPTIONS
        };
        let leader = Leader::elected(it.name.clone(), options, term, it.member_ids(), reading);
        it.nodes[node].lead = Some(Lead {
            leader,
            quiet: Quiet::new(limit_ms, reading),
        });
        self.lead(server, node);
    }

    pub(crate) fn node_apply(&mut self, server: usize, node: usize) {
        let it = &mut self.servers[server];
        if !it.group.members[node].works() {
            return;
        }
        let from = it.group.members[node].applied;
        let length = it.group.log.len();
        if from >= length {
            return;
        }
        it.group.members[node].applied = length;
        it.learn();
        for position in from..length {
            let entry = self.servers[server].group.log[position];
            self.node_apply_one(server, node, &entry);
        }
        self.judge();
    }

    fn node_apply_one(&mut self, server: usize, node: usize, entry: &Entry) {
        let it = &mut self.servers[server].nodes[node];
        let before: Option<Epoch> = it.state.held.epoch();
        let applied = it.state.apply(entry);
        match entry {
            Entry::Lease(change) => {
                if before != it.state.held.epoch() {
                    it.local.clear();
                }
                let held = it.state.held;
                if applied == Applied::Changed && it.lead.is_some() {
                    self.say(|_| format!("s{server}/{node}: {change:?}, holds {}", held.seats.pro));
                }
                self.led(server, node, |leader, asked| {
                    leader.applied(change, applied, asked)
                });
            }
            Entry::Join { user, place } if place.0 == node && it.expecting.get(user) == Some(place) => {
                it.expecting.remove(user);
                if let Some(epoch) = it.state.held.epoch()
                    && applied == Applied::Changed
                {
                    it.local.insert(*user, (*place, epoch));
                    self.figures.joins += 1;
                }
            }
            Entry::Leave { user, place } => {
                if it.local.get(user).is_some_and(|(used, _)| used == place) {
                    it.local.remove(user);
                }
            }
            Entry::Join { .. } => {}
        }
    }

    pub(crate) fn node_answered(&mut self, to: Address, answer: &Answer) {
        if self.servers[to.server].group.members[to.node].runs() {
            self.led(to.server, to.node, |leader, asked| leader.answered(answer, asked));
            self.judge();
        }
    }

    pub(crate) fn node_recalled(&mut self, server: usize, recall: Recall) {
        for node in 0..self.servers[server].nodes.len() {
            if self.servers[server].group.members[node].runs() {
                self.led(server, node, |leader, asked| leader.recalled(recall, asked));
            }
        }
    }

    // People.

    /// Users that use a seat, each once.
    pub(crate) fn joined(&self, server: usize) -> Users {
        let it = &self.servers[server];
        let members = it.group.members.iter().zip(&it.nodes);
        let active = members
            .filter(|(member, _)| member.runs())
            .filter_map(|(_, node)| node.active(self.now));
        active.fold(Users::default(), |all, (_, users)| all.with(users))
    }

    pub(crate) fn people(&mut self, server: usize) {
        if self.servers[server].gone {
            return;
        }
        let next = if self.healed {
            self.rng_ms(100, 300)
        } else {
            self.rng_ms(500, 3000)
        };
        self.at(next, Event::People(server));
        let change = match self.theme {
            Theme::Leaders => 0.15,
            // What is wanted when the time is over is what was wanted when it began.
            Theme::Silence | Theme::Cuts => 0.005,
            Theme::Restores => 0.002,
            _ => 0.04,
        };
        if !self.healed && self.rng.random_bool(change) {
            let most = self.ceiling;
            self.servers[server].demand = self.rng.random_range(0..=most);
        }
        if self.rng.random_bool(0.1) {
            let node = self.rng.random_range(0..self.servers[server].nodes.len());
            self.servers[server].nodes[node].expecting.clear();
        }
        let joined = self.joined(server);
        let demand = self.servers[server].demand;
        if joined.count() < demand {
            let user = self.rng.random_range(0..USERS);
            self.join(server, user);
        } else if joined.count() > demand {
            self.leave(server);
        } else if self.rng.random_bool(0.2)
            && let Some(user) = joined.first()
        {
            // On a second device.
            self.join(server, user);
        }
    }

    /// The leader looks at its deadline before it proposes anything.
    fn join(&mut self, server: usize, user: User) {
        let node = self.rng.random_range(0..self.servers[server].nodes.len());
        let it = &self.servers[server];
        let Some(leader) = it.group.serving() else { return };
        if !it.group.members[node].works() || it.nodes[leader].left_ms(self.now) == 0 {
            return;
        }
        let place = (node, self.rng.random());
        self.servers[server].nodes[node].expecting.insert(user, place);
        self.propose_via(server, node, Entry::Join { user, place });
    }

    /// Somebody goes: the use ends on the node first, then the seat is given back.
    pub(crate) fn leave(&mut self, server: usize) {
        let node = self.rng.random_range(0..self.servers[server].nodes.len());
        if !self.servers[server].group.members[node].runs() {
            return;
        }
        if let Some((user, (place, _))) = self.servers[server].nodes[node].local.pop_first() {
            self.propose_via(server, node, Entry::Leave { user, place });
        }
    }
}
