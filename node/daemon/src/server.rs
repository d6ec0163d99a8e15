//! The running server as this node knows it: the replica, the links to the other nodes, and what is made of both.

use crate::{
    backup::{self, Manifest},
    data::{self, NodeFacts},
    lease::Lessee,
    links::Links,
    partners::Partners,
    seats::Alive,
};
use plenary_access::{Command, NodeRow, Outcome, Refusal};
use plenary_cluster::{ClusterReport, NodeReport, NodeRole, NodeState, Vitals, find_problems};
use plenary_cluster_io::{Peers, clock_ms};
use plenary_identity::Identity;
use plenary_licences::licence::PublicKey;
use plenary_member::Folder;
use plenary_model::{NodeId, Timestamp};
use plenary_replication::Replica;
use plenary_rest_api::backend::{Applied, ReadError, WriteError};
use plenary_signalling_io::Notification;
use plenary_store::{Part, ServerApp, queries};
use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::sync::broadcast;

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything that serves requests on this node shares one of these.
pub(crate) struct Server {
    pub(crate) facts: NodeFacts,
    pub(crate) folder: Folder,
    pub(crate) identity: Identity,
    pub(crate) replica: Replica<ServerApp>,
    pub(crate) links: Arc<Links>,
    pub(crate) peers: Peers,
    pub(crate) started: Instant,
    /// Random number of this start: late words of an earlier run are told apart by it.
    pub(crate) epoch: u64,
    backups: AtomicU64,
    /// What is told to the clients that are connected here.
    pub(crate) notifications: broadcast::Sender<Notification>,
    /// Set when all presences of this node must be told again.
    pub(crate) told_anew: AtomicBool,
    /// Addresses of the pages of all nodes.
    urls: RwLock<Vec<String>>,
    /// Keys whose licences count here; set before anything is served.
    pub(crate) licence_keys: OnceLock<Vec<PublicKey>>,
    /// Until when this node may use what the server gave it, without hearing of it again.
    pub(crate) alive: Alive,
    /// What this node knows of the lease of a License Manager.
    pub(crate) lessee: Lessee,
    /// Set once media is there.
    pub(crate) meetings: OnceLock<plenary_meeting_io::Hub>,
    /// How it tells and asks the Directory of the enterprise.
    pub(crate) directory: crate::directory::Directory,
    /// What this node notes of servers of other enterprises.
    pub(crate) partners: Partners,
    /// What this node knows of people of other servers.
    pub(crate) neighbours: crate::federation::Neighbours,
    /// Set where this node meets with other servers.
    pub(crate) federation: OnceLock<plenary_federation_io::Reach>,
    /// Their people who are here by a call of two.
    pub(crate) callers: crate::federation::Callers,
    /// What waits to be told to them.
    pub(crate) outbox: crate::federation::outbox::Outbox,
    /// How it proves itself to them, and whom it believes.
    pub(crate) partner_tls: OnceLock<plenary_identity::PartnerTls>,
    /// What this node knows of its tunnels to Border Controllers.
    pub(crate) border: crate::border::Tunnels,
    /// Media that cross between this node and other servers.
    pub(crate) crossing: OnceLock<Arc<crate::crossing::Crossing>>,
    /// Who was not let into conferences, and who waits.
    pub(crate) gate: crate::gate::GateFigures,
    /// What this node does for the certificate by ACME.
    pub(crate) acme: crate::acme::Desk,
}

impl Server {
    pub(crate) fn now_ms(&self) -> Timestamp {
        Timestamp(clock_ms())
    }

