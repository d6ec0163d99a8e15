//! Bytes of datagrams and packets: what is written is read back, and foreign bytes do no harm.

use plenary_cascade::{
    MAX_PAYLOAD, MAX_SEQ, MediaPacket, Receiver, StreamId, WireError, fuzz,
    wire::{Datagram, Media, NACK_COUNT, Nack, Part, VARINT_MAX},
};
use proptest::{collection::vec, option, prelude::*};

fn packet() -> impl Strategy<Value = MediaPacket> {
    let level = option::of((0_u8..128, any::<bool>()));
    let payload = vec(any::<u8>(), 0..=MAX_PAYLOAD);
    (
        0..=MAX_SEQ,
        any::<u32>(),
        any::<bool>(),
        level,
        option::of(any::<u8>()),
        payload,
    )
        .prop_map(
            |(seq, timestamp, marker, audio_level, orientation, payload)| MediaPacket {
                seq,
                timestamp,
                marker,
                audio_level,
                orientation,
                payload: payload.into(),
            },
        )
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Whole), Just(Part::First), Just(Part::Second)]
}

fn written(datagram: &Datagram<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    datagram.write(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn packets_are_read_as_they_were_written(packet in packet()) {
        let mut bytes = Vec::new();
        packet.write(&mut bytes);
        prop_assert_eq!(MediaPacket::parse(&bytes), Ok(packet));
    }

    #[test]
    fn datagrams_are_read_as_they_were_written(
        stream in 0..=VARINT_MAX,
        hop in any::<u32>(),
        part in part(),
        repair in any::<bool>(),
        body in vec(any::<u8>(), 1..1_500),
        hops in vec(any::<u32>(), 1..=NACK_COUNT),
    ) {
        let stream = StreamId(stream);
        let media = Datagram::Media(Media { stream, hop, part, repair, body: &body });
        let bytes = written(&media);
        prop_assert_eq!(Datagram::parse(&bytes), Ok(media));
        let nack = Datagram::Nack(Nack { stream, hops });
        let bytes = written(&nack);
        prop_assert_eq!(Datagram::parse(&bytes), Ok(nack));
        let message = Datagram::Message(&body);
        let bytes = written(&message);
        prop_assert_eq!(Datagram::parse(&bytes), Ok(message));
    }

    #[test]
    fn foreign_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..2_000), kind in 0x10_u8..0x13) {
        fuzz(&bytes);
        let known = [&[kind], bytes.as_slice()].concat();
        fuzz(&known);
    }

    #[test]
    fn changed_and_cut_packets_do_no_harm(packet in packet(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = Vec::new();
        packet.write(&mut body);
        let media = Media { stream: StreamId(7), hop: 0, part: Part::Whole, repair: false, body: &body };
        let mut bytes = written(&Datagram::Media(media));
        let index = at.index(bytes.len());
        fuzz(&bytes[..index]);
        bytes[index] = byte;
        fuzz(&bytes);
    }

    #[test]
    fn a_receiver_bears_any_datagrams(media in vec((0_u64..4, any::<u32>(), part(), vec(any::<u8>(), 1..40)), 1..200)) {
        let mut receiver = Receiver::default();
        for (step, (stream, hop, part, body)) in media.iter().enumerate() {
            let now_us = step as u64 * 3_000;
            let media = Media { stream: StreamId(*stream), hop: *hop, part: *part, repair: false, body };
            receiver.handle_media(now_us, &media);
            receiver.handle_timeout(now_us);
            while let Some(nack) = receiver.poll_nack() {
                prop_assert!((1..=NACK_COUNT).contains(&nack.hops.len()));
            }
        }
        let end_us = 60_000_000;
        receiver.handle_timeout(end_us);
        receiver.handle_timeout(2 * end_us);
        prop_assert_eq!(receiver.poll_timeout(), None, "all is forgotten in the end");
    }
}

#[test]
fn numbers_have_one_spelling() {
    // Stream 1, written with two bytes.
    assert_eq!(
        Datagram::parse(&[0x10, 0x40, 0x01, 0, 0, 0, 0, 0, 9]),
        Err(WireError::Varint)
    );
    for number in [0, 63, 64, 16_383, 16_384, (1 << 30) - 1, 1 << 30, VARINT_MAX] {
        let media = Media {
            stream: StreamId(number),
            hop: 1,
            part: Part::Whole,
            repair: false,
            body: &[1],
        };
        let bytes = written(&Datagram::Media(media));
        assert_eq!(Datagram::parse(&bytes), Ok(Datagram::Media(media)), "{number}");
    }
}

#[test]
fn what_is_not_known_is_refused() {
    assert_eq!(Datagram::parse(&[]), Err(WireError::Short));
    assert_eq!(Datagram::parse(&[0x20, 1]), Err(WireError::Kind(0x20)));
    assert_eq!(Datagram::parse(&[0x13, 1]), Err(WireError::Kind(0x13)));
    assert_eq!(
        Datagram::parse(&[0x10, 1, 0, 0, 0, 0, 0b11, 9]),
        Err(WireError::Flags(0b11))
    );
    assert_eq!(
        Datagram::parse(&[0x10, 1, 0, 0, 0, 0, 0b1000, 9]),
        Err(WireError::Flags(0b1000))
    );
    assert_eq!(
        Datagram::parse(&[0x10, 1, 0, 0, 0, 0, 0]),
        Err(WireError::Short),
        "no body"
    );
    assert_eq!(
        Datagram::parse(&[0x11, 1, 0]),
        Err(WireError::Range),
        "asks for nothing"
    );
    assert_eq!(
        Datagram::parse(&[0x11, 1, 1, 0, 0, 0, 1, 0]),
        Err(WireError::Long)
    );
    assert_eq!(
        MediaPacket::parse(&[0x08, 0, 0, 0, 0, 0]),
        Err(WireError::Flags(0x08))
    );
    let long = [&[0_u8; 6][..], &[0; MAX_PAYLOAD + 1]].concat();
    assert_eq!(MediaPacket::parse(&long), Err(WireError::Range));
}
