use crate::LockoutPolicy;
use plenary_model::Timestamp;
use serde::{Deserialize, Serialize};

/// Wrong passwords of one account in a row (USR-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failures {
    pub count: u32,
    pub last_at: Timestamp,
}

/// What a wrong password leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Counted(Failures),
    /// The account is locked until then; counting starts anew after that.
    Locked(Timestamp),
}

/// Counts one wrong password given at `now`, by §14.11.2 of the guide: attempts that are less than the window
/// apart add up; after a gap of the window or more the count starts again at one; the last allowed attempt locks.
pub fn wrong_password(policy: &LockoutPolicy, before: Option<Failures>, now: Timestamp) -> Verdict {
    let recent =
        before.filter(|failures| now.since_ms(failures.last_at) < policy.window_s.saturating_mul(1000));
    let count = recent.map_or(0, |failures| failures.count).saturating_add(1);
    if policy.enabled && count >= policy.attempts {
        return Verdict::Locked(now.plus_ms(policy.duration_s.saturating_mul(1000)));
    }
    Verdict::Counted(Failures { count, last_at: now })
}

/// The lock that is in force at `now`, if any.
pub fn lock_in_force(locked_until: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    locked_until.filter(|until| *until > now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000;

    /// The guide's example: 5 attempts, window 10 minutes, locked for 6 hours.
    fn guide() -> LockoutPolicy {
        LockoutPolicy {
            enabled: true,
            duration_s: 6 * 3600,
            attempts: 5,
            window_s: 600,
        }
    }

    fn run(policy: &LockoutPolicy, times: &[u64]) -> Verdict {
        let mut failures = None;
        let mut last = Verdict::Counted(Failures::default());
        for time in times {
            last = wrong_password(policy, failures, Timestamp(*time));
            failures = match last {
                Verdict::Counted(failures) => Some(failures),
                Verdict::Locked(_) => None,
            };
        }
        last
    }

    #[test]
    fn five_attempts_less_than_ten_minutes_apart_lock_for_six_hours() {
        let times: Vec<u64> = (0..5).map(|n| n * 9 * MINUTE).collect();
        assert_eq!(
            run(&guide(), &times),
            Verdict::Locked(Timestamp(36 * MINUTE + 6 * 60 * MINUTE))
        );
    }

    #[test]
    fn a_gap_of_the_window_starts_again_at_one() {
        let times = [0, MINUTE, 2 * MINUTE, 3 * MINUTE, 13 * MINUTE];
        assert_eq!(
            run(&guide(), &times),
            Verdict::Counted(Failures {
                count: 1,
                last_at: Timestamp(13 * MINUTE)
            })
        );
        let just_less = [0, MINUTE, 2 * MINUTE, 3 * MINUTE, 13 * MINUTE - 1];
        assert!(matches!(run(&guide(), &just_less), Verdict::Locked(_)));
    }

    #[test]
    fn a_policy_that_is_off_never_locks() {
        let policy = LockoutPolicy {
            enabled: false,
            ..guide()
        };
        assert!(matches!(
            run(&policy, &[0; 100]),
            Verdict::Counted(Failures { count: 100, .. })
        ));
    }

    proptest! {
        #[test]
        fn a_lock_needs_as_many_attempts_within_their_windows(
            gaps in prop::collection::vec(0u64..1_200_000, 1..40), attempts in 1u32..10,
        ) {
            let policy = LockoutPolicy { attempts, ..guide() };
            let (mut now, mut chain, mut failures) = (0, 0, None);
            for gap in gaps {
                now += gap;
                chain = if failures.is_some() && gap < 600_000 { chain + 1 } else { 1 };
                match wrong_password(&policy, failures, Timestamp(now)) {
                    Verdict::Counted(counted) => {
                        prop_assert!(chain < attempts);
                        prop_assert_eq!(counted.count, chain);
                        failures = Some(counted);
                    }
                    Verdict::Locked(until) => {
                        prop_assert_eq!(chain, attempts);
                        prop_assert_eq!(until, Timestamp(now + 6 * 3_600_000));
                        failures = None;
                    }
                }
            }
        }
    }
}
