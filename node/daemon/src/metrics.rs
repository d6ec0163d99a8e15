//! Metrics of the node.

use plenary_media_io::{Engine, Reading};
use plenary_replication::{Replica, Role};
use plenary_store::ServerApp;
use plenary_telemetry::Metrics;

/// Registers what the replica says of itself; read when somebody asks.
pub(crate) fn register(metrics: &Metrics, replica: Replica<ServerApp>) {
    metrics.figures(move |figures| {
        let status = replica.status();
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
            figures.gauge(name, help, value)?;
        }
        Ok(())
    });
}

/// Registers what the media engine counts.
pub(crate) fn register_media(metrics: &Metrics, engine: Engine) {
    metrics.figures(move |figures| {
        let reading = engine.figures();
        let gauges = [
            ("media_sessions", "Media sessions that are open", reading.sessions),
            (
                "media_sessions_connected",
                "Of them, those whose media flows",
                reading.connected,
            ),
            (
                "media_rooms",
                "Rooms with a media session on this node",
                reading.rooms,
            ),
        ];
        for (name, help, value) in gauges {
            figures.gauge(name, help, value as f64)?;
        }
        for (name, help, value) in media_counters(&reading) {
            figures.counter(name, help, value)?;
        }
        Ok(())
    });
}

/// What there is of meetings on this node.
pub(crate) fn register_meetings(metrics: &Metrics, meetings: plenary_meeting_io::Hub) {
    metrics.figures(move |figures| {
        let gauges = [
            (
                "meeting_participants",
                "People in meetings on this node",
                meetings.seats(),
            ),
            ("meetings", "Meetings with people on this node", meetings.rooms()),
        ];
        for (name, help, value) in gauges {
            figures.gauge(name, help, value as f64)?;
        }
        Ok(())
    });
}

fn media_counters(figures: &Reading) -> [(&'static str, &'static str, u64); 15] {
    [
        (
            "media_datagrams_received",
            "Datagrams that came to the media port",
            figures.received,
        ),
        (
            "media_datagrams_foreign",
            "Of them, those that belong to no session",
            figures.foreign,
        ),
        ("media_datagrams_sent", "Datagrams that left", figures.sent),
        (
            "media_datagrams_handed_over",
            "Datagrams that came to one media thread and are another one's",
            figures.handed_over,
        ),
        (
            "media_datagrams_handed_over_dropped",
            "Those that the other thread had no room for",
            figures.hand_over_dropped,
        ),
        (
            "media_datagrams_send_dropped",
            "Datagrams that the system had no room for",
            figures.send_dropped,
        ),
        (
            "media_send_calls",
            "Calls of the system that sent datagrams",
            figures.send_calls,
        ),
        (
            "media_packets_from_nodes",
            "Packets that came from other nodes of the server",
            figures.packets_far,
        ),
        (
            "media_packets_from_nodes_dropped",
            "Packets of other nodes that a media thread had no room for",
            figures.packets_far_dropped,
        ),
        (
            "media_packets_to_nodes",
            "Packets that were given to other nodes of the server",
            figures.packets_to_nodes,
        ),
        (
            "media_packets_received",
            "Packets of publishers that were taken",
            figures.packets_in,
        ),
        (
            "media_packets_forwarded",
            "Packets that were given to watchers",
            figures.packets_out,
        ),
        (
            "media_packets_repaired",
            "Packets that were sent again to watchers who missed them",
            figures.repairs,
        ),
        (
            "media_key_frames_requested",
            "Key frames that publishers were asked for",
            figures.key_frames_asked,
        ),
        (
            "media_sessions_failed",
            "Sessions that ended by a fault of their own",
            figures.failed,
        ),
    ]
}