    pub(crate) fn new(
        facts: NodeFacts,
        folder: Folder,
        identity: Identity,
        replica: Replica<ServerApp>,
        links: Arc<Links>,
        lessee: Lessee,
        epoch: u64,
    ) -> Self {
        let peers = Peers::default();
        Self {
            facts,
            folder,
            identity,
            replica,
            links,
            peers,
            started: Instant::now(),
            epoch,
            backups: AtomicU64::new(0),
            notifications: broadcast::Sender::new(4_096),
            told_anew: AtomicBool::new(false),
            urls: RwLock::default(),
            licence_keys: OnceLock::new(),
            alive: Alive::default(),
            lessee,
            meetings: OnceLock::new(),
            directory: crate::directory::Directory::default(),
            partners: Partners::default(),
            neighbours: crate::federation::Neighbours::default(),
            federation: OnceLock::new(),
            callers: crate::federation::Callers::default(),
            outbox: crate::federation::outbox::Outbox::default(),
            partner_tls: OnceLock::new(),
            border: crate::border::Tunnels::default(),
            crossing: OnceLock::new(),
            gate: crate::gate::GateFigures::default(),
            acme: crate::acme::Desk::default(),
        }
    }

    pub(crate) fn me(&self) -> NodeId {
        self.facts.node
    }

    /// The nodes of the server by the replicated state.
    pub(crate) async fn node_rows(&self) -> Result<Vec<NodeRow>, ReadError> {
        self.query(queries::nodes).await
    }

    /// What this node says of itself.
    pub(crate) fn vitals(&self) -> Vitals {
        let status = self.replica.status();
        let disk = plenary_telemetry::disk_space(self.folder.path()).unwrap_or_default();
        Vitals {
            uptime_s: self.started.elapsed().as_secs(),
            applied_index: status.last_applied,
            clock_ms: clock_ms(),
            fsync_p99_ms: status.fsync.p99.as_secs_f64() * 1000.0,
            disk_free_bytes: disk.free_bytes,
            disk_total_bytes: disk.total_bytes,
            memory_bytes: plenary_telemetry::resident_memory_bytes().unwrap_or(0),
            version: VERSION.to_owned(),
            acme: self.acme.plan(),
        }
    }

    /// The server as a whole: replicated facts, and what each node said of itself last.
    pub(crate) async fn report(&self) -> Result<ClusterReport, ReadError> {
        let (rows, online, counts) = self
            .query(|db| {
                Ok((
                    queries::nodes(db)?,
                    queries::online_by_node(db)?,
                    queries::counts(db)?,
                ))
            })
            .await?;
        let status = self.replica.status();
        let mine = self.vitals();
        let newest = status.last_log.max(status.last_applied);
        let nodes: Vec<NodeReport> = rows
            .iter()
            .map(|row| {
                let online = online.get(&row.id).copied().unwrap_or(0);
                self.node_report(row, &status, &mine, newest, online)
            })
            .collect();
        let voters = nodes.iter().filter(|node| node.role != NodeRole::Learner);
        let (all, up) = voters.fold((0, 0), |(all, up), node| {
            (all + 1, up + usize::from(node.state != NodeState::Down))
        });
        let leader = status
            .leader
            .and_then(|id| rows.iter().find(|row| row.id.0 == id));
        let mut report = ClusterReport {
            server: self.facts.server.clone(),
            enterprise: self.facts.enterprise.clone(),
            level: status.level,
            leader: leader.map(|row| row.name.clone()),
            term: status.term,
            quorum: up * 2 > all,
            users_online: counts.online,
            users_total: counts.users,
            nodes,
            problems: Vec::new(),
        };
        report.problems = find_problems(&report);
        report.problems.extend(self.acme_problems().await?);
        report.problems.extend(self.partner_problems().await?);
        Ok(report)
    }

