use crate::{Answer, Epoch, Incarnation, Order, PoolId, Position, Reply, Request, Seats};
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An entry of a License Manager's log. No clock value stands in it: what time decides is proposed by the leader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A server asks for something.
    Ask(Request),
    /// The time of a lease ran out on the replica that proposes it. Void unless `order` is still the last one.
    Expire {
        server: ServerName,
        epoch: Epoch,
        order: Order,
    },
    /// The valid licence files give so much together, to these servers; `None`: to all. A server that they do not
    /// cover keeps what it has and gets no more.
    Licensed {
        seats: Seats,
        covers: Option<BTreeSet<ServerName>>,
    },
    /// How long leases last from their next renewal on; 1 minute to 7 days.
    Ttl { ms: u64 },
    /// What one server is guaranteed and what it gets at most.
    Limits { server: ServerName, limits: Limits },
    /// An administrator says that a server is off. Its seats come back at once; if it is not off, seats are used twice.
    DeclareDead { server: ServerName },
    /// A replica begins to lead; `reign` is random, and no second one has it.
    Lead { reign: u64 },
    /// The data came from a backup.
    Restored,
    /// An administrator ends the wait of a restored manager; `branch` is random.
    Recover { branch: u64 },
    /// One TTL has passed since that recovery.
    Recovered { branch: u64 },
}

/// Whose leases a command may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns<'a> {
    Nobody,
    One(&'a ServerName),
    All,
}

impl Command {
    /// Whose leases it may change; all else of the state it may change as well.
    pub fn concerns(&self) -> Concerns<'_> {
        match self {
            Self::Ask(request) => Concerns::One(&request.server),
            Self::Expire { server, .. } | Self::Limits { server, .. } | Self::DeclareDead { server } => {
                Concerns::One(server)
            }
            Self::Recovered { .. } => Concerns::All,
            Self::Licensed { .. }
            | Self::Ttl { .. }
            | Self::Lead { .. }
            | Self::Restored
            | Self::Recover { .. } => Concerns::Nobody,
        }
    }
}

/// What an administrator sets for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Kept free for this server if it does not hold them.
    pub guaranteed: Seats,
    /// `None`: the whole pool.
    pub most: Option<Seats>,
}

/// Whether a manager lends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Serving,
    /// It is not what it was: nothing is lent, renewed or taken back until an administrator says so.
    Behind,
    /// Servers tell what they hold; nobody gets more.
    Recovering,
}

/// Seats lent to one life of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Of the last message that was applied.
    pub order: Order,
    /// What was said to it, for when it comes again.
    pub(super) reply: Reply,
    pub seats: Seats,
    /// As the server said at its last renewal; at most `seats`.
    pub used: Seats,
    pub wanted: Seats,
    /// Milliseconds, as the server was told.
    pub ttl_ms: u64,
    /// Of the pool, when the server last told what it holds.
    pub(super) pool_epoch: u64,
}

/// A server with its leases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Server {
    pub limits: Limits,
    /// The last one is current; the others can only be returned, and count until they were or end.
    #[serde(with = "crate::pairs")]
    pub leases: BTreeMap<Epoch, Lease>,
    /// The newest life, and the lease that it got.
    pub(super) current: Option<(Incarnation, Epoch)>,
    /// Lives of before, newest last; a late registration of one of them begins nothing.
    pub(super) past: Vec<Incarnation>,
}

impl Server {
    /// Seats of all its leases.
    pub fn leased(&self) -> Seats {
        self.leases.values().map(|lease| lease.seats).sum()
    }

    /// The epoch of the lease that can be renewed.
    pub fn current(&self) -> Option<Epoch> {
        self.current.map(|(_, epoch)| epoch)
    }

    /// Guaranteed seats that it does not hold.
    pub(super) fn reserved(&self) -> Seats {
        self.limits.guaranteed.minus(self.leased())
    }
}

/// What people are told, and audits keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Registered {
        server: ServerName,
        epoch: Epoch,
    },
    /// Another life of the server took over; if nobody started it anew, it was copied.
    Superseded {
        server: ServerName,
        epoch: Epoch,
    },
    Expired {
        server: ServerName,
        epoch: Epoch,
        seats: Seats,
    },
    DeclaredDead {
        server: ServerName,
        seats: Seats,
    },
    Left {
        server: ServerName,
    },
    /// A server saw a later position than this manager has.
    FoundBehind {
        server: ServerName,
        seen: Position,
    },
    Restored,
    RecoveryBegan,
    RecoveryEnded {
        dropped: Seats,
    },
}

/// What follows from an applied command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// For the server that asked; nothing for other commands.
    pub answer: Option<Answer>,
    pub events: Vec<Event>,
    /// The lease whose time begins anew, for [`Timers`](super::Timers).
    pub touched: Option<(ServerName, Epoch)>,
}

/// Who led, from which index of the log on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reign {
    pub(super) name: u64,
    pub(super) from: u64,
}

