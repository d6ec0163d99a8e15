//! Control messages as bytes: MessagePack with names, so that nodes of two versions understand each other.

use plenary_cascade::{BadControl, Control};

/// The longest message, in bytes.
pub(crate) const MESSAGE: usize = 64 * 1024;
/// What a control stream begins with, so that the other side sees it at once.
pub(crate) const GREETING: u8 = 1;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("a message cannot be read")]
    Unreadable(#[source] rmp_serde::decode::Error),
    #[error("a message goes on after its end")]
    Long,
    #[error(transparent)]
    Bad(#[from] BadControl),
}

/// Why a control stream is not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the control stream begins with {0} instead of {GREETING}")]
    Greeting(u8),
    #[error("a message of {0} bytes is longer than {MESSAGE}")]
    TooLong(usize),
}

pub(crate) fn encode(message: &Control) -> Vec<u8> {
    rmp_serde::to_vec_named(message).expect("plain data is always written")
}

/// Length and message, after what stands in `into`.
pub(crate) fn write_frame(message: &Control, into: &mut Vec<u8>) {
    let bytes = encode(message);
    let length = u32::try_from(bytes.len()).expect("checked messages are short");
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(&bytes);
}

pub(crate) fn decode(mut bytes: &[u8]) -> Result<Control, CodecError> {
    let message: Control = rmp_serde::from_read(&mut bytes).map_err(CodecError::Unreadable)?;
    if !bytes.is_empty() {
        return Err(CodecError::Long);
    }
    message.check()?;
    Ok(message)
}

/// Cuts a control stream into messages, however it is chopped.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: Vec<u8>,
    greeted: bool,
}

impl Frames {
    /// Takes bytes of the stream. Gives the messages that are whole now.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
        self.buffer.extend_from_slice(bytes);
        let mut rest = self.buffer.as_slice();
        if !self.greeted {
            match rest.split_first() {
                Some((&GREETING, behind)) => rest = behind,
                Some((other, _)) => return Err(FrameError::Greeting(*other)),
                None => return Ok(Vec::new()),
            }
            self.greeted = true;
        }
        let mut messages = Vec::new();
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            if length > MESSAGE {
                return Err(FrameError::TooLong(length));
            }
            let Some((message, behind)) = behind.split_at_checked(length) else {
                break;
            };
            messages.push(message.to_vec());
            rest = behind;
        }
        let taken = self.buffer.len() - rest.len();
        self.buffer.drain(..taken);
        Ok(messages)
    }
}

/// Gives foreign bytes to the parsers of control streams and messages; for fuzzers. Never returns anything but
/// normally.
///
/// # Panics
/// When a message is another one after it was written and read again.
pub fn fuzz_control(bytes: &[u8]) {
    let (once, chopped) = bytes.split_at(bytes.len() / 2);
    let mut frames = Frames::default();
    for part in [once, chopped] {
        for message in frames.take(part).into_iter().flatten() {
            drop(decode(&message));
        }
    }
    if let Ok(message) = decode(bytes) {
        let again = decode(&encode(&message)).expect("what we write is in order");
        assert_eq!(again, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_cascade::{Layer, Layers, Level, Participant, Room, Stats, StreamId, Track, TrackKind};
    use proptest::{collection::vec, prelude::*};

    fn examples() -> Vec<Control> {
        let room = Room("review".into());
        let track = Track {
            room: room.clone(),
            participant: Participant(u64::MAX),
            kind: TrackKind::Content,
        };
        let layer = |layer| Layer {
            stream: StreamId(7 + u64::from(layer)),
            layer,
            format: "AV1/90000".into(),
            height: 1_080,
            kbps: 2_500,
        };
        let level = |participant| Level {
            participant: Participant(participant),
            level: 127,
            voice: true,
        };
        vec![
            Control::Interest { room: room.clone() },
            Control::NoInterest { room: room.clone() },
            Control::Publish {
                track: track.clone(),
                layers: (0..16).map(layer).collect(),
            },
            Control::Unpublish { track: track.clone() },
            Control::Subscribe {
                track: track.clone(),
                layers: Layers::Highest(2),
            },
            Control::Subscribe {
                track: track.clone(),
                layers: Layers::Exact([0, 3].into()),
            },
            Control::Unsubscribe { track },
            Control::KeyFrame { stream: StreamId(9) },
            Control::Levels {
                room: Room("r".repeat(128)),
                tick: u64::MAX,
                levels: (0..16).map(|who| level(u64::MAX - who)).collect(),
            },
            Control::Stats(Stats::default()),
        ]
    }

    #[test]
    fn messages_are_read_as_they_were_written_however_the_stream_is_chopped() {
        let mut stream = vec![GREETING];
        for message in examples() {
            write_frame(&message, &mut stream);
        }
        for size in [1, 3, 64, stream.len()] {
            let mut frames = Frames::default();
            let messages = stream
                .chunks(size)
                .flat_map(|chunk| frames.take(chunk).expect("good"));
            let messages: Vec<Control> = messages.map(|bytes| decode(&bytes).expect("good")).collect();
            assert_eq!(messages, examples(), "in chunks of {size}");
        }
    }

    #[test]
    fn what_travels_as_a_datagram_fits_into_one() {
        for message in examples().into_iter().filter(Control::is_fleeting) {
            let bytes = encode(&message).len();
            assert!(bytes < 1_000, "{bytes} bytes: {message:?}");
        }
    }

    #[test]
    fn fields_of_a_newer_version_are_left_out_and_long_messages_refused() {
        // {"key_frame": {"stream": 5, "why": 1}}
        let newer = b"\x81\xa9key_frame\x82\xa6stream\x05\xa3why\x01";
        let read = decode(newer).expect("understood");
        assert_eq!(read, Control::KeyFrame { stream: StreamId(5) });
        assert!(matches!(
            decode(&[newer, &b"\x01"[..]].concat()),
            Err(CodecError::Long)
        ));
        let mut frames = Frames::default();
        assert_eq!(
            frames.take(&[GREETING, 0, 1, 0, 1]),
            Err(FrameError::TooLong(65_537))
        );
        assert_eq!(Frames::default().take(&[9]), Err(FrameError::Greeting(9)));
    }

    proptest! {
        #[test]
        fn foreign_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..600)) {
            fuzz_control(&bytes);
            fuzz_control(&[&[GREETING, 0, 0, 0, 40], bytes.as_slice()].concat());
        }

        #[test]
        fn changed_messages_do_no_harm(
            which in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = encode(&examples()[which.index(10)]);
            let index = at.index(bytes.len());
            fuzz_control(&bytes[..index]);
            bytes[index] = byte;
            fuzz_control(&bytes);
        }
    }
}
