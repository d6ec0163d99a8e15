//! Links over gRPC.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use plenary_contracts::replication::v1 as pb;
use plenary_contracts::replication::v1::{
    replication_client::ReplicationClient,
    replication_server::{Replication, ReplicationServer},
};
use tokio::sync::Mutex;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Endpoint},
};

use super::{Answers, Frames, Header, Kind, Link, LinkError, Links, Serve};

/// Makes connections to members: the program gives mutual TLS, tests give plain ones.
///
/// Channels should come from an endpoint that went through [`tune_client`].
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// A channel to `node` at `address` (`host:port`). May return before it is connected.
    async fn channel(
        &self,
        node: u64,
        address: &str,
    ) -> Result<Channel, Box<dyn std::error::Error + Send + Sync>>;
}

/// The largest message: one entry of a full batch, and a command above it, with room to spare.
const MESSAGE_BYTES: usize = 64 << 20;

/// Sets what links between replicas need: no waiting for more bytes, and a connection that leads nowhere
/// (partition, stopped machine) is noticed within three seconds.
///
/// A server should set `tcp_nodelay` and the same keep-alive.
pub fn tune_client(endpoint: Endpoint) -> Endpoint {
    endpoint
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(1))
        .http2_keep_alive_interval(Duration::from_secs(1))
        .keep_alive_timeout(Duration::from_secs(2))
        .keep_alive_while_idle(true)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20)
}

pub(crate) struct GrpcLinks {
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) group: String,
    pub(crate) node: u64,
    /// One connection for each member, shared by everything: HTTP/2 keeps streams apart.
    channels: Arc<Mutex<BTreeMap<(u64, String), Client>>>,
}

type Client = ReplicationClient<Channel>;

impl GrpcLinks {
    pub(crate) fn new(connector: Arc<dyn Connector>, group: String, node: u64) -> Self {
        Self {
            connector,
            group,
            node,
            channels: Arc::default(),
        }
    }
}

impl Links for GrpcLinks {
    fn link(&self, node: u64, address: &str) -> Arc<dyn Link> {
        Arc::new(GrpcLink {
            connector: self.connector.clone(),
            channels: self.channels.clone(),
            group: self.group.clone(),
            from: self.node,
            to: node,
            address: address.to_owned(),
        })
    }
}

struct GrpcLink {
    connector: Arc<dyn Connector>,
    channels: Arc<Mutex<BTreeMap<(u64, String), Client>>>,
    group: String,
    from: u64,
    to: u64,
    address: String,
}

impl GrpcLink {
    async fn client(&self) -> Result<Client, LinkError> {
        let mut channels = self.channels.lock().await;
        let key = (self.to, self.address.clone());
        if let Some(client) = channels.get(&key) {
            return Ok(client.clone());
        }
        let channel = self
            .connector
            .channel(self.to, &self.address)
            .await
            .map_err(|error| LinkError::Unreachable(error.to_string()))?;
        let client = ReplicationClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        channels.insert(key, client.clone());
        Ok(client)
    }

    /// The channel did not work: the next message asks the connector for a new one.
    async fn forget(&self) {
        self.channels
            .lock()
            .await
            .remove(&(self.to, self.address.clone()));
    }

    fn envelope(&self, kind: Kind) -> pb::Envelope {
        pb::Envelope {
            group: self.group.clone(),
            from_node: self.from,
            to_node: self.to,
            kind: kind.into(),
        }
    }

    fn wrap(&self, kind: Kind, frames: Frames) -> Wrapped {
        let opening = pb::Frame {
            envelope: Some(self.envelope(kind)),
            body: Bytes::new(),
        };
        Wrapped {
            opening: Some(opening),
            frames,
        }
    }

    async fn failed(&self, status: Status) -> LinkError {
        let error = from_status(&status);
        if matches!(error, LinkError::Unreachable(_)) && status.code() == tonic::Code::Unavailable {
            self.forget().await;
        }
        error
    }
}

#[async_trait]
impl Link for GrpcLink {
    async fn call(&self, kind: Kind, body: Bytes) -> Result<Bytes, LinkError> {
        let frame = pb::Frame {
            envelope: Some(self.envelope(kind)),
            body,
        };
        match self.client().await?.call(frame).await {
            Ok(answer) => Ok(answer.into_inner().body),
            Err(status) => Err(self.failed(status).await),
        }
    }

