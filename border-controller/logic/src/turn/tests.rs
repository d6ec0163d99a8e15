//! A client of the protocol (`turn-client-proto`) and strangers.

use super::*;
use proptest::prelude::*;
use std::{collections::BTreeSet, time::Duration};
use turn_client_proto::{
    api::{TurnClientApi as _, TurnConfig, TurnRecvRet},
    tcp::TurnClientTcp,
    types::TurnCredentials,
};

const REALM: &str = "turn.example.com";
const PASSWORD: &str = "an only child";

fn at(last: u8, port: u16) -> SocketAddr {
    ([198, 51, 100, last], port).into()
}

fn media() -> SocketAddr {
    at(2, 53_000)
}

fn users() -> [(String, String); 1] {
    [("1700000000".to_owned(), PASSWORD.to_owned())]
}

/// A client and its relay, with what is between them.
struct Both {
    client: TurnClientTcp,
    relay: Relay,
    up: Vec<u8>,
    given: BTreeSet<SocketAddr>,
    /// What came out for media, and for others.
    came: Vec<(SocketAddr, Vec<u8>)>,
    elsewhere: usize,
    heard: Vec<Vec<u8>>,
    now: Instant,
}

impl Both {
    fn new(password: &str) -> Self {
        let credentials = TurnCredentials::new("1700000000", password);
        let now = Instant::now();
        Self {
            client: TurnClientTcp::allocate(at(9, 9), at(2, 443), TurnConfig::new(credentials)),
            relay: Relay::new(REALM, (at(2, 443), at(9, 9)), vec![media()], users(), now),
            up: Vec::new(),
            given: BTreeSet::new(),
            came: Vec::new(),
            elsewhere: 0,
            heard: Vec::new(),
            now,
        }
    }

    /// Long enough that neither has anything more to say.
    fn talk(&mut self) {
        for _ in 0..8 {
            let now = self.relay.moment(self.now);
            self.client.poll(now);
            while let Some(sent) = self.client.poll_transmit(now) {
                self.up.extend_from_slice(sent.data.as_ref());
            }
            let mut down = Vec::new();
            while let Framed::Whole { message, taken } = framed(&self.up).expect("TURN") {
                let first: Vec<u8> = self.up.drain(..taken).take(message).collect();
                match self.relay.hear(&first, self.now) {
                    Heard::Answer(answer) => down.extend(answer),
                    Heard::Media { relayed, bytes } => self.came.push((relayed, bytes)),
                    Heard::Elsewhere => self.elsewhere += 1,
                    Heard::Nothing => {}
                }
                down.extend(self.poll());
            }
            down.extend(self.poll());
            self.bring(&down);
            // It has a pace of its own.
            self.now += Duration::from_millis(60);
        }
    }

    fn poll(&mut self) -> Vec<u8> {
        let mut given = std::mem::take(&mut self.given);
        let mut taken = Vec::new();
        let leaving = self.relay.poll(
            self.now,
            |ip| {
                let address = SocketAddr::new(ip, 1_024);
                given.insert(address).then_some(address)
            },
            |address| taken.push(address),
        );
        given.retain(|address| !taken.contains(address));
        self.given = given;
        leaving.concat()
    }

    fn bring(&mut self, down: &[u8]) {
        assert_eq!(down.len() % 4, 0, "all of a stream is filled up");
        let now = self.relay.moment(self.now);
        // In pieces, as streams come.
        for piece in down.chunks(7) {
            let come = Transmit::new(piece.to_vec(), TransportType::Tcp, at(2, 443), at(9, 9));
            if let TurnRecvRet::PeerData(data) = self.client.recv(come, now) {
                self.heard.push(data.data().to_vec());
            }
            while let Some(data) = self.client.poll_recv(now) {
                self.heard.push(data.data().to_vec());
            }
        }
    }

    fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        let sent = self.client.send_to(
            TransportType::Udp,
            to,
            bytes.to_vec(),
            self.relay.moment(self.now),
        );
        if let Some(sent) = sent.expect("allowed") {
            self.up.extend(sent.build().data);
        }
        self.talk();
    }
}

