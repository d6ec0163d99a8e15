//! When a node is lost, as the pages decide it (`node/web-ui`: `meeting/heart.ts`).

use std::time::{Duration, Instant};

/// Pings go out this often.
pub(crate) const BEAT: Duration = Duration::from_millis(250);
/// Without a message and without media for so long, a node is lost.
const LOST: Duration = Duration::from_secs(1);
/// So long a socket may be silent while media comes.
const SOCKET_LOST: Duration = Duration::from_secs(4);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Alive,
    /// The node is.
    Lost,
    /// Only the socket is.
    Silent,
}

/// `heard`: the last message; `flowed`: the last packet of media.
pub(crate) fn judge(heard: Instant, flowed: Option<Instant>, now: Instant) -> Verdict {
    let quiet = now.saturating_duration_since(heard);
    let still = flowed.map_or(quiet, |flowed| now.saturating_duration_since(flowed));
    if quiet < LOST {
        Verdict::Alive
    } else if still >= LOST {
        Verdict::Lost
    } else if quiet >= SOCKET_LOST {
        Verdict::Silent
    } else {
        Verdict::Alive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_lost_without_messages_and_media() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(judge(start, None, at(999)), Verdict::Alive);
        assert_eq!(judge(start, None, at(1_000)), Verdict::Lost);
        assert_eq!(judge(start, Some(at(500)), at(1_499)), Verdict::Alive);
        assert_eq!(judge(start, Some(at(500)), at(1_500)), Verdict::Lost);
        assert_eq!(judge(start, Some(at(3_900)), at(4_000)), Verdict::Silent);
    }
}
