//! The same client for both clusters: each waits for its answer before it asks again.

use crate::{
    kv::{PutRequest, kv_client::KvClient},
    machine::{self, Used},
    processes::Cluster,
};
use anyhow::Context as _;
use hdrhistogram::Histogram;
use std::{fmt, net::SocketAddr, time::Duration};
use tokio::{task::JoinSet, time::Instant};
use tonic::transport::{Channel, Endpoint};

/// Clients that share one connection: one for each would measure connections, one for all queues behind itself.
const CLIENTS_PER_CONNECTION: usize = 16;
/// Different keys; more than a database keeps in a few pages, few enough to be overwritten.
const KEYS: usize = 20_000;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) clients: usize,
    /// Of each value.
    pub(crate) bytes: usize,
    pub(crate) length: Duration,
}

impl Load {
    pub(crate) fn new(clients: usize, bytes: usize, length: Duration) -> Self {
        Self {
            clients,
            bytes,
            length,
        }
    }
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Processor time of the three nodes for each proposal.
    pub(crate) cpu_us: f64,
    /// Proposals that share an entry of the log, and so its replication and its syncs.
    pub(crate) batch: f64,
    /// Times that the term changed meanwhile.
    pub(crate) elections: f64,
    /// Share of the machine's processors that neither the clients nor the nodes had, in percent.
    pub(crate) others: f64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6.0}/s, p50 {:>7.2} ms, p99 {:>7.2} ms, {:>4.0} µs CPU, {:>5.1} an entry, {} elections, others {:.0} %",
            self.per_second, self.p50_ms, self.p99_ms, self.cpu_us, self.batch, self.elections, self.others
        )
    }
}

pub(crate) async fn measure(cluster: &Cluster, load: Load) -> anyhow::Result<Measured> {
    let leading = cluster.leading().await?;
    let channels = connect(&leading.nodes, load.clients).await?;
    let counted = Counted::now(cluster)?;
    let start = Instant::now();
    let end = start + load.length;
    let mut tasks = JoinSet::new();
    for number in 0..load.clients {
        let channel = channels[number % channels.len()].clone();
        tasks.spawn(client(channel, number, load.bytes, end));
    }
    let mut all = Histogram::<u64>::new(3)?;
    while let Some(one) = tasks.join_next().await {
        all.add(one??)?;
    }
    let took = start.elapsed();
    let spent = Counted::now(cluster)?;
    let after = cluster.leading().await?;
    let entries = after.log_index.saturating_sub(leading.log_index);
    let used = spent.nodes.since(counted.nodes);
    let known = used.cpu + spent.clients.since(counted.clients).cpu;
    let others = (spent.machine - counted.machine).saturating_sub(known);
    let count = all.len().max(1) as f64;
    let ms = |quantile| all.value_at_quantile(quantile) as f64 / 1000.0;
    Ok(Measured {
        per_second: all.len() as f64 / took.as_secs_f64(),
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
        cpu_us: used.cpu.as_secs_f64() * 1e6 / count,
        batch: count / entries.max(1) as f64,
        elections: after.term.saturating_sub(leading.term) as f64,
        others: others.as_secs_f64() / took.as_secs_f64() / machine::processors() * 100.0,
    })
}

/// Counters at a moment.
struct Counted {
    nodes: Used,
    clients: Used,
    machine: Duration,
}

impl Counted {
    fn now(cluster: &Cluster) -> anyhow::Result<Self> {
        Ok(Self {
            nodes: cluster.used()?,
            clients: Used::of(std::process::id())?,
            machine: machine::busy()?,
        })
    }
}

/// Connections to the nodes in turn, the first of them to the leader.
async fn connect(nodes: &[SocketAddr], clients: usize) -> anyhow::Result<Vec<Channel>> {
    let count = clients
        .div_ceil(CLIENTS_PER_CONNECTION)
        .max(nodes.len().min(clients));
    let mut channels = Vec::new();
    for node in nodes.iter().cycle().take(count) {
        let endpoint = Endpoint::from_shared(format!("http://{node}"))?.tcp_nodelay(true);
        channels.push(endpoint.connect().await?);
    }
    Ok(channels)
}

async fn client(
    channel: Channel,
    number: usize,
    bytes: usize,
    end: Instant,
) -> anyhow::Result<Histogram<u64>> {
    let mut client = KvClient::new(channel);
    let mut seen = Histogram::<u64>::new(3)?;
    let value = prost::bytes::Bytes::from(vec![0x5a; bytes]);
    let mut count = number * 7919;
    while Instant::now() < end {
        let key = format!("key-{:012}", count % KEYS).into_bytes().into();
        count += 1;
        let asked = Instant::now();
        let put = PutRequest {
            key,
            value: value.clone(),
        };
        client.put(put).await.context("a put was refused")?;
        seen.record(u64::try_from(asked.elapsed().as_micros())?)?;
    }
    Ok(seen)
}
