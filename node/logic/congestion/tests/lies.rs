//! Receivers that lie, or are broken, get no more than probes could justify, and take no more memory.

mod network;

use network::write;
use plenary_congestion::{Bitrate, Estimator};
use proptest::{collection::vec, prelude::*};

/// Sends 1 Mbit/s and what probes want for a minute; `message` answers each 100 ms, by the numbers sent since and the
/// time.
/// Gives the highest estimate in kbit/s.
fn lied_to(mut message: impl FnMut(&[u16], u64) -> Vec<u8>) -> u64 {
    let mut estimator = Estimator::new(Bitrate::from_kbps(300), 0);
    estimator.handle_desired(Bitrate::from_kbps(3_000), 0);
    let mut most = 0;
    let mut numbers = Vec::new();
    for ms in 0..60_000 {
        let now_us = ms * 1_000;
        if estimator.poll_timeout().is_some_and(|due_us| due_us <= now_us) {
            estimator.handle_timeout(now_us);
        }
        while let Some(size) = estimator.poll_probe(now_us) {
            numbers.push(estimator.handle_sent_probe(size, now_us));
        }
        if ms % 8 == 0 {
            numbers.push(estimator.handle_sent(1_000, now_us));
        }
        if ms % 100 == 99 {
            let message = message(&numbers, now_us);
            assert!(estimator.handle_feedback(&message, now_us).is_ok());
            numbers.clear();
        }
        most = most.max(estimator.estimate().as_kbps());
    }
    most
}

fn all_at(numbers: &[u16], at_us: impl Fn(usize) -> i64) -> Vec<u8> {
    let arrivals: Vec<_> = (0..numbers.len()).map(|index| Some(at_us(index))).collect();
    write(numbers[0], 0, &arrivals)
}

/// What probes tried at most, in kbit/s: what is desired and 30 %.
const TRIED: u64 = 3_900;

#[test]
fn times_that_are_made_up_earn_no_more_than_was_tried() {
    let at_one_moment = |numbers: &[u16], now_us: u64| all_at(numbers, |_| now_us as i64);
    let never = |numbers: &[u16], _: u64| all_at(numbers, |_| 0);
    let to_and_fro = |numbers: &[u16], _: u64| all_at(numbers, |index| [0, -8_191_000][index % 2]);
    let wild = |numbers: &[u16], now_us: u64| {
        all_at(numbers, |index| now_us as i64 * 1_000 + index as i64 * 8_000_000)
    };
    let too_fast = |numbers: &[u16], now_us: u64| all_at(numbers, |index| now_us as i64 / 2 + index as i64);
    let backwards =
        |numbers: &[u16], now_us: u64| all_at(numbers, |index| -(now_us as i64) - 250 * index as i64);
    let most = [
        lied_to(at_one_moment),
        lied_to(never),
        lied_to(to_and_fro),
        lied_to(wild),
        lied_to(too_fast),
        lied_to(backwards),
    ];
    println!("{most:?} kbit/s");
    assert!(most.iter().all(|most| *most <= TRIED), "{most:?}");
}

#[test]
fn without_probes_it_is_little_more_than_was_sent() {
    let mut estimator = Estimator::new(Bitrate::from_kbps(300), 0);
    let mut numbers = Vec::new();
    for ms in 0..60_000_u64 {
        if ms % 8 == 0 {
            numbers.push(estimator.handle_sent(1_000, ms * 1_000));
        }
        if ms % 100 == 99 {
            // All of it in a millisecond, which is a hundred times as fast as it was sent.
            let message = all_at(&numbers, |index| ms as i64 * 1_000 + 30 * index as i64);
            assert!(estimator.handle_feedback(&message, ms * 1_000).is_ok());
            numbers.clear();
        }
        assert!(
            estimator.estimate().as_kbps() <= 2_000,
            "{:?}",
            estimator.estimate()
        );
    }
}

#[test]
fn what_was_never_sent_changes_nothing() {
    let most = lied_to(|numbers, now_us| {
        let arrivals: Vec<_> = (0..300).map(|index| Some(now_us as i64 + index)).collect();
        write(numbers[numbers.len() - 1].wrapping_add(1), 0, &arrivals)
    });
    assert_eq!(most, 300);
}

#[test]
fn everything_at_once_costs_little_and_earns_little() {
    let most = lied_to(|numbers, _| {
        let base = numbers[0].wrapping_sub(40_000);
        let mut message = base.to_be_bytes().to_vec();
        message.extend([0xff, 0xff, 0, 0, 0, 0]);
        message.extend([0x1f, 0xff].repeat(9));
        message
    });
    println!("{most} kbit/s");
    assert!(most <= 300, "everything was lost: {most}");
}

#[test]
fn a_receiver_takes_less_than_eleven_kilobytes() {
    let history = 8 * 1_024;
    println!("{} and {history} bytes", size_of::<Estimator>());
    assert!(
        size_of::<Estimator>() + history <= 11 * 1_024,
        "{}",
        size_of::<Estimator>()
    );
}

#[test]
fn bad_messages_change_nothing() {
    let mut estimator = Estimator::new(Bitrate::from_kbps(300), 0);
    estimator.handle_sent(1_000, 0);
    let before = format!("{estimator:?}");
    for message in [
        &[][..],
        &[0; 7],
        &[0; 8],
        &[0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1, 0, 0],
        &[0, 0, 0, 2, 0, 0, 0, 0, 0x20, 2, 0],
    ] {
        assert!(estimator.handle_feedback(message, 1_000).is_err());
    }
    assert_eq!(format!("{estimator:?}"), before);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_leave_an_estimate_within_bounds(messages in vec(vec(any::<u8>(), 0..80), 0..100)) {
        let mut messages = messages.into_iter().cycle();
        if let Some(first) = messages.next() {
            let mut estimator = Estimator::new(Bitrate::from_kbps(300), 0);
            estimator.handle_desired(Bitrate::from_kbps(3_000), 0);
            for step in 0..200 {
                let now_us = step * 50_000;
                for _ in 0..6 {
                    estimator.handle_sent(1_000, now_us);
                }
                let message = messages.next().unwrap_or_else(|| first.clone());
                let _refused = estimator.handle_feedback(&message, now_us);
                let kbps = estimator.estimate().as_kbps();
                prop_assert!((10..=3_900).contains(&kbps), "{}", kbps);
            }
        }
    }
}
