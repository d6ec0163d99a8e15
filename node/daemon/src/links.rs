//! Channels to the other nodes, over mutual TLS.

use crate::{seats::reading, server::Server};
use plenary_access::NodeRow;
use plenary_cluster_io::Roster;
use plenary_contracts::cluster::v1::StatusResponse;
use plenary_identity::Identity;
use plenary_licences::clock::Reading;
use plenary_model::{NodeId, NodeName};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::broadcast;
use tonic::transport::Channel;

/// Ends of connections that are remembered for who has not looked yet.
const ENDS: usize = 64;

/// How the other nodes of this server are reached.
pub(crate) struct Links {
    identity: Identity,
    known: RwLock<BTreeMap<NodeId, Known>>,
    ended: broadcast::Sender<NodeId>,
}

struct Known {
    name: NodeName,
    address: String,
    channel: Channel,
}

impl Links {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            known: RwLock::default(),
            ended: broadcast::Sender::new(ENDS),
        }
    }

    /// Nodes to whom a connection is gone, each time: they may be gone themselves.
    pub(crate) fn ended(&self) -> broadcast::Receiver<NodeId> {
        self.ended.subscribe()
    }

    /// Takes over who the nodes are now; channels to those who did not move stay.
    pub(crate) fn update(&self, rows: &[NodeRow]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, node| {
            rows.iter()
                .any(|row| row.id == *id && row.address == node.address)
        });
        for row in rows.iter().filter(|row| row.id != self.identity.me().member) {
            if known.contains_key(&row.id) {
                continue;
            }
            let (node, ends) = (row.id, self.ended.clone());
            // Where nobody listens nobody needs to know.
            let ended = Arc::new(move || drop(ends.send(node)));
            match plenary_links::watched_member_channel(&self.identity, row.id, &row.address, ended) {
                Ok(channel) => {
                    let node = Known {
                        name: row.name.clone(),
                        address: row.address.clone(),
                        channel,
                    };
                    known.insert(row.id, node);
                }
                Err(error) => {
                    tracing::warn!(node = %row.name, address = %row.address, %error, "not an address")
                }
            }
        }
    }

    pub(crate) fn channel_to(&self, node: NodeId) -> Option<Channel> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&node).map(|node| node.channel.clone())
    }
}

impl Roster for Server {
    fn me(&self) -> NodeId {
        self.links.identity.me().member
    }

    fn others(&self) -> Vec<(NodeId, NodeName, Channel)> {
        let known = self.links.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .map(|(id, node)| (*id, node.name.clone(), node.channel.clone()))
            .collect()
    }

    fn now(&self) -> Reading {
        reading()
    }

    fn said(&self, _: NodeId, answer: &StatusResponse, asked: Reading) {
        self.lessee.said(answer, asked);
    }
}