    fn node_report(
        &self,
        row: &NodeRow,
        status: &plenary_replication::Status,
        mine: &Vitals,
        newest: u64,
        users_online: u64,
    ) -> NodeReport {
        let this = row.id == self.me();
        let heard = self.peers.heard(row.id);
        let up = this || self.peers.is_up(row.id);
        let voter = status.members.get(&row.id.0).is_some_and(|member| member.voter);
        let vitals = if this {
            Some(mine.clone())
        } else {
            heard.as_ref().filter(|_| up).map(|heard| heard.vitals.clone())
        };
        NodeReport {
            id: row.id,
            name: row.name.clone(),
            role: match (status.leader == Some(row.id.0), voter) {
                (true, _) => NodeRole::Leader,
                (false, true) => NodeRole::Follower,
                (false, false) => NodeRole::Learner,
            },
            state: match (up, row.draining) {
                (false, _) => NodeState::Down,
                (true, true) => NodeState::Draining,
                (true, false) => NodeState::Up,
            },
            address: row.address.clone(),
            url: row.url.clone(),
            version: vitals
                .as_ref()
                .map_or_else(|| row.version.clone(), |vitals| vitals.version.clone()),
            last_heard_ms: if this {
                Some(0)
            } else {
                heard.as_ref().map(|heard| heard.at.elapsed().as_millis() as u64)
            },
            round_trip_ms: heard
                .as_ref()
                .filter(|_| up)
                .map(|heard| heard.round_trip.as_secs_f64() * 1000.0),
            clock_offset_ms: if this {
                Some(0)
            } else {
                heard.as_ref().filter(|_| up).map(|heard| heard.clock_offset_ms)
            },
            users_online,
            lag: vitals
                .as_ref()
                .map(|vitals| newest.saturating_sub(vitals.applied_index)),
            vitals,
            this,
        }
    }

    /// Writes a backup into the folder for temporary files; the caller deletes it.
    pub(crate) async fn write_backup(&self) -> anyhow::Result<PathBuf> {
        let number = self.backups.fetch_add(1, Ordering::Relaxed);
        let temp = data::temp(&self.folder);
        std::fs::create_dir_all(&temp)?;
        let database = temp.join(format!("backup-{number}.db"));
        let file = temp.join(format!("backup-{number}.plenary"));
        let meta = self.replica.backup(&database).await?;
        let manifest = Manifest {
            server: self.facts.server.clone(),
            enterprise: self.facts.enterprise.clone(),
            version: VERSION.to_owned(),
            created_ms: clock_ms(),
            index: meta.applied,
            bytes: 0,
            sha256: String::new(),
        };
        let (from, to) = (database.clone(), file.clone());
        let packed = tokio::task::spawn_blocking(move || backup::pack(&from, manifest, &to)).await?;
        std::fs::remove_file(&database)?;
        packed?;
        Ok(file)
    }

    /// Whether this node leads.
    pub(crate) fn leads(&self) -> bool {
        self.replica.leads()
    }

    /// Addresses of the web pages of all nodes, as they were told last.
    pub(crate) fn known_urls(&self) -> Vec<String> {
        self.urls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_urls(&self, rows: &[NodeRow]) {
        let urls = rows
            .iter()
            .map(|row| row.url.clone())
            .filter(|url| !url.is_empty())
            .collect();
        *self.urls.write().unwrap_or_else(PoisonError::into_inner) = urls;
    }

    /// The server took this node for lost and its devices for offline: they must be announced again.
    pub(crate) fn presence_lost(&self) {
        self.told_anew.store(true, Ordering::Release);
    }

    pub(crate) fn tell(&self, notification: Notification) {
        // Nobody connected: nobody misses it.
        self.notifications.send(notification).ok();
    }
}

impl Server {
    /// Proposes a command on any node and reads the outcome of the rules.
    pub(crate) async fn propose_command<'a, C>(&self, command: &'a Command<C>) -> Result<Applied, WriteError>
    where
        &'a C: Into<Part<'a>>,
    {
        let bytes =
            plenary_store::encode_command(command).map_err(|error| WriteError::Internal(Box::new(error)))?;
        let committed = self
            .replica
            .propose(bytes)
            .await
            .map_err(crate::backend::write_error)?;
        let outcome: Result<Outcome, Refusal> = plenary_store::decode_reply(&committed.reply)
            .map_err(|error| WriteError::Internal(Box::new(error)))?;
        Ok(Applied {
            index: committed.index,
            outcome: outcome?,
        })
    }
}
