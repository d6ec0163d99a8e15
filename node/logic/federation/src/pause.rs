//! How long a server waits before it tells a partner again.

/// The first pause, and the longest, in milliseconds.
const FIRST_MS: u64 = 1_000;
const LONGEST_MS: u64 = 600_000;

/// Milliseconds to wait after so many failures in a row: 1 s, twice as long each time, 10 min at most; of that a random part is
/// left out, up to a half, so that many servers do not come at the same moment.
pub fn pause_ms(failures: u32, random: u32) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    let full = (FIRST_MS << doublings).min(LONGEST_MS);
    full - full / 2 * u64::from(random) / u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_minutes_and_are_never_shorter_than_half() {
        for (failures, full) in [
            (1, 1_000),
            (2, 2_000),
            (5, 16_000),
            (10, 512_000),
            (11, 600_000),
            (u32::MAX, 600_000),
        ] {
            assert_eq!(pause_ms(failures, 0), full);
            assert_eq!(pause_ms(failures, u32::MAX), full / 2);
        }
        assert_eq!(pause_ms(0, 0), 1_000);
    }
}
