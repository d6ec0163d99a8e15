//! When to try again what an estimate says does not fit.
//!
//! An estimate learns from what is sent. A receiver whose pictures are all paused is sent next to nothing, so its
//! estimate stays low when its network has long recovered, or was never weak: a machine that was busy for a moment
//! looks the same. So the smallest pictures are sent now and then for a moment, less often the more it was in vain.

use crate::Kbps;

/// The first try comes after this, in milliseconds.
const FIRST_MS: u64 = 1_000;
/// The longest wait between tries.
const LONGEST_MS: u64 = 30_000;
/// From this share of what the only picture needs, in percent, it is sent all the same: where single packets are lost an
/// estimate is too low, and where it is right it falls further. Of several, those that fit are sent.
const NEARLY: u64 = 60;
/// How long a try takes: an estimate follows within some round trips.
const TRY_MS: u64 = 2_000;

/// One receiver's tries.
#[derive(Debug, Default)]
pub struct Resume {
    /// While not everything fits: when the next try begins.
    next_ms: Option<u64>,
    until_ms: u64,
    tries: u32,
}

impl Resume {
    /// `smallest`: what so many pictures need, each in its smallest layer. Gives whether they are to be sent although
    /// they do not fit.
    pub fn handle_estimate(&mut self, estimate: Kbps, smallest: Kbps, pictures: usize, now_ms: u64) -> bool {
        let fits = estimate >= smallest;
        let nearly = u64::from(estimate.0) * 100 >= u64::from(smallest.0) * NEARLY;
        if !fits && nearly && pictures == 1 {
            return true;
        }
        if fits {
            // What fits outside of a try fits by itself.
            if now_ms >= self.until_ms {
                self.tries = 0;
            }
            self.next_ms = None;
            return false;
        }
        if now_ms < self.until_ms {
            return true;
        }
        let wait_ms = FIRST_MS.saturating_mul(1 << self.tries.min(16)).min(LONGEST_MS);
        let next_ms = *self.next_ms.get_or_insert(now_ms.saturating_add(wait_ms));
        if now_ms < next_ms {
            return false;
        }
        self.until_ms = now_ms.saturating_add(TRY_MS);
        self.next_ms = None;
        self.tries += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds in which pictures are sent though they do not fit.
    fn tries(resume: &mut Resume, seconds: std::ops::Range<u64>) -> Vec<u64> {
        seconds
            .filter(|second| resume.handle_estimate(Kbps(50), Kbps(100), 1, second * 1_000))
            .collect()
    }

    #[test]
    fn tries_become_rarer_while_they_are_in_vain() {
        let mut resume = Resume::default();
        assert_eq!(tries(&mut resume, 0..20), [1, 2, 5, 6, 11, 12]);
        let many = tries(&mut resume, 20..600);
        let begins: Vec<u64> = many
            .windows(2)
            .filter(|two| two[1] > two[0] + 1)
            .map(|two| two[1])
            .collect();
        assert!(begins.windows(2).all(|two| two[1] - two[0] <= 33), "{begins:?}");
        assert!(many.len() < 60, "{many:?}");
    }

    #[test]
    fn what_fits_is_forgiven() {
        let mut resume = Resume::default();
        tries(&mut resume, 0..100);
        assert!(!resume.handle_estimate(Kbps(100), Kbps(100), 1, 200_000));
        assert_eq!(tries(&mut resume, 201..204), [202, 203]);
    }

    #[test]
    fn the_only_picture_is_sent_where_it_nearly_fits() {
        let mut resume = Resume::default();
        let sent =
            |resume: &mut Resume, kbps, pictures| resume.handle_estimate(Kbps(kbps), Kbps(100), pictures, 0);
        assert!(sent(&mut resume, 60, 1));
        assert!(!sent(&mut resume, 59, 1));
        assert!(!sent(&mut resume, 60, 2));
    }
}
