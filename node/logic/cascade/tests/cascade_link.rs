//! A link over a bad network: repairs, order of priorities, length of the queue, halves.

mod network;

use network::{Network, Way, packet};
use plenary_cascade::{
    Priority, Receiver, StreamId,
    wire::{Media, Part},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const AUDIO: u64 = 1;
const VIDEO: u64 = 2;
const CONTENT: u64 = 3;

/// How long each packet of a stream took, by its number. Fails if one came twice or is not what was sent.
fn latencies(
    network: &Network,
    stream: u64,
    sent_us: impl Fn(u64) -> u64,
    bytes: usize,
) -> BTreeMap<u64, u64> {
    let mut latencies = BTreeMap::new();
    for delivered in network
        .delivered
        .iter()
        .filter(|one| one.stream == StreamId(stream))
    {
        let seq = delivered.packet.seq;
        assert_eq!(delivered.packet, packet(seq, bytes));
        let twice = latencies.insert(seq, delivered.at_us - sent_us(seq));
        assert_eq!(twice, None, "{seq} came twice");
    }
    latencies
}

#[test]
fn at_five_percent_loss_all_audio_is_repaired_within_round_trips() {
    for seed in 1..9 {
        let way = Way {
            lost_percent: 5,
            jitter_us: 2_000,
            ..Way::default()
        };
        let mut network = Network::new(way, seed);
        let count = 2_000;
        // Ten more, because a gap at the end shows only by what follows.
        for seq in 0..count + 10 {
            network.run_until(seq * 20_000);
            network.send(AUDIO, Priority::Audio, packet(seq, 120));
        }
        network.run_until((count + 60) * 20_000);
        let latencies = latencies(&network, AUDIO, |seq| seq * 20_000, 120);
        for seq in 0..count {
            let latency_us = *latencies
                .get(&seq)
                .unwrap_or_else(|| panic!("{seq} of seed {seed} is lost"));
            assert!(latency_us < 300_000, "{seq} of seed {seed} took {latency_us} µs");
        }
        let at_once = latencies
            .values()
            .filter(|latency_us| **latency_us < 24_000)
            .count();
        assert!(at_once > 1_850, "most are not held back by gaps: {at_once}");
        let figures = network.links[1].figures();
        assert!(figures.received.repaired > 50, "{figures:?}");
        assert_eq!(
            figures.received.doubles, 0,
            "repairs are asked for once a round trip: {figures:?}"
        );
    }
}

#[test]
fn in_overload_audio_never_waits_behind_video_and_the_queue_stays_short() {
    // 4 Mbit/s, and three times as much video.
    let way = Way {
        bytes_per_s: 500_000,
        ..Way::default()
    };
    let mut network = Network::new(way, 1);
    let mut audio = 0;
    for millisecond in 0..10_000_u64 {
        network.run_until(millisecond * 1_000);
        if millisecond.is_multiple_of(20) {
            network.send(AUDIO, Priority::Audio, packet(audio, 120));
            audio += 1;
        }
        // A content of 1 Mbit/s.
        if millisecond.is_multiple_of(8) {
            network.send(CONTENT, Priority::Content, packet(millisecond / 8, 1_000));
        }
        network.send(VIDEO, Priority::Video, packet(millisecond, 1_200));
    }
    network.run_until(11_000_000);
    assert!(
        network.most_queued <= 10_000,
        "{} bytes are more than 20 ms",
        network.most_queued
    );
    let heard = latencies(&network, AUDIO, |seq| seq * 20_000, 120);
    assert_eq!(heard.len(), 500, "no audio is dropped");
    // One packet may be on its way out: 1,220 bytes are 2.5 ms.
    let slowest_us = heard.values().max().copied().unwrap_or_default();
    assert!(slowest_us < 20_000 + 3_000, "{slowest_us} µs");
    let content = latencies(&network, CONTENT, |seq| seq * 8_000, 1_000);
    assert_eq!(content.len(), 1_250, "no content is dropped while video can be");
    let video = latencies(&network, VIDEO, |seq| seq * 1_000, 1_200);
    let slowest_us = video.values().max().copied().unwrap_or_default();
    assert!(slowest_us < 20_000 + 30_000, "{slowest_us} µs");
    let figures = network.links[0].figures();
    assert_eq!(figures.sent.dropped[0], 0);
    assert!((5_000..9_000).contains(&figures.sent.dropped[2]), "{figures:?}");
    // Who is dropped before it left is no gap.
    assert_eq!(network.links[1].figures().received.asked, 0);
}

#[test]
fn a_link_that_is_slower_than_the_transport_says_is_measured() {
    let way = Way {
        bytes_per_s: 500_000,
        ..Way::default()
    };
    let mut network = Network::new(way, 1);
    network.say_path(50_000_000);
    for millisecond in 0..2_000_u64 {
        network.run_until(millisecond * 1_000);
        network.send(VIDEO, Priority::Video, packet(millisecond, 1_200));
    }
    let limit = network.links[0].sender().limit_bytes();
    assert!((9_000..11_000).contains(&limit), "20 ms of 500 kB/s: {limit}");
    network.run_until(2_500_000);
    let limit = network.links[0].sender().limit_bytes();
    assert_eq!(
        limit, 1_000_000,
        "nothing waits, so the transport is believed again"
    );
}

#[test]
fn packets_larger_than_a_datagram_travel_in_halves() {
    for seed in 1..5 {
        let way = Way {
            lost_percent: 5,
            jitter_us: 1_000,
            max_datagram: 1_150,
            ..Way::default()
        };
        let mut network = Network::new(way, seed);
        for seq in 0..1_010_u64 {
            network.run_until(seq * 4_000);
            network.send(VIDEO, Priority::Video, packet(seq, 1_400));
        }
        network.run_until(5_000_000);
        let latencies = latencies(&network, VIDEO, |seq| seq * 4_000, 1_400);
        let came = (0..1_000).filter(|seq| latencies.contains_key(seq)).count();
        // Four requests fit into the time; each, or its answer, may be lost.
        assert!(came >= 999, "{came} of seed {seed}");
        let sent = network.links[0].figures().sent;
        assert_eq!(sent.packets, 1_010);
        assert_eq!(sent.datagrams, 2_020 + sent.repairs);
    }
}

#[test]
fn a_dead_way_gives_up_and_forgets() {
    let mut network = Network::new(
        Way {
            lost_percent: 50,
            ..Way::default()
        },
        3,
    );
    for seq in 0..500 {
        network.run_until(seq * 5_000);
        network.send(VIDEO, Priority::Video, packet(seq, 800));
    }
    network.run_until(120_000_000);
    let received = network.links[1].figures().received;
    assert!(received.lost > 0, "{received:?}");
    assert!(received.packets + received.lost <= 501, "{received:?}");
    for link in &network.links {
        assert_eq!(link.poll_timeout(), None, "nothing is remembered for ever");
    }
}

#[test]
fn what_no_datagram_can_carry_is_not_taken() {
    let mut network = Network::new(Way::default(), 1);
    network.send(VIDEO, Priority::Video, packet(0, 1_501));
    network.send(VIDEO, Priority::Video, packet(1, 1_500));
    network.run_until(1_000_000);
    assert_eq!(network.links[0].figures().sent.unfit, 1);
    assert_eq!(network.delivered.len(), 1);
}

#[test]
fn hop_sequences_wrap() {
    let mut receiver = Receiver::default();
    let mut body = Vec::new();
    packet(1, 10).write(&mut body);
    let mut came = 0;
    for step in 0..200_u32 {
        // Each tenth is missing.
        if step % 10 == 5 {
            continue;
        }
        let media = Media {
            stream: StreamId(1),
            hop: (u32::MAX - 100).wrapping_add(step),
            part: Part::Whole,
            repair: false,
            body: &body,
        };
        let now_us = u64::from(step) * 1_000;
        came += u64::from(receiver.handle_media(now_us, &media).is_some());
        receiver.handle_timeout(now_us);
    }
    let received = receiver.received();
    assert_eq!((came, received.packets, received.doubles), (180, 180, 0));
    let asked: Vec<u32> = std::iter::from_fn(|| receiver.poll_nack())
        .flat_map(|nack| nack.hops)
        .collect();
    assert!(asked.contains(&(u32::MAX - 5)) && asked.contains(&4), "{asked:?}");
}

#[test]
fn slight_disorder_is_no_gap() {
    let mut receiver = Receiver::default();
    let mut body = Vec::new();
    packet(1, 10).write(&mut body);
    for (step, hop) in [0, 3, 1, 2, 4, 6, 5].into_iter().enumerate() {
        let media = Media {
            stream: StreamId(1),
            hop,
            part: Part::Whole,
            repair: false,
            body: &body,
        };
        assert!(receiver.handle_media(step as u64 * 1_000, &media).is_some());
        receiver.handle_timeout(step as u64 * 1_000);
    }
    assert_eq!(receiver.poll_nack(), None);
    assert_eq!(receiver.received().asked, 0);
}

#[test]
fn what_is_lost_before_the_first_packet_is_asked_for_too() {
    let mut receiver = Receiver::default();
    let mut body = Vec::new();
    packet(1, 10).write(&mut body);
    let media = Media {
        stream: StreamId(1),
        hop: 3,
        part: Part::Whole,
        repair: false,
        body: &body,
    };
    receiver.handle_media(0, &media);
    receiver.handle_timeout(10_000);
    assert_eq!(receiver.poll_nack().map(|nack| nack.hops), Some(vec![0, 1, 2]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_way_does_each_packet_comes_at_most_once_and_unchanged(
        seed in any::<u64>(),
        lost_percent in 0_u64..30,
        doubled_percent in 0_u64..30,
        jitter_us in 0_u64..60_000,
        max_datagram in 1_000_usize..1_500,
        bytes in 8_usize..1_500,
        every_us in 500_u64..30_000,
    ) {
        let way = Way { lost_percent, doubled_percent, jitter_us, max_datagram, ..Way::default() };
        let mut network = Network::new(way, seed);
        for seq in 0..300 {
            network.run_until(seq * every_us);
            network.send(VIDEO, Priority::Video, packet(seq, bytes));
        }
        network.run_until(300 * every_us + 2_000_000);
        let came = latencies(&network, VIDEO, |seq| seq * every_us, bytes);
        let (sent, received) = (network.links[0].figures().sent, network.links[1].figures().received);
        prop_assert_eq!(came.len() as u64, received.packets);
        prop_assert_eq!(received.refused, 0);
        if lost_percent == 0 {
            prop_assert_eq!(came.len() as u64, sent.packets);
        }
    }
}
