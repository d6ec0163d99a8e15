/// What one client may cost, and how long is waited for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest message of the client, in bytes of UTF-8.
    pub message_bytes: usize,
    /// Most messages that are kept until they are acknowledged.
    pub kept_messages: usize,
    /// Most bytes of messages that are kept until they are acknowledged.
    pub kept_bytes: usize,
    /// Silence after which a side pings; three times that and it closes.
    pub heartbeat_ms: u64,
    /// How long the hello may take.
    pub hello_ms: u64,
    /// How long a run waits for its client after a cut. The contract leaves it to the node.
    pub resume_for_ms: u64,
    /// How long after a cut the user still counts as present, so that a short cut is not shown to others.
    pub absent_after_ms: u64,
    /// Most messages at once after a pause; as many as a client keeps, so that a replay fits.
    pub burst_messages: u64,
    /// Messages a second in the long run.
    pub messages_per_s: u64,
    /// Most bytes at once after a pause.
    pub burst_bytes: u64,
    /// Bytes a second in the long run.
    pub bytes_per_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 256 * 1024,
            kept_messages: 1_000,
            kept_bytes: 1024 * 1024,
            heartbeat_ms: 10_000,
            hello_ms: 5_000,
            resume_for_ms: 60_000,
            absent_after_ms: 5_000,
            burst_messages: 1_000,
            messages_per_s: 50,
            burst_bytes: 2 * 1024 * 1024,
            bytes_per_s: 256 * 1024,
        }
    }
}

/// A bucket that fills with time and is emptied by what comes in.
#[derive(Debug)]
pub(crate) struct Bucket {
    capacity: u64,
    per_s: u64,
    /// In thousandths, so that short pauses count.
    left: u64,
    at_ms: u64,
}

impl Bucket {
    pub(crate) fn new(capacity: u64, per_s: u64, now_ms: u64) -> Self {
        Self {
            capacity,
            per_s,
            left: capacity.saturating_mul(1_000),
            at_ms: now_ms,
        }
    }

    /// Takes `amount` out; false if there was not so much.
    pub(crate) fn take(&mut self, amount: u64, now_ms: u64) -> bool {
        let passed = now_ms.saturating_sub(self.at_ms);
        let filled = self.left.saturating_add(passed.saturating_mul(self.per_s));
        self.left = filled.min(self.capacity.saturating_mul(1_000));
        self.at_ms = self.at_ms.max(now_ms);
        match self.left.checked_sub(amount.saturating_mul(1_000)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(3, 2, 0);
        assert!((0..3).all(|_| bucket.take(1, 0)));
        assert!(!bucket.take(1, 499));
        assert!(bucket.take(1, 500));
        assert!(!bucket.take(1, 500));
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let mut bucket = Bucket::new(3, 2, 0);
        assert!(!bucket.take(4, u64::MAX));
        assert!(bucket.take(3, u64::MAX));
        assert!(!bucket.take(1, 0));
    }
}
