//! Clients of etcd that ask for leases and keep them.

use super::{Asked, Measured, Watch};
use crate::{
    kv::{LeaseGrantRequest, LeaseKeepAliveRequest, LeaseKeepAliveResponse, lease_client::LeaseClient},
    processes::Cluster,
};
use anyhow::{Context as _, ensure};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};

const CLIENTS_PER_CONNECTION: usize = 16;
const TTL_S: i64 = 43_200;

/// So many clients at once, spread over all nodes.
pub(super) async fn measure(
    peer: &Cluster,
    asked: Asked,
    clients: usize,
    seconds: u64,
) -> anyhow::Result<Measured> {
    let nodes = peer.leading().await?.nodes;
    let count = clients
        .div_ceil(CLIENTS_PER_CONNECTION)
        .max(nodes.len().min(clients));
    let mut channels: Vec<Channel> = Vec::new();
    for node in nodes.iter().cycle().take(count) {
        let endpoint = Endpoint::from_shared(format!("http://{node}"))?.tcp_nodelay(true);
        channels.push(endpoint.connect().await?);
    }
    let mut all = Vec::new();
    for number in 0..clients {
        all.push(Client::new(channels[number % channels.len()].clone(), asked).await?);
    }
    let watch = Watch::start(seconds)?;
    let mut tasks = JoinSet::new();
    for mut client in all {
        let mut watch = watch.clone();
        tasks.spawn(async move {
            while watch.runs() {
                let asked = Instant::now();
                client.ask().await?;
                watch.note(asked)?;
            }
            anyhow::Ok(watch)
        });
    }
    let mut seen = watch;
    while let Some(one) = tasks.join_next().await {
        seen.add(&one??)?;
    }
    Ok(seen.measured())
}

enum Client {
    Grants(LeaseClient<Channel>),
    Renews {
        id: i64,
        asks: mpsc::Sender<LeaseKeepAliveRequest>,
        answers: Streaming<LeaseKeepAliveResponse>,
    },
}

impl Client {
    async fn new(channel: Channel, asked: Asked) -> anyhow::Result<Self> {
        let mut client = LeaseClient::new(channel);
        if asked == Asked::Grants {
            return Ok(Self::Grants(client));
        }
        let id = grant(&mut client).await?;
        let (asks, stream) = mpsc::channel(1);
        // Nothing is answered, not even that the stream began, before something was asked.
        asks.send(LeaseKeepAliveRequest { id }).await?;
        let answers = client.lease_keep_alive(ReceiverStream::new(stream)).await?;
        let mut client = Self::Renews {
            id,
            asks,
            answers: answers.into_inner(),
        };
        client.kept().await?;
        Ok(client)
    }

    async fn ask(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Grants(client) => grant(client).await.map(drop),
            Self::Renews { id, asks, .. } => {
                asks.send(LeaseKeepAliveRequest { id: *id }).await?;
                self.kept().await
            }
        }
    }

    async fn kept(&mut self) -> anyhow::Result<()> {
        let Self::Renews { answers, .. } = self else {
            return Ok(());
        };
        let kept = answers.message().await?.context("etcd ended the stream")?;
        ensure!(kept.ttl > 0, "the lease is gone");
        Ok(())
    }
}

async fn grant(client: &mut LeaseClient<Channel>) -> anyhow::Result<i64> {
    let grant = LeaseGrantRequest { ttl: TTL_S, id: 0 };
    let granted = client
        .lease_grant(grant)
        .await
        .context("a lease was refused")?
        .into_inner();
    ensure!(granted.error.is_empty(), "a lease was refused: {}", granted.error);
    Ok(granted.id)
}
