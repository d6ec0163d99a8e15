//! A line that was weak for a while and sent a voice alone, between machines that are all busy: pictures come back, and
//! looking for room costs the voice little.

mod network;

use network::{MS, Media, Network, Turns, Way};

const SEEDS: u64 = 20;
const SPEAKING_MS: u64 = 20;
const SILENT_MS: u64 = 400;

#[derive(Debug, Clone, Copy)]
struct Who {
    sending: Turns,
    relaying: Turns,
    reading: Turns,
}

const NOBODY: Who = Who {
    sending: Turns::AtOnce,
    relaying: Turns::AtOnce,
    reading: Turns::AtOnce,
};
const RECEIVER: Who = Who {
    reading: Turns::Busy,
    ..NOBODY
};
const SENDER: Who = Who {
    sending: Turns::Busy,
    ..NOBODY
};
const BOTH: Who = Who {
    sending: Turns::Busy,
    ..RECEIVER
};
const ALL: Who = Who {
    relaying: Turns::Busy,
    ..BOTH
};

fn call(who: Who, kbps: u64, voice_ms: u64, seed: u64) -> Network {
    let way = Way {
        kbps: 20_000,
        delay_us: 10 * MS,
        sending: who.sending,
        relaying: who.relaying,
        reading: who.reading,
        ..Way::default()
    };
    let media = Media::Call {
        voice_ms,
        most_kbps: kbps,
    };
    let mut network = Network::new(600, way, media, seed);
    network.desire(kbps);
    network
}

/// To 64 kbit/s, with a queue of 300 ms.
fn narrow(network: &mut Network) {
    network.way.kbps = 64;
    network.way.queue = 2_400;
}

/// After how many milliseconds the estimate is what is desired again, in order.
fn found(who: Who, kbps: u64, voice_ms: u64) -> Vec<u64> {
    let mut found: Vec<u64> = (0..SEEDS)
        .map(|seed| {
            let mut network = call(who, kbps, voice_ms, seed);
            network.run(10_000);
            narrow(&mut network);
            network.run(15_000 + 317 * seed);
            network.way.kbps = 20_000;
            network.way.queue = 60_000;
            network.run_until(kbps, 60_000).unwrap_or(60_000)
        })
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn what_is_wished_is_found_again_after_a_weak_line() {
    for who in [NOBODY, RECEIVER, SENDER, BOTH] {
        for kbps in [400, 800, 2_500] {
            for voice_ms in [SPEAKING_MS, SILENT_MS] {
                let found = found(who, kbps, voice_ms);
                println!("{kbps} kbit/s, voice each {voice_ms} ms, {who:?}: {found:?}");
                assert!(found[found.len() / 2] <= 6_000, "{found:?}");
                assert!(found.iter().all(|ms| *ms <= 15_000), "{found:?}");
            }
        }
    }
}

#[test]
fn it_is_found_although_the_relay_between_them_is_busy_as_well() {
    for kbps in [400, 800] {
        let found = found(ALL, kbps, SPEAKING_MS);
        println!("{kbps} kbit/s: {found:?}");
        assert!(found[found.len() / 2] <= 8_000, "{found:?}");
        assert!(found.iter().all(|ms| *ms <= 20_000), "{found:?}");
    }
}

/// In a minute of a voice alone on a weak line: of 100 packets, 95 were queued no longer than so many milliseconds; the
/// kbit/s of probes; of 1,000 bytes, how many were lost.
fn alone(who: Who, desired_kbps: u64, seed: u64) -> (u64, u64, u64) {
    let mut network = call(who, 400, SPEAKING_MS, seed);
    network.run(10_000);
    narrow(&mut network);
    network.run(20_000);
    network.media = Media::Call {
        voice_ms: SPEAKING_MS,
        most_kbps: 0,
    };
    network.desire(desired_kbps);
    network.run(5_000);
    let from_ms = network.now_us / MS;
    let (probed, sent, lost) = (network.probe_bytes, network.media_bytes, network.lost_bytes);
    network.run(60_000);
    let probed = network.probe_bytes - probed;
    let sent = network.media_bytes - sent + probed;
    (
        network.queued_ms(from_ms),
        probed * 8 / 60_000,
        (network.lost_bytes - lost) * 1_000 / sent,
    )
}

/// A sender or a relay that is late has several packets at once, which make a queue without any probes.
#[test]
fn looking_for_more_costs_the_voice_on_a_weak_line_little() {
    for who in [NOBODY, RECEIVER, SENDER, BOTH, ALL] {
        for kbps in [400, 2_500] {
            for seed in 0..SEEDS {
                let (before_ms, _, lost_before) = alone(who, 0, seed);
                let (queued_ms, probes, lost) = alone(who, kbps, seed);
                println!(
                    "{who:?}: queued {before_ms} and {queued_ms} ms, lost {lost_before} and {lost} of 1,000, \
                     probes {probes} kbit/s"
                );
                assert!(queued_ms < 150.max(before_ms + 50), "{before_ms} {queued_ms}");
                assert!(lost <= lost_before + 50, "{lost_before} {lost}");
                assert!(probes <= 4, "{probes}");
            }
        }
    }
}
