//! How datagrams of clients travel in datagrams of a tunnel (docs/protocols/border-tunnel.md).
//!
//! ```text
//!  0  kind, flow (4 bytes)                                                the whole datagram
//!  1  kind, flow, port (2), length of the address (1), address (4 or 16)   the whole datagram, with where its client is
//!  2  kind, flow, number (2)                                              the first half of one that does not fit
//!  3  kind, flow, number (2)                                              the second half
//! ```

use crate::FlowId;
use bytes::BufMut;
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

const WHOLE: u8 = 0;
const INTRODUCED: u8 = 1;
const FIRST: u8 = 2;
const SECOND: u8 = 3;
/// What stands before the bytes of a client, at most.
pub const HEAD: usize = 1 + 4 + 2 + 1 + 16;
/// What stands before the bytes of a client once the node has answered it.
pub const USUAL_HEAD: usize = 1 + 4;
/// The longest datagram that browsers send for sound and pictures: 1,200 bytes of RTP, and 16 with which SRTP proves them.
pub const FULL_SIZE: usize = 1_216;
/// The longest datagram of a client: nothing of WebRTC is larger, and both halves of it fit into any tunnel.
pub const LONGEST: usize = 2_048;

/// A datagram of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    Whole {
        flow: FlowId,
        bytes: &'a [u8],
    },
    /// With where the client is. Said until the node has answered it; only to nodes.
    Introduced {
        flow: FlowId,
        client: SocketAddr,
        bytes: &'a [u8],
    },
    /// One of two halves.
    Half {
        flow: FlowId,
        number: u16,
        second: bool,
        bytes: &'a [u8],
    },
}

/// Reads a datagram of a tunnel; `None` for what is none of this version.
pub fn read(datagram: &[u8]) -> Option<Frame<'_>> {
    let (&kind, rest) = datagram.split_first()?;
    let (flow, rest) = rest.split_first_chunk::<4>()?;
    let flow = FlowId(u32::from_be_bytes(*flow));
    match kind {
        WHOLE => Some(Frame::Whole { flow, bytes: rest }),
        INTRODUCED => {
            let (port, rest) = rest.split_first_chunk::<2>()?;
            let (&length, rest) = rest.split_first()?;
            let (address, bytes) = rest.split_at_checked(length.into())?;
            let v4 = <[u8; 4]>::try_from(address).map(IpAddr::from);
            let address = v4
                .or_else(|_| <[u8; 16]>::try_from(address).map(IpAddr::from))
                .ok()?;
            let client = SocketAddr::new(address.to_canonical(), u16::from_be_bytes(*port));
            Some(Frame::Introduced { flow, client, bytes })
        }
        FIRST | SECOND => {
            let (number, bytes) = rest.split_first_chunk::<2>()?;
            Some(Frame::Half {
                flow,
                number: u16::from_be_bytes(*number),
                second: kind == SECOND,
                bytes,
            })
        }
        _ => None,
    }
}

/// Writes one datagram behind what is in `out`.
pub fn write(frame: Frame<'_>, out: &mut impl BufMut) {
    let bytes = match frame {
        Frame::Whole { flow, bytes } => {
            head(out, WHOLE, flow);
            bytes
        }
        Frame::Introduced { flow, client, bytes } => {
            head(out, INTRODUCED, flow);
            out.put_u16(client.port());
            match client.ip().to_canonical() {
                IpAddr::V4(v4) => {
                    out.put_u8(4);
                    out.put_slice(&v4.octets());
                }
                IpAddr::V6(v6) => {
                    out.put_u8(16);
                    out.put_slice(&v6.octets());
                }
            }
            bytes
        }
        Frame::Half {
            flow,
            number,
            second,
            bytes,
        } => {
            head(out, if second { SECOND } else { FIRST }, flow);
            out.put_u16(number);
            bytes
        }
    };
    out.put_slice(bytes);
}

fn head(out: &mut impl BufMut, kind: u8, flow: FlowId) {
    out.put_u8(kind);
    out.put_u32(flow.0);
}

