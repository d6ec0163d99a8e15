use super::state::{Command, Event, Lease, Lessor, Outcome, Reign, Server, Standing};
use crate::{
    Answer, Ask, Epoch, Incarnation, Order, Refusal, Reply, Request, Seats,
    mutant::{self, Mutant},
};
use plenary_model::ServerName;

/// Leaders that are remembered.
const REIGNS: usize = 16;
/// Lives of a server that are remembered.
const PAST: usize = 32;

impl Lessor {
    /// Applies the command at `index` of the log; indices rise. Equal states and commands give equal outcomes.
    pub fn apply(&mut self, index: u64, command: &Command) -> Outcome {
        self.position.index = index;
        let mut outcome = Outcome::default();
        match command {
            Command::Ask(request) => self.ask(request, &mut outcome),
            Command::Expire { server, epoch, order } => self.expire(server, *epoch, *order, &mut outcome),
            Command::Licensed { seats, covers } => {
                self.capacity = *seats;
                self.covers.clone_from(covers);
            }
            Command::Ttl { ms } => self.ttl_ms = (*ms).clamp(*Self::TTL_MS.start(), *Self::TTL_MS.end()),
            Command::Limits { server, limits } => {
                self.servers.entry(server.clone()).or_default().limits = *limits;
            }
            Command::DeclareDead { server } => self.declare_dead(server, &mut outcome),
            Command::Lead { reign } => self.lead(*reign),
            Command::Restored => self.restored(&mut outcome),
            Command::Recover { branch } => self.recover(*branch, &mut outcome),
            Command::Recovered { branch } => self.recovered(*branch, &mut outcome),
        }
        outcome
    }

    /// Something else was committed at `index`.
    pub(crate) fn pass(&mut self, index: u64) {
        self.position.index = index;
    }

    /// What is said to a request at `index` that is not even looked at.
    pub(crate) fn refuse(&mut self, index: u64, request: &Request, refusal: Refusal) -> Answer {
        self.pass(index);
        Answer {
            position: self.position,
            reply: Reply::Refused {
                order: request.ask.order(),
                refusal,
            },
        }
    }

    fn ask(&mut self, request: &Request, outcome: &mut Outcome) {
        let reply = self
            .reply(request, outcome)
            .unwrap_or_else(|refusal| Reply::Refused {
                order: request.ask.order(),
                refusal,
            });
        outcome.answer = Some(Answer {
            position: self.position,
            reply,
        });
    }

    fn reply(&mut self, request: &Request, outcome: &mut Outcome) -> Result<Reply, Refusal> {
        if request.pool.is_some_and(|pool| pool != self.pool) {
            return Err(Refusal::OtherPool);
        }
        self.named_epoch = self.named_epoch.max(request.seen.epoch);
        if self.is_behind(request.seen) && !mutant::planted(Mutant::RestoredGrantsAtOnce) {
            if self.standing != Standing::Behind {
                outcome.events.push(Event::FoundBehind {
                    server: request.server.clone(),
                    seen: request.seen,
                });
            }
            self.standing = Standing::Behind;
        }
        if self.standing == Standing::Behind {
            return Err(Refusal::Behind);
        }
        match &request.ask {
            Ask::Register { incarnation } => self.register(&request.server, *incarnation, outcome),
            Ask::Renew { order, used, wanted } => {
                self.renew(&request.server, *order, (*used, *wanted), outcome)
            }
            Ask::Grow { order, to } => self.grow(&request.server, *order, *to, outcome),
            Ask::Return { order, to } => self.give_back(&request.server, *order, *to, outcome),
            Ask::Reclaim { order, held } => self.reclaim(&request.server, *order, *held, outcome),
            Ask::Leave { order } => self.leave(&request.server, *order, outcome),
        }
    }

    fn register(
        &mut self,
        name: &ServerName,
        incarnation: Incarnation,
        outcome: &mut Outcome,
    ) -> Result<Reply, Refusal> {
        if !self.covers(name) {
            return Err(Refusal::NotCovered);
        }
        let server = self.servers.entry(name.clone()).or_default();
        let registered = |epoch| Reply::Registered {
            pool: self.pool,
            incarnation,
            epoch,
        };
        match server.current {
            Some((current, epoch)) if current == incarnation => {
                return match server.leases.contains_key(&epoch) {
                    true => Ok(registered(epoch)),
                    false => Err(Refusal::Gone),
                };
            }
            _ if server.past.contains(&incarnation) => return Err(Refusal::Superseded),
            Some((_, epoch)) => {
                // One without seats has nothing to return.
                server.leases.retain(|_, lease| !lease.seats.is_none());
                if server.leases.contains_key(&epoch) {
                    outcome.events.push(Event::Superseded {
                        server: name.clone(),
                        epoch,
                    });
                }
            }
            None => {}
        }
        self.last_number += 1;
        let epoch = Epoch {
            pool: self.position.epoch,
            number: self.last_number,
        };
        let reply = registered(epoch);
        server.replace(incarnation, epoch);
        server
            .leases
            .insert(epoch, Lease::new(epoch, reply.clone(), self.ttl_ms));
        outcome.events.push(Event::Registered {
            server: name.clone(),
            epoch,
        });
        outcome.touched = Some((name.clone(), epoch));
        Ok(reply)
    }

