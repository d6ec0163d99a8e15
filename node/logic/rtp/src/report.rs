//! Reports of a sender (RFC 3550 §6.4.1) with the name that its streams have in common (§6.5.1).

const SENDER_REPORT: u8 = 200;
const DESCRIPTION: u8 = 202;
const CNAME: u8 = 1;
/// Streams of one report: they fit into a packet of Ethernet with names of up to 20 bytes.
pub const STREAMS: usize = 16;

/// What is told of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    pub ssrc: u32,
    /// The moment of the report in the clock of the stream.
    pub timestamp: u32,
    pub packets: u32,
    /// Of payloads.
    pub octets: u32,
}

/// Appends a compound packet: a report for each of the streams (at most [`STREAMS`]), and their name. `ntp` is the moment
/// in seconds since 1900 with 32 bits behind the point (RFC 3550 §4). Nothing is written for no streams.
pub fn write(ntp: u64, streams: &[Stream], cname: &str, out: &mut Vec<u8>) {
    let streams = streams.get(..STREAMS.min(streams.len())).unwrap_or_default();
    let Some(first) = streams.first() else { return };
    for stream in streams {
        out.extend([0x80, SENDER_REPORT, 0, 6]);
        out.extend(stream.ssrc.to_be_bytes());
        out.extend(ntp.to_be_bytes());
        out.extend(stream.timestamp.to_be_bytes());
        out.extend(stream.packets.to_be_bytes());
        out.extend(stream.octets.to_be_bytes());
    }
    // One name is enough: what is played together is told by the streams of the session description.
    let name = cname.as_bytes();
    let name = name.get(..name.len().min(64)).unwrap_or_default();
    // SSRC, kind, length, name, and at least one zero that ends the items.
    let length = (4 + 2 + name.len() + 1).next_multiple_of(4);
    let words = u16::try_from(length / 4).unwrap_or_default();
    out.extend([0x81, DESCRIPTION]);
    out.extend(words.to_be_bytes());
    let start = out.len();
    out.extend(first.ssrc.to_be_bytes());
    out.extend([CNAME, u8::try_from(name.len()).unwrap_or_default()]);
    out.extend(name);
    out.resize(start + length, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_fields() {
        let stream = Stream {
            ssrc: 1,
            timestamp: 2,
            packets: 3,
            octets: 4,
        };
        for (name, words) in [("", 2), ("a", 2), ("ab", 3), ("abcdef", 4)] {
            let mut out = Vec::new();
            write(5 << 32, &[stream, stream], name, &mut out);
            assert_eq!(out[..4], [0x80, 200, 0, 6]);
            assert_eq!(out[8..16], [0, 0, 0, 5, 0, 0, 0, 0]);
            assert_eq!(out[56..60], [0x81, 202, 0, words], "{name}");
            assert_eq!(out.len(), 60 + usize::from(words) * 4);
        }
    }

    #[test]
    fn a_report_of_nothing_is_none() {
        let mut out = Vec::new();
        write(0, &[], "name", &mut out);
        assert!(out.is_empty());
    }
}
