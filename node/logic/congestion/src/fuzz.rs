use crate::{Bitrate, Estimator};

/// Gives foreign bytes to an estimator that sends meanwhile, as feedback messages, each behind its length (one byte); for
/// fuzzers. Never returns anything but normally.
///
/// # Panics
/// If the estimate leaves what was sent behind.
pub fn fuzz_feedback(bytes: &[u8]) {
    let mut bytes = bytes;
    let mut now_us = 0;
    let mut estimator = Estimator::new(Bitrate::from_kbps(300), now_us);
    estimator.handle_desired(Bitrate::from_kbps(2_000), now_us);
    while let Some((length, rest)) = bytes.split_first() {
        let (fci, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        bytes = rest;
        for _ in 0..10 {
            estimator.handle_sent(1_000, now_us);
            while let Some(bytes) = estimator.poll_probe(now_us) {
                estimator.handle_sent_probe(bytes, now_us);
            }
            now_us += 4_000;
        }
        estimator.handle_timeout(now_us);
        let _refused = estimator.handle_feedback(fci, now_us);
        let estimate = estimator.poll_estimate().unwrap_or_default();
        assert!(estimate.as_kbps() <= 6_000, "2,000 were sent, and 2,600 tried");
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn foreign_feedback_does_no_harm(bytes in vec(any::<u8>(), 0..600)) {
            super::fuzz_feedback(&bytes);
        }

        /// Numbers and counts that were sent, with any times.
        #[test]
        fn feedback_that_lies_does_no_harm(
            messages in vec((0..200_u8, 1..60_u8, any::<[u8; 3]>(), vec(any::<u8>(), 0..100)), 0..60),
        ) {
            let mut bytes = Vec::new();
            for (base, count, [first, second, third], tail) in messages {
                bytes.extend([8 + tail.len() as u8, 0, base, 0, count, first, second, third, 0]);
                bytes.extend(tail);
            }
            super::fuzz_feedback(&bytes);
        }
    }
}
