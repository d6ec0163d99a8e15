//! Who sends less than the network bears.

mod network;

use network::{Media, Network, Reading, Way};

#[test]
fn voice_alone_keeps_the_estimate() {
    for seed in 0..10 {
        let mut network = Network::new(300, Way::default(), Media::Voice, seed);
        network.desire(48);
        let (least, _, most) = network.range(120_000);
        assert_eq!((least, most, network.probe_bytes), (300, 300, 0));
    }
}

#[test]
fn voice_alone_with_jitter_does_not_lose_it() {
    for seed in 0..10 {
        let way = Way {
            jitter_us: 30_000,
            ..Way::default()
        };
        let mut network = Network::new(300, way, Media::Voice, seed);
        network.desire(48);
        let (least, _, most) = network.range(120_000);
        println!("{least} to {most}");
        assert!(least >= 140 && most == 300, "{least} {most}");
    }
}

#[test]
fn nothing_is_probed_without_a_wish() {
    let mut network = Network::new(300, Way::default(), Media::Even { most_kbps: 200 }, 1);
    network.run(60_000);
    network.desire(2_000);
    network.desire(0);
    network.run(10_000);
    assert_eq!(network.probe_bytes, 0);
    assert!(network.kbps() <= 350, "{}", network.kbps());
}

#[test]
fn what_is_wished_is_found_although_less_is_sent_and_then_nothing_is_probed() {
    let mut network = Network::new(300, Way::default(), Media::Even { most_kbps: 200 }, 1);
    network.desire(2_000);
    let found = network.run_until(2_400, 5_000);
    println!("found after {found:?}");
    assert!(found.is_some_and(|ms| ms <= 1_500), "{found:?}");
    network.run(500);
    let probed = network.probe_bytes;
    let (least, _, most) = network.range(120_000);
    assert_eq!(network.probe_bytes, probed);
    assert!(least >= 2_400 && most <= 3_200, "{least} {most}");
    network.desire(4_000);
    let found = network.run_until(4_000, 5_000);
    println!("more found after {found:?}");
    assert!(found.is_some_and(|ms| ms <= 1_000), "{found:?}");
}

/// Layers are large steps: what is sent may be far below the estimate, and more does not fit.
#[test]
fn probing_in_vain_costs_little() {
    let way = Way {
        kbps: 1_000,
        ..Way::default()
    };
    let mut network = Network::new(300, way, Media::Even { most_kbps: 400 }, 1);
    network.desire(3_000);
    network.run(5_000);
    let probed = network.probe_bytes;
    let (least, mean, most) = network.range(60_000);
    let kbps = (network.probe_bytes - probed) * 8 / 60_000;
    println!(
        "{least} to {most}, mean {mean}; probes {kbps} kbit/s, queued {} ms",
        network.queued_ms(5_000)
    );
    assert!(kbps <= 20, "{kbps}");
    assert!(least >= 700 && most <= 1_050, "{least} {most}");
}

/// The machine of the receiver is busy: packets and feedback come in clumps, with gaps of up to 200 ms.
#[test]
fn a_busy_receiver_on_a_good_network_keeps_its_pictures() {
    for seed in 0..20 {
        for media in [
            Media::Even { most_kbps: 2_500 },
            Media::Frames { most_kbps: 2_500 },
        ] {
            let mut network = Network::new(
                300,
                Way {
                    kbps: 20_000,
                    ..Way::default()
                },
                media,
                seed,
            );
            network.desire(2_500);
            network.run(5_000);
            network.way.reading = Reading::Late;
            let (least, mean, most) = network.range(60_000);
            println!("{media:?}: {least} to {most}, mean {mean}");
            assert!(least >= 2_000, "{least}");
        }
    }
}

#[test]
fn a_receiver_that_was_busy_from_the_start_is_found_too() {
    for seed in 0..20 {
        for media in [
            Media::Even { most_kbps: 2_500 },
            Media::Frames { most_kbps: 2_500 },
        ] {
            let way = Way {
                kbps: 20_000,
                reading: Reading::Late,
                ..Way::default()
            };
            let mut network = Network::new(300, way, media, seed);
            network.desire(2_500);
            let found = network.run_until(2_500, 30_000);
            let (least, mean, most) = network.range(30_000);
            println!("probes: {}", network.probe_kbps());
            println!("{media:?}: found after {found:?}, then {least} to {most}, mean {mean}");
            assert!(found.is_some_and(|ms| ms <= 3_000), "{found:?}");
            assert!(network.probe_kbps() <= 80, "{}", network.probe_kbps());
        }
    }
}

/// That it is busy must not hide that its network is weak.
#[test]
fn a_busy_receiver_on_a_weak_network_is_not_flooded() {
    for seed in 0..10 {
        // A key frame alone takes 300 ms of such a link.
        let medias = [
            (Media::Even { most_kbps: 2_500 }, 300),
            (Media::Frames { most_kbps: 2_500 }, 450),
        ];
        for (media, most_ms) in medias {
            let way = Way {
                kbps: 1_000,
                reading: Reading::Late,
                ..Way::default()
            };
            let mut network = Network::new(300, way, media, seed);
            network.desire(2_500);
            network.run(5_000);
            let (least, mean, most) = network.range(55_000);
            let queued_ms = network.queued_ms(5_000);
            println!(
                "{media:?}: {least} to {most}, mean {mean}; queued {queued_ms}, probes {}",
                network.probe_kbps()
            );
            assert!((600..=1_000).contains(&mean), "{mean}");
            assert!(queued_ms < most_ms, "{queued_ms}");
        }
    }
}
