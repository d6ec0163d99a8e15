//! Foreign bytes for everything here that reads them; for fuzzers (`cluster-tests/fuzz`). Nothing here does anything but return.

use crate::{
    Bounds, First, FlowId, Flows, Hello, HostName, Links, Policy, TunnelId, first,
    frame::{self, Frame, Joiner},
    hello, links,
    route::{CHANCE_LEN, route_of, route_to},
    turn::{self, Framed, Heard, Relay},
};
use plenary_model::NodeId;
use std::{net::SocketAddr, time::Instant};

/// Foreign bytes for what reads datagrams of the outside and of tunnels.
///
/// # Panics
/// Where what is written of a frame is read as another one.
pub fn fuzz_media(bytes: &[u8]) {
    let client = ([192, 0, 2, 1], 9).into();
    let mut flows = Flows::new(Bounds::default());
    flows.begin(TunnelId(1), "anna");
    let passed = flows.inbound(0, client, bytes);
    let strangers = flows.up() + flows.tried();
    assert!(
        passed.is_ok() || strangers == 0,
        "who is dropped leaves nothing behind"
    );
    flows.outbound(0, TunnelId(1), FlowId(0), bytes);
    if let Some(read) = frame::read(bytes) {
        let mut written = Vec::new();
        frame::write(read, &mut written);
        assert_eq!(frame::read(&written), Some(read));
    }
}

/// Foreign bytes for what strangers reach first.
///
/// # Panics
/// Where what is read of a whole differs from what is read of it piece by piece.
pub fn fuzz(bytes: &[u8]) {
    const MOST: usize = 16 << 10;
    if let Ok(First::Needs(more)) = first::read(bytes) {
        assert!(more > bytes.len(), "it always asks for more than there is");
    }
    let whole = hello::read(bytes, MOST);
    let mut came = 1;
    let pieces = loop {
        let piece = bytes.get(..came).unwrap_or(bytes);
        match hello::read(piece, MOST) {
            Ok(Hello::Needs(bytes_needed)) if bytes_needed <= bytes.len() => {
                assert!(bytes_needed > came, "it always asks for more than there is");
                came = bytes_needed;
            }
            other => break other,
        }
    };
    match pieces {
        // The last record is not whole; what there is of it may be a fault already.
        Ok(Hello::Needs(_)) => assert!(!matches!(whole, Ok(Hello::Names(_) | Hello::Nameless))),
        told => assert_eq!(whole, told),
    }
}

/// Foreign bytes as datagrams of a tunnel, cut in pieces of one length, then as one datagram that does not fit.
///
/// # Panics
/// Where what is put together is longer than a datagram may be, or is another one than was cut.
pub fn fuzz_halves(bytes: &[u8]) {
    let Some((&length, rest)) = bytes.split_first() else {
        return;
    };
    let mut joiner = Joiner::default();
    for datagram in rest.chunks(usize::from(length).max(1)) {
        if let Some(Frame::Half {
            flow,
            number,
            second,
            bytes,
        }) = frame::read(datagram)
        {
            let joined = joiner.join(flow, number, second, bytes);
            assert!(joined.is_none_or(|whole| whole.len() <= frame::LONGEST));
        }
    }
    let whole = rest.get(..frame::LONGEST).unwrap_or(rest);
    let mut joined = None;
    for half in frame::halves(FlowId(u32::from(length)), 0, whole) {
        let mut written = Vec::new();
        frame::write(half, &mut written);
        if let Some(Frame::Half {
            flow,
            number,
            second,
            bytes,
        }) = frame::read(&written)
        {
            // What waited of this flow is of another datagram, or of none that is cut like this.
            if !second {
                joiner.forget(flow);
            }
            joined = joiner.join(flow, number, second, bytes);
        }
    }
    assert_eq!(joined.as_deref(), Some(whole));
}

/// Foreign bytes for what reads datagrams of partners: some of a known address, some of another one, then some that a node sends.
///
/// # Panics
/// Where more is kept of strangers than the bounds allow, or more comes out than three times what went in.
pub fn fuzz_links(bytes: &[u8]) {
    const NODE: NodeId = NodeId(7);
    const TUNNEL: TunnelId = TunnelId(1);
    let bounds = links::Bounds {
        flows: 8,
        flows_per_network: 4,
        tried: 6,
        ..links::Bounds::default()
    };
    let mut links = Links::new(bounds);
    links.begin(TUNNEL, NODE);
    let (mut came, mut went) = (0, 0);
    for (now, datagram) in bytes.chunks(1_200).enumerate() {
        let mut octets = [198, 51, 100, 0];
        if let (Some(last), Some(first)) = (octets.last_mut(), datagram.first()) {
            *last = first % 16;
        }
        let now = now as u64 * 100;
        if let Ok(passed) = links.inbound(now, (octets, 4_307).into(), datagram) {
            assert!(passed.introduces, "nobody has proved anything");
            came += datagram.len();
            let answers = (0..4).filter_map(|_| links.outbound(now, passed.tunnel, passed.flow, datagram));
            went += answers.count() * datagram.len();
        }
        links.sweep(now);
    }
    assert!(
        went <= 3 * came,
        "a forged address is sent {went} bytes for {came}"
    );
    assert!(links.up() == 0 && links.tried() <= bounds.tried, "bounds hold");
    links.down(TUNNEL);
    assert_eq!(links.tried(), 0, "what went through a tunnel is gone with it");
    if let Some(node) = route_of(bytes) {
        let chance = bytes.last_chunk::<CHANCE_LEN>().copied().unwrap_or_default();
        let again = route_to(node, chance);
        assert_eq!(again.as_ref().map(<[u8; _]>::as_slice), Some(bytes));
    }
}

/// Foreign bytes for what reads the stream of a client by TURN over TLS.
///
/// # Panics
/// Where anything is relayed for somebody who has no password.
pub fn fuzz_turn(bytes: &[u8]) {
    let at = |port| SocketAddr::from(([192, 0, 2, 1], port));
    let now = Instant::now();
    let users = [("ann".to_owned(), "a password".to_owned())];
    let mut relay = Relay::new("turn.example.com", (at(443), at(9)), vec![at(53_000)], users, now);
    let mut rest = bytes;
    while let Ok(Framed::Whole { message, taken }) = turn::framed(rest) {
        assert!(message <= taken && taken <= turn::LONGEST);
        let (first, after) = rest.split_at(taken);
        let heard = relay.hear(&first[..message], now);
        assert!(matches!(heard, Heard::Answer(_) | Heard::Nothing), "{heard:?}");
        relay.poll(now, |_| panic!("without the password"), |_| ());
        rest = after;
    }
}

/// Foreign bytes for what the inside says a controller lets in, and for names of hosts.
///
/// # Panics
/// Where what is written is read as something else.
pub fn fuzz_policy(bytes: &[u8]) {
    if let Ok(name) = HostName::read(bytes) {
        assert_eq!(HostName::read(name.as_str().as_bytes()), Ok(name));
    }
    if let Some(policy) = std::str::from_utf8(bytes).ok().and_then(Policy::read) {
        assert!(policy.deny.len() <= Policy::NETWORKS);
        assert_eq!(Policy::read(&policy.write()), Some(policy));
    }
}
