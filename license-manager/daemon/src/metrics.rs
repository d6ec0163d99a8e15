//! Metrics of a replica.

use crate::running::Running;
use plenary_licences::{Kind, lessor::Standing};
use plenary_replication::Role;
use plenary_telemetry::{CheckState, Health, Metrics};
use std::sync::{Arc, atomic::Ordering};

/// Registers what the replica says of itself; read when somebody asks.
pub(crate) fn register(metrics: &Metrics, running: Arc<Running>) {
    metrics.figures(move |figures| {
        for (name, help, value) in gauges(&running) {
            figures.gauge(&name, help, value)?;
        }
        let counts = &running.counts;
        let counters = [
            (
                "lease_requests",
                "Requests of servers to this replica",
                &counts.asked,
            ),
            ("lease_refusals", "Requests that were refused", &counts.refused),
            (
                "lease_recalls",
                "Times that a server was asked for seats",
                &counts.recalls,
            ),
            (
                "lease_leaderships",
                "Times that this replica began to lead; each may postpone the expiry of leases",
                &counts.leaderships,
            ),
        ];
        for (name, help, count) in counters {
            figures.counter(name, help, count.load(Ordering::Relaxed))?;
        }
        Ok(())
    });
}

/// Names, help and values now.
fn gauges(running: &Running) -> Vec<(String, &'static str, f64)> {
    let status = running.replica.status();
    let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
    let lag = status.members.values().filter_map(|member| member.lag).max();
    let mut gauges = vec![
        (
            "raft_is_leader".to_owned(),
            "Whether this replica leads",
            flag(status.role == Role::Leader),
        ),
        (
            "raft_has_leader".to_owned(),
            "Whether a leader is known",
            flag(status.leader.is_some()),
        ),
        (
            "raft_term".to_owned(),
            "Term of the consensus",
            status.term as f64,
        ),
        (
            "raft_applied_index".to_owned(),
            "Last entry in the state",
            status.last_applied as f64,
        ),
        (
            "raft_members".to_owned(),
            "Members of the group",
            status.members.len() as f64,
        ),
        (
            "raft_largest_lag_entries".to_owned(),
            "On the leader: how far the slowest member is behind",
            lag.unwrap_or(0) as f64,
        ),
        (
            "log_fsync_p99_seconds".to_owned(),
            "99 of 100 syncs of the log were faster",
            status.fsync.p99.as_secs_f64(),
        ),
        (
            "disk_full".to_owned(),
            "Whether writes are refused for want of space",
            flag(status.disk_full),
        ),
    ];
    let known = running.app.look(|manager| {
        let lessor = &manager.lessor;
        (
            lessor.capacity(),
            lessor.leased(),
            lessor.standing(),
            manager.office.servers.len(),
        )
    });
    if let Some((capacity, leased, standing, servers)) = known {
        for kind in Kind::ALL {
            let name = format!("{kind:?}").to_lowercase();
            gauges.push((
                format!("pool_{name}_seats"),
                "Seats of the valid licences",
                f64::from(capacity.of(kind)),
            ));
            gauges.push((
                format!("leased_{name}_seats"),
                "Seats that servers hold",
                f64::from(leased.of(kind)),
            ));
        }
        gauges.push((
            "lease_servers".to_owned(),
            "Servers that may borrow",
            servers as f64,
        ));
        gauges.push((
            "lease_serving".to_owned(),
            "Whether the manager lends; 0 after a restore until it recovered",
            flag(standing == Standing::Serving),
        ));
    }
    gauges
}

/// Checks that `/readyz` asks.
pub(crate) fn watch_health(running: &Arc<Running>, health: &Health) {
    let replica = running.replica.clone();
    health.watch("leader", move || match replica.status().leader {
        Some(_) => CheckState::Ready,
        None => CheckState::Unready("no leader is known; more than half of the replicas must run".into()),
    });
    let replica = running.replica.clone();
    health.watch("disk", move || match replica.status().disk_full {
        true => {
            CheckState::Degraded("the disk is full: this replica does not lead until there is space".into())
        }
        false => CheckState::Ready,
    });
    let app = running.app.clone();
    health.watch("lending", move || match app.look(|manager| manager.lessor.standing()) {
        Some(Standing::Serving) => CheckState::Ready,
        Some(Standing::Behind) => CheckState::Unready(
            "this manager is older than what servers saw, or was restored; run plenary-license-manager recover".into(),
        ),
        Some(Standing::Recovering) => {
            CheckState::Degraded("it recovers: servers tell what they hold, and get no more".into())
        }
        None => CheckState::Unready("the state has not come yet".into()),
    });
}
