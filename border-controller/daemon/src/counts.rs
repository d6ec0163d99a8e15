//! What is counted since the program began, for metrics and for the nodes.

use crate::{media::Media, running::Running, turn::Turn};
use plenary_border::{Refused, Router};
use plenary_border_client::quic;
use plenary_contracts::border::v1::{Figures, MediaFigures, RefusedCount, Source};
use plenary_telemetry::{
    Figures as Answer, Metrics,
    prometheus::{
        encoding::EncodeLabelSet,
        metrics::{counter::Counter, family::Family},
    },
};
use quinn::Connection;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Counters of connections from outside.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    refused: Family<Reason, Counter>,
    /// Connections that a node took.
    pub(crate) begun: AtomicU64,
    /// Bytes from outside, and to it.
    pub(crate) received: AtomicU64,
    pub(crate) sent: AtomicU64,
}

impl Counts {
    pub(crate) fn refuse(&self, why: Refused) {
        let reason = Reason { reason: why.as_str() };
        self.refused.get_or_create(&reason).inc();
    }

    pub(crate) fn refused(&self, why: Refused) -> u64 {
        let reason = Reason { reason: why.as_str() };
        self.refused.get_or_create(&reason).get()
    }
}

/// Networks that nodes are told of at most.
const TOP: usize = 16;

/// What the nodes are told every few seconds; what is of one tunnel is not in it.
pub(crate) fn figures(running: &Running) -> Figures {
    let counts = &running.counts;
    let (tunnels, flows) = running.with_desk(|desk| (desk.tunnels(), desk.flows()));
    let refused = Refused::ALL.into_iter().map(|why| RefusedCount {
        reason: why.as_str().to_owned(),
        count: counts.refused(why),
    });
    let sources = running.gate.top(TOP).into_iter().map(|one| Source {
        network: one.to_string(),
        connections: one.connections,
        refused: one.refused,
    });
    Figures {
        tunnels: tunnels as u64,
        flows: flows as u64,
        flows_begun: counts.begun.load(Ordering::Relaxed),
        received_bytes: counts.received.load(Ordering::Relaxed),
        sent_bytes: counts.sent.load(Ordering::Relaxed),
        refused: refused.filter(|one| one.count > 0).collect(),
        certificate_expires_ms: since_epoch_ms(running.identity.expires()),
        media: Some(of_datagrams(&running.media)),
        partners: Some(of_datagrams(&running.partners)),
        policy_ms: running.policy_version(),
        mtu_bytes: 0,
        sources: sources.collect(),
    }
}

/// What a node at this tunnel is told.
pub(crate) fn figures_for(running: &Running, tunnel: &Connection) -> Figures {
    Figures {
        mtu_bytes: quic::mtu(tunnel).into(),
        ..figures(running)
    }
}

fn of_datagrams<R: Router>(media: &Media<R>) -> MediaFigures {
    let dropped = media.counts.dropped().filter(|(_, count)| *count > 0);
    MediaFigures {
        flows: media.flows().0 as u64,
        received_bytes: media.counts.received_bytes.load(Ordering::Relaxed),
        sent_bytes: media.counts.sent_bytes.load(Ordering::Relaxed),
        dropped: dropped
            .map(|(reason, count)| RefusedCount {
                reason: reason.to_owned(),
                count,
            })
            .collect(),
    }
}

