//! What receivers say of what they are sent (RFC 3550 §6.4.2, RFC 4585 §6, RFC 5104 §4.3.1).

const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// One thing that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback<'a> {
    /// These packets of a stream did not come (RFC 4585 §6.2.1).
    Missing { ssrc: u32, lost: Lost<'a> },
    /// Nothing of a stream can be shown until a key frame comes (RFC 4585 §6.3.1, RFC 5104 §4.3.1).
    KeyFrame { ssrc: u32 },
    /// When which packets came: the control information of draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.
    Arrivals(&'a [u8]),
    /// What the receiver thinks that its network bears, in bit/s (draft-alvestrand-rmcat-remb-03 §2.2).
    Estimate(u64),
}

/// Numbers of lost packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost<'a>(&'a [u8]);

impl Lost<'_> {
    /// In the order in which they were told.
    pub fn numbers(&self) -> impl Iterator<Item = u16> {
        self.0.as_chunks::<4>().0.iter().flat_map(|[a, b, c, d]| {
            let first = u16::from_be_bytes([*a, *b]);
            let more = u16::from_be_bytes([*c, *d]);
            let more = (0..16).filter(move |bit| more >> bit & 1 != 0);
            std::iter::once(first).chain(more.map(move |bit| first.wrapping_add(bit + 1)))
        })
    }
}

/// Reads a compound packet after it was opened. It ends where it cannot be read.
pub fn read(compound: &[u8], mut hear: impl FnMut(Feedback<'_>)) {
    let mut rest = compound;
    while let Some((packet, after)) = split(rest) {
        packet.read(&mut hear);
        rest = after;
    }
}

/// One packet of a compound one.
struct Packet<'a> {
    kind: u8,
    /// Count or format.
    count: u8,
    body: &'a [u8],
    /// All of it.
    whole: &'a [u8],
}

fn split(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let ([first, kind, high, low], _) = bytes.split_first_chunk::<4>()?;
    if first >> 6 != 2 {
        return None;
    }
    let length = 4 * (usize::from(u16::from_be_bytes([*high, *low])) + 1);
    let (whole, after) = bytes.split_at_checked(length)?;
    let mut body = whole.get(4..)?;
    if first & 0x20 != 0 {
        let padding = usize::from(*body.last()?);
        body = body.get(..body.len().checked_sub(padding)?)?;
    }
    let packet = Packet {
        kind: *kind,
        count: first & 0x1f,
        body,
        whole,
    };
    Some((packet, after))
}

impl Packet<'_> {
    fn read(&self, hear: &mut impl FnMut(Feedback<'_>)) -> Option<()> {
        if !matches!(self.kind, TRANSPORT_FEEDBACK | PAYLOAD_FEEDBACK) {
            return None;
        }
        let ([_sender, ssrc], information) = split_words::<2>(self.body)?;
        match (self.kind, self.count) {
            (TRANSPORT_FEEDBACK, 1) => hear(Feedback::Missing {
                ssrc,
                lost: Lost(information),
            }),
            (TRANSPORT_FEEDBACK, 15) => hear(Feedback::Arrivals(information)),
            (PAYLOAD_FEEDBACK, 1) => hear(Feedback::KeyFrame { ssrc }),
            (PAYLOAD_FEEDBACK, 4) => {
                for entry in information.as_chunks::<8>().0 {
                    let ([ssrc], _) = split_words::<1>(entry)?;
                    hear(Feedback::KeyFrame { ssrc });
                }
            }
            (PAYLOAD_FEEDBACK, 15) => hear(Feedback::Estimate(estimate(information)?)),
            _ => {}
        }
        Some(())
    }
}

