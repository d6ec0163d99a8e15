//! What strangers send, given to all that reads it; for fuzzers. Nothing here does anything but return.

use crate::{engine::Client, ground::Ground, offer, peer::Peer};
use plenary_stun::{kind_of, ufrag_of};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Instant,
};
use str0m::{
    Rtc,
    media::{Direction, MediaKind},
    net::Protocol,
};

/// Datagrams of one input.
const DATAGRAMS: usize = 32;
const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 53_000);

fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| Ground {
        certificate: str0m::crypto::from_feature_flags()
            .dtls_provider
            .generate_certificate()
            .expect("a certificate can be made"),
        candidates: vec![HERE],
        tcp_candidates: vec![HERE],
        ways: Arc::default(),
    })
}

/// An offer, as of an HTTP request or a message.
pub fn fuzz_offer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if offer::check(text).is_err() {
        return;
    }
    let kept = offer::without_candidates(text);
    if let Ok((mut peer, _)) = Peer::answer(ground(), (Client::Program, false), kept.clone(), Instant::now())
    {
        // The same once more, as clients do that add lines, and a restart. Both may be refused.
        drop(peer.negotiate(kept));
        drop(peer.restart("another", "password-of-22-letters-"));
        drain(&mut peer);
    }
}

/// Datagrams for peers that wait for their clients, a browser and a program, each behind its length (one byte of
/// multiples of eight).
///
/// # Panics
/// Never by what the datagrams are.
pub fn fuzz_datagrams(bytes: &[u8]) {
    for client in [Client::Browser, Client::Program] {
        receive(client, bytes);
    }
}

fn receive(waiting: Client, mut bytes: &[u8]) {
    let now = Instant::now();
    let mut client = Rtc::new(now);
    let mut change = client.sdp_api();
    change.add_media(MediaKind::Video, Direction::SendRecv, None, None, None);
    let (offer, _) = change.apply().expect("a line was added");
    let answered = Peer::answer(ground(), (waiting, false), offer.to_sdp_string(), now);
    let (mut peer, _) = answered.expect("the offer is good");
    for _ in 0..DATAGRAMS {
        let Some((length, rest)) = bytes.split_first() else {
            return;
        };
        let (datagram, rest) = rest.split_at(rest.len().min(usize::from(*length) * 8));
        bytes = rest;
        kind_of(datagram);
        ufrag_of(datagram);
        let from = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 40_000));
        peer.receive(now, Protocol::Udp, from, HERE, datagram);
        drain(&mut peer);
    }
}

fn drain(peer: &mut Peer) {
    peer.drain(|_, _| {}, drop);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn foreign_datagrams_do_no_harm(bytes in vec(any::<u8>(), 0..600)) {
            fuzz_datagrams(&bytes);
        }

        #[test]
        fn foreign_offers_do_no_harm(text in "(v=0|o=- 1 1 IN IP4 0|s=-|m=video 9 X 9{1,3}|a=[a-z]{1,8}:[ -~]{0,20}|\r\n){0,40}") {
            fuzz_offer(text.as_bytes());
        }
    }
}
