//! How replicas reach each other, behind traits so that a simulation can lose, delay and repeat messages.

mod grpc;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
pub use plenary_contracts::replication::v1::Kind;

pub use self::grpc::{Connector, Service, tune_client};
pub(crate) use self::grpc::{GrpcLinks, service};

/// Makes links to members.
pub trait Links: Send + Sync + 'static {
    /// A link to `node`, which is said to be at `address`; connects when it is used first.
    fn link(&self, node: u64, address: &str) -> Arc<dyn Link>;
}

/// A way to one other replica.
#[async_trait]
pub trait Link: Send + Sync + 'static {
    /// One question, one answer.
    async fn call(&self, kind: Kind, body: Bytes) -> Result<Bytes, LinkError>;

    /// Frames one way, answers the other way, each in order; ends when either side ends.
    async fn exchange(&self, kind: Kind, frames: Frames) -> Result<Answers, LinkError>;

    /// Many frames, one answer.
    async fn install(&self, frames: Frames) -> Result<Bytes, LinkError>;
}

/// Frames on their way out.
pub type Frames = BoxStream<'static, Bytes>;
/// Answers on their way in.
pub type Answers = BoxStream<'static, Result<Bytes, LinkError>>;

/// Why a message did not get through or was not answered. Whether it had an effect there is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No connection.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// The other side answered that it will not.
    #[error("refused: {0}")]
    Refused(String),
}

/// Who speaks to whom about what; on every message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The group that the sender belongs to.
    pub group: String,
    /// The sender.
    pub from: u64,
    /// The replica that is meant.
    pub to: u64,
    /// What it is.
    pub kind: Kind,
}

/// The receiving side of a replica.
#[async_trait]
pub trait Serve: Send + Sync + 'static {
    /// See [`Link::call`].
    async fn call(&self, header: Header, body: Bytes) -> Result<Bytes, LinkError>;

    /// See [`Link::exchange`].
    async fn exchange(&self, header: Header, frames: Answers) -> Result<Answers, LinkError>;

    /// See [`Link::install`].
    async fn install(&self, header: Header, frames: Answers) -> Result<Bytes, LinkError>;
}
