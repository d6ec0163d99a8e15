//! Which datagrams of partners go to which node, and back: QUIC, by the connection IDs that nodes chose.
//!
//! ```text
//!  a datagram ─► its connection ID was given by a node ─────────► that node's tunnel      a new address: a flow that is tried
//!                 │ it was not                                                             until the node knows whose it is
//!                 └► it begins a connection (Initial, RFC 9000 §17.2.2) ─► one of the nodes, for the same beginning always the same
//!                     │ it does not
//!                     └► dropped, nothing is kept of it
//! ```
//! A flow is one partner's address and port. Keys never come here: nothing behind the connection ID is read.
//!
//! Invariants: a flow is up once its node has said that a partner proved at its other end who it is. Before that no more than
//! [`Bounds::tried_datagrams`] go in, and no more than three times their bytes come out (RFC 9000 §8.1), so that a forged address is hardly
//! sent more than it seems to send; a flow that is up is never put out by new ones.

use crate::{
    Dropped, FlowId, Passed, TunnelId,
    media::Millis,
    route::{ROUTE_LEN, route_of},
    slots::Slots,
};
use plenary_model::NodeId;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    net::SocketAddr,
};

/// What a controller bears of links of partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Flows at a time, in all and of one network. A partner has one for each of its nodes, two while it moves.
    pub flows: usize,
    pub flows_per_network: usize,
    /// Flows that are tried at a time.
    pub tried: usize,
    /// Datagrams of a flow that is tried.
    pub tried_datagrams: u32,
    /// Bytes a second of one flow that is up, from outside.
    pub bytes: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            flows: 1_024,
            flows_per_network: 64,
            tried: 256,
            tried_datagrams: 32,
            bytes: 64 << 20,
        }
    }
}

/// A node gives a partner five seconds to prove who it is; links say something every second or so.
const TRIED_FOR: Millis = 8_000;
const SILENT_FOR: Millis = 15_000;
/// The least that begins a connection (RFC 9000 §14.1).
const INITIAL: usize = 1_200;
/// How much more a node may say than came before its partner's address is proved.
const AMPLIFIED: u64 = 3;

/// What the head of a datagram says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head<'a> {
    /// Of a connection, which it may begin: its ID.
    Long { id: &'a [u8], begins: bool },
    /// Of one that is there. Its ID is as long as nodes make them.
    Short(&'a [u8]),
}

/// RFC 9000 §17, RFC 8999.
fn head(datagram: &[u8]) -> Option<Head<'_>> {
    let (first, rest) = datagram.split_first()?;
    if first & 0x80 == 0 {
        let id = rest.get(..ROUTE_LEN)?;
        return (first & 0x40 != 0).then_some(Head::Short(id));
    }
    let (version, rest) = rest.split_at_checked(4)?;
    let (length, rest) = rest.split_first()?;
    // Of the versions there are it is no longer.
    let id = rest.get(..usize::from(*length)).filter(|id| id.len() <= 20)?;
    let is_initial = version == [0, 0, 0, 1] && first & 0x30 == 0;
    let begins = is_initial && datagram.len() >= INITIAL && id.len() >= 8;
    Some(Head::Long { id, begins })
}

#[derive(Debug)]
struct Flow {
    tunnel: TunnelId,
    stage: Stage,
    heard: Millis,
}

#[derive(Debug)]
enum Stage {
    Tried {
        since: Millis,
        datagrams: u32,
        /// Bytes that may still go out.
        credit: u64,
    },
    /// When the node said something last; the second of what came, and its bytes.
    Up { told: Millis, second: u64, bytes: u32 },
}

/// All flows of partners at a controller.
#[derive(Debug)]
pub struct Links {
    bounds: Bounds,
    /// Tunnels of nodes that take links, and the node of each.
    tunnels: BTreeMap<TunnelId, NodeId>,
    flows: Slots<Flow>,
    up: usize,
    /// Nobody outside can choose the node by what it sends.
    seed: RandomState,
}