#[test]
fn media_of_an_allocation_go_to_the_controller_and_back_and_nothing_goes_elsewhere() {
    let mut both = Both::new(PASSWORD);
    both.talk();
    let relayed = *both.given.first().expect("allocated");
    let told: Vec<_> = both.client.relayed_addresses().collect();
    assert_eq!(told, [(TransportType::Udp, relayed)]);
    let now = both.relay.moment(both.now);
    for peer in [media().ip(), at(7, 1).ip()] {
        let asked = both.client.create_permission(TransportType::Udp, peer, now);
        asked.expect("asked");
        both.talk();
        let may = both.client.have_permission(TransportType::Udp, peer);
        assert_eq!(may, peer == media().ip(), "nobody else may be reached");
    }
    for bytes in [&b"four"[..], b"seven.."] {
        both.send(media(), bytes);
        assert_eq!(both.came.pop(), Some((relayed, bytes.to_vec())), "in a message");
    }
    both.client
        .bind_channel(TransportType::Udp, media(), now)
        .expect("asked");
    both.talk();
    // This client does not fill up what it sends by channels.
    both.send(media(), b"channels");
    assert_eq!(both.came.pop(), Some((relayed, b"channels".to_vec())));
    let down = both.relay.tell(relayed, b"and back", both.now).expect("known");
    both.bring(&down);
    assert_eq!(both.heard, [b"and back".to_vec()]);

    both.send(at(2, 22), b"what is inside?");
    assert_eq!(
        (both.elsewhere, both.came.len()),
        (1, 0),
        "nothing else here is reached"
    );
    assert_eq!(both.relay.tell(at(2, 1_025), b"another's", both.now), None);

    // Without a word it is over after the half hour that was asked for, and the address is free again.
    both.now += Duration::from_secs(1_801);
    both.poll();
    assert!(both.given.is_empty());
    assert_eq!(both.relay.tell(relayed, b"late", both.now), None);
}

#[test]
fn who_has_not_the_password_gets_nothing() {
    let mut both = Both::new("guessed");
    both.talk();
    assert!(both.given.is_empty());
    assert_eq!(both.client.relayed_addresses().count(), 0);
}

#[test]
fn messages_of_a_stream_are_told_from_each_other_and_from_what_is_none() {
    assert_eq!(framed(&[]), Ok(Framed::Needs(4)));
    assert_eq!(framed(&[0, 3, 0, 8]), Ok(Framed::Needs(28)));
    let data = [0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 9];
    let whole = Framed::Whole {
        message: 9,
        taken: 12,
    };
    assert_eq!(framed(&data), Ok(whole));
    for none in [b"GET /", b"\x16\x03\x01\x02\x01", b"\x80\x00\x00\x00\x00"] {
        assert_eq!(framed(none), Err(NoTurn));
    }
    assert_eq!(framed(&[0, 3, 0xff, 0xfc]), Err(NoTurn), "too long");
}

proptest! {
    #[test]
    fn a_stream_is_the_same_in_whatever_pieces_it_comes(sizes in prop::collection::vec(0_usize..40, 1..9), piece in 1_usize..50) {
        let messages: Vec<Vec<u8>> = sizes
            .iter()
            .map(|size| {
                let length = u16::try_from(*size).expect("short").to_be_bytes();
                [&[0x40, 0][..], &length, &vec![7; *size]].concat()
            })
            .collect();
        let stream: Vec<u8> = messages.iter().cloned().flat_map(filled).collect();
        let (mut came, mut found) = (Vec::new(), Vec::new());
        for piece in stream.chunks(piece) {
            came.extend_from_slice(piece);
            while let Framed::Whole { message, taken } = framed(&came).expect("TURN") {
                found.push(came.drain(..taken).take(message).collect::<Vec<u8>>());
            }
        }
        prop_assert_eq!(found, messages);
    }

    #[test]
    fn foreign_bytes_relay_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0_u8..4) {
        crate::fuzz_turn(&bytes);
        let mut message = vec![0, kind, 0, u8::try_from(bytes.len() / 4 * 4 % 252).expect("short"), 0x21, 0x12, 0xa4, 0x42];
        message.extend([7; 12]);
        message.extend(bytes);
        crate::fuzz_turn(&message);
    }
}
