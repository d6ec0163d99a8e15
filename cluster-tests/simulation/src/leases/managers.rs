//! What the replicas of the License Manager do, and the oracle.

use plenary_licences::{
    Ask, Request, Seats,
    lessor::{Command, Desk, Effect, Outcome, Server},
};
use plenary_model::ServerName;

use super::{
    manager::{Address, Entry},
    world::{Event, World},
};

impl World {
    pub(crate) fn manager_tick(&mut self, replica: usize) {
        let member = &self.manager.group.members[replica];
        if !member.runs() || member.leads.is_none() {
            return;
        }
        let now = self.now;
        let it = &mut self.manager.replicas[replica];
        for command in it.timers.due(&it.state, it.clock.read(now)) {
            let answer = None;
            self.propose_to_manager(replica, Entry { command, answer });
        }
        self.manager_poll(replica);
    }

    fn manager_poll(&mut self, replica: usize) {
        let now = self.now;
        let it = &mut self.manager.replicas[replica];
        let effects = it.desk.poll(&it.state, it.clock.read(now));
        self.carry_out(replica, effects, None);
    }

    pub(crate) fn manager_handle(&mut self, request: Request, from: Address) {
        let Some(leader) = self.manager.group.serving() else {
            return;
        };
        if let Ask::Grow { order, .. } = &request.ask {
            self.routes.insert(*order, from);
        }
        let now = self.now;
        let it = &mut self.manager.replicas[leader];
        let effects = it.desk.handle(&it.state, request, it.clock.read(now));
        self.carry_out(leader, effects, Some(from));
    }

    fn carry_out(&mut self, replica: usize, effects: Vec<Effect>, from: Option<Address>) {
        for effect in effects {
            match effect {
                Effect::Propose(command) => {
                    let address = match &command {
                        Command::Ask(Request {
                            ask: Ask::Grow { order, .. },
                            ..
                        }) => self.routes.get(order).copied(),
                        _ => from,
                    };
                    let answer = address.map(|address| (address, replica));
                    self.propose_to_manager(replica, Entry { command, answer });
                }
                Effect::Recall { server, recall } => {
                    self.say(|_| format!("manager recalls {} from {server}", recall.seats.pro));
                    for image in 0..self.servers.len() {
                        if self.servers[image].name == server && !self.servers[image].far {
                            for journey in self.journeys() {
                                self.at(journey, Event::Recall(image, recall));
                            }
                        }
                    }
                }
            }
        }
    }

    pub(crate) fn manager_elected(&mut self, replica: usize) {
        self.manager_apply(replica);
        self.manager.replicas[replica].desk = Desk::default();
    }

    pub(crate) fn manager_apply(&mut self, replica: usize) {
        if !self.manager.group.members[replica].works() {
            return;
        }
        let from = self.manager.group.members[replica].applied;
        let length = self.manager.group.log.len();
        for position in from..length {
            self.manager.group.members[replica].applied = position + 1;
            let entry = self.manager.group.log[position].clone();
            let index = position as u64 + 1;
            if self.manager.truth.position().index < index {
                let before = (self.manager.truth.leased(), self.manager.truth.capacity());
                let outcome = self.manager.truth.apply(index, &entry.command);
                self.observe(before, &entry.command, &outcome);
            }
            self.apply_to_replica(replica, index, &entry);
        }
        if from < length {
            if self.manager.group.members[replica].leads.is_some() {
                self.manager_poll(replica);
            }
            self.judge();
        }
    }

    fn apply_to_replica(&mut self, replica: usize, index: u64, entry: &Entry) {
        let now = self.now;
        let it = &mut self.manager.replicas[replica];
        let outcome = it.state.apply(index, &entry.command);
        it.timers
            .applied(&it.state, &entry.command, &outcome, it.clock.read(now));
        let leads = self.manager.group.members[replica].leads.is_some();
        if let Some((to, by)) = entry.answer
            && let Some(answer) = outcome.answer
            && by == replica
            && leads
            && !self.servers[to.server].far
        {
            for journey in self.journeys_back() {
                self.at(journey, Event::Answer(to, answer.clone()));
            }
        }
    }

    /// What the log decided, each entry once.
    fn observe(&mut self, before: (Seats, Seats), command: &Command, outcome: &Outcome) {
        if let Some((name, _)) = &outcome.touched {
            self.figures.renewals += 1;
            for image in 0..self.servers.len() {
                if self.servers[image].name == *name {
                    self.renewed_at[image] = self.now;
                }
            }
        }
        for event in &outcome.events {
            self.say(|_| format!("manager: {event:?}"));
        }
        let leased = self.manager.truth.leased();
        if leased != before.0 {
            self.say(|w| {
                let of = |(name, server): (&ServerName, &Server)| format!("{name} {}", server.leased().pro);
                let all: Vec<String> = w.manager.truth.servers().iter().map(of).collect();
                let what = match command {
                    Command::Ask(request) => format!("{:?}", request.ask),
                    other => format!("{other:?}"),
                };
                format!("manager leases {}: {what}", all.join(", "))
            });
        }
        let capacity = self.manager.truth.capacity();
        if capacity != before.1 {
            // Whoever has a lease keeps it.
            self.ceiling = self.ceiling.max(capacity.pro).min(capacity.max(leased).pro);
        }
        let reclaims = matches!(
            command,
            Command::Ask(Request {
                ask: Ask::Reclaim { .. },
                ..
            })
        );
        if !reclaims && !before.0.max(capacity).covers(leased) {
            self.violate(format!("the manager leases {leased} of {capacity}"));
        }
    }

    /// Invariant 1. The ceiling is the licence's number, or after it became smaller what was leased then, as far as it
    /// has not come back since.
    pub(crate) fn judge(&mut self) {
        let capacity = self.manager.truth.capacity().pro;
        let leased = self.manager.truth.leased().pro;
        self.ceiling = capacity.max(self.ceiling.min(leased));
        let now = self.now;
        let usable: Vec<u32> = self.servers.iter().map(|server| server.usable(now)).collect();
        let all: u32 = usable.iter().sum();
        if all > self.ceiling {
            let ceiling = self.ceiling;
            self.violate(format!(
                "{all} seats can be used, {usable:?}, and there are {ceiling}"
            ));
        }
    }
}
