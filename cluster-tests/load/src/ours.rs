//! Three replicas of ours, each a process that serves etcd's `Put` on the replicated log.

use crate::{
    kv::{
        PutRequest, PutResponse, ResponseHeader, StatusRequest, StatusResponse,
        kv_server::{Kv, KvServer},
        maintenance_server::{Maintenance, MaintenanceServer},
    },
    processes::{Cluster, free_ports},
};
use anyhow::Context as _;
use clap::Args;
use plenary_replication::{
    AppError, Application, Connector, Member, MembershipError, Options, Replica, Reply, Stamp, tune_client,
};
use prost::Message as _;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server},
};

/// One replica.
#[derive(Args)]
pub(crate) struct Host {
    /// Its number, from 1
    #[arg(long)]
    node: u64,
    /// Addresses of all, in the order of their numbers
    #[arg(long, value_delimiter = ',')]
    members: Vec<SocketAddr>,
    /// Folder of its log and state
    #[arg(long)]
    data: PathBuf,
}

pub(crate) async fn start(folder: &Path) -> anyhow::Result<Cluster> {
    std::fs::create_dir_all(folder)?;
    let addresses = free_ports(3)?;
    let members: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let mut cluster = Cluster::new("ours", addresses);
    for node in ["1", "2", "3"] {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["node", "--node", node, "--members", &members.join(","), "--data"])
            .arg(folder.join(node));
        cluster.spawn(&mut command, &folder.join(format!("{node}.log")))?;
    }
    cluster.leading().await?;
    Ok(cluster)
}

/// Keys and values, as etcd's `Put` has them.
struct Store;

impl Application for Store {
    type Notice = ();

    fn migrate(&self, database: &mut rusqlite::Connection) -> Result<(), AppError> {
        database.execute_batch(
            "CREATE TABLE IF NOT EXISTS kv (
                 key BLOB PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL
             ) STRICT;",
        )?;
        Ok(())
    }

    fn apply(
        &self,
        tx: &rusqlite::Transaction<'_>,
        at: Stamp,
        command: &[u8],
    ) -> Result<Reply<()>, AppError> {
        let put = PutRequest::decode(command).map_err(|error| AppError::Defect(error.to_string()))?;
        let index = i64::try_from(at.index).map_err(|error| AppError::Defect(error.to_string()))?;
        let mut put_row = tx.prepare_cached(
            "INSERT INTO kv (key, value, revision) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision",
        )?;
        put_row.execute((&put.key[..], &put.value[..], index))?;
        Ok(Reply {
            bytes: Vec::new(),
            notices: Vec::new(),
        })
    }

    fn committed(&self, _index: u64, _notices: Vec<()>) {}

    fn reset(&self, _index: u64) {}
}

/// Without TLS, as etcd here.
struct Plain;

#[async_trait::async_trait]
impl Connector for Plain {
    async fn channel(
        &self,
        _node: u64,
        address: &str,
    ) -> Result<Channel, Box<dyn std::error::Error + Send + Sync>> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        Ok(tune_client(endpoint).connect_lazy())
    }
}

struct Service {
    replica: Replica<Store>,
    members: usize,
}

#[tonic::async_trait]
impl Kv for Service {
    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        let command = request.into_inner().encode_to_vec();
        let committed = self.replica.propose(command).await;
        let committed = committed.map_err(|error| Status::unavailable(error.to_string()))?;
        let header = ResponseHeader {
            revision: i64::try_from(committed.index).unwrap_or(i64::MAX),
            ..ResponseHeader::default()
        };
        Ok(Response::new(PutResponse { header: Some(header) }))
    }
}

#[tonic::async_trait]
impl Maintenance for Service {
    /// Names no leader before all members vote.
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let status = self.replica.status();
        let voters = status.members.values().filter(|member| member.voter).count();
        let header = ResponseHeader {
            member_id: status.node,
            raft_term: status.term,
            ..ResponseHeader::default()
        };
        Ok(Response::new(StatusResponse {
            header: Some(header),
            leader: status
                .leader
                .filter(|_| voters == self.members)
                .unwrap_or_default(),
            raft_index: status.last_log,
            ..StatusResponse::default()
        }))
    }
}

impl Host {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let own = self.member(self.node)?;
        let listen = own.address.parse()?;
        let options = Options::new(&self.data, "load", self.node, own);
        let replica = Replica::open(options, Arc::new(Store), Arc::new(Plain)).await?;
        let service = || Service {
            replica: replica.clone(),
            members: self.members.len(),
        };
        let server = Server::builder()
            .tcp_nodelay(true)
            .add_service(replica.service())
            .add_service(KvServer::new(service()))
            .add_service(MaintenanceServer::new(service()))
            .serve(listen);
        let server = tokio::spawn(server);
        if self.node == 1 {
            self.gather(&replica).await?;
        }
        let mut failure = replica.failure();
        tokio::select! {
            ended = server => ended?.context("the service ended"),
            failed = failure.wait_for(Option::is_some) => anyhow::bail!("the replica failed: {:?}", failed?.as_ref()),
        }
    }

    /// Makes the group of all members.
    async fn gather(&self, replica: &Replica<Store>) -> anyhow::Result<()> {
        replica.found().await?;
        for node in 2..=self.members.len() as u64 {
            let member = self.member(node)?;
            retry(|| replica.add_learner(node, member.clone())).await?;
            retry(|| replica.promote(node)).await?;
        }
        Ok(())
    }

    fn member(&self, node: u64) -> anyhow::Result<Member> {
        let place = usize::try_from(node)?.checked_sub(1);
        let address = place.and_then(|place| self.members.get(place));
        Ok(Member {
            name: format!("node-{node}"),
            address: address.context("the node is not among the members")?.to_string(),
        })
    }
}

/// Until it works: the others may still be starting, and a founder leads only after its election.
async fn retry<F>(mut f: impl FnMut() -> F) -> Result<(), MembershipError>
where
    F: Future<Output = Result<(), MembershipError>>,
{
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match f().await {
            Err(error) if Instant::now() < deadline => {
                eprintln!("not yet: {error}");
                sleep(Duration::from_millis(100)).await;
            }
            done => return done,
        }
    }
}