fn since_epoch_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn register(metrics: &Metrics, running: &Arc<Running>) {
    let refused = running.counts.refused.clone();
    // Each is there from the beginning, so that a rise from nothing is seen.
    for why in Refused::ALL {
        drop(refused.get_or_create(&Reason { reason: why.as_str() }));
    }
    running.media.counts.dropped().for_each(drop);
    running.partners.counts.dropped().for_each(drop);
    let dropped = running.media.counts.family.clone();
    let dropped_of_partners = running.partners.counts.family.clone();
    metrics.register(|registry| {
        registry.register(
            "border_refused",
            "Connections from outside that were refused",
            refused,
        );
        registry.register(
            "border_media_dropped",
            "Datagrams from outside that went nowhere",
            dropped,
        );
        registry.register(
            "border_partners_dropped",
            "Datagrams of partners that went nowhere",
            dropped_of_partners,
        );
    });
    let running = running.clone();
    metrics.figures(move |figures| {
        let said = self::figures(&running);
        let nodes = running.with_desk(|desk| desk.nodes().len());
        figures.gauge("border_tunnels", "Tunnels that are up", said.tunnels as f64)?;
        figures.gauge("border_nodes", "Nodes with a tunnel", nodes as f64)?;
        figures.gauge(
            "border_flows",
            "Connections from outside at this moment",
            said.flows as f64,
        )?;
        if let Some(mtu) = running.mtu() {
            figures.gauge(
                "border_tunnel_mtu_bytes",
                "What the narrowest path of a tunnel carries in one packet",
                mtu.into(),
            )?;
        }
        figures.gauge(
            "border_certificate_expires_seconds",
            "When the certificate of this controller ends, since 1970",
            said.certificate_expires_ms as f64 / 1000.0,
        )?;
        figures.counter(
            "border_flows_begun",
            "Connections from outside that a node took",
            said.flows_begun,
        )?;
        figures.counter("border_received_bytes", "Bytes from outside", said.received_bytes)?;
        figures.counter("border_sent_bytes", "Bytes to outside", said.sent_bytes)?;
        let words = [
            "Clients whose media flows",
            "Clients that a node has not answered yet",
            "of clients",
        ];
        datagrams(figures, "media", &running.media, words)?;
        running.turn.iter().try_for_each(|turn| by_turn(figures, turn))?;
        let words = [
            "Servers of partners that media flows to and from",
            "Those that have not proved yet who they are",
            "of partners",
        ];
        datagrams(figures, "partners", &running.partners, words)?;
        Ok(())
    });
}

fn by_turn(figures: &mut Answer<'_>, turn: &Turn) -> std::fmt::Result {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let counts = &turn.counts;
    figures.gauge(
        "border_turn_clients",
        "Connections by TURN at this moment",
        count(&counts.clients) as f64,
    )?;
    figures.gauge(
        "border_turn_allocations",
        "Relayed addresses that clients have",
        count(&counts.allocations) as f64,
    )?;
    figures.counter(
        "border_turn_refused",
        "Connections by TURN that got no relayed address",
        count(&counts.refused),
    )?;
    figures.counter(
        "border_turn_elsewhere",
        "Datagrams by TURN for others than this controller, which went nowhere",
        count(&counts.elsewhere),
    )?;
    let until = turn.until().map_or(0, since_epoch_ms);
    figures.gauge(
        "border_turn_certificate_expires_seconds",
        "When the certificate of TURN ends, since 1970",
        until as f64 / 1000.0,
    )
}

/// Figures of datagrams of one kind; `words`: who is up, who is tried, whose they are.
fn datagrams<R: Router>(
    figures: &mut Answer<'_>,
    kind: &str,
    media: &Media<R>,
    [up_words, tried_words, whose]: [&str; 3],
) -> std::fmt::Result {
    let name = |what: &str| format!("border_{kind}_{what}");
    let (up, tried) = media.flows();
    let tunnels = media.tunnels() as f64;
    figures.gauge(
        &name("tunnels"),
        &format!("Tunnels for datagrams {whose}"),
        tunnels,
    )?;
    figures.gauge(&name("flows"), up_words, up as f64)?;
    figures.gauge(&name("flows_tried"), tried_words, tried as f64)?;
    let counts = &media.counts;
    for (what, help, counter) in [
        (
            "received",
            "Datagrams from outside that nodes were given",
            &counts.received,
        ),
        ("sent", "Datagrams of nodes that were sent out", &counts.sent),
        (
            "unsent",
            "Datagrams of nodes that the system had no room for",
            &counts.unsent,
        ),
        (
            "received_bytes",
            "Bytes of datagrams that nodes were given",
            &counts.received_bytes,
        ),
        (
            "sent_bytes",
            "Bytes of datagrams that were sent out",
            &counts.sent_bytes,
        ),
    ] {
        let help = format!("{help}, {whose}");
        figures.counter(&name(what), &help, counter.load(Ordering::Relaxed))?;
    }
    Ok(())
}
