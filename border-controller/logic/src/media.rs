//! Which datagrams of the outside go to which node, and which of a node go out: media of clients, by UDP.
//!
//! ```text
//!  a datagram ─► from a flow that is up? ──────────────────────────────► its tunnel
//!                 │ no
//!                 └► a STUN request that asks for a known name? ── yes ─► a flow that is tried, to the name's tunnel
//!                     │ no                                                 │ the node's success response to that request
//!                     └► dropped, nothing is kept of it                    └──► up
//! ```
//!
//! A name (ICE ufrag) is known once a node has said that it gave it. A flow is one client's address and port. Keys never
//! come here: what is not STUN is passed on unread.
//!
//! Invariants: strangers make no entries without a known name; of one name few flows are tried at a time, and through
//! those goes nothing but requests and their answers, so that a forged address is sent no more than it seems to send; a flow
//! that is up is never put out by new ones.

use crate::{TunnelId, slots::Slots};
use plenary_stun::{Kind, Transaction, answer, kind_of, request};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

/// Milliseconds of a clock that never goes back; where it began does not count.
pub type Millis = u64;

/// One client's address and port at a controller, as tunnels call it. Below [`Bounds::flows`]; used again late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

/// What a controller bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Flows at a time, in all and of one network.
    pub flows: usize,
    pub flows_per_network: usize,
    /// Of one name that are tried at a time: a client tries some addresses at once.
    pub tried_per_name: usize,
    /// Requests of one name a second, from flows that are tried.
    pub requests: u32,
    /// Bytes a second of one flow that is up, from outside.
    pub bytes: u32,
    /// Names of one tunnel.
    pub names: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            flows: 10_000,
            flows_per_network: 1_024,
            tried_per_name: 16,
            requests: 100,
            bytes: 8 << 20,
            names: 16_384,
        }
    }
}

/// A flow that is tried and not answered is forgotten after this, one that is up once either end is silent for so long:
/// clients check that the node is there every few seconds (RFC 7675), and it answers.
const TRIED_FOR: Millis = 5_000;
const SILENT_FOR: Millis = 30_000;
/// A client that asks another node from the same port moves there once its node has said nothing for so long.
const MOVES_AFTER: Millis = 2_000;
/// Requests of a flow whose answers are waited for.
const ASKED: usize = 4;
/// The longest name (RFC 8445 §5.3).
const NAME: usize = 256;

/// Why a datagram from outside goes nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dropped {
    /// Nothing that is spoken at such a port.
    Foreign,
    /// It belongs to no flow, and asks for nothing.
    NoFlow,
    /// It asks for a name that nothing inside has.
    UnknownName,
    /// There are as many flows as there may be: in all, of its network, or of its name.
    TooMany,
    /// More than there may be a second.
    TooFast,
}

impl Dropped {
    pub const ALL: [Self; 5] = [
        Self::Foreign,
        Self::NoFlow,
        Self::UnknownName,
        Self::TooMany,
        Self::TooFast,
    ];

    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::NoFlow => "no_flow",
            Self::UnknownName => "unknown_name",
            Self::TooMany => "too_many",
            Self::TooFast => "too_fast",
        }
    }
}

/// Where a datagram from outside goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    pub tunnel: TunnelId,
    pub flow: FlowId,
    /// Whether the node is told where the client is: as long as it has not answered.
    pub introduces: bool,
}

/// A name, and who gave it.
#[derive(Debug)]
struct Named {
    name: Arc<str>,
    tunnel: TunnelId,
    tried: usize,
    /// Requests in this second.
    rate: Rate,
}

#[derive(Debug, Default, Clone, Copy)]
struct Rate {
    second: u64,
    count: u32,
}

impl Rate {
    fn take(&mut self, now: Millis, many: u32, most: u32) -> bool {
        let second = now / 1_000;
        if self.second != second {
            *self = Self { second, count: 0 };
        }
        let count = self.count.saturating_add(many);
        let fits = count <= most;
        if fits {
            self.count = count;
        }
        fits
    }
}

#[derive(Debug)]
enum Stage {
    /// What was asked and not answered.
    Tried {
        since: Millis,
        asked: VecDeque<Transaction>,
    },
    /// When the node said something last, and what came in this second.
    Up { told: Millis, rate: Rate },
}

#[derive(Debug)]
struct Flow {
    tunnel: TunnelId,
    name: Arc<str>,
    stage: Stage,
    heard: Millis,
}

