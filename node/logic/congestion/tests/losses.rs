//! Losses by chance starve nobody; many losses lower the estimate.

mod network;

use network::{MS, Media, Network, Way};

fn lossy(lost_percent: u64, seed: u64) -> Network {
    let way = Way {
        kbps: 3_000,
        delay_us: 40 * MS,
        lost_percent,
        ..Way::default()
    };
    let mut network = Network::new(300, way, Media::Even { most_kbps: 2_500 }, seed);
    network.desire(2_500);
    network
}

#[test]
fn one_packet_in_twenty_starves_nobody() {
    for seed in 0..10 {
        let mut network = lossy(5, seed);
        network.run(5_000);
        let (least, mean, most) = network.range(55_000);
        println!(
            "{least} to {most}, mean {mean}; loss {:.3}",
            network.estimator.loss()
        );
        assert!(least >= 1_800, "{least}");
    }
}

#[test]
fn three_packets_in_ten_lower_the_estimate() {
    for seed in 0..10 {
        let mut network = lossy(0, seed);
        network.run(5_000);
        let before = network.kbps();
        network.way.lost_percent = 30;
        network.run(5_000);
        let after = network.kbps();
        println!(
            "{before}, after 5 s {after}; loss {:.3}",
            network.estimator.loss()
        );
        assert!(after < before / 2, "{before} {after}");
        network.way.lost_percent = 0;
        let found = network.run_until(2_500, 20_000);
        println!("found again after {found:?}");
        assert!(found.is_some_and(|ms| ms <= 12_000), "{found:?}");
    }
}
