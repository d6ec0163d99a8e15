//! Channels to the other replicas, over mutual TLS.

use async_trait::async_trait;
use plenary_identity::{Expected, Identity, Program};
use plenary_model::{NodeId, ServerName};
use plenary_replication::Connector;
use std::error::Error;
use std::sync::Arc;
use tonic::transport::Channel;

/// How the other replicas of this License Manager are reached.
pub(crate) struct Links {
    identity: Identity,
    manager: ServerName,
}

impl Links {
    pub(crate) fn new(identity: Identity, manager: ServerName) -> Self {
        Self { identity, manager }
    }
}

/// The connector of a replica.
pub(crate) struct LogLinks(pub(crate) Arc<Links>);

#[async_trait]
impl Connector for LogLinks {
    /// A channel that only the replica with this number can be at the other end of.
    async fn channel(&self, node: u64, address: &str) -> Result<Channel, Box<dyn Error + Send + Sync>> {
        let Links { identity, manager } = &*self.0;
        let expected = Expected::any(Program::LicenseManager)
            .at(manager)
            .member(NodeId(node));
        Ok(plenary_links::channel(address, identity.client_config(expected))?)
    }
}
