//! What a link bears is found, and found again when it changes.

mod network;

use network::{MS, Media, Network, Way};

#[test]
fn a_fast_link_is_found_in_a_second_and_a_half() {
    for seed in 0..10 {
        let mut network = Network::new(300, Way::default(), Media::Even { most_kbps: 5_000 }, seed);
        network.desire(5_000);
        let found = network.run_until(5_000, 10_000);
        println!(
            "found after {found:?} ms, {} bytes of probes",
            network.probe_bytes
        );
        assert!(found.is_some_and(|ms| ms <= 1_500), "{found:?}");
        let (least, _, most) = network.range(20_000);
        println!("then {least} to {most}");
        assert!(least >= 5_000, "{least}");
    }
}

#[test]
fn a_link_of_a_megabit_is_used_without_a_long_queue() {
    for seed in 0..10 {
        let way = Way {
            kbps: 1_000,
            jitter_us: 3 * MS,
            ..Way::default()
        };
        let mut network = Network::new(300, way, Media::Even { most_kbps: 2_500 }, seed);
        network.desire(2_500);
        network.run(5_000);
        let (least, mean, most) = network.range(55_000);
        let queued_ms = network.queued_ms(5_000);
        println!(
            "{least} to {most}, mean {mean} kbit/s; queued {queued_ms} ms; probes {}",
            network.probe_bytes
        );
        assert!((700..=1_000).contains(&mean), "{mean}");
        assert!(queued_ms < 150, "{queued_ms}");
    }
}

#[test]
fn a_link_that_becomes_slow_and_fast_again_is_followed() {
    for seed in 0..10 {
        let way = Way {
            kbps: 1_000,
            jitter_us: 3 * MS,
            ..Way::default()
        };
        let mut network = Network::new(300, way, Media::Even { most_kbps: 2_500 }, seed);
        network.desire(2_500);
        network.run(10_000);
        network.way.kbps = 300;
        network.way.queue = 30_000;
        network.run(2_000);
        let after_2_s = network.kbps();
        let (least, mean, most) = network.range(18_000);
        println!("{after_2_s}, then {least} to {most}, mean {mean}");
        assert!(after_2_s < 400, "{after_2_s}");
        network.way.kbps = 3_000;
        let found = network.run_until(2_500, 20_000);
        println!("found again after {found:?}");
        assert!(found.is_some_and(|ms| ms <= 10_000), "{found:?}");
    }
}

#[test]
fn a_very_slow_link_is_not_flooded() {
    for seed in 0..10 {
        let way = Way {
            kbps: 64,
            jitter_us: 3 * MS,
            queue: 16_000,
            ..Way::default()
        };
        let mut network = Network::new(300, way, Media::Even { most_kbps: 2_500 }, seed);
        network.desire(2_500);
        network.run(3_000);
        let (least, mean, most) = network.range(57_000);
        println!(
            "{least} to {most}, mean {mean}; queued {} ms",
            network.queued_ms(5_000)
        );
        assert!(most <= 100, "{most}");
    }
}

#[test]
fn frames_sent_at_once_are_no_overuse() {
    for seed in 0..10 {
        let way = Way {
            kbps: 10_000,
            queue: 200_000,
            ..Way::default()
        };
        let mut network = Network::new(300, way, Media::Frames { most_kbps: 5_000 }, seed);
        network.desire(5_000);
        network.run(3_000);
        let (least, mean, most) = network.range(57_000);
        println!(
            "{least} to {most}, mean {mean}; queued {} ms",
            network.queued_ms(5_000)
        );
        assert!(mean >= 5_000 && least >= 3_000, "{least} {mean}");
    }
}

#[test]
fn a_long_way_takes_little_longer() {
    let way = Way {
        delay_us: 150 * MS,
        ..Way::default()
    };
    let mut network = Network::new(300, way, Media::Even { most_kbps: 5_000 }, 1);
    network.desire(5_000);
    let found = network.run_until(5_000, 10_000);
    println!("found after {found:?}");
    assert!(found.is_some_and(|ms| ms <= 2_000), "{found:?}");
}

#[test]
fn packets_that_overtake_each_other_are_no_overuse() {
    for seed in 0..10 {
        let way = Way {
            kbps: 20_000,
            jitter_us: 20 * MS,
            ..Way::default()
        };
        let mut network = Network::new(300, way, Media::Even { most_kbps: 2_500 }, seed);
        network.desire(2_500);
        let found = network.run_until(2_500, 10_000);
        let (least, mean, most) = network.range(60_000);
        println!("found after {found:?}; {least} to {most}, mean {mean}");
        assert!(found.is_some_and(|ms| ms <= 3_000), "{found:?}");
        assert!(least >= 2_500, "{least}");
    }
}

#[test]
fn a_sender_that_is_late_finds_what_it_may_send() {
    for sender_ms in [5, 10, 20] {
        for kbps in [1_000, 20_000] {
            let way = Way {
                kbps,
                sender_ms,
                ..Way::default()
            };
            let mut network = Network::new(300, way, Media::Even { most_kbps: 2_500 }, 1);
            network.desire(2_500);
            let found = network.run_until(2_500.min(kbps * 8 / 10), 20_000);
            let (least, mean, most) = network.range(60_000);
            println!(
                "{sender_ms} ms, {kbps} kbit/s: {found:?}; {least} to {most}, mean {mean}; queued {}",
                network.queued_ms(5_000)
            );
            assert!(found.is_some_and(|ms| ms <= 3_000), "{found:?}");
            assert!(network.probe_kbps() <= 20, "{}", network.probe_kbps());
        }
    }
}

#[test]
fn a_policer_that_lets_bursts_through_is_not_believed_for_long() {
    for seed in 0..5 {
        let way = Way {
            policed_kbps: Some(1_000),
            ..Way::default()
        };
        let mut network = Network::new(300, way, Media::Even { most_kbps: 2_500 }, seed);
        network.desire(2_500);
        let (least, mean, most) = network.range(120_000);
        let lost = network.lost_bytes * 1_000 / (network.media_bytes + network.probe_bytes);
        println!("{least} to {most}, mean {mean}; lost {lost} of 1,000");
        assert!(lost < 100, "{lost}");
    }
}
