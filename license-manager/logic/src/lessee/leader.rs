use super::{Applied, Change, Held, Home, Watch};
use crate::{
    Answer, Ask, Epoch, Incarnation, Order, Position, Recall, Refusal, Reply, Request, Seats,
    clock::Reading,
    mutant::{self, Mutant},
};
use plenary_model::{NodeId, ServerName};
use std::collections::{BTreeMap, BTreeSet};

/// How a server borrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Milliseconds from one renewal to the next; 60 s, less with short leases.
    pub renew_ms: u64,
    /// Milliseconds from a renewal until a change of what is used or wanted is told by another one; 5 s.
    pub change_ms: u64,
    /// Milliseconds until something that was not answered is said again; 2 s.
    pub retry_ms: u64,
    /// Milliseconds that a new leader waits for a node that knows the lease; 10 s.
    pub patience_ms: u64,
    /// Seats that nobody wants are given back after so many milliseconds; 30 s.
    pub idle_ms: u64,
    /// So many idle seats of each kind stay, for the next who comes.
    pub spare: Seats,
}

impl Options {
    /// As they are by default.
    pub const USUAL: Self = Self {
        renew_ms: 60_000,
        change_ms: 5_000,
        retry_ms: 2_000,
        patience_ms: 10_000,
        idle_ms: 30_000,
        spare: Seats {
            pro: 1,
            online: 2,
            guest: 0,
            gateway: 0,
        },
    };
}

impl Default for Options {
    fn default() -> Self {
        Self::USUAL
    }
}

/// What the leader of a server looks at while it decides.
#[derive(Debug)]
pub struct Asked<'a> {
    /// As this node applied it.
    pub held: &'a Held,
    /// Seats that are granted under this lease; whoever has a seat counts, also without using it at the moment.
    pub in_use: Seats,
    /// This node's own.
    pub watch: &'a mut Watch,
    pub home: Home,
    pub now: Reading,
    /// A fresh random number, used for a registration if there is one.
    pub random: u128,
}

/// What the leader of a server has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// To the License Manager; nobody says it again if it is lost.
    Send(Request),
    /// Into the server's log, by this leader in this term only.
    Propose(Change),
}

/// What the leader of a server knows beside the log. Made at each election, gone with the term.
///
/// Invariant: a number is given out once in a term, so an answer belongs to one moment of sending.
#[derive(Debug, Clone)]
pub struct Leader {
    server: ServerName,
    options: Options,
    term: u64,
    seq: u64,
    elected: Reading,
    members: BTreeSet<NodeId>,
    /// Which members said whether they know the lease.
    statements: BTreeMap<NodeId, Option<Epoch>>,
    seen: Position,
    wanted: Seats,
    sent: BTreeMap<Order, Reading>,
    registering: Option<(Incarnation, Reading)>,
    /// What the manager gave to that registration.
    granted: Option<Epoch>,
    /// A lease that began in this term; nobody else vouches for it yet.
    began: Option<Epoch>,
    /// A renewal of this term was answered: nothing of an earlier term counts any more.
    renewed: Option<Epoch>,
    next_renewal_ms: u64,
    /// What the last renewal said to be used and wanted, and when it was sent.
    told: Option<(Seats, Seats, Reading)>,
    grown: Option<(Seats, Reading)>,
    shrinking: Option<Reading>,
    voiding: Option<Reading>,
    idle_since: Option<Reading>,
    /// The last refusal for the lease of now.
    refusal: Option<(Epoch, Refusal)>,
    /// Why the last registration was refused.
    unregistered: Option<Refusal>,
}

impl Leader {
    /// Requests whose answers are waited for; the oldest are forgotten.
    const IN_FLIGHT: usize = 64;
    /// So often at least a lease is renewed in its time.
    const TRIES: u64 = 4;

    /// This node was elected in `term`; `members` are all voters of the server, itself too.
    pub fn elected(
        server: ServerName,
        options: Options,
        term: u64,
        members: BTreeSet<NodeId>,
        now: Reading,
    ) -> Self {
        Self {
            server,
            options,
            term,
            seq: 0,
            elected: now,
            members,
            statements: BTreeMap::new(),
            seen: Position::default(),
            wanted: Seats::NONE,
            sent: BTreeMap::new(),
            registering: None,
            granted: None,
            began: None,
            renewed: None,
            next_renewal_ms: now.boot_ms,
            told: None,
            grown: None,
            shrinking: None,
            voiding: None,
            idle_since: None,
            refusal: None,
            unregistered: None,
        }
    }

