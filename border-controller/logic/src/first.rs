//! What a connection to the port for the web begins with: TLS, or media by TCP (RFC 6544) for networks that let nothing else out.
//!
//! Both are told by the first byte. A record of TLS begins with 0x16; media come in frames behind their length, two bytes
//! (RFC 4571), and the first one is a STUN binding request, whose length is below 512 bytes.

use crate::Refused;

/// The first byte of frames that may be a request.
const FRAMED: std::ops::RangeInclusive<u8> = 0..=1;

/// What the bytes that came so far tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// Ask again once there are so many bytes in all; always more than there were.
    Needs(usize),
    /// No media: TLS, if anything.
    Other,
    /// A session with this ICE name is asked for.
    Media(String),
}

/// Reads the beginning of a connection.
///
/// # Errors
/// [`Refused::BadHello`]: it begins as media do, and asks for nothing.
pub fn read(bytes: &[u8]) -> Result<First, Refused> {
    match bytes {
        [] => Ok(First::Needs(1)),
        [first, ..] if !FRAMED.contains(first) => Ok(First::Other),
        [_] => Ok(First::Needs(2)),
        [high, low, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(frame) = rest.get(..length) else {
                return Ok(First::Needs(2 + length));
            };
            let name = plenary_stun::ufrag_of(frame).ok_or(Refused::BadHello)?;
            Ok(First::Media(name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(name: &str) -> Vec<u8> {
        let user = format!("{name}:them");
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        message.extend([7; 12]);
        message.extend([0, 6, 0, u8::try_from(user.len()).expect("short")]);
        message.extend(user.as_bytes());
        message.resize(message.len().next_multiple_of(4), 0);
        let length = u16::try_from(message.len()).expect("short");
        [&length.to_be_bytes()[..], &message].concat()
    }

    #[test]
    fn a_request_is_known_once_it_is_whole_and_what_follows_does_not_count() {
        let mut whole = asking("ours");
        for came in 0..whole.len() {
            let told = read(&whole[..came]).expect("it may be one");
            assert!(matches!(told, First::Needs(needed) if needed > came && needed <= whole.len()));
        }
        let wanted = First::Media("ours".into());
        assert_eq!(read(&whole).as_ref(), Ok(&wanted));
        whole.extend([1, 2, 3]);
        assert_eq!(read(&whole), Ok(wanted));
    }

    #[test]
    fn tls_is_left_to_others_and_what_asks_for_nothing_is_refused() {
        for other in [&[0x16_u8, 3, 1][..], b"GET / HTTP/1.1", &[2, 0], &[255]] {
            assert_eq!(read(other), Ok(First::Other));
        }
        assert_eq!(read(&[0, 0]), Err(Refused::BadHello));
        let mut answer = asking("ours");
        answer[2] = 1;
        assert_eq!(
            read(&answer),
            Err(Refused::BadHello),
            "an answer asks for nothing"
        );
    }
}