    /// The lease that a message of this order may change, or what was said to that very message before.
    ///
    /// # Errors
    /// Why it may not. A superseded lease is found only if `returning`.
    fn lease(
        &mut self,
        name: &ServerName,
        order: Order,
        returning: bool,
    ) -> Result<Result<&mut Lease, Reply>, Refusal> {
        let pool_epoch = self.position.epoch;
        let recovering = self.standing == Standing::Recovering;
        // What this manager does not know may have been lent before it was restored.
        let unknown = match recovering && order.epoch.pool < pool_epoch {
            true => Refusal::Reclaim,
            false => Refusal::Gone,
        };
        let server = self.servers.get_mut(name).ok_or(unknown)?;
        let newest = server.current().is_some_and(|current| current == order.epoch);
        let mut epoch = order.epoch;
        if mutant::planted(Mutant::EpochUnchecked) && !newest {
            epoch = server.current().unwrap_or(epoch);
        } else if !newest && !returning && server.leases.contains_key(&epoch) {
            return Err(Refusal::Superseded);
        }
        let Some(lease) = server.leases.get_mut(&epoch) else {
            return Err(unknown);
        };
        let unchecked = mutant::planted(Mutant::TermUnchecked) && order.seq > lease.order.seq
            || mutant::planted(Mutant::EpochUnchecked) && !newest;
        if order == lease.order {
            return Ok(Err(lease.reply.clone()));
        }
        if order < lease.order && !unchecked {
            return Err(Refusal::Stale);
        }
        if lease.pool_epoch < pool_epoch && !returning && !mutant::planted(Mutant::RestoredGrantsAtOnce) {
            return Err(Refusal::Reclaim);
        }
        Ok(Ok(lease))
    }

    fn renew(
        &mut self,
        name: &ServerName,
        order: Order,
        (used, wanted): (Seats, Seats),
        outcome: &mut Outcome,
    ) -> Result<Reply, Refusal> {
        let ttl_ms = self.ttl_ms;
        let lease = match self.lease(name, order, false)? {
            Ok(lease) => lease,
            Err(reply) => return Ok(reply),
        };
        lease.ttl_ms = ttl_ms;
        // A server cannot lie about more than it has.
        lease.used = used.min(lease.seats);
        lease.wanted = wanted;
        let reply = Reply::Renewed {
            order,
            seats: lease.seats,
            ttl_ms,
        };
        Ok(self.answered(name, order, reply, outcome))
    }

    fn grow(
        &mut self,
        name: &ServerName,
        order: Order,
        to: Seats,
        outcome: &mut Outcome,
    ) -> Result<Reply, Refusal> {
        let available = self.available(name);
        let lease = match self.lease(name, order, false)? {
            Ok(lease) => lease,
            Err(reply) => return Ok(reply),
        };
        let more = to.minus(lease.seats).min(available);
        if mutant::planted(Mutant::LateGrowLowers) {
            lease.seats = lease.seats.min(to);
        }
        lease.seats = lease.seats.plus(more);
        // What was given a moment ago has no users yet, and is not idle for that.
        lease.wanted = to;
        let seats = lease.seats;
        Ok(self.answered(name, order, Reply::Grown { order, seats }, outcome))
    }

    fn give_back(
        &mut self,
        name: &ServerName,
        order: Order,
        to: Seats,
        outcome: &mut Outcome,
    ) -> Result<Reply, Refusal> {
        let newest = self.servers.get(name).and_then(Server::current) == Some(order.epoch);
        let lease = match self.lease(name, order, true)? {
            Ok(lease) => lease,
            Err(reply) => return Ok(reply),
        };
        lease.seats = lease.seats.min(to);
        lease.used = lease.used.min(lease.seats);
        let seats = lease.seats;
        let reply = self.answered(name, order, Reply::Returned { order, seats }, outcome);
        if seats.is_none() && !newest {
            self.end(name, order.epoch);
        }
        Ok(reply)
    }

    /// While it recovers a manager believes what servers hold; each of them made sure that no answer of before can
    /// still give it more.
    fn reclaim(
        &mut self,
        name: &ServerName,
        order: Order,
        held: Seats,
        outcome: &mut Outcome,
    ) -> Result<Reply, Refusal> {
        if self.standing != Standing::Recovering || order.epoch.pool >= self.position.epoch {
            return Err(Refusal::Gone);
        }
        let (ttl_ms, pool_epoch) = (self.ttl_ms, self.position.epoch);
        let server = self.servers.entry(name.clone()).or_default();
        let reply = Reply::Renewed {
            order,
            seats: held,
            ttl_ms,
        };
        let fresh = || Lease::new(order.epoch, reply.clone(), ttl_ms);
        let lease = server.leases.entry(order.epoch).or_insert_with(fresh);
        if order < lease.order {
            return Err(Refusal::Stale);
        }
        if order == lease.order {
            return Ok(lease.reply.clone());
        }
        lease.seats = held;
        lease.used = lease.used.min(held);
        lease.ttl_ms = ttl_ms;
        lease.pool_epoch = pool_epoch;
        if server.current().is_none_or(|current| current < order.epoch) {
            // That life registered after the backup was made; it is not known by name.
            server.replace(Incarnation(0), order.epoch);
        }
        Ok(self.answered(name, order, reply, outcome))
    }