    async fn exchange(&self, kind: Kind, frames: Frames) -> Result<Answers, LinkError> {
        let request = self.wrap(kind, frames);
        let mut client = self.client().await?;
        match client.exchange(request).await {
            Ok(answers) => Ok(unwrap(answers.into_inner())),
            Err(status) => Err(self.failed(status).await),
        }
    }

    async fn install(&self, frames: Frames) -> Result<Bytes, LinkError> {
        let request = self.wrap(Kind::Snapshot, frames);
        let mut client = self.client().await?;
        match client.install(request).await {
            Ok(answer) => Ok(answer.into_inner().body),
            Err(status) => Err(self.failed(status).await),
        }
    }
}

/// Frames behind one that says who speaks; so also a stream without frames does.
struct Wrapped {
    opening: Option<pb::Frame>,
    frames: Frames,
}

impl Stream for Wrapped {
    type Item = pb::Frame;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<pb::Frame>> {
        if let Some(opening) = self.opening.take() {
            return Poll::Ready(Some(opening));
        }
        let next = self.frames.poll_next_unpin(context);
        next.map(|body| body.map(|body| pb::Frame { envelope: None, body }))
    }
}

fn from_status(status: &Status) -> LinkError {
    match status.code() {
        tonic::Code::FailedPrecondition | tonic::Code::InvalidArgument | tonic::Code::PermissionDenied => {
            LinkError::Refused(status.message().to_owned())
        }
        _ => LinkError::Unreachable(format!("{}: {}", status.code(), status.message())),
    }
}

fn to_status(error: LinkError) -> Status {
    match error {
        LinkError::Unreachable(text) => Status::unavailable(text),
        LinkError::Refused(text) => Status::failed_precondition(text),
    }
}

/// The bodies of frames.
fn unwrap(frames: Streaming<pb::Frame>) -> Answers {
    frames
        .map(|frame| {
            frame
                .map(|frame| frame.body)
                .map_err(|status| from_status(&status))
        })
        .boxed()
}

/// The gRPC service of one replica, to mount in a server.
pub type Service = ReplicationServer<Receiver>;

pub(crate) fn service(serve: Arc<dyn Serve>) -> Service {
    ReplicationServer::new(Receiver { serve })
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES)
}

/// Hands messages from gRPC to the replica.
pub struct Receiver {
    serve: Arc<dyn Serve>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receiver")
    }
}

#[allow(clippy::result_large_err)] // tonic's type
fn header(envelope: Option<pb::Envelope>) -> Result<Header, Status> {
    let envelope = envelope.ok_or_else(|| Status::invalid_argument("no envelope"))?;
    let kind = envelope.kind();
    Ok(Header {
        group: envelope.group,
        from: envelope.from_node,
        to: envelope.to_node,
        kind,
    })
}

async fn open(frames: Request<Streaming<pb::Frame>>) -> Result<(Header, Answers), Status> {
    let mut frames = frames.into_inner();
    let first = frames
        .message()
        .await?
        .ok_or_else(|| Status::invalid_argument("an empty stream"))?;
    Ok((header(first.envelope)?, unwrap(frames)))
}

#[tonic::async_trait]
impl Replication for Receiver {
    async fn call(&self, request: Request<pb::Frame>) -> Result<Response<pb::Frame>, Status> {
        let frame = request.into_inner();
        let body = self
            .serve
            .call(header(frame.envelope)?, frame.body)
            .await
            .map_err(to_status)?;
        Ok(Response::new(pb::Frame { envelope: None, body }))
    }

    type ExchangeStream = BoxStream<'static, Result<pb::Frame, Status>>;

    async fn exchange(
        &self,
        request: Request<Streaming<pb::Frame>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let (header, frames) = open(request).await?;
        let answers = self.serve.exchange(header, frames).await.map_err(to_status)?;
        let answers = answers.map(|body| {
            body.map(|body| pb::Frame { envelope: None, body })
                .map_err(to_status)
        });
        Ok(Response::new(answers.boxed()))
    }

    async fn install(&self, request: Request<Streaming<pb::Frame>>) -> Result<Response<pb::Frame>, Status> {
        let (header, frames) = open(request).await?;
        let body = self.serve.install(header, frames).await.map_err(to_status)?;
        Ok(Response::new(pb::Frame { envelope: None, body }))
    }
}