/// The replicated state of a License Manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lessor {
    pub(super) pool: PoolId,
    pub(super) position: Position,
    /// The last ones that led, the newest last.
    #[serde(default)]
    pub(super) reigns: Vec<Reign>,
    pub(super) standing: Standing,
    /// The highest epoch of a pool that a server named; a recovery goes beyond it.
    pub(super) named_epoch: u64,
    pub(super) capacity: Seats,
    /// Servers that the licence files are for; `None`: any.
    #[serde(default)]
    pub(super) covers: Option<BTreeSet<ServerName>>,
    pub(super) ttl_ms: u64,
    pub(super) servers: BTreeMap<ServerName, Server>,
    /// Of leases in this epoch of the pool.
    pub(super) last_number: u64,
}

impl Lessor {
    /// How long leases last if nobody chose otherwise: 12 hours.
    pub const DEFAULT_TTL_MS: u64 = 12 * 3_600_000;
    /// Shortest and longest that can be chosen.
    pub const TTL_MS: std::ops::RangeInclusive<u64> = 60_000..=7 * 86_400_000;

    /// A new one without seats; `pool` and `branch` are random.
    pub fn new(pool: PoolId, branch: u64) -> Self {
        Self {
            pool,
            position: Position {
                epoch: 1,
                branch,
                index: 0,
                reign: 0,
            },
            reigns: Vec::new(),
            standing: Standing::Serving,
            named_epoch: 1,
            capacity: Seats::NONE,
            covers: None,
            ttl_ms: Self::DEFAULT_TTL_MS,
            servers: BTreeMap::new(),
            last_number: 0,
        }
    }

    /// Which pool it lends.
    pub fn pool(&self) -> PoolId {
        self.pool
    }

    /// Whether it has not seen what happened at `seen`, because its data are older, or a copy of older ones.
    pub fn is_behind(&self, seen: Position) -> bool {
        let here = self.position;
        here.epoch < seen.epoch
            || here.epoch == seen.epoch
                && (here.branch != seen.branch || here.index < seen.index || !self.was_led(seen))
    }

    /// Whether who led at `seen` led here at the same place of the log. What is longer ago than is remembered is believed.
    fn was_led(&self, seen: Position) -> bool {
        let oldest = self.reigns.first().filter(|_| seen.reign != 0);
        let Some(oldest) = oldest else { return true };
        match self.reigns.iter().rposition(|reign| reign.name == seen.reign) {
            Some(at) => self.reigns.get(at + 1).is_none_or(|next| seen.index < next.from),
            None => seen.index < oldest.from,
        }
    }

    /// After the last applied command.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether it lends.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What the valid licence files give.
    pub fn capacity(&self) -> Seats {
        self.capacity
    }

    /// Which servers the valid licence files are for; `None`: any.
    pub fn covered(&self) -> Option<&BTreeSet<ServerName>> {
        self.covers.as_ref()
    }

    /// Whether the licence files are for this server too.
    pub fn covers(&self, server: &ServerName) -> bool {
        self.covers.as_ref().is_none_or(|names| names.contains(server))
    }

    /// This state without what may be large and is kept apart: servers, and whom licences cover.
    #[must_use]
    pub fn without_servers(&self) -> Self {
        Self {
            servers: BTreeMap::new(),
            covers: None,
            reigns: self.reigns.clone(),
            ..*self
        }
    }

    /// The state of [`Lessor::without_servers`] with all of it again.
    #[must_use]
    pub fn with_servers(
        self,
        servers: BTreeMap<ServerName, Server>,
        covers: Option<BTreeSet<ServerName>>,
    ) -> Self {
        Self {
            servers,
            covers,
            ..self
        }
    }

    /// How long leases last, in milliseconds.
    pub fn ttl_ms(&self) -> u64 {
        self.ttl_ms
    }

    /// All servers that registered or were given limits.
    pub fn servers(&self) -> &BTreeMap<ServerName, Server> {
        &self.servers
    }

    /// Seats of all leases.
    pub fn leased(&self) -> Seats {
        self.servers.values().map(Server::leased).sum()
    }

    /// What counts as the pool: a smaller or expired licence takes nothing away from those who have it.
    pub fn pool_seats(&self) -> Seats {
        self.capacity.max(self.leased())
    }

    /// How many seats more a server can get now: what is free and not kept for others, within its own most.
    pub fn available(&self, server: &ServerName) -> Seats {
        self.free().to(server)
    }

    /// The same for many servers: what all of them hold is added up once.
    pub(super) fn free(&self) -> Free<'_> {
        Free {
            lessor: self,
            leased: self.leased(),
            reserved: self.servers.values().map(Server::reserved).sum(),
        }
    }
}

/// What a lessor can give, at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Free<'a> {
    lessor: &'a Lessor,
    leased: Seats,
    reserved: Seats,
}

impl Free<'_> {
    /// As [`Lessor::available`].
    pub(super) fn to(&self, server: &ServerName) -> Seats {
        let lessor = self.lessor;
        if lessor.standing != Standing::Serving || !lessor.covers(server) {
            return Seats::NONE;
        }
        let own = lessor.servers.get(server);
        let kept = self.reserved.minus(own.map_or(Seats::NONE, Server::reserved));
        let free = lessor.capacity.minus(self.leased).minus(kept);
        match own.and_then(|own| Some((own.limits.most?, own.leased()))) {
            Some((most, leased)) => free.min(most.minus(leased)),
            None => free,
        }
    }
}
