//! Three real replicas in one process, over loopback gRPC on free ports, with real files.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use plenary_replication::{
    AppError, Application, Connector, Member, OpenError, Options, Replica, Reply, Role, Stamp, tune_client,
};
use rusqlite::params;
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint, Server, server::TcpIncoming};

/// Counts and keeps what it was told: `name=value`; answers with how often `name` was set.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) resets: AtomicU64,
    pub(crate) told: Mutex<Vec<(u64, String)>>,
}

impl Application for Notes {
    type Notice = String;

    fn migrate(&self, database: &mut rusqlite::Connection) -> Result<(), AppError> {
        database.execute_batch(
            "CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL, times INTEGER NOT NULL)
             STRICT, WITHOUT ROWID",
        )?;
        Ok(())
    }

    fn apply(
        &self,
        transaction: &rusqlite::Transaction<'_>,
        _at: Stamp,
        command: &[u8],
    ) -> Result<Reply<String>, AppError> {
        let text = String::from_utf8_lossy(command).into_owned();
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        let times: i64 = transaction
            .prepare_cached(
                "INSERT INTO note (name, value, times) VALUES (?1, ?2, 1)
                 ON CONFLICT (name) DO UPDATE SET value = ?2, times = times + 1 RETURNING times",
            )?
            .query_row(params![name, value], |row| row.get(0))?;
        Ok(Reply {
            bytes: times.to_string().into_bytes(),
            notices: vec![name.to_owned()],
        })
    }

    fn committed(&self, index: u64, notices: Vec<String>) {
        let mut told = self.told.lock().unwrap();
        told.extend(notices.into_iter().map(|notice| (index, notice)));
    }

    fn reset(&self, _index: u64) {
        self.resets.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) struct Plain;

#[async_trait::async_trait]
impl Connector for Plain {
    async fn channel(
        &self,
        _node: u64,
        address: &str,
    ) -> Result<Channel, Box<dyn std::error::Error + Send + Sync>> {
        Ok(tune_client(Endpoint::from_shared(format!("http://{address}"))?).connect_lazy())
    }
}

pub(crate) struct Node {
    pub(crate) replica: Replica<Notes>,
    pub(crate) app: Arc<Notes>,
    pub(crate) address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

impl Node {
    /// Opens a replica; `address` stays the same over restarts.
    pub(crate) async fn start(options: Options, address: Option<SocketAddr>) -> Result<Self, OpenError> {
        let wanted = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = bind(wanted).await;
        let address = listener.local_addr().unwrap();
        let app = Arc::new(Notes::default());
        let mut options = options;
        options.member = Member {
            name: format!("n{}", options.node_id),
            address: address.to_string(),
        };
        let replica = Replica::open(options, app.clone(), Arc::new(Plain)).await?;
        let serving = Server::builder()
            .tcp_nodelay(true)
            .add_service(replica.service())
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
        let server = tokio::spawn(async move { serving.await.unwrap() });
        Ok(Self {
            replica,
            app,
            address,
            server,
        })
    }

    /// As near to a kill as one process allows: nothing is handed over or said goodbye.
    pub(crate) async fn stop(self) -> SocketAddr {
        self.server.abort();
        drop(self.server.await);
        self.replica.shutdown().await;
        self.address
    }

    pub(crate) fn member(&self) -> Member {
        Member {
            name: String::new(),
            address: self.address.to_string(),
        }
    }

    pub(crate) async fn value(&self, name: &str) -> Option<(String, i64)> {
        let name = name.to_owned();
        let read = self.replica.read(move |db| {
            db.query_row("SELECT value, times FROM note WHERE name = ?1", [name], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .ok()
        });
        read.await.unwrap()
    }
}

/// The port of a server that has just ended may be taken for a moment.
async fn bind(address: SocketAddr) -> TcpListener {
    let started = Instant::now();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) if started.elapsed() > Duration::from_secs(10) => panic!("{address}: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

pub(crate) struct Cluster {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) nodes: Vec<Option<Node>>,
    pub(crate) shape: fn(&mut Options),
}

impl Cluster {
    pub(crate) async fn of(count: u64) -> Self {
        Self::shaped(count, |_| {}).await
    }

    pub(crate) async fn shaped(count: u64, shape: fn(&mut Options)) -> Self {
        let mut cluster = Self {
            dir: tempfile::tempdir().unwrap(),
            nodes: Vec::new(),
            shape,
        };
        for id in 1..=count {
            let node = Node::start(cluster.options(id), None).await.unwrap();
            cluster.nodes.push(Some(node));
        }
        cluster.node(1).replica.found().await.unwrap();
        let leader = cluster.wait_for_leader().await;
        assert_eq!(leader, 1);
        for id in 2..=count {
            let member = cluster.node(id).member();
            let founder = &cluster.node(1).replica;
            founder.add_learner(id, member).await.unwrap();
            founder.promote(id).await.unwrap();
        }
        cluster
    }

    pub(crate) fn options(&self, id: u64) -> Options {
        let mut options = Options::new(self.path(id), "paris", id, Member::default());
        options.limits.reserve_bytes = 0;
        (self.shape)(&mut options);
        options
    }

    pub(crate) fn path(&self, id: u64) -> PathBuf {
        self.dir.path().join(format!("n{id}"))
    }

    pub(crate) fn node(&self, id: u64) -> &Node {
        self.nodes[id as usize - 1].as_ref().unwrap()
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().flatten()
    }

    pub(crate) async fn stop(&mut self, id: u64) -> SocketAddr {
        self.nodes[id as usize - 1].take().unwrap().stop().await
    }

    pub(crate) async fn restart(&mut self, id: u64, address: SocketAddr) {
        let node = Node::start(self.options(id), Some(address)).await.unwrap();
        self.nodes[id as usize - 1] = Some(node);
    }

    /// Waits until a running node leads and all running ones agree.
    pub(crate) async fn wait_for_leader(&self) -> u64 {
        eventually("a leader", || async {
            let statuses: Vec<_> = self.running().map(|node| node.replica.status()).collect();
            let leader = statuses.iter().find(|status| status.role == Role::Leader)?.node;
            statuses
                .iter()
                .all(|status| status.leader.is_none_or(|other| other == leader))
                .then_some(leader)
        })
        .await
    }

    pub(crate) async fn wait_for_same_state(&self, name: &str, value: &str) {
        eventually("the same value everywhere", || async {
            for node in self.running() {
                if node.value(name).await?.0 != value {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }
}

/// Polls until there is something.
pub(crate) async fn eventually<T, F>(what: &str, mut poll: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = poll().await {
            return found;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "no {what} within 30 s"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The newest file of a log.
pub(crate) fn newest_log_file(dir: &Path) -> PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(dir.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.pop().unwrap()
}
