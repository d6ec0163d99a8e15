//! The processes of one cluster.

use crate::{
    kv::{StatusRequest, StatusResponse, maintenance_client::MaintenanceClient},
    machine::Used,
};
use anyhow::{Context as _, ensure};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running cluster; its processes are killed when it is dropped.
pub(crate) struct Cluster {
    pub(crate) name: &'static str,
    pub(crate) addresses: Vec<SocketAddr>,
    children: Vec<Child>,
}

/// Who leads at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Leading {
    /// The leader first.
    pub(crate) nodes: Vec<SocketAddr>,
    pub(crate) term: u64,
    /// Last entry of the log.
    pub(crate) log_index: u64,
}

impl Cluster {
    pub(crate) fn new(name: &'static str, addresses: Vec<SocketAddr>) -> Self {
        Self {
            name,
            addresses,
            children: Vec::new(),
        }
    }

    /// Starts one more process; what it says goes to `log`.
    pub(crate) fn spawn(&mut self, command: &mut Command, log: &Path) -> anyhow::Result<()> {
        let log = std::fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let program = || format!("{} cannot be started", command.get_program().display());
        let child = child.with_context(program)?;
        self.children.push(child);
        Ok(())
    }

    /// Waits until every node knows the same leader.
    pub(crate) async fn leading(&self) -> anyhow::Result<Leading> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(leading) = self.ask().await {
                return Ok(leading);
            }
            ensure!(Instant::now() < deadline, "{} has no leader", self.name);
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn ask(&self) -> Option<Leading> {
        let mut nodes = Vec::new();
        let mut leaders = Vec::new();
        let mut terms = Vec::new();
        let mut log_index = 0;
        for address in &self.addresses {
            let status = timeout(Duration::from_secs(2), status(*address)).await.ok()??;
            let header = status.header?;
            nodes.push((header.member_id != status.leader, *address));
            leaders.push(status.leader);
            terms.push(header.raft_term);
            log_index = log_index.max(status.raft_index);
        }
        let agreed = |all: &[u64]| {
            all.first()
                .filter(|first| all.iter().all(|other| other == *first))
                .copied()
        };
        agreed(&leaders).filter(|leader| *leader != 0)?;
        let term = agreed(&terms)?;
        nodes.sort();
        let nodes = nodes.into_iter().map(|(_, address)| address).collect();
        Some(Leading {
            nodes,
            term,
            log_index,
        })
    }

    /// What all its processes used since they started.
    pub(crate) fn used(&self) -> anyhow::Result<Used> {
        let mut each = self.children.iter().map(|child| Used::of(child.id()));
        each.try_fold(Used::default(), |sum, one| Ok(sum.plus(one?)))
    }
}

async fn status(address: SocketAddr) -> Option<StatusResponse> {
    let mut client = MaintenanceClient::connect(format!("http://{address}"))
        .await
        .ok()?;
    Some(client.status(StatusRequest {}).await.ok()?.into_inner())
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// `count` different free ports on loopback.
pub(crate) fn free_ports(count: usize) -> anyhow::Result<Vec<SocketAddr>> {
    let held = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(held
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<_, _>>()?)
}
