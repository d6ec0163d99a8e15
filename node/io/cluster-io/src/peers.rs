//! What the other nodes said of themselves, asked once a second.

use plenary_cluster::Vitals;
use plenary_contracts::cluster::v1::{StatusRequest, StatusResponse, cluster_client::ClusterClient};
use plenary_licences::{Epoch, clock::Reading};
use plenary_links::clock_ms;
use plenary_model::{NodeId, NodeName};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tonic::transport::Channel;

const ASK_EVERY: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A node without a word for this long counts as down.
pub const DOWN_AFTER: Duration = Duration::from_secs(4);

/// The other nodes of the server, and how to reach them.
pub trait Roster: Send + Sync + 'static {
    fn me(&self) -> NodeId;
    /// All other nodes with a channel to each.
    fn others(&self) -> Vec<(NodeId, NodeName, Channel)>;
    /// What the clocks of this machine say now.
    fn now(&self) -> Reading;
    /// A node answered what was asked at `asked`.
    fn said(&self, node: NodeId, answer: &StatusResponse, asked: Reading);
}

/// The last word of one node.
#[derive(Debug, Clone)]
pub struct Heard {
    pub at: Instant,
    pub vitals: Vitals,
    pub last_log_index: u64,
    pub term: u64,
    pub leader: Option<NodeId>,
    /// The lease of seats for which the node vouches.
    pub lease: Option<Epoch>,
    /// Why a License Manager does not lend, in the leader's word.
    pub lease_refusal: Option<String>,
    /// Why the leader does not tell the Directory: a stable word or none, and a sentence; both empty where it does.
    pub directory_trouble: (String, String),
    /// How many entries the leader cannot tell the Directory, and the last of them with the reason.
    pub directory_left_out: (u64, String),
    /// Which challenges of ACME the node answers, as a hash to compare; empty: none.
    pub acme_answers: Vec<u8>,
    pub round_trip: Duration,
    /// The node's clock less ours, measured at the middle of the round trip.
    pub clock_offset_ms: i64,
}

/// What was heard of each node; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    heard: Arc<Mutex<BTreeMap<NodeId, Heard>>>,
}

impl Peers {
    /// Asks all nodes once a second until the task is dropped.
    pub async fn watch(self, roster: Arc<dyn Roster>) {
        let mut tick = tokio::time::interval(ASK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let others = roster.others();
            self.lock()
                .retain(|node, _| others.iter().any(|(other, ..)| other == node));
            let asked = others
                .into_iter()
                .map(|(node, name, channel)| self.ask(&*roster, node, name, channel));
            futures::future::join_all(asked).await;
        }
    }

    async fn ask(&self, roster: &dyn Roster, node: NodeId, name: NodeName, channel: Channel) {
        let (sent, asked) = (Instant::now(), roster.now());
        let mut request = tonic::Request::new(StatusRequest {
            from_node: roster.me().0,
            clock_ms: clock_ms(),
        });
        request.set_timeout(ANSWER_WITHIN);
        let mut client = ClusterClient::new(channel);
        match tokio::time::timeout(ANSWER_WITHIN, client.status(request)).await {
            Ok(Ok(answer)) => {
                let (round_trip, answer) = (sent.elapsed(), answer.into_inner());
                roster.said(node, &answer, asked);
                self.lock().insert(node, heard(answer, round_trip));
            }
            Ok(Err(status)) => tracing::debug!(node = %name, %status, "a node did not say how it is"),
            Err(_) => tracing::debug!(node = %name, "a node took too long to say how it is"),
        }
    }

    /// The last word of `node`, if it ever said one.
    pub fn heard(&self, node: NodeId) -> Option<Heard> {
        self.lock().get(&node).cloned()
    }

    /// Whether `node` said something lately.
    pub fn is_up(&self, node: NodeId) -> bool {
        self.heard(node)
            .is_some_and(|heard| heard.at.elapsed() < DOWN_AFTER)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<NodeId, Heard>> {
        // The map is whole after every operation, so a panic elsewhere does not spoil it.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn heard(answer: StatusResponse, round_trip: Duration) -> Heard {
    let ours = clock_ms().saturating_sub((round_trip.as_millis() / 2) as u64);
    Heard {
        at: Instant::now(),
        vitals: Vitals {
            uptime_s: answer.uptime_s,
            applied_index: answer.applied_index,
            clock_ms: answer.clock_ms,
            fsync_p99_ms: answer.fsync_p99_ms,
            disk_free_bytes: answer.disk_free_bytes,
            disk_total_bytes: answer.disk_total_bytes,
            memory_bytes: answer.memory_bytes,
            version: answer.version,
            acme: answer.acme_plan,
        },
        last_log_index: answer.last_log_index,
        term: answer.term,
        lease: answer.lease.map(|lease| Epoch {
            pool: lease.pool_epoch,
            number: lease.number,
        }),
        lease_refusal: Some(answer.lease_refusal).filter(|code| !code.is_empty()),
        directory_trouble: (answer.directory_code, answer.directory_trouble),
        acme_answers: answer.acme_answers,
        directory_left_out: (answer.directory_left_out, answer.directory_left_out_last),
        leader: (answer.leader != 0).then_some(NodeId(answer.leader)),
        round_trip,
        clock_offset_ms: i64::try_from(answer.clock_ms)
            .unwrap_or(i64::MAX)
            .saturating_sub_unsigned(ours),
    }
}
