//! When an estimate that leaves out pictures is not believed any longer.
//!
//! An estimate learns from what is sent. A receiver whose pictures are all paused is sent next to nothing, so its
//! estimate falls further, and stays low when its network has long recovered, or was never weak: a machine that was busy
//! for a moment looks the same. So the estimation begins anew now and then, with probes of a few packets that a voice
//! does not suffer from as it would from pictures; less often the more it was in vain.

use crate::Kbps;

/// The first time comes after this, in milliseconds.
const FIRST_MS: u64 = 1_000;
/// The longest wait between two.
const LONGEST_MS: u64 = 30_000;
/// How long an estimation that began anew may think too well of the network.
const LEARNS_MS: u64 = 2_000;
/// From this share of what the only picture needs, in percent, it is sent all the same: where single packets are lost an
/// estimate is too low, and where it is right it falls further. Of several, those that fit are sent.
const NEARLY: u64 = 60;

/// One receiver's doubts.
#[derive(Debug, Default)]
pub struct Resume {
    /// While not everything fits: when the estimation begins anew next.
    next_ms: Option<u64>,
    learns_until_ms: u64,
    in_vain: u32,
}

impl Resume {
    /// `smallest`: what all pictures need, each in its smallest layer. Gives whether the estimation is to begin anew.
    pub fn handle_estimate(&mut self, estimate: Kbps, smallest: Kbps, now_ms: u64) -> bool {
        if estimate >= smallest {
            if now_ms >= self.learns_until_ms {
                self.in_vain = 0;
            }
            self.next_ms = None;
            return false;
        }
        let wait_ms = FIRST_MS.saturating_mul(1 << self.in_vain.min(16)).min(LONGEST_MS);
        let next_ms = *self.next_ms.get_or_insert(now_ms.saturating_add(wait_ms));
        if now_ms < next_ms {
            return false;
        }
        self.learns_until_ms = now_ms.saturating_add(LEARNS_MS);
        self.next_ms = None;
        self.in_vain += 1;
        true
    }
}

/// What may be sent by an `estimate`: enough for the only picture where that nearly fits. `smallest`: what all pictures
/// need, each in its smallest layer, with all sounds.
pub fn allowed(estimate: Kbps, smallest: Kbps, pictures: usize) -> Kbps {
    let nearly_fits = u64::from(estimate.0) * 100 >= u64::from(smallest.0) * NEARLY;
    if pictures == 1 && nearly_fits {
        estimate.max(with_headroom(smallest))
    } else {
        estimate
    }
}

/// So much that something that needs this is sent.
pub fn with_headroom(needed: Kbps) -> Kbps {
    Kbps(needed.0.saturating_mul(5) / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds in which the estimation begins anew.
    fn begins(resume: &mut Resume, seconds: std::ops::Range<u64>) -> Vec<u64> {
        seconds
            .filter(|second| resume.handle_estimate(Kbps(50), Kbps(100), second * 1_000))
            .collect()
    }

    #[test]
    fn it_begins_anew_less_often_while_that_is_in_vain() {
        let mut resume = Resume::default();
        assert_eq!(begins(&mut resume, 0..40), [1, 4, 9, 18, 35]);
        assert_eq!(begins(&mut resume, 40..140), [66, 97, 128]);
    }

    #[test]
    fn what_fits_is_forgiven() {
        let mut resume = Resume::default();
        begins(&mut resume, 0..100);
        assert!(!resume.handle_estimate(Kbps(100), Kbps(100), 200_000));
        assert_eq!(begins(&mut resume, 201..204), [202]);
    }

    #[test]
    fn what_fits_until_the_estimation_has_learned_counts_as_in_vain() {
        let mut resume = Resume::default();
        assert_eq!(begins(&mut resume, 0..2), [1]);
        assert!(!resume.handle_estimate(Kbps(100), Kbps(100), 2_000));
        assert_eq!(begins(&mut resume, 3..7), [5]);
    }

    #[test]
    fn the_only_picture_is_sent_where_it_nearly_fits() {
        assert_eq!(allowed(Kbps(60), Kbps(100), 1), Kbps(125));
        assert_eq!(allowed(Kbps(59), Kbps(100), 1), Kbps(59));
        assert_eq!(allowed(Kbps(60), Kbps(100), 2), Kbps(60));
    }

    #[test]
    fn the_only_picture_may_be_as_large_as_fits() {
        assert_eq!(allowed(Kbps(2_000), Kbps(100), 1), Kbps(2_000));
    }
}
