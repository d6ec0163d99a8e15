//! What a run gave, as a table or as lines of JSON.

use super::{Case, Load, client::Counted};
use crate::figures::{Line, Spread};
use std::{fmt, time::Duration};

/// One measurement.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    /// Of the packets that should have come, those that did.
    share: f64,
    packets: f64,
    mbits: f64,
    /// Processor time of each process, in microseconds for each packet that came to somebody.
    cpu_us: Vec<f64>,
    busy: f64,
    clients_busy: f64,
    p50_us: f64,
    p99_us: f64,
    memory_kib: f64,
}

impl Measured {
    pub(super) fn new(
        load: Load,
        counted: &Counted,
        took: Duration,
        used: &[Duration],
        clients: Duration,
        memory_kib: u64,
    ) -> Self {
        let came = counted.came as f64;
        let seconds = took.as_secs_f64();
        let all: Duration = used.iter().sum();
        Self {
            share: came / (counted.sent as f64 * load.watchers as f64),
            packets: came / seconds,
            mbits: counted.bytes as f64 * 8.0 / 1e6 / seconds,
            cpu_us: used.iter().map(|used| used.as_secs_f64() * 1e6 / came).collect(),
            busy: all.as_secs_f64() / seconds,
            clients_busy: clients.as_secs_f64() / seconds,
            p50_us: counted.latency.value_at_quantile(0.5) as f64,
            p99_us: counted.latency.value_at_quantile(0.99) as f64,
            memory_kib: memory_kib as f64 / load.sessions() as f64,
        }
    }

    fn cpu(&self) -> f64 {
        self.cpu_us.iter().sum()
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} % of all came, {:.0} packets/s, {:.0} Mbit/s, {:.2} µs a packet ({:.2?}), busy {:.0} %, clients {:.0} %, \
             latency {:.0}/{:.0} µs, {:.0} KiB each",
            self.share * 100.0,
            self.packets,
            self.mbits,
            self.cpu(),
            self.cpu_us,
            self.busy * 100.0,
            self.clients_busy * 100.0,
            self.p50_us,
            self.p99_us,
            self.memory_kib,
        )
    }
}

#[derive(Clone, Copy)]
enum Better {
    More,
    Less,
    Neither,
}

struct Figure {
    name: &'static str,
    unit: &'static str,
    better: Better,
    of: fn(&Measured) -> f64,
}

const FIGURES: [Figure; 8] = [
    Figure {
        name: "processor time a packet",
        unit: "µs",
        better: Better::Less,
        of: Measured::cpu,
    },
    Figure {
        name: "packets a processor second",
        unit: "1/s",
        better: Better::More,
        of: |measured| 1e6 / measured.cpu(),
    },
    Figure {
        name: "of one processor",
        unit: "Mbit/s",
        better: Better::More,
        of: |measured| measured.mbits / measured.busy,
    },
    Figure {
        name: "latency p50",
        unit: "µs",
        better: Better::Less,
        of: |measured| measured.p50_us,
    },
    Figure {
        name: "latency p99",
        unit: "µs",
        better: Better::Less,
        of: |measured| measured.p99_us,
    },
    Figure {
        name: "memory a session",
        unit: "KiB",
        better: Better::Less,
        of: |measured| measured.memory_kib,
    },
    Figure {
        name: "came of what was sent",
        unit: "%",
        better: Better::Neither,
        of: |measured| measured.share * 100.0,
    },
    Figure {
        name: "processor busy",
        unit: "%",
        better: Better::Neither,
        of: |measured| measured.busy * 100.0,
    },
];

pub(super) type Round = (Load, Vec<Measured>, Vec<Measured>);

pub(super) fn print(all: &[Round], limits: &[Duration], seconds: u64, json: bool) -> anyhow::Result<()> {
    let mut lines: Vec<Line> = all.iter().flat_map(|round| lines_of(round, seconds)).collect();
    let limit = Spread::of(limits.iter().map(|limit| limit.as_secs_f64() * 1e6));
    lines.extend(all.iter().map(|round| share_of_limit(round, limit, seconds)));
    if !json {
        println!(
            "| figure                                          |        ours (least – most)   |       Janus (least – most)   | ratio |"
        );
        println!(
            "| ----------------------------------------------- | ---------------------------: | ---------------------------: | ----: |"
        );
    }
    for line in lines {
        if json {
            println!("{}", serde_json::to_string(&line)?);
        } else {
            let name = format!("{}, {}", line.name, line.unit);
            let peer = line.peer.zip(line.peer_between);
            let peer = peer.map_or_else(String::new, |(median, between)| spread(median, between));
            let ratio = line.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            println!(
                "| {name:<47} | {:>28} | {peer:>28} | {ratio:>5} |",
                spread(line.ours, line.ours_between)
            );
        }
    }
    Ok(())
}

fn spread(median: f64, [least, most]: [f64; 2]) -> String {
    let digits = if median < 100.0 { 2 } else { 0 };
    format!("{median:.digits$} ({least:.digits$} – {most:.digits$})")
}

fn lines_of((load, ours, peers): &Round, seconds: u64) -> Vec<Line> {
    FIGURES
        .iter()
        .map(|figure| {
            let mine = Spread::of(ours.iter().map(figure.of));
            let peer = (!peers.is_empty()).then(|| Spread::of(peers.iter().map(figure.of)));
            let ratio = peer.and_then(|peer| match figure.better {
                Better::More => Some(mine.median / peer.median),
                Better::Less => Some(peer.median / mine.median),
                Better::Neither => None,
            });
            Line {
                name: format!("{}: {}", name(load.case), figure.name),
                unit: figure.unit,
                ours: mine.median,
                peer: peer.map(|peer| peer.median),
                peer_name: peer.map(|_| "Janus"),
                ratio: ratio.filter(|ratio| ratio.is_finite()),
                rounds: ours.len(),
                conditions: conditions(*load, seconds),
                ours_between: mine.between(),
                peer_between: peer.map(Spread::between),
            }
        })
        .collect()
}

/// What the machine needs at least for a packet, of what ours needs.
fn share_of_limit((load, ours, _): &Round, limit: Spread, seconds: u64) -> Line {
    let mine = Spread::of(ours.iter().map(Measured::cpu));
    Line {
        name: format!("{}: processor time beside the limit", name(load.case)),
        unit: "µs",
        ours: mine.median,
        peer: Some(limit.median),
        peer_name: Some("copy, AES-GCM and UDP GSO alone"),
        ratio: Some(limit.median / mine.median),
        rounds: ours.len(),
        conditions: conditions(*load, seconds),
        ours_between: mine.between(),
        peer_between: Some(limit.between()),
    }
}

fn name(case: Case) -> &'static str {
    match case {
        Case::Lecture => "lecture",
        Case::Meeting => "meeting",
        Case::TwoNodes => "two nodes",
    }
}

fn conditions(load: Load, seconds: u64) -> String {
    format!(
        "{} publish 30 frames a second of {} packets of about 1,200 bytes, {} watch them all, {seconds} s; \
         the server has one processor, the clients another",
        load.publishers, load.packets, load.watchers
    )
}