/// Both halves of a datagram that does not fit.
pub fn halves(flow: FlowId, number: u16, bytes: &[u8]) -> [Frame<'_>; 2] {
    let (first, second) = bytes.split_at(bytes.len().div_ceil(2));
    [(first, false), (second, true)].map(|(bytes, second)| Frame::Half {
        flow,
        number,
        second,
        bytes,
    })
}

/// Puts halves together again: the last one of each flow waits for its other one, as long as no other comes.
#[derive(Debug, Default)]
pub struct Joiner {
    waiting: HashMap<FlowId, (u16, bool, Vec<u8>)>,
}

impl Joiner {
    /// Flows of which a half is kept; where there are more, all halves that wait are lost.
    const WAITING: usize = 1_024;

    /// The whole datagram, if this was the other half of one.
    pub fn join(&mut self, flow: FlowId, number: u16, second: bool, bytes: &[u8]) -> Option<Vec<u8>> {
        if bytes.len() > LONGEST {
            return None;
        }
        if let Some((before, was_second, _)) = self.waiting.get(&flow)
            && *before == number
            && *was_second != second
            && let Some((_, _, other)) = self.waiting.remove(&flow)
        {
            let (first, last) = if second {
                (&*other, bytes)
            } else {
                (bytes, &*other)
            };
            return Some([first, last].concat()).filter(|whole| whole.len() <= LONGEST);
        }
        if self.waiting.len() >= Self::WAITING && !self.waiting.contains_key(&flow) {
            self.waiting.clear();
        }
        self.waiting.insert(flow, (number, second, bytes.to_vec()));
        None
    }

    pub fn forget(&mut self, flow: FlowId) {
        self.waiting.remove(&flow);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    const FLOW: FlowId = FlowId(0x0102_0304);

    fn there_and_back(frame: Frame<'_>) {
        let mut out = Vec::new();
        write(frame, &mut out);
        assert_eq!(read(&out), Some(frame));
    }

    #[test]
    fn frames_come_as_they_went() {
        let bytes: &[u8] = b"hello";
        there_and_back(Frame::Whole { flow: FLOW, bytes });
        for client in ["192.0.2.7:5", "[2001:db8::1]:443"] {
            let client = client.parse().expect("good");
            there_and_back(Frame::Introduced {
                flow: FLOW,
                client,
                bytes,
            });
        }
        for frame in halves(FLOW, 9, bytes) {
            there_and_back(frame);
        }
    }

    #[test]
    fn halves_meet_in_either_order_and_never_those_of_others() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_401).collect();
        for order in [[0, 1], [1, 0]] {
            let mut joiner = Joiner::default();
            let parts = halves(FLOW, 7, &bytes);
            let mut joined = Vec::new();
            for part in order {
                let Frame::Half {
                    number,
                    second,
                    bytes,
                    ..
                } = parts[part]
                else {
                    unreachable!("halves are halves")
                };
                assert_eq!(
                    joiner.join(FlowId(1), number, second, bytes),
                    None,
                    "of another flow"
                );
                joiner.forget(FlowId(1));
                joined.extend(joiner.join(FLOW, number, second, bytes));
            }
            assert_eq!(joined, std::slice::from_ref(&bytes));
        }
        let mut joiner = Joiner::default();
        assert_eq!(joiner.join(FLOW, 1, false, b"a"), None);
        assert_eq!(joiner.join(FLOW, 2, true, b"b"), None, "of another datagram");
        assert_eq!(joiner.join(FLOW, 2, false, b"a").as_deref(), Some(&b"ab"[..]));
    }

    proptest! {
        #[test]
        fn foreign_bytes_are_never_a_trouble(bytes in vec(any::<u8>(), 0..80)) {
            if let Some(frame) = read(&bytes) {
                let mut out = Vec::new();
                write(frame, &mut out);
                let again = read(&out);
                prop_assert_eq!(again, Some(frame));
            }
        }
    }
}
