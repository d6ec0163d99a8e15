use super::{
    balance,
    state::{Command, Lessor},
};
use crate::{Ask, Epoch, Kind, Order, Recall, Request, Seats, clock::Reading};
use plenary_model::ServerName;
use std::collections::BTreeMap;

/// What the leader of a License Manager has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Propose(Command),
    /// Ask a server for seats; it is not remembered whether it heard.
    Recall {
        server: ServerName,
        recall: Recall,
    },
}

/// Where requests wait that recalled seats could fulfil. Only the leader has one; what it forgets is asked again.
///
/// Of one server only the last request for more waits: an earlier one would be refused as stale anyway.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    waiting: BTreeMap<ServerName, Waiting>,
    /// When each server was last asked for seats.
    asked: BTreeMap<ServerName, Reading>,
}

#[derive(Debug, Clone)]
struct Waiting {
    request: Request,
    epoch: Epoch,
    to: Seats,
    since: Reading,
}

impl Desk {
    /// A request for more waits so long for seats of others, in milliseconds.
    pub const PATIENCE_MS: u64 = 900;
    /// A server is asked again after so long, in milliseconds.
    const AGAIN_MS: u64 = 400;
    /// For so long others are asked before one that was asked already: it gave what it could, or did not hear. What the
    /// manager believes of its use may be as old as that.
    const OTHERS_FIRST_MS: u64 = 5_000;

    /// A request came in.
    pub fn handle(&mut self, lessor: &Lessor, request: Request, now: Reading) -> Vec<Effect> {
        let Ask::Grow { order, to } = request.ask else {
            return vec![Effect::Propose(Command::Ask(request))];
        };
        if lessor
            .current_order(&request.server)
            .is_none_or(|last| order <= last)
        {
            return vec![Effect::Propose(Command::Ask(request))];
        }
        let waiting = Waiting {
            epoch: order.epoch,
            to,
            since: now,
            request: request.clone(),
        };
        self.waiting.insert(request.server, waiting);
        self.poll(lessor, now)
    }

    /// To be called after each applied command and when [`Desk::next_ms`] has passed.
    pub fn poll(&mut self, lessor: &Lessor, now: Reading) -> Vec<Effect> {
        self.waiting.retain(|name, waiting| {
            let server = lessor.servers.get(name);
            server.is_some_and(|server| server.current() == Some(waiting.epoch))
        });
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let mut effects = self.decide(lessor, now);
        if !self.waiting.is_empty() {
            effects.extend(self.recall(lessor, now));
        }
        effects
    }

    /// Milliseconds until there is something to do; `None` while nothing waits.
    pub fn next_ms(&self, now: Reading) -> Option<u64> {
        let left = |waiting: &Waiting| {
            Self::PATIENCE_MS.saturating_sub(now.boot_ms.saturating_sub(waiting.since.boot_ms))
        };
        self.waiting
            .values()
            .map(left)
            .min()
            .map(|left| left.clamp(1, Self::AGAIN_MS))
    }

    /// What all who wait can have together is given at once, and so is what is guaranteed. When one has waited long
    /// enough, all share what there is, so that nobody gets ahead by asking for little.
    fn decide(&mut self, lessor: &Lessor, now: Reading) -> Vec<Effect> {
        let all: Seats = self
            .waiting
            .iter()
            .map(|(name, waiting)| wanted(lessor, name, waiting))
            .sum();
        let is_long =
            |waiting: &Waiting| now.boot_ms.saturating_sub(waiting.since.boot_ms) >= Self::PATIENCE_MS;
        let is_over = self.waiting.values().any(is_long);
        let free = lessor.free();
        let ready = |name: &ServerName, waiting: &Waiting| {
            let own = lessor
                .servers
                .get(name)
                .map_or(Seats::NONE, |server| server.reserved());
            let guaranteed = own.min(free.to(name)).covers(wanted(lessor, name, waiting));
            is_over || guaranteed || free.to(name).covers(all)
        };
        let names: Vec<ServerName> = self
            .waiting
            .iter()
            .filter(|(name, waiting)| ready(name, waiting))
            .map(|(name, _)| name.clone())
            .collect();
        let ready: Vec<Waiting> = names
            .iter()
            .filter_map(|name| self.waiting.remove(name))
            .collect();
        let shares = shares(lessor, &ready);
        ready
            .into_iter()
            .zip(shares)
            .map(|(waiting, to)| {
                let mut request = waiting.request;
                if let Ask::Grow { to: asked, .. } = &mut request.ask {
                    *asked = to;
                }
                Effect::Propose(Command::Ask(request))
            })
            .collect()
    }

    fn recall(&mut self, lessor: &Lessor, now: Reading) -> Vec<Effect> {
        let wants = |(name, waiting): (&ServerName, &Waiting)| wanted(lessor, name, waiting);
        let all: Seats = self.waiting.iter().map(wants).sum();
        let free = lessor.free();
        let each = self.waiting.keys().map(|name| free.to(name));
        let short = all.minus(each.fold(Seats::NONE, Seats::max));
        let since = |asked: &Reading| now.boot_ms.saturating_sub(asked.boot_ms);
        self.asked.retain(|_, asked| since(asked) < Self::OTHERS_FIRST_MS);
        let waiting: Vec<&ServerName> = self.waiting.keys().collect();
        let asked: Vec<&ServerName> = self.asked.keys().collect();
        let others = balance::recalls(lessor, short, &[waiting.clone(), asked].concat());
        let rest = short.minus(others.values().copied().sum());
        let chosen: Vec<&ServerName> = others.keys().collect();
        let again = balance::recalls(lessor, rest, &[waiting, chosen].concat());
        let mut effects = Vec::new();
        for (server, seats) in others.into_iter().chain(again) {
            if self
                .asked
                .get(&server)
                .is_some_and(|asked| since(asked) < Self::AGAIN_MS)
            {
                continue;
            }
            let Some(epoch) = lessor.servers.get(&server).and_then(|server| server.current()) else {
                continue;
            };
            self.asked.insert(server.clone(), now);
            let recall = Recall { epoch, seats };
            effects.push(Effect::Recall { server, recall });
        }
        effects
    }
}

/// Seats that a request wants beyond those of its lease.
fn wanted(lessor: &Lessor, name: &ServerName, waiting: &Waiting) -> Seats {
    let server = lessor.servers.get(name);
    let lease = server.and_then(|server| server.leases.get(&waiting.epoch));
    lease.map_or(Seats::NONE, |lease| waiting.to.minus(lease.seats))
}

/// What each of them may grow to, if all are granted together.
fn shares(lessor: &Lessor, ready: &[Waiting]) -> Vec<Seats> {
    let name = |waiting: &Waiting| waiting.request.server.clone();
    let all = lessor.free();
    let mut to: Vec<Seats> = ready.iter().map(|waiting| waiting.to).collect();
    for kind in Kind::ALL {
        let wants: Vec<u32> = ready
            .iter()
            .map(|waiting| wanted(lessor, &name(waiting), waiting).of(kind))
            .collect();
        let free = ready
            .iter()
            .map(|waiting| all.to(&waiting.request.server).of(kind))
            .max()
            .unwrap_or(0);
        for ((to, want), share) in to.iter_mut().zip(&wants).zip(balance::share(free, &wants)) {
            to.set(kind, to.of(kind) - (want - share));
        }
    }
    to
}

impl Lessor {
    /// The last order of the lease that a server can renew.
    fn current_order(&self, name: &ServerName) -> Option<Order> {
        let server = self.servers.get(name)?;
        let lease = server.leases.get(&server.current()?)?;
        Some(lease.order)
    }
}
