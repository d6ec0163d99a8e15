//! What operators see of clients from outside at this node. No address and no path is in it: each label is one of a few words.

use crate::server::Server;
use plenary_border::Service;
use plenary_outside::Refused;
use plenary_telemetry::Metrics;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counted since this node began.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    web: AtomicU64,
    federation: AtomicU64,
    open: AtomicU64,
    refused: [AtomicU64; Refused::ALL.len()],
}

impl Counted {
    /// A client came through a tunnel.
    pub(crate) fn came(&self, service: Service) {
        let count = match service {
            Service::Web => &self.web,
            Service::Federation => &self.federation,
            // They do not come through here, and media count their own.
            Service::Media => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// One of the web is served until what this gives is dropped.
    pub(crate) fn open(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }

    pub(crate) fn refuse(&self, why: Refused) {
        if let Some(count) = self.refused.get(why as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often something was refused, by reason.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = Refused::ALL.iter().zip(&self.refused);
        counts.map(|(why, count)| (why.as_str(), count.load(Ordering::Relaxed)))
    }

    fn begun(&self) -> [(&'static str, u64); 2] {
        [(Service::Web, &self.web), (Service::Federation, &self.federation)]
            .map(|(service, count)| (service.as_str(), count.load(Ordering::Relaxed)))
    }
}

/// A client of the web that is served.
#[derive(Debug)]
pub(crate) struct Open(Arc<Counted>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn register(metrics: &Metrics, server: &Arc<Server>) {
    let server = server.clone();
    metrics.figures(move |figures| {
        let counted = &server.border.counted;
        figures.gauge(
            "outside_tunnels",
            "Border Controllers to which this node has a tunnel",
            server.border.up() as f64,
        )?;
        figures.gauge(
            "outside_clients",
            "Clients of the web from outside at this moment",
            counted.open.load(Ordering::Relaxed) as f64,
        )?;
        figures.counters(
            "outside_clients_begun",
            "Clients from outside that came through a tunnel",
            "service",
            counted.begun(),
        )?;
        figures.counters(
            "outside_refused",
            "Connections and requests from outside that this node refused, by the reason",
            "reason",
            counted.refused(),
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_by_itself() {
        let counted = Arc::new(Counted::default());
        for (times, why) in Refused::ALL.into_iter().enumerate() {
            for _ in 0..times {
                counted.refuse(why);
            }
        }
        let expected = Refused::ALL.iter().map(|why| why.as_str()).zip(0..);
        assert!(counted.refused().eq(expected));
        let open = counted.open();
        assert_eq!(counted.open.load(Ordering::Relaxed), 1);
        drop(open);
        assert_eq!(counted.open.load(Ordering::Relaxed), 0);
    }
}
