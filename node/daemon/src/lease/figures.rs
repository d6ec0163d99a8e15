//! The lease in metrics; nothing while the server has its licences itself.

use crate::server::Server;
use plenary_licences::Kind;
use plenary_telemetry::prometheus::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};
use std::sync::Arc;

pub(crate) struct LeaseCollector(pub(crate) Arc<Server>);

impl std::fmt::Debug for LeaseCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LeaseCollector")
    }
}

impl Collector for LeaseCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let lessee = &self.0.lessee;
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
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(&name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
