//! Metrics of the node.

use plenary_replication::{Replica, Role};
use plenary_store::ServerApp;
use plenary_telemetry::{
    Metrics,
    prometheus::{
        collector::Collector,
        encoding::{DescriptorEncoder, EncodeMetric as _},
        metrics::gauge::ConstGauge,
    },
};

/// Registers what the replica says of itself; read when somebody asks.
pub(crate) fn register(metrics: &Metrics, replica: Replica<ServerApp>) {
    metrics.register(|registry| registry.register_collector(Box::new(ReplicaCollector(replica))));
}

struct ReplicaCollector(Replica<ServerApp>);

impl std::fmt::Debug for ReplicaCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReplicaCollector")
    }
}

impl Collector for ReplicaCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let status = self.0.status();
        let lag = status
            .members
            .values()
            .filter_map(|member| member.lag)
            .max()
            .unwrap_or(0);
        let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
        let values = [
            (
                "raft_is_leader",
                "Whether this node leads",
                flag(status.role == Role::Leader),
            ),
            (
                "raft_has_leader",
                "Whether a leader is known",
                flag(status.leader.is_some()),
            ),
            ("raft_term", "Term of the consensus", status.term as f64),
            (
                "raft_last_log_index",
                "Last entry in the log",
                status.last_log as f64,
            ),
            (
                "raft_applied_index",
                "Last entry in the state",
                status.last_applied as f64,
            ),
            (
                "raft_log_bytes",
                "Size of the log on disk",
                status.log_bytes as f64,
            ),
            (
                "raft_largest_lag_entries",
                "On the leader: how far the slowest member is behind",
                lag as f64,
            ),
            (
                "raft_members",
                "Members of the group",
                status.members.len() as f64,
            ),
            (
                "log_fsync_p50_seconds",
                "Half of the syncs of the log were faster",
                status.fsync.p50.as_secs_f64(),
            ),
            (
                "log_fsync_p99_seconds",
                "99 of 100 syncs of the log were faster",
                status.fsync.p99.as_secs_f64(),
            ),
            (
                "disk_full",
                "Whether writes are refused for want of space",
                flag(status.disk_full),
            ),
        ];
        for (name, help, value) in values {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
