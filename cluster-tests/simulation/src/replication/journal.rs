//! What happened, for people and as a digest.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Shared by everything in a run.
pub(crate) struct Journal {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    digest: u64,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// Virtual milliseconds since the start.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn say(&self, line: impl Into<String>) {
        let line = format!("{:>7} ms  {}", self.now_ms(), line.into());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.digest = mix(state.digest, line.as_bytes());
        state.lines.push(line);
    }

    /// Counts for the digest, without words.
    pub(crate) fn note(&self, numbers: &[u64]) {
        let now = self.now_ms();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.digest = mix(state.digest, &now.to_le_bytes());
        for number in numbers {
            state.digest = mix(state.digest, &number.to_le_bytes());
        }
    }

    pub(crate) fn close(&self) -> (Vec<String>, u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut state.lines), state.digest)
    }
}

/// FNV-1a, continued from `start`.
pub(crate) fn mix(start: u64, bytes: &[u8]) -> u64 {
    let start = start ^ 0xcbf2_9ce4_8422_2325;
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