    fn leave(&mut self, name: &ServerName, order: Order, outcome: &mut Outcome) -> Result<Reply, Refusal> {
        match self.lease(name, order, true)? {
            Ok(_) => {}
            Err(reply) => return Ok(reply),
        }
        self.end(name, order.epoch);
        outcome.events.push(Event::Left { server: name.clone() });
        Ok(Reply::Left { order })
    }

    /// Keeps the reply for when the same message comes again; the time of the lease begins anew.
    fn answered(&mut self, name: &ServerName, order: Order, reply: Reply, outcome: &mut Outcome) -> Reply {
        let server = self.servers.get_mut(name);
        let epoch = match server.as_ref().and_then(|server| server.current()) {
            Some(current) if mutant::planted(Mutant::EpochUnchecked) => current,
            _ => order.epoch,
        };
        if let Some(lease) = server.and_then(|server| server.leases.get_mut(&epoch)) {
            lease.order = lease.order.max(order);
            lease.reply = reply.clone();
            outcome.touched = Some((name.clone(), epoch));
        }
        reply
    }

    fn expire(&mut self, name: &ServerName, epoch: Epoch, order: Order, outcome: &mut Outcome) {
        let Some(lease) = self
            .servers
            .get(name)
            .and_then(|server| server.leases.get(&epoch))
        else {
            return;
        };
        // It was renewed since the time ran out.
        if lease.order != order && !mutant::planted(Mutant::ExpiryIgnoresRenewal) {
            return;
        }
        outcome.events.push(Event::Expired {
            server: name.clone(),
            epoch,
            seats: lease.seats,
        });
        self.end(name, epoch);
    }

    fn end(&mut self, name: &ServerName, epoch: Epoch) {
        if let Some(server) = self.servers.get_mut(name) {
            server.leases.remove(&epoch);
        }
    }

    fn declare_dead(&mut self, name: &ServerName, outcome: &mut Outcome) {
        let Some(server) = self.servers.get_mut(name) else {
            return;
        };
        let seats = server.leased();
        server.leases.clear();
        outcome.events.push(Event::DeclaredDead {
            server: name.clone(),
            seats,
        });
    }

    fn lead(&mut self, reign: u64) {
        self.position.reign = reign;
        self.reigns.push(Reign {
            name: reign,
            from: self.position.index,
        });
        if self.reigns.len() > REIGNS {
            self.reigns.remove(0);
        }
    }

    fn restored(&mut self, outcome: &mut Outcome) {
        outcome.events.push(Event::Restored);
        if !mutant::planted(Mutant::RestoredGrantsAtOnce) {
            self.standing = Standing::Behind;
        }
    }

    fn recover(&mut self, branch: u64, outcome: &mut Outcome) {
        if self.standing != Standing::Behind {
            return;
        }
        self.position.epoch = self.position.epoch.max(self.named_epoch) + 1;
        self.position.branch = branch;
        self.last_number = 0;
        self.standing = Standing::Recovering;
        outcome.events.push(Event::RecoveryBegan);
    }

    /// Who has not told what it holds by now cannot hold anything: its deadline has passed.
    fn recovered(&mut self, branch: u64, outcome: &mut Outcome) {
        if self.standing != Standing::Recovering || self.position.branch != branch {
            return;
        }
        self.standing = Standing::Serving;
        let pool_epoch = self.position.epoch;
        let before = self.leased();
        for server in self.servers.values_mut() {
            server.leases.retain(|_, lease| lease.pool_epoch == pool_epoch);
        }
        outcome.events.push(Event::RecoveryEnded {
            dropped: before.minus(self.leased()),
        });
    }
}

impl Server {
    /// Another life is the current one; the one of before is remembered.
    fn replace(&mut self, incarnation: Incarnation, epoch: Epoch) {
        if let Some((before, _)) = self.current.replace((incarnation, epoch)) {
            self.past.push(before);
            if self.past.len() > PAST {
                self.past.remove(0);
            }
        }
    }
}

impl Lease {
    fn new(epoch: Epoch, reply: Reply, ttl_ms: u64) -> Self {
        Self {
            order: Order {
                epoch,
                ..Order::default()
            },
            reply,
            seats: Seats::NONE,
            used: Seats::NONE,
            wanted: Seats::NONE,
            ttl_ms,
            pool_epoch: epoch.pool,
        }
    }
}
