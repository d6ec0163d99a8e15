//! Feedback that does not come, comes twice or out of order; numbers and clocks that wrap around.

mod network;

use network::{MS, Media, Network, Way};

fn network(way: Way, seed: u64) -> Network {
    let mut network = Network::new(300, way, Media::Even { most_kbps: 2_500 }, seed);
    network.desire(2_500);
    network
}

#[test]
fn a_network_that_is_gone_for_half_a_minute_is_found_again() {
    for seed in 0..10 {
        let mut network = network(
            Way {
                kbps: 5_000,
                ..Way::default()
            },
            seed,
        );
        network.run(5_000);
        network.way.kbps = 0;
        network.run(4_000);
        assert!(network.kbps() < 2_000, "{}", network.kbps());
        network.run(26_000);
        assert!(network.kbps() <= 20, "{}", network.kbps());
        network.way.kbps = 5_000;
        let found = network.run_until(2_500, 20_000);
        println!("found again after {found:?}");
        assert!(found.is_some_and(|ms| ms <= 5_000), "{found:?}");
        let (least, mean, most) = network.range(20_000);
        println!("then {least} to {most}, mean {mean}");
        assert!(least >= 1_800, "{least}");
    }
}

#[test]
fn lost_doubled_and_reordered_feedback_is_borne() {
    for seed in 0..10 {
        let way = Way {
            kbps: 5_000,
            feedback_us: 50 * MS,
            feedback_lost_percent: 30,
            feedback_doubled_percent: 20,
            feedback_jitter_us: 120 * MS,
            ..Way::default()
        };
        let mut network = network(way, seed);
        let found = network.run_until(2_500, 20_000);
        let (least, mean, most) = network.range(40_000);
        println!("found after {found:?}, then {least} to {most}, mean {mean}");
        assert!(found.is_some_and(|ms| ms <= 5_000), "{found:?}");
        assert!(least >= 2_000, "{least}");
    }
}

#[test]
fn a_clock_that_wraps_around_and_numbers_that_do_change_nothing() {
    let mut network = network(Way::default(), 1);
    // The reference time wraps around after 30 s, the numbers after some minutes.
    network.clock_us = (1 << 24) * 64 * MS as i64 - 30_000_000;
    network.run(5_000);
    let (least, _, most) = network.range(395_000);
    println!("{least} to {most}");
    assert!(least >= 2_500 && most <= 4_000, "{least} {most}");
}

#[test]
fn a_clock_that_is_set_changes_nothing() {
    for jump_us in [
        -500_000_000_i64,
        500_000_000,
        -20_000_000,
        20_000_000,
        -300_000,
        300_000,
    ] {
        let mut network = network(Way::default(), 1);
        network.run(5_000);
        network.clock_us += jump_us;
        let (least, _, most) = network.range(20_000);
        println!("{jump_us}: {least} to {most}");
        assert!(least >= 2_000, "{jump_us}: {least}");
    }
}

#[test]
fn another_network_is_learned_after_a_reset() {
    let mut network = network(
        Way {
            kbps: 500,
            ..Way::default()
        },
        1,
    );
    network.run(20_000);
    assert!(network.kbps() < 600);
    network.way.kbps = 5_000;
    let now_us = network.now_us;
    network
        .estimator
        .reset(plenary_congestion::Bitrate::from_kbps(300), now_us);
    let found = network.run_until(2_500, 20_000);
    println!("found after {found:?}");
    assert!(found.is_some_and(|ms| ms <= 1_500), "{found:?}");
}

#[test]
fn the_round_trip_is_measured() {
    let mut network = network(
        Way {
            delay_us: 80 * MS,
            ..Way::default()
        },
        1,
    );
    assert_eq!(network.estimator.rtt(), None);
    network.run(10_000);
    let rtt = network.estimator.rtt().expect("measured").as_millis();
    assert!((160..200).contains(&rtt), "{rtt}");
}