impl Links {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            tunnels: BTreeMap::new(),
            flows: Slots::default(),
            up: 0,
            seed: RandomState::new(),
        }
    }

    /// A node takes links through this tunnel.
    pub fn begin(&mut self, tunnel: TunnelId, node: NodeId) {
        self.tunnels.insert(tunnel, node);
    }

    /// A tunnel is gone, with all that went through it.
    pub fn down(&mut self, tunnel: TunnelId) {
        self.tunnels.remove(&tunnel);
        self.end_where(|flow| flow.tunnel == tunnel);
    }

    /// Where a datagram from outside goes.
    ///
    /// # Errors
    /// [`Dropped`]: nowhere.
    pub fn inbound(&mut self, now: Millis, partner: SocketAddr, datagram: &[u8]) -> Result<Passed, Dropped> {
        let head = head(datagram).ok_or(Dropped::Foreign)?;
        let (Head::Long { id, .. } | Head::Short(id)) = head;
        let named = route_of(id).and_then(|node| self.tunnel_of(node));
        let before = self.flows.id_of(partner);
        let tunnel = match (named, head) {
            (Some(tunnel), _) => tunnel,
            // Whoever begins calls the connection what they like.
            (None, Head::Long { begins: true, id }) => self.choose(partner, id)?,
            // Handshakes go on with IDs of nodes: what has another one is of nobody, or its node is gone.
            (None, _) => return Err(Dropped::NoFlow),
        };
        let known = before.filter(|flow| self.flows.get(*flow).is_some_and(|flow| flow.tunnel == tunnel));
        if let Some(flow) = known {
            return self.go_on(now, flow, datagram.len());
        }
        // One address may have links with several nodes one after the other, and with one at a time: it moves.
        let up = before.and_then(|flow| self.flows.get(flow));
        if let Some(flow) = up
            && matches!(flow.stage, Stage::Up { told, .. } if now.saturating_sub(told) < TRIED_FOR)
            && named.is_none()
        {
            return Err(Dropped::TooMany);
        }
        if let Some(flow) = before {
            self.drop_flow(flow);
        }
        self.try_flow(now, partner, tunnel, datagram.len())
    }

    /// The newest tunnel of a node is the one that holds.
    fn tunnel_of(&self, node: NodeId) -> Option<TunnelId> {
        let mut all = self.tunnels.iter().rev();
        all.find(|(_, there)| **there == node).map(|(tunnel, _)| *tunnel)
    }

    /// The node with the highest number of those that each draws from the beginning (rendezvous hashing): the same beginning that comes
    /// twice goes to the same node.
    fn choose(&self, partner: SocketAddr, id: &[u8]) -> Result<TunnelId, Dropped> {
        let draws = |node: &NodeId| self.seed.hash_one((partner, id, node.0));
        let newest: BTreeMap<NodeId, TunnelId> = self
            .tunnels
            .iter()
            .map(|(tunnel, node)| (*node, *tunnel))
            .collect();
        let drawn = newest.iter().max_by_key(|(node, _)| draws(node));
        drawn.map(|(_, tunnel)| *tunnel).ok_or(Dropped::UnknownName)
    }

    fn go_on(&mut self, now: Millis, id: FlowId, length: usize) -> Result<Passed, Dropped> {
        let (_, flow) = self.flows.get_mut(id).ok_or(Dropped::NoFlow)?;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let introduces = match &mut flow.stage {
            Stage::Tried {
                datagrams, credit, ..
            } => {
                if *datagrams >= self.bounds.tried_datagrams {
                    return Err(Dropped::TooFast);
                }
                *datagrams += 1;
                *credit += u64::from(length) * AMPLIFIED;
                true
            }
            Stage::Up { second, bytes, .. } => {
                if *second != now / 1_000 {
                    (*second, *bytes) = (now / 1_000, 0);
                }
                let sum = bytes.saturating_add(length);
                if sum > self.bounds.bytes {
                    return Err(Dropped::TooFast);
                }
                *bytes = sum;
                false
            }
        };
        flow.heard = now;
        Ok(Passed {
            tunnel: flow.tunnel,
            flow: id,
            introduces,
        })
    }

    fn try_flow(
        &mut self,
        now: Millis,
        partner: SocketAddr,
        tunnel: TunnelId,
        length: usize,
    ) -> Result<Passed, Dropped> {
        let bounds = (self.bounds.flows, self.bounds.flows_per_network);
        if !self.flows.fits(partner, bounds) || self.tried() >= self.bounds.tried {
            return Err(Dropped::TooMany);
        }
        let flow = Flow {
            tunnel,
            stage: Stage::Tried {
                since: now,
                datagrams: 0,
                credit: 0,
            },
            heard: now,
        };
        let id = self.flows.insert(partner, flow, self.bounds.flows);
        self.go_on(now, id.ok_or(Dropped::TooMany)?, length)
    }

    /// A partner has proved to the node of this tunnel who it is.
    pub fn prove(&mut self, now: Millis, tunnel: TunnelId, id: FlowId) {
        let Some((_, flow)) = self.flows.get_mut(id).filter(|(_, flow)| flow.tunnel == tunnel) else {
            return;
        };
        if matches!(flow.stage, Stage::Tried { .. }) {
            flow.stage = Stage::Up {
                told: now,
                second: now / 1_000,
                bytes: 0,
            };
            self.up += 1;
        }
    }

    /// Where a datagram of a node goes; `None`: nowhere, as the flow is not its, or may not be sent so much yet.
    pub fn outbound(
        &mut self,
        now: Millis,
        tunnel: TunnelId,
        id: FlowId,
        datagram: &[u8],
    ) -> Option<SocketAddr> {
        let (partner, flow) = self.flows.get_mut(id)?;
        if flow.tunnel != tunnel {
            return None;
        }
        match &mut flow.stage {
            Stage::Up { told, .. } => *told = now,
            Stage::Tried { credit, .. } => *credit = credit.checked_sub(datagram.len() as u64)?,
        }
        Some(partner)
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
        if let Some(flow) = self.flows.remove(id)
            && matches!(flow.stage, Stage::Up { .. })
        {
            self.up -= 1;
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
