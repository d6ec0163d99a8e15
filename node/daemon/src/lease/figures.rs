//! The lease in metrics; nothing while the server has its licences itself.

use crate::server::Server;
use plenary_licences::Kind;
use plenary_telemetry::Metrics;
use std::sync::Arc;

/// Registers what this node knows of the lease; read when somebody asks.
pub(crate) fn register(metrics: &Metrics, server: &Arc<Server>) {
    let server = server.clone();
    metrics.figures(move |figures| {
        let lessee = &server.lessee;
        let Some(needs) = lessee.needs() else {
            return Ok(());
        };
        let held = needs.lease.held;
        let left_ms = held.epoch().and_then(|epoch| lessee.left_ms(epoch)).unwrap_or(0);
        let connected = lessee.standing().is_some_and(|line| line.connected.is_some());
        let mut gauges = vec![
            (
                "lease_time_left_seconds".to_owned(),
                "How long seats can be used on this node without the License Manager",
                left_ms as f64 / 1000.0,
            ),
            (
                "lease_manager_connected".to_owned(),
                "Whether this node has a line to the leading replica",
                if connected { 1.0 } else { 0.0 },
            ),
        ];
        for (kind, name) in Kind::ALL.into_iter().zip(["pro", "online", "guest", "gateway"]) {
            gauges.push((
                format!("lease_held_{name}_seats"),
                "Seats that the server has leased",
                f64::from(held.seats.of(kind)),
            ));
            gauges.push((
                format!("lease_used_{name}_seats"),
                "Of them, those in use",
                f64::from(needs.granted().of(kind)),
            ));
        }
        for (name, help, value) in gauges {
            figures.gauge(&name, help, value)?;
        }
        Ok(())
    });
}
