use super::{MS, Network};

/// When somebody comes to its work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turns {
    AtOnce,
    /// Each so many milliseconds.
    Each(u64),
    /// Each 20 to 40 ms, and now and then not for 100 to 200 ms.
    Late,
    /// Each 1 to 15 ms, and more than three times a second not for 50 to 300 ms: more than half of the time.
    Busy,
}

impl Network {
    /// Until the next turn.
    pub(super) fn wait_us(&mut self, turns: Turns) -> u64 {
        match turns {
            Turns::AtOnce => 0,
            Turns::Each(ms) => ms * MS,
            Turns::Late if self.random(20) == 0 => 100 * MS + self.random(100 * MS),
            Turns::Late => 20 * MS + self.random(20 * MS),
            Turns::Busy if self.random(15) == 0 => 50 * MS + self.random(250 * MS),
            Turns::Busy => MS + self.random(14 * MS),
        }
    }
}