fn split_words<const N: usize>(bytes: &[u8]) -> Option<([u32; N], &[u8])> {
    let (words, rest) = bytes.split_at_checked(N * 4)?;
    let mut all = [0; N];
    for (word, bytes) in all.iter_mut().zip(words.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    Some((all, rest))
}

/// `REMB`, a count, six bits by which the following 18 are multiplied, and SSRCs.
fn estimate(information: &[u8]) -> Option<u64> {
    let rest = information.strip_prefix(b"REMB")?;
    let [_count, high, middle, low] = *rest.first_chunk::<4>()?;
    let mantissa = u64::from(high & 3) << 16 | u64::from(middle) << 8 | u64::from(low);
    Some(mantissa.checked_shl(u32::from(high >> 2))?.min(1 << 40))
}

/// Whether the packet says nothing but what [`read`] gives, reports of the receiver included: whoever does not receive
/// itself has no use for the rest.
pub fn is_receivers(compound: &[u8]) -> bool {
    let mut rest = compound;
    while let Some((packet, after)) = split(rest) {
        if !matches!(
            packet.kind,
            RECEIVER_REPORT | TRANSPORT_FEEDBACK | PAYLOAD_FEEDBACK
        ) {
            return false;
        }
        rest = after;
    }
    true
}

/// Copies a compound packet without the reports and names of senders.
pub fn without_sender_reports(compound: &[u8], out: &mut Vec<u8>) {
    let mut rest = compound;
    while let Some((packet, after)) = split(rest) {
        if !matches!(packet.kind, 200 | 202) {
            out.extend(packet.whole);
        }
        rest = after;
    }
}

/// Reads foreign bytes as a compound packet; for fuzzers.
pub fn fuzz(bytes: &[u8]) {
    let mut lost = 0;
    read(bytes, |feedback| {
        if let Feedback::Missing { lost: numbers, .. } = feedback {
            lost += numbers.numbers().count();
        }
    });
    assert!(
        lost <= bytes.len() / 4 * 17,
        "a packet says no more than it is long"
    );
    let mut out = Vec::new();
    without_sender_reports(bytes, &mut out);
    assert!(out.len() <= bytes.len(), "nothing is added");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn heard(bytes: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        read(bytes, |feedback| {
            all.push(match feedback {
                Feedback::Missing { ssrc, lost } => {
                    format!("{ssrc} misses {:?}", lost.numbers().collect::<Vec<_>>())
                }
                other => format!("{other:?}"),
            });
        });
        all
    }

    #[test]
    fn a_compound_packet_is_read_in_order() {
        let mut bytes = vec![0x80, 201, 0, 1, 0, 0, 0, 9];
        bytes.extend([0x81, 205, 0, 3, 0, 0, 0, 9, 0, 0, 0, 7, 0xff, 0xfe, 0x80, 0x03]);
        bytes.extend([0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 8]);
        bytes.extend([0x84, 206, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0]);
        assert_eq!(
            heard(&bytes),
            [
                "7 misses [65534, 65535, 0, 14]",
                "KeyFrame { ssrc: 8 }",
                "KeyFrame { ssrc: 5 }"
            ]
        );
        assert!(is_receivers(&bytes));
        bytes.extend([0x80, 200, 0, 0]);
        assert!(!is_receivers(&bytes));
        let mut out = Vec::new();
        without_sender_reports(&bytes, &mut out);
        assert_eq!(out.len() + 4, bytes.len());
    }

    #[test]
    fn estimates_have_a_mantissa_and_an_exponent() {
        let mut bytes = vec![0x8f, 206, 0, 5, 0, 0, 0, 9, 0, 0, 0, 0];
        bytes.extend(*b"REMB");
        bytes.extend([1, 2 << 2 | 1, 0, 3, 0, 0, 0, 7]);
        assert_eq!(heard(&bytes), [format!("Estimate({})", (65_536 + 3) * 4)]);
    }

    #[test]
    fn arrivals_are_given_as_they_are() {
        let bytes = [0x8f, 205, 0, 3, 0, 0, 0, 9, 0, 0, 0, 7, 1, 2, 3, 4];
        assert_eq!(heard(&bytes), ["Arrivals([1, 2, 3, 4])"]);
    }

    #[test]
    fn what_is_cut_off_is_not_read() {
        let whole = [0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 8];
        for length in 0..whole.len() {
            assert!(heard(&whole[..length]).is_empty());
        }
        assert!(heard(&[0x41, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 8]).is_empty());
        assert!(heard(&[0xa1, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 200]).is_empty());
    }

    proptest! {
        #[test]
        fn foreign_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
            fuzz(&bytes);
        }
    }
}