    /// What the server would like to have, seats in use included.
    pub fn want(&mut self, seats: Seats) {
        self.wanted = seats;
    }

    /// A node of the server says for which lease it vouches ([`Watch::vouches`]).
    pub fn hear(&mut self, node: NodeId, vouches_for: Option<Epoch>) {
        self.statements.insert(node, vouches_for);
    }

    /// Why the manager does not lend, to be shown to administrators.
    pub fn refusal(&self) -> Option<Refusal> {
        self.unregistered.or(self.refusal.map(|(_, refusal)| refusal))
    }

    /// To be called when something changed and at least each [`Options::retry_ms`].
    pub fn poll(&mut self, mut at: Asked<'_>) -> Vec<Effect> {
        let Some(epoch) = at.held.epoch() else {
            return self.register(&at);
        };
        let left = at.watch.left_ms(epoch, at.now, at.home).unwrap_or(0);
        match self.refusal {
            Some((of, Refusal::Gone)) if of == epoch => return self.register(&at),
            // The seats of this life still count for it, so it uses them to the end.
            Some((of, Refusal::Superseded)) if of == epoch => {
                return if left == 0 { self.register(&at) } else { Vec::new() };
            }
            Some((of, Refusal::Reclaim)) if of == epoch => {
                return if left == 0 {
                    self.register(&at)
                } else {
                    self.void(&at)
                };
            }
            _ => {}
        }
        match self.is_vouched(epoch, &at) {
            Some(true) => self.tend(epoch, &mut at),
            Some(false) => self.register(&at),
            None => Vec::new(),
        }
    }

    /// Whether this is the server that has the lease, and not a copy of it. `None`: a node may still say so.
    fn is_vouched(&self, epoch: Epoch, at: &Asked<'_>) -> Option<bool> {
        let by_others = self.statements.values().any(|known| *known == Some(epoch));
        if self.began == Some(epoch) || at.watch.vouches(epoch, at.home) || by_others {
            return Some(true);
        }
        let mut others = self.members.iter();
        let all_heard = others.all(|node| self.statements.contains_key(node));
        let waited = at.now.boot_ms.saturating_sub(self.elected.boot_ms) >= self.options.patience_ms;
        (all_heard || waited).then_some(false)
    }

    fn register(&mut self, at: &Asked<'_>) -> Vec<Effect> {
        let incarnation = match self.registering {
            Some((_, sent)) if !self.is_due(sent, at.now) => return Vec::new(),
            Some((incarnation, _)) => incarnation,
            // Never one of the log: a copy of the log would register as the same life.
            None => Incarnation(at.random),
        };
        self.registering = Some((incarnation, at.now));
        vec![self.request(at.held, Ask::Register { incarnation })]
    }

    fn is_due(&self, sent: Reading, now: Reading) -> bool {
        now.boot_ms.saturating_sub(sent.boot_ms) >= self.options.retry_ms
    }

    fn request(&self, held: &Held, ask: Ask) -> Effect {
        Effect::Send(Request {
            server: self.server.clone(),
            pool: held.pool,
            seen: held.seen.later(self.seen),
            ask,
        })
    }

    fn next_order(&mut self, epoch: Epoch) -> Order {
        self.seq += 1;
        Order {
            epoch,
            term: self.term,
            seq: self.seq,
        }
    }

    fn note(&mut self, order: Order, now: Reading) {
        self.sent.insert(order, now);
        while self.sent.len() > Self::IN_FLIGHT {
            self.sent.pop_first();
        }
    }

    fn tend(&mut self, epoch: Epoch, at: &mut Asked<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if at.now.boot_ms >= self.next_renewal_ms || self.has_news(at) {
            self.told = Some((at.in_use, self.wanted, at.now));
            self.next_renewal_ms = at.now.boot_ms.saturating_add(self.options.retry_ms);
            let order = self.next_order(epoch);
            self.note(order, at.now);
            let ask = Ask::Renew {
                order,
                used: at.in_use,
                wanted: self.wanted,
            };
            effects.push(self.request(at.held, ask));
        }
        // Before a renewal of this term was answered, messages of an earlier term may still change the lease.
        if self.renewed == Some(epoch) {
            effects.extend(self.grow(epoch, at));
            effects.extend(self.spare(epoch, at));
        }
        effects
    }

