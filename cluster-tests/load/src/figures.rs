//! Figures as ratios against the peer.

use crate::client::{Load, Measured};
use serde::Serialize;
use std::fmt;

/// All rounds of one load.
pub(crate) struct Case {
    pub(crate) load: Load,
    pub(crate) ours: Vec<Measured>,
    pub(crate) peer: Option<Vec<Measured>>,
}

/// One line of the table.
pub(crate) struct Figure {
    load: Load,
    figure: &'static str,
    unit: &'static str,
    ours: Spread,
    peer: Option<Spread>,
    /// Of the medians; above 1 ours is better. None where neither is better or there is no peer.
    ratio: Option<f64>,
    rounds: usize,
}

/// One line of JSON; every benchmark prints the same fields.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// The median over the rounds, as are the peer's.
    pub(crate) ours: f64,
    pub(crate) peer: Option<f64>,
    pub(crate) peer_name: Option<&'static str>,
    pub(crate) ratio: Option<f64>,
    pub(crate) rounds: usize,
    pub(crate) conditions: String,
    /// Least and most.
    pub(crate) ours_between: [f64; 2],
    pub(crate) peer_between: Option<[f64; 2]>,
}

/// Over the rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    least: f64,
    most: f64,
}

#[derive(Clone, Copy)]
enum Better {
    More,
    Less,
    Neither,
}

pub(crate) const HEAD: &str = "\
| clients | figure                |        ours (least – most)   |        etcd (least – most)   | ratio |
| ------: | --------------------- | ---------------------------: | ---------------------------: | ----: |";

impl Case {
    pub(crate) fn figures(&self) -> Vec<Figure> {
        use Better::{Less, More, Neither};
        vec![
            self.figure("proposals", "1/s", More, |m| m.per_second),
            self.figure("latency p50", "ms", Less, |m| m.p50_ms),
            self.figure("latency p99", "ms", Less, |m| m.p99_ms),
            self.figure("CPU a proposal", "µs", Less, |m| m.cpu_us),
            self.figure("proposals an entry", "", Neither, |m| m.batch),
            self.figure("elections", "", Neither, |m| m.elections),
            self.figure("others on the CPU", "%", Neither, |m| m.others),
        ]
    }

    fn figure(
        &self,
        figure: &'static str,
        unit: &'static str,
        better: Better,
        pick: fn(&Measured) -> f64,
    ) -> Figure {
        let ours = Spread::of(self.ours.iter().map(pick));
        let peer = self.peer.as_ref().map(|peer| Spread::of(peer.iter().map(pick)));
        Figure {
            load: self.load,
            figure,
            unit,
            ours,
            peer,
            ratio: peer.and_then(|peer| ratio(ours.median, peer.median, better)),
            rounds: self.ours.len(),
        }
    }
}

impl Figure {
    pub(crate) fn line(&self) -> Line {
        let Load {
            clients,
            bytes,
            length,
        } = self.load;
        Line {
            name: format!("replication: {}, {clients} clients", self.figure),
            unit: self.unit,
            ours: self.ours.median,
            peer: self.peer.map(|peer| peer.median),
            peer_name: self.peer.map(|_| "etcd"),
            ratio: self.ratio,
            rounds: self.rounds,
            conditions: format!(
                "three nodes on loopback and one disk, {clients} clients, values of {bytes} bytes, {} s a round",
                length.as_secs()
            ),
            ours_between: self.ours.between(),
            peer_between: self.peer.map(Spread::between),
        }
    }
}

fn ratio(ours: f64, peer: f64, better: Better) -> Option<f64> {
    let ratio = match better {
        Better::More => ours / peer,
        Better::Less => peer / ours,
        Better::Neither => return None,
    };
    ratio.is_finite().then_some(ratio)
}

impl Spread {
    pub(crate) fn between(self) -> [f64; 2] {
        [self.least, self.most]
    }

    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or_default();
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            at(middle)
        } else {
            (at(middle.saturating_sub(1)) + at(middle)) / 2.0
        };
        Self {
            median,
            least: at(0),
            most: at(values.len().saturating_sub(1)),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.median < 100.0 { 2 } else { 0 };
        let text = format!(
            "{:.digits$} ({:.digits$} – {:.digits$})",
            self.median, self.least, self.most
        );
        f.pad(&text)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.unit {
            "" => self.figure.to_owned(),
            unit => format!("{}, {unit}", self.figure),
        };
        let peer = self.peer.map_or_else(String::new, |peer| peer.to_string());
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        write!(
            f,
            "| {:>7} | {name:<21} | {:>28} | {peer:>28} | {ratio:>5} |",
            self.load.clients, self.ours
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_tells_the_middle_and_both_ends() {
        let odd = Spread::of([3.0, 1.0, 2.0].into_iter());
        assert_eq!((odd.least, odd.median, odd.most), (1.0, 2.0, 3.0));
        assert_eq!(Spread::of([4.0, 1.0].into_iter()).median, 2.5);
        assert_eq!(Spread::of([].into_iter()).median, 0.0);
    }

    #[test]
    fn above_one_means_that_ours_is_better() {
        assert_eq!(ratio(200.0, 100.0, Better::More), Some(2.0));
        assert_eq!(ratio(2.0, 4.0, Better::Less), Some(2.0));
        assert_eq!(ratio(0.0, 4.0, Better::Less), None);
        assert_eq!(ratio(1.0, 1.0, Better::Neither), None);
    }
}
