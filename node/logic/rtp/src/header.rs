//! Headers of packets that go out (RFC 3550 §5.1) with extensions (RFC 8285).

/// The number by which each header extension goes on a line, as negotiated (1 to 255); none: not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions {
    /// The name of the line (RFC 8843 §15).
    pub mid: Option<u8>,
    /// How loud it is (RFC 6464).
    pub audio_level: Option<u8>,
    /// How a camera is held (3GPP TS 26.114 §7.4.5).
    pub orientation: Option<u8>,
    /// A number over all lines, for feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
    pub transport: Option<u8>,
    /// When it was sent, for receivers that estimate by themselves (draft-alvestrand-rmcat-remb-03 §2.2).
    pub send_time: Option<u8>,
}

/// What the extensions of a packet say. Those that are none are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Values<'a> {
    /// At most 255 bytes.
    pub mid: Option<&'a [u8]>,
    /// In -dBov, 0 (loudest) to 127, and whether it is a voice.
    pub audio_level: Option<(u8, bool)>,
    /// The byte of the camera's direction and rotation.
    pub orientation: Option<u8>,
    pub transport: Option<u16>,
    /// Of a clock of the sender, in microseconds.
    pub send_time_us: Option<u64>,
}

/// The fixed fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// 0 to 127.
    pub payload_type: u8,
    pub marker: bool,
    /// Bytes at the end say how many of them are to be left out.
    pub padding: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

/// The longest that [`Header::write`] gives, in bytes, with a `mid` of up to 32 bytes.
pub const LONGEST: usize = 80;

/// Extensions of at most 16 bytes under numbers up to 14 (RFC 8285 §4.2).
const ONE_BYTE: u16 = 0xbede;
/// All others (RFC 8285 §4.3).
const TWO_BYTE: u16 = 0x1000;

impl Header {
    /// Appends the header to `out`.
    pub fn write(&self, extensions: &Extensions, values: &Values<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        let marker = if self.marker { 0x80 } else { 0 };
        let padding = if self.padding { 0x20 } else { 0 };
        out.extend([0x80 | padding, marker | self.payload_type & 0x7f]);
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.ssrc.to_be_bytes());
        let block = out.len();
        let wide = extensions.needs_two_bytes(values);
        out.extend(if wide { TWO_BYTE } else { ONE_BYTE }.to_be_bytes());
        out.extend([0, 0]);
        let mut put = |id: Option<u8>, bytes: &[u8]| {
            let (Some(id), Ok(length)) = (id, u8::try_from(bytes.len())) else {
                return;
            };
            if wide {
                out.extend([id, length]);
            } else {
                out.push(id << 4 | length.wrapping_sub(1) & 0x0f);
            }
            out.extend(bytes);
        };
        if let Some(mid) = values.mid.filter(|mid| !mid.is_empty()) {
            put(extensions.mid, mid);
        }
        if let Some((level, voice)) = values.audio_level {
            put(
                extensions.audio_level,
                &[level & 0x7f | if voice { 0x80 } else { 0 }],
            );
        }
        if let Some(orientation) = values.orientation {
            put(extensions.orientation, &[orientation]);
        }
        if let Some(time) = values.send_time_us {
            let [_, time @ ..] = send_time(time).to_be_bytes();
            put(extensions.send_time, &time);
        }
        if let Some(number) = values.transport {
            put(extensions.transport, &number.to_be_bytes());
        }
        let length = out.len() - block - 4;
        if length == 0 {
            out.truncate(block);
            return;
        }
        out.resize(block + 4 + length.next_multiple_of(4), 0);
        let words = u16::try_from(length.div_ceil(4)).unwrap_or_default();
        if let Some(place) = out.get_mut(block + 2..block + 4) {
            place.copy_from_slice(&words.to_be_bytes());
        }
        if let Some(first) = out.get_mut(start) {
            *first |= 0x10;
        }
    }
}

impl Extensions {
    fn needs_two_bytes(&self, values: &Values<'_>) -> bool {
        let all = [
            self.mid,
            self.audio_level,
            self.orientation,
            self.transport,
            self.send_time,
        ];
        all.into_iter().flatten().any(|id| id > 14) || values.mid.is_some_and(|mid| mid.len() > 16)
    }
}

/// 24 bits: seconds, of which 6 bits are whole ones.
fn send_time(us: u64) -> u32 {
    let seconds = u32::try_from(us / 1_000_000 % 64).unwrap_or_default();
    let rest = u32::try_from(((us % 1_000_000) << 18) / 1_000_000).unwrap_or_default();
    seconds << 18 | rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        payload_type: 96,
        marker: true,
        padding: false,
        sequence: 0x0102,
        timestamp: 0x0304_0506,
        ssrc: 0x0708_090a,
    };

    fn written(header: Header, extensions: Extensions, values: Values<'_>) -> Vec<u8> {
        let mut out = vec![0xff];
        header.write(&extensions, &values, &mut out);
        out.split_off(1)
    }

    #[test]
    fn without_extensions_it_has_twelve_bytes() {
        let bytes = written(HEADER, Extensions::default(), Values::default());
        assert_eq!(bytes, [0x80, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let padded = Header {
            padding: true,
            marker: false,
            ..HEADER
        };
        let mid = Values {
            mid: Some(b"0"),
            ..Values::default()
        };
        let bytes = written(padded, Extensions::default(), mid);
        assert_eq!(bytes[..2], [0xa0, 0x60], "what was not negotiated is left out");
        assert_eq!(bytes.len(), 12);
    }

    #[test]
    fn extensions_are_padded_to_words() {
        let extensions = Extensions {
            mid: Some(4),
            audio_level: Some(1),
            transport: Some(3),
            ..Extensions::default()
        };
        let values = Values {
            mid: Some(b"ab"),
            audio_level: Some((37, true)),
            transport: Some(0x1234),
            ..Values::default()
        };
        let bytes = written(HEADER, extensions, values);
        assert_eq!(bytes[0], 0x90);
        assert_eq!(bytes[12..16], [0xbe, 0xde, 0, 2]);
        assert_eq!(bytes[16..], [0x41, b'a', b'b', 0x10, 0x80 | 37, 0x31, 0x12, 0x34]);
    }

    #[test]
    fn high_numbers_and_long_names_take_the_two_byte_form() {
        let extensions = Extensions {
            mid: Some(15),
            ..Extensions::default()
        };
        let values = Values {
            mid: Some(b"abc"),
            ..Values::default()
        };
        let bytes = written(HEADER, extensions, values);
        assert_eq!(bytes[12..16], [0x10, 0, 0, 2]);
        assert_eq!(bytes[16..], [15, 3, b'a', b'b', b'c', 0, 0, 0]);
        let long = Values {
            mid: Some(&[b'x'; 32]),
            ..Values::default()
        };
        let extensions = Extensions {
            mid: Some(1),
            ..Extensions::default()
        };
        let bytes = written(HEADER, extensions, long);
        assert_eq!(bytes[16..18], [1, 32]);
        assert!(bytes.len() <= LONGEST);
    }

    #[test]
    fn the_time_of_sending_has_18_bits_behind_the_point() {
        assert_eq!(send_time(0), 0);
        assert_eq!(send_time(1_000_000), 1 << 18);
        assert_eq!(send_time(64_500_000), 1 << 17);
    }
}