    /// Whether the manager, who chooses whom to ask for seats, should hear of a change.
    fn has_news(&self, at: &Asked<'_>) -> bool {
        self.told.is_some_and(|(used, wanted, sent)| {
            let is_old = at.now.boot_ms.saturating_sub(sent.boot_ms) >= self.options.change_ms;
            is_old && (used, wanted) != (at.in_use, self.wanted)
        })
    }

    fn grow(&mut self, epoch: Epoch, at: &Asked<'_>) -> Option<Effect> {
        if at.held.seats.covers(self.wanted) {
            self.grown = None;
            return None;
        }
        if let Some((to, sent)) = self.grown
            && to == self.wanted
            && !self.is_due(sent, at.now)
        {
            return None;
        }
        self.grown = Some((self.wanted, at.now));
        let order = self.next_order(epoch);
        self.note(order, at.now);
        let to = self.wanted.max(at.held.seats);
        Some(self.request(at.held, Ask::Grow { order, to }))
    }

    /// Gives back what nobody wanted for a while.
    fn spare(&mut self, epoch: Epoch, at: &Asked<'_>) -> Vec<Effect> {
        let keep = self.wanted.max(at.in_use).plus(self.options.spare);
        if keep.covers(at.held.seats) {
            self.idle_since = None;
            return Vec::new();
        }
        let since = *self.idle_since.get_or_insert(at.now);
        if at.now.boot_ms.saturating_sub(since.boot_ms) < self.options.idle_ms {
            return Vec::new();
        }
        self.idle_since = None;
        self.shrink(epoch, at.held.seats.min(keep), at)
    }

    /// Proposes to have fewer. The manager hears of it when it is applied.
    fn shrink(&mut self, epoch: Epoch, to: Seats, at: &Asked<'_>) -> Vec<Effect> {
        if to.covers(at.held.seats) || self.shrinking.is_some_and(|sent| !self.is_due(sent, at.now)) {
            return Vec::new();
        }
        self.shrinking = Some(at.now);
        let order = self.next_order(epoch);
        let mut effects = vec![Effect::Propose(Change::Shrunk { order, to })];
        if mutant::planted(Mutant::ReturnBeforeCommit) {
            effects.push(self.request(at.held, Ask::Return { order, to }));
        }
        effects
    }

    /// Before a restored manager is told what is held, no earlier answer may count any more.
    fn void(&mut self, at: &Asked<'_>) -> Vec<Effect> {
        if self.voiding.is_some_and(|sent| !self.is_due(sent, at.now)) {
            return Vec::new();
        }
        self.voiding = Some(at.now);
        let order = self.next_order(at.held.order.epoch);
        if mutant::planted(Mutant::ReclaimBeforeCommit) {
            return self.reclaim(order, at);
        }
        vec![Effect::Propose(Change::Voided { order })]
    }

    fn reclaim(&mut self, order: Order, at: &Asked<'_>) -> Vec<Effect> {
        self.note(order, at.now);
        let held = at.held.seats;
        vec![self.request(at.held, Ask::Reclaim { order, held })]
    }

    /// A change that this node applied while it leads; to be called for each, after [`Held::apply`].
    pub fn applied(&mut self, change: &Change, applied: Applied, at: Asked<'_>) -> Vec<Effect> {
        let order = change.order();
        let is_ours = order.term == self.term;
        match change {
            Change::Registered { epoch, .. } if applied == Applied::Changed => {
                self.begin(*epoch, at.now);
                Vec::new()
            }
            Change::Shrunk { .. } if is_ours => {
                self.shrinking = None;
                if applied == Applied::Ignored || mutant::planted(Mutant::ReturnBeforeCommit) {
                    return Vec::new();
                }
                self.note(order, at.now);
                let to = at.held.seats;
                vec![self.request(at.held, Ask::Return { order, to })]
            }
            Change::Voided { .. } if is_ours && applied == Applied::Changed => {
                let left = at.watch.left_ms(order.epoch, at.now, at.home).unwrap_or(0);
                if left == 0 {
                    return Vec::new();
                }
                self.reclaim(order, &at)
            }
            _ => Vec::new(),
        }
    }

    /// A new lease. If an earlier leader registered it, this one does not vouch for it: the log may be a copy.
    fn begin(&mut self, epoch: Epoch, now: Reading) {
        if self.granted == Some(epoch) {
            self.began = self.granted.take();
            self.registering = None;
        }
        self.renewed = None;
        self.refusal = None;
        self.unregistered = None;
        (self.grown, self.shrinking, self.voiding, self.idle_since) = (None, None, None, None);
        self.next_renewal_ms = now.boot_ms;
    }