/// All flows of a controller.
#[derive(Debug)]
pub struct Flows {
    bounds: Bounds,
    /// Those that count now.
    flows_per_network: usize,
    names: HashMap<Arc<str>, Named>,
    /// How many names each tunnel has.
    named: HashMap<TunnelId, usize>,
    flows: Slots<Flow>,
    up: usize,
}

impl Flows {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            flows_per_network: bounds.flows_per_network,
            bounds,
            names: HashMap::new(),
            named: HashMap::new(),
            flows: Slots::default(),
            up: 0,
        }
    }

    /// A node gave a name. What is too long, or more than a tunnel may have, is left out; the newest tunnel has it.
    pub fn begin(&mut self, tunnel: TunnelId, name: &str) {
        let many = self.named.get(&tunnel).copied().unwrap_or(0);
        if name.is_empty() || name.len() > NAME || many >= self.bounds.names {
            return;
        }
        self.end_name(name);
        let name: Arc<str> = name.into();
        let named = Named {
            name: name.clone(),
            tunnel,
            tried: 0,
            rate: Rate::default(),
        };
        self.names.insert(name, named);
        *self.named.entry(tunnel).or_default() += 1;
    }

    /// A name is nobody's any more, if it is this tunnel's. Flows of it go on until they are silent: their client may have
    /// got another name meanwhile.
    pub fn end(&mut self, tunnel: TunnelId, name: &str) {
        if self.names.get(name).is_some_and(|named| named.tunnel == tunnel) {
            self.end_name(name);
        }
    }

    fn end_name(&mut self, name: &str) {
        if let Some(named) = self.names.remove(name)
            && let Some(many) = self.named.get_mut(&named.tunnel)
        {
            *many -= 1;
        }
    }

    /// From now on so many flows of one network, or as many as at the beginning; those that are there stay.
    pub fn bound_networks(&mut self, flows_per_network: Option<usize>) {
        self.flows_per_network = flows_per_network.unwrap_or(self.bounds.flows_per_network);
    }

    /// Whose session has this name; media by TCP go there as they are.
    pub fn tunnel_of(&self, name: &str) -> Option<TunnelId> {
        self.names.get(name).map(|named| named.tunnel)
    }

    /// A tunnel is gone, with all that went through it.
    pub fn down(&mut self, tunnel: TunnelId) {
        self.names.retain(|_, named| named.tunnel != tunnel);
        self.named.remove(&tunnel);
        self.end_where(|flow| flow.tunnel == tunnel);
    }

    /// Where a datagram from outside goes.
    ///
    /// # Errors
    /// [`Dropped`]: nowhere.
    pub fn inbound(&mut self, now: Millis, client: SocketAddr, datagram: &[u8]) -> Result<Passed, Dropped> {
        match kind_of(datagram) {
            Kind::Foreign => Err(Dropped::Foreign),
            Kind::Other => self.go_on(now, client, datagram.len()),
            Kind::Stun => match request(datagram) {
                Some(asks) => self.ask(now, client, asks.ufrag, asks.transaction, datagram.len()),
                None => self.go_on(now, client, datagram.len()),
            },
        }
    }

    /// What is no request goes through flows that are up.
    fn go_on(&mut self, now: Millis, client: SocketAddr, length: usize) -> Result<Passed, Dropped> {
        let id = self.flows.id_of(client);
        let found = id.and_then(|id| Some((id, self.flows.get_mut(id)?.1)));
        let Some((id, flow)) = found else {
            return Err(Dropped::NoFlow);
        };
        let Stage::Up { rate, .. } = &mut flow.stage else {
            return Err(Dropped::NoFlow);
        };
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if !rate.take(now, length, self.bounds.bytes) {
            return Err(Dropped::TooFast);
        }
        flow.heard = now;
        Ok(Passed {
            tunnel: flow.tunnel,
            flow: id,
            introduces: false,
        })
    }

    fn ask(
        &mut self,
        now: Millis,
        client: SocketAddr,
        name: &str,
        transaction: Transaction,
        length: usize,
    ) -> Result<Passed, Dropped> {
        let named = self.names.get_mut(name).ok_or(Dropped::UnknownName)?;
        let tunnel = named.tunnel;
        let before = self.flows.id_of(client);
        let flow = before.and_then(|id| self.flows.get(id));
        if let Some(flow) = flow
            && matches!(flow.stage, Stage::Up { .. })
            && flow.tunnel == tunnel
        {
            return self.go_on(now, client, length);
        }
        if !named.rate.take(now, 1, self.bounds.requests) {
            return Err(Dropped::TooFast);
        }
        let found = match (before, flow.map(|flow| &flow.stage)) {
            (Some(_), Some(Stage::Up { told, .. })) if now.saturating_sub(*told) < MOVES_AFTER => {
                return Err(Dropped::TooMany);
            }
            (Some(id), Some(Stage::Tried { .. })) if flow.is_some_and(|flow| *flow.name == *name) => Some(id),
            (Some(id), Some(_)) => {
                self.drop_flow(id);
                None
            }
            _ => None,
        };
        let id = match found {
            Some(id) => id,
            None => self.try_flow(now, client, name, tunnel)?,
        };
        if let Some((_, flow)) = self.flows.get_mut(id) {
            flow.heard = now;
            if let Stage::Tried { asked, .. } = &mut flow.stage {
                if asked.len() == ASKED {
                    asked.pop_front();
                }
                asked.push_back(transaction);
            }
        }
        Ok(Passed {
            tunnel,
            flow: id,
            introduces: true,
        })
    }

    /// A new flow, if there is room for one.
    fn try_flow(
        &mut self,
        now: Millis,
        client: SocketAddr,
        name: &str,
        tunnel: TunnelId,
    ) -> Result<FlowId, Dropped> {
        let Some(named) = self.names.get_mut(name) else {
            return Err(Dropped::UnknownName);
        };
        let bounds = (self.bounds.flows, self.flows_per_network);
        if !self.flows.fits(client, bounds) || named.tried >= self.bounds.tried_per_name {
            return Err(Dropped::TooMany);
        }
        let flow = Flow {
            tunnel,
            name: named.name.clone(),
            stage: Stage::Tried {
                since: now,
                asked: VecDeque::with_capacity(ASKED),
            },
            heard: now,
        };
        let id = self.flows.insert(client, flow, self.bounds.flows);
        let id = id.ok_or(Dropped::TooMany)?;
        named.tried += 1;
        Ok(id)
    }

    /// Where a datagram of a node goes; `None`: nowhere, as the flow is not its, or not up yet.
    pub fn outbound(
        &mut self,
        now: Millis,
        tunnel: TunnelId,
        id: FlowId,
        datagram: &[u8],
    ) -> Option<SocketAddr> {
        let (client, flow) = self.flows.get_mut(id)?;
        if flow.tunnel != tunnel {
            return None;
        }
        match &mut flow.stage {
            Stage::Up { told, .. } => *told = now,
            Stage::Tried { asked, .. } => {
                let told = answer(datagram)?;
                let place = asked.iter().position(|one| *one == told.transaction)?;
                asked.remove(place);
                if told.succeeded {
                    flow.stage = Stage::Up {
                        told: now,
                        rate: Rate::default(),
                    };
                    self.up += 1;
                    if let Some(named) = self.names.get_mut(&flow.name) {
                        named.tried = named.tried.saturating_sub(1);
                    }
                }
            }
        }
        Some(client)
    }

    /// Forgets what was silent for too long; to be called every second or so.
    pub fn sweep(&mut self, now: Millis) {
        self.end_where(|flow| match flow.stage {
            Stage::Tried { since, .. } => now.saturating_sub(since) >= TRIED_FOR,
            Stage::Up { told, .. } => now.saturating_sub(told.min(flow.heard)) >= SILENT_FOR,
        });
    }

    fn end_where(&mut self, is_over: impl Fn(&Flow) -> bool) {
        for id in self.flows.which(is_over) {
            self.drop_flow(id);
        }
    }

    fn drop_flow(&mut self, id: FlowId) {
        let Some(flow) = self.flows.remove(id) else {
            return;
        };
        match flow.stage {
            Stage::Up { .. } => self.up -= 1,
            Stage::Tried { .. } => {
                if let Some(named) = self.names.get_mut(&flow.name) {
                    named.tried = named.tried.saturating_sub(1);
                }
            }
        }
    }

    /// Flows that are up.
    pub fn up(&self) -> usize {
        self.up
    }

    /// Flows that are tried.
    pub fn tried(&self) -> usize {
        self.flows.len() - self.up
    }
}

#[cfg(test)]
mod tests;
