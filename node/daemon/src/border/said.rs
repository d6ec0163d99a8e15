//! What controllers say of themselves, as far as it can be what it is said to be: they stand where they may be taken over.

use plenary_access::Network;
use plenary_border_client::quic::WHOLE_MTU;
use plenary_contracts::border::v1::{Figures, RefusedCount, Source};
use plenary_model::Timestamp;
use plenary_rest_api::border::{MediaSeen, SourceSeen, TunnelSeen};

/// Networks of a controller that are kept at most.
const SOURCES: usize = 16;

/// Notes what a controller said last.
pub(super) fn note(seen: &mut TunnelSeen, said: Figures) {
    seen.tunnels = said.tunnels;
    seen.flows = said.flows;
    seen.flows_begun = said.flows_begun;
    seen.received_bytes = said.received_bytes;
    seen.sent_bytes = said.sent_bytes;
    seen.refused = counts(said.refused);
    let media = said.media.unwrap_or_default();
    seen.media = MediaSeen {
        flows: media.flows,
        received_bytes: media.received_bytes,
        sent_bytes: media.sent_bytes,
        dropped: counts(media.dropped),
    };
    seen.mtu = u16::try_from(said.mtu_bytes).ok().filter(|mtu| *mtu > 0);
    seen.mtu_wanted = WHOLE_MTU;
    seen.sources = said
        .sources
        .into_iter()
        .filter_map(source)
        .take(SOURCES)
        .collect();
    seen.certificate_expires = Some(Timestamp(said.certificate_expires_ms));
    seen.policy = (said.policy_ms > 0).then_some(Timestamp(said.policy_ms));
}

fn counts(all: Vec<RefusedCount>) -> Vec<(String, u64)> {
    all.into_iter().map(|one| (one.reason, one.count)).collect()
}

/// Administrators are offered to deny it: it must be a network.
fn source(said: Source) -> Option<SourceSeen> {
    said.network.parse::<Network>().ok()?;
    Some(SourceSeen {
        network: said.network,
        connections: said.connections,
        refused: said.refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_network_is_not_shown_and_an_old_controller_says_less() {
        let source = |network: &str| Source {
            network: network.into(),
            connections: 7,
            refused: 2,
        };
        let mut figures = Figures {
            tunnels: 3,
            mtu_bytes: 1_452,
            sources: vec![
                source("2001:db8::/64"),
                source("call +33 1 23"),
                source("192.0.2.7"),
            ],
            ..Figures::default()
        };
        let mut seen = TunnelSeen::default();
        note(&mut seen, figures.clone());
        let networks = seen.sources.iter().map(|one| &*one.network);
        assert!(networks.eq(["2001:db8::/64", "192.0.2.7"]), "{:?}", seen.sources);
        assert_eq!((seen.tunnels, seen.mtu), (3, Some(1_452)));

        figures.sources = vec![source("192.0.2.7"); 99];
        note(&mut seen, figures);
        assert_eq!(seen.sources.len(), SOURCES);
        note(&mut seen, Figures::default());
        assert_eq!((seen.mtu, seen.sources), (None, vec![]));
    }
}