    /// The manager asks for seats back.
    pub fn recalled(&mut self, recall: Recall, at: Asked<'_>) -> Vec<Effect> {
        let epoch = recall.epoch;
        if at.held.epoch() != Some(epoch) || self.renewed != Some(epoch) {
            return Vec::new();
        }
        let idle = at.held.seats.minus(at.in_use.max(self.wanted));
        let to = at.held.seats.minus(idle.min(recall.seats));
        self.shrink(epoch, to, &at)
    }

    /// The manager answered; answers to other leaders or of another pool are ignored.
    pub fn answered(&mut self, answer: &Answer, at: Asked<'_>) -> Vec<Effect> {
        self.seen = self.seen.later(answer.position);
        let seen = at.held.seen.later(self.seen);
        match answer.reply {
            Reply::Registered {
                pool,
                incarnation,
                epoch,
            } => {
                let ours = self.registering.is_some_and(|(ours, _)| ours == incarnation);
                if !ours {
                    return Vec::new();
                }
                self.granted = Some(epoch);
                vec![Effect::Propose(Change::Registered { pool, epoch, seen })]
            }
            Reply::Renewed { order, seats, ttl_ms } => self.renewed(order, seats, ttl_ms, seen, at),
            Reply::Grown { order, seats } => {
                let ours = self.sent.remove(&order).is_some();
                if !ours || at.held.seats.covers(seats) && !mutant::planted(Mutant::LateGrowLowers) {
                    return Vec::new();
                }
                vec![Effect::Propose(match mutant::planted(Mutant::Differences) {
                    true => Change::Added {
                        order,
                        more: seats.minus(at.held.seats),
                    },
                    false => Change::Grown { order, seats, seen },
                })]
            }
            Reply::Returned { order, .. } | Reply::Left { order } => {
                self.sent.remove(&order);
                Vec::new()
            }
            Reply::Refused { order, refusal } => {
                self.refused(order, refusal, at);
                Vec::new()
            }
        }
    }

    fn renewed(
        &mut self,
        order: Order,
        seats: Seats,
        ttl_ms: u64,
        seen: Position,
        at: Asked<'_>,
    ) -> Vec<Effect> {
        let Some(sent) = self.sent.remove(&order) else {
            return Vec::new();
        };
        if at.held.epoch() != Some(order.epoch) {
            return Vec::new();
        }
        at.watch.renewed(order.epoch, ttl_ms, sent, at.now, at.home);
        self.renewed = Some(order.epoch);
        self.refusal = None;
        self.voiding = None;
        // Several tries within each lease, however short.
        let pace = self.options.renew_ms.min(ttl_ms / Self::TRIES);
        self.next_renewal_ms = at.now.boot_ms.saturating_add(pace);
        if seats == at.held.seats {
            return Vec::new();
        }
        vec![Effect::Propose(Change::Adopted { order, seats, seen })]
    }

    fn refused(&mut self, order: Option<Order>, refusal: Refusal, at: Asked<'_>) {
        let Some(order) = order else {
            self.unregistered = Some(refusal);
            // Another life takes another name.
            if matches!(refusal, Refusal::Gone | Refusal::Superseded) {
                self.registering = None;
            }
            return;
        };
        let ours = self.sent.remove(&order).is_some();
        if !ours || at.held.epoch() != Some(order.epoch) || refusal == Refusal::Stale {
            return;
        }
        if refusal == Refusal::Gone {
            at.watch.forget(order.epoch);
        }
        self.refusal = Some((order.epoch, refusal));
    }

    /// Ends the lease in a clean stop: to be called when nothing is granted any more; the last step is
    /// [`Leader::left`].
    pub fn leave(&mut self, at: Asked<'_>) -> Vec<Effect> {
        match at.held.epoch() {
            Some(epoch) if at.in_use.is_none() => self.shrink(epoch, Seats::NONE, &at),
            _ => Vec::new(),
        }
    }

    /// Tells the manager that nothing is held any more, once that is applied.
    pub fn left(&mut self, at: Asked<'_>) -> Option<Effect> {
        let epoch = at.held.epoch().filter(|_| at.held.seats.is_none())?;
        let order = self.next_order(epoch);
        Some(self.request(at.held, Ask::Leave { order }))
    }
}
