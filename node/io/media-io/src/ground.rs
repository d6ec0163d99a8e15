//! What all peers of an engine have in common: their certificate, and where clients reach them.

use crate::{egress, engine::Client, outside::Ways};
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Instant,
};
use str0m::{Candidate, Rtc, RtcConfig, RtcError, config::DtlsCert, crypto::CryptoProvider, net::TcpType};

/// What all peers of an engine have in common.
pub(crate) struct Ground {
    pub(crate) certificate: DtlsCert,
    pub(crate) candidates: Vec<SocketAddr>,
    pub(crate) tcp_candidates: Vec<SocketAddr>,
    /// Addresses that are not this machine's.
    pub(crate) ways: Arc<Ways>,
}

impl Ground {
    /// Tells a client's state machine of the addresses at which it reaches this node.
    pub(crate) fn offer_to(&self, rtc: &mut Rtc, outside: bool) -> Result<(), RtcError> {
        let (by_udp, by_tcp) = self.reached(outside);
        for address in by_udp {
            rtc.add_local_candidate(Candidate::host(address, "udp")?);
        }
        for address in by_tcp {
            let candidate = Candidate::builder().tcp().host(address);
            rtc.add_local_candidate(candidate.tcptype(TcpType::Passive).build()?);
        }
        Ok(())
    }

    /// Where a client reaches this node, by UDP and by TCP, the best first.
    fn reached(&self, outside: bool) -> (Vec<SocketAddr>, Vec<SocketAddr>) {
        let (mut ways, by_tcp) = (self.ways.addresses(), self.ways.by_tcp());
        if outside && !(ways.is_empty() && by_tcp.is_empty()) {
            return (ways, by_tcp);
        }
        // What comes first counts more (RFC 8445 §5.1.2.2): who reaches this node goes the shorter way.
        let mut by_udp = self.candidates.clone();
        by_udp.append(&mut ways);
        (by_udp, self.tcp_candidates.clone())
    }

    pub(crate) fn config(&self, client: Client, now: Instant) -> Rtc {
        static BROWSER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
        static PROGRAM: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
        let provider = match client {
            Client::Browser => &BROWSER,
            Client::Program => &PROGRAM,
        };
        let provider = provider.get_or_init(|| Arc::new(egress::provider(client)));
        RtcConfig::new()
            .set_crypto_provider(provider.clone())
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .set_dtls_cert(self.certificate.clone())
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_vp9(true)
            .enable_h264(true)
            .enable_av1(true)
            .build(now)
    }
}
